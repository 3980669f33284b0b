/* SPDX-License-Identifier: GPL-2.0-only */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM device_map

#if !defined(_TRACE_DEVICE_MAP_H) || defined(TRACE_HEADER_MULTI_READ)
#define _TRACE_DEVICE_MAP_H

#include <linux/device_map.h>
#include <linux/fs.h>
#include <linux/tracepoint.h>

/* So that tools that read the binary buffers know them, too. */
TRACE_DEFINE_ENUM(DEVICE_MAP_NO_CALLBACK);
TRACE_DEFINE_ENUM(DEVICE_MAP_BAD_FLAGS);
TRACE_DEFINE_ENUM(DEVICE_MAP_BAD_VMA);
TRACE_DEFINE_ENUM(DEVICE_MAP_BAD_INODE);
TRACE_DEFINE_ENUM(DEVICE_MAP_PAGE_CACHE);
TRACE_DEFINE_ENUM(DEVICE_MAP_DIRECT_IO);
TRACE_DEFINE_ENUM(DEVICE_MAP_END_OF_FILE);
TRACE_DEFINE_ENUM(DEVICE_MAP_NO_BLOCK);
TRACE_DEFINE_ENUM(DEVICE_MAP_SHARED);
TRACE_DEFINE_ENUM(DEVICE_MAP_FROZEN);
TRACE_DEFINE_ENUM(DEVICE_MAP_SHUT_DOWN);
TRACE_DEFINE_ENUM(DEVICE_MAP_NO_DEVICE);
TRACE_DEFINE_ENUM(DEVICE_MAP_ALIGNMENT);
TRACE_DEFINE_ENUM(DEVICE_MAP_NO_ROUTE);
TRACE_DEFINE_ENUM(DEVICE_MAP_NO_SPACE);
TRACE_DEFINE_ENUM(DEVICE_MAP_NO_WRITE);
TRACE_DEFINE_ENUM(DEVICE_MAP_NO_ATOMIC);
TRACE_DEFINE_ENUM(DEVICE_MAP_GOING);
TRACE_DEFINE_ENUM(DEVICE_MAP_RACE);
TRACE_DEFINE_ENUM(DEVICE_MAP_FAILED);
TRACE_DEFINE_ENUM(DEVICE_MAP_FILL);
TRACE_DEFINE_ENUM(DEVICE_MAP_DIO);
TRACE_DEFINE_ENUM(DEVICE_MAP_EXTEND);
TRACE_DEFINE_ENUM(DEVICE_MAP_LAYOUT);
TRACE_DEFINE_ENUM(DEVICE_MAP_TRUNCATE);
TRACE_DEFINE_ENUM(DEVICE_MAP_REMAP);
TRACE_DEFINE_ENUM(DEVICE_MAP_SWAPON);
TRACE_DEFINE_ENUM(DEVICE_MAP_FREEZE);
TRACE_DEFINE_ENUM(DEVICE_MAP_DEVICE);
TRACE_DEFINE_ENUM(DEVICE_MAP_RESET);
TRACE_DEFINE_ENUM(DEVICE_MAP_ERROR);
TRACE_DEFINE_ENUM(DEVICE_MAP_UNMAP);
TRACE_DEFINE_ENUM(DEVICE_MAP_CLOSE);

#define DEVICE_MAP_REFUSALS						\
	{ DEVICE_MAP_NO_CALLBACK,	"no-callback" },		\
	{ DEVICE_MAP_BAD_FLAGS,		"bad-flags" },			\
	{ DEVICE_MAP_BAD_VMA,		"bad-vma" },			\
	{ DEVICE_MAP_BAD_INODE,		"bad-inode" },			\
	{ DEVICE_MAP_PAGE_CACHE,	"page-cache" },			\
	{ DEVICE_MAP_DIRECT_IO,		"direct-io" },			\
	{ DEVICE_MAP_END_OF_FILE,	"end-of-file" },		\
	{ DEVICE_MAP_NO_BLOCK,		"no-block" },			\
	{ DEVICE_MAP_SHARED,		"shared" },			\
	{ DEVICE_MAP_FROZEN,		"frozen" },			\
	{ DEVICE_MAP_SHUT_DOWN,		"shut-down" },			\
	{ DEVICE_MAP_NO_DEVICE,		"no-device" },			\
	{ DEVICE_MAP_ALIGNMENT,		"alignment" },			\
	{ DEVICE_MAP_NO_ROUTE,		"no-route" },			\
	{ DEVICE_MAP_NO_SPACE,		"no-space" },			\
	{ DEVICE_MAP_NO_WRITE,		"no-write" },			\
	{ DEVICE_MAP_NO_ATOMIC,		"no-atomic" },			\
	{ DEVICE_MAP_GOING,		"going" },			\
	{ DEVICE_MAP_RACE,		"race" },			\
	{ DEVICE_MAP_FAILED,		"failed" }

