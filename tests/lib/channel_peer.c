/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "channel_peer.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#ifndef SYS_close_range
#define SYS_close_range 436
#endif

static int name_in_environment(const caisson_channel *host, int fd) {
	const char *name = channel_name(host);
	char list[128];

	snprintf(list, sizeof(list), "other:99,%s2:98,%s:%d", name, name, fd);
	return setenv(CHANNEL_ENV, list, 1);
}

static void be_sandbox(caisson_channel *host, int (*body)(caisson_channel *)) {
	int fd = dup2(channel_peer_fd(host), 3);
	caisson_channel *channel;

	alarm(60);
	if (fd != 3 || syscall(SYS_close_range, 4, ~0u, 0) < 0 ||
	    name_in_environment(host, fd) < 0 ||
	    caisson_channel_open(channel_name(host), &channel, NULL) < 0)
		_exit(101);
	_exit(body(channel));
}

pid_t peer_start(caisson_channel *host, int (*body)(caisson_channel *)) {
	pid_t pid = fork();

	if (pid == 0)
		be_sandbox(host, body);
	channel_started(host);
	return pid;
}

int peer_end(pid_t pid, int seconds) {
	const struct timespec pause = { .tv_nsec = 1000000 };
	int status;

	for (int i = 0; i < seconds * 1000; i++) {
		if (waitpid(pid, &status, WNOHANG) == pid)
			return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
		nanosleep(&pause, NULL);
	}
	kill(pid, SIGKILL);
	waitpid(pid, &status, 0);
	return -1;
}

caisson_channel *peer_open_here(caisson_channel *host) {
	caisson_channel *channel = NULL;
	int fd = fcntl(channel_peer_fd(host), F_DUPFD_CLOEXEC, 3);

	channel_started(host);
	if (fd < 0 || name_in_environment(host, fd) < 0 ||
	    caisson_channel_open(channel_name(host), &channel, NULL) < 0)
		return NULL;
	return channel;
}

/* ------------------------------------------------------------------------ raw */

static int raw_receive(struct raw_peer *peer) {
	union {
		struct cmsghdr header;
		char bytes[CMSG_SPACE(sizeof(peer->fd))];
	} control;
	struct iovec iov = { &peer->hello, sizeof(peer->hello) };
	struct msghdr message = { .msg_iov = &iov,
		                  .msg_iovlen = 1,
		                  .msg_control = &control,
		                  .msg_controllen = sizeof(control) };
	struct cmsghdr *header;
	int fds[CAISSON_CHANNEL_FDS], next = 0;

	if (recvmsg(peer->socket, &message, MSG_CMSG_CLOEXEC | MSG_DONTWAIT) != sizeof(peer->hello))
		return -1;
	header = CMSG_FIRSTHDR(&message);
	if (!header || header->cmsg_len != CMSG_LEN(sizeof(int) * peer->hello.fds))
		return -1;
	memcpy(fds, CMSG_DATA(header), sizeof(int) * peer->hello.fds);
	for (int i = 0; i < CAISSON_CHANNEL_FDS; i++) {
		if ((i == CAISSON_CHANNEL_FD_TO_HOST && !peer->hello.to_host_bytes) ||
		    (i == CAISSON_CHANNEL_FD_TO_SANDBOX && !peer->hello.to_sandbox_bytes))
			continue;
		peer->fd[i] = fds[next++];
	}
	return 0;
}

int raw_open(struct raw_peer *peer, caisson_channel *host) {
	*peer = (struct raw_peer){ .fd = { -1, -1, -1, -1, -1 } };
	peer->socket = fcntl(channel_peer_fd(host), F_DUPFD_CLOEXEC, 3);
	channel_started(host);
	if (peer->socket < 0 || raw_receive(peer) < 0)
		return -1;
	peer->host = mmap(NULL, peer->hello.page_bytes, PROT_READ, MAP_SHARED,
	                  peer->fd[CAISSON_CHANNEL_FD_HOST_PAGE], 0);
	peer->page = mmap(NULL, peer->hello.page_bytes, PROT_READ | PROT_WRITE, MAP_SHARED,
	                  peer->fd[CAISSON_CHANNEL_FD_SANDBOX_PAGE], 0);
	if (peer->hello.to_host_bytes)
		peer->to_host = mmap(NULL, peer->hello.to_host_bytes, PROT_READ | PROT_WRITE,
		                     MAP_SHARED, peer->fd[CAISSON_CHANNEL_FD_TO_HOST], 0);
	if (peer->host == MAP_FAILED || peer->page == MAP_FAILED || peer->to_host == MAP_FAILED)
		return -1;
	peer->page->version = CAISSON_CHANNEL_VERSION;
	peer->page->state = CAISSON_CHANNEL_ATTACHED;
	return 0;
}

void raw_close(struct raw_peer *peer) {
	munmap(peer->host, peer->hello.page_bytes);
	munmap(peer->page, peer->hello.page_bytes);
	if (peer->to_host)
		munmap(peer->to_host, peer->hello.to_host_bytes);
	for (int i = 0; i < CAISSON_CHANNEL_FDS; i++)
		if (peer->fd[i] >= 0)
			close(peer->fd[i]);
	close(peer->socket);
}

static _Atomic uint64_t *raw_slot(const struct raw_peer *peer, struct caisson_channel_page *page,
                                  uint64_t count) {
	char *slots = (char *)page + CAISSON_CHANNEL_SLOTS_AT(peer->hello.slots);

	return (void *)(slots + count % peer->hello.slots * sizeof(struct caisson_channel_slot));
}

uint32_t raw_lease(const struct raw_peer *peer, uint64_t count) {
	const size_t word = offsetof(struct caisson_channel_slot, lease) / sizeof(uint64_t);

	return (uint32_t)raw_slot(peer, peer->host, count)[word]; /* little-endian */
}

_Atomic uint64_t *raw_release(struct caisson_channel_page *page, uint64_t count) {
	_Atomic uint64_t *releases = (void *)((char *)page + CAISSON_CHANNEL_RELEASES_AT);

	return releases + count;
}

void raw_write(struct raw_peer *peer, uint64_t count, const struct caisson_channel_slot *slot) {
	_Atomic uint64_t *to = raw_slot(peer, peer->page, count);
	uint64_t word[CAISSON_SLOT_WORDS];

	memcpy(word, slot, sizeof(word));
	for (size_t i = 1; i < CAISSON_SLOT_WORDS; i++)
		to[i] = word[i];
	to[0] = word[0];
}

struct caisson_channel_slot raw_good_slot(void) {
	return (struct caisson_channel_slot){
		.seq = 1,
		.generation = 1,
		.nbytes = 20,
		.code = CAISSON_UINT,
		.bits = 8,
		.lanes = 1,
		.ndim = 2,
		.lease = 7,
		.shape = { 4, 5 },
	};
}
