// SPDX-License-Identifier: GPL-2.0-only
/*
 * Tests of who gets which window; part of device_map.c, whose functions are static.
 * Nothing is transferred, so the windows need no memory behind them.
 */
#include <kunit/test.h>

/**
 * struct nvme_window_test - a controller with a few windows
 * @map:    its windows
 * @space:  its only namespace
 * @chunk:  the windows
 * @owners: two files
 */
struct nvme_window_test {
	struct nvme_device_map map;
	struct nvme_space space;
	struct nvme_chunk chunk;
	struct blk_device_map_owner owners[2];
};

static int nvme_window_test_init(struct kunit *test)
{
	struct nvme_window_test *t;
	unsigned int i;

	t = kunit_kzalloc(test, sizeof(*t), GFP_KERNEL);
	if (!t)
		return -ENOMEM;
	mutex_init(&t->map.lock);
	mutex_init(&t->map.owners_lock);
	INIT_LIST_HEAD(&t->map.chunks);
	INIT_LIST_HEAD(&t->map.free);
	INIT_LIST_HEAD(&t->map.idle);
	INIT_LIST_HEAD(&t->map.owners);
	blk_device_map_table_init(&t->space.table);
	for (i = 0; i < 4; i++) {
		t->chunk.windows[i].chunk = &t->chunk;
		INIT_LIST_HEAD(&t->chunk.windows[i].grants);
		list_add_tail(&t->chunk.windows[i].node, &t->map.free);
	}
	test->priv = t;
	return 0;
}

static void nvme_window_test_exit(struct kunit *test)
{
	struct nvme_window_test *t = test->priv;

	xa_destroy(&t->space.table.records);
}

/* A window of file @owner, as if it had been filled. */
static struct nvme_window *nvme_window_test_map(struct kunit *test,
						unsigned int owner,
						sector_t sector)
{
	struct nvme_window_test *t = test->priv;
	struct nvme_window *window;

	window = nvme_window_get(&t->map, &t->space, &t->owners[owner],
				 sector / BLK_DEVICE_MAP_SECTORS, sector);
	KUNIT_ASSERT_FALSE(test, IS_ERR(window));
	window->record.mapped = true;
	window->fresh = false;
	window->filled = true;
	window->stale = false;
	return window;
}

static void nvme_window_test_is_found_again(struct kunit *test)
{
	struct nvme_window_test *t = test->priv;
	struct nvme_window *window = nvme_window_test_map(test, 0, 8);

	KUNIT_EXPECT_PTR_EQ(test, window, nvme_window_test_map(test, 0, 8));
	KUNIT_EXPECT_PTR_NE(test, window, nvme_window_test_map(test, 0, 16));
	/* And when nobody has it any more, even for another file. */
	nvme_window_release(&t->map, window, 0);
	KUNIT_EXPECT_TRUE(test, nvme_window_current(&t->map, window));
	KUNIT_EXPECT_PTR_EQ(test, window, nvme_window_test_map(test, 1, 8));
}

static void nvme_window_test_has_one_owner(struct kunit *test)
{
	struct nvme_window_test *t = test->priv;

	nvme_window_test_map(test, 0, 8);
	KUNIT_EXPECT_EQ(test, -EBUSY,
			PTR_ERR_OR_ZERO(nvme_window_get(&t->map, &t->space,
							&t->owners[1], 1, 8)));
	/* Nor is one block two pages of a file. */
	KUNIT_EXPECT_EQ(test, -EBUSY,
			PTR_ERR_OR_ZERO(nvme_window_get(&t->map, &t->space,
							&t->owners[0], 7, 8)));
}

static void nvme_window_test_idle_gives_way_to_overlap(struct kunit *test)
{
	struct nvme_window_test *t = test->priv;
	struct nvme_window *first = nvme_window_test_map(test, 0, 8);
	struct nvme_window *second = nvme_window_test_map(test, 0, 16);
	struct nvme_window *window;

	nvme_window_release(&t->map, first, 0);
	KUNIT_EXPECT_EQ(test, -EBUSY,
			PTR_ERR_OR_ZERO(nvme_window_get(&t->map, &t->space,
							&t->owners[0], 2, 12)));
	nvme_window_release(&t->map, second, 0);
	window = nvme_window_test_map(test, 1, 12);
	KUNIT_EXPECT_PTR_EQ(test, NULL, blk_device_map_find(&t->space.table, 8));
	KUNIT_EXPECT_PTR_EQ(test, &window->record,
			    blk_device_map_find(&t->space.table, 16));
	KUNIT_EXPECT_PTR_EQ(test, NULL, blk_device_map_find(&t->space.table, 20));
}

