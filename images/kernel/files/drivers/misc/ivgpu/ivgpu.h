/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Internal interface of the peer GPU's driver.
 *
 * Locks, outermost first; whoever holds one may take those below it:
 *
 *	mm->mmap_lock
 *	ivgpu_device.gone_lock
 *	ivgpu_device.files_lock
 *	ivgpu_device.heap_lock
 *	ivgpu_space.lock
 *	ivgpu_device.ring_lock
 *	ivgpu_device.space_lock		(interrupts off)
 *	ivgpu_space.fence_lock		(interrupts off)
 *
 * ivgpu_space.lock is taken by the notifier of the mm, which reclaim may call:
 * below it nothing allocates with a mask that may enter reclaim, nothing takes
 * mmap_lock, and nothing touches user memory. It is held while the engine
 * acknowledges; the engine needs nothing of the guest for that, and a reset
 * bounds the wait.
 */
#ifndef IVGPU_H
#define IVGPU_H

#include <linux/bitmap.h>
#include <linux/bits.h>
#include <linux/cdev.h>
#include <linux/device.h>
#include <linux/hmm.h>
#include <linux/hmm-dma.h>
#include <linux/list.h>
#include <linux/mmu_notifier.h>
#include <linux/mutex.h>
#include <linux/pci.h>
#include <linux/rwsem.h>
#include <linux/spinlock.h>
#include <linux/wait.h>
#include <linux/workqueue.h>
#include <linux/xarray.h>

#ifdef CONFIG_DEVICE_MAP
#include <linux/device_map.h>
#endif

#include "crossbar_gpu.h"

/* Entries of a page table, which is also the largest batch of a fault. */
#define IVGPU_TABLE_ENTRIES	BIT(CROSSBAR_GPU_LEVEL_BITS)

/* Tables below the root are kept by level: 0 maps pages. */
#define IVGPU_TABLE_LEVELS	(CROSSBAR_GPU_LEVELS - 1)

/*
 * What the engine writes is read with acquire semantics, what it reads is written
 * with release semantics. The barriers of a multi-processor, which these are also in
 * a kernel for one: the engine runs on the host's processors.
 */
#define ivgpu_load(pointer)		virt_load_acquire(pointer)
/* Pairs with the engine's acquire. */
#define ivgpu_store(pointer, value)	virt_store_release(pointer, value)

struct file;
struct gen_pool;
struct vm_area_struct;

enum ivgpu_source {
	IVGPU_FALLBACK,
	IVGPU_DIRECT,
	IVGPU_VIDEO,
};

/**
 * struct ivgpu_ticket - a request on the control ring, to wait for
 * @index: of its entry, free-running
 * @epoch: in which it was put there; a reset ends the epoch and the request
 */
struct ivgpu_ticket {
	u32 index;
	u32 epoch;
};

/**
 * struct ivgpu_device - one peer GPU
 * @chardev:      its class device; owns this structure, which outlives the
 *                driver's binding while a file is open
 * @cdev:         /dev/ivgpuN
 * @pdev:         valid until @gone
 * @rid:          requester ID of @pdev, for the tracepoints
 * @layout:       checked copy of the control page's constants
 * @regs:         BAR 0
 * @vram:         video memory up to the end of the heap
 * @control:      the live control page in @vram
 * @control_ring: in @vram, as are the following
 * @fault_ring:   written by the engine
 * @command_ring: written by the driver
 * @results:      written by the engine
 * @fences:       written by the engine
 * @vram_phys:    where BAR 2 is, for mappings
 * @heap:         allocator of the heap, by offset in video memory
 * @heap_lock:    protects the buffers' reference counts and lists
 * @gone_lock:    read to use @pdev or BARs from a file's calls, written to set @gone
 * @gone:         the driver is no longer bound
 * @dead:         the engine did not even answer a reset; set once
 * @ring_lock:    protects the heads of control and command ring, @epoch and,
 *                together with @space_lock, @resetting
 * @control_head: next free entry of the control ring
 * @command_head: next free entry of the command ring
 * @epoch:        grows with each reset that is complete
 * @resetting:    a reset is under way: nothing is put on or taken from a ring
 * @space_lock:   protects @ids, @spaces and the consumer's end of the fault ring
 * @ids:          numbers of address spaces that are in use
 * @spaces:       those that are bound, by number
 * @fault_tail:   next entry of the fault ring
 * @control_wait: acknowledgments, and the end of a reset
 * @files_lock:   protects @files
 * @files:        open files, by ivgpu_space.node
 * @fault_wq:     fault service, one work item an address space
 * @reset_wq:     resets, in order; never allocates
 * @reset_work:   a reset
 * @watchdog:     looks for lost doorbells and interrupts and for a stalled engine
 * @heartbeat:    last value that the watchdog saw
 * @beat:         when it saw that value first, in jiffies
 * @reset_request: number of the last reset
 * @interrupts:   for IVGPU_STATS
 * @doorbells:    for IVGPU_STATS
 * @resets:       for IVGPU_STATS
 */
