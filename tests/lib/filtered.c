/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define _GNU_SOURCE
#include "filtered.h"

#include "caisson-floor.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/seccomp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define SECONDS 30
#define NOBODY 65534
#ifndef SECCOMP_FILTER_FLAG_NEW_LISTENER
#define SECCOMP_FILTER_FLAG_NEW_LISTENER 8u
#endif

void complain(struct complaints *c, const char *fmt, ...) {
	va_list ap;

	c->count++;
	va_start(ap, fmt);
	vdprintf(c->fd, fmt, ap);
	va_end(ap);
	dprintf(c->fd, "; ");
}

int install(struct complaints *c, int notify) {
	struct sock_fprog filter;
	long ret = 0;

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		complain(c, "no_new_privs: %s", strerror(errno));
	if (c->profile == UNFILTERED)
		return -1;
	filter.len = caisson_filters[c->profile][c->network].len;
	filter.filter =
		(struct sock_filter *)(uintptr_t)caisson_filters[c->profile][c->network].filter;
	if (notify) {
		filter.len = caisson_notify_filters[c->profile][c->network].len;
		filter.filter = (struct sock_filter *)(uintptr_t)
		                        caisson_notify_filters[c->profile][c->network]
		                                .filter;
	}
	ret = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER,
	              notify ? SECCOMP_FILTER_FLAG_NEW_LISTENER : 0, &filter);
	if (ret < 0)
		complain(c, "installing the filter: %s", strerror(errno));
	return (int)ret;
}

static void become_nobody(struct complaints *c) {
	if (geteuid() == 0 && (setgroups(0, NULL) < 0 || setresgid(NOBODY, NOBODY, NOBODY) < 0 ||
	                       setresuid(NOBODY, NOBODY, NOBODY) < 0))
		complain(c, "becoming nobody: %s", strerror(errno));
}

int filtered(enum profile profile, enum network network, void (*body)(struct complaints *c),
             char text[4096]) {
	int pipefd[2], status = -1;
	size_t len = 0;
	ssize_t n;
	pid_t pid;

	cr_assert_eq(pipe2(pipefd, O_CLOEXEC), 0);
	pid = fork();
	cr_assert_geq(pid, 0);
	if (pid == 0) {
		struct complaints c = { pipefd[1], 0, profile, network };

		alarm(SECONDS); /* kept over exec: nothing below can hang the test */
		become_nobody(&c);
		install(&c, 0);
		if (!c.count)
			body(&c);
		_exit(c.count ? 1 : 0);
	}
	close(pipefd[1]);
	while (len < 4095 && (n = read(pipefd[0], text + len, 4095 - len)) > 0)
		len += (size_t)n;
	text[len] = '\0';
	close(pipefd[0]);
	cr_assert_eq(waitpid(pid, &status, 0), pid);
	return status;
}

void on_every_network(enum profile profile, void (*body)(struct complaints *c)) {
	for (int network = 0; network < NETWORKS; network++) {
		char text[4096];
		int status = filtered(profile, (enum network)network, body, text);

		cr_expect(WIFEXITED(status) && WEXITSTATUS(status) == 0,
		          "profile %d, network %d, status %#x: %s", profile, network,
		          (unsigned)status, text);
	}
}
