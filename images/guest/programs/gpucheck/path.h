/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Which way to the blocks of files a case takes, and whether it was taken. What
 * would be direct is checked only where test->direct says that it has to be; where
 * it can't be, nothing may be direct.
 */
#ifndef GPUCHECK_PATH_H
#define GPUCHECK_PATH_H

#include "suite.h"

/* Decides what the case claims, and what way its address spaces go. */
void path_choose(struct test *test);

/*
 * With --path direct a case of files that are out of the GPU's reach has nothing to
 * show. One that has to go direct is run all the same, and the kernel says why it
 * can't. False after test_fail().
 */
bool path_exists(struct test *test);

/* Whether the case goes direct, which it is about; else it is skipped. */
bool path_needed(struct test *test);

/* KiB of its BAR in which a volume's controller shows blocks, 0 if it has none. */
uint64_t path_bar_kib(const struct volume *volume);

/* What a command ends with that the exporter, or the page cache, has nothing for. */
unsigned int path_status(const struct test *test, unsigned int exporter,
			 unsigned int cache);

/*
 * Each compares an address space's counters with what engine_stats() gave before,
 * and tells what went wrong by @what. False after test_fail().
 *
 * path_direct():   at least @pages were mapped in the BAR, and none otherwise
 * path_fallback(): some were mapped in system memory, and none in the BAR
 * path_cached():   some were mapped in system memory, others perhaps in the BAR
 * path_kept():     there was no fault at all: what was mapped still is
 * path_revoked():  the engine was told to forget something
 * path_refused():  the exporter refused something, the last time for @error
 */
bool path_direct(struct test *test, const struct ivgpu_stats *before,
		 uint64_t pages, const char *what);
bool path_fallback(struct test *test, const struct ivgpu_stats *before,
		   const char *what);
bool path_cached(struct test *test, const struct ivgpu_stats *before,
		 const char *what);
bool path_kept(struct test *test, const struct ivgpu_stats *before,
	       const char *what);
bool path_revoked(struct test *test, const struct ivgpu_stats *before,
		  const char *what);
bool path_refused(struct test *test, const struct ivgpu_stats *before,
		  unsigned int error, const char *what);

#endif /* GPUCHECK_PATH_H */
