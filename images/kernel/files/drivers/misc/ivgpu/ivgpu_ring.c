// SPDX-License-Identifier: GPL-2.0-only
/*
 * Control ring and fault ring of the peer GPU.
 *
 * The rings lie in memory that the host can write at any time: an index is
 * only believed if it is within the ring's length of the other end, and an entry
 * is copied before it is looked at. A doorbell or an interrupt may get lost, so
 * who waits for the engine rings again now and then and looks at the ring itself.
 */
#include <linux/jiffies.h>
#include <linux/sched.h>

#include "ivgpu.h"
#include "ivgpu_trace.h"

/* How long to wait before a doorbell is rung again. */
#define IVGPU_RING_AGAIN	msecs_to_jiffies(20)

/**
 * ivgpu_bell() - ring a doorbell of the engine
 * @device: the device, its driver bound
 * @vector: CROSSBAR_GPU_BELL_*
 *
 * What was stored before is visible to the engine when it is rung.
 */
void ivgpu_bell(struct ivgpu_device *device, u32 vector)
{
	atomic64_inc(&device->doorbells);
	iowrite32(CROSSBAR_GPU_PEER_ENGINE << 16 | vector,
		  device->regs + CROSSBAR_GPU_DOORBELL);
}

/*
 * The engine is late. The reset worker can't wait for a reset, and if one was
 * asked for long ago, there is nothing left to hope for. One that is under way has
 * a time limit of its own.
 */
static void ivgpu_control_late(struct ivgpu_device *device, unsigned long since)
{
	if (time_before(jiffies, since + ivgpu_timeout()) ||
	    READ_ONCE(device->resetting))
		return;
	if (current_work() == &device->reset_work ||
	    time_after(jiffies, since + 3 * ivgpu_timeout()))
		ivgpu_die(device);
	else
		ivgpu_reset_request(device);
}

static bool ivgpu_control_room(struct ivgpu_device *device)
{
	u32 tail = ivgpu_load(&device->control->control_tail.value);

	return device->control_head - tail < CROSSBAR_GPU_CONTROL_ENTRIES;
}

/**
 * ivgpu_control_put() - put a request on the control ring
 * @device: the device, its driver bound
 * @epoch: in which the request makes sense
 * @request: what to put
 * @ticket: filled in if not NULL
 *
 * Waits for room, not longer than it takes to reset the engine.
 *
 * Context: may sleep; may be called by the notifier of an mm.
 * Return: 0; -ESTALE if a reset has ended @epoch, so that the engine knows
 * nothing of the address space; -EIO if the device is dead.
 */
int ivgpu_control_put(struct ivgpu_device *device, u32 epoch,
		      const struct crossbar_gpu_request *request,
		      struct ivgpu_ticket *ticket)
{
	unsigned long since = jiffies;
	u32 index;

	for (;;) {
		spin_lock(&device->ring_lock);
		if (device->dead) {
			spin_unlock(&device->ring_lock);
			return -EIO;
		}
		if (device->epoch != epoch) {
			spin_unlock(&device->ring_lock);
			return -ESTALE;
		}
		if (!device->resetting && ivgpu_control_room(device))
			break;
		spin_unlock(&device->ring_lock);

		wait_event_timeout(device->control_wait,
				   READ_ONCE(device->dead) ||
				   READ_ONCE(device->epoch) != epoch ||
				   (!READ_ONCE(device->resetting) &&
				    ivgpu_control_room(device)),
				   IVGPU_RING_AGAIN);
		ivgpu_control_late(device, since);
	}

	index = device->control_head;
	WRITE_ONCE(device->control_head, index + 1);
	if (request->opcode == CROSSBAR_GPU_INVALIDATE)
		trace_ivgpu_invalidate(device, request, index);
	device->control_ring[index % CROSSBAR_GPU_CONTROL_ENTRIES] = *request;
	ivgpu_store(&device->control->control_head.value, device->control_head);
	spin_unlock(&device->ring_lock);

	if (ticket) {
		ticket->index = index;
		ticket->epoch = epoch;
	}
	ivgpu_bell(device, CROSSBAR_GPU_BELL_CONTROL);
	return 0;
}

static bool ivgpu_control_done(struct ivgpu_device *device,
			       const struct ivgpu_ticket *ticket)
{
	/* In this order: the head may move on in between. */
	u32 tail = ivgpu_load(&device->control->control_tail.value);
	u32 head = READ_ONCE(device->control_head);
	/* Pairs with ivgpu_set_resetting(), where the epoch comes first. */
	bool resetting = smp_load_acquire(&device->resetting);

	if (READ_ONCE(device->dead) ||
	    READ_ONCE(device->epoch) != ticket->epoch)
		return true;
	/*
	 * A tail that is beyond our own head has acknowledged nothing, and one
	 * that a reset has moved may not have.
	 */
	return !resetting && head - tail < head - ticket->index;
}

