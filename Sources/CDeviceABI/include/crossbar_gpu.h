/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
/*
 * The peer GPU's device ABI: what the guest's driver, the guest's programs and
 * the host's engine agree upon. This header is the only place it is written
 * down, so it has to compile in the kernel, in C user space and in Swift.
 *
 * The device is QEMU's ivshmem-doorbell (docs/specs/ivshmem-spec.rst). Its BAR 2
 * is the GPU's video memory:
 *
 *	offset 0                 control page, rings, results, fences
 *	control.heap_offset      heap: page tables, and what programs allocate
 *	control.aperture_offset  peer aperture, to the end of the BAR
 *
 * The control page says where everything is; a driver takes no offset from
 * anywhere else. All fields are little endian. Ring indices run freely: they
 * are taken modulo the number of entries, a power of two, and head == tail
 * means empty. A producer writes the entry, then its head with release
 * semantics, then rings the consumer's doorbell.
 */
#ifndef CROSSBAR_GPU_H
#define CROSSBAR_GPU_H

#ifdef __KERNEL__
#include <linux/build_bug.h>
#include <linux/ioctl.h>
#include <linux/stddef.h>
#include <linux/types.h>
typedef __u32 crossbar_u32;
typedef __s32 crossbar_s32;
typedef __u64 crossbar_u64;
#else
#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/ioctl.h>
typedef uint32_t crossbar_u32;
typedef int32_t crossbar_s32;
typedef uint64_t crossbar_u64;
#endif

/* QEMU's ivshmem: PCI vendor and device, its BARs and registers. */
#define CROSSBAR_GPU_PCI_VENDOR		0x1af4
#define CROSSBAR_GPU_PCI_DEVICE		0x1110
#define CROSSBAR_GPU_REGISTER_BAR	0
#define CROSSBAR_GPU_MEMORY_BAR		2
#define CROSSBAR_GPU_IV_POSITION	8
#define CROSSBAR_GPU_DOORBELL		12

/* ivshmem's peers. A doorbell is rung by writing peer << 16 | vector. */
#define CROSSBAR_GPU_PEER_ENGINE	0
#define CROSSBAR_GPU_PEER_GUEST		1

/* The engine's doorbells. */
#define CROSSBAR_GPU_BELL_COMMAND	0	/* command ring has entries */
#define CROSSBAR_GPU_BELL_CONTROL	1	/* control ring has entries */
#define CROSSBAR_GPU_BELL_RESET		2	/* control.reset_request changed */

/* The guest's interrupts, by MSI-X vector. */
#define CROSSBAR_GPU_IRQ_FENCE		0	/* a fence has been signalled */
#define CROSSBAR_GPU_IRQ_FAULT		1	/* fault ring has entries */
#define CROSSBAR_GPU_IRQ_CONTROL	2	/* control ring was served, or reset is done */

#define CROSSBAR_GPU_VECTORS		3

/* "XBAR-GPU" as bytes in memory. */
#define CROSSBAR_GPU_MAGIC		0x5550472d52414258ULL
#define CROSSBAR_GPU_ABI_VERSION	2U

/* Feature bits. */
#define CROSSBAR_GPU_FEATURE_ENGINE	1U	/* rings are served; without it only peer memory */

/*
 * Peer memory starts at a sub-section of the kernel's memory map (2 MiB), since
 * devm_memremap_pages() takes nothing smaller. What lies below CONTROL_SIZE
 * belongs to the control page and to the rings.
 */
#define CROSSBAR_GPU_CONTROL_SIZE	0x200000U
#define CROSSBAR_GPU_MEMORY_MIN		0x800000U

#define CROSSBAR_GPU_ADDRESS_SPACES	32U
/* Commands of one address space that may be under way at once. */
#define CROSSBAR_GPU_DEPTH		256U

#define CROSSBAR_GPU_CONTROL_ENTRIES	64U
#define CROSSBAR_GPU_FAULT_ENTRIES	64U
#define CROSSBAR_GPU_COMMAND_ENTRIES	512U

