/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Executes the helper from a child that shares the caller's memory until then
 * (as posix_spawn does): a large host application is not copied, and between
 * clone and exec there are system calls only.
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "internal.h"
#include "limits_impl.h"
#include "process.h"
#include "turns.h"

#ifndef CLONE_PIDFD
#define CLONE_PIDFD 0x1000
#endif

#define STACK (8u * 1024u) /* for a few system calls */
/* The child never returns: what its frames poison in the caller's stack would stay poisoned. */
#define OWN_STACK __attribute__((no_sanitize("address")))

struct launch {
	const struct builder *by;
	int socket;
	const struct plan_image *plan;
	int *fd; /* scratch: the plan's descriptors, moved out of the way */
	int error;
	struct entry *entry; /* into a cgroup of the sandbox's own; NULL: none */
	int done;            /* of a child with memory of its own: its error goes there; or -1 */
};

/*
 * The numbers from 3 up are filled in ascending order, so that a descriptor above
 * its own target is never overwritten before its turn. Any other goes above all.
 */
OWN_STACK static int lift(int fd, int target, int first_free) {
	return fd > target ? fd : fcntl(fd, F_DUPFD_CLOEXEC, first_free);
}

/* The sandbox is born where this process is: from here on it is in the sandbox's own cgroup. */
OWN_STACK static int enter(const struct entry *entry) {
	char moved = 'n';

	if (entry->procs >= 0)
		return write(entry->procs, "0", 1) == 1 ? 0 : errno;
	close(entry->gate[1]); /* whoever was to open it may end meanwhile */
	return read(entry->gate[0], &moved, 1) == 1 && moved == 'y' ? 0 : ECANCELED;
}

/*
 * The helper uses nothing of the caller's as 0, 1 and 2, and a file there that its confinement does
 * not know would be a denial in the log: with `2>error` of every sandbox.
 */
OWN_STACK static void keep_stdio(void) {
	int null = open("/dev/null", O_RDWR);

	for (int fd = 0; null >= 0 && fd < CAISSON_FD_CONTROL; fd++)
		dup2(null, fd);
	if (null >= CAISSON_FD_CONTROL)
		close(null);
}

/* Of this process, and so of all that come of it; never more than there were. */
OWN_STACK static int limit_processes(uint64_t most) {
	struct rlimit now;

	if (getrlimit(RLIMIT_NPROC, &now) < 0)
		return -1;
	now.rlim_max = now.rlim_max < most ? now.rlim_max : most;
	now.rlim_cur = now.rlim_max;
	return setrlimit(RLIMIT_NPROC, &now);
}

OWN_STACK static int arrange(struct launch *l) {
	int first_free = CAISSON_FD_SOURCES + (int)l->plan->fds;
	int socket, memfd;
	struct rlimit files;

	/* The numbers of many sources lie above a low soft limit; the host's own is left alone. */
	if (getrlimit(RLIMIT_NOFILE, &files) == 0 && files.rlim_cur < 2 * (rlim_t)first_free + 16) {
		files.rlim_cur = files.rlim_max;
		setrlimit(RLIMIT_NOFILE, &files);
	}
	if (l->plan->pids_alone && limit_processes(l->plan->pids_alone) < 0)
		return errno;
	if (l->done >= 0)
		l->done = fcntl(l->done, F_DUPFD_CLOEXEC, first_free);
	socket = lift(l->socket, CAISSON_FD_CONTROL, first_free);
	memfd = lift(l->plan->memfd, CAISSON_FD_PLAN, first_free);
	if (socket < 0 || memfd < 0)
		return errno;
	for (size_t i = 0; i < l->plan->fds; i++) {
		l->fd[i] = lift(l->plan->fd[i], CAISSON_FD_SOURCES + (int)i, first_free);
		if (l->fd[i] < 0)
			return errno;
	}
	if (dup2(socket, CAISSON_FD_CONTROL) < 0 || dup2(memfd, CAISSON_FD_PLAN) < 0)
		return errno;
	for (size_t i = 0; i < l->plan->fds; i++)
		if (dup2(l->fd[i], CAISSON_FD_SOURCES + (int)i) < 0)
			return errno;
	keep_stdio();
	return 0;
}

