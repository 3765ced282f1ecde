/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define _GNU_SOURCE
#include "link.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "libclient/process.h"

#ifndef SYS_pidfd_open
#define SYS_pidfd_open 434
#endif

bool link_name_ok(const char *name) {
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				      "0123456789._-";

	return *name && *name != '.' && *name != '-' && strlen(name) <= LINK_NAME_MAX &&
	       !name[strspn(name, allowed)];
}

/* ----------------------------------------------------------- the directory */

static bool is_mine(int dir, mode_t forbidden) {
	struct stat st;

	return fstat(dir, &st) == 0 && st.st_uid == geteuid() && !(st.st_mode & forbidden);
}

int link_dir(bool make, const char **why) {
	const char *path = getenv("XDG_RUNTIME_DIR");
	int top, dir = -1, error;

	*why = "XDG_RUNTIME_DIR is not set, so there is no directory that is this user's alone; "
	       "log in by a session that sets it, or set it to one of mode 0700";
	errno = EINVAL;
	if (!path || path[0] != '/')
		return -1;
	*why = "XDG_RUNTIME_DIR is no directory that is this user's and only the user may write "
	       "to; set it to one of mode 0700";
	top = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (top < 0)
		return -1;
	errno = EPERM;
	if (!is_mine(top, 022))
		goto out;
	*why = "caisson in XDG_RUNTIME_DIR is no directory that only this user may enter; remove "
	       "it";
	if (make && mkdirat(top, "caisson", 0700) < 0 && errno != EEXIST)
		goto out;
	dir = openat(top, "caisson", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (dir >= 0 && !is_mine(dir, 077)) {
		close(dir);
		dir = -1;
		errno = EPERM;
	}
out:
	error = errno;
	close(top);
	errno = error;
	return dir;
}

int link_lock(int dir) {
	const struct timespec pause = { .tv_nsec = 20000000 };

	for (int i = 0; i < 100; i++) {
		if (flock(dir, LOCK_EX | LOCK_NB) == 0)
			return 0;
		if (errno != EWOULDBLOCK && errno != EINTR)
			return -1;
		nanosleep(&pause, NULL);
	}
	return -1;
}

/* By the descriptor: nothing on the way can be exchanged, and no path is too long. */
void link_address(int dir, const char *name, struct sockaddr_un *address) {
	*address = (struct sockaddr_un){ .sun_family = AF_UNIX };
	snprintf(address->sun_path, sizeof(address->sun_path), "/proc/self/fd/%d/%s", dir, name);
}

int link_connect(int dir, const char *name) {
	struct sockaddr_un address;
	int on = 1, error, s;

	s = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (s < 0)
		return -1;
	link_address(dir, name, &address);
	if (setsockopt(s, SOL_SOCKET, SO_PASSCRED, &on, sizeof(on)) == 0 &&
	    connect(s, (struct sockaddr *)&address, sizeof(address)) == 0)
		return s;
	error = errno;
	close(s);
	errno = error;
	return -1;
}

/* ---------------------------------------------------------------- the peer */

/*
 * As its fdinfo says, or before Linux 5.3 its status: the pid has one number, ours; below our
 * namespace it has more, elsewhere 0.
 */
static bool in_our_namespace(const char *path, pid_t pid) {
	char text[4096];
	const char *line;
	ssize_t n;
	char *end;
	int fd;

	fd = open(path, O_RDONLY | O_CLOEXEC);
	n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
	if (fd >= 0)
		close(fd);
	if (n <= 0)
		return false;
	text[n] = '\0';
	line = strstr(text, "\nNSpid:\t");
	return line && strtol(line + strlen("\nNSpid:\t"), &end, 10) == pid && *end == '\n';
}

/* A descriptor that can mean no other process: see process.h. */
static int open_peer(pid_t pid) {
	int fd = (int)syscall(SYS_pidfd_open, pid, 0);

	return fd < 0 && errno == ENOSYS ? process_open(pid) : fd;
}

int link_peer(int s, struct link_peer *peer) {
	struct ucred who;
	socklen_t size = sizeof(who);
	char path[48];

	*peer = (struct link_peer){ .pidfd = -1 };
	if (getsockopt(s, SOL_SOCKET, SO_PEERCRED, &who, &size) < 0)
		return -1;
	if (who.uid == geteuid() && who.pid > 0)
		peer->pidfd = open_peer(who.pid);
	peer->pid = who.pid;
	if (peer->pidfd >= 0 && process_pollable(peer->pidfd) >= 0)
		snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", peer->pidfd);
	else
		snprintf(path, sizeof(path), "/proc/%d/status", who.pid);
	/* Its number is its own for as long as it lives. */
	if (peer->pidfd >= 0 && in_our_namespace(path, who.pid) && !process_ended(peer->pidfd))
		return 0;
	if (peer->pidfd >= 0)
		close(peer->pidfd);
	peer->pidfd = -1;
	return -1;
}

bool link_peer_sent(const struct link_peer *peer, const struct ucred *sender) {
	return sender->uid == geteuid() && sender->pid == peer->pid && !process_ended(peer->pidfd);
}

/* ---------------------------------------------------------------- messages */

void link_message(struct link_message *m, enum link_kind kind) {
	memset(m, 0, sizeof(*m));
	m->magic = LINK_MAGIC;
	m->version = LINK_VERSION;
	m->kind = (uint16_t)kind;
}

bool link_nonce(unsigned char nonce[16]) {
	return getrandom(nonce, 16, 0) == 16;
}

union rights {
	struct cmsghdr align;
	char space[CMSG_SPACE(LINK_FDS * sizeof(int)) + CMSG_SPACE(sizeof(struct ucred))];
};

int link_send(int s, const struct link_message *m, const int *fds) {
	struct iovec iov = { (void *)(uintptr_t)m, sizeof(*m) };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };
	union rights rights;

	if (fds) {
		memset(&rights, 0, sizeof(rights));
		rights.align.cmsg_level = SOL_SOCKET;
		rights.align.cmsg_type = SCM_RIGHTS;
		rights.align.cmsg_len = CMSG_LEN(LINK_FDS * sizeof(int));
		memcpy(CMSG_DATA(&rights.align), fds, LINK_FDS * sizeof(int));
		msg.msg_control = &rights;
		msg.msg_controllen = CMSG_SPACE(LINK_FDS * sizeof(int));
	}
	return sendmsg(s, &msg, MSG_NOSIGNAL | MSG_DONTWAIT) == sizeof(*m) ? 0 : -1;
}

