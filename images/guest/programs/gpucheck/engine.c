// SPDX-License-Identifier: GPL-2.0-only
/*
 * Commands with the checks that go with them, and what the host is told.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "engine.h"
#include "report.h"
#include "signals.h"

static const char *const claims[] = {
	[CLAIM_MIXED] = "mixed",
	[CLAIM_MEMORY] = "memory",
	[CLAIM_VIDEO] = "video",
	[CLAIM_DIRECT] = "direct:",
};

/* So many that chance is no excuse. */
#define MANY_ENCOUNTERS	20

/* Of so many, one at least has to disturb the engine at work. */
#define FEW_OF		40

/* Of the pauses before disturbances, in nanoseconds. */
#define FIRST_SPAN	(2 * NS_PER_MS)
#define LONGEST_SPAN	(100 * NS_PER_MS)
/* To fall asleep and wake up takes longer than this. */
#define SHORTEST_PAUSE	10000

/* The marker that brackets a case in the controller's log (volume_mark()). */
#define PHASE_GPU	2

/*
 * What the case's controller does from now on, or did until now, belongs to the
 * case. One that left has to be back by now.
 */
static bool mark(struct test *test, bool end)
{
	if (!test->suite->paths || test->suite->whole || !test->volume)
		return true;
	if (!end && syncfs(test->volume->directory)) {
		test_fail(test, "cannot sync volume %s: %s", test->volume->id,
			  strerror(errno));
		return false;
	}
	return test_check(test, volume_mark(test->volume, test->n, PHASE_GPU, end),
			  "the controller of volume %s takes no marks: %s",
			  test->volume->id, strerror(errno));
}

static bool ask(struct test *test)
{
	if (report_ask(test->options->common.host))
		return true;
	if (stop_signal)
		test_fail(test, "interrupted");
	else
		test_fail(test, "no `go` came from the host, which has %d s for it",
			  HOST_SECONDS);
	return false;
}

bool engine_begin(struct test *test)
{
	bool ok = mark(test, false);

	report_add("# xbar {\"t\":\"gpu\",\"n\":%u,\"edge\":\"begin\"", test->n);
	report_add(",\"claim\":\"%s%s\"}", claims[test->claim],
		   test->claim == CLAIM_DIRECT ? test->serial : "");
	return ask(test) && ok;
}

bool engine_end(struct test *test)
{
	const struct ivgpu_totals *totals = &test->totals;
	bool ok = mark(test, true);

	report_add("# xbar {\"t\":\"gpu\",\"n\":%u,\"edge\":\"end\"", test->n);
	report_add(",\"commands\":%" PRIu64 ",\"bytes\":%" PRIu64,
		   totals->commands, totals->bytes);
	report_add(",\"faults\":%" PRIu64 ",\"aborts\":%" PRIu64,
		   totals->faults, totals->aborts);
	if (test->suite->paths)
		report_add(",\"direct\":%" PRIu64 ",\"fallback\":%" PRIu64
			   ",\"refusals\":%" PRIu64, totals->direct,
			   totals->fallback, totals->refusals);
	report_add(",\"leaves\":%s}", test->leaves ? "true" : "false");
	return ask(test) && ok;
}

bool engine_inject(struct test *test, const char *switches)
{
	report_add("# xbar {\"t\":\"inject\",\"n\":%u,\"switches\":\"%s\"}",
		   test->n, switches);
	test->injected = strcmp(switches, "none");
	return ask(test);
}

/* The driver allows a delay its time, and more. */
struct crossbar_gpu_command engine_held(void)
{
	return gpu_delay(CROSSBAR_GPU_DELAY_MAX);
}

bool engine_hold(struct test *test)
{
	return engine_inject(test, "hold-delay");
}

bool engine_release(struct test *test)
{
	return engine_inject(test, "none");
}

bool engine_is_held(struct test *test, uint64_t fence)
{
	struct crossbar_gpu_result result;

	return test_check(test, !ivgpu_wait(&test->gpu, fence, 0, &result) &&
			  errno == ETIMEDOUT,
			  "the delay has ended while it was held");
}

const char *error_name(unsigned int error)
{
	const char *name = error ? strerrorname_np((int)error) : "success";

	return name ? name : "an unknown error";
}

