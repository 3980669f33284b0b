// SPDX-License-Identifier: GPL-2.0-only
/*
 * Watchdog and reset of the peer GPU's engine.
 */
#include <linux/delay.h>
#include <linux/jiffies.h>

#include "ivgpu.h"
#include "ivgpu_trace.h"

/*
 * An engine that lives does a reset at once: it only has to stop its threads. But
 * its host may be busy, and there is no way back from a dead device.
 */
#define IVGPU_RESET_TIMEOUT	msecs_to_jiffies(10000)
#define IVGPU_RESET_AGAIN	msecs_to_jiffies(50)

/**
 * ivgpu_die() - give the device up
 * @device: the device, its driver bound
 *
 * Nothing is put on a ring from now on, and every call fails with EIO.
 */
void ivgpu_die(struct ivgpu_device *device)
{
	unsigned long flags;
	unsigned int i;
	bool first;

	spin_lock(&device->ring_lock);
	spin_lock_irqsave(&device->space_lock, flags);
	first = !device->dead;
	if (first)
		trace_ivgpu_die(device);
	WRITE_ONCE(device->dead, true);
	for (i = 0; i < CROSSBAR_GPU_ADDRESS_SPACES; i++)
		if (device->spaces[i])
			wake_up_all(&device->spaces[i]->wait);
	spin_unlock_irqrestore(&device->space_lock, flags);
	spin_unlock(&device->ring_lock);
	if (!first)
		return;

	/* Whatever it still does, a real device could no longer do it. */
	pci_clear_master(device->pdev);
	dev_err(&device->pdev->dev, "engine does not answer, giving up\n");
	wake_up_all(&device->control_wait);
}

/**
 * ivgpu_reset_request() - have the engine reset
 * @device: the device, its driver bound
 *
 * Context: any.
 */
void ivgpu_reset_request(struct ivgpu_device *device)
{
	queue_work(device->reset_wq, &device->reset_work);
}

/*
 * Once this has returned, nobody who looks at a fence or at the fault ring
 * takes what the reset does to them for the work of the engine.
 */
static void ivgpu_set_resetting(struct ivgpu_device *device, bool resetting)
{
	unsigned long flags;
	unsigned int i;

	spin_lock(&device->ring_lock);
	spin_lock_irqsave(&device->space_lock, flags);
	if (!resetting)
		WRITE_ONCE(device->epoch, device->epoch + 1);
	/* Pairs with ivgpu_control_done(). */
	smp_store_release(&device->resetting, resetting);
	for (i = 0; i < CROSSBAR_GPU_ADDRESS_SPACES; i++) {
		if (!device->spaces[i])
			continue;
		spin_lock(&device->spaces[i]->fence_lock);
		spin_unlock(&device->spaces[i]->fence_lock);
	}
	spin_unlock_irqrestore(&device->space_lock, flags);
	spin_unlock(&device->ring_lock);
}

/**
 * ivgpu_reset_engine() - have the engine forget everything
 * @device: the device, with nobody but the caller at its rings
 *
 * Return: whether the engine has done it in time.
 */
bool ivgpu_reset_engine(struct ivgpu_device *device)
{
	unsigned long since = jiffies, rung = jiffies;
	u32 request = ++device->reset_request;

	ivgpu_store(&device->control->reset_request, request);
	ivgpu_bell(device, CROSSBAR_GPU_BELL_RESET);
	while (ivgpu_load(&device->control->reset_done) != request) {
		if (pci_channel_offline(device->pdev) ||
		    time_after(jiffies, since + IVGPU_RESET_TIMEOUT))
			return false;
		if (time_after(jiffies, rung + IVGPU_RESET_AGAIN)) {
			ivgpu_bell(device, CROSSBAR_GPU_BELL_RESET);
			rung = jiffies;
		}
		usleep_range(200, 1000);
	}
	return true;
}

/**
 * ivgpu_reset_work() - reset the engine, bind all address spaces again
 * @work: reset_work of a device
 *
 * Notifiers may wait for an acknowledgment that never comes, with the lock of
 * their address space held: they are let go before any such lock is taken.
 * Nothing here allocates, since reclaim may be what waits.
 */
