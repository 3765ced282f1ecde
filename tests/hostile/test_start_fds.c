/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The descriptors that the helper starts with: none of 0 to 2, a thousand too many, the wrong 3 and 4. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/lib/raw.h"
#include "tests/lib/tap.h"

static const char *const SELF[] = { "/t/inside", "self", NULL };

static void close_some(void *arg) {
	for (int fd = 0; fd < 3; fd++)
		if ((uintptr_t)arg & 1u << fd)
			close(fd);
}

static void try_standard(void) {
	char what[64];

	for (unsigned which = 1; which < 8; which++) {
		struct raw_plan *plan = raw_root(CAISSON_USERNS_AUTO);
		struct raw_how how = RAW_HOW;

		how.before_exec = close_some;
		how.arg = (void *)(uintptr_t)which;
		snprintf(what, sizeof(what), "with%s%s%s closed", which & 1 ? " 0" : "",
		         which & 2 ? " 1" : "", which & 4 ? " 2" : "");
		raw_probe(plan, &how, what, SELF);
		raw_free(plan);
	}
}

/* Everything that could be useful, up to the limit: the root, a memfd, the other end of a socket. */
static void open_many(void *arg) {
	(void)arg;
	for (int i = 0; i < 1000; i++)
		if (open(i % 2 ? "/" : "/proc/self/exe", i % 3 ? O_RDONLY : O_PATH) < 0)
			break;
}

static void try_stray(void) {
	struct raw_plan *plan = raw_root(CAISSON_USERNS_AUTO);
	struct raw_how how = RAW_HOW;

	how.before_exec = open_many;
	raw_probe(plan, &how, "a thousand descriptors more", SELF);
	raw_free(plan);
}

/*
 * Where fd 3 is no control socket there is nobody to answer: the helper gives
 * up its privilege, says one line to whatever fd 2 is, and ends with 125.
 */
static void try_control(const char *what, int control) {
	struct raw_plan *plan = raw_bare(CAISSON_USERNS_AUTO);
	struct raw_how how = RAW_HOW;
	struct raw_box box;

	how.control = control;
	raw_build(&box, plan, &how);
	tap_ok(!box.answered && box.pidfd < 0 && WIFEXITED(box.helper_status) &&
	               WEXITSTATUS(box.helper_status) == 125,
	       "fd 3 %s: it ends: %s", what, raw_text(&box));
	raw_end(&box);
	raw_free(plan);
	if (control >= 0)
		close(control);
}

static void try_controls(void) {
	int stream[2], datagram[2], pipes[2];
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	int listening = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, stream) < 0 ||
	    socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, datagram) < 0 ||
	    pipe2(pipes, O_CLOEXEC) < 0)
		raw_bail("sockets");
	try_control("closed", RAW_CLOSED);
	try_control("a file", open("/proc/self/exe", O_RDONLY | O_CLOEXEC));
	try_control("a directory by O_PATH", raw_path("/"));
	try_control("a pipe", pipes[1]);
	try_control("a stream socket", stream[0]);
	try_control("a datagram socket", datagram[0]);
	try_control("a socket without a peer", socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0));
	if (bind(listening, (struct sockaddr *)&at, sizeof(sa_family_t)) == 0 &&
	    listen(listening, 1) == 0)
		try_control("a listening socket", listening);
	try_control("an internet socket", socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
	close(pipes[0]);
	close(stream[1]);
	close(datagram[1]);
	if (getenv("CAISSON_FOREIGN_SOCKET"))
		try_control("a socket pair of another user's",
		            fcntl(atoi(getenv("CAISSON_FOREIGN_SOCKET")), F_DUPFD_CLOEXEC, 3));
	else
		tap_skip("fd 3 a socket pair of another user's",
		         "none was inherited (CAISSON_FOREIGN_SOCKET)");
}

