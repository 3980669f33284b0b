// SPDX-License-Identifier: GPL-2.0-only
/*
 * Direct mapping of file blocks for peer devices, for every filesystem with iomap.
 *
 * A page of a file is in the page cache or mapped by devices, never both. Who wants
 * it the other way round shows first what he has, and looks then for what the
 * others have: device_map() records the page and then looks into the page cache, a
 * folio is put into the page cache and its owner then looks for a record, and with
 * direct I/O it is i_dio_count. One of them sees the other at least. If both do,
 * device_map() gives up.
 *
 * What moves blocks holds the invalidate_lock for writing, device_map() for reading.
 *
 * A page that was taken back keeps its place in the BAR while a VMA covers it, so
 * that it can be mapped again: it is reserved. Blocks that are freed or move lose it:
 * those of a range whose page cache is truncated, and of a file that is remapped.
 */
#include <linux/blk-device-map.h>
#include <linux/blkdev.h>
#include <linux/debugfs.h>
#include <linux/device_map.h>
#include <linux/iomap.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/pagemap.h>
#include <linux/sched/mm.h>
#include <linux/seq_file.h>
#include <linux/slab.h>
#include <trace/events/device_map.h>

static bool drop_cache;
module_param(drop_cache, bool, 0644);
MODULE_PARM_DESC(drop_cache, "Write back and drop clean, unmapped pages of the page cache that are in the way (default N)");

/* Of pages that are not only reserved. */
#define DEVICE_MAP_USED	XA_MARK_0

enum device_map_state {
	DEVICE_MAP_NEW,
	DEVICE_MAP_LIVE,
	DEVICE_MAP_REVOKING,
	DEVICE_MAP_RESERVED,
};

/**
 * struct device_map_page - a page of a file that is or was mapped by devices
 * @sector:   of the block device, once it was live
 * @writable: a device may have written to it
 * @state:    who may use it: nobody but its maker (new), importers (live), nobody
 *            until what was written is in the blocks (revoking), nobody (reserved)
 * @former:   what it was before the request that is being served made it live, or
 *            live: to be able to undo it
 * @rcu:      to free it
 *
 * Protected by device_map_file.lock; freed after a grace period.
 */
struct device_map_page {
	sector_t sector;
	bool writable;
	enum device_map_state state;
	enum device_map_state former;
	struct rcu_head rcu;
};

/**
 * struct device_map_file - a file that devices have mapped
 * @mapping:     its pages; address_space.device_map points back until the inode goes
 * @ops:         the filesystem's
 * @node:        in device_map_files
 * @bdev:        where all of the blocks are that are mapped or reserved
 * @owner:       what the block device knows it as
 * @revoke_lock: held during a revocation, so that who finds nothing to take back
 *               any more waits for who does it; outside of @lock
 * @lock:        protects @pages and @bdev
 * @pages:       struct device_map_page by index. Looked through under RCU only for
 *               whether there is anything
 */
struct device_map_file {
	struct address_space *mapping;
	const struct fs_device_map_ops *ops;
	struct list_head node;
	struct block_device *bdev;
	struct blk_device_map_owner owner;
	struct mutex revoke_lock;	/* revocations */
	struct mutex lock;	/* pages, bdev */
	struct xarray pages;
};

/* All of them. The lock is innermost but for i_lock. */
static LIST_HEAD(device_map_files);
static DEFINE_SPINLOCK(device_map_files_lock);

static struct device_map_file *
device_map_file_of(struct blk_device_map_owner *owner)
{
	return container_of(owner, struct device_map_file, owner);
}

/*
 * Holds on to a file and to its filesystem, so that an unmount, which would find the
 * file busy, waits. Without waiting itself: who unmounts, freezes or remounts now takes
 * back what is mapped by himself, or comes to an end soon.
 */
static struct inode *device_map_grab(struct device_map_file *file)
{
	struct inode *inode = file->mapping->host;
	struct super_block *sb = inode->i_sb;

	if (!down_read_trylock(&sb->s_umount))
		return NULL;
	inode = igrab(inode);
	if (!inode)
		up_read(&sb->s_umount);
	return inode;
}

/**
 * struct device_map_put - a reference to a file of a frozen filesystem, to be put
 * @work:  that does so
 * @inode: the file, with a reference to its superblock
 */
struct device_map_put {
	struct work_struct work;
	struct inode *inode;
};

static void device_map_put(struct work_struct *work)
{
	struct device_map_put *put =
		container_of(work, struct device_map_put, work);
	struct super_block *sb = put->inode->i_sb;

	iput(put->inode);
	deactivate_super(sb);
	kfree(put);
}

static void device_map_drop(struct inode *inode)
{
	struct device_map_put *put;
	struct super_block *sb;

	if (!inode)
		return;
	sb = inode->i_sb;
	if (sb->s_writers.frozen == SB_UNFROZEN) {
		iput(inode);
	} else {
		/*
		 * If this is the last reference, to a file that nobody can open any more,
		 * it waits for the thaw, and the thaw for s_umount.
		 */
		put = kmalloc_obj(*put, GFP_NOIO | __GFP_NOFAIL);
		INIT_WORK(&put->work, device_map_put);
		put->inode = inode;
		atomic_inc(&sb->s_active);	/* the freezer has one, too */
		queue_work(system_dfl_wq, &put->work);
	}
	up_read(&sb->s_umount);
}

