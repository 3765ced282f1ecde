/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Taking back what the other side has not taken, for those to whom the newest
 * tensor matters more than each. Every word has one writer, so that there is no
 * exchange that decides whose a tensor is: the sender asks for a number, then
 * looks at what the receiver has announced; the receiver announces a number,
 * then looks at what is asked for. One of the two sees the other. A sender that
 * sees the announcement lets go; a receiver that sees the question waits for its
 * end. tests/model/recall.pml is this for SPIN.
 *
 * The sender believes nothing: a receiver that announces what it has not taken
 * keeps it, and one that does not announce reads memory that is used again.
 */
#include "recall.h"

#include <errno.h>

#include "caisson_channels.h"
#include "error.h"

#define STAGE_POLICY "setting what happens where there is no room"

/* taking: the number announced, and whether it was taken since. */
#define TOOK 1u
/* What a call looks at in vain at most. */
#define TRIES 4

/* ---------------------------------------------------------------------- sender */

/* The receiver's word, believed as far as it can be: -EPROTO. */
static int announced(caisson_channel *channel, uint64_t *count, bool *took) {
	struct channel_tx *tx = &channel->tx;
	uint64_t word = atomic_load(&channel->theirs.page->taking);

	if (word < tx->announced || word >> 1 > tx->sent)
		return channel_poison(channel, "a number of a tensor that it was not sent");
	tx->announced = word;
	*count = word >> 1;
	*took = word & TOOK;
	return 0;
}

static void say(caisson_channel *channel, uint64_t recalled, uint64_t how) {
	atomic_store(&channel->mine.page->recall,
	             recalled << CAISSON_CHANNEL_RECALL_SHIFT | CAISSON_CHANNEL_RECALLS | how);
}

/* Number m is no longer the receiver's; it may have given it back before. */
static void end_lease(caisson_channel *channel, uint64_t m) {
	struct channel_tx *tx = &channel->tx;
	const uint32_t number = tx->order[m % CHANNEL_SLOTS];
	uint16_t index = slab_find(&tx->slab, number & 0xffff, number >> 16, LEASE_SENT);

	if (!index)
		return;
	channel_lease_over(channel, index);
	tx->dropped++;
}

/* As recall_oldest(), once; -EAGAIN: the receiver was there at the same time. */
static int recall_once(caisson_channel *channel) {
	struct channel_tx *tx = &channel->tx;
	uint64_t count = 0, m;
	bool took = false;

	if (announced(channel, &count, &took) < 0)
		return -EPROTO;
	m = count > 0 && !took ? count - 1 : count;
	m = m > tx->recalled ? m : tx->recalled;
	if (m >= tx->sent)
		return 0;
	if (count > m) /* announced, and not decided yet */
		return -EAGAIN;
	tx->recalled = m;
	say(channel, m, CAISSON_CHANNEL_ASKED);
	if (announced(channel, &count, &took) < 0)
		return -EPROTO;
	if (count > m) {
		say(channel, m, 0);
		channel_wake_receiver(channel); /* it may have gone to sleep over the question */
		return -EAGAIN;
	}
	tx->recalled = m + 1;
	say(channel, m + 1, 0);
	end_lease(channel, m);
	return 1;
}

int recall_oldest(caisson_channel *channel) {
	int rc = -EAGAIN;

	for (int i = 0; i < TRIES && rc == -EAGAIN; i++)
		rc = recall_once(channel);
	return rc == -EAGAIN ? 0 : rc;
}

int caisson_channel_when_full(caisson_channel *channel, enum caisson_when_full policy,
                              caisson_error **err) {
	struct channel_tx *tx;

	if (!channel || (policy != CAISSON_FULL_WAIT && policy != CAISSON_FULL_DROP_OLDEST))
		return error_set(err, EINVAL, STAGE_POLICY, "", "",
		                 "no channel was given, or no such policy");
	tx = &channel->tx;
	if (!tx->slab.lease)
		return channel_explain(channel, err, -ENOTSUP, STAGE_POLICY);
	if ((policy == CAISSON_FULL_DROP_OLDEST) == tx->drops)
		return 0;
	/* What was taken without an announcement cannot be told from what was not taken. */
	if (policy == CAISSON_FULL_WAIT || tx->sent != tx->reclaimed)
		return error_set(err, EBUSY, STAGE_POLICY, "",
		                 "Say it before the first tensor is sent, once.",
		                 "channel \"%s\": tensors are under way", channel->name);
	recall_begin(channel);
	return 0;
}

void recall_begin(caisson_channel *channel) {
	channel->tx.drops = true;
	channel->tx.recalled = channel->tx.sent;
	say(channel, channel->tx.recalled, 0);
}

void caisson_channel_revoke(caisson_channel *channel) {
	if (!channel || atomic_exchange(&channel->revoked, true))
		return;
	/* Not asked for, but said: what has not been copied yet is passed over. */
	say(channel, channel->tx.sent, 0);
	atomic_fetch_or(&channel->mine.page->state, CAISSON_CHANNEL_CLOSED);
	bell_ring(&channel->bell);
	channel_wake_receiver(channel);
}

int caisson_channel_ended(const caisson_channel *channel) {
	return !channel || channel_fault(channel) < 0 || atomic_load(&channel->gone) ||
	       (atomic_load(&channel->theirs.page->state) & CAISSON_CHANNEL_CLOSED);
}

uint64_t caisson_channel_dropped(const caisson_channel *channel) {
	return channel ? channel->tx.dropped : 0;
}

/* -------------------------------------------------------------------- receiver */

void recall_took(caisson_channel *channel) {
	atomic_store_explicit(&channel->mine.page->taking, channel->rx.taken << 1 | TOOK,
	                      memory_order_release);
}

int recall_heed(caisson_channel *channel) {
	struct channel_rx *rx = &channel->rx;

	for (int i = 0; i < TRIES; i++) {
		uint64_t word, recalled;

		if (!ring_news(&channel->theirs, rx->taken))
			return 0;
		atomic_store(&channel->mine.page->taking, (rx->taken + 1) << 1);
		word = atomic_load(&channel->theirs.page->recall);
		recalled = word >> CAISSON_CHANNEL_RECALL_SHIFT;
		if (recalled < rx->taken ||
		    (recalled == rx->taken && !(word & CAISSON_CHANNEL_ASKED)))
			return 1;
		if (recalled == rx->taken) {
			if (!channel_other_closed(channel))
				return 0;
			/* It ended over the question, unless it had answered before it ended. */
			if (atomic_load(&channel->theirs.page->recall) == word)
				return 1;
			continue;
		}
		rx->taken = recalled;
	}
	return 0;
}