/* The caller reads nothing, and its socket is full: the helper must neither wait nor stay. */
static void try_full(void) {
	struct raw_plan *plan = raw_bare(CAISSON_USERNS_AUTO);
	struct raw_how how = RAW_HOW;
	struct raw_box box;
	int sv[2], small = 1;
	char block[512] = "";

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sv) < 0)
		raw_bail("socketpair");
	setsockopt(sv[1], SOL_SOCKET, SO_SNDBUF, &small, sizeof(small));
	while (send(sv[1], block, sizeof(block), MSG_DONTWAIT) > 0)
		;
	how.control = sv[1];
	raw_launch(&box, plan, &how);
	close(sv[1]);
	close(box.socket);
	box.socket = dup(sv[1]); /* closed: nothing comes */
	tap_ok(raw_end(&box) && WIFEXITED(box.helper_status) &&
	               WEXITSTATUS(box.helper_status) == 125,
	       "a full socket: the helper ends (%#x)", (unsigned)box.helper_status);
	close(sv[0]);
	raw_free(plan);
}

static void try_plan_fd(const char *what, int memfd, bool good) {
	struct raw_plan *plan = raw_bare(CAISSON_USERNS_AUTO);
	struct raw_how how = RAW_HOW;
	struct raw_box box;

	how.memfd = memfd;
	raw_build(&box, plan, &how);
	tap_ok(good ? raw_built(&box)
	            : raw_failed(&box, CAISSON_STAGE_PLAN, CAISSON_KNOB_PLAN_FORMAT) &&
	                       box.answer.detail == CAISSON_FAULT_FD && box.pidfd < 0,
	       "fd 4 %s: %s", what, raw_text(&box));
	if (!raw_end(&box))
		tap_ok(false, "fd 4 %s: it ends", what);
	raw_free(plan);
	if (memfd >= 0)
		close(memfd);
}

static void try_plans(void) {
	struct raw_plan *plan = raw_bare(CAISSON_USERNS_AUTO);
	char what[64];
	int pipes[2];

	if (pipe2(pipes, O_CLOEXEC) < 0)
		raw_bail("pipe2");
	try_plan_fd("closed", RAW_CLOSED, false);
	try_plan_fd("a file", open("/proc/self/exe", O_RDONLY | O_CLOEXEC), false);
	try_plan_fd("a pipe", pipes[0], false);
	try_plan_fd("a socket", socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), false);
	try_plan_fd("/dev/zero", open("/dev/zero", O_RDONLY | O_CLOEXEC), false);
	try_plan_fd("a directory", raw_path("/"), false);
	for (int seals = 0; seals <= 0xf; seals++) {
		snprintf(what, sizeof(what), "a memfd with seals %#x", seals);
		try_plan_fd(what, raw_memfd(plan, seals), seals == RAW_SEALS_ALL);
	}
	/* F_SEAL_FUTURE_WRITE instead of WRITE leaves old mappings writable. */
	try_plan_fd("a memfd with a future write seal", raw_memfd(plan, 0x1 | 0x2 | 0x4 | 0x10),
	            false);
	close(pipes[1]);
	raw_free(plan);
}

/* A source that the plan names and that is not there, or not O_PATH. */
static void try_sources(void) {
	const int wrong[] = { -1, open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC),
		              open("/proc/self/exe", O_RDONLY | O_CLOEXEC) };

	for (unsigned i = 0; i < 3; i++) {
		struct raw_plan *plan = raw_bare(CAISSON_USERNS_AUTO);
		struct raw_box box;

		raw_bind(plan, wrong[i], "/x", CAISSON_BIND_DIR);
		raw_build(&box, plan, &RAW_HOW);
		tap_ok(raw_failed(&box, CAISSON_STAGE_PLAN, CAISSON_KNOB_PLAN_FORMAT) &&
		               box.answer.detail == CAISSON_FAULT_INDEX,
		       "source %u is %s: %s", i, i ? "not O_PATH" : "missing", raw_text(&box));
		raw_end(&box);
		raw_free(plan);
	}
}

/* As root: hand a socket pair of root's to a test that runs as somebody else. */
static int with_foreign(char **argv) {
	char number[16];
	int sv[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET, 0, sv) < 0)
		raw_bail("socketpair");
	snprintf(number, sizeof(number), "%d", sv[1]);
	setenv("CAISSON_FOREIGN_SOCKET", number, 1);
	execvp(argv[0], argv);
	raw_bail(argv[0]);
}

int main(int argc, char **argv) {
	if (argc > 2 && !strcmp(argv[1], "--foreign"))
		return with_foreign(argv + 2);
	raw_watch();
	try_standard();
	try_stray();
	try_controls();
	try_full();
	try_plans();
	try_sources();
	raw_nothing_left("at the end");
	return tap_done();
}
