/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Tensors through a channel between sides that keep the rules. */
#include <criterion/criterion.h>
#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <string.h>
#include <time.h>

#include "channel_ends.h"

#define MIB (1024u * 1024u)
#define MANY 100000u

/* ------------------------------------------------------------- two processes */

static const struct sample {
	caisson_dtype dtype;
	int32_t ndim;
	int64_t shape[64];
	uint64_t nbytes;
	int64_t strides[64];
} samples[] = {
	{ { CAISSON_UINT, 8, 1 }, 3, { 4, 5, 3 }, 60, { 15, 3, 1 } },
	{ { CAISSON_FLOAT, 32, 1 }, 2, { 7, 3 }, 84, { 3, 1 } },
	{ { CAISSON_FLOAT, 64, 1 }, 0, { 0 }, 8, { 0 } },
	{ { CAISSON_INT, 64, 1 }, 1, { 1000 }, 8000, { 1 } },
	{ { CAISSON_BOOL, 8, 1 }, 8, { 1, 2, 1, 2, 1, 2, 1, 2 }, 16, { 16, 8, 8, 4, 4, 2, 2, 1 } },
	{ { CAISSON_COMPLEX, 128, 1 }, 1, { 3 }, 48, { 1 } },
	{ { CAISSON_BFLOAT, 16, 4 }, 1, { 5 }, 40, { 1 } },
	{ { CAISSON_FLOAT4_E2M1FN, 4, 1 }, 1, { 3 }, 2, { 1 } },
	{ { CAISSON_FLOAT6_E3M2FN, 6, 1 }, 1, { 5 }, 4, { 1 } },
	{ { CAISSON_FLOAT8_E4M3FN, 8, 1 }, 2, { 0, 6 }, 0, { 6, 1 } },
	{ { CAISSON_UINT, 8, 1 }, 2, { 0, 1ll << 40 }, 0, { 1ll << 40, 1 } },
	{ { CAISSON_UINT, 16, 1 }, 4, { 2, 3, 4, 5 }, 240, { 60, 20, 5, 1 } },
	{ { CAISSON_UINT, 8, 1 }, 5, { 2, 1, 1, 2, 3 }, 12, { 6, 6, 6, 3, 1 } },
	{ { CAISSON_INT, 32, 1 },
	  9,
	  { 2, 1, 1, 1, 1, 1, 1, 1, 3 },
	  24,
	  { 3, 3, 3, 3, 3, 3, 3, 3, 1 } },
};

/* Sends back what comes, each byte changed, until the host closes. */
static int echo(caisson_channel *channel) {
	caisson_tensor in, out;
	int rc;

	while ((rc = caisson_recv(channel, &in, 10000, NULL)) == 0) {
		if (caisson_loan(channel, in.dtype, in.ndim, in.shape, &out, NULL) < 0)
			return 1;
		for (uint64_t i = 0; i < in.nbytes; i++)
			((uint8_t *)out.data)[i] = ((const uint8_t *)in.data)[i] ^ 0x55;
		out.tag = in.tag + 1;
		caisson_release(channel, &in);
		if (caisson_send(channel, &out, NULL) < 0)
			return 2;
	}
	caisson_channel_close(channel);
	return rc == -EPIPE ? 0 : 3;
}

static void round_trip(caisson_channel *host, const struct sample *sample, uint64_t tag) {
	caisson_tensor tensor;

	cr_assert_eq(caisson_loan(host, sample->dtype, sample->ndim, sample->shape, &tensor, NULL),
	             0);
	cr_assert_eq(tensor.nbytes, sample->nbytes);
	cr_assert_eq((uintptr_t)tensor.data % 64, 0);
	memset(tensor.data, (int)tag & 0xff, tensor.nbytes);
	tensor.tag = tag;
	cr_assert_eq(caisson_send(host, &tensor, NULL), 0);
	cr_assert_eq(caisson_recv(host, &tensor, 10000, NULL), 0);
	cr_assert_eq(tensor.tag, tag + 1);
	cr_assert_eq(tensor.ndim, sample->ndim);
	cr_assert_eq(tensor.nbytes, sample->nbytes);
	cr_assert_eq(memcmp(&tensor.dtype, &sample->dtype, sizeof(tensor.dtype)), 0);
	for (int32_t i = 0; i < sample->ndim; i++) {
		cr_assert_eq(tensor.shape[i], sample->shape[i]);
		cr_assert_eq(tensor.strides[i], sample->strides[i]);
	}
	for (uint64_t i = 0; i < tensor.nbytes; i++)
		cr_assert_eq(((uint8_t *)tensor.data)[i], (uint8_t)(tag ^ 0x55));
	caisson_release(host, &tensor);
}

