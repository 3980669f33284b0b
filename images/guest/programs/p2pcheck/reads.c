// SPDX-License-Identifier: GPL-2.0-only
/*
 * File to peer memory.
 */
#include <errno.h>
#include <string.h>

#include "crossbar_cell.h"
#include "cells.h"
#include "suite.h"

/*
 * A refused transfer must not have touched the memory it was meant for. Zeros
 * for holes come from the CPU, which may have been faster than the refusal.
 */
static void check_untouched(const struct peer *peer,
			    struct phase_result *result, const uint8_t *memory,
			    const struct content *want)
{
	unsigned int i;

	for (i = 0; i < want->count; i++) {
		const struct segment *s = &want->segments[i];
		struct content poison = { .off = s->off };

		if (s->kind == SEGMENT_ZEROS)
			continue;
		content_append(&poison, segment_poison(s->off, s->len));
		peer_check(peer, &poison, memory + (s->off - want->off), true,
			   &result->mismatch);
	}
}

bool read_piece(struct test *test, struct phase_result *result,
		struct file *file, uint8_t *memory, uint64_t off, size_t len)
{
	struct content want = content_slice(&file->content, off, len);
	struct content tail = { .off = off + len };
	struct segment poison = segment_poison(off + len, POISON_TAIL);
	const struct peer *peer = test->peer;
	bool by_cpu = result->phase == PHASE_FALLBACK;

	content_append(&tail, poison);
	peer_poison(peer, memory, len + POISON_TAIL);
	if (!phase_move(test, result, file, false, memory, off, len)) {
		check_untouched(peer, result, memory, &want);
		check_untouched(peer, result, memory + len, &tail);
		return false;
	}

	/*
	 * When the file ends in the range, the device may move the rest of the
	 * last block as well: nothing is said about the memory between @want
	 * and @tail.
	 */
	if (result->phase == PHASE_DIRECT &&
	    test->options->sabotage == SABOTAGE_FLIP_BYTE)
		memory[want.len / 2] ^= 0x01;
	peer_check(peer, &want, memory, by_cpu, &result->mismatch);
	peer_check(peer, &tail, memory + len, true, &result->mismatch);
	if (result->phase == PHASE_DIRECT &&
	    test->options->sabotage == SABOTAGE_FLIP_UNSEEN)
		memory[want.len / 2] ^= 0x01;

	if (want.len < len)
		return phase_inspect(test, result, memory, &want) &&
		       phase_inspect(test, result, memory + len, &tail);
	content_append(&want, poison);
	return phase_inspect(test, result, memory, &want);
}

/* The file's pages leave the cache, so that a fallback has to read the disk. */
static bool make_cold(struct test *test, struct file *file, enum phase phase)
{
	if (test->recipe->drop_caches) {
		if (caches_drop())
			return true;
	} else if (phase == PHASE_DIRECT || file_cool(file)) {
		return true;
	}
	test_fail(test, "cannot empty the page cache: %s", strerror(errno));
	return false;
}

static bool read_phase(struct test *test, struct phase_result *result,
		       struct file *file, enum phase phase)
{
	uint8_t *memory = test->peer->memory + test->recipe->skew;
	uint64_t start = test_off(test), len = test_len(test), done = 0;
	uint64_t most = test_piece(test);

	if (test->recipe->last_block)
		start = file->content.len / POISON_TAIL * POISON_TAIL;
	if (!make_cold(test, file, phase) || !phase_begin(test, result, phase))
		return false;
	while (done < len) {
		uint64_t part = len - done < most ? len - done : most;

		if (!read_piece(test, result, file, memory, start + done, part))
			break;
		done += part;
	}
	if (!phase_end(test, result) || (done < len && !result->error))
		return false;
	if (!result->error &&
	    !phase_note_extents(test, result, file, false, start, result->bytes))
		return false;
	/* Samples of register-like memory were compared; now all of the cache. */
	if (phase == PHASE_FALLBACK && test->peer->registers && !result->error &&
	    !file_verify(file, start, result->bytes, &result->mismatch))
		test_fail(test, "cannot read %s again: %s", file->path,
			  strerror(errno));
	phase_finish(test, result);
	return true;
}

void run_read(struct test *test)
{
	static struct phase_result result;
	struct file *file = source_file(test);

	if (file && read_phase(test, &result, file, PHASE_DIRECT))
		read_phase(test, &result, file, PHASE_FALLBACK);
}
