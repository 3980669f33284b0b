// SPDX-License-Identifier: GPL-2.0-only
/*
 * Commands and fences of the peer GPU.
 *
 * The engine counts the fences of an address space from 1 after each time that
 * it is bound. A program must not see a reset in them: it gets the engine's
 * fence plus ivgpu_space.base, which is the number of commands before the reset.
 */
#include <linux/jiffies.h>
#include <linux/ktime.h>
#include <linux/math64.h>
#include <linux/sched/signal.h>

#include "ivgpu.h"
#include "ivgpu_trace.h"

/* An interrupt may get lost: how long to sleep before looking again. */
#define IVGPU_LOOK_AGAIN	msecs_to_jiffies(100)
/* Slowest engine that is not taken for a dead one, in bytes per millisecond. */
#define IVGPU_SLOWEST		SZ_16K

/**
 * ivgpu_fence_update() - take note of commands that have ended
 * @space: the address space
 *
 * Context: any, with fence_lock held and interrupts off.
 */
void ivgpu_fence_update(struct ivgpu_space *space)
{
	struct ivgpu_device *device = space->device;
	struct crossbar_gpu_result *result;
	struct crossbar_gpu_fence *fence;
	u64 completed;
	u32 error, slot;

	lockdep_assert_held(&space->fence_lock);
	/* What a reset leaves behind is told by ivgpu_fence_fail(). */
	if (!space->active || READ_ONCE(device->resetting) ||
	    READ_ONCE(device->epoch) != space->epoch)
		return;

	fence = &device->fences[space->id];
	completed = ivgpu_load(&fence->completed);
	error = READ_ONCE(fence->error);

	if (completed - space->completed > space->submitted - space->completed) {
		error = CROSSBAR_GPU_BAD_FENCE;
		completed = space->completed;
	}
	if (completed == space->completed && error == space->error)
		return;

	while (space->completed != completed) {
		space->completed++;
		slot = space->id * CROSSBAR_GPU_DEPTH +
		       space->completed % CROSSBAR_GPU_DEPTH;
		result = &space->results[(space->base + space->completed) %
					 CROSSBAR_GPU_DEPTH];
		memcpy(result, &device->results[slot], sizeof(*result));
		barrier();	/* the copy is what is checked */
		if (result->fence != space->completed) {
			memset(result, 0, sizeof(*result));
			result->status = EIO;
		}
		result->fence = space->base + space->completed;
		space->stats.completed++;
		trace_ivgpu_complete(space, space->completed, result->status);
	}
	space->progress = jiffies;
	if (error)
		space->error = error;
	wake_up_all(&space->wait);
}

/**
 * ivgpu_fence_scan() - ivgpu_fence_update() for all address spaces
 * @device: the device, its driver bound
 *
 * Context: any.
 */
void ivgpu_fence_scan(struct ivgpu_device *device)
{
	unsigned long flags;
	unsigned int i;

	spin_lock_irqsave(&device->space_lock, flags);
	for (i = 0; i < CROSSBAR_GPU_ADDRESS_SPACES; i++) {
		struct ivgpu_space *space = device->spaces[i];

		if (!space)
			continue;
		spin_lock(&space->fence_lock);
		ivgpu_fence_update(space);
		spin_unlock(&space->fence_lock);
	}
	spin_unlock_irqrestore(&device->space_lock, flags);
}

/**
 * ivgpu_fence_fail() - end all commands that have not ended, with EIO
 * @space: the address space, no longer known to the engine
 */
void ivgpu_fence_fail(struct ivgpu_space *space)
{
	struct crossbar_gpu_result *result;
	unsigned long flags;

	lockdep_assert_held(&space->lock);
	spin_lock_irqsave(&space->fence_lock, flags);
	space->active = false;
	space->fault_pending = false;
	while (space->completed != space->submitted) {
		space->completed++;
		result = &space->results[(space->base + space->completed) %
					 CROSSBAR_GPU_DEPTH];
		memset(result, 0, sizeof(*result));
		result->fence = space->base + space->completed;
		result->status = EIO;
		space->stats.completed++;
		trace_ivgpu_complete(space, space->completed, EIO);
	}
	space->base += space->submitted;
	space->submitted = 0;
	space->completed = 0;
	space->error = 0;
	spin_unlock_irqrestore(&space->fence_lock, flags);
	wake_up_all(&space->wait);
}

