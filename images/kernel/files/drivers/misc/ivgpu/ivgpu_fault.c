// SPDX-License-Identifier: GPL-2.0-only
/*
 * Page faults of the peer GPU.
 *
 * Each address space has a work item of its own on an unbound workqueue, so that
 * one whose page comes from a slow disk holds up nobody else. An address space has
 * one unanswered fault at most. Its command goes on when the answer is on the
 * control ring, and faults again if the page was taken away in the meantime.
 */
#include <linux/jiffies.h>
#include <linux/mm.h>
#include <linux/sched/mm.h>

#include "ivgpu.h"
#include "ivgpu_trace.h"

/**
 * struct ivgpu_service - a fault that is being served
 * @space: the address space
 * @va:    address of the first page
 * @count: pages to map at most, all in one last-level table
 * @access: enum crossbar_gpu_access
 * @direct: what was collected are bus addresses of an exporter
 * @no_direct: the exporter's addresses are of no use
 * @refusal: errno of the first attempt at which an exporter refused, or 0
 * @seq:   of ivgpu_space.window
 * @end:   when to give up, in jiffies
 */
struct ivgpu_service {
	struct ivgpu_space *space;
	u64 va;
	unsigned int count;
	u32 access;
	bool direct;
	bool no_direct;
	int refusal;
	unsigned long seq;
	unsigned long end;
};

/*
 * Video memory of this device, in a mapping of one of its files. mprotect() only
 * tells the notifiers where there are page tables of the CPU, so there has to be
 * one before the engine may use the page.
 */
static int ivgpu_fault_video(struct ivgpu_service *service,
			     struct vm_area_struct *vma, u64 offset)
{
	struct ivgpu_space *space = service->space;
	unsigned int flags = FAULT_FLAG_REMOTE;
	int ret;

	if (service->access != CROSSBAR_GPU_READ)
		flags |= FAULT_FLAG_WRITE;
	if (handle_mm_fault(vma, service->va, flags, NULL) & VM_FAULT_ERROR)
		return -EFAULT;

	mutex_lock(&space->lock);
	if (!space->active)
		ret = -ECANCELED;
	else if (mmu_interval_read_retry(&space->window, service->seq))
		ret = -EAGAIN;
	else
		ret = ivgpu_mmu_map_video(space, service->va, service->count,
					  offset, vma->vm_flags & VM_WRITE);
	mutex_unlock(&space->lock);
	return ret;
}

#ifdef CONFIG_DEVICE_MAP
/* What an exporter is told of the access. */
static unsigned int ivgpu_fault_flags(u32 access)
{
	switch (access) {
	case CROSSBAR_GPU_READ:
		return 0;
	case CROSSBAR_GPU_ATOMIC_ACCESS:
		return DEVICE_MAP_FLAG_WRITE |
		       DEVICE_MAP_FLAG_SUPPORT_ATOMIC_OP;
	default:
		return DEVICE_MAP_FLAG_WRITE;
	}
}

/*
 * What the range shows: blocks that the exporter of the VMA maps for the device, or
 * the pages that the CPU would get.
 */
static int ivgpu_fault_collect(struct ivgpu_service *service)
{
	struct ivgpu_space *space = service->space;
	u32 path = READ_ONCE(space->path);
	struct device_map_range range = {
		.notifier = &space->window,
		.notifier_seq = service->seq,
		.importer = &space->device->pdev->dev,
		.start = service->va,
		.pages = service->count,
		.flags = ivgpu_fault_flags(service->access),
		.no_direct = path == IVGPU_PATH_FALLBACK || service->no_direct,
		.only_direct = path == IVGPU_PATH_DIRECT,
		.bus = space->bus,
		.pfns = space->pfns,
	};
	int ret;

	ret = device_map_range_fault(&range);
	service->direct = range.direct;
	/* Pages that were faulted in are in the way of the next attempt. */
	if (!service->refusal)
		service->refusal = -range.refusal;
	return ret == -EPERM ? -EACCES : ret;
}

/**
 * ivgpu_fault_undo() - give back what exporters have mapped in a range
 * @space: the address space
 * @start: first address, page aligned
 * @end: after the last, page aligned
 *
 * The notifiers end the mappings, as if the exporters had wanted them back.
 *
 * Context: by the owner of the mm. Takes mmap_lock, may sleep and do I/O.
 * Return: 0, or -EINTR.
 */