/*
 * enum crossbar_gpu_state - what the engine is doing
 * @CROSSBAR_GPU_STOPPED: it serves nothing, nor will it
 * @CROSSBAR_GPU_RUNNING: it serves the rings
 * @CROSSBAR_GPU_STALLED: it serves nothing until it is reset
 */
enum crossbar_gpu_state {
	CROSSBAR_GPU_STOPPED = 0,
	CROSSBAR_GPU_RUNNING = 1,
	CROSSBAR_GPU_STALLED = 2,
};

/*
 * struct crossbar_gpu_index - head or tail of a ring, on a cache line of its own
 * @value: free-running
 */
struct crossbar_gpu_index {
	crossbar_u32 value;
	crossbar_u32 reserved[15];
};

/*
 * struct crossbar_gpu_control - first page of video memory
 *
 * Constant while a driver is bound, written by the engine:
 * @magic:            CROSSBAR_GPU_MAGIC
 * @abi_version:      CROSSBAR_GPU_ABI_VERSION
 * @features:         CROSSBAR_GPU_FEATURE_*
 * @memory_size:      bytes of video memory, the size of BAR 2
 * @heap_offset:      first byte of the heap, a multiple of 4 KiB
 * @heap_size:        bytes of the heap, a multiple of 4 KiB
 * @aperture_offset:  first byte of the peer aperture, a multiple of 2 MiB
 * @aperture_size:    bytes of the peer aperture, a multiple of 2 MiB
 * @control_ring:     offset of CROSSBAR_GPU_CONTROL_ENTRIES crossbar_gpu_request
 * @fault_ring:       offset of CROSSBAR_GPU_FAULT_ENTRIES crossbar_gpu_fault
 * @command_ring:     offset of CROSSBAR_GPU_COMMAND_ENTRIES crossbar_gpu_command
 * @results:          offset of ADDRESS_SPACES * DEPTH crossbar_gpu_result, the
 *                    one of address space a and fence f at a * DEPTH + f % DEPTH
 * @fences:           offset of ADDRESS_SPACES crossbar_gpu_fence
 *
 * Written by the engine at any time:
 * @state:            enum crossbar_gpu_state
 * @first_error:      enum crossbar_gpu_error of the first bad entry since the last
 *                    reset, 0 if there was none
 * @first_error_as:   its address space
 * @heartbeat:        grows at least ten times a second while the engine lives
 * @reset_done:       @reset_request of the last reset that is complete
 * @control_tail, @command_tail, @fault_head: the engine's ends of the rings
 *
 * Written by the guest at any time:
 * @reset_request:    grows by one to ask for a reset, rings BELL_RESET
 * @control_head, @command_head, @fault_tail: the guest's ends of the rings
 *
 * A reset forgets every address space, every command and every fault, empties
 * the rings (each tail becomes its head; fault_head becomes fault_tail) and
 * sets @first_error to 0. No DMA is under way when @reset_done says so.
 */
struct crossbar_gpu_control {
	crossbar_u64 magic;
	crossbar_u32 abi_version;
	crossbar_u32 features;
	crossbar_u64 memory_size;
	crossbar_u64 heap_offset;
	crossbar_u64 heap_size;
	crossbar_u64 aperture_offset;
	crossbar_u64 aperture_size;
	crossbar_u32 control_ring;
	crossbar_u32 fault_ring;
	crossbar_u32 command_ring;
	crossbar_u32 results;
	crossbar_u32 fences;
	crossbar_u32 reserved0[13];

	crossbar_u32 state;
	crossbar_u32 first_error;
	crossbar_u32 first_error_as;
	crossbar_u32 reset_done;
	crossbar_u64 heartbeat;
	crossbar_u32 reserved1[10];

	crossbar_u32 reset_request;
	crossbar_u32 reserved2[15];

