/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * caisson-init: the sandbox's pid 1. The helper's child executes it once it has
 * nothing left: no privilege, no capability and no descriptor of the host but its
 * socket and the host's pidfd. It is not dumpable for life, so that the target,
 * which has the same uid, cannot reach into it. It starts the target, and further
 * programs that the host asks for, forwards signals, reaps, reports, and ends the
 * sandbox when the target or the host application ends: when pid 1 exits the
 * kernel kills the rest.
 */
#include "init.h"

#include <poll.h>
#include <stddef.h>
#include <sys/signalfd.h>

#include "protocol/control.h"

/*
 * In-flight descriptors are counted per user against the sender's limit: a
 * target may not hold so many that the host's own sendmsg fails (soft limit
 * 1024 less one message of 253).
 */
#define TARGET_NOFILE 768

/* What the host said last, as it arrives. */
static struct start {
	struct caisson_control head;
	size_t rights; /* from here to fd a struct cmsghdr: its length */
	int level, type, fd[CAISSON_START_FD_EXTRA + CAISSON_START_MAX_EXTRA];
	char args[CAISSON_START_MAX_ARGS + 1];
	char *string[CAISSON_START_MAX_STRINGS + 3]; /* cwd, argv, NULL, env, NULL */
} start;
_Static_assert(offsetof(struct start, fd) - offsetof(struct start, rights) == CMSG_LEN(0), "");

/* [0] is the target. */
static struct program {
	pid_t pid;
	uint64_t id;
} program[CAISSON_EXEC_MAX];

/* Denials to be answered come in here, or -1. */
static int listener = -1;

/* Of fail(): who was given the sandbox is on record already. */
void record_failure(void) {
}

/* The host's end cannot be polled: it is looked for, and its socket tells as a rule. */
static bool watched_by_stat;
#define LOOK_MS 500

static int wait_for(struct pollfd *on, nfds_t n, int timeout) {
	int ready, slice;

	do {
		slice = watched_by_stat && (timeout < 0 || timeout > LOOK_MS) ? LOOK_MS : timeout;
		ready = poll(on, n, slice);
		if (watched_by_stat && host_is_gone())
			_exit(125);
		timeout -= timeout < 0 ? 0 : slice;
	} while (ready == 0 && timeout != 0 && watched_by_stat);
	return ready;
}

/*
 * Has fd something to read? Meanwhile the host is watched, whose end is ours, and for
 * whose messages *said is set. Without said: is the other end of fd closed?
 */
static bool await(int fd, int timeout, bool *said) {
	struct pollfd on[4] = { { .fd = fd, .events = said ? POLLIN : 0 },
		                { .fd = watched_by_stat ? -1 : CAISSON_FD_HOST, .events = POLLIN },
		                { .fd = CAISSON_FD_CONTROL, .events = said ? POLLIN : 0 },
		                { .fd = listener, .events = POLLIN } };

	do {
		if (wait_for(on, 4, timeout) < 0)
			return false;
		if (on[3].revents & POLLIN)
			denials_answer(listener);
	} while (on[3].revents & POLLIN && !(on[0].revents | on[1].revents | on[2].revents));
	if (on[1].revents || on[2].revents & ~POLLIN)
		_exit(125);
	if (said)
		*said = on[2].revents;
	return on[0].revents;
}

