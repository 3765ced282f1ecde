/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Waking the other side, without ever depending on it. The host rings by
 * sending on the channel's socket, the sandbox by adding to an eventfd;
 * docs/protocol/channel.md says why these two.
 */
#ifndef CAISSON_LIBCLIENT_BELL_H
#define CAISSON_LIBCLIENT_BELL_H

#include <stdbool.h>

struct bell {
	bool host;
	int socket; /* our end; the host only sends on it, the sandbox only receives */
	int event;  /* eventfd; the sandbox only writes to it, the host does neither */
	int wait;   /* to poll: the host's epoll, the sandbox's socket */
};

enum bell_result {
	BELL_RANG = 1,
	BELL_GONE = 2, /* the other side's end of the socket is closed */
};

/* The host's: make bell->wait. */
int bell_host_init(struct bell *bell);
void bell_ring(const struct bell *bell);
/* Wait and take what was rung. Bits of enum bell_result; 0 after timeout_ms. */
int bell_wait(const struct bell *bell, int timeout_ms);
/* Is the other side gone? Leaves what was rung. */
bool bell_gone(const struct bell *bell);

#endif