	struct crossbar_gpu_index control_head;
	struct crossbar_gpu_index control_tail;
	struct crossbar_gpu_index fault_head;
	struct crossbar_gpu_index fault_tail;
	struct crossbar_gpu_index command_head;
	struct crossbar_gpu_index command_tail;
};

/*
 * Page tables: four levels of 512 entries of 64 bits, 48 bits of virtual
 * address, pages of 4 KiB, in the heap, written by the driver. An entry of the
 * upper three levels points to the next table: VALID and the table's offset in
 * video memory. An entry of the last level maps a page.
 *
 * ACCESSED and DIRTY are set by the engine in entries of the last level, with an
 * atomic operation, before its access; everything else is the driver's. The
 * engine may keep a copy of an entry until it has acknowledged its invalidation.
 */
#define CROSSBAR_GPU_PAGE_SHIFT		12
#define CROSSBAR_GPU_PAGE_SIZE		4096U
#define CROSSBAR_GPU_LEVELS		4
#define CROSSBAR_GPU_LEVEL_BITS		9
#define CROSSBAR_GPU_ADDRESS_BITS	48

#define CROSSBAR_GPU_PTE_VALID		0x1ULL
#define CROSSBAR_GPU_PTE_WRITABLE	0x2ULL
#define CROSSBAR_GPU_PTE_ATOMIC		0x4ULL
#define CROSSBAR_GPU_PTE_BUS		0x8ULL	/* frame: bus address, else video memory */
#define CROSSBAR_GPU_PTE_ACCESSED	0x10ULL
#define CROSSBAR_GPU_PTE_DIRTY		0x20ULL
#define CROSSBAR_GPU_PTE_FRAME		0x000ffffffffff000ULL
#define CROSSBAR_GPU_PTE_GENERATION_SHIFT 52
#define CROSSBAR_GPU_PTE_GENERATIONS	4096U	/* the driver's map generation, modulo this */

/*
 * Control ring, guest to engine, served in order and before anything else, also
 * while commands run or wait for a fault. Serving an entry, and then moving
 * control_tail past it, is its acknowledgment.
 */
enum crossbar_gpu_request_opcode {
	CROSSBAR_GPU_BIND = 1,
	CROSSBAR_GPU_UNBIND = 2,
	CROSSBAR_GPU_INVALIDATE = 3,
	CROSSBAR_GPU_FAULT_REPLY = 4,
};

/*
 * struct crossbar_gpu_request - entry of the control ring
 * @opcode:        enum crossbar_gpu_request_opcode
 * @address_space: 0 to CROSSBAR_GPU_ADDRESS_SPACES - 1
 * @address:       BIND: offset of the root table in video memory
 *                 INVALIDATE: first virtual address
 *                 FAULT_REPLY: sequence number of the fault
 * @length:        INVALIDATE: bytes; 0 with address 0 means everything
 * @generation:    INVALIDATE: all mappings of the range up to this generation
 * @error:         FAULT_REPLY: 0 to resume, else the error (a positive errno) with
 *                 which the command ends
 *
 * BIND of a bound address space and UNBIND of an unbound one are bad entries.
 * BIND sets the fence to completed = 0, error = 0. When UNBIND is acknowledged
 * no access of the address space is under way, and the commands that were taken
 * off the command ring are forgotten. Requests overtake commands, so a driver
 * that means to use the number again first waits until command_tail has passed
 * the last command: the next owner must not get it.
 */
struct crossbar_gpu_request {
	crossbar_u32 opcode;
	crossbar_u32 address_space;
	crossbar_u64 address;
	crossbar_u64 length;
	crossbar_u64 generation;
	crossbar_u32 error;
	crossbar_u32 reserved[7];
};

enum crossbar_gpu_access {
	CROSSBAR_GPU_READ = 0,
	CROSSBAR_GPU_WRITE = 1,
	CROSSBAR_GPU_ATOMIC_ACCESS = 2,
};

