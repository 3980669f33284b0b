// SPDX-License-Identifier: GPL-2.0-only
/*
 * Standard output: KTAP version 1 with JSON diagnostics.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "file.h"
#include "report.h"
#include "signals.h"
#include "units.h"
#include "verdict.h"
#include "volume.h"

/* Between two lines of report_progress(). */
#define PROGRESS_SECONDS	5

static char line[64 << 10];
static size_t line_len;
static bool host_lost;

void report_add(const char *format, ...)
{
	size_t room = sizeof(line) - line_len;
	va_list args;
	int len;

	va_start(args, format);
	len = vsnprintf(line + line_len, room, format, args);
	va_end(args);
	if (len < 0 || (size_t)len >= room) {
		fprintf(stderr, "%s: a line of output is too long\n",
			program_invocation_short_name);
		abort();
	}
	line_len += (size_t)len;
}

/*
 * Writes the line at once and whole: a virtio port takes 32 KiB a call at
 * most, and the host sees no line before it is complete.
 */
void report_end(void)
{
	size_t done = 0;

	report_add("\n");
	while (done < line_len) {
		ssize_t n = write(STDOUT_FILENO, line + done, line_len - done);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			break;
		done += (size_t)n;
	}
	line_len = 0;
}

static void add_segments(const struct content *content)
{
	unsigned int i;

	report_add("\"segments\":[");
	for (i = 0; i < content->count; i++) {
		const struct segment *s = &content->segments[i];

		report_add("%s{\"len\":%" PRIu64, i ? "," : "", s->len);
		switch (s->kind) {
		case SEGMENT_CELLS:
			report_add(",\"kind\":\"cells\",\"file\":%u,\"gen\":%u,\"off\":%"
				   PRIu64 "}", s->file, s->gen, s->cell_off);
			break;
		case SEGMENT_ZEROS:
			report_add(",\"kind\":\"zeros\"}");
			break;
		case SEGMENT_BYTE:
			report_add(",\"kind\":\"byte\",\"byte\":%u}", s->byte);
			break;
		}
	}
	report_add("]");
}

void report_plan(unsigned int cases, const char *suite)
{
	report_add("KTAP version 1");
	report_end();
	report_add("1..%u", cases);
	report_end();
	report_add("# xbar {\"t\":\"plan\",\"cases\":%u,\"suite\":\"%s\"}", cases,
		   suite);
	report_end();
}

void report_case(unsigned int n, const char *name, const char *volume,
		 const char *peer, const char *op)
{
	report_add("# xbar {\"t\":\"case\",\"n\":%u,\"name\":\"%s\"", n, name);
	report_add(",\"volume\":\"%s\",\"peer\":\"%s\"", volume, peer);
	report_add(",\"op\":\"%s\"}", op);
	report_end();
}

void report_mismatch(const struct mismatch *mismatch)
{
	size_t i;

	if (!mismatch->bad) {
		report_add("\"mismatch\":null");
		return;
	}
	report_add("\"mismatch\":{\"at\":%" PRIu64 ",\"expected\":\"%s\",\"found\":\"",
		   mismatch->at, mismatch->expected);
	for (i = 0; i < mismatch->found_len; i++)
		report_add("%02x", mismatch->found[i]);
	report_add("\"}");
}

static bool report_file(struct file *file)
{
	static struct extents extents;
	unsigned int i;

	if (!file_extents(file, 0, UINT64_MAX, &extents))
		return false;
	report_add("# xbar {\"t\":\"file\",\"volume\":\"%s\",\"path\":\"%s\"",
		   file->volume->id, file->path);
	report_add(",\"file\":%u,\"size\":%" PRIu64 ",\"extents\":[", file->id,
		   file->content.len);
	for (i = 0; i < extents.count; i++) {
		const struct extent *e = &extents.extent[i];

		report_add("%s[%" PRIu64 ",%" PRIu64 ",%" PRIu64 ",%d]", i ? "," : "",
			   e->file_off, e->disk_off, e->len, e->unwritten);
	}
	report_add("],");
	add_segments(&file->content);
	report_add("}");
	report_end();
	return true;
}

static unsigned int unreported;

static void report_if_sure(struct file *file)
{
	if (file->unsure || report_file(file))
		return;
	fprintf(stderr, "cannot map %s of volume %s to disk blocks: %s\n",
		file->path, file->volume->id, strerror(errno));
	unreported++;
}

bool report_files(const struct volume *volumes, unsigned int count)
{
	unsigned int i;

	unreported = 0;
	for (i = 0; i < count; i++) {
		if (!syncfs(volumes[i].directory))
			continue;
		fprintf(stderr, "cannot sync volume %s: %s\n", volumes[i].id,
			strerror(errno));
		unreported++;
	}
	files_visit(report_if_sure);
	return !unreported;
}

/* Reads lines of standard input until one of them is `go`. */
static bool wait_for_go(void)
{
	uint64_t deadline = now_ns() + HOST_SECONDS * NS_PER_S;
	char word[8];
	size_t len = 0;

	while (!stop_signal) {
		struct pollfd input = { .fd = STDIN_FILENO, .events = POLLIN };
		uint64_t now = now_ns();
		char c;

		if (now >= deadline)
			return false;
		if (poll(&input, 1, (int)((deadline - now) / NS_PER_MS) + 1) <= 0)
			continue;
		if (read(STDIN_FILENO, &c, 1) != 1)
			return false;
		if (c == '\n') {
			if (len == 2 && !memcmp(word, "go", 2))
				return true;
			len = 0;
		} else if (c != '\r') {
			if (len < sizeof(word))
				word[len++] = c;
		}
	}
	return false;
}

bool report_ask(bool host)
{
	if (host_lost) {
		line_len = 0;
		return false;
	}
	report_end();
	if (host && !wait_for_go())
		host_lost = true;
	return !host_lost;
}

bool report_inspect(bool host, unsigned int n, const char *phase,
		    const char *peer, uint64_t bar_offset,
		    const struct content *content)
{
	report_add("# xbar {\"t\":\"inspect\",\"n\":%u,\"phase\":\"%s\"", n,
		   phase);
	report_add(",\"peer\":\"%s\",\"at\":%" PRIu64 ",", peer, bar_offset);
	add_segments(content);
	report_add("}");
	return report_ask(host);
}

void report_progress(const char *name, uint64_t done, uint64_t all,
		     const char *unit)
{
	static uint64_t next;
	uint64_t now = now_ns();

	if (now < next)
		return;
	next = now + PROGRESS_SECONDS * NS_PER_S;
	report_add("# %s: %" PRIu64 " of %" PRIu64 " %s", name, done, all, unit);
	report_end();
}

void report_verdict(unsigned int n, const char *name,
		    const struct verdict *verdict)
{
	if (verdict->failed) {
		report_add("# %s: %s", name, verdict->reason);
		report_end();
	}
	report_add("%sok %u %s", verdict->failed ? "not " : "", n, name);
	if (verdict->skipped)
		report_add(" # SKIP %s", verdict->reason);
	report_end();
}

void report_bail_out(const char *format, ...)
{
	char reason[256];
	va_list args;

	va_start(args, format);
	vsnprintf(reason, sizeof(reason), format, args);
	va_end(args);
	fprintf(stderr, "%s: %s\n", program_invocation_short_name, reason);
	report_add("Bail out! %s", reason);
	report_end();
}
