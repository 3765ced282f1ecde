/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Requests and replies on a channel that goes both ways. A request has a number of the
 * side that asks; the reply carries it back. Numbers are of this side's private table:
 * a reply to what was not asked, or was answered, breaks the protocol.
 */
#include "calls.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "error.h"

#define STAGE_ASK "sending a request"
#define STAGE_REPLY "sending a reply"
#define STAGE_GET "receiving a reply"

/* A word of the table: a generation, never 0 in use, above what is awaited. */
enum { CALL_FREE = 0, CALL_OPEN = 1, CALL_GIVEN_UP = 2 };
#define STATE(word) ((word)&3u)
#define NUMBER(index, word) (((word) >> 2 << 8 | (index)) & 0xffff)

/* ------------------------------------------------------------------- the table */

/* The thread that sends: a number that nothing is awaited for; 0: all are. */
static uint16_t call_new(caisson_channel *channel) {
	for (uint32_t i = 1; i < CHANNEL_CALLS; i++) {
		uint32_t word = atomic_load(&channel->call[i]);

		if (STATE(word) == CALL_FREE) {
			word = ((word >> 2) + 1) % 256 << 2 | CALL_OPEN;
			atomic_store(&channel->call[i], word);
			return (uint16_t)NUMBER(i, word);
		}
	}
	return 0;
}

/* The word of a number, if that is awaited, or was. */
static _Atomic uint32_t *call_at(caisson_channel *channel, uint16_t number, uint32_t *word) {
	_Atomic uint32_t *at = &channel->call[number & (CHANNEL_CALLS - 1)];

	*word = atomic_load(at);
	return STATE(*word) != CALL_FREE && NUMBER(number & (CHANNEL_CALLS - 1), *word) == number
	               ? at
	               : NULL;
}

const char *calls_came(caisson_channel *channel, const struct lease *lease, bool *unwanted) {
	_Atomic uint32_t *at;
	uint32_t word;

	*unwanted = false;
	if (lease->kind != CAISSON_SLOT_REPLY)
		return NULL;
	at = call_at(channel, lease->call, &word);
	if (!at)
		return "a reply to what it was not asked";
	*unwanted = STATE(word) == CALL_GIVEN_UP;
	atomic_store(at, word & ~3u);
	return NULL;
}

/* ------------------------------------------------------------------------ send */

static int send_as(caisson_channel *channel, caisson_tensor *tensor, uint8_t kind, uint16_t call,
                   const char *stage, caisson_error **err) {
	uint16_t index = channel_lease(&channel->tx.slab, tensor->lease, 0, LEASE_LOANED);
	int rc;

	if (!index)
		return channel_explain(channel, err, -EINVAL, stage);
	channel->tx.slab.lease[index].kind = kind;
	channel->tx.slab.lease[index].call = call;
	rc = caisson_send(channel, tensor, err);
	if (rc < 0)
		channel->tx.slab.lease[index].kind = 0;
	return rc;
}

int caisson_request(caisson_channel *channel, caisson_tensor *tensor, uint32_t *call,
                    caisson_error **err) {
	uint32_t word;
	uint16_t number;
	int rc;

	if (!channel || !tensor || !call)
		return error_set(err, EINVAL, STAGE_ASK, "", "", "no channel or tensor was given");
	if (!channel->tx.memory.base || !channel->rx.memory.base)
		return channel_explain(channel, err, -ENOTSUP, STAGE_ASK);
	number = call_new(channel);
	if (!number)
		return error_set(err, EAGAIN, STAGE_ASK, "", "Receive replies, or give some up.",
		                 "channel \"%s\": 255 requests wait for replies", channel->name);
	rc = send_as(channel, tensor, CAISSON_SLOT_REQUEST, number, STAGE_ASK, err);
	if (rc < 0 && call_at(channel, number, &word))
		atomic_store(&channel->call[number & (CHANNEL_CALLS - 1)], word & ~3u);
	*call = number;
	return rc;
}

int caisson_reply(caisson_channel *channel, const caisson_tensor *request, caisson_tensor *tensor,
                  caisson_error **err) {
	uint16_t index = 0;
	int rc;

	if (!channel || !request || !tensor)
		return error_set(err, EINVAL, STAGE_REPLY, "", "",
		                 "no channel or tensor was given");
	channel_rx_lock(channel);
	index = channel_lease(&channel->rx.slab, request->lease, CHANNEL_HANDLE_RECEIVED,
	                      LEASE_HELD);
	if (index && channel->rx.slab.lease[index].kind != CAISSON_SLOT_REQUEST)
		index = 0;
	channel_rx_unlock(channel);
	if (!index)
		return error_set(
			err, EINVAL, STAGE_REPLY, "", "Reply once, before the request is released.",
			"channel \"%s\": that is no request that waits for a reply", channel->name);
	rc = send_as(channel, tensor, CAISSON_SLOT_REPLY, channel->rx.slab.lease[index].call,
	             STAGE_REPLY, err);
	if (rc == 0)
		channel->rx.slab.lease[index].kind = 0;
	return rc;
}

