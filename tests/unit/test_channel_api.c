/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A channel's callers, and its parts: element types, the slab. */
#include <criterion/criterion.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "channel_ends.h"
#include "dtype.h"
#include "slab.h"

Test(channel_api, wrong_arguments) {
	caisson_channel *host = host_end(CAISSON_TO_HOST, 1), *none = NULL;
	caisson_channel *peer = peer_open_here(host);
	const int64_t negative = -1, one = 1;
	caisson_tensor tensor, again;

	cr_assert_eq(channel_new("", CAISSON_BOTH, 1, &none, NULL), -EINVAL);
	cr_assert_eq(channel_new("Frames", CAISSON_BOTH, 1, &none, NULL), -EINVAL);
	cr_assert_eq(channel_new("a2345678901234567890123456789012", CAISSON_BOTH, 1, &none, NULL),
	             -EINVAL);
	cr_assert_eq(channel_new("a", 4, 1, &none, NULL), -EINVAL);
	cr_assert_eq(channel_new("a", CAISSON_BOTH, 0, &none, NULL), -EINVAL);
	cr_assert_lt(channel_new("a", CAISSON_BOTH, UINT64_MAX, &none, NULL), 0);
	cr_assert_lt(channel_new("a", CAISSON_BOTH, INT64_MAX - 8192, &none, NULL), 0);
	cr_assert_eq(caisson_loan(host, CAISSON_U8, 1, &one, &tensor, NULL), -ENOTSUP);
	cr_assert_eq(caisson_recv(peer, &tensor, 0, NULL), -ENOTSUP);
	cr_assert_eq(caisson_loan(peer, CAISSON_U8, 65, &one, &tensor, NULL), -EINVAL);
	cr_assert_eq(caisson_loan(peer, CAISSON_U8, -1, &one, &tensor, NULL), -EINVAL);
	cr_assert_eq(caisson_loan(peer, CAISSON_U8, 1, NULL, &tensor, NULL), -EINVAL);
	cr_assert_eq(caisson_loan(peer, CAISSON_U8, 1, &negative, &tensor, NULL), -EINVAL);
	cr_assert_eq(caisson_loan(peer, CAISSON_DTYPE(CAISSON_OPAQUE_HANDLE, 64), 1, &one, &tensor,
	                          NULL),
	             -EINVAL);
	cr_assert_eq(caisson_loan(peer, CAISSON_U8, 1, &one, &tensor, NULL), 0);
	again = tensor;
	cr_assert_eq(caisson_send(peer, &tensor, NULL), 0);
	caisson_release(peer, &again); /* sent: not this side's any more */
	cr_assert_eq(caisson_recv(host, &tensor, 0, NULL), 0);
	again = tensor;
	caisson_release(host, &tensor);
	caisson_release(host, &tensor);
	caisson_release(host, &again);
	for (uint64_t bit = 0; bit < 64; bit++) {
		again.lease = (uint64_t)1 << bit;
		caisson_release(host, &again);
		again.lease = ~((uint64_t)1 << bit);
		caisson_release(peer, &again);
	}
	cr_assert_eq(caisson_recv(host, &tensor, 0, NULL), -EAGAIN);
	cr_assert_eq(caisson_loan(peer, CAISSON_U8, 1, &one, &tensor, NULL), 0);
	caisson_channel_close(peer);
	caisson_channel_close(NULL);
	channel_free(NULL);
	channel_free(host);
}

Test(channel_api, a_name_is_opened_once) {
	caisson_channel *host = host_end(CAISSON_TO_HOST, 4096), *peer, *again = NULL;
	caisson_error *err = NULL;

	unsetenv(CHANNEL_ENV);
	cr_assert_eq(caisson_channel_open("frames", &again, NULL), -ENOENT);
	peer = peer_open_here(host);
	cr_assert_eq(caisson_channel_open("frame", &again, NULL), -ENOENT);
	cr_assert_eq(caisson_channel_open("frames3", &again, NULL), -ENOENT);
	cr_assert_eq(caisson_channel_open("other", &again, NULL), -EBADF);
	cr_assert_eq(caisson_channel_open("frames", &again, &err), -EBUSY);
	cr_assert(strstr(caisson_error_message(err), "open already"));
	caisson_error_free(err);
	caisson_channel_close(peer);
	cr_assert_eq(caisson_channel_open("frames", &again, NULL), -EBADF);
	channel_free(host);
}

/* Over RLIMIT_FSIZE a truncate raises SIGXFSZ, which would end the application. */
Test(channel_api, file_size_limit_is_an_error_and_no_signal) {
	const struct rlimit limit = { .rlim_cur = 1 << 20, .rlim_max = 1 << 20 };
	caisson_channel *channel = NULL;

	cr_assert_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
	cr_assert_eq(channel_new("a", CAISSON_BOTH, 2 << 20, &channel, NULL), -EFBIG);
	cr_assert_eq(channel_new("a", CAISSON_BOTH, 1 << 20, &channel, NULL), 0);
	channel_free(channel);
}

