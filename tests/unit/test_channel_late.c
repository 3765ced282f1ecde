/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Channels that are offered to a program that runs: the socket, both its ends. */
#include <criterion/criterion.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "caisson_channels.h"
#include "channel_ends.h"
#include "channel_impl.h"

static int offers[2]; /* the host's end, the program's */

static void open_offers(void) {
	char list[64];

	cr_assert_eq(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, offers), 0);
	cr_assert_eq(shutdown(offers[0], SHUT_RD), 0);
	snprintf(list, sizeof(list), "other:99,+:%d", offers[1]);
	cr_assert_eq(setenv(CHANNEL_ENV, list, 1), 0);
}

static int offer(const char *name, caisson_channel **channel) {
	const struct channel_wish wish = { name, CAISSON_BOTH, SLAB, .offers = offers[0] };
	int rc = channel_make(&wish, channel, NULL);

	if (rc == 0)
		channel_started(*channel);
	return rc;
}

static unsigned count_fds(void) {
	unsigned entries = 0;
	DIR *dir = opendir("/proc/self/fd");

	while (dir && readdir(dir))
		entries++;
	closedir(dir);
	return entries;
}

static void passes(caisson_channel *from, caisson_channel *to) {
	const int64_t shape = 100;
	caisson_tensor tensor;

	cr_assert_eq(caisson_loan(from, CAISSON_U8, 1, &shape, &tensor, NULL), 0);
	memset(tensor.data, 3, 100);
	cr_assert_eq(caisson_send(from, &tensor, NULL), 0);
	cr_assert_eq(caisson_recv(to, &tensor, 1000, NULL), 0);
	cr_assert_eq(((uint8_t *)tensor.data)[99], 3);
	caisson_release(to, &tensor);
}

Test(channel_late, in_any_order, .timeout = 30) {
	caisson_channel *host[3] = { NULL }, *peer[3] = { NULL };
	static const char *const name[3] = { "one", "two", "three" };
	unsigned fds = count_fds();

	open_offers();
	cr_assert_eq(caisson_offers_fd(), offers[1]);
	cr_assert_eq(caisson_channel_await("one", 0, &peer[0], NULL), -EAGAIN);
	cr_assert_eq(caisson_channel_await("one", 20, &peer[0], NULL), -ETIMEDOUT);
	cr_assert_eq(caisson_channel_open("one", &peer[0], NULL), -ENOENT);
	for (int i = 0; i < 3; i++)
		cr_assert_eq(offer(name[i], &host[i]), 0);
	for (int i = 2; i >= 0; i--) {
		if (i == 1)
			cr_assert_eq(caisson_channel_open(name[i], &peer[i], NULL), 0);
		else
			cr_assert_eq(caisson_channel_await(name[i], 0, &peer[i], NULL), 0);
		passes(host[i], peer[i]);
		passes(peer[i], host[i]);
		cr_assert(fcntl(peer[i]->bell.socket, F_GETFD) & FD_CLOEXEC);
	}
	cr_assert_eq(caisson_channel_await("one", 0, &peer[0], NULL), -EAGAIN); /* once */
	for (int i = 0; i < 3; i++) {
		caisson_channel_close(peer[i]);
		channel_free(host[i]);
	}
	close(offers[0]);
	cr_assert_eq(caisson_channel_await("one", -1, &peer[0], NULL), -EPIPE);
	close(offers[1]);
	cr_assert_eq(count_fds(), fds);
}

Test(channel_late, offered_again_under_the_same_name, .timeout = 30) {
	caisson_channel *old, *new, *peer;
	const int64_t shape = 1;
	caisson_tensor tensor;

	open_offers();
	cr_assert_eq(offer("name", &old), 0);
	cr_assert_eq(offer("name", &new), 0);
	cr_assert_eq(caisson_channel_await("name", 0, &peer, NULL), 0);
	passes(new, peer);
	cr_assert_eq(caisson_recv(old, &tensor, 1000, NULL), -EPIPE);
	cr_assert_eq(caisson_loan(old, CAISSON_U8, 1, &shape, &tensor, NULL), -EPIPE);
	cr_assert_eq(caisson_channel_await("name", 0, &peer, NULL), -EAGAIN);
}

static void *offer_later(void *channel) {
	usleep(100000);
	return (void *)(intptr_t)offer("late", channel);
}

Test(channel_late, waits, .timeout = 30) {
	caisson_channel *host = NULL, *peer = NULL;
	pthread_t thread;

	open_offers();
	cr_assert_eq(pthread_create(&thread, NULL, offer_later, &host), 0);
	cr_assert_eq(caisson_channel_await("late", -1, &peer, NULL), 0);
	pthread_join(thread, NULL);
	passes(host, peer);
}

Test(channel_late, nobody_opens_them, .timeout = 60) {
	caisson_channel *host[2000];
	caisson_tensor tensor;
	int made = 0, rc = 0;

	open_offers();
	while (made < 2000 && rc == 0)
		if ((rc = offer("name", &host[made])) == 0)
			made++;
	/* Never more than the sender may have in flight, or its socket holds. */
	cr_assert(made > 10 && made < 2000, "%d", made);
	cr_assert(rc == -EAGAIN || rc == -ETOOMANYREFS || rc == -EMFILE, "%d", rc);
	close(offers[1]); /* the program ends: what is under way ends with it */
	for (int i = 0; i < made; i++) {
		cr_assert_eq(caisson_recv(host[i], &tensor, 1000, NULL), -EPIPE);
		channel_free(host[i]);
	}
	cr_assert_eq(offer("name", &host[0]), -EPIPE);
}

Test(channel_late, what_the_program_may_send) {
	union {
		char space[CMSG_SPACE(sizeof(int))];
		struct cmsghdr align;
	} control = { { 0 } };
	char byte = 1;
	struct iovec iov = { &byte, 1 };
	struct msghdr msg = { .msg_iov = &iov,
		              .msg_iovlen = 1,
		              .msg_control = control.space,
		              .msg_controllen = sizeof(control.space) };

	open_offers();
	control.align.cmsg_level = SOL_SOCKET;
	control.align.cmsg_type = SCM_RIGHTS;
	control.align.cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(&control.align), &offers[0], sizeof(int));
	cr_assert_eq(sendmsg(offers[1], &msg, MSG_NOSIGNAL | MSG_DONTWAIT), -1);
	cr_assert_eq(errno, EPIPE); /* nothing can be queued at the host */
}

/* A host that is broken, or a message that was not meant for it. */
Test(channel_late, not_an_offer, .timeout = 30) {
	struct caisson_channel_hello hello = { .magic = 1, .name = "bad" };
	caisson_channel *host, *peer;

	open_offers();
	cr_assert_eq(send(offers[0], &hello, sizeof(hello), 0), sizeof(hello));
	cr_assert_eq(send(offers[0], "x", 1, 0), 1);
	cr_assert_eq(offer("good", &host), 0);
	cr_assert_eq(caisson_channel_await("good", 0, &peer, NULL), 0);
	passes(host, peer);
	cr_assert_eq(caisson_channel_await("bad", 0, &peer, NULL), -EPROTO);
	unsetenv(CHANNEL_ENV);
	cr_assert_eq(caisson_offers_fd(), -1);
	cr_assert_eq(caisson_channel_await("good", 0, &peer, NULL), -ENOENT);
}
