// SPDX-License-Identifier: GPL-2.0-only
/*
 * tracepump: moves the kernel's trace to a file or port as long as it runs, and
 * the rest of it when SIGTERM asks for an end:
 *
 *	tracepump /dev/virtio-ports/org.crossbar.trace.0
 *
 * It looks now and then instead of waiting: a reader that sleeps on the trace is
 * woken by each event, by an interrupt that the kernel sends to itself. The last
 * line says that the trace is whole, after what the kernel says of lost events.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "signals.h"
#include "units.h"

#define TRACE	"/sys/kernel/tracing/trace_pipe"
#define LAST	"# tracepump: end\n"

/* Between two looks: the kernel's buffer has room for some 100000 events. */
#define PAUSE_NS	(100 * NS_PER_MS)

static int complain(const char *what, const char *path)
{
	fprintf(stderr, "tracepump: cannot %s %s: %s\n", what, path,
		strerror(errno));
	return 1;
}

static bool write_all(int fd, const char *bytes, size_t count)
{
	while (count) {
		ssize_t done = write(fd, bytes, count);

		if (done < 0 && errno == EINTR)
			continue;
		if (done <= 0)
			return false;
		bytes += done;
		count -= (size_t)done;
	}
	return true;
}

/* What there is. False, with errno, when it can't be read or written. */
static bool pump(int from, int to)
{
	static char buffer[16 << 10];

	while (true) {
		ssize_t count = read(from, buffer, sizeof(buffer));

		if (count < 0 && errno == EINTR)
			continue;
		if (count < 0)
			return errno == EAGAIN;
		if (!count)
			return true;
		if (!write_all(to, buffer, (size_t)count))
			return false;
	}
}

/* Whoever uses up all memory is to pay for it, not who tells of it. */
static void stay_alive(void)
{
	int fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);

	if (fd >= 0) {
		write_all(fd, "-1000", 5);
		close(fd);
	}
}

int main(int argc, char **argv)
{
	const struct timespec pause = { .tv_nsec = PAUSE_NS };
	bool last = false;
	int from, to;

	if (argc != 2) {
		fprintf(stderr, "usage: tracepump FILE\n");
		return 2;
	}
	signals_catch();
	stay_alive();
	from = open(TRACE, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	if (from < 0)
		return complain("read", TRACE);
	to = open(argv[1], O_WRONLY | O_CLOEXEC);
	if (to < 0)
		return complain("write", argv[1]);
	while (!last) {
		last = stop_signal;
		if (!pump(from, to))
			return complain("move the trace to", argv[1]);
		if (!last)
			nanosleep(&pause, NULL);
	}
	if (!write_all(to, LAST, strlen(LAST)))
		return complain("write", argv[1]);
	return 0;
}
