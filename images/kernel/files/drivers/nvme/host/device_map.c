// SPDX-License-Identifier: GPL-2.0-only
/*
 * Blocks of NVMe namespaces in windows of the Controller Memory Buffer (NVMe 2.0c,
 * 8.5), for peer devices.
 *
 * A window is a page of the CMB. It is filled by a read command into the CMB when
 * its block is mapped, and written back by a write command from it. When nobody has
 * it mapped or reserved it is idle, and keeps a copy of its block until another
 * block needs the window, or a command changes the block.
 *
 * Locks, outermost first:
 *
 *	nvme_device_map.lock		held during I/O
 *	nvme_device_map.owners_lock	never held during I/O: a reset takes it
 *	owners' i_mmap_rwsem, and what importers' notifiers take
 */
#include <linux/bio.h>
#include <linux/completion.h>
#include <linux/blk-device-map.h>
#include <linux/blk-integrity.h>
#include <linux/debugfs.h>
#include <linux/delay.h>
#include <linux/device_map.h>
#include <linux/dma-mapping.h>
#include <linux/pci-p2pdma.h>
#include <linux/seq_file.h>
#include <linux/slab.h>
#include <linux/workqueue.h>

#include "device_map.h"

/* Pages of one command at most. */
#define NVME_BATCH	64U
/* How often a command is tried: as often as others by default, see nvme_max_retries. */
#define NVME_TRIES	6U
#define NVME_TRY_AGAIN_MS	10
/* Windows of a chunk, which is allocated and freed as a whole. */
#define NVME_WINDOWS		64U
#define NVME_CHUNK_SIZE		(NVME_WINDOWS * PAGE_SIZE)

static unsigned int device_map_share = 75;
module_param(device_map_share, uint, 0444);
MODULE_PARM_DESC(device_map_share, "Percentage of the Controller Memory Buffer that may show blocks to peer devices (default 75)");

struct nvme_chunk;
struct nvme_space;

/**
 * struct nvme_window - a page of the CMB
 * @record:   which block it shows; in the table of @space if that is set
 * @space:    the namespace, or NULL for a free window
 * @node:     in the list of free or of idle windows, oldest first
 * @chunk:    that it is part of
 * @grants:   importers that have it through the DMA API
 * @valid:    bytes that belong to the file
 * @epoch:    of the controller when it was filled; another one has lost the content
 * @reserved: for the owner, who may map it again
 * @fresh:    only since the request that is being served
 * @writable: importers may have written to it
 * @filled:   has the content of its block
 * @stale:    a command may have changed the block since; set without the lock while
 *            not mapped
 *
 * Protected by nvme_device_map.lock but for @stale.
 */
struct nvme_window {
	struct blk_device_map_record record;
	struct nvme_space *space;
	struct list_head node;
	struct nvme_chunk *chunk;
	struct list_head grants;
	unsigned int valid;
	unsigned int epoch;
	bool reserved;
	bool fresh;
	bool writable;
	bool filled;
	bool stale;
};

/**
 * struct nvme_chunk - windows that follow each other in the CMB
 * @node:    in nvme_device_map.chunks
 * @address: as the CPU has it
 * @windows: the windows
 */
struct nvme_chunk {
	struct list_head node;
	void *address;
	struct nvme_window windows[NVME_WINDOWS];
};

/**
 * struct nvme_grant - an importer's use of a window through the DMA API
 * @node:     in nvme_window.grants
 * @importer: holds a reference
 * @address:  what all of its address spaces use, until the window is released
 */
struct nvme_grant {
	struct list_head node;
	struct device *importer;
	dma_addr_t address;
};

/**
 * struct nvme_space - a namespace with windows
 * @table:    from its blocks to windows
 * @replaced: another namespace has come to its id: nothing is mapped until what there is
 *            has been taken back. Protected by nvme_device_map.lock
 */
struct nvme_space {
	struct blk_device_map_table table;
	bool replaced;
};

/**
 * struct nvme_device_map - what a controller shows to peers
 * @ctrl:        the controller
 * @pdev:        its PCI device, which has the CMB
 * @limit:       bytes of the CMB that may be used
 * @exporter:    hears of importers that leave
 * @debugfs:     its directory
 * @lock:        protects the following, and windows; held during I/O
 * @chunks:      all of them
 * @spaces:      struct nvme_space by namespace id; looked up under RCU, too
 * @free:        windows without a block
 * @idle:        windows with a copy of a block, least recently used first
 * @total:       number of windows
 * @owners_lock: protects @owners, @stopped, @resumed, and @epoch against changes
 * @owners:      struct blk_device_map_owner with windows
 * @stopped:     peers are, since the controller is disabled; counts in
 *               nvme_ctrl.device_map_going
 * @resumed:     the epoch in which the controller works again
 * @resume:      takes back what a reset has lost, and allows to map again
 * @epoch:       number of times that the content was lost
 */
struct nvme_device_map {
	struct nvme_ctrl *ctrl;
	struct pci_dev *pdev;
	u64 limit;
	struct notifier_block exporter;
	struct dentry *debugfs;

	struct mutex lock;	/* windows */
	struct list_head chunks;
	struct xarray spaces;
	struct list_head free;
	struct list_head idle;
	unsigned long total;

	struct mutex owners_lock;	/* owners */
	struct list_head owners;
	bool stopped;
	unsigned int resumed;

	struct work_struct resume;
	atomic_t epoch;
};

static struct nvme_window *nvme_window_of(struct blk_device_map_record *record)
{
	return record ? container_of(record, struct nvme_window, record) : NULL;
}

static void *nvme_window_address(struct nvme_window *window)
{
	return window->chunk->address +
	       (window - window->chunk->windows) * PAGE_SIZE;
}

/* The window of page @i of a run, or NULL. */
static struct nvme_window *nvme_window_find(struct nvme_space *space,
					    sector_t sector, unsigned int i)
{
	sector += (sector_t)i * BLK_DEVICE_MAP_SECTORS;
	return nvme_window_of(blk_device_map_find(&space->table, sector));
}

