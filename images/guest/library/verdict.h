/* SPDX-License-Identifier: GPL-2.0-only */
/* How a case ends. */
#ifndef LIBRARY_VERDICT_H
#define LIBRARY_VERDICT_H

#include <stdbool.h>

#include "compiler.h"

enum verdict_claim {
	VERDICT_NONE,
	VERDICT_SKIPPED,
	VERDICT_FAILED,
};

/*
 * struct verdict - what is known of a running case; zeroed: nothing against it
 * @claim:   whose reason it is: a failure's goes before a skip's, then the first
 *           one wins, also among threads, and among processes if the verdict
 *           is in shared memory
 * @failed:  @reason says why
 * @skipped: @reason says why
 */
struct verdict {
	unsigned int claim;
	bool failed;
	bool skipped;
	char reason[256];
};

/* Ends the case: failed, or skipped when @failed is false. */
void verdict_end(struct verdict *verdict, bool failed, const char *format, ...)
	__printf(3, 4);

#endif /* LIBRARY_VERDICT_H */
