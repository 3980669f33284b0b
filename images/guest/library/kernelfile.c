// SPDX-License-Identifier: GPL-2.0-only
/*
 * Files of sysfs, procfs and debugfs.
 */
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "kernelfile.h"

bool kernel_read(const char *path, char *text, size_t size)
{
	FILE *file = fopen(path, "re");
	size_t len;
	bool ok;

	if (!file)
		return false;
	errno = ENODATA;
	ok = fgets(text, (int)size, file);
	fclose(file);
	if (!ok)
		return false;
	len = strlen(text);
	while (len && isspace((unsigned char)text[len - 1]))
		text[--len] = '\0';
	return true;
}

bool kernel_number(const char *path, uint64_t *value)
{
	char text[32], *end;

	if (!kernel_read(path, text, sizeof(text)))
		return false;
	errno = 0;
	*value = strtoull(text, &end, 0);
	if (!errno && (end == text || *end))
		errno = EINVAL;
	return !errno;
}

bool kernel_counter(const char *path, const char *name, uint64_t *value)
{
	FILE *file = fopen(path, "re");
	char line[128], found[64];
	bool ok = false;

	if (!file)
		return false;
	while (!ok && fgets(line, sizeof(line), file))
		ok = sscanf(line, "%63s %" SCNu64, found, value) == 2 &&
		     !strcmp(found, name);
	fclose(file);
	if (!ok)
		errno = ENOENT;
	return ok;
}

bool kernel_write(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	size_t len = strlen(text);
	int error;
	ssize_t n;

	if (fd < 0)
		return false;
	n = write(fd, text, len);
	error = n < 0 ? errno : EIO;
	close(fd);
	errno = error;
	return n == (ssize_t)len;
}
