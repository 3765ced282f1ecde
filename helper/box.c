/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * One sandbox: clone the child into its namespaces, let it build, write its
 * maps, and stay until it has answered: the child, once it read back that
 * nothing is left of its privilege, says "built" itself. The child is the
 * caller's child (CLONE_PARENT), so that this process can end and nothing
 * privileged stays.
 */
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
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

static long clone_child(uint64_t flags, int *pidfd)
{
	uint64_t args[8] = { flags, (uintptr_t)pidfd }; /* then tids, exit_signal, stack, tls: 0 */
	long pid = syscall(NR_clone3, args, sizeof(args));

	/* A caller's filter may answer ENOSYS; clone() does the same, with the pidfd in parent_tid. */
	if (pid < 0 && errno == ENOSYS)
		pid = syscall(SYS_clone, flags, NULL, pidfd, NULL, NULL);
	return pid;
}

/* The helper made it meanwhile, on another CPU: of all namespaces it takes the longest. */
static void join_net(const struct box *box)
{
	struct ifreq lo = { .ifr_name = "lo", .ifr_flags = IFF_UP };
	char made;
	int s;

	at.stage = CAISSON_STAGE_NETWORK;
	if (read(box->sync[1], &made, 1) != 1) /* the helper is gone, and has said why */
		_exit(125);
	need(setns(box->self, CLONE_NEWNET) == 0, CAPABILITY, CAP_SYS_ADMIN);
	if (box->net == CAISSON_NET_LOOPBACK) {
		s = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
		need(s >= 0 && ioctl(s, SIOCSIFFLAGS, &lo) == 0, CAPABILITY, CAP_NET_ADMIN);
	}
}

/* The helper's descriptors go, the host's /proc and the old root's among them. */
static void keep_fds(const struct box *box)
{
	/* Out of the way first: either may stand on the other's number. */
	int sync = fcntl(box->sync[1], F_DUPFD_CLOEXEC, CHILD_SYNC + 1);
	int host = fcntl(box->host, F_DUPFD_CLOEXEC, CHILD_SYNC + 1);

	need(sync >= 0 && host >= 0 && dup3(sync, CHILD_SYNC, O_CLOEXEC) >= 0 &&
	             dup3(host, CHILD_HOST, O_CLOEXEC) >= 0,
	     LIMITS, 0);
	answer_fd = CHILD_SYNC;
	close_from(CHILD_SYNC + 1);
}

/*
 * Made last: the mounts were attached before it and belong to the namespace
 * above, so that no capability inside could unmount or remount them. Made with
 * euid 0: its owner, who may enter it at will and for ever, is root.
 */
static bool enter_userns(uint64_t mode)
{
	char mapped;

	at.stage = CAISSON_STAGE_USERNS;
	if (mode == CAISSON_USERNS_NONE)
		return false;
	if (unshare(CLONE_NEWUSER) < 0) {
		if (mode == CAISSON_USERNS_AUTO)
			return false;
		fail(errno,
		     errno == ENOSPC   ? CAISSON_KNOB_USERNS_LIMIT
		     : errno == EACCES ? CAISSON_KNOB_USERNS_MODULE
		                       : CAISSON_KNOB_SECCOMP,
		     0);
	}
	/* If the helper is gone it has said why. */
	if (answer(ASK_MAP) < 0 || read(CHILD_SYNC, &mapped, 1) != 1)
		_exit(125);
	at.held |= CAISSON_BIT(USERNS) | CAISSON_BIT(OWN_POOLS);
	return true;
}

static _Noreturn void child(const struct box *box, uint64_t require)
{
	const struct caisson_plan_record *name = plan_find(box->plan, CAISSON_OP_HOSTNAME);
	struct own own = { 0 };
	int proc, self;
	bool userns;

	answer_fd = box->sync[1];
	alarm(HELPER_SECONDS); /* not inherited over clone */
	need(prctl(PR_SET_DUMPABLE, 0) == 0 && setsid() > 0, NONE, 0);
	proc = root_build(box, &own);
	judge_tree(proc, &own);
	if (box->net != CAISSON_NET_HOST)
		join_net(box);
	if (name)
		need(sethostname(box->plan->names + name->name, name->name_len) == 0, CAPABILITY,
		     CAP_SYS_ADMIN);
	keep_fds(box);
	self = (int)syscall(NR_pidfd_open, getpid(), 0);
	need(self >= 0, KERNEL, NR_pidfd_open);
	userns = enter_userns(box->userns);
	drop_all(box, userns);

	at.held |= CAISSON_ALWAYS | (box->net == CAISSON_NET_HOST ? 0 : CAISSON_BIT(NET));
	at.backend = CAISSON_BACKEND_MOUNT_SETATTR;
	at.stage = CAISSON_STAGE_REQUIRE;
	errno = EPERM;
	require &= ~at.held;
	need(require == 0, PROPERTY, (uint32_t)__builtin_ctzll(require));
	/* From here on this process is the caller's to end: it answers in its own name. */
	answer_with = self;
	answer_fd = CAISSON_FD_CONTROL;
	if (answer(CAISSON_ANSWER_BUILT) < 0)
		_exit(125);
	answer_with = -1;
	answer_fd = CHILD_SYNC;
	answer(CAISSON_ANSWER_BUILT);
	answer_fd = CAISSON_FD_CONTROL;
	alarm(0);
	close(self);
	close(CHILD_SYNC);
	init_run(CHILD_HOST);
}

