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
#include <sys/resource.h>
#include <unistd.h>

#include "internal.h"

#ifndef CLONE_PIDFD
#define CLONE_PIDFD 0x1000
#endif

#define STACK (16u * 1024u) /* for a few system calls */
/* The child never returns: what its frames poison in the caller's stack would stay poisoned. */
#define OWN_STACK __attribute__((no_sanitize("address")))

struct launch {
	const char *helper;
	int socket;
	const struct plan_image *plan;
	int *fd; /* scratch: the plan's descriptors, moved out of the way */
	int error;
};

/* At or above floor, where no target number is. */
OWN_STACK static int lift(int fd, int floor)
{
	return fd >= floor ? fd : fcntl(fd, F_DUPFD_CLOEXEC, floor);
}

OWN_STACK static int arrange(struct launch *l)
{
	int first_free = CAISSON_FD_SOURCES + (int)l->plan->fds;
	int socket, memfd;
	struct rlimit files;

	/* The numbers of many sources lie above a low soft limit; the host's own is left alone. */
	if (getrlimit(RLIMIT_NOFILE, &files) == 0 && files.rlim_cur < 2 * (rlim_t)first_free + 16) {
		files.rlim_cur = files.rlim_max;
		setrlimit(RLIMIT_NOFILE, &files);
	}
	socket = lift(l->socket, first_free);
	memfd = lift(l->plan->memfd, first_free);
	if (socket < 0 || memfd < 0)
		return errno;
	for (size_t i = 0; i < l->plan->fds; i++) {
		l->fd[i] = lift(l->plan->fd[i], first_free);
		if (l->fd[i] < 0)
			return errno;
	}
	if (dup2(socket, CAISSON_FD_CONTROL) < 0 || dup2(memfd, CAISSON_FD_PLAN) < 0)
		return errno;
	for (size_t i = 0; i < l->plan->fds; i++)
		if (dup2(l->fd[i], CAISSON_FD_SOURCES + (int)i) < 0)
			return errno;
	return 0;
}

OWN_STACK static int child(void *arg)
{
	struct launch *l = arg;
	char *const argv[] = { (char *)(uintptr_t) "caisson-helper", NULL };
	char *const env[] = { NULL };

	l->error = arrange(l);
	if (l->error == 0) {
		execve(l->helper, argv, env);
		l->error = errno;
	}
	_exit(125);
}

int launch_helper(const char *helper, int socket, const struct plan_image *plan, int *error)
{
	struct launch l = { .helper = helper, .socket = socket, .plan = plan };
	sigset_t all, before;
	char stack[STACK] __attribute__((aligned(16)));
	int pidfd = -1;

	l.fd = calloc(plan->fds + 1, sizeof(int));
	if (!l.fd) {
		*error = ENOMEM;
		return -1;
	}
	/* No handler of the host's may run in the child, which has the host's memory. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	/* By pidfd, so that it is reaped as itself even if the host reaps every child it meets. */
	if (clone(child, stack + STACK, CLONE_VM | CLONE_VFORK | CLONE_PIDFD | SIGCHLD, &l,
	          &pidfd) < 0) {
		l.error = errno;
		pidfd = -1;
	}
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	*error = l.error;
	free(l.fd);
	return pidfd;
}
