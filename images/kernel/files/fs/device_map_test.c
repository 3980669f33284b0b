// SPDX-License-Identifier: GPL-2.0-only
/*
 * Tests of what the records of a file say; part of device_map.c, whose functions are
 * static.
 */
#include <kunit/test.h>

/* A file without inode, whose pages are of the test's making. */
static struct device_map_file *device_map_test_file(struct kunit *test)
{
	struct device_map_file *file;

	file = kunit_kzalloc(test, sizeof(*file), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, file);
	mutex_init(&file->revoke_lock);
	mutex_init(&file->lock);
	xa_init(&file->pages);
	mutex_lock(&file->lock);
	return file;
}

static void device_map_test_free(struct device_map_file *file)
{
	mutex_unlock(&file->lock);
	xa_destroy(&file->pages);
}

static struct device_map_page *
device_map_test_page(struct kunit *test, struct device_map_file *file,
		     pgoff_t index, sector_t sector, bool writable)
{
	struct device_map_page *page;

	page = kunit_kzalloc(test, sizeof(*page), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, page);
	page->sector = sector;
	page->writable = writable;
	page->state = DEVICE_MAP_LIVE;
	KUNIT_ASSERT_EQ(test, 0, xa_err(xa_store(&file->pages, index, page,
						 GFP_KERNEL)));
	return page;
}

static void device_map_test_run_follows_blocks(struct kunit *test)
{
	struct device_map_file *file = device_map_test_file(test);
	struct device_map_run run;

	device_map_test_page(test, file, 5, 80, false);
	device_map_test_page(test, file, 6, 88, false);
	device_map_test_page(test, file, 7, 200, false);
	KUNIT_EXPECT_TRUE(test, device_map_next_run(file, &run, 0, ULONG_MAX));
	KUNIT_EXPECT_EQ(test, 5, run.index);
	KUNIT_EXPECT_EQ(test, 2, run.pages);
	KUNIT_EXPECT_EQ(test, 80, run.sector);
	KUNIT_EXPECT_TRUE(test, device_map_next_run(file, &run, 7, ULONG_MAX));
	KUNIT_EXPECT_EQ(test, 7, run.index);
	KUNIT_EXPECT_EQ(test, 1, run.pages);
	KUNIT_EXPECT_FALSE(test, device_map_next_run(file, &run, 8, ULONG_MAX));
	device_map_test_free(file);
}

static void device_map_test_run_ends_at_gaps_and_changes(struct kunit *test)
{
	struct device_map_file *file = device_map_test_file(test);
	struct device_map_run run;

	device_map_test_page(test, file, 1, 8, false);
	device_map_test_page(test, file, 2, 16, true);
	device_map_test_page(test, file, 4, 24, true);
	KUNIT_EXPECT_TRUE(test, device_map_next_run(file, &run, 0, 9));
	KUNIT_EXPECT_EQ(test, 1, run.pages);
	KUNIT_EXPECT_FALSE(test, run.writable);
	KUNIT_EXPECT_TRUE(test, device_map_next_run(file, &run, 2, 9));
	KUNIT_EXPECT_EQ(test, 1, run.pages);
	KUNIT_EXPECT_TRUE(test, run.writable);
	/* The range ends before the next one. */
	KUNIT_EXPECT_FALSE(test, device_map_next_run(file, &run, 3, 3));
	device_map_test_free(file);
}

static void device_map_test_revocation_takes_live_pages(struct kunit *test)
{
	struct device_map_file *file = device_map_test_file(test);
	struct device_map_page *low, *middle, *high;
	pgoff_t first = 2, last = 100;

	low = device_map_test_page(test, file, 1, 8, true);
	middle = device_map_test_page(test, file, 10, 80, true);
	high = device_map_test_page(test, file, 20, 160, true);
	middle->state = DEVICE_MAP_RESERVED;
	KUNIT_EXPECT_EQ(test, 1,
			device_map_begin_revoke(file, &first, &last,
						DEVICE_MAP_FILL));
	KUNIT_EXPECT_EQ(test, 20, first);
	KUNIT_EXPECT_EQ(test, 20, last);
	KUNIT_EXPECT_EQ(test, DEVICE_MAP_LIVE, low->state);
	KUNIT_EXPECT_EQ(test, DEVICE_MAP_RESERVED, middle->state);
	KUNIT_EXPECT_EQ(test, DEVICE_MAP_REVOKING, high->state);
	device_map_test_free(file);
}

static void device_map_test_freeze_leaves_readers(struct kunit *test)
{
	struct device_map_file *file = device_map_test_file(test);
	struct device_map_page *reader, *writer;
	pgoff_t first = 0, last = ULONG_MAX;

	reader = device_map_test_page(test, file, 1, 8, false);
	writer = device_map_test_page(test, file, 2, 16, true);
	KUNIT_EXPECT_EQ(test, 1,
			device_map_begin_revoke(file, &first, &last,
						DEVICE_MAP_FREEZE));
	KUNIT_EXPECT_EQ(test, DEVICE_MAP_LIVE, reader->state);
	KUNIT_EXPECT_EQ(test, DEVICE_MAP_REVOKING, writer->state);
	device_map_test_free(file);
}

/* An empty file may move to another device, one with reserved places may not. */
static void device_map_test_blocks_are_of_one_device(struct kunit *test)
{
	struct device_map_file *file = device_map_test_file(test);
	struct device_map_page *page;
	struct block_device *one, *other;

	one = kunit_kzalloc(test, sizeof(*one), GFP_KERNEL);
	other = kunit_kzalloc(test, sizeof(*other), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, one);
	KUNIT_ASSERT_NOT_NULL(test, other);
	KUNIT_EXPECT_TRUE(test, device_map_fits(file, one));
	file->bdev = one;
	KUNIT_EXPECT_TRUE(test, device_map_fits(file, other));
	page = device_map_test_page(test, file, 3, 24, false);
	page->state = DEVICE_MAP_NEW;
	KUNIT_EXPECT_TRUE(test, device_map_fits(file, other));
	page->state = DEVICE_MAP_RESERVED;
	KUNIT_EXPECT_FALSE(test, device_map_fits(file, other));
	KUNIT_EXPECT_TRUE(test, device_map_fits(file, one));
	device_map_test_free(file);
}

static struct kunit_case device_map_test_cases[] = {
	KUNIT_CASE(device_map_test_run_follows_blocks),
	KUNIT_CASE(device_map_test_run_ends_at_gaps_and_changes),
	KUNIT_CASE(device_map_test_revocation_takes_live_pages),
	KUNIT_CASE(device_map_test_freeze_leaves_readers),
	KUNIT_CASE(device_map_test_blocks_are_of_one_device),
	{}
};

static struct kunit_suite device_map_test_suite = {
	.name = "device_map",
	.test_cases = device_map_test_cases,
};

kunit_test_suite(device_map_test_suite);
