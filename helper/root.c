/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The sandbox's root, built by the child in its own mount namespace: a tmpfs
 * on a procfs of its own, the clones attached below it by descriptor, then
 * pivot_root, and the host's tree is gone. Destinations resolve below the new root and never
 * out of it, with the target's fsuid; nodes are created on file systems that
 * the helper made, and nowhere else.
 */
#include "helper.h"

unsigned root_mounts = 1, root_devices;
static int root, proc; /* dirfds: of the tmpfs that becomes "/", of a procfs of its own */
/* Roots of file systems made here; [0] is the sandbox's. */
static struct sys_stat made[CAISSON_PLAN_MAX_RECORDS + 2];
static unsigned n_made;
/* The directory that the last component of the last path is in; "": walk() went elsewhere since. */
static char parent[CAISSON_PLAN_MAX_PATH + 1];
static int parent_fd = -1;
static bool parent_made; /* on a file system made here */

bool root_made(const uint32_t dev[2]) {
	for (unsigned i = 0; i < n_made; i++)
		if (!memcmp(made[i].dev, dev, sizeof(made[i].dev)))
			return true;
	return false;
}

void act_as(struct ids id) {
	setfsgid(id.gid);
	setfsuid(id.uid);
	must(setfsuid(id.uid) == (int)id.uid && setfsgid(id.gid) == (int)id.gid ? 0 : -1);
	must(prctl(PR_SET_DUMPABLE, 0));
}

/*
 * An O_PATH fd of path below the new root and never out of it, or -1. EAGAIN:
 * something was renamed, anywhere, while a ".." of a link was resolved.
 */
static int walk(const char *path) {
	int fd, tries = 100;

	do
		fd = sys_openat2(root, path, O_PATH, RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS);
	while (fd < 0 && errno == EAGAIN && --tries > 0);
	parent[0] = '\0'; /* what is put over fd may be in its way */
	return fd;
}

static int new_root(const char *type, unsigned attr, const char *options) {
	int fd = new_fs(type, attr, options);

	made[n_made] = sys_peek(fd);
	return must(made[n_made++].mask ? fd : -1);
}

/* path's last component, in parent_fd: the next record often names its neighbour. */
static const char *enter(const char *path) {
	const char *last = strrchr(path, '/') + 1;

	if (strncmp(parent, path, (size_t)(last - path)) != 0 || parent[last - path]) {
		snprintf(parent, sizeof(parent), "%.*s", (int)(last - path), path);
		close(parent_fd);
		parent_fd = must(walk(parent));
		parent[0] = '/';
		parent_made = root_made(sys_peek(parent_fd).dev);
	}
	return last;
}

/* The same, where something is to be made. */
static const char *enter_made(const char *path) {
	const char *last = enter(path);

	errno = EROFS;
	must(parent_made ? 0 : -1);
	return last;
}

/* A directory or an empty file at path, where nothing is: on a file system made here only. */
static bool make(const char *path, mode_t mode) {
	const char *last = enter(path);

	return parent_made && (S_ISDIR(mode) ? mkdirat(parent_fd, last, mode & 07777)
	                                     : mknodat(parent_fd, last, S_IFREG | 0444, 0)) == 0;
}

/* Never over the root itself, which a link may lead to: the sandbox's "/" would not be on top. */
static void cover(int mnt, int place_fd) {
	struct sys_stat st = sys_peek(place_fd);

	errno = EBUSY;
	must((st.mount ? (int)st.mount : mount_id(place_fd)) != (int)made[0].mount ||
	                     (st.mask && st.ino != made[0].ino)
	             ? 0
	             : -1);
	must(sys_move_mount(mnt, place_fd, ""));
	close(place_fd);
	root_mounts++;
}

/* At path; what is new there nobody else can reach yet, and it is no link. */
static void attach(int mnt, const char *path, mode_t mode) {
	if (make(path, mode)) {
		must(sys_move_mount(mnt, parent_fd, strrchr(path, '/') + 1));
		root_mounts++;
	} else {
		cover(mnt, must(walk(path)));
	}
}

/* A granted tree. Before Linux 5.12 it gets now what could not be set on the detached clone. */
static void attach_tree(const struct box *box, const struct caisson_plan_record *r, mode_t mode) {
	attach(box->tree[r->fd], box->plan->names + r->name, mode);
	if (OLD_KERNEL)
		set_attr(box->proc, box->tree[r->fd], 0, source_flags(r));
}

/* The root of a mount: that mount. Anything else becomes a mount, with what lies below it. */
static void make_read_only(const struct box *box, int fd) {
	struct sys_stat st = sys_peek(fd);
	bool top = st.attributes & 0x2000 /* STATX_ATTR_MOUNT_ROOT */;
	int tree = top ? fd : must(sys_open_tree(fd, SYS_AT_RECURSIVE));

	if (!top)
		cover(tree, fd);
	set_attr(box->proc, tree, top ? 0 : SYS_AT_RECURSIVE, MS_RDONLY);
	close(tree);
}

static int empty[2] = { -1, -1 };

