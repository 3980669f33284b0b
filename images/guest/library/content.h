/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a file ought to hold, as a list of segments. Every write updates the
 * list, every check and every report to the host is derived from it, so the
 * program never has to remember a buffer.
 */
#ifndef LIBRARY_CONTENT_H
#define LIBRARY_CONTENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CONTENT_SEGMENTS	16
#define MISMATCH_BYTES		32

enum segment_kind {
	SEGMENT_CELLS,		/* golden cells of file, generation */
	SEGMENT_ZEROS,		/* a hole, or an extent never written */
	SEGMENT_BYTE,		/* one byte repeated: poison */
};

/*
 * struct segment - a run of bytes of one kind
 * @off:      first byte, in the content it is part of
 * @len:      bytes
 * @cell_off: offset that the first cell claims; a copied file's cells go on
 *            naming the file that they came from
 */
struct segment {
	uint64_t off;
	uint64_t len;
	enum segment_kind kind;
	uint16_t file;
	uint16_t gen;
	uint64_t cell_off;
	uint8_t byte;
};

/* Segments in order, without gaps, from @off to @off + @len. */
struct content {
	uint64_t off;
	uint64_t len;
	unsigned int count;
	struct segment segments[CONTENT_SEGMENTS];
};

/*
 * Where bytes first differ from what they ought to be. @at is a file offset, of
 * the first wrong byte or, among cells, of the first wrong cell.
 */
struct mismatch {
	bool bad;
	uint64_t at;
	char expected[64];
	uint8_t found[MISMATCH_BYTES];
	size_t found_len;
};

struct segment segment_cells(uint64_t off, uint64_t len, uint16_t file,
			     uint16_t gen);
struct segment segment_zeros(uint64_t off, uint64_t len);
struct segment segment_poison(uint64_t off, uint64_t len);

/* Replaces what @content says of the new segment's range, or extends it. */
void content_set(struct content *content, struct segment segment);

/*
 * Takes a range out, so that what follows moves there, or zeros in, so that what
 * follows moves away. Cells go on naming the offsets that they had.
 */
void content_collapse(struct content *content, uint64_t off, uint64_t len);
void content_insert(struct content *content, uint64_t off, uint64_t len);

/* The part of @content in [@off, @off + @len), cut at the content's end. */
struct content content_slice(const struct content *content, uint64_t off,
			     uint64_t len);

/* Appends a segment that follows directly. */
void content_append(struct content *content, struct segment segment);

/* Fills @mem with the content. */
void content_fill(const struct content *content, void *mem);

/*
 * Compares @mem, which is to hold the whole @content, and notes the first
 * difference, unless @mismatch holds one already. True if all is equal.
 */
bool content_check(const struct content *content, const void *mem,
		   struct mismatch *mismatch);

/* Notes that bytes are missing altogether from file offset @at on. */
void mismatch_short(struct mismatch *mismatch, uint64_t at, uint64_t missing);

#endif /* LIBRARY_CONTENT_H */
