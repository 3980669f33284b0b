/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Tracepoints of the peer GPU. The host's DMA sanitizer reads their text, so
 * TP_printk is an interface: change it together with its parser. Each begins with
 * the device's requester ID: bus, device and function.
 */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM ivgpu

#if !defined(_IVGPU_TRACE_H) || defined(TRACE_HEADER_MULTI_READ)
#define _IVGPU_TRACE_H

#include <linux/tracepoint.h>

#include "ivgpu.h"

TRACE_EVENT(ivgpu_bind,
	TP_PROTO(const struct ivgpu_space *space),
	TP_ARGS(space),
	TP_STRUCT__entry(
		__field(u64, root)
		__field(u32, as)
		__field(pid_t, pid)
		__field(u16, rid)
	),
	TP_fast_assign(
		__entry->root = space->root->offset;
		__entry->as = space->id;
		__entry->pid = space->pid;
		__entry->rid = space->device->rid;
	),
	TP_printk("rid=%04x as=%u pid=%d root=0x%llx",
		  __entry->rid, __entry->as, __entry->pid, __entry->root)
);

/* @ret is 0 if the engine has acknowledged the request, with index @control. */
TRACE_EVENT(ivgpu_unbind,
	TP_PROTO(const struct ivgpu_space *space, int ret, u32 control),
	TP_ARGS(space, ret, control),
	TP_STRUCT__entry(
		__field(u32, as)
		__field(int, ret)
		__field(u32, control)
		__field(u16, rid)
	),
	TP_fast_assign(
		__entry->as = space->id;
		__entry->ret = ret;
		__entry->control = control;
		__entry->rid = space->device->rid;
	),
	TP_printk("rid=%04x as=%u error=%d control=%u",
		  __entry->rid, __entry->as, __entry->ret, __entry->control)
);

TRACE_EVENT(ivgpu_map,
	TP_PROTO(const struct ivgpu_space *space, u64 va, u32 pages, u64 frame,
		 int source, bool writable),
	TP_ARGS(space, va, pages, frame, source, writable),
	TP_STRUCT__entry(
		__field(u64, va)
		__field(u64, frame)
		__field(u64, generation)
		__field(u32, as)
		__field(u32, pages)
		__field(int, source)
		__field(bool, writable)
		__field(u16, rid)
	),
	TP_fast_assign(
		__entry->va = va;
		__entry->frame = frame;
		__entry->generation = space->generation;
		__entry->as = space->id;
		__entry->pages = pages;
		__entry->source = source;
		__entry->writable = writable;
		__entry->rid = space->device->rid;
	),
	TP_printk("rid=%04x as=%u va=0x%llx pages=%u frame=0x%llx generation=%llu source=%s writable=%d",
		  __entry->rid, __entry->as, __entry->va, __entry->pages,
		  __entry->frame, __entry->generation,
		  __print_symbolic(__entry->source,
				   { IVGPU_FALLBACK, "fallback" },
				   { IVGPU_DIRECT, "direct" },
				   { IVGPU_VIDEO, "video" }),
		  __entry->writable)
);

/*
 * Pages are about to be given back. The engine's end of the control ring at that
 * time is what it has acknowledged, in its own words.
 */
TRACE_EVENT(ivgpu_unmap,
	TP_PROTO(const struct ivgpu_space *space, u64 va, u32 pages),
	TP_ARGS(space, va, pages),
	TP_STRUCT__entry(
		__field(u64, va)
		__field(u32, as)
		__field(u32, pages)
		__field(u32, tail)
		__field(u16, rid)
	),
	TP_fast_assign(
		__entry->va = va;
		__entry->as = space->id;
		__entry->pages = pages;
		__entry->tail =
			ivgpu_load(&space->device->control->control_tail.value);
		__entry->rid = space->device->rid;
	),
	TP_printk("rid=%04x as=%u va=0x%llx pages=%u tail=%u",
		  __entry->rid, __entry->as, __entry->va, __entry->pages,
		  __entry->tail)
);