/* The next message, into start; false if there is none. What is malformed ends the sandbox. */
static bool receive(void) {
	const struct caisson_control *head = &start.head;
	struct iovec iov = { &start.head, sizeof(start.head) };
	struct msghdr msg = { .msg_iov = &iov,
		              .msg_iovlen = 1,
		              .msg_control = &start.rights,
		              .msg_controllen = CMSG_LEN(sizeof(start.fd)) };
	ssize_t n = recvmsg(CAISSON_FD_CONTROL, &msg, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
	bool any = msg.msg_controllen && start.type == SCM_RIGHTS;

	if (n < 0 && errno == EAGAIN)
		return false;
	errno = EINVAL;
	need(n == sizeof(*head) && !(msg.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) &&
	             head->magic == CAISSON_CONTROL_MAGIC &&
	             !(head->flags & ~(CAISSON_START_FILES | CAISSON_START_OUTSIDE)) &&
	             !(head->reserved[0] | head->reserved[1]) &&
	             head->version == CAISSON_CONTROL_VERSION &&
	             (any ? start.rights : CMSG_LEN(0)) == CMSG_LEN(head->fds * sizeof(int)),
	     CONTROL, 1);
	return true;
}

/* cwd, argv, env: copied once, then only the copy is looked at. */
static void read_args(void) {
	uint64_t strings = 1ull + start.head.argc + start.head.envc;
	char *next = start.args;
	size_t slot = 0;

	errno = EINVAL;
	need(start.head.args <= CAISSON_START_MAX_ARGS && start.head.argc > 0 &&
	             strings <= CAISSON_START_MAX_STRINGS &&
	             pread(start.fd[CAISSON_START_FD_ARGS], start.args, start.head.args, 0) ==
	                     (ssize_t)start.head.args,
	     CONTROL, 3);
	start.args[start.head.args] = '\0';
	for (uint64_t i = 0; i < strings; i++) {
		need(next < start.args + start.head.args, CONTROL, 4);
		start.string[slot++] = next;
		if (i == start.head.argc)
			start.string[slot++] = NULL;
		next += strlen(next) + 1;
	}
	start.string[slot] = NULL;
}

/* A directory plus ".." or an O_PATH fd would be a way out; a file may be reopened for writing. */
static void check_fds(void) {
	for (uint32_t i = CAISSON_START_FD_STDIO; i < start.head.fds; i++) {
		int flags = fcntl(start.fd[i], F_GETFL);
		struct stat st;

		must(fstat(start.fd[i], &st));
		errno = EBADF;
		need(!(flags & O_PATH) && !S_ISDIR(st.st_mode) && !S_ISBLK(st.st_mode) &&
		             (!S_ISREG(st.st_mode) || start.head.flags & CAISSON_START_FILES),
		     STDIO, i - CAISSON_START_FD_STDIO);
	}
}

/* As 0, 1, ... what came with the message, and nothing else but where to answer. */
static void place_fds(int out) {
	int passed = (int)start.head.fds - CAISSON_START_FD_STDIO;
	int *fd = start.fd + CAISSON_START_FD_STDIO, high[CAISSON_START_MAX_EXTRA + 3];

	/* Above every number that is to be filled, so that no dup2 overwrites one still needed. */
	for (int i = 0; i < passed; i++)
		high[i] = fd[i] > passed ? fd[i] : must(fcntl(fd[i], F_DUPFD_CLOEXEC, passed + 1));
	if (out != passed)
		must(dup3(out, passed, O_CLOEXEC));
	answer_fd = passed;
	for (int i = 0; i < passed; i++)
		must(dup2(high[i], i));
	close_from(passed + 1);
}

/*
 * In the new process, which shares init's memory until its exec (init only
 * polls meanwhile): put everything in its place and become the program.
 */
static int become_program(void *pair) {
	uint64_t turns[6] = { 0 }; /* struct sched_attr */
	sigset_t none = { 0 };

	answer_fd = ((int *)pair)[1];
	read_args();
	check_fds();
	place_fds(answer_fd);
	must(setsid());
	sigprocmask(SIG_SETMASK, &none, NULL);
	need(chdir(start.string[0]) == 0, CWD, 0);
	at.stage = CAISSON_STAGE_EXEC;
	environ = start.string + start.head.argc + 2;
	/* libcaisson asked for short turns on the CPU, to start sooner; the program has the usual. */
	syscall(SYS_sched_getattr, 0, turns, sizeof(turns), 0);
	turns[3] = 0; /* sched_runtime: the default */
	syscall(SYS_sched_setattr, 0, turns, 0);
	execvp(start.string[1], start.string + 1);
	fail(errno, CAISSON_KNOB_PROGRAM, 0);
}

/*
 * Says RUNNING once the exec succeeded, which closes the pair's other end, or FAILED: no
 * room for one more program is the end only of the target. A process that failed says so
 * before it ends; it is waited for to the end, since the next one gets the same stack.
 */
static void start_program(struct program *slot, int share) {
	static char stack[1 << 16] __attribute__((aligned(16)));
	const struct caisson_answer before = at;
	int pair[2] = { -1, -1 };
	bool failed;

	at.id = start.head.id;
	at.knob = CAISSON_KNOB_LIMITS; /* before there are two to write to it */
	errno = EINVAL;
	need(start.head.fds >= CAISSON_START_FD_EXTRA, CONTROL, 2);
	slot->id = start.head.id;
	slot->pid = socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair);
	if (slot->pid == 0)
		slot->pid = clone(become_program, stack + sizeof(stack), share | SIGCHLD, pair);
	if (slot->pid < 0)
		at.error = errno;
	close(pair[1]);
	/*
	 * The exec may wait for a file system that never answers, or a program inside stop
	 * it. The target may take as long as the host is there, others five seconds.
	 */
	while (slot->pid > 0 && !await(pair[0], 5000, NULL))
		kill(slot->pid, slot == program ? 0 : SIGKILL);
	answer_fd = CAISSON_FD_CONTROL;
	failed = slot->pid < 0 || read(pair[0], &at, sizeof(at)) == sizeof(at);
	close(pair[0]);
	for (uint32_t i = 0; i < start.head.fds; i++)
		close(start.fd[i]);
	if (failed && slot == program)
		fail(at.error, at.knob, at.detail);
	slot->pid = failed ? 0 : slot->pid;
	answer(failed ? CAISSON_ANSWER_FAILED : CAISSON_ANSWER_RUNNING);
	at = before;
}

