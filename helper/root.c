/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The sandbox's root, built by the child in its own mount namespace: a tmpfs
 * over "/", the clones attached below it by descriptor, then pivot_root, and
 * the host's tree is gone. Destinations resolve below the new root and never
 * out of it, with the caller's fsuid; nodes are created on file systems that
 * the helper made, and nowhere else.
 */
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/fsuid.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "helper.h"
#include "sys.h"

static int root;                                 /* dirfd of the tmpfs that becomes "/" */
static dev_t made[CAISSON_PLAN_MAX_RECORDS + 1]; /* file systems made here; [0] is the root's */
static unsigned n_made;

/* An id change, even of the fsuid, may make a setuid process dumpable again. */
static void act_as(uid_t uid)
{
	setfsuid(uid);
	need(setfsuid(uid) == (int)uid && prctl(PR_SET_DUMPABLE, 0) == 0, CAPABILITY, CAP_SETUID);
}

/* An O_PATH fd of path below the new root, as far as the caller itself may go, or -1. */
static int walk(uid_t uid, const char *path)
{
	int fd, error;

	act_as(uid);
	fd = sys_openat2(root, path, O_PATH | O_CLOEXEC,
	                 SYS_RESOLVE_IN_ROOT | SYS_RESOLVE_NO_MAGICLINKS);
	error = errno;
	act_as(0);
	errno = error;
	return fd;
}

/* Does fd lie on a file system made here? A FUSE server is not asked: mask 0, no sync. */
static bool is_made(int fd)
{
	struct statx st;

	if (statx(fd, "", SYS_AT_EMPTY_PATH | AT_STATX_DONT_SYNC, 0, &st) == 0)
		for (unsigned i = 0; i < n_made; i++)
			if (made[i] == makedev(st.stx_dev_major, st.stx_dev_minor))
				return true;
	return false;
}

static void note_made(int mnt)
{
	struct stat st;

	need(fstat(mnt, &st) == 0, NONE, 0);
	made[n_made++] = st.st_dev;
}

/* The directory that path's last component is to be made in; *last: that component. */
static int parent_of(uid_t uid, const char *path, const char **last)
{
	char parent[CAISSON_PLAN_MAX_PATH + 1];
	int fd;

	*last = strrchr(path, '/') + 1;
	snprintf(parent, sizeof(parent), "%.*s", (int)(*last - path), path);
	fd = walk(uid, parent);
	need(fd >= 0, DESTINATION, 0);
	errno = ENOENT;
	need(is_made(fd), DESTINATION, 0);
	return fd;
}

/*
 * What is at path; if nothing is, a directory or an empty file of the caller's
 * is made. Nobody else can reach it yet; the root's own tmpfs becomes read-only.
 */
static int place(const struct box *box, const char *path, mode_t mode)
{
	int dir, fd = walk(box->uid, path);
	const char *last;

	if (fd < 0 && errno == ENOENT) {
		dir = parent_of(box->uid, path, &last);
		need((S_ISDIR(mode) ? mkdirat(dir, last, mode & 07777)
		                    : mknodat(dir, last, S_IFREG | 0444, 0)) == 0 &&
		             fchownat(dir, last, box->uid, box->gid, AT_SYMLINK_NOFOLLOW) == 0,
		     DESTINATION, 0);
		close(dir);
		fd = walk(box->uid, path);
	}
	need(fd >= 0, DESTINATION, 0);
	return fd;
}

static void attach(int mnt, int place_fd)
{
	need(sys_move_mount(mnt, place_fd, "", SYS_MOVE_MOUNT_T_EMPTY_PATH) == 0, DESTINATION, 0);
	close(place_fd);
}

static void carry_out(const struct box *box, const struct caisson_plan_record *r, int proc,
                      struct own *own)
{
	const char *name = box->plan->names + r->name, *last;
	char options[96];
	int fd;

	switch (r->op) {
	case CAISSON_OP_BIND:
		attach(box->tree[r->fd],
		       place(box, name, r->flags & CAISSON_BIND_DIR ? S_IFDIR | 0755 : S_IFREG));
		break;
	case CAISSON_OP_DEVICE:
		attach(box->tree[r->fd], place(box, name, S_IFREG));
		own->devices++;
		break;
	case CAISSON_OP_TMPFS:
		snprintf(options, sizeof(options), "size=%llu,mode=%o,uid=%u,gid=%u",
		         (unsigned long long)r->a, (unsigned)r->b, box->uid, box->gid);
		fd = new_fs("tmpfs", SYS_MOUNT_ATTR_NODEV, options);
		note_made(fd);
		attach(fd, place(box, name, S_IFDIR | 0755));
		break;
	case CAISSON_OP_DIR:
		close(place(box, name, S_IFDIR | (mode_t)r->b));
		break;
	case CAISSON_OP_SYMLINK:
		fd = parent_of(box->uid, name, &last);
		need(symlinkat(box->plan->names + r->a, fd, last) == 0, DESTINATION, 0);
		close(fd);
		break;
	case CAISSON_OP_PROC:
		attach(proc, place(box, name, S_IFDIR | 0755));
		break;
	case CAISSON_OP_DEVPTS:
		fd = new_fs("devpts", SYS_MOUNT_ATTR_NOEXEC, "mode=0620,ptmxmode=0666");
		own->devpts = mount_id(proc, fd);
		attach(fd, place(box, name, S_IFDIR | 0755));
		break;
	case CAISSON_OP_RDONLY:
		/* Of the mount that covers the path, ours or a clone of ours: nothing else is here. */
		fd = walk(box->uid, name);
		need(fd >= 0 && sys_mount_setattr(fd, 0, SYS_MOUNT_ATTR_RDONLY, 0) == 0,
		     DESTINATION, 0);
		close(fd);
		break;
	default: /* what the sandbox is, not what is in it */
		break;
	}
}

int root_build(const struct box *box, struct own *own)
{
	int proc;

	at.stage = CAISSON_STAGE_ROOT;
	/* Nothing done from here on reaches the host's mount namespace. */
	need(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0, CAPABILITY, CAP_SYS_ADMIN);
	proc = new_fs("proc", SYS_MOUNT_ATTR_NODEV | SYS_MOUNT_ATTR_NOEXEC, "");
	own->proc = mount_id(proc, proc);
	root = new_fs("tmpfs", SYS_MOUNT_ATTR_NODEV, "mode=0755,size=4m");
	note_made(root);
	/* Attaching inside a detached tree works only from 6.15, so it takes its place first. */
	need(sys_move_mount(root, AT_FDCWD, "/", 0) == 0, CAPABILITY, CAP_SYS_ADMIN);
	at.stage = CAISSON_STAGE_MOUNT;
	for (at.record = 0; at.record < box->plan->head->records; at.record++)
		carry_out(box, &box->plan->record[at.record], proc, own);
	at.record = CAISSON_NO_RECORD;
	need(sys_mount_setattr(root, 0, SYS_MOUNT_ATTR_RDONLY, 0) == 0, NONE, 0);
	at.stage = CAISSON_STAGE_PIVOT;
	/* The new root in, the host's tree out: nothing of it can be reached after this. */
	need(fchdir(root) == 0 && syscall(SYS_pivot_root, ".", ".") == 0 &&
	             umount2(".", MNT_DETACH) == 0 && chdir("/") == 0,
	     CAPABILITY, CAP_SYS_ADMIN);
	return proc;
}
