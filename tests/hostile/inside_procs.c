/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Other processes: init, the host's, and the host application behind a socket. */
#include "inside.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <string.h>
#include <sys/uio.h>
#include <sys/vfs.h>
#include <unistd.h>

#ifndef SYS_pidfd_open
#define SYS_pidfd_open 434
#endif
#ifndef SYS_pidfd_getfd
#define SYS_pidfd_getfd 438
#endif
#ifndef SYS_pidfd_send_signal
#define SYS_pidfd_send_signal 424
#endif
#ifndef SYS_process_madvise
#define SYS_process_madvise 440
#endif
#ifndef SO_PEERPIDFD
#define SO_PEERPIDFD 77
#endif

/*
 * What path leads to, or an error. Linux 5.10 answers a link of a namespace that
 * it denies with the directory that the link is in, and no text.
 */
static long follow(const char *path) {
	int fd = open(path, O_PATH | O_CLOEXEC);
	struct statfs fs;
	struct stat st;

	if (fd >= 0 && strstr(path, "/ns/") && fstat(fd, &st) == 0 && S_ISDIR(st.st_mode) &&
	    fstatfs(fd, &fs) == 0 && fs.f_type == PROC_SUPER_MAGIC) {
		close(fd);
		errno = EACCES;
		return -1;
	}
	return fd;
}

static long read_link(const char *path, char *text, size_t size) {
	long n = readlink(path, text, size);

	if (n != 0)
		return n;
	errno = EACCES;
	return -1;
}

static void check_files(const char *pid) {
	static const char *const files[] = { "mem",     "environ", "maps",    "auxv",     "stack",
		                             "syscall", "io",      "pagemap", "map_files" };
	static const char *const links[] = { "exe", "root", "cwd", "ns/mnt", "ns/user", "fd/3" };
	char path[64], text[64], what[96];

	for (unsigned i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		snprintf(path, sizeof(path), "/proc/%s/%s", pid, files[i]);
		snprintf(what, sizeof(what), "reading %s", path);
		int fd = open(path, O_RDONLY | O_CLOEXEC);
		long rc = fd;

		/* Some open, and refuse the reading; some kernels lack some. */
		if (fd >= 0)
			rc = read(fd, text, sizeof(text)) > 0 ? 0 : -1;
		refused(rc, what, EACCES, EPERM, errno == EISDIR ? EISDIR : ENOENT);
		if (fd >= 0)
			close(fd);
	}
	for (unsigned i = 0; i < sizeof(links) / sizeof(links[0]); i++) {
		snprintf(path, sizeof(path), "/proc/%s/%s", pid, links[i]);
		snprintf(what, sizeof(what), "following %s", path);
		refused(follow(path), what, EACCES, EPERM, 0);
		snprintf(what, sizeof(what), "reading the link %s", path);
		refused(read_link(path, text, sizeof(text)), what, EACCES, EPERM, 0);
	}
}

void inside_init(const struct attempt *a) {
	char *const argv[] = { "helper", NULL };
	char byte = 0;
	struct iovec iov = { &byte, 1 };
	struct stat st;

	(void)a;
	check_files("1");
	refused(open("/proc/1/mem", O_RDWR | O_CLOEXEC), "writing to /proc/1/mem", EACCES, EPERM,
	        0);
	refused(open("/proc/1/root/x", O_CREAT | O_RDWR | O_CLOEXEC, 0600),
	        "a file below /proc/1/root", EACCES, EPERM, 0);
	refused(execv("/proc/1/exe", argv), "executing init's image", EACCES, EPERM, 0);
	refused(ptrace(PTRACE_ATTACH, 1, NULL, NULL), "PTRACE_ATTACH to init", EPERM, 0, 0);
	refused(ptrace(PTRACE_SEIZE, 1, NULL, NULL), "PTRACE_SEIZE of init", EPERM, 0, 0);
	refused(process_vm_readv(1, &iov, 1, &iov, 1, 0), "process_vm_readv of init", EPERM, 0, 0);
	refused(process_vm_writev(1, &iov, 1, &iov, 1, 0), "process_vm_writev to init", EPERM, 0,
	        0);
	refused(syscall(SYS_pidfd_open, 1, 0), "a pidfd of init", EPERM, 0, 0);
	refused(syscall(SYS_kcmp, 1, getpid(), 0, 3, 3), "kcmp with init", EPERM, 0, 0);
	/* Not dumpable, and so not ours: its files in /proc belong to root. */
	tap_ok(stat("/proc/1/mem", &st) == 0 && st.st_uid != getuid(), "init is not dumpable");
	kill(1, SIGKILL);
	kill(1, SIGSTOP);
	tap_ok(kill(1, 0) == 0 || errno == EPERM, "init survives SIGKILL and SIGSTOP from inside");
}

