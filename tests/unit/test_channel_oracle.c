/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The judge of slots against an oracle that does no arithmetic on extents: it
 * visits every element. All shapes of up to 3 dimensions of 0 to 4, all strides
 * of -4 to 4, all element types, and sizes that are right or off by one.
 */
#include <criterion/criterion.h>
#include <stdint.h>
#include <string.h>

#include "dtype.h"
#include "slot.h"

#define EXTENTS 5
#define STRIDES 9
#define GENERATION 3

static const caisson_dtype dtypes[] = {
	{ CAISSON_INT, 1, 1 },
	{ CAISSON_INT, 2, 1 },
	{ CAISSON_INT, 4, 1 },
	{ CAISSON_INT, 8, 1 },
	{ CAISSON_INT, 16, 1 },
	{ CAISSON_INT, 32, 1 },
	{ CAISSON_INT, 64, 1 },
	{ CAISSON_UINT, 1, 1 },
	{ CAISSON_UINT, 2, 1 },
	{ CAISSON_UINT, 4, 1 },
	{ CAISSON_UINT, 8, 1 },
	{ CAISSON_UINT, 16, 1 },
	{ CAISSON_UINT, 32, 1 },
	{ CAISSON_UINT, 64, 1 },
	{ CAISSON_FLOAT, 16, 1 },
	{ CAISSON_FLOAT, 32, 1 },
	{ CAISSON_FLOAT, 64, 1 },
	{ CAISSON_BFLOAT, 16, 1 },
	{ CAISSON_COMPLEX, 32, 1 },
	{ CAISSON_COMPLEX, 64, 1 },
	{ CAISSON_COMPLEX, 128, 1 },
	{ CAISSON_BOOL, 8, 1 },
	{ CAISSON_FLOAT8_E3M4, 8, 1 },
	{ CAISSON_FLOAT8_E4M3, 8, 1 },
	{ CAISSON_FLOAT8_E4M3B11FNUZ, 8, 1 },
	{ CAISSON_FLOAT8_E4M3FN, 8, 1 },
	{ CAISSON_FLOAT8_E4M3FNUZ, 8, 1 },
	{ CAISSON_FLOAT8_E5M2, 8, 1 },
	{ CAISSON_FLOAT8_E5M2FNUZ, 8, 1 },
	{ CAISSON_FLOAT8_E8M0FNU, 8, 1 },
	{ CAISSON_FLOAT6_E2M3FN, 6, 1 },
	{ CAISSON_FLOAT6_E3M2FN, 6, 1 },
	{ CAISSON_FLOAT4_E2M1FN, 4, 1 },
	{ CAISSON_FLOAT4_E2M1FN, 4, 3 }, /* lanes */
	{ CAISSON_UINT, 1, 5 },
	{ CAISSON_FLOAT, 32, 4 },
};

/* A tensor's elements, one after the other. */
struct walk {
	int64_t last;  /* highest element number; -1: there is none */
	int64_t least; /* lowest */
};

static struct walk walk(int ndim, const int64_t *shape, const int64_t *strides) {
	int64_t extent[3] = { 1, 1, 1 }, step[3] = { 0, 0, 0 };
	struct walk walk = { .last = -1, .least = 0 };

	for (int i = 0; i < ndim; i++) {
		extent[i] = shape[i];
		step[i] = strides[i];
	}
	for (int64_t a = 0; a < extent[0]; a++)
		for (int64_t b = 0; b < extent[1]; b++)
			for (int64_t c = 0; c < extent[2]; c++) {
				int64_t at = a * step[0] + b * step[1] + c * step[2];

				walk.last = at > walk.last ? at : walk.last;
				walk.least = at < walk.least ? at : walk.least;
			}
	return walk;
}

/* Strides by counting: an element's number is how many come before it. */
static void row_major(int ndim, const int64_t *shape, int64_t *strides) {
	for (int i = 0; i < ndim; i++) {
		strides[i] = 1;
		for (int k = i + 1; k < ndim; k++)
			strides[i] *= shape[k] ? shape[k] : 1;
	}
}

static unsigned long judged, accepted;

