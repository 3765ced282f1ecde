/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a sandbox that keeps no rule can do to a channel, and what becomes of it. */
#include <criterion/criterion.h>
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "channel_ends.h"

/* -EPROTO for this reason, and from then on, in both directions. */
static void assert_poisoned(caisson_channel *host, int rc, caisson_error *err, const char *reason,
                            const char *what) {
	caisson_tensor tensor;

	cr_assert_eq(rc, -EPROTO, "%s: %d", what, rc);
	cr_assert(strstr(caisson_error_message(err), reason), "%s: %s", what,
	          caisson_error_message(err));
	caisson_error_free(err);
	cr_assert_eq(caisson_recv(host, &tensor, 0, NULL), -EPROTO, "%s", what);
	cr_assert_eq(caisson_loan(host, CAISSON_U8, 0, NULL, &tensor, NULL), -EPROTO, "%s", what);
}

/* --------------------------------------------------------------------- slots */

#define FIELD(name)                                                                                \
	offsetof(struct caisson_channel_slot, name),                                               \
		sizeof(((struct caisson_channel_slot *)0)->name)
#define SLAB_FAULT "a slab that"
#define SIZE_FAULT "a size that"
#define TYPE_FAULT "element type"
#define EXTENT_FAULT "extents or strides"
#define ALIGN_FAULT "not aligned"
#define END_FAULT "beyond the end"
#define PLACE_FAULT "in a place"

static const struct field_case {
	size_t at, width;
	uint64_t value;
	const char *reason; /* NULL: harmless */
} field_cases[] = {
	{ FIELD(seq), 2, "out of sequence" },
	{ FIELD(seq), 257, "out of sequence" },
	{ FIELD(seq), UINT64_MAX, "out of sequence" },
	{ FIELD(slab), 1, SLAB_FAULT },
	{ FIELD(slab), UINT16_MAX, SLAB_FAULT },
	{ FIELD(generation), 0, SLAB_FAULT },
	{ FIELD(generation), 2, SLAB_FAULT },
	{ FIELD(generation), UINT16_MAX, SLAB_FAULT },
	{ FIELD(offset), SLAB - 64, NULL },
	{ FIELD(offset), 1, ALIGN_FAULT },
	{ FIELD(offset), 63, ALIGN_FAULT },
	{ FIELD(offset), SLAB, END_FAULT },
	{ FIELD(offset), (uint64_t)1 << 63, END_FAULT },
	{ FIELD(offset), UINT64_MAX - 63, END_FAULT },
	{ FIELD(offset), UINT64_MAX, ALIGN_FAULT },
	{ FIELD(nbytes), 0, SIZE_FAULT },
	{ FIELD(nbytes), 21, SIZE_FAULT },
	{ FIELD(nbytes), UINT64_MAX, SIZE_FAULT },
	{ FIELD(code), CAISSON_INT, NULL },
	{ FIELD(code), CAISSON_BOOL, NULL },
	{ FIELD(code), CAISSON_OPAQUE_HANDLE, TYPE_FAULT },
	{ FIELD(code), CAISSON_BFLOAT, TYPE_FAULT },
	{ FIELD(code), 18, TYPE_FAULT },
	{ FIELD(code), 255, TYPE_FAULT },
	{ FIELD(bits), 0, TYPE_FAULT },
	{ FIELD(bits), 9, TYPE_FAULT },
	{ FIELD(bits), 64, SIZE_FAULT },
	{ FIELD(lanes), 0, TYPE_FAULT },
	{ FIELD(lanes), 65535, SIZE_FAULT },
	{ FIELD(ndim), 1, SIZE_FAULT },
	{ FIELD(ndim), 9, PLACE_FAULT },
	{ FIELD(ndim), 64, PLACE_FAULT },
	{ FIELD(ndim), 65, "64 dimensions" },
	{ FIELD(ndim), 255, "64 dimensions" },
	{ FIELD(flags), CAISSON_SLOT_STRIDED, SIZE_FAULT },
	{ FIELD(flags), CAISSON_SLOT_SMALL, SIZE_FAULT },
	{ FIELD(flags), CAISSON_SLOT_EXTENDED, PLACE_FAULT },
	{ FIELD(flags), 32, "unknown flag" },
	{ FIELD(flags), 255, "unknown flag" },
	{ FIELD(tag), UINT64_MAX, NULL },
	{ FIELD(lease), 0, NULL },
	{ FIELD(lease), UINT32_MAX, NULL },
	{ FIELD(call), 1, "number of a call" },
	{ FIELD(small[0]), UINT32_MAX, NULL },
	{ FIELD(shape[0]), 0, SIZE_FAULT },
	{ FIELD(shape[0]), (uint64_t)-1, EXTENT_FAULT },
	{ FIELD(shape[0]), (uint64_t)INT64_MIN, EXTENT_FAULT },
	{ FIELD(shape[0]), INT64_MAX, EXTENT_FAULT },
	{ FIELD(shape[1]), INT64_MAX, EXTENT_FAULT },
	{ FIELD(shape[2]), (uint64_t)-1, NULL },
	{ FIELD(spare[0]), UINT64_MAX, NULL },
};

