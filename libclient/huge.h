/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Channels on reserved huge pages. Whoever has a memfd of them can map it privately, and
 * each such mapping takes as many pages of the pool again: the policy's maximum would mean
 * nothing. So a sandbox has such a channel only if a cgroup keeps it from taking any.
 */
#ifndef CAISSON_LIBCLIENT_HUGE_H
#define CAISSON_LIBCLIENT_HUGE_H

#include "channel.h"
#include "internal.h"

/* Where the channel is to be: in a sandbox to be, or in one that runs. */
struct huge_place {
	const caisson_spec *spec;   /* or NULL */
	const caisson_sandbox *box; /* or NULL */
};

/*
 * As channel_make(), with CAISSON_CHANNEL_HUGE or _REQUIRED or none of them: whether it
 * becomes one on huge pages is decided here.
 */
int huge_make(struct channel_wish *wish, unsigned flags, const struct huge_place *place,
              caisson_channel **channel, caisson_error **err);
/* A further program's channels: may box have them? 0 also if none is on huge pages. */
int huge_check(const caisson_sandbox *box, const caisson_spec *more, caisson_error **err);

#endif
