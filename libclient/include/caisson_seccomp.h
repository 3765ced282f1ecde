/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Which system calls the programs of a sandbox may make. Included by caisson.h.
 * docs/seccomp.md has the profiles.
 */
#ifndef CAISSON_SECCOMP_H
#define CAISSON_SECCOMP_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#pragma GCC visibility push(default)

struct caisson_spec;
struct caisson_sandbox;

/*
 * "default"; "strict", what a decoder needs and no more; "gpu", for programs that
 * were granted a GPU; "nested", for programs that make user namespaces inside: it
 * requires one of the sandbox's own and gives up the property "capabilities", and
 * the policy as shipped does not allow it. -EINVAL if it is none of these.
 */
int caisson_spec_seccomp(struct caisson_spec *spec, const char *profile);
/*
 * Have denied calls told, for caisson_denial(). A denied call then takes longer,
 * and fails with EPERM where it would have failed with another errno, but for
 * ENOSYS and EOPNOTSUPP, which are not told. Needs Linux 5.0.
 */
int caisson_spec_explain_denials(struct caisson_spec *spec);

/* A system call that was denied. */
struct caisson_denial {
	const char *name; /* "ptrace"; NULL if the library does not know it */
	uint64_t count;   /* how often */
	int32_t number;
	int32_t reserved; /* 0 */
};

/*
 * What was denied, as far as it was heard by caisson_wait() and its kind, in the
 * order of the first time; at most 64 different calls are told. NULL if index is
 * out of range. Owned by box, and changed by the next such call.
 */
const struct caisson_denial *caisson_denial(const struct caisson_sandbox *box, size_t index);

#pragma GCC visibility pop

#ifdef __cplusplus
}
#endif

#endif
