/* SPDX-License-Identifier: GPL-2.0-only */
/* Processes and threads that a case starts, and their ends. */
#ifndef GPUCHECK_PROCESS_H
#define GPUCHECK_PROCESS_H

#include <stdbool.h>
#include <sys/types.h>

#include "suite.h"

/* What a process may take; then it is killed and the case has failed. */
#define PROCESS_SECONDS	120

/*
 * Starts a process that calls @run and ends. The case's GPU is closed in it
 * only if @run does so. It is killed when its parent dies. -1 after test_fail().
 */
pid_t process_start(struct test *test,
		    void (*run)(struct test *test, void *context),
		    void *context);

/* Waits for its end, which has to be by itself. False after test_fail(). */
bool process_end(struct test *test, pid_t pid);

/* Kills it and waits for its end. False after test_fail(). */
bool process_kill(struct test *test, pid_t pid);

/*
 * struct meeting - where a process and its child wait for each other
 *
 * It is opened before the child starts. The first call after that takes a side.
 */
struct meeting {
	int pipe[2][2];
};

bool meeting_open(struct test *test, struct meeting *meeting);
void meeting_close(struct meeting *meeting);

/* Waits for the other side's signal. False if that side is gone. */
bool meeting_wait(struct meeting *meeting, bool child);
/* Whether meeting_wait() would return at once, after @ms at most. */
bool meeting_ready(struct meeting *meeting, bool child, int ms);
void meeting_signal(struct meeting *meeting, bool child);

void sleep_ms(unsigned int ms);

/*
 * Becomes the program anew by exec(), with a descriptor of the GPU. Returns only
 * after test_fail().
 */
void process_exec(struct test *test, const struct ivgpu *gpu);

/*
 * What is left of the program after that: tries what must be refused. True if that
 * is what the program was started for; @code is then what it has to end with, 0 if
 * all was refused.
 */
bool after_exec(int *code);

#endif /* GPUCHECK_PROCESS_H */
