/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define _GNU_SOURCE
#include "host.h"
#include "say.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { NR_openat2 = 437 };
enum { RESOLVE_NO_MAGICLINKS = 2, RESOLVE_NO_SYMLINKS = 4, RESOLVE_BENEATH = 8 };

static const struct node *mount_of(const struct node *n) {
	while (!n->mounted && n->parent)
		n = n->parent;
	return n;
}

/* Below its mount: "a/b", or "". */
static char *way_to(const struct node *n) {
	char *above, *way;

	if (n->mounted || !n->parent)
		return need_string("");
	above = way_to(n->parent);
	way = need_format("%s%s%s", above, *above ? "/" : "", n->name);
	free(above);
	return way;
}

/* Before Linux 5.6: one name at a time, none of them a link. There is no ".." in a way. */
static int open_by_steps(int root, const char *way, int flags) {
	char *names = need_string(way), *rest = names, *name = strsep(&rest, "/");
	int fd = fcntl(root, F_DUPFD_CLOEXEC, 0);
	struct stat st;

	while (fd >= 0 && name) {
		int how = rest ? O_PATH | O_DIRECTORY : flags;
		int next = openat(fd, name, how | O_NOFOLLOW | O_CLOEXEC), error = errno;

		close(fd);
		fd = next;
		errno = error;
		name = strsep(&rest, "/");
	}
	if (fd >= 0 && fstat(fd, &st) == 0 && S_ISLNK(st.st_mode)) { /* by O_PATH */
		close(fd);
		fd = -1;
		errno = ELOOP;
	}
	free(names);
	return fd;
}

static int open_below(int root, const char *way, int flags) {
	const struct {
		uint64_t flags, mode, resolve;
	} how = { (uint64_t)(flags | O_CLOEXEC), 0,
		  RESOLVE_NO_MAGICLINKS | RESOLVE_NO_SYMLINKS | RESOLVE_BENEATH };
	int fd = (int)syscall(NR_openat2, root, way, &how, sizeof(how));

	return fd < 0 && errno == ENOSYS ? open_by_steps(root, way, flags) : fd;
}

int host_open(const struct node *n, int flags) {
	bool writes = !(flags & O_PATH) && (flags & O_ACCMODE) != O_RDONLY;
	char *way;
	int fd, root;

	flags |= flags & O_PATH ? 0 : O_NOCTTY;
	if (n->ro && writes) {
		errno = EROFS;
		return -1;
	}
	if (n->mounted) /* what the command line names, links and all */
		return open(n->host, flags | O_CLOEXEC);
	root = open(mount_of(n)->host, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (root < 0)
		return -1;
	way = way_to(n);
	fd = open_below(root, way, flags);
	free(way);
	close(root);
	return fd;
}

/* To have something made in it. */
static int open_dir(const struct node *dir) {
	if (dir->ro) {
		errno = EROFS;
		return -1;
	}
	return host_open(dir, O_PATH | O_DIRECTORY);
}

/* rc of a call on fd, which is closed. */
static int closing(int fd, int rc) {
	int error = errno;

	close(fd);
	errno = error;
	return rc;
}

int host_chmod(const struct node *n, mode_t mode) {
	char path[40];
	int fd;

	errno = EROFS;
	fd = n->ro ? -1 : host_open(n, O_PATH);
	if (fd < 0)
		return -1;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	return closing(fd, chmod(path, mode));
}

int host_mkdir(const struct node *dir, const char *name, mode_t mode) {
	int fd = open_dir(dir);

	return fd < 0 ? -1 : closing(fd, mkdirat(fd, name, mode));
}

int host_symlink(const struct node *dir, const char *name, const char *target) {
	int fd = open_dir(dir);

	return fd < 0 ? -1 : closing(fd, symlinkat(target, fd, name));
}

int host_create(const struct node *dir, const char *name, int flags, mode_t mode) {
	int fd = open_dir(dir);

	return fd < 0 ? -1
	              : closing(fd,
	                        openat(fd, name,
	                               flags | O_CREAT | O_NOFOLLOW | O_NOCTTY | O_CLOEXEC, mode));
}
