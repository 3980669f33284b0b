/* SPDX-License-Identifier: GPL-2.0-only */
/* Controllers that take their blocks back, are reset, or leave. */
#ifndef GPUCHECK_MAP_LEAVE_H
#define GPUCHECK_MAP_LEAVE_H

#include "suite.h"

/*
 * The controller of the case's volume takes back all that devices have mapped, by
 * itself. Does nothing where nothing can be mapped. False after test_fail().
 */
bool controller_revokes(struct test *test);

/* It is reset, and works again. False after test_fail(). */
bool controller_reset(struct test *test);

#endif /* GPUCHECK_MAP_LEAVE_H */