static struct nvme_device_map *nvme_device_map_of(struct gendisk *disk)
{
	struct nvme_ns *ns = disk->private_data;

	return ns->ctrl->device_map;
}

/* Return: whether a window has what its block has. */
static bool nvme_window_current(struct nvme_device_map *map,
				struct nvme_window *window)
{
	return window->filled && !READ_ONCE(window->stale) &&
	       window->epoch == atomic_read(&map->epoch);
}

/* Owners: who has to be stopped when the controller is reset. */

static void nvme_owner_add(struct nvme_device_map *map,
			   struct blk_device_map_owner *owner)
{
	mutex_lock(&map->owners_lock);
	if (!owner->windows++)
		list_add(&owner->node, &map->owners);
	mutex_unlock(&map->owners_lock);
}

static void nvme_owner_remove(struct nvme_device_map *map,
			      struct blk_device_map_owner *owner)
{
	mutex_lock(&map->owners_lock);
	if (!--owner->windows)
		list_del(&owner->node);
	mutex_unlock(&map->owners_lock);
}

/* Grants: importers that go through the host bridge, or an IOMMU. */

static void nvme_grant_end(struct nvme_grant *grant)
{
	dma_unmap_phys(grant->importer, grant->address, PAGE_SIZE,
		       DMA_BIDIRECTIONAL, DMA_ATTR_MMIO);
	put_device(grant->importer);
	list_del(&grant->node);
	kfree(grant);
}

/* Of one importer or of all. */
static void nvme_window_ungrant(struct nvme_window *window,
				struct device *importer)
{
	struct nvme_grant *grant, *next;

	list_for_each_entry_safe(grant, next, &window->grants, node)
		if (!importer || grant->importer == importer)
			nvme_grant_end(grant);
}

static int nvme_window_grant(struct nvme_window *window,
			     struct device *importer, dma_addr_t *address)
{
	phys_addr_t phys = page_to_phys(virt_to_page(nvme_window_address(window)));
	struct nvme_grant *grant;

	list_for_each_entry(grant, &window->grants, node) {
		if (grant->importer != importer)
			continue;
		*address = grant->address;
		return 0;
	}
	grant = kzalloc_obj(*grant);
	if (!grant)
		return -ENOMEM;
	grant->address = dma_map_phys(importer, phys, PAGE_SIZE,
				      DMA_BIDIRECTIONAL, DMA_ATTR_MMIO);
	if (dma_mapping_error(importer, grant->address)) {
		kfree(grant);
		return -EREMOTEIO;
	}
	grant->importer = get_device(importer);
	list_add(&grant->node, &window->grants);
	*address = grant->address;
	return 0;
}

/* The address that an importer must use. Return: 0, -EREMOTEIO, -ENOMEM. */
static int nvme_window_expose(struct nvme_window *window,
			      struct device *importer,
			      struct pci_p2pdma_map_state *state,
			      dma_addr_t *address)
{
	struct page *page = virt_to_page(nvme_window_address(window));

	switch (pci_p2pdma_state(state, importer, page)) {
	case PCI_P2PDMA_MAP_BUS_ADDR:
		*address = pci_p2pdma_bus_addr_map(state->mem,
						   page_to_phys(page));
		return 0;
	case PCI_P2PDMA_MAP_THRU_HOST_BRIDGE:
		return nvme_window_grant(window, importer, address);
	default:
		return -EREMOTEIO;
	}
}

/* Windows: free, idle, reserved, mapped. */

/* Return: whether there are new free windows. */
static bool nvme_chunk_add(struct nvme_device_map *map)
{
	struct nvme_chunk *chunk;
	unsigned int i;

	if ((u64)(map->total + NVME_WINDOWS) * PAGE_SIZE > map->limit)
		return false;
	chunk = kvzalloc_obj(*chunk);
	if (!chunk)
		return false;
	chunk->address = pci_alloc_p2pmem(map->pdev, NVME_CHUNK_SIZE);
	if (!chunk->address) {
		kvfree(chunk);
		return false;
	}
	for (i = 0; i < NVME_WINDOWS; i++) {
		struct nvme_window *window = &chunk->windows[i];

		window->chunk = chunk;
		INIT_LIST_HEAD(&window->grants);
		list_add_tail(&window->node, &map->free);
	}
	list_add(&chunk->node, &map->chunks);
	map->total += NVME_WINDOWS;
	return true;
}

/* Takes a window's block away. It is in no list, and nobody's. */
static void nvme_window_clear(struct nvme_window *window)
{
	if (window->space)
		blk_device_map_erase(&window->space->table, &window->record);
	window->space = NULL;
	window->filled = false;
}

/* A window for a new block: a free one, or that which was idle for longest. */
static struct nvme_window *nvme_window_take(struct nvme_device_map *map)
{
	struct nvme_window *window;

	if (list_empty(&map->free) && !nvme_chunk_add(map) &&
	    list_empty(&map->idle))
		return NULL;
	window = list_first_entry_or_null(&map->free, struct nvme_window, node);
	if (!window) {
		window = list_first_entry(&map->idle, struct nvme_window, node);
		device_map_count(DEVICE_MAP_COUNT_RECLAIMED, 1);
	}
	list_del_init(&window->node);
	nvme_window_clear(window);
	return window;
}

/* Nobody has it mapped or reserved any more. */
static void nvme_window_idle(struct nvme_device_map *map,
			     struct nvme_window *window)
{
	nvme_owner_remove(map, window->record.owner);
	window->record.owner = NULL;
	window->reserved = false;
	window->fresh = false;
	if (nvme_window_current(map, window)) {
		list_add_tail(&window->node, &map->idle);
	} else {
		nvme_window_clear(window);
		list_add_tail(&window->node, &map->free);
	}
}

