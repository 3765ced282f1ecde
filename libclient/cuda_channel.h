/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A channel's tensors in a device's memory: cuda_attach.c makes it so, cuda_use.c uses it. */
#ifndef CAISSON_LIBCLIENT_CUDA_CHANNEL_H
#define CAISSON_LIBCLIENT_CUDA_CHANNEL_H

#include "channel_impl.h"
#include "cuda_device.h"
#include "protocol/channel_cuda.h"

#define STAGE_ATTACH "attaching a channel to a CUDA device"

/* channel->device.state: it goes when the channel and all exported tensors are gone. */
struct cuda_state {
	atomic_uint references;
	pid_t owner;
	struct cuda_device device;
	uint32_t lane;             /* one of CUDA_LANES */
	bool snapshot;             /* what comes is copied from shared to rx */
	struct cuda_slab tx, rx;   /* what tensors lie in */
	struct cuda_slab shared;   /* SNAPSHOT: what the other side writes */
	bool pinned_tx, pinned_rx; /* STAGED: the channel's own memory is */
};

extern const struct device_ops cuda_ops;

/* The last reference frees everything. In a forked child nothing is freed on the device. */
void cuda_state_put(void *state);

/* In cuda_lane.c: memory for a lane, between cuda_enter() and cuda_exit(). */

/* The slabs that this side makes, all zeros, in the host those that both share. */
bool cuda_make(caisson_channel *channel, struct cuda_state *state, uint32_t lane, bool host,
               struct cuda_fault *fault);
void cuda_unmake(caisson_channel *channel, struct cuda_state *state);
/* How much of the device's memory that takes here. */
uint64_t cuda_needs(const caisson_channel *channel, const struct cuda_state *state, uint32_t lane,
                    bool host);
/* From here on tensors are in it. */
void cuda_adopt(caisson_channel *channel, struct cuda_state *state);

/* In cuda_talk.c: what the two sides say to each other. */

struct cuda_said {
	uint32_t seq, say, lane, lanes, cuda, call, result;
	uint8_t uuid[16];
	char release[17];
};

/* Those of lanes that the other side can do too, and that the two drivers can share. */
uint32_t cuda_common(uint32_t lanes, const struct cuda_said *said);

struct cuda_talk {
	caisson_channel *channel;
	uint64_t deadline; /* CLOCK_MONOTONIC, ns; UINT64_MAX: none */
	uint32_t said, heard;
	/* What is said of this side in every statement. */
	uint32_t lanes;
	const caisson_cuda_info *info; /* NULL: nothing */
};

/* What else than what is of this side: say, and what it is about. */
void cuda_say(struct cuda_talk *talk, uint32_t say, uint32_t lane, const struct cuda_fault *fault);
/* The other side's latest statement, once it is newer: 0, -ETIMEDOUT, -EPIPE. */
int cuda_hear(struct cuda_talk *talk, struct cuda_said *said);
/* Host: the offer of a lane, its descriptors borrowed. 0 or -errno. */
int cuda_offer(const struct cuda_talk *talk, uint32_t seq, uint32_t lane,
               const struct cuda_slab *to_host, const struct cuda_slab *to_sandbox,
               const struct cuda_export export[2]);
/*
 * Sandbox: the offer that answers the request just said, with its descriptors in
 * fd[0] (to host) and fd[1]; or what the host said instead: 1. What else arrives
 * meanwhile is dropped, and its descriptors are closed. -EPROTO, -ETIMEDOUT, -EPIPE.
 */
int cuda_take_offer(struct cuda_talk *talk, struct caisson_cuda_offer *offer, int fd[2],
                    struct cuda_said *instead);

#endif
