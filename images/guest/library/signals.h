/* SPDX-License-Identifier: GPL-2.0-only */
/* How a test program is asked to end. */
#ifndef LIBRARY_SIGNALS_H
#define LIBRARY_SIGNALS_H

#include <stdatomic.h>

/* The signal that asks for an end, or 0. */
extern atomic_int stop_signal;

/* From now on, SIGINT and SIGTERM set it, and SIGPIPE does nothing. */
void signals_catch(void);

#endif /* LIBRARY_SIGNALS_H */
