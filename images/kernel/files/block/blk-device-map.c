// SPDX-License-Identifier: GPL-2.0-only
/*
 * Blocks shown to peer devices: from a filesystem to the driver of the disk, and
 * back, for drivers that know blocks but no files.
 *
 * Stacking drivers have no blk_device_map_ops, and so refuse.
 */
#include <linux/blk-device-map.h>
#include <linux/blkdev.h>
#include <linux/device_map.h>
#include <linux/mutex.h>

static const struct blk_device_map_ops *
blk_device_map_ops_of(struct block_device *bdev)
{
	return bdev->bd_disk->fops->device_map;
}

/**
 * blk_device_map_reach() - could a peer device reach blocks of a disk?
 * @bdev: the block device
 * @importer: the peer device
 *
 * What is refused here is refused for every block, so who asks first can spare
 * himself to ask for each.
 *
 * Return: 0, -EOPNOTSUPP if the device does not show its blocks, -EREMOTEIO without a
 * route.
 */
int blk_device_map_reach(struct block_device *bdev, struct device *importer)
{
	const struct blk_device_map_ops *ops = blk_device_map_ops_of(bdev);

	return ops ? ops->reach(bdev->bd_disk, importer) : -EOPNOTSUPP;
}

/**
 * blk_device_map() - map a run of blocks for a peer device
 * @bdev: the block device, a partition perhaps
 * @map: the run
 *
 * Context: may sleep and do I/O. No revocation of the same pages is under way.
 * Return: 0, or what blk_device_map_ops.map() returns; -EOPNOTSUPP if the device does
 * not show its blocks, or not with this alignment.
 */
int blk_device_map(struct block_device *bdev, struct blk_device_map *map)
{
	const struct blk_device_map_ops *ops = blk_device_map_ops_of(bdev);
	struct blk_device_map part = *map;
	sector_t sectors = (sector_t)map->pages * BLK_DEVICE_MAP_SECTORS;
	int ret;

	if (!ops) {
		map->reason = DEVICE_MAP_NO_DEVICE;
		return -EOPNOTSUPP;
	}
	if (bdev_logical_block_size(bdev) > PAGE_SIZE ||
	    map->sector > bdev_nr_sectors(bdev) ||
	    sectors > bdev_nr_sectors(bdev) - map->sector) {
		map->reason = DEVICE_MAP_ALIGNMENT;
		return -EOPNOTSUPP;
	}
	if ((map->flags & DEVICE_MAP_FLAG_WRITE) && bdev_read_only(bdev)) {
		map->reason = DEVICE_MAP_NO_WRITE;
		return -EACCES;
	}
	part.sector += bdev->bd_start_sect;
	ret = ops->map(bdev->bd_disk, &part);
	map->reason = part.reason;
	return ret;
}

/**
 * blk_device_map_sync() - write what peers may have written
 * @bdev: the block device
 * @sector: first sector of a mapped run
 * @pages: its length
 *
 * It is on its way to the medium as far as a write is: a flush makes it durable.
 *
 * Return: 0 or an error.
 */
int blk_device_map_sync(struct block_device *bdev, sector_t sector,
			unsigned int pages)
{
	return blk_device_map_ops_of(bdev)->sync(bdev->bd_disk,
						 sector + bdev->bd_start_sect,
						 pages);
}

/**
 * blk_device_map_release() - end the mapping of a run
 * @bdev: the block device
 * @sector: first sector of a mapped or reserved run
 * @pages: its length
 * @flags: BLK_DEVICE_MAP_KEEP, BLK_DEVICE_MAP_LOST
 */
void blk_device_map_release(struct block_device *bdev, sector_t sector,
			    unsigned int pages, unsigned int flags)
{
	blk_device_map_ops_of(bdev)->release(bdev->bd_disk,
					     sector + bdev->bd_start_sect,
					     pages, flags);
}

static unsigned long blk_device_map_slot(sector_t sector)
{
	return sector / BLK_DEVICE_MAP_SECTORS;
}

/**
 * blk_device_map_table_init() - make an empty table
 * @table: the table
 */
void blk_device_map_table_init(struct blk_device_map_table *table)
{
	xa_init(&table->records);
}
EXPORT_SYMBOL_GPL(blk_device_map_table_init);

/**
 * blk_device_map_table_destroy() - free what a table has allocated
 * @table: the table; its records are the driver's
 */
