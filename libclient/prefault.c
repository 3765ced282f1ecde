/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "prefault.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23 /* Linux 5.14 */
#endif
#ifndef MADV_POPULATE_READ
#define MADV_POPULATE_READ 22
#endif

#define CHUNK ((uint64_t)4 << 20)
/* At the limit of memory a page of shared memory is not an error but the end of a process. */
#define SPARE 16

/* ------------------------------------------------------------- is there room? */

static bool machine_has(uint64_t bytes) {
	unsigned long long total = 0, available = 0;
	char line[128];
	FILE *info = fopen("/proc/meminfo", "re");

	while (info && fgets(line, sizeof(line), info)) {
		if (!strncmp(line, "MemTotal:", 9))
			total = strtoull(line + 9, NULL, 10);
		if (!strncmp(line, "MemAvailable:", 13))
			available = strtoull(line + 13, NULL, 10);
	}
	if (info)
		fclose(info);
	return available == 0 || available * 1024 >= bytes + total * 1024 / SPARE;
}

static bool read_number(const char *cgroup, const char *file, unsigned long long *number) {
	char path[600], line[32] = "", *end = line;
	FILE *f;

	snprintf(path, sizeof(path), "/sys/fs/cgroup%s/%s", cgroup, file);
	f = fopen(path, "re");
	if (!f)
		return false;
	if (fgets(line, sizeof(line), f))
		*number = strtoull(line, &end, 10);
	fclose(f);
	return end != line; /* "max" is none */
}

/* Of the caller's cgroup and of those above it, the same. */
static bool cgroups_have(uint64_t bytes) {
	char path[512] = "";
	FILE *own = fopen("/proc/self/cgroup", "re");
	bool found = false;

	while (own && !found && fgets(path, sizeof(path), own))
		found = strncmp(path, "0::/", 4) == 0;
	if (own)
		fclose(own);
	if (!found)
		return true;
	memmove(path, path + 3, strlen(path + 3) + 1);
	path[strcspn(path, "\n")] = '\0';
	for (char *end = path + strlen(path); end && end > path; end = strrchr(path, '/')) {
		unsigned long long limit, current;

		*end = '\0';
		if (read_number(path, "memory.max", &limit) &&
		    read_number(path, "memory.current", &current) &&
		    limit < current + bytes + limit / SPARE)
			return false;
	}
	return true;
}

/* ------------------------------------------------------------------ the thread */

/*
 * Without changing a byte: a tensor may be filled there meanwhile. A page of shared
 * memory that is only read is made too, and charged to who reads it first.
 */
static void touch(const struct region *region, uint64_t at, uint64_t bytes) {
	const uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);
	char *base = region->base + at;

	if (madvise(base, bytes, region->writable ? MADV_POPULATE_WRITE : MADV_POPULATE_READ) == 0)
		return;
	for (uint64_t i = 0; i < bytes; i += page) {
		if (region->writable)
			(void)__atomic_fetch_or(base + i, 0, __ATOMIC_RELAXED);
		else
			(void)__atomic_load_n(base + i, __ATOMIC_RELAXED);
	}
}

static bool populate(struct prefault *prefault, const struct region *region) {
	for (uint64_t at = 0; at < region->bytes;) {
		uint64_t left = region->bytes - at, bytes = left < CHUNK ? left : CHUNK;

		if (atomic_load(&prefault->stop) || !machine_has(bytes) || !cgroups_have(bytes))
			return false;
		touch(region, at, bytes);
		at += bytes;
		atomic_fetch_add(&prefault->ready, bytes);
	}
	return true;
}

static void *work(void *argument) {
	struct prefault *prefault = argument;

	if (populate(prefault, &prefault->region[0]))
		(void)populate(prefault, &prefault->region[1]);
	atomic_store(&prefault->over, true);
	return NULL;
}

int prefault_start(struct prefault *prefault) {
	sigset_t all, before;
	int rc;

	if (prefault->started)
		return -EALREADY;
	/* The application's signals are for its own threads. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	rc = pthread_create(&prefault->thread, NULL, work, prefault);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	prefault->started = rc == 0;
	return rc == 0 ? 0 : -EAGAIN;
}

void prefault_stop(struct prefault *prefault) {
	if (!prefault->started)
		return;
	atomic_store(&prefault->stop, true);
	pthread_join(prefault->thread, NULL);
	prefault->started = false;
}
