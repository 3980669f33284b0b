// SPDX-License-Identifier: GPL-2.0-only
/*
 * The command line.
 */
#include <string.h>

#include "options.h"

static const char help[] =
"Usage: p2pcheck [OPTION]... --volume V... --peer P...\n"
"\n"
"Moves file blocks between NVMe volumes and the memory of PCI peers, directly\n"
"(O_DIRECT on mapped peer memory) and through the page cache, and compares every\n"
"byte. Results are KTAP on standard output.\n"
"\n"
"  --suite NAME      the cases to run: p2pdma (default)\n"
"  --volume ID=SERIAL:NSID:FSTYPE\n"
"                    a file system on an NVMe name space; mounted on /mnt/ID\n"
"                    unless it is mounted already. FSTYPE is ext4 or xfs.\n"
"  --peer ID=ADDRESS a PCI device with peer-to-peer memory, as 0000:03:00.0\n"
"  --inspect ID      describe this peer's memory to the host after each transfer\n"
"  --host            wait for a `go` line after each description, 30 s at most\n"
"  --only GLOB       only the cases whose name matches, as 'ns0.*.read-*'\n"
"  --list            print the names of the cases and do nothing\n"
"  --sabotage WHAT   do it wrong on purpose: fallback-as-direct, flip-byte,\n"
"                    flip-unseen, stale-write, or in case 3 hang, panic, exit\n"
"  --help            this text\n"
"\n"
"Exit status: 0 all cases ok, 1 some case not ok, 2 the request is wrong.\n"
"\n"
"Examples, inside a guest:\n"
"  p2pcheck --volume ns0=nvme0:1:ext4 --peer gpu0=0000:03:00.0\n"
"  p2pcheck --volume ns0=nvme0:1:ext4 --volume ns1=nvme0:2:xfs \\\n"
"           --peer nvme0=0000:02:00.0 --only '*.write-*'\n";

static const struct {
	const char *name;
	enum sabotage sabotage;
} sabotages[] = {
	{ "fallback-as-direct", SABOTAGE_FALLBACK_AS_DIRECT },
	{ "flip-byte", SABOTAGE_FLIP_BYTE },
	{ "flip-unseen", SABOTAGE_FLIP_UNSEEN },
	{ "stale-write", SABOTAGE_STALE_WRITE },
	{ "hang", SABOTAGE_HANG },
	{ "panic", SABOTAGE_PANIC },
	{ "exit", SABOTAGE_EXIT },
};

static int take_sabotage(void *context, const char *text)
{
	struct options *options = context;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(sabotages); i++) {
		if (!strcmp(text, sabotages[i].name)) {
			options->sabotage = sabotages[i].sabotage;
			return -1;
		}
	}
	return argument_error("no sabotage is called `%s`", text);
}

int options_parse(struct options *options, int argc, char **argv)
{
	static const struct argument own[] = {
		{ "sabotage", take_sabotage },
	};
	static const char *const suites[] = { "p2pdma", NULL };
	const struct program program = {
		.help = help,
		.suites = suites,
		.arguments = own,
		.count = ARRAY_SIZE(own),
		.context = options,
	};
	int end;

	options->sabotage = SABOTAGE_NONE;
	end = arguments_parse(&options->common, &program, argc, argv);
	if (end >= 0)
		return end;
	if (!options->common.volume_count)
		return argument_error("no --volume is given");
	if (!options->common.peer_count)
		return argument_error("no --peer is given");
	return -1;
}
