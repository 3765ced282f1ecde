/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Leases, and where in a slab they lie. All of it is private memory: nothing
 * here depends on what the other side writes. One thread uses a table.
 */
#ifndef CAISSON_LIBCLIENT_SLAB_H
#define CAISSON_LIBCLIENT_SLAB_H

#include <stdbool.h>

#include "caisson.h"
#include "protocol/channel.h"

enum lease_state {
	LEASE_FREE = 0,
	LEASE_LOANED = 1, /* sending side: being filled */
	LEASE_SENT = 2,   /* sending side: the other side has it */
	LEASE_HELD = 3,   /* receiving side */
};

struct lease {
	uint64_t offset;
	uint64_t nbytes;
	uint64_t room; /* taken from the slab: nbytes rounded up; 0 if none */
	int32_t ndim;
	caisson_dtype dtype;
	uint32_t generation; /* goes up whenever the lease ends */
	uint32_t theirs;     /* HELD: the sender's number for it */
	uint16_t prev;       /* in the slab's address order, if room is not 0 */
	uint16_t next;       /* the same; in the list of free leases otherwise */
	uint8_t state;       /* enum lease_state */
	uint8_t kind;        /* 0, CAISSON_SLOT_REQUEST or _REPLY */
	uint16_t call;       /* whose, then */
	bool strided;        /* its strides are not the row-major ones */
	uint64_t since_ms;   /* SENT, on a channel with a deadline: when */
	int64_t shape[CAISSON_CHANNEL_MAX_NDIM];
	int64_t strides[CAISSON_CHANNEL_MAX_NDIM];
};

/* lease[0] stands for the slab's begin and end, and is never given out. */
struct slab {
	struct lease *lease;
	uint64_t size;
	uint16_t count; /* of leases, lease[0] not counted */
	uint16_t free;  /* first free lease; 0: none */
	uint16_t full;  /* there is no gap before the end of this one */
	uint32_t mark;  /* part of the handles of its tensors */
};

int slab_init(struct slab *slab, uint16_t leases, uint64_t size);
void slab_destroy(struct slab *slab);

/* A free lease without room; 0 if all are taken. The caller sets its state. */
uint16_t slab_lease(struct slab *slab);
/* Room for nbytes, at a multiple of 64, first fit. -EAGAIN if no gap is wide enough. */
int slab_room(struct slab *slab, uint16_t index, uint64_t nbytes);
/* Both: -EAGAIN, and nothing is taken. */
int slab_take(struct slab *slab, uint64_t nbytes, uint16_t *index);
/* End a lease and free its room. */
void slab_end(struct slab *slab, uint16_t index);

/* The lease that is in this state and of this generation (low 16 bits count), or 0. */
uint16_t slab_find(const struct slab *slab, uint32_t index, uint32_t generation, int state);

#endif
