/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The compiler: the numbers of syscalls.h become a decision tree, the rules of a
 * profile the code at its leaves. What comes out uses only what the kernel's own
 * search for calls that need no filter (5.11) understands: loads, AND, and
 * comparisons with constants. tests/unit/test_floor.c runs it against a second
 * opinion.
 */
#include "floor.h"

#include "syscalls.h"

#include <errno.h>
#include <linux/audit.h>
#include <linux/seccomp.h>
#include <stdlib.h>
#include <string.h>

#ifndef SECCOMP_RET_KILL_PROCESS
#define SECCOMP_RET_KILL_PROCESS 0x80000000u
#endif
#ifndef SECCOMP_RET_USER_NOTIF
#define SECCOMP_RET_USER_NOTIF 0x7fc00000u
#endif
#ifndef AUDIT_ARCH_AARCH64
#define AUDIT_ARCH_AARCH64 0xc00000b7u
#endif

#define S(call, x, a) { #call, { (x), (a) } },
const struct floor_syscall floor_syscalls[] = { FLOOR_SYSCALLS_OF_LINUX(S) };
#undef S
const size_t floor_syscall_count = sizeof(floor_syscalls) / sizeof(floor_syscalls[0]);
_Static_assert(sizeof(floor_syscalls) / sizeof(floor_syscalls[0]) <= FLOOR_SYSCALLS,
               "FLOOR_SYSCALLS");

const char *const floor_profile_names[FLOOR_PROFILES] = { "default", "strict", "gpu", "nested" };
const char *const floor_network_names[FLOOR_NETWORKS] = { "none", "loopback", "host" };
const char *const floor_arch_names[FLOOR_ARCHES] = { "x86_64", "aarch64" };

int floor_native_arch(void) {
#if defined(__x86_64__)
	return FLOOR_X86_64;
#elif defined(__aarch64__)
	return FLOOR_AARCH64;
#else
	return -1;
#endif
}

uint32_t floor_audit_arch(enum floor_arch arch) {
	return arch == FLOOR_X86_64 ? AUDIT_ARCH_X86_64 : AUDIT_ARCH_AARCH64;
}

int floor_max_number(enum floor_arch arch) {
	int max = -1;

	for (size_t i = 0; i < floor_syscall_count; i++)
		if (floor_syscalls[i].number[arch] > max)
			max = floor_syscalls[i].number[arch];
	return max;
}

/* ------------------------------------------------------------- instructions */

/*
 * Written from the last instruction to the first, since jumps only go forward:
 * what an instruction leads to is there before it. A label is an instruction's
 * distance from the end, so it stays true. What is there already is not written
 * a second time: equal ends of checks become one, and every return.
 */
struct program {
	struct sock_filter code[FLOOR_MAX_LENGTH + 1]; /* by label; 0 is no instruction */
	unsigned len;
	unsigned reach;
	int notify;
	int error;
};

#define ALL 0xffffffffu

#define JUMP (BPF_JMP | BPF_JA)
#define EQUAL (BPF_JMP | BPF_JEQ | BPF_K)
#define AT_LEAST (BPF_JMP | BPF_JGE | BPF_K)
#define ANY_BIT (BPF_JMP | BPF_JSET | BPF_K)

static unsigned put(struct program *p, unsigned op, uint32_t k, unsigned jt, unsigned jf) {
	if (p->len >= FLOOR_MAX_LENGTH || jt > UINT8_MAX || jf > UINT8_MAX) {
		p->error = -E2BIG;
		return p->len;
	}
	p->len++;
	p->code[p->len].code = (uint16_t)op;
	p->code[p->len].k = k;
	p->code[p->len].jt = (uint8_t)jt;
	p->code[p->len].jf = (uint8_t)jf;
	return p->len;
}

/* Where one ends up that goes to label. */
static unsigned follow(const struct program *p, unsigned label) {
	while (p->code[label].code == JUMP)
		label -= 1 + p->code[label].k;
	return label;
}

/* The instruction that does this already, or 0. One that is no test goes to yes. */
static unsigned find(const struct program *p, unsigned op, uint32_t k, unsigned yes, unsigned no) {
	for (unsigned at = p->len; at > 0; at--) {
		const struct sock_filter *insn = &p->code[at];

		if (insn->code != op || insn->k != k)
			continue;
		if (op == (BPF_RET | BPF_K) ||
		    (follow(p, at - 1 - insn->jt) == yes && follow(p, at - 1 - insn->jf) == no))
			return at;
	}
	return 0;
}

