/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * System calls and constants that the oldest supported C library does not
 * declare. Numbers from 424 upwards are the same on every architecture.
 */
#ifndef CAISSON_HELPER_SYS_H
#define CAISSON_HELPER_SYS_H

#include <fcntl.h>
#include <linux/capability.h>
#include <linux/openat2.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <unistd.h>

#define NR_pidfd_send_signal 424
#define NR_open_tree 428
#define NR_move_mount 429
#define NR_fsopen 430
#define NR_fsconfig 431
#define NR_fsmount 432
#define NR_pidfd_open 434
#define NR_clone3 435
#define NR_close_range 436
#define NR_openat2 437
#define NR_mount_setattr 442
#define NR_landlock_create_ruleset 444
#define NR_landlock_add_rule 445
#define NR_landlock_restrict_self 446

#define SYS_AT_RECURSIVE 0x8000u
#define SYS_MOVE_MOUNT_F_EMPTY_PATH 0x04u
#define SYS_MOVE_MOUNT_T_EMPTY_PATH 0x40u
#define SYS_FS_CLOEXEC 1u /* of fsopen and fsmount */
#define SYS_MOUNT_ATTR_RDONLY 0x01u
#define SYS_MOUNT_ATTR_NOSUID 0x02u
#define SYS_MOUNT_ATTR_NODEV 0x04u
#define SYS_MOUNT_ATTR_NOEXEC 0x08u
#define SYS_NS_GET_OWNER_UID 0xb704 /* _IO(NSIO, 0x4) */
#define SYS_LANDLOCK_FS_MAKE_BLOCK (1ull << 11)
#define SYS_LANDLOCK_FS_REFER (1ull << 13)
#define SYS_LANDLOCK_SCOPE_ALL 3ull /* abstract unix sockets, signals */

static inline int sys_open_tree(int fd)
{
	return (int)syscall(NR_open_tree, fd, "",
	                    AT_EMPTY_PATH | SYS_AT_RECURSIVE | 1 /* CLONE */ | O_CLOEXEC);
}

static inline int sys_move_mount(int from, int to_dir, const char *to, unsigned flags)
{
	return (int)syscall(NR_move_mount, from, "", to_dir, to,
	                    SYS_MOVE_MOUNT_F_EMPTY_PATH | flags);
}

/* key NULL: create it */
static inline int sys_fsconfig(int fs, const char *key, const char *value)
{
	return (int)syscall(NR_fsconfig, fs, key ? 1 /* SET_STRING */ : 6 /* CMD_CREATE */, key,
	                    value, 0);
}

static inline int sys_mount_setattr(int fd, unsigned flags, uint64_t set, uint64_t propagation)
{
	uint64_t attr[4] = { set, 0, propagation, 0 }; /* set, clear, propagation, userns_fd */

	return (int)syscall(NR_mount_setattr, fd, "", AT_EMPTY_PATH | flags, attr, sizeof(attr));
}

static inline int sys_openat2(int dir, const char *path, uint64_t flags, uint64_t resolve)
{
	struct open_how how = { .flags = flags, .resolve = resolve };

	return (int)syscall(NR_openat2, dir, path, &how, sizeof(how));
}

struct sys_stat {
	uint64_t dev, ino, rdev, mount; /* mount: its id, from Linux 5.8 on */
	uint32_t mode;                  /* 0: unknown */
};

/*
 * What is known of fd without asking its file system (only the mount's id is
 * requested, no sync): a FUSE server could hang. All 0 where even that is denied
 * to root. From struct statx, which older C libraries lack.
 */
static inline struct sys_stat sys_peek(int fd)
{
	union {
		uint32_t u[64];
		uint16_t h[128];
		uint64_t l[32];
	} st = { { 0 } };

	if (syscall(SYS_statx, fd, "", AT_EMPTY_PATH | 0x4000 /* DONT_SYNC */, 0x1000 /* MNT_ID */,
	            &st) != 0)
		return (struct sys_stat){ 0 };
	return (struct sys_stat){ (uint64_t)st.u[34] << 32 | st.u[35], st.l[4],
		                  (uint64_t)st.u[32] << 32 | st.u[33], st.l[18], st.h[14] };
}

#endif
