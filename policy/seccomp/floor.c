/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The compiler: libseccomp turns the numbers of syscalls.h into a decision tree;
 * the checks of arguments.h are translated here, because libseccomp can neither
 * say "else", nor (before 2.6.1) be trusted with 64-bit comparisons.
 * tests/unit/test_floor.c runs what comes out against a second opinion.
 */
#include "floor.h"

#include "arguments.h"
#include "syscalls.h"

#include <errno.h>
#include <linux/audit.h>
#include <linux/seccomp.h>
#include <seccomp.h>
#include <stdio.h>

#ifndef SECCOMP_RET_KILL_PROCESS
#define SECCOMP_RET_KILL_PROCESS 0x80000000u
#endif
#ifndef AUDIT_ARCH_AARCH64
#define AUDIT_ARCH_AARCH64 0xc00000b7u
#endif

/* clang-format off */
#define A(call, x, a) { #call, { (x), (a) }, FLOOR_ALLOW },
#define D(call, x, a, error) { #call, { (x), (a) }, (error) },
#define C(call, x, a, check) { #call, { (x), (a) }, FLOOR_CHECK + FLOOR_CHECK_##check },
const struct floor_syscall floor_syscalls[] = { FLOOR_DENIED(D) FLOOR_CHECKED(C) FLOOR_ALLOWED(A) };
/* clang-format on */
const size_t floor_syscall_count = sizeof(floor_syscalls) / sizeof(floor_syscalls[0]);

int floor_native_arch(void)
{
#if defined(__x86_64__)
	return FLOOR_X86_64;
#elif defined(__aarch64__)
	return FLOOR_AARCH64;
#else
	return -1;
#endif
}

uint32_t floor_audit_arch(enum floor_arch arch)
{
	return arch == FLOOR_X86_64 ? AUDIT_ARCH_X86_64 : AUDIT_ARCH_AARCH64;
}

int floor_max_number(enum floor_arch arch)
{
	int max = -1;

	for (size_t i = 0; i < floor_syscall_count; i++)
		if (floor_syscalls[i].number[arch] > max)
			max = floor_syscalls[i].number[arch];
	return max;
}

/* ----------------------------------------------------------------- compiler */

/*
 * libseccomp is asked for "errno MARK + n" wherever a check is to go, and those
 * returns become jumps to the check's code behind the tree: same length, so
 * every other jump stays right, and forwards, as it must be.
 */
#define MARK 0xc00u /* no errno of the kernel's, and below its MAX_ERRNO */
#define MARK_BAD_ARCH (MARK + FLOOR_CHECKS)
#define MARKS (FLOOR_CHECKS + 1u)

struct program {
	struct sock_filter *code;
	unsigned len;
	unsigned entry[MARKS]; /* where a check's code begins; 0: not written yet */
};

static int emit(struct program *p, unsigned op, uint32_t k, unsigned jt, unsigned jf)
{
	if (p->len >= FLOOR_MAX_LENGTH)
		return -E2BIG;
	p->code[p->len].code = (uint16_t)op;
	p->code[p->len].k = k;
	p->code[p->len].jt = (uint8_t)jt;
	p->code[p->len].jf = (uint8_t)jf;
	p->len++;
	return 0;
}

static int emit_verdict(struct program *p, unsigned verdict)
{
	uint32_t ret = verdict == FLOOR_ALLOW ? SECCOMP_RET_ALLOW : SECCOMP_RET_ERRNO | verdict;

	return emit(p, BPF_RET | BPF_K, ret, 0, 0);
}

static unsigned argument_offset(const struct floor_condition *c)
{
	/* Both architectures are little endian. */
	return (unsigned)offsetof(struct seccomp_data, args) + 8u * c->argument + 4u * c->high;
}

/* Load, mask, compare; if it does not hold, to the instruction after the clause's return. */
static int emit_condition(struct program *p, const struct floor_condition *c, unsigned after)
{
	int ret = emit(p, BPF_LD | BPF_W | BPF_ABS, argument_offset(c), 0, 0);

	if (!ret && c->mask != ALL)
		ret = emit(p, BPF_ALU | BPF_AND | BPF_K, c->mask, 0, 0);
	if (!ret)
		ret = emit(p, BPF_JMP | BPF_JEQ | BPF_K, c->value, c->negated ? after : 0,
		           c->negated ? 0 : after);
	return ret;
}

static int emit_clause(struct program *p, const struct floor_clause *clause)
{
	int ret = 0;

	for (unsigned i = 0; i < clause->conditions && !ret; i++) {
		unsigned after = 1; /* the return itself */

		for (unsigned j = i + 1; j < clause->conditions; j++)
			after += clause->when[j].mask == ALL ? 2 : 3;
		ret = emit_condition(p, &clause->when[i], after);
	}
	return ret ? ret : emit_verdict(p, clause->verdict);
}

static int emit_check(struct program *p, unsigned mark, enum floor_network network)
{
	const struct floor_clause *clause = floor_checks[mark];
	int ret = 0;

	for (; !ret && clause->networks; clause++) {
		if (!(clause->networks & (1u << network)))
			continue;
		ret = emit_clause(p, clause);
		if (!clause->conditions)
			break;
	}
	return ret;
}

