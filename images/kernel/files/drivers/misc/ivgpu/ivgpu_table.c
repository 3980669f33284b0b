// SPDX-License-Identifier: GPL-2.0-only
/*
 * Page tables of the peer GPU: four levels in video memory, each but the root
 * with a shadow in ivgpu_space.tables. A table of the last level spans 2 MiB.
 */
#include <linux/slab.h>

#include "ivgpu.h"

/* Tables without a live page that may pile up before they are freed. */
#define IVGPU_EMPTY_TABLES	64

/* Index of the table of a level that has an address. */
static unsigned long ivgpu_table_index(u64 va, unsigned int level)
{
	return va >> (CROSSBAR_GPU_PAGE_SHIFT +
		      (level + 1) * CROSSBAR_GPU_LEVEL_BITS);
}

/**
 * ivgpu_table_create() - allocate an empty table
 * @device: the device, its driver bound
 * @last: of the last level, which maps pages
 *
 * Return: the table, or an ERR_PTR(): -ENOSPC if the heap is full, -ENOMEM,
 * -EOPNOTSUPP if the DMA API would have to bounce.
 */
struct ivgpu_table *ivgpu_table_create(struct ivgpu_device *device, bool last)
{
	struct ivgpu_table *table;
	int ret;

	table = kzalloc_obj(*table);
	if (!table)
		return ERR_PTR(-ENOMEM);
	table->offset = ivgpu_heap_alloc(device, CROSSBAR_GPU_PAGE_SIZE);
	if (!table->offset) {
		ret = -ENOSPC;
		goto err_table;
	}
	table->entries = device->vram + table->offset;
	if (last) {
		ret = hmm_dma_map_alloc(&device->pdev->dev, &table->map,
					IVGPU_TABLE_ENTRIES, PAGE_SIZE);
		if (ret)
			goto err_heap;
	}
	return table;

err_heap:
	ivgpu_heap_free(device, table->offset, CROSSBAR_GPU_PAGE_SIZE);
err_table:
	kfree(table);
	return ERR_PTR(ret);
}

/**
 * ivgpu_table_free() - free a table without a live page
 * @device: the device; its driver must be bound for a table of the last level
 * @table: the table, which the engine can't reach any more
 */
void ivgpu_table_free(struct ivgpu_device *device, struct ivgpu_table *table)
{
	if (table->map.pfn_list)
		hmm_dma_map_free(&device->pdev->dev, &table->map);
	ivgpu_heap_free(device, table->offset, CROSSBAR_GPU_PAGE_SIZE);
	kfree(table);
}

/**
 * ivgpu_table_find() - the last-level table of an address
 * @space: the address space, its lock held
 * @va: the address
 *
 * Return: the table, or NULL.
 */
struct ivgpu_table *ivgpu_table_find(struct ivgpu_space *space, u64 va)
{
	lockdep_assert_held(&space->lock);
	return xa_load(&space->tables[0], ivgpu_table_index(va, 0));
}

/* The table that points to the table of a level. */
static struct ivgpu_table *ivgpu_table_parent(struct ivgpu_space *space, u64 va,
					      unsigned int level)
{
	if (level + 1 == IVGPU_TABLE_LEVELS)
		return space->root;
	return xa_load(&space->tables[level + 1],
		       ivgpu_table_index(va, level + 1));
}

/* Has the engine find a table of a level, or nothing if @table is NULL. */
static void ivgpu_table_link(struct ivgpu_space *space, u64 va,
			     unsigned int level, struct ivgpu_table *table)
{
	struct ivgpu_table *parent = ivgpu_table_parent(space, va, level);
	u64 entry = table ? table->offset | CROSSBAR_GPU_PTE_VALID : 0;

	WRITE_ONCE(parent->entries[ivgpu_table_index(va, level) %
				   IVGPU_TABLE_ENTRIES], entry);
	parent->used += table ? 1 : -1;
}

/* Return: uppermost level without a table for an address, -1 if all are there. */
static int ivgpu_table_missing(struct ivgpu_space *space, u64 va)
{
	int level;

	for (level = IVGPU_TABLE_LEVELS - 1; level >= 0; level--)
		if (!xa_load(&space->tables[level],
			     ivgpu_table_index(va, level)))
			break;
	return level;
}

