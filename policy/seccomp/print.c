/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A profile for people: in words, as the pseudo code of seccomp_export_pfc(3), as instructions. */
#include "floor.h"

#include <inttypes.h>
#include <linux/seccomp.h>
#include <string.h>

#define COLUMNS 98

static int in_use(const struct floor_profile *profile, enum floor_arch arch, unsigned rule) {
	for (size_t i = 0; i < floor_syscall_count; i++)
		if (floor_syscalls[i].number[arch] >= 0 && profile->verdict[i] == FLOOR_RULE + rule)
			return 1;
	return 0;
}

/* -------------------------------------------------------------------- words */

static void put_answer(FILE *out, unsigned verdict) {
	if (verdict == FLOOR_ALLOW)
		fputs("allowed", out);
	else
		fprintf(out, "denied, %s", profile_errno_name(verdict));
}

static void put_condition(FILE *out, const struct floor_condition *c) {
	fprintf(out, "%sargument %u", c->high ? "the upper half of " : "", c->argument);
	if (c->mask != UINT32_MAX)
		fprintf(out, " & 0x%" PRIx32, c->mask);
	fprintf(out, " is %s0x%" PRIx32, c->negated ? "not " : "", c->value);
}

static void put_clause(FILE *out, const struct floor_clause *clause) {
	fputs("    ", out);
	put_answer(out, clause->verdict);
	for (unsigned i = 0; i < clause->conditions; i++) {
		fputs(i ? " and " : " if ", out);
		put_condition(out, &clause->when[i]);
	}
	fputs(clause->conditions ? "\n" : " otherwise\n", out);
}

/* Words, as many to a line as fit. */
struct line {
	FILE *out;
	size_t used;
};

static void put_word(struct line *line, const char *word) {
	if (line->used && line->used + strlen(word) + 1 > COLUMNS) {
		fputc('\n', line->out);
		line->used = 0;
	}
	line->used += (size_t)fprintf(line->out, line->used ? " %s" : "    %s", word);
}

static int is_said(const struct floor_profile *profile, enum floor_arch arch, unsigned verdict,
                   size_t call, const char *why) {
	return floor_syscalls[call].number[arch] >= 0 && profile->verdict[call] == verdict &&
	       strcmp(profile->why[call], why) == 0;
}

/* The calls of one verdict, those of one reason together. */
static void put_calls(FILE *out, const struct floor_profile *profile, enum floor_arch arch,
                      unsigned verdict) {
	for (size_t i = 0; i < floor_syscall_count; i++) {
		const char *why = profile->why[i];
		struct line line = { out, 0 };
		size_t before = 0;

		if (!is_said(profile, arch, verdict, i, why))
			continue;
		while (!is_said(profile, arch, verdict, before, why))
			before++;
		if (before < i)
			continue;
		for (size_t j = i; j < floor_syscall_count; j++)
			if (is_said(profile, arch, verdict, j, why))
				put_word(&line, floor_syscalls[j].name);
		if (*why)
			fprintf(out, "  # %s", why);
		fputc('\n', out);
	}
}

static int has_verdict(const struct floor_profile *profile, enum floor_arch arch,
                       unsigned verdict) {
	for (size_t i = 0; i < floor_syscall_count; i++)
		if (floor_syscalls[i].number[arch] >= 0 && profile->verdict[i] == verdict)
			return 1;
	return 0;
}

void print_words(FILE *out, const struct floor_profile *profile, enum floor_arch arch,
                 enum floor_network network) {
	fprintf(out, "Profile %s, network %s, %s\n", profile->name, floor_network_names[network],
	        floor_arch_names[arch]);
	for (unsigned verdict = 0; verdict < FLOOR_RULE; verdict++) {
		if (!has_verdict(profile, arch, verdict))
			continue;
		fputc('\n', out);
		put_answer(out, verdict);
		fputs(":\n", out);
		put_calls(out, profile, arch, verdict);
	}
	for (unsigned i = 0; i < profile->rules; i++) {
		if (!in_use(profile, arch, i))
			continue;
		fprintf(out, "\nby rule %s, the first line that holds:\n", profile->rule[i].name);
		put_calls(out, profile, arch, FLOOR_RULE + i);
		for (const struct floor_clause *c = profile->rule[i].clause; c->networks; c++)
			if (c->networks & 1u << network)
				put_clause(out, c);
	}
	fprintf(out, "\nany other number%s: denied, ENOSYS\n",
	        arch == FLOOR_X86_64 ? ", x32's included" : "");
	fputs("another architecture: the process is killed\n", out);
}

