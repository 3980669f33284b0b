// SPDX-License-Identifier: GPL-2.0-only
/*
 * Peer GPU on an ivshmem device.
 *
 * BAR 2 of the device is video memory. Its first page, the control page, says what
 * is where; crossbar_gpu.h describes it. A part of video memory is published for
 * peer-to-peer DMA; the P2PDMA core owns it from then on. If the host runs an
 * engine, the rest holds its rings, page tables and what programs allocate.
 *
 * Rings and heap are mapped by memremap() as write-back memory, not by ioremap():
 * behind this BAR is RAM that the host's CPUs share with the guest's, without side
 * effects and coherent, and page table entries are changed by atomic operations on
 * both sides, which need it to be memory. Where firmware has told the CPU that BARs
 * are uncached, the kernel falls back to that, which is slower and as correct. A
 * doorbell is a register, so stores before it are visible when it rings.
 */
#include <linux/device.h>
#include <linux/dma-mapping.h>
#include <linux/genalloc.h>
#include <linux/interrupt.h>
#include <linux/io.h>
#include <linux/module.h>
#include <linux/pci.h>
#include <linux/pci-p2pdma.h>
#include <linux/sizes.h>

#include "ivgpu.h"
#define CREATE_TRACE_POINTS
#include "ivgpu_trace.h"

static unsigned int timeout_ms = 10000;
module_param(timeout_ms, uint, 0644);
MODULE_PARM_DESC(timeout_ms, "Time after which an engine that makes no progress is reset, at least 100 (default 10000)");

/**
 * ivgpu_timeout() - how long to wait for an engine that makes no progress
 *
 * Return: jiffies.
 */
unsigned long ivgpu_timeout(void)
{
	return msecs_to_jiffies(clamp(READ_ONCE(timeout_ms), 100U, 3600000U));
}

static const char * const ivgpu_paths[] = {
	[IVGPU_PATH_AUTO] = "auto",
	[IVGPU_PATH_DIRECT] = "direct",
	[IVGPU_PATH_FALLBACK] = "fallback",
};

static u32 ivgpu_path;

static int ivgpu_path_set(const char *value, const struct kernel_param *param)
{
	int path = sysfs_match_string(ivgpu_paths, value);

	if (path < 0)
		return path;
	if (path == IVGPU_PATH_DIRECT && !IS_ENABLED(CONFIG_DEVICE_MAP))
		return -EOPNOTSUPP;
	WRITE_ONCE(ivgpu_path, path);
	return 0;
}

static int ivgpu_path_get(char *buffer, const struct kernel_param *param)
{
	return sysfs_emit(buffer, "%s\n", ivgpu_paths[ivgpu_default_path()]);
}

static const struct kernel_param_ops ivgpu_path_ops = {
	.set = ivgpu_path_set,
	.get = ivgpu_path_get,
};
module_param_cb(path, &ivgpu_path_ops, NULL, 0644);
MODULE_PARM_DESC(path, "How new address spaces get at pages of files: auto (default), direct or fallback");

/**
 * ivgpu_default_path() - how a new address space gets at pages of files
 *
 * Return: enum ivgpu_path.
 */
u32 ivgpu_default_path(void)
{
	return READ_ONCE(ivgpu_path);
}

static irqreturn_t ivgpu_fence_irq(int irq, void *data)
{
	struct ivgpu_device *device = data;

	atomic64_inc(&device->interrupts);
	ivgpu_fence_scan(device);
	return IRQ_HANDLED;
}

static irqreturn_t ivgpu_fault_irq(int irq, void *data)
{
	struct ivgpu_device *device = data;

	atomic64_inc(&device->interrupts);
	ivgpu_fault_drain(device);
	return IRQ_HANDLED;
}

static irqreturn_t ivgpu_control_irq(int irq, void *data)
{
	struct ivgpu_device *device = data;

	atomic64_inc(&device->interrupts);
	wake_up_all(&device->control_wait);
	return IRQ_HANDLED;
}

