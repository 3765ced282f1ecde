/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "hostile.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/lib/tap.h"

/* ---------------------------------------------------------------------- scenes */

bool scene_wanted(int argc, char **argv) {
	return argc > 2 && !strcmp(argv[1], "--foreign");
}

_Noreturn void scene_skip(const char *what) {
	char why[200];

	snprintf(why, sizeof(why), "%s: %s", what, strerror(errno));
	exit(tap_skip_all(why));
}

void scene_mounts(void) {
	if (geteuid() != 0 || unshare(CLONE_NEWNS) < 0 ||
	    mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		scene_skip("a mount namespace of root's");
}

void scene_pids(void) {
	if (unshare(CLONE_NEWPID) < 0)
		scene_skip("a pid namespace of root's");
}

void scene_legacy(void) {
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, (unsigned)offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 442 /* mount_setattr, everywhere */, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = { sizeof(code) / sizeof(code[0]), code };

	/* Without no_new_privs, which root may: the helper is still to become root. */
	if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) != 0)
		scene_skip("a seccomp filter");
}

static int scene_status(pid_t pid) {
	int status;

	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return 1;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}

int scene_run(char *const *argv) {
	pid_t pid = fork();

	if (pid < 0)
		scene_skip("fork");
	if (pid == 0) {
		/* a pid namespace ends with its first process, and that with us */
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		execvp(argv[0], argv);
		_exit(127);
	}
	return scene_status(pid);
}

int scene_alone(void (*set)(unsigned i), unsigned i, char *const *argv) {
	pid_t pid = fork();

	if (pid < 0)
		scene_skip("fork");
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		scene_mounts();
		set(i);
		exit(scene_run(argv));
	}
	return scene_status(pid);
}

int scene_each(void (*set)(unsigned i), unsigned n, char *const *argv) {
	int worst = 0;

	for (unsigned i = 0; i < n; i++) {
		int status;

		scene_pass("CAISSON_SCENE", i);
		status = scene_alone(set, i, argv);
		if (status == 77)
			return 77;
		worst = status ? status : worst;
	}
	return worst;
}

void scene_pass(const char *name, long number) {
	char text[24];

	snprintf(text, sizeof(text), "%ld", number);
	setenv(name, text, 1);
}

long scene_number(const char *name) {
	const char *text = getenv(name);

	return text ? atol(text) : -1;
}

uid_t scene_uid(void) {
	const char *text = getenv("CAISSON_TEST_UID");

	if (!text) {
		errno = ENOENT;
		scene_skip("CAISSON_TEST_UID");
	}
	return (uid_t)atol(text);
}

/* ------------------------------------------------------------------- the child */

pid_t hostile_cloned(struct raw_box *box, int timeout_ms) {
	union {
		char space[CMSG_SPACE(sizeof(int))];
		struct cmsghdr align;
	} control;
	struct iovec iov = { &box->answer, sizeof(box->answer) };
	struct msghdr msg = { .msg_iov = &iov,
		              .msg_iovlen = 1,
		              .msg_control = &control,
		              .msg_controllen = sizeof(control) };
	struct cmsghdr *c;

	if (!raw_ready(box, timeout_ms) ||
	    recvmsg(box->socket, &msg, MSG_CMSG_CLOEXEC) != sizeof(box->answer))
		return -1;
	c = CMSG_FIRSTHDR(&msg);
	if (box->answer.kind != CAISSON_ANSWER_CLONED || !c || c->cmsg_type != SCM_RIGHTS)
		return -1;
	memcpy(&box->pidfd, CMSG_DATA(c), sizeof(int));
	return raw_init_pid(box);
}

bool hostile_answer(struct raw_box *box) {
	int pidfd = box->pidfd;

	raw_answer(box);
	box->pidfd = pidfd >= 0 ? pidfd : box->pidfd;
	return box->answered;
}

bool hostile_gone(int pidfd, int timeout_ms) {
	struct pollfd dead = { .fd = pidfd, .events = POLLIN };

	return poll(&dead, 1, timeout_ms) > 0;
}

/* ------------------------------------------------------------------ disturbance */

pid_t hostile_flip(const char *one, const char *two) {
	pid_t pid = fork();

	if (pid < 0)
		raw_bail("fork");
	if (pid > 0)
		return pid;
	while (syscall(SYS_renameat2, AT_FDCWD, one, AT_FDCWD, two, 2 /* EXCHANGE */) == 0)
		;
	_exit(1);
}

pid_t hostile_load(void) {
	pid_t pid = fork();

	if (pid < 0)
		raw_bail("fork");
	if (pid > 0)
		return pid;
	for (volatile unsigned i = 0;; i++)
		;
}

bool hostile_stop(pid_t pid) {
	bool still = waitpid(pid, NULL, WNOHANG) == 0;

	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	return still;
}

unsigned hostile_entries(const char *path) {
	DIR *dir = opendir(path);
	unsigned n = 0;

	while (dir && readdir(dir))
		n++;
	if (dir)
		closedir(dir);
	return n;
}

int hostile_until_exec(int *write_end) {
	int low[2], read_end;

	if (pipe2(low, O_CLOEXEC) < 0 || (read_end = fcntl(low[0], F_DUPFD_CLOEXEC, 400)) < 0 ||
	    (*write_end = fcntl(low[1], F_DUPFD_CLOEXEC, 400)) < 0)
		raw_bail("pipe2");
	close(low[0]);
	close(low[1]);
	return read_end;
}

void hostile_both_modes(void (*try)(enum caisson_userns mode, const char *name)) {
	try(CAISSON_USERNS_AUTO, "auto");
	if (raw_without_helper())
		tap_skip("without a user namespace", "caisson-builder builds of them");
	else
		try(CAISSON_USERNS_NONE, "none");
}
