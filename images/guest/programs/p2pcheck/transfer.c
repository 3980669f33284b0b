// SPDX-License-Identifier: GPL-2.0-only
/*
 * Moving bytes between a file and peer memory, by either path.
 */
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cells.h"
#include "compiler.h"
#include "transfer.h"
#include "units.h"

#define CHUNK	(256U << 10)

/* A thread's part of a transfer. */
struct part {
	const struct transfer *whole;
	unsigned int index;
	uint8_t *memory;
	size_t len;
	uint64_t off;
	size_t done;
	int error;
	pthread_t thread;
};

static uint8_t chunks[TRANSFER_THREADS][CHUNK] __aligned(4096);
static pthread_barrier_t start;

static ssize_t move(const struct transfer *whole, uint8_t *memory, size_t len,
		    uint64_t off)
{
	if (whole->write)
		return pwrite(whole->fd, memory, len, (off_t)off);
	return pread(whole->fd, memory, len, (off_t)off);
}

/* One step through system memory, @len at most a chunk. */
static ssize_t move_bounced(const struct part *part, uint8_t *memory,
			    size_t len, uint64_t off)
{
	uint8_t *chunk = chunks[part->index];
	ssize_t n;

	if (part->whole->write)
		words_copy(chunk, memory, len);
	n = move(part->whole, chunk, len, off);
	if (n > 0 && !part->whole->write)
		words_copy(memory, chunk, (size_t)n);
	return n;
}

static void run_part(struct part *part)
{
	while (part->done < part->len) {
		uint8_t *memory = part->memory + part->done;
		size_t len = part->len - part->done;
		uint64_t off = part->off + part->done;
		ssize_t n;

		if (part->whole->bounce)
			n = move_bounced(part, memory, len < CHUNK ? len : CHUNK,
					 off);
		else
			n = move(part->whole, memory, len, off);
		if (n < 0) {
			part->error = errno;
			return;
		}
		part->done += (size_t)n;
		/*
		 * The end of the file. An O_DIRECT read that ends off a block
		 * boundary could not be continued anyway.
		 */
		if (!n || (size_t)n % part->whole->block)
			return;
	}
}

static void *thread_main(void *argument)
{
	pthread_barrier_wait(&start);
	run_part(argument);
	return NULL;
}

static void run_threads(struct transfer *transfer, struct part *parts)
{
	unsigned int i, started;

	pthread_barrier_init(&start, NULL, transfer->threads + 1);
	for (started = 0; started < transfer->threads; started++) {
		int error = pthread_create(&parts[started].thread, NULL,
					   thread_main, &parts[started]);

		if (error) {
			/* Those that wait at the barrier could never end. */
			fprintf(stderr, "p2pcheck: cannot start a thread: %s\n",
				strerror(error));
			abort();
		}
	}
	transfer->ns = now_ns();
	pthread_barrier_wait(&start);
	for (i = 0; i < transfer->threads; i++)
		pthread_join(parts[i].thread, NULL);
	transfer->ns = now_ns() - transfer->ns;
	pthread_barrier_destroy(&start);
}

void transfer_run(struct transfer *transfer)
{
	struct part parts[TRANSFER_THREADS] = { 0 };
	size_t each = transfer->len / transfer->threads;
	unsigned int i;

	each = each / transfer->block * transfer->block;
	for (i = 0; i < transfer->threads; i++)
		parts[i] = (struct part){
			.whole = transfer,
			.index = i,
			.memory = transfer->memory + i * each,
			.len = i + 1 < transfer->threads ?
			       each : transfer->len - i * each,
			.off = transfer->off + i * each,
		};

	transfer->done = 0;
	transfer->error = 0;
	/* The mapping may be write combining: let the CPU's stores arrive. */
	__sync_synchronize();
	if (transfer->threads > 1) {
		run_threads(transfer, parts);
	} else {
		transfer->ns = now_ns();
		run_part(&parts[0]);
		transfer->ns = now_ns() - transfer->ns;
	}
	for (i = 0; i < transfer->threads; i++) {
		transfer->done += parts[i].done;
		if (!transfer->error)
			transfer->error = parts[i].error;
	}
}
