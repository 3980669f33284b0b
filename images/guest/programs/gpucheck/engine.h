/* SPDX-License-Identifier: GPL-2.0-only */
/* Commands with the checks that go with them, and what the host is told. */
#ifndef GPUCHECK_ENGINE_H
#define GPUCHECK_ENGINE_H

#include "suite.h"

/*
 * The case's edges, at which the host takes its counters, and switches for fault
 * injection, such as "drop-doorbell=1" or "none". False after test_fail().
 */
bool engine_begin(struct test *test);
bool engine_end(struct test *test);
bool engine_inject(struct test *test, const char *switches);

/*
 * A delay that begins from here on, such as engine_held(), lasts until engine_release(),
 * and what is behind it waits. The driver gives up after some 20 seconds. Only for a
 * recipe with @host. False after test_fail().
 */
struct crossbar_gpu_command engine_held(void);
bool engine_hold(struct test *test);
bool engine_release(struct test *test);

/* The held delay of this fence has not ended. False after test_fail(). */
bool engine_is_held(struct test *test, uint64_t fence);

/*
 * Runs a command, which has to succeed and to do all of its bytes. @result may
 * be NULL, @what tells the user which one it was. False after test_fail().
 */
bool engine_run(struct test *test, struct crossbar_gpu_command command,
		struct crossbar_gpu_result *result, const char *what);
bool engine_run_on(struct test *test, struct ivgpu *gpu,
		   struct crossbar_gpu_command command,
		   struct crossbar_gpu_result *result, const char *what);

/* Runs a command, which has to end with @status, a positive errno. */
bool engine_refuses(struct test *test, struct crossbar_gpu_command command,
		    unsigned int status, const char *what);

/* Runs a command, whatever its status. False if it didn't end. */
bool engine_try(struct test *test, struct crossbar_gpu_command command,
		struct crossbar_gpu_result *result, const char *what);

/* Submits without waiting, and waits for one that has to succeed. */
bool engine_submit(struct test *test,
		   const struct crossbar_gpu_command *commands,
		   unsigned int count, uint64_t *fence, const char *what);
bool engine_wait(struct test *test, uint64_t fence, const char *what);

/*
 * struct encounters - when the GPU's work was about to be disturbed
 * @all:  times
 * @met:  of them, those when it still was under way
 * @span: the longest pause before the next one, in nanoseconds
 */
struct encounters {
	unsigned int all, met;
	uint64_t span;
};

/*
 * Waits for a moment of the work that has been submitted, another one each time.
 * How long that takes depends on the machine, and is learnt.
 */
void engine_meet(struct test *test, struct encounters *encounters);

/* Of many, one in forty has to have met. False after test_fail(). */
bool engine_has_met(struct test *test, const struct encounters *encounters);

/* Has the engine compute the CRC32C of memory that has to hold @want. */
bool engine_crc(struct test *test, const void *memory, size_t len,
		uint32_t want, const char *what);

/* EIO for EIO. */
const char *error_name(unsigned int error);

/* The address space's counters now. False after test_fail(). */
bool engine_stats(struct test *test, struct ivgpu_stats *stats);

#endif /* GPUCHECK_ENGINE_H */
