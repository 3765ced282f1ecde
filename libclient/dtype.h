/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Element types, and how many bytes a tensor of them spans. */
#ifndef CAISSON_LIBCLIENT_DTYPE_H
#define CAISSON_LIBCLIENT_DTYPE_H

#include <stdbool.h>

#include "caisson.h"

/* One that may cross a channel. */
bool dtype_valid(caisson_dtype dtype);

/*
 * Bytes from a tensor's first element to the end of its last one, elements
 * narrower than a byte packed. ndim at most 64. strides_in NULL: row-major.
 * strides_out gets the strides in force. -EINVAL for a negative extent or stride, -EOVERFLOW if it does not fit into 63 bits.
 */
int dtype_span(caisson_dtype dtype, int32_t ndim, const int64_t *shape, const int64_t *strides_in,
               int64_t *strides_out, uint64_t *nbytes);

#endif
