// SPDX-License-Identifier: GPL-2.0-only
/*
 * The cases of the suite p2pdma, for any volume and peer.
 */
#include "compiler.h"
#include "suite.h"

/* Ranges of the golden file differ, so that no case finds another's bytes. */
const struct recipe recipes[] = {
	{ .name = "read-sector", .op = OP_READ, .off = KIB(16), .len_blocks = 1 },
	{ .name = "read-4k", .op = OP_READ, .off = KIB(32), .len = KIB(4) },
	{ .name = "read-64k", .op = OP_READ, .off = KIB(64), .len = KIB(64) },
	{ .name = "read-1m", .op = OP_READ, .off = MIB(1), .len = MIB(1) },
	{ .name = "read-32m", .op = OP_READ, .len = MIB(32),
	  .big = true },
	{ .name = "read-odd-offset", .op = OP_READ, .off = MIB(3),
	  .off_blocks = 7, .len = KIB(128), .skew = 512 },
	{ .name = "read-odd-length", .op = OP_READ, .off = MIB(4),
	  .len = KIB(64), .len_blocks = 1 },
	{ .name = "read-last-block", .op = OP_READ, .len = POISON_TAIL,
	  .last_block = true },
	{ .name = "read-fragmented", .op = OP_READ, .len = KIB(96),
	  .source = SOURCE_FRAGMENTED },
	{ .name = "read-holes", .op = OP_READ, .len = KIB(192),
	  .source = SOURCE_SHAPED,
	  .shape = { KIB(64), KIB(64), KIB(64), GAP_HOLE } },
	{ .name = "read-unwritten", .op = OP_READ, .len = KIB(192),
	  .source = SOURCE_SHAPED,
	  .shape = { KIB(64), KIB(64), KIB(64), GAP_UNWRITTEN } },
	{ .name = "read-after-fsync", .op = OP_READ, .len = KIB(256),
	  .source = SOURCE_SYNCED },
	{ .name = "read-after-drop-caches", .op = OP_READ, .off = MIB(5),
	  .len = KIB(256), .drop_caches = true },
	{ .name = "read-4-threads", .op = OP_READ, .off = MIB(6),
	  .len = MIB(1), .threads = 4 },

	{ .name = "write-sector", .op = OP_WRITE, .off_blocks = 5,
	  .len_blocks = 1, .shape = { .head = KIB(64) } },
	{ .name = "write-overwrite", .op = OP_WRITE, .off = KIB(64),
	  .len = KIB(128), .shape = { .head = KIB(256) } },
	{ .name = "write-extend", .op = OP_WRITE, .off = KIB(64),
	  .len = KIB(64), .shape = { .head = KIB(64) } },
	{ .name = "write-hole", .op = OP_WRITE, .off = KIB(128), .len = KIB(64),
	  .shape = { KIB(64), KIB(192), KIB(64), GAP_HOLE } },
	{ .name = "write-unwritten", .op = OP_WRITE, .off = KIB(128),
	  .len = KIB(64),
	  .shape = { KIB(64), KIB(192), KIB(64), GAP_UNWRITTEN } },
	{ .name = "write-1m", .op = OP_WRITE, .len = MIB(1) },
	{ .name = "write-32m", .op = OP_WRITE, .len = MIB(32),
	  .big = true },
	{ .name = "write-4-threads", .op = OP_WRITE, .len = MIB(1),
	  .threads = 4, .shape = { .head = MIB(1) } },

	{ .name = "copy", .op = OP_COPY, .len = MIB(1) },
};

const unsigned int recipe_count = ARRAY_SIZE(recipes);

static uint64_t round_up(uint64_t value, uint64_t unit)
{
	return (value + unit - 1) / unit * unit;
}

uint64_t test_off(const struct test *test)
{
	uint64_t block = test->volume->block;

	return round_up(test->recipe->off, block) +
	       test->recipe->off_blocks * block;
}

uint64_t test_len(const struct test *test)
{
	uint64_t block = test->volume->block;

	return round_up(test->recipe->len, block) +
	       test->recipe->len_blocks * block;
}

uint64_t test_piece(const struct test *test)
{
	uint64_t room = test->peer->size - POISON_TAIL - test->recipe->skew;

	return room >= KIB(64) ? room / KIB(64) * KIB(64) :
				 room / POISON_TAIL * POISON_TAIL;
}
