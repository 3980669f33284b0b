// SPDX-License-Identifier: GPL-2.0-only
/*
 * Direct mapping of device memory for peer devices: the importer's side, and what
 * both sides count and trace.
 *
 * Locks, outermost first:
 *
 *	sb->s_umount, by who syncs, freezes or has the block device take back
 *	mm->mmap_lock
 *	sb_start_pagefault, tried only
 *	a handle of the filesystem's journal
 *	mapping->invalidate_lock
 *	folio lock
 *	device_map_file.revoke_lock	(fs/device_map.c)
 *	mapping->i_mmap_rwsem, and what importers' notifiers take
 *	device_map_file.lock		(fs/device_map.c)
 *	the block driver's own
 *
 * i_mmap_rwsem is taken below device_map_file.lock too, but there nothing that
 * notifies is called.
 */
#include <linux/debugfs.h>
#include <linux/device_map.h>
#include <linux/hmm.h>
#include <linux/mm.h>
#include <linux/mmu_notifier.h>
#include <linux/notifier.h>
#include <linux/pagemap.h>
#include <linux/seq_file.h>
#include <linux/userfaultfd_k.h>

#define CREATE_TRACE_POINTS
#include <trace/events/device_map.h>

/* Pages that are faulted in at once where a neighbour may still be mapped directly. */
#define DEVICE_MAP_FAULT_AROUND	16U

static const char * const device_map_counter_names[DEVICE_MAP_COUNTERS] = {
	[DEVICE_MAP_COUNT_MAPS] = "maps",
	[DEVICE_MAP_COUNT_PAGES] = "pages",
	[DEVICE_MAP_COUNT_REVOKES] = "revokes",
	[DEVICE_MAP_COUNT_REVOKED_PAGES] = "revoked_pages",
	[DEVICE_MAP_COUNT_UNMAPS] = "unmaps",
	[DEVICE_MAP_COUNT_SYNCS] = "syncs",
	[DEVICE_MAP_COUNT_WRITTEN_PAGES] = "written_pages",
	[DEVICE_MAP_COUNT_FILLED_PAGES] = "filled_pages",
	[DEVICE_MAP_COUNT_WINDOW_HITS] = "window_hits",
	[DEVICE_MAP_COUNT_RECLAIMED] = "reclaimed",
	[DEVICE_MAP_COUNT_REFUSED_EOPNOTSUPP] = "refused_EOPNOTSUPP",
	[DEVICE_MAP_COUNT_REFUSED_EBUSY] = "refused_EBUSY",
	[DEVICE_MAP_COUNT_REFUSED_ENXIO] = "refused_ENXIO",
	[DEVICE_MAP_COUNT_REFUSED_EREMOTEIO] = "refused_EREMOTEIO",
	[DEVICE_MAP_COUNT_REFUSED_ENOSPC] = "refused_ENOSPC",
	[DEVICE_MAP_COUNT_REFUSED_EACCES] = "refused_EACCES",
	[DEVICE_MAP_COUNT_REFUSED_EAGAIN] = "refused_EAGAIN",
	[DEVICE_MAP_COUNT_REFUSED_OTHER] = "refused_other",
};

static atomic_long_t device_map_counters[DEVICE_MAP_COUNTERS];
static struct dentry *device_map_directory;
static BLOCKING_NOTIFIER_HEAD(device_map_exporters);

/**
 * device_map_count() - add to a counter
 * @counter: which
 * @number: to add
 */
void device_map_count(enum device_map_counter counter, unsigned long number)
{
	atomic_long_add(number, &device_map_counters[counter]);
}
EXPORT_SYMBOL_GPL(device_map_count);

/**
 * device_map_debugfs() - the directory of everything about device mappings
 *
 * Return: the directory, which may be an error, as debugfs has it.
 */
struct dentry *device_map_debugfs(void)
{
	return device_map_directory;
}
EXPORT_SYMBOL_GPL(device_map_debugfs);