/* A label of the same effect, with at most so many instructions after it. */
static unsigned near(struct program *p, unsigned label, unsigned most) {
	return p->len - label <= most ? label : put(p, JUMP, p->len - label, 0, 0);
}

static unsigned give(struct program *p, uint32_t action) {
	unsigned at = find(p, BPF_RET | BPF_K, action, 0, 0);

	return at ? at : put(p, BPF_RET | BPF_K, action, 0, 0);
}

/* A load or an AND, and on to next. */
static unsigned then(struct program *p, unsigned op, uint32_t k, unsigned next) {
	unsigned at = find(p, op, k, next, next);

	if (at)
		return at;
	near(p, next, 0);
	return put(p, op, k, 0, 0);
}

static unsigned test(struct program *p, unsigned op, uint32_t k, unsigned yes, unsigned no) {
	unsigned at = yes == no ? yes : find(p, op, k, yes, no);

	if (at)
		return at;
	yes = near(p, yes, p->reach);
	no = near(p, no, p->reach);
	return put(p, op, k, p->len - yes, p->len - no);
}

/* ------------------------------------------------------------------- checks */

/* "There is no such thing here" is no denial to explain: callers take another way. */
static unsigned give_verdict(struct program *p, unsigned verdict) {
	if (verdict == FLOOR_ALLOW)
		return give(p, SECCOMP_RET_ALLOW);
	if (p->notify && verdict != ENOSYS && verdict != EOPNOTSUPP)
		return give(p, SECCOMP_RET_USER_NOTIF);
	return give(p, SECCOMP_RET_ERRNO | verdict);
}

/* "No bit of these" is asked of the whole argument, and needs no AND. */
static uint32_t mask_to_apply(const struct floor_condition *c) {
	return c->value ? c->mask : ALL;
}

/* Whether what the condition before left loaded is c's argument under this mask. */
static int is_loaded(const struct floor_condition *before, const struct floor_condition *c,
                     uint32_t mask) {
	return before && before->argument == c->argument && before->high == c->high &&
	       mask_to_apply(before) == mask;
}

static unsigned ask(struct program *p, const struct floor_condition *before,
                    const struct floor_condition *c, unsigned holds, unsigned fails) {
	const size_t offset = offsetof(struct seccomp_data, args) + 8u * c->argument + 4u * c->high;
	const uint32_t mask = mask_to_apply(c);
	const unsigned equal = c->negated ? fails : holds, other = c->negated ? holds : fails;
	unsigned at;

	if (mask != c->mask)
		at = test(p, ANY_BIT, c->mask, other, equal);
	else
		at = test(p, EQUAL, c->value, equal, other);
	if (is_loaded(before, c, mask))
		return at;
	if (mask != ALL)
		at = then(p, BPF_ALU | BPF_AND | BPF_K, mask, at);
	/* Both architectures are little endian. */
	return is_loaded(before, c, ALL) ? at
	                                 : then(p, BPF_LD | BPF_W | BPF_ABS, (uint32_t)offset, at);
}

/* From condition i of this clause on; before: what was asked last, or NULL. */
static unsigned check(struct program *p, const struct floor_clause *clause, unsigned i,
                      const struct floor_condition *before, enum floor_network network) {
	const struct floor_condition *c;
	unsigned holds, fails;

	while (clause->networks && !(clause->networks & 1u << network))
		clause++;
	if (!clause->networks)
		p->error = -EINVAL; /* a list that does not say what happens otherwise */
	if (!clause->networks || i == clause->conditions)
		return give_verdict(p, clause->networks ? clause->verdict : EPERM);
	c = &clause->when[i];
	fails = check(p, clause + 1, 0, c, network);
	holds = check(p, clause, i + 1, c, network);
	return ask(p, before, c, holds, fails);
}

/* --------------------------------------------------------------------- tree */

#define NUMBERS 1024u
#define RUNS 256u
/* An instruction costs at installing what this many comparisons cost over all numbers. */
#define WEIGHT 64u

/* Runs of numbers that lead to the same label, and the cheapest trees over them. */
struct tree {
	unsigned count;
	uint32_t start[RUNS + 1];
	unsigned label[RUNS];
	/* over the runs [first][end), of at least two */
	unsigned cost[RUNS + 1][RUNS + 1];
	/* the run to split before; first or end: take the run next to that out */
	unsigned choice[RUNS + 1][RUNS + 1];
};

