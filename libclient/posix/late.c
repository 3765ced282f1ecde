/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Channels that are made while the program runs: not through files. */
#include "posix.h"

#include <errno.h>

#include "caisson_channels.h"

#define STAGE "a channel through files"

static int refused(caisson_error **err, const char *what) {
	return error_set(err, ENOTSUP, STAGE, "", "use Linux, or ask for the channel before",
	                 "%s takes sockets that carry descriptors", what);
}

int caisson_spec_late_channels(caisson_spec *spec) {
	(void)spec;
	return -ENOTSUP;
}

int caisson_add_channel(caisson_sandbox *box, const char *name, enum caisson_direction direction,
                        uint64_t bytes, caisson_channel **channel, caisson_error **err) {
	(void)box, (void)name, (void)direction, (void)bytes, (void)channel;
	return refused(err, "caisson_add_channel()");
}

/* It is the sandbox's until that ends. */
void caisson_remove_channel(caisson_sandbox *box, caisson_channel *channel) {
	(void)box, (void)channel;
}

int caisson_channel_await(const char *name, int timeout_ms, caisson_channel **channel,
                          caisson_error **err) {
	(void)name, (void)timeout_ms, (void)channel;
	return refused(err, "caisson_channel_await()");
}

int caisson_offers_fd(void) {
	return -1;
}
