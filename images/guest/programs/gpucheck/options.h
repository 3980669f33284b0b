/* SPDX-License-Identifier: GPL-2.0-only */
/* The command line. */
#ifndef GPUCHECK_OPTIONS_H
#define GPUCHECK_OPTIONS_H

#include <stdint.h>

#include "arguments.h"

#define OPTIONS_GPUS	8

struct gpu_option {
	char id[ID_LENGTH + 1];
	char address[ADDRESS_LENGTH];
};

/*
 * struct options - what to do
 * @rounds:  of each race
 * @seconds: of the soak
 * @seed:    of everything that is random
 */
struct options {
	struct arguments common;
	struct gpu_option gpus[OPTIONS_GPUS];
	unsigned int gpu_count;
	unsigned int rounds;
	unsigned int seconds;
	uint64_t seed;
};

/*
 * Fills @options. Returns -1 to go on, or the code to exit with, after --help
 * or a message that says what is wrong.
 */
int options_parse(struct options *options, int argc, char **argv);

#endif /* GPUCHECK_OPTIONS_H */