static bool device_map_owner_get(struct blk_device_map_owner *owner)
{
	return device_map_grab(device_map_file_of(owner));
}

static void device_map_owner_put(struct blk_device_map_owner *owner)
{
	device_map_drop(device_map_file_of(owner)->mapping->host);
}

static void device_map_owner_stop(struct blk_device_map_owner *owner)
{
	unmap_mapping_pages(device_map_file_of(owner)->mapping, 0, 0, false);
}

static void device_map_owner_revoke(struct blk_device_map_owner *owner,
				    pgoff_t first, pgoff_t last, bool keep)
{
	__device_map_revoke(device_map_file_of(owner)->mapping, first, last,
			    keep ? DEVICE_MAP_RESET : DEVICE_MAP_DEVICE);
}

static const struct blk_device_map_owner_ops device_map_owner_ops = {
	.get = device_map_owner_get,
	.put = device_map_owner_put,
	.stop = device_map_owner_stop,
	.revoke = device_map_owner_revoke,
};

/* Return: the file's structure, made if it has none yet, or NULL without memory. */
static struct device_map_file *
device_map_file_get(struct address_space *mapping,
		    const struct fs_device_map_ops *ops)
{
	struct device_map_file *file = READ_ONCE(mapping->device_map);

	if (file)
		return file;
	file = kzalloc_obj(*file);
	if (!file)
		return NULL;
	file->mapping = mapping;
	file->ops = ops;
	file->owner.ops = &device_map_owner_ops;
	mutex_init(&file->revoke_lock);
	mutex_init(&file->lock);
	xa_init(&file->pages);

	/* Who finds it finds it in the list, too. */
	spin_lock(&device_map_files_lock);
	if (mapping->device_map) {
		kfree(file);
		file = mapping->device_map;
	} else {
		list_add_tail(&file->node, &device_map_files);
		/* Pairs with READ_ONCE() in device_map_active(). */
		smp_store_release(&mapping->device_map, file);
	}
	spin_unlock(&device_map_files_lock);
	return file;
}

/**
 * __device_map_present() - the slow part of device_map_present()
 * @mapping: of the file
 *
 * Return: whether any device has, or is about to have, a page of the file.
 */
bool __device_map_present(struct address_space *mapping)
{
	return xa_marked(&READ_ONCE(mapping->device_map)->pages,
			 DEVICE_MAP_USED);
}

/*
 * Ends or reserves a run of pages whose importers have stopped. What was written is
 * written back already, or lost; @flags are blk_device_map_release()'s.
 */
static void device_map_release_run(struct device_map_file *file, pgoff_t index,
				   sector_t sector, unsigned int pages,
				   unsigned int flags)
{
	struct device_map_page *page;
	unsigned int i;

	blk_device_map_release(file->bdev, sector, pages, flags);
	for (i = 0; i < pages; i++) {
		page = xa_load(&file->pages, index + i);
		page->writable = false;
		page->state = DEVICE_MAP_RESERVED;
		xa_clear_mark(&file->pages, index + i, DEVICE_MAP_USED);
		if (flags & BLK_DEVICE_MAP_KEEP)
			continue;
		xa_erase(&file->pages, index + i);
		kfree_rcu(page, rcu);
	}
}

/**
 * struct device_map_run - pages of one kind whose blocks follow each other
 * @index:    of the first
 * @sector:   of the first
 * @pages:    how many, 0 if there are none
 * @state:    of all of them
 * @writable: of all of them
 */
struct device_map_run {
	pgoff_t index;
	sector_t sector;
	unsigned int pages;
	enum device_map_state state;
	bool writable;
};

/* The next run from an index on. Return: whether there is one. */
static bool device_map_next_run(struct device_map_file *file,
				struct device_map_run *run, pgoff_t index,
				pgoff_t last)
{
	struct device_map_page *page;
	unsigned long i = index;

	lockdep_assert_held(&file->lock);
	run->pages = 0;
	xa_for_each_range(&file->pages, i, page, index, last) {
		if (!run->pages) {
			run->index = i;
			run->sector = page->sector;
			run->state = page->state;
			run->writable = page->writable;
		} else if (i != run->index + run->pages ||
			   page->state != run->state ||
			   page->writable != run->writable ||
			   page->sector != run->sector + run->pages *
			   BLK_DEVICE_MAP_SECTORS) {
			break;
		}
		run->pages++;
	}
	return run->pages;
}

/* Writes what devices may have written to a run. */
static int device_map_write_run(struct device_map_file *file,
				const struct device_map_run *run)
{
	int ret = file->ops->may_write(file->mapping->host);

	if (!ret)
		ret = blk_device_map_sync(file->bdev, run->sector, run->pages);
	if (!ret)
		device_map_count(DEVICE_MAP_COUNT_WRITTEN_PAGES, run->pages);
	return ret;
}

