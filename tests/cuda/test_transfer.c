/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Tensors in device memory: when they are complete, who sees what, and how it ends. */
#include <criterion/criterion.h>
#include <errno.h>

#include "channel_impl.h"
#include "cuda_ends.h"

static struct ends e;

static void open_lane(uint32_t lane, uint32_t flags) {
	caisson_cuda_options options = lanes_only(lane);

	options.flags = flags;
	cr_assert(ends_open(&e, CAISSON_BOTH, CUDA_SLAB_BYTES));
	ends_attach(&e, &options, &options);
	cr_assert_eq(e.host_rc, 0, "%s", caisson_error_text(e.host_err));
	cr_assert_eq(e.peer_rc, 0, "%s", caisson_error_text(e.peer_err));
}

static void close_lane(void) {
	ends_close(&e);
	cr_assert_eq(fake_live(), 0, "left: %s", fake_text());
}

static const uint32_t all_lanes[] = { CAISSON_LANE_CUDA_VMM, CAISSON_LANE_CUDA_STAGED,
	                              CAISSON_LANE_CUDA_IPC };

static void loan(caisson_channel *from, int64_t n, caisson_tensor *t) {
	cr_assert_eq(caisson_loan(from, CAISSON_U8, 1, &n, t, NULL), 0);
}

static uint8_t first_byte(caisson_channel *to) {
	caisson_tensor t;
	uint8_t byte;

	cr_assert_eq(caisson_recv(to, &t, 5000, NULL), 0);
	byte = *(uint8_t *)t.data;
	caisson_release(to, &t);
	return byte;
}

/* What a stream has under way when a tensor is sent has ended when it is received. */
Test(cuda_transfer, complete_before_it_is_published, .timeout = 60) {
	for (size_t i = 0; i < 3; i++) {
		caisson_tensor t;

		open_lane(all_lanes[i], 0);
		loan(e.host, 1000, &t);
		fake_later(1, t.data, 77, 1000);
		cr_assert_neq(*(uint8_t *)t.data, 77);
		cr_assert_eq(caisson_send(e.host, &t, NULL), 0);
		cr_assert_eq(first_byte(e.peer), 77);
		loan(e.peer, 1000, &t);
		fake_later(2, t.data, 78, 1000);
		cr_assert_eq(caisson_cuda_send(e.peer, &t, CAISSON_CUDA_STREAM_PER_THREAD, NULL),
		             0);
		cr_assert_eq(first_byte(e.host), 78);
		close_lane();
	}
}

/* Who names a stream waits for that one only. */
Test(cuda_transfer, one_stream, .timeout = 60) {
	unsigned long before;
	caisson_tensor t;

	open_lane(CAISSON_LANE_CUDA_VMM, 0);
	before = fake_calls("cuCtxSynchronize");
	loan(e.host, 100, &t);
	cr_assert_eq(caisson_cuda_send(e.host, &t, 0, NULL), -EINVAL);
	cr_assert_eq(caisson_cuda_send(e.host, &t, -2, NULL), -EINVAL);
	cr_assert_neq(caisson_cuda_send(e.host, &t, 0x77777, NULL),
	              0); /* no stream of this driver */
	cr_assert_eq(caisson_cuda_send(e.host, &t, CAISSON_CUDA_STREAM_NONE, NULL), 0);
	cr_assert_eq(caisson_recv(e.peer, &t, 5000, NULL), 0);
	cr_assert_eq(caisson_cuda_release(e.peer, &t, 0, NULL), -EINVAL);
	cr_assert_eq(caisson_cuda_release(e.peer, &t, CAISSON_CUDA_STREAM_LEGACY, NULL), 0);
	cr_assert_eq(t.lease, 0);
	cr_assert_eq(fake_calls("cuCtxSynchronize"), before);
	close_lane();
}

