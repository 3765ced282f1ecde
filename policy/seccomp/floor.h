/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The seccomp floor: the filters that sandboxes start with. What they do is said
 * in profiles/, which profile.c reads and floor.c compiles; docs/seccomp.md gives
 * the reasons. Used at build time only: what runs in the sandbox is the compiled
 * table.
 */
#ifndef CAISSON_FLOOR_H
#define CAISSON_FLOOR_H

#include <linux/filter.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

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

/* In the order of the tables that are generated, and of floor_profile_names. */
enum floor_profile_number {
	FLOOR_DEFAULT,
	FLOOR_STRICT,
	FLOOR_GPU,
	FLOOR_NESTED,
	FLOOR_PROFILES,
};

/* What happens to a system call: allowed, an errno value, or what a rule says. */
enum floor_verdict {
	FLOOR_ALLOW = 0,
	/* 1 .. 4095: that errno */
	FLOOR_RULE = 0x1000,   /* + index of the rule */
	FLOOR_UNSAID = 0x2000, /* no line of the profile says it */
};

struct floor_syscall {
	const char *name;
	int number[FLOOR_ARCHES]; /* -1: not on this architecture */
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
#define FLOOR_CLAUSES 16
#define FLOOR_RULES 32
#define FLOOR_SYSCALLS 400
#define FLOOR_WORD 32    /* of a name, with its NUL */
#define FLOOR_REASON 100 /* the same; what is longer is cut */

/* If every condition holds, and always if there is none, this verdict. */
struct floor_clause {
	unsigned networks; /* one bit per enum floor_network; 0 ends the list */
	unsigned conditions;
	unsigned verdict; /* FLOOR_ALLOW or an errno */
	struct floor_condition when[FLOOR_CONDITIONS];
};

/* The first clause that holds decides; the last one of each network always holds. */
struct floor_rule {
	char name[FLOOR_WORD];
	unsigned clauses;
	struct floor_clause clause[FLOOR_CLAUSES + 1];
};

struct floor_profile {
	char name[FLOOR_WORD];
	unsigned verdict[FLOOR_SYSCALLS];       /* by index in floor_syscalls */
	char why[FLOOR_SYSCALLS][FLOOR_REASON]; /* the comment of that line, or "" */
	unsigned others;                        /* FLOOR_UNSAID: every call has to be named */
	struct floor_rule rule[FLOOR_RULES];
	unsigned rules;
};

extern const struct floor_syscall floor_syscalls[];
extern const size_t floor_syscall_count;
extern const char *const floor_profile_names[FLOOR_PROFILES];
extern const char *const floor_network_names[FLOOR_NETWORKS];
extern const char *const floor_arch_names[FLOOR_ARCHES];

/* The architecture that this program was compiled for; -1 if there is no table for it. */
int floor_native_arch(void);
uint32_t floor_audit_arch(enum floor_arch arch);
/* The highest number that the table knows. */
int floor_max_number(enum floor_arch arch);

/*
 * Read DIR/NAME.conf, and what it includes. NULL, and what is wrong where is
 * written to complaints.
 */
struct floor_profile *profile_read(const char *dir, const char *name, FILE *complaints);
void profile_free(struct floor_profile *profile);
/* "EPERM"; NULL if profiles do not know it. */
const char *profile_errno_name(unsigned error);

/* The kernel's limit (BPF_MAXINSNS). */
#define FLOOR_MAX_LENGTH 4096

/* A conditional jump skips 255 at most; one less, since its other way may need a jump before it. */
#define FLOOR_REACH 254u

/*
 * notify: the twin of the filter, which asks a listener instead of denying, but
 * for ENOSYS and EOPNOTSUPP: they say that there is no such thing here, and with
 * another answer callers would not take the other way that they have. reach:
 * FLOOR_REACH; what is further goes by an unconditional jump, and tests give less
 * to see some.
 */
struct floor_variant {
	enum floor_arch arch;
	enum floor_network network;
	int notify;
	unsigned reach;
};

/* Into code, which has room for FLOOR_MAX_LENGTH. The number of instructions, or -errno. */
int floor_compile(const struct floor_profile *profile, const struct floor_variant *variant,
                  struct sock_filter *code);

/* The profile in words, as pseudo code, as instructions. print.c. */
void print_words(FILE *out, const struct floor_profile *profile, enum floor_arch arch,
                 enum floor_network network);
void print_pfc(FILE *out, const struct floor_profile *profile, enum floor_arch arch,
               enum floor_network network);
void print_code(FILE *out, const struct sock_filter *code, int len);

#endif
