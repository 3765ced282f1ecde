/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The receiving half of a channel. */
#include <errno.h>
#include <time.h>

#include "calls.h"
#include "channel_impl.h"
#include "error.h"
#include "rate.h"
#include "recall.h"
#include "slot.h"
#include "wake.h"

#define STAGE_RECV "receiving a tensor"

#define SPIN_MIN_NS 1000
#define SPIN_LOOKS 64
#define SPIN_MAX_NS 50000 /* about what a wake-up through the kernel costs, twice */
/*
 * So long on the futex, which wakes sooner; then on the bell, which also tells
 * that the other side has died. What comes seldom can wait for it.
 */
#define FUTEX_NS 5000000u
/* Bells for nothing in one wait, after which they are looked at once a millisecond. */
#define IDLE_BELLS 32

/* Before the first tensor counts: does the other side speak a version that was offered? */
static int meet(caisson_channel *channel) {
	const struct caisson_channel_page *page = channel->theirs.page;

	if (!(atomic_load(&page->state) & CAISSON_CHANNEL_ATTACHED))
		return channel_poison(channel, "a tensor before it had opened the channel");
	if (atomic_load(&page->version) != CAISSON_CHANNEL_VERSION)
		return channel_poison(channel, "a version of the protocol that was not offered");
	channel->rx.met = true;
	return 0;
}

/* What came, if it is good; else which rule it breaks. */
static const char *accept_slot(caisson_channel *channel, const struct ring_copy *copy,
                               caisson_tensor *tensor) {
	const struct slot_limits limits = { channel->rx.memory.size, channel->generation,
		                            channel->device.slab };
	struct channel_rx *rx = &channel->rx;
	uint16_t index = slab_lease(&rx->slab);
	const char *fault;
	bool unwanted;

	if (!index)
		return "more tensors than it has leases for";
	fault = slot_check(copy, &limits, &rx->slab.lease[index]);
	if (fault) {
		slab_end(&rx->slab, index);
		return fault;
	}
	fault = calls_came(channel, &rx->slab.lease[index], &unwanted);
	if (fault) {
		slab_end(&rx->slab, index);
		return fault;
	}
	rx->slab.lease[index].state = LEASE_HELD;
	rx->taken++;
	channel_describe(tensor, &rx->slab, index,
	                 channel->device.ops ? channel->device.rx : rx->memory.base,
	                 CHANNEL_HANDLE_RECEIVED, copy->slot.tag);
	if (unwanted) { /* it is given back, and the next one is looked for */
		channel_give_back(channel, tensor->lease);
		tensor->lease = 0;
	}
	return NULL;
}

#define UNWANTED 2

/* The next tensor: 1, UNWANTED if it was released at once, 0 if there is none, -EPROTO. */
static int take_one(caisson_channel *channel, caisson_tensor *tensor) {
	struct channel_rx *rx = &channel->rx;
	struct ring_copy copy;
	const char *fault;
	bool recalls;
	int rc = ring_take(&channel->theirs, rx->taken, &copy);

	if (rc == 0)
		return 0;
	recalls = recall_on(channel);
	if (recalls) { /* what was copied may be something else by now */
		rc = recall_heed(channel) ? ring_take(&channel->theirs, rx->taken, &copy) : 0;
		if (rc == 0)
			return 0;
	}
	if (rc < 0)
		return channel_poison(channel, "a tensor out of sequence");
	if (!rx->met && meet(channel) < 0)
		return -EPROTO;
	channel_rx_lock(channel);
	fault = accept_slot(channel, &copy, tensor);
	channel_rx_unlock(channel);
	if (!fault && recalls)
		recall_took(channel);
	if (fault)
		return channel_poison(channel, fault);
	return tensor->lease ? 1 : UNWANTED;
}

static int take(caisson_channel *channel, caisson_tensor *tensor) {
	int rc;

	do /* no more often than this side has given replies up */
		rc = take_one(channel, tensor);
	while (rc == UNWANTED);
	return rc;
}

/*
 * The clock is first asked after a while: a tensor that comes at once shall not
 * wait for it. *start is when, and stays 0 before.
 */
static int spin(caisson_channel *channel, caisson_tensor *tensor, uint64_t *start) {
	const struct channel_rx *rx = &channel->rx;
	uint64_t now;

	if (!channel->spins)
		return 0;
	for (;;) {
		for (int i = 0; i < SPIN_LOOKS; i++) {
			if (ring_news(&channel->theirs, rx->taken))
				return take(channel, tensor);
			cpu_relax();
		}
		now = channel_now_ns();
		if (*start == 0)
			*start = now;
		if (now - *start >= rx->spin_ns)
			return 0;
	}
}

/* Spin longer where tensors come sooner than a wake-up would, and less where not. */
static void adapt(struct channel_rx *rx, uint64_t waited_ns) {
	rx->spin_ns = waited_ns < SPIN_MAX_NS ? rx->spin_ns * 2 : rx->spin_ns / 2;
	if (rx->spin_ns > SPIN_MAX_NS)
		rx->spin_ns = SPIN_MAX_NS;
	if (rx->spin_ns < SPIN_MIN_NS)
		rx->spin_ns = SPIN_MIN_NS;
}

/* What is left of a wait, in whole milliseconds, never less than there is. */
static int left_ms(uint64_t start, int timeout_ms) {
	uint64_t passed;

	if (timeout_ms < 0)
		return -1;
	passed = (channel_now_ns() - start) / 1000000u;
	return passed >= (uint64_t)timeout_ms ? 0 : (int)((uint64_t)timeout_ms - passed);
}