static void write_map(int dir, const char *file, const char *text)
{
	int fd = openat(dir, file, O_WRONLY | O_CLOEXEC);

	need(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text), CAPABILITY,
	     CAP_SETUID);
	close(fd);
}

/* One uid and one gid, the caller's own. dir: the child's /proc entry. */
static void write_maps(const struct box *box, int dir)
{
	struct stat own, its;
	uid_t owner = (uid_t)-1;
	char uids[32], gids[32];
	int ns = openat(dir, "ns/user", O_RDONLY | O_CLOEXEC);

	at.stage = CAISSON_STAGE_USERNS;
	need(ns >= 0 && fstat(ns, &its) == 0 && fstatat(box->proc, "self/ns/user", &own, 0) == 0 &&
	             its.st_ino != own.st_ino && ioctl(ns, SYS_NS_GET_OWNER_UID, &owner) == 0 &&
	             owner == 0,
	     PROC, owner);
	close(ns);
	snprintf(uids, sizeof(uids), "%u %u 1", box->uid, box->uid);
	snprintf(gids, sizeof(gids), "%u %u 1", box->gid, box->gid);
	write_map(dir, "setgroups", "deny"); /* before gid_map; afterwards it is refused */
	write_map(dir, "uid_map", uids);
	write_map(dir, "gid_map", gids);
}

/* Until the child has answered. Its failures are passed on with its pidfd, so that it is reaped. */
static void attend(const struct box *box, long pid, int pidfd)
{
	struct pollfd dead = { .fd = pidfd, .events = POLLIN };
	struct caisson_answer said;
	char name[24];
	int dir;

	/* The child's /proc entry first; that it still lives is asked of the pidfd after. */
	snprintf(name, sizeof(name), "%ld", pid);
	dir = openat(box->proc, name, O_PATH | O_DIRECTORY | O_CLOEXEC);
	for (;;) {
		errno = ECHILD;
		need(read(box->sync[0], &said, sizeof(said)) == sizeof(said), NONE, 0);
		if (said.kind == CAISSON_ANSWER_BUILT)
			return;
		if (said.kind != ASK_MAP) {
			at = said;
			fail(at.error, at.knob, at.detail);
		}
		errno = ESRCH;
		need(dir >= 0 && poll(&dead, 1, 0) == 0, PROC, 0);
		write_maps(box, dir);
		need(write(box->sync[0], "m", 1) == 1, NONE, 0);
	}
}

void box_build(struct box *box)
{
	uint64_t flags = CLONE_PARENT | SYS_CLONE_PIDFD | CLONE_NEWNS | CLONE_NEWPID |
	                 CLONE_NEWIPC | CLONE_NEWUTS | SYS_CLONE_NEWCGROUP;
	int pidfd = -1;
	long pid;

	at.stage = CAISSON_STAGE_NAMESPACES;
	box->self = (int)syscall(NR_pidfd_open, getpid(), 0);
	need(box->self >= 0 &&
	             socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, box->sync) == 0,
	     LIMITS, 0);
	pid = clone_child(flags, &pidfd);
	if (pid == 0)
		child(box, box->plan->head->require);
	need_knob(pid > 0, errno == EPERM ? CAISSON_KNOB_CAPABILITY : CAISSON_KNOB_LIMITS,
	          CAP_SYS_ADMIN);
	answer_with = pidfd; /* a failure from here on hands the caller its child */
	close(box->sync[1]);
	if (box->net != CAISSON_NET_HOST)
		need(unshare(CLONE_NEWNET) == 0 && write(box->sync[0], "n", 1) == 1, CAPABILITY,
		     CAP_SYS_ADMIN);
	attend(box, pid, pidfd);
}
