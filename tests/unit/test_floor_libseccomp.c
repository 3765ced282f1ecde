/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The seccomp profiles against libseccomp: its numbers for the names in the table,
 * and the filters that it makes of the same names by an arrangement of its own.
 */
#include "bpf.h"
#include "floor.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <seccomp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define ASK_ARGUMENTS SCMP_ACT_TRACE(1)

/* Names and numbers of the table as libseccomp knows them, as far as it does. */
Test(floor_libseccomp, numbers_are_libseccomps) {
	static const uint32_t token[] = { SCMP_ARCH_X86_64, SCMP_ARCH_AARCH64 };
	unsigned known = 0;

	for (size_t i = 0; i < floor_syscall_count; i++) {
		const struct floor_syscall *s = &floor_syscalls[i];

		for (int arch = 0; arch < FLOOR_ARCHES; arch++) {
			int number = seccomp_syscall_resolve_name_arch(token[arch], s->name);

			if (number == __NR_SCMP_ERROR)
				continue;
			cr_expect_eq(number < 0 ? -1 : number, s->number[arch],
			             "%s on %#x: %d, not %d", s->name, token[arch], s->number[arch],
			             number);
			known++;
		}
	}
	cr_assert_gt(known, 650); /* 2.5.1 knows 668, 2.6.1 all 734 */
}

/* What libseccomp knows and the table leaves out has never been in Linux. */
Test(floor_libseccomp, nothing_is_forgotten) {
	static const char *const never[] = {
		"uselib",          "_sysctl",       "create_module",  "get_kernel_syms",
		"query_module",    "nfsservctl",    "getpmsg",        "putpmsg",
		"afs_syscall",     "tuxcall",       "security",       "set_thread_area",
		"get_thread_area", "epoll_ctl_old", "epoll_wait_old", "vserver",
	};
	static const uint32_t token[] = { SCMP_ARCH_X86_64, SCMP_ARCH_AARCH64 };

	for (int arch = 0; arch < FLOOR_ARCHES; arch++) {
		for (int number = 0; number <= floor_max_number((enum floor_arch)arch); number++) {
			char *name = seccomp_syscall_resolve_num_arch(token[arch], number);
			int found = !name;

			for (size_t i = 0; i < floor_syscall_count && !found; i++)
				found = floor_syscalls[i].number[arch] == number;
			for (size_t i = 0; i < COUNT(never) && !found; i++)
				found = strcmp(name, never[i]) == 0;
			cr_expect(found, "%s (%d) is not in the table", name, number);
			free(name);
		}
	}
}

static uint32_t action(unsigned verdict) {
	if (verdict >= FLOOR_RULE)
		return ASK_ARGUMENTS;
	return verdict == FLOOR_ALLOW ? SCMP_ACT_ALLOW : SCMP_ACT_ERRNO(verdict);
}

/* The table's verdicts for this machine's architecture, by name, as libseccomp arranges them. */
static size_t make_peer(const struct floor_profile *profile, struct sock_filter *code) {
	scmp_filter_ctx ctx = seccomp_init(SCMP_ACT_ERRNO(ENOSYS));
	FILE *f = tmpfile();
	size_t len;

	cr_assert(ctx && f);
	cr_assert_eq(seccomp_attr_set(ctx, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS), 0);
	for (size_t i = 0; i < floor_syscall_count; i++) {
		const unsigned verdict = profile->verdict[i];
		int number = seccomp_syscall_resolve_name(floor_syscalls[i].name);

		if (number >= 0 && verdict != ENOSYS)
			cr_assert_eq(seccomp_rule_add(ctx, action(verdict), number, 0), 0, "%s",
			             floor_syscalls[i].name);
	}
	cr_assert_eq(seccomp_export_bpf(ctx, fileno(f)), 0);
	seccomp_release(ctx);
	rewind(f);
	len = fread(code, sizeof(*code), FLOOR_MAX_LENGTH, f);
	fclose(f);
	cr_assert_eq(bpf_check(code, len), 0);
	return len;
}

static int known(int number) {
	char *name = seccomp_syscall_resolve_num_arch(SCMP_ARCH_NATIVE, number);
	int ret = name != NULL;

	free(name);
	return ret;
}

static void compare(const struct floor_profile *profile, const struct floor_variant *v,
                    const struct sock_filter *theirs, size_t peer) {
	struct sock_filter *ours = calloc(FLOOR_MAX_LENGTH, sizeof(*ours));
	unsigned asked = 0;
	size_t len;

	cr_assert_not_null(ours);
	len = (size_t)floor_compile(profile, v, ours);
	cr_assert_eq(bpf_check(ours, len), 0);
	for (int number = 0; number < 1024; number++) {
		struct seccomp_data d = { .nr = number, .arch = floor_audit_arch(v->arch) };
		uint32_t want = bpf_run(theirs, peer, &d, NULL);

		if (want == ASK_ARGUMENTS)
			asked++;
		else if (number > floor_max_number(v->arch) || known(number))
			cr_expect_eq(bpf_run(ours, len, &d, NULL), want, "%s: %d", profile->name,
			             number);
	}
	cr_expect_gt(asked, 11u);
	free(ours);
}

/* Wherever the arguments do not matter and libseccomp is new enough to know the call. */
Test(floor_libseccomp, the_same_filter_comes_out) {
	struct floor_variant v = { .arch = (enum floor_arch)floor_native_arch(),
		                   .reach = FLOOR_REACH };
	struct sock_filter *theirs = calloc(FLOOR_MAX_LENGTH, sizeof(*theirs));

	cr_assert_not_null(theirs);
	for (int i = 0; i < FLOOR_PROFILES; i++) {
		struct floor_profile *profile =
			profile_read(PROFILE_DIR, floor_profile_names[i], stderr);
		size_t peer;

		cr_assert_not_null(profile);
		peer = make_peer(profile, theirs);
		for (int network = 0; network < FLOOR_NETWORKS; network++) {
			v.network = (enum floor_network)network;
			compare(profile, &v, theirs, peer);
		}
		profile_free(profile);
	}
	free(theirs);
}