static void offer(const struct caisson_channel_slot *slot, const char *reason, const char *what) {
	struct raw_peer peer;
	caisson_channel *host = raw_host_end(&peer, CAISSON_BOTH);
	caisson_error *err = NULL;
	caisson_tensor tensor;
	int rc;

	raw_write(&peer, 0, slot);
	rc = caisson_recv(host, &tensor, 0, &err);
	if (reason)
		assert_poisoned(host, rc, err, reason, what);
	else
		cr_assert_eq(rc, 0, "%s: %d", what, rc);
	channel_free(host);
	raw_close(&peer);
}

Test(channel_hostile, every_field_of_a_slot) {
	struct caisson_channel_slot slot = raw_good_slot();
	char what[64];

	offer(&slot, NULL, "the good slot");
	for (size_t i = 0; i < COUNT(field_cases); i++) {
		const struct field_case *c = &field_cases[i];

		slot = raw_good_slot();
		memcpy((char *)&slot + c->at, &c->value, c->width); /* little-endian */
		snprintf(what, sizeof(what), "byte %zu = %#llx", c->at,
		         (unsigned long long)c->value);
		offer(&slot, c->reason, what);
	}
}

/* Products and sums that wrap to something harmless if they are not checked. */
static const struct extent_case {
	const char *what;
	struct caisson_channel_slot slot;
	const char *reason;
} extent_cases[] = {
	{ "2^32 by 2^32",
	  { .nbytes = 0, .bits = 8, .ndim = 2, .shape = { 1ll << 32, 1ll << 32 } },
	  EXTENT_FAULT },
	{ "2^61 of 64 bits",
	  { .nbytes = 0, .bits = 64, .ndim = 1, .shape = { 1ll << 61 } },
	  EXTENT_FAULT },
	{ "2^58 of 64 bits and 1 more",
	  { .nbytes = 8, .bits = 64, .ndim = 1, .shape = { (1ll << 58) + 1 } },
	  EXTENT_FAULT },
	{ "overflow behind an extent of 0",
	  { .nbytes = 0, .bits = 8, .ndim = 3, .shape = { 0, 1ll << 62, 4 } },
	  EXTENT_FAULT },
	{ "strides that wrap to a sum of -1",
	  { .nbytes = 0, .bits = 8, .ndim = 3, .shape = { 2, 1ll << 31, 1ll << 32 } },
	  EXTENT_FAULT },
	{ "an end that wraps",
	  { .nbytes = 128, .bits = 8, .ndim = 1, .offset = UINT64_MAX - 63, .shape = { 128 } },
	  END_FAULT },
	{ "one past the end",
	  { .nbytes = 65, .bits = 8, .ndim = 1, .offset = SLAB - 64, .shape = { 65 } },
	  END_FAULT },
	{ "the whole slab and one",
	  { .nbytes = 4097, .bits = 8, .ndim = 1, .shape = { 4097 } },
	  END_FAULT },
	{ "the whole slab", { .nbytes = 4096, .bits = 8, .ndim = 1, .shape = { 4096 } }, NULL },
	{ "empty at the end", { .nbytes = 0, .bits = 8, .ndim = 1, .offset = SLAB }, NULL },
	{ "empty behind the end",
	  { .nbytes = 0, .bits = 8, .ndim = 1, .offset = SLAB + 64 },
	  END_FAULT },
	{ "strided",
	  { .nbytes = 45,
	    .bits = 8,
	    .ndim = 2,
	    .flags = 1,
	    .shape = { 5, 5 },
	    .strides = { 10, 1 } },
	  NULL },
	{ "small",
	  { .nbytes = 30, .bits = 8, .ndim = 4, .flags = 2, .small = { 1, 2, 3, 5 } },
	  NULL },
	{ "small, and more than fit",
	  { .nbytes = 30, .bits = 8, .ndim = 5, .flags = 2, .small = { 1, 2, 3, 5 } },
	  PLACE_FAULT },
	{ "small, and the product overflows",
	  { .nbytes = 0,
	    .bits = 8,
	    .ndim = 4,
	    .flags = 2,
	    .small = { UINT32_MAX, UINT32_MAX, UINT32_MAX, UINT32_MAX } },
	  EXTENT_FAULT },
	{ "small and extended", { .nbytes = 0, .bits = 8, .ndim = 9, .flags = 6 }, PLACE_FAULT },
	{ "extended, all extents 0", { .nbytes = 0, .bits = 8, .ndim = 64, .flags = 4 }, NULL },
	{ "extended, strided, all 0", { .nbytes = 0, .bits = 8, .ndim = 9, .flags = 5 }, NULL },
	{ "stride of 0",
	  { .nbytes = 5, .bits = 8, .ndim = 2, .flags = 1, .shape = { 5, 5 }, .strides = { 0, 1 } },
	  NULL },
	{ "negative stride",
	  { .nbytes = 5,
	    .bits = 8,
	    .ndim = 2,
	    .flags = 1,
	    .shape = { 5, 5 },
	    .strides = { -1, 1 } },
	  EXTENT_FAULT },
	{ "stride that overflows",
	  { .nbytes = 1,
	    .bits = 8,
	    .ndim = 1,
	    .flags = 1,
	    .shape = { 5 },
	    .strides = { 1ll << 62 } },
	  EXTENT_FAULT },
	{ "strides whose sum overflows",
	  { .nbytes = 1,
	    .bits = 8,
	    .ndim = 2,
	    .flags = 1,
	    .shape = { 2, 2 },
	    .strides = { INT64_MAX, INT64_MAX } },
	  EXTENT_FAULT },
	{ "stride beyond the slab",
	  { .nbytes = 4097, .bits = 8, .ndim = 1, .flags = 1, .shape = { 2 }, .strides = { 4096 } },
	  END_FAULT },
	{ "7 of 4 bits",
	  { .nbytes = 4, .code = CAISSON_FLOAT4_E2M1FN, .bits = 4, .ndim = 1, .shape = { 7 } },
	  NULL },
	{ "7 of 4 bits, rounded down",
	  { .nbytes = 3, .code = CAISSON_FLOAT4_E2M1FN, .bits = 4, .ndim = 1, .shape = { 7 } },
	  SIZE_FAULT },
};

