/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Blocks of NVMe namespaces in windows of the Controller Memory Buffer, for peer
 * devices.
 */
#ifndef _NVME_DEVICE_MAP_H
#define _NVME_DEVICE_MAP_H

#include <linux/blk-mq.h>

#include "nvme.h"

struct blk_device_map_ops;
struct pci_dev;

#ifdef CONFIG_DEVICE_MAP
extern const struct blk_device_map_ops nvme_device_map_ops;

void nvme_device_map_init(struct nvme_ctrl *ctrl, struct pci_dev *pdev,
			  u64 cmb_size);
void nvme_device_map_exit(struct nvme_ctrl *ctrl);
void nvme_device_map_free(struct nvme_ctrl *ctrl);
void nvme_device_map_remove_ns(struct nvme_ns *ns);
void nvme_device_map_quiesce(struct nvme_ctrl *ctrl);
void nvme_device_map_stop(struct nvme_ctrl *ctrl);
void nvme_device_map_resume(struct nvme_ctrl *ctrl);
void __nvme_device_map_snoop(struct nvme_ns *ns, struct request *req);

/* A command may be about to change blocks of which an idle window has a copy. */
static inline void nvme_device_map_snoop(struct nvme_ns *ns,
					 struct request *req)
{
	if (ns && unlikely(ns->ctrl->device_map) &&
	    req_op(req) != REQ_OP_READ)
		__nvme_device_map_snoop(ns, req);
}
#else
static inline void nvme_device_map_init(struct nvme_ctrl *ctrl,
					struct pci_dev *pdev, u64 cmb_size)
{
}

static inline void nvme_device_map_exit(struct nvme_ctrl *ctrl)
{
}

static inline void nvme_device_map_free(struct nvme_ctrl *ctrl)
{
}

static inline void nvme_device_map_remove_ns(struct nvme_ns *ns)
{
}

static inline void nvme_device_map_quiesce(struct nvme_ctrl *ctrl)
{
}

static inline void nvme_device_map_stop(struct nvme_ctrl *ctrl)
{
}

static inline void nvme_device_map_resume(struct nvme_ctrl *ctrl)
{
}

static inline void nvme_device_map_snoop(struct nvme_ns *ns,
					 struct request *req)
{
}
#endif

#endif /* _NVME_DEVICE_MAP_H */
