/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A case moves its bytes twice: directly, then through the page cache. Each of
 * these phases is bracketed by markers and ends with one report line.
 */
#ifndef P2PCHECK_PHASE_H
#define P2PCHECK_PHASE_H

#include <stdbool.h>
#include <stdint.h>

#include "content.h"
#include "file.h"
#include "transfer.h"

enum phase {
	PHASE_DIRECT,
	PHASE_FALLBACK,
	PHASES,
};

/* Disk runs that a phase had to move. */
struct phase_transfer {
	bool write;
	uint32_t nsid;
	struct extents extents;
};

/*
 * struct phase_result - what came of a phase
 * @error: errno of the first refused or failed transfer, or 0
 * @bytes: bytes of the file that were moved
 * @ns:    nanoseconds in transfers and fsync(), not in checks
 */
struct phase_result {
	enum phase phase;
	int error;
	uint64_t bytes;
	uint64_t ns;
	unsigned int transfers;
	struct phase_transfer transfer[2];
	struct mismatch mismatch;
};

struct test;

static inline const char *phase_name(enum phase phase)
{
	return phase == PHASE_DIRECT ? "direct" : "fallback";
}

/* Empties the result and marks the start. False if it cannot begin. */
bool phase_begin(struct test *test, struct phase_result *result,
		 enum phase phase);
bool phase_end(struct test *test, const struct phase_result *result);

/* Reports the phase and lets the case fail if it has to. */
void phase_finish(struct test *test, const struct phase_result *result);

/*
 * Moves bytes by the phase's path and adds them to the result.
 * False if that was refused or failed.
 */
bool phase_move(struct test *test, struct phase_result *result,
		struct file *file, bool write, uint8_t *memory, uint64_t off,
		size_t len);

/* fsync() as a part of the phase. False if it failed. */
bool phase_sync(struct phase_result *result, struct file *file);

/* Notes which disk blocks a phase without error has moved. */
bool phase_note_extents(struct test *test, struct phase_result *result,
			struct file *file, bool write, uint64_t off,
			uint64_t len);

/* Has the host look at what lies at @memory now, if it can see this peer. */
bool phase_inspect(struct test *test, const struct phase_result *result,
		   const uint8_t *memory, const struct content *content);

#endif /* P2PCHECK_PHASE_H */
