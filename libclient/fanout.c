/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "fanout.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "dtype.h"
#include "error.h"
#include "recall.h"

#define STAGE_FANOUT "sending to many sandboxes"

/* ------------------------------------------------------------------- the slab */

static int make_slab(caisson_fanout *fanout, uint64_t bytes) {
	int rc = fanout->fd = memory_new("caisson-to-many", bytes);

	if (rc >= 0)
		rc = memory_map(&fanout->memory, fanout->fd, bytes, true);
	if (rc == 0)
		rc = slab_init(&fanout->slab, CHANNEL_SLOTS, bytes);
	return rc;
}

int caisson_fanout_new(uint64_t bytes, caisson_fanout **result, caisson_error **err) {
	const uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);
	caisson_fanout *fanout;
	int rc;

	if (!result || bytes == 0 || bytes > INT64_MAX - page)
		return error_set(err, EINVAL, STAGE_FANOUT, "", "", "a slab cannot have %llu bytes",
		                 (unsigned long long)bytes);
	fanout = calloc(1, sizeof(*fanout));
	if (!fanout)
		return error_set(err, ENOMEM, STAGE_FANOUT, "", "", "out of memory");
	fanout->fd = -1;
	rc = make_slab(fanout, (bytes + page - 1) & ~(page - 1));
	if (rc < 0) {
		caisson_fanout_free(fanout);
		return channel_new_failed(err, rc, "fan-out", bytes);
	}
	*result = fanout;
	return 0;
}

void caisson_fanout_free(caisson_fanout *fanout) {
	if (!fanout)
		return;
	while (fanout->members > 0) {
		caisson_channel *channel = fanout->member[0];

		caisson_channel_revoke(channel);
		fanout_leave(channel);
	}
	free(fanout->member);
	memory_unmap(&fanout->memory);
	slab_destroy(&fanout->slab);
	channel_close_fd(&fanout->fd);
	free(fanout);
}

int caisson_fanout_policy(caisson_fanout *fanout, enum caisson_when_full when_full,
                          uint32_t tensors, uint32_t milliseconds, caisson_error **err) {
	if (!fanout || (when_full != CAISSON_FULL_WAIT && when_full != CAISSON_FULL_DROP_OLDEST))
		return error_set(err, EINVAL, STAGE_FANOUT, "", "",
		                 "no fan-out was given, or no such policy");
	if (fanout->members > 0)
		return error_set(err, EBUSY, STAGE_FANOUT, "", "Say it before the first member.",
		                 "the fan-out has members already");
	fanout->when_full = when_full;
	fanout->quota = tensors;
	fanout->late_ms = milliseconds;
	return 0;
}

int caisson_fanout_freeze(caisson_fanout *fanout, caisson_error **err) {
	const uint64_t bytes = fanout ? fanout->memory.size : 0;
	int rc;

	if (!fanout || fanout->frozen || fanout->members > 0)
		return error_set(err, fanout ? EBUSY : EINVAL, STAGE_FANOUT, "",
		                 "Freeze it once, before the first member.",
		                 fanout ? "the fan-out is frozen, or has members"
		                        : "no fan-out was given");
	memory_unmap(&fanout->memory);
	rc = memory_freeze(fanout->fd);
	if (memory_map(&fanout->memory, fanout->fd, bytes, false) < 0 && rc == 0)
		rc = -ENOMEM;
	fanout->frozen = true;
	if (rc < 0)
		return error_set(err, -rc, STAGE_FANOUT, "", "",
		                 "the memory could not be sealed: %s", strerror(-rc));
	return 0;
}

/* ------------------------------------------------------------------- members */

int fanout_join(caisson_fanout *fanout, caisson_channel *channel) {
	caisson_channel **more =
		realloc(fanout->member, (fanout->members + 1) * sizeof(caisson_channel *));

	if (!more)
		return -ENOMEM;
	fanout->member = more;
	fanout->member[fanout->members++] = channel;
	channel->tx.fanout = fanout;
	channel->tx.lease_ms = fanout->late_ms;
	recall_begin(channel);
	return 0;
}

