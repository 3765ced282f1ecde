/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Which sources are none: views of the kernel's own state, which caisson-helper
 * never grants, and devices. Looked at here so that the caller is given what
 * comes closest, or told; the helper looks for itself.
 */
#define _GNU_SOURCE
#include "layout.h"

#include <linux/magic.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>

static bool is_kernels(const struct statfs *fs) {
	static const unsigned long types[] = {
		SYSFS_MAGIC,
		CGROUP_SUPER_MAGIC,
		CGROUP2_SUPER_MAGIC,
		DEBUGFS_MAGIC,
		TRACEFS_MAGIC,
		SECURITYFS_MAGIC,
		DEVPTS_SUPER_MAGIC,
		BPF_FS_MAGIC,
		EFIVARFS_MAGIC,
		PSTOREFS_MAGIC,
		SELINUX_MAGIC,
		SMACK_MAGIC,
		NSFS_MAGIC,
		PROC_SUPER_MAGIC,
		BINFMTFS_MAGIC,
		0x62656570 /* configfs */,
		0x19800202 /* mqueue */,
		0x65735543 /* fusectl */,
		0x187 /* autofs */,
		0x67596969 /* rpc_pipefs */,
	};

	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		if ((unsigned long)fs->f_type == types[i])
			return true;
	return false;
}

static bool same(const struct stat *a, const struct stat *b) {
	return a->st_dev == b->st_dev && a->st_ino == b->st_ino;
}

enum source_kind source_kind(const char *path, const struct stat *st) {
	static struct stat dev, proc;
	static bool looked;
	struct statfs fs;

	if (!looked) {
		if (stat("/dev", &dev) < 0)
			memset(&dev, 0, sizeof(dev));
		if (stat("/proc", &proc) < 0)
			memset(&proc, 0, sizeof(proc));
		looked = true;
	}
	if (S_ISCHR(st->st_mode) || S_ISBLK(st->st_mode))
		return SOURCE_DEVICE;
	if (same(st, &dev))
		return SOURCE_DEV;
	if (same(st, &proc))
		return SOURCE_PROC;
	if (st->st_dev == dev.st_dev && S_ISDIR(st->st_mode))
		return SOURCE_BELOW;
	/* None of these has a disk. */
	if (major(st->st_dev) == 0 && statfs(path, &fs) == 0 && is_kernels(&fs))
		return fs.f_type == PROC_SUPER_MAGIC && st->st_ino == 1 ? SOURCE_PROC
		                                                        : SOURCE_KERNEL;
	return SOURCE_PLAIN;
}

bool harmless_device(const struct stat *st) {
	unsigned n = minor(st->st_rdev);

	if (!S_ISCHR(st->st_mode))
		return false;
	return major(st->st_rdev) == 1 ? n == 3 || n == 5 || n == 7 || n == 8 || n == 9
	                               : major(st->st_rdev) == 5 && n == 0;
}
