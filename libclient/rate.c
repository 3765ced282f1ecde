/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* How many tensors in what time a side takes at most: the other fills its leases, and waits. */
#include "rate.h"

#include <errno.h>
#include <time.h>

#include "caisson_channels.h"

#define SECOND_NS 1000000000u

void caisson_channel_rate(caisson_channel *channel, uint32_t per_second, uint32_t burst) {
	struct channel_rx *rx = channel ? &channel->rx : NULL;

	if (!rx)
		return;
	rx->interval_ns = per_second ? (SECOND_NS + per_second - 1) / per_second : 0;
	rx->burst_ns = rx->interval_ns * (burst > 1 ? burst - 1 : 0);
	rx->due_ns = 0;
}

/* How long until the next may be taken. */
static uint64_t wait_ns(const struct channel_rx *rx) {
	const uint64_t now = channel_now_ns();
	const uint64_t from = rx->due_ns > rx->burst_ns ? rx->due_ns - rx->burst_ns : 0;

	return from > now ? from - now : 0;
}

static void sleep_ns(uint64_t ns) {
	const struct timespec time = { (time_t)(ns / SECOND_NS), (long)(ns % SECOND_NS) };

	nanosleep(&time, NULL);
}

int rate_wait(const caisson_channel *channel, int *timeout_ms) {
	uint64_t wait = wait_ns(&channel->rx), limit;

	if (wait == 0)
		return 0;
	if (*timeout_ms == 0)
		return -EAGAIN;
	limit = (uint64_t)*timeout_ms * 1000000u;
	if (*timeout_ms > 0 && wait > limit) {
		sleep_ns(limit);
		return -ETIMEDOUT;
	}
	sleep_ns(wait);
	if (*timeout_ms > 0)
		*timeout_ms -= (int)(wait / 1000000u);
	return 0;
}

void rate_count(caisson_channel *channel) {
	struct channel_rx *rx = &channel->rx;
	const uint64_t now = channel_now_ns();

	rx->due_ns = (rx->due_ns > now ? rx->due_ns : now) + rx->interval_ns;
}
