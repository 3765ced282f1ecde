/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* caisson stat: what a sandbox that caisson run --name holds uses of its limits. */
#define _GNU_SOURCE
#include "link.h"
#include "options.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cgroup.h"
#include "limits_impl.h"
#include "process.h"

static int opt_json(void *context, const char *value) {
	(void)value;
	*(bool *)context = true;
	return 0;
}

static const struct cli_option options[] = {
	{ "json", NULL, "as JSON, numbers alone; null is not known, or no limit", opt_json },
	{ NULL, NULL, NULL, NULL },
};

const struct cli_command cli_stat_command = {
	"stat",
	"NAME",
	"show what a sandbox uses",
	options,
	"NAME is what caisson run --name gave. It takes a cgroup of the sandbox's own:\n"
	"--memory and its kind, or --cgroup. Exit status: 0; 125 if there is nothing to show.",
};

/* ----------------------------------------------------------------- finding it */

/* The process that holds the sandbox; -1 and it is said why there is none. */
static int find_holder(const char *name, struct link_peer *peer) {
	const char *why;
	int dir = link_dir(false, &why), s, rc;

	if (dir < 0 && errno != ENOENT) {
		cli_complain("stat: %s (%s)", why, strerror(errno));
		return -1;
	}
	s = dir < 0 ? -1 : link_connect(dir, name);
	if (dir >= 0)
		close(dir);
	if (s < 0) {
		cli_complain("stat: no sandbox named %s runs; see caisson ps", name);
		return -1;
	}
	rc = link_peer(s, peer);
	close(s);
	if (rc < 0)
		cli_complain("stat: what listens as %s is no caisson of this user's outside of a "
		             "sandbox",
		             name);
	return rc;
}

static char *group_of(pid_t pid) {
	char name[64], *path;
	FILE *file;

	snprintf(name, sizeof(name), "/proc/%d/cgroup", (int)pid);
	file = fopen(name, "re");
	path = file ? cgroup_path_of(file) : NULL;
	if (file)
		fclose(file);
	return path;
}

/* The holder's only child is the sandbox's pid 1, whose group is another than the holder's. */
static char *find_group(const struct link_peer *peer) {
	char name[64], text[32] = "", *own = group_of(peer->pid), *path = NULL;
	FILE *file;

	snprintf(name, sizeof(name), "/proc/%d/task/%d/children", (int)peer->pid, (int)peer->pid);
	file = fopen(name, "re");
	if (file && fgets(text, sizeof(text), file))
		path = group_of((pid_t)strtol(text, NULL, 10));
	if (file)
		fclose(file);
	if (path && own && !strcmp(path, own)) {
		free(path);
		path = NULL;
	}
	free(own);
	return path;
}

static int open_group(const char *name) {
	struct cgroup_tree tree = { NULL, NULL };
	struct link_peer peer;
	char *path;
	int dir = -1;

	if (find_holder(name, &peer) < 0)
		return -1;
	path = find_group(&peer);
	if (!path)
		cli_complain("stat: the sandbox %s has no cgroup of its own; caisson run --memory, "
		             "--cpu or --cgroup gives it one",
		             name);
	else if (cgroup_tree_find(&tree) < 0 || (dir = cgroup_open(&tree, path)) < 0)
		cli_complain("stat: the cgroup %s cannot be looked at: %s", path, strerror(errno));
	if (dir >= 0 && process_ended(peer.pidfd)) { /* then its number may be another's by now */
		cli_complain("stat: no sandbox named %s runs; see caisson ps", name);
		close(dir);
		dir = -1;
	}
	close(peer.pidfd);
	cgroup_tree_clear(&tree);
	free(path);
	return dir;
}

/* ---------------------------------------------------------------- showing it */

