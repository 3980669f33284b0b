/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Direct mapping of file blocks, and of other device memory, for peer devices.
 *
 * A device (the importer) that works on the pointers of a process faults on an
 * address. Its driver asks the VMA's device_map() callback, and gets bus addresses
 * in the BAR of the device that has the data (the exporter), or an error, on which
 * it falls back to the pages of the page cache.
 *
 * The exporter takes mappings back whenever it wants, by the MMU notifiers of
 * every VMA of the range. When a notifier has returned, the importer makes no
 * further access, and need not tell anyone: the exporter's own record ends with the
 * revocation, or with the last VMA that covers the page.
 */
#ifndef _LINUX_DEVICE_MAP_H
#define _LINUX_DEVICE_MAP_H

#include <linux/bits.h>
#include <linux/fs.h>
#include <linux/mm.h>
#include <linux/types.h>

struct device;
struct dma_buf;
struct folio;
struct iomap_ops;
struct mmu_interval_notifier;
struct notifier_block;
struct super_block;
struct vm_area_struct;

/* The importer will write. */
#define DEVICE_MAP_FLAG_WRITE			BIT(0)
/* The mapping's life is to leave the VMA, and to move to a dma_buf. */
#define DEVICE_MAP_FLAG_PIN			BIT(1)
/* The importer will do atomic operations. */
#define DEVICE_MAP_FLAG_SUPPORT_ATOMIC_OP	BIT(2)

#define DEVICE_MAP_FLAGS (DEVICE_MAP_FLAG_WRITE | DEVICE_MAP_FLAG_PIN | \
			  DEVICE_MAP_FLAG_SUPPORT_ATOMIC_OP)

/**
 * enum device_map_refusal - why a range is not mapped, finer than an errno
 * @DEVICE_MAP_NO_CALLBACK: the VMA has no device_map()
 * @DEVICE_MAP_BAD_FLAGS:   flags that nobody knows, or that are not supported
 * @DEVICE_MAP_BAD_VMA:     a private mapping that has pages of its own or may get
 *                          some, one that userfaultfd watches, or no permission
 * @DEVICE_MAP_BAD_INODE:   the data is not in blocks as it is in the file
 * @DEVICE_MAP_PAGE_CACHE:  the page cache has pages of the range
 * @DEVICE_MAP_DIRECT_IO:   direct I/O is under way
 * @DEVICE_MAP_END_OF_FILE: beyond the end of the file
 * @DEVICE_MAP_NO_BLOCK:    a hole, or blocks that were never written
 * @DEVICE_MAP_SHARED:      blocks that another file has, too
 * @DEVICE_MAP_FROZEN:      the filesystem is frozen
 * @DEVICE_MAP_SHUT_DOWN:   the filesystem does no I/O, or writes nothing, after an error
 * @DEVICE_MAP_NO_DEVICE:   the block device does not show its blocks
 * @DEVICE_MAP_ALIGNMENT:   the blocks do not lie as pages do
 * @DEVICE_MAP_NO_ROUTE:    no peer route between the devices
 * @DEVICE_MAP_NO_SPACE:    no BAR space left
 * @DEVICE_MAP_NO_WRITE:    peers may not write
 * @DEVICE_MAP_NO_ATOMIC:   peers may not do atomic operations
 * @DEVICE_MAP_GOING:       the block device is being reset or removed
 * @DEVICE_MAP_RACE:        raced with a revocation
 * @DEVICE_MAP_FAILED:      an I/O error, or out of memory
 */
enum device_map_refusal {
	DEVICE_MAP_NO_CALLBACK,
	DEVICE_MAP_BAD_FLAGS,
	DEVICE_MAP_BAD_VMA,
	DEVICE_MAP_BAD_INODE,
	DEVICE_MAP_PAGE_CACHE,
	DEVICE_MAP_DIRECT_IO,
	DEVICE_MAP_END_OF_FILE,
	DEVICE_MAP_NO_BLOCK,
	DEVICE_MAP_SHARED,
	DEVICE_MAP_FROZEN,
	DEVICE_MAP_SHUT_DOWN,
	DEVICE_MAP_NO_DEVICE,
	DEVICE_MAP_ALIGNMENT,
	DEVICE_MAP_NO_ROUTE,
	DEVICE_MAP_NO_SPACE,
	DEVICE_MAP_NO_WRITE,
	DEVICE_MAP_NO_ATOMIC,
	DEVICE_MAP_GOING,
	DEVICE_MAP_RACE,
	DEVICE_MAP_FAILED,
};

