/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "bell.h"

#include <errno.h>
#include <poll.h>
#include <stdint.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

/* More bells than one for each word that can be armed are nobody's but a broken host's. */
#define MAX_DRAIN 64

int bell_host_init(struct bell *bell) {
	/*
	 * Edge-triggered, so that a bell is taken without reading the eventfd:
	 * its description is shared, and a read of it blocks if the sandbox
	 * empties it and clears O_NONBLOCK. Of the socket only EPOLLHUP and
	 * EPOLLERR, which come unasked and stay.
	 */
	struct epoll_event rung = { .events = EPOLLIN | EPOLLET, .data = { .u32 = BELL_RANG } };
	struct epoll_event gone = { .events = 0, .data = { .u32 = BELL_GONE } };

	bell->wait = epoll_create1(EPOLL_CLOEXEC);
	if (bell->wait < 0)
		return -errno;
	if (epoll_ctl(bell->wait, EPOLL_CTL_ADD, bell->event, &rung) < 0 ||
	    epoll_ctl(bell->wait, EPOLL_CTL_ADD, bell->socket, &gone) < 0)
		return -errno;
	return 0;
}

void bell_ring(const struct bell *bell) {
	static const uint64_t one = 1;
	ssize_t ignored;

	/*
	 * A full socket or counter means that a bell is pending, a broken one
	 * that nobody listens; neither is news, and neither raises SIGPIPE.
	 */
	if (bell->host)
		ignored = send(bell->socket, &one, 1, MSG_DONTWAIT | MSG_NOSIGNAL);
	else
		ignored = write(bell->event, &one, sizeof(one));
	(void)ignored;
}

static int host_wait(const struct bell *bell, int timeout_ms) {
	struct epoll_event events[2];
	int n = epoll_wait(bell->wait, events, 2, timeout_ms);
	int result = 0;

	for (int i = 0; i < n; i++)
		result |= (int)events[i].data.u32;
	return result;
}

static int sandbox_wait(const struct bell *bell, int timeout_ms) {
	struct pollfd fd = { .fd = bell->socket, .events = POLLIN };
	char byte;
	int result = 0;

	if (poll(&fd, 1, timeout_ms) <= 0)
		return 0;
	for (int i = 0; i < MAX_DRAIN; i++) {
		ssize_t n = recv(bell->socket, &byte, 1, MSG_DONTWAIT);

		if (n <= 0)
			break;
		result |= BELL_RANG;
	}
	if (fd.revents & (POLLHUP | POLLERR | POLLNVAL))
		result |= BELL_GONE;
	return result;
}

int bell_wait(const struct bell *bell, int timeout_ms) {
	return bell->host ? host_wait(bell, timeout_ms) : sandbox_wait(bell, timeout_ms);
}

bool bell_gone(const struct bell *bell) {
	struct pollfd fd = { .fd = bell->socket, .events = 0 };

	return poll(&fd, 1, 0) > 0 && (fd.revents & (POLLHUP | POLLERR | POLLNVAL)) != 0;
}
