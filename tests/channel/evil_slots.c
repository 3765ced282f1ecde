/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Behaviours: what stands in the control page. Slots, releases, numbers. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "evil.h"

/* ------------------------------------------------------------------------ slots */

enum lie {
	BEYOND,
	HUGE_EXTENTS,
	WRONG_SIZE,
	NEGATIVE_STRIDE,
	MANY_DIMENSIONS,
	NO_TYPE,
	HANDLE_TYPE,
	NO_LANES,
	OTHER_SLAB,
	OLD_SLAB,
	RESERVED,
	ALL_FLAGS,
	UNALIGNED,
	EXTENSION_OVERFLOWS,
};

static struct caisson_channel_slot lying(enum lie lie) {
	struct caisson_channel_slot slot = raw_good_slot();

	switch (lie) {
	case BEYOND:
		slot.offset = 1ull << 40;
		break;
	case HUGE_EXTENTS:
		slot.shape[0] = slot.shape[1] = 1ll << 32;
		break;
	case WRONG_SIZE:
		slot.nbytes = 21;
		break;
	case NEGATIVE_STRIDE:
		slot.flags = CAISSON_SLOT_STRIDED;
		slot.strides[0] = -5;
		slot.strides[1] = 1;
		break;
	case MANY_DIMENSIONS:
		slot.ndim = 255;
		slot.flags = CAISSON_SLOT_EXTENDED;
		break;
	case NO_TYPE:
		slot.code = 200;
		break;
	case HANDLE_TYPE:
		slot.code = 3;
		slot.bits = 64;
		slot.nbytes = 160;
		break;
	case NO_LANES:
		slot.lanes = 0;
		break;
	case OTHER_SLAB:
		slot.slab = 1;
		break;
	case OLD_SLAB:
		slot.generation = 0;
		break;
	case RESERVED:
		slot.call = 1;
		break;
	case ALL_FLAGS:
		slot.flags = 255;
		break;
	case UNALIGNED:
		slot.offset = 8;
		break;
	case EXTENSION_OVERFLOWS:
		slot.ndim = 64;
		slot.flags = CAISSON_SLOT_EXTENDED;
		break;
	}
	return slot;
}

static int lie_in_slot(struct raw_peer *peer, uint64_t lie) {
	struct caisson_channel_slot slot = lying((enum lie)lie);
	int64_t *extension =
		(int64_t *)((char *)peer->page + CAISSON_CHANNEL_EXTENSIONS_AT(peer->hello.slots));

	if (lie == EXTENSION_OVERFLOWS)
		for (int i = 0; i < 128; i++)
			extension[i] = 4;
	raw_write(peer, 0, &slot);
	pause();
	return 0;
}

/* The sequence number of tensor 0, or of the one after an honest one. */
static int number(struct raw_peer *peer, uint64_t seq) {
	struct caisson_channel_slot slot = raw_good_slot();

	slot.seq = seq;
	raw_write(peer, 0, &slot);
	pause();
	return 0;
}

static int number_after(struct raw_peer *peer, uint64_t seq) {
	struct caisson_channel_slot slot = raw_good_slot();

	evil_send(peer, 0);
	slot.seq = seq;
	raw_write(peer, 1, &slot);
	pause();
	return 0;
}

static int more_than_leases(struct raw_peer *peer, uint64_t unused) {
	(void)unused;
	for (uint64_t count = 0;; count++) {
		evil_send(peer, count);
		if (count % 64 == 63)
			evil_sleep_ms(1);
	}
	return EVIL_DONE;
}

static int rewrite_slot(struct raw_peer *peer, uint64_t extended) {
	struct caisson_channel_slot good = raw_good_slot(), bad = raw_good_slot();
	int64_t *extension =
		(int64_t *)((char *)peer->page + CAISSON_CHANNEL_EXTENSIONS_AT(peer->hello.slots));

	bad.shape[0] = 1ll << 40;
	bad.ndim = extended ? 64 : 200;
	bad.flags = extended ? CAISSON_SLOT_EXTENDED : CAISSON_SLOT_SMALL;
	for (;;) {
		raw_write(peer, 0, &good);
		for (int i = 0; i < 64; i++)
			extension[i] = extended ? INT64_MAX : 1;
		raw_write(peer, 0, &bad);
		for (int i = 0; i < 64; i++)
			extension[i] = 1;
	}
	return EVIL_DONE;
}

static int half_a_message(struct raw_peer *peer, uint64_t unused) {
	struct caisson_channel_slot slot = raw_good_slot();

	(void)unused;
	slot.seq = 0;
	raw_write(peer, 0, &slot);
	return EVIL_DONE; /* and ends */
}

/* --------------------------------------------------------------------- releases */

enum release { TWICE, STALE, FOREIGN, INDEX_ZERO, JUMP, WRAP, LOANED };

static int release(struct raw_peer *peer, uint64_t how) {
	uint64_t lease = evil_receive(peer, 0), first = (uint64_t)1 << 32 | lease;

	switch ((enum release)how) {
	case TWICE:
		*raw_release(peer->page, 1) = (uint64_t)2 << 32 | lease;
		break;
	case STALE:
		first ^= 1 << 16;
		break;
	case FOREIGN:
		first ^= 0x8000;
		break;
	case INDEX_ZERO:
		first &= ~(uint64_t)0xffff;
		break;
	case JUMP:
		first += (uint64_t)1 << 32;
		break;
	case WRAP:
		first |= (uint64_t)0xffffffff << 32;
		break;
	case LOANED:
		first = (first & ~(uint64_t)0xffff) | 255;
		break;
	}
	*raw_release(peer->page, 0) = first;
	pause();
	return 0;
}

