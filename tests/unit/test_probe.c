/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What caisson_probe_new() concludes on hosts that are not this one: hosts/NAME holds
 * files in the shape that such a host has them, and "expect" what is to be found.
 */
#include <criterion/criterion.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "names.h"
#include "probe.h"

static const struct {
	const char *name;
	int error;
} errors[] = {
	{ "ok", 0 },          { "EPERM", EPERM },   { "EACCES", EACCES }, { "ENOSPC", ENOSPC },
	{ "EINVAL", EINVAL }, { "ENOSYS", ENOSYS }, { "EUSERS", EUSERS },
};

static int error_named(const char *name) {
	for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++)
		if (!strcmp(errors[i].name, name))
			return errors[i].error;
	cr_assert_fail("no such errno here: %s", name);
	return -1;
}

/* "userns STAGE ERRNO RESTRICTION" */
static void check_userns(const char *host_name, const struct host *host, const char *rest,
                         bool root) {
	struct try_userns got = { .stage = TRY_DONE };
	char stage[16], error[16], wanted[32], evidence[384];
	enum caisson_restriction found;

	cr_assert_eq(sscanf(rest, "%15s %15s %31s", stage, error, wanted), 3, "%s: %s", host_name,
	             rest);
	for (int i = TRY_CLONE; i < TRY_DONE; i++)
		if (!strcmp(stage, try_stage_names[i]) && error_named(error)) {
			got.stage = i;
			got.error[i] = error_named(error);
		}
	found = cause_of_userns(host, &got, root, evidence, sizeof(evidence));
	cr_expect_str_eq(caisson_restriction_name(found), wanted, "%s: %s: found %s (%s)",
	                 host_name, rest, caisson_restriction_name(found), evidence);
	cr_expect(evidence[0], "%s: %s: no evidence", host_name, rest);
}

static void check_refused(const char *host_name, const struct host *host, const char *rest) {
	char error[16], wanted[32];
	enum caisson_restriction found;

	cr_assert_eq(sscanf(rest, "%15s %31s", error, wanted), 2, "%s: %s", host_name, rest);
	found = cause_of_refusal(host, error_named(error));
	cr_expect_str_eq(caisson_restriction_name(found), wanted, "%s: refused %s: found %s",
	                 host_name, error, caisson_restriction_name(found));
}

static void check_withheld(const char *host_name, const struct host *host, char *rest) {
	unsigned wanted = 0;

	for (const char *word = strtok(rest, " "); word; word = strtok(NULL, " ")) {
		int bit = 0;

		while (bit < HOST_WITHHELD_BITS && strcmp(host_withheld_names[bit], word) != 0)
			bit++;
		cr_assert_lt(bit, HOST_WITHHELD_BITS, "%s: %s", host_name, word);
		wanted |= 1u << bit;
	}
	cr_expect_eq(host->withheld, wanted, "%s: withheld 0x%x, not 0x%x", host_name,
	             host->withheld, wanted);
}

static void check_memory(const char *host_name, int root, const char *rest) {
	uint64_t limit = memory_limit(root);

	if (!strcmp(rest, "none"))
		cr_expect_eq(limit, UINT64_MAX, "%s", host_name);
	else
		cr_expect_eq(limit >> 20, strtoull(rest, NULL, 10), "%s: %llu MiB", host_name,
		             (unsigned long long)limit >> 20);
}

/* "grant VALUE: EVIDENCE", or "grant none" */
static void check_grant(const char *host_name, int root, const char *wanted) {
	struct caisson_probe *probe = calloc(1, sizeof(*probe));
	char got[1200] = "none";

	cr_assert_not_null(probe);
	probe->at = root;
	probe_find_grant(probe);
	if (probe->count)
		snprintf(got, sizeof(got), "%s: %s", probe->findings[0].value,
		         probe->findings[0].evidence);
	cr_expect_str_eq(got, wanted, "%s: %s", host_name, got);
	caisson_probe_free(probe);
}

