/* SPDX-License-Identifier: GPL-2.0-only */
/* The command line. */
#ifndef GPUCHECK_OPTIONS_H
#define GPUCHECK_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

#include "arguments.h"
#include "crossbar_gpu.h"

#define OPTIONS_GPUS	8
#define OPTIONS_DIRECT	16

struct gpu_option {
	char id[ID_LENGTH + 1];
	char address[ADDRESS_LENGTH];
};

/*
 * struct options - what to do
 * @direct:   ids of controllers whose BAR the GPUs can reach
 * @path:     the way to the blocks of files
 * @rounds:   of each race
 * @seconds:  of the soak
 * @seed:     of everything that is random
 * @sabotage: cases that claim the BAR use the page cache, to see that the host
 *            notices
 */
struct options {
	struct arguments common;
	struct gpu_option gpus[OPTIONS_GPUS];
	unsigned int gpu_count;
	char direct[OPTIONS_DIRECT][ID_LENGTH + 1];
	unsigned int direct_count;
	enum ivgpu_path path;
	unsigned int rounds;
	unsigned int seconds;
	uint64_t seed;
	bool sabotage;
};

/* Whether the GPUs can reach the BAR of the controller below a volume. */
bool options_reach(const struct options *options,
		   const struct volume_option *volume);

/*
 * Fills @options. Returns -1 to go on, or the code to exit with, after --help
 * or a message that says what is wrong.
 */
int options_parse(struct options *options, int argc, char **argv);

#endif /* GPUCHECK_OPTIONS_H */
