/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * One tensor for many sandboxes: the host writes it once, and every receiver has the same
 * memory mapped read-only. A member of a fan-out is a channel to its sandbox, which opens
 * it by name as any other; what is sent goes to all members at once. Included by whoever
 * needs it.
 *
 * A member can read everything that is sent to the fan-out as long as it has the memory
 * mapped, what was sent to others before and after included: members are those who may
 * see the same. Nothing here waits for a member longer than it is told to, and none can
 * keep the others from receiving, if the quota or a deadline is set.
 *
 * A fan-out, its members and their sandboxes are used by one thread at a time.
 */
#ifndef CAISSON_FANOUT_H
#define CAISSON_FANOUT_H

#include <stdint.h>

#include "caisson.h"
#include "caisson_channels.h"

#ifdef __cplusplus
extern "C" {
#endif

#pragma GCC visibility push(default)

typedef struct caisson_fanout caisson_fanout;

/* bytes: of the slab, rounded up to whole pages. Errors are those of caisson_spec_channel(). */
int caisson_fanout_new(uint64_t bytes, caisson_fanout **fanout, caisson_error **err);
/* Its members end (-EPIPE for them); their channels stay their sandboxes'. NULL is fine. */
void caisson_fanout_free(caisson_fanout *fanout);

/*
 * A member in a sandbox to be, or in one that runs (caisson_add_channel() has the errors).
 * It gets what is sent from then on. The channel is of use for its lane, and for
 * caisson_fanout_missed(); loans are the fan-out's.
 */
caisson_channel *caisson_spec_fanout(caisson_spec *spec, const char *name, caisson_fanout *fanout);
int caisson_add_fanout(caisson_sandbox *box, const char *name, caisson_fanout *fanout,
                       caisson_channel **channel, caisson_error **err);

/*
 * What one member may do to the others. when_full: where there is no room, wait for
 * members, or take back what they have not received. tensors: that one member may have at
 * once, 0: 256; it misses what is sent while it has as many, so that members that release
 * nothing use up no more room than theirs. milliseconds: a member that has a tensor for
 * longer, while room is short, ends; 0: never. Before the first member; -EBUSY after.
 */
int caisson_fanout_policy(caisson_fanout *fanout, enum caisson_when_full when_full,
                          uint32_t tensors, uint32_t milliseconds, caisson_error **err);

/*
 * As caisson_loan_strided(). What is waited for are releases of members. -EAGAIN or
 * -ETIMEDOUT if members have all the room.
 */
int caisson_fanout_loan(caisson_fanout *fanout, caisson_dtype dtype, int32_t ndim,
                        const int64_t *shape, const int64_t *strides, int timeout_ms,
                        caisson_tensor *tensor, caisson_error **err);
/* Give back a loan that is not to be sent. */
void caisson_fanout_release(caisson_fanout *fanout, caisson_tensor *tensor);
/*
 * To all members; never waits. Returns how many it went to: those that have ended, or as
 * many tensors as they may, miss it. The room is free again once all of them have released
 * it. In a frozen fan-out tensor stays on loan, and can be sent again, to later members.
 */
int caisson_fanout_send(caisson_fanout *fanout, caisson_tensor *tensor, caisson_error **err);
/* How many tensors this member has missed, not counting those that were taken back. */
uint64_t caisson_fanout_missed(const caisson_channel *channel);

/*
 * Nobody writes the slab any more, the host included: it unmaps it, seals it (F_SEAL_WRITE)
 * and maps it read-only; members see CAISSON_LANE_FROZEN, which the kernel vouches for.
 * For what was loaned and filled before: it is sent after that. Before the first member;
 * -EBUSY after. No loans from then on (-ENOTSUP).
 */
int caisson_fanout_freeze(caisson_fanout *fanout, caisson_error **err);

#pragma GCC visibility pop

#ifdef __cplusplus
}
#endif

#endif
