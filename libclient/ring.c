/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ring.h"

#include <errno.h>
#include <string.h>

#include "wake.h"

/*
 * "Publish, then see who waits" on one side against "say that I wait, then look
 * again" on the other needs all four to be in one order that both agree on:
 * each is a sequentially consistent operation, which on x86 makes the two
 * stores exchanges and costs the loads nothing.
 */

/*
 * How many slots ahead the sender asks for a line of its own: the exchange that
 * publishes waits for it, and the line was last read by the other side. Not the
 * next ones, which the other side may be looking at.
 */
#define AHEAD 6

void ring_at(struct ring *ring, void *page, uint32_t slots) {
	char *base = page;

	ring->page = page;
	ring->releases = (void *)(base + CAISSON_CHANNEL_RELEASES_AT);
	ring->slots = (void *)(base + CAISSON_CHANNEL_SLOTS_AT(slots));
	ring->extensions = (void *)(base + CAISSON_CHANNEL_EXTENSIONS_AT(slots));
	ring->mask = slots - 1;
}

static _Atomic uint64_t *slot_at(const struct ring *ring, uint64_t count) {
	return ring->slots + (count & ring->mask) * CAISSON_SLOT_WORDS;
}

static _Atomic uint64_t *extension_at(const struct ring *ring, uint64_t count) {
	return ring->extensions +
	       (count & ring->mask) * (sizeof(struct caisson_channel_extension) / 8);
}

/* What a word holds that was last written one lap ago: 0 in the first lap. */
static uint64_t last_lap(const struct ring *ring, uint64_t count) {
	return count > ring->mask ? count - ring->mask : 0;
}

static void store(_Atomic uint64_t *to, const void *from, size_t words) {
	uint64_t word;

	for (size_t i = 0; i < words; i++) {
		memcpy(&word, (const char *)from + i * sizeof(word), sizeof(word));
		atomic_store_explicit(&to[i], word, memory_order_relaxed);
	}
}

/* Each word once. */
static void load(void *to, const _Atomic uint64_t *from, size_t words) {
	uint64_t word;

	for (size_t i = 0; i < words; i++) {
		word = atomic_load_explicit(&from[i], memory_order_relaxed);
		memcpy((char *)to + i * sizeof(word), &word, sizeof(word));
	}
}

#define WORD_OF(field) (offsetof(struct caisson_channel_slot, field) / sizeof(uint64_t))
#define STRIDES_OF_EXTENSION                                                                       \
	(offsetof(struct caisson_channel_extension, strides) / sizeof(uint64_t))

void ring_publish(const struct ring *mine, uint64_t count, const struct caisson_channel_slot *slot,
                  const int64_t *shape, const int64_t *strides) {
	_Atomic uint64_t *to = slot_at(mine, count);

	if (slot->flags & CAISSON_SLOT_EXTENDED) {
		store(extension_at(mine, count), shape, slot->ndim);
		if (slot->flags & CAISSON_SLOT_STRIDED)
			store(extension_at(mine, count) + STRIDES_OF_EXTENSION, strides,
			      slot->ndim);
	} else {
		if (!(slot->flags & CAISSON_SLOT_SMALL))
			store(to + WORD_OF(shape), slot->shape, slot->ndim);
		if (slot->flags & CAISSON_SLOT_STRIDED)
			store(to + WORD_OF(strides), slot->strides, slot->ndim);
	}
	store(to + 1, (const char *)slot + sizeof(uint64_t), CAISSON_SLOT_LINE_WORDS - 1);
	atomic_store_explicit(&to[0], count + 1, memory_order_seq_cst);
	cpu_own_soon((void *)(uintptr_t)slot_at(mine, count + AHEAD));
}

