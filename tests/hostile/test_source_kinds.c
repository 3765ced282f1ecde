/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Descriptors that are no file of a mounted file system, reopened as O_PATH so
 * that they look like sources: pidfds, namespaces, sockets, anonymous inodes,
 * mounts that are attached nowhere. And the same object by several ways.
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/mount.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "hostile.h"
#include "tests/lib/tap.h"

/* As a bind or a device at /x; fd is taken over. */
static void refuse(const char *what, int fd, bool device) {
	struct raw_plan *plan = raw_bare(CAISSON_USERNS_AUTO);
	struct caisson_plan_record *r;
	struct raw_box box;

	if (fd < 0) {
		tap_skip(what, errno == ENOSYS ? "this kernel has none" : strerror(errno));
		raw_free(plan);
		return;
	}
	r = raw_bind(plan, fd, "/x", 0);
	r->op = device ? CAISSON_OP_DEVICE : CAISSON_OP_BIND;
	raw_build(&box, plan, &RAW_HOW);
	tap_ok(box.answered && box.answer.kind == CAISSON_ANSWER_FAILED && box.pidfd < 0 &&
	               (box.answer.stage == CAISSON_STAGE_SOURCE ||
	                box.answer.stage == CAISSON_STAGE_POLICY) &&
	               (box.answer.knob == CAISSON_KNOB_SOURCE_MOUNT ||
	                box.answer.knob == CAISSON_KNOB_SOURCE_FS ||
	                box.answer.knob == CAISSON_KNOB_SOURCE_TYPE ||
	                box.answer.knob == CAISSON_KNOB_POLICY),
	       "%s is refused as a %s, before there is a child: %s", what,
	       device ? "device" : "bind", raw_text(&box));
	if (!raw_end(&box))
		tap_ok(false, "%s: it ends", what);
	raw_free(plan);
}

/* What the descriptor refers to, by O_PATH. */
static int as_path(int fd) {
	char path[40];
	int again;

	if (fd < 0)
		return -1;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	again = open(path, O_PATH | O_CLOEXEC);
	close(fd);
	return again;
}

static int pair_end(void) {
	int sv[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sv) < 0)
		return -1;
	close(sv[1]);
	return sv[0];
}

static int pipe_end(void) {
	int p[2];

	if (pipe2(p, O_CLOEXEC) < 0)
		return -1;
	close(p[1]);
	return p[0];
}

static int make(const char *what) {
	sigset_t none;

	sigemptyset(&none);
	if (!strcmp(what, "a memfd"))
		return (int)syscall(SYS_memfd_create, "x", 0);
	if (!strcmp(what, "a sealed memfd")) {
		int fd = (int)syscall(SYS_memfd_create, "x", 2 /* ALLOW_SEALING */);

		return fd >= 0 && fcntl(fd, 1033 /* F_ADD_SEALS */, 0xf) == 0 ? fd : -1;
	}
	if (!strcmp(what, "secret memory"))
		return (int)syscall(447 /* memfd_secret */, 0);
	if (!strcmp(what, "a pipe"))
		return pipe_end();
	if (!strcmp(what, "a socket"))
		return pair_end();
	if (!strcmp(what, "an internet socket"))
		return socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (!strcmp(what, "a pidfd"))
		return (int)syscall(434 /* pidfd_open */, getpid(), 0);
	if (!strcmp(what, "an eventfd"))
		return eventfd(0, EFD_CLOEXEC);
	if (!strcmp(what, "an epoll"))
		return epoll_create1(EPOLL_CLOEXEC);
	if (!strcmp(what, "an inotify"))
		return inotify_init1(IN_CLOEXEC);
	if (!strcmp(what, "a timerfd"))
		return timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC);
	return signalfd(-1, &none, SFD_CLOEXEC);
}

static void try_anonymous(void) {
	static const char *const kinds[] = { "a memfd",    "a sealed memfd", "secret memory",
		                             "a pipe",     "a socket",       "an internet socket",
		                             "a pidfd",    "an eventfd",     "an epoll",
		                             "an inotify", "a timerfd",      "a signalfd" };

	for (unsigned i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		refuse(kinds[i], as_path(make(kinds[i])), false);
		refuse(kinds[i], as_path(make(kinds[i])), true);
	}
}

static void try_namespaces(void) {
	static const char *const names[] = { "mnt",    "net",  "user",
		                             "pid",    "ipc",  "uts",
		                             "cgroup", "time", "pid_for_children" };
	char path[64];

	for (unsigned i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		snprintf(path, sizeof(path), "/proc/self/ns/%s", names[i]);
		refuse(path, open(path, O_PATH | O_CLOEXEC), false);
	}
	refuse("the magic link of a namespace",
	       open("/proc/self/ns/mnt", O_PATH | O_NOFOLLOW | O_CLOEXEC), false);
	refuse("/proc/self/exe itself", open("/proc/self/exe", O_PATH | O_NOFOLLOW | O_CLOEXEC),
	       false);
	refuse("/proc/self/fd", open("/proc/self/fd", O_PATH | O_CLOEXEC), false);
	refuse("/proc/1", open("/proc/1", O_PATH | O_CLOEXEC), false);
	refuse("/proc/self/task", open("/proc/self/task", O_PATH | O_CLOEXEC), false);
}

static void write_to(const char *path, const char *text) {
	int fd = open(path, O_WRONLY | O_CLOEXEC);

	if (fd < 0 || write(fd, text, strlen(text)) != (ssize_t)strlen(text))
		_exit(1);
	close(fd);
}

/* A mount that a user makes in a namespace of its own, and attaches nowhere. fsmount, or a clone. */
static int detached(bool clone) {
	char map[48];
	int shared = -1, fs, fd, sv[2];
	pid_t pid;

	if (socketpair(AF_UNIX, SOCK_STREAM, 0, sv) < 0)
		raw_bail("socketpair");
	/* CLONE_FILES: the descriptor is ours too */
	pid = (pid_t)syscall(SYS_clone, CLONE_FILES | SIGCHLD, NULL, NULL, NULL, NULL);
	if (pid < 0)
		raw_bail("clone");
	if (pid == 0) {
		snprintf(map, sizeof(map), "0 %u 1", getuid());
		if (unshare(CLONE_NEWUSER | CLONE_NEWNS) < 0) {
			(void)!write(sv[1], &shared, sizeof(shared));
			_exit(1);
		}
		write_to("/proc/self/uid_map", map);
		if (clone) {
			fd = (int)syscall(428, AT_FDCWD, "/usr", 1 | O_CLOEXEC | 0x8000);
		} else {
			fs = (int)syscall(430, "tmpfs", 1);
			syscall(431, fs, 6, NULL, NULL, 0);
			fd = (int)syscall(432, fs, 1, 0);
		}
		if (write(sv[1], &fd, sizeof(fd)) != sizeof(fd))
			_exit(2);
		_exit(0);
	}
	raw_ready(&(struct raw_box){ .socket = sv[0] }, 5000);
	if (recv(sv[0], &shared, sizeof(shared), MSG_DONTWAIT) != sizeof(shared))
		shared = -1;
	close(sv[0]);
	close(sv[1]);
	errno = EPERM; /* why, if there is none: no user namespace to be had */
	return shared;
}

static void try_detached(void) {
	refuse("a file system that was never mounted", as_path(detached(false)), false);
	refuse("a clone of /usr that was never mounted", as_path(detached(true)), false);
}

int main(void) {
	raw_watch();
	try_anonymous();
	try_namespaces();
	try_detached();
	raw_nothing_left("at the end");
	return tap_done();
}
