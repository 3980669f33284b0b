// SPDX-License-Identifier: GPL-2.0-only
/*
 * Mappings of the peer GPU, ended: what it takes to take a page away from the
 * engine, and what the engine's use of a page means for the page.
 *
 * A page that is mapped is not referenced. It can't go away, since the notifier of
 * its mm comes first, takes ivgpu_space.lock and returns when the engine has
 * acknowledged. For the same reason the page may be marked here.
 *
 * What is mapped is decided by the shadow in struct ivgpu_table. The entries in
 * video memory are only read for ACCESSED and DIRTY.
 */
#include <linux/atomic.h>
#include <linux/backing-dev.h>
#include <linux/mm.h>
#include <linux/pagemap.h>
#include <linux/swap.h>

#include "ivgpu.h"
#include "ivgpu_trace.h"

#define IVGPU_SPAN_SHIFT	(CROSSBAR_GPU_PAGE_SHIFT + CROSSBAR_GPU_LEVEL_BITS)
#define IVGPU_ADDRESS_END	BIT_ULL(CROSSBAR_GPU_ADDRESS_BITS)

/**
 * ivgpu_entry_set() - replace an entry, but keep what the engine did by the old one
 * @table: last-level table
 * @index: of the entry
 * @entry: the new one
 */
void ivgpu_entry_set(struct ivgpu_table *table, unsigned int index, u64 entry)
{
	/* The engine sets its bits with atomic operations, too. */
	u64 old = xchg(&table->entries[index], entry);

	if (old & CROSSBAR_GPU_PTE_ACCESSED)
		__set_bit(index, table->accessed);
	if (old & CROSSBAR_GPU_PTE_DIRTY)
		__set_bit(index, table->dirty);
}

/*
 * The engine has used a page that is about to be unmapped.
 *
 * A file's folio that is written back may only be made dirty by those who have
 * told its filesystem, and it has been: a writable entry of the CPU's page table,
 * without which there is no writable one here, has been through page_mkwrite() and
 * is dirty until the folio is cleaned, for which it is write-protected, and
 * that comes here first. For shmem and anonymous memory an entry can be
 * writable and clean, and nobody but us knows of the write.
 */
static void ivgpu_page_used(struct page *page, bool accessed, bool dirty)
{
	struct folio *folio = page_folio(page);
	struct address_space *mapping;

	if (is_zero_pfn(page_to_pfn(page)) || folio_is_zone_device(folio))
		return;
	/* The swap cache's mapping has no inode to ask. */
	mapping = folio_test_swapbacked(folio) ? NULL : folio_mapping(folio);
	if (dirty && !folio_test_dirty(folio) &&
	    (!mapping || !mapping_can_writeback(mapping)))
		folio_mark_dirty(folio);
	if (accessed && !folio_test_hugetlb(folio))
		folio_mark_accessed(folio);
}

static void ivgpu_page_release(struct ivgpu_device *device,
			       struct ivgpu_table *table, unsigned int index)
{
	unsigned long pfn;

	ivgpu_entry_set(table, index, 0);
	if (!test_bit(index, table->video) && !test_bit(index, table->direct)) {
		pfn = table->map.pfn_list[index];
		if (pfn & HMM_PFN_VALID)
			ivgpu_page_used(hmm_pfn_to_page(pfn),
					test_bit(index, table->accessed),
					test_bit(index, table->dirty));
		hmm_dma_unmap_pfn(&device->pdev->dev, &table->map, index);
		table->map.pfn_list[index] = 0;
	}
	__clear_bit(index, table->live);
	__clear_bit(index, table->video);
	__clear_bit(index, table->direct);
	__clear_bit(index, table->accessed);
	__clear_bit(index, table->dirty);
}

/* Drops pages [first, last) of a table, whose entries the engine can't know any more. */
static void ivgpu_table_release(struct ivgpu_space *space,
				struct ivgpu_table *table, unsigned long index,
				unsigned int first, unsigned int last)
{
	u64 base = (u64)index << IVGPU_SPAN_SHIFT;
	unsigned int end, i;

	for_each_set_bitrange_from(first, end, table->live, last) {
		trace_ivgpu_unmap(space,
				  base + (u64)first * CROSSBAR_GPU_PAGE_SIZE,
				  end - first);
		for (i = first; i < end; i++)
			ivgpu_page_release(space->device, table, i);
	}
}

/**
 * ivgpu_mmu_forget() - tell the engine to forget mappings
 * @space: the address space, its lock held
 * @va: start of the range
 * @length: of the range, in bytes
 * @ticket: to wait for the engine, or NULL
 *
 * The generation that the engine has to forget ends with that.
 *
 * Return: what ivgpu_control_put() returns.
 */
int ivgpu_mmu_forget(struct ivgpu_space *space, u64 va, u64 length,
		     struct ivgpu_ticket *ticket)
{
	struct crossbar_gpu_request request = {
		.opcode = CROSSBAR_GPU_INVALIDATE,
		.address_space = space->id,
		.address = va,
		.length = length,
		.generation = space->generation,
	};
	unsigned long flags;
	int ret;