TRACE_EVENT(ivgpu_invalidate,
	TP_PROTO(const struct ivgpu_device *device,
		 const struct crossbar_gpu_request *request, u32 control),
	TP_ARGS(device, request, control),
	TP_STRUCT__entry(
		__field(u64, va)
		__field(u64, length)
		__field(u64, generation)
		__field(u32, as)
		__field(u32, control)
		__field(u16, rid)
	),
	TP_fast_assign(
		__entry->va = request->address;
		__entry->length = request->length;
		__entry->generation = request->generation;
		__entry->as = request->address_space;
		__entry->control = control;
		__entry->rid = device->rid;
	),
	TP_printk("rid=%04x as=%u va=0x%llx length=0x%llx generation=%llu control=%u",
		  __entry->rid, __entry->as, __entry->va, __entry->length,
		  __entry->generation, __entry->control)
);

TRACE_EVENT(ivgpu_fault,
	TP_PROTO(const struct ivgpu_space *space,
		 const struct crossbar_gpu_fault *fault, int error, u32 pages),
	TP_ARGS(space, fault, error, pages),
	TP_STRUCT__entry(
		__field(u64, sequence)
		__field(u64, va)
		__field(u64, length)
		__field(u64, fence)
		__field(u32, as)
		__field(u32, access)
		__field(u32, reason)
		__field(u32, pages)
		__field(int, error)
		__field(u16, rid)
	),
	TP_fast_assign(
		__entry->sequence = fault->sequence;
		__entry->va = fault->address;
		__entry->length = fault->length;
		__entry->fence = fault->fence;
		__entry->as = space->id;
		__entry->access = fault->access;
		__entry->reason = fault->reason;
		__entry->pages = pages;
		__entry->error = error;
		__entry->rid = space->device->rid;
	),
	TP_printk("rid=%04x as=%u sequence=%llu va=0x%llx length=0x%llx access=%u reason=%u fence=%llu error=%d pages=%u",
		  __entry->rid, __entry->as, __entry->sequence, __entry->va,
		  __entry->length, __entry->access, __entry->reason,
		  __entry->fence, __entry->error, __entry->pages)
);

TRACE_EVENT(ivgpu_submit,
	TP_PROTO(const struct ivgpu_space *space, u64 fence, u32 opcode),
	TP_ARGS(space, fence, opcode),
	TP_STRUCT__entry(
		__field(u64, fence)
		__field(u32, as)
		__field(u32, opcode)
		__field(u16, rid)
	),
	TP_fast_assign(
		__entry->fence = fence;
		__entry->as = space->id;
		__entry->opcode = opcode;
		__entry->rid = space->device->rid;
	),
	TP_printk("rid=%04x as=%u fence=%llu opcode=%u",
		  __entry->rid, __entry->as, __entry->fence, __entry->opcode)
);

TRACE_EVENT(ivgpu_complete,
	TP_PROTO(const struct ivgpu_space *space, u64 fence, u32 status),
	TP_ARGS(space, fence, status),
	TP_STRUCT__entry(
		__field(u64, fence)
		__field(u32, as)
		__field(u32, status)
		__field(u16, rid)
	),
	TP_fast_assign(
		__entry->fence = fence;
		__entry->as = space->id;
		__entry->status = status;
		__entry->rid = space->device->rid;
	),
	TP_printk("rid=%04x as=%u fence=%llu status=%u",
		  __entry->rid, __entry->as, __entry->fence, __entry->status)
);

TRACE_EVENT(ivgpu_reset,
	TP_PROTO(const struct ivgpu_device *device, u32 count),
	TP_ARGS(device, count),
	TP_STRUCT__entry(
		__field(u32, count)
		__field(u16, rid)
	),
	TP_fast_assign(
		__entry->count = count;
		__entry->rid = device->rid;
	),
	TP_printk("rid=%04x count=%u", __entry->rid, __entry->count)
);

/* The driver gives the device up, before anybody can see that it has. */
TRACE_EVENT(ivgpu_die,
	TP_PROTO(const struct ivgpu_device *device),
	TP_ARGS(device),
	TP_STRUCT__entry(
		__field(u16, rid)
	),
	TP_fast_assign(
		__entry->rid = device->rid;
	),
	TP_printk("rid=%04x", __entry->rid)
);

#endif /* _IVGPU_TRACE_H */

#undef TRACE_INCLUDE_PATH
#define TRACE_INCLUDE_PATH .
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_FILE ivgpu_trace
#include <trace/define_trace.h>
