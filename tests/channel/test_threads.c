/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Both ends of a channel as threads over one mapping of each memory: what the
 * two sides share is then the same address, and the thread sanitizer sees every
 * access of both. Without it, the same is a test of order and content.
 */
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "channel_impl.h"
#include "channel_peer.h"
#include "tap.h"

#define TENSORS 20000u

static caisson_channel *host, *peer;

/* The reader of a memory gets the writer's mapping in place of its own. */
static void share(struct memory *reader, const struct memory *writer) {
	memory_unmap(reader);
	reader->base = writer->base;
}

static void one_mapping(void) {
	share(&host->their_page, &peer->my_page);
	share(&peer->their_page, &host->my_page);
	share(&host->rx.memory, &peer->tx.memory);
	share(&peer->rx.memory, &host->tx.memory);
	ring_at(&host->theirs, host->their_page.base, CHANNEL_SLOTS);
	ring_at(&peer->theirs, peer->their_page.base, CHANNEL_SLOTS);
}

static void apart_again(void) {
	host->their_page.base = peer->their_page.base = NULL;
	host->rx.memory.base = peer->rx.memory.base = NULL;
}

struct work {
	caisson_channel *channel;
	unsigned salt, every; /* every so many tensors a strided one of 9 dimensions */
	const char *fault;
};

/* Content that says which tensor it is of. */
static uint32_t word(unsigned salt, uint64_t number, int64_t i) {
	return (uint32_t)(salt * 2654435761u + number * 40503u + (uint64_t)i);
}

static int loan(const struct work *work, uint64_t number, int64_t n, caisson_tensor *tensor) {
	const int64_t shape[] = { 1, 1, 1, 1, 1, 1, 1, 1, n },
		      strides[] = { 9, 8, 7, 6, 5, 4, 3, 2, 1 };

	if (number % work->every)
		return caisson_loan_strided(work->channel, CAISSON_DTYPE(CAISSON_UINT, 32), 1, &n,
		                            NULL, 10000, tensor, NULL);
	return caisson_loan_strided(work->channel, CAISSON_DTYPE(CAISSON_UINT, 32), 9, shape,
	                            strides, 10000, tensor, NULL);
}

static void *send_all(void *argument) {
	struct work *work = argument;

	for (uint64_t number = 0; number < TENSORS && !work->fault; number++) {
		int64_t n = (int64_t)(number * 7 % 50);
		caisson_tensor tensor;

		if (loan(work, number, n, &tensor) < 0) {
			work->fault = "no room";
			break;
		}
		for (int64_t i = 0; i < n; i++)
			((uint32_t *)tensor.data)[i] = word(work->salt, number, i);
		tensor.tag = number;
		if (caisson_send(work->channel, &tensor, NULL) < 0)
			work->fault = "not sent";
	}
	return NULL;
}

static const char *wrong(const struct work *work, uint64_t number, const caisson_tensor *tensor) {
	int64_t n = (int64_t)(number * 7 % 50);

	if (tensor->tag != number || tensor->shape[tensor->ndim - 1] != n)
		return "another tensor";
	for (int64_t i = 0; i < n; i++)
		if (((const uint32_t *)tensor->data)[i] != word(work->salt, number, i))
			return "other bytes";
	return NULL;
}

static void *receive_all(void *argument) {
	struct work *work = argument;
	caisson_tensor held = { .lease = 0 }, tensor;

	for (uint64_t number = 0; number < TENSORS && !work->fault; number++) {
		if (caisson_recv(work->channel, &tensor, 10000, NULL) < 0) {
			work->fault = "not received";
			break;
		}
		work->fault = wrong(work, number, &tensor);
		caisson_release(work->channel, &held); /* one is always held for one round more */
		held = tensor;
	}
	caisson_release(work->channel, &held);
	return NULL;
}

static void both_ways(const char *name, bool spins) {
	struct work work[4] = {
		{ .channel = host, .salt = 1, .every = 5 },
		{ .channel = peer, .salt = 1, .every = 5 },
		{ .channel = peer, .salt = 2, .every = 3 },
		{ .channel = host, .salt = 2, .every = 3 },
	};
	const char *fault = NULL;
	pthread_t thread[4];

	host->spins = peer->spins = spins;
	for (int i = 0; i < 4; i++)
		if (pthread_create(&thread[i], NULL, i % 2 ? receive_all : send_all, &work[i]) != 0)
			return;
	for (int i = 0; i < 4; i++) {
		pthread_join(thread[i], NULL);
		fault = fault ? fault : work[i].fault;
	}
	tap_ok(!fault, "%s%s%s", name, fault ? ": " : "", fault ? fault : "");
}

int main(void) {
	/* Small enough that both wait for each other, for room and for tensors. */
	if (channel_new("frames", CAISSON_BOTH, 4096, &host, NULL) < 0 ||
	    !(peer = peer_open_here(host)))
		return 1;
	one_mapping();
	both_ways("both ways, four threads, spinning", true);
	both_ways("both ways, four threads, sleeping", false);
	atomic_store(&host->no_futex, true);
	atomic_store(&peer->no_futex, true);
	both_ways("both ways, four threads, without futexes", false);
	apart_again();
	caisson_channel_close(peer);
	channel_free(host);
	return tap_done();
}