void blk_device_map_table_destroy(struct blk_device_map_table *table)
{
	xa_destroy(&table->records);
}
EXPORT_SYMBOL_GPL(blk_device_map_table_destroy);

/**
 * blk_device_map_find() - the record of the page that a sector is in
 * @table: the table
 * @sector: any sector
 *
 * A page need not lie as the table's slots do, so it is the one of the slot or of the
 * slot before.
 *
 * Context: any; the driver's lock, or RCU.
 * Return: the record, or NULL.
 */
struct blk_device_map_record *
blk_device_map_find(struct blk_device_map_table *table, sector_t sector)
{
	unsigned long slot = blk_device_map_slot(sector);
	struct blk_device_map_record *record = xa_load(&table->records, slot);

	if (record && record->sector <= sector)
		return record;
	record = slot ? xa_load(&table->records, slot - 1) : NULL;
	if (record && sector - record->sector < BLK_DEVICE_MAP_SECTORS)
		return record;
	return NULL;
}
EXPORT_SYMBOL_GPL(blk_device_map_find);

/**
 * blk_device_map_insert() - add a record
 * @table: the table
 * @record: with its sector, for which there is none yet
 *
 * Context: the driver's lock. Allocates with GFP_NOIO.
 * Return: 0, -EBUSY if the blocks overlap those of another record, -ENOMEM.
 */
int blk_device_map_insert(struct blk_device_map_table *table,
			  struct blk_device_map_record *record)
{
	sector_t last = record->sector + BLK_DEVICE_MAP_SECTORS - 1;

	if (blk_device_map_find(table, record->sector) ||
	    blk_device_map_find(table, last))
		return -EBUSY;
	return xa_insert(&table->records, blk_device_map_slot(record->sector),
			 record, GFP_NOIO);
}
EXPORT_SYMBOL_GPL(blk_device_map_insert);

/**
 * blk_device_map_erase() - remove a record
 * @table: the table
 * @record: that is in it
 *
 * Context: the driver's lock. The record is freed after a grace period.
 */
void blk_device_map_erase(struct blk_device_map_table *table,
			  struct blk_device_map_record *record)
{
	xa_erase(&table->records, blk_device_map_slot(record->sector));
}
EXPORT_SYMBOL_GPL(blk_device_map_erase);

/* The first record of a range that is to be taken back; its owner is held on to. */
static struct blk_device_map_owner *
blk_device_map_first_owner(struct blk_device_map_table *table, sector_t first,
			   sector_t last, bool keep, pgoff_t *index,
			   bool *again)
{
	struct blk_device_map_record *record;
	unsigned long slot;

	*again = false;
	xa_for_each_range(&table->records, slot, record,
			  blk_device_map_slot(first),
			  blk_device_map_slot(last)) {
		if (!record->owner || (keep && !record->mapped))
			continue;
		*index = record->index;
		if (record->owner->ops->get(record->owner))
			return record->owner;
		/* It is about to give up its blocks by itself. */
		*again = true;
	}
	return NULL;
}

/**
 * blk_device_map_revoke() - take back blocks from whoever has them mapped
 * @table: the table
 * @lock: what protects it, not held
 * @first: first sector
 * @last: last sector; with 0 and the largest of all, whole files are taken back
 * @keep: they keep what is reserved for them
 *
 * What peers wrote is written by blk_device_map_ops.sync(), called from here. The
 * driver maps nothing in the range from before the call until after it, so that no
 * owner is asked twice for the same.
 *
 * Context: may sleep and do I/O.
 */
void blk_device_map_revoke(struct blk_device_map_table *table,
			   struct mutex *lock, sector_t first, sector_t last,
			   bool keep)
{
	struct blk_device_map_owner *owner, *former = NULL;
	bool all = !first && last == (sector_t)-1;
	pgoff_t index = 0, former_index = 0;
	bool again;

	do {
		mutex_lock(lock);
		owner = blk_device_map_first_owner(table, first, last, keep,
						   &index, &again);
		mutex_unlock(lock);
		if (WARN_ON_ONCE(owner && owner == former &&
				 index == former_index)) {
			owner->ops->put(owner);
			return;
		}
		former = owner;
		former_index = index;
		if (owner) {
			owner->ops->revoke(owner, all ? 0 : index,
					   all ? ULONG_MAX : index, keep);
			owner->ops->put(owner);
		} else if (again) {
			schedule_timeout_uninterruptible(1);
		}
	} while (owner || again);
}
EXPORT_SYMBOL_GPL(blk_device_map_revoke);
