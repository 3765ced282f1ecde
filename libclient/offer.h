/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A channel as the host offers it to a program in the sandbox. */
#ifndef CAISSON_LIBCLIENT_OFFER_H
#define CAISSON_LIBCLIENT_OFFER_H

#include <stdbool.h>

#include "caisson.h"
#include "protocol/channel.h"

#define STAGE_OPEN "opening a channel"
/* In CHANNEL_ENV: the socket on which channels are offered later. No channel has such a name. */
#define CHANNEL_OFFERS "+"

struct offer {
	struct caisson_channel_hello hello;
	int fd[CAISSON_CHANNEL_FDS]; /* -1: not carried */
	int socket;                  /* of the channel */
};

/*
 * The next message of fd, without waiting: 0, -EAGAIN, -EPIPE, -EPROTO, -EMFILE. late:
 * the channel's socket comes along; else it is fd itself, and not set here.
 */
int offer_receive(int fd, struct offer *offer, bool late);
void offer_close(struct offer *offer);

/* The end of an offer that was received with rc: a channel, or nothing is left of it. */
int channel_attach(const char *name, struct offer *offer, int rc, caisson_channel **result,
                   caisson_error **err);

/* Where this program is offered channels, or -1. */
int channel_offers_socket(void);
/*
 * offers.c: the offer of that name, of all that came so far or come in timeout_ms
 * (-1: without limit). -EAGAIN if it did not come, -EPIPE if it cannot any more,
 * -ENOENT if none is ever offered here. Any thread.
 */
int offers_take(const char *name, int timeout_ms, struct offer *offer);

#endif