enum crossbar_gpu_fault_reason {
	CROSSBAR_GPU_NOT_PRESENT = 0,
	CROSSBAR_GPU_NOT_PERMITTED = 1,
};

/*
 * struct crossbar_gpu_fault - entry of the fault ring, engine to guest
 * @sequence:      of the fault, never 0, answered by FAULT_REPLY
 * @address:       virtual address of the page
 * @length:        bytes from @address on that the command will touch with the
 *                 same access, a hint for faulting in more than one page
 * @fence:         of the command that waits
 * @address_space: of the command; it has no other unanswered fault
 * @access:        enum crossbar_gpu_access
 * @reason:        enum crossbar_gpu_fault_reason
 */
struct crossbar_gpu_fault {
	crossbar_u64 sequence;
	crossbar_u64 address;
	crossbar_u64 length;
	crossbar_u64 fence;
	crossbar_u32 address_space;
	crossbar_u32 access;
	crossbar_u32 reason;
	crossbar_u32 reserved[5];
};

/*
 * Commands. All addresses are virtual addresses of the address space; any
 * alignment, except for atomics, which are aligned to their width.
 */
enum crossbar_gpu_opcode {
	CROSSBAR_GPU_FENCE_ONLY = 0,	/* nothing but its fence */
	CROSSBAR_GPU_COPY = 1,		/* length bytes from source to target */
	CROSSBAR_GPU_FILL = 2,		/* length bytes at target with operand, repeated */
	CROSSBAR_GPU_CRC32C = 3,	/* of length bytes at source */
	CROSSBAR_GPU_COMPARE = 4,	/* length bytes at source and target */
	CROSSBAR_GPU_ATOMIC = 5,	/* at target */
	CROSSBAR_GPU_DELAY = 6,		/* operand microseconds, at most 10 s */
};

enum crossbar_gpu_atomic {
	CROSSBAR_GPU_ATOMIC_ADD = 0,
	CROSSBAR_GPU_ATOMIC_SWAP = 1,
	CROSSBAR_GPU_ATOMIC_CAS = 2,
};

/* Longest command, in bytes. */
#define CROSSBAR_GPU_LENGTH_MAX		0x40000000ULL
#define CROSSBAR_GPU_DELAY_MAX		10000000ULL

/*
 * struct crossbar_gpu_command - entry of the command ring
 * @opcode:        enum crossbar_gpu_opcode
 * @address_space: filled in by the driver
 * @fence:         filled in by the driver: 1 for an address space's first command,
 *                 then one more for each
 * @source:        COPY, CRC32C, COMPARE
 * @target:        COPY, FILL, COMPARE, ATOMIC
 * @length:        bytes, 0 to CROSSBAR_GPU_LENGTH_MAX; ATOMIC: 4 or 8
 * @operand:       FILL: pattern of 8 bytes, little endian; ATOMIC: value to add or
 *                 store; DELAY: microseconds
 * @compare:       ATOMIC_CAS: value that must be there
 * @atomic:        ATOMIC: enum crossbar_gpu_atomic
 *
 * COPY of overlapping ranges leaves undefined bytes in the target. The commands
 * of an address space run in order, those of different ones side by side.
 */
struct crossbar_gpu_command {
	crossbar_u32 opcode;
	crossbar_u32 address_space;
	crossbar_u64 fence;
	crossbar_u64 source;
	crossbar_u64 target;
	crossbar_u64 length;
	crossbar_u64 operand;
	crossbar_u64 compare;
	crossbar_u32 atomic;
	crossbar_u32 reserved;
};

/*
 * struct crossbar_gpu_result - what came of a command, written before its fence
 * @fence:  of the command
 * @value:  CRC32C: the value in the lower half; COMPARE: offset of the first
 *          difference, or the length; ATOMIC: what was there before
 * @bytes:  bytes of the command that were done
 * @status: 0, or a positive errno: what FAULT_REPLY said, EIO for a DMA that
 *          failed, EINVAL for a command that asks for what can't be
 * @faults: page faults that the command took
 */
