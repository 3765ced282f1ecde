/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ring.h"

#include <errno.h>
#include <string.h>

/*
 * "Publish, then see who waits" on one side against "say that I wait, then look
 * again" on the other needs all four to be in one order that both agree on:
 * each is a sequentially consistent operation, which on x86 makes the two
 * stores exchanges and costs the loads nothing.
 */

void ring_at(struct ring *ring, void *page, uint32_t slots)
{
	char *base = page;

	ring->page = page;
	ring->releases = (void *)(base + CAISSON_CHANNEL_RELEASES_AT);
	ring->slots = (void *)(base + CAISSON_CHANNEL_SLOTS_AT(slots));
	ring->mask = slots - 1;
}

static _Atomic uint64_t *slot_at(const struct ring *ring, uint64_t count)
{
	return ring->slots + (count & ring->mask) * CAISSON_SLOT_WORDS;
}

/* What a word holds that was last written one lap ago: 0 in the first lap. */
static uint64_t last_lap(const struct ring *ring, uint64_t count)
{
	return count > ring->mask ? count - ring->mask : 0;
}

/* Words of a slot that matter: shapes are mostly short, and every line costs a transfer. */
static size_t words_used(unsigned ndim, unsigned flags)
{
	const size_t shape = offsetof(struct caisson_channel_slot, shape) / sizeof(uint64_t);
	const size_t strides = offsetof(struct caisson_channel_slot, strides) / sizeof(uint64_t);

	if (ndim > CAISSON_CHANNEL_MAX_NDIM)
		ndim = CAISSON_CHANNEL_MAX_NDIM;
	return (flags & CAISSON_SLOT_STRIDED ? strides : shape) + ndim;
}

void ring_publish(const struct ring *mine, uint64_t count, struct caisson_channel_slot *slot)
{
	_Atomic uint64_t *to = slot_at(mine, count);
	uint64_t word[CAISSON_SLOT_WORDS];
	size_t used = words_used(slot->ndim, slot->flags);

	memcpy(word, slot, sizeof(word));
	for (size_t i = 1; i < used; i++)
		atomic_store_explicit(&to[i], word[i], memory_order_relaxed);
	atomic_store_explicit(&to[0], count + 1, memory_order_seq_cst);
}

/* Each word once. What decides how many there are is the copy, never the original. */
static void copy_slot(const _Atomic uint64_t *from, struct caisson_channel_slot *slot)
{
	const size_t header = offsetof(struct caisson_channel_slot, shape) / sizeof(uint64_t);
	uint64_t word[CAISSON_SLOT_WORDS] = { 0 };
	size_t used;

	for (size_t i = 1; i < header; i++)
		word[i] = atomic_load_explicit(&from[i], memory_order_relaxed);
	memcpy(slot, word, sizeof(*slot));
	used = words_used(slot->ndim, slot->flags);
	for (size_t i = header; i < used; i++)
		word[i] = atomic_load_explicit(&from[i], memory_order_relaxed);
	memcpy(slot, word, sizeof(*slot));
}

int ring_take(const struct ring *theirs, uint64_t count, struct caisson_channel_slot *slot)
{
	const _Atomic uint64_t *from = slot_at(theirs, count);
	uint64_t seq = atomic_load_explicit(&from[0], memory_order_seq_cst);

	if (seq != count + 1)
		return seq == last_lap(theirs, count) ? 0 : -EPROTO;
	copy_slot(from, slot);
	slot->seq = seq;
	return 1;
}

void ring_release(const struct ring *mine, uint64_t count, uint32_t lease)
{
	uint64_t word = (uint64_t)(uint32_t)(count + 1) << 32 | lease;

	atomic_store_explicit(&mine->releases[count & mine->mask], word, memory_order_seq_cst);
}

int ring_reclaim(const struct ring *theirs, uint64_t count, uint32_t *lease)
{
	uint64_t word =
		atomic_load_explicit(&theirs->releases[count & theirs->mask], memory_order_seq_cst);
	uint32_t number = (uint32_t)(word >> 32);

	if (number != (uint32_t)(count + 1))
		return number == (uint32_t)last_lap(theirs, count) ? 0 : -EPROTO;
	*lease = (uint32_t)word;
	return 1;
}

void wait_arm(_Atomic uint32_t *word, uint32_t *count)
{
	*count += 2;
	atomic_store_explicit(word, *count | CAISSON_CHANNEL_WAITING, memory_order_seq_cst);
}

void wait_disarm(_Atomic uint32_t *word, uint32_t *count)
{
	atomic_store_explicit(word, *count, memory_order_relaxed);
}

bool wait_wanted(const _Atomic uint32_t *word, uint32_t *rung)
{
	uint32_t now = atomic_load_explicit(word, memory_order_seq_cst);

	if (!(now & CAISSON_CHANNEL_WAITING) || now == *rung)
		return false;
	*rung = now;
	return true;
}