/* Time after which a command that made no progress is given up, in ms. */
static u32 ivgpu_budget(const struct crossbar_gpu_command *command)
{
	u64 length = min(command->length, CROSSBAR_GPU_LENGTH_MAX);
	u32 budget = jiffies_to_msecs(ivgpu_timeout());

	if (command->opcode == CROSSBAR_GPU_DELAY)
		return budget + div_u64(min(command->operand,
					    CROSSBAR_GPU_DELAY_MAX), 1000);
	return budget + length / IVGPU_SLOWEST;
}

/* Why the device can't be used any more, or 0. */
static int ivgpu_device_state(struct ivgpu_device *device)
{
	if (READ_ONCE(device->gone))
		return -ENODEV;
	return READ_ONCE(device->dead) ? -EIO : 0;
}

/* Why nothing can be submitted any more, or 0. */
static int ivgpu_state(struct ivgpu_space *space)
{
	int ret = ivgpu_device_state(space->device);

	return !ret && READ_ONCE(space->error) ? -EIO : ret;
}

/* Puts all of the commands on the ring, or none: -EAGAIN without room. */
static int ivgpu_submit_locked(struct ivgpu_space *space,
			       struct crossbar_gpu_command *commands,
			       u32 count, u64 *fence)
{
	struct ivgpu_device *device = space->device;
	u32 tail, used, i;
	int ret = -EAGAIN;

	lockdep_assert_held(&space->lock);
	spin_lock(&device->ring_lock);
	spin_lock_irq(&space->fence_lock);
	ivgpu_fence_update(space);
	if (space->error || device->dead) {
		ret = -EIO;
		goto unlock;
	}
	if (!space->active || device->resetting ||
	    device->epoch != space->epoch)
		goto unlock;
	if (space->submitted - space->completed + count > CROSSBAR_GPU_DEPTH)
		goto unlock;

	tail = ivgpu_load(&device->control->command_tail.value);
	used = device->command_head - tail;
	if (used > CROSSBAR_GPU_COMMAND_ENTRIES) {
		ivgpu_reset_request(device);
		goto unlock;
	}
	if (used + count > CROSSBAR_GPU_COMMAND_ENTRIES)
		goto unlock;

	if (space->submitted == space->completed)
		space->progress = jiffies;
	for (i = 0; i < count; i++) {
		struct crossbar_gpu_command *command = &commands[i];
		u64 number;

		command->address_space = space->id;
		command->fence = ++space->submitted;
		number = space->base + space->submitted;
		space->budget[number % CROSSBAR_GPU_DEPTH] =
			ivgpu_budget(command);
		trace_ivgpu_submit(space, command->fence, command->opcode);
		device->command_ring[device->command_head++ %
				     CROSSBAR_GPU_COMMAND_ENTRIES] = *command;
	}
	space->stats.submitted += count;
	*fence = space->base + space->submitted;
	ivgpu_store(&device->control->command_head.value, device->command_head);
	ret = 0;
unlock:
	spin_unlock_irq(&space->fence_lock);
	spin_unlock(&device->ring_lock);
	if (!ret)
		ivgpu_bell(device, CROSSBAR_GPU_BELL_COMMAND);
	return ret;
}

static bool ivgpu_room(struct ivgpu_space *space, u32 count)
{
	bool room;

	spin_lock_irq(&space->fence_lock);
	ivgpu_fence_update(space);
	room = space->submitted - space->completed + count <=
	       CROSSBAR_GPU_DEPTH;
	spin_unlock_irq(&space->fence_lock);
	return room || ivgpu_state(space);
}

/**
 * ivgpu_submit() - submit commands, waiting for room
 * @space: the address space
 * @commands: checked commands, their address space and fence are filled in
 * @count: of them, 1 to CROSSBAR_GPU_DEPTH
 * @nonblock: don't wait
 * @fence: set to the program's fence of the last one
 *
 * Return: 0, -EAGAIN if there is no room and @nonblock, -EIO for a stopped
 * address space or a dead device, -ENODEV, -ERESTARTSYS. No command is
 * submitted unless all are.
 */
