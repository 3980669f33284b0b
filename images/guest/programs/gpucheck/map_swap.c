// SPDX-License-Identifier: GPL-2.0-only
/*
 * Rule 3: blocks that the kernel takes for itself. A swap file's are written to
 * without its file system, wherever they are.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <sys/mman.h>
#include <sys/swap.h>

#include "engine.h"
#include "map_file.h"
#include "map_look.h"
#include "path.h"
#include "pressure.h"

#define SIZE	((size_t)KIB(512))

/* The first page is no cells, but what makes it swap space. */
#define REST	(SIZE - PAGE)

static bool use(struct test *test, struct mapped *mapped, const char *what)
{
	struct ivgpu_stats before;

	return engine_stats(test, &before) &&
	       mapped_read(test, mapped, PAGE, REST, what) &&
	       path_direct(test, &before, REST / PAGE, what);
}

static void run_swapon(struct test *test)
{
	struct mapped mapped = { .file = NULL };
	struct ivgpu_stats before;
	char path[192];
	bool ok;

	if (!mapped_open(test, &mapped, SIZE, false) ||
	    !test_check(test, swap_mark(mapped.file->cached, SIZE),
			"cannot write %s: %s", mapped.file->path,
			strerror(errno)) ||
	    !mapped_cool(test, &mapped, "with a swap header") ||
	    !use(test, &mapped, "before swapon(2)") ||
	    !mapped_write(test, &mapped, 8 * PAGE, 16 * PAGE,
			  "before swapon(2)") ||
	    !look_mapped(test, &mapped, PAGE, REST, "before swapon(2)") ||
	    !engine_stats(test, &before))
		goto close;
	snprintf(path, sizeof(path), "%s%s", test->volume->mount,
		 mapped.file->path);
	if (!test_check(test, !swapon(path, 0), "swapon: %s", strerror(errno)))
		goto close;
	/* From now on until swapoff(2), whatever goes wrong. */
	ok = look_revoked(test, &mapped, 0, SIZE, "after swapon(2)") &&
	     path_revoked(test, &before, "after swapon(2)") &&
	     engine_stats(test, &before) &&
	     mapped_read(test, &mapped, 8 * PAGE, 16 * PAGE,
			 "what was written before swapon(2)") &&
	     path_fallback(test, &before, "after swapon(2)") &&
	     path_refused(test, &before, EOPNOTSUPP, "after swapon(2)");
	if (!test_check(test, !swapoff(path), "swapoff: %s", strerror(errno)) ||
	    !ok)
		goto close;
	if (mapped_cool(test, &mapped, "after swapoff(2)") &&
	    use(test, &mapped, "after swapoff(2)"))
		mapped_write(test, &mapped, 4 * PAGE, 16 * PAGE,
			     "after swapoff(2)");
close:
	mapped_close(test, &mapped);
}

static const struct recipe recipe[] = {
	{ .name = "rule3-swapon", .run = run_swapon, .volume = true },
};

const struct recipes map_swap_recipes = { recipe, ARRAY_SIZE(recipe) };
