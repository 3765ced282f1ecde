/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The cgroup v2 tree: where it is, where this process is in it, and its files. */
#ifndef CAISSON_LIBCLIENT_CGROUP_H
#define CAISSON_LIBCLIENT_CGROUP_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

#include "caisson_limits.h"

struct cgroup_tree {
	char *mount; /* where it is mounted */
	char *own;   /* the caller's group: its path below that, "/" for the mount itself */
};

enum cgroup_controller {
	CGROUP_MEMORY = 1,
	CGROUP_PIDS = 2,
	CGROUP_CPU = 4,
	CGROUP_IO = 8,
	CGROUP_HUGETLB = 16,
};

/*
 * From the text of /proc/self/mountinfo and /proc/self/cgroup. -ENOENT: there is
 * no such tree; -EXDEV: the caller's group is not below that mount.
 */
int cgroup_tree_parse(struct cgroup_tree *tree, FILE *mountinfo, FILE *own);
int cgroup_tree_find(struct cgroup_tree *tree);
void cgroup_tree_clear(struct cgroup_tree *tree);
/* The group of a process by the text of its /proc/PID/cgroup; NULL with errno. */
char *cgroup_path_of(FILE *cgroup);
/* The directory of the group at path, for openat(); -1 with errno. */
int cgroup_open(const struct cgroup_tree *tree, const char *path);

/* path is ancestor, or below it. */
bool cgroup_within(const char *path, const char *ancestor);
/* NULL for "/", or if memory is short. */
char *cgroup_parent(const char *path);

/*
 * Would a new group at path be free of a limit that the caller is under? 1 with
 * the file that has the limit; 0; -errno. pids: how many processes the new one
 * may have.
 */
int cgroup_escapes(const struct cgroup_tree *tree, const char *path, uint64_t pids, char *file,
                   size_t size);

/* The text of a file without the newline at its end: its length, or -errno. */
ssize_t cgroup_read(int dir, const char *name, char *text, size_t size);
int cgroup_write(int dir, const char *name, const char *text);
/* A number; CAISSON_UNKNOWN for "max", and if there is no such file. */
uint64_t cgroup_number(int dir, const char *name);
/* "key N" of a file of such lines; CAISSON_UNKNOWN if it is not there. */
uint64_t cgroup_field(int dir, const char *name, const char *key);
/* cpu.max as percent of one processor. */
uint64_t cgroup_cpu_percent(int dir);
/*
 * Nothing in the group takes or reserves a page of the pool of huge pages, of whatever size:
 * set, and read back. -ENOENT: the kernel does not count what is reserved (before 5.7).
 */
int cgroup_close_pool(int dir);
bool cgroup_pool_closed(int dir);
/* The controllers that "cgroup.controllers" or "cgroup.subtree_control" names. */
unsigned cgroup_controllers(int dir, const char *name);
void cgroup_stat(int dir, struct caisson_stat *stat);

#endif