/* What decides how many words there are is the copy, never the original. */
static void copy_rest(const struct ring *theirs, uint64_t count, struct ring_copy *copy) {
	const _Atomic uint64_t *from = slot_at(theirs, count);
	unsigned flags = copy->slot.flags, ndim = copy->slot.ndim;

	if (flags & CAISSON_SLOT_EXTENDED) {
		if (ndim > CAISSON_CHANNEL_MAX_NDIM)
			ndim = CAISSON_CHANNEL_MAX_NDIM;
		from = extension_at(theirs, count);
		load(copy->extension.shape, from, ndim);
		if (flags & CAISSON_SLOT_STRIDED)
			load(copy->extension.strides, from + STRIDES_OF_EXTENSION, ndim);
		return;
	}
	if (ndim > CAISSON_CHANNEL_SLOT_NDIM)
		ndim = CAISSON_CHANNEL_SLOT_NDIM;
	if (!(flags & CAISSON_SLOT_SMALL))
		load(copy->slot.shape, from + WORD_OF(shape), ndim);
	if (flags & CAISSON_SLOT_STRIDED)
		load(copy->slot.strides, from + WORD_OF(strides), ndim);
}

int ring_take(const struct ring *theirs, uint64_t count, struct ring_copy *copy) {
	const _Atomic uint64_t *from = slot_at(theirs, count);
	uint64_t seq = atomic_load_explicit(&from[0], memory_order_seq_cst);

	if (seq != count + 1)
		return seq == last_lap(theirs, count) ? 0 : -EPROTO;
	copy->slot.seq = seq;
	load((char *)&copy->slot + sizeof(uint64_t), from + 1, CAISSON_SLOT_LINE_WORDS - 1);
	copy_rest(theirs, count, copy);
	return 1;
}

void ring_release(const struct ring *mine, uint64_t count, uint32_t lease) {
	uint64_t word = (uint64_t)(uint32_t)(count + 1) << 32 | lease;

	atomic_store_explicit(&mine->releases[count & mine->mask], word, memory_order_seq_cst);
}

int ring_reclaim(const struct ring *theirs, uint64_t count, uint32_t *lease) {
	uint64_t word =
		atomic_load_explicit(&theirs->releases[count & theirs->mask], memory_order_seq_cst);
	uint32_t number = (uint32_t)(word >> 32);

	if (number != (uint32_t)(count + 1))
		return number == (uint32_t)last_lap(theirs, count) ? 0 : -EPROTO;
	*lease = (uint32_t)word;
	return 1;
}

void wait_arm(_Atomic uint32_t *word, uint32_t *count, uint32_t how) {
	*count += CAISSON_CHANNEL_WAIT_STEP;
	atomic_store_explicit(word, *count | how, memory_order_seq_cst);
}

void wait_disarm(_Atomic uint32_t *word, uint32_t *count) {
	atomic_store_explicit(word, *count, memory_order_relaxed);
}

uint32_t wait_wanted(const _Atomic uint32_t *word, uint32_t rung) {
	uint32_t now = atomic_load_explicit(word, memory_order_seq_cst);

	return (now & CAISSON_CHANNEL_WAITING) && now != rung ? now : 0;
}

/* The halves of a word: the kernel compares 32 bits. */
static uint32_t *half(const _Atomic uint64_t *word, bool upper) {
	const union {
		uint16_t number;
		uint8_t first;
	} order = { 1 };

	return (uint32_t *)(uintptr_t)word + (upper == (order.first != 0));
}

static uint32_t *slot_word(const struct ring *ring, uint64_t count) {
	return half(slot_at(ring, count), false);
}

static uint32_t *release_word(const struct ring *ring, uint64_t count) {
	return half(&ring->releases[count & ring->mask], true);
}

int ring_sleep_slot(const struct ring *theirs, uint64_t count, uint64_t ns) {
	return futex_sleep(slot_word(theirs, count), (uint32_t)last_lap(theirs, count), ns);
}

int ring_sleep_release(const struct ring *theirs, uint64_t count, uint64_t ns) {
	return futex_sleep(release_word(theirs, count), (uint32_t)last_lap(theirs, count), ns);
}

int ring_wake_slot(const struct ring *mine, uint64_t count) {
	return futex_wake_one(slot_word(mine, count));
}

int ring_wake_release(const struct ring *mine, uint64_t count) {
	return futex_wake_one(release_word(mine, count));
}