/**
 * enum device_map_cause - why mappings are taken back
 * @DEVICE_MAP_FILL:   the page cache wants the pages
 * @DEVICE_MAP_DIO:    direct I/O wants the blocks
 * @DEVICE_MAP_EXTEND: the file grows beyond its last page
 * @DEVICE_MAP_LAYOUT: the filesystem is about to move, free or convert some blocks
 * @DEVICE_MAP_TRUNCATE: it is about to free or move all blocks of the range
 * @DEVICE_MAP_REMAP:  the blocks are about to be shared or exchanged
 * @DEVICE_MAP_SWAPON: the file becomes a swap file
 * @DEVICE_MAP_FREEZE: the filesystem freezes
 * @DEVICE_MAP_DEVICE: the block device can no longer serve them
 * @DEVICE_MAP_RESET:  the block device can't serve them for a while
 * @DEVICE_MAP_ERROR:  a write-back has failed
 * @DEVICE_MAP_UNMAP:  an importer gives them back
 * @DEVICE_MAP_CLOSE:  no VMA covers them any more
 */
enum device_map_cause {
	DEVICE_MAP_FILL,
	DEVICE_MAP_DIO,
	DEVICE_MAP_EXTEND,
	DEVICE_MAP_LAYOUT,
	DEVICE_MAP_TRUNCATE,
	DEVICE_MAP_REMAP,
	DEVICE_MAP_SWAPON,
	DEVICE_MAP_FREEZE,
	DEVICE_MAP_DEVICE,
	DEVICE_MAP_RESET,
	DEVICE_MAP_ERROR,
	DEVICE_MAP_UNMAP,
	DEVICE_MAP_CLOSE,
};

/* What is counted, for /sys/kernel/debug/device_map/counters. */
enum device_map_counter {
	DEVICE_MAP_COUNT_MAPS,
	DEVICE_MAP_COUNT_PAGES,
	DEVICE_MAP_COUNT_REVOKES,
	DEVICE_MAP_COUNT_REVOKED_PAGES,
	DEVICE_MAP_COUNT_UNMAPS,
	DEVICE_MAP_COUNT_SYNCS,
	DEVICE_MAP_COUNT_WRITTEN_PAGES,
	DEVICE_MAP_COUNT_FILLED_PAGES,
	DEVICE_MAP_COUNT_WINDOW_HITS,
	DEVICE_MAP_COUNT_RECLAIMED,
	DEVICE_MAP_COUNT_REFUSED_EOPNOTSUPP,
	DEVICE_MAP_COUNT_REFUSED_EBUSY,
	DEVICE_MAP_COUNT_REFUSED_ENXIO,
	DEVICE_MAP_COUNT_REFUSED_EREMOTEIO,
	DEVICE_MAP_COUNT_REFUSED_ENOSPC,
	DEVICE_MAP_COUNT_REFUSED_EACCES,
	DEVICE_MAP_COUNT_REFUSED_EAGAIN,
	DEVICE_MAP_COUNT_REFUSED_OTHER,
	DEVICE_MAP_COUNTERS,
};

/**
 * struct device_map_range - a range that an importer wants, and what it got
 * @notifier:     covers the range
 * @notifier_seq: what mmu_interval_read_begin() gave before mmap_lock was taken
 * @importer:     the device
 * @start:        page aligned address
 * @pages:        to map at most, at least 1
 * @flags:        DEVICE_MAP_FLAG_WRITE and DEVICE_MAP_FLAG_SUPPORT_ATOMIC_OP
 * @no_direct:    do not ask the exporter
 * @only_direct:  do not fall back where there is an exporter to ask
 * @bus:          room for @pages addresses
 * @pfns:         room for @pages HMM entries
 * @direct:       out: @bus is filled in, else @pfns is
 * @refusal:      out: errno of the exporter, 0 if it was not asked or mapped it
 */
struct device_map_range {
	struct mmu_interval_notifier *notifier;
	unsigned long notifier_seq;
	struct device *importer;
	unsigned long start;
	unsigned int pages;
	unsigned int flags;
	bool no_direct;
	bool only_direct;
	dma_addr_t *bus;
	unsigned long *pfns;
	bool direct;
	int refusal;
};

/**
 * struct fs_device_map_ops - what only the filesystem knows of its files
 * @iomap:     reports extents, and changes nothing
 * @allow:     may a file be mapped now, for writing if so asked? 0; -EOPNOTSUPP if its
 *             data is not in blocks as it is in the file; -EBUSY if its blocks are about
 *             to be shared; -EIO and -EROFS as @may_write. Called without a lock, which
 *             is only a hint, and with the invalidate_lock held for reading
 * @may_write: 0; -EIO if the filesystem is shut down; -EROFS if an error has made it
 *             read-only: no write-back goes to its blocks any more. Called with locks of
 *             device mappings held
 */
