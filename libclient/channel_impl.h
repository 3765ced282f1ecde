/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A channel from within: handshake.c makes and ends one, channel.c uses it. */
#ifndef CAISSON_LIBCLIENT_CHANNEL_IMPL_H
#define CAISSON_LIBCLIENT_CHANNEL_IMPL_H

#include <stdatomic.h>
#include <stdbool.h>
#include <sys/types.h>

#include "bell.h"
#include "channel.h"
#include "device.h"
#include "memory.h"
#include "prefault.h"
#include "ring.h"
#include "slab.h"

#define CHANNEL_SLOTS 256u
#define CHANNEL_GENERATION 1u

/* What only the thread that sends touches. */
struct channel_tx {
	struct slab slab;
	struct memory memory; /* not mapped: this side does not send */
	uint64_t sent;
	uint64_t reclaimed;
	uint32_t rung;      /* the other side's data_wait that was answered */
	uint32_t room_wait; /* count of our own word */
	uint64_t out_bytes; /* of the slab, sent and not yet reclaimed */
	uint64_t lease_ms;  /* the other side may keep a tensor for so long; 0: for ever */
};

/* What only the thread that receives touches. */
struct channel_rx {
	struct slab slab;     /* leases only, no room */
	struct memory memory; /* not mapped: this side does not receive */
	uint64_t taken;
	uint64_t released;
	uint32_t rung;      /* the other side's room_wait that was answered */
	uint32_t data_wait; /* count of our own word */
	uint64_t spin_ns;
	struct keeper *keeper; /* of tensors that were exported; NULL: none was */
	bool met;              /* the other side's version was looked at */
};

struct caisson_channel {
	char name[CHANNEL_NAME_MAX + 1];
	enum caisson_direction direction;
	pid_t owner;
	uint16_t generation; /* of the slabs */
	int peer;            /* host: the sandbox's end of the socket, until it is started */
	bool spins;
	atomic_bool no_futex; /* futex(2) is refused to this side */
	struct bell bell;
	struct memory my_page, their_page;
	struct ring mine, theirs;
	_Atomic uint32_t lane; /* enum caisson_lane, what does not change */
	struct prefault prefault;
	struct channel_device device;
	_Atomic(const char *) fault; /* how the other side broke the protocol, or NULL */
	atomic_bool gone;            /* the other side is */
	_Alignas(128) struct channel_tx tx;
	_Alignas(128) struct channel_rx rx;
};

/* caisson_tensor.lease: the lease's generation above, then which side, then its index. */
#define CHANNEL_HANDLE_RECEIVED (1u << 16)
#define CHANNEL_HANDLE_DEVICE (1u << 17) /* its data is an address of a device's */
#define STAGE_LOAN "loaning a tensor"

/* In channel.c, for both directions. */

/* The other side broke the protocol: nothing it says counts any more. -EPROTO. */
int channel_poison(caisson_channel *channel, const char *fault);
bool channel_other_closed(caisson_channel *channel);
/* Do both sides have futex(2)? */
bool channel_futex(const caisson_channel *channel);
uint64_t channel_now_ns(void);
/* caisson_release() and caisson_send() of tensors that the device is done with. */
void channel_release(caisson_channel *channel, caisson_tensor *tensor);
int channel_send(caisson_channel *channel, caisson_tensor *tensor, caisson_error **err);
/* A received tensor, by its handle; nothing if it is not held (any more). */
void channel_give_back(caisson_channel *channel, uint64_t handle);
/* Around what the receiving thread does with leases: others give back exported tensors. */
void channel_rx_lock(caisson_channel *channel);
void channel_rx_unlock(caisson_channel *channel);
/* The error object for rc, if err is not NULL; returns rc. */
int channel_explain(const caisson_channel *channel, caisson_error **err, int rc, const char *stage);
/* The lease that a tensor's handle speaks of, or 0 if there is none such (any more). */
uint16_t channel_lease(const struct slab *slab, uint64_t handle, uint32_t side, int state);
void channel_describe(caisson_tensor *tensor, const struct slab *slab, uint16_t index, void *data,
                      uint32_t side, uint64_t tag);

/* In handshake.c, for both sides. */
caisson_channel *channel_alloc(const char *name, bool host);
/* Once all memory is mapped: the rings and the lease tables; says that this side is attached. */
int channel_sides(caisson_channel *channel, uint32_t slots, uint64_t tx_bytes);
void channel_destroy(caisson_channel *channel);
bool channel_carries(const caisson_channel *channel, bool to_host);
/* -1 afterwards, and if it is -1 nothing happens. */
void channel_close_fd(int *fd);

#endif
