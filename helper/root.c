/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The sandbox's root, built by the child in its own mount namespace: a tmpfs
 * over "/", the clones attached below it by descriptor, then pivot_root, and
 * the host's tree is gone. Two kinds of destination: what the helper itself
 * makes is reached relative to the fd of the mount it made, with no symlink;
 * what a user names resolves below the new root with the caller's fsuid.
 * Nodes are created on file systems that the helper made, and nowhere else.
 */
#include <errno.h>
#include <sched.h>
#include <string.h>
#include <sys/fsuid.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "helper.h"
#include "sys.h"

struct site {
	int root; /* dirfd of the tmpfs that becomes "/" */
	uid_t uid;
	gid_t gid;
	uint32_t record; /* being carried out */
	dev_t own[CAISSON_PLAN_MAX_RECORDS + 2]; /* file systems made here; [0] is the root's */
	unsigned n_own;
};

static _Noreturn void lost(const struct site *site, int error, uint32_t knob)
{
	fail(CAISSON_STAGE_MOUNT, error, knob, site->record, 0);
}

/* An id change, even of the fsuid, may make a setuid process dumpable again. */
static void act_as(uid_t uid)
{
	setfsuid(uid);
	if (setfsuid(uid) != (int)uid || prctl(PR_SET_DUMPABLE, 0) < 0)
		fail(CAISSON_STAGE_MOUNT, EPERM, CAISSON_KNOB_CAPABILITY, CAISSON_NO_RECORD,
		     CAP_SETUID);
}

int new_fs(const char *type, const char *const options[][2], unsigned attr)
{
	int fs = (int)syscall(NR_fsopen, type, SYS_FSOPEN_CLOEXEC);
	int mnt = -1;

	if (fs < 0)
		return -errno;
	for (; options && (*options)[0]; options++)
		if (sys_fsconfig(fs, SYS_FSCONFIG_SET_STRING, (*options)[0], (*options)[1]) < 0)
			goto out;
	if (sys_fsconfig(fs, SYS_FSCONFIG_CMD_CREATE, NULL, NULL) == 0)
		mnt = (int)syscall(NR_fsmount, fs, SYS_FSMOUNT_CLOEXEC,
		                   attr | SYS_MOUNT_ATTR_NOSUID);
out:
	mnt = mnt < 0 ? -errno : mnt;
	close(fs);
	return mnt;
}

/* A user's destination, as far as the caller itself may go, never out of the new root. */
static int walk(const struct site *site, const char *path)
{
	int fd;

	act_as(site->uid);
	fd = sys_openat2(site->root, path, O_PATH | O_CLOEXEC,
	                 SYS_RESOLVE_IN_ROOT | SYS_RESOLVE_NO_MAGICLINKS);
	fd = fd < 0 ? -errno : fd;
	act_as(0);
	return fd;
}

/* 0: not a file system of ours; 1: the root; 2: one that belongs to the user. */
static int owned(const struct site *site, int fd)
{
	struct statx st;

	/* mask 0 and no sync: a FUSE server is not asked */
	if (statx(fd, "", SYS_AT_EMPTY_PATH | AT_STATX_DONT_SYNC, 0, &st) < 0)
		return 0;
	for (unsigned i = 0; i < site->n_own; i++)
		if (site->own[i] == makedev(st.stx_dev_major, st.stx_dev_minor))
			return i == 0 ? 1 : 2;
	return 0;
}

/* Create one node below a directory of ours. Nobody else can reach it yet: no race to lose. */
static int create(const struct site *site, int dir, const char *name, bool is_dir)
{
	int kind = owned(site, dir);
	int fd;

	if (!kind)
		return -ENOENT;
	if (is_dir) {
		if (mkdirat(dir, name, 0755) < 0)
			return -errno;
	} else {
		fd = openat(dir, name, O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC | O_WRONLY, 0644);
		if (fd < 0)
			return -errno;
		close(fd);
	}
	if (kind == 2 && fchownat(dir, name, site->uid, site->gid, AT_SYMLINK_NOFOLLOW) < 0)
		return -errno;
	return 0;
}

