// SPDX-License-Identifier: GPL-2.0-only
/*
 * Address spaces of the peer GPU, and what the mm tells them.
 *
 * An address space mirrors the mm of the process that opened the file. One
 * interval notifier covers the whole mm for as long as the file is open: it
 * clears what is mapped, and unbinds when the mm is torn down. A fault adds a
 * second one, the window, on just the range that it is about to map, and asks
 * that one whether it has to start over; with the first one alone, a thread that
 * maps and unmaps memory elsewhere could keep a fault from ever being served.
 * A plain mmu_notifier would do for the first one but for mms that have both
 * kinds: a plain one that refuses a non-blockable invalidation leaves the
 * interval notifiers thinking that it never ended.
 */
#include <linux/sched.h>
#include <linux/sched/mm.h>
#include <linux/slab.h>

#include "ivgpu.h"
#include "ivgpu_trace.h"

/*
 * Takes the lock. Who must not sleep can't wait for the engine, so for him the range
 * must not be mapped at all.
 *
 * Return: whether the lock is taken.
 */
static bool ivgpu_notifier_lock(struct ivgpu_space *space,
				const struct mmu_notifier_range *range)
{
	if (mmu_notifier_range_blockable(range)) {
		mutex_lock(&space->lock);
		return true;
	}
	if (!mutex_trylock(&space->lock))
		return false;
	if (!ivgpu_mmu_mapped(space, range->start, range->end))
		return true;
	mutex_unlock(&space->lock);
	return false;
}

static bool ivgpu_notifier_invalidate(struct mmu_interval_notifier *notifier,
				      const struct mmu_notifier_range *range,
				      unsigned long seq)
{
	struct ivgpu_space *space =
		container_of(notifier, struct ivgpu_space, notifier);

	if (!ivgpu_notifier_lock(space, range))
		return false;
	mmu_interval_set_seq(notifier, seq);
	if (range->event == MMU_NOTIFY_RELEASE) {
		/* The pages are still there, and will be until we return. */
		WRITE_ONCE(space->mm_dead, true);
		ivgpu_space_unbind(space);
	} else {
		ivgpu_mmu_invalidate(space, range->start, range->end);
	}
	mutex_unlock(&space->lock);
	return true;
}

static const struct mmu_interval_notifier_ops ivgpu_notifier_ops = {
	.invalidate = ivgpu_notifier_invalidate,
};

/*
 * A fault may have mapped pages after the callback above and before this one,
 * so it is not enough to have the fault start over.
 */
static bool ivgpu_window_invalidate(struct mmu_interval_notifier *notifier,
				    const struct mmu_notifier_range *range,
				    unsigned long seq)
{
	struct ivgpu_space *space =
		container_of(notifier, struct ivgpu_space, window);

	if (!ivgpu_notifier_lock(space, range))
		return false;
	mmu_interval_set_seq(notifier, seq);
	ivgpu_mmu_invalidate(space, range->start, range->end);
	mutex_unlock(&space->lock);
	return true;
}

/** ivgpu_window_ops - of ivgpu_space.window */
const struct mmu_interval_notifier_ops ivgpu_window_ops = {
	.invalidate = ivgpu_window_invalidate,
};

/*
 * Makes the address space known to the engine.
 *
 * Return: 0, -EIO for a dead device.
 */
static int ivgpu_space_bind(struct ivgpu_space *space)
{
	struct ivgpu_device *device = space->device;
	struct crossbar_gpu_request request = {
		.opcode = CROSSBAR_GPU_BIND,
		.address_space = space->id,
		.address = space->root->offset,
	};
	struct ivgpu_ticket ticket;
	int ret;

	lockdep_assert_held(&space->lock);
	do {
		space->epoch = READ_ONCE(device->epoch);
		ret = ivgpu_control_put(device, space->epoch, &request,
					&ticket);
		if (ret)
			continue;
		trace_ivgpu_bind(space);
		ret = ivgpu_control_wait(device, &ticket);
		/* Bound or not, a reset has ended it. */
		if (ret)
			trace_ivgpu_unbind(space, ret, ticket.index);
	} while (ret == -ESTALE);
	if (ret)
		return ret;

	space->bound = true;
	spin_lock_irq(&space->fence_lock);
	space->progress = jiffies;
	space->active = true;
	spin_unlock_irq(&space->fence_lock);
	return 0;
}

