/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Sources: descriptors that the caller opened with its own rights become
 * detached clones, before any namespace is made (afterwards the kernel refuses:
 * they would belong to a foreign mount namespace). No host path that a user
 * supplied is ever resolved here, and no foreign file system is asked anything:
 * a FUSE server could answer with a hang.
 */
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include "helper.h"
#include "sys.h"

/*
 * Clone with everything mounted below (a clone without would show what those
 * mounts hide). Flags and propagation in one call on the detached tree, which
 * nobody else can reach: a clone keeps the host's peer group otherwise, and an
 * unmount inside would unmount the host's. Flags are only ever added.
 */
static int clone_tree(int fd, uint64_t attr)
{
	int tree = sys_open_tree(fd);

	need_knob(tree >= 0, errno == ENOSYS ? CAISSON_KNOB_KERNEL : CAISSON_KNOB_SOURCE_MOUNT,
	          NR_open_tree);
	need(sys_mount_setattr(tree, SYS_AT_RECURSIVE, SYS_MOUNT_ATTR_NOSUID | attr, MS_PRIVATE) ==
	             0,
	     KERNEL, NR_mount_setattr);
	close(fd);
	return tree;
}

static uint64_t flags_of(const struct caisson_plan_record *r)
{
	if (r->op == CAISSON_OP_DEVICE)
		return SYS_MOUNT_ATTR_NOEXEC | SYS_MOUNT_ATTR_RDONLY;
	return SYS_MOUNT_ATTR_NODEV |
	       (r->flags & CAISSON_BIND_RDONLY ? SYS_MOUNT_ATTR_RDONLY : 0u) |
	       (r->flags & CAISSON_BIND_NOEXEC ? SYS_MOUNT_ATTR_NOEXEC : 0u);
}

/* What the source is, from the mount that it lies on and from itself. */
static void judge(int proc, const struct caisson_plan_record *r, struct facts *facts)
{
	const struct mount *m = mounts.mount, *end = m + mounts.n;
	struct sys_stat st = sys_peek(CAISSON_FD_SOURCES + r->fd);
	int id = st.mount ? (int)st.mount : mount_id(proc, CAISSON_FD_SOURCES + r->fd);

	while (m < end && m->id != id)
		m++;
	errno = EINVAL;
	need(m < end, SOURCE_MOUNT, 0); /* detached, or of another namespace */
	facts->fstype = m->fstype;
	facts->device = st.rdev;
	/* Mode 0: a foreign file system, whose word is not asked for. */
	if (r->op == CAISSON_OP_DEVICE)
		need(S_ISCHR(st.mode), SOURCE_TYPE, st.mode);
	else
		need(!st.mode || S_ISDIR(st.mode) || S_ISREG(st.mode) || S_ISSOCK(st.mode),
		     SOURCE_TYPE, st.mode);
}

void sources_take(const struct plan *plan, uid_t uid, int proc, int *tree)
{
	struct facts facts = { .uid = uid };
	const struct caisson_plan_record whole = { 0 }; /* the request as such */
	uint32_t n = plan->head->fds, knob = policy_decide(&whole, &facts);

	at.stage = CAISSON_STAGE_POLICY;
	errno = EACCES;
	need_knob(knob == 0, knob, 0);
	if (n)
		mounts_read(proc);
	errno = E2BIG; /* before the clones, every one of which may be all of the host's tree */
	need(n <= MAX_BINDS && n * mounts.n <= MAX_CLONED, POLICY, MAX_BINDS);
	for (at.record = 0; at.record < plan->head->records; at.record++) {
		const struct caisson_plan_record *r = &plan->record[at.record];

		at.stage = CAISSON_STAGE_SOURCE;
		if (r->fd >= 0)
			judge(proc, r, &facts);
		at.stage = CAISSON_STAGE_POLICY;
		knob = policy_decide(r, &facts);
		errno = EACCES;
		need_knob(knob == 0, knob, 0);
	}
	at.stage = CAISSON_STAGE_SOURCE;
	for (at.record = 0; at.record < plan->head->records; at.record++) {
		const struct caisson_plan_record *r = &plan->record[at.record];

		if (r->fd >= 0)
			tree[r->fd] = clone_tree(CAISSON_FD_SOURCES + r->fd, flags_of(r));
	}
	at.record = CAISSON_NO_RECORD;
}
