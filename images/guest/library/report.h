/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Standard output: KTAP version 1, with one JSON object in a diagnostic line
 * (`# xbar {...}`) for each fact that the host has to know, and the `go` lines
 * that come back on standard input. One thread writes.
 */
#ifndef LIBRARY_REPORT_H
#define LIBRARY_REPORT_H

#include <stdbool.h>
#include <stdint.h>

#include "compiler.h"
#include "content.h"

/* A line is at most 64 KiB, which holds 512 extents with room to spare. */
#define REPORT_EXTENTS	512

struct file;
struct verdict;
struct volume;

/*
 * Seconds that the host has for its `go`. After that the case fails, and so
 * does every later one that would have to wait.
 */
#define HOST_SECONDS	30

void report_plan(unsigned int cases, const char *suite);
void report_case(unsigned int n, const char *name, const char *volume,
		 const char *peer, const char *op);

/*
 * Syncs the volumes, and writes one line a file that stays on disk. False, with the
 * reasons on standard error, if the host cannot compare each of them.
 */
bool report_files(const struct volume *volumes, unsigned int count);

/*
 * Tells the host what the peer's memory from @bar_offset on holds now, and
 * waits for its `go` if there is one. False if it didn't answer.
 */
bool report_inspect(bool host, unsigned int n, const char *phase,
		    const char *peer, uint64_t bar_offset,
		    const struct content *content);

/*
 * Now and then a line that says how far a long case is, so that the host does
 * not take it for one that hangs.
 */
void report_progress(const char *name, uint64_t done, uint64_t all,
		     const char *unit);

/* The result line, and the reason if the case failed. */
void report_verdict(unsigned int n, const char *name,
		    const struct verdict *verdict);

/*
 * A program's own lines: parts of the line, then its end, which writes it.
 * report_ask() also waits for the host's `go`, if there is a host; false if
 * there was none, then or earlier.
 */
void report_add(const char *format, ...)
	__printf(1, 2);
void report_mismatch(const struct mismatch *mismatch);
void report_end(void);
bool report_ask(bool host);

/* Tells host and user that no more results follow. */
void report_bail_out(const char *format, ...)
	__printf(1, 2);

#endif /* LIBRARY_REPORT_H */