static void judge(struct ring_copy *copy, const int64_t *strides, uint64_t size, bool good) {
	const struct slot_limits limits = { size, GENERATION, 0 };
	struct lease lease;
	const char *fault = slot_check(copy, &limits, &lease);
	const struct caisson_channel_slot *slot = &copy->slot;

	judged++;
	accepted += good;
	if (!fault != good)
		cr_assert_fail("type %u/%u/%u ndim %u flags %u shape %d %d %d strides %d %d %d "
		               "nbytes %d offset %d of %d: %s",
		               slot->code, slot->bits, slot->lanes, slot->ndim, slot->flags,
		               (int)slot->shape[0], (int)slot->shape[1], (int)slot->shape[2],
		               (int)slot->strides[0], (int)slot->strides[1], (int)slot->strides[2],
		               (int)slot->nbytes, (int)slot->offset, (int)size,
		               fault ? fault : "accepted");
	for (int i = 0; good && i < slot->ndim; i++)
		cr_assert(lease.shape[i] == slot->shape[i] && lease.strides[i] == strides[i]);
}

/* One tensor: sizes that are right, and all that are off by one. */
static void try_sizes(struct ring_copy *copy, const int64_t *strides, uint64_t nbytes, bool good) {
	struct caisson_channel_slot *slot = &copy->slot;

	for (int off = -1; off <= 1; off++) {
		slot->nbytes = nbytes + (uint64_t)off;
		slot->offset = 64;
		judge(copy, strides, 64 + nbytes, good && off == 0);
		judge(copy, strides, 64 + nbytes + 1, good && off == 0);
		judge(copy, strides, 64 + nbytes - 1, false);
	}
	slot->nbytes = nbytes;
	slot->offset = 63;
	judge(copy, strides, 1 << 20, false);
	slot->offset = 0;
	judge(copy, strides, nbytes, good);
}

static void try_types(struct ring_copy *copy, const int64_t *strides) {
	struct caisson_channel_slot *slot = &copy->slot;
	struct walk seen = walk(slot->ndim, slot->shape, strides);
	bool good = true;

	/* Memory before the first element is never a tensor's, nor is a way there. */
	for (int i = 0; i < slot->ndim; i++)
		good &= strides[i] >= 0;
	if (good)
		cr_assert_eq(seen.least, 0);
	for (size_t i = 0; i < sizeof(dtypes) / sizeof(dtypes[0]); i++) {
		uint64_t width = (uint64_t)dtypes[i].bits * dtypes[i].lanes;

		slot->code = dtypes[i].code;
		slot->bits = dtypes[i].bits;
		slot->lanes = dtypes[i].lanes;
		try_sizes(copy, strides, ((uint64_t)(seen.last + 1) * width + 7) / 8, good);
	}
}

static void try_forms(struct ring_copy *copy) {
	struct caisson_channel_slot *slot = &copy->slot;
	int64_t strides[3];

	row_major(slot->ndim, slot->shape, strides);
	slot->flags = 0;
	try_types(copy, strides);
	slot->flags = CAISSON_SLOT_SMALL;
	for (int i = 0; i < slot->ndim; i++)
		slot->small[i] = (uint32_t)slot->shape[i];
	try_types(copy, strides);
	slot->flags = CAISSON_SLOT_STRIDED;
}

static int64_t power(int64_t base, int exponent) {
	return exponent ? base * power(base, exponent - 1) : 1;
}

Test(channel_oracle, every_small_tensor, .timeout = 300) {
	for (int ndim = 0; ndim <= 3; ndim++)
		for (int64_t shape = 0; shape < power(EXTENTS, ndim); shape++) {
			struct ring_copy copy = { .slot = { .generation = GENERATION } };

			copy.slot.ndim = (uint8_t)ndim;
			for (int i = 0; i < ndim; i++)
				copy.slot.shape[i] = shape / power(EXTENTS, i) % EXTENTS;
			try_forms(&copy);
			for (int64_t step = 0; step < power(STRIDES, ndim); step++) {
				for (int i = 0; i < ndim; i++)
					copy.slot.strides[i] =
						step / power(STRIDES, i) % STRIDES - STRIDES / 2;
				try_types(&copy, copy.slot.strides);
			}
		}
	cr_assert_gt(judged, 30000000);
	cr_assert_gt(accepted, 1000000);
	cr_log_info("%lu judged, %lu of them good", judged, accepted);
}
