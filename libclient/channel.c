/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What sending and receiving share: the end of trust, errors, leases. */
#include <errno.h>
#include <string.h>
#include <time.h>

#include "channel_impl.h"
#include "error.h"
#include "fanout.h"
#include "keeper.h"

/* The other side broke the protocol: nothing it says counts any more. */
int channel_poison(caisson_channel *channel, const char *fault) {
	const char *none = NULL;

	atomic_compare_exchange_strong(&channel->fault, &none, fault);
	atomic_fetch_or(&channel->mine.page->state, CAISSON_CHANNEL_CLOSED);
	bell_ring(&channel->bell);
	return -EPROTO;
}

uint64_t channel_now_ns(void) {
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

bool channel_futex(const caisson_channel *channel) {
	return !atomic_load_explicit(&channel->no_futex, memory_order_relaxed) &&
	       !(atomic_load(&channel->theirs.page->state) & CAISSON_CHANNEL_NO_FUTEX);
}

bool channel_other_closed(caisson_channel *channel) {
	return atomic_load(&channel->gone) ||
	       (atomic_load(&channel->theirs.page->state) & CAISSON_CHANNEL_CLOSED);
}

int channel_fault(const caisson_channel *channel) {
	if (atomic_load(&channel->fault))
		return -EPROTO;
	return atomic_load_explicit(&channel->revoked, memory_order_relaxed) ? -EPIPE : 0;
}

void channel_lease_over(caisson_channel *channel, uint16_t index) {
	struct channel_tx *tx = &channel->tx;
	const uint32_t theirs = tx->slab.lease[index].theirs;

	tx->out_bytes -= tx->slab.lease[index].room;
	tx->over++;
	slab_end(&tx->slab, index);
	if (tx->fanout)
		fanout_lease_over(tx->fanout, (uint16_t)theirs);
}

int channel_explain(const caisson_channel *channel, caisson_error **err, int rc,
                    const char *stage) {
	const char *other = channel->bell.host ? "the sandbox" : "the host application";
	const char *fault;

	if (!err)
		return rc;
	switch (rc) {
	case -EPROTO:
		fault = atomic_load(&channel->fault);
		return error_set(err, EPROTO, stage, "",
		                 "Treat the other side as hostile or broken: end the sandbox.",
		                 "channel \"%s\": %s sent %s", channel->name, other, fault);
	case -EPIPE:
		if (atomic_load(&channel->revoked))
			return error_set(err, EPIPE, stage, "caisson_channel_revoke()", "",
			                 "channel \"%s\" was revoked", channel->name);
		return error_set(err, EPIPE, stage, "", "",
		                 atomic_load(&channel->theirs.page->state) &
		                                 CAISSON_CHANNEL_ATTACHED
		                         ? "channel \"%s\": %s closed it or ended"
		                         : "channel \"%s\": %s ended without opening it",
		                 channel->name, other);
	case -EAGAIN:
	case -ETIMEDOUT:
		return error_set(err, -rc, stage, "", "Wait for caisson_channel_fd(), or longer.",
		                 "channel \"%s\": %s has not %s yet", channel->name, other,
		                 strcmp(stage, STAGE_LOAN) == 0 ? "released enough"
		                                                : "sent a tensor");
	case -EMSGSIZE:
		return error_set(err, EMSGSIZE, stage, "the channel's size",
		                 "Ask for a larger channel with caisson_spec_channel().",
		                 "channel \"%s\": the tensor is larger than its slab of %llu bytes",
		                 channel->name, (unsigned long long)channel->tx.memory.size);
	case -ENOTSUP:
		return error_set(err, ENOTSUP, stage, "the channel's direction",
		                 "Make the channel with the other direction, or with CAISSON_BOTH.",
		                 "channel \"%s\" does not carry tensors this way", channel->name);
	default:
		return error_set(err, -rc, stage, "", "", "channel \"%s\": the arguments are wrong",
		                 channel->name);
	}
}

static uint64_t handle_of(const struct slab *slab, uint16_t index, uint32_t side) {
	return (uint64_t)slab->lease[index].generation << 32 | side | slab->mark | index;
}

/* The lease that a tensor speaks of, or 0 if there is none such (any more). */
uint16_t channel_lease(const struct slab *slab, uint64_t handle, uint32_t side, int state) {
	uint32_t generation = (uint32_t)(handle >> 32);
	uint32_t index = (uint32_t)handle ^ side ^ slab->mark;
	uint16_t found = slab->lease ? slab_find(slab, index, generation, state) : 0;

	return found && slab->lease[found].generation == generation ? found : 0;
}

/* data: the slab is read-only where the tensor was received, whatever the type says. */
void channel_describe(caisson_tensor *tensor, const struct slab *slab, uint16_t index, void *data,
                      uint32_t side, uint64_t tag) {
	const struct lease *lease = &slab->lease[index];

	*tensor = (caisson_tensor){
		.data = (char *)data + lease->offset,
		.shape = lease->shape,
		.strides = lease->strides,
		.ndim = lease->ndim,
		.dtype = lease->dtype,
		.nbytes = lease->nbytes,
		.tag = tag,
		.lease = handle_of(slab, index, side),
	};
}

static void release_received(caisson_channel *channel, uint16_t index) {
	struct channel_rx *rx = &channel->rx;
	uint32_t word;
	int woken = -1;

	/* No more releases than leases are ever outstanding, so that none overtakes another. */
	ring_release(&channel->mine, rx->released++, rx->slab.lease[index].theirs);
	slab_end(&rx->slab, index);
	word = wait_wanted(&channel->theirs.page->room_wait, rx->rung);
	if (word == 0)
		return;
	if (word & CAISSON_CHANNEL_FUTEX)
		woken = ring_wake_release(&channel->mine, rx->released - 1);
	if (woken < 0)
		bell_ring(&channel->bell);
	if (woken != 0)
		rx->rung = word;
}

void channel_rx_lock(caisson_channel *channel) {
	if (channel->rx.keeper)
		pthread_mutex_lock(&channel->rx.keeper->lock);
}

void channel_rx_unlock(caisson_channel *channel) {
	if (channel->rx.keeper)
		pthread_mutex_unlock(&channel->rx.keeper->lock);
}

void channel_give_back(caisson_channel *channel, uint64_t handle) {
	uint16_t index =
		channel_lease(&channel->rx.slab, handle, CHANNEL_HANDLE_RECEIVED, LEASE_HELD);

	if (index)
		release_received(channel, index);
}

void channel_release(caisson_channel *channel, caisson_tensor *tensor) {
	uint16_t index;

	if (tensor->lease & CHANNEL_HANDLE_RECEIVED) {
		channel_rx_lock(channel);
		channel_give_back(channel, tensor->lease);
		channel_rx_unlock(channel);
	} else {
		index = channel_lease(&channel->tx.slab, tensor->lease, 0, LEASE_LOANED);
		if (index)
			slab_end(&channel->tx.slab, index);
	}
	tensor->lease = 0;
	tensor->data = NULL;
}

void caisson_release(caisson_channel *channel, caisson_tensor *tensor) {
	if (!channel || !tensor)
		return;
	if (channel->device.ops)
		channel->device.ops->before_release(channel);
	channel_release(channel, tensor);
}

int caisson_channel_fd(const caisson_channel *channel) {
	return channel->bell.wait;
}
