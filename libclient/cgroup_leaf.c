/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A group without children, for one sandbox. Its directory is locked by whoever
 * uses it, so that what a killed run has left can be told from what another run
 * has made just now, also from another pid namespace.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "limits_impl.h"

#define SWEEP_MOST 1024 /* of the entries of a directory that others may fill */

/* ------------------------------------------------------------ made and found */

static int make_once(struct leaf *leaf) {
	uint64_t random;
	int error;

	if (getrandom(&random, sizeof(random), 0) != sizeof(random))
		return -1;
	snprintf(leaf->name, sizeof(leaf->name), "caisson-%d-%016llx", getpid(),
	         (unsigned long long)random);
	if (mkdirat(leaf->parent, leaf->name, 0755) < 0)
		return -1;
	leaf->dir =
		openat(leaf->parent, leaf->name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	if (leaf->dir >= 0 && flock(leaf->dir, LOCK_EX | LOCK_NB) == 0 &&
	    faccessat(leaf->dir, "cgroup.procs", W_OK, AT_EACCESS) == 0)
		return 0;
	error = errno;
	if (leaf->dir >= 0)
		close(leaf->dir);
	leaf->dir = -1;
	unlinkat(leaf->parent, leaf->name, AT_REMOVEDIR);
	errno = error;
	return -1;
}

static struct leaf *fresh(int parent) {
	struct leaf *leaf = calloc(1, sizeof(*leaf));

	if (!leaf)
		return NULL;
	leaf->dir = -1;
	leaf->parent = parent;
	leaf->parents_kills = cgroup_field(parent, "memory.events", "oom_kill");
	return leaf;
}

struct leaf *leaf_make(int parent, const char *parent_path) {
	int error, tries = 5, copy = fcntl(parent, F_DUPFD_CLOEXEC, 3);
	struct leaf *leaf = copy < 0 ? NULL : fresh(copy);

	if (!leaf) {
		if (copy >= 0)
			close(copy);
		return NULL;
	}
	/* Another run that sweeps may take it away before it is locked. */
	while (make_once(leaf) < 0) {
		error = errno;
		if ((error != ENOENT && error != ENODEV && error != EWOULDBLOCK &&
		     error != EEXIST) ||
		    --tries == 0)
			goto failed;
	}
	error = ENOMEM;
	if (asprintf(&leaf->path, "%s/%s", parent_path, leaf->name) < 0)
		leaf->path = NULL;
	if (leaf->path)
		return leaf;
failed:
	leaf_free(leaf);
	errno = error;
	return NULL;
}

struct leaf *leaf_adopt(int dir, int parent, const char *path) {
	struct leaf *leaf = fresh(parent);

	if (leaf) {
		leaf->dir = dir;
		leaf->scope = true;
		leaf->path = strdup(path);
	}
	if (leaf && leaf->path)
		return leaf;
	close(dir);
	close(parent);
	free(leaf);
	return NULL;
}

/* ------------------------------------------------------------------- limits */

/* before, number, after: "default 200", "150000 100000" */
static int set(int dir, const char *name, const char *before, uint64_t value, const char *after,
               const char **file) {
	char text[64];

	*file = name;
	snprintf(text, sizeof(text), "%s%llu%s", before, (unsigned long long)value, after);
	return cgroup_write(dir, name, text);
}

static bool has(int dir, const char *name) {
	return faccessat(dir, name, F_OK, AT_EACCESS) == 0;
}

/* No swap, where a limit of memory says nothing else; a kernel may not count it. */
static bool swap_asked(const struct leaf *leaf, const struct limits_asked *asked, uint64_t *value) {
	*value = limits_has(asked, CAISSON_LIMIT_SWAP)
	                 ? limits_pages(asked->value[CAISSON_LIMIT_SWAP])
	                 : 0;
	return limits_has(asked, CAISSON_LIMIT_SWAP) ||
	       (limits_has(asked, CAISSON_LIMIT_MEMORY) && has(leaf->dir, "memory.swap.max"));
}

int leaf_set(const struct leaf *leaf, const struct limits_asked *asked, const char **file) {
	const uint64_t *value = asked->value;
	int rc = 0, dir = leaf->dir;
	uint64_t swap;

	/* All of a sandbox or nothing: one that lost a process would go on in a way nobody tested. */
	if (has(dir, "memory.oom.group"))
		rc = set(dir, "memory.oom.group", "", 1, "", file);
	if (rc == 0 && asked->no_pool) {
		*file = "hugetlb.*.max";
		rc = cgroup_close_pool(dir);
	}
	if (leaf->scope) /* the others are set by systemd, which would not know otherwise */
		return rc;
	if (rc == 0 && limits_has(asked, CAISSON_LIMIT_MEMORY))
		rc = set(dir, "memory.max", "", limits_pages(value[CAISSON_LIMIT_MEMORY]), "",
		         file);
	if (rc == 0 && swap_asked(leaf, asked, &swap))
		rc = set(dir, "memory.swap.max", "", swap, "", file);
	if (rc == 0 && limits_has(asked, CAISSON_LIMIT_PIDS))
		rc = set(dir, "pids.max", "", value[CAISSON_LIMIT_PIDS], "", file);
	if (rc == 0 && limits_has(asked, CAISSON_LIMIT_CPU)) /* microseconds of 100000 */
		rc = set(dir, "cpu.max", "", value[CAISSON_LIMIT_CPU] * 1000, " 100000", file);
	if (rc == 0 && limits_has(asked, CAISSON_LIMIT_IO_WEIGHT))
		rc = set(dir, "io.weight", "default ", value[CAISSON_LIMIT_IO_WEIGHT], "", file);
	return rc;
}

static bool same(int dir, const char *name, uint64_t wanted, const char **file) {
	*file = name;
	return cgroup_number(dir, name) == wanted;
}

int leaf_check(struct leaf *leaf, const struct limits_asked *asked, const char **file) {
	const uint64_t *value = asked->value;
	int dir = leaf->dir;
	bool good = true;
	uint64_t swap;

	if (limits_has(asked, CAISSON_LIMIT_MEMORY))
		good = same(dir, "memory.oom.group", 1, file) &&
		       same(dir, "memory.max", limits_pages(value[CAISSON_LIMIT_MEMORY]), file);
	if (good && swap_asked(leaf, asked, &swap))
		good = same(dir, "memory.swap.max", swap, file);
	if (good && limits_has(asked, CAISSON_LIMIT_PIDS))
		good = same(dir, "pids.max", value[CAISSON_LIMIT_PIDS], file);
	if (good && limits_has(asked, CAISSON_LIMIT_CPU)) {
		*file = "cpu.max";
		good = cgroup_cpu_percent(dir) == value[CAISSON_LIMIT_CPU];
	}
	if (good && limits_has(asked, CAISSON_LIMIT_IO_WEIGHT)) {
		*file = "io.weight";
		good = cgroup_field(dir, "io.weight", "default") == value[CAISSON_LIMIT_IO_WEIGHT];
	}
	if (good && asked->no_pool) {
		*file = "hugetlb.*.max";
		good = cgroup_pool_closed(dir);
	}
	leaf->asked = *asked;
	leaf->asked.dir = NULL;
	leaf->by = limits_text(asked);
	return !good ? -EIO : leaf->by ? 0 : -ENOMEM;
}

/* ------------------------------------------------------------------ the end */

static void say_why(struct leaf *leaf, bool own) {
	char memory[32], swap[32];
	const uint64_t *value = leaf->asked.value;
	uint64_t swapped =
		limits_has(&leaf->asked, CAISSON_LIMIT_SWAP) ? value[CAISSON_LIMIT_SWAP] : 0;

	limits_size(limits_pages(value[CAISSON_LIMIT_MEMORY]), memory);
	limits_size(limits_pages(swapped), swap);
	if (own && limits_has(&leaf->asked, CAISSON_LIMIT_MEMORY))
		snprintf(leaf->text, sizeof(leaf->text),
		         "the sandbox used up its memory limit of %s%s%s", memory,
		         swapped ? ", and of swap " : "", swapped ? swap : "");
	else
		snprintf(leaf->text, sizeof(leaf->text),
		         "the sandbox was ended because the memory of the host, or of a group that "
		         "it is in, was used up");
	leaf->why = leaf->text;
}

void leaf_over(struct leaf *leaf) {
	uint64_t kills, oom;

	if (leaf->over)
		return;
	cgroup_stat(leaf->dir, &leaf->last);
	kills = leaf->last.oom_kills;
	oom = cgroup_field(leaf->dir, "memory.events", "oom");
	/*
	 * systemd may have been faster and removed its scope. The parent then has the
	 * number, together with that of others.
	 */
	if (kills == CAISSON_UNKNOWN && leaf->scope && leaf->parents_kills != CAISSON_UNKNOWN) {
		kills = cgroup_field(leaf->parent, "memory.events", "oom_kill");
		kills = kills == CAISSON_UNKNOWN ? 0 : kills - leaf->parents_kills;
		oom = kills;
	}
	if (kills != CAISSON_UNKNOWN && kills > 0)
		say_why(leaf, oom != CAISSON_UNKNOWN && oom > 0);
	leaf->over = true;
}

/* Until the kernel has taken the last zombie out of it: for at most two seconds. */
static void remove_it(const struct leaf *leaf) {
	const struct timespec pause = { .tv_nsec = 2000000 };

	for (int i = 0; i < 1000; i++) {
		if (unlinkat(leaf->parent, leaf->name, AT_REMOVEDIR) == 0 || errno != EBUSY)
			return;
		if (i == 500) /* Linux 5.14; what is left here has no business to be */
			cgroup_write(leaf->dir, "cgroup.kill", "1");
		nanosleep(&pause, NULL);
	}
}

void leaf_free(struct leaf *leaf) {
	if (!leaf)
		return;
	if (leaf->dir >= 0 && !leaf->scope)
		remove_it(leaf);
	if (leaf->dir >= 0)
		close(leaf->dir);
	if (leaf->parent >= 0)
		close(leaf->parent);
	free(leaf->path);
	free(leaf->by);
	free(leaf);
}

static bool is_ours(const char *name) {
	static const char hex[] = "0123456789abcdef";
	size_t digits;

	if (strncmp(name, "caisson-", 8) != 0)
		return false;
	name += 8;
	digits = strspn(name, "0123456789");
	return digits > 0 && digits < 11 && name[digits] == '-' &&
	       strlen(name + digits + 1) == 16 && strspn(name + digits + 1, hex) == 16;
}

void leaf_sweep(int parent) {
	int copy = openat(parent, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = copy < 0 ? NULL : fdopendir(copy);
	const struct dirent *entry;
	int one;

	if (!dir) {
		if (copy >= 0)
			close(copy);
		return;
	}
	/* cppcheck-suppress readdirCalled */ /* a DIR of our own */
	for (int i = 0; i < SWEEP_MOST && (entry = readdir(dir)) != NULL; i++) {
		if (!is_ours(entry->d_name))
			continue;
		one = openat(parent, entry->d_name,
		             O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
		if (one < 0)
			continue;
		/* One with processes in it stays: that is EBUSY. */
		if (flock(one, LOCK_EX | LOCK_NB) == 0)
			unlinkat(parent, entry->d_name, AT_REMOVEDIR);
		close(one);
	}
	closedir(dir);
}