Test(channel_hostile, extents_that_overflow) {
	for (size_t i = 0; i < COUNT(extent_cases); i++) {
		struct caisson_channel_slot slot = extent_cases[i].slot;

		slot.seq = slot.generation = slot.lanes = 1;
		slot.code = slot.code ? slot.code : CAISSON_UINT;
		offer(&slot, extent_cases[i].reason, extent_cases[i].what);
	}
}

Test(channel_hostile, slot_changed_after_it_was_received) {
	struct raw_peer peer;
	caisson_channel *host = raw_host_end(&peer, CAISSON_BOTH);
	struct caisson_channel_slot slot = raw_good_slot();
	caisson_tensor tensor, before;

	raw_write(&peer, 0, &slot);
	cr_assert_eq(caisson_recv(host, &tensor, 0, NULL), 0);
	before = tensor;
	memset(&slot, 0xff, sizeof(slot));
	raw_write(&peer, 0, &slot);
	cr_assert_eq(memcmp(&before, &tensor, sizeof(tensor)), 0);
	cr_assert(tensor.shape[0] == 4 && tensor.shape[1] == 5);
	cr_assert(tensor.strides[0] == 5 && tensor.strides[1] == 1);
	caisson_release(host, &tensor);
	cr_assert_eq(*raw_release(peer.host, 0), (uint64_t)1 << 32 | 7);
	channel_free(host);
	raw_close(&peer);
}

struct flipper {
	struct raw_peer *peer;
	atomic_bool stop;
};

static void *flip(void *argument) {
	struct flipper *flipper = argument;
	struct caisson_channel_slot slot = raw_good_slot();

	while (!atomic_load(&flipper->stop)) {
		slot.shape[0] ^= 4 ^ 4000;
		slot.nbytes ^= 20 ^ 4000;
		slot.ndim ^= 11; /* 2 or 9 */
		raw_write(flipper->peer, 0, &slot);
	}
	return NULL;
}

/* The copy is judged, so whatever is accepted is consistent, whenever it was taken. */
Test(channel_hostile, slot_changed_while_it_is_received) {
	unsigned accepted = 0;

	for (int i = 0; i < 100; i++) {
		struct raw_peer peer;
		caisson_channel *host = raw_host_end(&peer, CAISSON_BOTH);
		struct flipper flipper = { .peer = &peer };
		caisson_tensor tensor;
		pthread_t thread;
		int rc;

		cr_assert_eq(pthread_create(&thread, NULL, flip, &flipper), 0);
		do /* the thread rings no bell */
			rc = caisson_recv(host, &tensor, 0, NULL);
		while (rc == -EAGAIN);
		cr_assert(rc == 0 || rc == -EPROTO, "%d", rc);
		if (rc == 0) {
			accepted++;
			cr_assert_eq(tensor.ndim, 2);
			cr_assert_eq(tensor.shape[0] * tensor.shape[1], (int64_t)tensor.nbytes);
			cr_assert_leq(tensor.nbytes, SLAB);
		}
		atomic_store(&flipper.stop, true);
		pthread_join(thread, NULL);
		channel_free(host);
		raw_close(&peer);
	}
	cr_log_info("%u of 100 accepted", accepted);
}

