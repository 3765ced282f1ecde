/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One slab for many takes memory that all have, a call both directions in one: not through files. */
#include "caisson_calls.h"
#include "caisson_fanout.h"

#include <errno.h>

#include "posix.h"

static int refused(caisson_error **err) {
	return error_set(err, ENOTSUP, "a channel through files", "", "use Linux",
	                 "fan-outs and calls take memory that both sides have");
}

int caisson_fanout_new(uint64_t bytes, caisson_fanout **fanout, caisson_error **err) {
	(void)bytes, (void)fanout;
	return refused(err);
}

void caisson_fanout_free(caisson_fanout *fanout) {
	(void)fanout;
}

caisson_channel *caisson_spec_fanout(caisson_spec *spec, const char *name, caisson_fanout *fanout) {
	(void)spec, (void)name, (void)fanout;
	return NULL;
}

int caisson_add_fanout(caisson_sandbox *box, const char *name, caisson_fanout *fanout,
                       caisson_channel **channel, caisson_error **err) {
	(void)box, (void)name, (void)fanout, (void)channel;
	return refused(err);
}

int caisson_fanout_policy(caisson_fanout *fanout, enum caisson_when_full when_full,
                          uint32_t tensors, uint32_t milliseconds, caisson_error **err) {
	(void)fanout, (void)when_full, (void)tensors, (void)milliseconds;
	return refused(err);
}

int caisson_fanout_loan(caisson_fanout *fanout, caisson_dtype dtype, int32_t ndim,
                        const int64_t *shape, const int64_t *strides, int timeout_ms,
                        caisson_tensor *tensor, caisson_error **err) {
	(void)fanout, (void)dtype, (void)ndim, (void)shape, (void)strides;
	(void)timeout_ms, (void)tensor;
	return refused(err);
}

void caisson_fanout_release(caisson_fanout *fanout, caisson_tensor *tensor) {
	(void)fanout, (void)tensor;
}

int caisson_fanout_send(caisson_fanout *fanout, caisson_tensor *tensor, caisson_error **err) {
	(void)fanout, (void)tensor;
	return refused(err);
}

uint64_t caisson_fanout_missed(const caisson_channel *channel) {
	(void)channel;
	return 0;
}

int caisson_fanout_freeze(caisson_fanout *fanout, caisson_error **err) {
	(void)fanout;
	return refused(err);
}

void caisson_channel_revoke(caisson_channel *channel) {
	(void)channel; /* a tensor is a copy: nothing of it is anybody else's */
}

int caisson_channel_ended(const caisson_channel *channel) {
	(void)channel;
	return 0;
}

int caisson_request(caisson_channel *channel, caisson_tensor *tensor, uint32_t *call,
                    caisson_error **err) {
	(void)channel, (void)tensor, (void)call;
	return refused(err);
}

int caisson_recv_reply(caisson_channel *channel, uint32_t call, caisson_tensor *tensor,
                       int timeout_ms, caisson_error **err) {
	(void)channel, (void)call, (void)tensor, (void)timeout_ms;
	return refused(err);
}

void caisson_give_up(caisson_channel *channel, uint32_t call) {
	(void)channel, (void)call;
}

bool caisson_is_request(const caisson_channel *channel, const caisson_tensor *tensor) {
	(void)channel, (void)tensor;
	return false;
}

int caisson_reply(caisson_channel *channel, const caisson_tensor *request, caisson_tensor *tensor,
                  caisson_error **err) {
	(void)channel, (void)request, (void)tensor;
	return refused(err);
}