/* @flags: BLK_DEVICE_MAP_KEEP, BLK_DEVICE_MAP_LOST */
static void nvme_window_release(struct nvme_device_map *map,
				struct nvme_window *window, unsigned int flags)
{
	nvme_window_ungrant(window, NULL);
	WRITE_ONCE(window->record.mapped, false);
	window->writable = false;
	/* Whatever is on the medium now, this may not be it. */
	if (flags & BLK_DEVICE_MAP_LOST)
		WRITE_ONCE(window->stale, true);
	if (!(flags & BLK_DEVICE_MAP_KEEP))
		nvme_window_idle(map, window);
}

/* Gives a window to an owner. */
static void nvme_window_own(struct nvme_device_map *map,
			    struct nvme_window *window,
			    struct blk_device_map_owner *owner, pgoff_t index)
{
	nvme_owner_add(map, owner);
	window->record.owner = owner;
	window->record.index = index;
	window->reserved = true;
	window->fresh = true;
}

/*
 * Frees idle windows that have parts of a page. They lie otherwise than this one does:
 * there was another partition, or another filesystem.
 */
static void nvme_window_evict(struct nvme_device_map *map,
			      struct nvme_space *space, sector_t sector)
{
	const sector_t ends[] = { sector, sector + BLK_DEVICE_MAP_SECTORS - 1 };
	struct nvme_window *window;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(ends); i++) {
		window = nvme_window_of(blk_device_map_find(&space->table,
							    ends[i]));
		if (!window || window->record.owner ||
		    window->record.sector == sector)
			continue;
		nvme_window_clear(window);
		list_move(&window->node, &map->free);
	}
}

/* The window of a block, made the owner's. */
static struct nvme_window *nvme_window_get(struct nvme_device_map *map,
					   struct nvme_space *space,
					   struct blk_device_map_owner *owner,
					   pgoff_t index, sector_t sector)
{
	struct nvme_window *window;
	int ret;

	nvme_window_evict(map, space, sector);
	window = nvme_window_of(blk_device_map_find(&space->table, sector));
	if (window && window->record.owner) {
		/* A block has one window, and a window one page. */
		if (window->record.owner != owner ||
		    window->record.index != index ||
		    window->record.sector != sector)
			return ERR_PTR(-EBUSY);
		return window;
	}
	if (window) {
		list_del_init(&window->node);
	} else {
		window = nvme_window_take(map);
		if (!window)
			return ERR_PTR(-ENOSPC);
		WRITE_ONCE(window->record.sector, sector);
		ret = blk_device_map_insert(&space->table, &window->record);
		if (ret) {
			list_add(&window->node, &map->free);
			return ERR_PTR(ret);
		}
		window->space = space;
	}
	nvme_window_own(map, window, owner, index);
	return window;
}

/* Bytes after the end of the file are zeros, whatever the block has there. */
static void nvme_window_zero_tail(struct nvme_window *window)
{
	if (window->valid < PAGE_SIZE)
		memset(nvme_window_address(window) + window->valid, 0,
		       PAGE_SIZE - window->valid);
}

/**
 * struct nvme_transfer - a command between windows and their blocks
 * @done:  it has ended
 * @epoch: of the windows' content; with another one there is nothing to write
 */
struct nvme_transfer {
	struct completion done;
	unsigned int epoch;
};

static void nvme_transfer_end_io(struct bio *bio)
{
	struct nvme_transfer *transfer = bio->bi_private;

	complete(&transfer->done);
}

/*
 * Return: whether another try may help: the path may be back, or the controller ready.
 * BLK_STS_TARGET has that in it, with errors for good, which are rare.
 */
static bool nvme_transfer_again(blk_status_t status)
{
	return blk_path_error(status) || status == BLK_STS_TARGET;
}

/*
 * Transfers between windows and the blocks that follow each other from @sector on.
 *
 * A reset in between takes the windows' content away. So no command is repeated by
 * anyone but here, where that is known, and none that has been waiting goes on:
 * see nvme_device_map_lost().
 */
static int nvme_windows_transfer(struct nvme_device_map *map,
				 struct gendisk *disk, blk_opf_t operation,
				 sector_t sector, struct nvme_window **windows,
				 unsigned int count, unsigned int epoch)
{
	unsigned int tries = NVME_TRIES;
	blk_status_t status;

	for (;;) {
		struct nvme_transfer transfer = {
			.done = COMPLETION_INITIALIZER_ONSTACK(transfer.done),
			.epoch = epoch,
		};
		struct bio *bio = bio_alloc(disk->part0, count, operation |
					    REQ_SYNC | REQ_NOMERGE |
					    REQ_FAILFAST_MASK, GFP_NOIO);
		unsigned int i;

		bio->bi_iter.bi_sector = sector;
		bio->bi_end_io = nvme_transfer_end_io;
		bio->bi_private = &transfer;
		for (i = 0; i < count; i++)
			__bio_add_page(bio, virt_to_page(nvme_window_address(windows[i])),
				       PAGE_SIZE, 0);
		submit_bio(bio);
		wait_for_completion_io(&transfer.done);
		status = bio->bi_status;
		bio_put(bio);
		if (!status || !nvme_transfer_again(status) || !--tries ||
		    atomic_read(&map->epoch) != epoch)
			return blk_status_to_errno(status);
		msleep(NVME_TRY_AGAIN_MS);
	}
}

/**
 * __nvme_device_map_lost() - has a command lost what it is to write?
 * @ns: the namespace
 * @req: a request to write
 *
 * Context: any.
 * Return: true if a reset came between.
 */
bool __nvme_device_map_lost(struct nvme_ns *ns, struct request *req)
{
	const struct bio *bio = req->bio;
	const struct nvme_transfer *transfer;

	if (!bio || bio->bi_end_io != nvme_transfer_end_io)
		return false;
	transfer = bio->bi_private;
	return transfer->epoch != atomic_read(&ns->ctrl->device_map->epoch);
}

/*
 * Return: how many pages from @sector on the disk takes in one command. One of more is
 * split, see get_max_io_size(), and nvme_device_map_lost() does not know its parts.
 */
