/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Standard output: KTAP version 1, with one JSON object in a diagnostic line
 * (`# xbar {...}`) for each fact that the host has to know, and the `go` lines
 * that come back on standard input. One thread writes.
 */
#ifndef P2PCHECK_REPORT_H
#define P2PCHECK_REPORT_H

#include <stdbool.h>
#include <stdint.h>

#include "compiler.h"
#include "content.h"

/* A line is at most 64 KiB, which holds 512 extents with room to spare. */
#define REPORT_EXTENTS	512

struct options;
struct file;
struct phase_result;

/*
 * Seconds that the host has for its `go`. After that the case fails, and so
 * does every later one that would have to wait.
 */
#define HOST_SECONDS	30

void report_plan(unsigned int cases, const char *suite);
void report_case(unsigned int n, const char *name, const char *volume,
		 const char *peer, const char *op);
void report_phase(unsigned int n, const struct phase_result *result);

/* One line a file that stays on disk. False, with errno, without its map. */
bool report_file(struct file *file);

/*
 * Tells the host what the peer's memory from @bar_offset on holds now, and
 * waits for its `go` if it listens. False if it didn't answer.
 */
bool report_inspect(const struct options *options, unsigned int n,
		    const char *phase, const char *peer, uint64_t bar_offset,
		    const struct content *content);

void report_ok(unsigned int n, const char *name);
void report_skip(unsigned int n, const char *name, const char *reason);
void report_not_ok(unsigned int n, const char *name, const char *reason);

/* Tells host and user that no more results follow. */
void report_bail_out(const char *format, ...)
	__printf(1, 2);

#endif /* P2PCHECK_REPORT_H */
