/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A tensor's description on its way through a slot. */
#ifndef CAISSON_LIBCLIENT_SLOT_H
#define CAISSON_LIBCLIENT_SLOT_H

#include "ring.h"
#include "slab.h"

/* What the receiver knows by itself about the slab that the other side sends from. */
struct slot_limits {
	uint64_t size;
	uint16_t generation;
	uint16_t slab; /* its number */
};

/*
 * Judge a private copy of a slot. NULL if it is good, and lease then holds what
 * it says; else which rule it breaks, in words.
 */
const char *slot_check(const struct ring_copy *copy, const struct slot_limits *limits,
                       struct lease *lease);
/* Of an EXTENDED slot the extents and strides go to ring_publish() beside it. */
void slot_fill(struct caisson_channel_slot *slot, const struct lease *lease, uint32_t number,
               uint16_t generation, uint64_t tag);

#endif
