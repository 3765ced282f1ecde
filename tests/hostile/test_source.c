/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What is handed over as a source: everything that is not a tree of the caller's is refused. */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/lib/raw.h"
#include "tests/lib/tap.h"

#define PROBE(...) ((const char *const[]){ "/t/inside", __VA_ARGS__, NULL })

static char work[] = "/tmp/caisson-source-XXXXXX";

static char *in_work(const char *name) {
	static char path[4][256];
	static unsigned turn;
	char *at = path[turn++ % 4];

	snprintf(at, sizeof(path[0]), "%s/%s", work, name);
	return at;
}

/* One bind of fd (taken over) at /x. stage 0: it builds. */
static void try_source(const char *what, int fd, uint16_t flags, uint32_t stage, uint32_t knob) {
	struct raw_plan *plan = raw_bare(CAISSON_USERNS_AUTO);
	struct raw_box box;

	if (fd < 0) {
		tap_ok(false, "%s: made: %s", what, strerror(errno));
		raw_free(plan);
		return;
	}
	raw_bind(plan, fd, "/x", flags);
	raw_build(&box, plan, &RAW_HOW);
	if (stage)
		tap_ok(raw_failed(&box, stage, knob) ||
		               (raw_selinux() &&
		                raw_failed(&box, CAISSON_STAGE_PLAN, CAISSON_KNOB_PLAN_FORMAT)),
		       "%s is refused: %s", what, raw_text(&box));
	else
		tap_ok(raw_built(&box), "%s: %s", what, raw_text(&box));
	if (!raw_end(&box))
		tap_ok(false, "%s: it ends", what);
	raw_free(plan);
}

#define AS_DIR CAISSON_BIND_DIR
#define FD_FAULT CAISSON_STAGE_PLAN, CAISSON_KNOB_PLAN_FORMAT
#define FS_FAULT CAISSON_STAGE_POLICY, CAISSON_KNOB_SOURCE_FS
#define TYPE_FAULT CAISSON_STAGE_SOURCE, CAISSON_KNOB_SOURCE_TYPE
#define MOUNT_FAULT CAISSON_STAGE_SOURCE, CAISSON_KNOB_SOURCE_MOUNT

static int reopened(int fd) {
	char path[64];
	int again;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	again = open(path, O_PATH | O_CLOEXEC);
	close(fd);
	return again;
}

static void try_kinds(void) {
	int pair[2], fd;

	if (pipe2(pair, O_CLOEXEC) < 0)
		raw_bail("pipe2");
	try_source("a directory that is not O_PATH", open(work, O_RDONLY | O_CLOEXEC), AS_DIR,
	           FD_FAULT);
	try_source("a pipe", pair[0], 0, FD_FAULT);
	try_source("a pipe by O_PATH", reopened(pair[1]), 0, MOUNT_FAULT);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	try_source("a socket", fd, 0, FD_FAULT);
	fd = (int)syscall(SYS_memfd_create, "x", 0);
	try_source("a memfd by O_PATH", reopened(fd), 0, MOUNT_FAULT);
	try_source("/proc", raw_path("/proc"), AS_DIR, FS_FAULT);
	try_source("/proc/self", raw_path("/proc/self"), AS_DIR, FS_FAULT);
	try_source("/proc/self/status", raw_path("/proc/self/status"), 0, FS_FAULT);
	try_source("the magic link /proc/self/root itself",
	           open("/proc/self/root", O_PATH | O_NOFOLLOW | O_CLOEXEC), 0, TYPE_FAULT);
	if (access("/sys/kernel", F_OK) == 0)
		try_source("/sys", raw_path("/sys"), AS_DIR, FS_FAULT);
	try_source("a network namespace", open("/proc/self/ns/net", O_PATH | O_CLOEXEC), 0,
	           MOUNT_FAULT);
	fd = (int)syscall(434, getpid(), 0);
	if (fd < 0 && errno == ENOSYS)
		tap_skip("a pidfd by O_PATH", "Linux has them from 5.3 on");
	else
		try_source("a pidfd by O_PATH", fd, 0, FD_FAULT);
	if (access("/dev/pts/ptmx", F_OK) == 0)
		try_source("/dev/pts", raw_path("/dev/pts"), AS_DIR, FS_FAULT);
	try_source("the directory behind /proc/self/cwd",
	           open("/proc/self/cwd", O_PATH | O_CLOEXEC), AS_DIR, 0, 0);
}

