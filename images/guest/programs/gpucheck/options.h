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

/* Parts of the file that the suite power-cut writes on each volume. */
#define OPTIONS_SLOTS	16

struct gpu_option {
	char id[ID_LENGTH + 1];
	char address[ADDRESS_LENGTH];
};

/* What is done wrong on purpose, to see that the host notices. */
enum sabotage {
	SABOTAGE_NONE,
	SABOTAGE_FALLBACK_AS_DIRECT,	/* claim the BAR, use the page cache */
	SABOTAGE_EARLY_ACKNOWLEDGMENT,	/* first tell that it is durable */
};

/* What the host has heard of a volume's slots before the power was cut. */
struct acknowledged {
	char volume[ID_LENGTH + 1];
	uint16_t generation[OPTIONS_SLOTS];
};

/*
 * struct options - what to do
 * @direct:   ids of controllers whose BAR the GPUs can reach
 * @path:     the way to the blocks of files
 * @rounds:   of each race
 * @seconds:  of the soak
 * @seed:     of everything that is random
 * @acknowledged: by volume; none in the first life of a guest
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
	struct acknowledged acknowledged[ARGUMENTS_VOLUMES];
	unsigned int acknowledged_count;
	enum sabotage sabotage;
};

/* Whether the GPUs can reach the BAR of the controller below a volume. */
bool options_reach(const struct options *options,
		   const struct volume_option *volume);

/* What is known of a volume from the lives before, or NULL. */
const struct acknowledged *
options_acknowledged(const struct options *options, const char *volume);

/*
 * Fills @options. Returns -1 to go on, or the code to exit with, after --help
 * or a message that says what is wrong.
 */
int options_parse(struct options *options, int argc, char **argv);

#endif /* GPUCHECK_OPTIONS_H */
