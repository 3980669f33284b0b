// SPDX-License-Identifier: GPL-2.0-only
/*
 * Rule 3: two files of an XFS exchange their blocks, by XFS_IOC_EXCHANGE_RANGE.
 *
 * The file system has to have been made for it, which Debian 12's mkfs.xfs can't. It is
 * one bit of the superblock, so it is set for the time of the case.
 */
#include <errno.h>
#include <endian.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/mman.h>

#include "crc32c.h"
#include "defrag.h"
#include "engine.h"
#include "map_file.h"
#include "map_look.h"
#include "path.h"

#define SIZE	((size_t)KIB(256))

#define DIRTY	(18 * PAGE)
#define WRITTEN	(20 * PAGE)

/* XFS Algorithms & Data Structures, 3rd edition, 13.1: struct xfs_dsb. */
#define SB_MAGIC	"XFSB"
#define SB_SECTSIZE	102	/* be16 */
#define SB_INCOMPAT	216	/* be32 */
#define SB_CRC		224	/* le32 */
#define INCOMPAT_EXCHRANGE	(1U << 6)

/* Sets the bit or takes it away. The volume is not mounted. False with errno. */
static bool set_feature(const struct volume *volume, bool on)
{
	uint32_t features, crc = 0;
	uint16_t sector;
	uint8_t *sb;
	bool ok = false;

	if (posix_memalign((void **)&sb, PAGE, PAGE))
		return false;
	if (!volume_read(volume, sb, PAGE, 0))
		goto free;
	memcpy(&sector, sb + SB_SECTSIZE, sizeof(sector));
	sector = be16toh(sector);
	errno = EUCLEAN;
	if (memcmp(sb, SB_MAGIC, 4) || sector < 512 || sector > PAGE)
		goto free;
	memcpy(&features, sb + SB_INCOMPAT, sizeof(features));
	features = be32toh(features);
	features = on ? features | INCOMPAT_EXCHRANGE :
		   features & ~INCOMPAT_EXCHRANGE;
	features = htobe32(features);
	memcpy(sb + SB_INCOMPAT, &features, sizeof(features));
	/* Of the sector, with zeros in its own place. */
	memcpy(sb + SB_CRC, &crc, sizeof(crc));
	crc = htole32(crc32c(0, sb, sector));
	memcpy(sb + SB_CRC, &crc, sizeof(crc));
	ok = volume_write(volume, sb, PAGE, 0);
free:
	free(sb);
	return ok;
}

/* Unmounts, and mounts what then has the feature or has it not. */
static bool switch_feature(struct test *test, bool on)
{
	bool gone, ok;

	files_suspend(test->volume);
	gone = volume_unmount(test->volume);
	ok = test_check(test, gone && set_feature(test->volume, on),
			"cannot switch exchange-range %s on volume %s: %s",
			on ? "on" : "off", test->volume->id, strerror(errno));
	return test_check(test, (!gone || volume_return(test->volume)) &&
			  files_resume(test->volume),
			  "cannot have volume %s back: %s", test->volume->id,
			  strerror(errno)) && ok;
}

static struct file *make_second(struct test *test)
{
	struct file *file;
	char name[96];

	snprintf(name, sizeof(name), "%s.second", test->name);
	file = file_create(test->volume, name);
	test_check(test, file, "cannot make %s: %s", name, strerror(errno));
	return file;
}

/* Two files exchange what they have, and the GPU has both mapped. */
static void exchange(struct test *test)
{
	struct mapped one = { .file = NULL }, two = { .file = NULL };
	struct ivgpu_stats before;
	struct content content;
	bool done;

	/* Of one name each: the second one is a file of its own. */
	if (!mapped_open(test, &one, SIZE, true))
		goto close;
	two = (struct mapped){
		.size = SIZE,
		.video = one.video,
		.room = one.room,
		.gpu = one.gpu,
		.file = make_second(test),
	};
	if (!two.file || !test_check(test, file_write(two.file, 0, SIZE,
						      fresh_generation()) &&
				     file_cool(two.file), "cannot write %s: %s",
				     two.file->path, strerror(errno)) ||
	    !mapped_map(test, &two, PROT_READ | PROT_WRITE) ||
	    !mapped_sum(test, &one, "the first file") ||
	    !mapped_sum(test, &two, "the second file") ||
	    !mapped_write(test, &one, DIRTY, WRITTEN, "the first file") ||
	    !mapped_fill(test, &two, PAGE, PAGE, "the second file"))
		goto close;
	done = exchange_range(one.file->cached, two.file->cached, SIZE);
	content = one.file->content;
	one.file->content = two.file->content;
	two.file->content = content;
	if (test_check(test, done, "XFS_IOC_EXCHANGE_RANGE: %s",
		       strerror(errno)) &&
	    look_revoked(test, &one, 0, SIZE, "the first file") &&
	    look_revoked(test, &two, 0, SIZE, "the second file") &&
	    mapped_sum(test, &two, "the second file, exchanged") &&
	    mapped_fill(test, &two, 8 * PAGE, PAGE, "the second file") &&
	    mapped_is_found(test, &two, "the second file, exchanged") &&
	    engine_stats(test, &before) &&
	    mapped_sum(test, &one, "the first file, exchanged") &&
	    mapped_write(test, &one, 4 * PAGE, 8 * PAGE,
			 "the first file, exchanged") &&
	    path_direct(test, &before, SIZE / PAGE,
			"the first file, exchanged") &&
	    mapped_is_found(test, &one, "the first file, exchanged"))
		mapped_is_kept(test, &one, "the first file, exchanged");
close:
	if (two.file) {
		mapped_unmap(&two);
		file_remove(two.file);
	}
	mapped_close(test, &one);
}

static void run_exchange(struct test *test)
{
	if (!test->volume->mounted) {
		test_skip(test, "volume %s was mounted by somebody else",
			  test->volume->id);
		return;
	}
	if (switch_feature(test, true))
		exchange(test);
	switch_feature(test, false);
}

static const struct recipe recipe[] = {
	{ .name = "rule3-exchange-range", .run = run_exchange, .volume = true,
	  .fstype = "xfs" },
};

const struct recipes map_exchange_recipes = { recipe, ARRAY_SIZE(recipe) };
