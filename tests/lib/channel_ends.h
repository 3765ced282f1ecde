/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the channel's criterion tests share: a host's end, and waiting. */
#ifndef CAISSON_TESTS_CHANNEL_ENDS_H
#define CAISSON_TESTS_CHANNEL_ENDS_H

#include <criterion/criterion.h>
#include <poll.h>
#include <stdbool.h>
#include <time.h>

#include "channel_peer.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define SLAB 4096u /* of a channel whose other side keeps no rule */

static inline caisson_channel *host_end(enum caisson_direction direction, uint64_t bytes) {
	caisson_channel *channel = NULL;
	caisson_error *err = NULL;
	int rc = channel_new("frames", direction, bytes, &channel, &err);

	cr_assert_eq(rc, 0, "%d: %s", rc, err ? caisson_error_text(err) : "");
	return channel;
}

/* The other side is raw access to the memory. */
static inline caisson_channel *raw_host_end(struct raw_peer *peer,
                                            enum caisson_direction direction) {
	caisson_channel *host = host_end(direction, SLAB);

	cr_assert_eq(raw_open(peer, host), 0);
	return host;
}

static inline bool readable(const caisson_channel *channel, int timeout_ms) {
	struct pollfd fd = { .fd = caisson_channel_fd(channel), .events = POLLIN };

	return poll(&fd, 1, timeout_ms) == 1 && (fd.revents & POLLIN);
}

static inline int64_t clock_ms(clockid_t clock) {
	struct timespec now;

	clock_gettime(clock, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static inline int64_t now_ms(void) {
	return clock_ms(CLOCK_MONOTONIC);
}

#endif
