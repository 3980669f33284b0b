// SPDX-License-Identifier: GPL-2.0-only
/*
 * The command line.
 */
#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "compiler.h"
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
"                    stale-write, or in case 3 hang, panic, exit\n"
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
	{ "stale-write", SABOTAGE_STALE_WRITE },
	{ "hang", SABOTAGE_HANG },
	{ "panic", SABOTAGE_PANIC },
	{ "exit", SABOTAGE_EXIT },
};

__printf(1, 2)
static int usage_error(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	fputs("p2pcheck: ", stderr);
	vfprintf(stderr, format, args);
	fputs("; --help shows examples\n", stderr);
	va_end(args);
	return EXIT_USAGE;
}

/* Ids go into file names and JSON as they are, so nothing needs an escape. */
static bool id_take(char *id, const char *text, size_t len)
{
	size_t i;

	if (!len || len > ID_LENGTH || text[0] < 'a' || text[0] > 'z')
		return false;
	for (i = 0; i < len; i++)
		if (!strchr("abcdefghijklmnopqrstuvwxyz0123456789-", text[i]))
			return false;
	memcpy(id, text, len);
	id[len] = '\0';
	return true;
}

static int parse_volume(struct options *options, const char *text)
{
	const char *equals = strchr(text, '=');
	const char *colon = equals ? strchr(equals, ':') : NULL;
	struct volume_option *volume;
	unsigned long nsid;
	unsigned int i;
	char *end;

	if (options->volume_count == OPTIONS_VOLUMES)
		return usage_error("more than %d volumes", OPTIONS_VOLUMES);
	volume = &options->volumes[options->volume_count];
	if (!colon || !id_take(volume->id, text, (size_t)(equals - text)) ||
	    !id_take(volume->serial, equals + 1, (size_t)(colon - equals - 1)))
		return usage_error("`--volume %s` is not ID=SERIAL:NSID:FSTYPE",
				   text);
	nsid = strtoul(colon + 1, &end, 10);
	if (end == colon + 1 || *end != ':' || !nsid || nsid > UINT32_MAX)
		return usage_error("`--volume %s`: the name space id is no number from 1 on",
				   text);
	volume->nsid = (uint32_t)nsid;
	if (strcmp(end + 1, "ext4") && strcmp(end + 1, "xfs"))
		return usage_error("`--volume %s`: file system `%s` is neither ext4 nor xfs",
				   text, end + 1);
	snprintf(volume->fstype, sizeof(volume->fstype), "%s", end + 1);
	for (i = 0; i < options->volume_count; i++)
		if (!strcmp(options->volumes[i].id, volume->id))
			return usage_error("volume `%s` is named twice",
					   volume->id);
	options->volume_count++;
	return -1;
}

static int parse_peer(struct options *options, const char *text)
{
	const char *equals = strchr(text, '=');
	unsigned int domain, bus, device, function, i;
	struct peer_option *peer;
	char rest;

	if (options->peer_count == OPTIONS_PEERS)
		return usage_error("more than %d peers", OPTIONS_PEERS);
	peer = &options->peers[options->peer_count];
	if (!equals || !id_take(peer->id, text, (size_t)(equals - text)) ||
	    sscanf(equals + 1, "%4x:%2x:%2x.%1x%c", &domain, &bus, &device,
		   &function, &rest) != 4)
		return usage_error("`--peer %s` is not ID=DDDD:BB:DD.F", text);
	snprintf(peer->address, sizeof(peer->address), "%04x:%02x:%02x.%x",
		 domain & 0xffff, bus & 0xff, device & 0xff, function & 0xf);
	for (i = 0; i < options->peer_count; i++)
		if (!strcmp(options->peers[i].id, peer->id))
			return usage_error("peer `%s` is named twice", peer->id);
	options->peer_count++;
	return -1;
}

static int parse_sabotage(struct options *options, const char *text)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(sabotages); i++) {
		if (!strcmp(text, sabotages[i].name)) {
			options->sabotage = sabotages[i].sabotage;
			return -1;
		}
	}
	return usage_error("no sabotage is called `%s`", text);
}

static int set_inspected(struct options *options, const char *id)
{
	unsigned int i;

	for (i = 0; i < options->peer_count; i++) {
		if (!strcmp(options->peers[i].id, id)) {
			options->peers[i].inspect = true;
			return -1;
		}
	}
	return usage_error("`--inspect %s`: there is no such peer", id);
}

int options_parse(struct options *options, int argc, char **argv)
{
	static const struct option known[] = {
		{ "suite", required_argument, NULL, 's' },
		{ "volume", required_argument, NULL, 'v' },
		{ "peer", required_argument, NULL, 'p' },
		{ "inspect", required_argument, NULL, 'i' },
		{ "host", no_argument, NULL, 'H' },
		{ "only", required_argument, NULL, 'o' },
		{ "list", no_argument, NULL, 'l' },
		{ "sabotage", required_argument, NULL, 'S' },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	const char *inspected[OPTIONS_PEERS];
	unsigned int inspected_count = 0, i;
	int c, end = -1;

	*options = (struct options){ .suite = "p2pdma" };
	while (end < 0 && (c = getopt_long(argc, argv, "", known, NULL)) != -1) {
		switch (c) {
		case 's':
			options->suite = optarg;
			break;
		case 'v':
			end = parse_volume(options, optarg);
			break;
		case 'p':
			end = parse_peer(options, optarg);
			break;
		case 'i':
			/* The peer may be named later on the line. */
			if (inspected_count == OPTIONS_PEERS)
				return usage_error("too many --inspect");
			inspected[inspected_count++] = optarg;
			break;
		case 'H':
			options->host = true;
			break;
		case 'o':
			options->only = optarg;
			break;
		case 'l':
			options->list = true;
			break;
		case 'S':
			end = parse_sabotage(options, optarg);
			break;
		case 'h':
			fputs(help, stdout);
			return EXIT_ALL_OK;
		default:
			/* getopt_long() has said what is wrong. */
			return EXIT_USAGE;
		}
	}
	for (i = 0; end < 0 && i < inspected_count; i++)
		end = set_inspected(options, inspected[i]);
	if (end >= 0)
		return end;
	if (optind < argc)
		return usage_error("`%s` is no option", argv[optind]);
	if (strcmp(options->suite, "p2pdma"))
		return usage_error("there is no suite `%s`, only p2pdma",
				   options->suite);
	if (!options->volume_count)
		return usage_error("no --volume is given");
	if (!options->peer_count)
		return usage_error("no --peer is given");
	return -1;
}