/* --------------------------------------------------------------------- receive */

bool caisson_is_request(const caisson_channel *channel, const caisson_tensor *tensor) {
	uint16_t index = channel && tensor ? channel_lease(&channel->rx.slab, tensor->lease,
	                                                   CHANNEL_HANDLE_RECEIVED, LEASE_HELD)
	                                   : 0;

	return index && channel->rx.slab.lease[index].kind == CAISSON_SLOT_REQUEST;
}

/* Of a tensor that was just received, or is kept. */
static int kind_of(const caisson_channel *channel, const caisson_tensor *tensor, uint16_t *call) {
	const struct lease *lease = &channel->rx.slab.lease[(uint16_t)tensor->lease];

	*call = lease->call;
	return lease->kind;
}

static void take_from(struct channel_rx *rx, size_t at, caisson_tensor *tensor) {
	*tensor = rx->kept[at];
	rx->kept_n--;
	memmove(rx->kept + at, rx->kept + at + 1, (rx->kept_n - at) * sizeof(rx->kept[0]));
}

bool calls_kept(caisson_channel *channel, caisson_tensor *tensor) {
	struct channel_rx *rx = &channel->rx;
	uint16_t call;

	for (size_t i = 0; i < rx->kept_n; i++)
		if (kind_of(channel, &rx->kept[i], &call) != CAISSON_SLOT_REPLY) {
			take_from(rx, i, tensor);
			return true;
		}
	return false;
}

int calls_keep(caisson_channel *channel, const caisson_tensor *tensor) {
	struct channel_rx *rx = &channel->rx;

	if (!rx->kept)
		rx->kept = calloc(CHANNEL_SLOTS, sizeof(*rx->kept));
	if (!rx->kept) /* as if it had been received and released */
		return -ENOMEM;
	rx->kept[rx->kept_n++] = *tensor; /* as many as leases */
	return 0;
}

int caisson_recv_reply(caisson_channel *channel, uint32_t call, caisson_tensor *tensor,
                       int timeout_ms, caisson_error **err) {
	const uint64_t start = channel_now_ns();
	uint32_t word;
	uint16_t of;
	int rc;

	if (!channel || !tensor)
		return error_set(err, EINVAL, STAGE_GET, "", "", "no channel or tensor was given");
	for (int left = timeout_ms;;) {
		struct channel_rx *rx = &channel->rx;

		for (size_t i = 0; i < rx->kept_n; i++)
			if (kind_of(channel, &rx->kept[i], &of) == CAISSON_SLOT_REPLY &&
			    of == call) {
				take_from(rx, i, tensor);
				return 0;
			}
		if (call > UINT16_MAX || !call_at(channel, (uint16_t)call, &word) ||
		    STATE(word) != CALL_OPEN)
			return error_set(err, ENOENT, STAGE_GET, "", "",
			                 "channel \"%s\": no request %u waits for a reply",
			                 channel->name, call);
		rc = channel_receive(channel, tensor, left);
		if (rc < 0)
			return channel_explain(channel, err, rc, STAGE_GET);
		if (calls_keep(channel, tensor) < 0) {
			caisson_release(channel, tensor);
			return error_set(err, ENOMEM, STAGE_GET, "", "", "out of memory");
		}
		if (timeout_ms > 0) {
			uint64_t passed = (channel_now_ns() - start) / 1000000u;

			left = passed < (uint64_t)timeout_ms ? timeout_ms - (int)passed : 0;
		}
	}
}

void caisson_give_up(caisson_channel *channel, uint32_t call) {
	_Atomic uint32_t *at;
	caisson_tensor tensor;
	uint32_t word;
	uint16_t of;

	if (!channel || call > UINT16_MAX)
		return;
	for (size_t i = 0; i < channel->rx.kept_n; i++)
		if (kind_of(channel, &channel->rx.kept[i], &of) == CAISSON_SLOT_REPLY &&
		    of == call) {
			take_from(&channel->rx, i, &tensor);
			caisson_release(channel, &tensor);
			return;
		}
	at = call_at(channel, (uint16_t)call, &word);
	if (at && STATE(word) == CALL_OPEN)
		atomic_store(at, (word & ~3u) | CALL_GIVEN_UP);
}
