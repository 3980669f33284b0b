// SPDX-License-Identifier: GPL-2.0-only
/*
 * /dev/ivgpuN: what programs can ask of the peer GPU. crossbar_gpu.h describes it.
 */
#include <linux/fs.h>
#include <linux/genalloc.h>
#include <linux/idr.h>
#include <linux/module.h>
#include <linux/poll.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "ivgpu.h"

#define IVGPU_MINORS	32

static dev_t ivgpu_devt;
static DEFINE_IDA(ivgpu_minors);

static int ivgpu_open(struct inode *inode, struct file *file)
{
	struct ivgpu_device *device =
		container_of(inode->i_cdev, struct ivgpu_device, cdev);
	struct ivgpu_space *space = ivgpu_space_create(device, file);

	if (IS_ERR(space))
		return PTR_ERR(space);
	file->private_data = space;
	return nonseekable_open(inode, file);
}

static int ivgpu_release(struct inode *inode, struct file *file)
{
	ivgpu_space_destroy(file->private_data);
	return 0;
}

/* Return: 0 if the caller may use the address space, and it can be used. */
static int ivgpu_check(struct ivgpu_space *space)
{
	if (READ_ONCE(space->device->gone))
		return -ENODEV;
	if (current->mm != space->mm)
		return READ_ONCE(space->mm_dead) ? -EOWNERDEAD : -EPERM;
	if (READ_ONCE(space->device->dead))
		return -EIO;
	return 0;
}

static long ivgpu_ioctl_info(struct ivgpu_space *space, void __user *argument)
{
	struct ivgpu_device *device = space->device;
	struct ivgpu_info info = {
		.abi_version = device->layout.abi_version,
		.address_space = space->id,
		.memory_size = device->layout.memory_size,
		.heap_size = device->layout.heap_size,
		.heap_free = gen_pool_avail(device->heap),
	};

	return copy_to_user(argument, &info, sizeof(info)) ? -EFAULT : 0;
}

/* An address space or a fence in a command is the driver's business. */
static int ivgpu_check_commands(const struct crossbar_gpu_command *commands,
				u32 count)
{
	u32 i;

	for (i = 0; i < count; i++)
		if (commands[i].opcode > CROSSBAR_GPU_DELAY ||
		    commands[i].reserved)
			return -EINVAL;
	return 0;
}

static long ivgpu_ioctl_submit(struct ivgpu_space *space, struct file *file,
			       void __user *argument)
{
	struct crossbar_gpu_command *commands;
	struct ivgpu_submit submit;
	long ret;

	if (copy_from_user(&submit, argument, sizeof(submit)))
		return -EFAULT;
	if (submit.reserved || !submit.count ||
	    submit.count > CROSSBAR_GPU_DEPTH)
		return -EINVAL;
	commands = vmemdup_array_user(u64_to_user_ptr(submit.commands),
				      submit.count, sizeof(*commands));
	if (IS_ERR(commands))
		return PTR_ERR(commands);

	ret = ivgpu_check_commands(commands, submit.count);
	if (!ret)
		ret = ivgpu_submit(space, commands, submit.count,
				   file->f_flags & O_NONBLOCK, &submit.fence);
	kvfree(commands);
	if (ret)
		return ret;
	return copy_to_user(argument, &submit, sizeof(submit)) ? -EFAULT : 0;
}

static long ivgpu_ioctl_wait(struct ivgpu_space *space, void __user *argument)
{
	struct ivgpu_wait wait;
	long ret;

	if (copy_from_user(&wait, argument, sizeof(wait)))
		return -EFAULT;
	ret = ivgpu_wait(space, &wait);
	/* A call that is restarted waits for what is left. */
	if ((!ret || ret == -ERESTARTSYS) &&
	    copy_to_user(argument, &wait, sizeof(wait)))
		return -EFAULT;
	return ret;
}

