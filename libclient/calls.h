/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Requests and replies, as the receiving half sees them. */
#ifndef CAISSON_LIBCLIENT_CALLS_H
#define CAISSON_LIBCLIENT_CALLS_H

#include "caisson_calls.h"
#include "channel_impl.h"

/* Of a tensor that came: which rule it breaks, or NULL; unwanted: a reply that was given up. */
const char *calls_came(caisson_channel *channel, const struct lease *lease, bool *unwanted);
/* A tensor that is no reply and came while one was waited for. */
bool calls_kept(caisson_channel *channel, caisson_tensor *tensor);
/* For later: 0 or -ENOMEM. */
int calls_keep(caisson_channel *channel, const caisson_tensor *tensor);
/* Of a tensor that was just received. */
static inline bool calls_is_reply(const caisson_channel *channel, const caisson_tensor *tensor) {
	return channel->rx.slab.lease[(uint16_t)tensor->lease].kind == CAISSON_SLOT_REPLY;
}

#endif
