// SPDX-License-Identifier: GPL-2.0-only
/*
 * Video memory of the peer GPU: the heap's allocator, what programs have of it,
 * and their mappings.
 */
#include <linux/fs.h>
#include <linux/genalloc.h>
#include <linux/mm.h>
#include <linux/slab.h>

#include "ivgpu.h"

/* Pages that a fault of the CPU maps at once, as for files. */
#define IVGPU_FAULT_AROUND	16UL

/**
 * ivgpu_heap_alloc() - allocate video memory, zeroed
 * @device: the device, its driver bound
 * @size: in bytes, a multiple of the page size
 *
 * Return: offset in video memory, 0 if there is no room.
 */
u64 ivgpu_heap_alloc(struct ivgpu_device *device, u64 size)
{
	u64 offset = gen_pool_alloc(device->heap, size);

	if (offset)
		memset(device->vram + offset, 0, size);
	return offset;
}

/**
 * ivgpu_heap_free() - free video memory
 * @device: the device, which may be gone
 * @offset: from ivgpu_heap_alloc()
 * @size: as given to ivgpu_heap_alloc()
 */
void ivgpu_heap_free(struct ivgpu_device *device, u64 offset, u64 size)
{
	gen_pool_free(device->heap, offset, size);
}

static void ivgpu_buffer_put(struct ivgpu_buffer *buffer)
{
	lockdep_assert_held(&buffer->device->heap_lock);
	if (--buffer->users)
		return;
	ivgpu_heap_free(buffer->device, buffer->offset, buffer->size);
	kfree(buffer);
}

static struct ivgpu_buffer *ivgpu_buffer_find(struct ivgpu_space *space,
					      u64 offset)
{
	struct ivgpu_buffer *buffer;

	lockdep_assert_held(&space->device->heap_lock);
	list_for_each_entry(buffer, &space->buffers, node)
		if (offset >= buffer->offset &&
		    offset - buffer->offset < buffer->size)
			return buffer;
	return NULL;
}

/**
 * ivgpu_buffer_create() - IVGPU_ALLOC
 * @space: the address space
 * @alloc: size, which is rounded up, and offset, which is filled in
 *
 * Return: 0, -EINVAL, -ENOSPC, -ENOMEM, -ENODEV.
 */
int ivgpu_buffer_create(struct ivgpu_space *space, struct ivgpu_alloc *alloc)
{
	struct ivgpu_device *device = space->device;
	struct ivgpu_buffer *buffer;
	int ret = -ENODEV;

	if (!alloc->size)
		return -EINVAL;
	if (alloc->size > device->layout.heap_size)
		return -ENOSPC;
	buffer = kzalloc_obj(*buffer);
	if (!buffer)
		return -ENOMEM;
	buffer->device = device;
	buffer->size = PAGE_ALIGN(alloc->size);
	buffer->users = 1;

	down_read(&device->gone_lock);
	if (device->gone)
		goto err;
	ret = -ENOSPC;
	buffer->offset = ivgpu_heap_alloc(device, buffer->size);
	if (!buffer->offset)
		goto err;
	up_read(&device->gone_lock);

	alloc->size = buffer->size;
	alloc->offset = buffer->offset;
	mutex_lock(&device->heap_lock);
	list_add_tail(&buffer->node, &space->buffers);
	mutex_unlock(&device->heap_lock);
	return 0;

err:
	up_read(&device->gone_lock);
	kfree(buffer);
	return ret;
}

/**
 * ivgpu_buffer_destroy() - IVGPU_FREE
 * @space: the address space
 * @offset: of the allocation
 *
 * Mappings keep the memory, but no new one can be made.
 *
 * Return: 0, -ENOENT.
 */
int ivgpu_buffer_destroy(struct ivgpu_space *space, u64 offset)
{
	struct ivgpu_device *device = space->device;
	struct ivgpu_buffer *buffer;
	int ret = -ENOENT;

	mutex_lock(&device->heap_lock);
	buffer = ivgpu_buffer_find(space, offset);
	if (buffer && buffer->offset == offset) {
		list_del(&buffer->node);
		ivgpu_buffer_put(buffer);
		ret = 0;
	}
	mutex_unlock(&device->heap_lock);
	return ret;
}

/**
 * ivgpu_buffer_release() - free all allocations of an address space
 * @space: the address space, without a mapping
 */
void ivgpu_buffer_release(struct ivgpu_space *space)
{
	struct ivgpu_buffer *buffer, *next;

	mutex_lock(&space->device->heap_lock);
	list_for_each_entry_safe(buffer, next, &space->buffers, node) {
		list_del(&buffer->node);
		ivgpu_buffer_put(buffer);
	}
	mutex_unlock(&space->device->heap_lock);
}

