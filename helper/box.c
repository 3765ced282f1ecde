/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * One sandbox: clone the child into its namespaces, let it build, write its
 * maps, and stay until it has answered: the child, which reads back that
 * nothing is left of its privilege, says "built" itself, so that no word
 * crosses between the two once more. The child is the caller's child
 * (CLONE_PARENT), so that this process can end and nothing privileged stays.
 */
#include <errno.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "helper.h"
#include "sys.h"

/* What the child asks of the helper, in the same struct as its answers. */
#define ASK_MAP 0x101

/* The child's descriptors once the host's tree is gone. */
#define CHILD_HOST 4
#define CHILD_SYNC 5

struct box {
	const struct plan *plan;
	struct sources *sources;
	uid_t uid;
	gid_t gid;
	int host;
	int sync[2]; /* [0] the helper's end */
	enum caisson_net net;
	enum caisson_userns userns;
};

static long clone_child(uint64_t flags, int *pidfd)
{
	struct sys_clone_args args = { .flags = flags, .pidfd = (uintptr_t)pidfd };
	long pid = syscall(NR_clone3, &args, sizeof(args));

	/* A caller's filter may answer ENOSYS; clone() does the same, with the pidfd in parent_tid. */
	if (pid < 0 && errno == ENOSYS)
		pid = syscall(SYS_clone, flags, NULL, pidfd, NULL, NULL);
	return pid;
}

static void loopback_up(void)
{
	struct ifreq lo = { .ifr_name = "lo" };
	int s = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (s < 0 || ioctl(s, SIOCGIFFLAGS, &lo) < 0)
		fail(CAISSON_STAGE_NETWORK, errno, CAISSON_KNOB_NONE, CAISSON_NO_RECORD, 0);
	lo.ifr_flags |= IFF_UP;
	if (ioctl(s, SIOCSIFFLAGS, &lo) < 0)
		fail(CAISSON_STAGE_NETWORK, errno, CAISSON_KNOB_CAPABILITY, CAISSON_NO_RECORD,
		     CAP_NET_ADMIN);
	close(s);
}

static void name_host(const struct plan *plan)
{
	const char *name = "caisson";

	for (uint32_t i = 0; i < plan->head.records; i++)
		if (plan->record[i].op == CAISSON_OP_HOSTNAME)
			name = plan->names + plan->record[i].name;
	if (sethostname(name, strlen(name)) < 0)
		fail(CAISSON_STAGE_NAMESPACES, errno, CAISSON_KNOB_CAPABILITY, CAISSON_NO_RECORD,
		     CAP_SYS_ADMIN);
}


/*
 * Made last: the mounts were attached before it and belong to the namespace
 * above, so that no capability inside could unmount or remount them. Made with
 * euid 0: its owner, who may enter it at will and for ever, is root.
 */
static bool enter_userns(const struct box *box)
{
	struct caisson_answer ask = { .kind = ASK_MAP };
	char mapped;

	if (box->userns == CAISSON_USERNS_NONE)
		return false;
	if (unshare(CLONE_NEWUSER) < 0) {
		if (box->userns == CAISSON_USERNS_AUTO)
			return false;
		fail(CAISSON_STAGE_USERNS, errno,
		     errno == ENOSPC ? CAISSON_KNOB_MAX_USER_NAMESPACES
		     : errno == EACCES ? CAISSON_KNOB_APPARMOR
		                       : CAISSON_KNOB_SECCOMP,
		     CAISSON_NO_RECORD, 0);
	}
	/* If the helper is gone it has said why. */
	if (send_answer(CHILD_SYNC, &ask, -1) < 0 || read(CHILD_SYNC, &mapped, 1) != 1)
		_exit(125);
	return true;
}

/* The helper's descriptors go, the host's /proc and the old root among them. */
static void keep_fds(const struct box *box)
{
	/* To free numbers first: each may have the other's place, whatever the plan brought. */
	int sync = fcntl(box->sync[1], F_DUPFD_CLOEXEC, CHILD_SYNC + 1);
	int host = fcntl(box->host, F_DUPFD_CLOEXEC, CHILD_SYNC + 1);

	if (sync < 0 || host < 0 || dup3(host, CHILD_HOST, O_CLOEXEC) < 0 ||
	    dup3(sync, CHILD_SYNC, O_CLOEXEC) < 0)
		_exit(125);
	fail_to(CHILD_SYNC);
	close_from(CHILD_SYNC + 1);
}

