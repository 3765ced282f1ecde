/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What received tensors that left the receiving thread's hands hold on to: they
 * may be given back by any thread, and outlive the channel.
 */
#ifndef CAISSON_LIBCLIENT_KEEPER_H
#define CAISSON_LIBCLIENT_KEEPER_H

#include <pthread.h>

#include "caisson.h"
#include "memory.h"

struct keeper {
	pthread_mutex_t lock;     /* of the channel's leases and releases, and of this */
	caisson_channel *channel; /* NULL: closed */
	struct memory memory;     /* the channel's, once that is closed */
	unsigned references;      /* one for each tensor, one for the channel */
	pid_t owner;
};

/* The channel's keeper, made if it has none; NULL: no memory. With a reference more. */
struct keeper *keeper_get(caisson_channel *channel);
/* One tensor less; handle is given back if the channel is open. Also in a forked child. */
void keeper_put(struct keeper *keeper, uint64_t handle);
/* The channel ends: what is still out there keeps the memory. */
void keeper_leave(caisson_channel *channel);

#endif
