/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Dropping the oldest tensors that were not received, and lies about what was. */
#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>

#include "caisson_channels.h"
#include "channel_ends.h"
#include "channel_impl.h"

#define PART (SLAB / 4)

static int send_part(caisson_channel *channel, uint64_t tag) {
	const int64_t shape = PART;
	caisson_tensor tensor;
	int rc = caisson_loan(channel, CAISSON_U8, 1, &shape, &tensor, NULL);

	if (rc < 0)
		return rc;
	memset(tensor.data, (int)(tag & 255), PART);
	tensor.tag = tag;
	return caisson_send(channel, &tensor, NULL);
}

static bool is(const caisson_tensor *tensor, uint64_t tag) {
	for (int i = 0; i < (int)PART; i++)
		if (((const uint8_t *)tensor->data)[i] != (tag & 255))
			return false;
	return tensor->tag == tag;
}

static caisson_channel *dropping(void) {
	caisson_channel *host = host_end(CAISSON_BOTH, SLAB);

	cr_assert_eq(caisson_channel_when_full(host, CAISSON_FULL_DROP_OLDEST, NULL), 0);
	return host;
}

Test(channel_recall, the_newest_are_there) {
	caisson_channel *host = dropping(), *peer = peer_open_here(host);
	caisson_tensor tensor;

	for (int lap = 0; lap < 3; lap++) {
		for (uint64_t i = 1; i <= 1000; i++)
			cr_assert_eq(send_part(host, i), 0);
		for (uint64_t i = 997; i <= 1000; i++) {
			cr_assert_eq(caisson_recv(peer, &tensor, 0, NULL), 0);
			cr_assert(is(&tensor, i));
			caisson_release(peer, &tensor);
		}
		cr_assert_eq(caisson_recv(peer, &tensor, 0, NULL), -EAGAIN);
		cr_assert_eq(caisson_recv(peer, &tensor, 10, NULL), -ETIMEDOUT);
	}
	cr_assert_eq(caisson_channel_dropped(host), 3 * 996);
	caisson_channel_close(peer);
	channel_free(host);
}

Test(channel_recall, before_anybody_has_opened_it) {
	caisson_channel *host = dropping(), *peer;
	caisson_tensor tensor;

	for (uint64_t i = 1; i <= 700; i++)
		cr_assert_eq(send_part(host, i), 0);
	peer = peer_open_here(host);
	cr_assert_eq(caisson_recv(peer, &tensor, 0, NULL), 0);
	cr_assert(is(&tensor, 697));
	caisson_release(peer, &tensor);
	cr_assert_eq(send_part(peer, 5), 0); /* the other way is as it was */
	cr_assert_eq(caisson_recv(host, &tensor, 0, NULL), 0);
	caisson_channel_close(peer);
	channel_free(host);
}

Test(channel_recall, what_was_received_stays) {
	caisson_channel *host = dropping(), *peer = peer_open_here(host);
	caisson_tensor held[4], tensor;

	for (uint64_t i = 1; i <= 4; i++)
		cr_assert_eq(send_part(host, i), 0);
	for (int i = 0; i < 3; i++)
		cr_assert_eq(caisson_recv(peer, &held[i], 0, NULL), 0);
	for (uint64_t i = 5; i <= 1000; i++)
		cr_assert_eq(send_part(host, i), 0);
	for (uint64_t i = 0; i < 3; i++)
		cr_assert(is(&held[i], i + 1));
	cr_assert_eq(caisson_recv(peer, &held[3], 0, NULL), 0);
	cr_assert(is(&held[3], 1000));
	cr_assert_eq(send_part(host, 1001), -EAGAIN); /* all of it is the other side's */
	caisson_release(peer, &held[1]);
	cr_assert_eq(send_part(host, 1001), 0);
	cr_assert_eq(caisson_recv(peer, &tensor, 0, NULL), 0);
	cr_assert(is(&tensor, 1001));
	cr_assert(is(&held[0], 1) && is(&held[2], 3));
	caisson_channel_close(peer);
	channel_free(host);
}

Test(channel_recall, said_too_late_or_to_the_wrong_side) {
	caisson_channel *host = host_end(CAISSON_TO_SANDBOX, SLAB), *peer = peer_open_here(host);
	caisson_tensor tensor;

	cr_assert_eq(caisson_channel_when_full(host, CAISSON_FULL_WAIT, NULL), 0);
	cr_assert_eq(caisson_channel_when_full(host, (enum caisson_when_full)2, NULL), -EINVAL);
	cr_assert_eq(caisson_channel_when_full(peer, CAISSON_FULL_DROP_OLDEST, NULL), -ENOTSUP);
	cr_assert_eq(send_part(host, 1), 0);
	cr_assert_eq(caisson_channel_when_full(host, CAISSON_FULL_DROP_OLDEST, NULL), -EBUSY);
	cr_assert_eq(caisson_recv(peer, &tensor, 0, NULL), 0);
	caisson_release(peer, &tensor);
	cr_assert_eq(send_part(host, 2) | send_part(host, 2) | send_part(host, 2), 0);
	for (int i = 0; i < 3; i++) {
		cr_assert_eq(caisson_recv(peer, &tensor, 0, NULL), 0);
		caisson_release(peer, &tensor);
	}
	while (host->tx.sent != host->tx.reclaimed) /* a loan that needs room looks */
		cr_assert_neq(
			caisson_loan(host, CAISSON_U8, 1, (const int64_t[]){ SLAB }, &tensor, NULL),
			-EPROTO);
	caisson_release(host, &tensor);
	cr_assert_eq(caisson_channel_when_full(host, CAISSON_FULL_DROP_OLDEST, NULL), 0);
	cr_assert_eq(caisson_channel_when_full(host, CAISSON_FULL_WAIT, NULL), -EBUSY);
	for (uint64_t i = 10; i < 20; i++)
		cr_assert_eq(send_part(host, i), 0);
	cr_assert_eq(caisson_recv(peer, &tensor, 0, NULL), 0);
	cr_assert(is(&tensor, 16));
	caisson_channel_close(peer);
	channel_free(host);
}

