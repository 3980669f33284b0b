// SPDX-License-Identifier: GPL-2.0-only
/*
 * Races: the GPU works on a file by several address spaces, while its blocks are taken
 * back in every way there is. No cell is lost, and none is stale.
 */
#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/mman.h>

#include "engine.h"
#include "map_look.h"
#include "map_race.h"
#include "path.h"
#include "report.h"

/* Owners, one who looks on, and one who cuts the tail off. */
#define RACERS	(RACE_OWNERS + 2)

/* So many have each part at least once. */
#define SURE_ROUNDS	50

/* A generation is 16 bits long; long before, all start again. */
#define GENERATIONS	60000

static bool racer_open(struct race *race, struct racer *racer, unsigned int n)
{
	struct test *test = race->test;

	*racer = (struct racer){
		.race = race,
		.n = n,
		.gpu = { .fd = -1 },
		.random = { random_next(&test->random) },
	};
	if (!test_check(test, ivgpu_open(&racer->gpu, test->address,
					 &test->totals),
			"cannot open the GPU: %s", strerror(errno)))
		return false;
	racer->from = ivgpu_alloc(&racer->gpu, RACE_TAIL, NULL);
	racer->to = ivgpu_alloc(&racer->gpu, RACE_BODY, NULL);
	return test_check(test, racer->from && racer->to &&
			  !posix_memalign((void **)&racer->copy, PAGE,
					  RACE_SLOT),
			  "no memory for a race: %s", strerror(errno));
}

static void racer_close(struct racer *racer)
{
	if (racer->from)
		munmap(racer->from, RACE_TAIL);
	if (racer->to)
		munmap(racer->to, RACE_BODY);
	free(racer->copy);
	ivgpu_close(&racer->gpu);
}

/* All slots of generation 1, on the disk. */
static bool start_over(struct race *race)
{
	unsigned int slot;

	for (slot = 0; slot < RACE_SLOTS; slot++)
		race->slots[slot] = (struct race_slot){ .begun = 1, .done = 1 };
	return test_check(race->test, file_write(race->mapped.file, 0, RACE_SIZE,
						 1),
			  "cannot write the file of a race: %s",
			  strerror(errno)) &&
	       mapped_cool(race->test, &race->mapped, "before a race");
}

/* When all is quiet: by read(2), and from the disk. */
static bool check_all(struct race *race, uint8_t *copy)
{
	unsigned int slot, i;

	for (i = 0; i < 2; i++) {
		for (slot = 0; slot < RACE_SLOTS; slot++)
			if (!test_check(race->test,
					pread(race->mapped.file->cached, copy,
					      RACE_SLOT,
					      (off_t)(slot * RACE_SLOT)) ==
					(ssize_t)RACE_SLOT, "cannot read: %s",
					strerror(errno)) ||
			    !race_exact(race, slot, copy, i ?
					"the disk after a race" :
					"read(2) after a race"))
				return false;
		if (!mapped_cool(race->test, &race->mapped, "after a race"))
			return false;
	}
	return race_taker_is_whole(race);
}

bool race_revoked(struct race *race, uint64_t *pages)
{
	*pages = 0;
	return !race->test->direct ||
	       look_counter(race->test, "revoked_pages", pages);
}

static bool run_round(struct race *race, struct racer *racers)
{
	pthread_t threads[RACERS];
	unsigned int i, started = 0;
	uint64_t before, after;
	bool ok = race_revoked(race, &before);

	race->working = RACE_OWNERS;
	for (i = 0; ok && i < RACERS; i++) {
		void *(*body)(void *context) = i < RACE_OWNERS ? race_own :
					       i == RACE_OWNERS ? race_look :
					       race_truncate;

		if (body == race_truncate && !(race->parts & RACE_TRUNCATE))
			continue;
		ok = test_check(race->test, !pthread_create(&threads[started],
							    NULL, body,
							    &racers[i]),
				"cannot start a thread");
		started += ok;
	}
	if (!ok)
		race->working = 0;
	for (i = 0; i < started; i++)
		pthread_join(threads[i], NULL);
	if (!ok || race->test->verdict.failed || !race_revoked(race, &after))
		return false;
	/* What the check takes back is no part of the race. */
	race->lost += after - before;
	return check_all(race, racers[0].copy);
}