/* Sleep until the bell rings. One that rings for nothing costs at most a look each millisecond. */
static void sleep_on_bell(caisson_channel *channel, int timeout_ms, unsigned *bells) {
	static const struct timespec millisecond = { .tv_nsec = 1000000 };

	if (++*bells > IDLE_BELLS) {
		nanosleep(&millisecond, NULL);
		timeout_ms = timeout_ms < 0 ? 1000 : timeout_ms - 1;
	}
	if (bell_wait(&channel->bell, timeout_ms) & BELL_GONE)
		atomic_store(&channel->gone, true);
}

/* Say how we wait, then look once more. 0: there is nothing; -EPIPE: and will not be. */
static int arm_and_take(caisson_channel *channel, caisson_tensor *tensor, uint32_t how) {
	_Atomic uint32_t *word = &channel->mine.page->data_wait;
	bool gone;
	int rc;

	wait_arm(word, &channel->rx.data_wait, how);
	/* In this order: what was published before the end is still received. */
	gone = channel_other_closed(channel);
	rc = take(channel, tensor);
	if (rc != 0)
		wait_disarm(word, &channel->rx.data_wait);
	else if (gone)
		rc = -EPIPE;
	return rc;
}

/* 1, 0 after FUTEX_NS or timeout_ms, or an error. */
static int wait_on_futex(caisson_channel *channel, caisson_tensor *tensor, int timeout_ms,
                         uint64_t start) {
	uint64_t limit = FUTEX_NS, passed;
	int rc;

	if (timeout_ms > 0 && (uint64_t)timeout_ms * 1000000u < limit)
		limit = (uint64_t)timeout_ms * 1000000u;
	for (;;) {
		if (!channel_futex(channel))
			return 0;
		rc = arm_and_take(channel, tensor, CAISSON_CHANNEL_WAITING | CAISSON_CHANNEL_FUTEX);
		passed = channel_now_ns() - start;
		if (rc != 0 || passed >= limit)
			return rc;
		if (ring_sleep_slot(&channel->theirs, channel->rx.taken, limit - passed) < 0)
			atomic_store(&channel->no_futex, true);
		rc = take(channel, tensor);
		if (rc != 0) {
			wait_disarm(&channel->mine.page->data_wait, &channel->rx.data_wait);
			return rc;
		}
	}
}

static int wait_on_bell(caisson_channel *channel, caisson_tensor *tensor, int timeout_ms,
                        uint64_t start) {
	unsigned bells = 0;
	int rc, left;

	for (;;) {
		left = left_ms(start, timeout_ms);
		if (left == 0 && (bell_wait(&channel->bell, 0) & BELL_GONE))
			atomic_store(&channel->gone, true);
		rc = arm_and_take(channel, tensor, CAISSON_CHANNEL_WAITING);
		if (rc != 0)
			return rc;
		if (left == 0) /* stays armed, for those who poll the fd next */
			return timeout_ms == 0 ? -EAGAIN : -ETIMEDOUT;
		sleep_on_bell(channel, left, &bells);
	}
}

static int receive(caisson_channel *channel, caisson_tensor *tensor, int timeout_ms) {
	uint64_t start = 0;
	int rc;

	if (channel_fault(channel) < 0)
		return channel_fault(channel);
	if (!channel->rx.memory.base)
		return -ENOTSUP;
	rc = take(channel, tensor);
	if (rc == 0 && timeout_ms == 0)
		rc = wait_on_bell(channel, tensor, 0, 0);
	if (rc != 0 || timeout_ms == 0)
		return rc;
	rc = spin(channel, tensor, &start);
	if (rc != 0) {
		adapt(&channel->rx, start ? channel_now_ns() - start : 0);
		return rc;
	}
	if (start == 0)
		start = channel_now_ns();
	rc = wait_on_futex(channel, tensor, timeout_ms, start);
	if (rc == 0)
		rc = wait_on_bell(channel, tensor, timeout_ms, start);
	adapt(&channel->rx, channel_now_ns() - start);
	return rc;
}

int channel_receive(caisson_channel *channel, caisson_tensor *tensor, int timeout_ms) {
	int rc = channel->rx.interval_ns ? rate_wait(channel, &timeout_ms) : 0;

	if (rc == 0)
		rc = receive(channel, tensor, timeout_ms);
	if (rc >= 0 && channel->rx.interval_ns)
		rate_count(channel);
	return rc;
}

/* Replies wait for those who ask for them. */
static int receive_no_reply(caisson_channel *channel, caisson_tensor *tensor, int timeout_ms) {
	uint64_t start;
	int rc;

	if (channel->rx.kept_n && calls_kept(channel, tensor))
		return 0;
	rc = channel_receive(channel, tensor, timeout_ms);
	if (rc < 0 || !calls_is_reply(channel, tensor))
		return rc;
	for (start = channel_now_ns(); rc >= 0 && calls_is_reply(channel, tensor);) {
		if (calls_keep(channel, tensor) < 0)
			caisson_release(channel, tensor);
		rc = channel_receive(channel, tensor, left_ms(start, timeout_ms));
	}
	return rc == -EAGAIN && timeout_ms > 0 ? -ETIMEDOUT : rc;
}

int caisson_recv(caisson_channel *channel, caisson_tensor *tensor, int timeout_ms,
                 caisson_error **err) {
	int rc;

	if (!channel || !tensor)
		return error_set(err, EINVAL, STAGE_RECV, "", "", "no channel or tensor was given");
	rc = receive_no_reply(channel, tensor, timeout_ms);
	if (rc < 0)
		return channel_explain(channel, err, rc, STAGE_RECV);
	if (!channel->device.ops)
		return 0;
	rc = channel->device.ops->after_recv(channel, tensor, err);
	if (rc < 0)
		caisson_release(channel, tensor);
	return rc;
}