struct crossbar_gpu_result {
	crossbar_u64 fence;
	crossbar_u64 value;
	crossbar_u64 bytes;
	crossbar_u32 status;
	crossbar_u32 faults;
};

/*
 * enum crossbar_gpu_error - why the engine stopped an address space
 *
 * A bad entry on a ring stops the address space that it names: its commands are
 * forgotten, and it is as good as unbound but for the UNBIND that is still due.
 * An entry that names no address space is dropped. Either is first_error.
 */
enum crossbar_gpu_error {
	CROSSBAR_GPU_OK = 0,
	CROSSBAR_GPU_BAD_OPCODE = 1,
	CROSSBAR_GPU_BAD_ADDRESS_SPACE = 2,
	CROSSBAR_GPU_BAD_FENCE = 3,	/* not the next one */
	CROSSBAR_GPU_BAD_ROOT = 4,	/* page table outside of the heap */
	CROSSBAR_GPU_TOO_MANY = 5,	/* more than DEPTH commands under way */
	CROSSBAR_GPU_BAD_INDEX = 6,	/* head further from tail than the ring is long */
	CROSSBAR_GPU_BAD_REPLY = 7,	/* answers no fault */
};

/*
 * struct crossbar_gpu_fence - of an address space
 * @completed: fence of the last command that has ended
 * @error:     enum crossbar_gpu_error that stopped the address space, or 0
 */
struct crossbar_gpu_fence {
	crossbar_u64 completed;
	crossbar_u32 error;
	crossbar_u32 reserved[13];
};

/*
 * /dev/ivgpuN. An open file is an address space, bound to the opener's mm: each
 * call by another mm fails with EOWNERDEAD or EPERM. mmap() of the file gives
 * video memory that IVGPU_ALLOC has allocated, by its offset. poll() says
 * readable when all submitted commands have ended.
 */

/*
 * struct ivgpu_info - IVGPU_INFO, out
 * @abi_version:   of the device
 * @address_space: number of this open file's
 * @memory_size:   bytes of video memory
 * @heap_size:     bytes of the heap
 * @heap_free:     bytes of the heap that nobody has
 */
struct ivgpu_info {
	crossbar_u32 abi_version;
	crossbar_u32 address_space;
	crossbar_u64 memory_size;
	crossbar_u64 heap_size;
	crossbar_u64 heap_free;
};

/*
 * struct ivgpu_submit - IVGPU_SUBMIT, in and out
 * @commands: address of an array of struct crossbar_gpu_command
 * @count:    its length, 1 to CROSSBAR_GPU_DEPTH; all or none are taken. Waits
 *            for room, so that an interrupted call may be repeated
 * @reserved: 0
 * @fence:    out: of the last of them
 */
struct ivgpu_submit {
	crossbar_u64 commands;
	crossbar_u32 count;
	crossbar_u32 reserved;
	crossbar_u64 fence;
};

/*
 * struct ivgpu_wait - IVGPU_WAIT, in and out
 * @fence:      to wait for
 * @timeout_ns: from now on; 0 only looks. ETIMEDOUT when it has passed
 * @result:     out: of that command, if it is among the last DEPTH ones. After a
 *              reset, its status is EIO
 */
struct ivgpu_wait {
	crossbar_u64 fence;
	crossbar_u64 timeout_ns;
	struct crossbar_gpu_result result;
};

/*
 * struct ivgpu_alloc - IVGPU_ALLOC, in and out; IVGPU_FREE takes the offset
 * @size:   bytes, rounded up to pages. ENOSPC when the heap has no such room
 * @offset: out: for mmap(); freed on close, or when the last mapping goes
 */
struct ivgpu_alloc {
	crossbar_u64 size;
	crossbar_u64 offset;
};

