/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "helper_file.h"

#include <endian.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "caisson-caps.h"

/* Whose a file of root's seems to be in a user namespace that does not map root. */
#define OVERFLOW_UID 65534

/* From /etc/group alone: a static program has no name service. */
static void group_name(gid_t gid, char *name, size_t size) {
	char line[4096];
	FILE *groups = fopen("/etc/group", "re");

	snprintf(name, size, "%u", (unsigned)gid);
	while (groups && fgets(line, sizeof(line), groups)) {
		char *rest = line, *its = strsep(&rest, ":"), *password = strsep(&rest, ":");
		const char *number = password ? strsep(&rest, ":") : NULL;

		if (number && *number && strtoul(number, NULL, 10) == gid) {
			snprintf(name, size, "%s", its);
			break;
		}
	}
	if (groups)
		fclose(groups);
}

/* Permitted by the file; false if it has none at all. */
static bool file_caps(const char *path, uint64_t *caps) {
	struct vfs_ns_cap_data data;
	ssize_t n = getxattr(path, "security.capability", &data, sizeof(data));

	if (n != XATTR_CAPS_SZ_2 && n != XATTR_CAPS_SZ_3)
		return false;
	*caps = (uint64_t)le32toh(data.data[1].permitted) << 32 | le32toh(data.data[0].permitted);
	return *caps != 0;
}

void helper_file_look(const char *path, struct helper_file *file) {
	struct statvfs mount;
	uint64_t caps = 0;
	struct stat st;

	*file = (struct helper_file){ .lacks = CAISSON_HELPER_CAPS };
	if (stat(path, &st) < 0)
		file->error = errno;
	else if (!S_ISREG(st.st_mode))
		file->error = EINVAL;
	if (file->error)
		return;
	file->mode = st.st_mode & 07777u;
	file->owner = st.st_uid;
	if (!(st.st_mode & S_IXOTH) && st.st_mode & S_IXGRP)
		group_name(st.st_gid, file->group, sizeof(file->group));
	file->executable = access(path, X_OK) == 0;
	file->nosuid = statvfs(path, &mount) == 0 && mount.f_flag & ST_NOSUID;
	if (file_caps(path, &caps)) {
		file->way = HELPER_CAPABILITIES;
		file->lacks &= ~caps;
	} else if ((st.st_uid == 0 || st.st_uid == OVERFLOW_UID) && st.st_mode & S_ISUID) {
		file->way = HELPER_SETUID;
		file->lacks = 0;
	}
}
