/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "caisson_dlpack.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "channel_impl.h"
#include "dtype.h"
#include "error.h"
#include "keeper.h"

#define STAGE_TO "exporting a tensor to DLPack"
#define STAGE_FROM "copying a tensor from DLPack"

#if UINTPTR_MAX == UINT64_MAX
_Static_assert(sizeof(caisson_dl_tensor) == 48 && sizeof(caisson_dl_managed) == 80 &&
                       offsetof(caisson_dl_tensor, dtype) == 20 &&
                       offsetof(caisson_dl_tensor, byte_offset) == 40 &&
                       offsetof(caisson_dl_managed, tensor) == 32,
               "DLPack's ABI");
#endif

/* ---------------------------------------------------------------------- export */

/* One allocation: shape and strides follow. */
struct export {
	caisson_dl_managed managed;
	struct keeper *keeper;
	uint64_t handle;
	const struct device_ops *ops; /* of the device that it is in; NULL: of none */
	void *state;
	int64_t extents[];
};

static void end_export(caisson_dl_managed *managed) {
	struct export *export = managed->manager_ctx;

	if (export->ops)
		export->ops->sync(export->state);
	keeper_put(export->keeper, export->handle);
	if (export->ops)
		export->ops->put(export->state);
	free(export);
}

static int to_dlpack(caisson_channel *channel, caisson_tensor *tensor,
                     caisson_dl_managed **managed) {
	const size_t bytes = (size_t)tensor->ndim * sizeof(int64_t);
	struct export *export = malloc(sizeof(*export) + 2 * bytes);
	int32_t device = 0;

	if (!export)
		return -ENOMEM;
	export->keeper = keeper_get(channel);
	if (!export->keeper) {
		free(export);
		return -ENOMEM;
	}
	export->handle = tensor->lease;
	export->ops = channel->device.ops;
	if (export->ops)
		export->state = export->ops->get(channel, &device);
	memcpy(export->extents, tensor->shape, bytes);
	memcpy(export->extents + tensor->ndim, tensor->strides, bytes);
	export->managed = (caisson_dl_managed){
		.version = { CAISSON_DL_MAJOR, CAISSON_DL_MINOR },
		.manager_ctx = export,
		.deleter = end_export,
		.flags = CAISSON_DL_READ_ONLY,
		.tensor = { .data = tensor->data,
		            .device = { export->ops ? CAISSON_DL_CUDA : CAISSON_DL_CPU, device },
		            .ndim = tensor->ndim,
		            .dtype = tensor->dtype,
		            .shape = export->extents,
		            .strides = export->extents + tensor->ndim },
	};
	tensor->lease = 0;
	tensor->data = NULL;
	*managed = &export->managed;
	return 0;
}

int caisson_to_dlpack(caisson_channel *channel, caisson_tensor *tensor,
                      caisson_dl_managed **managed, caisson_error **err) {
	int rc;

	if (!channel || !tensor || !managed)
		return error_set(err, EINVAL, STAGE_TO, "", "", "no channel or tensor was given");
	if (!(tensor->lease & CHANNEL_HANDLE_RECEIVED) ||
	    !channel_lease(&channel->rx.slab, tensor->lease, CHANNEL_HANDLE_RECEIVED, LEASE_HELD))
		return error_set(
			err, EINVAL, STAGE_TO, "", "Export a tensor before you release it.",
			"channel \"%s\": it is not a tensor that was received", channel->name);
	rc = to_dlpack(channel, tensor, managed);
	return rc < 0 ? error_set(err, -rc, STAGE_TO, "", "", "channel \"%s\": no memory",
	                          channel->name)
	              : 0;
}

/* ---------------------------------------------------------------------- import */

/* Elements of whole bytes, wherever they lie, one after the other. */
static char *copy_elements(char *to, const char *from, const caisson_dl_tensor *t, int32_t dim,
                           size_t element) {
	if (dim == t->ndim) {
		memcpy(to, from, element);
		return to + element;
	}
	if (dim == t->ndim - 1 && t->strides[dim] == 1) {
		memcpy(to, from, element * (size_t)t->shape[dim]);
		return to + element * (size_t)t->shape[dim];
	}
	for (int64_t i = 0; i < t->shape[dim]; i++)
		to = copy_elements(to, from + i * t->strides[dim] * (int64_t)element, t, dim + 1,
		                   element);
	return to;
}

static bool is_row_major(const caisson_dl_tensor *from, const int64_t *strides) {
	for (int32_t i = 0; from->strides && i < from->ndim; i++)
		if (from->shape[i] != 1 && from->strides[i] != strides[i])
			return false;
	return true;
}

static const char *unfit(const caisson_dl_managed *from) {
	int32_t device = from->tensor.device.device_type;

	if (from->version.major != CAISSON_DL_MAJOR)
		return "its version of DLPack is another one";
	if (device != CAISSON_DL_CPU && device != CAISSON_DL_CUDA_HOST)
		return "it is in the memory of a device";
	if (from->flags & CAISSON_DL_SUBBYTE_PADDED)
		return "its elements are padded to bytes";
	return NULL;
}

int caisson_loan_dlpack(caisson_channel *channel, const caisson_dl_managed *from, int timeout_ms,
                        caisson_tensor *tensor, caisson_error **err) {
	const caisson_dl_tensor *t = from ? &from->tensor : NULL;
	const char *why;
	unsigned bits;
	int rc;

	if (!channel || !from || !tensor)
		return error_set(err, EINVAL, STAGE_FROM, "", "", "no channel or tensor was given");
	if (channel->device.ops)
		return channel->device.ops->loan_dlpack(channel, from, timeout_ms, tensor, err);
	why = unfit(from);
	if (why)
		return error_set(err, ENOTSUP, STAGE_FROM, "", "Make a contiguous copy on the CPU.",
		                 "channel \"%s\": the tensor cannot be taken: %s", channel->name,
		                 why);
	rc = caisson_loan_strided(channel, t->dtype, t->ndim, t->shape, NULL, timeout_ms, tensor,
	                          err);
	if (rc < 0)
		return rc;
	bits = (unsigned)t->dtype.bits * t->dtype.lanes;
	if (tensor->nbytes == 0)
		return 0;
	if (is_row_major(t, tensor->strides)) {
		memcpy(tensor->data, (const char *)t->data + t->byte_offset, tensor->nbytes);
	} else if (bits % 8 == 0) {
		copy_elements(tensor->data, (const char *)t->data + t->byte_offset, t, 0, bits / 8);
	} else {
		caisson_release(channel, tensor);
		return error_set(err, ENOTSUP, STAGE_FROM, "", "Make a contiguous copy on the CPU.",
		                 "channel \"%s\": elements narrower than a byte with gaps",
		                 channel->name);
	}
	return 0;
}