static enum device_map_counter device_map_refusal_counter(int error)
{
	switch (error) {
	case -EOPNOTSUPP:
		return DEVICE_MAP_COUNT_REFUSED_EOPNOTSUPP;
	case -EBUSY:
		return DEVICE_MAP_COUNT_REFUSED_EBUSY;
	case -ENXIO:
		return DEVICE_MAP_COUNT_REFUSED_ENXIO;
	case -EREMOTEIO:
		return DEVICE_MAP_COUNT_REFUSED_EREMOTEIO;
	case -ENOSPC:
		return DEVICE_MAP_COUNT_REFUSED_ENOSPC;
	case -EACCES:
		return DEVICE_MAP_COUNT_REFUSED_EACCES;
	case -EAGAIN:
		return DEVICE_MAP_COUNT_REFUSED_EAGAIN;
	default:
		return DEVICE_MAP_COUNT_REFUSED_OTHER;
	}
}

/**
 * device_map_refuse() - count and trace a refusal
 * @inode: of the file, or NULL if the VMA has none
 * @index: first page of the file
 * @pages: how many were asked for
 * @error: what the importer gets
 * @reason: why
 *
 * Return: @error.
 */
int device_map_refuse(struct inode *inode, pgoff_t index, unsigned long pages,
		      int error, enum device_map_refusal reason)
{
	device_map_count(device_map_refusal_counter(error), 1);
	trace_device_map_refuse(inode, index, pages, error, reason);
	return error;
}

/* Return: whether the VMA's permissions and kind allow what is asked for. */
static bool device_map_vma_allows(struct vm_area_struct *vma,
				  unsigned int flags)
{
	const unsigned int writes = DEVICE_MAP_FLAG_WRITE |
				    DEVICE_MAP_FLAG_SUPPORT_ATOMIC_OP;

	if (!(vma->vm_flags & VM_READ))
		return false;
	if ((flags & writes) && !(vma->vm_flags & VM_WRITE))
		return false;
	if (userfaultfd_armed(vma))
		return false;
	/* Parts of it may be guard regions, of which page tables tell. */
	if (vma_test_atomic_flag(vma, VMA_MAYBE_GUARD_BIT))
		return false;
	if (vma->vm_flags & VM_SHARED)
		return true;
	/* It has pages of its own, or may get one at any moment. */
	return !(vma->vm_flags & VM_WRITE) && !vma->anon_vma;
}

/**
 * device_map_vma() - ask the exporter of a VMA for bus addresses
 * @vma: the VMA
 * @importer: the device that will use them
 * @bufp: where DEVICE_MAP_FLAG_PIN puts its dma_buf, else NULL
 * @start: first address, page aligned
 * @end: after the last, page aligned
 * @flags: DEVICE_MAP_FLAG_*
 * @pa: room for one address a page
 *
 * All or nothing. The addresses are good until the notifier of the range is called:
 * who uses them has taken its sequence number before mmap_lock.
 *
 * Context: mmap_lock is held for reading, and an mmu_interval_notifier covers the
 * range. May sleep and do I/O.
 * Return: 0; -EOPNOTSUPP for what can't be mapped ever, -EBUSY while the page cache
 * has pages, direct I/O is under way, or blocks to write to are shared, -ENXIO where
 * there are no blocks, -EREMOTEIO without a route, -ENOSPC without BAR space, -EACCES
 * for an access that the device or an immutable file does not allow, -EIO and -EROFS
 * once an error has stopped the filesystem, -EAGAIN after a race, and other errors.
 * After any of them the importer falls back to pages.
 */
