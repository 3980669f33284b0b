// SPDX-License-Identifier: GPL-2.0-only
/*
 * A suite: its plan, and the frame around each case.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/mman.h>

#include "area.h"
#include "engine.h"
#include "file.h"
#include "path.h"
#include "report.h"
#include "signals.h"
#include "suite.h"

/* Bytes of the stack that a case may have. */
#define STACK	MIB(1)

/* A case of this command line, GPU and volume as indices into the options. */
struct planned {
	const struct recipe *recipe;
	unsigned int gpu, volume;
	bool on_volume;
	enum place place;
	enum claim claim;
	char name[80];
};

struct plan {
	struct planned *cases;
	unsigned int count;
};

static void plan_add(struct plan *plan, const struct options *options,
		     struct planned planned)
{
	const char *volume = options->common.volumes[planned.volume].id;
	const struct recipe *recipe = planned.recipe;

	if (recipe->fstype &&
	    strcmp(recipe->fstype,
		   options->common.volumes[planned.volume].fstype))
		return;
	snprintf(planned.name, sizeof(planned.name), "%s.%s%s%s%s%s",
		 options->gpus[planned.gpu].id, planned.on_volume ? volume : "",
		 planned.on_volume ? "." : "", recipe->name,
		 recipe->places ? "-" : "",
		 recipe->places ? place_name(planned.place) : "");
	planned.claim = recipe->claim;
	if (recipe->places && planned.place == PLACE_VIDEO &&
	    planned.claim == CLAIM_MEMORY)
		planned.claim = CLAIM_VIDEO;
	if (!arguments_choose(&options->common, planned.name))
		return;
	plan->cases = realloc(plan->cases,
			      (plan->count + 1) * sizeof(*plan->cases));
	if (!plan->cases)
		abort();
	plan->cases[plan->count++] = planned;
}

/* On each volume if it is to be on one, else once. */
static void plan_volumes(struct plan *plan, const struct options *options,
			 struct planned planned)
{
	unsigned int count = planned.on_volume ? options->common.volume_count : 1;

	for (planned.volume = 0; planned.volume < count; planned.volume++)
		plan_add(plan, options, planned);
}

static void plan_recipe(struct plan *plan, const struct options *options,
			struct planned planned)
{
	if (!planned.recipe->places) {
		planned.on_volume = planned.recipe->volume;
		plan_volumes(plan, options, planned);
		return;
	}
	for (planned.place = 0; planned.place < PLACES; planned.place++) {
		planned.on_volume = planned.place >= PLACES_ANYWHERE;
		plan_volumes(plan, options, planned);
	}
}

static void plan_gpu(struct plan *plan, const struct options *options,
		     unsigned int gpu, bool last)
{
	const struct suite *suite = suite_find(options->common.suite);
	struct planned planned = { .gpu = gpu };
	unsigned int i, j;

	for (i = 0; i < suite->count; i++) {
		for (j = 0; j < suite->groups[i]->count; j++) {
			planned.recipe = &suite->groups[i]->recipe[j];
			if (planned.recipe->last == last)
				plan_recipe(plan, options, planned);
		}
	}
}

/* The caller frees the cases. */
static struct plan make_plan(const struct options *options)
{
	struct plan plan = { NULL, 0 };
	unsigned int gpu;

	for (gpu = 0; gpu < options->gpu_count; gpu++)
		plan_gpu(&plan, options, gpu, false);
	for (gpu = 0; gpu < options->gpu_count; gpu++)
		plan_gpu(&plan, options, gpu, true);
	return plan;
}

bool test_has_round(struct test *test, unsigned int done)
{
	unsigned int rounds = test->options->rounds;

	if (done >= rounds || stop_signal)
		return false;
	report_progress(test->name, done, rounds, "rounds");
	return true;
}

int suite_list(const struct options *options)
{
	struct plan plan = make_plan(options);
	unsigned int i;

	for (i = 0; i < plan.count; i++)
		puts(plan.cases[i].name);
	free(plan.cases);
	return EXIT_ALL_OK;
}

static void run_recipe(struct test *test)
{
	uint8_t stack[STACK] __aligned(4096);

	if (test->recipe->host && !test->options->common.host) {
		test_skip(test, "it needs a host that listens");
		return;
	}
	test->stack = stack;
	test->stack_left = sizeof(stack);
	/* A last case may find a GPU that an earlier one left without driver. */
	if (!ivgpu_open(&test->gpu, test->address, &test->totals)) {
		test_fail(test, "cannot open the GPU at %s: %s", test->address,
			  strerror(errno));
		return;
	}
	test->recipe->run(test);
	if (test->injected)
		engine_inject(test, "none");
	ivgpu_close(&test->gpu);
}

static void run_test(struct test *test, const struct gpu_option *gpu)
{
	report_case(test->n, test->name, test->volume ? test->volume->id : "",
		    gpu->id, "gpu");
	path_choose(test);
	if (engine_begin(test) && path_exists(test))
		run_recipe(test);
	engine_end(test);
	if (stop_signal)
		test_fail(test, "interrupted");
	report_verdict(test->n, test->name, &test->verdict);
}

/* The same for each run of a case, whatever else runs. */
static uint64_t seed_of(const struct options *options, const char *name)
{
	struct random random = { options->seed };

	for (; *name; name++)
		random.state = random_next(&random) ^ (uint8_t)*name;
	return random_next(&random);
}

static int run_plan(const struct options *options, const struct plan *plan,
		    struct volume *volumes, struct test *test)
{
	bool all_ok = true;
	unsigned int i;

	report_plan(plan->count, options->common.suite);
	for (i = 0; i < plan->count && !stop_signal; i++) {
		const struct planned *planned = &plan->cases[i];
		const struct gpu_option *gpu = &options->gpus[planned->gpu];

		*test = (struct test){
			.options = options,
			.suite = suite_find(options->common.suite),
			.recipe = planned->recipe,
			.volume = planned->on_volume ?
				  &volumes[planned->volume] : NULL,
			.volumes = volumes,
			.place = planned->place,
			.claim = planned->claim,
			.address = gpu->address,
			.gpu = { .fd = -1 },
			.random = { seed_of(options, planned->name) },
			.n = i + 1,
		};
		memcpy(test->name, planned->name, sizeof(test->name));
		run_test(test, gpu);
		all_ok &= !test->verdict.failed;
	}
	if (stop_signal) {
		report_bail_out("interrupted by signal %d", stop_signal);
		return 128 + stop_signal;
	}
	if (!report_files(volumes, options->common.volume_count))
		return EXIT_UNSURE;
	return all_ok ? EXIT_ALL_OK : EXIT_NOT_OK;
}

int suite_run(const struct options *options, struct volume *volumes)
{
	struct test *test = mmap(NULL, sizeof(*test), PROT_READ | PROT_WRITE,
				 MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	struct plan plan;
	int code;

	if (test == MAP_FAILED)
		abort();
	plan = make_plan(options);
	code = run_plan(options, &plan, volumes, test);
	free(plan.cases);
	munmap(test, sizeof(*test));
	return code;
}