	lockdep_assert_held(&space->lock);
	ret = ivgpu_control_put(space->device, space->epoch, &request, ticket);
	if (ret)
		return ret;
	space->generation++;
	spin_lock_irqsave(&space->fence_lock, flags);
	space->stats.invalidations++;
	spin_unlock_irqrestore(&space->fence_lock, flags);
	return 0;
}

/* The part of a range that a table has, as entries [*first, *last). */
static void ivgpu_table_part(unsigned long index, u64 start, u64 end,
			     unsigned int *first, unsigned int *last)
{
	u64 base = (u64)index << IVGPU_SPAN_SHIFT;
	u64 limit = base + (1ULL << IVGPU_SPAN_SHIFT);

	*first = (max(start, base) - base) >> CROSSBAR_GPU_PAGE_SHIFT;
	*last = (min(end, limit) - base) >> CROSSBAR_GPU_PAGE_SHIFT;
}

/**
 * ivgpu_mmu_mapped() - is a page of a range mapped?
 * @space: the address space, its lock held
 * @start: first address
 * @end: address after the last
 *
 * Context: any.
 * Return: whether one is.
 */
bool ivgpu_mmu_mapped(struct ivgpu_space *space, u64 start, u64 end)
{
	unsigned int first, last;
	struct ivgpu_table *table;
	unsigned long index;

	lockdep_assert_held(&space->lock);
	end = min(end, IVGPU_ADDRESS_END);
	if (!space->bound || start >= end)
		return false;
	xa_for_each_range(&space->tables[0], index, table,
			  start >> IVGPU_SPAN_SHIFT,
			  (end - 1) >> IVGPU_SPAN_SHIFT) {
		ivgpu_table_part(index, start, end, &first, &last);
		if (find_next_bit(table->live, last, first) < last)
			return true;
	}
	return false;
}

/**
 * ivgpu_mmu_invalidate() - unmap a range
 * @space: the address space, its lock held
 * @start: first address
 * @end: address after the last
 *
 * When this returns, no access of the range is under way, nor will there be one
 * before it has been mapped again.
 *
 * Context: may sleep; called by the notifier of an mm. Does not allocate.
 */
void ivgpu_mmu_invalidate(struct ivgpu_space *space, u64 start, u64 end)
{
	struct ivgpu_device *device = space->device;
	unsigned int first, last, i;
	struct ivgpu_ticket ticket;
	struct ivgpu_table *table;
	unsigned long index;
	bool any = false;

	lockdep_assert_held(&space->lock);
	start = round_down(start, CROSSBAR_GPU_PAGE_SIZE);
	end = min(end, IVGPU_ADDRESS_END);
	end = round_up(end, CROSSBAR_GPU_PAGE_SIZE);
	if (!space->bound || start >= end)
		return;

	xa_for_each_range(&space->tables[0], index, table,
			  start >> IVGPU_SPAN_SHIFT,
			  (end - 1) >> IVGPU_SPAN_SHIFT) {
		ivgpu_table_part(index, start, end, &first, &last);
		for (i = first; i < last; i++) {
			i = find_next_bit(table->live, last, i);
			if (i >= last)
				break;
			ivgpu_entry_set(table, i, 0);
			any = true;
		}
	}
	if (!any)
		return;

	/* An error says that there is no engine that could use it. */
	if (!ivgpu_mmu_forget(space, start, end - start, &ticket))
		ivgpu_control_wait(device, &ticket);

	xa_for_each_range(&space->tables[0], index, table,
			  start >> IVGPU_SPAN_SHIFT,
			  (end - 1) >> IVGPU_SPAN_SHIFT) {
		ivgpu_table_part(index, start, end, &first, &last);
		if (bitmap_empty(table->live, IVGPU_TABLE_ENTRIES))
			continue;
		ivgpu_table_release(space, table, index, first, last);
		if (bitmap_empty(table->live, IVGPU_TABLE_ENTRIES))
			space->empty++;
	}
}

/**
 * ivgpu_mmu_release() - unmap everything and free all tables but the root
 * @space: the address space, its lock held, not known to the engine
 */
void ivgpu_mmu_release(struct ivgpu_space *space)
{
	struct ivgpu_device *device = space->device;
	struct ivgpu_table *table;
	unsigned long index;
	unsigned int level;

	lockdep_assert_held(&space->lock);
	memset(space->root->entries, 0, CROSSBAR_GPU_PAGE_SIZE);
	space->root->used = 0;
	xa_for_each(&space->tables[0], index, table)
		ivgpu_table_release(space, table, index, 0,
				    IVGPU_TABLE_ENTRIES);

	for (level = 0; level < IVGPU_TABLE_LEVELS; level++) {
		xa_for_each(&space->tables[level], index, table) {
			xa_erase(&space->tables[level], index);
			ivgpu_table_free(device, table);
		}
	}
	space->empty = 0;
}
