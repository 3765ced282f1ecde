/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The sandbox's pid 1. It holds no privilege, no capability and no descriptor
 * of the host but its socket and the host's pidfd; it is not dumpable for life,
 * so that the target, which has the same uid, cannot reach into it. It starts
 * one program, forwards signals, reaps, reports, and ends the sandbox when the
 * program or the host application ends: when pid 1 exits the kernel kills the
 * rest.
 */
#include <errno.h>
#include <poll.h>
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

/* Why the target could not be started, over a pipe that its exec closes. */
struct trouble {
	uint32_t stage, knob, detail;
	int32_t error;
};

struct start {
	struct caisson_control head;
	int fd[CAISSON_START_FD_EXTRA + CAISSON_START_MAX_EXTRA];
	char args[CAISSON_START_MAX_ARGS + 1];
	char *string[CAISSON_START_MAX_STRINGS + 3]; /* argv, NULL, env, NULL */
	const char *cwd;
};

static _Noreturn void bad_request(uint32_t detail)
{
	fail(CAISSON_STAGE_INIT, EINVAL, CAISSON_KNOB_CONTROL, CAISSON_NO_RECORD, detail);
}

/* The host application is gone, or told us to go: so is the sandbox. */
static _Noreturn void end(int code)
{
	_exit(code);
}

/* Until fd has something to read or its other end is closed. */
static void await(int fd, int host)
{
	struct pollfd fds[3] = { { .fd = fd, .events = POLLIN },
		                 { .fd = host, .events = POLLIN },
		                 { .fd = CAISSON_FD_CONTROL } };

	while (poll(fds, 3, -1) < 0 && errno == EINTR)
		;
	if (fds[1].revents || fds[2].revents)
		end(125);
}