/* Before room is given back, what works on it has ended. */
Test(cuda_transfer, released_when_idle, .timeout = 60) {
	unsigned long before;
	caisson_tensor t;

	open_lane(CAISSON_LANE_CUDA_VMM, 0);
	cr_assert_eq(send_bytes(e.host, 100, 1, NULL), 0);
	cr_assert_eq(caisson_recv(e.peer, &t, 5000, NULL), 0);
	before = fake_calls("cuCtxSynchronize");
	caisson_release(e.peer, &t);
	cr_assert_eq(fake_calls("cuCtxSynchronize"), before + 1);
	close_lane();
}

/* New device memory is full of other programs' bytes: none of them reach the other side. */
Test(cuda_transfer, no_bytes_of_others, .timeout = 60) {
	for (size_t i = 0; i < 3; i++) {
		caisson_tensor t;

		open_lane(all_lanes[i], 0);
		loan(e.host, CUDA_SLAB_BYTES, &t);
		cr_assert_eq(caisson_send(e.host, &t, NULL), 0);
		cr_assert_eq(caisson_recv(e.peer, &t, 5000, NULL), 0);
		cr_assert_eq(*(uint8_t *)t.data, 0);
		cr_assert_eq(memcmp(t.data, (char *)t.data + 1, CUDA_SLAB_BYTES - 1), 0);
		caisson_release(e.peer, &t);
		close_lane();
	}
}

/* With SNAPSHOT a sender who writes after sending changes nothing of what was received. */
Test(cuda_transfer, snapshot, .timeout = 60) {
	static const uint32_t lanes[] = { CAISSON_LANE_CUDA_VMM, CAISSON_LANE_CUDA_IPC };

	for (size_t i = 0; i < 2; i++) {
		uint8_t *kept;
		caisson_tensor t;

		open_lane(lanes[i], CAISSON_CUDA_SNAPSHOT);
		cr_assert_eq(e.host_info.lane, lanes[i] | CAISSON_LANE_CUDA_COPY);
		loan(e.peer, 1000, &t);
		kept = t.data;
		memset(kept, 5, 1000);
		cr_assert_eq(caisson_send(e.peer, &t, NULL), 0);
		cr_assert_eq(caisson_recv(e.host, &t, 5000, NULL), 0);
		memset(kept, 6, 1000);
		cr_assert_eq(*(uint8_t *)t.data, 5);
		caisson_release(e.host, &t);
		close_lane();
		/* Without, it does: that is what the flag is for. */
		open_lane(lanes[i], 0);
		loan(e.peer, 1000, &t);
		kept = t.data;
		memset(kept, 5, 1000);
		cr_assert_eq(caisson_send(e.peer, &t, NULL), 0);
		cr_assert_eq(caisson_recv(e.host, &t, 5000, NULL), 0);
		memset(kept, 6, 1000);
		cr_assert_eq(*(uint8_t *)t.data, 6);
		caisson_release(e.host, &t);
		close_lane();
	}
}

/* Leases and quotas are the processor's: room ends and comes back, nothing overlaps. */
Test(cuda_transfer, room, .timeout = 60) {
	caisson_tensor t[4], r;
	caisson_error *err = NULL;
	int64_t quarter = CUDA_SLAB_BYTES / 4, all = CUDA_SLAB_BYTES, more = all + 1;

	open_lane(CAISSON_LANE_CUDA_VMM, 0);
	for (int i = 0; i < 4; i++)
		loan(e.host, quarter, &t[i]);
	cr_assert_eq(caisson_loan(e.host, CAISSON_U8, 1, &quarter, &r, NULL), -EAGAIN);
	cr_assert_eq(caisson_loan(e.host, CAISSON_U8, 1, &more, &r, &err), -EMSGSIZE);
	caisson_error_free(err);
	for (int i = 0; i < 4; i++)
		for (int k = 0; k < i; k++)
			cr_assert_geq(labs((char *)t[i].data - (char *)t[k].data), quarter);
	cr_assert_eq(caisson_send(e.host, &t[0], NULL), 0);
	cr_assert_eq(caisson_recv(e.peer, &r, 5000, NULL), 0);
	caisson_release(e.peer, &r);
	cr_assert_eq(caisson_loan(e.host, CAISSON_U8, 1, &quarter, &t[0], NULL), 0);
	for (int i = 0; i < 4; i++)
		caisson_release(e.host, &t[i]);
	cr_assert_eq(caisson_loan(e.host, CAISSON_U8, 1, &all, &r, NULL), 0);
	cr_assert_eq(caisson_channel_prefault(e.host, NULL), -ENOTSUP);
	close_lane();
}

