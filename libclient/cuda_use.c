/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Sending, receiving and giving back where tensors lie in a device's memory. */
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "cuda_channel.h"
#include "cuda_dlpack.h"
#include "error.h"

#define STAGE_COPY "copying a tensor on a CUDA device"

static struct cuda_state *state_of(const caisson_channel *channel) {
	return channel->device.state;
}

static int failed(const caisson_channel *channel, const struct cuda_fault *fault,
                  caisson_error **err) {
	return cuda_failed(err, fault, STAGE_COPY, channel->name);
}

void cuda_state_put(void *pointer) {
	struct cuda_state *state = pointer;
	if (atomic_fetch_sub(&state->references, 1) != 1)
		return;
	if (state->owner == getpid() && state->device.context) {
		if (cuda_enter_to_free(&state->device)) {
			cuda_slab_free(&state->device, &state->tx);
			cuda_slab_free(&state->device, &state->rx);
			cuda_slab_free(&state->device, &state->shared);
			cuda_exit();
		}
		cuda_close(&state->device);
	}
	free(state);
}

static void *get(caisson_channel *channel, int32_t *device) {
	struct cuda_state *state = state_of(channel);

	atomic_fetch_add(&state->references, 1);
	*device = state->device.ordinal;
	return state;
}

static void sync_all(void *pointer) {
	const struct cuda_state *state = pointer;
	struct cuda_fault ignored;

	if (!cuda_enter(&state->device, &ignored))
		return;
	(void)CU(&ignored, cuCtxSynchronize);
	cuda_exit();
}

static void leave(caisson_channel *channel) {
	struct cuda_state *state = state_of(channel);
	struct cuda_fault ignored;

	/* The channel's own memory is about to be unmapped; the device's goes with its last user. */
	if (cuda_enter_to_free(&state->device)) {
		(void)CU(&ignored, cuCtxSynchronize);
		if (state->pinned_tx)
			(void)CU(&ignored, cuMemHostUnregister, channel->tx.memory.base);
		if (state->pinned_rx)
			(void)CU(&ignored, cuMemHostUnregister, channel->rx.memory.base);
		cuda_exit();
	}
	state->pinned_tx = state->pinned_rx = false;
	channel->device.ops = NULL;
	channel->device.state = NULL;
	cuda_state_put(state);
}

/* ---------------------------------------------------------------------------- send */

static uint64_t offset_in(const struct cuda_slab *slab, const caisson_tensor *tensor) {
	return (uint64_t)(uintptr_t)tensor->data - slab->base;
}

/* On the device it is complete: for the staged lane, bring it to the channel's own memory. */
static bool stage_out(const caisson_channel *channel, const struct cuda_state *state,
                      const caisson_tensor *tensor, struct cuda_fault *fault) {
	char *to = channel->tx.memory.base;

	if (state->lane != CAISSON_LANE_CUDA_STAGED || tensor->nbytes == 0)
		return true;
	to += offset_in(&state->tx, tensor);
	return CU(fault, cuMemcpyDtoHAsync, to, (cu_ptr)(uintptr_t)tensor->data, tensor->nbytes,
	          state->device.stream) &&
	       CU(fault, cuStreamSynchronize, state->device.stream);
}

/* stream NULL: all of the context's. The tensor is a loan of this channel's. */
static int complete(caisson_channel *channel, const caisson_tensor *tensor, bool wait,
                    cu_stream stream, caisson_error **err) {
	const struct cuda_state *state = state_of(channel);
	struct cuda_fault fault;
	uint16_t index = channel_lease(&channel->tx.slab, tensor->lease, 0, LEASE_LOANED);
	caisson_tensor own;
	bool good;

	if (!index)
		return 0; /* sending it says what is wrong */
	/* By the lease: what the tensor says now is the caller's, who may have changed it. */
	channel_describe(&own, &channel->tx.slab, index, channel->device.tx, 0, 0);
	good = cuda_enter(&state->device, &fault);
	if (!good)
		return failed(channel, &fault, err);
	if (wait)
		good = stream ? CU(&fault, cuStreamSynchronize, stream)
		              : CU(&fault, cuCtxSynchronize);
	good = good && stage_out(channel, state, &own, &fault);
	cuda_exit();
	return good ? 0 : failed(channel, &fault, err);
}

static int before_send(caisson_channel *channel, const caisson_tensor *tensor,
                       caisson_error **err) {
	return complete(channel, tensor, true, NULL, err);
}