Test(channel, round_trip_between_processes) {
	caisson_channel *host = host_end(CAISSON_BOTH, 64 * 1024);
	pid_t pid = peer_start(host, echo);

	for (unsigned lap = 0; lap < 100; lap++)
		for (size_t i = 0; i < COUNT(samples); i++)
			round_trip(host, &samples[i], lap * 1000 + i);
	channel_free(host);
	cr_assert_eq(peer_end(pid, 10), 0);
}

/* Each byte of a strided tensor's span counts; every number of dimensions there is. */
Test(channel, every_number_of_dimensions_strided_and_not) {
	caisson_channel *host = host_end(CAISSON_TO_SANDBOX, 1 << 16);
	caisson_channel *peer = peer_open_here(host);

	for (int32_t ndim = 0; ndim <= 64; ndim++)
		for (int form = 0; form < 3; form++) { /* contiguous, strided, of large extents */
			int64_t shape[64], strides[64];
			caisson_tensor out, in;

			for (int32_t i = 0; i < ndim; i++) {
				shape[i] = form == 2 ? (i ? 5000000000 : 0) : 1 + (i % 16 == 0);
				strides[i] = 3 * i + 1;
			}
			if (form == 2 && ndim > 2) /* the product would not fit */
				continue;
			cr_assert_eq(caisson_loan_strided(host, CAISSON_F32, ndim, shape,
			                                  form == 1 ? strides : NULL, 0, &out,
			                                  NULL),
			             0);
			cr_assert_eq(caisson_send(host, &out, NULL), 0);
			cr_assert_eq(caisson_recv(peer, &in, 1000, NULL), 0);
			cr_assert_eq(in.ndim, ndim);
			cr_assert_eq(in.nbytes, out.nbytes);
			for (int32_t i = 0; i < ndim; i++) {
				cr_assert_eq(in.shape[i], shape[i]);
				cr_assert_eq(in.strides[i],
				             form == 1 ? strides[i] : out.strides[i]);
			}
			caisson_release(peer, &in);
		}
	caisson_channel_close(peer);
	channel_free(host);
}

static int64_t waited_for_room(caisson_channel *sender, int timeout_ms, int rc) {
	int64_t start = now_ms();
	caisson_tensor tensor;

	cr_assert_eq(caisson_loan_strided(sender, CAISSON_U8, 1, (const int64_t[]){ 4096 }, NULL,
	                                  timeout_ms, &tensor, NULL),
	             rc);
	return now_ms() - start;
}

static int release_late(caisson_channel *channel) {
	const struct timespec pause = { .tv_nsec = 100000000 };
	caisson_tensor tensor;

	if (caisson_recv(channel, &tensor, 10000, NULL) < 0)
		return 1;
	nanosleep(&pause, NULL);
	caisson_release(channel, &tensor);
	return caisson_recv(channel, &tensor, 10000, NULL) == -EPIPE ? 0 : 2;
}

Test(channel, loan_that_waits_for_room) {
	caisson_channel *host = host_end(CAISSON_TO_SANDBOX, 4096);
	pid_t pid = peer_start(host, release_late);
	caisson_tensor tensor;

	cr_assert_eq(caisson_loan(host, CAISSON_U8, 1, (const int64_t[]){ 4096 }, &tensor, NULL),
	             0);
	cr_assert_eq(caisson_send(host, &tensor, NULL), 0);
	cr_assert_geq(waited_for_room(host, 20, -ETIMEDOUT), 20);
	cr_assert_lt(waited_for_room(host, -1, 0), 5000);
	channel_free(host);
	cr_assert_eq(peer_end(pid, 10), 0);
}

static int end_early(caisson_channel *channel) {
	const struct timespec pause = { .tv_nsec = 50000000 };

	(void)channel;
	nanosleep(&pause, NULL);
	return 0; /* without a word */
}

