/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The host reached through a channel: SO_PEERPIDFD gives a pidfd of the host
 * application, pidfd_getfd its open files. Without a user namespace two
 * barriers stand between, the seccomp floor and a Landlock domain, each enough
 * by itself: mutations take one or both out, and only with both gone may this
 * fail.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "hostile.h"
#include "tests/lib/tap.h"

#ifndef SO_PEERPIDFD
#define SO_PEERPIDFD 77
#endif

static bool has_peer_pidfd(void) {
	int sv[2], pidfd = -1;
	socklen_t len = sizeof(pidfd);
	bool has;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sv) < 0)
		raw_bail("socketpair");
	has = getsockopt(sv[0], SOL_SOCKET, SO_PEERPIDFD, &pidfd, &len) == 0;
	if (pidfd >= 0)
		close(pidfd);
	close(sv[0]);
	close(sv[1]);
	return has;
}

/* The attack works from outside, where no barrier is: else its failure inside says nothing. */
static void try_outside(void) {
	int pidfd = (int)syscall(434 /* pidfd_open */, getppid(), 0), self, fd;

	self = (int)syscall(434, getpid(), 0);
	fd = (int)syscall(438 /* pidfd_getfd */, self, 0, 0);
	tap_ok(fd >= 0, "a process of the user's own gives its descriptors away outside");
	if (fd >= 0)
		close(fd);
	if (self >= 0)
		close(self);
	if (pidfd >= 0)
		close(pidfd);
}

static void try_inside(enum caisson_userns mode, const char *name) {
	struct raw_plan *plan = raw_root(mode);
	struct raw_box box;
	int sv[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sv) < 0)
		raw_bail("socketpair");
	raw_build(&box, plan, &RAW_HOW);
	if (!raw_built(&box)) {
		tap_ok(false, "%s: a sandbox: %s", name, raw_text(&box));
	} else {
		tap_note("%s: Landlock of ABI %u", name, box.answer.landlock_abi);
		raw_attack(&box, name, "the attack", PROBE("peer", "3"), &sv[1], 1, 0);
	}
	raw_end(&box);
	raw_free(plan);
	close(sv[0]);
	close(sv[1]);
}

int main(void) {
	if (!has_peer_pidfd())
		return tap_skip_all("this kernel has no SO_PEERPIDFD (Linux 6.5)");
	raw_watch();
	try_outside();
	if (raw_without_helper())
		tap_skip("without a user namespace", "caisson-builder builds of them");
	else
		try_inside(CAISSON_USERNS_NONE, "none");
	try_inside(CAISSON_USERNS_AUTO, "auto");
	raw_nothing_left("at the end");
	return tap_done();
}