static const irq_handler_t ivgpu_irqs[CROSSBAR_GPU_VECTORS] = {
	[CROSSBAR_GPU_IRQ_FENCE] = ivgpu_fence_irq,
	[CROSSBAR_GPU_IRQ_FAULT] = ivgpu_fault_irq,
	[CROSSBAR_GPU_IRQ_CONTROL] = ivgpu_control_irq,
};

static void ivgpu_free_irqs(struct ivgpu_device *device, unsigned int count)
{
	while (count--)
		pci_free_irq(device->pdev, count, device);
	pci_free_irq_vectors(device->pdev);
}

static int ivgpu_request_irqs(struct ivgpu_device *device)
{
	struct pci_dev *pdev = device->pdev;
	unsigned int i;
	int ret;

	ret = pci_alloc_irq_vectors(pdev, CROSSBAR_GPU_VECTORS,
				    CROSSBAR_GPU_VECTORS, PCI_IRQ_MSIX);
	if (ret < 0)
		return dev_err_probe(&pdev->dev, ret,
				     "device has no %u MSI-X vectors\n",
				     CROSSBAR_GPU_VECTORS);
	for (i = 0; i < CROSSBAR_GPU_VECTORS; i++) {
		ret = pci_request_irq(pdev, i, ivgpu_irqs[i], NULL, device,
				      "ivgpu%u:%u",
				      MINOR(device->chardev.devt), i);
		if (ret) {
			ivgpu_free_irqs(device, i);
			return ret;
		}
	}
	return 0;
}

/* Maps registers, rings and heap; the control page has been checked. */
static int ivgpu_map(struct ivgpu_device *device)
{
	const struct crossbar_gpu_control *layout = &device->layout;
	struct pci_dev *pdev = device->pdev;

	device->regs = pcim_iomap(pdev, CROSSBAR_GPU_REGISTER_BAR, 0);
	if (!device->regs)
		return -ENOMEM;
	device->vram_phys = pci_resource_start(pdev, CROSSBAR_GPU_MEMORY_BAR);
	device->vram = memremap(device->vram_phys,
				layout->heap_offset + layout->heap_size,
				MEMREMAP_WB);
	if (!device->vram)
		return -ENOMEM;
	device->control = device->vram;
	device->control_ring = device->vram + layout->control_ring;
	device->fault_ring = device->vram + layout->fault_ring;
	device->command_ring = device->vram + layout->command_ring;
	device->results = device->vram + layout->results;
	device->fences = device->vram + layout->fences;

	/* Whoever had the device before has left the rings somewhere. */
	device->control_head = READ_ONCE(device->control->control_head.value);
	device->command_head = READ_ONCE(device->control->command_head.value);
	device->fault_tail = READ_ONCE(device->control->fault_tail.value);
	device->reset_request = READ_ONCE(device->control->reset_request);
	return 0;
}

static int ivgpu_init_heap(struct ivgpu_device *device)
{
	device->heap = gen_pool_create(CROSSBAR_GPU_PAGE_SHIFT, NUMA_NO_NODE);
	if (!device->heap)
		return -ENOMEM;
	return gen_pool_add(device->heap, device->layout.heap_offset,
			    device->layout.heap_size, NUMA_NO_NODE);
}

static int ivgpu_init_queues(struct ivgpu_device *device)
{
	device->fault_wq = alloc_workqueue("ivgpu-fault", WQ_UNBOUND,
					   CROSSBAR_GPU_ADDRESS_SPACES);
	if (!device->fault_wq)
		return -ENOMEM;
	/* Reclaim may wait for an acknowledgment, and so for a reset. */
	device->reset_wq = alloc_ordered_workqueue("ivgpu-reset",
						   WQ_MEM_RECLAIM);
	if (!device->reset_wq) {
		destroy_workqueue(device->fault_wq);
		return -ENOMEM;
	}
	return 0;
}

static void ivgpu_init_locks(struct ivgpu_device *device)
{
	mutex_init(&device->heap_lock);
	init_rwsem(&device->gone_lock);
	spin_lock_init(&device->ring_lock);
	spin_lock_init(&device->space_lock);
	init_waitqueue_head(&device->control_wait);
	mutex_init(&device->files_lock);
	INIT_LIST_HEAD(&device->files);
	INIT_WORK(&device->reset_work, ivgpu_reset_work);
	INIT_DELAYED_WORK(&device->watchdog, ivgpu_watchdog);
}