int ivgpu_fault_undo(struct ivgpu_space *space, unsigned long start,
		     unsigned long end)
{
	struct mm_struct *mm = space->mm;
	struct vm_area_struct *vma;
	struct vma_iterator vmi;

	if (mmap_read_lock_killable(mm))
		return -EINTR;
	vma_iter_init(&vmi, mm, start);
	for_each_vma_range(vmi, vma, end)
		device_unmap_vma(vma, &space->device->pdev->dev,
				 max(start, vma->vm_start),
				 min(end, vma->vm_end));
	mmap_read_unlock(mm);
	return 0;
}
#else
/* The pages of the range, faulted in as the CPU would. */
static int ivgpu_fault_collect(struct ivgpu_service *service)
{
	struct hmm_range range = {
		.notifier = &service->space->window,
		.notifier_seq = service->seq,
		.start = service->va,
		.end = service->va +
		       (u64)service->count * CROSSBAR_GPU_PAGE_SIZE,
		.hmm_pfns = service->space->pfns,
		.default_flags = HMM_PFN_REQ_FAULT,
	};
	int ret;

	if (service->access != CROSSBAR_GPU_READ)
		range.default_flags |= HMM_PFN_REQ_WRITE;
	memset(range.hmm_pfns, 0, service->count * sizeof(*range.hmm_pfns));
	ret = hmm_range_fault(&range);
	if (ret == -EBUSY)
		return -EAGAIN;
	if (ret == -EPERM)
		return -EACCES;
	return ret ? ret : service->count;
}

/* Nobody maps anything directly. */
int ivgpu_fault_undo(struct ivgpu_space *space, unsigned long start,
		     unsigned long end)
{
	return 0;
}
#endif

/* What was collected goes into the page table, if it still may. */
static int ivgpu_fault_commit(struct ivgpu_service *service, unsigned int count)
{
	struct ivgpu_space *space = service->space;
	int ret;

	mutex_lock(&space->lock);
	if (!space->active)
		ret = -ECANCELED;
	else if (mmu_interval_read_retry(&space->window, service->seq))
		ret = -EAGAIN;
	else if (service->direct)
		ret = ivgpu_mmu_map_direct(space, service->va, count,
					   space->bus, service->access !=
					   CROSSBAR_GPU_READ);
	else
		ret = ivgpu_mmu_map_pages(space, service->va, count,
					  space->pfns);
	/* The engine would ask for the same for ever. */
	if (ret > 0 && service->access == CROSSBAR_GPU_ATOMIC_ACCESS &&
	    !(space->entries[0] & CROSSBAR_GPU_PTE_ATOMIC))
		ret = -EOPNOTSUPP;
	mutex_unlock(&space->lock);
	if (ret == -ERANGE && READ_ONCE(space->path) != IVGPU_PATH_DIRECT) {
		service->no_direct = true;
		return -EAGAIN;
	}
	return ret;
}

/* Return: 0, -EFAULT if nothing is mapped, -EACCES if access is not allowed. */
static int ivgpu_fault_permit(struct ivgpu_service *service,
			      struct vm_area_struct *vma)
{
	if (!vma)
		return -EFAULT;
	if (!(vma->vm_flags & VM_READ))
		return -EACCES;
	if (service->access != CROSSBAR_GPU_READ &&
	    !(vma->vm_flags & VM_WRITE))
		return -EACCES;
	return 0;
}

/* One attempt. Return: number of pages, -EAGAIN to start over, or an error. */
static int ivgpu_fault_attempt(struct ivgpu_service *service)
{
	struct ivgpu_space *space = service->space;
	struct mm_struct *mm = space->mm;
	struct vm_area_struct *vma;
	u64 offset;
	int ret;

	ret = ivgpu_table_prepare(space, service->va);
	if (ret)
		return ret;

	service->seq = mmu_interval_read_begin(&space->window);
	mmap_read_lock(mm);
	vma = vma_lookup(mm, service->va);
	ret = ivgpu_fault_permit(service, vma);
	if (ret)
		goto unlock;
	service->count = min_t(u64, service->count,
			       (vma->vm_end - service->va) >> PAGE_SHIFT);

	if (ivgpu_vma_frame(space->device, vma, service->va, &offset)) {
		ret = ivgpu_fault_video(service, vma, offset);
		goto unlock;
	}
	ret = ivgpu_fault_collect(service);
	mmap_read_unlock(mm);
	return ret < 0 ? ret : ivgpu_fault_commit(service, ret);
unlock:
	mmap_read_unlock(mm);
	return ret;
}

