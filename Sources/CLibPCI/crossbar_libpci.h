/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libpci for Swift. Swift can write neither variadic functions nor callbacks
 * that must not return, and libpci's default for a failure is to end the
 * process: both are dealt with here.
 */
#ifndef CROSSBAR_LIBPCI_H
#define CROSSBAR_LIBPCI_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <pci/pci.h>

/* Where crossbar_pci_open_dump() takes up again after an error in libpci. */
struct crossbar_pci_recovery {
	jmp_buf resume;
	char *message;
	size_t capacity;
};

/* A function's own variable, since Swift emits functions of a header only. */
static inline struct crossbar_pci_recovery **crossbar_pci_recovery(void)
{
	static __thread struct crossbar_pci_recovery *recovery;

	return &recovery;
}

/* libpci's error callback must not return. */
__attribute__((noreturn)) static void crossbar_pci_error(char *format, ...)
{
	struct crossbar_pci_recovery *recovery = *crossbar_pci_recovery();
	va_list arguments;

	va_start(arguments, format);
	if (recovery) {
		vsnprintf(recovery->message, recovery->capacity, format, arguments);
		va_end(arguments);
		longjmp(recovery->resume, 1);
	}
	/* After opening, memory is all that libpci can lack. */
	vfprintf(stderr, format, arguments);
	va_end(arguments);
	abort();
}

static void crossbar_pci_silence(char *format, ...)
{
	(void)format;
}

/*
 * Opens a dump file with libpci's dump method. Returns NULL and a message if
 * libpci can't read it. The result is given back with pci_cleanup().
 */
static inline struct pci_access *
crossbar_pci_open_dump(const char *path, char *message, size_t capacity)
{
	struct crossbar_pci_recovery recovery = {
		.message = message,
		.capacity = capacity,
	};
	struct pci_access *access = pci_alloc();

	access->method = PCI_ACCESS_DUMP;
	/* Bus addresses as the registers have them, decoded or not. */
	access->buscentric = 1;
	access->error = crossbar_pci_error;
	access->warning = crossbar_pci_silence;
	access->debug = crossbar_pci_silence;
	*crossbar_pci_recovery() = &recovery;
	if (setjmp(recovery.resume)) {
		*crossbar_pci_recovery() = NULL;
		pci_cleanup(access);
		return NULL;
	}
	if (pci_set_param(access, (char *)"dump.name", (char *)path))
		crossbar_pci_error((char *)"libpci has no dump method");
	pci_init(access);
	pci_scan_bus(access);
	*crossbar_pci_recovery() = NULL;
	return access;
}

/*
 * <sys/mman.h> shows this only with _GNU_SOURCE, which would make this module's
 * view of <sys/select.h> another one than that of Swift's own Glibc module.
 */
int memfd_create(const char *name, unsigned int flags);

/* An anonymous file in memory, closed on exec; -1 and errno on failure. */
static inline int crossbar_pci_memory_file(const char *name)
{
	return memfd_create(name, 1U /* MFD_CLOEXEC */);
}

#endif
