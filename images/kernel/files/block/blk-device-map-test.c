// SPDX-License-Identifier: GPL-2.0-only
/*
 * Tests of the table from blocks to pages of files.
 */
#include <kunit/test.h>
#include <linux/blk-device-map.h>

static void blk_device_map_test_finds_every_sector(struct kunit *test)
{
	struct blk_device_map_record record = { .sector = 64 };
	struct blk_device_map_table table;

	blk_device_map_table_init(&table);
	KUNIT_ASSERT_EQ(test, 0, blk_device_map_insert(&table, &record));
	KUNIT_EXPECT_PTR_EQ(test, NULL, blk_device_map_find(&table, 63));
	KUNIT_EXPECT_PTR_EQ(test, &record, blk_device_map_find(&table, 64));
	KUNIT_EXPECT_PTR_EQ(test, &record, blk_device_map_find(&table, 71));
	KUNIT_EXPECT_PTR_EQ(test, NULL, blk_device_map_find(&table, 72));
	blk_device_map_erase(&table, &record);
	KUNIT_EXPECT_PTR_EQ(test, NULL, blk_device_map_find(&table, 64));
	blk_device_map_table_destroy(&table);
}

/* The first partition of an old disk begins at sector 63. */
static void blk_device_map_test_takes_odd_partitions(struct kunit *test)
{
	struct blk_device_map_record first = { .sector = 63 };
	struct blk_device_map_record second = { .sector = 71 };
	struct blk_device_map_table table;

	blk_device_map_table_init(&table);
	KUNIT_ASSERT_EQ(test, 0, blk_device_map_insert(&table, &first));
	KUNIT_ASSERT_EQ(test, 0, blk_device_map_insert(&table, &second));
	KUNIT_EXPECT_PTR_EQ(test, &first, blk_device_map_find(&table, 63));
	KUNIT_EXPECT_PTR_EQ(test, &first, blk_device_map_find(&table, 64));
	KUNIT_EXPECT_PTR_EQ(test, &first, blk_device_map_find(&table, 70));
	KUNIT_EXPECT_PTR_EQ(test, &second, blk_device_map_find(&table, 71));
	KUNIT_EXPECT_PTR_EQ(test, &second, blk_device_map_find(&table, 78));
	KUNIT_EXPECT_PTR_EQ(test, NULL, blk_device_map_find(&table, 79));
	blk_device_map_erase(&table, &first);
	blk_device_map_erase(&table, &second);
	blk_device_map_table_destroy(&table);
}

static void blk_device_map_test_refuses_overlap(struct kunit *test)
{
	struct blk_device_map_record record = { .sector = 80 };
	struct blk_device_map_record before = { .sector = 76 };
	struct blk_device_map_record after = { .sector = 84 };
	struct blk_device_map_record beside = { .sector = 88 };
	struct blk_device_map_table table;

	blk_device_map_table_init(&table);
	KUNIT_ASSERT_EQ(test, 0, blk_device_map_insert(&table, &record));
	KUNIT_EXPECT_EQ(test, -EBUSY, blk_device_map_insert(&table, &record));
	KUNIT_EXPECT_EQ(test, -EBUSY, blk_device_map_insert(&table, &before));
	KUNIT_EXPECT_EQ(test, -EBUSY, blk_device_map_insert(&table, &after));
	KUNIT_EXPECT_EQ(test, 0, blk_device_map_insert(&table, &beside));
	blk_device_map_erase(&table, &record);
	blk_device_map_erase(&table, &beside);
	blk_device_map_table_destroy(&table);
}

static struct kunit_case blk_device_map_test_cases[] = {
	KUNIT_CASE(blk_device_map_test_finds_every_sector),
	KUNIT_CASE(blk_device_map_test_takes_odd_partitions),
	KUNIT_CASE(blk_device_map_test_refuses_overlap),
	{}
};

static struct kunit_suite blk_device_map_test_suite = {
	.name = "blk_device_map",
	.test_cases = blk_device_map_test_cases,
};

kunit_test_suite(blk_device_map_test_suite);

MODULE_DESCRIPTION("Tests of the table from blocks to pages of files");
MODULE_LICENSE("GPL");
