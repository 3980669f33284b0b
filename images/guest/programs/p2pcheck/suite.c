// SPDX-License-Identifier: GPL-2.0-only
/*
 * The suite p2pdma: for each volume and peer, reads, writes and copies.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "report.h"
#include "signals.h"
#include "suite.h"

static void sabotage(const struct test *test)
{
	int fd;

	if (test->n != 3)
		return;
	switch (test->options->sabotage) {
	case SABOTAGE_HANG:
		for (;;)
			pause();
	case SABOTAGE_PANIC:
		fd = open("/proc/sysrq-trigger", O_WRONLY);
		if (fd < 0 || write(fd, "c", 1) != 1)
			report_bail_out("cannot panic the kernel: %s",
					strerror(errno));
		break;
	case SABOTAGE_EXIT:
		_exit(7);
	default:
		break;
	}
}

static const char *op_name(enum op op)
{
	return op == OP_READ ? "read" : op == OP_WRITE ? "write" : "copy";
}

static void run_op(struct test *test)
{
	switch (test->recipe->op) {
	case OP_READ:
		run_read(test);
		break;
	case OP_WRITE:
		run_write(test);
		break;
	case OP_COPY:
		run_copy(test);
		break;
	}
}

static void run_test(struct test *test)
{
	report_case(test->n, test->name, test->volume->id, test->peer->id,
		    op_name(test->recipe->op));
	sabotage(test);
	if (!test->verdict.skipped)
		run_op(test);
	if (stop_signal)
		test_fail(test, "interrupted");
	report_verdict(test->n, test->name, &test->verdict);
}

/* A case of this command line, volumes and peer as indices into the options. */
struct planned {
	const struct recipe *recipe;
	unsigned int volume, peer, target;
	char name[80];
};

struct plan {
	struct planned *cases;
	unsigned int count;
};

static void plan_add(struct plan *plan, const struct options *options,
		     struct planned planned)
{
	bool copy_away = planned.target != planned.volume;

	snprintf(planned.name, sizeof(planned.name), "%s.%s.%s%s%s",
		 options->common.volumes[planned.volume].id,
		 options->common.peers[planned.peer].id, planned.recipe->name,
		 copy_away ? "-to-" : "",
		 copy_away ? options->common.volumes[planned.target].id : "");
	if (arguments_choose(&options->common, planned.name))
		plan->cases[plan->count++] = planned;
}

/* A volume's controller is named by its serial number. */
static bool is_controller(const struct options *options, unsigned int peer)
{
	unsigned int i;

	for (i = 0; i < options->common.volume_count; i++)
		if (!strcmp(options->common.volumes[i].serial, options->common.peers[peer].id))
			return true;
	return false;
}

/* Every recipe for each volume and peer; a copy also to every other volume. */
static void plan_pair(struct plan *plan, const struct options *options,
		      unsigned int volume, unsigned int peer)
{
	struct planned planned = { .volume = volume, .peer = peer };
	unsigned int i, target;

	for (i = 0; i < recipe_count; i++) {
		planned.recipe = &recipes[i];
		if (planned.recipe->big && volume && is_controller(options, peer))
			continue;
		planned.target = volume;
		plan_add(plan, options, planned);
		if (planned.recipe->op != OP_COPY)
			continue;
		for (target = 0; target < options->common.volume_count; target++) {
			planned.target = target;
			if (target != volume)
				plan_add(plan, options, planned);
		}
	}
}

/* The caller frees the cases. */
static struct plan make_plan(const struct options *options)
{
	size_t each = recipe_count * options->common.volume_count;
	struct plan plan = { NULL, 0 };
	unsigned int volume, peer;

	plan.cases = calloc(each * options->common.volume_count *
			    options->common.peer_count, sizeof(*plan.cases));
	if (!plan.cases)
		abort();
	for (volume = 0; volume < options->common.volume_count; volume++)
		for (peer = 0; peer < options->common.peer_count; peer++)
			plan_pair(&plan, options, volume, peer);
	return plan;
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

static int run_plan(const struct options *options, const struct plan *plan,
		    struct volume *volumes, struct peer *peers)
{
	/* The first case of a volume and a peer that found wrong bytes. */
	const char *corrupt[ARGUMENTS_VOLUMES][ARGUMENTS_PEERS] = { 0 };
	bool all_ok = true;
	unsigned int i;

	report_plan(plan->count, options->common.suite);
	for (i = 0; i < plan->count && !stop_signal; i++) {
		const struct planned *planned = &plan->cases[i];
		const char **first = &corrupt[planned->volume][planned->peer];
		struct test test = {
			.options = options,
			.recipe = planned->recipe,
			.volume = &volumes[planned->volume],
			.target = &volumes[planned->target],
			.peer = &peers[planned->peer],
			.n = i + 1,
		};

		memcpy(test.name, planned->name, sizeof(test.name));
		/*
		 * Under an IOMMU that faults, 1 MiB takes a second, and every
		 * word of it leaves a line in the emulator's log.
		 */
		if (*first && planned->recipe->len >= MIB(1))
			test_skip(&test, "direct transfers move wrong bytes, see %s",
				  *first);
		run_test(&test);
		all_ok &= !test.verdict.failed;
		if (test.corrupts && !*first)
			*first = planned->name;
	}
	if (stop_signal) {
		report_bail_out("interrupted by signal %d", stop_signal);
		return 128 + stop_signal;
	}
	if (!report_files(volumes, options->common.volume_count))
		return EXIT_UNSURE;
	return all_ok ? EXIT_ALL_OK : EXIT_NOT_OK;
}

int suite_run(const struct options *options, struct volume *volumes,
	      struct peer *peers)
{
	struct plan plan = make_plan(options);
	int code = run_plan(options, &plan, volumes, peers);

	free(plan.cases);
	return code;
}
