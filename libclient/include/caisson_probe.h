/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* libcaisson: what works on this host, and why not what does not. Included by caisson.h. */
#ifndef CAISSON_PROBE_H
#define CAISSON_PROBE_H

#include "caisson.h"

#ifdef __cplusplus
extern "C" {
#endif

#pragma GCC visibility push(default)

typedef struct caisson_probe caisson_probe;

enum caisson_severity {
	CAISSON_OK = 0,
	CAISSON_NOTE = 1,    /* something is missing that a full sandbox does without */
	CAISSON_WARNING = 2, /* a full sandbox, and less behind it than there should be */
	CAISSON_PROBLEM = 3, /* no full sandbox because of it */
};

/* What keeps a process from namespaces, or the helper from its privilege. */
enum caisson_restriction {
	CAISSON_RESTRICTION_NONE = 0,
	CAISSON_RESTRICTION_APPARMOR = 1,
	CAISSON_RESTRICTION_MAX_USER_NAMESPACES = 2, /* sysctl user.max_user_namespaces */
	CAISSON_RESTRICTION_USERNS_CLONE = 3,        /* sysctl kernel.unprivileged_userns_clone */
	CAISSON_RESTRICTION_SELINUX = 4,
	CAISSON_RESTRICTION_SECCOMP = 5,   /* a filter of a container, a unit, a parent */
	CAISSON_RESTRICTION_CONTAINER = 6, /* capabilities or parts of /proc are withheld */
	CAISSON_RESTRICTION_NO_NEW_PRIVS = 7,
	CAISSON_RESTRICTION_NOSUID = 8, /* the helper is on a mount with nosuid */
	CAISSON_RESTRICTION_HELPER = 9, /* missing, or its mode is wrong */
	CAISSON_RESTRICTION_KERNEL = 10,
	CAISSON_RESTRICTION_PLATFORM = 11, /* not Linux, or not really */
	CAISSON_RESTRICTION_UNKNOWN = 12,  /* the evidence says what was seen */
	CAISSON_RESTRICTION_COUNT = 13
};

/* How a sandbox property can be had. */
enum caisson_way {
	CAISSON_WAY_NONE = 0,
	CAISSON_WAY_HELPER_USERNS = 1, /* caisson-helper, with a user namespace */
	CAISSON_WAY_HELPER = 2,        /* caisson-helper, without one */
	CAISSON_WAY_USERNS = 3,        /* an unprivileged user namespace, without helper */
	CAISSON_WAY_COUNT = 4
};

struct caisson_finding {
	const char *topic;    /* "user namespaces" */
	const char *value;    /* "denied to you" */
	const char *evidence; /* "kernel.unprivileged_userns_clone=0" */
	const char *remedy;   /* what to do, as a command where there is one; "" if nothing */
	enum caisson_severity severity;
	enum caisson_restriction restriction;
	const char *cause; /* one sentence; "" if nothing is wrong */
	const char *cost;  /* of the remedy; "" if it has none */
	const char *doc;   /* "docs/troubleshooting.md#seccomp"; "" if nothing is wrong */
};

/*
 * Tries for real, in child processes that end before it returns; leaves nothing
 * behind. helper: NULL for the installed one.
 */
int caisson_probe_new(const char *helper, caisson_probe **probe, caisson_error **err);
void caisson_probe_free(caisson_probe *probe);

size_t caisson_probe_count(const caisson_probe *probe);
/* NULL if index is out of range; owned by probe. */
const struct caisson_finding *caisson_probe_finding(const caisson_probe *probe, size_t index);
/* The worst of all findings. */
enum caisson_severity caisson_probe_severity(const caisson_probe *probe);
/* What keeps you from a full sandbox; if nothing does, from a user namespace of your own. */
enum caisson_restriction caisson_probe_restriction(const caisson_probe *probe);
/* By which way this property was had in a sandbox that was built to see. */
enum caisson_way caisson_probe_way(const caisson_probe *probe, enum caisson_property property);
/* All of it (docs/doctor.md); owned by probe. NULL if memory is short. */
const char *caisson_probe_json(caisson_probe *probe);

/* "apparmor", "helper_userns"; NULL if out of range. Static storage. */
const char *caisson_restriction_name(enum caisson_restriction restriction);
const char *caisson_way_name(enum caisson_way way);

#pragma GCC visibility pop

#ifdef __cplusplus
}
#endif

#endif
