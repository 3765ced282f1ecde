/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The sending half of a channel: loan, send. */
#include <errno.h>
#include <string.h>
#include <time.h>

#include "channel_impl.h"
#include "dtype.h"
#include "error.h"
#include "recall.h"
#include "slot.h"
#include "wake.h"

#define STAGE_SEND "sending a tensor"

/*
 * What the other side gave back is looked at when room is needed, and otherwise
 * after every so many tensors or bytes: each look costs both sides a cache line.
 */
#define RECLAIM_TENSORS 16u
#define RECLAIM_BYTES (256u * 1024u)

/* One sleep of a loan that waits: then the other side may have ended without a word. */
#define LOAN_SLEEP_NS 10000000u

static void sleep_ns(uint64_t ns) {
	const struct timespec time = { .tv_nsec = (long)ns };

	nanosleep(&time, NULL);
}

/* Take back what the other side has released. */
int channel_reclaim(caisson_channel *channel) {
	struct channel_tx *tx = &channel->tx;
	uint32_t number;
	int rc;

	while ((rc = ring_reclaim(&channel->theirs, tx->reclaimed, &number)) > 0) {
		uint16_t index = slab_find(&tx->slab, number & 0xffff, number >> 16, LEASE_SENT);

		if (!index)
			return channel_poison(channel,
			                      "a release of something that it does not have");
		channel_lease_over(channel, index);
		tx->reclaimed++;
	}
	return rc < 0 ? channel_poison(channel, "a release out of sequence") : 0;
}

/* Did the other side keep a tensor for longer than it may? Only asked when room is short. */
int channel_check_deadline(caisson_channel *channel) {
	const uint64_t limit = channel->tx.lease_ms;
	uint64_t now;

	if (limit == 0)
		return 0;
	now = channel_now_ns() / 1000000u;
	for (uint16_t i = 1; i <= channel->tx.slab.count; i++) {
		const struct lease *lease = &channel->tx.slab.lease[i];

		if (lease->state == LEASE_SENT && now - lease->since_ms > limit)
			return channel_poison(channel, "no release of a tensor within its time");
	}
	return 0;
}

static int loan_room(caisson_channel *channel, uint64_t nbytes, uint16_t *index) {
	int got, rc = slab_take(&channel->tx.slab, nbytes, index);

	if (rc != -EAGAIN)
		return rc;
	rc = channel_reclaim(channel);
	if (rc == 0)
		rc = slab_take(&channel->tx.slab, nbytes, index);
	while (rc == -EAGAIN && channel->tx.drops && (got = recall_oldest(channel)) != 0)
		rc = got < 0 ? got : slab_take(&channel->tx.slab, nbytes, index);
	if (rc == -EAGAIN && channel_check_deadline(channel) < 0)
		rc = -EPROTO;
	return rc;
}

/*
 * As loan_room(), and if there is none the bell will tell, or the futex. A bell
 * that is pending is taken only where nobody else waits for it: on a channel
 * that also receives, that is caisson_recv()'s.
 */
static int loan_or_arm(caisson_channel *channel, uint64_t nbytes, uint16_t *index, uint32_t how) {
	_Atomic uint32_t *word = &channel->mine.page->room_wait;
	int rc = loan_room(channel, nbytes, index);

	if (rc != -EAGAIN)
		return rc;
	if (channel->rx.memory.base ? bell_gone(&channel->bell)
	                            : bell_wait(&channel->bell, 0) & BELL_GONE)
		atomic_store(&channel->gone, true);
	if (channel_other_closed(channel))
		return -EPIPE;
	wait_arm(word, &channel->tx.room_wait, how);
	rc = loan_room(channel, nbytes, index);
	if (rc == 0)
		wait_disarm(word, &channel->tx.room_wait);
	return rc;
}

/*
 * Not on the bell, which may be the receiving thread's: on the word of the next
 * release, for a moment, then a look at whether the other side is still there.
 */
static int loan_wait(caisson_channel *channel, uint64_t nbytes, uint16_t *index, int timeout_ms) {
	const uint64_t start = channel_now_ns();
	uint64_t left = LOAN_SLEEP_NS, passed;
	int rc;

	for (;;) {
		bool futex = timeout_ms != 0 && channel_futex(channel);

		rc = loan_or_arm(channel, nbytes, index,
		                 CAISSON_CHANNEL_WAITING | (futex ? CAISSON_CHANNEL_FUTEX : 0));
		if (rc != -EAGAIN || timeout_ms == 0)
			return rc;
		passed = channel_now_ns() - start;
		if (timeout_ms > 0) {
			uint64_t limit = (uint64_t)timeout_ms * 1000000u;

			if (passed >= limit)
				break;
			left = limit - passed < LOAN_SLEEP_NS ? limit - passed : LOAN_SLEEP_NS;
		}
		if (!futex)
			sleep_ns(left < 1000000u ? left : 1000000u);
		else if (ring_sleep_release(&channel->theirs, channel->tx.reclaimed, left) < 0)
			channel->no_futex = true;
	}
	/* Whoever polls the descriptor next is rung for. */
	rc = loan_or_arm(channel, nbytes, index, CAISSON_CHANNEL_WAITING);
	return rc == -EAGAIN ? -ETIMEDOUT : rc;
}

struct wish {
	caisson_dtype dtype;
	int32_t ndim;
	const int64_t *shape, *strides;
	int timeout_ms;
};