/* The GPU had pages in the BAR, and lost them to the others: one a round, taken together. */
static void check_lost(struct race *race, unsigned int rounds)
{
	struct test *test = race->test;
	uint64_t lost = race->lost > race->given ? race->lost - race->given : 0;

	report_add("# %s: the GPU lost %" PRIu64 " pages of the BAR in %u rounds",
		   test->name, lost, rounds);
	report_end();
	test_check(test, test->totals.direct && lost >= rounds,
		   "%" PRIu64 " pages were mapped in the BAR, and %" PRIu64
		   " taken back by others in %u rounds", test->totals.direct,
		   lost, rounds);
}

/* Each part has been there, and each way has been gone, or else there was no race. */
static void check_parts(struct race *race, unsigned int rounds)
{
	static const char *const names[RACE_PARTS] = {
		"an access of the CPU", "direct I/O", "a punch", "a cut",
		"a clone", "a revocation by the controller",
	};
	struct test *test = race->test;
	unsigned int i;

	if (test->direct)
		check_lost(race, rounds);
	for (i = 0; rounds >= SURE_ROUNDS && i < RACE_PARTS; i++)
		test_check(test, race->counts[i] || !(race->parts & 1U << i),
			   "there was no sign of %s in %u rounds", names[i],
			   rounds);
}

static struct file *make_taker(struct test *test)
{
	struct file *file;
	char name[96];

	snprintf(name, sizeof(name), "%s.taker", test->name);
	file = file_create(test->volume, name);
	test_check(test, file, "cannot make %s: %s", name, strerror(errno));
	return file;
}

static unsigned int newest(const struct race *race)
{
	unsigned int slot, most = 0;

	for (slot = 0; slot < RACE_SLOTS; slot++)
		if (race->slots[slot].done > most)
			most = race->slots[slot].done;
	return most;
}

static void run_race(struct test *test)
{
	struct race *race = calloc(1, sizeof(*race));
	struct racer racers[RACERS] = { 0 };
	unsigned int opened = 0, round;
	bool ok;

	if (!test_check(test, race, "no memory for a race"))
		return;
	race->test = test;
	race->parts = test->recipe->argument;
	ok = mapped_open(test, &race->mapped, RACE_SIZE, false);
	if (ok && (race->parts & RACE_TRUNCATE)) {
		race->taker = make_taker(test);
		ok = race->taker;
	}
	while (ok && opened < RACERS) {
		ok = racer_open(race, &racers[opened], opened);
		opened++;
	}
	ok = ok && start_over(race);
	for (round = 0; ok && test_has_round(test, round); round++) {
		if (newest(race) > GENERATIONS)
			ok = start_over(race);
		ok = ok && run_round(race, racers);
	}
	while (opened)
		racer_close(&racers[--opened]);
	if (ok)
		check_parts(race, round);
	if (race->taker)
		file_remove(race->taker);
	mapped_close(test, &race->mapped);
	free(race);
}

#define RACES(name_, parts_) \
	{ .name = name_, .run = run_race, .volume = true, .argument = parts_ }

static const struct recipe recipe[] = {
	RACES("rule2-races-device-revokes", RACE_REVOKE),
	RACES("rule2-races-cache", RACE_CACHE),
	RACES("rule2-races-direct-io", RACE_DIO | RACE_CACHE),
	RACES("rule3-races-truncate", RACE_TRUNCATE),
	RACES("rule3-races-punch", RACE_PUNCH | RACE_CACHE),
	{ .name = "rule3-races-reflink", .run = run_race, .volume = true,
	  .fstype = "xfs", .argument = RACE_REFLINK | RACE_CACHE },
	RACES("rule2-races-all", RACE_CACHE | RACE_DIO | RACE_PUNCH |
	      RACE_TRUNCATE | RACE_REVOKE),
	{ .name = "rule2-races-all-reflink", .run = run_race, .volume = true,
	  .fstype = "xfs", .argument = RACE_CACHE | RACE_DIO | RACE_PUNCH |
	  RACE_TRUNCATE | RACE_REFLINK | RACE_REVOKE },
};

const struct recipes map_race_recipes = { recipe, ARRAY_SIZE(recipe) };