static void ivgpu_vma_open(struct vm_area_struct *vma)
{
	struct ivgpu_buffer *buffer = vma->vm_private_data;

	mutex_lock(&buffer->device->heap_lock);
	buffer->users++;
	mutex_unlock(&buffer->device->heap_lock);
}

static void ivgpu_vma_close(struct vm_area_struct *vma)
{
	struct ivgpu_buffer *buffer = vma->vm_private_data;
	struct ivgpu_device *device = buffer->device;

	mutex_lock(&device->heap_lock);
	ivgpu_buffer_put(buffer);
	mutex_unlock(&device->heap_lock);
}

/*
 * Maps the block of pages around the address. The driver's removal takes them out
 * again, after which there is nothing but SIGBUS.
 */
static vm_fault_t ivgpu_vma_fault(struct vm_fault *vmf)
{
	struct vm_area_struct *vma = vmf->vma;
	struct ivgpu_buffer *buffer = vma->vm_private_data;
	struct ivgpu_device *device = buffer->device;
	unsigned long block = IVGPU_FAULT_AROUND * PAGE_SIZE;
	unsigned long va, end;
	vm_fault_t ret = VM_FAULT_SIGBUS;
	u64 offset;

	down_read(&device->gone_lock);
	if (device->gone)
		goto unlock;
	va = max(round_down(vmf->address, block), vma->vm_start);
	end = min(round_down(vmf->address, block) + block, vma->vm_end);
	for (; va < end; va += PAGE_SIZE) {
		vm_fault_t one;

		offset = ((u64)vma->vm_pgoff << PAGE_SHIFT) + va - vma->vm_start;
		one = vmf_insert_pfn(vma, va,
				     PHYS_PFN(device->vram_phys + offset));
		if (va == (vmf->address & PAGE_MASK))
			ret = one;
		if (one & VM_FAULT_ERROR)
			break;
	}
unlock:
	up_read(&device->gone_lock);
	return ret;
}

static const struct vm_operations_struct ivgpu_vm_ops = {
	.open = ivgpu_vma_open,
	.close = ivgpu_vma_close,
	.fault = ivgpu_vma_fault,
};

/**
 * ivgpu_mmap() - map an allocation
 * @file: an open file
 * @vma: mapping to be, its offset that of the allocation, or in the middle of it
 *
 * Return: 0, -ENODEV, -EPERM for another mm, -EINVAL for a range that is not within
 * one allocation of this file, or a private mapping.
 */
int ivgpu_mmap(struct file *file, struct vm_area_struct *vma)
{
	struct ivgpu_space *space = file->private_data;
	struct ivgpu_device *device = space->device;
	u64 offset = (u64)vma->vm_pgoff << PAGE_SHIFT;
	u64 size = vma->vm_end - vma->vm_start;
	struct ivgpu_buffer *buffer;

	if (READ_ONCE(device->gone))
		return -ENODEV;
	if (vma->vm_mm != space->mm)
		return -EPERM;
	if (!(vma->vm_flags & VM_SHARED) ||
	    vma->vm_pgoff > (device->layout.memory_size >> PAGE_SHIFT))
		return -EINVAL;

	mutex_lock(&device->heap_lock);
	buffer = ivgpu_buffer_find(space, offset);
	if (!buffer || size > buffer->size - (offset - buffer->offset)) {
		mutex_unlock(&device->heap_lock);
		return -EINVAL;
	}
	buffer->users++;
	mutex_unlock(&device->heap_lock);

	/* No struct page stands for this memory, and nobody may pin it. */
	vm_flags_set(vma, VM_IO | VM_PFNMAP | VM_DONTEXPAND | VM_DONTDUMP);
	vma->vm_private_data = buffer;
	vma->vm_ops = &ivgpu_vm_ops;
	return 0;
}

/**
 * ivgpu_vma_frame() - does a VMA show video memory of a device?
 * @device: the device
 * @vma: the VMA
 * @va: an address in it
 * @offset: if so, where in video memory the address leads
 *
 * Context: mmap_lock is held.
 * Return: whether it does.
 */
bool ivgpu_vma_frame(struct ivgpu_device *device, struct vm_area_struct *vma,
		     u64 va, u64 *offset)
{
	struct ivgpu_buffer *buffer = vma->vm_private_data;

	if (vma->vm_ops != &ivgpu_vm_ops || buffer->device != device)
		return false;
	*offset = ((u64)vma->vm_pgoff << PAGE_SHIFT) + va - vma->vm_start;
	return true;
}