/* Commands that end without an error have done all of their bytes. */
static bool check_result(struct test *test, uint32_t opcode, uint64_t length,
			 const struct crossbar_gpu_result *result,
			 const char *what)
{
	if (result->status) {
		test_fail(test, "%s: the command ended with %s (%s) after %" PRIu64
			  " bytes", what, error_name(result->status),
			  strerror((int)result->status), result->bytes);
		return false;
	}
	if (opcode != CROSSBAR_GPU_COPY && opcode != CROSSBAR_GPU_FILL &&
	    opcode != CROSSBAR_GPU_CRC32C)
		return true;
	return test_check(test, result->bytes == length,
			  "%s: success after %" PRIu64 " of %" PRIu64 " bytes",
			  what, result->bytes, length);
}

bool engine_run_on(struct test *test, struct ivgpu *gpu,
		   struct crossbar_gpu_command command,
		   struct crossbar_gpu_result *result, const char *what)
{
	struct crossbar_gpu_result own;

	if (!result)
		result = &own;
	return test_check(test, ivgpu_run(gpu, command, WAIT_NS, result),
			  "%s: cannot run the command: %s", what,
			  strerror(errno)) &&
	       check_result(test, command.opcode, command.length, result, what);
}

bool engine_run(struct test *test, struct crossbar_gpu_command command,
		struct crossbar_gpu_result *result, const char *what)
{
	return engine_run_on(test, &test->gpu, command, result, what);
}

bool engine_try(struct test *test, struct crossbar_gpu_command command,
		struct crossbar_gpu_result *result, const char *what)
{
	return test_check(test, ivgpu_run(&test->gpu, command, WAIT_NS, result),
			  "%s: cannot run the command: %s", what,
			  strerror(errno));
}

bool engine_refuses(struct test *test, struct crossbar_gpu_command command,
		    unsigned int status, const char *what)
{
	struct crossbar_gpu_result result;

	return engine_try(test, command, &result, what) &&
	       test_check(test, result.status == status,
			  "%s: the command ended with %s instead of %s", what,
			  error_name(result.status), error_name(status));
}

bool engine_submit(struct test *test,
		   const struct crossbar_gpu_command *commands,
		   unsigned int count, uint64_t *fence, const char *what)
{
	return test_check(test, ivgpu_submit(&test->gpu, commands, count, fence),
			  "%s: cannot submit %u commands: %s", what, count,
			  strerror(errno));
}

bool engine_wait(struct test *test, uint64_t fence, const char *what)
{
	struct crossbar_gpu_result result;

	return test_check(test, ivgpu_wait(&test->gpu, fence, WAIT_NS, &result),
			  "%s: cannot wait for fence %" PRIu64 ": %s", what,
			  fence, strerror(errno)) &&
	       check_result(test, CROSSBAR_GPU_FENCE_ONLY, 0, &result, what);
}

void engine_meet(struct test *test, struct encounters *encounters)
{
	uint64_t span = encounters->all ? encounters->span : FIRST_SPAN;
	struct timespec pause = {
		.tv_nsec = (long)random_below(&test->random, span),
	};
	struct ivgpu_stats stats;
	bool met;

	if (pause.tv_nsec >= SHORTEST_PAUSE)
		nanosleep(&pause, NULL);
	met = engine_stats(test, &stats) && stats.completed < stats.submitted;
	encounters->all++;
	encounters->met += met;
	/* Six of seven meet, once it is as long as it may be. */
	encounters->span = met ? span + span / 8 : span / 2 + 1;
	if (encounters->span > LONGEST_SPAN)
		encounters->span = LONGEST_SPAN;
}

bool engine_has_met(struct test *test, const struct encounters *encounters)
{
	report_add("# %s: at work at %u of %u times", test->name,
		   encounters->met, encounters->all);
	report_end();
	return test_check(test, encounters->all < MANY_ENCOUNTERS ||
			  encounters->met * FEW_OF >= encounters->all,
			  "the engine was at work at only %u of %u times",
			  encounters->met, encounters->all);
}

bool engine_crc(struct test *test, const void *memory, size_t len,
		uint32_t want, const char *what)
{
	struct crossbar_gpu_result result;

	return engine_run(test, gpu_crc32c(memory, len), &result, what) &&
	       test_check(test, result.value == want,
			  "%s: the CRC32C of %zu bytes is %#" PRIx64 " instead of %#x",
			  what, len, result.value, want);
}

bool engine_stats(struct test *test, struct ivgpu_stats *stats)
{
	return test_check(test, ivgpu_stats(&test->gpu, stats),
			  "cannot read the GPU's counters: %s",
			  strerror(errno));
}
