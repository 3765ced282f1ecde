/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* caisson_probe_*: memory, and what channels make of it. */
#define _GNU_SOURCE
#include "probe.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

#define RECOMMENDED (UINT64_C(2) << 30)
#define MIB(bytes) ((unsigned long long)((bytes) >> 20))

/* "MemTotal:  123 kB" in bytes; 0 if it is not there. */
static uint64_t meminfo(const char *text, const char *name) {
	const char *at = strstr(text, name);

	return at ? strtoull(at + strlen(name), NULL, 10) << 10 : 0;
}

/* The path of a group in /proc/self/cgroup, after "before"; "" if there is none. */
static void group_of(const char *cgroups, const char *before, char *path, size_t size) {
	const char *at = strstr(cgroups, before);
	size_t length = 0;

	if (at) {
		at += strlen(before);
		length = strcspn(at, "\n");
	}
	snprintf(path, size, "%.*s", (int)length, length ? at : "");
}

/* The smallest limit of a group and those above it; UINT64_MAX if none has one. */
static uint64_t limit_above(int root, const char *mount, char *path, const char *file) {
	uint64_t least = UINT64_MAX;
	char name[512], line[32];

	for (;;) {
		char *slash;

		snprintf(name, sizeof(name), "%s%s/%s", mount, strcmp(path, "/") ? path : "", file);
		if (host_line(root, name, line, sizeof(line)) == 0 && line[0] != 'm') {
			uint64_t limit = strtoull(line, NULL, 10);

			least = limit < least ? limit : least;
		}
		slash = strrchr(path, '/');
		if (!slash)
			return least;
		*slash = '\0';
	}
}

uint64_t memory_limit(int root) {
	char cgroups[4096], path[256];
	uint64_t two, one;

	if (host_text(root, "proc/self/cgroup", cgroups, sizeof(cgroups)) < 0)
		return UINT64_MAX;
	group_of(cgroups, "0::", path, sizeof(path));
	two = limit_above(root, "sys/fs/cgroup", path, "memory.max");
	group_of(cgroups, ":memory:", path, sizeof(path));
	one = limit_above(root, "sys/fs/cgroup/memory", path, "memory.limit_in_bytes");
	return two < one ? two : one;
}

static void find_total(struct caisson_probe *probe, const char *text) {
	uint64_t total = meminfo(text, "MemTotal:"), limit = memory_limit(probe->at);
	bool limited = limit < total;
	uint64_t have = limited ? limit : total;

	probe_add(
		probe, "memory", have < RECOMMENDED ? CAISSON_NOTE : CAISSON_OK,
		CAISSON_RESTRICTION_NONE, probe_text("%llu MiB", MIB(have)),
		probe_text("%s", limited ? "the limit of a cgroup" : "MemTotal in /proc/meminfo"));
	if (have < RECOMMENDED)
		probe_remedy(probe, probe_text("at least 2 GiB are recommended for tensors"));
}

static void find_lane(struct caisson_probe *probe) {
	int error = 0, r = try_memfd(&error);

	if (r == 0 && error == 0) {
		probe_add(probe, "CPU lane", CAISSON_OK, CAISSON_RESTRICTION_NONE,
		          probe_text("without a copy"),
		          probe_text("tried: a memfd takes seals, and they hold; %ld CPUs",
		                     sysconf(_SC_NPROCESSORS_ONLN)));
		return;
	}
	probe_add(probe, "CPU lane", CAISSON_PROBLEM,
	          probe->host.withheld & HOST_FILTERED ? CAISSON_RESTRICTION_SECCOMP
	                                               : CAISSON_RESTRICTION_KERNEL,
	          probe_text("none"),
	          probe_text("memfd_create or its seals: %s", strerror(r < 0 ? -r : error)));
	probe_remedy(probe, probe_text("use Linux 5.2 or later, and allow memfd_create and fcntl "
	                               "in filters"));
}

/* The word in brackets: "always within_size advise [never] deny force". */
static void chosen(const char *line, char *word, size_t size) {
	const char *open = strchr(line, '['), *close = open ? strchr(open, ']') : NULL;

	snprintf(word, size, "%.*s", close ? (int)(close - open - 1) : 7,
	         close ? open + 1 : "unknown");
}

static void find_huge(struct caisson_probe *probe, const char *text) {
	char line[96] = "", word[24];
	uint64_t page = meminfo(text, "Hugepagesize:");
	const char *at = strstr(text, "HugePages_Free:");
	bool transparent = host_line(probe->at, "sys/kernel/mm/transparent_hugepage/shmem_enabled",
	                             line, sizeof(line)) == 0;

	chosen(line, word, sizeof(word));
	probe_add(probe, "huge pages", CAISSON_OK, CAISSON_RESTRICTION_NONE,
	          probe_text("%lu free", at ? strtoul(at + 15, NULL, 10) : 0),
	          probe_text("of %llu KiB, vm.nr_hugepages=%s; transparent ones in shared "
	                     "memory: %s",
	                     (unsigned long long)page >> 10,
	                     probe->host.sysctl[HOST_NR_HUGEPAGES][0]
	                             ? probe->host.sysctl[HOST_NR_HUGEPAGES]
	                             : "0",
	                     transparent ? word : "not in this kernel"));
}

static void find_shm(struct caisson_probe *probe) {
	struct statvfs shm;
	int r = statvfs("/dev/shm", &shm);

	probe_add(probe, "/dev/shm", CAISSON_OK, CAISSON_RESTRICTION_NONE,
	          r < 0 ? probe_text("none")
	                : probe_text("%llu MiB", MIB((uint64_t)shm.f_blocks * shm.f_frsize)),
	          r < 0 ? probe_text("%s; Caisson does not use it", strerror(errno))
	                : probe_text("Caisson does not use it"));
}

void probe_find_memory(struct caisson_probe *probe) {
	char text[8192];

	if (host_text(probe->at, "proc/meminfo", text, sizeof(text)) < 0)
		text[0] = '\0';
	find_total(probe, text);
	find_lane(probe);
	find_huge(probe, text);
	find_shm(probe);
}