static unsigned int nvme_command_pages(const struct queue_limits *limits,
				       sector_t sector)
{
	unsigned int physical = limits->physical_block_size >> SECTOR_SHIFT;
	unsigned int start = sector & (physical - 1);
	unsigned int sectors = limits->max_sectors;

	if (limits->chunk_sectors)
		sectors = min(sectors,
			      blk_boundary_sectors_left(sector,
							limits->chunk_sectors));
	/* It ends with a physical block if it can. */
	if (start + sectors >= physical)
		sectors = round_down(start + sectors, physical) - start;
	return min3(NVME_BATCH, (unsigned int)limits->max_segments,
		    sectors / (unsigned int)BLK_DEVICE_MAP_SECTORS);
}

/**
 * struct nvme_batch - windows of blocks that follow each other
 * @limits:  of the disk
 * @sector:  of the first
 * @count:   how many
 * @room:    how many of them one command takes
 * @windows: the windows
 */
struct nvme_batch {
	const struct queue_limits *limits;
	sector_t sector;
	unsigned int count;
	unsigned int room;
	struct nvme_window *windows[NVME_BATCH];
};

static void nvme_batch_init(struct nvme_batch *batch, struct gendisk *disk)
{
	batch->limits = &disk->queue->limits;
	batch->count = 0;
}

/* @epoch: when the request began: a later one may have seen the content go. */
static int nvme_batch_fill(struct nvme_device_map *map, struct gendisk *disk,
			   struct nvme_batch *batch, unsigned int epoch)
{
	unsigned int i;
	int ret;

	if (!batch->count)
		return 0;
	for (i = 0; i < batch->count; i++) {
		batch->windows[i]->filled = false;
		WRITE_ONCE(batch->windows[i]->stale, false);
	}
	ret = nvme_windows_transfer(map, disk, REQ_OP_READ, batch->sector,
				    batch->windows, batch->count, epoch);
	/* Other errors of the disk would tell importers what it does not mean. */
	if (ret && ret != -ENOMEM)
		ret = -EIO;
	for (i = 0; !ret && i < batch->count; i++) {
		batch->windows[i]->filled = true;
		batch->windows[i]->epoch = epoch;
		nvme_window_zero_tail(batch->windows[i]);
	}
	if (!ret)
		device_map_count(DEVICE_MAP_COUNT_FILLED_PAGES, batch->count);
	batch->count = 0;
	return ret;
}

/* Adds a window, after a transfer if it does not follow or there is no room. */
static bool nvme_batch_takes(struct nvme_batch *batch, sector_t sector)
{
	if (!batch->count)
		return true;
	return batch->count < batch->room &&
	       sector == batch->sector +
	       (sector_t)batch->count * BLK_DEVICE_MAP_SECTORS;
}

static void nvme_batch_add(struct nvme_batch *batch,
			   struct nvme_window *window)
{
	if (!batch->count) {
		batch->sector = window->record.sector;
		batch->room = nvme_command_pages(batch->limits, batch->sector);
	}
	batch->windows[batch->count++] = window;
}

/* The namespace's windows, made if it has none yet. */
static struct nvme_space *nvme_space_get(struct nvme_device_map *map,
					 struct nvme_ns *ns)
{
	struct nvme_space *space = xa_load(&map->spaces, ns->head->ns_id);

	if (space)
		return space;
	space = kzalloc_obj(*space);
	if (!space)
		return NULL;
	blk_device_map_table_init(&space->table);
	if (xa_err(xa_store(&map->spaces, ns->head->ns_id, space, GFP_NOIO))) {
		kfree(space);
		return NULL;
	}
	return space;
}

static enum device_map_refusal nvme_device_map_reason(int error)
{
	switch (error) {
	case -EAGAIN:
		return DEVICE_MAP_GOING;
	case -EBUSY:
		return DEVICE_MAP_SHARED;
	case -EINVAL:
		return DEVICE_MAP_ALIGNMENT;
	case -ENOSPC:
		return DEVICE_MAP_NO_SPACE;
	case -EREMOTEIO:
		return DEVICE_MAP_NO_ROUTE;
	default:
		return DEVICE_MAP_FAILED;
	}
}

static int nvme_device_map_refuse(struct blk_device_map *request, int error,
				  enum device_map_refusal reason)
{
	request->reason = reason;
	return error;
}

/* Undoes what nvme_device_map_pages() did for pages that were not mapped before. */
static void nvme_device_map_undo(struct nvme_device_map *map,
				 struct nvme_space *space,
				 struct blk_device_map *request,
				 unsigned int pages)
{
	struct nvme_window *window;
	unsigned int i;

	for (i = 0; i < pages; i++) {
		window = nvme_window_find(space, request->sector, i);
		if (window && window->record.owner == request->owner &&
		    !window->record.mapped)
			nvme_window_release(map, window,
					    window->fresh ? 0 :
					    BLK_DEVICE_MAP_KEEP);
	}
}

/* Finds or fills a window for each page. */
static int nvme_device_map_pages(struct nvme_device_map *map,
				 struct gendisk *disk, struct nvme_space *space,
				 struct blk_device_map *request,
				 unsigned int epoch)
{
	struct pci_p2pdma_map_state state = {};
	struct nvme_window *window;
	struct nvme_batch batch;
	unsigned int i;
	int ret;

	nvme_batch_init(&batch, disk);
	for (i = 0; i < request->pages; i++) {
		sector_t sector = request->sector +
				  (sector_t)i * BLK_DEVICE_MAP_SECTORS;

		/* Even a command for the page alone would be split. */
		if (!nvme_command_pages(batch.limits, sector)) {
			ret = -EINVAL;
			goto err;
		}
		window = nvme_window_get(map, space, request->owner,
					 request->index + i, sector);
		if (IS_ERR(window)) {
			ret = PTR_ERR(window);
			goto err;
		}
		/* Its content is lost, and about to be taken back. */
		if (window->record.mapped && window->epoch != epoch) {
			ret = -EAGAIN;
			goto err;
		}
		ret = nvme_window_expose(window, request->importer, &state,
					 &request->bus[i]);
		if (ret)
			goto err_this;
		if (!window->record.mapped)
			window->valid = i == request->pages - 1 ?
					request->valid : PAGE_SIZE;
		if (window->record.mapped || nvme_window_current(map, window)) {
			if (!window->record.mapped)
				nvme_window_zero_tail(window);
			device_map_count(DEVICE_MAP_COUNT_WINDOW_HITS, 1);
			continue;
		}
		if (!nvme_batch_takes(&batch, sector)) {
			ret = nvme_batch_fill(map, disk, &batch, epoch);
			if (ret)
				goto err_this;
		}
		nvme_batch_add(&batch, window);
	}
	ret = nvme_batch_fill(map, disk, &batch, epoch);
	/* What was filled may be lost already. */
	if (!ret && atomic_read(&map->ctrl->device_map_going))
		ret = -EAGAIN;
	if (!ret)
		return 0;
	goto err;

err_this:
	i++;
err:
	nvme_device_map_undo(map, space, request, i);
	return ret;
}

