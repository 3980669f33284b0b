/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Blocks of a block device, shown to peer devices in a BAR: what a driver has to
 * offer, and how it takes blocks back although it knows no files.
 */
#ifndef _LINUX_BLK_DEVICE_MAP_H
#define _LINUX_BLK_DEVICE_MAP_H

#include <linux/bits.h>
#include <linux/device_map.h>
#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/types.h>
#include <linux/xarray.h>

struct blk_device_map_owner;
struct block_device;
struct device;
struct gendisk;

/* 512-byte sectors of a page. */
#define BLK_DEVICE_MAP_SECTORS	(PAGE_SIZE >> SECTOR_SHIFT)

/**
 * struct blk_device_map_owner_ops - what a block device may ask of a file
 * @get:    hold on to the owner, unless it is going away by itself
 * @put:    let go of it; may sleep, and may end the owner
 * @stop:   have all devices stop at once, without I/O. What is mapped stays mapped
 *          as far as the exporters go; it is mapped for no device any more
 * @revoke: take back pages with what was written; if @keep, their windows stay
 *          reserved
 */
struct blk_device_map_owner_ops {
	bool (*get)(struct blk_device_map_owner *owner);
	void (*put)(struct blk_device_map_owner *owner);
	void (*stop)(struct blk_device_map_owner *owner);
	void (*revoke)(struct blk_device_map_owner *owner, pgoff_t first,
		       pgoff_t last, bool keep);
};

/**
 * struct blk_device_map_owner - whose blocks they are: a file
 * @ops:     what can be asked of it
 * @node:    for the driver of the only disk that it has blocks mapped or reserved of, to
 *           find its owners again
 * @windows: the same driver counts here what it has for this one
 *
 * What is for the driver is protected by the driver's lock.
 */
struct blk_device_map_owner {
	const struct blk_device_map_owner_ops *ops;
	struct list_head node;
	unsigned long windows;
};

/**
 * struct blk_device_map - a run of blocks to map, page by page
 * @importer: the device that wants access
 * @owner:    of the blocks
 * @index:    page of the file that the first block belongs to
 * @sector:   first sector, of the block device; of the disk when a driver sees it
 * @pages:    how many
 * @flags:    DEVICE_MAP_FLAG_WRITE, DEVICE_MAP_FLAG_SUPPORT_ATOMIC_OP
 * @valid:    bytes of the last page that belong to the file
 * @bus:      out: one bus address a page
 * @reason:   out: why it is refused
 */
struct blk_device_map {
	struct device *importer;
	struct blk_device_map_owner *owner;
	pgoff_t index;
	sector_t sector;
	unsigned int pages;
	unsigned int flags;
	unsigned int valid;
	dma_addr_t *bus;
	enum device_map_refusal reason;
};

/* The windows of a released run stay reserved for the owner. */
#define BLK_DEVICE_MAP_KEEP	BIT(0)
/* What importers wrote to it was not written: the windows are not as the blocks are. */
#define BLK_DEVICE_MAP_LOST	BIT(1)

/**
 * struct blk_device_map_record - from a block to the page of a file
 * @owner:  NULL while the block belongs to no file's mapping
 * @index:  of the page
 * @sector: of the disk
 * @mapped: importers may use it; else it is reserved for the owner, if it has one
 */
struct blk_device_map_record {
	struct blk_device_map_owner *owner;
	pgoff_t index;
	sector_t sector;
	bool mapped;
};

/**
 * struct blk_device_map_table - the records of a disk
 * @records: by sector, in pages. Two pages never share an index: those of one
 *           partition lie as its first sector does, and partitions do not overlap
 *
 * The driver serialises changes; looking one up needs RCU only.
 */
struct blk_device_map_table {
	struct xarray records;
};

#ifdef CONFIG_DEVICE_MAP

/* For filesystems. */
int blk_device_map_reach(struct block_device *bdev, struct device *importer);
int blk_device_map(struct block_device *bdev, struct blk_device_map *map);
int blk_device_map_sync(struct block_device *bdev, sector_t sector,
			unsigned int pages);
void blk_device_map_release(struct block_device *bdev, sector_t sector,
			    unsigned int pages, unsigned int flags);

/* For drivers. */
void blk_device_map_table_init(struct blk_device_map_table *table);
void blk_device_map_table_destroy(struct blk_device_map_table *table);
struct blk_device_map_record *
blk_device_map_find(struct blk_device_map_table *table, sector_t sector);
int blk_device_map_insert(struct blk_device_map_table *table,
			  struct blk_device_map_record *record);
void blk_device_map_erase(struct blk_device_map_table *table,
			  struct blk_device_map_record *record);
void blk_device_map_revoke(struct blk_device_map_table *table,
			   struct mutex *lock, sector_t first, sector_t last,
			   bool keep);

#endif /* CONFIG_DEVICE_MAP */

/**
 * struct blk_device_map_ops - of a disk that can show its blocks to peers
 * @reach:   whether an importer could reach any block: 0, -EOPNOTSUPP if there is
 *           nothing to reach, -EREMOTEIO without a route
 * @map:     map a run, all of it or none, or say why not. Fills the windows. -EREMOTEIO
 *           without a route, -ENOSPC without a window, -EACCES for an access that is not
 *           allowed, -EBUSY for blocks that another owner has or a device that is
 *           being reset, -EIO
 * @sync:    write what importers may have written, and keep it mapped
 * @release: end the mapping of a run that no importer uses any more, by flags:
 *           BLK_DEVICE_MAP_KEEP, BLK_DEVICE_MAP_LOST
 */
struct blk_device_map_ops {
	int (*reach)(struct gendisk *disk, struct device *importer);
	int (*map)(struct gendisk *disk, struct blk_device_map *map);
	int (*sync)(struct gendisk *disk, sector_t sector, unsigned int pages);
	void (*release)(struct gendisk *disk, sector_t sector,
			unsigned int pages, unsigned int flags);
};

#endif /* _LINUX_BLK_DEVICE_MAP_H */
