// SPDX-License-Identifier: GPL-2.0-only
/*
 * Which groups of recipes belong to which suite.
 */
#include <stddef.h>
#include <string.h>

#include "suite.h"

static const struct recipes *const gpu[] = {
	&command_recipes, &atomic_recipes, &fault_recipes, &space_recipes,
	&file_recipes, &write_recipes, &private_recipes, &shrink_recipes,
	&mapping_recipes, &table_recipes, &fork_recipes, &process_recipes,
	&pressure_recipes, &video_recipes, &peer_memory_recipes, &wait_recipes,
	&ioctl_recipes, &reset_recipes, &inject_recipes, &race_recipes,
	&disk_race_recipes, &soak_recipes, &unbind_recipes, &control_recipes,
	&module_recipes,
};

static const struct recipes *const device_map[] = {
	&map_read_recipes, &map_write_recipes, &map_refuse_recipes,
	&map_one_owner_recipes, &map_running_recipes, &map_layout_recipes,
	&map_share_recipes, &map_clone_recipes, &map_move_recipes,
	&map_exchange_recipes, &map_swap_recipes, &map_flags_recipes,
	&map_durable_recipes, &map_error_recipes, &map_shutdown_recipes,
	&map_tail_recipes,
	&map_rights_recipes, &map_life_recipes, &map_end_recipes,
	&map_mounts_recipes, &map_again_recipes, &map_leave_recipes,
	&map_pinned_recipes, &map_race_recipes,
	&map_remove_recipes,
};

static const struct recipes *const power_cut[] = { &cut_recipes };

static const struct suite suites[] = {
	{ .name = "gpu", .groups = gpu, .count = ARRAY_SIZE(gpu) },
	{ .name = "device-map", .groups = device_map,
	  .count = ARRAY_SIZE(device_map), .paths = true },
	{ .name = "power-cut", .groups = power_cut,
	  .count = ARRAY_SIZE(power_cut), .paths = true, .whole = true },
};

const char *const suite_names[] = {
	"gpu", "device-map", "power-cut", NULL
};

const struct suite *suite_find(const char *name)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(suites); i++)
		if (!strcmp(suites[i].name, name))
			return &suites[i];
	return NULL;
}