/* Attempts until it works or there is no point. The mm is held. */
static int ivgpu_fault_map(struct ivgpu_service *service)
{
	struct ivgpu_space *space = service->space;
	int ret;

	ret = mmu_interval_notifier_insert(&space->window, space->mm,
					   service->va,
					   (u64)service->count *
					   CROSSBAR_GPU_PAGE_SIZE,
					   &ivgpu_window_ops);
	if (ret)
		return ret;
	for (;;) {
		ret = ivgpu_fault_attempt(service);
		if (ret > 0 || ret == -ECANCELED)
			break;
		if (ret == -EAGAIN) {
			if (time_after(jiffies, service->end)) {
				ret = -EFAULT;
				break;
			}
			cond_resched();
			continue;
		}
		if (service->count == 1)
			break;
		/* The others of the batch need not be there. */
		service->count = 1;
	}
	mmu_interval_notifier_remove(&space->window);
	if (service->refusal) {
		spin_lock_irq(&space->fence_lock);
		space->stats.refusals++;
		space->stats.last_refusal = service->refusal;
		spin_unlock_irq(&space->fence_lock);
	}
	return ret;
}

/*
 * The pages are mapped for reading, and copies may be about to replace them, one by
 * one: the engine is told once to forget them all, rather than of each.
 */
static void ivgpu_fault_forget(struct ivgpu_service *service)
{
	struct ivgpu_space *space = service->space;

	mutex_lock(&space->lock);
	if (space->active)
		ivgpu_mmu_invalidate(space, service->va, service->va +
				     (u64)service->count *
				     CROSSBAR_GPU_PAGE_SIZE);
	mutex_unlock(&space->lock);
}

/*
 * Serves a fault.
 *
 * Return: number of pages that were mapped; -EFAULT, -EACCES and so on to end the
 * command with; -ECANCELED if the address space is no longer bound.
 */
static int ivgpu_fault_serve(struct ivgpu_space *space,
			     const struct crossbar_gpu_fault *fault)
{
	u64 va = round_down(fault->address, CROSSBAR_GPU_PAGE_SIZE);
	u64 offset = fault->address - va;
	u64 length = clamp(fault->length, 1ULL, CROSSBAR_GPU_LENGTH_MAX);
	struct ivgpu_service service = {
		.space = space,
		.va = va,
		.access = fault->access,
		.end = jiffies + ivgpu_timeout(),
	};
	unsigned int room;
	int ret;

	if (fault->access > CROSSBAR_GPU_ATOMIC_ACCESS)
		return -EINVAL;
	if (va >> CROSSBAR_GPU_ADDRESS_BITS || va >= space->mm->task_size)
		return -EFAULT;
	room = IVGPU_TABLE_ENTRIES -
	       (va >> CROSSBAR_GPU_PAGE_SHIFT) % IVGPU_TABLE_ENTRIES;
	service.count = min_t(u64, room,
			      DIV_ROUND_UP_ULL(offset + length,
					       CROSSBAR_GPU_PAGE_SIZE));

	if (!mmget_not_zero(space->mm))
		return -EFAULT;
	if (fault->reason == CROSSBAR_GPU_NOT_PERMITTED)
		ivgpu_fault_forget(&service);
	ret = ivgpu_fault_map(&service);
	/* The last user's exit takes a while, and comes back to unbind us. */
	mmput_async(space->mm);
	return ret;
}

/**
 * ivgpu_fault_work() - serve and answer the fault of an address space
 * @work: fault_work of an address space
 */
void ivgpu_fault_work(struct work_struct *work)
{
	struct ivgpu_space *space =
		container_of(work, struct ivgpu_space, fault_work);
	struct crossbar_gpu_request request = {
		.opcode = CROSSBAR_GPU_FAULT_REPLY,
		.address_space = space->id,
	};
	struct crossbar_gpu_fault fault;
	bool pending;
	int ret;

	spin_lock_irq(&space->fence_lock);
	pending = space->fault_pending;
	fault = space->fault;
	spin_unlock_irq(&space->fence_lock);
	if (!pending)
		return;

	ret = ivgpu_fault_serve(space, &fault);

	mutex_lock(&space->lock);
	spin_lock_irq(&space->fence_lock);
	pending = space->active && space->fault_pending &&
		  space->fault.sequence == fault.sequence;
	if (pending) {
		space->fault_pending = false;
		space->progress = jiffies;
		space->stats.faults++;
		if (ret < 0)
			space->stats.aborts++;
	}
	spin_unlock_irq(&space->fence_lock);
	if (pending) {
		request.address = fault.sequence;
		request.error = ret < 0 ? -ret : 0;
		trace_ivgpu_fault(space, &fault, request.error,
				  ret > 0 ? ret : 0);
		/* If it fails, a reset ends the command. */
		ivgpu_control_put(space->device, space->epoch, &request, NULL);
	}
	mutex_unlock(&space->lock);
}