/* The findings about GPUs, made from the files of that host. */
static void check_gpu(const char *host_name, int root, const char *topic, const char *wanted) {
	struct caisson_probe *probe = calloc(1, sizeof(*probe));

	cr_assert_not_null(probe);
	probe->at = root;
	probe_find_gpu(probe);
	for (size_t i = 0; i < probe->count; i++) {
		const struct caisson_finding *f = &probe->findings[i];

		if (!strcmp(f->topic, topic))
			cr_expect_str_eq(*topic == 'G' ? f->value : f->evidence, wanted,
			                 "%s: %s: %s", host_name, f->value, f->evidence);
	}
	cr_expect_eq(probe->count, 2);
	caisson_probe_free(probe);
}

static void check_line(const char *name, int root, const struct host *host, char *line) {
	char *rest = line;
	const char *word = strsep(&rest, " ");

	if (!rest)
		rest = line + strlen(line);
	if (!strcmp(word, "system"))
		cr_expect_str_eq(host_system_names[host->system], rest, "%s", name);
	else if (!strcmp(word, "container"))
		cr_expect_str_eq(host_container_names[host->container],
		                 strcmp(rest, "none") ? rest : "", "%s: %s", name, host->sign);
	else if (!strcmp(word, "withheld"))
		check_withheld(name, host, rest);
	else if (!strcmp(word, "masked"))
		cr_expect_str_eq(host->masked, rest, "%s: %s", name, host->masked);
	else if (!strcmp(word, "label"))
		cr_expect_str_eq(host->label, rest, "%s: %s", name, host->label);
	else if (!strcmp(word, "gpu"))
		check_gpu(name, root, "GPU", rest);
	else if (!strcmp(word, "cuda"))
		check_gpu(name, root, "CUDA lane", rest);
	else if (!strcmp(word, "grant"))
		check_grant(name, root, rest);
	else if (!strcmp(word, "memory"))
		check_memory(name, root, rest);
	else if (!strcmp(word, "userns") || !strcmp(word, "userns-root"))
		check_userns(name, host, rest, word[6] != '\0');
	else if (!strcmp(word, "refused"))
		check_refused(name, host, rest);
	else
		cr_assert_fail("%s: %s", name, word);
}

static int check_host(const char *name) {
	char path[512], text[4096], *rest = text, *line;
	struct host host;
	int root, lines = 0;

	snprintf(path, sizeof(path), "%s/%s", CAISSON_HOSTS, name);
	root = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	cr_assert_geq(root, 0, "%s", path);
	cr_assert_eq(host_text(root, "expect", text, sizeof(text)), 0, "%s", path);
	host_read(root, &host);
	while ((line = strsep(&rest, "\n")))
		if (*line && *line != '#') {
			check_line(name, root, &host, line);
			lines++;
		}
	close(root);
	return lines;
}

Test(probe, hosts_are_told_apart_by_their_files) {
	DIR *hosts = opendir(CAISSON_HOSTS);
	const struct dirent *entry;
	int count = 0;

	cr_assert_not_null(hosts);
	while ((entry = readdir(hosts)))
		if (entry->d_name[0] != '.') {
			cr_expect_gt(check_host(entry->d_name), 0, "%s expects nothing",
			             entry->d_name);
			count++;
		}
	closedir(hosts);
	cr_expect_geq(count, 20);
}

Test(probe, a_stage_that_a_signal_ended_is_a_filter_s) {
	const struct host filtered = { .withheld = HOST_FILTERED }, plain = { .withheld = 0 };
	const struct try_userns got = { .stage = TRY_CLONE, .signal = 31 };
	char evidence[128];

	cr_expect_eq(cause_of_userns(&filtered, &got, false, evidence, sizeof(evidence)),
	             CAISSON_RESTRICTION_SECCOMP);
	cr_expect_eq(cause_of_userns(&plain, &got, false, evidence, sizeof(evidence)),
	             CAISSON_RESTRICTION_UNKNOWN);
	cr_expect_str_eq(evidence, "the attempt was ended by signal 31");
}

