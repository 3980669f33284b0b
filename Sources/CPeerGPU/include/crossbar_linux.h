/* SPDX-License-Identifier: Apache-2.0 */
/* Calls of Linux that Swift's Glibc module leaves out. */
#ifndef CROSSBAR_LINUX_H
#define CROSSBAR_LINUX_H

#include <stddef.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

/* eventfd(2), closed on exec, never blocking. */
static inline int crossbar_eventfd(void)
{
	return eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
}

/* accept4(2), closed on exec. */
static inline int crossbar_accept(int listener)
{
	return (int)syscall(SYS_accept4, listener, NULL, NULL, SOCK_CLOEXEC);
}

/* memfd_create(2), closed on exec. */
static inline int crossbar_memfd(const char *_Nonnull name)
{
	return (int)syscall(SYS_memfd_create, name, 1 /* MFD_CLOEXEC */);
}

/* The calling thread's name: 15 bytes at most. */
static inline void crossbar_name_thread(const char *_Nonnull name)
{
	prctl(PR_SET_NAME, name, 0, 0, 0);
}

#endif /* CROSSBAR_LINUX_H */