void fanout_lease_over(caisson_fanout *fanout, uint16_t index) {
	if (--fanout->holders[index] == 0 && !fanout->frozen)
		slab_end(&fanout->slab, index);
}

void fanout_leave(caisson_channel *channel) {
	caisson_fanout *fanout = channel->tx.fanout;

	if (!fanout)
		return;
	for (uint16_t i = 1; i <= channel->tx.slab.count; i++)
		if (channel->tx.slab.lease[i].state == LEASE_SENT)
			channel_lease_over(channel, i);
	for (size_t i = 0; i < fanout->members; i++)
		if (fanout->member[i] == channel) {
			fanout->members--;
			memmove(fanout->member + i, fanout->member + i + 1,
			        (fanout->members - i) * sizeof(caisson_channel *));
			break;
		}
	channel->tx.fanout = NULL;
}

uint64_t caisson_fanout_missed(const caisson_channel *channel) {
	return channel ? channel->tx.missed : 0;
}

/* ---------------------------------------------------------------------- loans */

/* What members gave back, or lose because they are late or have ended. */
static void gather(caisson_fanout *fanout) {
	for (size_t i = fanout->members; i > 0; i--) {
		caisson_channel *channel = fanout->member[i - 1];

		if (bell_gone(&channel->bell))
			atomic_store(&channel->gone, true);
		if (channel_other_closed(channel) || channel_fault(channel) < 0 ||
		    channel_reclaim(channel) < 0 || channel_check_deadline(channel) < 0) {
			caisson_channel_revoke(channel);
			fanout_leave(channel);
		}
	}
}

/* Of every member the oldest tensor that it has not received: was there any? */
static bool drop_oldest(caisson_fanout *fanout) {
	bool any = false;

	for (size_t i = 0; i < fanout->members; i++)
		any |= recall_oldest(fanout->member[i]) > 0;
	return any;
}

static int loan_room(caisson_fanout *fanout, uint64_t nbytes, uint16_t *index) {
	int rc = slab_take(&fanout->slab, nbytes, index);

	if (rc != -EAGAIN)
		return rc;
	gather(fanout);
	rc = slab_take(&fanout->slab, nbytes, index);
	while (rc == -EAGAIN && fanout->when_full == CAISSON_FULL_DROP_OLDEST &&
	       drop_oldest(fanout))
		rc = slab_take(&fanout->slab, nbytes, index);
	return rc;
}

static int wait_room(caisson_fanout *fanout, uint64_t nbytes, int timeout_ms, uint16_t *index) {
	static const struct timespec pause = { .tv_nsec = 1000000 };
	const uint64_t start = channel_now_ns();
	int rc;

	for (;;) {
		rc = loan_room(fanout, nbytes, index);
		if (rc != -EAGAIN || timeout_ms == 0)
			return rc;
		if (timeout_ms > 0 && channel_now_ns() - start >= (uint64_t)timeout_ms * 1000000u)
			return -ETIMEDOUT;
		nanosleep(&pause, NULL);
	}
}

static int failed(caisson_error **err, int rc) {
	if (rc == -EMSGSIZE)
		return error_set(err, EMSGSIZE, STAGE_FANOUT, "the fan-out's size",
		                 "Ask for a larger one with caisson_fanout_new().",
		                 "the tensor is larger than the slab");
	if (rc == -ENOTSUP)
		return error_set(err, ENOTSUP, STAGE_FANOUT, "caisson_fanout_freeze()", "",
		                 "the fan-out is frozen");
	if (rc == -EAGAIN || rc == -ETIMEDOUT)
		return error_set(err, -rc, STAGE_FANOUT, "caisson_fanout_policy()",
		                 "Wait longer, or limit what a member may keep.",
		                 "members have not released enough yet");
	return error_set(err, -rc, STAGE_FANOUT, "", "", "the arguments are wrong");
}