static int device_map_vma(struct vm_area_struct *vma, struct device *importer,
			  struct dma_buf **bufp, unsigned long start,
			  unsigned long end, unsigned int flags, dma_addr_t *pa)
{
	struct inode *inode = vma->vm_file ? file_inode(vma->vm_file) : NULL;
	unsigned long pages = (end - start) >> PAGE_SHIFT;
	pgoff_t index;
	int ret;

	mmap_assert_locked(vma->vm_mm);
	might_sleep();
	if (WARN_ON_ONCE(offset_in_page(start) || offset_in_page(end) ||
			 start >= end || start < vma->vm_start ||
			 end > vma->vm_end))
		return -EINVAL;
	index = linear_page_index(vma, start);
	if (!vma->vm_ops || !vma->vm_ops->device_map)
		return device_map_refuse(inode, index, pages, -EOPNOTSUPP,
					 DEVICE_MAP_NO_CALLBACK);
	if ((flags & ~DEVICE_MAP_FLAGS) ||
	    !(flags & DEVICE_MAP_FLAG_PIN) != !bufp)
		return device_map_refuse(inode, index, pages, -EOPNOTSUPP,
					 DEVICE_MAP_BAD_FLAGS);
	if (!device_map_vma_allows(vma, flags))
		return device_map_refuse(inode, index, pages, -EOPNOTSUPP,
					 DEVICE_MAP_BAD_VMA);

	ret = vma->vm_ops->device_map(vma, importer, bufp, start, end, flags,
				      pa);
	if (ret)
		return ret;
	device_map_count(DEVICE_MAP_COUNT_MAPS, 1);
	device_map_count(DEVICE_MAP_COUNT_PAGES, pages);
	trace_device_map_map(inode, index, pages, flags, pa[0]);
	return 0;
}

/**
 * device_unmap_vma() - give addresses back early
 * @vma: the VMA
 * @importer: the device
 * @start: first address, page aligned
 * @end: after the last, page aligned
 *
 * Nobody has to: a revocation and the end of the last VMA do the same. The exporter
 * takes back what it has mapped of the range, by the notifiers, from the caller and
 * from whoever else has it, who may map it again. What was taken back before does no
 * harm. When this returns, what was written is on the medium or an error is on record.
 *
 * Context: mmap_lock is held, and no lock that a notifier takes. May sleep and do I/O.
 */
void device_unmap_vma(struct vm_area_struct *vma, struct device *importer,
		      unsigned long start, unsigned long end)
{
	mmap_assert_locked(vma->vm_mm);
	might_sleep();
	if (WARN_ON_ONCE(offset_in_page(start) || offset_in_page(end) ||
			 start >= end || start < vma->vm_start ||
			 end > vma->vm_end))
		return;
	if (!vma->vm_ops || !vma->vm_ops->device_unmap)
		return;
	vma->vm_ops->device_unmap(vma, importer, start, end);
	device_map_count(DEVICE_MAP_COUNT_UNMAPS, 1);
	if (vma->vm_file)
		trace_device_map_unmap(file_inode(vma->vm_file),
				       linear_page_index(vma, start),
				       (end - start) >> PAGE_SHIFT);
}
EXPORT_SYMBOL_GPL(device_unmap_vma);

/* Return: whether the rest of a VMA will be refused for the same reason. */
static bool device_map_refuses_all(int error)
{
	return error == -EOPNOTSUPP || error == -EREMOTEIO || error == -EACCES;
}

/*
 * Asks for less and less, since one page can spoil it for its neighbours.
 *
 * Return: number of pages, or why not even the first one is mapped.
 */
static int device_map_range_direct(struct device_map_range *range,
				   struct vm_area_struct *vma)
{
	unsigned int pages = range->pages;
	int ret;

	for (;;) {
		unsigned long end = range->start +
				    ((unsigned long)pages << PAGE_SHIFT);

		ret = device_map_vma(vma, range->importer, NULL, range->start,
				     end, range->flags, range->bus);
		if (!ret)
			return pages;
		if (pages == 1 || device_map_refuses_all(ret) ||
		    ret == -EAGAIN)
			return ret;
		pages /= 2;
	}
}

static int device_map_range_pages(struct device_map_range *range,
				  unsigned int pages)
{
	struct hmm_range hmm = {
		.notifier = range->notifier,
		.notifier_seq = range->notifier_seq,
		.start = range->start,
		.end = range->start + ((unsigned long)pages << PAGE_SHIFT),
		.hmm_pfns = range->pfns,
		.default_flags = HMM_PFN_REQ_FAULT,
	};
	int ret;

	if (range->flags & (DEVICE_MAP_FLAG_WRITE |
			    DEVICE_MAP_FLAG_SUPPORT_ATOMIC_OP))
		hmm.default_flags |= HMM_PFN_REQ_WRITE;
	memset(range->pfns, 0, pages * sizeof(*range->pfns));
	ret = hmm_range_fault(&hmm);
	if (ret == -EBUSY)
		return -EAGAIN;
	return ret ? ret : pages;
}