Test(channel_hostile, more_tensors_than_leases) {
	struct raw_peer peer;
	caisson_channel *host = raw_host_end(&peer, CAISSON_BOTH);
	struct caisson_channel_slot slot = raw_good_slot();
	caisson_error *err = NULL;
	caisson_tensor tensor;
	int rc;

	for (slot.seq = 1; slot.seq <= 256; slot.seq++) {
		raw_write(&peer, slot.seq - 1, &slot);
		cr_assert_eq(caisson_recv(host, &tensor, 0, NULL), 0);
	}
	raw_write(&peer, slot.seq - 1, &slot);
	rc = caisson_recv(host, &tensor, 0, &err);
	assert_poisoned(host, rc, err, "leases", "257");
	channel_free(host);
	raw_close(&peer);
}

Test(channel_hostile, before_it_opened_and_other_versions) {
	static const struct {
		uint32_t state, version;
		const char *reason;
	} cases[] = {
		{ 0, 1, "before" }, { 1, 0, "version" }, { 1, 2, "version" }, { 1, 1, NULL }
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		struct raw_peer peer;
		caisson_channel *host = raw_host_end(&peer, CAISSON_BOTH);
		struct caisson_channel_slot slot = raw_good_slot();
		caisson_error *err = NULL;
		caisson_tensor tensor;
		int rc;

		peer.page->state = cases[i].state;
		peer.page->version = cases[i].version;
		raw_write(&peer, 0, &slot);
		rc = caisson_recv(host, &tensor, 0, &err);
		if (cases[i].reason)
			assert_poisoned(host, rc, err, cases[i].reason, "meeting");
		else
			cr_assert_eq(rc, 0);
		channel_free(host);
		raw_close(&peer);
	}
}

/* ------------------------------------------------------------------ releases */

/* What the peer writes into the first two words of its ring of releases; lease is the real one. */
#define NTH(n) ((uint64_t)(n) << 32)
static const struct release_case {
	const char *what;
	uint64_t flip[2]; /* xor with NTH(1) | lease, NTH(2) | lease; 0 in [1] leaves the word 0 */
	bool second;
	const char *reason;
} release_cases[] = {
	{ "honest", { 0, 0 }, false, NULL },
	{ "released twice", { 0, 0 }, true, "does not have" },
	{ "a later generation", { 0x10000, 0 }, false, "does not have" },
	{ "index out of bounds", { 0x8000, 0 }, false, "does not have" },
	{ "never loaned", { 0x40, 0 }, false, "does not have" },
	{ "only loaned", { 3, 0 }, false, "does not have" },
	{ "index 0", { 1, 0 }, false, "does not have" },
	{ "count jumps", { NTH(1 ^ 3), 0 }, false, "out of sequence" },
	{ "count far ahead", { NTH(0x80000000), 0 }, false, "out of sequence" },
};

Test(channel_hostile, forged_releases) {
	for (size_t i = 0; i < COUNT(release_cases); i++) {
		const struct release_case *c = &release_cases[i];
		struct raw_peer peer;
		caisson_channel *host = raw_host_end(&peer, CAISSON_BOTH);
		caisson_tensor sent, loaned, tensor;
		caisson_error *err = NULL;
		uint64_t lease;
		int rc;

		cr_assert_eq(caisson_loan(host, CAISSON_U8, 0, NULL, &sent, NULL), 0);
		cr_assert_eq(caisson_loan(host, CAISSON_U8, 0, NULL, &loaned, NULL), 0);
		cr_assert_eq(caisson_send(host, &sent, NULL), 0);
		lease = raw_lease(&peer, 0);
		cr_assert_eq(lease, 0x10001);
		*raw_release(peer.page, 0) = (NTH(1) | lease) ^ c->flip[0];
		if (c->second)
			*raw_release(peer.page, 1) = NTH(2) | lease;
		/* More than there can be: what was released is looked at. */
		rc = caisson_loan(host, CAISSON_U8, 1, (const int64_t[]){ SLAB }, &tensor, &err);
		if (c->reason) {
			assert_poisoned(host, rc, err, c->reason, c->what);
		} else {
			cr_assert_eq(rc, -EAGAIN, "%s: %d", c->what, rc);
			caisson_error_free(err);
		}
		channel_free(host);
		raw_close(&peer);
	}
}