static _Noreturn void end(int status) {
	/* The others first, so that whoever hears of the end knows that nothing runs any more. */
	if (waitpid(-1, NULL, WNOHANG) >= 0)
		kill(-1, SIGKILL);
	while (waitpid(-1, NULL, 0) > 0)
		;
	denials_sum();
	/* Whoever hears of the end may ask for the next at once: what the kernel takes down is no sandbox. */
	close(CAISSON_FD_SLOT);
	at.status = status;
	answer(CAISSON_ANSWER_EXITED);
	_exit(WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
}

/*
 * One that has ended; if it is the target, so has the sandbox. One at a time,
 * and one signal at a time below: whatever storm a target makes, the host is
 * heard in between.
 */
static bool reap(void) {
	int status;
	pid_t pid = waitpid(-1, &status, WNOHANG);

	if (pid > 0 && pid == program[0].pid)
		end(status);
	for (int i = 1; pid > 0 && i < (int)CAISSON_EXEC_MAX; i++)
		if (program[i].pid == pid) {
			program[i].pid = 0;
			at.status = status;
			at.id = program[i].id;
			answer(CAISSON_ANSWER_EXITED);
			at.id = 0;
		}
	return pid > 0;
}

static void obey(int share) {
	struct program *p = program, *last = program + CAISSON_EXEC_MAX;
	bool more;

	if (!receive())
		return;
	more = start.head.kind == CAISSON_CONTROL_EXEC;
	while (p < last && (more ? p->pid != 0 : !p->pid || p->id != start.head.id))
		p++;
	errno = EINVAL; /* the host counts the programs it asks for */
	need(more ? p < last && start.head.id && !(start.head.flags & CAISSON_START_OUTSIDE)
	          : start.head.fds == 0,
	     CONTROL, 5);
	if (more)
		start_program(p, share);
	else if (p < last && start.head.kind == CAISSON_CONTROL_SIGNAL)
		kill(p->pid, start.head.signal);
}

int main(void) {
	struct signalfd_siginfo info;
	struct handoff given;
	struct rlimit files;
	bool said = false, outside;
	sigset_t all;
	int signals, share;

	must(prctl(PR_SET_DUMPABLE, 0)); /* exec made it so, where the file can be read */
	at.stage = CAISSON_STAGE_INIT;
	watched_by_stat = host_is_stat();
	errno = EIO;
	need(read(CAISSON_FD_HANDOFF, &given, sizeof(given)) == sizeof(given), INIT, 0);
	close(CAISSON_FD_HANDOFF);
	at = given.at;
	listener = confine(&given);
	at.stage = CAISSON_STAGE_REQUIRE;
	errno = EPERM;
	given.require &= ~at.held;
	need(given.require == 0, PROPERTY, (uint32_t)__builtin_ctzll(given.require));
	answer(CAISSON_ANSWER_BUILT);
	at.stage = CAISSON_STAGE_INIT;
	/* A process that shares memory would stay in the clock's old namespace. */
	share = given.clock ? 0 : CLONE_VM;
	sigfillset(&all);
	/* Blocked, so that one from outside waits here instead of being dropped as pid 1's. */
	must(sigprocmask(SIG_SETMASK, &all, NULL));
	signals = must(signalfd(-1, &all, SFD_CLOEXEC | SFD_NONBLOCK));
	while (!said)
		await(-1, -1, &said);
	need(receive() && start.head.kind == CAISSON_CONTROL_START && start.head.id == 0, CONTROL,
	     2);
	must(getrlimit(RLIMIT_NOFILE, &files));
	if (start.head.files == 0 || start.head.files > TARGET_NOFILE)
		start.head.files = TARGET_NOFILE;
	files.rlim_max = files.rlim_max < start.head.files ? files.rlim_max : start.head.files;
	files.rlim_cur = files.rlim_cur < files.rlim_max ? files.rlim_cur : files.rlim_max;
	must(setrlimit(RLIMIT_NOFILE, &files));
	alarm(start.head.seconds);
	outside = start.head.flags & CAISSON_START_OUTSIDE;
	errno = EINVAL;
	need(start.head.fds >= CAISSON_START_FD_EXTRA &&
	             !(outside && at.held & CAISSON_BIT(HOST_SOCKETS)),
	     CONTROL, 2);
	if (!outside)
		confine_files(&given, start.fd + CAISSON_START_FD_STDIO,
		              start.head.fds - CAISSON_START_FD_STDIO);
	start_program(program, share);
	for (bool busy = true;; busy = reap()) {
		bool signalled = await(signals, busy ? 0 : -1, &said);

		if (said)
			obey(share);
		signalled = signalled && read(signals, &info, sizeof(info)) == sizeof(info);
		/* Its time is up: what comes next is the target's end, and this is why. */
		if (signalled && info.ssi_signo == SIGALRM && info.ssi_code == SI_KERNEL) {
			at.knob = CAISSON_KNOB_TIMEOUT;
			kill(-1, SIGKILL);
		}
		/* From outside only: pid 0. Those inside may signal the target themselves. */
		if (signalled && info.ssi_signo != SIGCHLD && info.ssi_pid == 0)
			kill(program[0].pid, (int)info.ssi_signo);
		said = false;
	}
}