/**
 * device_map_range_fault() - get what an importer has faulted on
 * @range: what it wants
 *
 * The exporter is asked first. What it refuses is faulted in like any page. Before
 * the importer uses what it got it asks mmu_interval_read_retry(), under the lock
 * that its notifier takes.
 *
 * Context: mmap_lock is held for reading. May sleep and do I/O.
 * Return: number of pages from the start on, at least 1; -EAGAIN to start over with a
 * new sequence number; -EFAULT, -EACCES and others for an access that is not
 * possible; with @only_direct, the exporter's refusal.
 */
int device_map_range_fault(struct device_map_range *range)
{
	struct vm_area_struct *vma;
	unsigned int pages;
	int ret;

	mmap_assert_locked(range->notifier->mm);
	range->direct = false;
	range->refusal = 0;
	vma = vma_lookup(range->notifier->mm, range->start);
	if (!vma)
		return -EFAULT;
	range->pages = min_t(unsigned long, range->pages,
			     (vma->vm_end - range->start) >> PAGE_SHIFT);
	pages = range->pages;

	if (!range->no_direct && vma->vm_ops && vma->vm_ops->device_map) {
		ret = device_map_range_direct(range, vma);
		if (ret > 0) {
			range->direct = true;
			return ret;
		}
		if (ret == -EAGAIN)
			return ret;
		range->refusal = ret;
		if (range->only_direct)
			return ret;
		if (!device_map_refuses_all(ret))
			pages = min(pages, DEVICE_MAP_FAULT_AROUND);
	}
	ret = device_map_range_pages(range, pages);
	/* The others need not be there. */
	if (ret < 0 && ret != -EAGAIN && pages > 1)
		ret = device_map_range_pages(range, 1);
	return ret;
}
EXPORT_SYMBOL_GPL(device_map_range_fault);

/**
 * device_map_release_importer() - a device's driver is about to unbind
 * @importer: the device, which makes no further access
 *
 * Context: may sleep.
 */
void device_map_release_importer(struct device *importer)
{
	blocking_notifier_call_chain(&device_map_exporters, 0, importer);
}
EXPORT_SYMBOL_GPL(device_map_release_importer);

/**
 * device_map_register_exporter() - hear of importers that leave
 * @block: called with the importer, a struct device, as data
 *
 * Return: 0, or an error.
 */
int device_map_register_exporter(struct notifier_block *block)
{
	return blocking_notifier_chain_register(&device_map_exporters, block);
}
EXPORT_SYMBOL_GPL(device_map_register_exporter);

/**
 * device_map_unregister_exporter() - undo device_map_register_exporter()
 * @block: as given there
 */
void device_map_unregister_exporter(struct notifier_block *block)
{
	blocking_notifier_chain_unregister(&device_map_exporters, block);
}
EXPORT_SYMBOL_GPL(device_map_unregister_exporter);

/*
 * Permissions have changed, or guard regions came. The CPU's page tables say where others
 * notify; what devices have mapped has none.
 */
void __device_map_vma_changed(struct vm_area_struct *vma, unsigned long start,
			      unsigned long end)
{
	struct mmu_notifier_range range;

	mmu_notifier_range_init(&range, MMU_NOTIFY_PROTECTION_VMA, 0,
				vma->vm_mm, start, end);
	mmu_notifier_invalidate_range_start(&range);
	mmu_notifier_invalidate_range_end(&range);
}

static int device_map_counters_show(struct seq_file *file, void *data)
{
	unsigned int i;

	for (i = 0; i < DEVICE_MAP_COUNTERS; i++)
		seq_printf(file, "%s %ld\n", device_map_counter_names[i],
			   atomic_long_read(&device_map_counters[i]));
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(device_map_counters);

static int __init device_map_init(void)
{
	device_map_directory = debugfs_create_dir("device_map", NULL);
	debugfs_create_file("counters", 0444, device_map_directory, NULL,
			    &device_map_counters_fops);
	return 0;
}
subsys_initcall(device_map_init);
