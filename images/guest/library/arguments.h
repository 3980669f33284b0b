/* SPDX-License-Identifier: GPL-2.0-only */
/* The part of the command line that all test programs have in common. */
#ifndef LIBRARY_ARGUMENTS_H
#define LIBRARY_ARGUMENTS_H

#include <stdbool.h>
#include <stdint.h>

#include "compiler.h"

#define ARGUMENTS_VOLUMES	16
#define ARGUMENTS_PEERS		16
#define ARGUMENTS_PATTERNS	16
#define ID_LENGTH		20	/* an id is also an NVMe serial number */
#define ADDRESS_LENGTH		16	/* PCI address, 0000:03:00.0 */

enum exit_code {
	EXIT_ALL_OK = 0,
	EXIT_NOT_OK = 1,
	EXIT_USAGE = 2,
	/* What the host should have compared with the disk, it cannot. */
	EXIT_UNSURE = 3,
};

struct volume_option {
	char id[ID_LENGTH + 1];
	char serial[ID_LENGTH + 1];
	uint32_t nsid;
	char fstype[8];
};

struct peer_option {
	char id[ID_LENGTH + 1];
	char address[ADDRESS_LENGTH];
	bool inspect;		/* the host can look at this peer's memory */
};

/*
 * struct arguments - what every program is told
 * @only: globs, of which the names of cases have to match one, if there are any
 * @host: wait for the host's `go`
 * @list: print the names of the cases, and that is all
 */
struct arguments {
	struct volume_option volumes[ARGUMENTS_VOLUMES];
	unsigned int volume_count;
	struct peer_option peers[ARGUMENTS_PEERS];
	unsigned int peer_count;
	const char *suite;
	const char *only[ARGUMENTS_PATTERNS];
	unsigned int only_count;
	bool host;
	bool list;
};

/*
 * struct argument - an option of one program, with a value
 * @take: gets that value; returns -1 to go on, or argument_error()
 */
struct argument {
	const char *name;
	int (*take)(void *context, const char *text);
};

/*
 * struct program - what arguments_parse() has to know of a program
 * @suites:    the names of those that it has, NULL at the end; the first one is run
 *             unless another is named
 * @arguments: its own options, @count of them, called with @context
 */
struct program {
	const char *help;
	const char *const *suites;
	const struct argument *arguments;
	unsigned int count;
	void *context;
};

/*
 * Fills @arguments and has the program's own options taken. Returns -1 to go on,
 * or the code to exit with, after --help or a message that says what is wrong.
 */
int arguments_parse(struct arguments *arguments, const struct program *program,
		    int argc, char **argv);

/* Whether the case @name is to run. */
bool arguments_choose(const struct arguments *arguments, const char *name);

/* ID=DDDD:BB:DD.F into @id and @address. False if it is none. */
bool argument_device(const char *text, char *id, char *address);

/* Says what is wrong. Returns EXIT_USAGE. */
int argument_error(const char *format, ...)
	__printf(1, 2);

#endif /* LIBRARY_ARGUMENTS_H */
