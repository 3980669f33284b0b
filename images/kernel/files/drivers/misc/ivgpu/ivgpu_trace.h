/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Tracepoints of the peer GPU. The host's DMA sanitizer reads their text, so
 * TP_printk is an interface: change it together with its parser.
 */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM ivgpu

#if !defined(_IVGPU_TRACE_H) || defined(TRACE_HEADER_MULTI_READ)
#define _IVGPU_TRACE_H

#include <linux/tracepoint.h>

TRACE_EVENT(ivgpu_bind,
	TP_PROTO(u32 as, pid_t pid, u64 root),
	TP_ARGS(as, pid, root),
	TP_STRUCT__entry(
		__field(u32, as)
		__field(pid_t, pid)
		__field(u64, root)
	),
	TP_fast_assign(
		__entry->as = as;
		__entry->pid = pid;
		__entry->root = root;
	),
	TP_printk("as=%u pid=%d root=0x%llx",
		  __entry->as, __entry->pid, __entry->root)
);

TRACE_EVENT(ivgpu_unbind,
	TP_PROTO(u32 as),
	TP_ARGS(as),
	TP_STRUCT__entry(
		__field(u32, as)
	),
	TP_fast_assign(
		__entry->as = as;
	),
	TP_printk("as=%u", __entry->as)
);

TRACE_EVENT(ivgpu_map,
	TP_PROTO(u32 as, u64 va, u32 pages, u64 frame, u64 generation,
		 int source, bool writable),
	TP_ARGS(as, va, pages, frame, generation, source, writable),
	TP_STRUCT__entry(
		__field(u64, va)
		__field(u64, frame)
		__field(u64, generation)
		__field(u32, as)
		__field(u32, pages)
		__field(int, source)
		__field(bool, writable)
	),
	TP_fast_assign(
		__entry->va = va;
		__entry->frame = frame;
		__entry->generation = generation;
		__entry->as = as;
		__entry->pages = pages;
		__entry->source = source;
		__entry->writable = writable;
	),
	TP_printk("as=%u va=0x%llx pages=%u frame=0x%llx generation=%llu source=%s writable=%d",
		  __entry->as, __entry->va, __entry->pages, __entry->frame,
		  __entry->generation,
		  __print_symbolic(__entry->source,
				   { IVGPU_FALLBACK, "fallback" },
				   { IVGPU_DIRECT, "direct" },
				   { IVGPU_VIDEO, "video" }),
		  __entry->writable)
);

TRACE_EVENT(ivgpu_invalidate,
	TP_PROTO(u32 as, u64 va, u64 length, u64 generation, u32 control),
	TP_ARGS(as, va, length, generation, control),
	TP_STRUCT__entry(
		__field(u64, va)
		__field(u64, length)
		__field(u64, generation)
		__field(u32, as)
		__field(u32, control)
	),
	TP_fast_assign(
		__entry->va = va;
		__entry->length = length;
		__entry->generation = generation;
		__entry->as = as;
		__entry->control = control;
	),
	TP_printk("as=%u va=0x%llx length=0x%llx generation=%llu control=%u",
		  __entry->as, __entry->va, __entry->length,
		  __entry->generation, __entry->control)
);

TRACE_EVENT(ivgpu_fault,
	TP_PROTO(u32 as, const struct crossbar_gpu_fault *fault, int error,
		 u32 pages),
	TP_ARGS(as, fault, error, pages),
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
	),
	TP_fast_assign(
		__entry->sequence = fault->sequence;
		__entry->va = fault->address;
		__entry->length = fault->length;
		__entry->fence = fault->fence;
		__entry->as = as;
		__entry->access = fault->access;
		__entry->reason = fault->reason;
		__entry->pages = pages;
		__entry->error = error;
	),
	TP_printk("as=%u sequence=%llu va=0x%llx length=0x%llx access=%u reason=%u fence=%llu error=%d pages=%u",
		  __entry->as, __entry->sequence, __entry->va, __entry->length,
		  __entry->access, __entry->reason, __entry->fence,
		  __entry->error, __entry->pages)
);

TRACE_EVENT(ivgpu_submit,
	TP_PROTO(u32 as, u64 fence, u32 opcode),
	TP_ARGS(as, fence, opcode),
	TP_STRUCT__entry(
		__field(u64, fence)
		__field(u32, as)
		__field(u32, opcode)
	),
	TP_fast_assign(
		__entry->fence = fence;
		__entry->as = as;
		__entry->opcode = opcode;
	),
	TP_printk("as=%u fence=%llu opcode=%u",
		  __entry->as, __entry->fence, __entry->opcode)
);

TRACE_EVENT(ivgpu_complete,
	TP_PROTO(u32 as, u64 fence, u32 status),
	TP_ARGS(as, fence, status),
	TP_STRUCT__entry(
		__field(u64, fence)
		__field(u32, as)
		__field(u32, status)
	),
	TP_fast_assign(
		__entry->fence = fence;
		__entry->as = as;
		__entry->status = status;
	),
	TP_printk("as=%u fence=%llu status=%u",
		  __entry->as, __entry->fence, __entry->status)
);

TRACE_EVENT(ivgpu_reset,
	TP_PROTO(u32 count),
	TP_ARGS(count),
	TP_STRUCT__entry(
		__field(u32, count)
	),
	TP_fast_assign(
		__entry->count = count;
	),
	TP_printk("count=%u", __entry->count)
);

#endif /* _IVGPU_TRACE_H */

#undef TRACE_INCLUDE_PATH
#define TRACE_INCLUDE_PATH .
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_FILE ivgpu_trace
#include <trace/define_trace.h>
