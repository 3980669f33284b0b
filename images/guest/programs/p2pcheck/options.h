/* SPDX-License-Identifier: GPL-2.0-only */
/* The command line. */
#ifndef P2PCHECK_OPTIONS_H
#define P2PCHECK_OPTIONS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#define OPTIONS_VOLUMES	16
#define OPTIONS_PEERS	16
#define ID_LENGTH	20	/* an id is also an NVMe serial number */

enum exit_code {
	EXIT_ALL_OK = 0,
	EXIT_NOT_OK = 1,
	EXIT_USAGE = 2,
};

/* What the harness's own tests do to prove that a lie is caught. */
enum sabotage {
	SABOTAGE_NONE,
	SABOTAGE_FALLBACK_AS_DIRECT,
	SABOTAGE_FLIP_BYTE,
	SABOTAGE_STALE_WRITE,
	SABOTAGE_HANG,
	SABOTAGE_PANIC,
	SABOTAGE_EXIT,
};

struct volume_option {
	char id[ID_LENGTH + 1];
	char serial[ID_LENGTH + 1];
	uint32_t nsid;
	char fstype[8];
};

struct peer_option {
	char id[ID_LENGTH + 1];
	char address[16];	/* PCI address, 0000:03:00.0 */
	bool inspect;		/* the host can look at this peer's memory */
};

struct options {
	struct volume_option volumes[OPTIONS_VOLUMES];
	unsigned int volume_count;
	struct peer_option peers[OPTIONS_PEERS];
	unsigned int peer_count;
	const char *suite;
	const char *only;	/* glob, or NULL */
	bool host;		/* wait for the host's `go` */
	bool list;
	enum sabotage sabotage;
};

/* The signal that asks for an end, or 0. Set by main's handler. */
extern atomic_int stop_signal;

/*
 * Fills @options. Returns -1 to go on, or the code to exit with, after --help
 * or a message that says what is wrong.
 */
int options_parse(struct options *options, int argc, char **argv);

#endif /* P2PCHECK_OPTIONS_H */
