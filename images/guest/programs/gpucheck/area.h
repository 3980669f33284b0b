/* SPDX-License-Identifier: GPL-2.0-only */
/* Memory of every kind that a program can have. */
#ifndef GPUCHECK_AREA_H
#define GPUCHECK_AREA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "suite.h"

/*
 * struct area - memory of one place
 * @memory: at a page boundary
 * @size:   in bytes, a multiple of the page size
 * @fd:     descriptor of the file for the places that have one, or -1
 * @file:   the volume's file, or NULL
 */
struct area {
	enum place place;
	uint8_t *memory;
	size_t size;
	int fd;
	struct file *file;
	void *block;
};

const char *place_name(enum place place);

/* Zeros or, on a volume, golden cells. False after test_fail(). */
bool area_open(struct test *test, struct area *area, enum place place,
	       size_t size);
void area_close(struct area *area);

/*
 * The two together: memory, and a model of what it ought to hold, random at
 * first. False after test_fail(); area_close() and free() of the model then
 * still do what is right.
 */
bool area_open_random(struct test *test, struct area *area, enum place place,
		      size_t size, uint8_t **model);

/* Compares all of the area, by the CPU's loads, with @want. */
bool area_check(struct test *test, const struct area *area,
		const uint8_t *want, const char *what);

/* The same for any memory. */
bool memory_check(struct test *test, const uint8_t *memory,
		  const uint8_t *want, size_t len, const char *what);

/* Anonymous memory of the given protection and flags, NULL after test_fail(). */
uint8_t *memory_map(struct test *test, size_t size, int protection, int flags);

/*
 * Shared memory of the case's GPU by a file that its PCI device has in sysfs,
 * such as "resource2". NULL after test_fail().
 */
uint8_t *memory_map_device(struct test *test, const char *name, size_t size);

#endif /* GPUCHECK_AREA_H */
