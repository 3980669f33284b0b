// SPDX-License-Identifier: GPL-2.0-only
/*
 * Peer GPU on an ivshmem device: publishes video memory for peer-to-peer DMA.
 *
 * BAR 2 of the device is video memory. Its first page, the control page, is
 * written by the host before the guest starts and never changes while a driver
 * is bound; crossbar_gpu.h says what is in it. Nothing here needs a lock: the
 * device is only touched in probe, and the P2PDMA core owns the memory after it.
 */
#include <linux/device.h>
#include <linux/io.h>
#include <linux/module.h>
#include <linux/pci.h>
#include <linux/pci-p2pdma.h>
#include <linux/sizes.h>

#include "crossbar_gpu.h"

/**
 * ivgpu_check_control() - read the control page and refuse what can't be right
 * @pdev: the device
 * @control: filled with a copy of the control page
 *
 * The page is shared with the host, so it is copied once and only the copy is
 * looked at.
 *
 * Return: 0, -EPROTO for a device that is no peer GPU or speaks another ABI
 * version, -EINVAL for an aperture outside of BAR 2, -ENOMEM.
 */
static int ivgpu_check_control(struct pci_dev *pdev,
			       struct crossbar_gpu_control *control)
{
	resource_size_t size = pci_resource_len(pdev, CROSSBAR_GPU_MEMORY_BAR);
	void __iomem *page;

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

static int ivgpu_probe(struct pci_dev *pdev, const struct pci_device_id *id)
{
	struct crossbar_gpu_control control;
	int ret;

	ret = pcim_enable_device(pdev);
	if (ret)
		return ret;

	ret = ivgpu_check_control(pdev, &control);
	if (ret)
		return ret;

	pci_set_master(pdev);

	ret = pci_p2pdma_add_resource(pdev, CROSSBAR_GPU_MEMORY_BAR,
				      control.aperture_size,
				      control.aperture_offset);
	if (ret)
		return dev_err_probe(&pdev->dev, ret,
				     "cannot add video memory as peer memory\n");
	pci_p2pmem_publish(pdev, true);

	dev_info(&pdev->dev, "%llu MiB of video memory open to peers\n",
		 control.aperture_size / SZ_1M);
	return 0;
}

static const struct pci_device_id ivgpu_ids[] = {
	{ PCI_DEVICE(CROSSBAR_GPU_PCI_VENDOR, CROSSBAR_GPU_PCI_DEVICE) },
	{ }
};
MODULE_DEVICE_TABLE(pci, ivgpu_ids);

static struct pci_driver ivgpu_driver = {
	.name = "ivgpu",
	.id_table = ivgpu_ids,
	.probe = ivgpu_probe,
};
module_pci_driver(ivgpu_driver);

MODULE_DESCRIPTION("Peer GPU on an ivshmem device");
MODULE_LICENSE("GPL");
