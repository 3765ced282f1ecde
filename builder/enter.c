/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The first of two user namespaces: in it this process may mount. Its mount namespace is a
 * copy of the caller's, and a descriptor that was opened before belongs to the other one:
 * no mount can be cloned from it. So the sources, which the caller opened with its own
 * rights, are opened anew by the paths that the kernel tells of them, and each must be the
 * same object. Nobody is protected from the caller here, who could open anything else
 * itself: what counts is that the sandbox gets what was granted.
 */
#include "builder.h"

/* Of source i: what it was, and where. */
static struct sys_stat was[CAISSON_PLAN_MAX_FDS];
static char path[CAISSON_PLAN_MAX_FDS][CAISSON_PLAN_MAX_PATH + 1];

/* Only what is mounted: FILE's memfd is read, and may come from anywhere. */
static bool mounted(const struct caisson_plan_record *r) {
	return r->fd >= 0 && r->op != CAISSON_OP_FILE;
}

static bool same(const struct sys_stat *a, const struct sys_stat *b) {
	return a->ino == b->ino && !memcmp(a->dev, b->dev, sizeof(a->dev));
}

static int open_path(const struct caisson_plan_record *r) {
	int fd = sys_openat2(AT_FDCWD, path[r->fd], O_PATH, RESOLVE_NO_SYMLINKS);

	need(fd >= 0, SOURCE_MOUNT, 1);
	return fd;
}

/*
 * In the caller's mount namespace: the path must lead back to that mount, not to one that
 * was put over it since. Not so if the source was removed, or is of another namespace.
 */
static void find_source(const struct caisson_plan_record *r) {
	int fd = CAISSON_FD_SOURCES + r->fd, there;
	struct sys_stat end;
	char name[40];

	snprintf(name, sizeof(name), "/proc/self/fd/%d", fd);
	path[r->fd][must(readlink(name, path[r->fd], CAISSON_PLAN_MAX_PATH))] = '\0';
	was[r->fd] = sys_peek(fd);
	errno = EINVAL;
	need(!S_ISLNK(was[r->fd].mode), SOURCE_TYPE, was[r->fd].mode);
	there = open_path(r);
	end = sys_peek(there);
	errno = ESTALE;
	need(same(&end, &was[r->fd]) && end.mount == was[r->fd].mount, SOURCE_MOUNT, 1);
	close(there);
}

/* In the copy. Renamed or mounted over meanwhile: it is not the same, or not there. */
static void open_anew(const struct caisson_plan_record *r) {
	int fd = open_path(r);
	struct sys_stat is = sys_peek(fd);

	errno = ESTALE;
	need(same(&is, &was[r->fd]), SOURCE_MOUNT, 1);
	must(dup2(fd, CAISSON_FD_SOURCES + r->fd));
	close(fd);
}

static void each_source(const struct plan *plan, void (*does)(const struct caisson_plan_record *)) {
	at.stage = CAISSON_STAGE_SOURCE;
	for (at.record = 0; at.record < plan->head->records; at.record++)
		if (mounted(&plan->record[at.record]))
			does(&plan->record[at.record]);
	at.record = CAISSON_NO_RECORD;
}

/* A user who has no privilege may map nothing but itself, and only after setgroups is denied. */
static void map_caller(struct ids caller) {
	int self = must(open("/proc/self", O_PATH | O_DIRECTORY | O_CLOEXEC));
	char uids[32], gids[32];

	snprintf(uids, sizeof(uids), "0 %u 1", caller.uid);
	snprintf(gids, sizeof(gids), "0 %u 1", caller.gid);
	write_file(self, "setgroups", "deny");
	write_file(self, "uid_map", uids);
	write_file(self, "gid_map", gids);
	close(self);
}

void enter(const struct plan *plan, struct ids caller) {
	each_source(plan, find_source);
	at.stage = CAISSON_STAGE_USERNS;
	if (unshare(CLONE_NEWUSER | CLONE_NEWNS) < 0)
		fail(errno, CAISSON_KNOB_USERNS_LIMIT, 0);
	map_caller(caller);
	/* Nothing that is mounted outside meanwhile comes in. */
	at.stage = CAISSON_STAGE_NAMESPACES;
	must(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL));
	each_source(plan, open_anew);
}

/* "0 ID 1" */
static uint32_t mapped(const char *file) {
	char *rest = mounts.text;
	unsigned long first, outside, count;

	need(read_text(AT_FDCWD, file) >= 0, PROC, 0);
	first = strtoul(rest, &rest, 10);
	outside = strtoul(rest, &rest, 10);
	count = strtoul(rest, &rest, 10);
	errno = EPERM;
	need(first == 0 && count == 1, ARGUMENTS, 0);
	return (uint32_t)outside;
}

struct ids caller_outside(void) {
	return (struct ids){ mapped("/proc/self/uid_map"), mapped("/proc/self/gid_map") };
}