int caisson_fanout_loan(caisson_fanout *fanout, caisson_dtype dtype, int32_t ndim,
                        const int64_t *shape, const int64_t *strides, int timeout_ms,
                        caisson_tensor *tensor, caisson_error **err) {
	int64_t spans[CAISSON_CHANNEL_MAX_NDIM];
	struct lease *lease;
	uint64_t nbytes;
	uint16_t index = 0;
	int rc;

	if (!fanout || !tensor || ndim < 0 || ndim > (int32_t)CAISSON_CHANNEL_MAX_NDIM ||
	    (ndim && !shape) || !dtype_valid(dtype))
		return failed(err, -EINVAL);
	if (fanout->frozen)
		return failed(err, -ENOTSUP);
	rc = dtype_span(dtype, ndim, shape, strides, spans, &nbytes);
	if (rc == -EOVERFLOW || (rc == 0 && nbytes > fanout->memory.size))
		rc = -EMSGSIZE;
	rc = rc ? rc : wait_room(fanout, nbytes, timeout_ms, &index);
	if (rc < 0)
		return failed(err, rc);
	lease = &fanout->slab.lease[index];
	for (int32_t i = 0; i < ndim; i++) {
		lease->shape[i] = shape[i];
		lease->strides[i] = spans[i];
	}
	lease->dtype = dtype;
	lease->ndim = ndim;
	lease->nbytes = nbytes;
	lease->strided = strides != NULL;
	lease->state = LEASE_LOANED;
	channel_describe(tensor, &fanout->slab, index, fanout->memory.base, 0, 0);
	return 0;
}

void caisson_fanout_release(caisson_fanout *fanout, caisson_tensor *tensor) {
	uint16_t index =
		fanout && tensor ? channel_lease(&fanout->slab, tensor->lease, 0, LEASE_LOANED) : 0;

	if (!index)
		return;
	/* What was frozen stays as it is, and members may still read it. */
	if (!fanout->frozen)
		slab_end(&fanout->slab, index);
	tensor->lease = 0;
	tensor->data = NULL;
}

/* ----------------------------------------------------------------------- send */

static bool has_too_many(const caisson_fanout *fanout, const caisson_channel *channel) {
	return fanout->quota && channel->tx.sent - channel->tx.over >= fanout->quota;
}

static bool send_to(caisson_fanout *fanout, caisson_channel *channel, uint16_t index,
                    uint64_t tag) {
	struct channel_tx *tx = &channel->tx;
	const struct lease *from = &fanout->slab.lease[index];
	struct lease *lease;
	uint16_t own;

	if (channel_fault(channel) < 0 || channel_other_closed(channel))
		return false;
	if ((has_too_many(fanout, channel) || !tx->slab.free) && channel_reclaim(channel) < 0)
		return false;
	while ((has_too_many(fanout, channel) || !tx->slab.free) &&
	       fanout->when_full == CAISSON_FULL_DROP_OLDEST && recall_oldest(channel) > 0)
		;
	own = has_too_many(fanout, channel) ? 0 : slab_lease(&tx->slab);
	if (!own)
		return false;
	lease = &tx->slab.lease[own];
	lease->offset = from->offset;
	lease->nbytes = from->nbytes;
	lease->ndim = from->ndim;
	lease->dtype = from->dtype;
	lease->strided = from->strided;
	lease->theirs = index;
	memcpy(lease->shape, from->shape, (size_t)from->ndim * sizeof(from->shape[0]));
	memcpy(lease->strides, from->strides, (size_t)from->ndim * sizeof(from->strides[0]));
	fanout->holders[index]++;
	channel_publish(channel, own, tag);
	return true;
}

int caisson_fanout_send(caisson_fanout *fanout, caisson_tensor *tensor, caisson_error **err) {
	uint16_t index =
		fanout && tensor ? channel_lease(&fanout->slab, tensor->lease, 0, LEASE_LOANED) : 0;
	int reached = 0;

	if (!index)
		return failed(err, -EINVAL);
	/* Ours too, so that it does not end while it is being sent. */
	fanout->holders[index]++;
	for (size_t i = 0; i < fanout->members; i++) {
		if (send_to(fanout, fanout->member[i], index, tensor->tag))
			reached++;
		else
			fanout->member[i]->tx.missed++;
	}
	if (!fanout->frozen) {
		fanout->slab.lease[index].state = LEASE_SENT;
		tensor->lease = 0;
		tensor->data = NULL;
	}
	fanout_lease_over(fanout, index);
	return reached;
}
