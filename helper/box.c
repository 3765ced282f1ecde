/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * One sandbox: clone the child into its namespaces, let it build, write its
 * maps, and stay until it has answered: the child, once it read back that
 * nothing is left of its privilege, says "built" itself. The child is the
 * caller's child (CLONE_PARENT), so that this process can end and nothing
 * privileged stays.
 */
#include <net/if.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "helper.h"
#include "sys.h"

/* The child's descriptor of the host application once the host's tree is gone. */
#define CHILD_HOST 4

static int child_pidfd = -1;

static long clone_child(uint64_t flags, int *pidfd)
{
	uint64_t args[8] = { flags, (uintptr_t)pidfd }; /* then tids, exit_signal, stack, tls: 0 */
	long pid = syscall(NR_clone3, args, sizeof(args));

	/* A caller's filter may answer ENOSYS; clone() does the same, with the pidfd in parent_tid. */
	if (pid < 0 && errno == ENOSYS)
		pid = syscall(SYS_clone, flags, NULL, pidfd, NULL, NULL);
	return pid;
}

/*
 * The helper made it meanwhile, on another CPU: of all namespaces it takes the
 * longest. Also waits, whatever the network, until the caller was told of us.
 */
static void join_net(const struct box *box)
{
	struct ifreq lo = { .ifr_name = "lo", .ifr_flags = IFF_UP };
	char made;
	int s;

	at.stage = CAISSON_STAGE_NETWORK;
	if (read(box->sync[1], &made, 1) != 1) /* the helper is gone, and has said why */
		_exit(125);
	need(box->net == CAISSON_NET_HOST || setns(box->self, CLONE_NEWNET) == 0, CAPABILITY,
	     CAP_SYS_ADMIN);
	if (box->net == CAISSON_NET_LOOPBACK) {
		s = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
		need(s >= 0 && ioctl(s, SIOCSIFFLAGS, &lo) == 0, CAPABILITY, CAP_NET_ADMIN);
	}
}

static void write_file(int dir, const char *file, const char *text)
{
	int fd = openat(dir, file, O_WRONLY | O_CLOEXEC);

	need(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text), CAPABILITY,
	     CAP_SETUID);
	close(fd);
}

/*
 * Made last: the mounts were attached before it and belong to the namespace
 * above, so that no capability inside could unmount or remount them. Made with
 * euid 0: its owner, who may enter it at will and for ever, is root; what is
 * created in it is charged to root as well, and limited here.
 */
static bool enter_userns(const struct box *box, int proc)
{
	char byte = 'm';

	at.stage = CAISSON_STAGE_USERNS;
	if (box->userns == CAISSON_USERNS_NONE)
		return false;
	if (unshare(CLONE_NEWUSER) < 0) {
		if (box->userns == CAISSON_USERNS_AUTO)
			return false;
		fail(errno,
		     errno == ENOSPC   ? CAISSON_KNOB_USERNS_LIMIT
		     : errno == EACCES ? CAISSON_KNOB_USERNS_MODULE
		                       : CAISSON_KNOB_SECCOMP,
		     0);
	}
	/* If the helper is gone it has said why. */
	if (write(box->sync[1], &byte, 1) != 1 || read(box->sync[1], &byte, 1) != 1)
		_exit(125);
	write_file(proc, "sys/user/max_user_namespaces", "0");
	write_file(proc, "sys/user/max_inotify_instances", "16");
	write_file(proc, "sys/user/max_inotify_watches", "4096");
	at.held |= CAISSON_BIT(USERNS) | CAISSON_BIT(OWN_POOLS);
	return true;
}