static int check_stream(const caisson_channel *channel, caisson_cuda_stream stream,
                        const char *stage, caisson_error **err) {
	if (!channel || !channel->device.ops)
		return error_set(err, EINVAL, stage, "", "Call caisson_cuda_attach() first.",
		                 "no channel was given, or it is not attached to a CUDA device");
	if (stream == 0 || stream < CAISSON_CUDA_STREAM_NONE)
		return error_set(err, EINVAL, stage, "",
		                 "Use 1 for the legacy default stream, 2 for the thread's.",
		                 "channel \"%s\": %lld is no stream", channel->name,
		                 (long long)stream);
	return 0;
}

int cuda_check_stream(const caisson_channel *channel, caisson_cuda_stream stream,
                      caisson_error **err) {
	return check_stream(channel, stream, STAGE_COPY, err);
}

/* DLPack's numbers are the driver's own handles, 1 and 2 included. */
cu_stream cuda_stream_of(caisson_cuda_stream stream) {
	return (cu_stream)(uintptr_t)stream;
}

int caisson_cuda_send(caisson_channel *channel, caisson_tensor *tensor, caisson_cuda_stream stream,
                      caisson_error **err) {
	int rc = check_stream(channel, stream, "sending a tensor", err);

	if (rc < 0)
		return rc;
	if (!tensor)
		return error_set(err, EINVAL, "sending a tensor", "", "", "no tensor was given");
	rc = complete(channel, tensor, stream != CAISSON_CUDA_STREAM_NONE, cuda_stream_of(stream),
	              err);
	return rc < 0 ? rc : channel_send(channel, tensor, err);
}

/* ------------------------------------------------------------------------- receive */

static int after_recv(caisson_channel *channel, const caisson_tensor *tensor, caisson_error **err) {
	const struct cuda_state *state = state_of(channel);
	bool staged = state->lane == CAISSON_LANE_CUDA_STAGED;
	const char *from = channel->rx.memory.base;
	struct cuda_fault fault;
	uint64_t offset;
	bool good;

	if (tensor->nbytes == 0 || !(staged || state->snapshot))
		return 0;
	offset = offset_in(&state->rx, tensor);
	if (!cuda_enter(&state->device, &fault))
		return failed(channel, &fault, err);
	if (staged)
		good = CU(&fault, cuMemcpyHtoDAsync, state->rx.base + offset, from + offset,
		          tensor->nbytes, state->device.stream);
	else
		good = CU(&fault, cuMemcpyDtoDAsync, state->rx.base + offset,
		          state->shared.base + offset, tensor->nbytes, state->device.stream);
	good = good && CU(&fault, cuStreamSynchronize, state->device.stream);
	cuda_exit();
	return good ? 0 : failed(channel, &fault, err);
}

static void before_release(caisson_channel *channel) {
	sync_all(state_of(channel));
}

int caisson_cuda_release(caisson_channel *channel, caisson_tensor *tensor,
                         caisson_cuda_stream stream, caisson_error **err) {
	struct cuda_fault fault;
	int rc = check_stream(channel, stream, "releasing a tensor", err);

	if (rc < 0)
		return rc;
	if (!tensor)
		return error_set(err, EINVAL, "releasing a tensor", "", "", "no tensor was given");
	if (stream != CAISSON_CUDA_STREAM_NONE) {
		bool good = cuda_enter(&state_of(channel)->device, &fault);

		if (good) {
			good = CU(&fault, cuStreamSynchronize, cuda_stream_of(stream));
			cuda_exit();
		}
		if (!good)
			return failed(channel, &fault, err);
	}
	channel_release(channel, tensor);
	return 0;
}

/* ------------------------------------------------------------------------- forward */

static int copy(caisson_channel *channel, void *to, const void *from, size_t bytes,
                caisson_error **err) {
	const struct cuda_state *state = state_of(channel);
	struct cuda_fault fault;
	bool good;

	if (bytes == 0)
		return 0;
	if (!cuda_enter(&state->device, &fault))
		return failed(channel, &fault, err);
	good = CU(&fault, cuMemcpyAsync, (cu_ptr)(uintptr_t)to, (cu_ptr)(uintptr_t)from, bytes,
	          state->device.stream) &&
	       CU(&fault, cuStreamSynchronize, state->device.stream);
	cuda_exit();
	return good ? 0 : failed(channel, &fault, err);
}

static int loan_dlpack(caisson_channel *channel, const caisson_dl_managed *from, int timeout_ms,
                       caisson_tensor *tensor, caisson_error **err) {
	/* It is not known which stream it was made on. */
	before_release(channel);
	return caisson_cuda_loan_dlpack(channel, from, CAISSON_CUDA_STREAM_NONE, timeout_ms, tensor,
	                                err);
}

const struct device_ops cuda_ops = {
	.before_send = before_send,
	.after_recv = after_recv,
	.before_release = before_release,
	.copy = copy,
	.get = get,
	.sync = sync_all,
	.put = cuda_state_put,
	.loan_dlpack = loan_dlpack,
	.leave = leave,
};
