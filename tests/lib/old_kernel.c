/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Older kernels, by a seccomp filter: every call that is newer is answered ENOSYS, and flags
 * that are newer EINVAL, where they are arguments by themselves. What a filter cannot see stays
 * as it is: the structures of clone3() and openat2(), what a descriptor is (setns() of a pidfd
 * without a type is known by its flags), options of mounts, and a flag that old kernels ignore
 * instead of refusing it: statx() masks, and CLONE_PIDFD before 5.2, which is EINVAL here.
 * Numbers from 424 on are the same on every architecture; no number between has been left free.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "old_kernel.h"

#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#if defined(__x86_64__)
#define NATIVE_ARCH AUDIT_ARCH_X86_64
#define RSEQ 334
#elif defined(__aarch64__)
#define NATIVE_ARCH AUDIT_ARCH_AARCH64
#define RSEQ 293
#else
#error "old_kernel.c: add this architecture's AUDIT_ARCH value, and its number of rseq()"
#endif
#define ADD_SEALS 1033 /* F_ADD_SEALS */

enum version { V4_18, V5_4, V5_10, VERSIONS };

/* The last call that each has: rseq, clone3, process_madvise. */
static const struct {
	const char *name;
	uint32_t last;
} version[VERSIONS] = {
	[V4_18] = { "kernel-4.18", RSEQ },
	[V5_4] = { "kernel-5.4", 435 },
	[V5_10] = { "kernel-5.10", 440 },
};

/* any: of these bits of an argument; with command, where the one before it is that. */
static const struct flag {
	enum version newest; /* of those above that lack it */
	uint32_t call, argument, any, command;
	int error;
} flags[] = {
	{ V4_18, SYS_clone, 0, 0x1000, 0, EINVAL },          /* CLONE_PIDFD, 5.2 */
	{ V4_18, SYS_seccomp, 1, 0x8, 0, EINVAL },           /* NEW_LISTENER, 5.0 */
	{ V4_18, SYS_fcntl, 2, 0x10, ADD_SEALS, EINVAL },    /* F_SEAL_FUTURE_WRITE, 5.1 */
	{ V5_4, SYS_unshare, 0, 0x80, 0, EINVAL },           /* CLONE_NEWTIME, 5.6 */
	{ V5_4, SYS_setns, 1, 0x80, 0, EINVAL },             /* the same */
	{ V5_4, SYS_seccomp, 1, 0x10, 0, EINVAL },           /* TSYNC_ESRCH, 5.7 */
	{ V5_10, SYS_seccomp, 1, 0x20, 0, EINVAL },          /* WAIT_KILLABLE_RECV, 5.19 */
	{ V5_10, SYS_fcntl, 2, 0x20, ADD_SEALS, EINVAL },    /* F_SEAL_EXEC, 6.3 */
	{ V5_10, SYS_memfd_create, 1, 0x18, 0, EINVAL },     /* MFD_NOEXEC_SEAL, _EXEC, 6.3 */
	{ V5_4, 434 /* pidfd_open */, 1, 0x800, 0, EINVAL }, /* PIDFD_NONBLOCK, 5.10 */
	{ V5_10, 434, 1, 0x80, 0, EINVAL },                  /* PIDFD_THREAD, 6.9 */
	{ V5_10, 436 /* close_range */, 2, 0x4, 0, EINVAL }, /* CLOEXEC, 5.11 */
	{ V5_10, SYS_getsockopt, 2, 0x40, 1, ENOPROTOOPT },  /* SO_PEERPIDFD and its kind, 6.5 */
};

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define LOAD(field)                                                                                \
	(struct sock_filter)                                                                       \
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, (uint32_t)offsetof(struct seccomp_data, field))
#define JUMP(kind, value, yes, no)                                                                 \
	(struct sock_filter) BPF_JUMP(BPF_JMP | (kind) | BPF_K, (value), (yes), (no))
#define RETURN(action) (struct sock_filter) BPF_STMT(BPF_RET | BPF_K, (action))
#define WORD(i) (uint32_t)(offsetof(struct seccomp_data, args) + 8 * (i)) /* its low half */
#define LOAD_WORD(i) (struct sock_filter) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, WORD(i))

static int find(const char *name) {
	for (int v = 0; v < VERSIONS; v++)
		if (!strcmp(version[v].name, name))
			return v;
	return -1;
}

bool old_kernel_known(const char *name) {
	return find(name) >= 0;
}

/* Each begins with the number loaded, and leaves it so for the next. */
static struct sock_filter *add_flag(struct sock_filter *to, const struct flag *flag) {
	*to++ = JUMP(BPF_JEQ, flag->call, 0, flag->command ? 6 : 4);
	if (flag->command) {
		*to++ = LOAD_WORD(flag->argument - 1);
		*to++ = JUMP(BPF_JEQ, flag->command, 0, 3);
	}
	*to++ = LOAD_WORD(flag->argument);
	*to++ = JUMP(BPF_JSET, flag->any, 0, 1);
	*to++ = RETURN(SECCOMP_RET_ERRNO | (uint32_t)flag->error);
	*to++ = LOAD(nr);
	return to;
}

int old_kernel_filter(const char *name) {
	struct sock_filter code[8 + 7 * COUNT(flags)], *to = code;
	struct sock_fprog prog = { 0, code };
	int v = find(name);

	errno = EINVAL;
	if (v < 0)
		return -1;
	*to++ = LOAD(arch);
	*to++ = JUMP(BPF_JEQ, NATIVE_ARCH, 1, 0);
	*to++ = RETURN(SECCOMP_RET_ERRNO | ENOSYS);
	*to++ = LOAD(nr);
	*to++ = JUMP(BPF_JGT, version[v].last, 0, 1);
	*to++ = RETURN(SECCOMP_RET_ERRNO | ENOSYS);
	for (size_t i = 0; i < COUNT(flags); i++)
		if (flags[i].newest >= (enum version)v)
			to = add_flag(to, &flags[i]);
	*to++ = RETURN(SECCOMP_RET_ALLOW);
	prog.len = (unsigned short)(to - code);
	return (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &prog);
}

/* With arguments that no kernel accepts. 335 and 336, uretprobe() and uprobe(), pass every filter. */
long old_kernel_check(const char *name) {
	int v = find(name);

	for (long number = v > V4_18 ? version[v].last + 1L : 424; v >= 0 && number < 480; number++)
		if (syscall(number, -1L, 0L, -1L, 0L, 0L, 0L) != -1 || errno != ENOSYS)
			return number;
	return 0;
}
