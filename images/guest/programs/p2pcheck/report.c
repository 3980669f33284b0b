// SPDX-License-Identifier: GPL-2.0-only
/*
 * Standard output: KTAP version 1 with JSON diagnostics.
 */
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "file.h"
#include "options.h"
#include "phase.h"
#include "report.h"
#include "volume.h"

static char line[64 << 10];
static size_t line_len;
static bool host_lost;

__printf(1, 2)
static void add(const char *format, ...)
{
	size_t room = sizeof(line) - line_len;
	va_list args;
	int len;

	va_start(args, format);
	len = vsnprintf(line + line_len, room, format, args);
	va_end(args);
	if (len < 0 || (size_t)len >= room) {
		fprintf(stderr, "p2pcheck: a line of output is too long\n");
		abort();
	}
	line_len += (size_t)len;
}

/*
 * Writes the line at once and whole: a virtio port takes 32 KiB a call at
 * most, and the host sees no line before it is complete.
 */
static void end_line(void)
{
	size_t done = 0;

	add("\n");
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

	add("\"segments\":[");
	for (i = 0; i < content->count; i++) {
		const struct segment *s = &content->segments[i];

		add("%s{\"len\":%" PRIu64, i ? "," : "", s->len);
		switch (s->kind) {
		case SEGMENT_CELLS:
			add(",\"kind\":\"cells\",\"file\":%u,\"gen\":%u,\"off\":%"
			    PRIu64 "}", s->file, s->gen, s->cell_off);
			break;
		case SEGMENT_ZEROS:
			add(",\"kind\":\"zeros\"}");
			break;
		case SEGMENT_BYTE:
			add(",\"kind\":\"byte\",\"byte\":%u}", s->byte);
			break;
		}
	}
	add("]");
}

void report_plan(unsigned int cases, const char *suite)
{
	add("KTAP version 1");
	end_line();
	add("1..%u", cases);
	end_line();
	add("# xbar {\"t\":\"plan\",\"cases\":%u,\"suite\":\"%s\"}", cases,
	    suite);
	end_line();
}

void report_case(unsigned int n, const char *name, const char *volume,
		 const char *peer, const char *op)
{
	add("# xbar {\"t\":\"case\",\"n\":%u,\"name\":\"%s\"", n, name);
	add(",\"volume\":\"%s\",\"peer\":\"%s\"", volume, peer);
	add(",\"op\":\"%s\"}", op);
	end_line();
}

static void add_mismatch(const struct mismatch *mismatch)
{
	size_t i;

	if (!mismatch->bad) {
		add("\"mismatch\":null");
		return;
	}
	add("\"mismatch\":{\"at\":%" PRIu64 ",\"expected\":\"%s\",\"found\":\"",
	    mismatch->at, mismatch->expected);
	for (i = 0; i < mismatch->found_len; i++)
		add("%02x", mismatch->found[i]);
	add("\"}");
}

void report_phase(unsigned int n, const struct phase_result *result)
{
	unsigned int i, j;

	add("# xbar {\"t\":\"phase\",\"n\":%u,\"phase\":\"%s\"", n,
	    phase_name(result->phase));
	add(",\"errno\":%d,\"bytes\":%" PRIu64 ",\"ns\":%" PRIu64,
	    result->error, result->bytes, result->ns);
	add(",\"claim\":\"%s\",\"transfers\":[",
	    result->phase == PHASE_DIRECT ? "peer" : "memory");
	for (i = 0; i < result->transfers; i++) {
		const struct phase_transfer *t = &result->transfer[i];

		add("%s{\"dir\":\"%s\",\"nsid\":%u,\"extents\":[", i ? "," : "",
		    t->write ? "write" : "read", t->nsid);
		for (j = 0; j < t->extents.count; j++)
			add("%s[%" PRIu64 ",%" PRIu64 "]", j ? "," : "",
			    t->extents.extent[j].disk_off,
			    t->extents.extent[j].len);
		add("]}");
	}
	add("],");
	add_mismatch(&result->mismatch);
	add("}");
	end_line();
}

bool report_file(struct file *file)
{
	static struct extents extents;
	unsigned int i;

	if (!file_extents(file, 0, UINT64_MAX, &extents))
		return false;
	add("# xbar {\"t\":\"file\",\"volume\":\"%s\",\"path\":\"%s\"",
	    file->volume->id, file->path);
	add(",\"file\":%u,\"size\":%" PRIu64 ",\"extents\":[", file->id,
	    file->content.len);
	for (i = 0; i < extents.count; i++) {
		const struct extent *e = &extents.extent[i];

		add("%s[%" PRIu64 ",%" PRIu64 ",%" PRIu64 ",%d]", i ? "," : "",
		    e->file_off, e->disk_off, e->len, e->unwritten);
	}
	add("],");
	add_segments(&file->content);
	add("}");
	end_line();
	return true;
}

/* Milliseconds of a clock that only runs forwards. */
static int64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000LL + t.tv_nsec / 1000000;
}

/* Reads lines of standard input until one of them is `go`. */
static bool wait_for_go(void)
{
	int64_t deadline = now_ms() + HOST_SECONDS * 1000;
	char word[8];
	size_t len = 0;

	while (!stop_signal) {
		struct pollfd input = { .fd = STDIN_FILENO, .events = POLLIN };
		int64_t left = deadline - now_ms();
		char c;

		if (left <= 0)
			return false;
		if (poll(&input, 1, (int)left) <= 0)
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

bool report_inspect(const struct options *options, unsigned int n,
		    const char *phase, const char *peer, uint64_t bar_offset,
		    const struct content *content)
{
	if (host_lost)
		return false;
	add("# xbar {\"t\":\"inspect\",\"n\":%u,\"phase\":\"%s\"", n, phase);
	add(",\"peer\":\"%s\",\"at\":%" PRIu64 ",", peer, bar_offset);
	add_segments(content);
	add("}");
	end_line();
	if (options->host && !wait_for_go())
		host_lost = true;
	return !host_lost;
}

void report_ok(unsigned int n, const char *name)
{
	add("ok %u %s", n, name);
	end_line();
}

void report_skip(unsigned int n, const char *name, const char *reason)
{
	add("ok %u %s # SKIP %s", n, name, reason);
	end_line();
}

void report_not_ok(unsigned int n, const char *name, const char *reason)
{
	add("# %s: %s", name, reason);
	end_line();
	add("not ok %u %s", n, name);
	end_line();
}

void report_bail_out(const char *format, ...)
{
	char reason[256];
	va_list args;

	va_start(args, format);
	vsnprintf(reason, sizeof(reason), format, args);
	va_end(args);
	fprintf(stderr, "p2pcheck: %s\n", reason);
	add("Bail out! %s", reason);
	end_line();
}
