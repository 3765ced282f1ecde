/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "slab.h"

#include <errno.h>
#include <stdlib.h>

int slab_init(struct slab *slab, uint16_t leases, uint64_t size) {
	slab->lease = calloc((size_t)leases + 1, sizeof(*slab->lease));
	if (!slab->lease)
		return -ENOMEM;
	slab->size = size;
	slab->count = leases;
	for (uint16_t i = leases; i > 0; i--) {
		slab->lease[i].next = slab->free;
		slab->lease[i].generation = 1;
		slab->free = i;
	}
	return 0;
}

void slab_destroy(struct slab *slab) {
	free(slab->lease);
	slab->lease = NULL;
}

uint16_t slab_lease(struct slab *slab) {
	uint16_t index = slab->free;

	if (index) {
		slab->free = slab->lease[index].next;
		slab->lease[index].room = 0;
		slab->lease[index].kind = 0;
	}
	return index;
}

/* The gap behind a lease in address order. */
static uint64_t gap_after(const struct slab *slab, uint16_t index) {
	const struct lease *lease = &slab->lease[index];
	uint64_t limit = lease->next ? slab->lease[lease->next].offset : slab->size;

	return limit - (lease->offset + lease->room);
}

int slab_room(struct slab *slab, uint16_t index, uint64_t nbytes) {
	struct lease *lease = slab->lease, *new = &lease[index];
	uint64_t room =
		(nbytes + CAISSON_CHANNEL_ALIGN - 1) & ~(uint64_t)(CAISSON_CHANNEL_ALIGN - 1);
	uint16_t at;

	new->offset = 0;
	if (room == 0)
		return 0;
	for (at = slab->full; gap_after(slab, at) < room; at = lease[at].next) {
		if (lease[at].next == 0)
			return -EAGAIN;
		if (at == slab->full && gap_after(slab, at) == 0)
			slab->full = lease[at].next;
	}
	new->offset = lease[at].offset + lease[at].room;
	new->room = room;
	new->prev = at;
	new->next = lease[at].next;
	lease[new->next].prev = index;
	lease[at].next = index;
	return 0;
}

int slab_take(struct slab *slab, uint64_t nbytes, uint16_t *index) {
	int rc;

	*index = slab_lease(slab);
	if (*index == 0)
		return -EAGAIN;
	rc = slab_room(slab, *index, nbytes);
	if (rc < 0)
		slab_end(slab, *index);
	return rc;
}

void slab_end(struct slab *slab, uint16_t index) {
	struct lease *lease = slab->lease, *old = &lease[index];

	if (old->room) {
		if (lease[slab->full].offset >= old->offset)
			slab->full = old->prev;
		lease[old->prev].next = old->next;
		lease[old->next].prev = old->prev;
	}
	old->state = LEASE_FREE;
	old->room = 0;
	old->generation++;
	if ((old->generation & 0xffff) == 0) /* so that neither half of it is ever 0 */
		old->generation++;
	old->next = slab->free;
	slab->free = index;
}

uint16_t slab_find(const struct slab *slab, uint32_t index, uint32_t generation, int state) {
	const struct lease *lease;

	if (index == 0 || index > slab->count)
		return 0;
	lease = &slab->lease[index];
	if (lease->state != state || (lease->generation & 0xffff) != (generation & 0xffff))
		return 0;
	return (uint16_t)index;
}
