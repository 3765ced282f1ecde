/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The receiver's limit on tensors in a time. */
#ifndef CAISSON_LIBCLIENT_RATE_H
#define CAISSON_LIBCLIENT_RATE_H

#include "channel_impl.h"

/* Sleeps until the next may be taken, and takes that off the time: 0, -EAGAIN, -ETIMEDOUT. */
int rate_wait(const caisson_channel *channel, int *timeout_ms);
/* One was taken. */
void rate_count(caisson_channel *channel);

#endif