/* Errors are for fsync(). */
static void device_map_set_error(struct device_map_file *file, int error)
{
	mapping_set_error(file->mapping, error == -ENOSPC ? error : -EIO);
}

/*
 * Runs have been written. A sync of the filesystem need not have another reason to flush
 * the disk, and so is told; it knows of no second disk.
 */
static void device_map_written(struct device_map_file *file)
{
	struct super_block *sb = file->mapping->host->i_sb;
	int ret;

	if (file->bdev == sb->s_bdev) {
		smp_mb__before_atomic();	/* for device_map_sync_sb() */
		atomic_inc(&sb->s_device_map_written);
		smp_mb__after_atomic();	/* before there is no record to find */
		return;
	}
	ret = blkdev_issue_flush(file->bdev);
	if (ret)
		device_map_set_error(file, ret);
}

/* Return: whether the place in the BAR outlives a revocation. */
static bool device_map_keeps(enum device_map_cause cause)
{
	return cause == DEVICE_MAP_FILL || cause == DEVICE_MAP_DIO ||
	       cause == DEVICE_MAP_EXTEND || cause == DEVICE_MAP_LAYOUT ||
	       cause == DEVICE_MAP_FREEZE || cause == DEVICE_MAP_RESET ||
	       cause == DEVICE_MAP_ERROR || cause == DEVICE_MAP_UNMAP;
}

/* Return: how many live pages of the range, *first to *last, nobody may map now. */
static unsigned long device_map_begin_revoke(struct device_map_file *file,
					     pgoff_t *first, pgoff_t *last,
					     enum device_map_cause cause)
{
	struct device_map_page *page;
	unsigned long index = 0, pages = 0;
	pgoff_t from = *first, to = *last;

	lockdep_assert_held(&file->lock);
	xa_for_each_range(&file->pages, index, page, from, to) {
		if (page->state != DEVICE_MAP_LIVE)
			continue;
		if (cause == DEVICE_MAP_FREEZE && !page->writable)
			continue;
		page->state = DEVICE_MAP_REVOKING;
		if (!pages++)
			*first = index;
		*last = index;
	}
	return pages;
}

/* Nobody has access any more: writes what was written, and ends the records. */
static int device_map_end_revoke(struct device_map_file *file, pgoff_t first,
				 pgoff_t last, enum device_map_cause cause)
{
	bool keep = device_map_keeps(cause);
	struct device_map_run run;
	int error = 0, ret;

	lockdep_assert_held(&file->lock);
	while (device_map_next_run(file, &run, first, last)) {
		ret = 0;
		if (run.state == DEVICE_MAP_REVOKING && run.writable) {
			ret = device_map_write_run(file, &run);
			/* A sync finds the record, or the count. */
			if (!ret)
				device_map_written(file);
			else
				device_map_set_error(file, ret);
			if (!error)
				error = ret;
		}
		if (run.state == DEVICE_MAP_REVOKING ||
		    (run.state == DEVICE_MAP_RESERVED && !keep))
			device_map_release_run(file, run.index, run.sector,
					       run.pages,
					       (keep ? BLK_DEVICE_MAP_KEEP : 0) |
					       (ret ? BLK_DEVICE_MAP_LOST : 0));
		if (run.index + run.pages - 1 >= last)
			break;
		first = run.index + run.pages;
	}
	return error;
}

/**
 * __device_map_revoke() - the slow part of device_map_revoke()
 * @mapping: of the file
 * @first: first page
 * @last: last page
 * @cause: why
 *
 * Return: 0, or the error with which the last data of devices was lost.
 */
int __device_map_revoke(struct address_space *mapping, pgoff_t first,
			pgoff_t last, enum device_map_cause cause)
{
	struct device_map_file *file = READ_ONCE(mapping->device_map);
	pgoff_t from = first, to = last;
	unsigned long pages;
	unsigned int flags;
	int ret = 0;

	if (xa_empty(&file->pages))
		return 0;
	flags = memalloc_noio_save();
	mutex_lock(&file->revoke_lock);
	mutex_lock(&file->lock);
	pages = device_map_begin_revoke(file, &from, &to, cause);
	mutex_unlock(&file->lock);
	if (pages) {
		/* Nobody else knows how to tell importers in every mm. */
		unmap_mapping_pages(mapping, from, to - from + 1, false);
		device_map_count(DEVICE_MAP_COUNT_REVOKES, 1);
		device_map_count(DEVICE_MAP_COUNT_REVOKED_PAGES, pages);
	}
	mutex_lock(&file->lock);
	ret = device_map_end_revoke(file, first, last, cause);
	mutex_unlock(&file->lock);
	mutex_unlock(&file->revoke_lock);
	memalloc_noio_restore(flags);
	if (pages)
		trace_device_map_revoke(mapping->host, from, pages, cause, ret);
	return ret;
}
EXPORT_SYMBOL_GPL(__device_map_revoke);

