/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * One sandbox: clone the child into its namespaces, let it build, make the two
 * that it joins, and stay until it has answered: the child, once it read back
 * that nothing is left of its privilege, says "built" itself. The child is the
 * caller's child (CLONE_PARENT), so that this process can end and nothing
 * privileged stays.
 */
#include "helper.h"

static int child_pidfd = -1;

/* What the helper made meanwhile, on another CPU; the helper may be gone, and has said why. */
static char hear(const struct box *box) {
	char made;

	if (read(box->sync[1], &made, 1) != 1)
		_exit(125);
	return made;
}

/*
 * Of all namespaces it takes the longest to make. Waits, whatever the network,
 * until the caller was told of us.
 */
static void join_net(const struct box *box) {
	struct ifreq lo = { .ifr_name = "lo", .ifr_flags = IFF_UP };

	at.stage = CAISSON_STAGE_NETWORK;
	hear(box);
	if (box->net != CAISSON_NET_HOST)
		must(setns(box->pidfd, CLONE_NEWNET));
	if (box->net == CAISSON_NET_LOOPBACK)
		must(ioctl(must(socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0)), SIOCSIFFLAGS, &lo));
}

static void own_clock(const struct box *box, int proc) {
	const struct caisson_plan_record *time = plan_find(box->plan, CAISSON_OP_TIME);
	char text[96];

	if (!time->op)
		return;
	must(unshare(0x80 /* CLONE_NEWTIME */)); /* of children: the target */
	snprintf(text, sizeof(text), "monotonic %lld 0\nboottime %lld 0\n", (long long)time->a,
	         (long long)time->b);
	write_file(proc, "self/timens_offsets", text);
}

/*
 * Joined last: the mounts were attached before and belong to the namespace
 * above, so that no capability inside could unmount or remount them. Made by
 * euid 0: its owner is root; what is created in it is charged to root as well,
 * and limited here. No namespace is, but with the filter that lets them be made:
 * then so few of each kind that the sandboxes of one user cannot use up root's.
 */
static bool join_userns(const struct box *box, int proc) {
	static const char *const kinds[] = { "user", "mnt", "net", "pid", "ipc", "uts" };
	const bool nested = plan_find(box->plan, CAISSON_OP_SECCOMP)->a == CAISSON_SECCOMP_NESTED;
	char name[40];

	at.stage = CAISSON_STAGE_USERNS;
	if (hear(box) != 'u')
		return false;
	/* Opened when it was our own: no other process can be meant by it. */
	userns_map(box->self, box->inside, box->outside);
	must(setns(box->pidfd, CLONE_NEWUSER));
	must(prctl(PR_SET_DUMPABLE, 0));
	for (int i = nested ? 5 : 0; i >= 0; i--) {
		snprintf(name, sizeof(name), "sys/user/max_%s_namespaces", kinds[i]);
		write_file(proc, name, nested ? "64" : "0");
	}
	write_file(proc, "sys/user/max_inotify_instances", "16");
	write_file(proc, "sys/user/max_inotify_watches", "4096");
	own_clock(box, proc);
	at.held |= CAISSON_BIT(USERNS) | CAISSON_BIT(OWN_POOLS);
	return true;
}

