/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * caisson-helper: one exec, one sandbox. Entry: assume nothing of what was
 * inherited, read the plan with the caller's own rights, and only then become
 * root. docs/audit.md walks through it in the order of execution.
 */
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/vfs.h>

#include "helper.h"
#include "sys.h"

#define SEALS_WANTED (F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE)

extern char **environ;

static _Noreturn void bad_start(int error, uint32_t knob, uint32_t detail)
{
	fail(CAISSON_STAGE_START, error, knob, CAISSON_NO_RECORD, detail);
}

void close_from(int first)
{
	if (syscall(NR_close_range, first, ~0u, 0) == 0)
		return;
	/* Before Linux 5.9: as far as the default fs.nr_open goes. */
	for (int fd = first; fd < 1 << 20; fd++)
		close(fd);
}

/* 0 to 2 must not become something this program opens. */
static void fill_stdio(void)
{
	int fd;

	do
		fd = open("/dev/null", O_RDWR);
	while (fd >= 0 && fd <= 2);
	if (fd < 0)
		_exit(125);
	close(fd);
}

/* Someone ran the helper by hand. Without any privilege, one line to whatever fd 2 is. */
static _Noreturn void not_for_people(uid_t uid, gid_t gid)
{
	static const char text[] = "caisson-helper: not to be run by hand: it takes a plan from "
				   "libcaisson; try \"caisson run\" (see caisson-helper(8))\n";

	if (setresgid(gid, gid, gid) == 0 && setresuid(uid, uid, uid) == 0 &&
	    (uid == 0 || setuid(0) < 0)) {
		if (write(2, text, sizeof(text) - 1) < 0)
			_exit(125);
	}
	_exit(125);
}

/* Is fd 3 a SEQPACKET of the caller's own, made by the process that started us? */
static bool control_ok(uid_t uid)
{
	struct ucred peer;
	socklen_t len = sizeof(peer);
	int type = 0, domain = 0;
	socklen_t n = sizeof(int);

	return getsockopt(CAISSON_FD_CONTROL, SOL_SOCKET, SO_TYPE, &type, &n) == 0 &&
	       type == SOCK_SEQPACKET &&
	       getsockopt(CAISSON_FD_CONTROL, SOL_SOCKET, SO_DOMAIN, &domain, &n) == 0 &&
	       domain == AF_UNIX &&
	       getsockopt(CAISSON_FD_CONTROL, SOL_SOCKET, SO_PEERCRED, &peer, &len) == 0 &&
	       peer.uid == uid;
}

/* What survives exec into a setuid program and is the caller's to choose. */
static void sanitise(void)
{
	const struct itimerval none = { 0 };
	const struct rlimit no_core = { 0, 0 };
	sigset_t set;

	/* exec left no handler; of what it left ignored only the alarm matters to us. */
	signal(SIGALRM, SIG_DFL);
	signal(SIGPIPE, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN); /* every write is checked instead */
	sigemptyset(&set);
	sigprocmask(SIG_SETMASK, &set, NULL);
	setitimer(ITIMER_VIRTUAL, &none, NULL);
	setitimer(ITIMER_PROF, &none, NULL);
	alarm(HELPER_SECONDS); /* replaces ITIMER_REAL; the default action ends us */
	umask(022);
	personality(0);
	if (prctl(PR_SET_DUMPABLE, 0) < 0 || setrlimit(RLIMIT_CORE, &no_core) < 0 || chdir("/") < 0)
		bad_start(errno, CAISSON_KNOB_NONE, 0);
}

/*
 * With the caller's effective ids: whatever reading does, it does with the
 * caller's rights. The plan is copied once out of a memfd that can no longer
 * change, so that nothing is read twice.
 */