static int nvme_device_map_reach(struct gendisk *disk, struct device *importer)
{
	struct nvme_ns *ns = disk->private_data;
	struct nvme_device_map *map = ns->ctrl->device_map;

	/*
	 * Another controller would change blocks unheard. Protection information
	 * would be of a content that peers change meanwhile.
	 */
	if (!map || ns->head->shared || blk_get_integrity(disk) ||
	    test_bit(NVME_NS_REMOVING, &ns->flags))
		return -EOPNOTSUPP;
	return pci_p2pdma_distance(map->pdev, importer, false) < 0 ?
	       -EREMOTEIO : 0;
}

/* Return: whether a page lies on both sides of a border that commands don't cross. */
static bool nvme_device_map_split(struct gendisk *disk,
				  const struct blk_device_map *request)
{
	unsigned int border = disk->queue->limits.chunk_sectors;

	return border && (border % BLK_DEVICE_MAP_SECTORS ||
			  request->sector % BLK_DEVICE_MAP_SECTORS);
}

static int nvme_device_map_map(struct gendisk *disk,
			       struct blk_device_map *request)
{
	struct nvme_ns *ns = disk->private_data;
	struct nvme_device_map *map = ns->ctrl->device_map;
	struct nvme_space *space;
	struct nvme_window *window;
	unsigned int epoch, i;
	int ret;

	ret = nvme_device_map_reach(disk, request->importer);
	if (ret)
		return nvme_device_map_refuse(request, ret,
					      ret == -EREMOTEIO ?
					      DEVICE_MAP_NO_ROUTE :
					      DEVICE_MAP_NO_DEVICE);
	/* A command would be split within a page, and its parts not be known. */
	if (nvme_device_map_split(disk, request))
		return nvme_device_map_refuse(request, -EOPNOTSUPP,
					      DEVICE_MAP_ALIGNMENT);
	/* PCIe has atomic operations; a CMB need not take them, and QEMU's does not. */
	if (request->flags & DEVICE_MAP_FLAG_SUPPORT_ATOMIC_OP)
		return nvme_device_map_refuse(request, -EACCES,
					      DEVICE_MAP_NO_ATOMIC);

	mutex_lock(&map->lock);
	epoch = atomic_read(&map->epoch);
	smp_rmb();	/* pairs with nvme_device_map_stop() */
	/* Who removes the namespace waits for the lock after it has said so. */
	if (atomic_read(&map->ctrl->device_map_going) ||
	    test_bit(NVME_NS_REMOVING, &ns->flags)) {
		mutex_unlock(&map->lock);
		return nvme_device_map_refuse(request, -EBUSY,
					      DEVICE_MAP_GOING);
	}
	space = nvme_space_get(map, ns);
	if (!space)
		ret = -ENOMEM;
	else if (space->replaced)
		ret = -EAGAIN;
	else
		ret = nvme_device_map_pages(map, disk, space, request, epoch);
	for (i = 0; !ret && i < request->pages; i++) {
		window = nvme_window_find(space, request->sector, i);
		WRITE_ONCE(window->record.mapped, true);
		window->fresh = false;
		window->writable |= request->flags & DEVICE_MAP_FLAG_WRITE;
	}
	mutex_unlock(&map->lock);
	if (ret)
		return nvme_device_map_refuse(request,
					      ret == -EAGAIN || ret == -EINVAL ?
					      -EBUSY : ret,
					      nvme_device_map_reason(ret));
	return 0;
}

static int nvme_batch_write(struct nvme_device_map *map, struct gendisk *disk,
			    struct nvme_batch *batch)
{
	unsigned int i;
	int ret;

	if (!batch->count)
		return 0;
	for (i = 0; i < batch->count; i++)
		nvme_window_zero_tail(batch->windows[i]);
	ret = nvme_windows_transfer(map, disk, REQ_OP_WRITE, batch->sector,
				    batch->windows, batch->count,
				    batch->windows[0]->epoch);
	batch->count = 0;
	return ret;
}

static int nvme_device_map_sync(struct gendisk *disk, sector_t sector,
				unsigned int pages)
{
	struct nvme_ns *ns = disk->private_data;
	struct nvme_device_map *map = ns->ctrl->device_map;
	struct nvme_window *window;
	struct nvme_space *space;
	struct nvme_batch batch;
	int ret, error = 0;
	unsigned int i;

	if (!map)
		return -EIO;
	nvme_batch_init(&batch, disk);
	mutex_lock(&map->lock);
	space = xa_load(&map->spaces, ns->head->ns_id);
	for (i = 0; i < pages; i++) {
		sector_t at = sector + (sector_t)i * BLK_DEVICE_MAP_SECTORS;

		window = space ? nvme_window_find(space, sector, i) : NULL;
		if (WARN_ON_ONCE(!window || !window->writable)) {
			error = -EIO;
			continue;
		}
		if (window->epoch != atomic_read(&map->epoch)) {
			/* A reset has lost it. */
			error = -EIO;
			continue;
		}
		if (!nvme_batch_takes(&batch, at)) {
			ret = nvme_batch_write(map, disk, &batch);
			if (!error)
				error = ret;
		}
		nvme_batch_add(&batch, window);
	}
	ret = nvme_batch_write(map, disk, &batch);
	if (!error)
		error = ret;
	mutex_unlock(&map->lock);
	return error;
}