struct ivgpu_device {
	struct device chardev;
	struct cdev cdev;
	struct pci_dev *pdev;
	u16 rid;
	struct crossbar_gpu_control layout;
	void __iomem *regs;
	void *vram;
	struct crossbar_gpu_control *control;
	struct crossbar_gpu_request *control_ring;
	struct crossbar_gpu_fault *fault_ring;
	struct crossbar_gpu_command *command_ring;
	struct crossbar_gpu_result *results;
	struct crossbar_gpu_fence *fences;
	phys_addr_t vram_phys;

	struct gen_pool *heap;
	struct mutex heap_lock;	/* users and lists of buffers */

	struct rw_semaphore gone_lock;
	bool gone;
	bool dead;

	spinlock_t ring_lock;	/* heads, epoch */
	u32 control_head;
	u32 command_head;
	u32 epoch;
	bool resetting;

	spinlock_t space_lock;	/* ids, spaces, fault ring */
	DECLARE_BITMAP(ids, CROSSBAR_GPU_ADDRESS_SPACES);
	struct ivgpu_space *spaces[CROSSBAR_GPU_ADDRESS_SPACES];
	u32 fault_tail;

	wait_queue_head_t control_wait;

	struct mutex files_lock;	/* files */
	struct list_head files;

	struct workqueue_struct *fault_wq;
	struct workqueue_struct *reset_wq;
	struct work_struct reset_work;
	struct delayed_work watchdog;
	u64 heartbeat;
	unsigned long beat;
	u32 reset_request;

	atomic64_t interrupts;
	atomic64_t doorbells;
	atomic64_t resets;
};

/**
 * struct ivgpu_table - a page table of an address space
 * @offset:  in video memory
 * @entries: the same, mapped
 * @used:    tables of the level below, if this is not a last-level table
 *
 * The shadow of a last-level table follows, since nothing that the host could
 * have written may decide what is unmapped and freed:
 * @map:      DMA mappings and page frames of what @live has and neither @video nor
 *            @direct
 * @live:     pages that are mapped
 * @video:    of them, those in video memory
 * @direct:   of them, those in another device's BAR, by its driver's leave
 * @accessed: ACCESSED was seen in an entry that is no more
 * @dirty:    DIRTY was seen in an entry that is no more
 *
 * All of it is protected by ivgpu_space.lock.
 */
struct ivgpu_table {
	u64 offset;
	u64 *entries;
	unsigned int used;

	struct hmm_dma_map map;
	DECLARE_BITMAP(live, IVGPU_TABLE_ENTRIES);
	DECLARE_BITMAP(video, IVGPU_TABLE_ENTRIES);
	DECLARE_BITMAP(direct, IVGPU_TABLE_ENTRIES);
	DECLARE_BITMAP(accessed, IVGPU_TABLE_ENTRIES);
	DECLARE_BITMAP(dirty, IVGPU_TABLE_ENTRIES);
};

/**
 * struct ivgpu_buffer - an allocation of video memory
 * @node:   in ivgpu_space.buffers until it is freed
 * @device: whose heap it is from
 * @offset: in video memory
 * @size:   in bytes, a multiple of the page size
 * @users:  the list's, and one for each VMA; protected by heap_lock
 */