static _Noreturn void child(const struct box *box) {
	static const char *const argv[] = { "caisson-init", NULL };
	struct handoff given = { .require = box->plan->head->require,
		                 .net = box->net,
		                 .filter = plan_find(box->plan, CAISSON_OP_SECCOMP)->a,
		                 .tell_denials = plan_find(box->plan, CAISSON_OP_SECCOMP)->b,
		                 .clock = plan_find(box->plan, CAISSON_OP_TIME)->op,
		                 .lsm = (char)policy_max(box->policy, "lsm", 'i') };
	const struct caisson_plan_record *label = plan_find(box->plan, CAISSON_OP_LABEL);
	int proc, to_init[2];

	snprintf(given.label, sizeof(given.label), "%.*s", (int)label->name_len,
	         box->plan->names + label->name);
	close(box->sync[0]);
	must(prctl(PR_SET_DUMPABLE, 0));
	must(setsid());
	/*
	 * The target's; as pid 1 this process is not ended by what it does not handle. Not by
	 * signal(): it leaves out what libc keeps to itself, with musl the SIGRTMIN of glibc.
	 */
	for (int sig = 1; sig < NSIG; sig++)
		syscall(SYS_rt_sigaction, sig, (uint64_t[4]){ 0 } /* SIG_DFL */, NULL, 8);
	proc = root_build(box);
	judge_tree(box, proc);
	join_net(box);
	given.userns = join_userns(box, proc);
	/*
	 * The helper's descriptors go, the host's /proc and the old root's among them. These
	 * were opened in this order and from here upwards: none is in another's place. The
	 * sandbox's own procfs may have been opened in a gap, and goes out of the way first.
	 */
	proc = must(fcntl(proc, F_DUPFD, CAISSON_FD_HANDOFF));
	must(dup2(box->host, CAISSON_FD_HOST));
	must(dup3(box->init, CAISSON_FD_INIT, O_CLOEXEC));
	must(dup2(box->slot, CAISSON_FD_SLOT));
	must(dup2(proc, CAISSON_FD_PROC));
	close_from(CAISSON_FD_PROC + 1);
	must(pipe(to_init)); /* the first is CAISSON_FD_HANDOFF */
	/* Inside the user namespace its own ids are meant; without one, inside is outside. */
	drop_all(given.userns ? box->inside : box->caller);
	at.stage = CAISSON_STAGE_INIT;
	given.at = at;
	must(write(to_init[1], &given, sizeof(given)) == sizeof(given) ? 0 : -1);
	must(close(to_init[1]));
	/* It takes its label, enters Landlock and seccomp, says BUILT; nothing of this memory stays. */
	syscall(SYS_execveat, CAISSON_FD_INIT, "", argv, argv + 1, AT_EMPTY_PATH);
	fail(errno, CAISSON_KNOB_INIT, 0);
}

/* The alarm: a file system that hangs must not leave a process of root's behind. */
/* NOLINTNEXTLINE(bugprone-signal-handler,cert-sig30-c): all of it is system calls */
static void expired(int sig __attribute__((unused))) {
	if (child_pidfd >= 0)
		syscall(NR_pidfd_send_signal, child_pidfd, SIGKILL, NULL, 0); /* NOLINT */
	fail(ETIMEDOUT, CAISSON_KNOB_TIMEOUT, 0);                             /* NOLINT */
}

/*
 * Hand the caller its child, to be reaped whatever happens; charged to the
 * caller, not to root. It can signal us meanwhile: the child, not told yet, ends with us.
 */
static void tell_cloned(const struct box *box) {
	must(set_uids(box->caller.uid, (uid_t)-1, (uid_t)-1));
	answer_with = child_pidfd;
	answer(CAISSON_ANSWER_CLONED);
	answer_with = -1;
	must(set_uids(0, (uid_t)-1, (uid_t)-1));
	must(prctl(PR_SET_DUMPABLE, 0));
}

/* For the child to join; after it this process can do nothing any more but wait. */
static void make_userns(const struct box *box) {
	bool made = box->userns != CAISSON_USERNS_NONE && unshare(CLONE_NEWUSER) == 0;

	at.stage = CAISSON_STAGE_USERNS;
	need(made || box->userns != CAISSON_USERNS_REQUIRED, USERNS_LIMIT, 0);
	must(prctl(PR_SET_DUMPABLE, 0) == 0 ? write(box->sync[0], made ? "u" : "-", 1) : -1);
}

void box_build(struct box *box) {
	unsigned long flags = CLONE_PARENT | CLONE_PIDFD | CLONE_NEWNS | CLONE_NEWPID |
	                      CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWCGROUP;
	char byte;
	long pid;

	at.stage = CAISSON_STAGE_NAMESPACES;
	signal(SIGALRM, expired);
	box->pidfd = must(sys(NR_pidfd_open, getpid(), 0));
	must(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, box->sync));
	/* Sources were judged with the caller's; what they lead to is reached with the target's. */
	if (policy_max(box->policy, "groups", 'k') == 'd')
		need(syscall(SYS_setgroups, 0, NULL) == 0 && getgroups(0, NULL) == 0, DENIED, 0);
	pid = syscall(SYS_clone, flags, NULL, &child_pidfd, NULL, NULL);
	if (pid == 0)
		child(box);
	must(pid);
	close(box->sync[1]);
	tell_cloned(box);
	if (box->net != CAISSON_NET_HOST)
		must(unshare(CLONE_NEWNET));
	audit_record(box, "allowed", (int)pid); /* the child waits, and is not told on a failure */
	must(write(box->sync[0], "n", 1));
	make_userns(box);
	/* Until the child is done, or has failed and said so: its end of the pair is closed then. */
	recv(box->sync[0], &byte, 1, 0);
}
