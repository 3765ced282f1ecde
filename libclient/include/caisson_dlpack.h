/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Tensors of a channel as DLPack tensors, and the other way. Included by whoever
 * needs it, after or without dlpack.h: the structures here are those of DLPack
 * 1.1 (DLManagedTensorVersioned and what it holds), under names of our own, so
 * that a pointer to one may be cast to a pointer to the other.
 */
#ifndef CAISSON_DLPACK_H
#define CAISSON_DLPACK_H

#include <stdint.h>

#include "caisson.h"

#ifdef __cplusplus
extern "C" {
#endif

#pragma GCC visibility push(default)

#define CAISSON_DL_MAJOR 1u
#define CAISSON_DL_MINOR 1u

enum caisson_dl_device_type {
	CAISSON_DL_CPU = 1,
	CAISSON_DL_CUDA = 2,      /* of a channel that caisson_cuda_attach() was used on */
	CAISSON_DL_CUDA_HOST = 3, /* pinned memory of the host's: the processor can read it */
	CAISSON_DL_CUDA_MANAGED = 13
};

#define CAISSON_DL_READ_ONLY ((uint64_t)1)
#define CAISSON_DL_COPIED ((uint64_t)2)
#define CAISSON_DL_SUBBYTE_PADDED ((uint64_t)4)

/* DLTensor */
typedef struct caisson_dl_tensor {
	void *data;
	struct {
		int32_t device_type; /* enum caisson_dl_device_type */
		int32_t device_id;
	} device;
	int32_t ndim;
	caisson_dtype dtype; /* as DLDataType */
	int64_t *shape;
	int64_t *strides;     /* in elements; NULL: row-major */
	uint64_t byte_offset; /* from data to the first element */
} caisson_dl_tensor;

/* DLManagedTensorVersioned */
typedef struct caisson_dl_managed {
	struct {
		uint32_t major;
		uint32_t minor;
	} version;
	void *manager_ctx;
	void (*deleter)(struct caisson_dl_managed *self);
	uint64_t flags; /* CAISSON_DL_READ_ONLY and the like */
	caisson_dl_tensor tensor;
} caisson_dl_managed;

/*
 * A received tensor becomes a DLPack tensor: its lease goes over to *managed and
 * ends when the deleter is called, by any thread, at any time, once. tensor is
 * empty afterwards. No byte is copied; READ_ONLY is set, and the memory is mapped
 * so. What came from a sandbox can still be changed by it while it is read.
 *
 * Until the deleter is called the bytes stay readable, even after the channel is
 * closed or its sandbox freed. In a forked child the bytes are readable too; the
 * deleter there frees what is the child's, and the parent's lease goes on.
 *
 * -EINVAL if tensor is not a received one of this channel, -ENOMEM. To be called
 * by the thread that receives.
 */
int caisson_to_dlpack(caisson_channel *channel, caisson_tensor *tensor,
                      caisson_dl_managed **managed, caisson_error **err);

/*
 * Room for a tensor of that shape and type, as caisson_loan() gives it, with the
 * elements of from copied into it, row-major whatever their strides are. from
 * stays the caller's, and its deleter is not called; its data, shape and strides
 * are trusted. Waits up to timeout_ms for room, as caisson_loan_strided() does.
 * -ENOTSUP if it is not in memory of the processor's, if its version is another
 * one, or if its elements are narrower than a byte and not packed one after the
 * other. To be called by the thread that sends.
 */
int caisson_loan_dlpack(caisson_channel *channel, const caisson_dl_managed *from, int timeout_ms,
                        caisson_tensor *tensor, caisson_error **err);

#pragma GCC visibility pop

#ifdef __cplusplus
}
#endif

#endif
