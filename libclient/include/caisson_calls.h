/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Requests and replies on a channel of CAISSON_BOTH: any side may ask, several requests
 * may be under way, and replies come in any order. Included by whoever needs it.
 *
 * All of it is called by the thread that receives, which then is the one that sends too.
 */
#ifndef CAISSON_CALLS_H
#define CAISSON_CALLS_H

#include <stdbool.h>
#include <stdint.h>

#include "caisson.h"

#ifdef __cplusplus
extern "C" {
#endif

#pragma GCC visibility push(default)

/*
 * Send a loaned tensor as a request; *call names it. As caisson_send(), and -EAGAIN if 255
 * requests wait for their replies, -ENOTSUP if the channel goes one way.
 */
int caisson_request(caisson_channel *channel, caisson_tensor *tensor, uint32_t *call,
                    caisson_error **err);
/*
 * The reply to that request, waiting up to timeout_ms; errors of caisson_recv(), and -ENOENT
 * if no such request waits for one. What else comes meanwhile is kept, and caisson_recv()
 * and caisson_recv_reply() give it later. caisson_recv() gives no replies.
 */
int caisson_recv_reply(caisson_channel *channel, uint32_t call, caisson_tensor *tensor,
                       int timeout_ms, caisson_error **err);
/* Nobody waits for that reply any more: if it comes, it is released unseen. */
void caisson_give_up(caisson_channel *channel, uint32_t call);

/* Is this a request, received and not replied to yet? */
bool caisson_is_request(const caisson_channel *channel, const caisson_tensor *tensor);
/*
 * Send a loaned tensor as the reply to request, which was received and is not released yet,
 * and stays so. As caisson_send(); -EINVAL if it is no such request. The asker ends the
 * channel (-EPROTO for it) over a reply that it did not ask for, which this cannot send.
 */
int caisson_reply(caisson_channel *channel, const caisson_tensor *request, caisson_tensor *tensor,
                  caisson_error **err);

#pragma GCC visibility pop

#ifdef __cplusplus
}
#endif

#endif
