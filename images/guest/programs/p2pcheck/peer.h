/* SPDX-License-Identifier: GPL-2.0-only */
/* Memory of a PCI device that other devices may reach: mapped and located. */
#ifndef P2PCHECK_PEER_H
#define P2PCHECK_PEER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "content.h"
#include "arguments.h"

/* A window never needs more: the biggest transfer and a tail of poison. */
#define PEER_WINDOW	((32U << 20) + (64U << 10))
#define PEER_WINDOW_MIN	(64U << 10)

/*
 * struct peer - a window on a device's memory
 * @memory:     the window, @size bytes, one piece on the bus too
 * @bar_offset: where the window starts in the device's BAR
 * @bar:        which BAR
 * @registers:  the CPU reaches it as slowly as registers, so it looks no more
 *              often than it must; see peer_poison()
 */
struct peer {
	const char *id;
	uint8_t *memory;
	size_t size;
	uint64_t bar_offset;
	unsigned int bar;
	bool inspect;
	bool registers;
};

/* False after a message that says what is missing. */
bool peer_open(struct peer *peer, const struct peer_option *option);
void peer_close(struct peer *peer);

/*
 * Fills a part of the window with poison. Of register-like memory that is one
 * cell in each 512 bytes: devices transfer whole blocks, so one that was left
 * out still shows.
 */
void peer_poison(const struct peer *peer, uint8_t *memory, size_t len);

/*
 * Compares a part of the window. With @sparse, of register-like memory only
 * one cell in each 512 bytes: enough for what the CPU itself has put there, or
 * for poison, but not for what a device did.
 */
bool peer_check(const struct peer *peer, const struct content *content,
		const uint8_t *memory, bool sparse, struct mismatch *mismatch);

#endif /* P2PCHECK_PEER_H */
