// SPDX-License-Identifier: GPL-2.0-only
/*
 * Rule 4: a write-back that fails is reported by fsync(2), once to each who asks,
 * like any other.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "engine.h"
#include "kernelfile.h"
#include "map_file.h"
#include "map_look.h"

#define SIZE	((size_t)KIB(128))

/* What fails: the first try of a write, the whole of a first write, or all writes. */
enum failure {
	FAILS_TRANSIENTLY,
	FAILS_ONCE,
	FAILS_TWICE,
};

/*
 * Status codes of the NVMe Base Specification 2.0c. Write Fault (figure 97: media and data
 * integrity errors) nobody tries again: it is EIO at once. Command Interrupted (figure
 * 94: generic) asks for another try.
 */
#define WRITE_FAULT	"0x280"
#define INTERRUPTED	"0x21"

/* The driver's own fault injection, of this name space. */
static bool set(const struct volume *volume, const char *name, const char *text)
{
	char path[128];

	snprintf(path, sizeof(path), "/sys/kernel/debug/%s/fault_inject/%s",
		 volume->device + strlen("/dev/"), name);
	return kernel_write(path, text);
}

/* The next commands of the name space fail, and no other. */
static bool arm(const struct volume *volume, unsigned int commands,
		bool transient)
{
	char times[16];

	snprintf(times, sizeof(times), "%u", commands);
	return set(volume, "verbose", "0") &&
	       set(volume, "status", transient ? INTERRUPTED : WRITE_FAULT) &&
	       set(volume, "dont_retry", transient ? "N" : "Y") &&
	       set(volume, "interval", "1") &&
	       set(volume, "times", times) && set(volume, "probability", "100");
}

static bool disarm(struct test *test)
{
	return test_check(test, set(test->volume, "probability", "0"),
			  "cannot end fault injection: %s", strerror(errno));
}

static bool syncs(struct test *test, int fd, int error, const char *what)
{
	int found = fsync(fd) ? errno : 0;

	return test_check(test, found == error, "%s: fsync says %s instead of %s",
			  what, error_name((unsigned int)found),
			  error_name((unsigned int)error));
}

/* Whoever syncs all files hears of it once, too; later cases do that. */
static bool volume_syncs(struct test *test)
{
	bool told = syncfs(test->volume->directory) && errno == EIO;

	return test_check(test, told, "syncfs() says nothing of the error") &&
	       test_check(test, !syncfs(test->volume->directory),
			  "syncfs() once it was told: %s", strerror(errno));
}

/*
 * Devices lose a page that could not be written, as a folio would be clean: that is a
 * second attempt, and what fails twice is reported. The page cache has one attempt.
 */
static bool is_reported(const struct test *test)
{
	enum failure failure = test->recipe->argument;

	return failure == FAILS_TWICE ||
	       (failure == FAILS_ONCE && !test->direct);
}

static bool count_written(struct test *test, uint64_t *pages)
{
	*pages = 0;
	return !test->direct || look_counter(test, "written_pages", pages);
}

static bool fail(struct test *test, struct mapped *mapped,
		 const struct extents *extents)
{
	enum failure failure = test->recipe->argument;
	unsigned int failures = test->direct && failure == FAILS_TWICE ? 2 : 1;
	uint64_t before, after, want = test->direct && failures < 2 ? 8 : 0;
	uint16_t gen = fresh_generation();
	bool armed;

	/* Only what it writes to is writable, and so is written by one command. */
	if (!test_check(test, ivgpu_unmap(&test->gpu, mapped->memory, SIZE),
			"IVGPU_UNMAP: %s", strerror(errno)) ||
	    !engine_run(test, mapped_writing(mapped, 4 * PAGE, 8 * PAGE, gen),
			NULL, "the second write") ||
	    !count_written(test, &before))
		return false;
	armed = arm(test->volume, failures, failure == FAILS_TRANSIENTLY);
	if (test_check(test, armed, "cannot inject an error: %s",
		       strerror(errno)))
		syncs(test, mapped->file->cached, is_reported(test) ? EIO : 0,
		      "with a failing write");
	if (!disarm(test) || !armed || !count_written(test, &after) ||
	    !test_check(test, after - before == want,
			"%" PRIu64 " pages of devices were written instead of %"
			PRIu64, after - before, want))
		return false;
	/* The command is done before the driver makes an error of its end. */
	mapped_wrote(mapped, 4 * PAGE, 8 * PAGE, gen);
	return (failure == FAILS_TRANSIENTLY ?
		look_mapped(test, mapped, 4 * PAGE, 8 * PAGE,
			    "after the error") :
		look_revoked(test, mapped, 4 * PAGE, 8 * PAGE,
			     "after the error")) &&
	       look_medium(test, mapped, extents, "after the error");
}

/* Everyone is told, and no one twice. */
static bool all_are_told(struct test *test, struct mapped *mapped, int other)
{
	if (!is_reported(test))
		return syncs(test, other, 0, "without anything lost");
	return volume_syncs(test) &&
	       syncs(test, mapped->file->cached, 0, "once it was told") &&
	       syncs(test, other, EIO, "who did not hear of it") &&
	       syncs(test, other, 0, "who has heard of it");
}

/* @argument: what fails. */
static void run_error(struct test *test)
{
	static struct extents extents;
	struct mapped mapped = { .file = NULL };
	char path[192];
	int other = -1;

	if (!set(test->volume, "probability", "0")) {
		test_skip(test, "the kernel cannot inject NVMe errors, as 7.2-debug can");
		return;
	}
	if (!mapped_open(test, &mapped, SIZE, true) ||
	    !look_extents(test, &mapped, &extents))
		goto close;
	snprintf(path, sizeof(path), "%s%s", test->volume->mount,
		 mapped.file->path);
	other = open(path, O_RDWR | O_CLOEXEC);
	/*
	 * A journal has nothing to write when the file's times have not changed: they
	 * do so with the first write, which is synced before the one that fails.
	 */
	if (!test_check(test, other >= 0, "cannot open %s again: %s", path,
			strerror(errno)) ||
	    !mapped_write(test, &mapped, 0, SIZE, "the first write") ||
	    !test_check(test, !syncfs(other), "syncfs: %s", strerror(errno)) ||
	    !fail(test, &mapped, &extents) ||
	    !all_are_told(test, &mapped, other))
		goto close;
	if (mapped_write(test, &mapped, 2 * PAGE, 16 * PAGE, "the next write") &&
	    syncs(test, mapped.file->cached, 0, "the next write") &&
	    look_medium(test, &mapped, &extents, "the next write") &&
	    mapped_is_found(test, &mapped, "after all that"))
		mapped_is_kept(test, &mapped, "after all that");
close:
	if (other >= 0)
		close(other);
	mapped_close(test, &mapped);
}

static const struct recipe recipe[] = {
	{ .name = "rule4-error-once", .run = run_error, .volume = true,
	  .argument = FAILS_TWICE },
	{ .name = "rule4-error-mended", .run = run_error, .volume = true,
	  .argument = FAILS_ONCE },
	{ .name = "rule4-error-transient", .run = run_error, .volume = true,
	  .argument = FAILS_TRANSIENTLY },
};

const struct recipes map_error_recipes = { recipe, ARRAY_SIZE(recipe) };
