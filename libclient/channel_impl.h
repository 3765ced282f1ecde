/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A channel from within: handshake.c makes and ends one, channel.c uses it. */
#ifndef CAISSON_LIBCLIENT_CHANNEL_IMPL_H
#define CAISSON_LIBCLIENT_CHANNEL_IMPL_H

#include <stdatomic.h>
#include <stdbool.h>
#include <sys/types.h>

#include "bell.h"
#include "caisson_fanout.h"
#include "channel.h"
#include "device.h"
#include "memory.h"
#include "prefault.h"
#include "ring.h"
#include "slab.h"

#define CHANNEL_SLOTS 256u
#define CHANNEL_GENERATION 1u
#define CHANNEL_CALLS 256u /* requests whose replies are out; number 0 is none */

/* What only the thread that sends touches. */
struct channel_tx {
	struct slab slab;
	struct memory memory; /* not mapped: this side does not send */
	struct memory shared; /* mapped: it could be written there, and memory is this side's own */
	uint64_t sent;
	uint64_t reclaimed;
	uint32_t rung;      /* the other side's data_wait that was answered */
	uint32_t room_wait; /* count of our own word */
	uint64_t out_bytes; /* of the slab, sent and not yet reclaimed */
	uint64_t lease_ms;  /* the other side may keep a tensor for so long; 0: for ever */
	bool drops;         /* where there is no room, what was not taken is taken back */
	uint64_t recalled;  /* numbers below were taken back, or taken */
	uint64_t announced; /* the other side's word that was seen last */
	uint64_t dropped;
	caisson_fanout *fanout; /* whose member this is: the leases count for its own, by theirs */
	uint64_t over;          /* leases that were sent and have ended */
	uint64_t missed;        /* tensors of the fan-out */
	uint32_t order[CHANNEL_SLOTS]; /* which lease a number was sent with, if drops is set */
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
	uint64_t interval_ns;  /* between tensors, in the long run; 0: any */
	uint64_t burst_ns, due_ns;
	caisson_tensor *kept; /* received while something else was waited for */
	size_t kept_n;
	bool met; /* the other side's version was looked at */
};

struct caisson_channel {
	char name[CHANNEL_NAME_MAX + 1];
	enum caisson_direction direction;
	pid_t owner;
	uint16_t generation; /* of the slabs */
	int peer;            /* host: the sandbox's end of the socket, until it is started */
	bool spins;
	bool huge;            /* host: tx.memory lies on reserved huge pages */
	bool copies;          /* the seal against writing is not to be had */
	atomic_bool no_futex; /* futex(2) is refused to this side */
	struct bell bell;
	struct memory my_page, their_page;
	struct ring mine, theirs;
	_Atomic uint32_t call[CHANNEL_CALLS]; /* calls.c */
	_Atomic uint32_t lane;                /* enum caisson_lane, what does not change */
	struct prefault prefault;
	struct channel_device device;
	_Atomic(const char *) fault; /* how the other side broke the protocol, or NULL */
	atomic_bool gone;            /* the other side is */
	atomic_bool revoked;         /* by this side */
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
/* Is there an end to all calls: 0, -EPROTO, or -EPIPE. */
int channel_fault(const caisson_channel *channel);
/* What was sent with it is this side's again. */
void channel_lease_over(caisson_channel *channel, uint16_t index);
/* Do both sides have futex(2)? */
bool channel_futex(const caisson_channel *channel);
uint64_t channel_now_ns(void);
/* caisson_release() and caisson_send() of tensors that the device is done with. */
void channel_release(caisson_channel *channel, caisson_tensor *tensor);
int channel_send(caisson_channel *channel, caisson_tensor *tensor, caisson_error **err);
/* A received tensor, by its handle; nothing if it is not held (any more). */
void channel_give_back(caisson_channel *channel, uint64_t handle);
/* In recv.c: whatever comes, replies too. */
int channel_receive(caisson_channel *channel, caisson_tensor *tensor, int timeout_ms);
/* In send.c: something was published, or can be taken now. */
void channel_wake_receiver(caisson_channel *channel);
/* Take back what was released; end the channel if something was not in time: 0, -EPROTO. */
int channel_reclaim(caisson_channel *channel);
int channel_check_deadline(caisson_channel *channel);
/* A lease that is filled in goes out, and is SENT. */
void channel_publish(caisson_channel *channel, uint16_t index, uint64_t tag);
/* Around what the receiving thread does with leases: others give back exported tensors. */
void channel_rx_lock(caisson_channel *channel);
void channel_rx_unlock(caisson_channel *channel);
/* The error object for rc, if err is not NULL; returns rc. */
int channel_explain(const caisson_channel *channel, caisson_error **err, int rc, const char *stage);
/* The lease that a tensor's handle speaks of, or 0 if there is none such (any more). */
uint16_t channel_lease(const struct slab *slab, uint64_t handle, uint32_t side, int state);
void channel_describe(caisson_tensor *tensor, const struct slab *slab, uint16_t index, void *data,
                      uint32_t side, uint64_t tag);

/* In handshake.c: why there is no memory, or no descriptor. */
int channel_new_failed(caisson_error **err, int rc, const char *name, uint64_t bytes);
/* In handshake.c, for both sides. */
caisson_channel *channel_alloc(const char *name, bool host);
/* Once all memory is mapped: the rings and the lease tables; says that this side is attached. */
int channel_sides(caisson_channel *channel, uint32_t slots, uint64_t tx_bytes);
void channel_destroy(caisson_channel *channel);
bool channel_carries(const caisson_channel *channel, bool to_host);

#endif
