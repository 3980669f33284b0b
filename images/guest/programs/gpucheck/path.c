// SPDX-License-Identifier: GPL-2.0-only
/*
 * Which way to the blocks of files a case takes, and whether it was taken.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "engine.h"
#include "kernelfile.h"
#include "path.h"

/* What the driver of the controller takes for windows, unless it says otherwise. */
#define SHARE_PERCENT	75

uint64_t path_bar_kib(const struct volume *volume)
{
	static const char *const parameters[] = {
		"/sys/module/nvme/parameters/device_map_share",
		"/sys/module/nvme_core/parameters/device_map_share",
	};
	uint64_t size, share = SHARE_PERCENT;
	char path[96];
	unsigned int i;

	snprintf(path, sizeof(path), "/sys/class/nvme/%s/device/p2pmem/size",
		 volume->name);
	if (!kernel_number(path, &size))
		return 0;
	for (i = 0; i < ARRAY_SIZE(parameters); i++)
		if (kernel_number(parameters[i], &share))
			break;
	return (size >> 10) * share / 100;
}

/* What a case claims that would go to the BAR. */
static enum claim claim_direct(struct test *test, bool reach)
{
	if (reach && test->options->path != IVGPU_PATH_DIRECT &&
	    test->recipe->bar > path_bar_kib(test->volume)) {
		/* Some pages have no place there. */
		test->direct = false;
		return CLAIM_MIXED;
	}
	if (test->options->path == IVGPU_PATH_DIRECT) {
		/* Where there is no way, it fails, and says why. */
		test->path = IVGPU_PATH_DIRECT;
		test->direct = true;
	} else if (!reach) {
		return CLAIM_MEMORY;
	}
	if (test->options->sabotage == SABOTAGE_FALLBACK_AS_DIRECT) {
		test->path = IVGPU_PATH_FALLBACK;
		test->direct = false;
	}
	return CLAIM_DIRECT;
}

/*
 * A case of all volumes may claim a BAR if it is the same for all of them; if the
 * GPU reaches some only, nothing can be said of it as a whole.
 */
static void choose_all(struct test *test)
{
	const struct arguments *common = &test->options->common;
	bool all = true, any = false;
	unsigned int i;

	for (i = 0; i < common->volume_count; i++) {
		const struct volume_option *volume = &common->volumes[i];
		bool reach = options_reach(test->options, volume);

		any |= reach;
		all &= reach && !strcmp(volume->serial,
					common->volumes[0].serial);
	}
	test->serial = common->volumes[0].serial;
	test->path = test->options->path;
	test->claim = all && any ? CLAIM_DIRECT : CLAIM_MIXED;
	if (test->path == IVGPU_PATH_FALLBACK ||
	    (test->path == IVGPU_PATH_AUTO && !any))
		test->claim = CLAIM_MEMORY;
	ivgpu_prefer(test->path);
}

void path_choose(struct test *test)
{
	const struct options *options = test->options;
	bool files = test->suite->paths && test->volume;
	bool reach = files && options->path != IVGPU_PATH_FALLBACK &&
		     options_reach(options, test->volume->option);

	if (test->recipe->all) {
		choose_all(test);
		return;
	}
	test->serial = test->volume ? test->volume->option->serial : NULL;
	/* Other suites claim system memory for files. */
	test->path = test->suite->paths ? IVGPU_PATH_AUTO : IVGPU_PATH_FALLBACK;
	test->direct = reach;
	if (files && options->path == IVGPU_PATH_FALLBACK) {
		test->path = IVGPU_PATH_FALLBACK;
		test->claim = CLAIM_MEMORY;
	} else if (files && test->claim == CLAIM_DIRECT) {
		test->claim = claim_direct(test, reach);
	} else if (files && test->claim == CLAIM_MIXED && !reach) {
		test->claim = CLAIM_MEMORY;
	}
	if (test->recipe->departs)
		test->claim = CLAIM_MIXED;
	ivgpu_prefer(test->path);
}

bool path_exists(struct test *test)
{
	const struct options *options = test->options;
	bool exists = options->path != IVGPU_PATH_DIRECT ||
		      !test->suite->paths || !test->volume ||
		      test->path == IVGPU_PATH_DIRECT ||
		      options_reach(options, test->volume->option);

	return test_check(test, exists,
			  "--path direct: no GPU has a way to the BAR of %s, which has the blocks of volume %s",
			  test->serial, test->volume->id);
}

