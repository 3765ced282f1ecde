/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What caisson_channels.h adds. */
#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include "caisson_channels.h"
#include "channel_impl.h"
#include "dtype.h"
#include "error.h"

#define STAGE_PREFAULT "making memory ready"
#define STAGE_FORWARD "forwarding a tensor"

uint32_t caisson_channel_lane(const caisson_channel *channel) {
	uint32_t lane;

	if (!channel)
		return 0;
	lane = atomic_load(&channel->lane);
	if (channel_futex(channel) &&
	    (atomic_load(&channel->theirs.page->state) & CAISSON_CHANNEL_ATTACHED))
		lane |= CAISSON_LANE_FUTEX;
	if (channel->spins)
		lane |= CAISSON_LANE_SPIN;
	return lane;
}

/* A sandbox pays for both its slabs, where it is asked to. */
static void regions(const caisson_channel *channel, struct region region[2]) {
	const struct memory *tx = &channel->tx.memory, *rx = &channel->rx.memory;

	region[0] = (struct region){ tx->base, tx->base ? tx->size : 0, true };
	region[1] = (struct region){ rx->base, 0, false };
	if (rx->base && !channel->bell.host)
		region[1].bytes = rx->size;
}

int caisson_channel_prefault(caisson_channel *channel, caisson_error **err) {
	struct region region[2];
	int rc;

	if (!channel)
		return error_set(err, EINVAL, STAGE_PREFAULT, "", "", "no channel was given");
	regions(channel, region);
	if (channel->device.ops || (!region[0].bytes && !region[1].bytes))
		return channel_explain(channel, err, -ENOTSUP, STAGE_PREFAULT);
	if (channel->prefault.started)
		return error_set(err, EALREADY, STAGE_PREFAULT, "", "",
		                 "channel \"%s\": that was asked for before", channel->name);
	memcpy(channel->prefault.region, region, sizeof(region));
	if (region[0].bytes && madvise(region[0].base, region[0].bytes, MADV_HUGEPAGE) == 0)
		atomic_fetch_or(&channel->lane, CAISSON_LANE_HUGE_PAGES);
	rc = prefault_start(&channel->prefault);
	if (rc < 0)
		return error_set(err, -rc, STAGE_PREFAULT, "RLIMIT_NPROC", "",
		                 "channel \"%s\": there can be no thread for it", channel->name);
	return 0;
}

int caisson_channel_prefaulted(const caisson_channel *channel, uint64_t *ready, uint64_t *total) {
	if (ready)
		*ready = channel ? atomic_load(&channel->prefault.ready) : 0;
	if (total)
		*total = 0;
	if (total && channel) {
		struct region region[2];

		regions(channel, region);
		*total = region[0].bytes + region[1].bytes;
	}
	return channel && atomic_load(&channel->prefault.over);
}

void caisson_channel_deadline(caisson_channel *channel, uint32_t milliseconds) {
	if (channel)
		channel->tx.lease_ms = milliseconds;
}

static bool contiguous(const caisson_tensor *tensor) {
	int64_t strides[CAISSON_CHANNEL_MAX_NDIM];
	uint64_t nbytes;

	return dtype_span(tensor->dtype, tensor->ndim, tensor->shape, NULL, strides, &nbytes) ==
	               0 &&
	       memcmp(strides, tensor->strides, (size_t)tensor->ndim * sizeof(strides[0])) == 0;
}

int caisson_forward(const caisson_tensor *tensor, caisson_channel *to, int timeout_ms,
                    caisson_error **err) {
	caisson_tensor copy;
	int rc;

	if (!tensor || !to || !tensor->lease || !tensor->data)
		return error_set(err, EINVAL, STAGE_FORWARD, "", "",
		                 "no channel was given, or a tensor that was released");
	if ((tensor->lease & CHANNEL_HANDLE_DEVICE) && !to->device.ops)
		return error_set(err, ENOTSUP, STAGE_FORWARD, "",
		                 "Attach that channel to the device, or copy it to the host.",
		                 "channel \"%s\": the tensor is in a device's memory", to->name);
	rc = caisson_loan_strided(to, tensor->dtype, tensor->ndim, tensor->shape,
	                          contiguous(tensor) ? NULL : tensor->strides, timeout_ms, &copy,
	                          err);
	if (rc < 0)
		return rc;
	if (to->device.ops)
		rc = to->device.ops->copy(to, copy.data, tensor->data, copy.nbytes, err);
	else if (copy.nbytes)
		memcpy(copy.data, tensor->data, copy.nbytes);
	if (rc < 0) {
		caisson_release(to, &copy);
		return rc;
	}
	copy.tag = tensor->tag;
	rc = caisson_send(to, &copy, err);
	if (rc < 0)
		caisson_release(to, &copy);
	return rc;
}
