/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The rules about arguments, as data: for each check the clauses, of which the
 * first that holds decides. docs/seccomp.md gives the reasons.
 */
#ifndef CAISSON_ARGUMENTS_H
#define CAISSON_ARGUMENTS_H

#include "floor.h"

#include <errno.h>

/* clang-format off */
/* The ABI's values: a build machine's headers may be older than some of them. */
#define SET_ID_BITS 06000u           /* S_ISUID | S_ISGID */
#define CREATES (0100u | 020000000u) /* O_CREAT | __O_TMPFILE */
/* CLONE_NEW: NS, CGROUP, UTS, IPC, USER, PID, NET */
#define CLONE_NAMESPACES 0x7e020000u
/* CLONE_: VM, FS, FILES, SIGHAND, THREAD, SYSVSEM */
#define UNSHARE_HARMLESS 0x00050f00u
#define NO_RANDOMIZE 0x0040000u
#define QUERY_PERSONALITY 0xffffffffu
#define PIDFS_IOCTLS 0xff00u /* type 0xff in _IO() */
#define TTY_INSERT 0x5412u   /* TIOCSTI */
#define TTY_LINUX 0x541cu    /* TIOCLINUX */
#define FAMILY_UNIX 1u
#define FAMILY_INET 2u
#define FAMILY_INET6 10u
#define FAMILY_NETLINK 16u
#define TYPE_MASK 0xfu
#define LEVEL_SOCKET 1u
#define OPTION_LINGER 13u

#define ALL 0xffffffffu
#define IN(network) (1u << FLOOR_##network)
#define EVERY (IN(NONE) | IN(LOOPBACK) | IN(HOST))
#define INET (IN(LOOPBACK) | IN(HOST))
/* The kernel takes an int from a register's low half: so must the filter. */
#define IS(arg, v) { (arg), 0, 0, ALL, (v) }
#define ISNT(arg, v) { (arg), 0, 1, ALL, (v) }
#define MASKED(arg, m, v) { (arg), 0, 0, (m), (v) }
#define MASKED_ISNT(arg, m, v) { (arg), 0, 1, (m), (v) }
#define HIGH(arg, v) { (arg), 1, 0, ALL, (v) }
#define WHEN(nets, n, verdict, ...) { (nets), (n), (verdict), { __VA_ARGS__ } }
#define ELSE(nets, verdict) { (nets), 0, (verdict), { { 0, 0, 0, 0, 0 } } }

const struct floor_clause floor_checks[FLOOR_CHECKS][FLOOR_CLAUSES] = {
	[FLOOR_CHECK_MODE_1] = {
		WHEN(EVERY, 1, FLOOR_ALLOW, MASKED(1, SET_ID_BITS, 0)),
		ELSE(EVERY, EPERM),
	},
	[FLOOR_CHECK_MODE_2] = {
		WHEN(EVERY, 1, FLOOR_ALLOW, MASKED(2, SET_ID_BITS, 0)),
		ELSE(EVERY, EPERM),
	},
	/* Without one of CREATES the mode is not looked at, and often garbage. */
	[FLOOR_CHECK_OPEN] = {
		WHEN(EVERY, 1, FLOOR_ALLOW, MASKED(1, CREATES, 0)),
		WHEN(EVERY, 1, FLOOR_ALLOW, MASKED(2, SET_ID_BITS, 0)),
		ELSE(EVERY, EPERM),
	},
	[FLOOR_CHECK_OPENAT] = {
		WHEN(EVERY, 1, FLOOR_ALLOW, MASKED(2, CREATES, 0)),
		WHEN(EVERY, 1, FLOOR_ALLOW, MASKED(3, SET_ID_BITS, 0)),
		ELSE(EVERY, EPERM),
	},
	[FLOOR_CHECK_CLONE] = {
		WHEN(EVERY, 1, FLOOR_ALLOW, MASKED(0, CLONE_NAMESPACES, 0)),
		ELSE(EVERY, EPERM),
	},
	/* unshare takes a long, and later kernels give new bits a meaning. */
	[FLOOR_CHECK_UNSHARE] = {
		WHEN(EVERY, 2, FLOOR_ALLOW, HIGH(0, 0), MASKED(0, ~UNSHARE_HARMLESS, 0)),
		ELSE(EVERY, EPERM),
	},
	[FLOOR_CHECK_OWN_PID] = {
		WHEN(EVERY, 1, FLOOR_ALLOW, IS(0, 0)),
		ELSE(EVERY, EPERM),
	},
	[FLOOR_CHECK_PERSONALITY] = {
		WHEN(EVERY, 1, FLOOR_ALLOW, IS(0, 0)),
		WHEN(EVERY, 1, FLOOR_ALLOW, IS(0, NO_RANDOMIZE)),
		WHEN(EVERY, 1, FLOOR_ALLOW, IS(0, QUERY_PERSONALITY)),
		ELSE(EVERY, EPERM),
	},
	[FLOOR_CHECK_IOCTL] = {
		WHEN(EVERY, 1, EPERM, IS(1, TTY_INSERT)),
		WHEN(EVERY, 1, EPERM, IS(1, TTY_LINUX)),
		WHEN(EVERY, 1, ENOTTY, MASKED(1, 0xff00u, PIDFS_IOCTLS)),
		ELSE(EVERY, FLOOR_ALLOW),
	},
	[FLOOR_CHECK_SOCKET] = {
		WHEN(EVERY, 1, FLOOR_ALLOW, IS(0, FAMILY_UNIX)),
		WHEN(EVERY, 2, FLOOR_ALLOW, IS(0, FAMILY_NETLINK), IS(2, 0 /* ROUTE */)),
		ELSE(IN(NONE), EAFNOSUPPORT),
		WHEN(INET, 2, EAFNOSUPPORT, ISNT(0, FAMILY_INET), ISNT(0, FAMILY_INET6)),
		/* not SOCK_PACKET, which turns AF_INET into AF_PACKET, nor SCTP and DCCP */
		WHEN(INET, 3, ESOCKTNOSUPPORT, MASKED_ISNT(1, TYPE_MASK, 1 /* STREAM */),
		     MASKED_ISNT(1, TYPE_MASK, 2 /* DGRAM */),
		     MASKED_ISNT(1, TYPE_MASK, 3 /* RAW */)),
		WHEN(INET, 1, FLOOR_ALLOW, IS(2, 0)),
		WHEN(INET, 1, FLOOR_ALLOW, IS(2, 6 /* TCP */)),
		WHEN(INET, 1, FLOOR_ALLOW, IS(2, 17 /* UDP */)),
		WHEN(INET, 1, FLOOR_ALLOW, IS(2, 1 /* ICMP */)),
		WHEN(INET, 1, FLOOR_ALLOW, IS(2, 58 /* ICMPV6 */)),
		ELSE(INET, EPROTONOSUPPORT),
	},
	[FLOOR_CHECK_SOCKETPAIR] = {
		WHEN(EVERY, 1, FLOOR_ALLOW, IS(0, FAMILY_UNIX)),
		ELSE(EVERY, EAFNOSUPPORT),
	},
	[FLOOR_CHECK_SETSOCKOPT] = {
		WHEN(IN(LOOPBACK), 2, EPERM, IS(1, LEVEL_SOCKET), IS(2, OPTION_LINGER)),
		ELSE(EVERY, FLOOR_ALLOW),
	},
};
/* clang-format on */

#endif
