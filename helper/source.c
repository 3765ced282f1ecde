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

/* A node is what its owner says: only root's, on a devtmpfs that is mounted for devices. */
static uint64_t device_of(int fd, const struct mount *m)
{
	struct stat st;

	errno = EPERM;
	need(!strcmp(m->fstype, "devtmpfs") && !strstr(m->options, "nodev"), SOURCE_DEVICE, 0);
	need(fstat(fd, &st) == 0 && S_ISCHR(st.st_mode) && st.st_uid == 0, SOURCE_DEVICE, 0);
	return st.st_rdev;
}

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

void sources_take(const struct plan *plan, uid_t uid, int proc, int *tree)
{
	static struct mounts mounts;
	struct facts facts = { .uid = uid };

	errno = E2BIG;
	need(plan->head->fds <= MAX_BINDS, POLICY, MAX_BINDS);
	if (plan->head->fds)
		mounts_read(proc, &mounts);
	for (at.record = 0; at.record < plan->head->records; at.record++) {
		const struct caisson_plan_record *r = &plan->record[at.record];
		const struct mount *m = mounts.mount, *end = m + mounts.n;
		int fd = CAISSON_FD_SOURCES + r->fd;

		at.stage = CAISSON_STAGE_SOURCE;
		if (r->fd >= 0) {
			int id = mount_id(proc, fd);

			while (m < end && m->id != id)
				m++;
			errno = EINVAL; /* detached, or of another namespace */
			need(m < end, SOURCE_MOUNT, 0);
			facts.fstype = m->fstype;
		}
		if (r->op == CAISSON_OP_DEVICE)
			facts.device = device_of(fd, m);
		uint32_t knob = policy_decide(r, &facts);

		errno = EACCES;
		need_knob(knob == 0, knob, 0);
		if (r->op == CAISSON_OP_DEVICE)
			tree[r->fd] = clone_tree(fd, SYS_MOUNT_ATTR_NOEXEC | SYS_MOUNT_ATTR_RDONLY);
		else if (r->op == CAISSON_OP_BIND)
			tree[r->fd] = clone_tree(
				fd, SYS_MOUNT_ATTR_NODEV |
					    (r->flags & CAISSON_BIND_RDONLY ? SYS_MOUNT_ATTR_RDONLY
			                                                    : 0u) |
					    (r->flags & CAISSON_BIND_NOEXEC ? SYS_MOUNT_ATTR_NOEXEC
			                                                    : 0u));
	}
	at.record = CAISSON_NO_RECORD;
}
