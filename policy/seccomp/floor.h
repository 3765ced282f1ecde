/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The seccomp floor: the filter that every sandbox starts with. Its rules are
 * data, in syscalls.h and arguments.h; docs/seccomp.md gives the reason of each.
 * Used at build time only: what runs in the sandbox is the compiled table.
 */
#ifndef CAISSON_FLOOR_H
#define CAISSON_FLOOR_H

#include <linux/filter.h>
#include <stddef.h>
#include <stdint.h>

enum floor_arch {
	FLOOR_X86_64,
	FLOOR_AARCH64,
	FLOOR_ARCHES,
};

enum floor_network {
	FLOOR_NONE,
	FLOOR_LOOPBACK,
	FLOOR_HOST,
	FLOOR_NETWORKS,
};

/* What happens to a system call: allowed, an errno value, or what a check says. */
enum floor_verdict {
	FLOOR_ALLOW = 0,
	/* 1 .. 4095: that errno */
	FLOOR_CHECK = 0x1000, /* + enum floor_check */
};

enum floor_check {
	FLOOR_CHECK_MODE_1, /* a mode as argument 1 (counting from 0) */
	FLOOR_CHECK_MODE_2,
	FLOOR_CHECK_OPEN,   /* flags as argument 1, a mode that may count as argument 2 */
	FLOOR_CHECK_OPENAT, /* the same, one further */
	FLOOR_CHECK_CLONE,
	FLOOR_CHECK_UNSHARE,
	FLOOR_CHECK_OWN_PID,
	FLOOR_CHECK_PERSONALITY,
	FLOOR_CHECK_IOCTL,
	FLOOR_CHECK_SOCKET,
	FLOOR_CHECK_SOCKETPAIR,
	FLOOR_CHECK_SETSOCKOPT,
	FLOOR_CHECKS,
};

struct floor_syscall {
	const char *name;
	int number[FLOOR_ARCHES]; /* -1: not on this architecture */
	unsigned verdict;
};

/* (half of argument & mask) == value, or != if negated */
struct floor_condition {
	uint8_t argument;
	uint8_t high; /* 1: the upper 32 bits */
	uint8_t negated;
	uint32_t mask;
	uint32_t value;
};

#define FLOOR_CONDITIONS 3
#define FLOOR_CLAUSES 12

/* If every condition holds, and always if there is none, this verdict. */
struct floor_clause {
	unsigned networks; /* one bit per enum floor_network; 0 ends the list */
	unsigned conditions;
	unsigned verdict; /* FLOOR_ALLOW or an errno */
	struct floor_condition when[FLOOR_CONDITIONS];
};

/* The kernel's limit (BPF_MAXINSNS). */
#define FLOOR_MAX_LENGTH 4096

extern const struct floor_syscall floor_syscalls[];
extern const size_t floor_syscall_count;
/* The first clause that holds decides; the last one always holds. */
extern const struct floor_clause floor_checks[FLOOR_CHECKS][FLOOR_CLAUSES];

/* The architecture that this program was compiled for; -1 if there is no table for it. */
int floor_native_arch(void);
uint32_t floor_audit_arch(enum floor_arch arch);
/* The highest number that the table knows. */
int floor_max_number(enum floor_arch arch);

/* A conditional jump skips 255 at most; one less, since its other way may need a jump before it. */
#define FLOOR_REACH 254u

/*
 * Compile the floor into code, which has room for FLOOR_MAX_LENGTH. What is
 * further than reach goes by an unconditional jump: tests give less than
 * FLOOR_REACH to see some. The number of instructions, or -errno.
 */
int floor_compile(enum floor_arch arch, enum floor_network network, unsigned reach,
                  struct sock_filter *code);

#endif