static int loan(caisson_channel *channel, const struct wish *wish, caisson_tensor *tensor) {
	int64_t strides[CAISSON_CHANNEL_MAX_NDIM];
	struct lease *lease;
	uint64_t nbytes;
	uint16_t index;
	int rc;

	if (channel_fault(channel) < 0)
		return channel_fault(channel);
	if (!channel->tx.memory.base)
		return -ENOTSUP;
	if (!dtype_valid(wish->dtype))
		return -EINVAL;
	rc = dtype_span(wish->dtype, wish->ndim, wish->shape, wish->strides, strides, &nbytes);
	if (rc == -EOVERFLOW || (rc == 0 && nbytes > channel->tx.memory.size))
		return -EMSGSIZE;
	if (rc < 0)
		return rc;
	if (channel_other_closed(channel))
		return -EPIPE;
	rc = loan_room(channel, nbytes, &index);
	if (rc == -EAGAIN)
		rc = loan_wait(channel, nbytes, &index, wish->timeout_ms);
	if (rc < 0)
		return rc;
	lease = &channel->tx.slab.lease[index];
	for (int32_t i = 0; i < wish->ndim; i++) {
		lease->shape[i] = wish->shape[i];
		lease->strides[i] = strides[i];
	}
	lease->dtype = wish->dtype;
	lease->ndim = wish->ndim;
	lease->nbytes = nbytes;
	lease->strided = wish->strides != NULL;
	lease->state = LEASE_LOANED;
	channel_describe(tensor, &channel->tx.slab, index,
	                 channel->device.ops ? channel->device.tx : channel->tx.memory.base, 0, 0);
	return 0;
}

int caisson_loan_strided(caisson_channel *channel, caisson_dtype dtype, int32_t ndim,
                         const int64_t *shape, const int64_t *strides, int timeout_ms,
                         caisson_tensor *tensor, caisson_error **err) {
	const struct wish wish = { dtype, ndim, shape, strides, timeout_ms };
	int rc;

	if (!channel)
		return error_set(err, EINVAL, STAGE_LOAN, "", "", "no channel was given");
	if (!tensor || ndim < 0 || ndim > (int32_t)CAISSON_CHANNEL_MAX_NDIM || (ndim && !shape))
		return channel_explain(channel, err, -EINVAL, STAGE_LOAN);
	rc = loan(channel, &wish, tensor);
	return rc < 0 ? channel_explain(channel, err, rc, STAGE_LOAN) : 0;
}

int caisson_loan(caisson_channel *channel, caisson_dtype dtype, int32_t ndim, const int64_t *shape,
                 caisson_tensor *tensor, caisson_error **err) {
	return caisson_loan_strided(channel, dtype, ndim, shape, NULL, 0, tensor, err);
}

/* Once a tensor is on its way, while the other side works on it. */
static void after_send(caisson_channel *channel, const struct lease *lease) {
	struct channel_tx *tx = &channel->tx;

	tx->out_bytes += lease->room;
	if (tx->sent % RECLAIM_TENSORS == 0 || tx->out_bytes > RECLAIM_BYTES)
		(void)channel_reclaim(
			channel); /* what it finds wrong stays, and the next call tells */
}

void channel_wake_receiver(caisson_channel *channel) {
	struct channel_tx *tx = &channel->tx;
	uint32_t word = wait_wanted(&channel->theirs.page->data_wait, tx->rung);
	int woken = -1;

	if (word == 0)
		return;
	if (word & CAISSON_CHANNEL_FUTEX)
		woken = ring_wake_slot(&channel->mine, tx->sent - 1);
	if (woken < 0)
		bell_ring(&channel->bell);
	if (woken != 0)
		tx->rung = word;
}

void channel_publish(caisson_channel *channel, uint16_t index, uint64_t tag) {
	struct channel_tx *tx = &channel->tx;
	struct lease *lease = &tx->slab.lease[index];
	const uint32_t number = (lease->generation & 0xffff) << 16 | index;
	struct caisson_channel_slot slot;

	if (tx->shared.base)
		memcpy((char *)tx->shared.base + lease->offset,
		       (const char *)tx->memory.base + lease->offset, lease->nbytes);
	slot_fill(&slot, lease, number, channel->generation, tag);
	slot.slab = channel->device.slab;
	if (tx->drops)
		tx->order[tx->sent % CHANNEL_SLOTS] = number;
	lease->state = LEASE_SENT;
	if (tx->lease_ms)
		lease->since_ms = channel_now_ns() / 1000000u;
	/* There are as many slots as leases: this one's last tensor was received long ago. */
	ring_publish(&channel->mine, tx->sent++, &slot, lease->shape, lease->strides);
	channel_wake_receiver(channel);
}

static int send_lease(caisson_channel *channel, caisson_tensor *tensor) {
	struct channel_tx *tx = &channel->tx;
	uint16_t index;

	if (channel_fault(channel) < 0)
		return channel_fault(channel);
	if (!tx->memory.base)
		return -ENOTSUP;
	index = channel_lease(&tx->slab, tensor->lease, 0, LEASE_LOANED);
	if (!index)
		return -EINVAL;
	if (channel_other_closed(channel))
		return -EPIPE;
	channel_publish(channel, index, tensor->tag);
	tensor->lease = 0;
	tensor->data = NULL;
	after_send(channel, &tx->slab.lease[index]);
	return 0;
}

int channel_send(caisson_channel *channel, caisson_tensor *tensor, caisson_error **err) {
	int rc = send_lease(channel, tensor);

	return rc < 0 ? channel_explain(channel, err, rc, STAGE_SEND) : 0;
}

int caisson_send(caisson_channel *channel, caisson_tensor *tensor, caisson_error **err) {
	int rc = 0;

	if (!channel || !tensor)
		return error_set(err, EINVAL, STAGE_SEND, "", "", "no channel or tensor was given");
	if (channel->device.ops)
		rc = channel->device.ops->before_send(channel, tensor, err);
	return rc < 0 ? rc : channel_send(channel, tensor, err);
}