/* Something empty over what is at fd: a file or a directory, made once, read-only. */
static void mask(const struct box *box, int fd) {
	bool dir = S_ISDIR(sys_peek(fd).mode);
	int from = empty[dir], tree;

	/* Made here, or not at all: a link of the plan's by that name would lead to the host. */
	if (from < 0 && !dir)
		from = must(openat(root, ".empty", O_CREAT | O_EXCL | O_CLOEXEC, 0444));
	tree = from < 0 ? new_fs("tmpfs", MS_NODEV, "mode=0555,size=4k")
	                : must(sys_open_tree(from, 0));
	cover(tree, fd);
	if (empty[dir] < 0)
		set_attr(box->proc, empty[dir] = tree, 0, MS_RDONLY | MS_NOEXEC);
}

/* Not more than the file system at path has room for; the memfd's bytes can no longer change. */
static void copy_file(int from, const char *path, mode_t mode) {
	const char *last = enter_made(path);
	int to = must(openat(parent_fd, last, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode));
	off_t offset = 0;

	while (must(sendfile(to, from, &offset, 1u << 20)) > 0)
		;
	close(to);
}

static void attach_new(const char *type, unsigned attr, const char *options, const char *path) {
	attach(new_root(type, attr, options), path, S_IFDIR | 0755);
}

static void carry_out(const struct box *box, const struct caisson_plan_record *r) {
	static const char *const proc_options[] = { "", "subset=pid", "hidepid=2",
		                                    "subset=pid,hidepid=2" };
	const char *name = box->plan->names + r->name, *last;
	char options[96];
	int fd;

	switch (r->op) {
	case CAISSON_OP_BIND:
		attach_tree(box, r, r->flags & CAISSON_BIND_DIR ? S_IFDIR | 0755 : S_IFREG);
		break;
	case CAISSON_OP_DEVICE:
		attach_tree(box, r, S_IFREG);
		root_devices++;
		break;
	case CAISSON_OP_FILE:
		copy_file(box->tree[r->fd], name, (mode_t)r->b);
		break;
	case CAISSON_OP_TMPFS:
		snprintf(options, sizeof(options), "size=%lld,mode=%o", (long long)r->a, (int)r->b);
		attach_new("tmpfs", MS_NODEV | (r->flags ? MS_NOEXEC : 0), options, name);
		break;
	case CAISSON_OP_DIR:
		if (!make(name, S_IFDIR | (mode_t)r->b))
			close(must(walk(name)));
		break;
	case CAISSON_OP_SYMLINK:
		last = enter_made(name);
		must(symlinkat(box->plan->names + r->a, parent_fd, last));
		break;
	case CAISSON_OP_PROC: /* another mount than the one read here: a bind over it could lie */
		if (r->flags == 0) /* without what is mounted on it: the root itself */
			attach(must(sys_open_tree(proc, 0)), name, S_IFDIR | 0755);
		else
			attach_new("proc", MS_NODEV | MS_NOEXEC, proc_options[r->flags], name);
		break;
	case CAISSON_OP_DEVPTS:
		attach_new("devpts", MS_NOEXEC, "mode=0620,ptmxmode=0666", name);
		root_devices++;
		break;
	case CAISSON_OP_MQUEUE:
		attach_new("mqueue", MS_NODEV | MS_NOEXEC, "", name);
		break;
	case CAISSON_OP_RDONLY:
		make_read_only(box, must(walk(name)));
		break;
	case CAISSON_OP_MASK:
		if ((fd = walk(name)) >= 0 || errno != ENOENT)
			mask(box, must(fd));
		break;
	case CAISSON_OP_HOSTNAME:
		must(sethostname(name, r->name_len));
		break;
	}
}

int root_build(const struct box *box) {
	at.stage = CAISSON_STAGE_ROOT;
	umask(0); /* modes are the plan's */
	/* Nothing done from here on reaches the host's mount namespace. */
	must(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL));
	/*
	 * With the target's fsuid, the caller's own or subordinate to it: what a path
	 * leads through is what it may reach, and what is made is its own.
	 */
	act_as(box->outside);
	root = new_root("tmpfs", MS_NODEV, "mode=0755,size=4m");
	proc = new_root("proc", MS_NODEV | MS_NOEXEC, "");
	/* Where it goes with the host's tree: its own end would take the kernel as long again. */
	must(sys_move_mount(proc, AT_FDCWD, "/proc"));
	/*
	 * Attaching inside a detached tree works only from 6.15, so it takes a place first: where
	 * nothing else is, so that a security module can tell its paths from the host's.
	 */
	must(sys_move_mount(root, proc, "fs"));
	at.stage = CAISSON_STAGE_MOUNT;
	for (at.record = 0; at.record < box->plan->head->records; at.record++)
		carry_out(box, &box->plan->record[at.record]);
	unlinkat(root, empty[0] < 0 ? "" : ".empty", 0); /* of mask(), not of the plan */
	act_as((struct ids){ 0, box->caller.gid });
	at.record = CAISSON_NO_RECORD;
	must(fchownat(root, "", 0, 0, AT_EMPTY_PATH));
	set_attr(box->proc, root, 0, MS_RDONLY);
	umask(022);
	at.stage = CAISSON_STAGE_PIVOT;
	/* The new root in, the host's tree out: nothing of it can be reached after this. */
	must(fchdir(root));
	must(syscall(SYS_pivot_root, ".", "."));
	must(umount2(".", MNT_DETACH));
	must(chdir("/"));
	return proc;
}
