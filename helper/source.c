/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Sources: descriptors that the caller opened with its own rights become
 * detached clones, before any namespace is made (afterwards the kernel refuses:
 * they would belong to a foreign mount namespace). No host path that a user
 * supplied is ever resolved here, and no foreign file system is asked anything:
 * a FUSE server could answer with a hang.
 */
#include "helper.h"

/*
 * A user namespace for idmapped clones: what is the caller's there appears as
 * the target's here, and nothing else is mapped. A process has to hold it until
 * a descriptor does.
 */
static int idmap_userns(const struct box *box) {
	static int ns = -1;
	char name[24];
	int dir, pid, self = getpid();

	if (ns >= 0)
		return ns;
	pid = (int)syscall(SYS_clone, CLONE_NEWUSER | SIGCHLD, NULL, NULL, NULL, NULL);
	if (pid == 0) { /* blocks all signals, as we do; ends with us at the latest, or before */
		if (prctl(PR_SET_PDEATHSIG, SIGKILL) == 0 && getppid() == self)
			pause();
		_exit(0);
	}
	need(pid >= 0, USERNS_LIMIT, 0);         /* or another: libcaisson tells by the error */
	snprintf(name, sizeof(name), "%d", pid); /* nobody but us can reap it */
	dir = must(openat(box->proc, name, O_PATH | O_DIRECTORY | O_CLOEXEC));
	userns_map(dir, box->caller, box->outside);
	ns = must(openat(dir, "ns/user", O_RDONLY | O_CLOEXEC));
	close(dir);
	must(kill(pid, SIGKILL));
	must(waitpid(pid, NULL, 0));
	return ns;
}

uint64_t source_flags(const struct caisson_plan_record *r) {
	if (r->op == CAISSON_OP_DEVICE)
		return MS_NOSUID | MS_NOEXEC | MS_RDONLY;
	return MS_NOSUID | MS_NODEV | (r->flags & CAISSON_BIND_RDONLY ? MS_RDONLY : 0u) |
	       (r->flags & CAISSON_BIND_NOEXEC ? MS_NOEXEC : 0u);
}

/*
 * Clone with everything mounted below (a clone without would show what those
 * mounts hide). Flags and propagation in one call on the detached tree, which
 * nobody else can reach: a clone keeps the host's peer group otherwise, and an
 * unmount inside would unmount the host's. Flags are only ever added.
 */
static int clone_tree(const struct box *box, const struct caisson_plan_record *r) {
	int fd = CAISSON_FD_SOURCES + r->fd, tree = sys_open_tree(fd, SYS_AT_RECURSIVE);

	need(tree >= 0, SOURCE_MOUNT, 0);
	if (r->flags & CAISSON_BIND_IDMAP)
		need(sys_mount_setattr(tree, SYS_AT_RECURSIVE, 0x100000 /* IDMAP */, MS_PRIVATE,
		                       (uint64_t)idmap_userns(box)) == 0,
		     IDMAP, 0);
	if (!OLD_KERNEL) /* else once it is attached */
		set_attr(box->proc, tree, SYS_AT_RECURSIVE, source_flags(r));
	close(fd);
	return tree;
}

/* Can mounts be asked for one by one (Linux 6.8), and are there not too many to clone? */
static bool few_mounts(void) {
	static uint64_t ids[MAX_CLONED / MAX_BINDS];
	const uint64_t all[3] = { sizeof(all), ~0ull /* LSMT_ROOT */ };
	long n = syscall(NR_listmount, all, ids, MAX_CLONED / MAX_BINDS, 0);

	return n > 0 && n < MAX_CLONED / MAX_BINDS;
}

/*
 * The kind of file system that fd lies on; NULL: its mount is detached, or of another
 * namespace. Where the kernel does not tell (on FUSE, not even root), all mounts are read.
 */
static const char *fstype_of(const struct box *box, int fd) {
	static struct { /* struct statmount and its strings */
		uint32_t head[128];
		char text[512];
	} is;
	struct sys_stat st = sys_peek_id(fd, SYS_STATX_MNT_ID_UNIQUE);
	const uint64_t one[3] = { sizeof(one), st.mount, 0x20 /* FS_TYPE */ };
	const struct mount *m = mounts.mount;
	int id;

	if (!mounts.n && st.mask & SYS_STATX_MNT_ID_UNIQUE &&
	    syscall(NR_statmount, one, &is, sizeof(is), 0) == 0 && is.head[2] & 0x20)
		return is.text + is.head[9];
	if (!mounts.n)
		mounts_read(box->proc);
	for (id = mount_id(fd); m < mounts.mount + mounts.n; m++)
		if (m->id == id)
			return m->fstype;
	return NULL;
}

/*
 * Where a source lies: the path that the kernel tells, if that leads back to it with the
 * caller's rights. Not so if it was removed, is hidden below another mount or was moved out
 * of the tree that is mounted there. A FUSE server could hang: there the kernel is believed.
 */
