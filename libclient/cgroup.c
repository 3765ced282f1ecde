/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The files of a group, and what they say. */
#include "cgroup.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

ssize_t cgroup_read(int dir, const char *name, char *text, size_t size) {
	int fd = openat(dir, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	size_t n = 0;
	ssize_t got = 1;
	int error;

	if (fd < 0)
		return -errno;
	while (n < size - 1 && (got = read(fd, text + n, size - 1 - n)) > 0)
		n += (size_t)got;
	error = errno;
	close(fd);
	if (got < 0)
		return -error;
	if (n > 0 && text[n - 1] == '\n')
		n--;
	text[n] = '\0';
	return (ssize_t)n;
}

int cgroup_write(int dir, const char *name, const char *text) {
	int fd = openat(dir, name, O_WRONLY | O_CLOEXEC | O_NOFOLLOW);
	int error = 0;

	if (fd < 0)
		return -errno;
	if (write(fd, text, strlen(text)) < 0)
		error = errno;
	close(fd);
	return -error;
}

static uint64_t number(const char *text) {
	unsigned long long n;
	char *end;

	if (*text < '0' || *text > '9')
		return CAISSON_UNKNOWN;
	errno = 0;
	n = strtoull(text, &end, 10);
	return errno || (*end && *end != ' ' && *end != '\n') ? CAISSON_UNKNOWN : n;
}

uint64_t cgroup_number(int dir, const char *name) {
	char text[64] = "";

	return cgroup_read(dir, name, text, sizeof(text)) <= 0 ? CAISSON_UNKNOWN : number(text);
}

uint64_t cgroup_field(int dir, const char *name, const char *key) {
	char text[4096] = "", *line = text, *end;
	size_t length = strlen(key);

	if (cgroup_read(dir, name, text, sizeof(text)) <= 0)
		return CAISSON_UNKNOWN;
	for (; line; line = end ? end + 1 : NULL) {
		end = strchr(line, '\n');
		if (!strncmp(line, key, length) && line[length] == ' ')
			return number(line + length + 1);
	}
	return CAISSON_UNKNOWN;
}

uint64_t cgroup_cpu_percent(int dir) {
	char text[64] = "";
	const char *space;
	uint64_t quota, period;

	if (cgroup_read(dir, "cpu.max", text, sizeof(text)) < 0)
		return CAISSON_UNKNOWN;
	space = strchr(text, ' ');
	quota = number(text);
	period = space ? number(space + 1) : CAISSON_UNKNOWN;
	if (quota == CAISSON_UNKNOWN || period == CAISSON_UNKNOWN || period == 0)
		return CAISSON_UNKNOWN;
	return quota * 100 / period;
}

/* Each hugetlb.SIZE.max and hugetlb.SIZE.rsvd.max; a size without the second is none. */
static int each_pool(int group, bool (*each)(int group, const char *name)) {
	int copy = openat(group, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = copy < 0 ? NULL : fdopendir(copy);
	const struct dirent *entry;
	unsigned used = 0, reserved = 0;
	int rc = 0;

	if (!dir) {
		rc = -errno;
		if (copy >= 0)
			close(copy);
		return rc;
	}
	/* cppcheck-suppress readdirCalled */ /* a DIR of our own */
	while (rc == 0 && (entry = readdir(dir)) != NULL) {
		const size_t length = strlen(entry->d_name);

		if (strncmp(entry->d_name, "hugetlb.", 8) != 0 || length < 12 ||
		    strcmp(entry->d_name + length - 4, ".max") != 0)
			continue;
		if (strstr(entry->d_name, ".rsvd."))
			reserved++;
		else
			used++;
		rc = each(group, entry->d_name) ? 0 : -EIO;
	}
	closedir(dir);
	return rc ? rc : used > 0 && used == reserved ? 0 : -ENOENT;
}

static bool close_one(int group, const char *name) {
	return cgroup_write(group, name, "0") == 0;
}

static bool is_closed(int group, const char *name) {
	return cgroup_number(group, name) == 0;
}

int cgroup_close_pool(int dir) {
	return each_pool(dir, close_one);
}

bool cgroup_pool_closed(int dir) {
	return each_pool(dir, is_closed) == 0;
}

unsigned cgroup_controllers(int dir, const char *name) {
	static const struct {
		const char *name;
		unsigned bit;
	} known[] = {
		{ "memory", CGROUP_MEMORY }, { "pids", CGROUP_PIDS },       { "cpu", CGROUP_CPU },
		{ "io", CGROUP_IO },         { "hugetlb", CGROUP_HUGETLB },
	};
	char text[512], *word, *rest = NULL;
	unsigned found = 0;

	if (cgroup_read(dir, name, text, sizeof(text)) < 0)
		return 0;
	for (word = strtok_r(text, " ", &rest); word; word = strtok_r(NULL, " ", &rest))
		for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
			if (!strcmp(word, known[i].name))
				found |= known[i].bit;
	return found;
}

void cgroup_stat(int dir, struct caisson_stat *stat) {
	memset(stat, 0xff, sizeof(*stat)); /* all of it unknown */
	stat->memory = cgroup_number(dir, "memory.current");
	stat->memory_peak = cgroup_number(dir, "memory.peak"); /* Linux 5.19 */
	stat->memory_limit = cgroup_number(dir, "memory.max");
	stat->swap = cgroup_number(dir, "memory.swap.current");
	stat->swap_limit = cgroup_number(dir, "memory.swap.max");
	stat->pids = cgroup_number(dir, "pids.current");
	stat->pids_peak = cgroup_number(dir, "pids.peak"); /* Linux 6.6 */
	stat->pids_limit = cgroup_number(dir, "pids.max");
	stat->cpu_usec = cgroup_field(dir, "cpu.stat", "usage_usec");
	stat->cpu_throttled_usec = cgroup_field(dir, "cpu.stat", "throttled_usec");
	stat->cpu_limit = cgroup_cpu_percent(dir);
	stat->oom_kills = cgroup_field(dir, "memory.events", "oom_kill");
}