/* Takes the engine into use and makes the device's file. */
static int ivgpu_start(struct pci_dev *pdev,
		       const struct crossbar_gpu_control *control)
{
	struct ivgpu_device *device;
	int ret;

	ret = dma_set_mask_and_coherent(&pdev->dev, DMA_BIT_MASK(64));
	if (ret)
		return ret;
	device = ivgpu_chardev_alloc();
	if (IS_ERR(device))
		return PTR_ERR(device);
	device->pdev = pdev;
	device->rid = pci_dev_id(pdev);
	device->layout = *control;
	ivgpu_init_locks(device);

	ret = ivgpu_init_heap(device);
	if (ret)
		goto err_put;
	ret = ivgpu_map(device);
	if (ret)
		goto err_put;
	ret = ivgpu_init_queues(device);
	if (ret)
		goto err_unmap;
	if (!ivgpu_reset_engine(device)) {
		ret = dev_err_probe(&pdev->dev, -EIO,
				    "engine does not answer a reset\n");
		goto err_queues;
	}
	ret = ivgpu_request_irqs(device);
	if (ret)
		goto err_queues;
	pci_set_drvdata(pdev, device);
	ret = ivgpu_chardev_add(device, &pdev->dev);
	if (ret)
		goto err_irqs;
	return 0;

err_irqs:
	pci_set_drvdata(pdev, NULL);
	ivgpu_free_irqs(device, CROSSBAR_GPU_VECTORS);
err_queues:
	destroy_workqueue(device->reset_wq);
	destroy_workqueue(device->fault_wq);
err_unmap:
	memunmap(device->vram);
err_put:
	put_device(&device->chardev);
	return ret;
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

	if (control.features & CROSSBAR_GPU_FEATURE_ENGINE) {
		ret = ivgpu_start(pdev, &control);
		if (ret)
			return ret;
	}

	dev_info(&pdev->dev, "%llu MiB of video memory open to peers\n",
		 control.aperture_size / SZ_1M);
	return 0;
}

/*
 * Files may stay open, with mappings. What they have of the hardware is taken from
 * them; the rest goes with the last of them.
 */
static void ivgpu_remove(struct pci_dev *pdev)
{
	struct ivgpu_device *device = pci_get_drvdata(pdev);
	struct ivgpu_space *space;

	if (!device)
		return;
	cdev_device_del(&device->cdev, &device->chardev);

	down_write(&device->gone_lock);
	WRITE_ONCE(device->gone, true);
	up_write(&device->gone_lock);

	mutex_lock(&device->files_lock);
	list_for_each_entry(space, &device->files, node) {
		mutex_lock(&space->lock);
		ivgpu_space_unbind(space);
		mutex_unlock(&space->lock);
		unmap_mapping_range(space->mapping, 0, 0, 1);
		wake_up_all(&space->wait);
	}
	mutex_unlock(&device->files_lock);

	ivgpu_free_irqs(device, CROSSBAR_GPU_VECTORS);
	cancel_delayed_work_sync(&device->watchdog);
	destroy_workqueue(device->fault_wq);
	destroy_workqueue(device->reset_wq);
#ifdef CONFIG_DEVICE_MAP
	/* No fault that was being served maps anything any more. */
	device_map_release_importer(&pdev->dev);
#endif
	memunmap(device->vram);
	pci_set_drvdata(pdev, NULL);
	put_device(&device->chardev);
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
	.remove = ivgpu_remove,
};

static int __init ivgpu_init(void)
{
	int ret;

	ret = ivgpu_chardev_init();
	if (ret)
		return ret;
	ret = pci_register_driver(&ivgpu_driver);
	if (ret)
		ivgpu_chardev_exit();
	return ret;
}
module_init(ivgpu_init);

static void __exit ivgpu_exit(void)
{
	pci_unregister_driver(&ivgpu_driver);
	ivgpu_chardev_exit();
}
module_exit(ivgpu_exit);

MODULE_DESCRIPTION("Peer GPU on an ivshmem device");
MODULE_LICENSE("GPL");
