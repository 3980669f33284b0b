// SPDX-License-Identifier: GPL-2.0-only
/*
 * Memory that the GPU has published for its peers, mapped by a program: for the
 * engine it is an address on the bus like any other device's.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "area.h"
#include "engine.h"

#define SIZE	(64 * PAGE)

/*
 * Data goes there and back. A BAR promises no atomic operation, so those end
 * with an error, and do so each time.
 */
static void run_peer_memory(struct test *test)
{
	uint8_t *peer = memory_map_device(test, "p2pmem/allocate", SIZE);
	struct area area;
	uint8_t *model;
	unsigned int i;

	if (!peer)
		return;
	if (!area_open_random(test, &area, PLACE_ANONYMOUS, SIZE, &model))
		goto unmap;
	/* Of a page that is not mapped yet, and then of one that is. */
	if (!engine_refuses(test, gpu_add(peer + SIZE - PAGE, 8, 1), EOPNOTSUPP,
			    "add in untouched peer memory") ||
	    !engine_run(test, gpu_copy(peer, area.memory, SIZE), NULL,
			"copy to peer memory") ||
	    !test_check(test, !memcmp(peer, model, SIZE),
			"the CPU finds something else in peer memory"))
		goto close;
	for (i = 0; i < 2; i++)
		if (!engine_refuses(test, gpu_add(peer + 8 * i, 8, 1),
				    EOPNOTSUPP, "add in peer memory"))
			goto close;
	memset(area.memory, 0, SIZE);
	if (engine_run(test, gpu_copy(area.memory, peer, SIZE), NULL,
		       "copy from peer memory"))
		area_check(test, &area, model, "what came from peer memory");
close:
	area_close(&area);
	free(model);
unmap:
	munmap(peer, SIZE);
}

static const struct recipe recipe[] = {
	{ .name = "peer-memory", .run = run_peer_memory },
};

const struct recipes peer_memory_recipes = { recipe, ARRAY_SIZE(recipe) };
