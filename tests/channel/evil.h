/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a hostile sandbox does to a channel, one behaviour a function. Each runs
 * in a process of its own that was left with the sandbox's end and nothing else.
 */
#ifndef CAISSON_TESTS_CHANNEL_EVIL_H
#define CAISSON_TESTS_CHANNEL_EVIL_H

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#include "channel_peer.h"

/* What the host must see in the end. */
enum evil_end {
	EVIL_POISONED, /* -EPROTO: the behaviour breaks the protocol */
	EVIL_GONE,     /* -EPIPE: it ended */
	EVIL_STAYS,    /* neither: it is useless, and within the rules */
	EVIL_EITHER,   /* a race decides, but nothing else than these */
};

/* What it returns, and its process ends with. It need not return: it is killed in the end. */
#define EVIL_DONE 0
#define EVIL_LET_THROUGH 66 /* something was possible that must not be */
#define EVIL_SKIP 77        /* this kernel lacks what it needs */

struct evil {
	const char *name;
	int (*run)(struct raw_peer *peer, uint64_t argument);
	uint64_t argument;
	enum evil_end end;
};

extern const struct evil evil_objects[], evil_slots[], evil_times[]; /* ended by a name of NULL */

static inline void evil_sleep_ms(long ms) {
	const struct timespec time = { ms / 1000, ms % 1000 * 1000000 };

	nanosleep(&time, NULL);
}

/* An honest tensor of 20 bytes, as number count. */
void evil_send(struct raw_peer *peer, uint64_t count);
/* Wait for the host's tensor of that number; its lease. */
uint32_t evil_receive(struct raw_peer *peer, uint64_t count);
/* What was to be refused: EVIL_DONE if it was. */
static inline int evil_refused(bool refused) {
	return refused ? EVIL_DONE : EVIL_LET_THROUGH;
}

#endif
