// SPDX-License-Identifier: GPL-2.0-only
/*
 * Peer memory to file, and file to file through peer memory.
 *
 * The two phases write two files of the same shape, so that the host finds the
 * bytes of both on the disk afterwards.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "crossbar_cell.h"
#include "suite.h"

/* Free space that the suite leaves for the file system's own needs. */
#define SPARE	MIB(8)

static struct content content_of(struct segment segment)
{
	struct content content = { .off = segment.off };

	content_append(&content, segment);
	return content;
}

/*
 * Files of earlier cases stay, because the host has yet to find them on the
 * disk. A volume may be too small for the big cases, which are skipped then,
 * but not for the others.
 */
static bool has_room(struct test *test, struct volume *volume, uint64_t bytes)
{
	if (volume_room(volume) >= bytes + SPARE)
		return true;
	verdict_end(&test->verdict, !test->recipe->big,
		    "volume %s has less than %llu MiB free", volume->id,
		    (unsigned long long)((bytes + SPARE) >> 20));
	return false;
}

/* Compares the whole file, and its end, with what it ought to hold. */
static void verify_file(struct test *test, struct phase_result *result,
			struct file *file)
{
	if (file->unsure)
		return;
	/*
	 * After a direct write the cache may hold old pages, which the kernel
	 * must have thrown out. After a write through the cache only the disk
	 * can tell something new.
	 */
	if (result->phase == PHASE_FALLBACK && !file_cool(file))
		test_fail(test, "cannot empty the page cache: %s",
			  strerror(errno));
	else if (!file_verify(file, 0, file->content.len, &result->mismatch))
		test_fail(test, "cannot read %s back: %s", file->path,
			  strerror(errno));
}

/*
 * struct cells - what a phase writes
 * @file:   whose the cells are
 * @gen:    their generation
 * @filled: they are in the peer's memory already, all of them
 */
struct cells {
	uint16_t file;
	uint16_t gen;
	bool filled;
};

static bool write_piece(struct test *test, struct phase_result *result,
			struct file *file, uint64_t off, size_t len,
			const struct cells *cells)
{
	uint8_t *memory = test->peer->memory + test->recipe->skew;
	struct content now = content_of(segment_cells(off, len, cells->file,
						      cells->gen));
	bool stale = result->phase == PHASE_DIRECT &&
		     test->options->sabotage == SABOTAGE_STALE_WRITE;

	if (stale)
		now.segments[0].gen--;
	if (!cells->filled)
		content_fill(&now, memory);
	if (!phase_move(test, result, file, true, memory, off, len))
		return false;
	if (stale) {
		now.segments[0].gen++;
		content_fill(&now, memory);
	}
	return phase_inspect(test, result, memory, &now);
}

/*
 * To fill a big part of register-like memory takes longer than all else of a case:
 * the fallback then writes the cells that the direct phase has left there.
 */
static bool leaves_cells(const struct test *test)
{
	return test->recipe->big && test->peer->registers &&
	       test_len(test) <= test_piece(test);
}

/* What the direct phase has read from is not its to change. */
static void check_left(struct test *test, struct phase_result *result,
		       const struct cells *cells)
{
	struct content left = content_of(segment_cells(test_off(test),
						       test_len(test),
						       cells->file,
						       cells->gen));

	peer_check(test->peer, &left, test->peer->memory + test->recipe->skew,
		   true, &result->mismatch);
}

static bool write_phase(struct test *test, struct phase_result *result,
			struct file *file, enum phase phase,
			const struct cells *cells)
{
	uint64_t start = test_off(test), len = test_len(test), done = 0;
	uint64_t most = test_piece(test);

	if (!phase_begin(test, result, phase))
		return false;
	while (done < len) {
		uint64_t part = len - done < most ? len - done : most;

		if (!write_piece(test, result, file, start + done, part, cells))
			break;
		done += part;
	}
	if (!result->error && done == len)
		phase_sync(result, file);
	/* Refused after pieces that were written, or given up in between. */
	if (done < len && (done || !result->error))
		file->unsure = true;
	if (!phase_end(test, result) || (done < len && !result->error))
		return false;

	if (!result->error) {
		content_set(&file->content,
			    segment_cells(start, len, cells->file, cells->gen));
		if (!phase_note_extents(test, result, file, true, start, len))
			return false;
	}
	if (phase == PHASE_FALLBACK ||
	    test->options->sabotage != SABOTAGE_STALE_WRITE)
		verify_file(test, result, file);
	if (phase == PHASE_DIRECT && leaves_cells(test))
		check_left(test, result, cells);
	phase_finish(test, result);
	return true;
}

