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
void nvme_device_map_replace_ns(struct nvme_ns *ns);
void nvme_device_map_quiesce(struct nvme_ctrl *ctrl);
void nvme_device_map_unquiesce(struct nvme_ctrl *ctrl);
void nvme_device_map_stop(struct nvme_ctrl *ctrl);
unsigned int nvme_device_map_epoch(struct nvme_ctrl *ctrl);
void nvme_device_map_resume(struct nvme_ctrl *ctrl, unsigned int epoch);
void __nvme_device_map_snoop(struct nvme_ns *ns, struct request *req);
bool __nvme_device_map_lost(struct nvme_ns *ns, struct request *req);

/* A command may be about to change blocks of which an idle window has a copy. */
static inline void nvme_device_map_snoop(struct nvme_ns *ns,
					 struct request *req)
{
	if (unlikely(nvme_req(req)->ctrl->device_map) &&
	    req_op(req) != REQ_OP_READ)
		__nvme_device_map_snoop(ns, req);
}

/* What a command is to write was in a window, and is lost. */
static inline bool nvme_device_map_lost(struct nvme_ns *ns, struct request *req)
{
	return ns && unlikely(ns->ctrl->device_map) &&
	       req_op(req) == REQ_OP_WRITE && __nvme_device_map_lost(ns, req);
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

static inline void nvme_device_map_replace_ns(struct nvme_ns *ns)
{
}

static inline void nvme_device_map_quiesce(struct nvme_ctrl *ctrl)
{
}

static inline void nvme_device_map_unquiesce(struct nvme_ctrl *ctrl)
{
}

static inline void nvme_device_map_stop(struct nvme_ctrl *ctrl)
{
}

static inline unsigned int nvme_device_map_epoch(struct nvme_ctrl *ctrl)
{
	return 0;
}

static inline void nvme_device_map_resume(struct nvme_ctrl *ctrl,
					  unsigned int epoch)
{
}

static inline void nvme_device_map_snoop(struct nvme_ns *ns,
					 struct request *req)
{
}

static inline bool nvme_device_map_lost(struct nvme_ns *ns, struct request *req)
{
	return false;
}
#endif

#endif /* _NVME_DEVICE_MAP_H */