/**
 * ivgpu_table_prepare() - have all tables for an address
 * @space: the address space
 * @va: the address
 *
 * A reset may take the tables away again before the caller has the lock.
 *
 * Context: the fault worker, which is the only one that adds tables.
 * Return: 0, -ECANCELED if the address space is no longer bound, else what
 * ivgpu_table_create() returns.
 */
int ivgpu_table_prepare(struct ivgpu_space *space, u64 va)
{
	struct ivgpu_device *device = space->device;
	struct ivgpu_table *table = NULL;
	unsigned long index = 0;
	int level, wanted = -1, ret = 0;
	bool pruned = false;

	if (READ_ONCE(space->empty) > IVGPU_EMPTY_TABLES)
		ivgpu_table_prune(space);

	for (;;) {
		mutex_lock(&space->lock);
		if (!space->active) {
			ret = -ECANCELED;
			break;
		}
		level = ivgpu_table_missing(space, va);
		if (table && level == wanted) {
			/* Does not allocate: the slot is reserved. */
			ret = xa_err(xa_store(&space->tables[level], index,
					      table, GFP_NOWAIT));
			if (ret)
				break;
			ivgpu_table_link(space, va, level, table);
			if (!level)
				space->empty++;
			table = NULL;
			level = ivgpu_table_missing(space, va);
		}
		if (level < 0)
			break;
		mutex_unlock(&space->lock);

		if (table) {
			xa_release(&space->tables[wanted], index);
			ivgpu_table_free(device, table);
		}
		table = ivgpu_table_create(device, !level);
		if (table == ERR_PTR(-ENOSPC) && !pruned) {
			/* Those that lead to no page will do. */
			ivgpu_table_prune(space);
			pruned = true;
			table = NULL;
			continue;
		}
		if (IS_ERR(table))
			return PTR_ERR(table);
		wanted = level;
		index = ivgpu_table_index(va, level);
		ret = xa_reserve(&space->tables[level], index, GFP_KERNEL);
		if (ret) {
			ivgpu_table_free(device, table);
			return ret;
		}
	}
	mutex_unlock(&space->lock);
	if (table) {
		xa_release(&space->tables[wanted], index);
		ivgpu_table_free(device, table);
	}
	return ret;
}

/*
 * Frees the tables of a level that lead to no live page. Those below are gone.
 *
 * Return: whether the engine has forgotten them; else a reset will free them.
 */
static bool ivgpu_table_prune_level(struct ivgpu_space *space,
				    unsigned int level)
{
	const u64 span = (u64)CROSSBAR_GPU_PAGE_SIZE <<
			 (level + 1) * CROSSBAR_GPU_LEVEL_BITS;
	struct ivgpu_ticket ticket;
	struct ivgpu_table *table;
	unsigned long index;
	bool any = false;

	xa_for_each(&space->tables[level], index, table) {
		if (table->used ||
		    !bitmap_empty(table->live, IVGPU_TABLE_ENTRIES))
			continue;
		ivgpu_table_link(space, index * span, level, NULL);
		xa_set_mark(&space->tables[level], index, XA_MARK_0);
		if (ivgpu_mmu_forget(space, index * span, span, &ticket))
			return false;
		any = true;
	}
	if (any && ivgpu_control_wait(space->device, &ticket))
		return false;
	xa_for_each_marked(&space->tables[level], index, table, XA_MARK_0) {
		xa_erase(&space->tables[level], index);
		ivgpu_table_free(space->device, table);
	}
	return true;
}

/**
 * ivgpu_table_prune() - free the tables that lead to no live page
 * @space: the address space
 *
 * A program that maps and unmaps memory all over its address space would fill the
 * heap with them.
 *
 * Context: the fault worker, which is the only one that adds tables.
 */
void ivgpu_table_prune(struct ivgpu_space *space)
{
	unsigned int level;

	mutex_lock(&space->lock);
	if (space->active) {
		for (level = 0; level < IVGPU_TABLE_LEVELS; level++)
			if (!ivgpu_table_prune_level(space, level))
				break;
		if (level == IVGPU_TABLE_LEVELS)
			space->empty = 0;
	}
	mutex_unlock(&space->lock);
}
