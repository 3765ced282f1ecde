/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What one side keeps for a lane: shared slabs, slabs of its own, pinned memory. */
#include <sys/mman.h>

#include "cuda_channel.h"

/*
 * Of the tensors that this side sends (tx) and receives (rx):
 *
 *   sharing lanes         tx, rx: the slabs that both map; the host makes them
 *   the same, SNAPSHOT    shared: the other side's slab; rx: memory of this side's alone
 *   staged                tx, rx: memory of this side's alone; the channel's own between
 */
static uint64_t bytes_of(const struct memory *memory) {
	return memory->base ? memory->size : 0;
}

uint64_t cuda_needs(const caisson_channel *channel, const struct cuda_state *state, uint32_t lane,
                    bool host) {
	uint64_t tx = bytes_of(&channel->tx.memory), rx = bytes_of(&channel->rx.memory);

	if (lane == CAISSON_LANE_CUDA_STAGED)
		return tx + rx;
	return (host ? tx + rx : 0) + (state->snapshot ? rx : 0);
}

/* Pinned, copies run at the bus's speed; where it cannot be, they are only slower. */
static bool pin(const struct cuda_state *state, const struct memory *memory, bool read_only) {
	unsigned flags = CU_REGISTER_PORTABLE;
	struct cuda_fault ignored;

	if (read_only && !state->device.read_only_register)
		return false;
	if (read_only)
		flags |= CU_REGISTER_READ_ONLY;
	return CU(&ignored, cuMemHostRegister, memory->base, memory->size, flags);
}

static bool make_staged(caisson_channel *channel, struct cuda_state *state,
                        struct cuda_fault *fault) {
	const struct memory *tx = &channel->tx.memory, *rx = &channel->rx.memory;

	if (tx->base && !cuda_slab_new(&state->device, &state->tx, 0, tx->size, true, fault))
		return false;
	if (rx->base && !cuda_slab_new(&state->device, &state->rx, 0, rx->size, true, fault))
		return false;
	state->pinned_tx = tx->base && pin(state, tx, false);
	state->pinned_rx = rx->base && pin(state, rx, true);
	return true;
}

static bool make_shared(caisson_channel *channel, struct cuda_state *state, uint32_t lane,
                        struct cuda_fault *fault) {
	const struct memory *tx = &channel->tx.memory, *rx = &channel->rx.memory;
	struct cuda_slab *to = state->snapshot ? &state->shared : &state->rx;

	if (tx->base && !cuda_slab_new(&state->device, &state->tx, lane, tx->size, true, fault))
		return false;
	return !rx->base || cuda_slab_new(&state->device, to, lane, rx->size, false, fault);
}

bool cuda_make(caisson_channel *channel, struct cuda_state *state, uint32_t lane, bool host,
               struct cuda_fault *fault) {
	const struct memory *rx = &channel->rx.memory;
	struct cuda_fault first;
	bool good = true;

	if (lane == CAISSON_LANE_CUDA_STAGED)
		good = make_staged(channel, state, fault);
	else if (host)
		good = make_shared(channel, state, lane, fault);
	if (good && lane != CAISSON_LANE_CUDA_STAGED && state->snapshot && rx->base)
		good = cuda_slab_new(&state->device, &state->rx, 0, rx->size, true, fault);
	if (!good) {
		first = *fault;
		cuda_unmake(channel, state);
		*fault = first;
	}
	return good;
}

void cuda_unmake(caisson_channel *channel, struct cuda_state *state) {
	struct cuda_fault ignored;

	if (state->pinned_tx)
		(void)CU(&ignored, cuMemHostUnregister, channel->tx.memory.base);
	if (state->pinned_rx)
		(void)CU(&ignored, cuMemHostUnregister, channel->rx.memory.base);
	state->pinned_tx = state->pinned_rx = false;
	cuda_slab_free(&state->device, &state->tx);
	cuda_slab_free(&state->device, &state->rx);
	cuda_slab_free(&state->device, &state->shared);
}

void cuda_adopt(caisson_channel *channel, struct cuda_state *state) {
	struct channel_device *device = &channel->device;
	uint32_t lane = state->lane | (state->snapshot ? CAISSON_LANE_CUDA_COPY : 0);

	/* The sizes that leases and slots are judged by stay the channel's. */
	device->state = state;
	device->tx = (void *)(uintptr_t)state->tx.base;
	device->rx = (void *)(uintptr_t)state->rx.base;
	device->slab = CAISSON_CUDA_SLAB;
	device->ops = &cuda_ops;
	channel->tx.slab.mark = channel->rx.slab.mark = CHANNEL_HANDLE_DEVICE;
	atomic_fetch_or(&channel->lane, lane);
}