struct fs_device_map_ops {
	const struct iomap_ops *iomap;
	int (*allow)(struct inode *inode, bool writes);
	int (*may_write)(struct inode *inode);
};

#ifdef CONFIG_DEVICE_MAP

/* mm/device_map.c: for importers, and for those who change VMAs */
void device_unmap_vma(struct vm_area_struct *vma, struct device *importer,
		      unsigned long start, unsigned long end);
int device_map_range_fault(struct device_map_range *range);
void device_map_release_importer(struct device *importer);
int device_map_register_exporter(struct notifier_block *block);
void device_map_unregister_exporter(struct notifier_block *block);
void __device_map_vma_changed(struct vm_area_struct *vma, unsigned long start,
			      unsigned long end);

/* mm/device_map.c: for exporters */
int device_map_refuse(struct inode *inode, pgoff_t index, unsigned long pages,
		      int error, enum device_map_refusal reason);
void device_map_count(enum device_map_counter counter, unsigned long number);
struct dentry *device_map_debugfs(void);

/* fs/device_map.c: for filesystems */
int fs_device_map(struct vm_area_struct *vma, struct device *importer,
		  struct dma_buf **bufp, unsigned long start,
		  unsigned long end, unsigned int flags, dma_addr_t *pa,
		  const struct fs_device_map_ops *ops);
void fs_device_unmap(struct vm_area_struct *vma, struct device *importer,
		     unsigned long start, unsigned long end);

/* fs/device_map.c: for everything that needs the pages or the blocks */
int __device_map_revoke(struct address_space *mapping, pgoff_t first,
			pgoff_t last, enum device_map_cause cause);
bool __device_map_present(struct address_space *mapping);
void __device_map_folio_added(struct address_space *mapping,
			      struct folio *folio);
bool __device_map_sync(struct address_space *mapping, pgoff_t first,
		       pgoff_t last);
void __device_map_touch(struct inode *inode);
void __device_map_vma_gone(struct vm_area_struct *vma);
void __device_map_evict(struct address_space *mapping);
void device_map_sync_sb(struct super_block *sb);
void device_map_freeze_sb(struct super_block *sb);

/**
 * device_map_active() - may there be device mappings of a file?
 * @mapping: of the file
 *
 * Pairs with fs_device_map(), which shows its record before it looks for what the
 * caller has shown before this.
 *
 * Return: false if there are none.
 */
static inline bool device_map_active(struct address_space *mapping)
{
	return unlikely(READ_ONCE(mapping->device_map));
}

/**
 * device_map_present() - are there device mappings of a file?
 * @mapping: of the file
 *
 * Return: false if there are none now.
 */
static inline bool device_map_present(struct address_space *mapping)
{
	return device_map_active(mapping) && __device_map_present(mapping);
}

/**
 * device_map_revoke() - take back what devices have mapped of a file
 * @mapping: of the file
 * @start:   first byte
 * @end:     last byte, LLONG_MAX for all
 * @cause:   why
 *
 * When it returns, no device has access, and what devices wrote is on its way to no
 * one: it is in the blocks.
 *
 * Context: may sleep and do I/O, allocates without I/O. The caller keeps new mappings
 * from being made, by the invalidate_lock, by a page that it has put into the page
 * cache, or by direct I/O that it has begun, unless it has no use for the blocks.
 */
static inline void device_map_revoke(struct address_space *mapping,
				     loff_t start, loff_t end,
				     enum device_map_cause cause)
{
	if (device_map_active(mapping))
		__device_map_revoke(mapping, start >> PAGE_SHIFT,
				    end >> PAGE_SHIFT, cause);
}

/**
 * device_map_dio_begin() - direct I/O has begun
 * @mapping: of the file, whose i_dio_count has been raised
 * @start:   first byte
 * @end:     last byte
 *
 * If the file grows, what was mapped of its last page has a longer end afterwards.
 */
static inline void device_map_dio_begin(struct address_space *mapping,
					loff_t start, loff_t end)
{
	loff_t size = i_size_read(mapping->host);

	smp_mb__after_atomic();	/* the count is seen, or the mapping is */
	if (end >= size && start > size)
		start = size;
	device_map_revoke(mapping, start, end, DEVICE_MAP_DIO);
}

/**
 * device_map_folio_added() - a folio has been added to the page cache
 * @mapping: of the file
 * @folio:   locked, not yet up to date
 */
static inline void device_map_folio_added(struct address_space *mapping,
					  struct folio *folio)
{
	smp_mb();	/* the folio is seen, or the mapping is */
	if (device_map_active(mapping))
		__device_map_folio_added(mapping, folio);
}