static _Noreturn void child(const struct box *box, uint64_t require)
{
	struct own own = { 0 };
	bool userns;
	int proc;

	close(box->sync[0]);
	need(prctl(PR_SET_DUMPABLE, 0) == 0 && setsid() > 0, NONE, 0);
	proc = root_build(box, &own);
	judge_tree(proc, &own);
	join_net(box);
	userns = enter_userns(box, proc);
	/* The helper's descriptors go, the host's /proc and the old root's among them. */
	need(box->host == CHILD_HOST || dup3(box->host, CHILD_HOST, O_CLOEXEC) >= 0, LIMITS, 0);
	close_from(CHILD_HOST + 1);
	drop_all(box, userns);

	at.held |= CAISSON_ALWAYS | (box->net == CAISSON_NET_HOST ? 0 : CAISSON_BIT(NET));
	at.backend = CAISSON_BACKEND_MOUNT_SETATTR;
	at.stage = CAISSON_STAGE_REQUIRE;
	errno = EPERM;
	require &= ~at.held;
	need(require == 0, PROPERTY, (uint32_t)__builtin_ctzll(require));
	answer(CAISSON_ANSWER_BUILT);
	init_run(CHILD_HOST);
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
	write_file(dir, "setgroups", "deny"); /* before gid_map; afterwards it is refused */
	write_file(dir, "uid_map", uids);
	write_file(dir, "gid_map", gids);
}

/* The alarm: a file system that hangs must not leave a process of root's behind. */
/* NOLINTNEXTLINE(bugprone-signal-handler,cert-sig30-c): all of it is system calls */
static void expired(int sig __attribute__((unused)))
{
	if (child_pidfd >= 0)
		syscall(NR_pidfd_send_signal, child_pidfd, SIGKILL, NULL, 0); /* NOLINT */
	fail(ETIMEDOUT, CAISSON_KNOB_TIMEOUT, 0);                             /* NOLINT */
}

/*
 * Hand the caller its child, to be reaped whatever happens; charged to the
 * caller, not to root. It can signal us meanwhile: not before the child is told.
 */
static void tell_cloned(const struct box *box)
{
	sigset_t all, before;

	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, &before);
	need(setresuid(box->uid, (uid_t)-1, (uid_t)-1) == 0, CAPABILITY, CAP_SETUID);
	answer_with = child_pidfd;
	answer(CAISSON_ANSWER_CLONED);
	answer_with = -1;
	need(setresuid(0, (uid_t)-1, (uid_t)-1) == 0 && prctl(PR_SET_DUMPABLE, 0) == 0, CAPABILITY,
	     CAP_SETUID);
	sigprocmask(SIG_SETMASK, &before, NULL);
}

void box_build(struct box *box)
{
	uint64_t flags = CLONE_PARENT | CLONE_PIDFD | CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWIPC |
	                 CLONE_NEWUTS | CLONE_NEWCGROUP;
	char byte, name[24];
	long pid;
	int dir;

	at.stage = CAISSON_STAGE_NAMESPACES;
	signal(SIGALRM, expired);
	box->self = (int)syscall(NR_pidfd_open, getpid(), 0);
	need(box->self >= 0 &&
	             socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, box->sync) == 0,
	     LIMITS, 0);
	pid = clone_child(flags, &child_pidfd);
	if (pid == 0)
		child(box, box->plan->head->require);
	need_knob(pid > 0, errno == EPERM ? CAISSON_KNOB_CAPABILITY : CAISSON_KNOB_LIMITS,
	          CAP_SYS_ADMIN);
	close(box->sync[1]);
	tell_cloned(box);
	need((box->net == CAISSON_NET_HOST || unshare(CLONE_NEWNET) == 0) &&
	             write(box->sync[0], "n", 1) == 1,
	     CAPABILITY, CAP_SYS_ADMIN);
	/* Until the child is done, or has failed and said so: its end of the pair is closed then. */
	while (read(box->sync[0], &byte, 1) == 1) {
		snprintf(name, sizeof(name), "%ld", pid);
		dir = openat(box->proc, name, O_PATH | O_DIRECTORY | O_CLOEXEC);
		/* Opened first, then: is the child, which waits for us, still there to have it? */
		need(dir >= 0 && syscall(NR_pidfd_send_signal, child_pidfd, 0, NULL, 0) == 0, PROC,
		     0);
		write_maps(box, dir);
		need(write(box->sync[0], "m", 1) == 1, NONE, 0);
	}
}