static void find_path(const struct box *box, int fd, const char *fstype, char *path) {
	struct sys_stat st = sys_peek(fd), end;
	char name[24];
	int there = fd;

	snprintf(name, sizeof(name), "fd/%d", fd);
	path[must(readlinkat(box->self, name, path, CAISSON_PLAN_MAX_PATH))] = '\0';
	if (strncmp(fstype, "fuse", 4) != 0)
		there = sys_openat2(AT_FDCWD, path, O_PATH, RESOLVE_NO_SYMLINKS);
	end = sys_peek(there);
	errno = ESTALE;
	need(there >= 0 && end.mount == st.mount && end.ino == st.ino &&
	             !memcmp(end.dev, st.dev, 8),
	     SOURCE_MOUNT, 1);
	if (there != fd)
		close(there);
	if (!path[1]) /* "/" */
		path[0] = '\0';
}

/* What a source is, from the mount that it lies on and from itself, and what rules may call it. */
static void judge(const struct box *box, const struct caisson_plan_record *r, struct facts *facts) {
	/* Where it lies, behind "@own" for rules about what is the caller's own. "/" is "". */
	static char own[4 + CAISSON_PLAN_MAX_PATH + 1] = "@own", node[24];
	struct sys_stat st = sys_peek(CAISSON_FD_SOURCES + r->fd);

	at.stage = CAISSON_STAGE_SOURCE;
	facts->fstype = fstype_of(box, CAISSON_FD_SOURCES + r->fd);
	errno = EINVAL;
	need(facts->fstype, SOURCE_MOUNT, 0);
	/* Mode 0: even root may not ask; only FUSE says that. */
	need(r->op == CAISSON_OP_DEVICE ? S_ISCHR(st.mode)
	     : st.mode                  ? S_ISDIR(st.mode) || S_ISREG(st.mode) || S_ISSOCK(st.mode)
	                                : !strncmp(facts->fstype, "fuse", 4),
	     SOURCE_TYPE, st.mode);
	find_path(box, CAISSON_FD_SOURCES + r->fd, facts->fstype, own + 4);
	snprintf(node, sizeof(node), "%u:%u", st.rdev[0], st.rdev[1]);
	facts->name[0] = own + 4;
	facts->name[1] = r->op == CAISSON_OP_DEVICE                  ? node
	                 : st.mode == 0 || st.uid == box->caller.uid ? own
	                                                             : NULL;
}

static void decide(const struct box *box, const struct caisson_plan_record *r,
                   const struct facts *facts) {
	const struct policy_rule *rule;
	uint32_t knob = policy_decide(box->policy, r, facts, &rule);

	at.stage = CAISSON_STAGE_POLICY;
	at.line = rule ? rule->line : 0;
	errno = EACCES;
	need_knob(knob == 0, knob, 0);
}

/* Each source, and each record, before anything is cloned; with the caller's rights to paths. */
static void decide_all(const struct box *box) {
	const struct caisson_plan_record *r = box->plan->record;
	struct facts facts = { 0 };

	act_as(box->caller);
	for (int op = CAISSON_OP_USERNS; op <= CAISSON_OP_NET; op++) /* by no record: 0 */
		if (!plan_find(box->plan, (uint16_t)op)->op)
			decide(box, &(struct caisson_plan_record){ .op = (uint16_t)op }, &facts);
	for (at.record = 0; at.record < box->plan->head->records; at.record++, r++) {
		facts.name[0] = box->plan->names + r->name; /* LABEL's; a source's is judge()'s */
		if (r->fd >= 0 && r->op != CAISSON_OP_FILE)
			judge(box, r, &facts);
		decide(box, r, &facts);
	}
	act_as((struct ids){ 0, box->caller.gid });
}

void sources_take(const struct box *box) {
	const struct caisson_plan_header *head = box->plan->head;
	const uint64_t binds = policy_max(box->policy, "binds", MAX_BINDS);

	if (sys_mount_setattr(-1, 0, 0, 0, 0) < 0 && errno == ENOSYS)
		at.backend = CAISSON_BACKEND_REMOUNT;
	if (head->fds && !few_mounts())
		mounts_read(box->proc);
	errno = E2BIG; /* before the clones, every one of which may be all of the host's tree */
	need(head->fds <= binds && head->fds * mounts.n <= MAX_CLONED, POLICY, (uint32_t)binds);
	decide_all(box);
	at.stage = CAISSON_STAGE_SOURCE;
	for (at.record = 0; at.record < head->records; at.record++) {
		const struct caisson_plan_record *r = &box->plan->record[at.record];

		if (r->fd >= 0)
			box->tree[r->fd] = r->op == CAISSON_OP_FILE ? CAISSON_FD_SOURCES + r->fd
			                                            : clone_tree(box, r);
	}
	at.record = CAISSON_NO_RECORD;
}
