/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the library itself does about the administrator's policy, at spawn: the
 * covers below what is granted, and the limits. Both bind what the caller does
 * with this library, and the target; caisson-helper binds the caller.
 */
#ifndef CAISSON_LIBCLIENT_POLICY_USE_H
#define CAISSON_LIBCLIENT_POLICY_USE_H

#include "helper/policy.h"
#include "internal.h"
#include "limits_impl.h"

/* As the helper reads it. NULL with *fault (enum caisson_policy_fault), *line, errno: it cannot. */
struct policy *policy_load(uint32_t *fault, uint32_t *line);
/* NULL is fine. */
void policy_unload(struct policy *p);

/*
 * What the policy denies below a granted directory: added behind its record. rest:
 * the path from there. op: MASK, or RDONLY. line: of the rule.
 */
struct covers {
	int (*add)(struct covers *covers, const char *rest, uint16_t op, uint32_t line);
	const struct policy *policy;
	bool writable; /* it is granted read-write */
};

/* tree: O_PATH. Asks the file system only where a rule denies something below it. */
int policy_covers(struct covers *covers, int tree, caisson_error **err);

/*
 * Channel memory is made by this process, for a sandbox: the slabs of all directions,
 * and as many bytes more. p may be NULL.
 */
int policy_channels(const struct policy *p, caisson_channel *const *channel, size_t channels,
                    uint64_t more, caisson_error **err);

/*
 * The same of what lies on reserved huge pages, of which there are none without a rule, nor
 * without a policy. 0 if nothing does.
 */
int policy_huge(const struct policy *p, caisson_channel *const *channel, size_t channels,
                uint64_t more, caisson_error **err);

/*
 * Of a kind of "set": with less than least no sandbox can run, and more than most there is not
 * to be had, whatever is set. false: it has no such bounds.
 */
bool policy_range(const char *kind, uint64_t *least, uint64_t *most, const char **unit);

/* What the spec asks for and what the policy sets: never more than that. p may be NULL. */
int policy_limits(const struct policy *p, const caisson_spec *spec, struct limits_asked *limits,
                  caisson_error **err);

#endif
