/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Files that lie outside, reached by what a sandbox was handed: a read-only file opened anew
 * for writing, a directory that the host application sent by mistake, a socket in a granted
 * tree. With a Landlock domain for files all of it is refused; without, which a host application
 * can ask for, all of it succeeds, so that a refusal here says something.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "hostile.h"
#include "protocol/properties.h"
#include "tests/lib/tap.h"

static char work[] = "/tmp/caisson-handed-XXXXXX";
#define HANDED 4 /* by message: a directory, the same as O_PATH, a file, one to be executed */

static int in_work(const char *name, int flags) {
	char path[64];
	int fd;

	snprintf(path, sizeof(path), "%s/%s", work, name);
	fd = open(path, flags | O_CLOEXEC, 0700);
	if (fd < 0)
		raw_bail(path);
	return fd;
}

static void make_files(void) {
	static const char *const names[] = { "secret", "gone", "gone2", "given", "sent" };
	static const char *const dirs[] = { "away", "away2" };
	static const char script[] = "#!/nothing/there\n";
	int fd;

	if (!mkdtemp(work))
		raw_bail("mkdtemp");
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		fd = in_work(names[i], O_CREAT | O_WRONLY);
		if (write(fd, "text", 4) != 4)
			raw_bail("write");
		close(fd);
	}
	for (size_t i = 0; i < 2; i++) {
		char path[64];

		snprintf(path, sizeof(path), "%s/%s", work, dirs[i]);
		if (mkdir(path, 0700) < 0)
			raw_bail(path);
	}
	fd = in_work("program", O_CREAT | O_WRONLY);
	if (write(fd, script, sizeof(script) - 1) != sizeof(script) - 1)
		raw_bail("write");
	close(fd);
}

static void send_handed(int socket) {
	union {
		char space[CMSG_SPACE(HANDED * sizeof(int))];
		struct cmsghdr head;
	} control = { 0 };
	struct iovec iov = { "x", 1 };
	struct msghdr msg = { .msg_iov = &iov,
		              .msg_iovlen = 1,
		              .msg_control = control.space,
		              .msg_controllen = sizeof(control.space) };
	int fds[HANDED] = { open(work, O_RDONLY | O_DIRECTORY | O_CLOEXEC),
		            open(work, O_PATH | O_DIRECTORY | O_CLOEXEC), in_work("sent", O_RDONLY),
		            in_work("program", O_RDONLY) };

	control.head.cmsg_level = SOL_SOCKET;
	control.head.cmsg_type = SCM_RIGHTS;
	control.head.cmsg_len = CMSG_LEN(sizeof(fds));
	memcpy(CMSG_DATA(&control.head), fds, sizeof(fds));
	if (sendmsg(socket, &msg, MSG_NOSIGNAL) != 1)
		raw_bail("sendmsg");
	for (int i = 0; i < HANDED; i++)
		close(fds[i]);
}

/* Says whether there was such a domain. */
static bool try_files(enum caisson_userns mode, unsigned flags, const char *name) {
	struct raw_plan *plan = raw_root(mode);
	struct raw_box box;
	char abi[12] = "0";
	int sv[2], extra[2];
	bool domain = false;

	make_files();
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sv) < 0)
		raw_bail("socketpair");
	extra[0] = sv[1];
	extra[1] = in_work("given", O_RDONLY);
	raw_build(&box, plan, &RAW_HOW);
	if (tap_ok(raw_built(&box), "%s: a sandbox: %s", name, raw_text(&box))) {
		domain = box.answer.held & CAISSON_BIT(LANDLOCK);
		if (domain && !(flags & CAISSON_START_OUTSIDE))
			snprintf(abi, sizeof(abi), "%u", box.answer.landlock_abi);
		if (!domain)
			tap_skip("files outside", "no Landlock domain in this mode on this kernel");
		else if (box.answer.detail == CAISSON_LABEL_SELINUX)
			tap_skip("files outside", "SELinux takes such descriptors away first");
		else if (box.answer.detail != CAISSON_LABEL_NONE && flags & CAISSON_START_OUTSIDE)
			tap_skip("files outside, if asked for", "a label denies them as well");
		else {
			send_handed(sv[0]);
			raw_attack(&box, name, "the attack", PROBE("handed", "3", "4", abi), extra,
			           2, flags | CAISSON_START_FILES);
		}
	}
	raw_end(&box);
	raw_free(plan);
	close(sv[0]);
	close(sv[1]);
	close(extra[1]);
	return domain;
}

/* A socket of the host's in a granted tree, and one of the sandbox's own. */
static void try_socket(enum caisson_userns mode, bool required, const char *name) {
	struct raw_plan *plan = raw_root(mode);
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct raw_box box;

	make_files();
	snprintf(address.sun_path, sizeof(address.sun_path), "%s/socket", work);
	if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0 ||
	    listen(fd, 4) < 0)
		raw_bail("a socket");
	raw_bind(plan, raw_path(work), "/w", CAISSON_BIND_DIR);
	plan->head.require |= required ? CAISSON_BIT(HOST_SOCKETS) : 0;
	raw_build(&box, plan, &RAW_HOW);
	if (required && !raw_built(&box)) {
		tap_ok(raw_failed(&box, CAISSON_STAGE_REQUIRE, CAISSON_KNOB_PROPERTY),
		       "%s: refused: %s", name, raw_text(&box));
		tap_skip("sockets of the host's, if that is required",
		         "Linux before 7.1, or without Landlock");
	} else if (!tap_ok(raw_built(&box), "%s: a sandbox: %s", name, raw_text(&box))) {
		/* which is told */
	} else if (box.answer.detail == CAISSON_LABEL_SELINUX) {
		tap_skip("sockets of the host's", "SELinux denies them all");
	} else {
		tap_ok(!(box.answer.held & CAISSON_BIT(HOST_SOCKETS)) == !required,
		       "%s: the answer says so", name);
		raw_attack(&box, name, "the attack",
		           PROBE("connect", "/w/socket", required ? "refused" : "reached"), NULL, 0,
		           0);
	}
	raw_end(&box);
	raw_free(plan);
	close(fd);
}

static void remove_files(void) {
	char command[64];

	snprintf(command, sizeof(command), "rm -rf %s", work);
	if (system(command) != 0)
		raw_bail(command);
	memcpy(work + sizeof(work) - 7, "XXXXXX", 6);
}

static void try_mode(enum caisson_userns mode, const char *name) {
	char text[64];
	bool domain = try_files(mode, 0, name);

	remove_files();
	snprintf(text, sizeof(text), "%s, files outside", name);
	if (domain) {
		try_files(mode, CAISSON_START_OUTSIDE, text);
		remove_files();
	}
	snprintf(text, sizeof(text), "%s, a socket", name);
	try_socket(mode, false, text);
	remove_files();
	snprintf(text, sizeof(text), "%s, no socket", name);
	try_socket(mode, true, text);
	remove_files();
}

int main(void) {
	raw_watch();
	hostile_both_modes(try_mode);
	raw_nothing_left("at the end");
	return tap_done();
}
