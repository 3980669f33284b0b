// SPDX-License-Identifier: GPL-2.0-only
/*
 * Rule 4: a file system that has been shut down, or that an error has made read-only,
 * writes nothing any more, wherever the data is. Nor may a device's data go to its
 * blocks, which may be another file's by what the disk says.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include "engine.h"
#include "kernelfile.h"
#include "map_file.h"
#include "map_look.h"
#include "path.h"

#define SIZE	((size_t)KIB(128))

/* XFS_IOC_GOINGDOWN and EXT4_IOC_SHUTDOWN: the same, and in no header of every machine. */
#define GOING_DOWN	_IOR('X', 125, uint32_t)
#define FLUSH_LOG	1U

/* Nothing waits to be written but what the case itself leaves. */
static bool shut_down(struct test *test)
{
	uint32_t how = FLUSH_LOG;

	return test_check(test, !ioctl(test->volume->directory, GOING_DOWN,
				       &how),
			  "cannot shut volume %s down: %s", test->volume->id,
			  strerror(errno));
}

/* As if something in its metadata were wrong. */
static bool find_an_error(struct test *test)
{
	const char *name = test->volume->device + strlen("/dev/");
	char path[128];

	snprintf(path, sizeof(path), "/sys/fs/ext4/%s/trigger_fs_error", name);
	return test_check(test, kernel_write(path, "on purpose"),
			  "cannot write %s: %s", path, strerror(errno));
}

/* Which it has to say in its superblock that it is none of. */
static bool repair(struct test *test)
{
	char command[128];
	int status;

	snprintf(command, sizeof(command), "/bin/e2fsck -fy %s >/dev/null 2>&1",
		 test->volume->device);
	status = system(command);
	return test_check(test, WIFEXITED(status) && WEXITSTATUS(status) < 2,
			  "%s ends with status %#x", command,
			  (unsigned int)status);
}

/*
 * struct stop - a way to end writing
 * @stop:    does it
 * @error:   what device_map() says to writers from then on
 * @read:    the same to readers, or 0 if they may go on
 * @options: of the mount before
 * @mend:    what it takes to mount again, unmounted, or NULL
 */
struct stop {
	bool (*stop)(struct test *test);
	unsigned int error;
	unsigned int read;
	const char *options;
	bool (*mend)(struct test *test);
};

static const struct stop stops[] = {
	{ .stop = shut_down, .error = EIO, .read = EIO },
	{ .stop = find_an_error, .error = EROFS, .options = "errors=remount-ro",
	  .mend = repair },
};

/* The loss is on record, and told once; fsync(2) would fail for other reasons, too. */
static bool tells(struct test *test, struct mapped *mapped)
{
	int fd = mapped->file->cached;

	return !test->direct ||
	       (test_check(test, sync_file_range(fd, 0, 0,
						 SYNC_FILE_RANGE_WAIT_BEFORE) &&
			   errno == EIO, "nobody says that a write is lost") &&
		test_check(test, !sync_file_range(fd, 0, 0,
						  SYNC_FILE_RANGE_WAIT_BEFORE),
			   "the loss of a write is told again: %s",
			   strerror(errno)));
}

/* Nothing is mapped anew: by the direct path alone there is nothing to fall back to. */
static bool refuses(struct test *test, struct mapped *mapped,
		    const struct stop *stop)
{
	return !test->direct ||
	       (test_check(test, ivgpu_set_path(&test->gpu, IVGPU_PATH_DIRECT),
			   "IVGPU_SET_PATH: %s", strerror(errno)) &&
		engine_refuses(test, gpu_fill(mapped->memory, 1, PAGE),
			       stop->error, "write once nothing is written") &&
		(stop->read ?
		 engine_refuses(test, gpu_crc32c(mapped->memory, PAGE),
				stop->read, "read once nothing is read") :
		 mapped_sum(test, mapped, "read once nothing is written")) &&
		test_check(test, ivgpu_set_path(&test->gpu, test->path),
			   "IVGPU_SET_PATH: %s", strerror(errno)));
}

/*
 * Writes, stops the file system with a write outstanding, and takes the pages back:
 * the medium keeps what was synced.
 */
static bool stop_with_data(struct test *test, struct mapped *mapped,
			   const struct stop *stop)
{
	static struct extents extents;
	struct crossbar_gpu_command late;

	if (!look_extents(test, mapped, &extents) ||
	    !mapped_write(test, mapped, 0, SIZE, "what is synced") ||
	    !test_check(test, !syncfs(test->volume->directory), "syncfs: %s",
			strerror(errno)))
		return false;
	/* The content is not told of this one, which is to be lost. */
	late = mapped_writing(mapped, 4 * PAGE, 8 * PAGE, fresh_generation());
	return engine_run(test, late, NULL, "what is to be lost") &&
	       look_mapped(test, mapped, 4 * PAGE, 8 * PAGE, "before the stop") &&
	       stop->stop(test) &&
	       test_check(test, ivgpu_unmap(&test->gpu, mapped->memory, SIZE),
			  "IVGPU_UNMAP: %s", strerror(errno)) &&
	       look_revoked(test, mapped, 0, SIZE, "given back") &&
	       tells(test, mapped) &&
	       look_medium(test, mapped, &extents, "once nothing is written") &&
	       refuses(test, mapped, stop) &&
	       look_medium(test, mapped, &extents, "in the end");
}

static void run_stop(struct test *test)
{
	const struct stop *stop = &stops[test->recipe->argument];
	struct mapped mapped = { .file = NULL };

	if (!test->volume->mounted) {
		test_skip(test, "volume %s was mounted by somebody else",
			  test->volume->id);
		return;
	}
	if (stop->options && !disk_mount_again(test, stop->options, NULL))
		return;
	if (mapped_open(test, &mapped, SIZE, true))
		stop_with_data(test, &mapped, stop);
	/* Whatever went wrong, others need it as it was. */
	mapped_unmap(&mapped);
	if (disk_mount_again(test, NULL, stop->mend) && !test->verdict.failed &&
	    mapped_map(test, &mapped, PROT_READ | PROT_WRITE) &&
	    mapped_sum(test, &mapped, "mounted again") &&
	    mapped_write(test, &mapped, 2 * PAGE, 8 * PAGE, "mounted again") &&
	    mapped_is_found(test, &mapped, "mounted again"))
		mapped_is_kept(test, &mapped, "mounted again");
	mapped_close(test, &mapped);
}

static const struct recipe recipe[] = {
	{ .name = "rule4-shut-down", .run = run_stop, .volume = true,
	  .argument = 0 },
	{ .name = "rule4-error-read-only", .run = run_stop, .volume = true,
	  .fstype = "ext4", .argument = 1 },
};

const struct recipes map_shutdown_recipes = { recipe, ARRAY_SIZE(recipe) };
