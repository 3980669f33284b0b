// SPDX-License-Identifier: GPL-2.0-only
/*
 * Memory that the kernel needs back: reclaim, and swap.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/mman.h>
#include <sys/swap.h>

#include "crossbar_cell.h"
#include "area.h"
#include "crc32c.h"
#include "disk.h"
#include "engine.h"
#include "kernelfile.h"
#include "pressure.h"
#include "process.h"

#define SIZE	((size_t)MIB(4))
#define SWAP	MIB(24)

/* Kilobytes of a line of /proc/meminfo, 0 if it isn't there. */
static uint64_t kernel_memory(const char *name)
{
	FILE *file = fopen("/proc/meminfo", "re");
	unsigned long long value = 0;
	char line[128];
	size_t len = strlen(name);

	while (file && fgets(line, sizeof(line), file))
		if (!strncmp(line, name, len) && line[len] == ':')
			value = strtoull(line + len + 1, NULL, 10);
	if (file)
		fclose(file);
	return value;
}

/* Documentation/admin-guide/mm/pagemap.rst */
#define PAGEMAP_PRESENT	(1ULL << 63)

/* Pages of the range that the process no longer has. */
static size_t absent(const void *memory, size_t size)
{
	static uint64_t entries[SIZE / PAGE];
	int fd = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
	off_t at = (off_t)((uintptr_t)memory / PAGE * sizeof(entries[0]));
	size_t i, count = 0;
	ssize_t n;

	if (fd < 0)
		return 0;
	n = pread(fd, entries, size / PAGE * sizeof(entries[0]), at);
	close(fd);
	for (i = 0; n > 0 && i < (size_t)n / sizeof(entries[0]); i++)
		count += !(entries[i] & PAGEMAP_PRESENT);
	return count;
}

/* A file's pages are thrown out while the GPU has them mapped. */
static void run_file_pageout(struct test *test)
{
	struct file *file = disk_file(test, SIZE, false);
	struct ivgpu_stats before, after;
	uint8_t *memory;
	unsigned int round;
	uint32_t crc;

	if (!file)
		return;
	memory = disk_map(test, file, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED);
	for (round = 0; memory && round < 3; round++) {
		crc = disk_model_crc(&file->content);
		/* Only clean pages go at once. */
		if (!engine_crc(test, memory, SIZE, crc, "sum before") ||
		    !engine_stats(test, &before) ||
		    !test_check(test, !fsync(file->cached) &&
				!madvise(memory, SIZE, MADV_PAGEOUT),
				"cannot page out: %s", strerror(errno)) ||
		    !engine_crc(test, memory, SIZE, crc, "sum after pageout") ||
		    !engine_stats(test, &after) ||
		    !test_check(test, after.faults > before.faults,
				"there was no fault after pageout"))
			break;
		madvise(memory, SIZE, MADV_PAGEOUT);
		if (!engine_run(test, gpu_fill(memory + MIB(round),
					       0x0101010101010101ULL *
					       CROSSBAR_POISON, MIB(1)),
				NULL, "fill of what was paged out"))
			break;
		content_set(&file->content, segment_poison(MIB(round), MIB(1)));
	}
	if (memory)
		munmap(memory, SIZE);
	disk_has(test, file, "the disk after all pageouts");
	file_remove(file);
}

/* Pages that the kernel has looked at for memory to reclaim so far. */
static uint64_t pages_seen(void)
{
	static const char *const names[] = { "pgscan_kswapd", "pgscan_direct" };
	uint64_t sum = 0, value;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(names); i++)
		if (kernel_counter("/proc/vmstat", names[i], &value))
			sum += value;
	return sum;
}

/* Clean pages, and how often the kernel has to look for some while the GPU works. */
#define CACHED	32
#define LOOKS	2

/* Rounds under pressure, or more. */
#define ROUNDS	12

