/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* caisson_channels.h: lanes, memory made ready, deadlines, forwarding. */
#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include "caisson_channels.h"
#include "channel_ends.h"
#include "channel_impl.h"

static void wait_ms(long ms) {
	const struct timespec time = { ms / 1000, ms % 1000 * 1000000 };

	nanosleep(&time, NULL);
}

Test(channel_more, lanes) {
	caisson_channel *host = host_end(CAISSON_BOTH, SLAB), *peer;
	uint32_t before = caisson_channel_lane(host);

	cr_assert(before & CAISSON_LANE_SEALED);
	cr_assert_not(before & (CAISSON_LANE_FUTEX | CAISSON_LANE_HUGE_PAGES));
	peer = peer_open_here(host);
	cr_assert_eq(caisson_channel_lane(host), before | CAISSON_LANE_FUTEX);
	cr_assert_eq(caisson_channel_lane(peer), caisson_channel_lane(host));
	atomic_fetch_or(&peer->mine.page->state, CAISSON_CHANNEL_NO_FUTEX);
	cr_assert_eq(caisson_channel_lane(host), before);
	caisson_channel_close(peer);
	channel_free(host);
}

static size_t resident(const caisson_channel *channel) {
	static unsigned char page[16384];
	size_t count = 0;

	cr_assert_eq(mincore(channel->tx.memory.base, channel->tx.memory.size, page), 0);
	for (size_t i = 0; i < channel->tx.memory.size / 4096; i++)
		count += page[i] & 1;
	return count;
}

Test(channel_more, prefault, .timeout = 60) {
	const uint64_t bytes = 32u << 20;
	caisson_channel *host = host_end(CAISSON_TO_SANDBOX, bytes);
	uint64_t ready = 1, total = 0;
	caisson_tensor tensor;

	cr_assert_eq(caisson_channel_prefaulted(host, &ready, &total), 0);
	cr_assert(ready == 0 && total == bytes);
	cr_assert_eq(resident(host), 0);
	cr_assert_eq(caisson_loan(host, CAISSON_U8, 1, (const int64_t[]){ 4096 }, &tensor, NULL),
	             0);
	memset(tensor.data, 9, 4096);
	cr_assert_eq(caisson_channel_prefault(host, NULL), 0);
	cr_assert_eq(caisson_channel_prefault(host, NULL), -EALREADY);
	while (!caisson_channel_prefaulted(host, &ready, NULL))
		wait_ms(1);
	cr_assert_eq(ready, bytes);
	cr_assert_eq(resident(host), bytes / 4096);
	cr_assert_eq(((uint8_t *)tensor.data)[4095], 9); /* nothing was changed */
	channel_free(host);

	host = host_end(CAISSON_TO_HOST, SLAB);
	cr_assert_eq(caisson_channel_prefault(host, NULL), -ENOTSUP);
	channel_free(host);
	host = host_end(CAISSON_TO_SANDBOX, 1u << 30);
	cr_assert_eq(caisson_channel_prefault(host, NULL), 0);
	channel_free(host); /* in the middle of it */
}

/* In the sandbox both slabs: the one that it only reads, too. */
Test(channel_more, prefault_in_the_sandbox, .timeout = 60) {
	const uint64_t bytes = 8u << 20;
	caisson_channel *host = host_end(CAISSON_BOTH, bytes), *peer = peer_open_here(host);
	uint64_t ready = 0, total = 0;

	cr_assert_eq(resident(host), 0);
	cr_assert_eq(caisson_channel_prefault(peer, NULL), 0);
	while (!caisson_channel_prefaulted(peer, &ready, &total))
		wait_ms(1);
	cr_assert(ready == 2 * bytes && total == 2 * bytes);
	cr_assert_eq(resident(peer), bytes / 4096);
	cr_assert_eq(resident(host), bytes / 4096); /* what the host sends from */
	caisson_channel_close(peer);
	channel_free(host);
}

Test(channel_more, deadline) {
	const int64_t whole = SLAB;
	caisson_channel *host = host_end(CAISSON_TO_SANDBOX, SLAB);
	caisson_channel *peer = peer_open_here(host);
	caisson_error *err = NULL;
	caisson_tensor tensor, held;

	caisson_channel_deadline(host, 1000);
	for (int i = 0; i < 3; i++) { /* in time */
		cr_assert_eq(caisson_loan(host, CAISSON_U8, 1, &whole, &tensor, NULL), 0);
		cr_assert_eq(caisson_send(host, &tensor, NULL), 0);
		cr_assert_eq(caisson_loan(host, CAISSON_U8, 1, &whole, &tensor, NULL), -EAGAIN);
		cr_assert_eq(caisson_recv(peer, &held, 0, NULL), 0);
		wait_ms(i == 2 ? 0 : 1100); /* late, but given back before room is short */
		caisson_release(peer, &held);
	}
	cr_assert_eq(caisson_loan(host, CAISSON_U8, 1, &whole, &tensor, NULL), 0);
	cr_assert_eq(caisson_send(host, &tensor, NULL), 0);
	wait_ms(1100);
	cr_assert_eq(caisson_loan(host, CAISSON_U8, 1, &whole, &tensor, &err), -EPROTO);
	cr_assert(strstr(caisson_error_message(err), "within its time"), "%s",
	          caisson_error_message(err));
	caisson_error_free(err);
	cr_assert_eq(caisson_recv(peer, &held, 0, NULL), 0); /* was sent before */
	cr_assert_eq(caisson_recv(peer, &held, 0, NULL), -EPIPE);
	caisson_channel_close(peer);
	channel_free(host);
}

