/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "dtype.h"

#include <errno.h>

#include "protocol/channel.h"

/* Widths per DLPack type code: bit n set means 2^n bits; 6 bits is the odd one out. */
#define WIDTH(log2) (1u << (log2))
#define WIDTH_6 (1u << 31)

static const uint32_t widths[] = {
	[CAISSON_INT] = 0x7f, /* 1 to 64 bits */
	[CAISSON_UINT] = 0x7f,
	[CAISSON_FLOAT] = WIDTH(4) | WIDTH(5) | WIDTH(6),
	[CAISSON_OPAQUE_HANDLE] = 0, /* a pointer means nothing, or too much, on the other side */
	[CAISSON_BFLOAT] = WIDTH(4),
	[CAISSON_COMPLEX] = WIDTH(5) | WIDTH(6) | WIDTH(7),
	[CAISSON_BOOL] = WIDTH(3),
	[CAISSON_FLOAT8_E3M4] = WIDTH(3),
	[CAISSON_FLOAT8_E4M3] = WIDTH(3),
	[CAISSON_FLOAT8_E4M3B11FNUZ] = WIDTH(3),
	[CAISSON_FLOAT8_E4M3FN] = WIDTH(3),
	[CAISSON_FLOAT8_E4M3FNUZ] = WIDTH(3),
	[CAISSON_FLOAT8_E5M2] = WIDTH(3),
	[CAISSON_FLOAT8_E5M2FNUZ] = WIDTH(3),
	[CAISSON_FLOAT8_E8M0FNU] = WIDTH(3),
	[CAISSON_FLOAT6_E2M3FN] = WIDTH_6,
	[CAISSON_FLOAT6_E3M2FN] = WIDTH_6,
	[CAISSON_FLOAT4_E2M1FN] = WIDTH(2),
};

static uint32_t width_of(uint8_t bits) {
	if (bits == 6)
		return WIDTH_6;
	for (unsigned log2 = 0; log2 < 8; log2++)
		if (bits == 1u << log2)
			return WIDTH(log2);
	return 0;
}

bool dtype_valid(caisson_dtype dtype) {
	if (dtype.code >= sizeof(widths) / sizeof(widths[0]) || dtype.lanes == 0)
		return false;
	return (widths[dtype.code] & width_of(dtype.bits)) != 0;
}

/* Elements of lanes × bits, packed: how many bytes, the last one perhaps in part. */
static int bytes_of(caisson_dtype dtype, int64_t elements, bool empty, uint64_t *nbytes) {
	int64_t bits;

	if (__builtin_mul_overflow(elements, (int64_t)dtype.bits * dtype.lanes, &bits))
		return -EOVERFLOW;
	*nbytes = empty ? 0 : ((uint64_t)bits + 7) / 8;
	return 0;
}

/*
 * Row-major strides. An extent of 0 counts as 1, so that they are the same
 * whatever order the extents stand in and overflow is refused in empty tensors
 * too.
 */
static int row_major(caisson_dtype dtype, int32_t ndim, const int64_t *shape, int64_t *strides,
                     uint64_t *nbytes) {
	bool empty = false;
	int64_t step = 1;

	for (int32_t i = ndim - 1; i >= 0; i--) {
		if (shape[i] < 0)
			return -EINVAL;
		empty |= shape[i] == 0;
		strides[i] = step;
		if (__builtin_mul_overflow(step, shape[i] + (shape[i] == 0), &step))
			return -EOVERFLOW;
	}
	return bytes_of(dtype, step, empty, nbytes);
}

int dtype_span(caisson_dtype dtype, int32_t ndim, const int64_t *shape, const int64_t *strides_in,
               int64_t *strides, uint64_t *nbytes) {
	int64_t last = 0, step;
	bool empty = false;

	if (ndim < 0 || ndim > (int32_t)CAISSON_CHANNEL_MAX_NDIM)
		return -EINVAL;
	if (!strides_in)
		return row_major(dtype, ndim, shape, strides, nbytes);
	for (int32_t i = 0; i < ndim; i++) {
		if (shape[i] < 0 || strides_in[i] < 0)
			return -EINVAL;
		strides[i] = strides_in[i];
		empty |= shape[i] == 0;
	}
	for (int32_t i = 0; i < ndim; i++) {
		if (shape[i] == 0)
			continue;
		if (__builtin_mul_overflow(shape[i] - 1, strides[i], &step) ||
		    __builtin_add_overflow(last, step, &last))
			return -EOVERFLOW;
	}
	if (__builtin_add_overflow(last, (int64_t)1, &last))
		return -EOVERFLOW;
	return bytes_of(dtype, last, empty, nbytes);
}