static void nvme_device_map_release(struct gendisk *disk, sector_t sector,
				    unsigned int pages, unsigned int flags)
{
	struct nvme_device_map *map = nvme_device_map_of(disk);
	struct nvme_ns *ns = disk->private_data;
	struct nvme_window *window;
	struct nvme_space *space;
	unsigned int i;

	if (!map)
		return;
	mutex_lock(&map->lock);
	space = xa_load(&map->spaces, ns->head->ns_id);
	for (i = 0; space && i < pages; i++) {
		window = nvme_window_find(space, sector, i);
		if (window && window->record.owner)
			nvme_window_release(map, window, flags);
	}
	mutex_unlock(&map->lock);
}

const struct blk_device_map_ops nvme_device_map_ops = {
	.reach = nvme_device_map_reach,
	.map = nvme_device_map_map,
	.sync = nvme_device_map_sync,
	.release = nvme_device_map_release,
};

/* The copies of these sectors are old. A page may begin in the slot before. */
static void nvme_space_spoil(struct nvme_space *space, sector_t first,
			     sector_t last)
{
	unsigned long slot = first / BLK_DEVICE_MAP_SECTORS;
	unsigned long last_slot = last / BLK_DEVICE_MAP_SECTORS;
	struct blk_device_map_record *record;

	slot = slot ? slot - 1 : 0;
	xa_for_each_range(&space->table.records, slot, record, slot, last_slot) {
		sector_t sector = READ_ONCE(record->sector);

		if (sector <= last &&
		    sector + BLK_DEVICE_MAP_SECTORS - 1 >= first &&
		    !READ_ONCE(record->mapped))
			WRITE_ONCE(nvme_window_of(record)->stale, true);
	}
}

/* Commands to the controller that change the content of namespaces. */
static void nvme_device_map_snoop_admin(struct nvme_device_map *map,
					const struct nvme_command *command)
{
	struct nvme_space *space;
	unsigned long id;

	switch (command->common.opcode) {
	case nvme_admin_format_nvm:
	case nvme_admin_sanitize_nvm:
	case nvme_admin_ns_mgmt:
		break;
	default:
		return;
	}
	rcu_read_lock();
	xa_for_each(&map->spaces, id, space)
		nvme_space_spoil(space, 0, (sector_t)-1);
	rcu_read_unlock();
}

/**
 * __nvme_device_map_snoop() - a command is about to change blocks
 * @ns: the namespace, or NULL for a command to the controller
 * @req: the command's request
 *
 * Windows that nobody has mapped have an old copy from now on. Those that are mapped
 * have the newest there is: the file's owner has seen to that.
 *
 * Context: any.
 */
void __nvme_device_map_snoop(struct nvme_ns *ns, struct request *req)
{
	struct nvme_ctrl *ctrl = nvme_req(req)->ctrl;
	struct nvme_device_map *map = ctrl->device_map;
	struct nvme_space *space;
	sector_t sector;
	struct bio *bio;

	if (req_op(req) == REQ_OP_FLUSH)
		return;
	if (!ns) {
		nvme_device_map_snoop_admin(map, nvme_req(req)->cmd);
		return;
	}
	rcu_read_lock();
	space = xa_load(&map->spaces, ns->head->ns_id);
	if (!space || xa_empty(&space->table.records))
		goto unlock;
	if (blk_rq_is_passthrough(req)) {
		/* Nobody knows what it does. */
		nvme_space_spoil(space, 0, (sector_t)-1);
		goto unlock;
	}
	/* A request to discard may have several ranges, one a bio. */
	__rq_for_each_bio(bio, req) {
		sector = bio->bi_iter.bi_sector;
		nvme_space_spoil(space, sector, sector +
				 max(bio_sectors(bio), 1U) - 1);
	}
unlock:
	rcu_read_unlock();
}

/* Windows stay reserved: the blocks are still there afterwards. */
static void nvme_device_map_revoke_all(struct nvme_device_map *map)
{
	struct nvme_space *space;
	unsigned long id;

	xa_for_each(&map->spaces, id, space)
		blk_device_map_revoke(&space->table, &map->lock, 0,
				      (sector_t)-1, true);
}

/**
 * nvme_device_map_quiesce() - take everything back while the controller works
 * @ctrl: the controller, about to be reset or removed
 *
 * What peers wrote is written. Nothing is mapped from now on, until as many calls of
 * nvme_device_map_unquiesce(), even if the CMB is found only meanwhile. Files keep
 * their windows until the namespace goes.
 *
 * Context: may sleep and do I/O.
 */
void nvme_device_map_quiesce(struct nvme_ctrl *ctrl)
{
	atomic_inc(&ctrl->device_map_going);
	smp_mb__after_atomic();		/* who maps sees it, or is seen */
	if (ctrl->device_map)
		nvme_device_map_revoke_all(ctrl->device_map);
}
EXPORT_SYMBOL_GPL(nvme_device_map_quiesce);

/**
 * nvme_device_map_unquiesce() - undo nvme_device_map_quiesce()
 * @ctrl: the controller, which need not work
 */
void nvme_device_map_unquiesce(struct nvme_ctrl *ctrl)
{
	atomic_dec(&ctrl->device_map_going);
}
EXPORT_SYMBOL_GPL(nvme_device_map_unquiesce);

/**
 * nvme_device_map_stop() - have peers stop, without I/O
 * @ctrl: the controller, about to be disabled
 *
 * I/O that others wait for may end only after this, and so may they that hold the
 * lock. What was written and not written back is lost with the content of the CMB,
 * and fsync() will say so. Nothing is mapped from now on until
 * nvme_device_map_resume().
 *
 * Context: may sleep; does no I/O, and waits for none.
 */
