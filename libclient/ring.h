/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the two sides write for each other in their control pages. Everything
 * read here was written by somebody who is not trusted: each word is loaded
 * once, and the counts that say what to expect are the caller's own.
 */
#ifndef CAISSON_LIBCLIENT_RING_H
#define CAISSON_LIBCLIENT_RING_H

#include <stdbool.h>

#include "protocol/channel.h"

struct ring {
	struct caisson_channel_page *page; /* read-only if it is the other side's */
	_Atomic uint64_t *releases;
	_Atomic uint64_t *slots;
	_Atomic uint64_t *extensions;
	uint32_t mask; /* number of slots, of releases and of extensions, less 1 */
};

/* A private copy of a slot: what its flags and ndim do not call for is not set. */
struct ring_copy {
	struct caisson_channel_slot slot;
	struct caisson_channel_extension extension; /* with EXTENDED */
};

void ring_at(struct ring *ring, void *page, uint32_t slots);

/*
 * Publish a slot as number count (from 0). The caller's leases say that there is
 * room. shape, strides: of a tensor whose slot is EXTENDED, else not looked at.
 */
void ring_publish(const struct ring *mine, uint64_t count, const struct caisson_channel_slot *slot,
                  const int64_t *shape, const int64_t *strides);
/*
 * A private copy of slot number count: 1, 0 if it is not published yet, -EPROTO
 * if its sequence number is neither that of this lap nor that of the last.
 */
int ring_take(const struct ring *theirs, uint64_t count, struct ring_copy *copy);

/* Is there anything for ring_take() to say? For loops that ask often. */
static inline bool ring_news(const struct ring *theirs, uint64_t count) {
	const _Atomic uint64_t *seq = theirs->slots + (count & theirs->mask) * CAISSON_SLOT_WORDS;
	uint64_t last = count > theirs->mask ? count - theirs->mask : 0;

	return atomic_load_explicit(seq, memory_order_acquire) != last;
}

/* The same for releases. */
void ring_release(const struct ring *mine, uint64_t count, uint32_t lease);
int ring_reclaim(const struct ring *theirs, uint64_t count, uint32_t *lease);

/*
 * About to wait: tell the other side in one of the words of our own page, in
 * CAISSON_CHANNEL_WAITING and possibly _FUTEX. What is waited for must be looked
 * for once more after this. *count is private.
 */
void wait_arm(_Atomic uint32_t *word, uint32_t *count, uint32_t how);
void wait_disarm(_Atomic uint32_t *word, uint32_t *count);
/*
 * Something was published: the other side's word, if it waits and rung is not that
 * word; else 0. rung is the word that it was last woken for. A bell that was rung
 * stays; of a futex that counts only if somebody slept there, since the wake-up
 * may have been for a number that the other side has seen without it.
 */
uint32_t wait_wanted(const _Atomic uint32_t *word, uint32_t rung);

/* Sleep until slot or release number count may be there; 0, or -errno of futex(2). */
int ring_sleep_slot(const struct ring *theirs, uint64_t count, uint64_t ns);
int ring_sleep_release(const struct ring *theirs, uint64_t count, uint64_t ns);
/* Wake who sleeps there: how many did, or -errno if the kernel refuses. */
int ring_wake_slot(const struct ring *mine, uint64_t count);
int ring_wake_release(const struct ring *mine, uint64_t count);

#endif
