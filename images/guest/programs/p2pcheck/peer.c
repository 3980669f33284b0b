// SPDX-License-Identifier: GPL-2.0-only
/*
 * Memory of a PCI device that other devices may reach.
 *
 * The kernel hands out peer memory from a pool behind a sysfs file and does not
 * say which part of the BAR a mapping got. The page map does: its frame numbers
 * are bus addresses here, which the device's resources turn into offsets.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <sys/mman.h>

#include "crossbar_cell.h"
#include "cells.h"
#include "peer.h"
#include "report.h"

/* Documentation/admin-guide/mm/pagemap.rst */
#define PAGEMAP_PRESENT	(1ULL << 63)
#define PAGEMAP_FRAME	((1ULL << 55) - 1)

#define STANDARD_BARS	6

/* PCI Code and ID Assignment Specification: non-volatile memory controller. */
#define CLASS_NVM	0x0108

/* Of every stride of register-like memory, one sample. */
#define STRIDE		512
#define SAMPLE		CROSSBAR_CELL_SIZE

/* Bytes of the pool that nobody uses, 0 if the device has none. */
static uint64_t peer_available(const char *address)
{
	unsigned long long bytes = 0;
	char path[96];
	FILE *file;

	snprintf(path, sizeof(path),
		 "/sys/bus/pci/devices/%s/p2pmem/available", address);
	file = fopen(path, "re");
	if (!file)
		return 0;
	if (fscanf(file, "%llu", &bytes) != 1)
		bytes = 0;
	fclose(file);
	return bytes;
}

/*
 * Maps the biggest window that the pool gives: a controller may keep its
 * submission queues in the same pool, so not all of it is one piece.
 */
static bool map_window(struct peer *peer, const char *address)
{
	uint64_t available = peer_available(address);
	size_t size = PEER_WINDOW;
	char path[96];
	void *memory = MAP_FAILED;
	int fd;

	snprintf(path, sizeof(path),
		 "/sys/bus/pci/devices/%s/p2pmem/allocate", address);
	fd = open(path, O_RDWR | O_CLOEXEC);
	if (fd < 0) {
		report_bail_out("peer %s: %s has no peer-to-peer memory (%s: %s)",
				peer->id, address, path, strerror(errno));
		return false;
	}
	if (available < size)
		size = available & ~(size_t)(PEER_WINDOW_MIN - 1);
	for (; size >= PEER_WINDOW_MIN; size -= PEER_WINDOW_MIN) {
		memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED,
			      fd, 0);
		if (memory != MAP_FAILED || errno != ENOMEM)
			break;
	}
	close(fd);
	if (memory == MAP_FAILED) {
		report_bail_out("peer %s: cannot map peer-to-peer memory of %s, %"
				PRIu64 " bytes are free: %s", peer->id, address,
				available, strerror(errno));
		return false;
	}
	peer->memory = memory;
	peer->size = size;
	return true;
}

/* Bus address of the window, 0 if it is unknown or not one piece. */
static uint64_t window_address(const struct peer *peer)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	uint64_t entries[512], first = 0;
	size_t count = peer->size / page, i, part;
	int fd = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return 0;
	for (i = 0; i < count; i += part) {
		off_t at = (off_t)(((uintptr_t)peer->memory / page + i) * 8);
		size_t j;

		part = count - i < 512 ? count - i : 512;
		if (pread(fd, entries, part * 8, at) != (ssize_t)(part * 8))
			break;
		if (!i)
			first = entries[0] & PAGEMAP_FRAME;
		for (j = 0; j < part; j++)
			if (!(entries[j] & PAGEMAP_PRESENT) ||
			    (entries[j] & PAGEMAP_FRAME) != first + i + j)
				break;
		if (j < part)
			break;
	}
	close(fd);
	return i < count ? 0 : first * page;
}

static bool locate_window(struct peer *peer, const char *address)
{
	uint64_t at = window_address(peer);
	char path[96];
	FILE *file;
	unsigned int bar;
	bool found = false;

	if (!at) {
		report_bail_out("peer %s: pagemap does not show where the memory of %s lies",
				peer->id, address);
		return false;
	}
	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/resource",
		 address);
	file = fopen(path, "re");
	for (bar = 0; file && !found && bar < STANDARD_BARS; bar++) {
		unsigned long long start, end, flags;

		if (fscanf(file, "%llx %llx %llx", &start, &end, &flags) != 3)
			break;
		if (!start || at < start || at + peer->size - 1 > end)
			continue;
		peer->bar = bar;
		peer->bar_offset = at - start;
		found = true;
	}
	if (file)
		fclose(file);
	if (!found)
		report_bail_out("peer %s: the window at %#" PRIx64 " is in no BAR of %s",
				peer->id, at, address);
	return found;
}

/*
 * An NVMe controller's memory buffer is uncached on real hardware and a
 * register region under QEMU.
 */
static bool is_nvme(const char *address)
{
	unsigned int class = 0;
	char path[96];
	FILE *file;

	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/class", address);
	file = fopen(path, "re");
	if (!file)
		return false;
	if (fscanf(file, "%x", &class) != 1)
		class = 0;
	fclose(file);
	return class >> 8 == CLASS_NVM;
}

bool peer_open(struct peer *peer, const struct peer_option *option)
{
	*peer = (struct peer){
		.id = option->id,
		.inspect = option->inspect,
		.registers = is_nvme(option->address),
	};
	return map_window(peer, option->address) &&
	       locate_window(peer, option->address);
}

void peer_close(struct peer *peer)
{
	if (peer->memory)
		munmap(peer->memory, peer->size);
	peer->memory = NULL;
}

void peer_poison(const struct peer *peer, uint8_t *memory, size_t len)
{
	size_t i;

	if (!peer->registers) {
		bytes_fill(memory, len, CROSSBAR_POISON);
		return;
	}
	for (i = 0; i < len; i += STRIDE)
		bytes_fill(memory + i, SAMPLE, CROSSBAR_POISON);
}

bool peer_check(const struct peer *peer, const struct content *content,
		const uint8_t *memory, bool sparse, struct mismatch *mismatch)
{
	uint64_t end = content->off + content->len, off;

	if (!peer->registers || !sparse)
		return content_check(content, memory, mismatch);
	for (off = content->off; off < end; off += STRIDE) {
		struct content sample = content_slice(content, off, SAMPLE);

		if (!content_check(&sample, memory + (off - content->off),
				   mismatch))
			return false;
	}
	return true;
}
