/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The file that the suite power-cut has on each volume: slots of golden cells. Each
 * write is of a whole slot and has the slot's next generation, so that every block
 * says after a power cut which write it is of.
 */
#ifndef GPUCHECK_CUT_SLOTS_H
#define GPUCHECK_CUT_SLOTS_H

#include "suite.h"

#define SLOTS		OPTIONS_SLOTS
#define SLOT_SIZE	((size_t)KIB(64))
#define SLOTS_SIZE	(SLOTS * SLOT_SIZE)

/* What is written at once or not at all, whatever happens. */
#define SLOT_BLOCK	512U

/*
 * struct slots - the file of a volume
 * @fd:         -1 while it is closed
 * @id:         of its cells
 * @generation: that each slot has, or gets by the write under way
 * @known:      each slot was seen to have it
 */
struct slots {
	int fd;
	uint16_t id;
	uint16_t generation[SLOTS];
	bool known;
};

/* The file of the test's volume, or of one of all. */
struct slots *slots_of(const struct test *test, const struct volume *volume);

/* Both say what is wrong. False after test_fail(). */
bool slots_open(struct test *test, const struct volume *volume, int flags);
void slots_close(struct slots *slots);

/* Tells the host that a slot's generation is durable from now on. */
void slots_acknowledge(const struct test *test, const struct volume *volume,
		       unsigned int slot);

/* The case that looks what is left, or makes the file in a guest's first life. */
void slots_verify(struct test *test);

#endif /* GPUCHECK_CUT_SLOTS_H */
