/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Before Linux 5.12 the kernel lacks calls that the helper's code is made of. There this
 * program answers them itself, with mount(2) and others of Linux 4.18, which is no loss of
 * safety: nothing that it does is privileged, and nobody is protected here from the caller.
 * The linker puts it in between (--wrap), so that the helper's objects stay as they are.
 */
#ifndef CAISSON_BUILDER_PLAIN_H
#define CAISSON_BUILDER_PLAIN_H

#include "helper/helper.h"

/* The C library's own, by the linker. */
long __real_syscall(long number, ...);
int __real_setns(int fd, int type);
long __wrap_syscall(long number, ...);
int __wrap_setns(int fd, int type);

/* Asks the kernel whether it has all of them; the answer holds until exec. */
void plain_start(void);
/* It has not: their calls are answered here. */
bool plain(void);

/* "self/KIND/FD", below plain_proc(). */
struct plain_name {
	char text[48];
};
struct plain_name plain_name(const char *kind, int fd);
/*
 * A dirfd of a procfs that this process is in, kept above the numbers that the helper's
 * code gives out; or -1. Of the first who asks: its children see themselves in it, too.
 */
int plain_proc(void);

/* The mount that fd lies on, as its fdinfo has it, which asks no file system; 0: not known. */
int plain_mount_id(int fd);
/* Is fd the root of its mount? */
bool plain_mount_root(int fd, mode_t mode);
/* What fd is, without asking its file system. */
int plain_stat(int fd, struct sys_stat *st);

/* plain_walk.c: openat2() with O_PATH, and the two kinds of resolve that the code has. */
int plain_openat2(int dir, const char *path, const struct open_how *how);
/* An absolute path without a link in it. */
int plain_straight(const char *path, uint64_t flags);

/* plain_mount.c. The names are those of the calls; a "tree" is a mount in a tmpfs of ours. */
int plain_open_tree(int fd, unsigned flags);
int plain_move_mount(int from, int to_dir, const char *to);
int plain_fsopen(const char *type);
int plain_fsconfig(unsigned what, const char *key, const char *value);
int plain_fsmount(unsigned attr);
int plain_mount_setattr(int fd, unsigned flags, const uint64_t attr[4]);
/* In a child with a copy of the mounts: its trees take the places of its parent's. */
void plain_child(void);
/* "/" is the sandbox's, and the place where mounts were kept is gone. */
void plain_pivoted(void);

#endif
