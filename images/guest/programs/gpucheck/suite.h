/* SPDX-License-Identifier: GPL-2.0-only */
/* The cases: what there is to do for each GPU, and for each volume. */
#ifndef GPUCHECK_SUITE_H
#define GPUCHECK_SUITE_H

#include <stdbool.h>
#include <stdint.h>

#include "compiler.h"
#include "ivgpu.h"
#include "options.h"
#include "random.h"
#include "units.h"
#include "verdict.h"
#include "volume.h"

#define PAGE		4096U

static inline size_t whole_pages(size_t size)
{
	return (size + PAGE - 1) / PAGE * PAGE;
}

/* What any wait may take: far longer than the driver's own time-out. */
#define WAIT_NS		(60 * NS_PER_S)

/* What the host holds the engine's accesses against. */
enum claim {
	CLAIM_MIXED,		/* nothing */
	CLAIM_MEMORY,		/* system memory only, files' data too */
	CLAIM_VIDEO,		/* video memory only */
	CLAIM_DIRECT,		/* files' data in their controller's BAR only */
};

/* A kind of memory. */
enum place {
	PLACE_ANONYMOUS,	/* private */
	PLACE_STACK,
	PLACE_HEAP,
	PLACE_VIDEO,
	PLACE_SHARED,		/* anonymous, shared */
	PLACE_TMPFS_SHARED,
	PLACE_TMPFS_PRIVATE,
	PLACE_FILE_SHARED,	/* of the case's volume */
	PLACE_FILE_PRIVATE,
	PLACES,
};

/* Places that need no volume come first. */
#define PLACES_ANYWHERE	PLACE_FILE_SHARED

struct test;

/*
 * struct recipe - a case for any GPU
 * @claim:    with @places, video memory's own case claims CLAIM_VIDEO instead of
 *            CLAIM_MEMORY
 * @argument: to @run, through test->recipe
 * @places:   one case for each place, and for each volume those that it has
 * @volume:   one case for each volume, instead of a single one
 * @fstype:   of the volumes that it is for, or NULL
 * @bar:      KiB of the controller's BAR that it needs to be all direct, if that is
 *            more than BAR_KIB
 * @host:     it needs a host that listens, else it is skipped
 * @last:     it runs after all others, of all GPUs
 * @departs:  the controller leaves, so that nothing can be claimed
 * @all:      it is about the files of all volumes at once
 */
struct recipe {
	const char *name;
	void (*run)(struct test *test);
	enum claim claim;
	unsigned int argument;
	bool places;
	bool volume;
	const char *fstype;
	unsigned int bar;
	bool host;
	bool last;
	bool departs;
	bool all;
};

/* KiB of a controller's BAR that any case may take for granted. */
#define BAR_KIB		1024

struct recipes {
	const struct recipe *recipe;
	unsigned int count;
};

extern const struct recipes atomic_recipes, command_recipes, control_recipes,
	disk_race_recipes, fault_recipes, file_recipes, fork_recipes,
	inject_recipes, ioctl_recipes, mapping_recipes, module_recipes,
	peer_memory_recipes, pressure_recipes, private_recipes, process_recipes,
	race_recipes, reset_recipes, shrink_recipes, soak_recipes, space_recipes,
	table_recipes, unbind_recipes, video_recipes, wait_recipes,
	write_recipes;

extern const struct recipes map_again_recipes, map_clone_recipes,
	map_durable_recipes, map_end_recipes, map_error_recipes,
	map_layout_recipes, map_leave_recipes, map_remove_recipes,
	map_life_recipes, map_mounts_recipes, map_move_recipes,
	map_exchange_recipes, map_flags_recipes,
	map_one_owner_recipes, map_pinned_recipes, map_race_recipes,
	map_read_recipes, map_refuse_recipes,
	map_rights_recipes, map_running_recipes, map_share_recipes,
	map_shutdown_recipes,
	map_swap_recipes, map_tail_recipes, map_write_recipes;

extern const struct recipes cut_recipes;

/*
 * struct suite - cases that are run together
 * @groups: of recipes, @count of them, in this order
 * @paths:  it is about the ways to the blocks of files: its cases claim one
 * @whole:  the host takes a controller's log as a whole, not case by case
 */
struct suite {
	const char *name;
	const struct recipes *const *groups;
	unsigned int count;
	bool paths;
	bool whole;
};

/* NULL at the end. */
extern const char *const suite_names[];

const struct suite *suite_find(const char *name);

/*
 * struct test - a case that is running, in memory that its processes share
 * @suite:    that it is part of
 * @volume:   NULL unless the recipe asks for one
 * @volumes:  all of them, as many as the options have
 * @path:     of address spaces that are opened
 * @direct:   the volume's blocks have to be mapped in its controller's BAR, unless
 *            the case itself is in the way
 * @serial:   of the controller that CLAIM_DIRECT names
 * @place:    if the recipe is for places
 * @gpu:      an address space for the case, open while it runs
 * @address:  PCI address of the GPU
 * @random:   seeded from the options and the case's name
 * @injected: switches of the engine are set
 * @leaves:   there is a file that the host compares with the raw image
 * @stack:    a part of the main thread's stack that the case may have
 */
struct test {
	const struct options *options;
	const struct suite *suite;
	const struct recipe *recipe;
	struct volume *volume;
	struct volume *volumes;
	enum place place;
	enum claim claim;
	const char *serial;
	enum ivgpu_path path;
	bool direct;
	const char *address;
	struct ivgpu gpu;
	struct ivgpu_totals totals;
	struct random random;
	unsigned int n;
	char name[80];
	bool injected;
	bool leaves;
	uint8_t *stack;
	size_t stack_left;
	struct verdict verdict;
};

#define test_fail(test, ...)	verdict_end(&(test)->verdict, true, __VA_ARGS__)
#define test_skip(test, ...)	verdict_end(&(test)->verdict, false, __VA_ARGS__)

/* The condition; the case has failed when it is false. */
#define test_check(test, condition, ...) \
	((condition) ? true : (test_fail(test, __VA_ARGS__), false))

/* Whether a race has another round after @done of them; now and then, tells. */
bool test_has_round(struct test *test, unsigned int done);

/* Prints names, or runs everything. Both return the program's exit code. */
int suite_list(const struct options *options);
int suite_run(const struct options *options, struct volume *volumes);

#endif /* GPUCHECK_SUITE_H */
