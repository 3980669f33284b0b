/* SPDX-License-Identifier: GPL-2.0-only */
/* The command line. */
#ifndef P2PCHECK_OPTIONS_H
#define P2PCHECK_OPTIONS_H

#include "arguments.h"

/* What the harness's own tests do to prove that a lie is caught. */
enum sabotage {
	SABOTAGE_NONE,
	SABOTAGE_FALLBACK_AS_DIRECT,
	SABOTAGE_FLIP_BYTE,
	SABOTAGE_FLIP_UNSEEN,
	SABOTAGE_STALE_WRITE,
	SABOTAGE_HANG,
	SABOTAGE_PANIC,
	SABOTAGE_EXIT,
};

struct options {
	struct arguments common;
	enum sabotage sabotage;
};

/*
 * Fills @options. Returns -1 to go on, or the code to exit with, after --help
 * or a message that says what is wrong.
 */
int options_parse(struct options *options, int argc, char **argv);

#endif /* P2PCHECK_OPTIONS_H */