/**
 * __device_map_folio_added() - the slow part of device_map_folio_added()
 * @mapping: of the file
 * @folio: locked, not up to date: nobody has read it, and no read of it has begun
 */
void __device_map_folio_added(struct address_space *mapping,
			      struct folio *folio)
{
	struct device_map_file *file = READ_ONCE(mapping->device_map);
	unsigned long first = folio->index;
	unsigned long last = first + folio_nr_pages(folio) - 1;

	if (xa_find(&file->pages, &first, last, XA_PRESENT))
		__device_map_revoke(mapping, folio->index, last,
				    DEVICE_MAP_FILL);
}

/**
 * __device_map_touch() - update a file's timestamps after device_map_sync()
 * @inode: of the file
 *
 * They are those of the mapping, and devices have written since. Once it freezes, the
 * filesystem has taken back what they may write to.
 */
void __device_map_touch(struct inode *inode)
{
	struct super_block *sb = inode->i_sb;

	if (IS_NOCMTIME(inode) || sb_rdonly(sb) ||
	    !__sb_start_write_trylock(sb, SB_FREEZE_PAGEFAULT))
		return;
	if (inode->i_op->update_time)
		inode->i_op->update_time(inode, FS_UPD_CMTIME, 0);
	else
		generic_update_time(inode, FS_UPD_CMTIME, 0);
	sb_end_pagefault(sb);
}

/**
 * __device_map_sync() - the slow part of device_map_sync()
 * @mapping: of the file
 * @first: first page
 * @last: last page
 *
 * Like a folio, a page whose write-back has failed is clean afterwards, or the error
 * would be reported as often as anyone asks. So devices lose it, and what lies between
 * two of them, which is a second attempt to write: only that one's error is for fsync().
 *
 * Return: whether devices may have written.
 */
bool __device_map_sync(struct address_space *mapping, pgoff_t first,
		       pgoff_t last)
{
	struct device_map_file *file = READ_ONCE(mapping->device_map);
	pgoff_t lost_first = ULONG_MAX, lost_last = 0;
	struct device_map_run run;
	bool written = false;
	unsigned int flags;

	if (xa_empty(&file->pages))
		return false;
	flags = memalloc_noio_save();
	mutex_lock(&file->lock);
	while (device_map_next_run(file, &run, first, last)) {
		if (run.writable) {
			if (device_map_write_run(file, &run)) {
				lost_first = min(lost_first, run.index);
				lost_last = run.index + run.pages - 1;
			}
			device_map_count(DEVICE_MAP_COUNT_SYNCS, 1);
			written = true;
		}
		if (run.index + run.pages - 1 >= last)
			break;
		first = run.index + run.pages;
	}
	if (written)
		device_map_written(file);
	mutex_unlock(&file->lock);
	memalloc_noio_restore(flags);
	if (lost_first <= lost_last)
		__device_map_revoke(mapping, lost_first, lost_last,
				    DEVICE_MAP_ERROR);
	return written;
}

/* Return: whether any VMA of the file shows the page. */
static bool device_map_covered(struct address_space *mapping, pgoff_t index)
{
	bool covered;

	i_mmap_lock_read(mapping);
	covered = vma_interval_tree_iter_first(&mapping->i_mmap, index, index);
	i_mmap_unlock_read(mapping);
	return covered;
}

/**
 * __device_map_vma_gone() - the slow part of device_map_vma_gone()
 * @vma: unlinked from its file, its notifiers called
 *
 * Pages that no other VMA covers are written, and lose their place in the BAR. No
 * importer has them: it would need a VMA.
 */
void __device_map_vma_gone(struct vm_area_struct *vma)
{
	struct address_space *mapping = vma->vm_file->f_mapping;
	struct device_map_file *file = READ_ONCE(mapping->device_map);
	unsigned long first = vma->vm_pgoff;
	unsigned long last = first + vma_pages(vma) - 1;
	struct device_map_page *page;
	unsigned long index;

	if (xa_empty(&file->pages))
		return;
	for (index = first;
	     xa_find(&file->pages, &index, last, XA_PRESENT); index++) {
		unsigned int flags, pages = 0;

		flags = memalloc_noio_save();
		mutex_lock(&file->revoke_lock);
		mutex_lock(&file->lock);
		while (index + pages <= last &&
		       !device_map_covered(mapping, index + pages)) {
			page = xa_load(&file->pages, index + pages);
			if (!page || page->state == DEVICE_MAP_NEW)
				break;
			if (page->state == DEVICE_MAP_LIVE)
				page->state = DEVICE_MAP_REVOKING;
			pages++;
		}
		if (pages) {
			device_map_end_revoke(file, index, index + pages - 1,
					      DEVICE_MAP_CLOSE);
			index += pages - 1;
		}
		mutex_unlock(&file->lock);
		mutex_unlock(&file->revoke_lock);
		memalloc_noio_restore(flags);
		if (index >= last)
			break;
	}
}

/**
 * __device_map_evict() - the slow part of device_map_evict()
 * @mapping: of an inode that is being freed
 */
