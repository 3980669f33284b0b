// SPDX-License-Identifier: GPL-2.0-only
/*
 * Mappings of the peer GPU, made. Each page table entry carries the map generation
 * of its address space, which grows with every invalidation.
 */
#include <linux/pci-p2pdma.h>

#include "ivgpu.h"
#include "ivgpu_trace.h"

/* Entry of the last-level table for an address. */
static unsigned int ivgpu_entry_index(u64 va)
{
	return (va >> CROSSBAR_GPU_PAGE_SHIFT) % IVGPU_TABLE_ENTRIES;
}

/* One event for each run of pages with contiguous frames. */
static void ivgpu_mmu_trace(struct ivgpu_space *space, u64 va,
			    unsigned int count, enum ivgpu_source source)
{
	const u64 frame = CROSSBAR_GPU_PTE_FRAME;
	const u64 *entries = space->entries;
	unsigned int from, i;

	if (!trace_ivgpu_map_enabled())
		return;
	for (from = 0, i = 1; i <= count; i++) {
		/* All but the frame is the same, and the frame is the next. */
		if (i < count &&
		    entries[i] == entries[i - 1] + CROSSBAR_GPU_PAGE_SIZE)
			continue;
		trace_ivgpu_map(space, va + (u64)from * CROSSBAR_GPU_PAGE_SIZE,
				i - from, entries[from] & frame, source,
				entries[from] & CROSSBAR_GPU_PTE_WRITABLE);
		from = i;
	}
}

static void ivgpu_mmu_count(struct ivgpu_space *space, unsigned int count,
			    enum ivgpu_source source)
{
	spin_lock_irq(&space->fence_lock);
	switch (source) {
	case IVGPU_FALLBACK:
		space->stats.pages_fallback += count;
		break;
	case IVGPU_DIRECT:
		space->stats.pages_direct += count;
		break;
	case IVGPU_VIDEO:
		space->stats.pages_video += count;
		break;
	}
	spin_unlock_irq(&space->fence_lock);
}

/*
 * Writes entries from ivgpu_space.entries, which are without generation. The pages
 * are live already. What was mapped before, with less permission, is ended: the
 * engine may keep a copy. Its frame is the same, so it need not be waited for.
 *
 * Return: number of pages, or what ivgpu_control_put() returns.
 */
static int ivgpu_mmu_commit(struct ivgpu_space *space,
			    struct ivgpu_table *table, u64 va,
			    unsigned int count, bool replace,
			    enum ivgpu_source source)
{
	unsigned int first = ivgpu_entry_index(va), i;
	u64 generation;
	int ret;

	if (replace) {
		for (i = 0; i < count; i++)
			ivgpu_entry_set(table, first + i, 0);
		ret = ivgpu_mmu_forget(space, va,
				       (u64)count * CROSSBAR_GPU_PAGE_SIZE,
				       NULL);
		if (ret) {
			/* They are live, and a reset will release them. */
			ivgpu_mmu_trace(space, va, count, source);
			return ret;
		}
	}

	ivgpu_mmu_trace(space, va, count, source);
	ivgpu_mmu_count(space, count, source);
	generation = space->generation % CROSSBAR_GPU_PTE_GENERATIONS;
	for (i = 0; i < count; i++)
		ivgpu_entry_set(table, first + i, space->entries[i] |
				generation << CROSSBAR_GPU_PTE_GENERATION_SHIFT);
	return count;
}

/* Marks pages as mapped. Return: whether one of them already was. */
static bool ivgpu_mmu_live(struct ivgpu_space *space, struct ivgpu_table *table,
			   unsigned int first, unsigned int count)
{
	bool replace = find_next_bit(table->live, first + count, first) <
		       first + count;

	if (bitmap_empty(table->live, IVGPU_TABLE_ENTRIES))
		space->empty--;
	bitmap_set(table->live, first, count);
	return replace;
}

/*
 * DMA-maps a page and makes its entry.
 *
 * Return: 0, -EIO if the DMA API can't, -EFAULT if something else is mapped, which
 * an invalidation should have ended.
 */
static int ivgpu_mmu_entry(struct ivgpu_device *device,
			   struct ivgpu_table *table, unsigned int index,
			   unsigned long pfn,
			   struct pci_p2pdma_map_state *state, u64 *entry)
{
	unsigned long *slot = &table->map.pfn_list[index];
	bool mapped = test_bit(index, table->live);
	dma_addr_t dma;

	if (mapped && WARN_ON_ONCE(test_bit(index, table->video) ||
				   test_bit(index, table->direct) ||
				   hmm_pfn_to_phys(*slot) != hmm_pfn_to_phys(pfn)))
		return -EFAULT;
	if (!mapped)
		*slot = pfn;
	dma = hmm_dma_map_pfn(&device->pdev->dev, &table->map, index, state);
	if (dma == DMA_MAPPING_ERROR) {
		if (!mapped)
			*slot = 0;
		return -EIO;
	}
	if (dma & ~CROSSBAR_GPU_PTE_FRAME) {
		if (!mapped) {
			hmm_dma_unmap_pfn(&device->pdev->dev, &table->map,
					  index);
			*slot = 0;
		}
		return -EIO;
	}