static long ivgpu_ioctl_alloc(struct ivgpu_space *space, void __user *argument)
{
	struct ivgpu_alloc alloc;
	long ret;

	if (copy_from_user(&alloc, argument, sizeof(alloc)))
		return -EFAULT;
	ret = ivgpu_buffer_create(space, &alloc);
	if (ret)
		return ret;
	if (copy_to_user(argument, &alloc, sizeof(alloc))) {
		ivgpu_buffer_destroy(space, alloc.offset);
		return -EFAULT;
	}
	return 0;
}

static long ivgpu_ioctl_free(struct ivgpu_space *space, void __user *argument)
{
	struct ivgpu_alloc alloc;

	if (copy_from_user(&alloc, argument, sizeof(alloc)))
		return -EFAULT;
	return ivgpu_buffer_destroy(space, alloc.offset);
}

static long ivgpu_ioctl_stats(struct ivgpu_space *space, void __user *argument)
{
	struct ivgpu_device *device = space->device;
	struct ivgpu_stats stats;

	spin_lock_irq(&space->fence_lock);
	ivgpu_fence_update(space);
	stats = space->stats;
	spin_unlock_irq(&space->fence_lock);
	stats.interrupts = atomic64_read(&device->interrupts);
	stats.doorbells = atomic64_read(&device->doorbells);
	stats.resets = atomic64_read(&device->resets);
	return copy_to_user(argument, &stats, sizeof(stats)) ? -EFAULT : 0;
}

static long ivgpu_ioctl_path(struct ivgpu_space *space, void __user *argument)
{
	struct ivgpu_path_request request;

	if (copy_from_user(&request, argument, sizeof(request)))
		return -EFAULT;
	if (request.path > IVGPU_PATH_FALLBACK || request.reserved)
		return -EINVAL;
	/* Never a silent fallback. */
	if (request.path == IVGPU_PATH_DIRECT &&
	    !IS_ENABLED(CONFIG_DEVICE_MAP))
		return -EOPNOTSUPP;
	WRITE_ONCE(space->path, request.path);
	return 0;
}

static long ivgpu_ioctl_unmap(struct ivgpu_space *space, void __user *argument)
{
	struct ivgpu_range range;

	if (copy_from_user(&range, argument, sizeof(range)))
		return -EFAULT;
	if (!range.length || offset_in_page(range.address) ||
	    offset_in_page(range.length) ||
	    range.length > space->mm->task_size ||
	    range.address > space->mm->task_size - range.length)
		return -EINVAL;
	return ivgpu_fault_undo(space, range.address,
				range.address + range.length);
}

/* Returns when the reset is over. */
static long ivgpu_ioctl_reset(struct ivgpu_space *space)
{
	struct ivgpu_device *device = space->device;
	long ret = -ENODEV;

	down_read(&device->gone_lock);
	if (!device->gone) {
		ivgpu_reset_request(device);
		flush_work(&device->reset_work);
		ret = READ_ONCE(device->dead) ? -EIO : 0;
	}
	up_read(&device->gone_lock);
	return ret;
}

static long ivgpu_ioctl(struct file *file, unsigned int command,
			unsigned long value)
{
	struct ivgpu_space *space = file->private_data;
	void __user *argument = (void __user *)value;
	int ret;

	ret = ivgpu_check(space);
	if (ret)
		return ret;

	switch (command) {
	case IVGPU_INFO:
		return ivgpu_ioctl_info(space, argument);
	case IVGPU_SUBMIT:
		return ivgpu_ioctl_submit(space, file, argument);
	case IVGPU_WAIT:
		return ivgpu_ioctl_wait(space, argument);
	case IVGPU_ALLOC:
		return ivgpu_ioctl_alloc(space, argument);
	case IVGPU_FREE:
		return ivgpu_ioctl_free(space, argument);
	case IVGPU_STATS:
		return ivgpu_ioctl_stats(space, argument);
	case IVGPU_RESET:
		return ivgpu_ioctl_reset(space);
	case IVGPU_SET_PATH:
		return ivgpu_ioctl_path(space, argument);
	case IVGPU_UNMAP:
		return ivgpu_ioctl_unmap(space, argument);
	default:
		return -ENOTTY;
	}
}

