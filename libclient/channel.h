/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Channels, as spec.c and spawn.c see them. */
#ifndef CAISSON_LIBCLIENT_CHANNEL_H
#define CAISSON_LIBCLIENT_CHANNEL_H

#include <stdbool.h>

#include "caisson.h"

/* The environment variable that names a sandbox's channels: "frames:3,masks:4". */
#define CHANNEL_ENV "CAISSON_CHANNELS"
#define CHANNEL_NAME_MAX 31

/* Make the host's end, with all memory and descriptors, and queue the handshake. */
int channel_new(const char *name, enum caisson_direction direction, uint64_t bytes,
                caisson_channel **channel, caisson_error **err);
/* The same with more to say. */
struct channel_wish {
	const char *name;
	enum caisson_direction direction;
	uint64_t bytes;
	bool huge;                     /* what the host writes, on reserved huge pages */
	struct caisson_fanout *fanout; /* whose slab it gets, TO_SANDBOX; or NULL */
	int offers; /* the socket that the offer goes out by, to a program that runs; else -1 */
};
/* -EOPNOTSUPP, -ENOMEM with huge: there are none, or not enough in the pool. */
int channel_make(const struct channel_wish *wish, caisson_channel **channel, caisson_error **err);
const char *channel_name(const caisson_channel *channel);
/* Of all its slabs. */
uint64_t channel_bytes(const caisson_channel *channel);
/* Of these, how many lie on reserved huge pages. */
uint64_t channel_huge_bytes(const caisson_channel *channel);
/* The sandbox's end of the socket, for START; -1 once channel_started() was called. */
int channel_peer_fd(const caisson_channel *channel);
/* The sandbox runs and has its end: drop ours of what only it may hold. */
void channel_started(caisson_channel *channel);
/* -1 afterwards, and if it is -1 nothing happens. */
void channel_close_fd(int *fd);
/* The host's end goes: unmap, close, wake the other side. NULL is fine. */
void channel_free(caisson_channel *channel);

#endif