Test(channel, waits_end_when_the_other_side_dies) {
	caisson_channel *host = host_end(CAISSON_BOTH, 4096);
	pid_t pid = peer_start(host, end_early);
	int64_t start = now_ms();
	caisson_tensor tensor;

	cr_assert_eq(caisson_loan(host, CAISSON_U8, 1, (const int64_t[]){ 4096 }, &tensor, NULL),
	             0);
	cr_assert_eq(caisson_send(host, &tensor, NULL), 0);
	cr_assert_lt(waited_for_room(host, -1, -EPIPE), 5000);
	cr_assert_eq(caisson_recv(host, &tensor, -1, NULL), -EPIPE);
	cr_assert_lt(now_ms() - start, 5000);
	cr_assert_eq(peer_end(pid, 10), 0);
	channel_free(host);
}

static int send_many(caisson_channel *channel) {
	caisson_tensor tensor;

	for (uint64_t i = 0; i < MANY; i++) {
		int64_t shape = (int64_t)(i % 97);
		int rc = caisson_loan(channel, CAISSON_F32, 1, &shape, &tensor, NULL);

		if (rc == -EAGAIN) {
			if (!readable(channel, 10000))
				return 1;
			i--;
			continue;
		}
		if (rc < 0)
			return 2;
		for (int64_t k = 0; k < shape; k++)
			((float *)tensor.data)[k] = (float)(i + (uint64_t)k);
		tensor.tag = i;
		if (caisson_send(channel, &tensor, NULL) < 0)
			return 3;
	}
	return 0;
}

Test(channel, wraps_around_with_many_small_tensors, .timeout = 60) {
	caisson_channel *host = host_end(CAISSON_TO_HOST, 8192);
	pid_t pid = peer_start(host, send_many);
	caisson_tensor tensor;

	for (uint64_t i = 0; i < MANY; i++) {
		cr_assert_eq(caisson_recv(host, &tensor, 10000, NULL), 0);
		cr_assert_eq(tensor.tag, i);
		cr_assert_eq(tensor.shape[0], (int64_t)(i % 97));
		for (int64_t k = 0; k < tensor.shape[0]; k++)
			cr_assert_eq(((float *)tensor.data)[k], (float)(i + (uint64_t)k));
		caisson_release(host, &tensor);
	}
	cr_assert_eq(caisson_recv(host, &tensor, 10000, NULL), -EPIPE);
	cr_assert_eq(peer_end(pid, 10), 0);
	channel_free(host);
}

static int send_big(caisson_channel *channel) {
	const int64_t shape[] = { 64, MIB };
	caisson_tensor tensor;

	if (caisson_loan(channel, CAISSON_U8, 2, shape, &tensor, NULL) < 0)
		return 1;
	for (int i = 0; i < 64; i++)
		memset((char *)tensor.data + (size_t)i * MIB, i, MIB);
	return caisson_send(channel, &tensor, NULL) < 0 ? 2 : 0;
}

Test(channel, tensor_as_large_as_its_slab) {
	caisson_channel *host = host_end(CAISSON_TO_HOST, 64 * MIB);
	pid_t pid = peer_start(host, send_big);
	caisson_tensor tensor;

	cr_assert_eq(caisson_recv(host, &tensor, 10000, NULL), 0);
	cr_assert_eq(tensor.nbytes, 64 * MIB);
	for (size_t i = 0; i < 64; i++) {
		cr_assert_eq(((uint8_t *)tensor.data)[i * MIB], i);
		cr_assert_eq(((uint8_t *)tensor.data)[i * MIB + MIB - 1], i);
	}
	cr_assert_eq(peer_end(pid, 10), 0);
	channel_free(host);
}

/* --------------------------------------------------------- waiting, pressure */

