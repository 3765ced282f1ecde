/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Seccomp profiles in a spec and its plan, and what the library makes of denials that it hears. */
#include <criterion/criterion.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>

#include "denials.h"
#include "internal.h"

/* The plan's record of the profile, or NULL; before it only what the sandbox is may stand. */
static const struct spec_op *record_of(const caisson_spec *spec, struct ops *ops) {
	memset(ops, 0, sizeof(*ops));
	cr_assert_eq(plan_collect(spec, ops, NULL), 0);
	for (size_t i = 0; i < ops->n && ops->item[i].op <= CAISSON_OP_SECCOMP; i++)
		if (ops->item[i].op == CAISSON_OP_SECCOMP)
			return &ops->item[i];
	return NULL;
}

static void expect(const char *profile, unsigned explain, int there, unsigned number) {
	caisson_spec *spec = caisson_spec_new("seccomp");
	const struct spec_op *record;
	struct ops ops;

	cr_assert_not_null(spec);
	if (explain)
		cr_assert_eq(caisson_spec_explain_denials(spec), 0);
	if (profile)
		cr_assert_eq(caisson_spec_seccomp(spec, profile), 0);
	record = record_of(spec, &ops);
	cr_expect_eq(!!record, there, "%s", profile);
	if (record) {
		cr_expect_eq(record->a, number);
		cr_expect_eq(record->b, explain);
		cr_expect_str_eq(seccomp_profile_name(record->a), profile ? profile : "default");
	}
	ops_clear(&ops);
	caisson_spec_free(spec);
}

/* A helper of before profiles takes a plan that needs none. */
Test(seccomp, the_plan_says_what_is_not_the_default) {
	expect(NULL, 0, 0, 0);
	expect("default", 0, 0, 0);
	expect("strict", 0, 1, 1);
	expect("gpu", 0, 1, 2);
	expect("nested", 0, 1, 3);
	expect(NULL, 1, 1, 0);
	expect("default", 1, 1, 0);
	expect("gpu", 1, 1, 2);
	cr_expect_null(seccomp_profile_name(4));
	cr_expect_null(seccomp_profile_name(UINT64_MAX));
}

Test(seccomp, the_last_word_counts) {
	caisson_spec *spec = caisson_spec_new("seccomp");
	struct ops ops;

	caisson_spec_seccomp(spec, "strict");
	caisson_spec_seccomp(spec, "default");
	cr_expect_null(record_of(spec, &ops));
	ops_clear(&ops);
	caisson_spec_free(spec);
}

/* A user namespace is required, and that nobody has a capability is given up. */
Test(seccomp, nested_asks_for_what_it_needs) {
	caisson_spec *spec = caisson_spec_new("seccomp");
	caisson_error *err = NULL;
	struct ops ops = { 0 };

	cr_expect_eq(plan_given_up(spec), 0);
	caisson_spec_seccomp(spec, "nested");
	cr_expect_eq(plan_given_up(spec), CAISSON_BIT(CAPABILITIES) | CAISSON_BIT(HOST_SOCKETS));
	cr_assert_eq(plan_collect(spec, &ops, NULL), 0);
	cr_expect_eq(ops.item[0].op, CAISSON_OP_USERNS);
	cr_expect_eq(ops.item[0].a, CAISSON_USERNS_REQUIRED);
	ops_clear(&ops);
	caisson_spec_proc_with(spec, "/proc", CAISSON_PROCFS_PIDS);
	cr_expect_eq(plan_collect(spec, &ops, &err), -EINVAL);
	cr_expect(strstr(caisson_error_message(err), "does not stay one"));
	caisson_error_free(err);
	err = NULL;
	ops_clear(&ops);
	caisson_spec_user_namespace(spec, CAISSON_USER_NAMESPACE_NONE);
	cr_expect_eq(plan_collect(spec, &ops, &err), -EINVAL);
	cr_expect(strstr(caisson_error_message(err), "profile nested needs a user namespace"));
	caisson_error_free(err);
	ops_clear(&ops);
	caisson_spec_free(spec);
}