static int release_everything_at_once(struct raw_peer *peer, uint64_t unused) {
	(void)unused;
	for (uint64_t i = 0; i < peer->hello.slots; i++)
		*raw_release(peer->page, i) = (i + 1) << 32 | 0x10000 | (i + 1);
	pause();
	return 0;
}

/* ------------------------------------------------------------------- the head */

static int meet(struct raw_peer *peer, uint64_t version_and_state) {
	peer->page->version = (uint32_t)(version_and_state >> 32);
	peer->page->state = (uint32_t)version_and_state;
	evil_send(peer, 0);
	pause();
	return 0;
}

static int thrash(struct raw_peer *peer, uint64_t which) {
	_Atomic uint32_t *word[] = { &peer->page->data_wait, &peer->page->room_wait,
		                     &peer->page->version };

	for (uint32_t x = 1;; x = x * 1664525 + 1013904223)
		*word[which] = x;
	return EVIL_DONE;
}

static int close_and_open(struct raw_peer *peer, uint64_t unused) {
	(void)unused;
	for (uint32_t x = 0;; x++)
		peer->page->state = x & 7;
	return EVIL_DONE;
}

static int no_futex_for_ever(struct raw_peer *peer, uint64_t unused) {
	(void)unused;
	for (;;)
		peer->page->state = CAISSON_CHANNEL_ATTACHED | (rand() & CAISSON_CHANNEL_NO_FUTEX);
	return EVIL_DONE;
}

#define ATTACHED ((uint64_t)1)

const struct evil evil_slots[] = {
	{ "offset beyond the slab", lie_in_slot, BEYOND, EVIL_POISONED },
	{ "extents that overflow", lie_in_slot, HUGE_EXTENTS, EVIL_POISONED },
	{ "a size that is wrong", lie_in_slot, WRONG_SIZE, EVIL_POISONED },
	{ "a negative stride", lie_in_slot, NEGATIVE_STRIDE, EVIL_POISONED },
	{ "255 dimensions", lie_in_slot, MANY_DIMENSIONS, EVIL_POISONED },
	{ "an unknown type", lie_in_slot, NO_TYPE, EVIL_POISONED },
	{ "handles", lie_in_slot, HANDLE_TYPE, EVIL_POISONED },
	{ "no lanes", lie_in_slot, NO_LANES, EVIL_POISONED },
	{ "another slab", lie_in_slot, OTHER_SLAB, EVIL_POISONED },
	{ "an old slab", lie_in_slot, OLD_SLAB, EVIL_POISONED },
	{ "a number of a call without one", lie_in_slot, RESERVED, EVIL_POISONED },
	{ "unknown flags", lie_in_slot, ALL_FLAGS, EVIL_POISONED },
	{ "an unaligned offset", lie_in_slot, UNALIGNED, EVIL_POISONED },
	{ "an extension of 4^64 elements", lie_in_slot, EXTENSION_OVERFLOWS, EVIL_POISONED },
	{ "a number that jumps", number, 2, EVIL_POISONED },
	{ "a number that wraps", number, UINT64_MAX, EVIL_POISONED },
	{ "a number of the next lap", number, 257, EVIL_POISONED },
	{ "a number that repeats", number_after, 1, EVIL_POISONED },
	{ "more tensors than leases", more_than_leases, 0, EVIL_POISONED },
	{ "a slot rewritten all the time", rewrite_slot, 0, EVIL_EITHER },
	{ "an extension rewritten all the time", rewrite_slot, 1, EVIL_EITHER },
	{ "half a message, and ends", half_a_message, 0, EVIL_GONE },
	{ "releases twice", release, TWICE, EVIL_POISONED },
	{ "releases an older lease", release, STALE, EVIL_POISONED },
	{ "releases what there is not", release, FOREIGN, EVIL_POISONED },
	{ "releases lease 0", release, INDEX_ZERO, EVIL_POISONED },
	{ "releases what it never had", release, LOANED, EVIL_POISONED },
	{ "releases with a number that jumps", release, JUMP, EVIL_POISONED },
	{ "releases with a number that wraps", release, WRAP, EVIL_POISONED },
	{ "releases everything beforehand", release_everything_at_once, 0, EVIL_POISONED },
	{ "sends before it is attached", meet, (uint64_t)1 << 32, EVIL_POISONED },
	{ "speaks version 0", meet, ATTACHED, EVIL_POISONED },
	{ "speaks version 2", meet, (uint64_t)2 << 32 | ATTACHED, EVIL_POISONED },
	{ "waits for tensors in every way at once", thrash, 0, EVIL_STAYS },
	{ "waits for room in every way at once", thrash, 1, EVIL_STAYS },
	{ "changes its version all the time", thrash, 2, EVIL_STAYS },
	{ "closes and opens all the time", close_and_open, 0, EVIL_EITHER },
	{ "has futexes and has none", no_futex_for_ever, 0, EVIL_STAYS },
	{ 0 },
};
