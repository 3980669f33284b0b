// SPDX-License-Identifier: GPL-2.0-only
/*
 * The control page of the peer GPU: nothing else is used of the device before
 * everything that it says has been checked.
 */
#include <linux/io.h>
#include <linux/mm.h>
#include <linux/pci.h>
#include <linux/sizes.h>

#include "ivgpu.h"

/* Peer memory: the P2PDMA core takes whole sub-sections of the memory map. */
static int ivgpu_check_aperture(struct pci_dev *pdev,
				const struct crossbar_gpu_control *control,
				resource_size_t size)
{
	if (control->memory_size != size ||
	    !IS_ALIGNED(control->aperture_offset, SZ_2M) ||
	    !IS_ALIGNED(control->aperture_size, SZ_2M) ||
	    !control->aperture_size ||
	    control->aperture_offset < PAGE_SIZE ||
	    control->aperture_offset > size ||
	    control->aperture_size > size - control->aperture_offset)
		return dev_err_probe(&pdev->dev, -EINVAL,
				     "aperture %#llx+%#llx is not in BAR 2 of %pa bytes\n",
				     control->aperture_offset,
				     control->aperture_size, &size);
	return 0;
}

/* Rings, results and fences are below the heap, the heap below the aperture. */
static int ivgpu_check_engine(struct pci_dev *pdev,
			      const struct crossbar_gpu_control *control)
{
	const struct {
		u64 offset, size;
	} areas[] = {
		{ 0, sizeof(struct crossbar_gpu_control) },
		{ control->control_ring, CROSSBAR_GPU_CONTROL_ENTRIES *
		  sizeof(struct crossbar_gpu_request) },
		{ control->fault_ring, CROSSBAR_GPU_FAULT_ENTRIES *
		  sizeof(struct crossbar_gpu_fault) },
		{ control->command_ring, CROSSBAR_GPU_COMMAND_ENTRIES *
		  sizeof(struct crossbar_gpu_command) },
		{ control->results, CROSSBAR_GPU_ADDRESS_SPACES *
		  CROSSBAR_GPU_DEPTH * sizeof(struct crossbar_gpu_result) },
		{ control->fences, CROSSBAR_GPU_ADDRESS_SPACES *
		  sizeof(struct crossbar_gpu_fence) },
	};
	unsigned int i, j;

	for (i = 0; i < ARRAY_SIZE(areas); i++) {
		u64 end = areas[i].offset + areas[i].size;

		if (!IS_ALIGNED(areas[i].offset, 64) ||
		    end > CROSSBAR_GPU_CONTROL_SIZE)
			return dev_err_probe(&pdev->dev, -EINVAL,
					     "area %u at %#llx is not in the control area\n",
					     i, areas[i].offset);
		for (j = 0; j < i; j++)
			if (areas[j].offset < end && areas[i].offset <
			    areas[j].offset + areas[j].size)
				return dev_err_probe(&pdev->dev, -EINVAL,
						     "areas %u and %u overlap\n",
						     j, i);
	}
	if (!IS_ALIGNED(control->heap_offset, CROSSBAR_GPU_PAGE_SIZE) ||
	    !IS_ALIGNED(control->heap_size, CROSSBAR_GPU_PAGE_SIZE) ||
	    !control->heap_size ||
	    control->heap_offset < CROSSBAR_GPU_CONTROL_SIZE ||
	    control->heap_offset > control->aperture_offset ||
	    control->heap_size > control->aperture_offset - control->heap_offset)
		return dev_err_probe(&pdev->dev, -EINVAL,
				     "heap %#llx+%#llx is not below the aperture\n",
				     control->heap_offset, control->heap_size);
	return 0;
}

/**
 * ivgpu_check_control() - read the control page and refuse what can't be right
 * @pdev: the device
 * @control: filled with a copy of the control page
 *
 * The page is shared with the host, so it is copied once and only the copy is
 * looked at.
 *
 * Return: 0, -EPROTO for a device that is no peer GPU or speaks another ABI
 * version, -EINVAL for offsets that can't be, -ENOMEM.
 */
int ivgpu_check_control(struct pci_dev *pdev,
			struct crossbar_gpu_control *control)
{
	resource_size_t size = pci_resource_len(pdev, CROSSBAR_GPU_MEMORY_BAR);
	void __iomem *page;
	int ret;

	if (size < CROSSBAR_GPU_MEMORY_MIN)
		return dev_err_probe(&pdev->dev, -EINVAL,
				     "video memory of %pa bytes is below %u\n",
				     &size, CROSSBAR_GPU_MEMORY_MIN);

	page = pci_iomap_range(pdev, CROSSBAR_GPU_MEMORY_BAR, 0, PAGE_SIZE);
	if (!page)
		return -ENOMEM;
	memcpy_fromio(control, page, sizeof(*control));
	pci_iounmap(pdev, page);

	if (control->magic != CROSSBAR_GPU_MAGIC)
		return dev_err_probe(&pdev->dev, -EPROTO,
				     "no peer GPU: magic %#llx, not %#llx\n",
				     control->magic, CROSSBAR_GPU_MAGIC);
	if (control->abi_version != CROSSBAR_GPU_ABI_VERSION)
		return dev_err_probe(&pdev->dev, -EPROTO,
				     "device has ABI version %u, driver has %u\n",
				     control->abi_version,
				     CROSSBAR_GPU_ABI_VERSION);
	ret = ivgpu_check_aperture(pdev, control, size);
	if (!ret && (control->features & CROSSBAR_GPU_FEATURE_ENGINE))
		ret = ivgpu_check_engine(pdev, control);
	return ret;
}