/* Where files outside may be opened, sockets may be found. */
Test(seccomp, a_landlock_domain_for_processes_gives_up_sockets) {
	caisson_spec *spec = caisson_spec_new("seccomp");

	cr_expect_eq(caisson_spec_landlock(spec, CAISSON_LANDLOCK_PROCESSES), 0);
	cr_expect_eq(plan_given_up(spec), CAISSON_BIT(HOST_SOCKETS));
	cr_expect_eq(caisson_spec_landlock(spec, CAISSON_LANDLOCK_FILES), 0);
	cr_expect_eq(plan_given_up(spec), 0);
	cr_expect_eq(caisson_spec_landlock(spec, (enum caisson_landlock)2), -EINVAL);
	caisson_spec_free(spec);
}

Test(seccomp, other_names_are_refused) {
	static const char *const names[] = { "", "Strict", "strict ", "none", "unconfined", NULL };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		caisson_spec *spec = caisson_spec_new("seccomp");
		caisson_sandbox *box = NULL;
		caisson_error *err = NULL;

		caisson_spec_argv(spec, (const char *const[]){ "true", NULL });
		cr_expect_eq(caisson_spec_seccomp(spec, names[i]), -EINVAL);
		cr_expect_eq(caisson_spawn(spec, &box, &err), -EINVAL);
		cr_expect(strstr(caisson_error_message(err), "seccomp profile"));
		caisson_error_free(err);
		caisson_spec_free(spec);
	}
}

static struct caisson_answer denied(uint32_t number, int32_t count) {
	return (struct caisson_answer){ .kind = CAISSON_ANSWER_DENIED,
		                        .detail = number,
		                        .status = count };
}

static void hear(caisson_sandbox *box, uint32_t number, int32_t count) {
	const struct caisson_answer answer = denied(number, count);

	denials_hear(box->denials, &answer);
}

Test(seccomp, denials_are_counted_by_call) {
	struct denials denials = { 0 };
	caisson_sandbox box = { .denials = &denials };
	const struct caisson_denial *denial;

	cr_expect_null(caisson_denial(&box, 0));
	hear(&box, SYS_ptrace, 0);
	hear(&box, SYS_keyctl, 1);
	hear(&box, SYS_ptrace, 0);
	hear(&box, SYS_keyctl, 17);
	denial = caisson_denial(&box, 0);
	cr_assert_not_null(denial);
	cr_expect_eq(denial->number, SYS_ptrace);
	cr_expect_eq(denial->count, 2);
	cr_expect_str_eq(denial->name, "ptrace");
	denial = caisson_denial(&box, 1);
	cr_assert_not_null(denial);
	cr_expect_eq(denial->number, SYS_keyctl);
	cr_expect_eq(denial->count, 17);
	cr_expect_str_eq(denial->name, "keyctl");
	cr_expect_null(caisson_denial(&box, 2));
	box.denials = NULL;
	hear(&box, SYS_ptrace, 0);
	cr_expect_null(caisson_denial(&box, 0));
}

/* Whatever a false init sends: 64 calls at most, and names only of numbers that have one. */
Test(seccomp, what_is_told_is_bounded) {
	static const uint32_t odd[] = { 470, 65535, INT_MAX, 0x80000000, 0x40000065, UINT32_MAX };
	struct denials denials = { 0 };
	caisson_sandbox box = { .denials = &denials };

	for (size_t i = 0; i < sizeof(odd) / sizeof(odd[0]); i++) {
		hear(&box, odd[i], i % 2 ? INT_MIN : -1);
		cr_expect_eq(caisson_denial(&box, i)->number, (int32_t)odd[i]);
		cr_expect_eq(caisson_denial(&box, i)->count, 1);
		cr_expect_null(caisson_denial(&box, i)->name);
	}
	for (uint32_t i = 0; i < 469; i++)
		hear(&box, i, 0);
	cr_expect_not_null(caisson_denial(&box, DENIALS_MAX - 1));
	cr_expect_null(caisson_denial(&box, DENIALS_MAX));
	cr_expect_eq(denials.count, DENIALS_MAX);
	for (size_t i = 0; i < DENIALS_MAX; i++)
		cr_expect_eq(caisson_denial(&box, i)->count, 1);
}
