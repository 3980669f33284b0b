/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A file that everybody works on at once, and still knows what it has to hold: each
 * slot of it has one owner, who alone changes it. An owner finds exactly what it wrote
 * last. Others find cells of generations between the last one that was complete when
 * they began to look and the last one that had begun when they had looked.
 */
#ifndef GPUCHECK_MAP_RACE_H
#define GPUCHECK_MAP_RACE_H

#include "map_file.h"
#include "suite.h"

#define RACE_OWNERS	3
#define RACE_SLOTS	12
#define RACE_SLOT	((size_t)KIB(8))

/* Behind the slots, a tail that grows and shrinks. */
#define RACE_TAIL	((size_t)KIB(32))
#define RACE_BODY	(RACE_SLOTS * RACE_SLOT)
#define RACE_SIZE	(RACE_BODY + RACE_TAIL)

/* What takes part, beside owners that write and read by the GPU. */
enum race_part {
	RACE_CACHE = 1,		/* the page cache: read(2), loads, stores, write(2) */
	RACE_DIO = 2,		/* O_DIRECT */
	RACE_PUNCH = 4,		/* holes in slots */
	RACE_TRUNCATE = 8,	/* the tail */
	RACE_REFLINK = 16,	/* clones, on XFS */
	RACE_REVOKE = 32,	/* the controller takes all of it back */
};

/*
 * struct race_slot - what is known of a slot
 * @begun:   generation that its owner has begun to write
 * @done:    generation that is complete
 * @punched: last generation that was a hole, 0 if none was
 */
struct race_slot {
	unsigned int begun;
	unsigned int done;
	unsigned int punched;
};

#define RACE_PARTS	6

/*
 * struct race - a file that everybody works on
 * @mapped:  the file
 * @taker:   a file that takes the blocks that a cut of the tail has freed
 * @parts:   enum race_part, which take part
 * @counts:  how often each part was really there, by its bit
 * @slots:   what is known of them
 * @working: owners that are at work
 * @lost:    pages that were taken back from devices while they were at work
 * @given:   those of them that the owners gave back by themselves, at most
 */
struct race {
	struct test *test;
	struct mapped mapped;
	struct file *taker;
	unsigned int parts;
	unsigned int counts[RACE_PARTS];
	struct race_slot slots[RACE_SLOTS];
	unsigned int working;
	uint64_t lost;
	uint64_t given;
};

/*
 * struct racer - a thread with an address space of its own
 * @from: video memory that the GPU writes from
 * @to:   and reads to, as long as all slots
 * @copy: memory for the CPU, aligned for O_DIRECT
 */
struct racer {
	struct race *race;
	unsigned int n;
	struct ivgpu gpu;
	struct random random;
	uint8_t *from;
	uint8_t *to;
	uint8_t *copy;
};

/* A part was there once more. */
void race_count(struct race *race, enum race_part part);

/* Pages that were taken back from devices so far, 0 without any. False after test_fail(). */
bool race_revoked(struct race *race, uint64_t *pages);

/* On the disk, if it has been written. False after test_fail(). */
bool race_taker_is_whole(struct race *race);

/* The bodies of threads, with a struct racer. */
void *race_own(void *context);
void *race_look(void *context);
void *race_truncate(void *context);

/*
 * What an owner, or anyone when all is quiet, finds in a slot: what was written last.
 * False after test_fail().
 */
bool race_exact(struct race *race, unsigned int slot, const uint8_t *found,
		const char *what);

/* Before and after somebody else looks, who was told @found. */
unsigned int race_before(struct race *race, unsigned int slot);
bool race_between(struct race *race, unsigned int slot, unsigned int before,
		  const uint8_t *found, const char *what);

#endif /* GPUCHECK_MAP_RACE_H */
