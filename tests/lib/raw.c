/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The helper driven without libcaisson. raw_plan.c makes plans, raw_check.c asserts. */
#include "raw.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#ifndef SYS_close_range
#define SYS_close_range 436
#endif
#ifndef SYS_pidfd_send_signal
#define SYS_pidfd_send_signal 424
#endif

#define BOUND_MS 20000

_Noreturn void raw_bail(const char *what) {
	printf("Bail out! %s: %s\n", what, strerror(errno));
	fflush(stdout);
	exit(2);
}

int64_t raw_now_ms(void) {
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

unsigned raw_rounds(unsigned n) {
	return getenv("CAISSON_TEST_KERNEL") ? n / 10 + 1 : n;
}

bool raw_without_helper(void) {
	const char *how = getenv("CAISSON_TEST_RESTRICTION");

	return how && (!strcmp(how, "userns") || !strcmp(how, "kernel-5.4") ||
	               !strcmp(how, "kernel-4.18"));
}

bool raw_selinux(void) {
	const char *how = getenv("CAISSON_TEST_RESTRICTION");

	return how && strstr(how, "selinux");
}

const char *raw_helper(void) {
	static char path[PATH_MAX];
	const char *prefix = getenv("CAISSON_PREFIX");
	const char *name = raw_without_helper() ? "caisson-builder" : "caisson-helper";

	if (!prefix) {
		errno = ENOENT;
		raw_bail("CAISSON_PREFIX is not set");
	}
	snprintf(path, sizeof(path), "%s/libexec/caisson/%s", prefix, name);
	return path;
}

/* ------------------------------------------------------------------- helper */

static int lift(int fd, int floor) {
	return fd < 0 ? fd : fcntl(fd, F_DUPFD_CLOEXEC, floor);
}

static void put(int fd, int number) {
	if (fd < 0)
		close(number);
	else if (dup2(fd, number) < 0)
		_exit(99);
}

/*
 * As libcaisson does for a caller that AppArmor does not confine: its label goes along with the
 * helper's. Without AppArmor, or without the profile, nothing comes of it.
 */
static void ask_for_label(void) {
	static const char ask[] = "exec caisson-helper//&unconfined";
	char own[16] = "";
	int fd = open("/proc/thread-self/attr/apparmor/current", O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return;
	if (read(fd, own, sizeof(own) - 1) < 0)
		own[0] = '\0';
	close(fd);
	if (strncmp(own, "unconfined\n", strlen("unconfined\n")) != 0)
		return;
	fd = open("/proc/thread-self/attr/apparmor/exec", O_WRONLY | O_CLOEXEC);
	if (fd >= 0 && write(fd, ask, strlen(ask)) < 0)
		errno = 0;
	close(fd);
}

static _Noreturn void child(const struct raw_plan *plan, const struct raw_how *how, int control,
                            int memfd) {
	char *argv[] = { "caisson-helper", NULL }, *env[] = { NULL };
	uint32_t n = plan->head.fds < RAW_MAX_SOURCES ? plan->head.fds : RAW_MAX_SOURCES;
	int first_free = CAISSON_FD_SOURCES + (int)n;
	int source[RAW_MAX_SOURCES];

	control = lift(control, first_free);
	memfd = lift(memfd, first_free);
	for (uint32_t i = 0; i < n; i++)
		source[i] = lift(plan->source[i], first_free);
	put(control, CAISSON_FD_CONTROL);
	put(memfd, CAISSON_FD_PLAN);
	for (uint32_t i = 0; i < n; i++)
		put(source[i], CAISSON_FD_SOURCES + (int)i);
	if (!how->keep_fds && syscall(SYS_close_range, first_free, ~0u, 0) < 0)
		for (int fd = first_free; fd < 4096; fd++)
			close(fd);
	if (how->before_exec)
		how->before_exec(how->arg);
	ask_for_label();
	execve(how->helper ? how->helper : raw_helper(), how->argv ? how->argv : argv,
	       how->env ? how->env : env);
	_exit(98);
}

void raw_launch(struct raw_box *box, const struct raw_plan *plan, const struct raw_how *how) {
	int sv[2], control, memfd;

	memset(box, 0, sizeof(*box));
	box->pidfd = -1;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sv) < 0)
		raw_bail("socketpair");
	control = how->control == RAW_OWN ? sv[1] : how->control;
	memfd = how->memfd == RAW_OWN ? raw_memfd(plan, RAW_SEALS_ALL) : how->memfd;
	fflush(stdout);
	/* With flags a test asks for: what is shared with a setuid program is the caller's choice. */
	box->helper = (pid_t)syscall(SYS_clone, how->clone_flags | SIGCHLD, NULL, NULL, NULL, NULL);
	if (box->helper < 0)
		raw_bail("clone");
	if (box->helper == 0)
		child(plan, how, control, memfd);
	close(sv[1]);
	if (how->memfd == RAW_OWN)
		close(memfd);
	box->socket = sv[0];
}

