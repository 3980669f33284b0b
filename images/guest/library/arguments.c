// SPDX-License-Identifier: GPL-2.0-only
/*
 * The part of the command line that all test programs have in common.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fnmatch.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "arguments.h"

/* Values of getopt_long() for a program's own options. */
#define OWN	256
#define OWN_MAX	16

static const struct option common[] = {
	{ "suite", required_argument, NULL, 's' },
	{ "volume", required_argument, NULL, 'v' },
	{ "peer", required_argument, NULL, 'p' },
	{ "inspect", required_argument, NULL, 'i' },
	{ "host", no_argument, NULL, 'H' },
	{ "only", required_argument, NULL, 'o' },
	{ "list", no_argument, NULL, 'l' },
	{ "help", no_argument, NULL, 'h' },
};

int argument_error(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	fprintf(stderr, "%s: ", program_invocation_short_name);
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

bool argument_device(const char *text, char *id, char *address)
{
	const char *equals = strchr(text, '=');
	unsigned int domain, bus, device, function;
	char rest;

	if (!equals || !id_take(id, text, (size_t)(equals - text)) ||
	    sscanf(equals + 1, "%4x:%2x:%2x.%1x%c", &domain, &bus, &device,
		   &function, &rest) != 4)
		return false;
	snprintf(address, ADDRESS_LENGTH, "%04x:%02x:%02x.%x", domain & 0xffff,
		 bus & 0xff, device & 0xff, function & 0xf);
	return true;
}

static int parse_volume(struct arguments *arguments, const char *text)
{
	const char *equals = strchr(text, '=');
	const char *colon = equals ? strchr(equals, ':') : NULL;
	struct volume_option *volume;
	unsigned long nsid;
	unsigned int i;
	char *end;

	if (arguments->volume_count == ARGUMENTS_VOLUMES)
		return argument_error("more than %d volumes", ARGUMENTS_VOLUMES);
	volume = &arguments->volumes[arguments->volume_count];
	if (!colon || !id_take(volume->id, text, (size_t)(equals - text)) ||
	    !id_take(volume->serial, equals + 1, (size_t)(colon - equals - 1)))
		return argument_error("`--volume %s` is not ID=SERIAL:NSID:FSTYPE",
				      text);
	nsid = strtoul(colon + 1, &end, 10);
	if (end == colon + 1 || *end != ':' || !nsid || nsid > UINT32_MAX)
		return argument_error("`--volume %s`: the name space id is no number from 1 on",
				      text);
	volume->nsid = (uint32_t)nsid;
	if (strcmp(end + 1, "ext4") && strcmp(end + 1, "xfs"))
		return argument_error("`--volume %s`: file system `%s` is neither ext4 nor xfs",
				      text, end + 1);
	snprintf(volume->fstype, sizeof(volume->fstype), "%s", end + 1);
	for (i = 0; i < arguments->volume_count; i++)
		if (!strcmp(arguments->volumes[i].id, volume->id))
			return argument_error("volume `%s` is named twice",
					      volume->id);
	arguments->volume_count++;
	return -1;
}

static int parse_peer(struct arguments *arguments, const char *text)
{
	struct peer_option *peer;
	unsigned int i;

	if (arguments->peer_count == ARGUMENTS_PEERS)
		return argument_error("more than %d peers", ARGUMENTS_PEERS);
	peer = &arguments->peers[arguments->peer_count];
	if (!argument_device(text, peer->id, peer->address))
		return argument_error("`--peer %s` is not ID=DDDD:BB:DD.F", text);
	for (i = 0; i < arguments->peer_count; i++)
		if (!strcmp(arguments->peers[i].id, peer->id))
			return argument_error("peer `%s` is named twice", peer->id);
	arguments->peer_count++;
	return -1;
}

static int set_inspected(struct arguments *arguments, const char *id)
{
	unsigned int i;

	for (i = 0; i < arguments->peer_count; i++) {
		if (!strcmp(arguments->peers[i].id, id)) {
			arguments->peers[i].inspect = true;
			return -1;
		}
	}
	return argument_error("`--inspect %s`: there is no such peer", id);
}

/* One option. The peer of --inspect may be named later on the line. */
static int take(struct arguments *arguments, const struct program *program,
		int option, const char **inspected, unsigned int *count)
{
	switch (option) {
	case 's':
		arguments->suite = optarg;
		break;
	case 'v':
		return parse_volume(arguments, optarg);
	case 'p':
		return parse_peer(arguments, optarg);
	case 'i':
		if (*count == ARGUMENTS_PEERS)
			return argument_error("too many --inspect");
		inspected[(*count)++] = optarg;
		break;
	case 'H':
		arguments->host = true;
		break;
	case 'o':
		if (arguments->only_count == ARGUMENTS_PATTERNS)
			return argument_error("more than %d --only",
					      ARGUMENTS_PATTERNS);
		arguments->only[arguments->only_count++] = optarg;
		break;
	case 'l':
		arguments->list = true;
		break;
	case 'h':
		fputs(program->help, stdout);
		return EXIT_ALL_OK;
	default:
		if (option >= OWN)
			return program->arguments[option - OWN].take(program->context,
								     optarg);
		/* getopt_long() has said what is wrong. */
		return EXIT_USAGE;
	}
	return -1;
}

bool arguments_choose(const struct arguments *arguments, const char *name)
{
	unsigned int i;

	for (i = 0; i < arguments->only_count; i++)
		if (!fnmatch(arguments->only[i], name, 0))
			return true;
	return !arguments->only_count;
}

static int check_suite(const struct arguments *arguments,
		       const struct program *program)
{
	const char *const *suite;
	char known[128] = "";

	for (suite = program->suites; *suite; suite++) {
		size_t len = strlen(known);

		if (!strcmp(*suite, arguments->suite))
			return -1;
		snprintf(known + len, sizeof(known) - len, "%s%s",
			 len ? ", " : "", *suite);
	}
	return argument_error("there is no suite `%s`, only %s",
			      arguments->suite, known);
}

int arguments_parse(struct arguments *arguments, const struct program *program,
		    int argc, char **argv)
{
	struct option known[ARRAY_SIZE(common) + OWN_MAX + 1] = { 0 };
	const char *inspected[ARGUMENTS_PEERS];
	unsigned int inspected_count = 0, i;
	int c, end = -1;

	memcpy(known, common, sizeof(common));
	for (i = 0; i < program->count && i < OWN_MAX; i++)
		known[ARRAY_SIZE(common) + i] = (struct option){
			program->arguments[i].name, required_argument, NULL,
			OWN + (int)i,
		};
	*arguments = (struct arguments){ .suite = program->suites[0] };
	while (end < 0 && (c = getopt_long(argc, argv, "", known, NULL)) != -1)
		end = take(arguments, program, c, inspected, &inspected_count);
	for (i = 0; end < 0 && i < inspected_count; i++)
		end = set_inspected(arguments, inspected[i]);
	if (end >= 0)
		return end;
	if (optind < argc)
		return argument_error("`%s` is no option", argv[optind]);
	return check_suite(arguments, program);
}