/* An O_PATH fd of path, made if it is missing and lies on a file system of ours. */
static int place(const struct site *site, const char *path, bool is_dir)
{
	char prefix[CAISSON_PLAN_MAX_PATH + 1];
	int dir, fd = walk(site, path);
	size_t start = 1, n;

	if (fd != -ENOENT)
		return fd;
	dir = dup(site->root);
	for (const char *end = path; *end && dir >= 0; start = n + 1) {
		end = strchrnul(path + start, '/');
		n = (size_t)(end - path);
		memcpy(prefix, path, n);
		prefix[n] = '\0';
		fd = walk(site, prefix);
		if (fd == -ENOENT) {
			int rc = create(site, dir, prefix + start, is_dir || *end);

			fd = rc < 0 ? rc : walk(site, prefix);
		}
		close(dir);
		dir = fd;
	}
	return dir;
}

static void attach(const struct site *site, int mnt, int place_fd)
{
	if (place_fd < 0)
		lost(site, place_fd, CAISSON_KNOB_DESTINATION);
	if (mnt < 0)
		lost(site, mnt, CAISSON_KNOB_NONE);
	if (sys_move_mount(mnt, place_fd, "", SYS_MOVE_MOUNT_T_EMPTY_PATH) < 0)
		lost(site, errno, CAISSON_KNOB_DESTINATION);
	close(place_fd);
}

static void own(struct site *site, int mnt)
{
	struct stat st;

	if (mnt < 0 || fstat(mnt, &st) < 0)
		lost(site, mnt < 0 ? mnt : errno, CAISSON_KNOB_NONE);
	site->own[site->n_own++] = st.st_dev;
}

static void do_tmpfs(struct site *site, const char *path, uint64_t size, uint64_t mode)
{
	char size_text[24], mode_text[8], uid_text[24], gid_text[24];
	const char *const options[][2] = { { "size", size_text }, { "mode", mode_text },
		                           { "uid", uid_text },   { "gid", gid_text },
		                           { NULL, NULL } };
	int mnt;

	put_number(size_text, size);
	put_number(uid_text, site->uid);
	put_number(gid_text, site->gid);
	for (int i = 0; i < 4; i++)
		mode_text[i] = (char)('0' + (mode >> (9 - 3 * i) & 7));
	mode_text[4] = '\0';
	mnt = new_fs("tmpfs", options, SYS_MOUNT_ATTR_NODEV);
	own(site, mnt);
	attach(site, mnt, place(site, path, true));
	close(mnt);
}

static void do_dir(struct site *site, const char *path, uint64_t mode)
{
	int fd = place(site, path, true);
	int dir;

	if (fd < 0 || !owned(site, fd))
		lost(site, fd < 0 ? fd : EEXIST, CAISSON_KNOB_DESTINATION);
	dir = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0 || fchmod(dir, (mode_t)mode) < 0)
		lost(site, errno, CAISSON_KNOB_DESTINATION);
	close(dir);
	close(fd);
}

static void do_symlink(struct site *site, const char *path, const char *target)
{
	char parent[CAISSON_PLAN_MAX_PATH + 1];
	const char *slash = strrchr(path, '/');
	size_t n = (size_t)(slash - path);
	int fd;

	memcpy(parent, path, n);
	parent[n] = '\0';
	fd = n ? place(site, parent, true) : dup(site->root);
	if (fd < 0 || !owned(site, fd))
		lost(site, fd < 0 ? fd : EROFS, CAISSON_KNOB_DESTINATION);
	if (symlinkat(target, fd, slash + 1) < 0)
		lost(site, errno, CAISSON_KNOB_DESTINATION);
	close(fd);
}

/* Below a tmpfs of the helper's own, relative to its dirfd, before anyone else can reach it. */
static void do_dev(struct site *site, const char *path, const struct sources *sources, int proc,
                   struct built *built)
{
	static const char *const dev[][2] = { { "mode", "0755" }, { "nr_inodes", "64" }, { NULL, NULL } };
	static const char *const shm[][2] = { { "mode", "1777" }, { NULL, NULL } };
	static const char *const pts[][2] = {
		{ "mode", "0620" }, { "ptmxmode", "0666" }, { NULL, NULL }
	};
	static const char *const links[][2] = { { "fd", "/proc/self/fd" },
		                                { "stdin", "/proc/self/fd/0" },
		                                { "stdout", "/proc/self/fd/1" },
		                                { "stderr", "/proc/self/fd/2" },
		                                { "ptmx", "pts/ptmx" } };
	int mnt = new_fs("tmpfs", dev, SYS_MOUNT_ATTR_NODEV | SYS_MOUNT_ATTR_NOEXEC);
	int ptsfs = new_fs("devpts", pts, SYS_MOUNT_ATTR_NOEXEC);

