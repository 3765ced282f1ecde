/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "bpf.h"

#include <string.h>

/*
 * What the floor's compiler may use; anything else is refused. All of it is what
 * the kernel follows when it looks for calls that are always allowed.
 */
enum {
	LOAD = BPF_LD | BPF_W | BPF_ABS,
	AND = BPF_ALU | BPF_AND | BPF_K,
	JUMP = BPF_JMP | BPF_JA,
	EQUAL = BPF_JMP | BPF_JEQ | BPF_K,
	GREATER = BPF_JMP | BPF_JGT | BPF_K,
	GREATER_EQUAL = BPF_JMP | BPF_JGE | BPF_K,
	ANY_BIT = BPF_JMP | BPF_JSET | BPF_K,
	RETURN = BPF_RET | BPF_K,
};

static int instruction_ok(const struct sock_filter *code, size_t len, size_t i) {
	size_t left = len - i - 1; /* instructions after this one */

	switch (code[i].code) {
	case LOAD:
		return left && code[i].k % 4 == 0 && code[i].k < sizeof(struct seccomp_data);
	case AND:
		return left > 0;
	case JUMP:
		return code[i].k < left;
	case EQUAL:
	case GREATER:
	case GREATER_EQUAL:
	case ANY_BIT:
		return code[i].jt < left && code[i].jf < left;
	case RETURN:
		return 1;
	default:
		return 0;
	}
}

int bpf_check(const struct sock_filter *code, size_t len) {
	if (len == 0 || len > 4096)
		return -1;
	for (size_t i = 0; i < len; i++)
		if (!instruction_ok(code, len, i))
			return -1 - (int)i;
	return 0;
}

static int holds(const struct sock_filter *insn, uint32_t a) {
	switch (insn->code) {
	case EQUAL:
		return a == insn->k;
	case GREATER:
		return a > insn->k;
	case ANY_BIT:
		return (a & insn->k) != 0;
	default:
		return a >= insn->k;
	}
}

/* loads: one bit per 32-bit word of data that was looked at. */
static uint32_t run(const struct sock_filter *code, size_t len, const struct seccomp_data *data,
                    unsigned *steps, uint32_t *loads) {
	uint32_t a = 0;

	*steps = 0;
	*loads = 0;
	for (size_t i = 0; i < len; i++) {
		const struct sock_filter *insn = &code[i];

		++*steps;
		if (insn->code == RETURN)
			return insn->k;
		if (insn->code == LOAD) {
			memcpy(&a, (const char *)data + insn->k, sizeof(a));
			*loads |= 1u << insn->k / 4;
		} else if (insn->code == AND) {
			a &= insn->k;
		} else if (insn->code == JUMP) {
			i += insn->k;
		} else {
			i += holds(insn, a) ? insn->jt : insn->jf;
		}
	}
	return SECCOMP_RET_KILL_THREAD;
}

uint32_t bpf_run(const struct sock_filter *code, size_t len, const struct seccomp_data *data,
                 unsigned *steps) {
	unsigned ignored_steps;
	uint32_t ignored_loads;

	return run(code, len, data, steps ? steps : &ignored_steps, &ignored_loads);
}

int bpf_always_allows(const struct sock_filter *code, size_t len, int number, uint32_t arch) {
	struct seccomp_data data = { .nr = number, .arch = arch };
	unsigned steps;
	uint32_t loads;
	uint32_t verdict = run(code, len, &data, &steps, &loads);

	return verdict == SECCOMP_RET_ALLOW && (loads & ~3u) == 0;
}
