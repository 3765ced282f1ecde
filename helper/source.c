/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Sources: descriptors that the caller opened with its own rights become
 * detached clones, before any namespace is made (afterwards the kernel refuses:
 * the descriptor would belong to a foreign mount namespace). No host path that
 * a user supplied is ever resolved here, and no foreign file system is asked
 * anything: a FUSE server could answer with a hang.
 */
#include <errno.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "helper.h"
#include "sys.h"

const char *const node_names[NODES] = { "null", "zero", "full", "random", "urandom", "tty" };
static const struct {
	unsigned major, minor;
} node_ids[NODES] = { { 1, 3 }, { 1, 5 }, { 1, 7 }, { 1, 8 }, { 1, 9 }, { 5, 0 } };

/* Is there a server behind it that fstat would have to ask? */
static bool foreign(const char *fstype)
{
	static const char *const types[] = { "fuse", "nfs",  "cifs",     "smb3",  "9p",    "ceph",
		                             "afs",  "coda", "virtiofs", "vboxsf", "orangefs", "lustre" };

	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		if (!strncmp(fstype, types[i], strlen(types[i])))
			return true;
	return false;
}

/* The type of the file system of the mount that each source lies on, in one pass over mountinfo. */
static void find_types(int proc, const int *ids, uint32_t n, char (*types)[64])
{
	static struct mount_reader reader;
	static struct mount_line line;
	int rc = mounts_open(&reader, proc);

	if (rc < 0)
		fail(CAISSON_STAGE_SOURCE, rc, CAISSON_KNOB_PROC, CAISSON_NO_RECORD, 0);
	while ((rc = mounts_next(&reader, &line)) > 0)
		for (uint32_t i = 0; i < n; i++)
			if (ids[i] == line.id)
				memcpy(types[i], line.fstype, sizeof(line.fstype));
	if (rc < 0)
		fail(CAISSON_STAGE_SOURCE, rc, CAISSON_KNOB_PROC, CAISSON_NO_RECORD, 0);
	close(reader.fd);
}

/* A directory or a regular file, as the plan says; a foreign one's word is not asked for. */
static void check_type(int fd, const char *fstype, bool dir, uint32_t record)
{
	struct stat st;

	if (foreign(fstype))
		return;
	if (fstat(fd, &st) < 0)
		fail(CAISSON_STAGE_SOURCE, errno, CAISSON_KNOB_SOURCE_TYPE, record, 0);
	if (dir ? !S_ISDIR(st.st_mode) : !S_ISREG(st.st_mode) && !S_ISSOCK(st.st_mode))
		fail(CAISSON_STAGE_SOURCE, EINVAL, CAISSON_KNOB_SOURCE_TYPE, record,
		     st.st_mode & S_IFMT);
}

/*
 * Clone with everything mounted below (a clone without would show what those
 * mounts hide). Flags and propagation in one call on the detached tree, which
 * nobody else can reach: a clone keeps the host's peer group otherwise, and
 * an unmount inside would unmount the host's. Flags are only ever added.
 */
static int clone_tree(int dir, const char *path, unsigned at_flags, uint64_t attr, uint32_t record)
{
	int tree = sys_open_tree(dir, path,
	                         at_flags | SYS_OPEN_TREE_CLONE | SYS_OPEN_TREE_CLOEXEC |
	                                 SYS_AT_RECURSIVE);

	if (tree < 0)
		fail(CAISSON_STAGE_CLONE_TREE, errno,
		     errno == ENOSYS  ? CAISSON_KNOB_KERNEL
		     : errno == EPERM ? CAISSON_KNOB_CAPABILITY
		                      : CAISSON_KNOB_SOURCE_MOUNT,
		     record, errno == ENOSYS ? NR_open_tree : CAP_SYS_ADMIN);
	if (sys_mount_setattr(tree, SYS_AT_RECURSIVE, attr, MS_PRIVATE) < 0)
		fail(CAISSON_STAGE_CLONE_TREE, errno, CAISSON_KNOB_KERNEL, record,
		     NR_mount_setattr);
	return tree;
}

static void take_binds(const struct plan *plan, uid_t uid, struct sources *s)
{
	static int ids[CAISSON_PLAN_MAX_FDS];
	static char types[CAISSON_PLAN_MAX_FDS][64];
	struct facts facts = { .uid = uid };

	for (uint32_t i = 0; i < plan->head.fds; i++)
		ids[i] = mount_id(s->proc, CAISSON_FD_SOURCES + (int)i);
	if (plan->head.fds > 0)
		find_types(s->proc, ids, plan->head.fds, types);

	for (uint32_t i = 0; i < plan->head.records; i++) {
		const struct caisson_plan_record *r = &plan->record[i];
		bool bind = r->op == CAISSON_OP_BIND;
		int fd = CAISSON_FD_SOURCES + r->fd;

		/* A detached mount, or one of another namespace, is not in our mountinfo. */
		if (bind && (ids[r->fd] < 0 || types[r->fd][0] == '\0'))
			fail(CAISSON_STAGE_SOURCE, EINVAL, CAISSON_KNOB_SOURCE_MOUNT, i, 0);
		facts.fstype = bind ? types[r->fd] : NULL;
		struct verdict verdict = policy_decide(r, &facts);

		if (!verdict.allowed)
			fail(CAISSON_STAGE_POLICY, EACCES, verdict.knob, i, verdict.line);
		if (!bind)
			continue;
		facts.binds++;
		check_type(fd, types[r->fd], r->flags & CAISSON_BIND_DIR, i);
		s->tree[r->fd] = clone_tree(
			fd, "", SYS_AT_EMPTY_PATH,
			SYS_MOUNT_ATTR_NOSUID | SYS_MOUNT_ATTR_NODEV |
				(r->flags & CAISSON_BIND_RDONLY ? SYS_MOUNT_ATTR_RDONLY : 0) |
				(r->flags & CAISSON_BIND_NOEXEC ? SYS_MOUNT_ATTR_NOEXEC : 0),
			i);
		close(fd);
	}
}

/*
 * The harmless devices, by constant paths that only root can change, each
 * checked to be the device it is named after: a fake /dev/null masks nothing.
 */
static void take_nodes(struct sources *s)
{
	char path[16] = "/dev/";
	struct stat st;

	for (unsigned i = 0; i < NODES; i++) {
		strcpy(path + 5, node_names[i]);
		s->node[i] = clone_tree(AT_FDCWD, path, AT_SYMLINK_NOFOLLOW,
		                        SYS_MOUNT_ATTR_NOSUID | SYS_MOUNT_ATTR_NOEXEC |
		                                SYS_MOUNT_ATTR_RDONLY,
		                        CAISSON_NO_RECORD);
		if (fstat(s->node[i], &st) < 0 || !S_ISCHR(st.st_mode) ||
		    st.st_rdev != makedev(node_ids[i].major, node_ids[i].minor))
			fail(CAISSON_STAGE_SOURCE, ENODEV, CAISSON_KNOB_SOURCE_TYPE,
			     CAISSON_NO_RECORD, i);
	}
}

void sources_take(const struct plan *plan, uid_t uid, struct sources *s)
{
	bool dev = false;

	take_binds(plan, uid, s);
	for (uint32_t i = 0; i < plan->head.records; i++)
		dev |= plan->record[i].op == CAISSON_OP_DEV;
	if (dev)
		take_nodes(s);
}
