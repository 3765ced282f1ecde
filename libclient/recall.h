/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Tensors that were sent and not taken are taken back: both sides' part in it. */
#ifndef CAISSON_LIBCLIENT_RECALL_H
#define CAISSON_LIBCLIENT_RECALL_H

#include "channel_impl.h"

/*
 * Sender: the oldest tensor that the receiver has not taken is the sender's again: 1,
 * 0 if there is none, or the receiver is just about it; -EPROTO.
 */
int recall_oldest(caisson_channel *channel);

/* Sender: from here on, nothing being under way. */
void recall_begin(caisson_channel *channel);

/* Does the other side take tensors back? Asked after its slot was looked at. */
static inline bool recall_on(const caisson_channel *channel) {
	return atomic_load_explicit(&channel->theirs.page->recall, memory_order_acquire) != 0;
}
/*
 * Receiver, of such a sender: announce the next tensor, past those that were taken back.
 * 1: it is this side's now, and may be copied; 0: there is none, or that is not decided.
 */
int recall_heed(caisson_channel *channel);
/* Once it was counted as taken. */
void recall_took(caisson_channel *channel);

#endif
