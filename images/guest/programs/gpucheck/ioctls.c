// SPDX-License-Identifier: GPL-2.0-only
/*
 * Calls that are wrong: refused, and without any effect.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/mman.h>

#include "area.h"
#include "engine.h"

static struct crossbar_gpu_command fence_command;

static bool refused(struct test *test, unsigned long request, void *argument,
		    int error, const char *what)
{
	bool ok = !ioctl(test->gpu.fd, request, argument);

	return test_check(test, !ok && errno == error, "%s: %s instead of %s",
			  what, ok ? "success" : strerror(errno),
			  strerror(error));
}

static bool submit_refused(struct test *test, uint64_t commands, uint32_t count,
			   uint32_t reserved, int error, const char *what)
{
	struct ivgpu_submit submit = {
		.commands = commands,
		.count = count,
		.reserved = reserved,
	};

	return refused(test, IVGPU_SUBMIT, &submit, error, what);
}

static void run_submit(struct test *test)
{
	uint64_t good = (uintptr_t)&fence_command, hole;
	struct ivgpu_stats before, after;
	uint8_t *memory = memory_map(test, 2 * PAGE, PROT_READ | PROT_WRITE,
				     MAP_PRIVATE);

	if (!memory || !engine_stats(test, &before))
		return;
	munmap(memory + PAGE, PAGE);
	hole = (uintptr_t)memory + PAGE - 64;
	if (submit_refused(test, good, 0, 0, EINVAL, "no command") &&
	    submit_refused(test, good, 1, 1, EINVAL, "reserved field") &&
	    submit_refused(test, good, CROSSBAR_GPU_DEPTH + 1, 0, EINVAL,
			   "more than the depth") &&
	    submit_refused(test, good, UINT32_MAX, 0, EINVAL,
			   "4294967295 commands") &&
	    submit_refused(test, good, 0x04000001, 0, EINVAL,
			   "a count that is 64 bytes modulo 2^32") &&
	    submit_refused(test, 0, 1, 0, EFAULT, "commands at 0") &&
	    submit_refused(test, hole, 2, 0, EFAULT, "commands into a hole") &&
	    submit_refused(test, 0xffff888000000000ULL, 1, 0, EFAULT,
			   "commands of the kernel") &&
	    submit_refused(test, UINT64_MAX - 31, 1, 0, EFAULT,
			   "commands across the end") &&
	    refused(test, IVGPU_SUBMIT, memory + 2 * PAGE - 8, EFAULT,
		    "submission into a hole") &&
	    engine_stats(test, &after) &&
	    test_check(test, after.submitted == before.submitted,
		       "%" PRIu64 " commands were submitted all the same",
		       after.submitted - before.submitted))
		engine_run(test, gpu_fence(), NULL, "fence after all that");
	munmap(memory, PAGE);
}

/* A command that can't be is refused at once, or ends with EINVAL. */
static bool command_refused(struct test *test,
			    struct crossbar_gpu_command command,
			    const char *what)
{
	struct crossbar_gpu_result result;

	if (!ivgpu_run(&test->gpu, command, WAIT_NS, &result))
		return test_check(test, errno == EINVAL, "%s: %s", what,
				  strerror(errno));
	return test_check(test, result.status == EINVAL, "%s: status %u", what,
			  result.status);
}

static void run_commands(struct test *test)
{
	struct crossbar_gpu_command command;
	struct area area;
	uint8_t *model, *memory;
	bool ok = area_open_random(test, &area, PLACE_ANONYMOUS, 4 * PAGE,
				   &model);
	unsigned int i;

	memory = area.memory;
	for (i = 7; ok && i; i = i < 0x80000000U ? i * 2 : 0) {
		command = gpu_fill(memory, 0, 8);
		command.opcode = i;
		ok = command_refused(test, command, "unknown command");
	}
	command = gpu_fill(memory, 0, 8);
	command.reserved = 1;
	ok = ok && command_refused(test, command, "reserved field");
	command = gpu_add(memory, 8, 1);
	command.atomic = 3;
	ok = ok && command_refused(test, command, "unknown atomic") &&
	     command_refused(test, gpu_fill(memory, 0, CROSSBAR_GPU_LENGTH_MAX + 1),
			     "fill of too much") &&
	     command_refused(test, gpu_fill(memory, 0, SIZE_MAX),
			     "fill of everything") &&
	     command_refused(test, gpu_crc32c(memory, SIZE_MAX - PAGE),
			     "sum of almost everything") &&
	     command_refused(test, gpu_delay(CROSSBAR_GPU_DELAY_MAX + 1),
			     "delay of too long") &&
	     command_refused(test, gpu_delay(UINT64_MAX), "delay of ever");
	if (ok && area_check(test, &area, model, "after bad commands"))
		engine_run(test, gpu_copy(memory, memory + PAGE, PAGE), NULL,
			   "copy after bad commands");
	area_close(&area);
	free(model);
}