#define DEVICE_MAP_CAUSES						\
	{ DEVICE_MAP_FILL,		"fill" },			\
	{ DEVICE_MAP_DIO,		"direct-io" },			\
	{ DEVICE_MAP_EXTEND,		"extend" },			\
	{ DEVICE_MAP_LAYOUT,		"layout" },			\
	{ DEVICE_MAP_TRUNCATE,		"truncate" },			\
	{ DEVICE_MAP_REMAP,		"remap" },			\
	{ DEVICE_MAP_SWAPON,		"swapon" },			\
	{ DEVICE_MAP_FREEZE,		"freeze" },			\
	{ DEVICE_MAP_DEVICE,		"device" },			\
	{ DEVICE_MAP_RESET,		"reset" },			\
	{ DEVICE_MAP_ERROR,		"error" },			\
	{ DEVICE_MAP_UNMAP,		"unmap" },			\
	{ DEVICE_MAP_CLOSE,		"close" }

DECLARE_EVENT_CLASS(device_map_pages,
	TP_PROTO(struct inode *inode, pgoff_t index, unsigned long pages),
	TP_ARGS(inode, index, pages),
	TP_STRUCT__entry(
		__field(dev_t, dev)
		__field(u64, ino)
		__field(pgoff_t, index)
		__field(unsigned long, pages)
	),
	TP_fast_assign(
		__entry->dev = inode->i_sb->s_dev;
		__entry->ino = inode->i_ino;
		__entry->index = index;
		__entry->pages = pages;
	),
	TP_printk("dev=%d:%d ino=%llu index=%lu pages=%lu",
		  MAJOR(__entry->dev), MINOR(__entry->dev), __entry->ino,
		  __entry->index, __entry->pages)
);

DEFINE_EVENT(device_map_pages, device_map_unmap,
	TP_PROTO(struct inode *inode, pgoff_t index, unsigned long pages),
	TP_ARGS(inode, index, pages)
);

TRACE_EVENT(device_map_map,
	TP_PROTO(struct inode *inode, pgoff_t index, unsigned long pages,
		 unsigned int flags, dma_addr_t first),
	TP_ARGS(inode, index, pages, flags, first),
	TP_STRUCT__entry(
		__field(dev_t, dev)
		__field(u64, ino)
		__field(pgoff_t, index)
		__field(unsigned long, pages)
		__field(unsigned int, flags)
		__field(u64, first)
	),
	TP_fast_assign(
		__entry->dev = inode->i_sb->s_dev;
		__entry->ino = inode->i_ino;
		__entry->index = index;
		__entry->pages = pages;
		__entry->flags = flags;
		__entry->first = first;
	),
	TP_printk("dev=%d:%d ino=%llu index=%lu pages=%lu flags=%#x bus=0x%llx",
		  MAJOR(__entry->dev), MINOR(__entry->dev), __entry->ino,
		  __entry->index, __entry->pages, __entry->flags,
		  __entry->first)
);

TRACE_EVENT(device_map_revoke,
	TP_PROTO(struct inode *inode, pgoff_t index, unsigned long pages,
		 enum device_map_cause cause, int error),
	TP_ARGS(inode, index, pages, cause, error),
	TP_STRUCT__entry(
		__field(dev_t, dev)
		__field(u64, ino)
		__field(pgoff_t, index)
		__field(unsigned long, pages)
		__field(int, cause)
		__field(int, error)
	),
	TP_fast_assign(
		__entry->dev = inode->i_sb->s_dev;
		__entry->ino = inode->i_ino;
		__entry->index = index;
		__entry->pages = pages;
		__entry->cause = cause;
		__entry->error = error;
	),
	TP_printk("dev=%d:%d ino=%llu index=%lu pages=%lu cause=%s error=%d",
		  MAJOR(__entry->dev), MINOR(__entry->dev), __entry->ino,
		  __entry->index, __entry->pages,
		  __print_symbolic(__entry->cause, DEVICE_MAP_CAUSES),
		  __entry->error)
);

TRACE_EVENT(device_map_refuse,
	TP_PROTO(struct inode *inode, pgoff_t index, unsigned long pages,
		 int error, enum device_map_refusal reason),
	TP_ARGS(inode, index, pages, error, reason),
	TP_STRUCT__entry(
		__field(dev_t, dev)
		__field(u64, ino)
		__field(pgoff_t, index)
		__field(unsigned long, pages)
		__field(int, error)
		__field(int, reason)
	),
	TP_fast_assign(
		__entry->dev = inode ? inode->i_sb->s_dev : 0;
		__entry->ino = inode ? inode->i_ino : 0;
		__entry->index = index;
		__entry->pages = pages;
		__entry->error = error;
		__entry->reason = reason;
	),
	TP_printk("dev=%d:%d ino=%llu index=%lu pages=%lu error=%d reason=%s",
		  MAJOR(__entry->dev), MINOR(__entry->dev), __entry->ino,
		  __entry->index, __entry->pages, __entry->error,
		  __print_symbolic(__entry->reason, DEVICE_MAP_REFUSALS))
);

#endif /* _TRACE_DEVICE_MAP_H */

#include <trace/define_trace.h>