static void try_files(void) {
	int fd;

	if (mkdir(in_work("gone"), 0755) < 0 || (fd = raw_path(in_work("gone"))) < 0 ||
	    rmdir(in_work("gone")) < 0)
		raw_bail("gone");
	try_source("a deleted directory", fd, AS_DIR, CAISSON_STAGE_SOURCE,
	           CAISSON_KNOB_SOURCE_MOUNT);
	try_source("a file that is said to be a directory", raw_path("/proc/self/exe"), AS_DIR,
	           CAISSON_STAGE_MOUNT, CAISSON_KNOB_DESTINATION);
	try_source("a directory that is said to be a file", raw_path(work), 0, CAISSON_STAGE_MOUNT,
	           CAISSON_KNOB_DESTINATION);
	try_source("a directory", raw_path(work), AS_DIR, 0, 0);
}

/* As DEVICE: only nodes of the harmless kind, from root's own /dev. */
static void try_device(const char *what, const char *path) {
	struct raw_plan *plan = raw_bare(CAISSON_USERNS_AUTO);
	int fd = open(path, O_PATH | O_CLOEXEC);
	struct raw_box box;
	struct stat st;

	if (fd < 0 || (raw_without_helper() && fstat(fd, &st) == 0 && S_ISCHR(st.st_mode))) {
		tap_skip(what,
		         fd < 0 ? "this host has none"
		                : "caisson-builder: the user may open it, and no policy binds");
		raw_free(plan);
		return;
	}
	raw_bind(plan, fd, "/x", 0)->op = CAISSON_OP_DEVICE;
	raw_build(&box, plan, &RAW_HOW);
	tap_ok(box.answered && box.answer.kind == CAISSON_ANSWER_FAILED &&
	               (box.answer.stage == CAISSON_STAGE_SOURCE ||
	                box.answer.stage == CAISSON_STAGE_POLICY) &&
	               box.pidfd < 0,
	       "%s (%s) is refused as a device: %s", what, path, raw_text(&box));
	raw_end(&box);
	raw_free(plan);
}

/* As BIND: neither nodes nor what is no tree at all. */
static void try_nodes(void) {
	try_device("a directory", work);
	try_device("a regular file", "/proc/self/exe");
	try_device("the kernel's messages", "/dev/kmsg");
	try_device("a disk", "/dev/vda");
	try_device("a disk", "/dev/sda");
	try_device("memory", "/dev/mem");
	try_device("fuse", "/dev/fuse");
	try_device("a loop device", "/dev/loop0");
	try_device("the own terminal multiplexer", "/dev/ptmx");
	try_source("/dev/null as a bind", raw_path("/dev/null"), 0, TYPE_FAULT);
	if (symlink("/etc", in_work("link")) < 0 || mkfifo(in_work("fifo"), 0600) < 0)
		raw_bail("link");
	try_source("a symbolic link", open(in_work("link"), O_PATH | O_NOFOLLOW | O_CLOEXEC), 0,
	           TYPE_FAULT);
	try_source("a fifo", raw_path(in_work("fifo")), 0, TYPE_FAULT);
	unlink(in_work("link"));
	unlink(in_work("fifo"));
}

