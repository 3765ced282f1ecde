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
#include <unistd.h>

#include "caisson_channels.h"
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

/* What is not received in time is taken back: fewer come, in order and whole. */
static void *send_newest(void *argument) {
	struct work *work = argument;

	for (uint64_t number = 0; number < TENSORS && !work->fault; number++) {
		int64_t n = 100 + (int64_t)(number % 50);
		caisson_tensor tensor;

		if (caisson_loan_strided(work->channel, CAISSON_DTYPE(CAISSON_UINT, 32), 1, &n,
		                         NULL, 10000, &tensor, NULL) < 0) {
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

static const char *spoiled(const struct work *work, const caisson_tensor *tensor) {
	for (int64_t i = 0; i < tensor->shape[0]; i++)
		if (((const uint32_t *)tensor->data)[i] != word(work->salt, tensor->tag, i))
			return "other bytes";
	return NULL;
}

static void *receive_some(void *argument) {
	struct work *work = argument;
	caisson_tensor held = { .lease = 0 }, tensor;
	uint64_t next = 0;

	while (next < TENSORS && !work->fault) {
		if (caisson_recv(work->channel, &tensor, 10000, NULL) < 0) {
			work->fault = "not received";
			break;
		}
		if (tensor.tag < next)
			work->fault = "out of order";
		next = tensor.tag + 1;
		if (tensor.tag % 64 == 0) /* so that the other side gets ahead */
			usleep(200);
		if (!work->fault)
			work->fault = spoiled(work, &tensor);
		if (!work->fault && held.lease)
			work->fault = spoiled(work, &held);
		caisson_release(work->channel, &held);
		held = tensor;
	}
	caisson_release(work->channel, &held);
	return NULL;
}

static void newest_only(const char *name) {
	struct work work[2] = { { .channel = host, .salt = 7 }, { .channel = peer, .salt = 7 } };
	pthread_t thread;

	if (caisson_channel_when_full(host, CAISSON_FULL_DROP_OLDEST, NULL) < 0 ||
	    pthread_create(&thread, NULL, receive_some, &work[1]) != 0) {
		tap_ok(false, "%s: not begun", name);
		return;
	}
	send_newest(&work[0]);
	pthread_join(thread, NULL);
	tap_ok(!work[0].fault && !work[1].fault, "%s, %llu of %u%s%s", name,
	       (unsigned long long)caisson_channel_dropped(host), TENSORS,
	       work[0].fault ? ": " : "", work[0].fault ? work[0].fault : "");
	tap_ok(!work[1].fault && caisson_channel_dropped(host) > 0, "what came is whole%s%s",
	       work[1].fault ? ": " : "", work[1].fault ? work[1].fault : "");
}

static bool new_pair(void) {
	if (channel_new("frames", CAISSON_BOTH, 4096, &host, NULL) < 0)
		return false;
	peer = peer_open_here(host);
	if (peer)
		one_mapping();
	return peer;
}

static void end_pair(void) {
	apart_again();
	caisson_channel_close(peer);
	channel_free(host);
}

int main(void) {
	/* Small enough that both wait for each other, for room and for tensors. */
	if (!new_pair())
		return 1;
	both_ways("both ways, four threads, spinning", true);
	both_ways("both ways, four threads, sleeping", false);
	atomic_store(&host->no_futex, true);
	atomic_store(&peer->no_futex, true);
	both_ways("both ways, four threads, without futexes", false);
	end_pair();
	if (!new_pair())
		return 1;
	newest_only("the oldest are dropped");
	end_pair();
	return tap_done();
}