static void hold_tree(const struct box *box, struct held *held, bool userns)
{
	static const unsigned char net[] = { CAISSON_HOW_NO_INET, CAISSON_HOW_LOOPBACK,
		                             CAISSON_HOW_HOST_ASKED };

	hold(held, CAISSON_P_USERNS,
	     userns                                 ? CAISSON_HOW_NAMESPACE
	     : box->userns == CAISSON_USERNS_NONE   ? CAISSON_HOW_NOT_ASKED
	                                            : CAISSON_HOW_DENIED);
	hold(held, CAISSON_P_PID, CAISSON_HOW_NAMESPACE);
	hold(held, CAISSON_P_MOUNT, CAISSON_HOW_MOUNTINFO);
	hold(held, CAISSON_P_IPC, CAISSON_HOW_NAMESPACE);
	hold(held, CAISSON_P_UTS, CAISSON_HOW_NAMESPACE);
	hold(held, CAISSON_P_CGROUP, CAISSON_HOW_NAMESPACE);
	hold(held, CAISSON_P_NET, net[box->net]);
	hold(held, CAISSON_P_PROC, CAISSON_HOW_MOUNTINFO);
	hold(held, CAISSON_P_DEV, CAISSON_HOW_MOUNTINFO);
	hold(held, CAISSON_P_SHM, CAISSON_HOW_MOUNTINFO);
	hold(held, CAISSON_P_NOSUID, CAISSON_HOW_MOUNTINFO);
	hold(held, CAISSON_P_END_WITH_HOST, CAISSON_HOW_WATCH);
	hold(held, CAISSON_P_LABEL, CAISSON_HOW_NO_MODULE);
	hold(held, CAISSON_P_LIMITS, CAISSON_HOW_NOT_ASKED);
	hold(held, CAISSON_P_OWN_POOLS, userns ? CAISSON_HOW_NAMESPACE : CAISSON_HOW_SHARED);
	hold(held, CAISSON_P_HOST_SOCKETS,
	     box->plan->head.fds ? CAISSON_HOW_GRANTED_TREES : CAISSON_HOW_MOUNTINFO);
}

/* Everything that was required holds, or there is no sandbox. */
static void check_required(uint64_t required, uint64_t held)
{
	uint64_t missing = required & ~held;

	if (missing)
		fail(CAISSON_STAGE_REQUIRE, EPERM, CAISSON_KNOB_PROPERTY, CAISSON_NO_RECORD,
		     (uint32_t)__builtin_ctzll(missing));
}

static _Noreturn void child(struct box *box)
{
	struct caisson_answer answer = { .kind = CAISSON_ANSWER_BUILT,
		                         .backend = CAISSON_BACKEND_MOUNT_SETATTR };
	struct built built = { 0 };
	struct held held = { 0 };
	int proc, self;
	bool userns;

	fail_to(box->sync[1]);
	alarm(HELPER_SECONDS); /* not inherited over clone */
	if (prctl(PR_SET_DUMPABLE, 0) < 0 || setsid() < 0)
		fail(CAISSON_STAGE_NAMESPACES, errno, CAISSON_KNOB_NONE, CAISSON_NO_RECORD, 0);
	proc = root_build(box->plan, box->sources, box->uid, box->gid, &built);
	judge_tree(proc, &built);
	name_host(box->plan);
	if (box->net == CAISSON_NET_LOOPBACK)
		loopback_up();
	answer.user_namespace_root = !initial_userns(proc);
	keep_fds(box);
	self = (int)syscall(NR_pidfd_open, getpid(), 0);
	userns = enter_userns(box);
	hold_tree(box, &held, userns);
	drop_all(box->uid, box->gid, userns, box->net, &held);

	answer.held = held.properties;
	memcpy(answer.how, held.how, sizeof(answer.how));
	answer.landlock_abi = held.landlock_abi;
	answer.mounts = built.mounts;
	answer.covered = built.covered;
	check_required(box->plan->head.require, answer.held);
	if (self < 0)
		fail(CAISSON_STAGE_READ_BACK, EBADF, CAISSON_KNOB_KERNEL, CAISSON_NO_RECORD,
		     NR_pidfd_open);
	/* From here on this process is the caller's to end: it answers in its own name. */
	fail_to(CAISSON_FD_CONTROL);
	if (send_answer(CAISSON_FD_CONTROL, &answer, self) < 0 ||
	    send_answer(CHILD_SYNC, &answer, -1) < 0)
		_exit(125);
	alarm(0);
	close(self);
	close(CHILD_SYNC);
	init_run(CHILD_HOST);
}

static void write_map(int dir, const char *file, const char *text)
{
	int fd = openat(dir, file, O_WRONLY | O_CLOEXEC);
	size_t len = strlen(text);

	if (fd < 0 || write(fd, text, len) != (ssize_t)len)
		fail(CAISSON_STAGE_USERNS, errno, CAISSON_KNOB_CAPABILITY, CAISSON_NO_RECORD,
		     CAP_SETUID);
	close(fd);
}