static void find_runs(struct program *p, struct tree *t, const unsigned label[NUMBERS]) {
	for (unsigned n = 0; n < NUMBERS; n++) {
		if (n > 0 && label[n] == label[n - 1])
			continue;
		if (t->count == RUNS) {
			p->error = -E2BIG;
			break;
		}
		t->start[t->count] = n;
		t->label[t->count++] = label[n];
	}
	t->start[t->count] = t->start[t->count - 1] + 1; /* nobody calls the rest */
}

/* A single number between two runs of one label: found by one comparison instead of two. */
static int stands_alone(const struct tree *t, unsigned run) {
	return t->label[run - 1] == t->label[run + 1] && t->start[run + 1] - t->start[run] == 1;
}

static void choose(struct tree *t, unsigned first, unsigned end) {
	unsigned best = UINT32_MAX, choice = first + 1;

	for (unsigned split = first + 1; split < end; split++) {
		if (t->cost[first][split] + t->cost[split][end] < best) {
			best = t->cost[first][split] + t->cost[split][end];
			choice = split;
		}
	}
	if (end - first > 2 && stands_alone(t, first + 1) && t->cost[first + 2][end] < best) {
		best = t->cost[first + 2][end];
		choice = first;
	}
	if (end - first > 2 && stands_alone(t, end - 2) && t->cost[first][end - 2] < best) {
		best = t->cost[first][end - 2];
		choice = end;
	}
	t->choice[first][end] = choice;
	t->cost[first][end] = best + WEIGHT + (t->start[end] - t->start[first]);
}

static unsigned put_tree(struct program *p, const struct tree *t, unsigned first, unsigned end) {
	const unsigned choice = t->choice[first][end];
	unsigned yes, no;

	if (end - first == 1)
		return t->label[first];
	if (choice == first || choice == end) {
		const unsigned run = choice == first ? first + 1 : end - 2;

		no = choice == first ? put_tree(p, t, first + 2, end)
		                     : put_tree(p, t, first, end - 2);
		return test(p, EQUAL, t->start[run], t->label[run], no);
	}
	yes = put_tree(p, t, choice, end);
	no = put_tree(p, t, first, choice);
	return test(p, AT_LEAST, t->start[choice], yes, no);
}

static unsigned arrange(struct program *p, const unsigned label[NUMBERS]) {
	struct tree *t = calloc(1, sizeof(*t));
	unsigned at = 0;

	if (!t) {
		p->error = -ENOMEM;
		return 0;
	}
	find_runs(p, t, label);
	for (unsigned runs = 2; runs <= t->count; runs++)
		for (unsigned first = 0; first + runs <= t->count; first++)
			choose(t, first, first + runs);
	at = put_tree(p, t, 0, t->count);
	free(t);
	return at;
}

/*
 * x32 has the right architecture, and bit 30 of the number set: it is a call
 * above all others, that does not exist. Another architecture's call is an
 * attempt to be judged by the wrong table.
 */
static void compile(struct program *p, const struct floor_profile *profile,
                    const struct floor_variant *v) {
	const unsigned kill = give(p, SECCOMP_RET_KILL_PROCESS);
	unsigned label[NUMBERS], at;

	for (unsigned n = 0; n < NUMBERS; n++)
		label[n] = give_verdict(p, ENOSYS);
	for (size_t i = 0; i < floor_syscall_count; i++) {
		const unsigned verdict = profile->verdict[i];
		const int number = floor_syscalls[i].number[v->arch];

		if (number >= (int)NUMBERS - 1)
			p->error = -ERANGE;
		else if (number >= 0 && verdict < FLOOR_RULE)
			label[number] = give_verdict(p, verdict);
		else if (number >= 0)
			label[number] = check(p, profile->rule[verdict - FLOOR_RULE].clause, 0,
			                      NULL, v->network);
	}
	at = arrange(p, label);
	at = then(p, BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr), at);
	at = test(p, EQUAL, floor_audit_arch(v->arch), at, kill);
	then(p, BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch), at);
}

int floor_compile(const struct floor_profile *profile, const struct floor_variant *variant,
                  struct sock_filter *code) {
	struct program *p = calloc(1, sizeof(*p));
	int ret;

	if (!p)
		return -ENOMEM;
	p->reach = variant->reach < FLOOR_REACH ? variant->reach : FLOOR_REACH;
	p->notify = variant->notify;
	compile(p, profile, variant);
	for (unsigned i = 0; i < p->len; i++)
		code[i] = p->code[p->len - i];
	ret = p->error ? p->error : (int)p->len;
	free(p);
	return ret;
}
