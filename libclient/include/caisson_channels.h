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
	/*
	 * What the host sends is copied into the slab: the kernel has no seal against writing,
	 * or does not keep it, so that the sandbox can change what it was sent, for itself.
	 */
	CAISSON_LANE_COPY = 64,
	/*
	 * What the host sends lies on huge pages that root reserved (sysctl vm.nr_hugepages), all
	 * of which were taken when the channel was made: CAISSON_CHANNEL_HUGE.
	 */
	CAISSON_LANE_HUGETLB = 128,
	CAISSON_LANE_FROZEN = 32, /* nobody can write what comes from the host any more */
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
 * Flags of channels. HUGE: the slab that the host writes lies on reserved huge pages, if
 * there are as many in the pool, the policy grants them ("set WHO hugepages BYTES"; without
 * such a line none) and the sandbox can be kept from taking more of them by itself, which
 * needs a cgroup of its own with the controller hugetlb (docs/channels.md). If not, it is
 * ordinary memory, and caisson_channel_lane() says so. HUGE_REQUIRED: or there is an error,
 * which names what is missing. The slab that the sandbox writes is ordinary memory always.
 * For a further program caisson_add_channel_with() asks the running sandbox; of the spec of
 * one it is not known yet what sandbox that will be.
 */
#define CAISSON_CHANNEL_HUGE 1u
#define CAISSON_CHANNEL_HUGE_REQUIRED 2u

/*
 * caisson_spec_channel() with flags, of which 0 makes it the same. bytes is rounded up to
 * whole huge pages, where it comes to lie on them. After caisson_spec_cgroup(), if that is
 * called. With HUGE or HUGE_REQUIRED, -EINVAL for a channel to the host only; with the
 * second, -EACCES by policy, -ENOMEM (the pool), -EOPNOTSUPP (the kernel), and those that
 * limits have (caisson_limits.h). NULL, and caisson_spawn() reports it.
 */
caisson_channel *caisson_spec_channel_with(caisson_spec *spec, const char *name,
                                           enum caisson_direction direction, uint64_t bytes,
                                           unsigned flags);

/*
 * Make the memory of the slab that this side sends from ready, in the background,
 * so that the first tensors do not wait for the kernel to clear pages; with huge
 * pages where the system gives them on advice. In the sandbox also that of the slab
 * that it receives from: pages are charged to the cgroup of who touches them first,
 * so that a program that calls this first has both slabs on the sandbox's account. Stops before the machine or the
 * caller's cgroup has less than a sixteenth of its memory left. Once per channel,
 * by the thread that sends. -EALREADY, -ENOTSUP if this side has no such slab, -EAGAIN
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

enum caisson_when_full {
	CAISSON_FULL_WAIT = 0,       /* as in the beginning: a loan gives -EAGAIN, or waits */
	CAISSON_FULL_DROP_OLDEST = 1 /* a loan takes back what was sent and not received yet */
};

/*
 * What a loan does where there is no room. Tensors that the other side has received are
 * its own until it releases them, whatever is said here: if those leave no room, a loan
 * gives -EAGAIN or waits. Dropping begins with the oldest, and does not go back to
 * waiting. -EBUSY once a tensor is under way, -ENOTSUP if this side does not send. By the
 * thread that sends.
 */
int caisson_channel_when_full(caisson_channel *channel, enum caisson_when_full policy,
                              caisson_error **err);
/* How many tensors this side has sent and taken back. By the thread that sends. */
uint64_t caisson_channel_dropped(const caisson_channel *channel);

/*
 * Receive at most so many tensors a second, burst of them at once (0 is 1); per_second 0,
 * as in the beginning: any number. Above it caisson_recv() waits, or gives -EAGAIN with
 * tensors there: who polls then gives poll a timeout. The other side runs out of leases
 * meanwhile, and waits or drops. By the thread that receives.
 */
void caisson_channel_rate(caisson_channel *channel, uint32_t per_second, uint32_t burst);

/*
 * Channels for a program that runs. The host says before the start that there may be
 * some: the program then gets one descriptor more, on which it is offered them. The
 * host's end of it is shut for reading. 0, or what caisson_spawn() will report.
 */
int caisson_spec_late_channels(caisson_spec *spec);
/*
 * One more channel in a running sandbox, for its first program and what that started;
 * as caisson_spec_channel(), and the policy's maximum of all the sandbox's channels
 * counts. Usable at once: what is sent waits for the program to open it. Owned by box.
 * -ENOTSUP without caisson_spec_late_channels(), -EEXIST, -EPIPE if the sandbox has
 * ended, -EAGAIN if the program leaves too many offers unopened, -EACCES by policy.
 * By the thread that uses box.
 */
int caisson_add_channel(caisson_sandbox *box, const char *name, enum caisson_direction direction,
                        uint64_t bytes, caisson_channel **channel, caisson_error **err);
/*
 * The same with flags. Reserved huge pages only in a sandbox that was started with a
 * channel on them: the cgroup that keeps it from the others is there from the start.
 */
int caisson_add_channel_with(caisson_sandbox *box, const char *name,
                             enum caisson_direction direction, uint64_t bytes, unsigned flags,
                             caisson_channel **channel, caisson_error **err);
/*
 * Close a channel of a sandbox before the sandbox ends: its memory goes, the other side
 * is told (-EPIPE), its name is free again. DLPack tensors of it stay readable. Nothing
 * if it is none of box's. By the thread that uses box, and no other uses the channel.
 */
void caisson_remove_channel(caisson_sandbox *box, caisson_channel *channel);
/*
 * In the sandbox: open a channel that the host adds, waiting up to timeout_ms for it (-1:
 * without limit, 0: only look). -ETIMEDOUT (-EAGAIN if timeout_ms is 0), -ENOENT if the
 * host adds none in this sandbox, -EPIPE if it ended. caisson_channel_open() finds those
 * that were added before it is called, too. Any thread; not in a forked child of one that
 * has more than one thread.
 */
int caisson_channel_await(const char *name, int timeout_ms, caisson_channel **channel,
                          caisson_error **err);
/*
 * In the sandbox, for poll(POLLIN): readable when a channel was added. Do not read it: call
 * caisson_channel_await() with timeout 0. -1 if the host adds none.
 */
int caisson_offers_fd(void);

/*
 * End the channel now, whatever the other side does: it is told (-EPIPE), passes over what
 * it has not received yet, and calls of this side give -EPIPE. That is how leases are
 * revoked: all of a channel's at once, since a single one would have to be asked for. The
 * memory goes with the channel, and never to another one. By the thread that sends.
 */
void caisson_channel_revoke(caisson_channel *channel);
/*
 * Has the channel ended, from either side? A receiver that asks after it has used a tensor
 * of a fan-out, and is told 0, knows that the tensor was its own until then. Any thread.
 */
int caisson_channel_ended(const caisson_channel *channel);

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