/*
 * Where AppArmor confines the helper, and not the caller, the helper's label is to say whose
 * request it is: by the caller's own label beside it, for which this asks at exec. A caller that
 * is confined has a child profile for the helper instead. Not to be had: then the helper knows.
 */
OWN_STACK static void ask_for_label(void) {
	static const char attr[] = "/proc/thread-self/attr/apparmor/";
	char text[512] = "exec caisson-helper//&";
	char path[64], *own = text + strlen(text), *mode;
	ssize_t n;
	int fd;

	stpcpy(stpcpy(path, attr), "current");
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0) /* the usual case: no AppArmor */
		return;
	n = read(fd, own, sizeof(text) - 1 - (size_t)(own - text));
	close(fd);
	own[n < 0 ? 0 : n] = '\0';
	own[strcspn(own, "\n")] = '\0';
	mode = strstr(own, " (unconfined)"); /* a profile that has a name and confines nothing */
	if (mode && !mode[strlen(" (unconfined)")])
		*mode = '\0';
	else if (strcmp(own, "unconfined") != 0)
		return;
	stpcpy(stpcpy(path, attr), "exec");
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return;
	if (write(fd, text, strlen(text)) < 0)
		errno = 0; /* the profile is not loaded: the helper runs unconfined, too */
	close(fd);
}

OWN_STACK static int child(void *arg) {
	struct launch *l = arg;
	const char *name = l->by->via == CAISSON_VIA_USERNS ? "caisson-builder" : "caisson-helper";
	char *const argv[] = { (char *)(uintptr_t)name, NULL };
	char *const env[] = { NULL };

	take_short_turns();
	if (l->entry && (l->entry->error = enter(l->entry)) != 0)
		_exit(125);
	l->error = arrange(l);
	if (l->error == 0) {
		if (l->by->via == CAISSON_VIA_HELPER)
			ask_for_label();
		execve(l->by->program, argv, env);
		l->error = errno;
	}
	if (l->done >= 0 && write(l->done, &l->error, sizeof(l->error)) < 0)
		_exit(124);
	_exit(125);
}

int launch_helper(const struct builder *by, int socket, const struct plan_image *plan,
                  struct entry *entry, int *error) {
	struct launch l = { .by = by,
		            .socket = socket,
		            .plan = plan,
		            .entry = entry,
		            .done = entry ? entry->done[1] : -1 };
	/* One that waits at a gate does so while its parent works: with memory of its own. */
	int shared = l.done >= 0 ? 0 : CLONE_VM | CLONE_VFORK;
	sigset_t all, before;
	char stack[STACK] __attribute__((aligned(16)));
	int pidfd = -1;
	pid_t pid;

	l.fd = calloc(plan->fds + 1, sizeof(int));
	if (!l.fd) {
		*error = ENOMEM;
		return -1;
	}
	/* No handler of the host's may run in the child, which has the host's memory. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	/* By pidfd, so that it is reaped as itself even if the host reaps every child it meets. */
	pid = clone(child, stack + STACK, shared | CLONE_PIDFD | SIGCHLD, &l, &pidfd);
	if (pid < 0 && errno == EINVAL) /* before Linux 5.2, or the flag says nothing there */
		pid = clone(child, stack + STACK, shared | SIGCHLD, &l);
	if (pid > 0 && pidfd < 0 && (pidfd = process_open(pid)) < 0) {
		l.error = -pidfd; /* there is no /proc, without which nothing is built there */
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
		pidfd = -1;
	} else if (pid < 0) {
		l.error = errno;
		pidfd = -1;
	} else if (entry) {
		entry->pid = pid;
	}
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	*error = l.error;
	free(l.fd);
	return pidfd;
}