int ivgpu_submit(struct ivgpu_space *space,
		 struct crossbar_gpu_command *commands, u32 count,
		 bool nonblock, u64 *fence)
{
	int ret;

	for (;;) {
		if (mutex_lock_interruptible(&space->lock))
			return -ERESTARTSYS;
		ret = ivgpu_state(space);
		if (!ret)
			ret = ivgpu_submit_locked(space, commands, count, fence);
		mutex_unlock(&space->lock);
		if (ret != -EAGAIN || nonblock)
			return ret;

		/* Depth, but no room on the ring, or a reset is under way. */
		if (ivgpu_room(space, count))
			schedule_timeout_interruptible(IVGPU_RING_FULL);
		else
			wait_event_interruptible_timeout(space->wait,
							 ivgpu_room(space, count),
							 IVGPU_LOOK_AGAIN);
		if (signal_pending(current))
			return -ERESTARTSYS;
	}
}

static bool ivgpu_fence_ended(struct ivgpu_space *space, u64 fence)
{
	bool ended;

	spin_lock_irq(&space->fence_lock);
	ivgpu_fence_update(space);
	ended = space->base + space->completed >= fence;
	spin_unlock_irq(&space->fence_lock);
	return ended || ivgpu_state(space);
}

/**
 * ivgpu_fence_idle() - have all commands ended?
 * @space: the address space
 *
 * Return: whether they have.
 */
bool ivgpu_fence_idle(struct ivgpu_space *space)
{
	bool idle;

	spin_lock_irq(&space->fence_lock);
	ivgpu_fence_update(space);
	idle = space->completed == space->submitted;
	spin_unlock_irq(&space->fence_lock);
	return idle;
}

/* Return: 0 and the result, -EINVAL for no such fence, -EBUSY if not ended. */
static int ivgpu_result(struct ivgpu_space *space, struct ivgpu_wait *wait)
{
	u64 submitted, completed;
	int ret = 0;

	memset(&wait->result, 0, sizeof(wait->result));
	spin_lock_irq(&space->fence_lock);
	submitted = space->base + space->submitted;
	completed = space->base + space->completed;
	if (wait->fence > submitted)
		ret = -EINVAL;
	else if (wait->fence > completed)
		ret = -EBUSY;
	else if (wait->fence && completed - wait->fence < CROSSBAR_GPU_DEPTH)
		wait->result = space->results[wait->fence % CROSSBAR_GPU_DEPTH];
	spin_unlock_irq(&space->fence_lock);
	return ret;
}

/**
 * ivgpu_wait() - wait for a fence
 * @space: the address space
 * @wait: fence and timeout; the result is filled in, and what is left of the
 *        timeout if a signal came
 *
 * Return: 0, -EINVAL for a fence that was not submitted, -ETIMEDOUT, -EIO if
 * the address space was stopped before, -ENODEV, -ERESTARTSYS.
 */
int ivgpu_wait(struct ivgpu_space *space, struct ivgpu_wait *wait)
{
	ktime_t now = ktime_get();
	ktime_t end = ktime_add_safe(now, min_t(u64, wait->timeout_ns,
						KTIME_MAX));
	long left, ret;

	ivgpu_fence_ended(space, 0);	/* what has ended by now */
	for (;;) {
		ret = ivgpu_device_state(space->device);
		if (ret)
			return ret;
		ret = ivgpu_result(space, wait);
		if (ret != -EBUSY)
			return ret;
		ret = ivgpu_state(space);
		if (ret)
			return ret;
		now = ktime_get();
		if (ktime_compare(now, end) >= 0)
			return -ETIMEDOUT;

		left = min_t(u64, nsecs_to_jiffies64(ktime_sub(end, now)) + 1,
			     IVGPU_LOOK_AGAIN);
		ret = wait_event_interruptible_timeout(space->wait,
						       ivgpu_fence_ended(space, wait->fence),
						       left);
		if (ret < 0) {
			now = ktime_get();
			wait->timeout_ns = ktime_before(now, end) ?
					   ktime_sub(end, now) : 0;
			return ret;
		}
	}
}
