/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* caisson_probe_*: on a platform that has no sandboxes there is one thing to say. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>

#include "caisson.h"
#include "error.h"
#include "probe_host.h"

struct caisson_probe {
	struct utsname host;
	struct caisson_finding finding;
	char json[1024];
};

bool host_sysctl_is(const struct host *host, enum host_sysctl which, const char *value) {
	(void)host;
	(void)which;
	(void)value;
	return false;
}

static void say(struct caisson_probe *probe) {
	probe->finding = (struct caisson_finding){
		.topic = "platform",
		.value = probe->host.sysname,
		.evidence = probe->host.release,
		.remedy = "use Linux",
		.severity = CAISSON_PROBLEM,
		.restriction = CAISSON_RESTRICTION_PLATFORM,
		.cause = "This library was built for POSIX without Linux, where there are no "
			 "sandboxes.",
		.cost = "",
		.doc = "docs/platforms.md",
	};
	/* uname's words are of letters, digits and punctuation without quotes. */
	snprintf(
		probe->json, sizeof(probe->json),
		"{\n  \"schema\": 2,\n  \"version\": \"%s\",\n  \"full\": false,\n"
		"  \"severity\": \"problem\", \"restriction\": \"platform\",\n"
		"  \"host\": { \"release\": \"%.64s\", \"system\": \"posix\" },\n"
		"  \"findings\": [ { \"topic\": \"platform\", \"severity\": \"problem\", "
		"\"value\": "
		"\"%.64s\",\n    \"restriction\": \"platform\", \"remedy\": \"use Linux\" } ]\n}\n",
		caisson_version(), probe->host.release, probe->host.sysname);
}

int caisson_probe_new(const char *helper, caisson_probe **probe, caisson_error **err) {
	struct caisson_probe *made = calloc(1, sizeof(*made));

	(void)helper;
	if (!made)
		return error_set(err, ENOMEM, "probing this host", "", "",
		                 "There is not enough memory");
	uname(&made->host);
	say(made);
	*probe = made;
	return 0;
}

void caisson_probe_free(caisson_probe *probe) {
	free(probe);
}

size_t caisson_probe_count(const caisson_probe *probe) {
	(void)probe;
	return 1;
}

const struct caisson_finding *caisson_probe_finding(const caisson_probe *probe, size_t index) {
	return index == 0 ? &probe->finding : NULL;
}

enum caisson_severity caisson_probe_severity(const caisson_probe *probe) {
	return probe->finding.severity;
}

enum caisson_restriction caisson_probe_restriction(const caisson_probe *probe) {
	return probe->finding.restriction;
}

enum caisson_way caisson_probe_way(const caisson_probe *probe, enum caisson_property property) {
	(void)probe;
	(void)property;
	return CAISSON_WAY_NONE;
}

const char *caisson_probe_json(caisson_probe *probe) {
	return probe->json;
}