/**
 * device_map_truncated() - a range's page cache goes, and so may its blocks
 * @mapping: of the file
 * @start:   first byte
 * @end:     last byte, -1 for all
 *
 * Whole pages of the range lose their places in the BAR. With blocks that are smaller
 * than a page, one of which a part goes keeps its place while a VMA covers it, and who
 * gets the freed block is refused one until then.
 */
static inline void device_map_truncated(struct address_space *mapping,
					loff_t start, loff_t end)
{
	pgoff_t first = DIV_ROUND_UP_ULL(start, PAGE_SIZE);
	pgoff_t after = end == -1 ? ULONG_MAX : ((u64)end + 1) >> PAGE_SHIFT;

	if (device_map_active(mapping) && first < after)
		__device_map_revoke(mapping, first, after - 1,
				    DEVICE_MAP_TRUNCATE);
}

/**
 * device_map_sync() - write what devices may have written
 * @mapping: of the file
 * @start:   first byte
 * @end:     last byte
 *
 * Errors go where those of write-back go, and devices lose what could not be written.
 */
static inline void device_map_sync(struct address_space *mapping,
				   loff_t start, loff_t end)
{
	if (device_map_active(mapping))
		__device_map_sync(mapping, start >> PAGE_SHIFT,
				  end >> PAGE_SHIFT);
}

/**
 * device_map_fsync() - write what devices may have written, for the user's sake
 * @mapping: of the file
 * @start:   first byte
 * @end:     last byte
 *
 * Updates the timestamps, too.
 */
static inline void device_map_fsync(struct address_space *mapping,
				    loff_t start, loff_t end)
{
	if (device_map_active(mapping) &&
	    __device_map_sync(mapping, start >> PAGE_SHIFT, end >> PAGE_SHIFT))
		__device_map_touch(mapping->host);
}

/*
 * Its permissions have changed; mmap_lock is held for writing, so that what is not
 * mapped now is not mapped in between. Other exporters than files keep no record here.
 */
static inline void device_map_vma_changed(struct vm_area_struct *vma,
					  unsigned long start,
					  unsigned long end)
{
	if (vma->vm_ops && vma->vm_ops->device_map &&
	    (!vma->vm_file || !S_ISREG(file_inode(vma->vm_file)->i_mode) ||
	     device_map_present(vma->vm_file->f_mapping)))
		__device_map_vma_changed(vma, start, end);
}

/*
 * Parts of it may be guard regions from now on: VMA_MAYBE_GUARD_BIT is set. mmap_lock or
 * the VMA's lock is held for reading, so a device may be mapping it meanwhile, which
 * looks at the bit after its importer has begun to listen.
 */
static inline void device_map_vma_guarded(struct vm_area_struct *vma,
					  unsigned long start,
					  unsigned long end)
{
	if (vma->vm_ops && vma->vm_ops->device_map)
		__device_map_vma_changed(vma, start, end);
}

/* A file's mapping; the file is still there. */
static inline void device_map_vma_gone(struct vm_area_struct *vma)
{
	if (vma->vm_file && device_map_active(vma->vm_file->f_mapping))
		__device_map_vma_gone(vma);
}

/* The inode is going: nothing can be mapped any more. */
static inline void device_map_evict(struct address_space *mapping)
{
	if (device_map_active(mapping))
		__device_map_evict(mapping);
}

#else /* CONFIG_DEVICE_MAP */

static inline void device_map_revoke(struct address_space *mapping,
				     loff_t start, loff_t end,
				     enum device_map_cause cause)
{
}

static inline void device_map_truncated(struct address_space *mapping,
					loff_t start, loff_t end)
{
}

static inline bool device_map_active(struct address_space *mapping)
{
	return false;
}

static inline bool device_map_present(struct address_space *mapping)
{
	return false;
}

static inline void device_map_dio_begin(struct address_space *mapping,
					loff_t start, loff_t end)
{
}

static inline void device_map_folio_added(struct address_space *mapping,
					  struct folio *folio)
{
}

static inline void device_map_sync(struct address_space *mapping,
				   loff_t start, loff_t end)
{
}

static inline void device_map_fsync(struct address_space *mapping,
				    loff_t start, loff_t end)
{
}

static inline void device_map_vma_changed(struct vm_area_struct *vma,
					  unsigned long start,
					  unsigned long end)
{
}

static inline void device_map_vma_guarded(struct vm_area_struct *vma,
					  unsigned long start,
					  unsigned long end)
{
}

static inline void device_map_vma_gone(struct vm_area_struct *vma)
{
}

static inline void device_map_evict(struct address_space *mapping)
{
}

static inline void device_map_sync_sb(struct super_block *sb)
{
}

static inline void device_map_freeze_sb(struct super_block *sb)
{
}

#endif /* CONFIG_DEVICE_MAP */

#endif /* _LINUX_DEVICE_MAP_H */
