/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The sending half of a channel: loan, send. */
#include <errno.h>
#include <string.h>

#include "channel_impl.h"
#include "dtype.h"
#include "error.h"
#include "slot.h"

#define STAGE_SEND "sending a tensor"

/* Take back what the other side has released. */
static int reclaim(caisson_channel *channel)
{
	struct channel_tx *tx = &channel->tx;
	uint32_t number;
	int rc;

	while ((rc = ring_reclaim(&channel->theirs, tx->reclaimed, &number)) > 0) {
		uint16_t index = slab_find(&tx->slab, number & 0xffff, number >> 16, LEASE_SENT);

		if (!index)
			return channel_poison(channel,
			                      "a release of something that it does not have");
		slab_end(&tx->slab, index);
		tx->reclaimed++;
	}
	return rc < 0 ? channel_poison(channel, "a release out of sequence") : 0;
}

static int loan_room(caisson_channel *channel, uint64_t nbytes, uint16_t *index)
{
	struct slab *slab = &channel->tx.slab;
	int rc = reclaim(channel);

	if (rc < 0)
		return rc;
	*index = slab_lease(slab);
	if (*index == 0)
		return -EAGAIN;
	rc = slab_room(slab, *index, nbytes);
	if (rc < 0)
		slab_end(slab, *index);
	return rc;
}

/*
 * As loan_room(), and if there is none the bell will tell. A bell that is
 * pending is taken only where nobody else waits for it: on a channel that also
 * receives, that is caisson_recv()'s.
 */
static int loan_wait(caisson_channel *channel, uint64_t nbytes, uint16_t *index)
{
	_Atomic uint32_t *word = &channel->mine.page->room_wait;
	int rc = loan_room(channel, nbytes, index);

	if (rc != -EAGAIN)
		return rc;
	if (channel->rx.memory.base ? bell_gone(&channel->bell)
	                            : bell_wait(&channel->bell, 0) & BELL_GONE)
		atomic_store(&channel->gone, true);
	if (channel_other_closed(channel))
		return -EPIPE;
	wait_arm(word, &channel->tx.room_wait);
	rc = loan_room(channel, nbytes, index);
	if (rc == 0)
		wait_disarm(word, &channel->tx.room_wait);
	return rc;
}

static int loan(caisson_channel *channel, caisson_dtype dtype, int32_t ndim, const int64_t *shape,
                caisson_tensor *tensor)
{
	struct lease span = { .dtype = dtype, .ndim = ndim };
	struct lease *lease;
	uint16_t index;
	int rc;

	if (atomic_load(&channel->fault))
		return -EPROTO;
	if (!channel->tx.memory.base)
		return -ENOTSUP;
	if (!dtype_valid(dtype))
		return -EINVAL;
	rc = dtype_span(dtype, ndim, shape, NULL, span.strides, &span.nbytes);
	if (rc == -EOVERFLOW || (rc == 0 && span.nbytes > channel->tx.memory.size))
		return -EMSGSIZE;
	if (rc < 0)
		return rc;
	if (channel_other_closed(channel))
		return -EPIPE;
	rc = loan_wait(channel, span.nbytes, &index);
	if (rc < 0)
		return rc;
	lease = &channel->tx.slab.lease[index];
	if (ndim > 0)
		memcpy(lease->shape, shape, (size_t)ndim * sizeof(*shape));
	memcpy(lease->strides, span.strides, sizeof(lease->strides));
	lease->dtype = dtype;
	lease->ndim = ndim;
	lease->nbytes = span.nbytes;
	lease->state = LEASE_LOANED;
	channel_describe(tensor, &channel->tx.slab, index, channel->tx.memory.base, 0, 0);
	return 0;
}

int caisson_loan(caisson_channel *channel, caisson_dtype dtype, int32_t ndim, const int64_t *shape,
                 caisson_tensor *tensor, caisson_error **err)
{
	int rc;

	if (!channel)
		return error_set(err, EINVAL, STAGE_LOAN, "", "", "no channel was given");
	if (!tensor || ndim < 0 || ndim > (int32_t)CAISSON_CHANNEL_MAX_NDIM || (ndim && !shape))
		return channel_explain(channel, err, -EINVAL, STAGE_LOAN);
	rc = loan(channel, dtype, ndim, shape, tensor);
	return rc < 0 ? channel_explain(channel, err, rc, STAGE_LOAN) : 0;
}

static int send_lease(caisson_channel *channel, caisson_tensor *tensor)
{
	struct channel_tx *tx = &channel->tx;
	struct caisson_channel_slot slot;
	struct lease *lease;
	uint16_t index;

	if (atomic_load(&channel->fault))
		return -EPROTO;
	if (!tx->memory.base)
		return -ENOTSUP;
	index = channel_lease(&tx->slab, tensor->lease, 0, LEASE_LOANED);
	if (!index)
		return -EINVAL;
	if (channel_other_closed(channel))
		return -EPIPE;
	lease = &tx->slab.lease[index];
	slot_fill(&slot, lease, (lease->generation & 0xffff) << 16 | index, channel->generation,
	          tensor->tag);
	lease->state = LEASE_SENT;
	/* There are as many slots as leases: this one's last tensor was received long ago. */
	ring_publish(&channel->mine, tx->sent++, &slot);
	if (wait_wanted(&channel->theirs.page->data_wait, &tx->rung))
		bell_ring(&channel->bell);
	tensor->lease = 0;
	tensor->data = NULL;
	return 0;
}

int caisson_send(caisson_channel *channel, caisson_tensor *tensor, caisson_error **err)
{
	int rc;

	if (!channel || !tensor)
		return error_set(err, EINVAL, STAGE_SEND, "", "", "no channel or tensor was given");
	rc = send_lease(channel, tensor);
	return rc < 0 ? channel_explain(channel, err, rc, STAGE_SEND) : 0;
}