/* With one decimal, in the largest unit that leaves a whole. */
static const char *size(uint64_t bytes, char text[32]) {
	static const char *const units[] = { "bytes", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB" };
	double value = (double)bytes;
	int unit = 0;

	while (value >= 1024 && unit < 6) {
		value /= 1024;
		unit++;
	}
	snprintf(text, 32, unit ? "%.1f %s" : "%.0f %s", value, units[unit]);
	return text;
}

static const char *count(uint64_t n, char text[32]) {
	snprintf(text, 32, "%llu", (unsigned long long)n);
	return text;
}

/* "memory     12.3 MiB of 512.0 MiB, at most 40.0 MiB so far" */
static void line(const char *what, uint64_t now, uint64_t limit, uint64_t peak,
                 const char *(*show)(uint64_t, char[32])) {
	char text[32];

	if (now == CAISSON_UNKNOWN)
		return;
	printf("%-10s %s", what, show(now, text));
	if (limit != CAISSON_UNKNOWN)
		printf(" of %s", show(limit, text));
	if (peak != CAISSON_UNKNOWN)
		printf(", at most %s so far", show(peak, text));
	putchar('\n');
}

static void show_text(const struct caisson_stat *stat) {
	line("memory", stat->memory, stat->memory_limit, stat->memory_peak, size);
	line("swap", stat->swap, stat->swap_limit, CAISSON_UNKNOWN, size);
	line("processes", stat->pids, stat->pids_limit, stat->pids_peak, count);
	if (stat->cpu_usec != CAISSON_UNKNOWN)
		printf("%-10s %.3f s", "processor", (double)stat->cpu_usec / 1e6);
	if (stat->cpu_limit != CAISSON_UNKNOWN)
		printf(", at most %llu %% of one", (unsigned long long)stat->cpu_limit);
	if (stat->cpu_limit != CAISSON_UNKNOWN && stat->cpu_throttled_usec != CAISSON_UNKNOWN)
		printf(", held back %.3f s", (double)stat->cpu_throttled_usec / 1e6);
	if (stat->cpu_usec != CAISSON_UNKNOWN)
		putchar('\n');
	line("oom kills", stat->oom_kills, CAISSON_UNKNOWN, CAISSON_UNKNOWN, count);
}

static void show_json(const struct caisson_stat *stat) {
	const struct {
		const char *name;
		uint64_t value;
	} members[] = {
		{ "memory", stat->memory },
		{ "memory_peak", stat->memory_peak },
		{ "memory_limit", stat->memory_limit },
		{ "swap", stat->swap },
		{ "swap_limit", stat->swap_limit },
		{ "pids", stat->pids },
		{ "pids_peak", stat->pids_peak },
		{ "pids_limit", stat->pids_limit },
		{ "cpu_usec", stat->cpu_usec },
		{ "cpu_throttled_usec", stat->cpu_throttled_usec },
		{ "cpu_limit", stat->cpu_limit },
		{ "oom_kills", stat->oom_kills },
	};

	for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++) {
		printf("%s\"%s\":", i ? "," : "{", members[i].name);
		if (members[i].value == CAISSON_UNKNOWN)
			fputs("null", stdout);
		else
			printf("%llu", (unsigned long long)members[i].value);
	}
	puts("}");
}

int cli_stat(int argc, char **argv) {
	struct caisson_stat stat;
	bool json = false;
	int rest = 0, dir, parsed = cli_parse(&cli_stat_command, argc, argv, &json, &rest);

	if (parsed != 0)
		return parsed > 0 && fflush(stdout) == 0 ? 0 : EXIT_OWN_FAILURE;
	if (rest + 1 != argc || !link_name_ok(argv[rest])) {
		cli_complain("stat: it takes the name of one sandbox; see caisson ps");
		return EXIT_OWN_FAILURE;
	}
	dir = open_group(argv[rest]);
	if (dir < 0)
		return EXIT_OWN_FAILURE;
	cgroup_stat(dir, &stat);
	close(dir);
	if (json)
		show_json(&stat);
	else
		show_text(&stat);
	if (fflush(stdout) == 0 && !ferror(stdout))
		return 0;
	cli_complain("standard output cannot be written to");
	return EXIT_OWN_FAILURE;
}
