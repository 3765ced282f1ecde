/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A tensor's description on its way through a slot. */
#ifndef CAISSON_LIBCLIENT_SLOT_H
#define CAISSON_LIBCLIENT_SLOT_H

#include "protocol/channel.h"
#include "slab.h"

/* What the receiver knows by itself about the slab that the other side sends from. */
struct slot_limits {
	uint64_t size;
	uint32_t generation;
};

/*
 * Judge a private copy of a slot. NULL if it is good, and lease then holds what
 * it says; else which rule it breaks, in words.
 */
const char *slot_check(const struct caisson_channel_slot *slot, const struct slot_limits *limits,
                       struct lease *lease);
void slot_fill(struct caisson_channel_slot *slot, const struct lease *lease, uint32_t number,
               uint32_t generation, uint64_t tag);

#endif
