/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * How the two sides of a channel agree on memory of a CUDA device. This is ABI:
 * docs/protocol/channel.md explains it. The words below lie in the last line of
 * each control page's head, so that each has one writer; descriptors go from the host
 * to the sandbox only, in one message, after the sandbox has asked for them.
 */
#ifndef CAISSON_PROTOCOL_CHANNEL_CUDA_H
#define CAISSON_PROTOCOL_CHANNEL_CUDA_H

#include <stdatomic.h>
#include <stdint.h>

#include "channel.h"

#define CAISSON_CUDA_MAGIC 0x3141445543534943ull /* "CISCUDA1" */
#define CAISSON_CUDA_SLAB 1u                     /* caisson_channel_slot.slab of such a tensor */

enum caisson_cuda_say {
	CAISSON_CUDA_ANNOUNCE = 1, /* host: this device, these lanes; ask for one */
	CAISSON_CUDA_REQUEST = 2,  /* sandbox: that lane */
	CAISSON_CUDA_OFFER = 3,    /* host: it lies in the message on the socket */
	CAISSON_CUDA_ATTACHED = 4, /* sandbox: mapped; from now on tensors are in it */
	CAISSON_CUDA_FAILED = 5,   /* sandbox: it could not be had, for call and result */
	CAISSON_CUDA_REFUSED = 6,  /* either: nothing will come of it; result says why */
};

/* result of REFUSED */
enum caisson_cuda_refusal {
	CAISSON_CUDA_NO_DRIVER = 1, /* no CUDA, or it is switched off */
	CAISSON_CUDA_NO_DEVICE = 2, /* it does not see that device */
	CAISSON_CUDA_NO_LANE = 3,   /* no lane is left that both may use */
	CAISSON_CUDA_CHECKS = 4,    /* compute mode, memory, or the driver */
};

/* Statement number n has seq n, which is stored last; a side speaks after it has heard the other. */
struct caisson_channel_cuda {
	_Atomic uint32_t seq;
	_Atomic uint32_t say;   /* enum caisson_cuda_say */
	_Atomic uint32_t lane;  /* one of enum caisson_lane */
	_Atomic uint32_t lanes; /* bits of it: what the writer may use */
	_Atomic uint32_t cuda;  /* version of the writer's driver: 12040 is 12.4 */
	_Atomic uint32_t call;  /* FAILED: in the order of the writer's library */
	_Atomic uint32_t result;
	_Atomic uint32_t reserved32;
	_Atomic uint64_t uuid[2];    /* of the device */
	_Atomic uint64_t release[2]; /* of the writer's kernel driver, text; 0: unknown */
};
_Static_assert(sizeof(struct caisson_channel_cuda) == 64, "channel ABI");

#define CAISSON_CUDA_AT                                                                            \
	(sizeof(struct caisson_channel_page) - sizeof(struct caisson_channel_cuda)) /* 448 */

/* The message that carries an offer, with 0 to 2 descriptors: to host, to sandbox. */
struct caisson_cuda_offer {
	uint64_t magic;
	uint32_t size; /* of this message */
	uint32_t seq;  /* of the REQUEST that it answers */
	uint32_t lane;
	uint32_t fds;
	uint64_t to_host_bytes; /* to map; 0: this direction is not carried, or not shared */
	uint64_t to_sandbox_bytes;
	uint8_t to_host[64]; /* POOL, IPC: the pointer's handle */
	uint8_t to_sandbox[64];
	uint64_t reserved[10];
};
_Static_assert(sizeof(struct caisson_cuda_offer) == 248, "channel ABI");

#endif
