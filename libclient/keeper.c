/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "keeper.h"

#include <stdlib.h>
#include <unistd.h>

#include "channel_impl.h"

struct keeper *keeper_get(caisson_channel *channel) {
	struct keeper *keeper = channel->rx.keeper;

	if (!keeper) {
		keeper = calloc(1, sizeof(*keeper));
		if (!keeper)
			return NULL;
		if (pthread_mutex_init(&keeper->lock, NULL) != 0) {
			free(keeper);
			return NULL;
		}
		keeper->channel = channel;
		keeper->references = 1;
		keeper->owner = channel->owner;
		channel->rx.keeper = keeper;
	}
	pthread_mutex_lock(&keeper->lock);
	keeper->references++;
	pthread_mutex_unlock(&keeper->lock);
	return keeper;
}

/* Called with the lock, and gives it back. */
static void drop(struct keeper *keeper) {
	bool last = --keeper->references == 0;

	pthread_mutex_unlock(&keeper->lock);
	if (!last)
		return;
	memory_unmap(&keeper->memory);
	pthread_mutex_destroy(&keeper->lock);
	free(keeper);
}

void keeper_put(struct keeper *keeper, uint64_t handle) {
	/*
	 * In a forked child the lock may be held by a thread that is not there, and
	 * the ring is the parent's: nothing is given back, and the mapping stays.
	 */
	if (keeper->owner != getpid())
		return;
	pthread_mutex_lock(&keeper->lock);
	if (keeper->channel)
		channel_give_back(keeper->channel, handle);
	drop(keeper);
}

void keeper_leave(caisson_channel *channel) {
	struct keeper *keeper = channel->rx.keeper;

	if (!keeper)
		return;
	if (keeper->owner != getpid()) { /* the mapping stays for tensors of the parent's */
		channel->rx.memory.base = NULL;
		return;
	}
	pthread_mutex_lock(&keeper->lock);
	keeper->channel = NULL;
	keeper->memory = channel->rx.memory;
	channel->rx.memory.base = NULL;
	drop(keeper);
}
