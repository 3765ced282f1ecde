/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the two sides write for each other in their control pages. Everything
 * read here was written by somebody who is not trusted: each word is loaded
 * once, and the counts that say what to expect are the caller's own.
 */
#ifndef CAISSON_LIBCLIENT_RING_H
#define CAISSON_LIBCLIENT_RING_H

#include <stdbool.h>

#include "protocol/channel.h"

struct ring {
	struct caisson_channel_page *page; /* read-only if it is the other side's */
	_Atomic uint64_t *releases;
	_Atomic uint64_t *slots;
	uint32_t mask; /* number of slots, and of releases, less 1 */
};

void ring_at(struct ring *ring, void *page, uint32_t slots);

/* Publish slot as number count (from 0). The caller's leases say that there is room. */
void ring_publish(const struct ring *mine, uint64_t count, struct caisson_channel_slot *slot);
/*
 * A private copy of slot number count: 1, 0 if it is not published yet, -EPROTO
 * if its sequence number is neither that of this lap nor that of the last.
 */
int ring_take(const struct ring *theirs, uint64_t count, struct caisson_channel_slot *slot);

/* The same for releases. */
void ring_release(const struct ring *mine, uint64_t count, uint32_t lease);
int ring_reclaim(const struct ring *theirs, uint64_t count, uint32_t *lease);

/*
 * About to wait: tell the other side in one of the words of our own page. What
 * is waited for must be looked for once more after this. *count is private.
 */
void wait_arm(_Atomic uint32_t *word, uint32_t *count);
void wait_disarm(_Atomic uint32_t *word, uint32_t *count);
/* Something was published: does the other side wait for it, and was not rung for it yet? */
bool wait_wanted(const _Atomic uint32_t *word, uint32_t *rung);

#endif
