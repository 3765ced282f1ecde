/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Limits as the caller sees them: what can be asked for, and what is said about them. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "internal.h"
#include "limits_impl.h"

static const struct {
	const char *name;
	uint64_t least, most;
	unsigned controller;
} limits[] = {
	[CAISSON_LIMIT_MEMORY] = { "memory", 1u << 20, 1ull << 52, CGROUP_MEMORY },
	[CAISSON_LIMIT_SWAP] = { "swap", 0, 1ull << 52, CGROUP_MEMORY },
	[CAISSON_LIMIT_PIDS] = { "pids", 4, 1u << 22, CGROUP_PIDS },
	[CAISSON_LIMIT_CPU] = { "cpu", 1, 1000000, CGROUP_CPU },
	[CAISSON_LIMIT_IO_WEIGHT] = { "io_weight", 1, 10000, CGROUP_IO },
	[CAISSON_LIMIT_SECONDS] = { "seconds", 1, INT32_MAX, 0 },
	[CAISSON_LIMIT_FILES] = { "files", 16, 768, 0 },
};

static struct limits_asked *asked_of(caisson_spec *spec) {
	if (!spec->limits)
		spec->limits = calloc(1, sizeof(*spec->limits));
	return spec->limits;
}

void limits_range(enum caisson_limit limit, uint64_t *least, uint64_t *most) {
	*least = limits[limit].least;
	*most = limits[limit].most;
}

static void limit_refused(caisson_spec *spec, enum caisson_limit limit, uint64_t value) {
	char range[64];

	snprintf(range, sizeof(range), "give %llu to %llu", (unsigned long long)limits[limit].least,
	         (unsigned long long)limits[limit].most);
	error_set(&spec->error, ERANGE, "describing the sandbox", "caisson_spec_limit()", range,
	          "limit \"%s\": %llu is out of range", limits[limit].name,
	          (unsigned long long)value);
}

int caisson_spec_limit(caisson_spec *spec, enum caisson_limit limit, uint64_t value) {
	struct limits_asked *asked;

	if ((unsigned)limit >= CAISSON_LIMIT_COUNT)
		return spec_note(spec, -EINVAL, "limit", "out of range");
	if (value < limits[limit].least || value > limits[limit].most) {
		if (!spec->error)
			limit_refused(spec, limit, value);
		return -ERANGE;
	}
	asked = asked_of(spec);
	if (!asked)
		return spec_note(spec, -ENOMEM, "limit", limits[limit].name);
	asked->set |= 1u << limit;
	asked->value[limit] = value;
	return 0;
}

int caisson_spec_cgroup(caisson_spec *spec, const char *path) {
	struct limits_asked *asked = path && *path ? asked_of(spec) : NULL;
	char *copy = asked ? strdup(path) : NULL;

	if (!copy)
		return spec_note(spec, path && *path ? -ENOMEM : -EINVAL, "cgroup", path);
	free(asked->dir);
	asked->dir = copy;
	return 0;
}

void limits_free(struct limits_asked *asked) {
	if (asked)
		free(asked->dir);
	free(asked);
}

unsigned limits_controllers(const struct limits_asked *asked) {
	unsigned needed = asked->no_pool ? CGROUP_HUGETLB : 0;

	for (int i = 0; i < CAISSON_LIMIT_COUNT; i++)
		needed |= asked->set >> i & 1 ? limits[i].controller : 0;
	return needed;
}

uint64_t limits_pages(uint64_t bytes) {
	uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);

	return (bytes + page - 1) / page * page;
}

const char *limits_size(uint64_t bytes, char text[32]) {
	static const char *const units[] = { "bytes", "KiB", "MiB", "GiB", "TiB" };
	int unit = 0;

	while (unit < 4 && bytes && bytes % 1024 == 0) {
		bytes /= 1024;
		unit++;
	}
	snprintf(text, 32, "%llu %s", (unsigned long long)bytes, units[unit]);
	return text;
}

