/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What is done before the helper, or the builder, is executed: limits, START for init, the plan. */
#include "internal.h"
#include "limits_impl.h"
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
		start_failed(rc, err);
	start_close(&start);
	return rc;
}

int spawn_prepare(caisson_spec *spec, int socket, struct plan_image *plan, struct limiting *limits,
                  caisson_error **err) {
	uint32_t fault, line;
	/* What cannot be read or believed is for the helper to refuse, and to say so. */
	struct policy *policy = policy_load(&fault, &line);
	int rc = policy_limits(policy, spec, &limits->asked, err);

	rc = rc ? rc : queue_start(spec, &limits->asked, socket, err);
	rc = rc ? rc : limits_start(limits, spec, err);
	rc = rc ? rc : plan_build(spec, policy, plan, err);
	plan->pids_alone = spec->pids_alone;
	policy_unload(policy);
	return rc;
}