unsigned int path_status(const struct test *test, unsigned int exporter,
			 unsigned int cache)
{
	return test->path == IVGPU_PATH_DIRECT ? exporter : cache;
}

/* What has changed since. */
static bool since(struct test *test, const struct ivgpu_stats *before,
		  struct ivgpu_stats *change)
{
	struct ivgpu_stats now;

	if (!engine_stats(test, &now))
		return false;
	*change = (struct ivgpu_stats){
		.faults = now.faults - before->faults,
		.pages_fallback = now.pages_fallback - before->pages_fallback,
		.pages_direct = now.pages_direct - before->pages_direct,
		.invalidations = now.invalidations - before->invalidations,
		.refusals = now.refusals - before->refusals,
		.last_refusal = now.last_refusal,
	};
	return true;
}

/* Nothing is direct where it can't be. */
static bool none_direct(struct test *test, const struct ivgpu_stats *change,
			const char *what)
{
	bool reach = test->options->path != IVGPU_PATH_FALLBACK && test->volume &&
		     options_reach(test->options, test->volume->option);

	return test_check(test, reach || !change->pages_direct,
			  "%s: %" PRIu64 " pages were mapped in a BAR that can't be reached",
			  what, (uint64_t)change->pages_direct);
}

bool path_direct(struct test *test, const struct ivgpu_stats *before,
		 uint64_t pages, const char *what)
{
	struct ivgpu_stats change;

	if (!since(test, before, &change))
		return false;
	if (!test->direct)
		return none_direct(test, &change, what);
	return test_check(test, change.pages_direct >= pages &&
			  !change.pages_fallback,
			  "%s: %" PRIu64 " pages were mapped in the BAR, %" PRIu64
			  " from the page cache, instead of %" PRIu64
			  " in the BAR; the last refusal was %s", what,
			  (uint64_t)change.pages_direct,
			  (uint64_t)change.pages_fallback, pages,
			  error_name(change.last_refusal));
}

bool path_fallback(struct test *test, const struct ivgpu_stats *before,
		   const char *what)
{
	struct ivgpu_stats change;

	if (!since(test, before, &change))
		return false;
	if (!test->direct)
		return none_direct(test, &change, what);
	return test_check(test, change.pages_fallback > 0 &&
			  !change.pages_direct,
			  "%s: %" PRIu64 " pages were mapped in the BAR, %" PRIu64
			  " from the page cache, instead of from there only", what,
			  (uint64_t)change.pages_direct,
			  (uint64_t)change.pages_fallback);
}

bool path_cached(struct test *test, const struct ivgpu_stats *before,
		 const char *what)
{
	struct ivgpu_stats change;

	return since(test, before, &change) &&
	       none_direct(test, &change, what) &&
	       test_check(test, !test->direct || change.pages_fallback,
			  "%s: no page was mapped from the page cache", what);
}

bool path_kept(struct test *test, const struct ivgpu_stats *before,
	       const char *what)
{
	struct ivgpu_stats change;

	if (!since(test, before, &change))
		return false;
	return test_check(test, !test->direct || !change.faults,
			  "%s: %" PRIu64 " faults for what was mapped already",
			  what, (uint64_t)change.faults);
}

bool path_revoked(struct test *test, const struct ivgpu_stats *before,
		  const char *what)
{
	struct ivgpu_stats change;

	if (!since(test, before, &change))
		return false;
	return test_check(test, !test->direct || change.invalidations,
			  "%s: the engine was not told to forget anything",
			  what);
}

bool path_needed(struct test *test)
{
	if (test->direct)
		return true;
	if (test->path == IVGPU_PATH_FALLBACK)
		test_skip(test, "nobody asks for the direct path");
	else
		test_skip(test, "volume %s cannot be reached directly",
			  test->volume->id);
	return false;
}

bool path_refused(struct test *test, const struct ivgpu_stats *before,
		  unsigned int error, const char *what)
{
	struct ivgpu_stats change;

	if (!since(test, before, &change))
		return false;
	return test_check(test, !test->direct ||
			  (change.refusals && change.last_refusal == error),
			  "%s: %" PRIu64 " refusals, the last one for %s instead of %s",
			  what, (uint64_t)change.refusals,
			  error_name(change.last_refusal), error_name(error));
}
