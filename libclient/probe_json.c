/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The findings as JSON: docs/doctor.md. */
#define _GNU_SOURCE
#include "probe.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

static const char *const severities[] = { "ok", "note", "warning", "problem" };

/* Bytes beyond ASCII may be no UTF-8: they come from files and labels. */
static void string(FILE *to, const char *text) {
	fputc('"', to);
	for (; *text; text++) {
		unsigned char c = (unsigned char)*text;

		if (c == '"' || c == '\\')
			fprintf(to, "\\%c", c);
		else if (c < 0x20 || c >= 0x7f)
			fprintf(to, "\\u%04x", c);
		else
			fputc(c, to);
	}
	fputc('"', to);
}

static void member(FILE *to, const char *name, const char *text) {
	fprintf(to, "\"%s\": ", name);
	string(to, text);
}

static const char *truth(bool is) {
	return is ? "true" : "false";
}

static void put_host(FILE *to, const struct host *host) {
	fputs("  \"host\": { ", to);
	member(to, "release", host->release);
	fputs(", ", to);
	member(to, "system", host_system_names[host->system]);
	fputs(", ", to);
	member(to, "container", host_container_names[host->container]);
	fputs(", ", to);
	member(to, "module", host->selinux ? "selinux" : host->apparmor ? "apparmor" : "");
	fputs(", ", to);
	member(to, "label", host->label);
	fputs(", ", to);
	member(to, "uid_map", host->uid_map);
	fputs(", \"withheld\": [", to);
	for (int i = 0, n = 0; i < HOST_WITHHELD_BITS; i++)
		if (host->withheld >> i & 1) {
			fputs(n++ ? ", " : " ", to);
			string(to, host_withheld_names[i]);
		}
	fputs(" ] },\n", to);
}

/* The same in every locale. */
static const char *error_name(int error, char *buf, size_t size) {
	static const struct {
		int error;
		const char *name;
	} names[] = {
		{ EPERM, "EPERM" },   { EACCES, "EACCES" }, { ENOSPC, "ENOSPC" },
		{ EINVAL, "EINVAL" }, { ENOSYS, "ENOSYS" }, { EUSERS, "EUSERS" },
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (names[i].error == error)
			return names[i].name;
	snprintf(buf, size, "errno %d", error);
	return buf;
}

static const char *stage_result(const struct try_userns *got, int stage, char *buf, size_t size) {
	int error = got->error[stage];

	if (got->signal && stage == got->stage)
		return "killed";
	/* Zeroes say nothing of what was never begun. */
	if (got->failed || (got->signal && stage > got->stage) || error < 0)
		return "untried";
	return error ? error_name(error, buf, size) : "works";
}

static void put_stages(FILE *to, const struct try_userns *got) {
	fputs("  \"user_namespace\": { ", to);
	for (int stage = TRY_CLONE; stage < TRY_DONE; stage++) {
		char buf[24];

		fprintf(to, "%s", stage > TRY_CLONE ? ", " : "");
		member(to, try_stage_names[stage], stage_result(got, stage, buf, sizeof(buf)));
	}
	fputs(" },\n", to);
}

static void put_sysctls(FILE *to, const struct host *host) {
	int n = 0;

	fputs("  \"sysctls\": {", to);
	for (int i = 0; i < HOST_SYSCTLS; i++)
		if (host->sysctl[i][0]) {
			fputs(n++ ? ", " : " ", to);
			member(to, host_sysctl_names[i], host->sysctl[i]);
		}
	fputs(" },\n", to);
}

static void put_ways(FILE *to, const struct caisson_probe *probe) {
	fputs("  \"ways\": { ", to);
	for (int way = CAISSON_WAY_HELPER_USERNS; way < CAISSON_WAY_COUNT; way++)
		fprintf(to, "%s\"%s\": %s", way > CAISSON_WAY_HELPER_USERNS ? ", " : "",
		        caisson_way_name(way), truth(probe->works[way]));
	fputs(" },\n  \"properties\": {\n", to);
	for (int i = 0; i < CAISSON_PROPERTY_COUNT; i++) {
		fputs("    ", to);
		fprintf(to, "\"%s\": { \"in_full\": %s, ", caisson_property_name(i),
		        truth(caisson_property_in_full(i)));
		member(to, "way", caisson_way_name(probe->way[i]));
		fputs(", ", to);
		member(to, "by", probe->by[i] ? probe->by[i] : "");
		fprintf(to, " }%s\n", i + 1 < CAISSON_PROPERTY_COUNT ? "," : "");
	}
	fputs("  },\n", to);
}

static void put_findings(FILE *to, const struct caisson_probe *probe) {
	fputs("  \"findings\": [\n", to);
	for (size_t i = 0; i < probe->count; i++) {
		const struct caisson_finding *f = &probe->findings[i];

		fputs("    { ", to);
		member(to, "topic", f->topic);
		fputs(", ", to);
		member(to, "severity", severities[f->severity]);
		fputs(", ", to);
		member(to, "value", f->value);
		fputs(",\n      ", to);
		member(to, "evidence", f->evidence);
		fputs(", ", to);
		member(to, "restriction", caisson_restriction_name(f->restriction));
		fputs(",\n      ", to);
		member(to, "cause", f->cause);
		fputs(", ", to);
		member(to, "remedy", f->remedy);
		fputs(", ", to);
		member(to, "cost", f->cost);
		fputs(", ", to);
		member(to, "doc", f->doc);
		fprintf(to, " }%s\n", i + 1 < probe->count ? "," : "");
	}
	fputs("  ]\n}\n", to);
}

const char *caisson_probe_json(caisson_probe *probe) {
	size_t size;
	FILE *to;

	if (probe->json)
		return probe->json;
	to = open_memstream(&probe->json, &size);
	if (!to)
		return NULL;
	fprintf(to, "{\n  \"schema\": 2,\n  \"version\": \"%s\",\n  \"full\": %s,\n  ",
	        caisson_version(), truth(probe->full));
	member(to, "severity", severities[caisson_probe_severity(probe)]);
	fputs(", ", to);
	member(to, "restriction", caisson_restriction_name(caisson_probe_restriction(probe)));
	fputs(",\n", to);
	put_host(to, &probe->host);
	put_stages(to, &probe->userns);
	put_sysctls(to, &probe->host);
	put_ways(to, probe);
	put_findings(to, probe);
	if (fclose(to) != 0) {
		free(probe->json);
		probe->json = NULL;
	}
	return probe->json;
}