void nvme_device_map_stop(struct nvme_ctrl *ctrl)
{
	struct nvme_device_map *map = ctrl->device_map;
	struct blk_device_map_owner *owner;

	if (!map)
		return;
	mutex_lock(&map->owners_lock);
	if (!map->stopped)
		atomic_inc(&ctrl->device_map_going);
	map->stopped = true;
	smp_mb__after_atomic();	/* who has the new epoch sees that it is closed */
	atomic_inc(&map->epoch);
	list_for_each_entry(owner, &map->owners, node)
		owner->ops->stop(owner);
	mutex_unlock(&map->owners_lock);
}
EXPORT_SYMBOL_GPL(nvme_device_map_stop);

/*
 * Ends what the content was lost of, so that nobody takes it for the blocks' own. It
 * waits for locks that are held during I/O, as the reset itself must not.
 */
static void nvme_device_map_resume_work(struct work_struct *work)
{
	struct nvme_device_map *map =
		container_of(work, struct nvme_device_map, resume);

	nvme_device_map_revoke_all(map);
	mutex_lock(&map->owners_lock);
	/* If it was disabled again, the next one resumes. */
	if (map->stopped && map->resumed == atomic_read(&map->epoch)) {
		map->stopped = false;
		atomic_dec(&map->ctrl->device_map_going);
	}
	mutex_unlock(&map->owners_lock);
}

/**
 * nvme_device_map_epoch() - what nvme_device_map_resume() is told
 * @ctrl: the controller, about to become live
 *
 * Return: number of times that the content was lost.
 */
unsigned int nvme_device_map_epoch(struct nvme_ctrl *ctrl)
{
	return ctrl->device_map ? atomic_read(&ctrl->device_map->epoch) : 0;
}
EXPORT_SYMBOL_GPL(nvme_device_map_epoch);

/**
 * nvme_device_map_resume() - undo nvme_device_map_stop()
 * @ctrl: the controller, working again
 * @epoch: as it was before anyone could disable it again
 *
 * It takes a while until something is mapped again.
 */
void nvme_device_map_resume(struct nvme_ctrl *ctrl, unsigned int epoch)
{
	struct nvme_device_map *map = ctrl->device_map;

	if (!map)
		return;
	mutex_lock(&map->owners_lock);
	map->resumed = epoch;
	mutex_unlock(&map->owners_lock);
	queue_work(system_dfl_wq, &map->resume);
}
EXPORT_SYMBOL_GPL(nvme_device_map_resume);

static int nvme_device_map_importer_gone(struct notifier_block *block,
					 unsigned long action, void *data)
{
	struct nvme_device_map *map =
		container_of(block, struct nvme_device_map, exporter);
	struct nvme_chunk *chunk;
	unsigned int i;

	mutex_lock(&map->lock);
	list_for_each_entry(chunk, &map->chunks, node)
		for (i = 0; i < NVME_WINDOWS; i++)
			nvme_window_ungrant(&chunk->windows[i], data);
	mutex_unlock(&map->lock);
	return NOTIFY_OK;
}

static ssize_t nvme_device_map_revoke_write(struct file *file,
					    const char __user *buffer,
					    size_t count, loff_t *offset)
{
	struct nvme_device_map *map = file->private_data;

	nvme_device_map_quiesce(map->ctrl);
	nvme_device_map_unquiesce(map->ctrl);
	return count;
}

static const struct file_operations nvme_device_map_revoke_fops = {
	.owner = THIS_MODULE,
	.open = simple_open,
	.write = nvme_device_map_revoke_write,
};

/* As after a command that never ended: peers and their driver do not expect it. */
static ssize_t nvme_device_map_reset_write(struct file *file,
					   const char __user *buffer,
					   size_t count, loff_t *offset)
{
	struct nvme_device_map *map = file->private_data;
	int ret = nvme_reset_ctrl(map->ctrl);

	return ret ? ret : count;
}

static const struct file_operations nvme_device_map_reset_fops = {
	.owner = THIS_MODULE,
	.open = simple_open,
	.write = nvme_device_map_reset_write,
};

