/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Where in the tree the caller is, and which limits it is under there. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cgroup.h"

/* mountinfo writes blanks and their kind as three octal digits. */
static void unescape(char *text) {
	char *to = text;

	while (*text) {
		if (text[0] == '\\' && text[1] >= '0' && text[1] <= '3' && text[2] && text[3]) {
			*to++ = (char)((text[1] - '0') * 64 + (text[2] - '0') * 8 + text[3] - '0');
			text += 4;
		} else {
			*to++ = *text++;
		}
	}
	*to = '\0';
}

/* A line of mountinfo: the fields that matter, if it is a cgroup2. */
static bool is_tree(char *line, char **root, char **mount) {
	char *rest = NULL, *field = strtok_r(line, " \n", &rest);
	bool tree;

	for (int i = 0; field && i < 5; i++, field = strtok_r(NULL, " \n", &rest)) {
		if (i == 3)
			*root = field;
		if (i == 4)
			*mount = field;
	}
	while (field && strcmp(field, "-") != 0)
		field = strtok_r(NULL, " \n", &rest);
	field = field ? strtok_r(NULL, " \n", &rest) : NULL;
	tree = field && !strcmp(field, "cgroup2");
	if (tree) {
		unescape(*root);
		unescape(*mount);
	}
	return tree;
}

char *cgroup_path_of(FILE *cgroup) {
	char *line = NULL, *path = NULL;
	size_t room = 0;
	ssize_t n;

	errno = ENOENT;
	while (!path && (n = getline(&line, &room, cgroup)) > 0)
		if (!strncmp(line, "0::/", 4)) {
			line[n - (line[n - 1] == '\n')] = '\0';
			path = strdup(line + 3);
		}
	free(line);
	return path;
}

bool cgroup_within(const char *path, const char *ancestor) {
	size_t length = strlen(ancestor);

	if (!strcmp(ancestor, "/"))
		return true;
	return !strncmp(path, ancestor, length) && (path[length] == '/' || !path[length]);
}

char *cgroup_parent(const char *path) {
	const char *slash = strrchr(path, '/');

	if (!slash || !path[1])
		return NULL;
	return slash == path ? strdup("/") : strndup(path, (size_t)(slash - path));
}

/* A path as the namespace has it, as one below a mount that shows root. */
static char *below(const char *path, const char *root) {
	const char *rest;

	if (!strncmp(path, "/..", 3) || !strncmp(root, "/..", 3) || !cgroup_within(path, root)) {
		errno = EXDEV;
		return NULL;
	}
	rest = strcmp(root, "/") ? path + strlen(root) : path;
	return strdup(*rest ? rest : "/");
}

int cgroup_tree_parse(struct cgroup_tree *tree, FILE *mountinfo, FILE *own) {
	char *line = NULL, *root = NULL, *mount = NULL, *path;
	size_t room = 0;
	bool found = false;
	int error;

	*tree = (struct cgroup_tree){ NULL, NULL };
	while (!found && getline(&line, &room, mountinfo) > 0)
		found = is_tree(line, &root, &mount);
	path = found ? cgroup_path_of(own) : NULL;
	error = found ? errno : ENOENT;
	if (path) {
		tree->own = below(path, root);
		error = errno;
		tree->mount = strdup(mount);
	}
	free(path);
	free(line);
	if (tree->own && tree->mount)
		return 0;
	if (tree->own)
		error = ENOMEM;
	cgroup_tree_clear(tree);
	return -error;
}

int cgroup_tree_find(struct cgroup_tree *tree) {
	FILE *mountinfo = fopen("/proc/self/mountinfo", "re");
	FILE *own = fopen("/proc/self/cgroup", "re");
	int rc = -ENOENT;

	*tree = (struct cgroup_tree){ NULL, NULL };
	if (mountinfo && own)
		rc = cgroup_tree_parse(tree, mountinfo, own);
	if (mountinfo)
		fclose(mountinfo);
	if (own)
		fclose(own);
	return rc;
}

void cgroup_tree_clear(struct cgroup_tree *tree) {
	free(tree->mount);
	free(tree->own);
	*tree = (struct cgroup_tree){ NULL, NULL };
}

int cgroup_open(const struct cgroup_tree *tree, const char *path) {
	char *full = NULL;
	int fd, error;

	if (asprintf(&full, "%s%s", tree->mount, path) < 0) {
		errno = ENOMEM;
		return -1;
	}
	fd = open(full, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	error = errno;
	free(full);
	errno = error;
	return fd;
}

/*
 * systemd gives every unit a number of processes, asked for or not. One that the
 * caller may write, and could lift, is kept in another group that has no more.
 */
static bool matched(int dir, const char *name, const char *text, uint64_t pids) {
	return !strcmp(name, "pids.max") && pids != CAISSON_UNKNOWN &&
	       faccessat(dir, name, W_OK, AT_EACCESS) == 0 && pids <= strtoull(text, NULL, 10);
}

/* The file of the group that limits what is in it; NULL if none does. */
static const char *limiting_file(int dir, uint64_t pids) {
	static const char *const files[] = { "memory.max", "memory.high", "memory.swap.max",
		                             "pids.max",   "cpu.max",     "io.max",
		                             "cpuset.cpus" };
	char text[4096];

	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		ssize_t n = cgroup_read(dir, files[i], text, sizeof(text));

		if (n > 0 && strncmp(text, "max", 3) != 0 && !matched(dir, files[i], text, pids))
			return files[i];
	}
	return NULL;
}

int cgroup_escapes(const struct cgroup_tree *tree, const char *path, uint64_t pids, char *file,
                   size_t size) {
	char *at = strdup(tree->own);

	if (!at)
		return -ENOMEM;
	while (at && !cgroup_within(path, at)) {
		int dir = cgroup_open(tree, at), error = errno;
		const char *limit;
		char *parent;

		if (dir < 0) { /* what cannot be looked at may limit */
			free(at);
			return -error;
		}
		limit = limiting_file(dir, pids);
		close(dir);
		if (limit) {
			snprintf(file, size, "%s%s/%s", tree->mount, at, limit);
			free(at);
			return 1;
		}
		parent = cgroup_parent(at);
		free(at);
		at = parent;
	}
	if (!at)
		return -ENOMEM;
	free(at);
	return 0;
}
