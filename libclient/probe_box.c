/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* caisson_probe_*: sandboxes that are really built, and what they turn out to have. */
#define _GNU_SOURCE
#include "probe.h"

#include <string.h>

#define SANDBOX_TIMEOUT_MS 5000

/* By which way box came to be. */
static enum caisson_way way_of(const caisson_sandbox *box) {
	return caisson_via(box, NULL) == CAISSON_VIA_USERNS ? CAISSON_WAY_USERNS
	       : caisson_property_held(box, CAISSON_PROPERTY_USERNS, NULL)
	               ? CAISSON_WAY_HELPER_USERNS
	               : CAISSON_WAY_HELPER;
}

static caisson_spec *spec_of(const struct caisson_probe *probe, enum caisson_via via,
                             enum caisson_user_namespace userns) {
	static const char *const argv[] = { "true", NULL };
	caisson_spec *spec = caisson_spec_new("doctor");

	if (!spec)
		return NULL;
	caisson_spec_helper(spec, probe->helper);
	caisson_spec_via(spec, via);
	caisson_spec_user_namespace(spec, userns);
	caisson_spec_argv(spec, argv);
	return spec;
}

/* Builds one and lets it end. NULL with *err if there was none. */
static caisson_sandbox *build(struct caisson_probe *probe, enum caisson_via via,
                              enum caisson_user_namespace userns, int *status,
                              caisson_error **err) {
	caisson_spec *spec = spec_of(probe, via, userns);
	caisson_sandbox *box = NULL;

	if (!spec) {
		probe->no_memory = true;
		return NULL;
	}
	if (caisson_spawn(spec, &box, err) == 0 &&
	    caisson_wait(box, SANDBOX_TIMEOUT_MS, status, err) < 0) {
		caisson_sandbox_free(box);
		box = NULL;
	}
	caisson_spec_free(spec);
	return box;
}

/* Another way than the one that was taken: what a policy or a sysctl may leave. */
static void try_other(struct caisson_probe *probe, enum caisson_via via,
                      enum caisson_user_namespace userns) {
	caisson_error *err = NULL;
	int status = 0;
	caisson_sandbox *box = build(probe, via, userns, &status, &err);

	if (box && status == 0 && caisson_is_full(box))
		probe->works[way_of(box)] = true;
	caisson_error_free(err);
	caisson_sandbox_free(box);
}

static void keep_properties(struct caisson_probe *probe, const caisson_sandbox *box) {
	for (int i = 0; i < CAISSON_PROPERTY_COUNT; i++)
		if (caisson_property_held(box, i, &probe->by[i]))
			probe->way[i] = way_of(box);
}

static void refused(struct caisson_probe *probe, const caisson_error *err) {
	bool known = probe->blocked != CAISSON_RESTRICTION_NONE; /* by a finding before this one */

	if (!err) /* memory was short, and that was noted */
		return;
	if (!known && !probe->root)
		probe->blocked = cause_of_refusal(&probe->host, caisson_error_errno(err));
	probe_add(probe, "sandbox", CAISSON_PROBLEM, probe->blocked, probe_text("refused"),
	          probe_text("%s (%s)", caisson_error_message(err), caisson_error_stage(err)));
	if (probe->blocked == CAISSON_RESTRICTION_NONE)
		probe_advise(probe,
		             &(struct advice){ "caisson-helper builds no sandbox for root, whose "
		                               "files and sysctls it could not keep from it.",
		                               "", "", "docs/troubleshooting.md#root" });
	/* The error knows which call or folder it was. */
	if (!known && caisson_error_remedy(err)[0])
		probe_remedy(probe, probe_text("%s", caisson_error_remedy(err)));
}

/* A sandbox is had without the helper: what is wrong with it stands in one way's path only. */
static void lower(struct caisson_probe *probe) {
	for (size_t i = 0; i < probe->count; i++)
		if (probe->findings[i].severity == CAISSON_PROBLEM)
			probe->findings[i].severity = CAISSON_NOTE;
}

static void full(struct caisson_probe *probe) {
	static const char *const ways[CAISSON_WAY_COUNT] = {
		[CAISSON_WAY_NONE] = "",
		[CAISSON_WAY_HELPER_USERNS] = "caisson-helper, with user namespace",
		[CAISSON_WAY_HELPER] = "caisson-helper, without user namespace",
		[CAISSON_WAY_USERNS] = "an unprivileged user namespace, without caisson-helper",
	};
	const char *barriers = probe->by[CAISSON_PROPERTY_HOST_PROCESSES];
	bool alone = probe->way[CAISSON_PROPERTY_USERNS] == CAISSON_WAY_NONE &&
	             probe->way[CAISSON_PROPERTY_LANDLOCK] == CAISSON_WAY_NONE;

	probe_add(probe, "sandbox", alone ? CAISSON_WARNING : CAISSON_OK, CAISSON_RESTRICTION_NONE,
	          probe_text("full"),
	          probe_text("tried: %s; %s", ways[probe->way[CAISSON_PROPERTY_PID]],
	                     barriers ? barriers : ""));
	if (!alone)
		return;
	probe_advise(probe,
	             &(struct advice){ "Only the seccomp filter keeps a sandbox from your other "
	                               "processes: there is neither a user namespace nor Landlock.",
	                               "", "a reboot", "docs/troubleshooting.md#one-barrier" });
	probe_remedy(probe, probe_text("use Linux 5.19 or later with landlock in lsm= on its "
	                               "command line, or let root make user namespaces"));
}

void probe_find_box(struct caisson_probe *probe) {
	caisson_error *err = NULL;
	int status = 0;
	caisson_sandbox *box =
		build(probe, CAISSON_VIA_AUTO, CAISSON_USER_NAMESPACE_AUTO, &status, &err);

	probe->full = box && status == 0 && caisson_is_full(box);
	if (box)
		keep_properties(probe, box);
	if (probe->full) {
		probe->works[way_of(box)] = true;
		probe->blocked = CAISSON_RESTRICTION_NONE;
		if (way_of(box) == CAISSON_WAY_HELPER_USERNS)
			try_other(probe, CAISSON_VIA_HELPER, CAISSON_USER_NAMESPACE_NONE);
		if (way_of(box) == CAISSON_WAY_USERNS)
			lower(probe);
		else
			try_other(probe, CAISSON_VIA_USERNS, CAISSON_USER_NAMESPACE_AUTO);
		full(probe);
	} else if (box) {
		probe->blocked = CAISSON_RESTRICTION_UNKNOWN;
		probe_add(probe, "sandbox", CAISSON_PROBLEM, CAISSON_RESTRICTION_UNKNOWN,
		          probe_text("not full"),
		          probe_text("\"true\" ended with wait status 0x%x", (unsigned)status));
		probe_remedy(probe, probe_text("caisson run --report - true"));
	} else {
		refused(probe, err);
	}
	caisson_error_free(err);
	caisson_sandbox_free(box);
}
