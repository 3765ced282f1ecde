/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Requests and replies: order, what comes between, what is given up, what is made up. */
#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>

#include "caisson_calls.h"
#include "channel_ends.h"
#include "channel_impl.h"

static caisson_channel *host, *peer;

static void begin(void) {
	host = host_end(CAISSON_BOTH, SLAB * 16);
	peer = peer_open_here(host);
	cr_assert(peer);
}

static void end(void) {
	caisson_channel_close(peer);
	channel_free(host);
}

static caisson_tensor loaned(caisson_channel *channel, uint64_t tag) {
	const int64_t shape = 8;
	caisson_tensor tensor;

	cr_assert_eq(caisson_loan(channel, CAISSON_U8, 1, &shape, &tensor, NULL), 0);
	memset(tensor.data, (int)tag, 8);
	tensor.tag = tag;
	return tensor;
}

static uint32_t ask(caisson_channel *channel, uint64_t tag) {
	caisson_tensor tensor = loaned(channel, tag);
	uint32_t call = 0;

	cr_assert_eq(caisson_request(channel, &tensor, &call, NULL), 0);
	cr_assert_neq(call, 0);
	return call;
}

static int answer(caisson_channel *channel, const caisson_tensor *request, uint64_t tag) {
	caisson_tensor tensor = loaned(channel, tag);
	int rc = caisson_reply(channel, request, &tensor, NULL);

	caisson_release(channel, &tensor); /* if it was not sent */
	return rc;
}

Test(channel_calls, in_another_order, .timeout = 30) {
	caisson_tensor request[5], tensor;
	uint32_t call[5];

	begin();
	for (int lap = 0; lap < 300; lap++) {
		for (int i = 0; i < 5; i++)
			call[i] = ask(host, (uint64_t)i);
		for (int i = 0; i < 5; i++) {
			cr_assert_eq(caisson_recv(peer, &request[i], 0, NULL), 0);
			cr_assert(caisson_is_request(peer, &request[i]));
		}
		for (int i = 4; i >= 0; i--) {
			tensor = loaned(peer, 100); /* something between */
			cr_assert_eq(caisson_send(peer, &tensor, NULL), 0);
			cr_assert_eq(answer(peer, &request[i], request[i].tag + 10), 0);
			cr_assert_not(caisson_is_request(peer, &request[i]));
			cr_assert_eq(answer(peer, &request[i], 0), -EINVAL); /* once */
			caisson_release(peer, &request[i]);
		}
		for (int i = 0; i < 5; i++) {
			cr_assert_eq(caisson_recv_reply(host, call[i], &tensor, 0, NULL), 0);
			cr_assert_eq(tensor.tag, i + 10);
			cr_assert_eq(((const uint8_t *)tensor.data)[7], i + 10);
			caisson_release(host, &tensor);
			cr_assert_eq(caisson_recv_reply(host, call[i], &tensor, 0, NULL), -ENOENT);
		}
		for (int i = 0; i < 5; i++) {
			cr_assert_eq(caisson_recv(host, &tensor, 0, NULL), 0);
			cr_assert_eq(tensor.tag, 100);
			cr_assert_not(caisson_is_request(host, &tensor));
			caisson_release(host, &tensor);
		}
		cr_assert_eq(caisson_recv(host, &tensor, 0, NULL), -EAGAIN);
	}
	end();
}

Test(channel_calls, replies_are_nobody_elses, .timeout = 30) {
	caisson_tensor request, tensor;
	uint32_t call;

	begin();
	call = ask(peer, 1);
	cr_assert_eq(caisson_recv_reply(peer, call, &tensor, 20, NULL), -ETIMEDOUT);
	cr_assert_eq(caisson_recv(host, &request, 0, NULL), 0);
	cr_assert_eq(answer(host, &request, 2), 0);
	cr_assert_eq(caisson_recv(peer, &tensor, 0, NULL), -EAGAIN); /* is kept */
	cr_assert_eq(caisson_recv(peer, &tensor, 20, NULL), -ETIMEDOUT);
	cr_assert_eq(caisson_recv_reply(peer, call, &tensor, 0, NULL), 0);
	cr_assert_eq(tensor.tag, 2);
	end();
}