Test(channel, timeouts_and_the_pollable_fd) {
	caisson_channel *host = host_end(CAISSON_TO_HOST, 4096);
	caisson_channel *peer = peer_open_here(host);
	caisson_tensor tensor;
	int64_t start = now_ms();

	cr_assert_eq(caisson_recv(host, &tensor, 0, NULL), -EAGAIN);
	cr_assert_lt(now_ms() - start, 1000);
	cr_assert_eq(caisson_recv(host, &tensor, 50, NULL), -ETIMEDOUT);
	cr_assert_geq(now_ms() - start, 50);
	for (int i = 0; i < 100; i++) {
		cr_assert(!readable(host, 0));
		cr_assert_eq(caisson_loan(peer, CAISSON_U8, 0, NULL, &tensor, NULL), 0);
		cr_assert_eq(caisson_send(peer, &tensor, NULL), 0);
		cr_assert(readable(host, 1000));
		cr_assert_eq(caisson_recv(host, &tensor, 0, NULL), 0);
		caisson_release(host, &tensor);
		cr_assert_eq(caisson_recv(host, &tensor, i % 2, NULL),
		             i % 2 ? -ETIMEDOUT : -EAGAIN);
	}
	caisson_channel_close(peer);
	channel_free(host);
}

/* Whichever side sends: fill the slab, see -EAGAIN, see room made, on the fd. */
static void pressure(caisson_channel *sender, caisson_channel *receiver) {
	const int64_t half = 2048, more = 4097, huge = INT64_MAX;
	caisson_tensor a, b, c;

	cr_assert_eq(caisson_loan(sender, CAISSON_U8, 1, &more, &a, NULL), -EMSGSIZE);
	cr_assert_eq(caisson_loan(sender, CAISSON_F32, 1, &huge, &a, NULL), -EMSGSIZE);
	cr_assert_eq(caisson_loan(sender, CAISSON_U8, 1, &half, &a, NULL), 0);
	cr_assert_eq(caisson_loan(sender, CAISSON_U8, 1, &half, &b, NULL), 0);
	cr_assert_eq(caisson_loan(sender, CAISSON_U8, 1, &half, &c, NULL), -EAGAIN);
	caisson_release(sender, &a); /* loaned, not sent */
	cr_assert_eq(caisson_loan(sender, CAISSON_U8, 1, &half, &a, NULL), 0);
	cr_assert_eq(caisson_send(sender, &b, NULL), 0);
	cr_assert_eq(caisson_send(sender, &b, NULL), -EINVAL);
	cr_assert_eq(caisson_loan(sender, CAISSON_U8, 1, &half, &c, NULL), -EAGAIN);
	cr_assert(!readable(sender, 0));
	cr_assert_eq(caisson_recv(receiver, &b, 0, NULL), 0);
	cr_assert(!readable(sender, 0)); /* received is not released */
	caisson_release(receiver, &b);
	cr_assert(readable(sender, 1000));
	cr_assert_eq(caisson_loan(sender, CAISSON_U8, 1, &half, &c, NULL), 0);
	cr_assert_eq(caisson_loan(sender, CAISSON_U8, 1, &half, &b, NULL), -EAGAIN);
	cr_assert(!readable(sender, 0));
	caisson_release(sender, &a);
	caisson_release(sender, &c);
}

Test(channel, backpressure_either_way) {
	caisson_channel *host = host_end(CAISSON_TO_SANDBOX, 4096);
	caisson_channel *peer = peer_open_here(host);

	pressure(host, peer);
	caisson_channel_close(peer);
	channel_free(host);
	host = host_end(CAISSON_TO_HOST, 4096);
	peer = peer_open_here(host);
	pressure(peer, host);
	caisson_channel_close(peer);
	channel_free(host);
}

Test(channel, leases_are_bounded) {
	caisson_channel *host = host_end(CAISSON_TO_SANDBOX, MIB);
	caisson_channel *peer = peer_open_here(host);
	caisson_tensor tensor, held;
	unsigned sent = 0;

	while (caisson_loan(host, CAISSON_U8, 0, NULL, &tensor, NULL) == 0 && sent < 5000) {
		cr_assert_eq(caisson_send(host, &tensor, NULL), 0);
		sent++;
	}
	cr_assert_eq(sent, 256);
	cr_assert_eq(caisson_recv(peer, &held, 0, NULL), 0); /* the first stays out for long */
	for (unsigned i = 0; i < 5000; i++) {
		cr_assert_eq(caisson_recv(peer, &tensor, 0, NULL), 0);
		caisson_release(peer, &tensor);
		cr_assert_eq(caisson_loan(host, CAISSON_U8, 0, NULL, &tensor, NULL), 0);
		cr_assert_eq(caisson_send(host, &tensor, NULL), 0);
	}
	caisson_channel_close(peer);
	channel_free(host);
}
