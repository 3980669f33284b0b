// SPDX-License-Identifier: GPL-2.0-only
/*
 * Processes and threads that a case starts, and their ends.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "process.h"
#include "signals.h"

pid_t process_start(struct test *test,
		    void (*run)(struct test *test, void *context), void *context)
{
	pid_t parent = getpid(), pid = fork();

	if (pid < 0)
		test_fail(test, "cannot start a process: %s", strerror(errno));
	if (pid)
		return pid;
	/* A parent that is gone by now sends no signal any more. */
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) || getppid() != parent)
		_exit(1);
	run(test, context);
	_exit(0);
}

/* Waits until it ends or its time is up. */
static bool reap(pid_t pid, int *status, unsigned int seconds)
{
	uint64_t end = now_ns() + seconds * NS_PER_S;

	while (!waitpid(pid, status, WNOHANG)) {
		if (stop_signal || now_ns() > end)
			return false;
		sleep_ms(1);
	}
	return true;
}

bool process_end(struct test *test, pid_t pid)
{
	int status = 0;

	if (!reap(pid, &status, PROCESS_SECONDS)) {
		kill(pid, SIGKILL);
		reap(pid, &status, PROCESS_SECONDS);
		test_fail(test, "a process did not end in %d s", PROCESS_SECONDS);
		return false;
	}
	if (WIFSIGNALED(status)) {
		test_fail(test, "a process died of signal %d (%s)",
			  WTERMSIG(status), strsignal(WTERMSIG(status)));
		return false;
	}
	return test_check(test, !WEXITSTATUS(status),
			  "a process ended with status %d",
			  WEXITSTATUS(status)) &&
	       !test->verdict.failed;
}

bool process_kill(struct test *test, pid_t pid)
{
	int status;

	kill(pid, SIGKILL);
	return test_check(test, reap(pid, &status, PROCESS_SECONDS),
			  "a process that was killed did not end in %d s",
			  PROCESS_SECONDS);
}

bool meeting_open(struct test *test, struct meeting *meeting)
{
	if (pipe(meeting->pipe[0])) {
		test_fail(test, "cannot make a pipe: %s", strerror(errno));
		return false;
	}
	if (pipe(meeting->pipe[1])) {
		test_fail(test, "cannot make a pipe: %s", strerror(errno));
		close(meeting->pipe[0][0]);
		close(meeting->pipe[0][1]);
		return false;
	}
	return true;
}

static void drop(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

void meeting_close(struct meeting *meeting)
{
	unsigned int i;

	for (i = 0; i < 4; i++)
		drop(&meeting->pipe[i / 2][i % 2]);
}

/* The other side's ends, without which its end would go unnoticed. */
static void take_side(struct meeting *meeting, bool child)
{
	drop(&meeting->pipe[!child][0]);
	drop(&meeting->pipe[child][1]);
}

bool meeting_wait(struct meeting *meeting, bool child)
{
	struct pollfd input = { .events = POLLIN };
	char byte;

	take_side(meeting, child);
	input.fd = meeting->pipe[child][0];
	return poll(&input, 1, PROCESS_SECONDS * 1000) == 1 &&
	       read(input.fd, &byte, 1) == 1;
}

bool meeting_ready(struct meeting *meeting, bool child, int ms)
{
	struct pollfd input = { .events = POLLIN };

	take_side(meeting, child);
	input.fd = meeting->pipe[child][0];
	return poll(&input, 1, ms) != 0;
}

void meeting_signal(struct meeting *meeting, bool child)
{
	take_side(meeting, child);
	/* If nobody is left to read it, the other side's end tells why. */
	if (write(meeting->pipe[!child][1], "", 1) != 1)
		return;
}

void sleep_ms(unsigned int ms)
{
	struct timespec t = { ms / 1000, ms % 1000 * (long)NS_PER_MS };

	nanosleep(&t, NULL);
}

/* Tells the new program which descriptor to try. */
#define AFTER_EXEC	"GPUCHECK_AFTER_EXEC"

void process_exec(struct test *test, const struct ivgpu *gpu)
{
	char environment[64];
	char *const arguments[] = { (char *)"gpucheck", NULL };
	char *const variables[] = { environment, NULL };

	/* dup() leaves O_CLOEXEC behind. */
	snprintf(environment, sizeof(environment), AFTER_EXEC "=%d",
		 dup(gpu->fd));
	execve("/proc/self/exe", arguments, variables);
	test_fail(test, "exec: %s", strerror(errno));
}

bool after_exec(int *code)
{
	const char *text = getenv(AFTER_EXEC);
	struct crossbar_gpu_command command = gpu_fence();
	struct ivgpu gpu = { .fd = -1 };
	uint64_t fence;

	if (!text)
		return false;
	gpu.fd = atoi(text);
	*code = 1;
	if (!ivgpu_submit(&gpu, &command, 1, &fence) &&
	    (errno == EPERM || errno == EOWNERDEAD))
		*code = 0;
	return true;
}
