// SPDX-License-Identifier: GPL-2.0-only
/*
 * The file of the suite power-cut, and what a power cut left of it.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <sys/stat.h>

#include "crossbar_cell.h"
#include "cells.h"
#include "cut_slots.h"
#include "report.h"

/* Files of the first volume, the second one and so on. */
#define FIRST_ID	100

/*
 * A write under way when the power went may be there or not, and so may the one
 * before it, of which the host has not heard any more.
 */
#define WRITES_AHEAD	2

static struct slots table[ARGUMENTS_VOLUMES];
static uint8_t buffer[SLOT_SIZE] __aligned(4096);

struct slots *slots_of(const struct test *test, const struct volume *volume)
{
	unsigned int i = (unsigned int)(volume - test->volumes);

	table[i].id = (uint16_t)(FIRST_ID + i);
	return &table[i];
}

bool slots_open(struct test *test, const struct volume *volume, int flags)
{
	struct slots *slots = slots_of(test, volume);
	char path[96];

	snprintf(path, sizeof(path), "%s/pc/slots", volume->mount);
	slots->fd = open(path, flags | O_CLOEXEC, 0644);
	return test_check(test, slots->fd >= 0, "cannot open %s: %s", path,
			  strerror(errno));
}

void slots_close(struct slots *slots)
{
	if (slots->fd >= 0)
		close(slots->fd);
	slots->fd = -1;
}

void slots_acknowledge(const struct test *test, const struct volume *volume,
		       unsigned int slot)
{
	report_add("# xbar {\"t\":\"ack\",\"n\":%u,\"volume\":\"%s\",\"slot\":%u",
		   test->n, volume->id, slot);
	report_add(",\"generation\":%u}",
		   slots_of(test, volume)->generation[slot]);
	report_end();
}

/* Through the page cache, and durable. */
static bool write_slot(struct test *test, struct slots *slots, unsigned int slot)
{
	off_t off = (off_t)(slot * SLOT_SIZE);

	cells_fill(buffer, SLOT_SIZE, (uint64_t)off, slots->id,
		   slots->generation[slot]);
	return test_check(test, pwrite(slots->fd, buffer, SLOT_SIZE, off) ==
			  (ssize_t)SLOT_SIZE && !fsync(slots->fd),
			  "cannot write slot %u: %s", slot, strerror(errno));
}

/* The name has to be durable too. */
static bool sync_directory(const char *path)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	bool ok;

	if (fd < 0)
		return false;
	ok = !fsync(fd);
	close(fd);
	return ok;
}

/* Written whole, so that no block is a hole. */
static void make_slots(struct test *test, struct slots *slots)
{
	const struct volume *volume = test->volume;
	char path[80];
	unsigned int i;

	snprintf(path, sizeof(path), "%s/pc", volume->mount);
	if (!test_check(test, !mkdir(path, 0755) || errno == EEXIST,
			"cannot make %s: %s", path, strerror(errno)) ||
	    !slots_open(test, volume, O_RDWR | O_CREAT | O_TRUNC))
		return;
	for (i = 0; i < SLOTS; i++) {
		slots->generation[i] = 0;
		if (!write_slot(test, slots, i))
			return;
	}
	slots->known = test_check(test, sync_directory(path) &&
				  sync_directory(volume->mount),
				  "cannot sync %s: %s", path, strerror(errno));
}

/* Says what the cell at @found is, in a block that has @generation. */
static void fail_torn(struct test *test, unsigned int slot, uint64_t off,
		      const struct crossbar_cell *found, uint16_t generation)
{
	bool is_cell = found->check == crossbar_cell_check(found->offset,
							   found->file,
							   found->generation);

	if (is_cell)
		test_fail(test, "slot %u: file offset %" PRIu64
			  " has a cell of file %u, offset %" PRIu64
			  ", generation %u in a block of generation %u", slot,
			  off, found->file, found->offset, found->generation,
			  generation);
	else
		test_fail(test, "slot %u: file offset %" PRIu64 " has %016" PRIx64
			  " instead of a cell, in a block of generation %u",
			  slot, off, found->offset, generation);
}

/* All of a block is of one write, and that is none of those it can't be. */
static bool check_block(struct test *test, const struct slots *slots,
			unsigned int slot, size_t at, uint16_t acknowledged,
			uint16_t *newest)
{
	const struct crossbar_cell *cells = (const void *)(buffer + at);
	uint64_t off = slot * SLOT_SIZE + at;
	uint16_t generation = cells->generation;
	size_t good = cells_check(cells, SLOT_BLOCK, off, slots->id, generation);

	if (good < SLOT_BLOCK) {
		good -= good % CROSSBAR_CELL_SIZE;
		fail_torn(test, slot, off + good,
			  cells + good / CROSSBAR_CELL_SIZE, generation);
		return false;
	}
	if (generation > *newest)
		*newest = generation;
	return test_check(test, generation >= acknowledged,
			  "slot %u: the block at file offset %" PRIu64
			  " has generation %u, and %u was acknowledged", slot,
			  off, generation, acknowledged) &&
	       test_check(test, generation <= acknowledged + WRITES_AHEAD,
			  "slot %u: the block at file offset %" PRIu64
			  " has generation %u, which nobody can have written after %u",
			  slot, off, generation, acknowledged);
}

static bool check_slot(struct test *test, const struct slots *slots,
		       unsigned int slot, uint16_t acknowledged, uint16_t *newest)
{
	ssize_t n = pread(slots->fd, buffer, SLOT_SIZE,
			  (off_t)(slot * SLOT_SIZE));
	size_t at;

	*newest = acknowledged;
	if (!test_check(test, n == (ssize_t)SLOT_SIZE,
			"cannot read slot %u: %s", slot,
			n < 0 ? strerror(errno) : "the file is too short"))
		return false;
	for (at = 0; at < SLOT_SIZE; at += SLOT_BLOCK)
		if (!check_block(test, slots, slot, at, acknowledged, newest))
			return false;
	return true;
}

/*
 * A slot that has anything of a write that was not acknowledged is written anew, by
 * the page cache, so that leftovers of an old write are never taken for a new one.
 */
static void look(struct test *test, struct slots *slots,
		 const uint16_t *acknowledged)
{
	unsigned int i;

	if (!slots_open(test, test->volume, O_RDWR))
		return;
	for (i = 0; i < SLOTS; i++) {
		uint16_t newest;

		if (!check_slot(test, slots, i, acknowledged[i], &newest))
			return;
		slots->generation[i] = newest;
		if (newest == acknowledged[i])
			continue;
		slots->generation[i]++;
		if (!write_slot(test, slots, i))
			return;
		slots_acknowledge(test, test->volume, i);
	}
	slots->known = true;
}

void slots_verify(struct test *test)
{
	struct slots *slots = slots_of(test, test->volume);
	const struct acknowledged *before;

	slots->fd = -1;
	before = options_acknowledged(test->options, test->volume->id);
	if (before)
		look(test, slots, before->generation);
	else
		make_slots(test, slots);
	slots_close(slots);
}