static const char *map_text(char *text, unsigned long id)
{
	char *at = put_number(text, id);

	*at++ = ' ';
	at = put_number(at, id);
	strcpy(at, " 1");
	return text;
}

/* One uid and one gid, the caller's own. dir: the child's /proc entry. */
static void write_maps(const struct box *box, int dir)
{
	char text[64];
	struct stat own, its;
	uid_t owner = (uid_t)-1;
	int ns = openat(dir, "ns/user", O_RDONLY | O_CLOEXEC);
	int mine = openat(box->sources->proc, "self/ns/user", O_RDONLY | O_CLOEXEC);

	if (ns < 0 || mine < 0 || fstat(ns, &its) < 0 || fstat(mine, &own) < 0 ||
	    its.st_ino == own.st_ino || ioctl(ns, SYS_NS_GET_OWNER_UID, &owner) < 0 || owner != 0)
		fail(CAISSON_STAGE_USERNS, EPERM, CAISSON_KNOB_PROC, CAISSON_NO_RECORD, owner);
	close(ns);
	close(mine);
	write_map(dir, "setgroups", "deny"); /* before gid_map; afterwards it is refused */
	write_map(dir, "uid_map", map_text(text, box->uid));
	write_map(dir, "gid_map", map_text(text, box->gid));
}

/* The child's directory in /proc, opened first; that it still lives is asked of the pidfd after. */
static int proc_dir(const struct box *box, long pid, int pidfd)
{
	struct pollfd dead = { .fd = pidfd, .events = POLLIN };
	char name[24];
	int dir;

	put_number(name, (unsigned long)pid);
	dir = openat(box->sources->proc, name, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0 || poll(&dead, 1, 0) != 0)
		fail(CAISSON_STAGE_NAMESPACES, dir < 0 ? errno : ESRCH, CAISSON_KNOB_PROC,
		     CAISSON_NO_RECORD, 0);
	return dir;
}

/* Until the child has answered. Its failures are passed on with its pidfd, so that it is reaped. */
static void attend(const struct box *box, int dir, int pidfd)
{
	struct caisson_answer answer;

	for (;;) {
		if (read(box->sync[0], &answer, sizeof(answer)) != sizeof(answer))
			fail(CAISSON_STAGE_NAMESPACES, ECHILD, CAISSON_KNOB_NONE,
			     CAISSON_NO_RECORD, 0);
		if (answer.kind == CAISSON_ANSWER_BUILT)
			return;
		if (answer.kind != ASK_MAP) {
			send_answer(CAISSON_FD_CONTROL, &answer, pidfd);
			_exit(125);
		}
		write_maps(box, dir);
		if (write(box->sync[0], "m", 1) != 1)
			fail(CAISSON_STAGE_USERNS, errno, CAISSON_KNOB_NONE, CAISSON_NO_RECORD, 0);
	}
}

void box_build(const struct plan *plan, struct sources *sources, uid_t uid, gid_t gid, int host)
{
	struct box box = {
		.plan = plan,
		.sources = sources,
		.uid = uid,
		.gid = gid,
		.host = host,
		.net = (enum caisson_net)plan_value(plan, CAISSON_OP_NET, CAISSON_NET_NONE),
		.userns = (enum caisson_userns)plan_value(plan, CAISSON_OP_USERNS,
		                                          CAISSON_USERNS_AUTO),
	};
	uint64_t flags = CLONE_PARENT | SYS_CLONE_PIDFD | CLONE_NEWNS | CLONE_NEWPID |
	                 CLONE_NEWIPC | CLONE_NEWUTS | SYS_CLONE_NEWCGROUP;
	int pidfd = -1;
	long pid;

	if (box.net != CAISSON_NET_HOST)
		flags |= CLONE_NEWNET;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, box.sync) < 0)
		fail(CAISSON_STAGE_NAMESPACES, errno, CAISSON_KNOB_NONE, CAISSON_NO_RECORD, 0);
	pid = clone_child(flags, &pidfd);
	if (pid == 0)
		child(&box);
	if (pid < 0)
		fail(CAISSON_STAGE_NAMESPACES, errno,
		     errno == EPERM ? CAISSON_KNOB_CAPABILITY : CAISSON_KNOB_NONE,
		     CAISSON_NO_RECORD, CAP_SYS_ADMIN);
	fail_with(pidfd); /* from here on a failure hands the caller its child, to be reaped */
	close(box.sync[1]);
	attend(&box, proc_dir(&box, pid, pidfd), pidfd);
}