	*entry = dma | CROSSBAR_GPU_PTE_VALID | CROSSBAR_GPU_PTE_BUS;
	if (pfn & HMM_PFN_WRITE)
		*entry |= CROSSBAR_GPU_PTE_WRITABLE;
	/* A BAR takes atomics or not; system memory does. */
	if ((pfn & HMM_PFN_WRITE) &&
	    !(*slot & (HMM_PFN_P2PDMA | HMM_PFN_P2PDMA_BUS)))
		*entry |= CROSSBAR_GPU_PTE_ATOMIC;
	return 0;
}

/**
 * ivgpu_mmu_map_pages() - map what hmm_range_fault() has found
 * @space: the address space, its lock held
 * @va: address of the first page
 * @count: pages, all in one last-level table
 * @pfns: one HMM entry a page
 *
 * Return: number of pages mapped, at least 1; -EAGAIN if the table is gone, -EIO if
 * the first page can't be mapped for DMA, or what ivgpu_control_put() returns.
 */
int ivgpu_mmu_map_pages(struct ivgpu_space *space, u64 va, unsigned int count,
			const unsigned long *pfns)
{
	struct ivgpu_table *table = ivgpu_table_find(space, va);
	struct pci_p2pdma_map_state state = {};
	unsigned int first = ivgpu_entry_index(va), i;
	enum ivgpu_source source = IVGPU_FALLBACK;
	bool replace;
	int ret = -EFAULT;

	if (!table)
		return -EAGAIN;
	for (i = 0; i < count; i++) {
		enum ivgpu_source here = IVGPU_FALLBACK;

		if (!(pfns[i] & HMM_PFN_VALID))
			break;
		ret = ivgpu_mmu_entry(space->device, table, first + i, pfns[i],
				      &state, &space->entries[i]);
		if (ret)
			break;
		if (table->map.pfn_list[first + i] &
		    (HMM_PFN_P2PDMA | HMM_PFN_P2PDMA_BUS))
			here = IVGPU_DIRECT;
		if (!i)
			source = here;
		if (here != source) {
			/* Left to a fault of its own. */
			if (!test_bit(first + i, table->live)) {
				hmm_dma_unmap_pfn(&space->device->pdev->dev,
						  &table->map, first + i);
				table->map.pfn_list[first + i] = 0;
			}
			break;
		}
	}
	if (!i)
		return ret;
	replace = ivgpu_mmu_live(space, table, first, i);
	return ivgpu_mmu_commit(space, table, va, i, replace, source);
}

/**
 * ivgpu_mmu_map_direct() - map what its exporter has mapped for the device
 * @space: the address space, its lock held
 * @va: address of the first page
 * @count: pages, all in one last-level table
 * @bus: one bus address a page
 * @writable: the engine may write
 *
 * Who has given the addresses takes them back by the notifier; nothing has to be
 * given back from here.
 *
 * Return: number of pages mapped, at least 1; -EAGAIN if the table is gone, -ERANGE
 * for an address that the page table can't hold, -EFAULT if something else is mapped, or
 * what ivgpu_control_put() returns.
 */
int ivgpu_mmu_map_direct(struct ivgpu_space *space, u64 va, unsigned int count,
			 const dma_addr_t *bus, bool writable)
{
	struct ivgpu_table *table = ivgpu_table_find(space, va);
	u64 flags = CROSSBAR_GPU_PTE_VALID | CROSSBAR_GPU_PTE_BUS;
	unsigned int first = ivgpu_entry_index(va), i;
	bool replace;

	if (!table)
		return -EAGAIN;
	if (writable)
		flags |= CROSSBAR_GPU_PTE_WRITABLE;
	for (i = 0; i < count; i++) {
		if (bus[i] & ~CROSSBAR_GPU_PTE_FRAME)
			return -ERANGE;
		if (WARN_ON_ONCE(test_bit(first + i, table->live) &&
				 !test_bit(first + i, table->direct)))
			return -EFAULT;
		space->entries[i] = bus[i] | flags;
	}
	replace = ivgpu_mmu_live(space, table, first, count);
	bitmap_set(table->direct, first, count);
	return ivgpu_mmu_commit(space, table, va, count, replace,
				IVGPU_DIRECT);
}

/**
 * ivgpu_mmu_map_video() - map video memory
 * @space: the address space, its lock held
 * @va: address of the first page
 * @count: pages, all in one last-level table
 * @offset: of the first page in video memory
 * @writable: the engine may write
 *
 * Return: number of pages mapped; -EAGAIN if the table is gone, -EFAULT if something
 * else is mapped, or what ivgpu_control_put() returns.
 */
int ivgpu_mmu_map_video(struct ivgpu_space *space, u64 va, unsigned int count,
			u64 offset, bool writable)
{
	struct ivgpu_table *table = ivgpu_table_find(space, va);
	unsigned int first = ivgpu_entry_index(va), i;
	u64 flags = CROSSBAR_GPU_PTE_VALID;
	bool replace;

	if (!table)
		return -EAGAIN;
	if (writable)
		flags |= CROSSBAR_GPU_PTE_WRITABLE | CROSSBAR_GPU_PTE_ATOMIC;
	for (i = 0; i < count; i++) {
		if (WARN_ON_ONCE(test_bit(first + i, table->live) &&
				 !test_bit(first + i, table->video)))
			return -EFAULT;
		space->entries[i] = flags |
			(offset + (u64)i * CROSSBAR_GPU_PAGE_SIZE);
	}
	replace = ivgpu_mmu_live(space, table, first, count);
	bitmap_set(table->video, first, count);
	return ivgpu_mmu_commit(space, table, va, count, replace, IVGPU_VIDEO);
}