/*
 * x32 arrives here too: the architecture is right, bit 30 of the number is set.
 * That is a call that does not exist. Another architecture's is an attempt to
 * be judged by the wrong table.
 */
static int emit_bad_arch(struct program *p, enum floor_arch arch)
{
	int ret = emit(p, BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch), 0, 0);

	if (!ret)
		ret = emit(p, BPF_JMP | BPF_JEQ | BPF_K, floor_audit_arch(arch), 0, 1);
	if (!ret)
		ret = emit_verdict(p, ENOSYS);
	return ret ? ret : emit(p, BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS, 0, 0);
}

/* A check that comes to one verdict on this network is no check. */
static unsigned settle(unsigned verdict, enum floor_network network)
{
	const struct floor_clause *clause;

	if (verdict < FLOOR_CHECK)
		return verdict;
	clause = floor_checks[verdict - FLOOR_CHECK];
	while (!(clause->networks & (1u << network)))
		clause++;
	return clause->conditions ? verdict : clause->verdict;
}

static uint32_t seccomp_action(unsigned verdict)
{
	if (verdict == FLOOR_ALLOW)
		return SCMP_ACT_ALLOW;
	if (verdict >= FLOOR_CHECK)
		return SCMP_ACT_ERRNO(MARK + verdict - FLOOR_CHECK);
	return SCMP_ACT_ERRNO(verdict);
}

static int add_rules(scmp_filter_ctx ctx, enum floor_arch arch, enum floor_network network)
{
	for (size_t i = 0; i < floor_syscall_count; i++) {
		int number = floor_syscalls[i].number[arch];
		unsigned verdict = settle(floor_syscalls[i].verdict, network);
		int ret;

		if (number < 0 || verdict == ENOSYS)
			continue; /* ENOSYS is the default */
		ret = seccomp_rule_add(ctx, seccomp_action(verdict), number, 0);
		if (ret < 0)
			return ret;
	}
	return 0;
}

static int export_tree(scmp_filter_ctx ctx, struct program *p)
{
	FILE *f = tmpfile();
	int ret;

	if (!f)
		return -errno;
	ret = seccomp_export_bpf(ctx, fileno(f));
	rewind(f);
	p->len = (unsigned)fread(p->code, sizeof(*p->code), FLOOR_MAX_LENGTH, f);
	if (!ret && (ferror(f) || !p->len || p->len == FLOOR_MAX_LENGTH))
		ret = -EIO;
	fclose(f);
	return ret;
}

/* The tree of numbers, as libseccomp sees it: always for the machine it runs on. */
static int make_tree(struct program *p, enum floor_arch arch, enum floor_network network,
                     unsigned optimise)
{
	scmp_filter_ctx ctx = seccomp_init(SCMP_ACT_ERRNO(ENOSYS));
	int ret;

	if (!ctx)
		return -ENOMEM;
	ret = seccomp_attr_set(ctx, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_ERRNO(MARK_BAD_ARCH));
	if (!ret && optimise > 1)
		ret = seccomp_attr_set(ctx, SCMP_FLTATR_CTL_OPTIMIZE, optimise);
	if (!ret)
		ret = add_rules(ctx, arch, network);
	if (!ret)
		ret = export_tree(ctx, p);
	seccomp_release(ctx);
	return ret;
}

/*
 * libseccomp takes numbers as they are for its own architecture only, and for
 * another one translates them by names, of which old versions lack the newest.
 * So the tree is made of the target's numbers under the build machine's name,
 * and gets the target's name here.
 */
static int name_arch(struct program *p, enum floor_arch arch)
{
	const uint32_t built_for = seccomp_arch_native();
	unsigned found = 0;

	for (unsigned i = 1; i < p->len; i++) {
		const struct sock_filter *load = &p->code[i - 1];

		if (load->code != (BPF_LD | BPF_W | BPF_ABS) ||
		    load->k != offsetof(struct seccomp_data, arch))
			continue;
		if (p->code[i].code != (BPF_JMP | BPF_JEQ | BPF_K) || p->code[i].k != built_for)
			return -ENOTSUP;
		p->code[i].k = floor_audit_arch(arch);
		found++;
	}
	return found == 1 ? 0 : -ENOTSUP;
}

static int splice(struct program *p, unsigned tree, enum floor_arch arch,
                  enum floor_network network)
{
	int ret = 0;

	for (unsigned i = 0; i < tree && !ret; i++) {
		struct sock_filter *insn = &p->code[i];
		unsigned mark = insn->k - (SECCOMP_RET_ERRNO | MARK);

		if (insn->code != (BPF_RET | BPF_K) || mark >= MARKS)
			continue;
		if (!p->entry[mark]) {
			p->entry[mark] = p->len;
			ret = mark == FLOOR_CHECKS ? emit_bad_arch(p, arch)
			                           : emit_check(p, mark, network);
		}
		insn->code = BPF_JMP | BPF_JA;
		insn->k = p->entry[mark] - i - 1;
	}
	return ret;
}

int floor_compile(enum floor_arch arch, enum floor_network network, unsigned optimise,
                  struct sock_filter *code)
{
	struct program p = { .code = code };
	int ret = make_tree(&p, arch, network, optimise);

	if (!ret)
		ret = name_arch(&p, arch);
	if (!ret)
		ret = splice(&p, p.len, arch, network);
	return ret ? ret : (int)p.len;
}