/**
 * ivgpu_space_unbind() - have the engine forget an address space
 * @space: the address space, its lock held
 *
 * When this returns no DMA is under way, nothing is mapped, and all commands have
 * ended. May be called again.
 */
void ivgpu_space_unbind(struct ivgpu_space *space)
{
	struct ivgpu_device *device = space->device;
	struct crossbar_gpu_request request = {
		.opcode = CROSSBAR_GPU_UNBIND,
		.address_space = space->id,
	};
	struct ivgpu_ticket ticket = {};
	unsigned long flags;
	int ret;

	lockdep_assert_held(&space->lock);
	if (!space->bound)
		return;
	space->bound = false;

	/*
	 * UNBIND would overtake them. Nothing is added meanwhile: who submits
	 * holds the lock.
	 */
	ivgpu_command_drain(device, space->epoch);

	/* An error is as good as the answer: a reset has ended everything. */
	ret = ivgpu_control_put(device, space->epoch, &request, &ticket);
	if (!ret)
		ret = ivgpu_control_wait(device, &ticket);

	spin_lock_irqsave(&space->fence_lock, flags);
	ivgpu_fence_update(space);
	spin_unlock_irqrestore(&space->fence_lock, flags);
	ivgpu_fence_fail(space);
	ivgpu_mmu_release(space);
	trace_ivgpu_unbind(space, ret, ticket.index);

	/* Old entries of the fault ring must not meet the number's next owner. */
	spin_lock_irqsave(&device->space_lock, flags);
	device->spaces[space->id] = NULL;
	spin_unlock_irqrestore(&device->space_lock, flags);
	ivgpu_fault_drain(device);
	spin_lock_irqsave(&device->space_lock, flags);
	clear_bit(space->id, device->ids);
	spin_unlock_irqrestore(&device->space_lock, flags);
}

/**
 * ivgpu_space_reset() - bind again after a reset, with nothing mapped
 * @space: the address space, its lock held
 *
 * Context: the reset worker.
 */
void ivgpu_space_reset(struct ivgpu_space *space)
{
	struct ivgpu_device *device = space->device;

	lockdep_assert_held(&space->lock);
	if (!space->bound || space->epoch == device->epoch)
		return;
	ivgpu_fence_fail(space);
	ivgpu_mmu_release(space);
	space->generation++;
	if (device->dead)
		return;
	if (ivgpu_space_bind(space))
		dev_err(&device->pdev->dev,
			"address space %u is lost\n", space->id);
}

/* Return: 0, -EBUSY if all address spaces are in use. */
static int ivgpu_space_number(struct ivgpu_space *space)
{
	struct ivgpu_device *device = space->device;
	int ret = 0;

	spin_lock_irq(&device->space_lock);
	space->id = find_first_zero_bit(device->ids,
					CROSSBAR_GPU_ADDRESS_SPACES);
	if (space->id < CROSSBAR_GPU_ADDRESS_SPACES) {
		set_bit(space->id, device->ids);
		device->spaces[space->id] = space;
	} else {
		ret = -EBUSY;
	}
	spin_unlock_irq(&device->space_lock);
	return ret;
}