/* The address space and the fence in a command are nobody's to choose. */
static void run_forged(struct test *test)
{
	struct crossbar_gpu_command command;
	struct area area;
	uint8_t *model;
	bool ok = area_open_random(test, &area, PLACE_ANONYMOUS, PAGE, &model);
	unsigned int i;

	for (i = 0; ok && i < 4; i++) {
		command = gpu_fill(area.memory + i * 64, i, 64);
		command.address_space = i * 31;
		command.fence = i * 1000;
		memset(model + i * 64, 0, 64);
		for (unsigned int j = 0; j < 64; j += 8)
			model[i * 64 + j] = (uint8_t)i;
		ok = engine_run(test, command, NULL, "fill with a forged fence") &&
		     area_check(test, &area, model, "fill with a forged fence");
	}
	area_close(&area);
	free(model);
}

static void run_others(struct test *test)
{
	void *const null = NULL, *const wild = (void *)0xffff888000000000UL;
	struct ivgpu_alloc alloc = { .size = PAGE, .offset = UINT64_MAX };
	struct ivgpu_info info, before;
	char byte = 0;

	if (!test_check(test, ivgpu_info(&test->gpu, &before), "IVGPU_INFO: %s",
			strerror(errno)) ||
	    !test_check(test, before.abi_version == CROSSBAR_GPU_ABI_VERSION &&
			before.address_space < CROSSBAR_GPU_ADDRESS_SPACES &&
			before.memory_size >= CROSSBAR_GPU_MEMORY_MIN &&
			before.heap_size < before.memory_size &&
			before.heap_free <= before.heap_size,
			"ABI %u, address space %u, %" PRIu64 " bytes, heap %"
			PRIu64 ", free %" PRIu64, before.abi_version,
			before.address_space, before.memory_size,
			before.heap_size, before.heap_free))
		return;
	if (!refused(test, IVGPU_INFO, null, EFAULT, "info to 0") ||
	    !refused(test, IVGPU_STATS, wild, EFAULT, "counters to the kernel") ||
	    !refused(test, IVGPU_WAIT, null, EFAULT, "wait for 0") ||
	    !refused(test, IVGPU_ALLOC, null, EFAULT, "allocation at 0") ||
	    !refused(test, IVGPU_ALLOC, wild, EFAULT, "allocation in the kernel") ||
	    !refused(test, IVGPU_FREE, null, EFAULT, "free of 0") ||
	    !refused(test, _IO('G', 0x7f), null, ENOTTY, "unknown call") ||
	    !refused(test, _IOR('G', 0x40, uint64_t), &alloc, ENOTTY,
		     "call of another size"))
		return;
	test_check(test, ioctl(test->gpu.fd, IVGPU_FREE, &alloc) &&
		   (errno == EINVAL || errno == ENOENT),
		   "what nobody has could be freed");
	test_check(test, write(test->gpu.fd, &byte, 1) < 0 &&
		   read(test->gpu.fd, &byte, 1) < 0,
		   "the device can be read or written");
	if (test_check(test, ivgpu_info(&test->gpu, &info), "IVGPU_INFO: %s",
		       strerror(errno)))
		test_check(test, info.heap_free == before.heap_free,
			   "bad calls have taken video memory");
	engine_run(test, gpu_fence(), NULL, "fence after all that");
}

static const struct recipe recipe[] = {
	{ .name = "refused-submissions", .run = run_submit },
	{ .name = "refused-commands", .run = run_commands,
	  .claim = CLAIM_MEMORY },
	{ .name = "forged-fences", .run = run_forged, .claim = CLAIM_MEMORY },
	{ .name = "refused-calls", .run = run_others },
};

const struct recipes ioctl_recipes = { recipe, ARRAY_SIZE(recipe) };
