/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The sandbox's pid 1. It holds no privilege, no capability and no descriptor
 * of the host but its socket and the host's pidfd; it is not dumpable for life,
 * so that the target, which has the same uid, cannot reach into it. It starts
 * one program, forwards signals, reaps, reports, and ends the sandbox when the
 * program or the host application ends: when pid 1 exits the kernel kills the
 * rest.
 */
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "helper.h"
#include "protocol/control.h"
#include "sys.h"

/*
 * In-flight descriptors are counted per user against the sender's limit: a
 * target may not hold so many that the host's own sendmsg fails (soft limit
 * 1024 less one message of 253).
 */
#define TARGET_NOFILE 768

static struct start {
	struct caisson_control head;
	int fd[CAISSON_START_FD_EXTRA + CAISSON_START_MAX_EXTRA];
	char args[CAISSON_START_MAX_ARGS + 1];
	char *string[CAISSON_START_MAX_STRINGS + 3]; /* cwd, argv, NULL, env, NULL */
} start;

/* Until fd has something to read or its other end is closed; the host is watched meanwhile. */
static void await(int fd, int host)
{
	struct pollfd fds[3] = { { .fd = fd, .events = POLLIN },
		                 { .fd = host, .events = POLLIN },
		                 { .fd = CAISSON_FD_CONTROL } };

	while (poll(fds, 3, -1) < 0 && errno == EINTR)
		;
	if (fds[1].revents || fds[2].revents)
		_exit(125);
}

static void receive_start(void)
{
	union {
		char space[CMSG_SPACE(sizeof(start.fd))];
		struct cmsghdr align;
	} control;
	struct iovec iov = { &start.head, sizeof(start.head) };
	struct msghdr msg = { .msg_iov = &iov,
		              .msg_iovlen = 1,
		              .msg_control = &control,
		              .msg_controllen = sizeof(control) };
	ssize_t n = recvmsg(CAISSON_FD_CONTROL, &msg, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
	struct cmsghdr *c = CMSG_FIRSTHDR(&msg);

	errno = EINVAL;
	need(n == sizeof(start.head) && !(msg.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) && c &&
	             c->cmsg_type == SCM_RIGHTS && start.head.magic == CAISSON_CONTROL_MAGIC &&
	             start.head.version == CAISSON_CONTROL_VERSION &&
	             start.head.kind == CAISSON_CONTROL_START && !start.head.reserved[0] &&
	             start.head.fds >= CAISSON_START_FD_EXTRA &&
	             start.head.fds <= CAISSON_START_FD_EXTRA + CAISSON_START_MAX_EXTRA &&
	             c->cmsg_len == CMSG_LEN(start.head.fds * sizeof(int)),
	     CONTROL, 1);
	memcpy(start.fd, CMSG_DATA(c), start.head.fds * sizeof(int));
}

/* cwd, argv, env: copied once, then only the copy is looked at. */
static void read_args(void)
{
	uint64_t strings = 1ull + start.head.argc + start.head.envc;
	char *next = start.args;
	size_t slot = 0;

	errno = EINVAL;
	need(start.head.args <= CAISSON_START_MAX_ARGS && start.head.argc > 0 &&
	             strings <= CAISSON_START_MAX_STRINGS &&
	             pread(start.fd[CAISSON_START_FD_ARGS], start.args, start.head.args, 0) ==
	                     (ssize_t)start.head.args,
	     CONTROL, 3);
	for (uint64_t i = 0; i < strings; i++) {
		need(next < start.args + start.head.args, CONTROL, 4);
		start.string[slot++] = next;
		if (i == start.head.argc)
			start.string[slot++] = NULL;
		next += strlen(next) + 1;
	}
}

/* A directory plus ".." or an O_PATH fd would be a way out; a file may be reopened for writing. */
static void check_fds(void)
{
	for (uint32_t i = CAISSON_START_FD_STDIO; i < start.head.fds; i++) {
		int flags = fcntl(start.fd[i], F_GETFL);
		struct stat st;

		need(fstat(start.fd[i], &st) == 0, STDIO, i - CAISSON_START_FD_STDIO);
		errno = EBADF;
		need(!(flags & O_PATH) && !S_ISDIR(st.st_mode) && !S_ISBLK(st.st_mode) &&
		             (!S_ISREG(st.st_mode) || start.head.flags & CAISSON_START_FILES),
		     STDIO, i - CAISSON_START_FD_STDIO);
	}
}

static void limit(int what, rlim_t hard)
{
	struct rlimit now;

	need(getrlimit(what, &now) == 0, LIMITS, 0);
	now.rlim_max = now.rlim_max < hard ? now.rlim_max : hard;
	now.rlim_cur = now.rlim_cur < now.rlim_max ? now.rlim_cur : now.rlim_max;
	need(setrlimit(what, &now) == 0, LIMITS, 0);
}

/*
 * In the new process, which shares init's memory until its exec (init only
 * polls meanwhile): put everything in its place and become the target.
 */
static int become_target(void *pair)
{
	int passed = (int)start.head.fds - CAISSON_START_FD_STDIO;
	int fd[CAISSON_START_MAX_EXTRA + 3];
	sigset_t none = { 0 };

	answer_fd = ((int *)pair)[1];
	memcpy(fd, start.fd + CAISSON_START_FD_STDIO, sizeof(fd));
	/* Above every number that is to be filled, so that no dup2 overwrites one still needed. */
	for (int i = 0; i < passed; i++)
		need(fd[i] > passed || (fd[i] = fcntl(fd[i], F_DUPFD_CLOEXEC, passed + 1)) >= 0,
		     LIMITS, 0);
	if (answer_fd != passed)
		need(dup3(answer_fd, passed, O_CLOEXEC) >= 0, LIMITS, 0);
	answer_fd = passed;
	for (int i = 0; i < passed; i++)
		need(dup2(fd[i], i) >= 0, LIMITS, 0);
	close_from(passed + 1);
	setsid();
	limit(RLIMIT_CORE, 1); /* 0 would not stop a pipe core handler, run as the host's root */
	limit(RLIMIT_NOFILE, TARGET_NOFILE);
	/* Not by signal(): it leaves out what libc keeps to itself, with musl the SIGRTMIN of glibc. */
	for (int sig = 1; sig < NSIG; sig++)
		syscall(SYS_rt_sigaction, sig, (uint64_t[4]){ 0 } /* SIG_DFL */, NULL, 8);
	sigprocmask(SIG_SETMASK, &none, NULL);
	need(chdir(start.string[0]) == 0, CWD, 0);
	at.stage = CAISSON_STAGE_EXEC;
	environ = start.string + start.head.argc + 2;
	execvp(start.string[1], start.string + 1);
	fail(errno, CAISSON_KNOB_PROGRAM, 0);
}

/* Returns the target's pid once its exec succeeded, which closes the pair's other end. */
static pid_t start_target(int host)
{
	static char stack[1 << 16] __attribute__((aligned(16)));
	int pair[2];
	pid_t pid;

	need(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) == 0, LIMITS, 0);
	pid = clone(become_target, stack + sizeof(stack), CLONE_VM | SIGCHLD, pair);
	need(pid > 0, LIMITS, 0);
	close(pair[1]);
	await(pair[0], host); /* exec may wait for a file system that never answers */
	answer_fd = CAISSON_FD_CONTROL;
	if (read(pair[0], &at, sizeof(at)) == sizeof(at))
		fail(at.error, at.knob, at.detail);
	close(pair[0]);
	for (uint32_t i = 0; i < start.head.fds; i++)
		close(start.fd[i]);
	answer(CAISSON_ANSWER_RUNNING);
	return pid;
}

