/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * caisson-helper: one exec, one sandbox. Entry: assume nothing of what was
 * inherited, read the plan with the caller's own rights, and only then become
 * root. docs/audit.md walks through it in the order of execution.
 */
#include <linux/magic.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/vfs.h>

#include "helper.h"
#include "sys.h"

#define SEALS (F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE)

/* Someone ran the helper by hand. Without any privilege, one line to whatever fd 2 is. */
static _Noreturn void not_for_people(uid_t uid, gid_t gid)
{
	if (setresgid(gid, gid, gid) == 0 && setresuid(uid, uid, uid) == 0)
		dprintf(2,
		        "caisson-helper: not to be run by hand: it takes a plan from libcaisson; "
		        "try \"caisson run\" (see caisson-helper(8))\n");
	_exit(125);
}

/* Is fd 3 a SEQPACKET whose other end was made by the caller's uid? Only unix sockets know of one. */
static bool control_ok(uid_t uid)
{
	struct ucred peer;
	int type;
	socklen_t n = sizeof(type), len = sizeof(peer);

	return getsockopt(CAISSON_FD_CONTROL, SOL_SOCKET, SO_TYPE, &type, &n) == 0 &&
	       type == SOCK_SEQPACKET &&
	       getsockopt(CAISSON_FD_CONTROL, SOL_SOCKET, SO_PEERCRED, &peer, &len) == 0 &&
	       peer.pid > 0 && peer.uid == uid;
}

/* What survives exec into a setuid program and is the caller's to choose. */
static void sanitise(void)
{
	const struct itimerval none = { 0 };
	const struct rlimit core = { 1, 1 }, no_core = { 0, 0 };
	const sigset_t no_signal = { 0 };

	/* exec left no handler; what it left ignored would keep us from the alarm, init from SIGCHLD. */
	signal(SIGALRM, SIG_DFL);
	signal(SIGCHLD, SIG_DFL);
	signal(SIGPIPE, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN); /* every write is checked instead */
	sigprocmask(SIG_SETMASK, &no_signal, NULL);
	setitimer(ITIMER_VIRTUAL, &none, NULL);
	setitimer(ITIMER_PROF, &none, NULL);
	alarm(HELPER_SECONDS); /* replaces ITIMER_REAL; the default action ends us */
	umask(022);
	personality(0);
	need(prctl(PR_SET_DUMPABLE, 0) == 0 && chdir("/") == 0, NONE, 0);
	/* 1: unlike 0 it keeps pipe core handlers away; only the initial namespace's root may raise it */
	need(setrlimit(RLIMIT_CORE, &core) == 0 || setrlimit(RLIMIT_CORE, &no_core) == 0, NONE, 0);
}

/*
 * With the caller's effective ids: whatever reading does, it does with the
 * caller's rights. The plan is copied once out of a memfd that can no longer
 * change, so that nothing is read twice.
 */
static void read_plan(struct plan *plan)
{
	static uint64_t bytes[CAISSON_PLAN_MAX_SIZE / 8 + 1];
	ssize_t n;
	uint32_t fault;
	int flags;

	at.stage = CAISSON_STAGE_PLAN;
	errno = EINVAL;
	flags = fcntl(CAISSON_FD_PLAN, F_GET_SEALS);
	need(flags >= 0 && (flags & SEALS) == SEALS, PLAN_FORMAT, CAISSON_FAULT_FD);
	n = pread(CAISSON_FD_PLAN, bytes, sizeof(bytes), 0);
	fault = n < 0 ? CAISSON_FAULT_SIZE : plan_check(bytes, (size_t)n, plan, &at.record);
	need(fault == 0, PLAN_FORMAT, fault);
	for (uint32_t i = 0; i < plan->head->fds; i++) {
		flags = fcntl(CAISSON_FD_SOURCES + (int)i, F_GETFL);
		need(flags >= 0 && flags & O_PATH, PLAN_FORMAT, CAISSON_FAULT_INDEX);
	}
	close_from(CAISSON_FD_SOURCES + (int)plan->head->fds);
	at.stage = CAISSON_STAGE_START;
}

/* The procfs of our own pid namespace, or nothing that is read there can be believed. */
static int open_proc(void)
{
	char self[24] = "";
	struct statfs fs;
	int proc = open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	errno = ESRCH;
	need(proc >= 0 && fstatfs(proc, &fs) == 0 && fs.f_type == PROC_SUPER_MAGIC &&
	             readlinkat(proc, "self", self, sizeof(self) - 1) > 0 &&
	             (int)strtol(self, NULL, 10) == getpid(),
	     PROC, 0);
	return proc;
}

/* The host application, to be watched; its pid is looked at again once the pidfd is had. */
static int open_host(void)
{
	pid_t ppid = getppid();
	int fd = (int)syscall(NR_pidfd_open, ppid, 0);

	need_knob(fd >= 0, errno == ENOSYS ? CAISSON_KNOB_KERNEL : CAISSON_KNOB_HOST_GONE,
	          NR_pidfd_open);
	errno = ESRCH;
	need(getppid() == ppid, HOST_GONE, 0);
	return fd;
}

int main(int argc, char **argv)
{
	static struct plan plan;
	static int tree[CAISSON_PLAN_MAX_FDS];
	struct box box = { .plan = &plan, .tree = tree, .uid = getuid(), .gid = getgid() };
	sigset_t stops;

	clearenv();
	if (!control_ok(box.uid))
		not_for_people(box.uid, box.gid);
	errno = EINVAL;
	need(argc == 1 && argv[0] && argv[0][0], ARGUMENTS, 0);
	errno = EPERM;
	need_knob(geteuid() == 0,
	          prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1 ? CAISSON_KNOB_NO_NEW_PRIVS
	                                                      : CAISSON_KNOB_NOT_SETUID,
	          0);
	sanitise();
	/*
	 * Never as root to a descriptor that the caller gave, and 0 to 2 must not
	 * become something this program opens: nothing was opened so far.
	 */
	for (int fd = 0; fd < 3; fd++) {
		close(fd);
		need(open("/dev/null", O_RDWR) == fd, NONE, 0);
	}
	need(setresgid(box.gid, box.gid, box.gid) == 0 &&
	             setresuid((uid_t)-1, box.uid, (uid_t)-1) == 0 &&
	             prctl(PR_SET_DUMPABLE, 0) == 0,
	     CAPABILITY, CAP_SETUID);
	read_plan(&plan);
	/*
	 * From here on the caller can no longer signal us, nor can its terminal, which
	 * asks nobody: every step ends whole, or in fail().
	 */
	sigfillset(&stops);
	sigdelset(&stops, SIGALRM);
	need(sigprocmask(SIG_SETMASK, &stops, NULL) == 0 && setresuid(0, 0, 0) == 0 &&
	             prctl(PR_SET_DUMPABLE, 0) == 0,
	     CAPABILITY, CAP_SETUID);
	box.proc = open_proc();
	box.host = open_host();
	box.net = plan_value(&plan, CAISSON_OP_NET);
	box.userns = plan_value(&plan, CAISSON_OP_USERNS);
	sources_take(&plan, box.uid, box.proc, tree);
	box_build(&box);
	return 0;
}