/* ---------------------------------------------------------------------- pfc */

static void pfc_action(FILE *out, unsigned depth, unsigned verdict) {
	if (verdict == FLOOR_ALLOW)
		fprintf(out, "%*saction ALLOW;\n", (int)depth * 2, "");
	else
		fprintf(out, "%*saction ERRNO(%u);\n", (int)depth * 2, "", verdict);
}

static void pfc_clause(FILE *out, const struct floor_clause *clause) {
	unsigned depth = 2;

	for (unsigned i = 0; i < clause->conditions; i++, depth++) {
		const struct floor_condition *c = &clause->when[i];

		fprintf(out, "%*sif ($a%u.%s", (int)depth * 2, "", c->argument,
		        c->high ? "hi32" : "lo32");
		if (c->mask != UINT32_MAX)
			fprintf(out, " & 0x%08" PRIx32, c->mask);
		fprintf(out, " %s %" PRIu32 ")\n", c->negated ? "!=" : "==", c->value);
	}
	pfc_action(out, depth, clause->verdict);
}

void print_pfc(FILE *out, const struct floor_profile *profile, enum floor_arch arch,
               enum floor_network network) {
	fprintf(out, "#\n# pseudo filter code start\n#\n# filter for arch %s (%" PRIu32 ")\n",
	        floor_arch_names[arch], floor_audit_arch(arch));
	fprintf(out, "if ($arch == %" PRIu32 ")\n", floor_audit_arch(arch));
	for (size_t i = 0; i < floor_syscall_count; i++) {
		const int number = floor_syscalls[i].number[arch];
		const unsigned verdict = profile->verdict[i];

		if (number < 0)
			continue;
		fprintf(out, "  # filter for syscall \"%s\" (%d)\n  if ($syscall == %d)\n",
		        floor_syscalls[i].name, number, number);
		if (verdict < FLOOR_RULE) {
			pfc_action(out, 2, verdict);
			continue;
		}
		for (const struct floor_clause *c = profile->rule[verdict - FLOOR_RULE].clause;
		     c->networks; c++)
			if (c->networks & 1u << network)
				pfc_clause(out, c);
	}
	fputs("  # default action\n  action ERRNO(38);\n# invalid architecture action\n"
	      "action KILL_PROCESS;\n#\n# pseudo filter code end\n#\n",
	      out);
}

/* ------------------------------------------------------------- instructions */

static void code_action(FILE *out, uint32_t k) {
	const uint32_t data = k & SECCOMP_RET_DATA;

	switch (k & SECCOMP_RET_ACTION_FULL) {
	case SECCOMP_RET_ALLOW:
		fputs("return ALLOW\n", out);
		break;
	case SECCOMP_RET_ERRNO:
		fprintf(out, "return ERRNO(%u)\n", (unsigned)data);
		break;
	case 0x7fc00000u: /* SECCOMP_RET_USER_NOTIF, in newer headers */
		fputs("return USER_NOTIF\n", out);
		break;
	default:
		fputs("return KILL_PROCESS\n", out);
		break;
	}
}

void print_code(FILE *out, const struct sock_filter *code, int len) {
	for (int i = 0; i < len; i++) {
		const struct sock_filter *insn = &code[i];
		const int next = i + 1;

		fprintf(out, "%4d  ", i);
		switch (insn->code) {
		case BPF_LD | BPF_W | BPF_ABS:
			fprintf(out, "load [%" PRIu32 "]\n", insn->k);
			break;
		case BPF_ALU | BPF_AND | BPF_K:
			fprintf(out, "and 0x%" PRIx32 "\n", insn->k);
			break;
		case BPF_JMP | BPF_JA:
			fprintf(out, "goto %" PRIu32 "\n", (uint32_t)next + insn->k);
			break;
		case BPF_RET | BPF_K:
			code_action(out, insn->k);
			break;
		default:
			fprintf(out, "if %s 0x%" PRIx32 " goto %d else %d\n",
			        insn->code == (BPF_JMP | BPF_JEQ | BPF_K)   ? "=="
			        : insn->code == (BPF_JMP | BPF_JGE | BPF_K) ? ">="
			                                                    : "&",
			        insn->k, next + insn->jt, next + insn->jf);
		}
	}
}
