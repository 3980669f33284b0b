// SPDX-License-Identifier: GPL-2.0-only
/*
 * How a test program is asked to end.
 */
#include <signal.h>
#include <stddef.h>
#include <unistd.h>

#include "signals.h"

atomic_int stop_signal;

/* The first signal asks for an orderly end, the second one does not ask. */
static void on_signal(int number)
{
	if (stop_signal)
		_exit(128 + number);
	stop_signal = number;
}

void signals_catch(void)
{
	struct sigaction stop = { .sa_handler = on_signal };
	struct sigaction ignore = { .sa_handler = SIG_IGN };

	sigaction(SIGINT, &stop, NULL);
	sigaction(SIGTERM, &stop, NULL);
	/* A host that is gone shows as a failed write. */
	sigaction(SIGPIPE, &ignore, NULL);
}
