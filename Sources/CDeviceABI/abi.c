// SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0
/* Compiles the headers on their own, so that their static asserts are checked. */
#include "crossbar_cell.h"
#include "crossbar_gpu.h"
