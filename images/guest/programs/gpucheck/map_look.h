/* SPDX-License-Identifier: GPL-2.0-only */
/* What the kernel and the disk say of a file that the GPU has mapped. */
#ifndef GPUCHECK_MAP_LOOK_H
#define GPUCHECK_MAP_LOOK_H

#include "map_file.h"

/* Where the kernel tells of device mappings, and of a controller's. */
#define DEBUG_MAP	"/sys/kernel/debug/device_map"

/*
 * If the case's pages have to be direct, none of the range is in the page cache.
 * False after test_fail().
 */
bool look_uncached(struct test *test, struct mapped *mapped, const char *what);

/*
 * struct live - what devices have mapped of a range of a file
 * @pages:    how many
 * @writable: of them
 */
struct live {
	uint64_t pages;
	uint64_t writable;
};

/* By the kernel's list. False after test_fail(). */
bool look_live(struct test *test, struct mapped *mapped, size_t off,
	       size_t len, struct live *live);

/*
 * If the case's pages have to be direct: the kernel lists all, or none, of the range
 * as mapped by devices. True without a look if they need not.
 */
bool look_mapped(struct test *test, struct mapped *mapped, size_t off,
		 size_t len, const char *what);
bool look_revoked(struct test *test, struct mapped *mapped, size_t off,
		  size_t len, const char *what);

/* Where the file's pages are on the disk, before anybody maps it: asking syncs it. */
bool look_extents(struct test *test, struct mapped *mapped,
		  struct extents *extents);

/*
 * The blocks themselves have what the file ought to hold. They are read past the file
 * system and its caches, which notice nothing.
 */
bool look_medium(struct test *test, struct mapped *mapped,
		 const struct extents *extents, const char *what);

/* Whether this kernel has device mappings at all. */
bool look_kernel(void);

/* How many windows of the BAR are `free`, `idle` and so on. False after test_fail(). */
bool look_windows(struct test *test, const char *name, uint64_t *count);

/* A counter of the kernel's. False after test_fail(). */
bool look_counter(struct test *test, const char *name, uint64_t *value);

#endif /* GPUCHECK_MAP_LOOK_H */
