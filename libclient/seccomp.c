/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Seccomp profiles by name, and the system calls that were denied. */
#include <errno.h>
#include <string.h>

#include "denials.h"
#include "internal.h"

#if __has_include("caisson-syscalls.h") /* made for Linux */
#include "caisson-syscalls.h"
#else
static const char caisson_syscall_text[] = "";
static const unsigned short caisson_syscall_at[] = { 0 };
#endif

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

/* By number, in the protocol. */
static const char *const profiles[] = { "default", "strict", "gpu", "nested" };

const char *seccomp_profile_name(uint64_t number) {
	return number < COUNT(profiles) ? profiles[number] : NULL;
}

/* The record is left out where it would say nothing: any helper has the default. */
static int ask(caisson_spec *spec, uint64_t profile, uint64_t explain) {
	spec->seccomp = (struct spec_op){ .op = profile || explain ? CAISSON_OP_SECCOMP : 0,
		                          .fd = -1,
		                          .a = profile,
		                          .b = explain };
	return 0;
}

int caisson_spec_seccomp(caisson_spec *spec, const char *profile) {
	for (size_t i = 0; profile && i < COUNT(profiles); i++)
		if (!strcmp(profile, profiles[i]))
			return ask(spec, i, spec->seccomp.b);
	return spec_note(spec, -EINVAL, "seccomp profile", profile);
}

int caisson_spec_explain_denials(caisson_spec *spec) {
	return ask(spec, spec->seccomp.a, 1);
}

static const char *name_of(uint32_t number) {
	return number < COUNT(caisson_syscall_at) && caisson_syscall_at[number]
	               ? caisson_syscall_text + caisson_syscall_at[number]
	               : NULL;
}

/* status: 0, it happened once more; else how often by now. */
void denials_hear(struct denials *d, const struct caisson_answer *answer) {
	struct caisson_denial *call;
	size_t i = 0;

	if (!d)
		return;
	while (i < d->count && d->call[i].number != (int32_t)answer->detail)
		i++;
	if (i == DENIALS_MAX)
		return;
	call = &d->call[i];
	if (i == d->count)
		d->count++;
	call->number = (int32_t)answer->detail;
	call->name = name_of(answer->detail);
	if (answer->status > 0)
		call->count = (uint64_t)answer->status;
	else
		call->count++;
}

const struct caisson_denial *caisson_denial(const caisson_sandbox *box, size_t index) {
	return box->denials && index < box->denials->count ? &box->denials->call[index] : NULL;
}
