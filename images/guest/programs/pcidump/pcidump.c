// SPDX-License-Identifier: GPL-2.0-only
/*
 * pcidump: the configuration space of every PCI device, in the format that
 * `lspci -F` reads, followed by the device's regions as the kernel placed them:
 *
 *	0000:03:00.0 0500: 1af4:1110 (rev 01)
 *	00: f4 1a 10 11 ...
 *		Region 2: Memory at fe00000000 (64-bit, prefetchable) [size=268435456]
 *
 * A reader of dumps passes over the regions; sizes are not in the space itself.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define DEVICES	"/sys/bus/pci/devices"

/* PCI Express Base Specification 6.0, 7.2.2: the extended space. */
#define CONFIG_SIZE	4096
#define STANDARD_BARS	6

/* include/linux/ioport.h */
#define IORESOURCE_IO		0x00000100ULL
#define IORESOURCE_MEM		0x00000200ULL
#define IORESOURCE_PREFETCH	0x00002000ULL
#define IORESOURCE_MEM_64	0x00100000ULL

static int complain(const char *path)
{
	fprintf(stderr, "pcidump: cannot read %s: %s\n", path, strerror(errno));
	return 1;
}

/* 16-bit register of a type 0 or 1 header. */
static unsigned int config_word(const uint8_t *config, size_t at)
{
	return config[at] | config[at + 1] << 8;
}

static int dump_config(const char *address)
{
	uint8_t config[CONFIG_SIZE] = { 0 };
	char path[320];
	ssize_t size;
	ssize_t i;
	int fd;

	snprintf(path, sizeof(path), DEVICES "/%s/config", address);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return complain(path);
	size = pread(fd, config, sizeof(config), 0);
	if (size < 64) {
		if (size >= 0)
			errno = ENODATA;
		close(fd);
		return complain(path);
	}
	close(fd);

	printf("%s %04x: %04x:%04x (rev %02x)", address,
	       config_word(config, 0x0a), config_word(config, 0x00),
	       config_word(config, 0x02), config[0x08]);
	for (i = 0; i < size; i++) {
		if (i % 16 == 0)
			printf("\n%02zx:", (size_t)i);
		printf(" %02x", config[i]);
	}
	printf("\n");
	return 0;
}

static int dump_regions(const char *address)
{
	unsigned long long start, end, flags;
	char path[320];
	FILE *file;
	int bar;

	snprintf(path, sizeof(path), DEVICES "/%s/resource", address);
	file = fopen(path, "re");
	if (!file)
		return complain(path);
	for (bar = 0; bar < STANDARD_BARS; bar++) {
		if (fscanf(file, "%llx %llx %llx", &start, &end, &flags) != 3)
			break;
		if (flags & IORESOURCE_MEM)
			printf("\tRegion %d: Memory at %llx (%s, %s) [size=%llu]\n",
			       bar, start,
			       flags & IORESOURCE_MEM_64 ? "64-bit" : "32-bit",
			       flags & IORESOURCE_PREFETCH ? "prefetchable" :
							     "non-prefetchable",
			       end - start + 1);
		else if (flags & IORESOURCE_IO)
			printf("\tRegion %d: I/O ports at %llx [size=%llu]\n",
			       bar, start, end - start + 1);
	}
	fclose(file);
	return 0;
}

int main(int argc, char **argv)
{
	struct dirent **devices;
	int count, i, failed = 0;

	if (argc > 1) {
		bool asked = !strcmp(argv[1], "--help");

		fputs("Usage: pcidump\n"
		      "Prints the configuration space of every PCI device, as `lspci -F` reads it.\n",
		      asked ? stdout : stderr);
		return asked ? 0 : 2;
	}
	/* Addresses have a fixed width: by name is by address. */
	count = scandir(DEVICES, &devices, NULL, alphasort);
	if (count < 0)
		return complain(DEVICES);
	for (i = 0; i < count; i++) {
		const char *address = devices[i]->d_name;

		if (address[0] != '.') {
			failed |= dump_config(address) || dump_regions(address);
			printf("\n");
		}
		free(devices[i]);
	}
	free(devices);
	return failed || fflush(stdout) ? 1 : 0;
}
