/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What only root sees, from outside, in the moment in which the target is executed. */
#include "fault.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#define NS_OWNER_UID 0xb704 /* NS_GET_OWNER_UID */

void outside_fds(pid_t pid, char stray[64]) {
	static const char *const own[] = {
		"/dev/null",          CAISSON_RUN_DIR "/",     "socket:", "pipe:", "/memfd:args",
		"anon_inode:[pidfd]", "anon_inode:[signalfd]", "pidfd:"
	};
	char path[32], to[64];
	struct dirent *e;
	DIR *dir;

	snprintf(path, sizeof(path), "/proc/%d/fd", pid);
	dir = opendir(path);
	while (dir && (e = readdir(dir))) {
		ssize_t n = readlinkat(dirfd(dir), e->d_name, to, sizeof(to) - 1);
		bool known = n <= 0;

		to[n > 0 ? n : 0] = '\0';
		for (size_t i = 0; i < sizeof(own) / sizeof(own[0]); i++)
			known |= !strncmp(to, own[i], strlen(own[i]));
		if (!known)
			memcpy(stray, to, sizeof(to));
	}
	if (dir)
		closedir(dir);
}

uid_t outside_owner(pid_t pid) {
	char path[32];
	struct stat its, own;
	uid_t owner = (uid_t)-2;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/ns/user", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd >= 0 && fstat(fd, &its) == 0 && stat("/proc/self/ns/user", &own) == 0)
		owner = its.st_ino == own.st_ino ? (uid_t)-1 : owner;
	if (owner == (uid_t)-2 && ioctl(fd, NS_OWNER_UID, &owner) < 0)
		owner = (uid_t)-2;
	close(fd);
	return owner;
}