static void receive_start(struct start *s)
{
	union {
		char space[CMSG_SPACE(sizeof(s->fd))];
		struct cmsghdr align;
	} control;
	struct iovec iov = { &s->head, sizeof(s->head) };
	struct msghdr msg = { .msg_iov = &iov,
		              .msg_iovlen = 1,
		              .msg_control = control.space,
		              .msg_controllen = sizeof(control.space) };
	ssize_t n = recvmsg(CAISSON_FD_CONTROL, &msg, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
	struct cmsghdr *c = CMSG_FIRSTHDR(&msg);

	if (n <= 0)
		end(125);
	if (n != sizeof(s->head) || msg.msg_flags & (MSG_TRUNC | MSG_CTRUNC) ||
	    s->head.magic != CAISSON_CONTROL_MAGIC || s->head.version != CAISSON_CONTROL_VERSION ||
	    s->head.kind != CAISSON_CONTROL_START)
		bad_request(1);
	if (!c || c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS ||
	    s->head.fds < CAISSON_START_FD_EXTRA ||
	    s->head.fds > CAISSON_START_FD_EXTRA + CAISSON_START_MAX_EXTRA ||
	    c->cmsg_len != CMSG_LEN(s->head.fds * sizeof(int)) || CMSG_NXTHDR(&msg, c))
		bad_request(2);
	memcpy(s->fd, CMSG_DATA(c), s->head.fds * sizeof(int));
}

/* cwd, argv, env: copied once, then only the copy is looked at. */
static void read_args(struct start *s)
{
	uint64_t strings = 1ull + s->head.argc + s->head.envc;
	size_t have = 0, slot = 0;
	char *at = s->args;

	if (s->head.args == 0 || s->head.args > CAISSON_START_MAX_ARGS || s->head.argc == 0 ||
	    strings > CAISSON_START_MAX_STRINGS)
		bad_request(3);
	while (have < s->head.args) {
		ssize_t n = pread(s->fd[CAISSON_START_FD_ARGS], s->args + have, s->head.args - have,
		                  (off_t)have);

		if (n <= 0)
			bad_request(4);
		have += (size_t)n;
	}
	s->args[have] = '\0';
	for (uint64_t i = 0; i < strings; i++) {
		if (at >= s->args + have)
			bad_request(5);
		if (i == 0)
			s->cwd = at;
		else
			s->string[slot++] = at;
		if (i == s->head.argc)
			s->string[slot++] = NULL;
		at += strlen(at) + 1;
	}
	s->string[slot] = NULL;
	if (at != s->args + have)
		bad_request(6);
}

/* A directory plus ".." or an O_PATH fd would be a way out; a file may be reopened for writing. */
static void check_fds(const struct start *s)
{
	for (uint32_t i = CAISSON_START_FD_STDIO; i < s->head.fds; i++) {
		int flags = fcntl(s->fd[i], F_GETFL);
		struct stat st;

		if (flags < 0 || flags & O_PATH || fstat(s->fd[i], &st) < 0 ||
		    S_ISDIR(st.st_mode) || S_ISBLK(st.st_mode) || S_ISLNK(st.st_mode) ||
		    (S_ISREG(st.st_mode) && !(s->head.flags & CAISSON_START_FILES)))
			fail(CAISSON_STAGE_INIT, EBADF, CAISSON_KNOB_STDIO, CAISSON_NO_RECORD,
			     i - CAISSON_START_FD_STDIO);
	}
}

static _Noreturn void trouble(int pipe_fd, uint32_t stage, uint32_t knob, uint32_t detail)
{
	struct trouble t = { stage, knob, detail, errno };

	if (write(pipe_fd, &t, sizeof(t)) != sizeof(t))
		_exit(125);
	_exit(t.error == ENOENT ? 127 : 126);
}

static void limit(int what, rlim_t hard)
{
	struct rlimit now;

	if (getrlimit(what, &now) < 0)
		return;
	now.rlim_max = now.rlim_max < hard ? now.rlim_max : hard;
	now.rlim_cur = now.rlim_cur < now.rlim_max ? now.rlim_cur : now.rlim_max;
	if (setrlimit(what, &now) < 0)
		_exit(125);
}

/* In the forked child: put everything in its place and become the target. */
static _Noreturn void become_target(struct start *s, int pipe_fd)
{
	int passed = (int)s->head.fds - CAISSON_START_FD_STDIO;
	int *fd = s->fd + CAISSON_START_FD_STDIO;
	sigset_t none;

	/* Above every number that is to be filled, so that no dup2 overwrites one still needed. */
	for (int i = 0; i < passed; i++)
		if (fd[i] <= passed && (fd[i] = fcntl(fd[i], F_DUPFD_CLOEXEC, passed + 1)) < 0)
			trouble(pipe_fd, CAISSON_STAGE_INIT, CAISSON_KNOB_STDIO, (uint32_t)i);
	if (pipe_fd != passed && dup3(pipe_fd, passed, O_CLOEXEC) < 0)
		_exit(125);
	for (int i = 0; i < passed; i++)
		if (dup2(fd[i], i) < 0)
			trouble(passed, CAISSON_STAGE_INIT, CAISSON_KNOB_STDIO, (uint32_t)i);
	pipe_fd = passed;
	close_from(pipe_fd + 1);
	setsid();
	limit(RLIMIT_CORE, 1); /* 0 would not stop a pipe core handler, which runs as the host's root */
	limit(RLIMIT_NOFILE, TARGET_NOFILE);
	for (int sig = 1; sig < NSIG; sig++)
		signal(sig, SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	if (chdir(s->cwd) < 0)
		trouble(pipe_fd, CAISSON_STAGE_INIT, CAISSON_KNOB_CWD, 0);
	environ = s->string + s->head.argc + 1;
	execvp(s->string[0], s->string);
	trouble(pipe_fd, CAISSON_STAGE_EXEC, CAISSON_KNOB_PROGRAM, 0);
}

/* Returns the target's pid once its exec succeeded. */
static pid_t start_target(struct start *s, int host)
{
	struct caisson_answer answer = { .kind = CAISSON_ANSWER_RUNNING };
	struct trouble t;
	int report[2];
	ssize_t n;
	pid_t pid;

	if (pipe2(report, O_CLOEXEC) < 0 || (pid = fork()) < 0)
		fail(CAISSON_STAGE_INIT, errno, CAISSON_KNOB_MEMORY, CAISSON_NO_RECORD, 0);
	if (pid == 0)
		become_target(s, report[1]);
	close(report[1]);
	/* exec may wait for a file system that never answers: the host is watched meanwhile. */
	await(report[0], host);
	n = read(report[0], &t, sizeof(t));
	if (n != 0)
		fail(n == sizeof(t) ? t.stage : CAISSON_STAGE_INIT, n == sizeof(t) ? t.error : EIO,
		     n == sizeof(t) ? t.knob : CAISSON_KNOB_NONE, CAISSON_NO_RECORD,
		     n == sizeof(t) ? t.detail : 0);
	close(report[0]);
	for (uint32_t i = 0; i < s->head.fds; i++)
		close(s->fd[i]);
	send_answer(CAISSON_FD_CONTROL, &answer, -1);
	return pid;
}

/* Everything that has ended; if the target is among them, so has the sandbox. */
static void reap(pid_t target)
{
	struct caisson_answer answer = { .kind = CAISSON_ANSWER_EXITED };
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		if (pid != target)
			continue;
		/* By the socket too: a host that reaps every child would lose the status. */
		answer.status = status;
		send_answer(CAISSON_FD_CONTROL, &answer, -1);
		end(WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
	}
}

static void obey(pid_t target)
{
	struct caisson_control c;
	ssize_t n = recv(CAISSON_FD_CONTROL, &c, sizeof(c), MSG_DONTWAIT);

	if (n == 0 || (n < 0 && errno != EAGAIN))
		end(125);
	if (n == sizeof(c) && c.magic == CAISSON_CONTROL_MAGIC &&
	    c.kind == CAISSON_CONTROL_SIGNAL && c.signal > 0 && c.signal < NSIG)
		kill(target, c.signal);
}

_Noreturn void init_run(int host)
{
	static struct start start;
	struct signalfd_siginfo info;
	sigset_t all;
	pid_t target;
	int signals;

	sigfillset(&all);
	/* Blocked, so that one from outside waits here instead of being dropped as pid 1's. */
	if (sigprocmask(SIG_SETMASK, &all, NULL) < 0 ||
	    (signals = signalfd(-1, &all, SFD_CLOEXEC | SFD_NONBLOCK)) < 0)
		fail(CAISSON_STAGE_INIT, errno, CAISSON_KNOB_MEMORY, CAISSON_NO_RECORD, 0);
	await(CAISSON_FD_CONTROL, host);
	receive_start(&start);
	read_args(&start);
	check_fds(&start);
	target = start_target(&start, host);
	for (;;) {
		struct pollfd fds[3] = { { .fd = CAISSON_FD_CONTROL, .events = POLLIN },
			                 { .fd = host, .events = POLLIN },
			                 { .fd = signals, .events = POLLIN } };

		if (poll(fds, 3, -1) < 0 && errno != EINTR)
			end(125);
		while (read(signals, &info, sizeof(info)) == sizeof(info)) {
			if (info.ssi_signo == SIGCHLD)
				reap(target);
			else
				kill(target, (int)info.ssi_signo);
		}
		if (fds[1].revents)
			end(125);
		if (fds[0].revents)
			obey(target);
	}
}