/* ---------------------------------------------------------------- element types */

Test(channel_api, element_types) {
	/* The widths that pass, per code; everything else of 0 to 255 must not. */
	static const uint8_t widths[][8] = {
		[CAISSON_INT] = { 1, 2, 4, 8, 16, 32, 64 },
		[CAISSON_UINT] = { 1, 2, 4, 8, 16, 32, 64 },
		[CAISSON_FLOAT] = { 16, 32, 64 },
		[CAISSON_OPAQUE_HANDLE] = { 0 },
		[CAISSON_BFLOAT] = { 16 },
		[CAISSON_COMPLEX] = { 32, 64, 128 },
		[CAISSON_BOOL] = { 8 },
		[CAISSON_FLOAT8_E3M4] = { 8 },
		[CAISSON_FLOAT8_E4M3] = { 8 },
		[CAISSON_FLOAT8_E4M3B11FNUZ] = { 8 },
		[CAISSON_FLOAT8_E4M3FN] = { 8 },
		[CAISSON_FLOAT8_E4M3FNUZ] = { 8 },
		[CAISSON_FLOAT8_E5M2] = { 8 },
		[CAISSON_FLOAT8_E5M2FNUZ] = { 8 },
		[CAISSON_FLOAT8_E8M0FNU] = { 8 },
		[CAISSON_FLOAT6_E2M3FN] = { 6 },
		[CAISSON_FLOAT6_E3M2FN] = { 6 },
		[CAISSON_FLOAT4_E2M1FN] = { 4 },
	};

	for (unsigned code = 0; code < 256; code++)
		for (unsigned bits = 0; bits < 256; bits++) {
			caisson_dtype dtype = { (uint8_t)code, (uint8_t)bits, 1 };
			bool good = bits && code < COUNT(widths) &&
			            memchr(widths[code], (int)bits, sizeof(widths[code]));

			cr_assert_eq(dtype_valid(dtype), good, "code %u, %u bits", code, bits);
			dtype.lanes = 0;
			cr_assert_not(dtype_valid(dtype));
		}
}

/* --------------------------------------------------------------------- the slab */

#define SLAB_BYTES (64u * 1024u)
#define LEASES 64u

/* One byte for each 64 of the slab: the lease that has it. */
static void claim(uint8_t *map, const struct lease *lease, uint8_t from, uint8_t to) {
	cr_assert_eq(lease->offset % 64, 0);
	cr_assert_leq(lease->offset + lease->room, SLAB_BYTES);
	for (uint64_t i = lease->offset / 64; i < (lease->offset + lease->room) / 64; i++) {
		cr_assert_eq(map[i], from);
		map[i] = to;
	}
}

static uint64_t widest_gap(const uint8_t *map) {
	uint64_t widest = 0, run = 0;

	for (size_t i = 0; i < SLAB_BYTES / 64; i++) {
		run = map[i] ? 0 : run + 1;
		widest = run > widest ? run : widest;
	}
	return widest * 64;
}

Test(channel_api, slab_against_a_map) {
	static uint8_t map[SLAB_BYTES / 64];
	uint16_t out[LEASES + 1] = { 0 };
	unsigned count = 0, refused = 0;
	struct slab slab = { 0 };

	cr_assert_eq(slab_init(&slab, LEASES, SLAB_BYTES), 0);
	srandom(1);
	for (int i = 0; i < 200000; i++) {
		uint64_t size = (uint64_t)random() % (random() % 4 ? 2000 : 20000);

		if (random() % 2 && count < LEASES) {
			uint16_t index = slab_lease(&slab);
			int rc = slab_room(&slab, index, size);

			cr_assert_neq(index, 0);
			/* First fit finds room if and only if there is a gap for it. */
			cr_assert_eq(rc, (size + 63) / 64 * 64 <= widest_gap(map) ? 0 : -EAGAIN);
			if (rc < 0) {
				slab_end(&slab, index);
				refused++;
				continue;
			}
			cr_assert_geq(slab.lease[index].room, size);
			claim(map, &slab.lease[index], 0, (uint8_t)index);
			out[count++] = index;
		} else if (count) {
			unsigned pick = (unsigned)random() % count;

			claim(map, &slab.lease[out[pick]], (uint8_t)out[pick], 0);
			slab_end(&slab, out[pick]);
			out[pick] = out[--count];
		}
	}
	cr_assert_gt(refused, 100);
	slab_destroy(&slab);
}
