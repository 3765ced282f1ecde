/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Descriptors that the host handed over, and where they lead. */
#include "inside.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#define HANDED 4

/* It fails with EACCES, or, without a domain for files, it works. */
static void expect(bool kept, long rc, const char *what) {
	if (kept)
		refused(rc, what, EACCES, 0, 0);
	else
		tap_ok(rc >= 0, "%s works: %s", what, rc < 0 ? strerror(errno) : "it does");
	if (rc > 2)
		close((int)rc);
}

static const char *anew(int fd) {
	static char path[40];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	return path;
}

/* ENOENT: that of the interpreter, which is not there. */
static void execute(bool kept, long fd, const char *name, int flags, const char *what) {
	char *const argv[] = { "program", NULL };
	int status = 0;
	pid_t pid = fork();

	if (pid == 0) {
		syscall(SYS_execveat, fd, name, argv, argv + 1, flags);
		_exit(errno);
	}
	waitpid(pid, &status, 0);
	tap_ok(WIFEXITED(status) && WEXITSTATUS(status) == (kept ? EACCES : ENOENT), "%s: %s", what,
	       strerror(WEXITSTATUS(status)));
}

static void in_directory(bool kept, int dir, bool second, const char *what) {
	char text[80];

#define EXPECT(CALL, NAME)                                                                         \
	do {                                                                                       \
		snprintf(text, sizeof(text), "%s: " NAME, what);                                   \
		expect(kept, CALL, text);                                                          \
	} while (0)
	EXPECT(openat(dir, "secret", O_RDONLY | O_CLOEXEC), "reading");
	EXPECT(openat(dir, "secret", O_WRONLY | O_CLOEXEC), "writing");
	EXPECT(openat(dir, "../..", O_RDONLY | O_DIRECTORY | O_CLOEXEC), "listing what is above");
	EXPECT(openat(dir, "new", O_CREAT | O_WRONLY | O_CLOEXEC, 0600), "a new file");
	EXPECT(mkdirat(dir, second ? "made2" : "made", 0700), "a new directory");
	EXPECT(unlinkat(dir, second ? "away2" : "away", AT_REMOVEDIR), "removing a directory");
	EXPECT(symlinkat("/", dir, second ? "link2" : "link"), "a link");
	EXPECT(renameat(dir, second ? "sent" : "given", dir, second ? "moved2" : "moved"),
	       "renaming");
	EXPECT(unlinkat(dir, second ? "gone2" : "gone", 0), "removing a file");
#undef EXPECT
	snprintf(text, sizeof(text), "%s: executing", what);
	execute(kept, dir, "program", 0, text);
}

void inside_handed(const struct attempt *a) {
	union {
		char space[CMSG_SPACE(HANDED * sizeof(int))];
		struct cmsghdr head;
	} control = { 0 };
	int socket = atoi(a->argv[0]), given = atoi(a->argv[1]), abi = atoi(a->argv[2]), fd[HANDED];
	char text[8] = { 0 };
	struct iovec iov = { text, 1 };
	struct msghdr msg = { .msg_iov = &iov,
		              .msg_iovlen = 1,
		              .msg_control = control.space,
		              .msg_controllen = sizeof(control.space) };
	bool kept = abi > 0;

	if (!tap_ok(recvmsg(socket, &msg, MSG_CMSG_CLOEXEC) == 1 &&
	                    control.head.cmsg_len == CMSG_LEN(sizeof(fd)),
	            "descriptors were sent"))
		return;
	memcpy(fd, CMSG_DATA(&control.head), sizeof(fd));
	tap_ok(pread(given, text, 4, 0) == 4 && !memcmp(text, "text", 4), "what was given is read");
	expect(false, open(anew(given), O_RDONLY | O_CLOEXEC), "opening it anew for reading");
	expect(kept, open(anew(given), O_WRONLY | O_CLOEXEC), "opening it anew for writing");
	expect(kept, open(anew(given), O_RDWR | O_APPEND | O_CLOEXEC), "and for both");
	if (!kept || abi >= 3)
		expect(kept, truncate(anew(given), 2), "cutting it off");
	else
		tap_skip("cutting it off", "Landlock before version 3 (Linux 6.2)");
	tap_ok(pread(fd[2], text, 4, 0) == 4 && !memcmp(text, "text", 4), "what was sent is read");
	expect(kept, open(anew(fd[2]), O_RDONLY | O_CLOEXEC), "opening that anew");
	expect(kept, open(anew(fd[2]), O_WRONLY | O_CLOEXEC), "opening that anew for writing");
	execute(kept, fd[3], "", AT_EMPTY_PATH, "executing what was sent");
	in_directory(kept, fd[0], false, "in a directory that was sent");
	in_directory(kept, fd[1], true, "in one that was sent as O_PATH");
	expect(false, open("/tmp/own", O_CREAT | O_RDWR | O_CLOEXEC, 0600), "a file of its own");
	expect(false, rename("/tmp/own", "/tmp/moved"), "renaming it");
}

static long connect_to(const char *path) {
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	strncpy(address.sun_path, path, sizeof(address.sun_path) - 1);
	return fd < 0 ? -1 : connect(fd, (struct sockaddr *)&address, sizeof(address));
}

void inside_connect(const struct attempt *a) {
	struct sockaddr_un address = { .sun_family = AF_UNIX, .sun_path = "/tmp/own" };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	expect(!strcmp(a->argv[1], "refused"), connect_to(a->argv[0]),
	       "a socket of the host's in a granted tree");
	tap_ok(bind(fd, (struct sockaddr *)&address, sizeof(address)) == 0 && listen(fd, 1) == 0 &&
	               connect_to("/tmp/own") == 0,
	       "one of its own can be connected to");
	close(fd);
}