	attach(site, mnt, place(site, path, true));
	for (unsigned i = 0; i < NODES; i++) {
		int fd = openat(mnt, node_names[i], O_CREAT | O_EXCL | O_CLOEXEC | O_WRONLY, 0444);

		attach(site, sources->node[i], fd);
	}
	for (unsigned i = 0; i < sizeof(links) / sizeof(links[0]); i++)
		if (symlinkat(links[i][1], mnt, links[i][0]) < 0)
			lost(site, errno, CAISSON_KNOB_NONE);
	if (mkdirat(mnt, "shm", 0755) < 0 || mkdirat(mnt, "pts", 0755) < 0)
		lost(site, errno, CAISSON_KNOB_NONE);
	attach(site, new_fs("tmpfs", shm, SYS_MOUNT_ATTR_NODEV),
	       openat(mnt, "shm", O_PATH | O_DIRECTORY | O_CLOEXEC));
	attach(site, ptsfs,
	       openat(mnt, "pts", O_PATH | O_DIRECTORY | O_CLOEXEC));
	if (sys_mount_setattr(mnt, 0, SYS_MOUNT_ATTR_RDONLY, 0) < 0)
		lost(site, errno, CAISSON_KNOB_NONE);
	built->bare_devices = NODES + 1;
	built->devpts = mount_id(proc, ptsfs);
	close(mnt);
}

static void carry_out(struct site *site, const struct plan *plan, const struct sources *sources,
                      int proc, struct built *built)
{
	const struct caisson_plan_record *r = &plan->record[site->record];
	const char *name = plan->names + r->name;

	switch (r->op) {
	case CAISSON_OP_BIND:
		attach(site, sources->tree[r->fd], place(site, name, r->flags & CAISSON_BIND_DIR));
		break;
	case CAISSON_OP_TMPFS:
		do_tmpfs(site, name, r->a, r->b);
		break;
	case CAISSON_OP_DIR:
		do_dir(site, name, r->b);
		break;
	case CAISSON_OP_SYMLINK:
		do_symlink(site, name, plan->names + r->a);
		break;
	case CAISSON_OP_PROC:
		attach(site, proc, place(site, name, true));
		break;
	case CAISSON_OP_DEV:
		do_dev(site, name, sources, proc, built);
		break;
	default: /* what the sandbox is, not what is in it */
		break;
	}
}

/* Switch to the new root and let go of the host's tree: nothing of it is reachable after this. */
static void pivot(const struct site *site)
{
	if (fchdir(site->root) < 0 || syscall(SYS_pivot_root, ".", ".") < 0 ||
	    umount2(".", MNT_DETACH) < 0 || chdir("/") < 0)
		fail(CAISSON_STAGE_PIVOT, errno, CAISSON_KNOB_CAPABILITY, CAISSON_NO_RECORD,
		     CAP_SYS_ADMIN);
}

int root_build(const struct plan *plan, const struct sources *sources, uid_t uid, gid_t gid,
               struct built *built)
{
	static const char *const root[][2] = { { "mode", "0755" }, { "size", "4m" }, { NULL, NULL } };
	static struct site site;
	int proc;

	site.uid = uid;
	site.gid = gid;
	site.record = CAISSON_NO_RECORD;
	/* Nothing done from here on reaches the host's mount namespace. */
	if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		lost(&site, errno, CAISSON_KNOB_CAPABILITY);
	proc = new_fs("proc", NULL, SYS_MOUNT_ATTR_NODEV | SYS_MOUNT_ATTR_NOEXEC);
	site.root = new_fs("tmpfs", root, SYS_MOUNT_ATTR_NODEV);
	if (proc < 0 || site.root < 0)
		fail(CAISSON_STAGE_ROOT, proc < 0 ? proc : site.root,
		     proc < 0 ? CAISSON_KNOB_PROC : CAISSON_KNOB_NONE, CAISSON_NO_RECORD, 0);
	own(&site, site.root);
	/* Attaching inside a detached tree works only from 6.15, so it takes its place first. */
	if (sys_move_mount(site.root, AT_FDCWD, "/", 0) < 0)
		lost(&site, errno, CAISSON_KNOB_CAPABILITY);
	for (uint32_t i = 0; i < plan->head.records; i++) {
		site.record = i;
		carry_out(&site, plan, sources, proc, built);
	}
	site.record = CAISSON_NO_RECORD;
	if (sys_mount_setattr(site.root, 0, SYS_MOUNT_ATTR_RDONLY, 0) < 0)
		lost(&site, errno, CAISSON_KNOB_NONE);
	built->proc = mount_id(proc, proc);
	pivot(&site);
	return proc;
}
