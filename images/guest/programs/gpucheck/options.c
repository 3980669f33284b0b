// SPDX-License-Identifier: GPL-2.0-only
/*
 * The command line.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "options.h"
#include "suite.h"

static const char help[] =
"Usage: gpucheck [OPTION]... --gpu G... [--volume V]...\n"
"\n"
"Has GPUs copy, fill, sum and compare memory of every kind by the pointers of\n"
"this program, takes that memory away from them, and compares every byte.\n"
"Results are KTAP on standard output.\n"
"\n"
"  --suite NAME      the cases to run: gpu (default); device-map, about the\n"
"                    blocks of files in the BAR of their controller; power-cut,\n"
"                    which looks at what is left of its writes, and writes on\n"
"  --gpu ID=ADDRESS  a peer GPU, as 0000:03:00.0\n"
"  --volume ID=SERIAL:NSID:FSTYPE\n"
"                    a file system on an NVMe name space; mounted on /mnt/ID\n"
"                    unless it is mounted already. FSTYPE is ext4 or xfs.\n"
"  --peer ID=ADDRESS, --inspect ID\n"
"                    taken as other suites take them, not used\n"
"  --path auto|direct|fallback\n"
"                    how GPUs get at the blocks of files, but for the suite gpu:\n"
"                    in that BAR if they can (default), or else fail, or never\n"
"  --direct ID       GPUs can reach the BAR of this controller, as nvme0; may be\n"
"                    given again. Cases of its volumes have to go there\n"
"  --acknowledged VOLUME=G0,...,G15\n"
"                    generations that power-cut has told to be durable, before\n"
"                    the power was cut; without it, it starts anew\n"
"  --host            wait for a `go` line before and after each case, 30 s at\n"
"                    most; without it, cases that need the host are skipped\n"
"  --only GLOB       only the cases whose name matches, as '*.ns0.write-*'\n"
"  --list            print the names of the cases and do nothing\n"
"  --rounds N        how often each race is run (3)\n"
"  --seconds N       how long the soak takes (5)\n"
"  --seed N          for all that is random (1)\n"
"  --help            this text\n"
"\n"
"Exit status: 0 all cases ok, 1 some case not ok, 2 the request is wrong.\n"
"\n"
"Examples, inside a guest:\n"
"  gpucheck --gpu gpu0=0000:03:00.0 --only '*.copy-*'\n"
"  gpucheck --gpu gpu0=0000:03:00.0 --volume ns0=nvme0:1:ext4 --rounds 200 \\\n"
"           --only '*.races-*'\n"
"  gpucheck --suite device-map --gpu gpu0=0000:03:00.0 --direct nvme0 \\\n"
"           --volume ns0=nvme0:1:ext4 --only '*.rule1-*'\n";

static bool number(const char *text, uint64_t *value)
{
	char *end;

	errno = 0;
	*value = strtoull(text, &end, 0);
	return !errno && end != text && !*end && text[0] != '-';
}

static int take_gpu(void *context, const char *text)
{
	struct options *options = context;
	struct gpu_option *gpu;
	unsigned int i;

	if (options->gpu_count == OPTIONS_GPUS)
		return argument_error("more than %d GPUs", OPTIONS_GPUS);
	gpu = &options->gpus[options->gpu_count];
	if (!argument_device(text, gpu->id, gpu->address))
		return argument_error("`--gpu %s` is not ID=DDDD:BB:DD.F", text);
	for (i = 0; i < options->gpu_count; i++)
		if (!strcmp(options->gpus[i].id, gpu->id))
			return argument_error("GPU `%s` is named twice", gpu->id);
	options->gpu_count++;
	return -1;
}

static int take_rounds(void *context, const char *text)
{
	struct options *options = context;
	uint64_t value;

	if (!number(text, &value) || !value || value > 1000000)
		return argument_error("`--rounds %s` is not 1 to 1000000", text);
	options->rounds = (unsigned int)value;
	return -1;
}

static int take_seconds(void *context, const char *text)
{
	struct options *options = context;
	uint64_t value;

	if (!number(text, &value) || !value || value > 1000000)
		return argument_error("`--seconds %s` is not 1 to 1000000", text);
	options->seconds = (unsigned int)value;
	return -1;
}

static int take_seed(void *context, const char *text)
{
	struct options *options = context;

	if (!number(text, &options->seed))
		return argument_error("`--seed %s` is not a number of 64 bits",
				      text);
	return -1;
}

static int take_direct(void *context, const char *text)
{
	struct options *options = context;

	if (options->direct_count == OPTIONS_DIRECT)
		return argument_error("more than %d --direct", OPTIONS_DIRECT);
	if (!*text || strlen(text) > ID_LENGTH)
		return argument_error("`--direct %s` is no id", text);
	snprintf(options->direct[options->direct_count++], ID_LENGTH + 1, "%s",
		 text);
	return -1;
}

static int take_path(void *context, const char *text)
{
	static const char *const names[] = {
		[IVGPU_PATH_AUTO] = "auto",
		[IVGPU_PATH_DIRECT] = "direct",
		[IVGPU_PATH_FALLBACK] = "fallback",
	};
	struct options *options = context;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(names); i++) {
		if (!strcmp(text, names[i])) {
			options->path = i;
			return -1;
		}
	}
	return argument_error("`--path %s` is not auto, direct or fallback",
			      text);
}

/* For the host's tests, which want to see that it catches a lie. */
static int take_sabotage(void *context, const char *text)
{
	static const char *const names[] = {
		[SABOTAGE_FALLBACK_AS_DIRECT] = "fallback-as-direct",
		[SABOTAGE_EARLY_ACKNOWLEDGMENT] = "early-acknowledgment",
	};
	struct options *options = context;
	unsigned int i;

	for (i = SABOTAGE_NONE + 1; i < ARRAY_SIZE(names); i++) {
		if (!strcmp(text, names[i])) {
			options->sabotage = i;
			return -1;
		}
	}
	return argument_error("no sabotage is called `%s`", text);
}