/**
 * ivgpu_control_wait() - wait until the engine has acknowledged a request
 * @device: the device, its driver bound
 * @ticket: from ivgpu_control_put()
 *
 * An engine that doesn't answer is reset. Either way, unless the device is dead,
 * the engine makes no use any more of what the request took from it.
 *
 * Context: may sleep; may be called by the notifier of an mm.
 * Return: 0; -ESTALE if a reset came between; -EIO if the device is dead.
 */
int ivgpu_control_wait(struct ivgpu_device *device,
		       const struct ivgpu_ticket *ticket)
{
	unsigned long since = jiffies;

	while (!wait_event_timeout(device->control_wait,
				   ivgpu_control_done(device, ticket),
				   IVGPU_RING_AGAIN)) {
		ivgpu_control_late(device, since);
		ivgpu_bell(device, CROSSBAR_GPU_BELL_CONTROL);
	}
	if (READ_ONCE(device->epoch) != ticket->epoch)
		return -ESTALE;
	return READ_ONCE(device->dead) ? -EIO : 0;
}

/* No more are left than came after @head; of a wrong tail, too many are. */
static bool ivgpu_commands_taken(struct ivgpu_device *device, u32 epoch,
				 u32 head)
{
	u32 tail = ivgpu_load(&device->control->command_tail.value);
	u32 last = READ_ONCE(device->command_head);

	return last - tail <= last - head || READ_ONCE(device->dead) ||
	       READ_ONCE(device->epoch) != epoch;
}

/**
 * ivgpu_command_drain() - wait until the engine has taken what is on the ring
 * @device: the device, its driver bound
 * @epoch: in which the commands were put there; its end empties the ring
 *
 * The engine takes commands off the ring without waiting for their turn. One that
 * does not is reset.
 *
 * Context: may sleep; may be called by the notifier of an mm.
 */
void ivgpu_command_drain(struct ivgpu_device *device, u32 epoch)
{
	unsigned long since = jiffies, rung = jiffies;
	u32 head;

	spin_lock(&device->ring_lock);
	head = device->command_head;
	spin_unlock(&device->ring_lock);

	while (!wait_event_timeout(device->control_wait,
				   ivgpu_commands_taken(device, epoch, head),
				   IVGPU_RING_FULL)) {
		ivgpu_control_late(device, since);
		if (time_before(jiffies, rung + IVGPU_RING_AGAIN))
			continue;
		ivgpu_bell(device, CROSSBAR_GPU_BELL_COMMAND);
		rung = jiffies;
	}
}

static void ivgpu_fault_accept(struct ivgpu_device *device,
			       const struct crossbar_gpu_fault *fault)
{
	struct ivgpu_space *space = NULL;

	lockdep_assert_held(&device->space_lock);

	if (fault->address_space < CROSSBAR_GPU_ADDRESS_SPACES)
		space = device->spaces[fault->address_space];
	/* Raised before its address space was unbound: nobody waits. */
	if (!space)
		return;

	spin_lock(&space->fence_lock);
	if (space->active && !space->fault_pending) {
		space->fault = *fault;
		space->fault_pending = true;
		queue_work(device->fault_wq, &space->fault_work);
	}
	spin_unlock(&space->fence_lock);
}

/**
 * ivgpu_fault_drain() - take all entries of the fault ring
 * @device: the device, its driver bound
 *
 * Context: any.
 */
void ivgpu_fault_drain(struct ivgpu_device *device)
{
	struct crossbar_gpu_fault fault;
	unsigned long flags;
	u32 head;

	spin_lock_irqsave(&device->space_lock, flags);
	/* A reset sets the engine's end to ours, so ours has to stand still. */
	if (device->resetting || device->dead)
		goto unlock;

	head = ivgpu_load(&device->control->fault_head.value);
	if (head - device->fault_tail > CROSSBAR_GPU_FAULT_ENTRIES) {
		ivgpu_reset_request(device);
		goto unlock;
	}
	while (device->fault_tail != head) {
		u32 slot = device->fault_tail % CROSSBAR_GPU_FAULT_ENTRIES;

		memcpy(&fault, &device->fault_ring[slot], sizeof(fault));
		barrier();	/* @fault is what is checked, and used */
		device->fault_tail++;
		ivgpu_fault_accept(device, &fault);
	}
	ivgpu_store(&device->control->fault_tail.value, device->fault_tail);
unlock:
	spin_unlock_irqrestore(&device->space_lock, flags);
}