static int nvme_device_map_windows_show(struct seq_file *seq, void *data)
{
	struct nvme_device_map *map = seq->private;
	unsigned long mapped = 0, reserved = 0;
	struct nvme_chunk *chunk;
	unsigned int i;

	mutex_lock(&map->lock);
	list_for_each_entry(chunk, &map->chunks, node) {
		for (i = 0; i < NVME_WINDOWS; i++) {
			mapped += chunk->windows[i].record.mapped;
			reserved += chunk->windows[i].reserved &&
				    !chunk->windows[i].record.mapped;
		}
	}
	seq_printf(seq, "total %lu\n", map->total);
	seq_printf(seq, "free %zu\n", list_count_nodes(&map->free));
	seq_printf(seq, "idle %zu\n", list_count_nodes(&map->idle));
	seq_printf(seq, "mapped %lu\n", mapped);
	seq_printf(seq, "reserved %lu\n", reserved);
	mutex_unlock(&map->lock);
	seq_printf(seq, "closed %d\n",
		   atomic_read(&map->ctrl->device_map_going));
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(nvme_device_map_windows);

/**
 * nvme_device_map_init() - a controller has a CMB that peers can reach
 * @ctrl: the controller
 * @pdev: its PCI device, which has registered the CMB as peer memory
 * @cmb_size: bytes of it
 *
 * Without memory the controller goes on without.
 */
void nvme_device_map_init(struct nvme_ctrl *ctrl, struct pci_dev *pdev,
			  u64 cmb_size)
{
	struct nvme_device_map *map = kzalloc_obj(*map);

	if (!map)
		return;
	map->ctrl = ctrl;
	map->pdev = pdev;
	map->limit = div_u64(cmb_size * min(device_map_share, 100U), 100);
	mutex_init(&map->lock);
	mutex_init(&map->owners_lock);
	INIT_LIST_HEAD(&map->chunks);
	INIT_LIST_HEAD(&map->free);
	INIT_LIST_HEAD(&map->idle);
	INIT_LIST_HEAD(&map->owners);
	xa_init(&map->spaces);
	INIT_WORK(&map->resume, nvme_device_map_resume_work);
	map->exporter.notifier_call = nvme_device_map_importer_gone;
	if (device_map_register_exporter(&map->exporter)) {
		kfree(map);
		return;
	}
	map->debugfs = debugfs_create_dir(dev_name(ctrl->device),
					  device_map_debugfs());
	debugfs_create_file("revoke", 0200, map->debugfs, map,
			    &nvme_device_map_revoke_fops);
	debugfs_create_file("reset", 0200, map->debugfs, map,
			    &nvme_device_map_reset_fops);
	debugfs_create_file("windows", 0444, map->debugfs, map,
			    &nvme_device_map_windows_fops);
	/* Pairs with the dependent loads of who finds it there. */
	smp_store_release(&ctrl->device_map, map);
}
EXPORT_SYMBOL_GPL(nvme_device_map_init);

/* Forgets the copies of a namespace, whose windows nobody has mapped. */
static void nvme_space_empty(struct nvme_device_map *map,
			     struct nvme_space *space)
{
	struct blk_device_map_record *record;
	struct nvme_window *window;
	unsigned long slot;

	lockdep_assert_held(&map->lock);
	xa_for_each(&space->table.records, slot, record) {
		window = nvme_window_of(record);
		if (WARN_ON_ONCE(record->owner))
			continue;
		nvme_window_clear(window);
		list_move(&window->node, &map->free);
	}
}

/**
 * nvme_device_map_remove_ns() - a namespace is going
 * @ns: the namespace, marked as being removed, its commands still served or failed
 */
void nvme_device_map_remove_ns(struct nvme_ns *ns)
{
	struct nvme_device_map *map = ns->ctrl->device_map;
	struct nvme_space *space;

	if (!map)
		return;
	/* Who has not seen the mark is through after this. */
	mutex_lock(&map->lock);
	space = xa_load(&map->spaces, ns->head->ns_id);
	mutex_unlock(&map->lock);
	if (!space)
		return;
	blk_device_map_revoke(&space->table, &map->lock, 0, (sector_t)-1,
			      false);
	mutex_lock(&map->lock);
	nvme_space_empty(map, space);
	space->replaced = false;
	mutex_unlock(&map->lock);
}

/* What windows have of a namespace is lost, as after a reset. */
static void nvme_space_lose(struct nvme_device_map *map,
			    struct nvme_space *space)
{
	struct blk_device_map_record *record;
	unsigned long slot;

	lockdep_assert_held(&map->lock);
	space->replaced = true;
	xa_for_each(&space->table.records, slot, record)
		nvme_window_of(record)->epoch = atomic_read(&map->epoch) - 1;
}

/**
 * nvme_device_map_replace_ns() - another namespace has come to a namespace's id
 * @ns: the namespace, about to be removed
 *
 * What peers wrote to the old one is not for the new one, and fsync() will say so.
 *
 * Context: may sleep; waits for I/O.
 */
void nvme_device_map_replace_ns(struct nvme_ns *ns)
{
	struct nvme_device_map *map = ns->ctrl->device_map;
	struct nvme_space *space;

	if (!map)
		return;
	mutex_lock(&map->lock);
	space = xa_load(&map->spaces, ns->head->ns_id);
	if (space)
		nvme_space_lose(map, space);
	mutex_unlock(&map->lock);
}

static bool nvme_chunk_owned(const struct nvme_chunk *chunk)
{
	unsigned int i;

	for (i = 0; i < NVME_WINDOWS; i++)
		if (chunk->windows[i].record.owner)
			return true;
	return false;
}

/**
 * nvme_device_map_exit() - give the CMB back
 * @ctrl: the controller, quiesced for good, without namespaces
 *
 * Who still has one of the disks finds nothing there.
 */
void nvme_device_map_exit(struct nvme_ctrl *ctrl)
{
	struct nvme_device_map *map = ctrl->device_map;
	struct nvme_chunk *chunk, *next;
	struct nvme_space *space;
	unsigned long id;

	if (!map)
		return;
	cancel_work_sync(&map->resume);
	debugfs_remove_recursive(map->debugfs);
	device_map_unregister_exporter(&map->exporter);
	mutex_lock(&map->lock);
	xa_for_each(&map->spaces, id, space)
		nvme_space_empty(map, space);
	synchronize_rcu();	/* for nvme_device_map_snoop() */
	list_for_each_entry_safe(chunk, next, &map->chunks, node) {
		/* Rather a leak than somebody's window in other hands. */
		if (WARN_ON_ONCE(nvme_chunk_owned(chunk)))
			continue;
		pci_free_p2pmem(map->pdev, chunk->address, NVME_CHUNK_SIZE);
		kvfree(chunk);
	}
	INIT_LIST_HEAD(&map->chunks);
	INIT_LIST_HEAD(&map->free);
	INIT_LIST_HEAD(&map->idle);
	mutex_unlock(&map->lock);
}
EXPORT_SYMBOL_GPL(nvme_device_map_exit);

/**
 * nvme_device_map_free() - free what nvme_device_map_init() made
 * @ctrl: the controller, with no disk left
 */
void nvme_device_map_free(struct nvme_ctrl *ctrl)
{
	struct nvme_device_map *map = ctrl->device_map;
	struct nvme_space *space;
	unsigned long id;

	if (!map)
		return;
	xa_for_each(&map->spaces, id, space) {
		blk_device_map_table_destroy(&space->table);
		kfree(space);
	}
	xa_destroy(&map->spaces);
	kfree(map);
}
EXPORT_SYMBOL_GPL(nvme_device_map_free);

#ifdef CONFIG_DEVICE_MAP_KUNIT_TEST
#include "device_map_test.c"
#endif