struct ivgpu_buffer {
	struct list_head node;
	struct ivgpu_device *device;
	u64 offset;
	u64 size;
	unsigned int users;
};

/**
 * struct ivgpu_space - an address space, which is an open file
 * @device:   holds a reference
 * @mm:       of the opener, grabbed; no other mm may call
 * @mapping:  of the file, to take video memory out of all its mappings
 * @node:     in ivgpu_device.files
 * @pid:      of the opener
 * @id:       number of the address space
 * @notifier: on all of @mm for as long as the file is open
 * @window:   on the range of the fault that is being served
 * @mm_dead:  @mm has been torn down; written under @lock
 *
 * @lock:       protects the page tables and the following
 * @bound:      the engine knows this address space, if @epoch is the device's
 * @epoch:      in which it was bound
 * @generation: of mappings made from now on
 * @root:       uppermost table
 * @tables:     the other ones by level, index is the address over their span
 * @empty:      last-level tables without a live page
 *
 * @fence_lock: protects the following
 * @active:     bound and acknowledged; changes under @lock as well
 * @base:       what to add to the engine's fence to get the program's. The
 *              engine counts from 1 after each reset, programs don't see that
 * @submitted:  the engine's fence of the last command
 * @completed:  the engine's fence of the last command that has ended
 * @error:      why the engine stopped this address space
 * @progress:   when a command has ended, or a fault been answered, in jiffies
 * @budget:     how long a command may take, in ms, by the program's fence
 * @results:    of the last commands, by the program's fence
 * @fault_pending: there is a fault that has to be answered
 * @fault:      that fault
 * @stats:      counters; those of the device are filled in when asked for
 *
 * @wait:       for fences, room and faults
 * @fault_work: serves @fault. Nothing else maps pages
 * @path:       enum ivgpu_path, for faults from now on
 * @pfns:       scratch of @fault_work, a batch
 * @bus:        scratch of @fault_work, a batch
 * @entries:    scratch of @fault_work, below @lock
 * @buffers:    allocations that were not freed, protected by heap_lock
 */
struct ivgpu_space {
	struct ivgpu_device *device;
	struct mm_struct *mm;
	struct address_space *mapping;
	struct list_head node;
	pid_t pid;
	u32 id;
	struct mmu_interval_notifier notifier;
	struct mmu_interval_notifier window;
	bool mm_dead;

	struct mutex lock;	/* page tables */
	bool bound;
	u32 epoch;
	u64 generation;
	struct ivgpu_table *root;
	struct xarray tables[IVGPU_TABLE_LEVELS];
	unsigned int empty;

	spinlock_t fence_lock;	/* fences, the fault, stats */
	bool active;
	u64 base;
	u64 submitted;
	u64 completed;
	u32 error;
	unsigned long progress;
	u32 budget[CROSSBAR_GPU_DEPTH];
	struct crossbar_gpu_result results[CROSSBAR_GPU_DEPTH];
	bool fault_pending;
	struct crossbar_gpu_fault fault;
	struct ivgpu_stats stats;

	wait_queue_head_t wait;
	struct work_struct fault_work;
	u32 path;
	unsigned long pfns[IVGPU_TABLE_ENTRIES];
	dma_addr_t bus[IVGPU_TABLE_ENTRIES];
	u64 entries[IVGPU_TABLE_ENTRIES];
	struct list_head buffers;
};

/* The engine tells nobody that it has taken a command off the ring. */
#define IVGPU_RING_FULL		msecs_to_jiffies(4)

/* ivgpu_drv.c */
unsigned long ivgpu_timeout(void);
u32 ivgpu_default_path(void);

/* ivgpu_control.c */
int ivgpu_check_control(struct pci_dev *pdev,
			struct crossbar_gpu_control *control);

/* ivgpu_ring.c */
void ivgpu_bell(struct ivgpu_device *device, u32 vector);
int ivgpu_control_put(struct ivgpu_device *device, u32 epoch,
		      const struct crossbar_gpu_request *request,
		      struct ivgpu_ticket *ticket);
int ivgpu_control_wait(struct ivgpu_device *device,
		       const struct ivgpu_ticket *ticket);
