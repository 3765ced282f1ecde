/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Channels, beyond sending and receiving (caisson.h): memory made ready ahead,
 * time limits for what the other side holds, forwarding, and what is in use.
 */
#ifndef CAISSON_CHANNELS_H
#define CAISSON_CHANNELS_H

#include <stdint.h>

#include "caisson.h"

#ifdef __cplusplus
extern "C" {
#endif

#pragma GCC visibility push(default)

/* What a channel uses; a bit that is missing is a fallback. docs/channels.md explains them. */
enum caisson_lane {
	CAISSON_LANE_SEALED =
		1, /* memfds of fixed size; what one side writes is read-only for the other */
	CAISSON_LANE_NOEXEC = 2,     /* that can never be executed (Linux 6.3) */
	CAISSON_LANE_FUTEX = 4,      /* both sides wake by futex; else only by the bell */
	CAISSON_LANE_HUGE_PAGES = 8, /* the kernel took the advice to use huge pages for the slab */
	CAISSON_LANE_SPIN = 16, /* a receiver spins before it sleeps: there is more than one CPU */
	/* caisson_cuda.h; where none of them is set, tensors are in the processor's memory. */
	CAISSON_LANE_CUDA_VMM =
		1 << 16, /* one allocation on the device, exported to the other side */
	CAISSON_LANE_CUDA_POOL = 1 << 17, /* the same, from a memory pool of the channel's own */
	CAISSON_LANE_CUDA_COPY = 1
	                         << 18, /* beside another: what comes is copied before it is read */
	CAISSON_LANE_CUDA_STAGED = 1 << 19, /* copied through the processor's memory */
	CAISSON_LANE_CUDA_IPC = 1 << 20     /* the legacy interface, only where it was asked for */
};

/* Of enum caisson_lane. Any thread. FUTEX counts once the other side has opened the channel. */
uint32_t caisson_channel_lane(const caisson_channel *channel);

/*
 * Make the memory of the slab that this side sends from ready, in the background,
 * so that the first tensors do not wait for the kernel to clear pages; with huge
 * pages where the system gives them on advice. Stops before the machine or the
 * caller's cgroup has less than a sixteenth of its memory left. Once per channel,
 * by the thread that sends. -EALREADY, -ENOTSUP if this side does not send, -EAGAIN
 * if there can be no thread.
 */
int caisson_channel_prefault(caisson_channel *channel, caisson_error **err);
/*
 * How far that is: bytes that are ready, of how many there will be (may be NULL).
 * Returns 1 once it is over, be it because memory is short: then *ready stays below
 * *total. 0 while it goes on, and before it was asked for. Any thread.
 */
int caisson_channel_prefaulted(const caisson_channel *channel, uint64_t *ready, uint64_t *total);

/*
 * The other side may keep a tensor that it was sent for so many milliseconds; 0,
 * as in the beginning: for ever. It is looked at when a loan finds no room: if one
 * was kept for longer, the channel ends there as if the protocol had been broken
 * (-EPROTO), and its memory goes when it is freed. For tensors sent from then on.
 * By the thread that sends.
 */
void caisson_channel_deadline(caisson_channel *channel, uint32_t milliseconds);

/*
 * Send a received tensor on through another channel, for instance from one sandbox
 * to another: its bytes are copied once, so that what the receiver sees does not
 * change any more, with type, shape, strides and tag. tensor stays the caller's, to
 * be released. Waits up to timeout_ms for room in to. Errors are those of
 * caisson_loan_strided() and caisson_send() on to. By the thread that sends on to.
 */
int caisson_forward(const caisson_tensor *tensor, caisson_channel *to, int timeout_ms,
                    caisson_error **err);

#pragma GCC visibility pop

#ifdef __cplusplus
}
#endif

#endif
