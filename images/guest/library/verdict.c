// SPDX-License-Identifier: GPL-2.0-only
/*
 * How a case ends.
 */
#include <stdarg.h>
#include <stdio.h>

#include "verdict.h"

void verdict_end(struct verdict *verdict, bool failed, const char *format, ...)
{
	unsigned int claim = failed ? VERDICT_FAILED : VERDICT_SKIPPED;
	unsigned int before = __atomic_load_n(&verdict->claim, __ATOMIC_ACQUIRE);
	va_list args;

	do {
		if (before >= claim)
			return;
	} while (!__atomic_compare_exchange_n(&verdict->claim, &before, claim,
					      false, __ATOMIC_ACQ_REL,
					      __ATOMIC_ACQUIRE));
	va_start(args, format);
	vsnprintf(verdict->reason, sizeof(verdict->reason), format, args);
	va_end(args);
	verdict->skipped = !failed;
	__atomic_store_n(&verdict->failed, failed, __ATOMIC_RELEASE);
}
