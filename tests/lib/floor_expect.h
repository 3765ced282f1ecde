/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the seccomp profiles should answer: a second opinion, written by hand from
 * docs/seccomp.md with literal numbers. It shares nothing with policy/seccomp
 * on purpose; when a profile changes, both change.
 */
#ifndef CAISSON_TESTS_FLOOR_EXPECT_H
#define CAISSON_TESTS_FLOOR_EXPECT_H

#include <linux/seccomp.h>
#include <stdint.h>

enum expect_profile { EXPECT_DEFAULT, EXPECT_STRICT, EXPECT_GPU, EXPECT_NESTED, EXPECT_PROFILES };
enum expect_arch { EXPECT_X86_64, EXPECT_AARCH64, EXPECT_ARCHES };
enum expect_network { EXPECT_NONE, EXPECT_LOOPBACK, EXPECT_HOST, EXPECT_NETWORKS };

/* The calls whose arguments decide. */
enum expect_role {
	ROLE_NONE,
	ROLE_MODE_1, /* chmod(path, mode) and its kind */
	ROLE_MODE_2,
	ROLE_OPEN,
	ROLE_OPENAT,
	ROLE_CLONE,
	ROLE_PID,
	ROLE_PERSONALITY,
	ROLE_IOCTL,
	ROLE_SOCKET,
	ROLE_SOCKETPAIR,
	ROLE_SETSOCKOPT,
	ROLE_MMAP,
	ROLE_MEMFD,
	ROLE_SHMGET,
	ROLE_NESTED_CLONE, /* these two only in nested */
	ROLE_NESTED_UNSHARE,
	ROLE_STRICT_IOCTL, /* from here on only in strict */
	ROLE_STRICT_FCNTL,
	ROLE_STRICT_FUTEX,
	ROLE_STRICT_PRCTL,
	ROLE_STRICT_GETSOCKOPT,
	ROLE_STRICT_SENDTO,
};

/* A SECCOMP_RET_ value. */
uint32_t expect_verdict(enum expect_profile profile, enum expect_arch arch,
                        enum expect_network network, const struct seccomp_data *data);
/* What the twin answers where the filter answers verdict. */
uint32_t expect_notify(uint32_t verdict);
enum expect_role expect_role(enum expect_profile profile, enum expect_arch arch, int number);
uint32_t expect_audit_arch(enum expect_arch arch);

/* Of mmap, memfd_create and shmget, in whatever profile. */
uint32_t expect_pool(enum expect_role role, const uint64_t a[6]);

/* floor_expect_strict.c: by number alone, of a call that exists; by arguments. */
uint32_t expect_strict(enum expect_arch arch, int number);
enum expect_role expect_strict_role(enum expect_arch arch, int number);
uint32_t expect_strict_role_verdict(enum expect_role role, const uint64_t a[6]);

#endif