void __device_map_evict(struct address_space *mapping)
{
	struct device_map_file *file = mapping->device_map;

	__device_map_revoke(mapping, 0, ULONG_MAX, DEVICE_MAP_CLOSE);
	WARN_ON_ONCE(!xa_empty(&file->pages));
	spin_lock(&device_map_files_lock);
	list_del(&file->node);
	spin_unlock(&device_map_files_lock);
	mapping->device_map = NULL;
	xa_destroy(&file->pages);
	kfree(file);
}

/* Calls @visit for each file of a filesystem that devices have mapped. */
static void device_map_each_file(struct super_block *sb,
				 void (*visit)(struct address_space *mapping))
{
	struct inode *inode, *last = NULL;
	struct device_map_file *file;

	spin_lock(&device_map_files_lock);
	list_for_each_entry(file, &device_map_files, node) {
		inode = file->mapping->host;
		if (inode->i_sb != sb || xa_empty(&file->pages))
			continue;
		/* It can't be freed, and so stays in the list, while we have it. */
		inode = igrab(inode);
		if (!inode)
			continue;
		spin_unlock(&device_map_files_lock);
		iput(last);
		last = inode;
		visit(inode->i_mapping);
		spin_lock(&device_map_files_lock);
	}
	spin_unlock(&device_map_files_lock);
	iput(last);
}

static void device_map_sync_file(struct address_space *mapping)
{
	if (__device_map_sync(mapping, 0, ULONG_MAX))
		__device_map_touch(mapping->host);
}

static void device_map_freeze_file(struct address_space *mapping)
{
	__device_map_revoke(mapping, 0, ULONG_MAX, DEVICE_MAP_FREEZE);
}

/**
 * device_map_sync_sb() - make durable what devices may have written to files
 * @sb: the filesystem, which can't be unmounted
 */
void device_map_sync_sb(struct super_block *sb)
{
	int written, ret;

	/* Devices can't write to it, and a last reference would wait for a thaw. */
	if (sb->s_writers.frozen == SB_FREEZE_COMPLETE)
		return;
	device_map_each_file(sb, device_map_sync_file);
	smp_rmb();	/* the record was seen, or the count is */
	/* Before the flush, so that what is written meanwhile has another one. */
	written = atomic_read(&sb->s_device_map_written);
	if (written == READ_ONCE(sb->s_device_map_flushed))
		return;
	ret = blkdev_issue_flush(sb->s_bdev);
	if (ret)
		errseq_set(&sb->s_wb_err, ret);
	else
		WRITE_ONCE(sb->s_device_map_flushed, written);
}

/**
 * device_map_freeze_sb() - take back what devices may write to
 * @sb: the filesystem, to whose pages nobody gets write access any more
 */
void device_map_freeze_sb(struct super_block *sb)
{
	device_map_each_file(sb, device_map_freeze_file);
}

/**
 * struct device_map_request - a call of fs_device_map()
 * @file:     the file
 * @inode:    the same
 * @importer: the device
 * @index:    first page
 * @pages:    how many
 * @flags:    DEVICE_MAP_FLAG_*
 * @bus:      where the addresses go
 */
struct device_map_request {
	struct device_map_file *file;
	struct inode *inode;
	struct device *importer;
	pgoff_t index;
	unsigned long pages;
	unsigned int flags;
	dma_addr_t *bus;
};

static bool device_map_writes(const struct device_map_request *request)
{
	return request->flags & (DEVICE_MAP_FLAG_WRITE |
				 DEVICE_MAP_FLAG_SUPPORT_ATOMIC_OP);
}

static int device_map_refuse_request(const struct device_map_request *request,
				     int error, enum device_map_refusal reason)
{
	return device_map_refuse(request->inode, request->index,
				 request->pages, error, reason);
}

/* What the filesystem says. */
static int device_map_check_fs(const struct device_map_request *request,
			       const struct fs_device_map_ops *ops)
{
	int ret = ops->allow(request->inode, device_map_writes(request));

	switch (ret) {
	case 0:
		return 0;
	case -EIO:
	case -EROFS:
		return device_map_refuse_request(request, ret,
						 DEVICE_MAP_SHUT_DOWN);
	case -EBUSY:
		return device_map_refuse_request(request, ret,
						 DEVICE_MAP_SHARED);
	default:
		return device_map_refuse_request(request, ret,
						 DEVICE_MAP_BAD_INODE);
	}
}