static void nvme_window_test_reserved_is_not_taken(struct kunit *test)
{
	struct nvme_window_test *t = test->priv;
	struct nvme_window *windows[4];
	unsigned int i;

	for (i = 0; i < 4; i++)
		windows[i] = nvme_window_test_map(test, 0, 8 * i);
	nvme_window_release(&t->map, windows[0],
			    BLK_DEVICE_MAP_KEEP);
	KUNIT_EXPECT_EQ(test, -ENOSPC,
			PTR_ERR_OR_ZERO(nvme_window_get(&t->map, &t->space,
							&t->owners[1], 0,
							800)));
	KUNIT_EXPECT_PTR_EQ(test, windows[0],
			    nvme_window_test_map(test, 0, 0));
}

static void nvme_window_test_takes_the_oldest_idle(struct kunit *test)
{
	struct nvme_window_test *t = test->priv;
	struct nvme_window *windows[4];
	unsigned int i;

	for (i = 0; i < 4; i++)
		windows[i] = nvme_window_test_map(test, 0, 8 * i);
	nvme_window_release(&t->map, windows[2], 0);
	nvme_window_release(&t->map, windows[1], 0);
	KUNIT_EXPECT_PTR_EQ(test, windows[2],
			    nvme_window_test_map(test, 1, 800));
	KUNIT_EXPECT_PTR_EQ(test, NULL, blk_device_map_find(&t->space.table, 16));
	KUNIT_EXPECT_PTR_EQ(test, windows[1],
			    nvme_window_test_map(test, 1, 808));
}

static void nvme_window_test_forgets_changed_blocks(struct kunit *test)
{
	struct nvme_window_test *t = test->priv;
	struct nvme_window *idle = nvme_window_test_map(test, 0, 8);
	struct nvme_window *mapped = nvme_window_test_map(test, 0, 16);

	nvme_window_release(&t->map, idle, 0);
	nvme_space_spoil(&t->space, 0, (sector_t)-1);
	KUNIT_EXPECT_FALSE(test, nvme_window_current(&t->map, idle));
	KUNIT_EXPECT_TRUE(test, nvme_window_current(&t->map, mapped));
}

/* Pages need not lie as the table's slots do. */
static void nvme_window_test_forgets_no_neighbours(struct kunit *test)
{
	struct nvme_window_test *t = test->priv;
	struct nvme_window *windows[4];
	unsigned int i;

	for (i = 0; i < 4; i++) {
		windows[i] = nvme_window_test_map(test, 0, 4 + 8 * i);
		nvme_window_release(&t->map, windows[i], 0);
	}
	/* The last sector of the second one, and the first of the fourth. */
	nvme_space_spoil(&t->space, 19, 19);
	nvme_space_spoil(&t->space, 28, 28);
	KUNIT_EXPECT_TRUE(test, nvme_window_current(&t->map, windows[0]));
	KUNIT_EXPECT_FALSE(test, nvme_window_current(&t->map, windows[1]));
	KUNIT_EXPECT_TRUE(test, nvme_window_current(&t->map, windows[2]));
	KUNIT_EXPECT_FALSE(test, nvme_window_current(&t->map, windows[3]));
	/* And one that has to do with two. */
	nvme_space_spoil(&t->space, 11, 20);
	KUNIT_EXPECT_FALSE(test, nvme_window_current(&t->map, windows[0]));
	KUNIT_EXPECT_FALSE(test, nvme_window_current(&t->map, windows[2]));
}

static void nvme_window_test_reset_loses_content(struct kunit *test)
{
	struct nvme_window_test *t = test->priv;
	struct nvme_window *window = nvme_window_test_map(test, 0, 8);

	atomic_inc(&t->map.epoch);
	KUNIT_EXPECT_FALSE(test, nvme_window_current(&t->map, window));
	nvme_window_release(&t->map, window, 0);
	KUNIT_EXPECT_PTR_EQ(test, NULL, blk_device_map_find(&t->space.table, 8));
}

static void nvme_window_test_replaced_loses_content(struct kunit *test)
{
	struct nvme_window_test *t = test->priv;
	struct nvme_window *idle = nvme_window_test_map(test, 0, 8);
	struct nvme_window *mapped = nvme_window_test_map(test, 0, 16);

	nvme_window_release(&t->map, idle, 0);
	mutex_lock(&t->map.lock);
	nvme_space_lose(&t->map, &t->space);
	mutex_unlock(&t->map.lock);
	KUNIT_EXPECT_FALSE(test, nvme_window_current(&t->map, idle));
	KUNIT_EXPECT_FALSE(test, nvme_window_current(&t->map, mapped));
}

