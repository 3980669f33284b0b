// SPDX-License-Identifier: GPL-2.0-only
/*
 * A file system on an NVMe name space, and the controller below it.
 */
#define _GNU_SOURCE
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <mntent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <linux/fs.h>
#include <linux/nvme_ioctl.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#include "report.h"
#include "volume.h"

/* NVMe Base Specification 2.0c, 5.15 Get Features; 5.27.1.1 Arbitration. */
#define NVME_ADMIN_GET_FEATURES	0x0A
#define NVME_FEATURE_ARBITRATION	0x01
/* Upper bits of command dword 11, which this feature leaves alone. */
#define MARKER			0x58000000U

/* One line of a sysfs file, without the blanks that pad a serial number. */
static bool read_attribute(const char *directory, const char *name, char *text,
			   int size)
{
	char path[256];
	FILE *file;
	size_t len;
	bool ok;

	snprintf(path, sizeof(path), "%s/%s", directory, name);
	file = fopen(path, "re");
	if (!file)
		return false;
	ok = fgets(text, size, file);
	fclose(file);
	if (!ok)
		return false;
	len = strlen(text);
	while (len && isspace((unsigned char)text[len - 1]))
		text[--len] = '\0';
	return true;
}

/* Finds the name space by its controller's serial number and its id. */
static bool find_device(const struct volume_option *option,
			struct volume *volume)
{
	glob_t found;
	size_t i;
	bool ok = false;

	if (glob("/sys/class/block/nvme*n*", 0, NULL, &found))
		return false;
	for (i = 0; i < found.gl_pathc && !ok; i++) {
		const char *path = found.gl_pathv[i];
		char text[64], link[128], target[48], *name;
		ssize_t len;

		if (!read_attribute(path, "device/serial", text, sizeof(text)) ||
		    strcmp(text, option->serial) ||
		    !read_attribute(path, "nsid", text, sizeof(text)) ||
		    strtoul(text, NULL, 10) != option->nsid)
			continue;
		snprintf(link, sizeof(link), "%s/device", path);
		len = readlink(link, target, sizeof(target) - 1);
		if (len < 0)
			continue;
		target[len] = '\0';
		name = strrchr(target, '/');
		snprintf(volume->device, sizeof(volume->device), "/dev/%s",
			 strrchr(path, '/') + 1);
		snprintf(volume->name, sizeof(volume->name), "%.31s",
			 name ? name + 1 : target);
		ok = true;
	}
	globfree(&found);
	return ok;
}

static bool find_mount(const char *device, char *mount, size_t size)
{
	FILE *table = setmntent("/proc/self/mounts", "re");
	struct mntent *entry;
	bool found = false;

	if (!table)
		return false;
	while (!found && (entry = getmntent(table))) {
		found = !strcmp(entry->mnt_fsname, device);
		if (found)
			snprintf(mount, size, "%s", entry->mnt_dir);
	}
	endmntent(table);
	return found;
}

/* @more: mount options, or NULL. */
static bool mount_volume(struct volume *volume,
			 const struct volume_option *option, const char *more)
{
	/*
	 * ext4 would otherwise zero inode tables in the background, which only
	 * makes a run slower and its trace longer.
	 */
	const char *quiet = strcmp(option->fstype, "ext4") ? "" : "noinit_itable";
	char data[64];

	snprintf(data, sizeof(data), "%s%s%s", quiet, *quiet && more ? "," : "",
		 more ? more : "");
	if (find_mount(volume->device, volume->mount, sizeof(volume->mount)))
		return true;
	snprintf(volume->mount, sizeof(volume->mount), "/mnt/%s", option->id);
	mkdir("/mnt", 0755);
	if (mkdir(volume->mount, 0755) && errno != EEXIST) {
		report_bail_out("cannot make %s: %s", volume->mount,
				strerror(errno));
		return false;
	}
	if (mount(volume->device, volume->mount, option->fstype, MS_NOATIME,
		  data)) {
		report_bail_out("cannot mount %s (%s) on %s: %s", volume->device,
				option->fstype, volume->mount, strerror(errno));
		return false;
	}
	volume->mounted = true;
	return true;
}

