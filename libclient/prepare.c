/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What is done before the helper, or the builder, is executed: limits, START for init, the plan. */
#include <string.h>

#include "gpu.h"
#include "limits_impl.h"
#include "policy_place.h"
#include "policy_use.h"

/* START waits on the socket for init. What init is to limit is taken out of limits. */
static int queue_start(const caisson_spec *spec, struct limits_asked *limits, int socket,
                       caisson_error **err) {
	const uint64_t *value = limits->value;
	struct start start;
	int rc = start_make(spec, &start, err);

	if (rc == 0 && limits_has(limits, CAISSON_LIMIT_SECONDS))
		start.head.seconds = (uint32_t)(value[CAISSON_LIMIT_SECONDS] < INT32_MAX
		                                        ? value[CAISSON_LIMIT_SECONDS]
		                                        : INT32_MAX);
	if (rc == 0 && limits_has(limits, CAISSON_LIMIT_FILES))
		start.head.files = (uint32_t)(value[CAISSON_LIMIT_FILES] < INT32_MAX
		                                      ? value[CAISSON_LIMIT_FILES]
		                                      : INT32_MAX);
	limits->set &= ~LIMITS_OF_INIT;
	if (rc == 0 && (rc = start_send(&start, socket, 0)) < 0)
		start_failed(rc, &start, err);
	start_close(&start);
	return rc;
}

/*
 * What cannot be believed, and what is not there, the helper refuses as well, and says so. But what
 * only this process cannot read it would never hear of: maxima, and what is to be covered.
 */
static int unreadable(uint32_t fault, uint32_t line, int error, caisson_error **err) {
	char place[512];

	if (fault != CAISSON_POLICY_OPEN || error == ENOENT || error == ELOOP)
		return 0;
	policy_place(line, place, sizeof(place));
	return error_set(err, error, "asking the policy", place,
	                 "as root: let those who ask for sandboxes read it, by its mode and by the "
	                 "security module's policy (caisson_domtrans() of the SELinux module)",
	                 "this process cannot read the policy: %s", strerror(error));
}

int spawn_prepare(caisson_spec *spec, bool helper, int socket, struct plan_image *plan,
                  struct limiting *limits, caisson_error **err) {
	uint32_t fault, line;
	struct policy *own = spec->policy ? NULL : policy_load(&fault, &line);
	const struct policy *policy = spec->policy ? spec->policy : own;
	int rc = !policy && helper ? unreadable(fault, line, errno, err) : 0;

	rc = rc ? rc : policy_limits(policy, spec, &limits->asked, err);
	rc = rc ? rc : gpu_prepare(spec, err);
	rc = rc ? rc : queue_start(spec, &limits->asked, socket, err);
	rc = rc ? rc : limits_start(limits, spec, err);
	rc = rc ? rc : plan_build(spec, policy, plan, err);
	plan->pids_alone = spec->pids_alone;
	plan->groups_dropped = helper && policy && policy_max(policy, "groups", 'k') == 'd';
	policy_unload(own);
	return rc;
}
