// SPDX-License-Identifier: GPL-2.0-only
/*
 * What may be found in a file that everybody works on at once.
 */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "crossbar_cell.h"
#include "disk.h"
#include "map_race.h"

static unsigned int load(unsigned int *value)
{
	return __atomic_load_n(value, __ATOMIC_ACQUIRE);
}

void race_count(struct race *race, enum race_part part)
{
	__atomic_add_fetch(&race->counts[__builtin_ctz(part)], 1,
			   __ATOMIC_RELAXED);
}

bool race_taker_is_whole(struct race *race)
{
	struct file *taker = race->taker;

	if (!taker || !taker->content.len)
		return true;
	return test_check(race->test, file_cool(taker), "cannot drop %s: %s",
			  taker->path, strerror(errno)) &&
	       disk_file_is(race->test, taker,
			    "a file that has the blocks of the tail");
}

/* Says which cell it is, and what it holds. */
static bool lost(struct race *race, unsigned int slot, size_t at,
		 const struct crossbar_cell *cell, unsigned int first,
		 unsigned int last, const char *what)
{
	test_fail(race->test, "%s: offset %zu of slot %u holds offset %" PRIu64
		  ", file %u, generation %u instead of generation %u to %u",
		  what, at, slot, cell->offset, cell->file, cell->generation,
		  first, last);
	return false;
}

bool race_exact(struct race *race, unsigned int slot, const uint8_t *found,
		const char *what)
{
	struct race_slot *state = &race->slots[slot];
	unsigned int gen = load(&state->done);
	bool hole = state->punched == gen;
	size_t at;

	for (at = 0; at < RACE_SLOT; at += sizeof(struct crossbar_cell)) {
		struct crossbar_cell cell, want;

		memcpy(&cell, found + at, sizeof(cell));
		want = crossbar_cell_make(slot * RACE_SLOT + at,
					  race->mapped.file->id, (uint16_t)gen);
		if (hole)
			memset(&want, 0, sizeof(want));
		if (memcmp(&cell, &want, sizeof(cell)))
			return lost(race, slot, at, &cell, gen, gen, what);
	}
	return true;
}

unsigned int race_before(struct race *race, unsigned int slot)
{
	return load(&race->slots[slot].done);
}

/*
 * A cell is written and read in words of 8 bytes at least: the offset, then all else.
 * Each word is of a generation in between.
 */
bool race_between(struct race *race, unsigned int slot, unsigned int before,
		  const uint8_t *found, const char *what)
{
	struct race_slot *state = &race->slots[slot];
	unsigned int last = load(&state->begun);
	bool hole = load(&state->punched) >= before && state->punched;
	uint16_t file = race->mapped.file->id;
	size_t at;

	for (at = 0; at < RACE_SLOT; at += sizeof(struct crossbar_cell)) {
		uint64_t offset = slot * RACE_SLOT + at, words[2];
		struct crossbar_cell cell, want;
		bool ok;

		memcpy(&cell, found + at, sizeof(cell));
		memcpy(words, found + at, sizeof(words));
		want = crossbar_cell_make(offset, cell.file, cell.generation);
		ok = cell.offset == offset || (hole && !words[0]);
		ok = ok && ((hole && !words[1]) ||
			    (cell.file == file && cell.check == want.check &&
			     cell.generation >= before &&
			     cell.generation <= last));
		if (!ok)
			return lost(race, slot, at, &cell, before, last, what);
	}
	return true;
}
