// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a file ought to hold, as a list of segments.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "crossbar_cell.h"
#include "cells.h"
#include "content.h"

struct segment segment_cells(uint64_t off, uint64_t len, uint16_t file,
			     uint16_t gen)
{
	return (struct segment){
		.off = off,
		.len = len,
		.kind = SEGMENT_CELLS,
		.file = file,
		.gen = gen,
		.cell_off = off,
	};
}

struct segment segment_zeros(uint64_t off, uint64_t len)
{
	return (struct segment){ .off = off, .len = len, .kind = SEGMENT_ZEROS };
}

struct segment segment_poison(uint64_t off, uint64_t len)
{
	return (struct segment){
		.off = off,
		.len = len,
		.kind = SEGMENT_BYTE,
		.byte = CROSSBAR_POISON,
	};
}

/* The part of a segment in [@from, @to), which it overlaps. */
static struct segment segment_cut(struct segment segment, uint64_t from,
				  uint64_t to)
{
	uint64_t end = segment.off + segment.len;

	if (from > segment.off) {
		segment.cell_off += from - segment.off;
		segment.off = from;
	}
	if (to < end)
		end = to;
	segment.len = end - segment.off;
	return segment;
}

void content_append(struct content *content, struct segment segment)
{
	if (!segment.len)
		return;
	if (content->count == CONTENT_SEGMENTS) {
		/* The suite's own shapes are fixed; none comes near. */
		fprintf(stderr, "%s: a file has more than %d segments\n",
			program_invocation_short_name, CONTENT_SEGMENTS);
		abort();
	}
	content->segments[content->count++] = segment;
	content->len = segment.off + segment.len - content->off;
}

struct content content_slice(const struct content *content, uint64_t off,
			     uint64_t len)
{
	struct content slice = { .off = off };
	unsigned int i;

	for (i = 0; i < content->count; i++) {
		struct segment segment = content->segments[i];

		if (segment.off < off + len && off < segment.off + segment.len)
			content_append(&slice,
				       segment_cut(segment, off, off + len));
	}
	return slice;
}

void content_set(struct content *content, struct segment segment)
{
	uint64_t start = segment.off, end = segment.off + segment.len;
	uint64_t last = content->off + content->len;
	struct content next = { .off = content->off };
	struct content part;
	unsigned int i;

	part = content_slice(content, content->off, start - content->off);
	for (i = 0; i < part.count; i++)
		content_append(&next, part.segments[i]);
	content_append(&next, segment);
	if (last > end) {
		part = content_slice(content, end, last - end);
		for (i = 0; i < part.count; i++)
			content_append(&next, part.segments[i]);
	}
	*content = next;
}

/* Appends all of @tail, moved to where @content ends. */
static void append_moved(struct content *content, const struct content *tail)
{
	unsigned int i;

	for (i = 0; i < tail->count; i++) {
		struct segment segment = tail->segments[i];

		segment.off = content->off + content->len;
		content_append(content, segment);
	}
}

void content_collapse(struct content *content, uint64_t off, uint64_t len)
{
	struct content head = content_slice(content, content->off,
					    off - content->off);
	struct content tail = content_slice(content, off + len, content->len);

	append_moved(&head, &tail);
	*content = head;
}

void content_insert(struct content *content, uint64_t off, uint64_t len)
{
	struct content head = content_slice(content, content->off,
					    off - content->off);
	struct content tail = content_slice(content, off, content->len);

	content_append(&head, segment_zeros(off, len));
	append_moved(&head, &tail);
	*content = head;
}

void content_fill(const struct content *content, void *mem)
{
	unsigned int i;

	for (i = 0; i < content->count; i++) {
		const struct segment *s = &content->segments[i];
		uint8_t *at = (uint8_t *)mem + (s->off - content->off);

		if (s->kind == SEGMENT_CELLS)
			cells_fill(at, s->len, s->cell_off, s->file, s->gen);
		else
			bytes_fill(at, s->len, s->byte);
	}
}

static void mismatch_note(struct mismatch *mismatch, const struct segment *s,
			  uint64_t index, const uint8_t *mem)
{
	uint64_t left;
	size_t i;

	if (mismatch->bad)
		return;
	/* A whole cell says more than its wrong part. */
	if (s->kind == SEGMENT_CELLS)
		index -= index % CROSSBAR_CELL_SIZE;
	left = s->len - index;
	mismatch->bad = true;
	mismatch->at = s->off + index;
	mismatch->found_len = left < MISMATCH_BYTES ? left : MISMATCH_BYTES;
	for (i = 0; i < mismatch->found_len; i++)
		mismatch->found[i] = mem[index + i];

	switch (s->kind) {
	case SEGMENT_CELLS:
		snprintf(mismatch->expected, sizeof(mismatch->expected),
			 "cells file %u gen %u off %" PRIu64, s->file, s->gen,
			 s->cell_off + index);
		break;
	case SEGMENT_ZEROS:
		snprintf(mismatch->expected, sizeof(mismatch->expected),
			 "zeros");
		break;
	case SEGMENT_BYTE:
		snprintf(mismatch->expected, sizeof(mismatch->expected),
			 "byte %u", s->byte);
		break;
	}
}

bool content_check(const struct content *content, const void *mem,
		   struct mismatch *mismatch)
{
	unsigned int i;

	for (i = 0; i < content->count; i++) {
		const struct segment *s = &content->segments[i];
		const uint8_t *at = (const uint8_t *)mem + (s->off - content->off);
		size_t good;

		if (s->kind == SEGMENT_CELLS)
			good = cells_check(at, s->len, s->cell_off, s->file,
					   s->gen);
		else
			good = bytes_check(at, s->len, s->byte);
		if (good < s->len) {
			mismatch_note(mismatch, s, good, at);
			return false;
		}
	}
	return true;
}

void mismatch_short(struct mismatch *mismatch, uint64_t at, uint64_t missing)
{
	if (mismatch->bad)
		return;
	mismatch->bad = true;
	mismatch->at = at;
	mismatch->found_len = 0;
	snprintf(mismatch->expected, sizeof(mismatch->expected),
		 "%" PRIu64 " bytes more", missing);
}
