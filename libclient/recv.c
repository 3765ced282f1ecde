/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The receiving half of a channel. */
#include <errno.h>
#include <time.h>

#include "channel_impl.h"
#include "error.h"
#include "slot.h"

#define STAGE_RECV "receiving a tensor"

#define SPIN_MIN_NS 1000
#define SPIN_MAX_NS 50000 /* about what a wake-up through the kernel costs, twice */
/* Bells for nothing in one wait, after which they are looked at once a millisecond. */
#define IDLE_BELLS 32

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static inline void cpu_relax(void)
{
#if defined(__x86_64__) || defined(__i386__)
	__builtin_ia32_pause();
#elif defined(__aarch64__)
	__asm__ volatile("yield" ::: "memory");
#endif
}

/* Before the first tensor counts: does the other side speak a version that was offered? */
static int meet(caisson_channel *channel)
{
	const struct caisson_channel_page *page = channel->theirs.page;

	if (!(atomic_load(&page->state) & CAISSON_CHANNEL_ATTACHED))
		return channel_poison(channel, "a tensor before it had opened the channel");
	if (atomic_load(&page->version) != CAISSON_CHANNEL_VERSION)
		return channel_poison(channel, "a version of the protocol that was not offered");
	channel->rx.met = true;
	return 0;
}

/* The next tensor: 1, 0 if there is none, -EPROTO. */
static int take(caisson_channel *channel, caisson_tensor *tensor)
{
	const struct slot_limits limits = { channel->rx.memory.size, channel->generation };
	struct channel_rx *rx = &channel->rx;
	struct caisson_channel_slot slot;
	const char *fault;
	uint16_t index;
	int rc = ring_take(&channel->theirs, rx->taken, &slot);

	if (rc == 0)
		return 0;
	if (rc < 0)
		return channel_poison(channel, "a tensor out of sequence");
	if (!rx->met && meet(channel) < 0)
		return -EPROTO;
	index = slab_lease(&rx->slab);
	if (!index)
		return channel_poison(channel, "more tensors than it has leases for");
	fault = slot_check(&slot, &limits, &rx->slab.lease[index]);
	if (fault) {
		slab_end(&rx->slab, index);
		return channel_poison(channel, fault);
	}
	rx->slab.lease[index].state = LEASE_HELD;
	rx->taken++;
	channel_describe(tensor, &rx->slab, index, rx->memory.base, CHANNEL_HANDLE_RECEIVED,
	                 slot.tag);
	return 1;
}

static int spin(caisson_channel *channel, caisson_tensor *tensor, uint64_t start)
{
	int rc = 0;

	if (!channel->spins)
		return 0;
	do {
		for (int i = 0; rc == 0 && i < 32; i++) {
			cpu_relax();
			rc = take(channel, tensor);
		}
	} while (rc == 0 && now_ns() - start < channel->rx.spin_ns);
	return rc;
}

/* Spin longer where tensors come sooner than a wake-up would, and less where not. */
static void adapt(struct channel_rx *rx, uint64_t waited_ns)
{
	rx->spin_ns = waited_ns < SPIN_MAX_NS ? rx->spin_ns * 2 : rx->spin_ns / 2;
	if (rx->spin_ns > SPIN_MAX_NS)
		rx->spin_ns = SPIN_MAX_NS;
	if (rx->spin_ns < SPIN_MIN_NS)
		rx->spin_ns = SPIN_MIN_NS;
}

/* What is left of a wait, in whole milliseconds, never less than there is. */
static int left_ms(uint64_t start, int timeout_ms)
{
	uint64_t passed;

	if (timeout_ms < 0)
		return -1;
	passed = (now_ns() - start) / 1000000u;
	return passed >= (uint64_t)timeout_ms ? 0 : (int)((uint64_t)timeout_ms - passed);
}

/* Sleep until the bell rings. One that rings for nothing costs at most a look each millisecond. */
static void sleep_on_bell(caisson_channel *channel, int timeout_ms, unsigned *bells)
{
	static const struct timespec millisecond = { .tv_nsec = 1000000 };

	if (++*bells > IDLE_BELLS) {
		nanosleep(&millisecond, NULL);
		timeout_ms = timeout_ms < 0 ? 1000 : timeout_ms - 1;
	}
	if (bell_wait(&channel->bell, timeout_ms) & BELL_GONE)
		atomic_store(&channel->gone, true);
}

static int take_or_wait(caisson_channel *channel, caisson_tensor *tensor, int timeout_ms,
                        uint64_t start)
{
	_Atomic uint32_t *word = &channel->mine.page->data_wait;
	unsigned bells = 0;
	bool gone;
	int rc, left;

	for (;;) {
		left = left_ms(start, timeout_ms);
		if (left == 0 && (bell_wait(&channel->bell, 0) & BELL_GONE))
			atomic_store(&channel->gone, true);
		wait_arm(word, &channel->rx.data_wait);
		/* In this order: what was published before the end is still received. */
		gone = channel_other_closed(channel);
		rc = take(channel, tensor);
		if (rc != 0) {
			wait_disarm(word, &channel->rx.data_wait);
			return rc;
		}
		if (gone)
			return -EPIPE;
		if (left == 0) /* stays armed, for those who poll the fd next */
			return timeout_ms == 0 ? -EAGAIN : -ETIMEDOUT;
		sleep_on_bell(channel, left, &bells);
	}
}

static int receive(caisson_channel *channel, caisson_tensor *tensor, int timeout_ms)
{
	uint64_t start;
	int rc;

	if (atomic_load(&channel->fault))
		return -EPROTO;
	if (!channel->rx.memory.base)
		return -ENOTSUP;
	rc = take(channel, tensor);
	if (rc == 0 && timeout_ms == 0)
		rc = take_or_wait(channel, tensor, 0, 0);
	if (rc != 0 || timeout_ms == 0)
		return rc;
	start = now_ns();
	rc = spin(channel, tensor, start);
	if (rc == 0)
		rc = take_or_wait(channel, tensor, timeout_ms, start);
	adapt(&channel->rx, now_ns() - start);
	return rc;
}

int caisson_recv(caisson_channel *channel, caisson_tensor *tensor, int timeout_ms,
                 caisson_error **err)
{
	int rc;

	if (!channel || !tensor)
		return error_set(err, EINVAL, STAGE_RECV, "", "", "no channel or tensor was given");
	rc = receive(channel, tensor, timeout_ms);
	return rc < 0 ? channel_explain(channel, err, rc, STAGE_RECV) : 0;
}
