/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * bubblewrap's program inherits what bubblewrap was given, and callers rely on it:
 * a socket to talk over. So does this one's, but for directories and O_PATH: with
 * one and ".." a program is outside.
 */
#define _GNU_SOURCE
#include "run.h"
#include "say.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>

void inherited_list(struct numbers *fds) {
	struct dirent *e;
	DIR *dir = opendir("/proc/self/fd");

	*fds = (struct numbers){ 0 };
	if (!dir)
		return;
	/* cppcheck-suppress readdirCalled */ /* one thread */
	while ((e = readdir(dir))) {
		int fd = (int)strtol(e->d_name, NULL, 10); /* 0 for "." and ".." */

		if (fd < 3 || fd == dirfd(dir))
			continue;
		fds->fd = need_room(fds->fd, fds->n, sizeof(int));
		fds->fd[fds->n++] = fd;
	}
	closedir(dir);
}

static bool is_named(const struct args *a, int fd) {
	for (size_t i = 0; i < a->named.n; i++)
		if (a->named.fd[i] == fd)
			return true;
	return false;
}

static bool may_pass(int fd) {
	struct stat st;
	int flags = fcntl(fd, F_GETFL);

	return flags >= 0 && !(flags & O_PATH) && fstat(fd, &st) == 0 && !S_ISDIR(st.st_mode) &&
	       !S_ISBLK(st.st_mode);
}

static int by_number(const void *a, const void *b) {
	return *(const int *)a - *(const int *)b;
}

void inherited_pass(const struct args *a, const struct numbers *fds, struct numbers *passed,
                    bool *plain) {
	*passed = (struct numbers){ 0 };
	*plain = true;
	for (size_t i = 0; i < fds->n; i++) {
		if (is_named(a, fds->fd[i]) || !may_pass(fds->fd[i]))
			continue;
		passed->fd = need_room(passed->fd, passed->n, sizeof(int));
		passed->fd[passed->n++] = fds->fd[i];
	}
	if (passed->n)
		qsort(passed->fd, passed->n, sizeof(int), by_number);
	for (size_t i = 0; i < passed->n; i++)
		if (passed->fd[i] != 3 + (int)i)
			*plain = false;
}
