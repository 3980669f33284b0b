/* SPDX-License-Identifier: GPL-2.0-only */
/* Files of sysfs, procfs and debugfs: short texts that the kernel makes and takes. */
#ifndef LIBRARY_KERNELFILE_H
#define LIBRARY_KERNELFILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The first line, without blanks at its end. False with errno. */
bool kernel_read(const char *path, char *text, size_t size);

/* A number that stands alone. False with errno. */
bool kernel_number(const char *path, uint64_t *value);

/* The number behind @name in a file of lines `NAME VALUE`. False with errno. */
bool kernel_counter(const char *path, const char *name, uint64_t *value);

/* All of @text by one write(2). False with errno, which is the kernel's answer. */
bool kernel_write(const char *path, const char *text);

#endif /* LIBRARY_KERNELFILE_H */