/* The root of a directory that only its owner may search stays closed to the target. */
static void try_closed(void) {
	struct raw_plan *plan = raw_bare(CAISSON_USERNS_AUTO);
	int fd = open("/root", O_PATH | O_CLOEXEC);

	if (mkdir(in_work("closed"), 0) < 0)
		raw_bail("closed");
	raw_bind(plan, raw_path(in_work("closed")), "/closed", AS_DIR);
	if (fd >= 0 && access("/root", R_OK) < 0)
		raw_bind(plan, fd, "/root", AS_DIR);
	else
		tap_skip("root's home as a source", "it is open to everyone here");
	raw_probe(plan, &RAW_HOW, "directories of mode 0000 and of root's",
	          PROBE("unreadable", "/closed", plan->head.fds > 2 ? "/root" : "/closed"));
	raw_free(plan);
	rmdir(in_work("closed"));
}

/* `/` read-only, at /host: the kernel's file systems below it must be covered. */
static void try_whole(enum caisson_userns mode, const char *name) {
	struct raw_plan *plan = raw_root(mode);
	struct raw_box box;

	raw_bind(plan, raw_path("/"), "/host", AS_DIR | CAISSON_BIND_RDONLY);
	raw_build(&box, plan, &RAW_HOW);
	if (!raw_built(&box) && box.answered &&
	    (box.answer.stage == CAISSON_STAGE_JUDGE ||
	     raw_failed(&box, CAISSON_STAGE_SOURCE, CAISSON_KNOB_KERNEL))) {
		tap_ok(true, "%s: the host's root is refused as a whole: %s", name, raw_text(&box));
		raw_end(&box);
	} else {
		tap_ok(raw_built(&box) && box.answer.covered > 0,
		       "%s: the host's root: %u mounts, %u covered: %s", name, box.answer.mounts,
		       box.answer.covered, raw_text(&box));
		raw_end(&box);
		raw_probe(plan, &RAW_HOW, name, PROBE("trees", "/host"));
		raw_probe(plan, &RAW_HOW, name,
		          PROBE("absent", "/host/proc/1", "/host/proc/self", "/host/sys/kernel",
		                "/host/proc/sys/kernel"));
	}
	raw_free(plan);
}

static void put_file(const char *path, const char *text) {
	int fd = open(path, O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, 0644);

	if (fd < 0 || write(fd, text, strlen(text)) != (ssize_t)strlen(text))
		raw_bail(path);
	close(fd);
}

/* What the helper reads of its own in /proc must not be what a caller mounted over it. */
static void try_forged(void) {
	static const char lie[] = "1 0 0:1 / / rw,nosuid,nodev - tmpfs x rw\n";
	struct raw_plan *plan = raw_bare(CAISSON_USERNS_AUTO);
	struct raw_box box;
	char name[32];

	mkdir(in_work("forged"), 0755);
	mkdir(in_work("forged/fdinfo"), 0755);
	put_file(in_work("forged/mountinfo"), lie);
	for (int i = 0; i < 40; i++) {
		snprintf(name, sizeof(name), "forged/fdinfo/%d", i);
		put_file(in_work(name), "mnt_id:\t1\n");
	}
	raw_bind(plan, raw_path("/"), "/host", AS_DIR | CAISSON_BIND_RDONLY);
	raw_bind(plan, raw_path(in_work("forged")), "/proc/1", AS_DIR);
	raw_build(&box, plan, &RAW_HOW);
	if (raw_built(&box))
		tap_ok(box.answer.mounts > 4 && box.answer.covered > 0,
		       "a forged /proc/1/mountinfo is not believed: %u mounts, %u covered",
		       box.answer.mounts, box.answer.covered);
	else
		tap_ok(box.answered, "a bind over /proc/1 is refused: %s", raw_text(&box));
	if (raw_built(&box)) {
		raw_end(&box);
		raw_probe(plan, &RAW_HOW, "with /proc/1 forged",
		          PROBE("absent", "/host/proc/1", "/host/proc/sys", "/host/sys/kernel"));
	} else {
		raw_end(&box);
	}
	raw_free(plan);
	for (int i = 0; i < 40; i++) {
		snprintf(name, sizeof(name), "forged/fdinfo/%d", i);
		unlink(in_work(name));
	}
	unlink(in_work("forged/mountinfo"));
	rmdir(in_work("forged/fdinfo"));
	rmdir(in_work("forged"));
}

