/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CROSSBAR_LIBVIRT_H
#define CROSSBAR_LIBVIRT_H

#include <libvirt/libvirt-qemu.h>
#include <libvirt/libvirt.h>
#include <libvirt/virterror.h>

/*
 * What ending libvirt's processes needs beyond POSIX. The Glibc module is built without _GNU_SOURCE
 * and leaves these out: process descriptors, which make it impossible to signal the wrong process,
 * and what keeps descriptors from leaking into children.
 */
#include <spawn.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>

int pipe2(int descriptors[2], int flags);
int posix_spawn_file_actions_addclosefrom_np(posix_spawn_file_actions_t *actions, int from);
int posix_spawn_file_actions_addchdir_np(posix_spawn_file_actions_t *actions, const char *path);

/* POSIX_SPAWN_SETSID */
static const short crossbar_spawn_in_new_session = 0x80;

/* Swift can't call prctl, which takes a varying number of arguments. */
static inline int crossbar_adopt_orphans(void)
{
	return prctl(PR_SET_CHILD_SUBREAPER, 1UL, 0UL, 0UL, 0UL);
}

#endif