void ivgpu_reset_work(struct work_struct *work)
{
	struct ivgpu_device *device =
		container_of(work, struct ivgpu_device, reset_work);
	struct ivgpu_space *space;

	if (READ_ONCE(device->dead))
		return;

	ivgpu_fence_scan(device);
	ivgpu_set_resetting(device, true);
	if (ivgpu_reset_engine(device)) {
		dev_warn_ratelimited(&device->pdev->dev,
				     "engine was reset\n");
		trace_ivgpu_reset(device,
				  atomic64_inc_return(&device->resets));
	} else {
		ivgpu_die(device);
	}
	ivgpu_set_resetting(device, false);
	wake_up_all(&device->control_wait);

	mutex_lock(&device->files_lock);
	list_for_each_entry(space, &device->files, node) {
		mutex_lock(&space->lock);
		ivgpu_space_reset(space);
		mutex_unlock(&space->lock);
	}
	WRITE_ONCE(device->beat, jiffies);
	mutex_unlock(&device->files_lock);
}

/* Return: whether the oldest command of an address space is overdue. */
static bool ivgpu_overdue(struct ivgpu_space *space)
{
	u64 oldest;
	u32 budget;

	lockdep_assert_held(&space->fence_lock);
	if (!space->active || space->error || space->fault_pending ||
	    space->submitted == space->completed)
		return false;
	oldest = space->base + space->completed + 1;
	budget = space->budget[oldest % CROSSBAR_GPU_DEPTH];
	return time_after(jiffies, space->progress + msecs_to_jiffies(budget));
}

/* Return: why the engine needs a reset, or NULL. */
static const char *ivgpu_complaint(struct ivgpu_device *device, bool *any)
{
	u64 heartbeat = READ_ONCE(device->control->heartbeat);
	const char *complaint = NULL;
	unsigned long flags;
	unsigned int i;

	*any = false;
	spin_lock_irqsave(&device->space_lock, flags);
	for (i = 0; i < CROSSBAR_GPU_ADDRESS_SPACES; i++) {
		struct ivgpu_space *space = device->spaces[i];

		if (!space)
			continue;
		*any = true;
		spin_lock(&space->fence_lock);
		if (ivgpu_overdue(space))
			complaint = "a command makes no progress";
		spin_unlock(&space->fence_lock);
	}
	spin_unlock_irqrestore(&device->space_lock, flags);

	if (heartbeat != device->heartbeat) {
		device->heartbeat = heartbeat;
		WRITE_ONCE(device->beat, jiffies);
	} else if (time_after(jiffies, READ_ONCE(device->beat) + ivgpu_timeout())) {
		complaint = "its heart stands still";
	}
	return complaint;
}

/**
 * ivgpu_watchdog() - look after the engine while there are address spaces
 * @work: watchdog of a device
 *
 * It makes up for lost doorbells and interrupts, and has an engine reset that
 * stalls. A command that waits for the answer to a fault is not late: we are.
 */
void ivgpu_watchdog(struct work_struct *work)
{
	struct ivgpu_device *device =
		container_of(to_delayed_work(work), struct ivgpu_device,
			     watchdog);
	struct crossbar_gpu_control *control = device->control;
	const char *complaint;
	bool any;

	if (READ_ONCE(device->dead) || READ_ONCE(device->gone))
		return;
	if (pci_channel_offline(device->pdev)) {
		ivgpu_die(device);
		return;
	}
	if (!READ_ONCE(device->resetting)) {
		ivgpu_fence_scan(device);
		ivgpu_fault_drain(device);
		if (READ_ONCE(control->command_tail.value) !=
		    READ_ONCE(device->command_head))
			ivgpu_bell(device, CROSSBAR_GPU_BELL_COMMAND);
		complaint = ivgpu_complaint(device, &any);
		if (complaint) {
			dev_warn_ratelimited(&device->pdev->dev,
					     "engine needs a reset: %s\n",
					     complaint);
			ivgpu_reset_request(device);
		}
		if (!any)
			return;
	}
	queue_delayed_work(system_dfl_wq, &device->watchdog,
			   clamp(ivgpu_timeout() / 10, 1UL,
				 msecs_to_jiffies(100)));
}

/**
 * ivgpu_watch() - start the watchdog
 * @device: the device, its driver bound, with an address space
 */
void ivgpu_watch(struct ivgpu_device *device)
{
	/* Nobody looked while there was no address space. */
	if (!delayed_work_pending(&device->watchdog))
		WRITE_ONCE(device->beat, jiffies);
	queue_delayed_work(system_dfl_wq, &device->watchdog, 1);
}