/* ------------------------------------------------------------------- receivers that lie */

static void lies(uint64_t first, uint64_t second, int expected) {
	struct raw_peer peer;
	caisson_channel *host = raw_host_end(&peer, CAISSON_BOTH);
	int rc = 0;

	cr_assert_eq(caisson_channel_when_full(host, CAISSON_FULL_DROP_OLDEST, NULL), 0);
	for (uint64_t i = 1; i <= 4; i++)
		cr_assert_eq(send_part(host, i), 0);
	peer.page->taking = first;
	rc = send_part(host, 5);
	peer.page->taking = second;
	for (uint64_t i = 6; i < 20 && rc == 0; i++)
		rc = send_part(host, i);
	cr_assert_eq(rc, expected, "%d", rc);
	raw_close(&peer);
	channel_free(host);
}

Test(channel_recall, receivers_that_lie) {
	lies(0, 0, 0);                         /* it takes nothing */
	lies(4 << 1 | 1, 4 << 1 | 1, -EAGAIN); /* all, and gives nothing back */
	lies(1 << 1, 1 << 1, -EAGAIN);         /* for ever about to take the first */
	lies(5 << 1, 0, -EPROTO);              /* one that was not sent */
	lies(UINT64_MAX, 0, -EPROTO);
	lies(1 << 1 | 1, 1 << 1, -EPROTO); /* backwards */
}

/* It gives back what it says that it has not taken: that lease is another tensor's by now. */
Test(channel_recall, released_and_recalled) {
	struct raw_peer peer;
	caisson_channel *host = raw_host_end(&peer, CAISSON_BOTH);
	uint32_t lease;
	int rc = 0;

	cr_assert_eq(caisson_channel_when_full(host, CAISSON_FULL_DROP_OLDEST, NULL), 0);
	for (uint64_t i = 1; i <= 4; i++)
		cr_assert_eq(send_part(host, i), 0);
	lease = raw_lease(&peer, 0);
	*raw_release(peer.page, 0) = (uint64_t)1 << 32 | lease;
	for (uint64_t i = 5; i <= 40; i++) /* given back, then "recalled": once */
		cr_assert_eq(send_part(host, i), 0);
	cr_assert_eq(caisson_channel_dropped(host), 35);
	*raw_release(peer.page, 1) = (uint64_t)2 << 32 | raw_lease(&peer, 10);
	for (uint64_t i = 41; i < 60 && rc == 0; i++)
		rc = send_part(host, i);
	cr_assert_eq(rc, -EPROTO);
	raw_close(&peer);
	channel_free(host);
}

/* --------------------------------------------------------------------- senders that lie */

static void sender_says(uint64_t recall, uint32_t state, int expected) {
	struct raw_peer peer;
	caisson_channel *host = raw_host_end(&peer, CAISSON_BOTH);
	struct caisson_channel_slot slot = raw_good_slot();
	int64_t start = now_ms();
	caisson_tensor tensor;
	int rc;

	peer.page->recall = recall;
	raw_write(&peer, 0, &slot);
	peer.page->state |= state;
	rc = caisson_recv(host, &tensor, 50, NULL);
	cr_assert_eq(rc, expected, "%#llx: %d", (unsigned long long)recall, rc);
	cr_assert_lt(now_ms() - start, 3000);
	rc = caisson_recv(host, &tensor, 0, NULL);
	cr_assert_neq(rc, 0);
	raw_close(&peer);
	channel_free(host);
}

Test(channel_recall, senders_that_lie, .timeout = 60) {
	const uint64_t on = CAISSON_CHANNEL_RECALLS, asked = CAISSON_CHANNEL_ASKED;

	sender_says(on, 0, 0);
	sender_says(on | asked, 0, -ETIMEDOUT);             /* and never says more */
	sender_says(on | asked, CAISSON_CHANNEL_CLOSED, 0); /* it ended over it */
	sender_says(on | 1 << CAISSON_CHANNEL_RECALL_SHIFT, 0, -ETIMEDOUT); /* that very one */
	sender_says(on | UINT64_MAX << CAISSON_CHANNEL_RECALL_SHIFT, 0, -EPROTO);
	sender_says(on | asked | 3 << CAISSON_CHANNEL_RECALL_SHIFT, 0, -ETIMEDOUT);
	sender_says(asked, 0, -ETIMEDOUT);
	sender_says(256ull << CAISSON_CHANNEL_RECALL_SHIFT | on, 0, -ETIMEDOUT);
	sender_says(512ull << CAISSON_CHANNEL_RECALL_SHIFT | on, 0, -EPROTO);
}
