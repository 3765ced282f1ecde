/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A number of processes where there is no cgroup for it. In a user namespace of the
 * sandbox's own RLIMIT_NPROC counts the sandbox's processes and no others: since
 * Linux 5.14 the count is the namespace's. The limit is set before the helper is
 * executed and inherited; root, who makes the namespace, is not held by it. Nothing
 * else of a whole sandbox can be limited by rlimits.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>

#include "internal.h"
#include "limits_impl.h"
#include "limits_place.h"

static bool counts_by_namespace(void) {
	struct utsname host;
	unsigned long major, minor;
	char *at;

	if (uname(&host) < 0)
		return false;
	major = strtoul(host.release, &at, 10);
	minor = *at == '.' ? strtoul(at + 1, NULL, 10) : 0;
	return major > 5 || (major == 5 && minor >= 14);
}

/* How many processes; 0: what is asked for cannot be had so. */
static uint64_t alone(const caisson_spec *spec, const struct limits_asked *asked) {
	if (asked->set != 1u << CAISSON_LIMIT_PIDS || asked->dir || asked->no_pool ||
	    spec->userns == CAISSON_USER_NAMESPACE_NONE || !counts_by_namespace())
		return 0;
	return asked->value[CAISSON_LIMIT_PIDS];
}

/* A group alone, named or against the pool of huge pages, is no limit. */
static int nothing_asked(caisson_error **err) {
	return error_set(err, EINVAL, PLACE_STAGE, "--require, caisson_spec_require()",
	                 "ask for one (--memory, --pids, --cpu, caisson_spec_limit())",
	                 "the property \"limits\" is required, and no limit is asked for");
}

int limits_start(struct limiting *l, caisson_spec *spec, caisson_error **err) {
	int rc;

	spec->pids_alone = 0;
	if (!l->asked.set && spec->require & CAISSON_BIT(LIMITS))
		return nothing_asked(err);
	if (!l->asked.set && !l->asked.dir && !l->asked.no_pool)
		return 0;
	l->used = &l->entry;
	rc = limits_begin(&l->asked, l->used, &l->no_group);
	if (rc == 0)
		return 0;
	spec->pids_alone = alone(spec, &l->asked);
	if (spec->pids_alone) {
		limits_done(l->used);
		l->used = NULL;
		return 0;
	}
	if (err)
		*err = l->no_group;
	else
		caisson_error_free(l->no_group);
	l->no_group = NULL;
	return rc;
}

void limits_held(struct limiting *l, const caisson_spec *spec, caisson_sandbox *box) {
	if (l->used)
		limits_hand_over(l->used, box);
	if (!spec->pids_alone)
		return;
	box->pids_alone = spec->pids_alone;
	snprintf(box->limited_by, sizeof(box->limited_by),
	         "RLIMIT_NPROC in its own user namespace, %llu processes",
	         (unsigned long long)spec->pids_alone);
	box->asked.limits = box->limited_by;
	box->built.held |= CAISSON_BIT(LIMITS);
}

/* There is no user namespace, either: that is told with why there is no group. */
static int neither(const caisson_error *no_group, int rc, caisson_error **err) {
	caisson_error *why = err ? *err : NULL;

	if (!why || strcmp(caisson_error_stage(why), "creating the user namespace") != 0)
		return rc;
	*err = NULL;
	rc = error_set(err, caisson_error_errno(no_group), caisson_error_stage(no_group),
	               caisson_error_knob(no_group), caisson_error_remedy(no_group),
	               "%s. Without a cgroup a number of processes can be had in a user namespace "
	               "only, and there is none: %s",
	               caisson_error_message(no_group), caisson_error_message(why));
	caisson_error_free(why);
	return rc;
}

int limits_end(struct limiting *l, int rc, caisson_error **err) {
	if (l->no_group && rc < 0)
		rc = neither(l->no_group, rc, err);
	if (l->used)
		limits_done(l->used);
	caisson_error_free(l->no_group);
	return rc;
}