static void nvme_window_test_lost_write_is_no_content(struct kunit *test)
{
	struct nvme_window_test *t = test->priv;
	struct nvme_window *window = nvme_window_test_map(test, 0, 8);

	nvme_window_release(&t->map, window,
			    BLK_DEVICE_MAP_KEEP | BLK_DEVICE_MAP_LOST);
	/* The place is kept, and filled again. */
	KUNIT_EXPECT_FALSE(test, nvme_window_current(&t->map, window));
	KUNIT_EXPECT_PTR_EQ(test, window, nvme_window_test_map(test, 0, 8));
	nvme_window_release(&t->map, window, BLK_DEVICE_MAP_LOST);
	KUNIT_EXPECT_PTR_EQ(test, NULL, blk_device_map_find(&t->space.table, 8));
}

static void nvme_window_test_owner_goes_with_its_last(struct kunit *test)
{
	struct nvme_window_test *t = test->priv;
	struct nvme_window *first = nvme_window_test_map(test, 0, 8);
	struct nvme_window *second = nvme_window_test_map(test, 0, 16);

	nvme_window_test_map(test, 1, 24);
	KUNIT_EXPECT_EQ(test, 2, list_count_nodes(&t->map.owners));
	KUNIT_EXPECT_EQ(test, 2, t->owners[0].windows);
	nvme_window_release(&t->map, first, 0);
	KUNIT_EXPECT_EQ(test, 2, list_count_nodes(&t->map.owners));
	nvme_window_release(&t->map, second, BLK_DEVICE_MAP_KEEP);
	KUNIT_EXPECT_EQ(test, 2, list_count_nodes(&t->map.owners));
	nvme_window_release(&t->map, second, 0);
	KUNIT_EXPECT_EQ(test, 1, list_count_nodes(&t->map.owners));
}

/* As get_max_io_size() splits what is larger. */
static void nvme_window_test_command_is_not_split(struct kunit *test)
{
	struct queue_limits limits = {
		.max_sectors = 256,
		.max_segments = 127,
		.physical_block_size = 512,
		.logical_block_size = 512,
	};

	KUNIT_EXPECT_EQ(test, 32, nvme_command_pages(&limits, 8));
	/* What does not begin with a physical block ends with one. */
	limits.physical_block_size = SZ_16K;
	KUNIT_EXPECT_EQ(test, 32, nvme_command_pages(&limits, 32));
	KUNIT_EXPECT_EQ(test, 31, nvme_command_pages(&limits, 8));
	KUNIT_EXPECT_EQ(test, 28, nvme_command_pages(&limits, 63));
	/* Blocks that are larger than a command don't matter. */
	limits.physical_block_size = SZ_1M;
	KUNIT_EXPECT_EQ(test, 32, nvme_command_pages(&limits, 8));
	limits.physical_block_size = 512;
	limits.chunk_sectors = 64;
	KUNIT_EXPECT_EQ(test, 7, nvme_command_pages(&limits, 8));
	KUNIT_EXPECT_EQ(test, 0, nvme_command_pages(&limits, 60));
	limits.max_segments = 4;
	KUNIT_EXPECT_EQ(test, 4, nvme_command_pages(&limits, 8));
}

static struct kunit_case nvme_window_test_cases[] = {
	KUNIT_CASE(nvme_window_test_is_found_again),
	KUNIT_CASE(nvme_window_test_has_one_owner),
	KUNIT_CASE(nvme_window_test_idle_gives_way_to_overlap),
	KUNIT_CASE(nvme_window_test_reserved_is_not_taken),
	KUNIT_CASE(nvme_window_test_takes_the_oldest_idle),
	KUNIT_CASE(nvme_window_test_forgets_changed_blocks),
	KUNIT_CASE(nvme_window_test_forgets_no_neighbours),
	KUNIT_CASE(nvme_window_test_reset_loses_content),
	KUNIT_CASE(nvme_window_test_replaced_loses_content),
	KUNIT_CASE(nvme_window_test_lost_write_is_no_content),
	KUNIT_CASE(nvme_window_test_owner_goes_with_its_last),
	KUNIT_CASE(nvme_window_test_command_is_not_split),
	{}
};

static struct kunit_suite nvme_window_test_suite = {
	.name = "nvme_device_map",
	.init = nvme_window_test_init,
	.exit = nvme_window_test_exit,
	.test_cases = nvme_window_test_cases,
};

kunit_test_suite(nvme_window_test_suite);