char *limits_text(const struct limits_asked *asked) {
	const uint64_t *value = asked->value;
	char *text = NULL, size[32];
	size_t length;
	FILE *to = open_memstream(&text, &length);

	if (!to)
		return NULL;
	fputs(asked->set || asked->no_pool ? "own cgroup" : "own cgroup, nothing limited", to);
	if (limits_has(asked, CAISSON_LIMIT_MEMORY))
		fprintf(to, ", memory %s",
		        limits_size(limits_pages(value[CAISSON_LIMIT_MEMORY]), size));
	if (limits_has(asked, CAISSON_LIMIT_SWAP) && value[CAISSON_LIMIT_SWAP])
		fprintf(to, ", swap %s",
		        limits_size(limits_pages(value[CAISSON_LIMIT_SWAP]), size));
	else if (limits_has(asked, CAISSON_LIMIT_SWAP) || limits_has(asked, CAISSON_LIMIT_MEMORY))
		fputs(", no swap", to);
	if (limits_has(asked, CAISSON_LIMIT_PIDS))
		fprintf(to, ", %llu processes", (unsigned long long)value[CAISSON_LIMIT_PIDS]);
	if (limits_has(asked, CAISSON_LIMIT_CPU))
		fprintf(to, ", %llu %% of a processor",
		        (unsigned long long)value[CAISSON_LIMIT_CPU]);
	if (limits_has(asked, CAISSON_LIMIT_IO_WEIGHT))
		fprintf(to, ", disk weight %llu",
		        (unsigned long long)value[CAISSON_LIMIT_IO_WEIGHT]);
	if (asked->no_pool)
		fputs(", takes no reserved huge page", to);
	if (fclose(to) != 0) {
		free(text);
		return NULL;
	}
	return text;
}

void limits_report(FILE *to, const caisson_sandbox *box) {
	const struct leaf *leaf = box->leaf;
	const char *c;

	if (box->pids_alone)
		fprintf(to, "  \"limits\": { \"cgroup\": null, \"pids\": %llu },\n",
		        (unsigned long long)box->pids_alone);
	if (!leaf)
		return;
	fputs("  \"limits\": { \"cgroup\": \"", to);
	for (c = leaf->path; *c; c++) {
		if (*c == '"' || *c == '\\')
			fprintf(to, "\\%c", *c);
		else if ((unsigned char)*c < 0x20 || (unsigned char)*c >= 0x7f)
			fprintf(to, "\\u%04x", (unsigned char)*c);
		else
			fputc(*c, to);
	}
	fputc('"', to);
	for (int i = 0; i < CAISSON_LIMIT_COUNT; i++)
		if (limits_has(&leaf->asked, (enum caisson_limit)i))
			fprintf(to, ", \"%s\": %llu", limits[i].name,
			        (unsigned long long)leaf->asked.value[i]);
	if (leaf->asked.no_pool)
		fputs(", \"hugepages\": 0", to);
	if (leaf->over)
		fprintf(to, ", \"out_of_memory\": %s", leaf->why ? "true" : "false");
	if (leaf->why)
		fprintf(to, ", \"ended\": \"%s\"", leaf->why);
	fputs(" },\n", to);
}

int caisson_stat(const caisson_sandbox *box, struct caisson_stat *stat) {
	if (!box->leaf) {
		memset(stat, 0xff, sizeof(*stat));
		return -ENOTSUP;
	}
	if (box->leaf->over)
		*stat = box->leaf->last;
	else
		cgroup_stat(box->leaf->dir, stat);
	return 0;
}

int caisson_timed_out(const caisson_sandbox *box) {
	return box->timed_out;
}

int caisson_out_of_memory(const caisson_sandbox *box, const char **why) {
	if (!box->leaf || !box->leaf->over || !box->leaf->why)
		return 0;
	if (why)
		*why = box->leaf->why;
	return 1;
}
