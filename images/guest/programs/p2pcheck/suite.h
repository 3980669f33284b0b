/* SPDX-License-Identifier: GPL-2.0-only */
/* The cases: what there is to do for each volume and peer. */
#ifndef P2PCHECK_SUITE_H
#define P2PCHECK_SUITE_H

#include <stdbool.h>
#include <stdint.h>

#include "compiler.h"
#include "options.h"
#include "peer.h"
#include "phase.h"
#include "units.h"
#include "verdict.h"
#include "volume.h"

enum op {
	OP_READ,
	OP_WRITE,
	OP_COPY,
};

/* The file that a case reads. */
enum source {
	SOURCE_GOLDEN,		/* the host's */
	SOURCE_FRAGMENTED,	/* each block in another place */
	SOURCE_SHAPED,		/* head, gap and tail as the recipe says */
	SOURCE_SYNCED,		/* written and synced just before */
};

enum gap {
	GAP_HOLE,
	GAP_UNWRITTEN,
};

/*
 * struct shape - a file before the case: head written, then a gap, then tail
 */
struct shape {
	uint64_t head;
	uint64_t gap;
	uint64_t tail;
	enum gap kind;
};

/*
 * struct recipe - a case for any volume and peer
 * @off, @len:       range in bytes, rounded up to the volume's blocks
 * @off_blocks,
 * @len_blocks:      logical blocks on top of that
 * @last_block:      the range is the 4 KiB page in which the file ends
 * @skew:            bytes by which the peer's buffer misses a page boundary
 * @drop_caches:     drop all of the guest's caches before each phase
 * @big:             through a controller's own memory, which is slow for the
 *                   CPU, only from and to the first volume
 */
struct recipe {
	const char *name;
	enum op op;
	enum source source;
	struct shape shape;
	uint64_t off;
	uint64_t len;
	uint32_t off_blocks;
	uint32_t len_blocks;
	unsigned int threads;
	unsigned int skew;
	bool last_block;
	bool drop_caches;
	bool big;
};

extern const struct recipe recipes[];
extern const unsigned int recipe_count;

/*
 * struct test - a case that is running
 * @target:  volume that a copy writes to
 * @corrupts: a direct transfer returned success and moved wrong bytes
 */
struct test {
	const struct options *options;
	const struct recipe *recipe;
	struct volume *volume;
	struct volume *target;
	struct peer *peer;
	unsigned int n;
	char name[80];
	bool corrupts;
	struct verdict verdict;
};

#define test_fail(test, ...)	verdict_end(&(test)->verdict, true, __VA_ARGS__)
#define test_skip(test, ...)	verdict_end(&(test)->verdict, false, __VA_ARGS__)

/* The recipe's range on this volume. */
uint64_t test_off(const struct test *test);
uint64_t test_len(const struct test *test);

/* Bytes after a transfer that must stay poison. */
#define POISON_TAIL	4096

/* The most that one transfer can take of the peer's memory, beside its tail. */
uint64_t test_piece(const struct test *test);

void run_read(struct test *test);
void run_write(struct test *test);
void run_copy(struct test *test);

/*
 * Poisons peer memory, reads a range into it, checks what lies there then and
 * beyond it, and has the host look. False if the phase cannot go on.
 */
bool read_piece(struct test *test, struct phase_result *result,
		struct file *file, uint8_t *memory, uint64_t off, size_t len);

/* Files for reads and writes, NULL after test_fail(). */
struct file *source_file(struct test *test);
struct file *shaped_file(struct test *test, const char *name);

/* Prints names, or runs everything. Both return the program's exit code. */
int suite_list(const struct options *options);
int suite_run(const struct options *options, struct volume *volumes,
	      struct peer *peers);

#endif /* P2PCHECK_SUITE_H */