/* ------------------------------------------- what another mount namespace holds */

static void write_to(const char *path, const char *text) {
	int fd = open(path, O_WRONLY | O_CLOEXEC);

	if (fd < 0 || write(fd, text, strlen(text)) != (ssize_t)strlen(text))
		_exit(1);
	close(fd);
}

static void send_fd(int socket, int fd) {
	union {
		char space[CMSG_SPACE(sizeof(int))];
		struct cmsghdr head;
	} control = { .head = { CMSG_LEN(sizeof(int)), SOL_SOCKET, SCM_RIGHTS } };
	char byte = 'f';
	struct iovec iov = { &byte, 1 };
	struct msghdr msg = { .msg_iov = &iov,
		              .msg_iovlen = 1,
		              .msg_control = &control,
		              .msg_controllen = sizeof(control) };

	memcpy(CMSG_DATA(&control.head), &fd, sizeof(int));
	if (fd < 0 || sendmsg(socket, &msg, MSG_NOSIGNAL) != 1)
		_exit(2);
}

static int receive_fd(int socket) {
	union {
		char space[CMSG_SPACE(sizeof(int))];
		struct cmsghdr head;
	} control;
	char byte;
	struct iovec iov = { &byte, 1 };
	struct msghdr msg = { .msg_iov = &iov,
		              .msg_iovlen = 1,
		              .msg_control = &control,
		              .msg_controllen = sizeof(control) };
	int fd = -1;

	if (recvmsg(socket, &msg, MSG_CMSG_CLOEXEC) == 1 && CMSG_FIRSTHDR(&msg))
		memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&msg)), sizeof(int));
	return fd;
}

static _Noreturn void other_namespace(int socket) {
	char text[64];
	uid_t uid = getuid();
	gid_t gid = getgid();

	if (unshare(CLONE_NEWUSER | CLONE_NEWNS) < 0)
		_exit(3);
	write_to("/proc/self/setgroups", "deny");
	snprintf(text, sizeof(text), "0 %u 1", uid);
	write_to("/proc/self/uid_map", text);
	snprintf(text, sizeof(text), "0 %u 1", gid);
	write_to("/proc/self/gid_map", text);
	if (mount("none", "/tmp", "tmpfs", 0, NULL) < 0)
		_exit(4);
	send_fd(socket, open("/tmp", O_PATH | O_CLOEXEC));
	/* and a detached clone */
	send_fd(socket, (int)syscall(428, -100, "/", 1 | O_CLOEXEC | 0x8000));
	pause();
	_exit(0);
}

static void try_foreign(void) {
	int sv[2], fd;
	pid_t pid;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sv) < 0 || (pid = fork()) < 0)
		raw_bail("fork");
	if (pid == 0)
		other_namespace(sv[1]);
	close(sv[1]);
	fd = receive_fd(sv[0]);
	if (fd < 0) {
		tap_skip("a directory of a foreign mount namespace",
		         "no user namespace to be had here");
	} else {
		try_source("a directory of a foreign mount namespace", fd, AS_DIR, MOUNT_FAULT);
		fd = receive_fd(sv[0]);
		if (fd < 0)
			tap_skip("a detached mount", "Linux has them from 5.2 on");
		else
			try_source("a detached mount", fd, AS_DIR, MOUNT_FAULT);
	}
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	close(sv[0]);
}

int main(void) {
	raw_watch();
	if (!mkdtemp(work) || chmod(work, 0755) < 0)
		raw_bail(work);
	try_kinds();
	try_files();
	try_nodes();
	try_closed();
	try_whole(CAISSON_USERNS_AUTO, "auto");
	if (raw_without_helper())
		tap_skip("without a user namespace", "caisson-builder builds of them");
	else
		try_whole(CAISSON_USERNS_NONE, "none");
	try_forged();
	try_foreign();
	tap_ok(rmdir(work) == 0, "the working directory is empty at the end");
	raw_nothing_left("at the end");
	return tap_done();
}