void link_close_fds(int *fds) {
	for (int i = 0; i < LINK_FDS; i++) {
		if (fds[i] >= 0)
			close(fds[i]);
		fds[i] = -1;
	}
}

static void take(struct cmsghdr *c, struct ucred *sender, int *fds) {
	size_t size = c->cmsg_len - CMSG_LEN(0);

	if (c->cmsg_level != SOL_SOCKET)
		return;
	if (c->cmsg_type == SCM_CREDENTIALS && size == sizeof(*sender))
		memcpy(sender, CMSG_DATA(c), size);
	if (c->cmsg_type == SCM_RIGHTS && size <= LINK_FDS * sizeof(int))
		memcpy(fds, CMSG_DATA(c), size);
}

int link_receive(int s, struct link_message *m, struct ucred *sender, int *fds) {
	union rights rights;
	struct iovec iov = { m, sizeof(*m) };
	struct msghdr msg = { .msg_iov = &iov,
		              .msg_iovlen = 1,
		              .msg_control = &rights,
		              .msg_controllen = sizeof(rights) };
	int got[LINK_FDS];
	ssize_t n = recvmsg(s, &msg, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);

	*sender = (struct ucred){ .uid = (uid_t)-1, .gid = (gid_t)-1 };
	memset(got, -1, sizeof(got));
	if (n < 0)
		return -1;
	for (struct cmsghdr *c = CMSG_FIRSTHDR(&msg); c; c = CMSG_NXTHDR(&msg, c))
		take(c, sender, got);
	if (n == sizeof(*m) && !(msg.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) &&
	    m->magic == LINK_MAGIC && m->version == LINK_VERSION) {
		if (fds)
			memcpy(fds, got, sizeof(got));
		else
			link_close_fds(got);
		m->name[LINK_NAME_MAX] = '\0';
		return 0;
	}
	link_close_fds(got);
	errno = n == 0 ? EPIPE : EPROTO;
	return -1;
}