/* VOLUME=G0,G1,...: one generation for each slot. */
static int take_acknowledged(void *context, const char *text)
{
	const char *end = strchr(text, '=');
	struct options *options = context;
	struct acknowledged *volume;
	unsigned int i;

	if (options->acknowledged_count == ARGUMENTS_VOLUMES)
		return argument_error("more than %d --acknowledged",
				      ARGUMENTS_VOLUMES);
	if (!end || end == text || end - text > ID_LENGTH)
		return argument_error("`--acknowledged %s` names no volume",
				      text);
	volume = &options->acknowledged[options->acknowledged_count++];
	snprintf(volume->volume, sizeof(volume->volume), "%.*s",
		 (int)(end - text), text);
	for (i = 0; i < OPTIONS_SLOTS; i++) {
		char last = i + 1 < OPTIONS_SLOTS ? ',' : '\0';
		unsigned long value;
		char *rest;

		value = strtoul(end + 1, &rest, 10);
		if (rest == end + 1 || *rest != last || value > UINT16_MAX)
			return argument_error("`--acknowledged %s` has not %d generations",
					      text, OPTIONS_SLOTS);
		volume->generation[i] = (uint16_t)value;
		end = rest;
	}
	return -1;
}

const struct acknowledged *
options_acknowledged(const struct options *options, const char *volume)
{
	unsigned int i;

	for (i = 0; i < options->acknowledged_count; i++)
		if (!strcmp(options->acknowledged[i].volume, volume))
			return &options->acknowledged[i];
	return NULL;
}

bool options_reach(const struct options *options,
		   const struct volume_option *volume)
{
	unsigned int i;

	for (i = 0; i < options->direct_count; i++)
		if (!strcmp(options->direct[i], volume->serial))
			return true;
	return false;
}

int options_parse(struct options *options, int argc, char **argv)
{
	static const struct argument own[] = {
		{ "gpu", take_gpu },
		{ "rounds", take_rounds },
		{ "seconds", take_seconds },
		{ "seed", take_seed },
		{ "path", take_path },
		{ "direct", take_direct },
		{ "sabotage", take_sabotage },
		{ "acknowledged", take_acknowledged },
	};
	const struct program program = {
		.help = help,
		.suites = suite_names,
		.arguments = own,
		.count = ARRAY_SIZE(own),
		.context = options,
	};
	int end;

	*options = (struct options){ .rounds = 3, .seconds = 5, .seed = 1 };
	end = arguments_parse(&options->common, &program, argc, argv);
	if (end >= 0)
		return end;
	if (!options->gpu_count)
		return argument_error("no --gpu is given");
	return -1;
}