void ivgpu_command_drain(struct ivgpu_device *device, u32 epoch);
void ivgpu_fault_drain(struct ivgpu_device *device);

/* ivgpu_command.c */
int ivgpu_submit(struct ivgpu_space *space,
		 struct crossbar_gpu_command *commands, u32 count,
		 bool nonblock, u64 *fence);
int ivgpu_wait(struct ivgpu_space *space, struct ivgpu_wait *wait);
void ivgpu_fence_update(struct ivgpu_space *space);
void ivgpu_fence_scan(struct ivgpu_device *device);
void ivgpu_fence_fail(struct ivgpu_space *space);
bool ivgpu_fence_idle(struct ivgpu_space *space);

/* ivgpu_as.c */
struct ivgpu_space *ivgpu_space_create(struct ivgpu_device *device,
				       struct file *file);
void ivgpu_space_destroy(struct ivgpu_space *space);
void ivgpu_space_unbind(struct ivgpu_space *space);
void ivgpu_space_reset(struct ivgpu_space *space);
extern const struct mmu_interval_notifier_ops ivgpu_window_ops;

/* ivgpu_table.c */
struct ivgpu_table *ivgpu_table_create(struct ivgpu_device *device, bool last);
void ivgpu_table_free(struct ivgpu_device *device, struct ivgpu_table *table);
int ivgpu_table_prepare(struct ivgpu_space *space, u64 va);
void ivgpu_table_prune(struct ivgpu_space *space);
struct ivgpu_table *ivgpu_table_find(struct ivgpu_space *space, u64 va);

/* ivgpu_map.c */
int ivgpu_mmu_map_pages(struct ivgpu_space *space, u64 va, unsigned int count,
			const unsigned long *pfns);
int ivgpu_mmu_map_direct(struct ivgpu_space *space, u64 va, unsigned int count,
			 const dma_addr_t *bus, bool writable);
int ivgpu_mmu_map_video(struct ivgpu_space *space, u64 va, unsigned int count,
			u64 offset, bool writable);

/* ivgpu_mmu.c */
void ivgpu_entry_set(struct ivgpu_table *table, unsigned int index, u64 entry);
int ivgpu_mmu_forget(struct ivgpu_space *space, u64 va, u64 length,
		     struct ivgpu_ticket *ticket);
bool ivgpu_mmu_mapped(struct ivgpu_space *space, u64 start, u64 end);
void ivgpu_mmu_invalidate(struct ivgpu_space *space, u64 start, u64 end);
void ivgpu_mmu_release(struct ivgpu_space *space);

/* ivgpu_fault.c */
void ivgpu_fault_work(struct work_struct *work);
int ivgpu_fault_undo(struct ivgpu_space *space, unsigned long start,
		     unsigned long end);

/* ivgpu_heap.c */
u64 ivgpu_heap_alloc(struct ivgpu_device *device, u64 size);
void ivgpu_heap_free(struct ivgpu_device *device, u64 offset, u64 size);
int ivgpu_buffer_create(struct ivgpu_space *space, struct ivgpu_alloc *alloc);
int ivgpu_buffer_destroy(struct ivgpu_space *space, u64 offset);
void ivgpu_buffer_release(struct ivgpu_space *space);
int ivgpu_mmap(struct file *file, struct vm_area_struct *vma);
bool ivgpu_vma_frame(struct ivgpu_device *device, struct vm_area_struct *vma,
		     u64 va, u64 *offset);

/* ivgpu_reset.c */
bool ivgpu_reset_engine(struct ivgpu_device *device);
void ivgpu_reset_request(struct ivgpu_device *device);
void ivgpu_reset_work(struct work_struct *work);
void ivgpu_watchdog(struct work_struct *work);
void ivgpu_watch(struct ivgpu_device *device);
void ivgpu_die(struct ivgpu_device *device);

/* ivgpu_chardev.c */
int ivgpu_chardev_init(void);
void ivgpu_chardev_exit(void);
struct ivgpu_device *ivgpu_chardev_alloc(void);
int ivgpu_chardev_add(struct ivgpu_device *device, struct device *parent);

#endif /* IVGPU_H */
