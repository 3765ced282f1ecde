/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * System calls and constants that the oldest supported C library does not
 * declare. Numbers from 424 upwards are the same on every architecture.
 */
#ifndef CAISSON_HELPER_SYS_H
#define CAISSON_HELPER_SYS_H

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/magic.h>
#include <linux/openat2.h>
#include <linux/securebits.h>
#include <net/if.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/fsuid.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <unistd.h>

/* clang-format off */
enum {
	NR_pidfd_send_signal = 424, NR_open_tree = 428, NR_move_mount, NR_fsopen, NR_fsconfig,
	NR_fsmount, NR_pidfd_open = 434, NR_clone3, NR_close_range, NR_openat2,
	NR_mount_setattr = 442, NR_statmount = 457, NR_listmount
};
/* clang-format on */

/* MOUNT_ATTR_RDONLY, _NOSUID, _NODEV and _NOEXEC are MS_RDONLY, MS_NOSUID, MS_NODEV and MS_NOEXEC. */
#define SYS_AT_RECURSIVE 0x8000
#define SYS_STATX_MNT_ID_UNIQUE 0x4000u

/* Not libc's, which synchronise threads that are not there. */
#define set_uids(real, effective, saved) syscall(SYS_setresuid, real, effective, saved)
#define set_gids(real, effective, saved) syscall(SYS_setresgid, real, effective, saved)

/* Which one it was, if a kernel turns out to lack it. */
extern long last_call;
#define sys(number, ...) syscall(last_call = (number), __VA_ARGS__)

static inline int sys_open_tree(int fd, int recursive) {
	return (int)sys(NR_open_tree, fd, "",
	                AT_EMPTY_PATH | recursive | 1 /* CLONE */ | O_CLOEXEC);
}

/* to_dir itself, where to is "" */
static inline int sys_move_mount(int from, int to_dir, const char *to) {
	return (int)sys(NR_move_mount, from, "", to_dir, to,
	                4 /* F_EMPTY_PATH */ | (*to ? 0 : 0x40 /* T_EMPTY_PATH */));
}

static inline int sys_mount_setattr(int fd, int flags, uint64_t set, uint64_t propagation,
                                    uint64_t userns) {
	uint64_t attr[4] = { set, 0 /* clear */, propagation, userns };

	return (int)sys(NR_mount_setattr, fd, "", AT_EMPTY_PATH | flags, attr, sizeof(attr));
}

static inline int sys_openat2(int dir, const char *path, uint64_t flags, uint64_t resolve) {
	struct open_how how = { .flags = flags | O_CLOEXEC, .resolve = resolve };

	return (int)sys(NR_openat2, dir, path, &how, sizeof(how));
}

/* clang-format off */
/* struct statx, which older C libraries lack. */
struct sys_stat {
	uint32_t mask, blksize;
	uint64_t attributes;
	uint32_t nlink, uid, gid;
	uint16_t mode, spare; /* 0: unknown */
	uint64_t ino, size, blocks, attributes_mask, times[8];
	uint32_t rdev[2], dev[2]; /* major, minor */
	uint64_t mount, more[13]; /* its id, from Linux 5.8 on */
};
/* clang-format on */

/*
 * What is known of fd without asking its file system (only the mount's id is
 * requested, no sync): a FUSE server could hang. All 0 where even that is denied
 * to root.
 */
static inline struct sys_stat sys_peek_id(int fd, unsigned id) {
	struct sys_stat st = { 0 };

	sys(SYS_statx, fd, "", AT_EMPTY_PATH | 0x4000 /* DONT_SYNC */, id, &st);
	return st;
}

#define sys_peek(fd) sys_peek_id(fd, 0x1000 /* MNT_ID */)

#endif
