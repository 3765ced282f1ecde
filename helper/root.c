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

#include "helper.h"
#include "sys.h"

static int root; /* dirfd of the tmpfs that becomes "/" */
static struct sys_stat
	made[CAISSON_PLAN_MAX_RECORDS + 1]; /* roots made here; [0] is the sandbox's */
static unsigned n_made;

/* An id change, even of the fsuid, may make a setuid process dumpable again. */
static void act_as(uid_t uid)
{
	setfsuid(uid);
	need(setfsuid(uid) == (int)uid && prctl(PR_SET_DUMPABLE, 0) == 0, CAPABILITY, CAP_SETUID);
}

/*
 * An O_PATH fd of path below the new root and never out of it, or -1. EAGAIN:
 * something was renamed, anywhere, while a ".." of a link was resolved.
 */
static int walk(const char *path)
{
	int fd, tries = 100;

	do
		fd = sys_openat2(root, path, O_PATH | O_CLOEXEC,
		                 RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS);
	while (fd < 0 && errno == EAGAIN && --tries > 0);
	return fd;
}

/* Does fd lie on a file system made here? */
static bool is_made(int fd)
{
	uint64_t dev = sys_peek(fd).dev;

	for (unsigned i = 0; i < n_made; i++)
		if (made[i].dev == dev)
			return true;
	return false;
}

static void note_made(int mnt)
{
	made[n_made++] = sys_peek(mnt);
}

/* The directory that path's last component is in; *last: that component. */
static int parent_of(const char *path, const char **last)
{
	char parent[CAISSON_PLAN_MAX_PATH + 1];
	int fd;

	*last = strrchr(path, '/') + 1;
	snprintf(parent, sizeof(parent), "%.*s", (int)(*last - path), path);
	fd = walk(parent);
	need(fd >= 0, DESTINATION, 0);
	return fd;
}

/*
 * What is at path; if nothing is, a directory or an empty file is made there,
 * on a file system made here only. Nobody else can reach it yet.
 */
static int place(const char *path, mode_t mode)
{
	const char *last;
	int dir = parent_of(path, &last), fd = -1;

	if (is_made(dir) && (S_ISDIR(mode) ? mkdirat(dir, last, mode & 07777)
	                                   : mknodat(dir, last, S_IFREG | 0444, 0)) == 0)
		fd = openat(dir, last, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	close(dir);
	fd = fd >= 0 ? fd : walk(path);
	need(fd >= 0, DESTINATION, 0);
	return fd;
}

/* Never over the root itself, which a link may lead to: the sandbox's "/" would not be on top. */
static void attach(int mnt, int place_fd)
{
	struct sys_stat st = sys_peek(place_fd);

	errno = EBUSY;
	need(st.dev != made[0].dev || st.ino != made[0].ino, DESTINATION, 0);
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
		       place(name, r->flags & CAISSON_BIND_DIR ? S_IFDIR | 0755 : S_IFREG));
		break;
	case CAISSON_OP_DEVICE:
		attach(box->tree[r->fd], place(name, S_IFREG));
		own->devices++;
		break;
	case CAISSON_OP_TMPFS:
		/* the caller's, by its fsuid */
		snprintf(options, sizeof(options), "size=%llu,mode=%o", (unsigned long long)r->a,
		         (unsigned)r->b);
		fd = new_fs("tmpfs", SYS_MOUNT_ATTR_NODEV, options);
		note_made(fd);
		attach(fd, place(name, S_IFDIR | 0755));
		break;
	case CAISSON_OP_DIR:
		close(place(name, S_IFDIR | (mode_t)r->b));
		break;
	case CAISSON_OP_SYMLINK:
		fd = parent_of(name, &last);
		need(is_made(fd) && symlinkat(box->plan->names + r->a, fd, last) == 0, DESTINATION,
		     0);
		close(fd);
		break;
	case CAISSON_OP_PROC: /* not the one read here, which stays detached: a bind over it could lie */
	case CAISSON_OP_DEVPTS:
		fd = r->op == CAISSON_OP_PROC
		             ? new_fs("proc", SYS_MOUNT_ATTR_NODEV | SYS_MOUNT_ATTR_NOEXEC, "")
		             : new_fs("devpts", SYS_MOUNT_ATTR_NOEXEC, "mode=0620,ptmxmode=0666");
		act_as(0); /* the descriptors of a process that is not dumpable are root's to list */
		*(r->op == CAISSON_OP_PROC ? &own->proc : &own->devpts) = mount_id(proc, fd);
		act_as(box->uid);
		attach(fd, place(name, S_IFDIR | 0755));
		break;
	case CAISSON_OP_RDONLY:
		/* Of the mount that covers the path, ours or a clone of ours: nothing else is here. */
		fd = walk(name);
		need(fd >= 0 && sys_mount_setattr(fd, 0, SYS_MOUNT_ATTR_RDONLY, 0) == 0,
		     DESTINATION, 0);
		close(fd);
		break;
	case CAISSON_OP_HOSTNAME:
		need(sethostname(name, r->name_len) == 0, CAPABILITY, CAP_SYS_ADMIN);
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
	/*
	 * With the caller's fsuid: what a path leads through is what the caller may
	 * reach, and what is made is the caller's.
	 */
	act_as(box->uid);
	root = new_fs("tmpfs", SYS_MOUNT_ATTR_NODEV, "mode=0755,size=4m");
	note_made(root);
	/* Attaching inside a detached tree works only from 6.15, so it takes its place first. */
	need(sys_move_mount(root, AT_FDCWD, "/", 0) == 0, CAPABILITY, CAP_SYS_ADMIN);
	at.stage = CAISSON_STAGE_MOUNT;
	for (at.record = 0; at.record < box->plan->head->records; at.record++)
		carry_out(box, &box->plan->record[at.record], proc, own);
	act_as(0);
	at.record = CAISSON_NO_RECORD;
	need(fchownat(root, "", 0, 0, AT_EMPTY_PATH) == 0 &&
	             sys_mount_setattr(root, 0, SYS_MOUNT_ATTR_RDONLY, 0) == 0,
	     KERNEL, NR_mount_setattr);
	at.stage = CAISSON_STAGE_PIVOT;
	/* The new root in, the host's tree out: nothing of it can be reached after this. */
	need(fchdir(root) == 0 && syscall(SYS_pivot_root, ".", ".") == 0 &&
	             umount2(".", MNT_DETACH) == 0 && chdir("/") == 0,
	     CAPABILITY, CAP_SYS_ADMIN);
	return proc;
}