Test(channel_more, rate, .timeout = 60) {
	caisson_channel *host = host_end(CAISSON_TO_HOST, SLAB), *peer = peer_open_here(host);
	caisson_tensor tensor;
	int64_t start;
	int rc;

	caisson_channel_rate(host, 100, 5);
	for (int i = 0; i < 40; i++) {
		cr_assert_eq(caisson_loan(peer, CAISSON_U8, 0, NULL, &tensor, NULL), 0);
		cr_assert_eq(caisson_send(peer, &tensor, NULL), 0);
	}
	start = now_ms();
	for (int i = 0; i < 5; i++) { /* at once */
		cr_assert_eq(caisson_recv(host, &tensor, 0, NULL), 0);
		caisson_release(host, &tensor);
	}
	rc = caisson_recv(host, &tensor, 0, NULL);
	cr_assert(rc == -EAGAIN || now_ms() - start >= 10, "%d", rc);
	for (int i = rc == 0 ? 6 : 5; i < 40; i++) {
		cr_assert_eq(caisson_recv(host, &tensor, 5000, NULL), 0);
		caisson_release(host, &tensor);
	}
	cr_assert_geq(now_ms() - start, 345); /* 35 of them, 10 ms apart */
	caisson_channel_rate(host, 1, 0);
	cr_assert_eq(caisson_loan(peer, CAISSON_U8, 0, NULL, &tensor, NULL), 0);
	cr_assert_eq(caisson_send(peer, &tensor, NULL), 0);
	cr_assert_eq(caisson_recv(host, &tensor, 0, NULL), 0);
	start = now_ms();
	cr_assert_eq(caisson_recv(host, &tensor, 30, NULL), -ETIMEDOUT);
	cr_assert_lt(now_ms() - start, 900);
	caisson_channel_rate(host, 0, 0);
	cr_assert_eq(caisson_recv(host, &tensor, 0, NULL), -EAGAIN);
	caisson_channel_close(peer);
	channel_free(host);
}

Test(channel_more, forward) {
	const int64_t shape[] = { 3, 4 }, strides[] = { 1, 5 };
	caisson_channel *a = host_end(CAISSON_TO_HOST, SLAB), *from = peer_open_here(a);
	caisson_channel *b = host_end(CAISSON_TO_SANDBOX, SLAB), *to = peer_open_here(b);
	caisson_tensor tensor, got;

	for (int strided = 0; strided < 2; strided++) {
		cr_assert_eq(caisson_loan_strided(from, CAISSON_U8, 2, shape,
		                                  strided ? strides : NULL, 0, &tensor, NULL),
		             0);
		memset(tensor.data, 0x11, tensor.nbytes);
		tensor.tag = 77;
		cr_assert_eq(caisson_send(from, &tensor, NULL), 0);
		cr_assert_eq(caisson_recv(a, &tensor, 0, NULL), 0);
		cr_assert_eq(caisson_forward(&tensor, b, 0, NULL), 0);
		/* The first sandbox changes its mind: that is not seen any more. */
		memset(from->tx.memory.base, 0x22, SLAB);
		cr_assert_eq(((const uint8_t *)tensor.data)[0], 0x22);
		cr_assert_eq(caisson_recv(to, &got, 0, NULL), 0);
		cr_assert_eq(got.tag, 77);
		cr_assert(got.ndim == 2 && got.shape[0] == 3 && got.shape[1] == 4);
		cr_assert_eq(got.strides[1], strided ? 5 : 1);
		cr_assert_eq(got.nbytes, strided ? 18 : 12);
		for (uint64_t i = 0; i < got.nbytes; i++)
			cr_assert_eq(((const uint8_t *)got.data)[i], 0x11);
		caisson_release(to, &got);
		caisson_release(a, &tensor);
		cr_assert_eq(caisson_forward(&tensor, b, 0, NULL), -EINVAL);
	}
	caisson_channel_close(from);
	caisson_channel_close(to);
	channel_free(a);
	channel_free(b);
}