Test(channel_calls, given_up, .timeout = 30) {
	caisson_tensor request, tensor;

	begin();
	for (int lap = 0; lap < 1000; lap++) { /* more than numbers and leases */
		uint32_t call = ask(host, 1);

		cr_assert_eq(caisson_recv(peer, &request, 0, NULL), 0);
		if (lap % 2)
			caisson_give_up(host, call);
		cr_assert_eq(answer(peer, &request, 2), 0);
		caisson_release(peer, &request);
		if (lap % 4 == 0)
			cr_assert_eq(caisson_recv(host, &tensor, 0, NULL), -EAGAIN);
		if (lap % 2 == 0)
			caisson_give_up(host, call);
		tensor = loaned(peer, 3);
		cr_assert_eq(caisson_send(peer, &tensor, NULL), 0);
		cr_assert_eq(caisson_recv(host, &tensor, 1000, NULL), 0);
		cr_assert_eq(tensor.tag, 3);
		caisson_release(host, &tensor);
	}
	end();
}

Test(channel_calls, as_many_as_there_are) {
	caisson_tensor tensor;
	uint32_t call;
	int asked = 0;

	begin();
	for (; asked < 255; asked++)
		ask(host, 1);
	tensor = loaned(host, 1);
	cr_assert_eq(caisson_request(host, &tensor, &call, NULL), -EAGAIN);
	cr_assert_eq(caisson_send(host, &tensor, NULL), 0); /* it is still on loan */
	for (int i = 0; i < 256; i++) {
		cr_assert_eq(caisson_recv(peer, &tensor, 0, NULL), 0);
		cr_assert_eq(caisson_is_request(peer, &tensor), i < 255);
		if (i == 255)
			cr_assert_eq(answer(peer, &tensor, 1), -EINVAL);
	}
	end();
	host = host_end(CAISSON_TO_SANDBOX, SLAB);
	peer = peer_open_here(host);
	tensor = loaned(host, 1);
	cr_assert_eq(caisson_request(host, &tensor, &call, NULL), -ENOTSUP);
	end();
}

/* What the other side makes up: number, flags, and what the host is told. */
static void made_up(uint16_t call, uint8_t flags, int expected) {
	struct caisson_channel_slot slot = raw_good_slot();
	const int64_t shape = 8;
	struct raw_peer raw;
	caisson_tensor tensor;
	uint32_t own;
	int rc;

	host = raw_host_end(&raw, CAISSON_BOTH);
	cr_assert_eq(caisson_loan(host, CAISSON_U8, 1, &shape, &tensor, NULL), 0);
	cr_assert_eq(caisson_request(host, &tensor, &own, NULL), 0);
	slot.call = call ? call : (uint16_t)own;
	slot.flags |= flags;
	raw_write(&raw, 0, &slot);
	rc = caisson_recv_reply(host, own, &tensor, 0, NULL);
	cr_assert_eq(rc, expected, "%u %u: %d", call, flags, rc);
	if (rc == 0) { /* and again */
		slot.seq = 2;
		raw_write(&raw, 1, &slot);
		cr_assert_eq(caisson_recv(host, &tensor, 0, NULL), -EPROTO);
	}
	raw_close(&raw);
	channel_free(host);
}

Test(channel_calls, what_was_not_asked) {
	made_up(0, CAISSON_SLOT_REPLY, 0);
	made_up(2, CAISSON_SLOT_REPLY, -EPROTO);
	made_up(0xffff, CAISSON_SLOT_REPLY, -EPROTO);
	made_up(0xff01, CAISSON_SLOT_REPLY, -EPROTO); /* of another generation */
	made_up(0, CAISSON_SLOT_REPLY | CAISSON_SLOT_REQUEST, -EPROTO);
	made_up(0, 0, -EPROTO);
	made_up(77, CAISSON_SLOT_REQUEST, -EAGAIN); /* a request of its own, no reply */
}