/* false: timed out. What cannot be waited for (SIGCHLD ignored) counts as ended. */
static bool await_helper(struct raw_box *box) {
	int64_t until = raw_now_ms() + BOUND_MS;

	while (!box->reaped) {
		pid_t pid = waitpid(box->helper, &box->helper_status, WNOHANG);

		if (pid == box->helper || (pid < 0 && errno == ECHILD)) {
			box->reaped = true;
			if (pid < 0)
				box->helper_status = -1;
		} else if (raw_now_ms() > until) {
			return false;
		} else {
			usleep(1000);
		}
	}
	return true;
}

static bool receive(int socket, int timeout_ms, struct caisson_answer *answer, int *pidfd) {
	union {
		char space[CMSG_SPACE(sizeof(int))];
		struct cmsghdr align;
	} control;
	struct iovec iov = { answer, sizeof(*answer) };
	struct msghdr msg = { .msg_iov = &iov,
		              .msg_iovlen = 1,
		              .msg_control = control.space,
		              .msg_controllen = sizeof(control.space) };
	struct pollfd ready = { .fd = socket, .events = POLLIN };
	struct cmsghdr *c;
	ssize_t n;

	*pidfd = -1;
	if (poll(&ready, 1, timeout_ms) <= 0)
		return false;
	n = recvmsg(socket, &msg, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
	if (n < 0 && errno == ECONNRESET)
		n = recvmsg(socket, &msg, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
	if (n <= 0)
		return false;
	c = CMSG_FIRSTHDR(&msg);
	if (c && c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS)
		memcpy(pidfd, CMSG_DATA(c), sizeof(int));
	return n == sizeof(*answer) && answer->magic == CAISSON_ANSWER_MAGIC &&
	       answer->version == CAISSON_ANSWER_VERSION;
}

bool raw_ready(const struct raw_box *box, int timeout_ms) {
	struct pollfd ready = { .fd = box->socket, .events = POLLIN };

	return poll(&ready, 1, timeout_ms) > 0;
}

/* CLONED hands over the child; what becomes of it comes after, or overtakes it. */
bool raw_answer(struct raw_box *box) {
	struct caisson_answer answer;
	int pidfd;

	box->answered = false;
	box->pidfd = -1;
	while (!box->answered && receive(box->socket, BOUND_MS, &answer, &pidfd)) {
		if (answer.kind == CAISSON_ANSWER_CLONED) {
			box->pidfd = pidfd;
			continue;
		}
		if (pidfd >= 0)
			close(pidfd);
		box->answer = answer;
		box->answered = true;
	}
	await_helper(box);
	/* it told of the child before it ended, if it did at all */
	if (box->answered && box->pidfd < 0 && raw_ready(box, 0) &&
	    receive(box->socket, 0, &answer, &pidfd) && answer.kind == CAISSON_ANSWER_CLONED)
		box->pidfd = pidfd;
	return box->answered;
}

bool raw_build(struct raw_box *box, const struct raw_plan *plan, const struct raw_how *how) {
	raw_launch(box, plan, how);
	return raw_answer(box);
}

bool raw_next(struct raw_box *box, struct caisson_answer *answer, int timeout_ms) {
	int pidfd;
	bool came = receive(box->socket, timeout_ms, answer, &pidfd);

	if (pidfd >= 0)
		close(pidfd);
	return came;
}

/* -------------------------------------------------------------------- start */

static int send_start(int socket, const struct caisson_control *head, const int *fds) {
	union {
		char space[CMSG_SPACE(sizeof(int) * 253)];
		struct cmsghdr align;
	} control = { { 0 } };
	struct iovec iov = { (void *)(uintptr_t)head, sizeof(*head) };
	struct msghdr msg = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control.space,
	};
	struct cmsghdr *c = &control.align;

	/* size_t to glibc, socklen_t to musl */
	msg.msg_controllen = (__typeof__(msg.msg_controllen))CMSG_SPACE(head->fds * sizeof(int));
	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = (__typeof__(c->cmsg_len))CMSG_LEN(head->fds * sizeof(int));
	memcpy(CMSG_DATA(c), fds, head->fds * sizeof(int));
	return sendmsg(socket, &msg, MSG_NOSIGNAL) == sizeof(*head) ? 0 : -errno;
}

int raw_start(struct raw_box *box, const char *const *argv, int out, const int *extra,
              unsigned extras, unsigned flags) {
	struct caisson_control head = {
		.magic = CAISSON_CONTROL_MAGIC,
		.version = CAISSON_CONTROL_VERSION,
		.kind = CAISSON_CONTROL_START,
		.flags = flags,
		.fds = CAISSON_START_FD_EXTRA + extras,
	};
	int fds[CAISSON_START_FD_EXTRA + 200];
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	int args = (int)syscall(SYS_memfd_create, "args", 0);
	int rc;

	if (null < 0 || args < 0 || write(args, "/", 2) != 2)
		raw_bail("raw_start");
	head.args = 2;
	for (; argv[head.argc]; head.argc++) {
		size_t len = strlen(argv[head.argc]) + 1;

		if (write(args, argv[head.argc], len) != (ssize_t)len)
			raw_bail("raw_start");
		head.args += (uint32_t)len;
	}
	fds[CAISSON_START_FD_ARGS] = args;
	fds[CAISSON_START_FD_STDIO] = null;
	fds[CAISSON_START_FD_STDIO + 1] = fds[CAISSON_START_FD_STDIO + 2] = out < 0 ? null : out;
	for (unsigned i = 0; i < extras; i++)
		fds[CAISSON_START_FD_EXTRA + i] = extra[i];
	rc = send_start(box->socket, &head, fds);
	close(args);
	close(null);
	return rc;
}

pid_t raw_init_pid(const struct raw_box *box) {
	char path[64], line[128];
	int pid = -1;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", box->pidfd);
	f = fopen(path, "re");
	while (f && fgets(line, sizeof(line), f))
		if (sscanf(line, "Pid: %d", &pid) == 1)
			break;
	if (f)
		fclose(f);
	return pid;
}

bool raw_end(struct raw_box *box) {
	struct pollfd dead = { .fd = box->pidfd, .events = POLLIN };
	siginfo_t info;
	bool good = true;

	close(box->socket);
	if (box->pidfd >= 0) {
		/* Closing the socket is enough: init watches it. */
		if (poll(&dead, 1, BOUND_MS) <= 0) {
			good = false;
			syscall(SYS_pidfd_send_signal, box->pidfd, SIGKILL, NULL, 0);
			poll(&dead, 1, BOUND_MS);
		}
		waitid((idtype_t)3 /* P_PIDFD */, (id_t)box->pidfd, &info, WEXITED);
		close(box->pidfd);
		box->pidfd = -1;
	}
	return await_helper(box) && good;
}
