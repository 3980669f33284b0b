/* SPDX-License-Identifier: GPL-2.0-only */
/* A file system on an NVMe name space, and the controller below it. */
#ifndef LIBRARY_VOLUME_H
#define LIBRARY_VOLUME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "arguments.h"

/*
 * struct volume - a mounted name space
 * @option:      what was asked for, and its id
 * @device:      /dev/nvme0n1
 * @name:        of the controller, as the kernel has it: nvme0
 * @mount:       directory it is mounted on
 * @mounted:     this program mounted it, and so unmounts it
 * @controller:  descriptor of /dev/nvme0, for the phase markers
 * @directory:   descriptor of @mount, for syncfs()
 * @block:       logical block size of the name space in bytes
 */
struct volume {
	const struct volume_option *option;
	const char *id;
	uint32_t nsid;
	char device[64];
	char name[32];
	char mount[64];
	bool mounted;
	int controller;
	int directory;
	uint32_t block;
};

/* False after a message that says what is missing. */
bool volume_open(struct volume *volume, const struct volume_option *option);
void volume_close(struct volume *volume);

/*
 * Unmounts what volume_open() has mounted, and mounts it again, wherever its name
 * space is by then. The files on it have to be suspended. False with errno, or
 * after a message.
 */
bool volume_unmount(struct volume *volume);
bool volume_return(struct volume *volume);

/* The same with mount options that others of its file system may not have. */
bool volume_return_with(struct volume *volume, const char *options);

/* Whether its name space is there: it may have left. */
bool volume_present(const struct volume *volume);

/* Reads or writes the name space itself, past all caches. False with errno. */
bool volume_read(const struct volume *volume, void *mem, size_t len,
		 uint64_t off);
bool volume_write(const struct volume *volume, const void *mem, size_t len,
		  uint64_t off);

/* Bytes that files can still take. */
uint64_t volume_room(const struct volume *volume);

/*
 * Sends a Get Features command that does nothing but show up in the emulator's
 * log, so that the data addresses between two of them belong to one phase.
 * False, with errno, if the controller refused it.
 */
bool volume_mark(const struct volume *volume, unsigned int n,
		 unsigned int phase, bool end);

#endif /* LIBRARY_VOLUME_H */