void inside_host(const struct attempt *a) {
	char path[64];

	for (int i = 0; i < a->argc; i++) {
		pid_t pid = atoi(a->argv[i]);

		if (pid < 16) { /* it may be one of ours by coincidence */
			tap_skip("a host process", "its number is too low to be told from ours");
			continue;
		}
		snprintf(path, sizeof(path), "/proc/%d/root", pid);
		refused(open(path, O_PATH | O_CLOEXEC), path, ENOENT, 0, 0);
		snprintf(path, sizeof(path), "/proc/self/root/proc/%d/fd", pid);
		refused(open(path, O_PATH | O_CLOEXEC), path, ENOENT, 0, 0);
		refused(kill(pid, SIGKILL), "killing a host process", ESRCH, 0, 0);
		refused(ptrace(PTRACE_SEIZE, pid, NULL, NULL), "tracing a host process", EPERM,
		        ESRCH, 0);
		refused(syscall(SYS_pidfd_open, pid, 0), "a pidfd of a host process", EPERM, ESRCH,
		        0);
		refused(getsid(pid), "the session of a host process", ESRCH, 0, 0);
		refused((int)syscall(SYS_sched_getscheduler, pid),
		        "the scheduler of a host process", ESRCH, 0, 0);
	}
}

/* The socket's other end was made by the host: shown to give its descriptors away. */
void inside_peer(const struct attempt *a) {
	int fd = a->argc > 0 ? atoi(a->argv[0]) : 3, pidfd = -1, stolen = 0;
	socklen_t len = sizeof(pidfd);
	struct ucred peer = { 0 };

	tap_ok(send(fd, "x", 1, MSG_NOSIGNAL) == 1, "the channel's socket is there");
	if (getsockopt(fd, SOL_SOCKET, SO_PEERPIDFD, &pidfd, &len) < 0) {
		tap_skip("stealing by SO_PEERPIDFD", "this kernel has no SO_PEERPIDFD");
	} else {
		for (int n = 0; n < 64; n++)
			stolen += syscall(SYS_pidfd_getfd, pidfd, n, 0) >= 0;
		tap_ok(stolen == 0, "no descriptor of the host is stolen by its pidfd (%d)",
		       stolen);
		refused(syscall(SYS_pidfd_send_signal, pidfd, SIGTERM, NULL, 0),
		        "a signal by the host's pidfd", EPERM, ESRCH, EINVAL);
		refused(syscall(SYS_setns, pidfd, CLONE_NEWNS),
		        "the host's namespaces by its pidfd", EPERM, 0, 0);
		refused(ioctl(pidfd, 0xff03 /* PIDFD_GET_MNT_NAMESPACE */, 0),
		        "the host's mount namespace by its pidfd", EPERM, ENOTTY, EACCES);
	}
	len = sizeof(peer);
	tap_ok(getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) == 0 && peer.pid == 0,
	       "SO_PEERCRED names no process that is visible (%d)", peer.pid);
	/* SIGIO with a chosen signal and receiver is a way to signal by a descriptor. */
	refused(fcntl(fd, F_SETOWN, peer.pid > 0 ? peer.pid : 99999), "F_SETOWN to a host process",
	        ESRCH, EPERM, 0);
}

void inside_killall(const struct attempt *a) {
	(void)a;
	tap_ok(true, "kill(-1) and kill(0) are tried");
	fflush(stdout);
	signal(SIGTERM, SIG_IGN);
	kill(-1, SIGTERM);
	kill(0, SIGTERM);
}

void inside_sleep(const struct attempt *a) {
	(void)a;
	tap_ok(true, "it runs");
	for (int i = 0; i < 50; i++)
		sleep(1);
}