/* What needs no lock to be refused. */
static int device_map_check_inode(const struct device_map_request *request,
				  const struct fs_device_map_ops *ops)
{
	struct inode *inode = request->inode;
	int ret;

	if (!S_ISREG(inode->i_mode) || IS_DAX(inode) || IS_ENCRYPTED(inode) ||
	    IS_VERITY(inode) || IS_SWAPFILE(inode))
		return device_map_refuse_request(request, -EOPNOTSUPP,
						 DEVICE_MAP_BAD_INODE);
	if (device_map_writes(request) && IS_IMMUTABLE(inode))
		return device_map_refuse_request(request, -EACCES,
						 DEVICE_MAP_BAD_INODE);
	if (request->flags & DEVICE_MAP_FLAG_PIN)
		return device_map_refuse_request(request, -EOPNOTSUPP,
						 DEVICE_MAP_BAD_FLAGS);
	ret = device_map_check_fs(request, ops);
	if (ret)
		return ret;
	/* Before anything that may be different at the next attempt. */
	if (!inode->i_sb->s_bdev)
		return device_map_refuse_request(request, -EOPNOTSUPP,
						 DEVICE_MAP_NO_DEVICE);
	switch (blk_device_map_reach(inode->i_sb->s_bdev, request->importer)) {
	case 0:
		return 0;
	case -EREMOTEIO:
		return device_map_refuse_request(request, -EREMOTEIO,
						 DEVICE_MAP_NO_ROUTE);
	default:
		return device_map_refuse_request(request, -EOPNOTSUPP,
						 DEVICE_MAP_NO_DEVICE);
	}
}

/*
 * The end of a request. If it failed, what was made for it goes: no importer has
 * heard of an address. What was live before stays so.
 */
static void device_map_conclude(const struct device_map_request *request,
				bool failed)
{
	struct device_map_file *file = request->file;
	struct device_map_page *page;
	unsigned long index;

	lockdep_assert_held(&file->lock);
	xa_for_each_range(&file->pages, index, page, request->index,
			  request->index + request->pages - 1) {
		if (page->state == DEVICE_MAP_NEW) {
			xa_erase(&file->pages, index);
			kfree_rcu(page, rcu);
		} else if (failed && page->state == DEVICE_MAP_LIVE &&
			   page->former != DEVICE_MAP_LIVE) {
			device_map_release_run(file, index, page->sector, 1,
					       page->former ==
					       DEVICE_MAP_RESERVED ?
					       BLK_DEVICE_MAP_KEEP : 0);
		} else if (page->state == DEVICE_MAP_LIVE) {
			page->former = DEVICE_MAP_LIVE;
		}
	}
}

/* Shows everyone that the pages are about to be mapped. */
static int device_map_announce(const struct device_map_request *request)
{
	struct device_map_page *page;
	unsigned long i;
	int ret;

	lockdep_assert_held(&request->file->lock);
	for (i = 0; i < request->pages; i++) {
		page = xa_load(&request->file->pages, request->index + i);
		if (page && page->state == DEVICE_MAP_REVOKING)
			return device_map_refuse_request(request, -EAGAIN,
							 DEVICE_MAP_RACE);
		if (page)
			continue;
		page = kzalloc_obj(*page);
		if (!page)
			return device_map_refuse_request(request, -ENOMEM,
							 DEVICE_MAP_FAILED);
		page->state = DEVICE_MAP_NEW;
		ret = xa_err(xa_store(&request->file->pages,
				      request->index + i, page, GFP_KERNEL));
		if (ret) {
			kfree(page);
			return device_map_refuse_request(request, ret,
							 DEVICE_MAP_FAILED);
		}
		xa_set_mark(&request->file->pages, request->index + i,
			    DEVICE_MAP_USED);
	}
	/* Pairs with device_map_folio_added(), iomap_dio_rw(), and flags that are set. */
	smp_mb();
	return 0;
}

/* What the others have shown. The pages have been announced. */
static int device_map_check_others(const struct device_map_request *request)
{
	struct inode *inode = request->inode;
	loff_t start = (loff_t)request->index << PAGE_SHIFT;
	loff_t end = start + ((loff_t)request->pages << PAGE_SHIFT);

	if (filemap_range_has_page(inode->i_mapping, start, end - 1))
		return device_map_refuse_request(request, -EBUSY,
						 DEVICE_MAP_PAGE_CACHE);
	if (atomic_read(&inode->i_dio_count))
		return device_map_refuse_request(request, -EBUSY,
						 DEVICE_MAP_DIRECT_IO);
	if (IS_SWAPFILE(inode) || IS_VERITY(inode))
		return device_map_refuse_request(request, -EOPNOTSUPP,
						 DEVICE_MAP_BAD_INODE);
	if (device_map_writes(request) && IS_IMMUTABLE(inode))
		return device_map_refuse_request(request, -EACCES,
						 DEVICE_MAP_BAD_INODE);
	if (request->index + request->pages >
	    DIV_ROUND_UP_ULL(i_size_read(inode), PAGE_SIZE))
		return device_map_refuse_request(request, -ENXIO,
						 DEVICE_MAP_END_OF_FILE);
	return device_map_check_fs(request, request->file->ops);
}

/* Whether what the file has mapped or reserved, if anything, is of the same device. */
static bool device_map_fits(struct device_map_file *file,
			    struct block_device *bdev)
{
	struct device_map_page *page;
	unsigned long index;

	if (!file->bdev || file->bdev == bdev)
		return true;
	xa_for_each(&file->pages, index, page)
		if (page->state != DEVICE_MAP_NEW)
			return false;
	return true;
}