/*
 * struct ivgpu_stats - IVGPU_STATS, out: this address space's counters
 * @submitted:       commands
 * @completed:       commands
 * @faults:          page faults that were answered
 * @aborts:          of them, those that ended their command
 * @pages_fallback:  pages mapped from the page cache or anonymous memory
 * @pages_direct:    pages mapped in another device's BAR
 * @pages_video:     pages of video memory mapped
 * @invalidations:   ranges that the engine was told to forget
 * @interrupts:      of the device, all address spaces
 * @doorbells:       of the device, all address spaces
 * @resets:          of the device
 * @refusals:        times that the exporter of a mapping did not map it for the device
 * @last_refusal:    why, the last time: a positive errno, or 0
 * @reserved:        0
 */
struct ivgpu_stats {
	crossbar_u64 submitted;
	crossbar_u64 completed;
	crossbar_u64 faults;
	crossbar_u64 aborts;
	crossbar_u64 pages_fallback;
	crossbar_u64 pages_direct;
	crossbar_u64 pages_video;
	crossbar_u64 invalidations;
	crossbar_u64 interrupts;
	crossbar_u64 doorbells;
	crossbar_u64 resets;
	crossbar_u64 refusals;
	crossbar_u32 last_refusal;
	crossbar_u32 reserved;
};

/*
 * enum ivgpu_path - how an address space gets at the pages of files
 * @IVGPU_PATH_AUTO:     their blocks in the BAR of the block device, if it lets us
 *                       have them, else the pages of the page cache
 * @IVGPU_PATH_DIRECT:   their blocks only; a fault that the exporter refuses ends
 *                       its command with the refusal's errno. Memory that belongs
 *                       to no file on a block device is mapped as ever
 * @IVGPU_PATH_FALLBACK: the pages of the page cache only
 */
enum ivgpu_path {
	IVGPU_PATH_AUTO = 0,
	IVGPU_PATH_DIRECT = 1,
	IVGPU_PATH_FALLBACK = 2,
};

/*
 * struct ivgpu_path_request - IVGPU_SET_PATH, in: for faults from now on
 * @path:     enum ivgpu_path
 * @reserved: 0
 */
struct ivgpu_path_request {
	crossbar_u32 path;
	crossbar_u32 reserved;
};

/*
 * struct ivgpu_range - IVGPU_UNMAP, in: what the GPU has in a BAR goes back
 * @address: of the first page
 * @length:  in bytes, whole pages
 *
 * Blocks of files, that is; pages stay mapped. The next access maps it again.
 */
struct ivgpu_range {
	crossbar_u64 address;
	crossbar_u64 length;
};

#define IVGPU_INFO	_IOR('G', 0x40, struct ivgpu_info)
#define IVGPU_SUBMIT	_IOWR('G', 0x41, struct ivgpu_submit)
#define IVGPU_WAIT	_IOWR('G', 0x42, struct ivgpu_wait)
#define IVGPU_ALLOC	_IOWR('G', 0x43, struct ivgpu_alloc)
#define IVGPU_FREE	_IOW('G', 0x44, struct ivgpu_alloc)
#define IVGPU_STATS	_IOR('G', 0x45, struct ivgpu_stats)
/* Resets the engine: every address space's commands end with EIO. */
#define IVGPU_RESET	_IO('G', 0x46)
#define IVGPU_SET_PATH	_IOW('G', 0x47, struct ivgpu_path_request)
#define IVGPU_UNMAP	_IOW('G', 0x48, struct ivgpu_range)