/* Makes the hardware's side of an address space; gone_lock is held. */
static int ivgpu_space_start(struct ivgpu_space *space)
{
	struct ivgpu_device *device = space->device;
	int ret;

	if (device->gone)
		return -ENODEV;
	if (device->dead)
		return -EIO;
	space->root = ivgpu_table_create(device, false);
	if (IS_ERR(space->root)) {
		ret = PTR_ERR(space->root);
		space->root = NULL;
		return ret;
	}
	ret = ivgpu_space_number(space);
	if (ret)
		return ret;

	mutex_lock(&device->files_lock);
	list_add_tail(&space->node, &device->files);
	mutex_unlock(&device->files_lock);
	ivgpu_watch(device);

	mutex_lock(&space->lock);
	ret = ivgpu_space_bind(space);
	mutex_unlock(&space->lock);
	if (!ret)
		return 0;

	spin_lock_irq(&device->space_lock);
	device->spaces[space->id] = NULL;
	clear_bit(space->id, device->ids);
	spin_unlock_irq(&device->space_lock);
	return ret;
}

/**
 * ivgpu_space_create() - make an address space for the current process
 * @device: the device, to which a reference is taken
 * @file: that is being opened
 *
 * Return: the address space, or an ERR_PTR(): -ENODEV, -EIO for a dead device,
 * -EBUSY if the device has no more address spaces, -ENOSPC, -ENOMEM, -EINTR.
 */
struct ivgpu_space *ivgpu_space_create(struct ivgpu_device *device,
				       struct file *file)
{
	struct mm_struct *mm = current->mm;
	struct ivgpu_space *space;
	unsigned int level;
	int ret;

	if (!mm)
		return ERR_PTR(-EINVAL);
	space = kvzalloc_obj(*space);
	if (!space)
		return ERR_PTR(-ENOMEM);

	get_device(&device->chardev);
	space->device = device;
	mmgrab(mm);
	space->mm = mm;
	space->mapping = file->f_mapping;
	space->pid = task_tgid_nr(current);
	space->generation = 1;
	space->path = ivgpu_default_path();
	INIT_LIST_HEAD(&space->node);
	INIT_LIST_HEAD(&space->buffers);
	mutex_init(&space->lock);
	spin_lock_init(&space->fence_lock);
	init_waitqueue_head(&space->wait);
	INIT_WORK(&space->fault_work, ivgpu_fault_work);
	for (level = 0; level < IVGPU_TABLE_LEVELS; level++)
		xa_init(&space->tables[level]);

	/* Takes mmap_lock, so it comes before gone_lock. */
	ret = mmu_interval_notifier_insert(&space->notifier, mm, 0, TASK_SIZE,
					   &ivgpu_notifier_ops);
	if (ret)
		goto err_mm;

	down_read(&device->gone_lock);
	ret = ivgpu_space_start(space);
	up_read(&device->gone_lock);
	if (ret) {
		ivgpu_space_destroy(space);
		return ERR_PTR(ret);
	}
	return space;

err_mm:
	mmdrop(mm);
	put_device(&device->chardev);
	kvfree(space);
	return ERR_PTR(ret);
}

/**
 * ivgpu_space_destroy() - undo ivgpu_space_create()
 * @space: the address space, which nobody else can call any more
 *
 * There are no mappings of its video memory left, since they hold the file.
 */
void ivgpu_space_destroy(struct ivgpu_space *space)
{
	struct ivgpu_device *device = space->device;
	unsigned int level;

	mutex_lock(&space->lock);
	ivgpu_space_unbind(space);
	mutex_unlock(&space->lock);
	cancel_work_sync(&space->fault_work);

	mutex_lock(&device->files_lock);
	list_del_init(&space->node);
	mutex_unlock(&device->files_lock);

	mmu_interval_notifier_remove(&space->notifier);
	ivgpu_buffer_release(space);
	for (level = 0; level < IVGPU_TABLE_LEVELS; level++)
		xa_destroy(&space->tables[level]);
	if (space->root)
		ivgpu_table_free(device, space->root);
	mmdrop(space->mm);
	kvfree(space);
	put_device(&device->chardev);
}