/* Names the two files of a case after it. */
static void file_name(const struct test *test, enum phase phase, char *name,
		      size_t size)
{
	snprintf(name, size, "%s.%s", test->name, phase_name(phase));
}

void run_write(struct test *test)
{
	const struct shape *shape = &test->recipe->shape;
	static struct phase_result result;
	struct file *file[PHASES];
	struct cells cells;
	char name[96];
	enum phase phase;

	if (!has_room(test, test->volume, PHASES *
		       (shape->head + shape->gap + shape->tail + test_len(test))))
		return;
	for (phase = PHASE_DIRECT; phase < PHASES; phase++) {
		file_name(test, phase, name, sizeof(name));
		file[phase] = shaped_file(test, name);
		if (!file[phase])
			return;
	}
	if (shape->head + shape->gap && syncfs(test->volume->directory)) {
		test_fail(test, "cannot sync volume %s: %s", test->volume->id,
			  strerror(errno));
		return;
	}
	cells = (struct cells){
		.file = file[PHASE_DIRECT]->id,
		.gen = fresh_generation(),
	};
	if (!write_phase(test, &result, file[PHASE_DIRECT], PHASE_DIRECT,
			 &cells))
		return;
	cells.filled = leaves_cells(test);
	if (!cells.filled) {
		cells.file = file[PHASE_FALLBACK]->id;
		cells.gen = fresh_generation();
	}
	write_phase(test, &result, file[PHASE_FALLBACK], PHASE_FALLBACK, &cells);
}

static bool copy_phase(struct test *test, struct phase_result *result,
		       struct file *from, struct file *to, uint64_t start,
		       enum phase phase)
{
	uint8_t *memory = test->peer->memory;
	uint64_t len = test_len(test), most = test_piece(test), done = 0;
	struct segment copied = {
		.len = len,
		.kind = SEGMENT_CELLS,
		.file = from->id,
		.gen = 1,
		.cell_off = start,
	};

	if (phase == PHASE_FALLBACK && !file_cool(from)) {
		test_fail(test, "cannot empty the page cache: %s",
			  strerror(errno));
		return false;
	}
	if (!phase_begin(test, result, phase))
		return false;
	while (done < len) {
		uint64_t part = len - done < most ? len - done : most;

		if (!read_piece(test, result, from, memory, start + done, part) ||
		    !phase_move(test, result, to, true, memory, done, part))
			break;
		done += part;
	}
	if (!result->error && done == len)
		phase_sync(result, to);
	/* Refused after pieces that were written, or given up in between. */
	if (done < len && (done || !result->error))
		to->unsure = true;
	if (!phase_end(test, result) || (done < len && !result->error))
		return false;

	if (!result->error) {
		content_set(&to->content, copied);
		if (!phase_note_extents(test, result, from, false, start, len) ||
		    !phase_note_extents(test, result, to, true, 0, len))
			return false;
	}
	verify_file(test, result, to);
	phase_finish(test, result);
	return true;
}

void run_copy(struct test *test)
{
	/* Each copy takes another part, so an old copy is no right copy. */
	static unsigned int part;
	static struct phase_result result;
	struct file *from = source_file(test), *to[PHASES];
	char name[96];
	enum phase phase;

	if (!from || !has_room(test, test->target, PHASES * test_len(test)))
		return;
	for (phase = PHASE_DIRECT; phase < PHASES; phase++) {
		file_name(test, phase, name, sizeof(name));
		to[phase] = file_create(test->target, name);
		if (!to[phase]) {
			test_fail(test, "cannot make %s: %s", name,
				  strerror(errno));
			return;
		}
	}
	for (phase = PHASE_DIRECT; phase < PHASES; phase++) {
		uint64_t start = part++ * test_len(test) %
				 (CROSSBAR_GOLDEN_SIZE / MIB(1) * MIB(1));

		if (!copy_phase(test, &result, from, to[phase], start, phase))
			return;
	}
}