/* What the kernel cannot have, by its release, is not a filter's doing. */
Test(probe, calls_that_are_missing) {
	const unsigned calls = 1u << (name_call(436) - name_calls) | /* close_range, 5.9 */
	                       1u << (name_call(442) - name_calls);
	struct host host = { .release = "5.4.0-42-generic", .withheld = HOST_FILTERED };

	cr_expect_eq(cause_of_missing(&host, calls), CAISSON_RESTRICTION_KERNEL);
	strcpy(host.release, "5.10.0-28-amd64");
	cr_expect_eq(cause_of_missing(&host, calls), CAISSON_RESTRICTION_SECCOMP);
	host.withheld = 0; /* a vendor's kernel that left it out */
	cr_expect_eq(cause_of_missing(&host, calls), CAISSON_RESTRICTION_KERNEL);
	host.system = HOST_GVISOR;
	cr_expect_eq(cause_of_missing(&host, calls), CAISSON_RESTRICTION_PLATFORM);
	cr_expect(!kernel_has("4.18.0-553.el8", name_call(428)));
	cr_expect(kernel_has("5.2", name_call(428)) && kernel_has("6.0.0", name_call(442)));
	cr_expect(!kernel_has("", name_call(428)));
}

Test(probe, every_restriction_has_its_advice) {
	const struct host host = { .container = HOST_DOCKER };

	for (int i = 0; i < CAISSON_RESTRICTION_COUNT; i++) {
		struct advice advice;

		cr_expect(caisson_restriction_name(i));
		advice_for(i, &host, &advice);
		if (i == CAISSON_RESTRICTION_NONE)
			continue;
		cr_expect(advice.cause[0] && advice.remedy[0], "%s", caisson_restriction_name(i));
		cr_expect_eq(strncmp(advice.doc, "docs/", 5), 0, "%s", caisson_restriction_name(i));
	}
	cr_expect_null(caisson_restriction_name(CAISSON_RESTRICTION_COUNT));
	cr_expect_null(caisson_way_name(CAISSON_WAY_COUNT));
}

/* The page and the heading that each advice names are there. */
Test(probe, every_advice_points_to_a_heading) {
	const struct host host = { .container = HOST_DOCKER };

	for (int i = 1; i < CAISSON_RESTRICTION_COUNT; i++) {
		struct advice advice;
		char path[512], anchor[64] = "", *text = malloc(1 << 18);
		const char *hash;

		advice_for(i, &host, &advice);
		hash = strchrnul(advice.doc, '#');
		snprintf(path, sizeof(path), "%s/%.*s", CAISSON_SOURCE, (int)(hash - advice.doc),
		         advice.doc);
		cr_assert_eq(host_text(AT_FDCWD, path, text, 1 << 18), 0, "%s", path);
		if (*hash)
			snprintf(anchor, sizeof(anchor), "<a id=\"%s\">", hash + 1);
		cr_expect(strstr(text, anchor), "%s: no %s", path, anchor);
		free(text);
	}
}

Test(probe, drivers_say_their_version) {
	static const struct {
		const char *line, *version;
		int major;
	} cases[] = {
		{ "NVRM version: NVIDIA UNIX x86_64 Kernel Module  535.104.05  Sat Aug 19 01:15:15 "
		  "UTC 2023",
		  "535.104.05", 535 },
		{ "NVRM version: NVIDIA UNIX Open Kernel Module for x86_64  550.54.15  Release "
		  "Build  (dvs-builder@U16)",
		  "550.54.15", 550 },
		{ "NVRM version: NVIDIA UNIX x86_64 Kernel Module  390.157  Wed Oct 12", "390.157",
		  390 },
		{ "NVRM version: something", "", 0 },
		{ "", "", 0 },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char line[256], version[32] = "";

		snprintf(line, sizeof(line), "%s", cases[i].line);
		cr_expect_eq(gpu_driver_version(line, version, sizeof(version)), cases[i].major);
		cr_expect_str_eq(version, cases[i].version);
	}
}