/* The blocks are mapped: what the records say becomes true. */
static void device_map_record(struct device_map_file *file,
			      const struct blk_device_map *map, bool writable)
{
	struct device_map_page *page;
	unsigned int i;

	for (i = 0; i < map->pages; i++) {
		sector_t sector = map->sector + i * BLK_DEVICE_MAP_SECTORS;

		page = xa_load(&file->pages, map->index + i);
		if (page->state != DEVICE_MAP_NEW && page->sector != sector) {
			/* It has moved since, unheard. None does while mapped. */
			WARN_ON_ONCE(page->state == DEVICE_MAP_LIVE);
			blk_device_map_release(file->bdev, page->sector, 1, 0);
			page->writable = false;
		}
		page->sector = sector;
		page->writable |= writable;
		page->former = page->state;
		page->state = DEVICE_MAP_LIVE;
		xa_set_mark(&file->pages, map->index + i, DEVICE_MAP_USED);
	}
}

/* Maps what an extent has of the request. */
static int device_map_extent(struct iomap_iter *iter,
			     const struct device_map_request *request)
{
	struct inode *inode = request->inode;
	const struct iomap *iomap = &iter->iomap;
	struct device_map_file *file = request->file;
	struct blk_device_map map = {
		.importer = request->importer,
		.owner = &file->owner,
		.index = iter->pos >> PAGE_SHIFT,
		.pages = iomap_length(iter) >> PAGE_SHIFT,
		.flags = request->flags,
		.valid = PAGE_SIZE,
		.bus = request->bus + ((iter->pos >> PAGE_SHIFT) -
				       request->index),
	};
	loff_t size = i_size_read(inode);
	int ret;

	if (iomap->type == IOMAP_HOLE || iomap->type == IOMAP_UNWRITTEN)
		return device_map_refuse_request(request, -ENXIO,
						 DEVICE_MAP_NO_BLOCK);
	if (iomap->type != IOMAP_MAPPED)
		return device_map_refuse_request(request, -EOPNOTSUPP,
						 DEVICE_MAP_BAD_INODE);
	if (device_map_writes(request) && (iomap->flags & IOMAP_F_SHARED))
		return device_map_refuse_request(request, -EBUSY,
						 DEVICE_MAP_SHARED);
	if (!map.pages)
		return device_map_refuse_request(request, -ENXIO,
						 DEVICE_MAP_ALIGNMENT);
	if (!device_map_fits(file, iomap->bdev))
		return device_map_refuse_request(request, -EOPNOTSUPP,
						 DEVICE_MAP_NO_DEVICE);
	map.sector = iomap_sector(iomap, iter->pos);
	if (((loff_t)map.index + map.pages) << PAGE_SHIFT > size)
		map.valid = offset_in_page(size);

	ret = blk_device_map(iomap->bdev, &map);
	if (ret)
		return device_map_refuse_request(request, ret, map.reason);
	file->bdev = iomap->bdev;
	device_map_record(file, &map, device_map_writes(request));
	return iomap_iter_advance(iter, (u64)map.pages << PAGE_SHIFT);
}

static int device_map_blocks(const struct device_map_request *request)
{
	struct iomap_iter iter = {
		.inode = request->inode,
		.pos = (loff_t)request->index << PAGE_SHIFT,
		.len = (u64)request->pages << PAGE_SHIFT,
		.flags = IOMAP_REPORT,
	};
	int status = 0, ret;

	while ((ret = iomap_iter(&iter, request->file->ops->iomap)) > 0) {
		status = device_map_extent(&iter, request);
		iter.status = status;
	}
	if (!ret && iter.len)
		return device_map_refuse_request(request, -ENXIO,
						 DEVICE_MAP_NO_BLOCK);
	/* What an extent is refused for has been told. */
	if (ret && !status)
		return device_map_refuse_request(request, ret,
						 DEVICE_MAP_FAILED);
	return ret;
}

/* With the invalidate_lock held: no block moves. */
static int device_map_locked(const struct device_map_request *request)
{
	unsigned int flags;
	int ret;

	mutex_lock(&request->file->lock);
	flags = memalloc_noio_save();
	/* The first look is only there to spare the work of announcing. */
	ret = device_map_check_others(request);
	if (ret)
		goto restore;
	ret = device_map_announce(request);
	if (!ret)
		ret = device_map_check_others(request);
	if (!ret)
		ret = device_map_blocks(request);
	device_map_conclude(request, ret);
restore:
	memalloc_noio_restore(flags);
	mutex_unlock(&request->file->lock);
	if (ret == -EAGAIN) {
		/* The importer starts over: not before the revocation has ended. */
		mutex_lock(&request->file->revoke_lock);
		mutex_unlock(&request->file->revoke_lock);
	}
	return ret;
}

/* Clean pages that nobody has mapped make room, dirty ones after write-back. */
static void device_map_drop_pages(const struct device_map_request *request)
{
	struct address_space *mapping = request->inode->i_mapping;
	loff_t start = (loff_t)request->index << PAGE_SHIFT;
	loff_t end = start + ((loff_t)request->pages << PAGE_SHIFT) - 1;

	if (!filemap_range_has_page(mapping, start, end))
		return;
	if (filemap_write_and_wait_range(mapping, start, end))
		return;
	invalidate_mapping_pages(mapping, start >> PAGE_SHIFT,
				 end >> PAGE_SHIFT);
}