static bool open_volume(struct volume *volume,
			const struct volume_option *option, const char *more)
{
	char path[80];
	int device, block = 0;

	*volume = (struct volume){
		.option = option,
		.id = option->id,
		.nsid = option->nsid,
		.controller = -1,
		.directory = -1,
	};
	if (!find_device(option, volume)) {
		report_bail_out("volume %s: no NVMe controller with serial %s has namespace %u",
				option->id, option->serial, option->nsid);
		return false;
	}
	device = open(volume->device, O_RDONLY | O_CLOEXEC);
	if (device < 0 || ioctl(device, BLKSSZGET, &block) || block <= 0) {
		report_bail_out("volume %s: cannot ask %s for its block size: %s",
				option->id, volume->device, strerror(errno));
		if (device >= 0)
			close(device);
		return false;
	}
	close(device);
	volume->block = (uint32_t)block;

	snprintf(path, sizeof(path), "/dev/%s", volume->name);
	volume->controller = open(path, O_RDONLY | O_CLOEXEC);
	if (volume->controller < 0) {
		report_bail_out("volume %s: cannot open %s: %s", option->id,
				path, strerror(errno));
		return false;
	}
	if (!mount_volume(volume, option, more))
		return false;
	volume->directory = open(volume->mount,
				 O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	snprintf(path, sizeof(path), "%s/w", volume->mount);
	if (volume->directory < 0 || (mkdir(path, 0755) && errno != EEXIST)) {
		report_bail_out("volume %s: cannot make %s: %s", option->id,
				path, strerror(errno));
		return false;
	}
	return true;
}

bool volume_open(struct volume *volume, const struct volume_option *option)
{
	return open_volume(volume, option, NULL);
}

void volume_close(struct volume *volume)
{
	if (volume->controller >= 0)
		close(volume->controller);
	if (volume->directory >= 0)
		close(volume->directory);
	if (volume->mounted && umount(volume->mount))
		fprintf(stderr, "%s: cannot unmount %s: %s\n",
			program_invocation_short_name, volume->mount,
			strerror(errno));
	*volume = (struct volume){ .controller = -1, .directory = -1 };
}

bool volume_unmount(struct volume *volume)
{
	int error;

	if (!volume->mounted) {
		errno = EPERM;
		return false;
	}
	close(volume->directory);
	volume->directory = -1;
	if (!umount(volume->mount)) {
		volume->mounted = false;
		return true;
	}
	error = errno;
	volume->directory = open(volume->mount,
				 O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	errno = error;
	return false;
}

bool volume_return(struct volume *volume)
{
	return volume_return_with(volume, NULL);
}

bool volume_return_with(struct volume *volume, const char *options)
{
	if (volume->controller >= 0)
		close(volume->controller);
	return open_volume(volume, volume->option, options);
}

bool volume_present(const struct volume *volume)
{
	struct volume found;

	return find_device(volume->option, &found) &&
	       !access(found.device, R_OK);
}

static bool transfer(const struct volume *volume, void *mem, size_t len,
		     uint64_t off, bool write)
{
	int fd = open(volume->device,
		      (write ? O_RDWR : O_RDONLY) | O_DIRECT | O_CLOEXEC);
	ssize_t n;
	int error;

	if (fd < 0)
		return false;
	n = write ? pwrite(fd, mem, len, (off_t)off) :
		    pread(fd, mem, len, (off_t)off);
	error = n < 0 ? errno : EIO;
	close(fd);
	errno = error;
	return n == (ssize_t)len;
}

bool volume_read(const struct volume *volume, void *mem, size_t len,
		 uint64_t off)
{
	return transfer(volume, mem, len, off, false);
}

bool volume_write(const struct volume *volume, const void *mem, size_t len,
		  uint64_t off)
{
	return transfer(volume, (void *)mem, len, off, true);
}

uint64_t volume_room(const struct volume *volume)
{
	struct statvfs state;

	if (fstatvfs(volume->directory, &state))
		return 0;
	return (uint64_t)state.f_bavail * state.f_frsize;
}

bool volume_mark(const struct volume *volume, unsigned int n,
		 unsigned int phase, bool end)
{
	struct nvme_admin_cmd command = {
		.opcode = NVME_ADMIN_GET_FEATURES,
		.cdw10 = NVME_FEATURE_ARBITRATION,
		.cdw11 = MARKER | n << 8 | phase << 1 | end,
	};

	return !ioctl(volume->controller, NVME_IOCTL_ADMIN_CMD, &command);
}
