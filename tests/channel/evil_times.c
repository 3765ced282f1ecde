/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Behaviours: time. Stopping, flooding, waiting, leaving others behind. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "evil.h"
#include "wake.h"

enum step { UNATTACHED, ATTACHED, PUBLISHED, RECEIVED, RELEASED, ARMED };

static int stop_at(struct raw_peer *peer, uint64_t step) {
	uint32_t lease;

	switch ((enum step)step) {
	case UNATTACHED:
		peer->page->state = 0;
		break;
	case ATTACHED:
		break;
	case PUBLISHED:
		evil_send(peer, 0);
		break;
	case RECEIVED:
		evil_receive(peer, 0);
		break;
	case RELEASED:
		lease = evil_receive(peer, 0);
		*raw_release(peer->page, 0) = (uint64_t)1 << 32 | lease;
		break;
	case ARMED:
		peer->page->data_wait = 4 | CAISSON_CHANNEL_WAITING | CAISSON_CHANNEL_FUTEX;
		peer->page->room_wait = 4 | CAISSON_CHANNEL_WAITING;
		break;
	}
	raise(SIGSTOP);
	pause();
	return 0;
}

static int never_release(struct raw_peer *peer, uint64_t unused) {
	(void)unused;
	for (uint64_t count = 0;; count++)
		evil_receive(peer, count);
	return EVIL_DONE;
}

static int flood_bell(struct raw_peer *peer, uint64_t unused) {
	const uint64_t one = 1;

	(void)unused;
	for (;;)
		if (write(peer->fd[CAISSON_CHANNEL_FD_BELL], &one, sizeof(one)) < 0 &&
		    errno != EAGAIN)
			return 1;
	return EVIL_DONE;
}

/* The description is shared: block whoever writes or reads it. */
static int bell_that_blocks(struct raw_peer *peer, uint64_t full) {
	const uint64_t most = UINT64_MAX - 1;
	int bell = peer->fd[CAISSON_CHANNEL_FD_BELL];
	uint64_t count;

	if (full && write(bell, &most, sizeof(most)) < 0)
		return 1;
	if (fcntl(bell, F_SETFL, 0) < 0)
		return 1;
	while (!full)
		if (read(bell, &count, sizeof(count)) < 0) /* whatever comes, it is gone */
			return 1;
	pause();
	return 0;
}

static int never_takes_bells(struct raw_peer *peer, uint64_t unused) {
	(void)unused;
	for (uint32_t i = 4;; i += 4) {
		peer->page->data_wait = i | CAISSON_CHANNEL_WAITING;
		peer->page->room_wait = i | CAISSON_CHANNEL_WAITING;
	}
	return EVIL_DONE;
}

static int shut(struct raw_peer *peer, uint64_t how) {
	shutdown(peer->socket, (int)how);
	pause();
	return 0;
}

static int close_all(struct raw_peer *peer, uint64_t unused) {
	(void)unused;
	for (int i = 0; i < CAISSON_CHANNEL_FDS; i++)
		close(peer->fd[i]);
	close(peer->socket);
	pause();
	return 0;
}

static int unmap_all(struct raw_peer *peer, uint64_t unused) {
	(void)unused;
	munmap(peer->host, peer->hello.page_bytes);
	munmap(peer->page, peer->hello.page_bytes);
	munmap(peer->to_host, peer->hello.to_host_bytes);
	pause();
	return 0;
}

/* It ends at once, and processes of its own keep the socket. */
static int leave_heirs(struct raw_peer *peer, uint64_t heirs) {
	(void)peer;
	for (uint64_t i = 0; i < heirs; i++)
		if (fork() == 0)
			pause();
	return EVIL_DONE;
}

static void *wait_there(void *word) {
	for (;;) {
		(void)futex_sleep(word, 0, 1000000000u);
		evil_sleep_ms(1);
	}
	return NULL;
}

/* Sleepers on the word that the host wakes: they may only take their own side's wake-ups. */
static int hog_futex(struct raw_peer *peer, uint64_t threads) {
	pthread_t thread;
	char *slots = (char *)peer->host + CAISSON_CHANNEL_SLOTS_AT(peer->hello.slots);

	for (uint64_t i = 0; i < threads; i++)
		if (pthread_create(&thread, NULL, wait_there, slots + 256 * (i % 4)) != 0)
			return EVIL_SKIP;
	for (uint32_t i = 4;; i += 4)
		peer->page->data_wait = i | CAISSON_CHANNEL_WAITING | CAISSON_CHANNEL_FUTEX;
	return EVIL_DONE;
}

/* The host sleeps on a word of the sandbox's page: wake it for nothing, all the time. */
static int wake_for_nothing(struct raw_peer *peer, uint64_t unused) {
	char *slots = (char *)peer->page + CAISSON_CHANNEL_SLOTS_AT(peer->hello.slots);

	(void)unused;
	for (;;)
		(void)futex_wake_one((uint32_t *)slots);
	return EVIL_DONE;
}

static int end_by_signal(struct raw_peer *peer, uint64_t sig) {
	evil_send(peer, 0);
	raise((int)sig);
	return 1;
}

const struct evil evil_times[] = {
	{ "stops before it is attached", stop_at, UNATTACHED, EVIL_STAYS },
	{ "stops once it is attached", stop_at, ATTACHED, EVIL_STAYS },
	{ "stops once it has sent", stop_at, PUBLISHED, EVIL_STAYS },
	{ "stops once it has received", stop_at, RECEIVED, EVIL_STAYS },
	{ "stops once it has released", stop_at, RELEASED, EVIL_STAYS },
	{ "stops once it waits", stop_at, ARMED, EVIL_STAYS },
	{ "never releases", never_release, 0, EVIL_STAYS },
	{ "rings all the time", flood_bell, 0, EVIL_STAYS },
	{ "fills the bell and lets it block", bell_that_blocks, 1, EVIL_STAYS },
	{ "empties the bell and lets it block", bell_that_blocks, 0, EVIL_STAYS },
	{ "never takes a bell", never_takes_bells, 0, EVIL_STAYS },
	{ "shuts its end", shut, SHUT_RDWR, EVIL_GONE },
	{ "shuts its end for reading", shut, SHUT_RD, EVIL_EITHER },
	{ "closes all and stays", close_all, 0, EVIL_GONE },
	{ "unmaps all and stays", unmap_all, 0, EVIL_STAYS },
	{ "leaves 30 processes behind", leave_heirs, 30, EVIL_STAYS },
	{ "sleeps on the host's futex in 100 threads", hog_futex, 100, EVIL_STAYS },
	{ "wakes the host for nothing", wake_for_nothing, 0, EVIL_STAYS },
	{ "is killed", end_by_signal, SIGKILL, EVIL_GONE },
	{ "crashes", end_by_signal, SIGSEGV, EVIL_GONE },
	{ 0 },
};