static __poll_t ivgpu_poll(struct file *file, poll_table *table)
{
	struct ivgpu_space *space = file->private_data;
	__poll_t mask = 0;

	poll_wait(file, &space->wait, table);
	if (ivgpu_check(space))
		return EPOLLERR | EPOLLHUP;
	if (ivgpu_fence_idle(space))
		mask |= EPOLLIN | EPOLLRDNORM;
	if (READ_ONCE(space->error))
		mask |= EPOLLERR;
	return mask;
}

static const struct file_operations ivgpu_fops = {
	.owner = THIS_MODULE,
	.open = ivgpu_open,
	.release = ivgpu_release,
	.unlocked_ioctl = ivgpu_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
	.poll = ivgpu_poll,
	.mmap = ivgpu_mmap,
};

static const struct class ivgpu_class = {
	.name = "ivgpu",
};

static void ivgpu_chardev_release(struct device *chardev)
{
	struct ivgpu_device *device =
		container_of(chardev, struct ivgpu_device, chardev);

	ida_free(&ivgpu_minors, MINOR(chardev->devt));
	if (device->heap)
		gen_pool_destroy(device->heap);
	kfree(device);
}

/**
 * ivgpu_chardev_alloc() - allocate a device and the number of its file
 *
 * Return: the device, to be given back by put_device() on its chardev, or an
 * ERR_PTR(): -ENOMEM, -ENOSPC.
 */
struct ivgpu_device *ivgpu_chardev_alloc(void)
{
	struct ivgpu_device *device;
	int minor;

	device = kzalloc_obj(*device);
	if (!device)
		return ERR_PTR(-ENOMEM);
	minor = ida_alloc_max(&ivgpu_minors, IVGPU_MINORS - 1, GFP_KERNEL);
	if (minor < 0) {
		kfree(device);
		return ERR_PTR(minor);
	}
	device_initialize(&device->chardev);
	device->chardev.class = &ivgpu_class;
	device->chardev.devt = MKDEV(MAJOR(ivgpu_devt), minor);
	device->chardev.release = ivgpu_chardev_release;
	return device;
}

/**
 * ivgpu_chardev_add() - make /dev/ivgpuN
 * @device: the device, ready to be opened
 * @parent: its PCI device
 *
 * Return: 0 or an error; cdev_device_del() undoes it.
 */
int ivgpu_chardev_add(struct ivgpu_device *device, struct device *parent)
{
	int ret;

	device->chardev.parent = parent;
	ret = dev_set_name(&device->chardev, "ivgpu%u",
			   MINOR(device->chardev.devt));
	if (ret)
		return ret;
	cdev_init(&device->cdev, &ivgpu_fops);
	device->cdev.owner = THIS_MODULE;
	return cdev_device_add(&device->cdev, &device->chardev);
}

/**
 * ivgpu_chardev_init() - register class and numbers
 *
 * Return: 0 or an error; ivgpu_chardev_exit() undoes it.
 */
int ivgpu_chardev_init(void)
{
	int ret;

	ret = alloc_chrdev_region(&ivgpu_devt, 0, IVGPU_MINORS, "ivgpu");
	if (ret)
		return ret;
	ret = class_register(&ivgpu_class);
	if (ret)
		unregister_chrdev_region(ivgpu_devt, IVGPU_MINORS);
	return ret;
}

/**
 * ivgpu_chardev_exit() - undo ivgpu_chardev_init()
 */
void ivgpu_chardev_exit(void)
{
	class_unregister(&ivgpu_class);
	unregister_chrdev_region(ivgpu_devt, IVGPU_MINORS);
	ida_destroy(&ivgpu_minors);
}