static void read_plan(struct plan *plan)
{
	static char bytes[CAISSON_PLAN_MAX_SIZE + 1];
	struct fault fault = { CAISSON_NO_RECORD, CAISSON_FAULT_FD };
	int seals = fcntl(CAISSON_FD_PLAN, F_GET_SEALS);
	size_t have = 0;
	ssize_t n;

	if (seals < 0 || (seals & SEALS_WANTED) != SEALS_WANTED)
		fail(CAISSON_STAGE_PLAN, EINVAL, CAISSON_KNOB_PLAN_FORMAT, fault.record, fault.detail);
	while ((n = pread(CAISSON_FD_PLAN, bytes + have, sizeof(bytes) - have, (off_t)have)) > 0)
		have += (size_t)n;
	if (n < 0 || plan_check(bytes, have, plan, &fault) < 0)
		fail(CAISSON_STAGE_PLAN, EINVAL, CAISSON_KNOB_PLAN_FORMAT, fault.record, fault.detail);
	for (uint32_t i = 0; i < plan->head.fds; i++) {
		int flags = fcntl(CAISSON_FD_SOURCES + (int)i, F_GETFL);

		if (flags < 0 || !(flags & O_PATH))
			fail(CAISSON_STAGE_PLAN, EBADF, CAISSON_KNOB_PLAN_FORMAT, CAISSON_NO_RECORD,
			     CAISSON_FAULT_INDEX);
	}
	close_from(CAISSON_FD_SOURCES + (int)plan->head.fds);
}

/* The procfs of our own pid namespace, or nothing that is read there can be believed. */
static int open_proc(void)
{
	char self[24] = "", expect[24];
	struct statfs fs;
	int proc = open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	put_number(expect, (unsigned long)getpid());
	if (proc < 0 || fstatfs(proc, &fs) < 0 || fs.f_type != SYS_PROC_MAGIC ||
	    readlinkat(proc, "self", self, sizeof(self) - 1) < 0 || strcmp(self, expect) != 0)
		bad_start(ESRCH, CAISSON_KNOB_PROC, 0);
	return proc;
}

/* Is this the user namespace that the kernel started with? Otherwise "root" is only root in there. */
bool initial_userns(int proc)
{
	struct stat st;

	return fstatat(proc, "self/ns/user", &st, 0) == 0 && st.st_ino == 0xeffffffdu;
}

/* The host application, to be watched; its pid is checked again once the pidfd is had. */
static int open_host(void)
{
	pid_t ppid = getppid();
	int fd = (int)syscall(NR_pidfd_open, ppid, 0);

	if (fd < 0)
		bad_start(errno, errno == ENOSYS ? CAISSON_KNOB_KERNEL : CAISSON_KNOB_HOST_GONE,
		          NR_pidfd_open);
	if (getppid() != ppid)
		bad_start(ESRCH, CAISSON_KNOB_HOST_GONE, 0);
	return fd;
}

static void become_root(void)
{
	if (setresuid(0, 0, 0) < 0 || prctl(PR_SET_DUMPABLE, 0) < 0)
		bad_start(errno, CAISSON_KNOB_CAPABILITY, CAP_SETUID);
}

int main(int argc, char **argv)
{
	static struct plan plan;
	static struct sources sources;
	const uid_t uid = getuid();
	const gid_t gid = getgid();
	int host;

	if (environ)
		*environ = NULL;
	fill_stdio();
	if (!control_ok(uid))
		not_for_people(uid, gid);
	if (argc != 1 || !argv[0] || !argv[0][0])
		bad_start(EINVAL, CAISSON_KNOB_ARGUMENTS, 0);
	if (geteuid() != 0)
		bad_start(EPERM,
		          prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1 ? CAISSON_KNOB_NO_NEW_PRIVS
		                                                       : CAISSON_KNOB_NOT_SETUID,
		          0);
	sanitise();
	/* Never as root to a descriptor that the caller gave: these become ours. */
	close(0);
	close(1);
	close(2);
	fill_stdio();
	if (setresgid(gid, gid, gid) < 0 || setresuid((uid_t)-1, uid, (uid_t)-1) < 0 ||
	    prctl(PR_SET_DUMPABLE, 0) < 0)
		bad_start(errno, CAISSON_KNOB_CAPABILITY, CAP_SETUID);
	read_plan(&plan);
	become_root(); /* the caller can no longer signal us: every step from here ends whole or in fail() */
	sources.proc = open_proc();
	host = open_host();
	sources_take(&plan, uid, &sources);
	box_build(&plan, &sources, uid, gid, host);
	return 0;
}