/* Nothing may be moved by a compiler's idea of padding. */
#define CROSSBAR_GPU_AT(type, field, at) \
	static_assert(offsetof(struct type, field) == (at), #type "." #field)
#define CROSSBAR_GPU_SIZE(type, size) \
	static_assert(sizeof(struct type) == (size), #type)

CROSSBAR_GPU_SIZE(crossbar_gpu_index, 64);

CROSSBAR_GPU_AT(crossbar_gpu_control, magic, 0);
CROSSBAR_GPU_AT(crossbar_gpu_control, abi_version, 8);
CROSSBAR_GPU_AT(crossbar_gpu_control, features, 12);
CROSSBAR_GPU_AT(crossbar_gpu_control, memory_size, 16);
CROSSBAR_GPU_AT(crossbar_gpu_control, heap_offset, 24);
CROSSBAR_GPU_AT(crossbar_gpu_control, heap_size, 32);
CROSSBAR_GPU_AT(crossbar_gpu_control, aperture_offset, 40);
CROSSBAR_GPU_AT(crossbar_gpu_control, aperture_size, 48);
CROSSBAR_GPU_AT(crossbar_gpu_control, control_ring, 56);
CROSSBAR_GPU_AT(crossbar_gpu_control, fault_ring, 60);
CROSSBAR_GPU_AT(crossbar_gpu_control, command_ring, 64);
CROSSBAR_GPU_AT(crossbar_gpu_control, results, 68);
CROSSBAR_GPU_AT(crossbar_gpu_control, fences, 72);
CROSSBAR_GPU_AT(crossbar_gpu_control, state, 128);
CROSSBAR_GPU_AT(crossbar_gpu_control, first_error, 132);
CROSSBAR_GPU_AT(crossbar_gpu_control, first_error_as, 136);
CROSSBAR_GPU_AT(crossbar_gpu_control, reset_done, 140);
CROSSBAR_GPU_AT(crossbar_gpu_control, heartbeat, 144);
CROSSBAR_GPU_AT(crossbar_gpu_control, reset_request, 192);
CROSSBAR_GPU_AT(crossbar_gpu_control, control_head, 256);
CROSSBAR_GPU_AT(crossbar_gpu_control, control_tail, 320);
CROSSBAR_GPU_AT(crossbar_gpu_control, fault_head, 384);
CROSSBAR_GPU_AT(crossbar_gpu_control, fault_tail, 448);
CROSSBAR_GPU_AT(crossbar_gpu_control, command_head, 512);
CROSSBAR_GPU_AT(crossbar_gpu_control, command_tail, 576);
CROSSBAR_GPU_SIZE(crossbar_gpu_control, 640);

CROSSBAR_GPU_AT(crossbar_gpu_request, opcode, 0);
CROSSBAR_GPU_AT(crossbar_gpu_request, address_space, 4);
CROSSBAR_GPU_AT(crossbar_gpu_request, address, 8);
CROSSBAR_GPU_AT(crossbar_gpu_request, length, 16);
CROSSBAR_GPU_AT(crossbar_gpu_request, generation, 24);
CROSSBAR_GPU_AT(crossbar_gpu_request, error, 32);
CROSSBAR_GPU_SIZE(crossbar_gpu_request, 64);

CROSSBAR_GPU_AT(crossbar_gpu_fault, sequence, 0);
CROSSBAR_GPU_AT(crossbar_gpu_fault, address, 8);
CROSSBAR_GPU_AT(crossbar_gpu_fault, length, 16);
CROSSBAR_GPU_AT(crossbar_gpu_fault, fence, 24);
CROSSBAR_GPU_AT(crossbar_gpu_fault, address_space, 32);
CROSSBAR_GPU_AT(crossbar_gpu_fault, access, 36);
CROSSBAR_GPU_AT(crossbar_gpu_fault, reason, 40);
CROSSBAR_GPU_SIZE(crossbar_gpu_fault, 64);

CROSSBAR_GPU_AT(crossbar_gpu_command, opcode, 0);
CROSSBAR_GPU_AT(crossbar_gpu_command, address_space, 4);
CROSSBAR_GPU_AT(crossbar_gpu_command, fence, 8);
CROSSBAR_GPU_AT(crossbar_gpu_command, source, 16);
CROSSBAR_GPU_AT(crossbar_gpu_command, target, 24);
CROSSBAR_GPU_AT(crossbar_gpu_command, length, 32);
CROSSBAR_GPU_AT(crossbar_gpu_command, operand, 40);
CROSSBAR_GPU_AT(crossbar_gpu_command, compare, 48);
CROSSBAR_GPU_AT(crossbar_gpu_command, atomic, 56);
CROSSBAR_GPU_SIZE(crossbar_gpu_command, 64);

CROSSBAR_GPU_AT(crossbar_gpu_result, fence, 0);
CROSSBAR_GPU_AT(crossbar_gpu_result, value, 8);
CROSSBAR_GPU_AT(crossbar_gpu_result, bytes, 16);
CROSSBAR_GPU_AT(crossbar_gpu_result, status, 24);
CROSSBAR_GPU_AT(crossbar_gpu_result, faults, 28);
CROSSBAR_GPU_SIZE(crossbar_gpu_result, 32);

CROSSBAR_GPU_AT(crossbar_gpu_fence, completed, 0);
CROSSBAR_GPU_AT(crossbar_gpu_fence, error, 8);
CROSSBAR_GPU_SIZE(crossbar_gpu_fence, 64);

CROSSBAR_GPU_AT(ivgpu_info, abi_version, 0);
CROSSBAR_GPU_AT(ivgpu_info, address_space, 4);
CROSSBAR_GPU_AT(ivgpu_info, memory_size, 8);
CROSSBAR_GPU_AT(ivgpu_info, heap_size, 16);
CROSSBAR_GPU_AT(ivgpu_info, heap_free, 24);
CROSSBAR_GPU_SIZE(ivgpu_info, 32);

CROSSBAR_GPU_AT(ivgpu_submit, commands, 0);
CROSSBAR_GPU_AT(ivgpu_submit, count, 8);
CROSSBAR_GPU_AT(ivgpu_submit, fence, 16);
CROSSBAR_GPU_SIZE(ivgpu_submit, 24);

CROSSBAR_GPU_AT(ivgpu_wait, fence, 0);
CROSSBAR_GPU_AT(ivgpu_wait, timeout_ns, 8);
CROSSBAR_GPU_AT(ivgpu_wait, result, 16);
CROSSBAR_GPU_SIZE(ivgpu_wait, 48);

CROSSBAR_GPU_AT(ivgpu_alloc, size, 0);
CROSSBAR_GPU_AT(ivgpu_alloc, offset, 8);
CROSSBAR_GPU_SIZE(ivgpu_alloc, 16);

CROSSBAR_GPU_AT(ivgpu_stats, submitted, 0);
CROSSBAR_GPU_AT(ivgpu_stats, completed, 8);
CROSSBAR_GPU_AT(ivgpu_stats, faults, 16);
CROSSBAR_GPU_AT(ivgpu_stats, aborts, 24);
CROSSBAR_GPU_AT(ivgpu_stats, pages_fallback, 32);
CROSSBAR_GPU_AT(ivgpu_stats, pages_direct, 40);
CROSSBAR_GPU_AT(ivgpu_stats, pages_video, 48);
CROSSBAR_GPU_AT(ivgpu_stats, invalidations, 56);
CROSSBAR_GPU_AT(ivgpu_stats, interrupts, 64);
CROSSBAR_GPU_AT(ivgpu_stats, doorbells, 72);
CROSSBAR_GPU_AT(ivgpu_stats, resets, 80);
CROSSBAR_GPU_AT(ivgpu_stats, refusals, 88);
CROSSBAR_GPU_AT(ivgpu_stats, last_refusal, 96);
CROSSBAR_GPU_SIZE(ivgpu_stats, 104);

CROSSBAR_GPU_AT(ivgpu_path_request, path, 0);
CROSSBAR_GPU_SIZE(ivgpu_path_request, 8);
CROSSBAR_GPU_AT(ivgpu_range, length, 8);
CROSSBAR_GPU_SIZE(ivgpu_range, 16);

#endif /* CROSSBAR_GPU_H */