/*
 * One that has ended; if it is the target, so has the sandbox. One at a time,
 * and one signal at a time below: whatever storm a target makes, the host is
 * heard in between.
 */
static bool reap(pid_t target)
{
	int status;
	pid_t pid = waitpid(-1, &status, WNOHANG);

	if (pid != target)
		return pid > 0;
	/* The others first, so that whoever hears of the end knows that nothing runs any more. */
	if (waitpid(-1, NULL, WNOHANG) >= 0)
		kill(-1, SIGKILL);
	while (waitpid(-1, NULL, 0) > 0)
		;
	at.status = status;
	answer(CAISSON_ANSWER_EXITED);
	_exit(WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
}

static void obey(pid_t target)
{
	struct caisson_control c;
	ssize_t n = recv(CAISSON_FD_CONTROL, &c, sizeof(c), MSG_DONTWAIT);

	if (n == 0 || (n < 0 && errno != EAGAIN))
		_exit(125);
	if (n == sizeof(c) && c.magic == CAISSON_CONTROL_MAGIC && c.kind == CAISSON_CONTROL_SIGNAL)
		kill(target, c.signal);
}

_Noreturn void init_run(int host)
{
	struct signalfd_siginfo info;
	sigset_t all;
	pid_t target;
	int signals;

	at.stage = CAISSON_STAGE_INIT;
	sigfillset(&all);
	/* Blocked, so that one from outside waits here instead of being dropped as pid 1's. */
	need(sigprocmask(SIG_SETMASK, &all, NULL) == 0 &&
	             (signals = signalfd(-1, &all, SFD_CLOEXEC | SFD_NONBLOCK)) >= 0,
	     LIMITS, 0);
	await(CAISSON_FD_CONTROL, host);
	receive_start();
	read_args();
	check_fds();
	target = start_target(host);
	for (bool busy = true;; busy = reap(target)) {
		struct pollfd fds[3] = { { .fd = CAISSON_FD_CONTROL, .events = POLLIN },
			                 { .fd = host, .events = POLLIN },
			                 { .fd = signals, .events = POLLIN } };

		if ((poll(fds, 3, busy ? 0 : -1) < 0 && errno != EINTR) || fds[1].revents)
			_exit(125);
		if (fds[0].revents)
			obey(target);
		/* From outside only: pid 0. Those inside may signal the target themselves. */
		if (fds[2].revents && read(signals, &info, sizeof(info)) == sizeof(info) &&
		    info.ssi_signo != SIGCHLD && info.ssi_pid == 0)
			kill(target, (int)info.ssi_signo);
	}
}