/**
 * fs_device_map() - device_map() of a filesystem
 * @vma: a mapping of one of its files
 * @importer: the device
 * @bufp: for DEVICE_MAP_FLAG_PIN, which is not supported
 * @start: first address
 * @end: after the last
 * @flags: DEVICE_MAP_FLAG_*
 * @pa: where the addresses go
 * @ops: the filesystem's, the same for all of its files
 *
 * Context: as device_map_vma(), which is the only caller by way of the filesystem.
 * Return: as device_map_vma().
 */
int fs_device_map(struct vm_area_struct *vma, struct device *importer,
		  struct dma_buf **bufp, unsigned long start,
		  unsigned long end, unsigned int flags, dma_addr_t *pa,
		  const struct fs_device_map_ops *ops)
{
	struct address_space *mapping = vma->vm_file->f_mapping;
	struct super_block *sb = mapping->host->i_sb;
	struct device_map_request request = {
		.inode = mapping->host,
		.importer = importer,
		.index = linear_page_index(vma, start),
		.pages = (end - start) >> PAGE_SHIFT,
		.flags = flags,
		.bus = pa,
	};
	bool writes = device_map_writes(&request);
	int ret;

	ret = device_map_check_inode(&request, ops);
	if (ret)
		return ret;
	request.file = device_map_file_get(mapping, ops);
	if (!request.file)
		return device_map_refuse_request(&request, -ENOMEM,
						 DEVICE_MAP_FAILED);
	if (writes) {
		/* The page fault to fall back to waits for the thaw. */
		if (!__sb_start_write_trylock(sb, SB_FREEZE_PAGEFAULT))
			return device_map_refuse_request(&request, -EBUSY,
							 DEVICE_MAP_FROZEN);
		file_update_time(vma->vm_file);
	}
	if (drop_cache)
		device_map_drop_pages(&request);
	filemap_invalidate_lock_shared(mapping);
	ret = device_map_locked(&request);
	filemap_invalidate_unlock_shared(mapping);
	if (writes)
		sb_end_pagefault(sb);
	return ret;
}
EXPORT_SYMBOL_GPL(fs_device_map);

/**
 * fs_device_unmap() - device_unmap() of a filesystem
 * @vma: a mapping of one of its files
 * @importer: the device
 * @start: first address
 * @end: after the last
 *
 * Nobody counts who else has a page, or knows whether what @importer had was taken
 * back before. So the pages are taken back from all, who may map them again at once.
 */
void fs_device_unmap(struct vm_area_struct *vma, struct device *importer,
		     unsigned long start, unsigned long end)
{
	struct address_space *mapping = vma->vm_file->f_mapping;
	pgoff_t first = linear_page_index(vma, start);

	if (device_map_active(mapping))
		__device_map_revoke(mapping, first,
				    first + ((end - start) >> PAGE_SHIFT) - 1,
				    DEVICE_MAP_UNMAP);
}
EXPORT_SYMBOL_GPL(fs_device_unmap);

static void device_map_show_file(struct seq_file *seq,
				 struct device_map_file *file)
{
	dev_t dev = file->mapping->host->i_sb->s_dev;
	struct device_map_run run;
	pgoff_t index = 0;

	mutex_lock(&file->lock);
	while (device_map_next_run(file, &run, index, ULONG_MAX)) {
		if (run.state == DEVICE_MAP_LIVE)
			seq_printf(seq, "%u:%u %llu %lu %u %llu %c\n",
				   MAJOR(dev), MINOR(dev),
				   (u64)file->mapping->host->i_ino, run.index,
				   run.pages,
				   (u64)(run.sector +
					 file->bdev->bd_start_sect),
				   run.writable ? 'w' : 'r');
		index = run.index + run.pages;
	}
	mutex_unlock(&file->lock);
}

static int device_map_mappings_show(struct seq_file *seq, void *data)
{
	struct inode *inode, *last = NULL;
	struct device_map_file *file;

	spin_lock(&device_map_files_lock);
	list_for_each_entry(file, &device_map_files, node) {
		inode = xa_empty(&file->pages) ? NULL : device_map_grab(file);
		if (!inode)
			continue;
		spin_unlock(&device_map_files_lock);
		device_map_drop(last);
		last = inode;
		device_map_show_file(seq, file);
		spin_lock(&device_map_files_lock);
	}
	spin_unlock(&device_map_files_lock);
	device_map_drop(last);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(device_map_mappings);

static int __init fs_device_map_init(void)
{
	debugfs_create_file("mappings", 0444, device_map_debugfs(), NULL,
			    &device_map_mappings_fops);
	return 0;
}
late_initcall(fs_device_map_init);

#ifdef CONFIG_DEVICE_MAP_KUNIT_TEST
#include "device_map_test.c"
#endif
