/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a sandbox may write into its control page, under libFuzzer: the ring's
 * readers and the judge of slots, as caisson_recv() and caisson_loan() use them.
 *
 * Input: the slab's size (64 bits), then slot 0, its extension, release 0.
 */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "dtype.h"
#include "ring.h"
#include "slot.h"

#define SLOTS 2u
#define GENERATION 1u

static _Alignas(256) unsigned char page[CAISSON_CHANNEL_PAGE_BYTES(SLOTS)];

/* What was accepted lies inside the slab: the same by another way, which cannot overflow. */
static void check(const struct lease *lease, uint64_t size) {
	unsigned width = lease->dtype.bits * lease->dtype.lanes;
	unsigned __int128 last = 0, bits;
	bool empty = false;

	assert(lease->ndim >= 0 && lease->ndim <= 64 && width > 0);
	for (int i = 0; i < lease->ndim; i++) {
		assert(lease->shape[i] >= 0 && lease->strides[i] >= 0);
		empty |= lease->shape[i] == 0;
		if (lease->shape[i])
			last += (unsigned __int128)(lease->shape[i] - 1) *
			        (unsigned __int128)lease->strides[i];
	}
	bits = empty ? 0 : (last + 1) * width;
	assert(lease->offset % 64 == 0 && lease->offset <= size);
	assert((unsigned __int128)lease->offset * 8 + bits <= (unsigned __int128)size * 8);
	assert(lease->nbytes == (uint64_t)((bits + 7) / 8));
}

/* What this side would send for it says the same again. */
static void again(const struct lease *lease, const struct slot_limits *limits) {
	static _Alignas(256) unsigned char mine[CAISSON_CHANNEL_PAGE_BYTES(SLOTS)];
	struct caisson_channel_slot slot;
	struct lease sent = *lease, came;
	struct ring_copy copy;
	struct ring ring;

	memset(mine, 0, sizeof(mine));
	ring_at(&ring, mine, SLOTS);
	sent.strided = true;
	slot_fill(&slot, &sent, 5, GENERATION, 6);
	ring_publish(&ring, 0, &slot, sent.shape, sent.strides);
	assert(ring_take(&ring, 0, &copy) == 1);
	assert(slot_check(&copy, limits, &came) == NULL);
	assert(came.ndim == lease->ndim && came.offset == lease->offset &&
	       came.nbytes == lease->nbytes && came.theirs == 5 && copy.slot.tag == 6);
	for (int i = 0; i < came.ndim; i++)
		assert(came.shape[i] == lease->shape[i] && came.strides[i] == lease->strides[i]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
	const size_t slot = sizeof(struct caisson_channel_slot);
	const size_t extension = sizeof(struct caisson_channel_extension);
	struct slot_limits limits = { .generation = GENERATION };
	unsigned char input[8 + 256 + 1024 + 8] = { 0 };
	struct ring_copy copy;
	struct lease lease;
	struct ring ring;
	uint32_t number;
	int rc;

	memcpy(input, data, size < sizeof(input) ? size : sizeof(input));
	memset(page, 0, sizeof(page));
	ring_at(&ring, page, SLOTS);
	memcpy(&limits.size, input, 8);
	limits.size &= INT64_MAX;
	memcpy((void *)(uintptr_t)ring.slots, input + 8, slot);
	memcpy((void *)(uintptr_t)ring.extensions, input + 8 + slot, extension);
	memcpy((void *)(uintptr_t)ring.releases, input + 8 + slot + extension, 8);
	rc = ring_take(&ring, 0, &copy);
	assert(rc == 1 || rc == 0 || rc == -EPROTO);
	if (rc == 1 && !slot_check(&copy, &limits, &lease)) {
		check(&lease, limits.size);
		again(&lease, &limits);
	}
	rc = ring_reclaim(&ring, 0, &number);
	assert(rc == 1 || rc == 0 || rc == -EPROTO);
	return 0;
}