/* Pages of a file that goes with the process, so that there is what to reclaim. */
static void fill_cache(struct test *test)
{
	static uint8_t piece[MIB(1)];
	int fd = openat(test->volume->directory, ".",
			O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	unsigned int i;

	for (i = 0; fd >= 0 && i < CACHED; i++)
		if (write(fd, piece, sizeof(piece)) != (ssize_t)sizeof(piece))
			break;
	if (fd >= 0)
		fsync(fd);
}

/* Takes memory until the kernel looks for some, in small steps at the end. */
static void take(unsigned int rest)
{
	uint64_t seen = pages_seen();

	while (pages_seen() == seen) {
		size_t step = kernel_memory("MemFree") > MIB(64) >> 10 ?
			      MIB(4) : KIB(128);
		uint8_t *memory = mmap(NULL, step, PROT_READ | PROT_WRITE,
				       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

		if (memory == MAP_FAILED)
			break;
		memset(memory, 0x3C, step);
		sleep_ms(rest);
	}
}

/*
 * Takes memory until it is short, and more, slowly, so that it is short again while
 * others work. It leaves enough for them: where pages go as fast as they come, the GPU
 * would make no progress.
 */
static void hog(struct test *test, void *context)
{
	FILE *score = fopen("/proc/self/oom_score_adj", "we");
	struct meeting *meeting = context;
	unsigned int i;

	fill_cache(test);
	/* If it comes to that, this is the process to go. */
	if (score) {
		fputs("1000", score);
		fclose(score);
	}
	take(0);
	meeting_signal(meeting, true);
	for (i = 0; i < LOOKS; i++) {
		sleep_ms(100);
		take(1);
	}
	while (true)
		pause();
}

bool pressure_start(struct test *test, struct pressure *pressure)
{
	uint64_t end = now_ns() + PROCESS_SECONDS * NS_PER_S;
	struct meeting meeting;
	bool ready = false;
	unsigned int i;

	if (!meeting_open(test, &meeting))
		return false;
	*pressure = (struct pressure){
		.pid = process_start(test, hog, &meeting),
	};
	/* It takes all that there is, which lasts a while. */
	for (i = 0; pressure->pid > 0 && !ready && now_ns() < end; i++) {
		report_progress(test->name, i, i + 1, "waits");
		ready = meeting_ready(&meeting, false, 200);
	}
	meeting_close(&meeting);
	if (pressure->pid < 0)
		return false;
	if (!test_check(test, ready, "no memory is short after %d s",
			PROCESS_SECONDS)) {
		process_kill(test, pressure->pid);
		return false;
	}
	pressure->seen = pages_seen();
	pressure->end = now_ns() + PROCESS_SECONDS * NS_PER_S;
	return true;
}

bool pressure_lasts(struct test *test, struct pressure *pressure)
{
	if (pressure->rounds >= ROUNDS &&
	    (pages_seen() > pressure->seen || now_ns() > pressure->end))
		return false;
	report_progress(test->name, pressure->rounds, pressure->rounds + 1,
			"fills");
	pressure->rounds++;
	return true;
}

void pressure_stop(struct test *test, struct pressure *pressure)
{
	test_check(test, test->verdict.failed || pages_seen() > pressure->seen,
		   "memory has not been short in %u fills", pressure->rounds);
	process_kill(test, pressure->pid);
}

/* The GPU sums a file and writes memory while everything is needed. */
static void run_pressure(struct test *test)
{
	struct file *file = disk_file(test, MIB(16), false);
	struct area area = { .fd = -1 };
	uint8_t *memory = NULL, *model = NULL;
	struct pressure pressure;
	uint32_t crc;

	if (!file)
		return;
	crc = disk_model_crc(&file->content);
	memory = disk_map(test, file, MIB(16), PROT_READ, MAP_SHARED);
	if (!memory ||
	    !area_open_random(test, &area, PLACE_ANONYMOUS, SIZE, &model) ||
	    !engine_crc(test, memory, MIB(16), crc, "sum before") ||
	    !pressure_start(test, &pressure))
		goto remove;
	while (pressure_lasts(test, &pressure)) {
		uint64_t word = random_next(&test->random);

		if (!engine_crc(test, memory, MIB(16), crc,
				"sum of a file under pressure") ||
		    !engine_run(test, gpu_fill(area.memory, word, SIZE), NULL,
				"fill under pressure"))
			break;
		for (size_t j = 0; j < SIZE; j += 8)
			memcpy(model + j, &word, 8);
		if (!area_check(test, &area, model, "fill under pressure"))
			break;
	}
	pressure_stop(test, &pressure);
	engine_crc(test, memory, MIB(16), crc, "sum after");
remove:
	if (memory)
		munmap(memory, MIB(16));
	area_close(&area);
	free(model);
	file_remove(file);
}

bool swap_mark(int fd, uint64_t size)
{
	/* linux/swap.h, union swap_header */
	struct {
		uint8_t boot[1024];
		uint32_t version, last_page, bad_pages;
		uint8_t rest[PAGE - 1024 - 12 - 10];
		char magic[10];
	} header = { .version = 1, .last_page = (uint32_t)(size / PAGE - 1) };

	memcpy(header.magic, "SWAPSPACE2", sizeof(header.magic));
	return pwrite(fd, &header, sizeof(header), 0) ==
	       (ssize_t)sizeof(header) && !fsync(fd);
}

static bool make_swap(struct test *test, char *path, size_t size)
{
	static uint8_t zeros[64 * PAGE];
	uint64_t done;
	int fd;

	snprintf(path, size, "%s/w/swap", test->volume->mount);
	unlink(path);
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0)
		return false;
	/* Every block has to be there. */
	for (done = 0; done < SWAP; done += sizeof(zeros))
		if (pwrite(fd, zeros, sizeof(zeros), (off_t)done) !=
		    (ssize_t)sizeof(zeros))
			break;
	if (done < SWAP || !swap_mark(fd, SWAP)) {
		close(fd);
		return false;
	}
	close(fd);
	return !swapon(path, 0);
}

/* Anonymous memory that was swapped out comes back for the GPU. */
static void run_swap(struct test *test)
{
	struct ivgpu_stats before, after;
	struct area area = { .fd = -1 };
	uint8_t *model = NULL;
	unsigned int round;
	char path[96];
	uint64_t used;
	size_t out;

	if (volume_room(test->volume) < SWAP + MIB(8)) {
		test_skip(test, "volume %s has no room for swap",
			  test->volume->id);
		return;
	}
	if (!make_swap(test, path, sizeof(path))) {
		test_skip(test, "cannot swap to a file on volume %s: %s",
			  test->volume->id, strerror(errno));
		unlink(path);
		return;
	}
	if (!area_open_random(test, &area, test->recipe->argument, SIZE, &model))
		goto swapoff;
	for (round = 0; round < 4; round++) {
		if (!engine_crc(test, area.memory, SIZE, crc32c(0, model, SIZE),
				"sum before") ||
		    !engine_stats(test, &before) ||
		    !test_check(test, !madvise(area.memory, SIZE, MADV_PAGEOUT),
				"madvise: %s", strerror(errno)))
			break;
		out = absent(area.memory, SIZE);
		used = kernel_memory("SwapTotal") - kernel_memory("SwapFree");
		if (!test_check(test, out > SIZE / PAGE / 2 &&
				used >= SIZE / 2 >> 10,
				"%zu of %zu pages are gone, %" PRIu64
				" KiB of swap are used", out, SIZE / PAGE, used))
			break;
		if (!engine_crc(test, area.memory, SIZE, crc32c(0, model, SIZE),
				"sum of what was swapped out") ||
		    !engine_stats(test, &after) ||
		    !test_check(test, after.faults > before.faults,
				"there was no fault"))
			break;
		/* A page that comes back for the GPU's write. */
		madvise(area.memory, SIZE, MADV_PAGEOUT);
		memset(model + round * 8 * PAGE, 0x2F, 4 * PAGE);
		if (!engine_run(test, gpu_fill(area.memory + round * 8 * PAGE,
					       0x2F2F2F2F2F2F2F2FULL, 4 * PAGE),
				NULL, "fill of what was swapped out") ||
		    !area_check(test, &area, model, "after the fill"))
			break;
	}
swapoff:
	area_close(&area);
	free(model);
	test_check(test, !swapoff(path), "swapoff: %s", strerror(errno));
	unlink(path);
}

static const struct recipe recipe[] = {
	{ .name = "pageout-file", .run = run_file_pageout, .volume = true,
	  .claim = CLAIM_MEMORY },
	{ .name = "pressure", .run = run_pressure, .volume = true,
	  .claim = CLAIM_MEMORY },
	{ .name = "swap-anonymous", .run = run_swap, .volume = true,
	  .claim = CLAIM_MEMORY, .argument = PLACE_ANONYMOUS },
	{ .name = "swap-shared", .run = run_swap, .volume = true,
	  .claim = CLAIM_MEMORY, .argument = PLACE_SHARED },
};

const struct recipes pressure_recipes = { recipe, ARRAY_SIZE(recipe) };