/* A tensor that speaks of the other kind of memory, or of a generation that is none, ends the trust. */
Test(cuda_transfer, stale_generation_and_slab, .timeout = 60) {
	for (int what = 0; what < 2; what++) {
		caisson_error *err = NULL;
		caisson_tensor t;

		open_lane(CAISSON_LANE_CUDA_VMM, 0);
		if (what)
			e.peer->generation++;
		else
			e.peer->device.slab = 0;
		cr_assert_eq(send_bytes(e.peer, 10, 1, NULL), 0);
		cr_assert_eq(caisson_recv(e.host, &t, 5000, &err), -EPROTO);
		cr_assert(
			strstr(caisson_error_text(err), "a slab that this channel does not have"));
		caisson_error_free(err);
		close_lane();
	}
}

/* From device to device by one copy; to a channel of the processor's, not at all. */
Test(cuda_transfer, forward, .timeout = 60) {
	caisson_error *err = NULL;
	struct ends first;
	caisson_channel *plain;
	caisson_tensor t;

	open_lane(CAISSON_LANE_CUDA_VMM, 0);
	first = e;
	open_lane(CAISSON_LANE_CUDA_STAGED, 0);
	cr_assert_eq(send_bytes(first.peer, 3000, 9, NULL), 0);
	cr_assert_eq(caisson_recv(first.host, &t, 5000, NULL), 0);
	cr_assert_eq(caisson_forward(&t, e.host, 0, NULL), 0);
	cr_assert_eq(recv_bytes(e.peer, 3000, 9, NULL), 0);
	cr_assert_eq(channel_new("plain", CAISSON_BOTH, 65536, &plain, NULL), 0);
	cr_assert_eq(caisson_forward(&t, plain, 0, &err), -ENOTSUP);
	cr_assert(strstr(caisson_error_text(err), "in a device's memory"));
	caisson_error_free(err);
	channel_free(plain);
	caisson_release(first.host, &t);
	ends_close(&first);
	close_lane();
}

/* A copy that fails: the tensor goes back, the channel goes on. */
Test(cuda_transfer, copies_that_fail, .timeout = 60) {
	caisson_error *err = NULL;
	caisson_tensor t;

	open_lane(CAISSON_LANE_CUDA_STAGED, 0);
	setenv("FAKE_CUDA_FAIL", "cuMemcpyDtoHAsync=719", 1);
	loan(e.host, 1000, &t);
	cr_assert_eq(caisson_send(e.host, &t, &err), -EIO);
	cr_assert(strstr(caisson_error_text(err), "cuMemcpyDtoHAsync gave"));
	caisson_error_free(err);
	cr_assert_neq(t.lease, 0);
	setenv("FAKE_CUDA_FAIL", "cuMemcpyHtoDAsync=719", 1);
	memset(t.data, 3, 1000);
	cr_assert_eq(caisson_send(e.host, &t, NULL), 0);
	cr_assert_eq(caisson_recv(e.peer, &t, 5000, NULL), -EIO);
	cr_assert_eq(t.lease, 0);
	unsetenv("FAKE_CUDA_FAIL");
	cr_assert_eq(send_bytes(e.host, CUDA_SLAB_BYTES, 2, NULL), 0); /* all the room is back */
	cr_assert_eq(recv_bytes(e.peer, CUDA_SLAB_BYTES, 2, NULL), 0);
	close_lane();
}
