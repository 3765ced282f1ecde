/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One slab for many sandboxes, on the host's side. */
#ifndef CAISSON_LIBCLIENT_FANOUT_H
#define CAISSON_LIBCLIENT_FANOUT_H

#include "caisson_fanout.h"
#include "channel_impl.h"

/*
 * The slab is written by the host, sealed before anybody has it, and mapped read-only by
 * every member. A member is a channel to its sandbox with leases of its own, one for each
 * tensor that it has; each of these counts for one lease here, which has the room.
 */
struct caisson_fanout {
	struct slab slab;
	struct memory memory;
	int fd;      /* of it, for members to be */
	bool sealed; /* nobody else maps it writable: since before the first member */
	bool frozen;
	caisson_channel **member;
	size_t members;
	uint16_t holders[CHANNEL_SLOTS + 1]; /* of each lease: members that may still read it */
	uint32_t quota, late_ms;
	enum caisson_when_full when_full;
};

/* The fan-out has a member more, which is its sandbox's. 0 or -ENOMEM. */
int fanout_join(caisson_fanout *fanout, caisson_channel *channel);
/* The channel goes: what it had is given back. Nothing if it is no member. */
void fanout_leave(caisson_channel *channel);
/* A lease of a member's is over; index: of the fan-out's that it counts for. */
void fanout_lease_over(caisson_fanout *fanout, uint16_t index);

#endif
