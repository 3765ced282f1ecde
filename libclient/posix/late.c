/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What channels through files have nothing of: those made later, and dropping what was sent. */
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

int caisson_add_channel_with(caisson_sandbox *box, const char *name,
                             enum caisson_direction direction, uint64_t bytes, unsigned flags,
                             caisson_channel **channel, caisson_error **err) {
	(void)flags;
	return caisson_add_channel(box, name, direction, bytes, channel, err);
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

/* A folder has room as long as the disk has. */
int caisson_channel_when_full(caisson_channel *channel, enum caisson_when_full policy,
                              caisson_error **err) {
	(void)channel;
	return policy == CAISSON_FULL_WAIT ? 0 : refused(err, "dropping what was sent");
}

uint64_t caisson_channel_dropped(const caisson_channel *channel) {
	(void)channel;
	return 0;
}

/* Files are taken as fast as they are asked for. */
void caisson_channel_rate(caisson_channel *channel, uint32_t per_second, uint32_t burst) {
	(void)channel, (void)per_second, (void)burst;
}
