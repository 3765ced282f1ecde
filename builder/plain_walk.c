/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * openat2() without it: one component at a time, none of them followed. A link is read and
 * its text walked in its place, from the root that was given; "..", which a rename could
 * lead astray, begins again at that root, with the names that were passed and no link.
 */
#include "plain.h"

#include <limits.h>

#define LINKS 40

/* What is still to be walked, and what was: names without links, each behind a "/". */
struct walk {
	int root, fd;
	unsigned links;
	char done[PATH_MAX], rest[2 * PATH_MAX];
};

/* Replaces *fd by what name is in it; a negative number and errno if there is nothing. */
static int step(int *fd, const char *name, int flags) {
	int next = openat(*fd, name, O_PATH | O_NOFOLLOW | O_CLOEXEC | flags);

	close(*fd);
	*fd = next;
	/* cppcheck-suppress resourceLeak */ /* it is the caller's */
	return next;
}

/* The next name of *rest, cut off there; NULL at the end. */
static char *next_name(char **rest) {
	char *name;

	do
		name = strsep(rest, "/");
	while (name && (!*name || !strcmp(name, ".")));
	return name;
}

/* From fd, which is closed, by names alone. What may hold a mount is crossed, as openat2() does. */
static int straight(int fd, const char *names, int flags) {
	char text[2 * PATH_MAX], *rest = text;
	const char *name;

	if ((size_t)snprintf(text, sizeof(text), "%s", names) >= sizeof(text)) {
		close(fd);
		errno = ENAMETOOLONG;
		return -1;
	}
	for (name = next_name(&rest); fd >= 0 && name;) {
		const char *after = next_name(&rest);

		step(&fd, name, after ? O_DIRECTORY : flags);
		name = after;
	}
	return fd;
}

int plain_straight(const char *path, uint64_t flags) {
	struct sys_stat st = { 0 };
	int root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC), fd;

	if (root < 0)
		return -1;
	fd = straight(root, path, (int)flags & O_DIRECTORY);
	if (fd >= 0 && plain_stat(fd, &st) == 0 && S_ISLNK(st.mode)) {
		close(fd);
		errno = ELOOP;
		return -1;
	}
	return fd;
}

/* Puts what the link at w->fd says before the rest, and w->fd back to where it lies. */
static int follow(struct walk *w) {
	char text[2 * PATH_MAX];
	struct statfs fs;
	ssize_t n = readlinkat(w->fd, "", text, PATH_MAX - 1);

	if (n < 0)
		return -1;
	text[n] = '\0';
	errno = ELOOP;
	/* In a procfs only those are followed that are text, and those are relative. */
	if (++w->links > LINKS ||
	    (text[0] == '/' && (fstatfs(w->fd, &fs) < 0 || fs.f_type == PROC_SUPER_MAGIC)))
		return -1;
	errno = ENAMETOOLONG;
	if (strlen(w->rest) + (size_t)n + 2 > sizeof(w->rest))
		return -1;
	snprintf(text + n, sizeof(text) - (size_t)n, "/%s", w->rest);
	memcpy(w->rest, text, strlen(text) + 1);
	if (text[0] == '/')
		w->done[0] = '\0';
	return 0;
}

/* To the end of what was done, which holds no link. */
static int again(struct walk *w) {
	close(w->fd);
	w->fd = straight(fcntl(w->root, F_DUPFD_CLOEXEC, 0), w->done, O_DIRECTORY);
	return w->fd;
}

static int up(struct walk *w) {
	char *last = strrchr(w->done, '/');

	if (last)
		*last = '\0';
	return again(w);
}

/* One component. */
static int forward(struct walk *w, const char *name) {
	struct sys_stat st = { 0 };

	if (!strcmp(name, ".."))
		return up(w);
	if (step(&w->fd, name, 0) < 0)
		return -1;
	if (plain_stat(w->fd, &st) == 0 && S_ISLNK(st.mode)) {
		if (follow(w) < 0)
			return -1;
		return again(w);
	}
	errno = ENAMETOOLONG;
	if (strlen(w->done) + strlen(name) + 2 > sizeof(w->done))
		return -1;
	strcat(strcat(w->done, "/"), name);
	return w->fd;
}

static int in_root(int root, const char *path, int flags) {
	static struct walk w;
	char *rest = w.rest, *name;
	int error = 0;

	w.root = root;
	w.links = 0;
	w.done[0] = '\0';
	w.fd = fcntl(root, F_DUPFD_CLOEXEC, 0);
	if ((size_t)snprintf(w.rest, sizeof(w.rest), "%s", path) >= sizeof(w.rest)) {
		errno = ENAMETOOLONG;
		error = -1;
	}
	while (!error && w.fd >= 0 && (name = next_name(&rest))) {
		char copy[NAME_MAX + 1];

		errno = ENAMETOOLONG;
		error = (size_t)snprintf(copy, sizeof(copy), "%s", name) >= sizeof(copy) ? -1 : 0;
		if (rest) /* what is left, at the front, where a link's text goes */
			memmove(w.rest, rest, strlen(rest) + 1);
		else
			w.rest[0] = '\0';
		rest = w.rest;
		if (!error && forward(&w, copy) < 0)
			error = -1;
	}
	if (!error && flags && w.fd >= 0)
		step(&w.fd, ".", flags);
	if (error && w.fd >= 0) {
		error = errno;
		close(w.fd);
		errno = error;
		return -1;
	}
	return w.fd;
}

int plain_openat2(int dir, const char *path, const struct open_how *how) {
	const int flags = (int)how->flags & O_DIRECTORY;
	long fd = __real_syscall(NR_openat2, dir, path, how, sizeof(*how));

	if (fd >= 0 || errno != ENOSYS)
		return (int)fd;
	if (how->resolve & RESOLVE_IN_ROOT)
		return in_root(dir, path, flags);
	return plain_straight(path, how->flags);
}
