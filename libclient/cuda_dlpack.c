/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* DLPack and the memory of a device: out without a copy, in with one. */
#include "cuda_dlpack.h"

#include <errno.h>

#include "cuda_channel.h"
#include "error.h"

#define STAGE_FROM "copying a tensor from DLPack"
/* More than so many calls of the driver for one tensor is not a copy any more. */
#define MAX_COPIES 65536

int caisson_cuda_to_dlpack(caisson_channel *channel, caisson_tensor *tensor,
                           caisson_cuda_stream stream, caisson_dl_managed **managed,
                           caisson_error **err) {
	int rc = cuda_check_stream(channel, stream, err);

	return rc < 0 ? rc : caisson_to_dlpack(channel, tensor, managed, err);
}

struct copying {
	const caisson_dl_tensor *t;
	size_t element;
	int inner;  /* dimensions that one copy takes */
	int memory; /* CU_MEMORY_* of what is copied from */
	bool host;  /* of the processor's, and not known to the driver */
	cu_stream stream;
	struct cuda_fault fault;
};

static bool is_row_major(const caisson_dl_tensor *from, const int64_t *strides) {
	for (int32_t i = 0; from->strides && i < from->ndim; i++)
		if (from->shape[i] != 1 && from->strides[i] != strides[i])
			return false;
	return true;
}

/* rows of bytes that lie pitch apart in what is copied from, one after the other in to. */
static bool copy_rows(struct copying *c, cu_ptr to, const char *from, size_t bytes, size_t rows,
                      size_t pitch) {
	struct cu_memcpy_2d copy = { .src_type = c->memory,
		                     .src_pitch = pitch,
		                     .dst_type = CU_MEMORY_DEVICE,
		                     .dst_device = to,
		                     .dst_pitch = bytes,
		                     .width = bytes,
		                     .height = rows };

	if (rows == 1 || pitch == bytes)
		return c->host ? CU(&c->fault, cuMemcpyHtoDAsync, to, from, bytes * rows, c->stream)
		               : CU(&c->fault, cuMemcpyAsync, to, (cu_ptr)(uintptr_t)from,
		                    bytes * rows, c->stream);
	if (c->host)
		copy.src_host = from;
	else
		copy.src_device = (cu_ptr)(uintptr_t)from;
	return CU(&c->fault, cuMemcpy2DAsync, &copy, c->stream);
}

/* The innermost dimensions that lie row-major in one piece count as one long element. */
static size_t dense_tail(const caisson_dl_tensor *t, int32_t *outer) {
	int64_t step = 1;

	*outer = t->ndim;
	while (*outer > 0 && (t->strides[*outer - 1] == step || t->shape[*outer - 1] == 1))
		step *= t->shape[--*outer];
	return (size_t)step;
}

static cu_ptr copy_dims(struct copying *c, cu_ptr to, const char *from, int32_t dim, int32_t outer,
                        size_t piece) {
	const caisson_dl_tensor *t = c->t;
	int64_t step = dim < outer ? t->strides[dim] * (int64_t)c->element : 0;

	if (dim == outer)
		return copy_rows(c, to, from, piece, 1, piece) ? to + piece : 0;
	if (dim == outer - 1 && step >= (int64_t)piece) {
		size_t rows = (size_t)t->shape[dim];

		return copy_rows(c, to, from, piece, rows, (size_t)step) ? to + piece * rows : 0;
	}
	for (int64_t i = 0; to && i < t->shape[dim]; i++)
		to = copy_dims(c, to, from + i * step, dim + 1, outer, piece);
	return to;
}

/* How many calls copy_dims() makes, at most. */
static uint64_t copies(const caisson_dl_tensor *t, int32_t outer, size_t piece, size_t element) {
	uint64_t n = 1;

	for (int32_t i = 0; i < outer; i++) {
		if (i == outer - 1 && t->strides[i] * (int64_t)element >= (int64_t)piece)
			break;
		if (__builtin_mul_overflow(n, (uint64_t)t->shape[i], &n))
			return UINT64_MAX;
	}
	return n;
}

static const char *unfit(const struct cuda_state *state, const caisson_dl_managed *from) {
	const caisson_dl_tensor *t = &from->tensor;

	if (from->version.major != CAISSON_DL_MAJOR)
		return "its version of DLPack is another one";
	if (from->flags & CAISSON_DL_SUBBYTE_PADDED)
		return "its elements are padded to bytes";
	switch (t->device.device_type) {
	case CAISSON_DL_CPU:
	case CAISSON_DL_CUDA_HOST:
	case CAISSON_DL_CUDA_MANAGED:
		return NULL;
	case CAISSON_DL_CUDA:
		return t->device.device_id == state->device.ordinal
		               ? NULL
		               : "it is on another CUDA device";
	default:
		return "it is in the memory of a device that is not CUDA's";
	}
}

/* What the driver says of the address, not only what the tensor does. */
static const char *check_address(struct copying *c, const struct cuda_state *state,
                                 const char *data) {
	int memory = 0, ordinal = -1;
	cu_ptr ptr = (cu_ptr)(uintptr_t)data;

	c->host = c->t->device.device_type == CAISSON_DL_CPU;
	c->memory = c->host ? CU_MEMORY_HOST : CU_MEMORY_UNIFIED;
	if (c->t->device.device_type != CAISSON_DL_CUDA)
		return NULL;
	c->memory = CU_MEMORY_DEVICE;
	if (!CU(&c->fault, cuPointerGetAttribute, &memory, CU_POINTER_MEMORY_TYPE, ptr) ||
	    memory != CU_MEMORY_DEVICE)
		return "the driver does not know its address as a device's";
	/* Of any allocator: which one matters to exporting, and nothing is exported here. */
	if (CU(&c->fault, cuPointerGetAttribute, &ordinal, CU_POINTER_ORDINAL, ptr) &&
	    ordinal != state->device.ordinal)
		return "it is on another CUDA device";
	return NULL;
}

static const char *copy_in(struct copying *c, const struct cuda_state *state,
                           const caisson_tensor *tensor) {
	const caisson_dl_tensor *t = c->t;
	const unsigned bits = (unsigned)t->dtype.bits * t->dtype.lanes;
	const char *from = (const char *)t->data + t->byte_offset;
	cu_ptr to = (cu_ptr)(uintptr_t)tensor->data;
	const char *why = check_address(c, state, from);
	int32_t outer;
	size_t piece;

	if (why)
		return why;
	if (is_row_major(t, tensor->strides)) {
		(void)copy_rows(c, to, from, tensor->nbytes, 1, tensor->nbytes);
	} else if (bits % 8 != 0) {
		return "elements narrower than a byte with gaps";
	} else {
		c->element = bits / 8;
		piece = dense_tail(t, &outer) * c->element;
		if (copies(t, outer, piece, c->element) > MAX_COPIES)
			return "its elements lie in too many pieces";
		(void)copy_dims(c, to, from, 0, outer, piece);
	}
	if (c->fault.result == 0)
		(void)CU(&c->fault, cuStreamSynchronize, c->stream);
	return NULL;
}

static int refused(const caisson_channel *channel, const char *why, caisson_error **err) {
	return error_set(err, ENOTSUP, STAGE_FROM, "", "Make a contiguous copy on the device.",
	                 "channel \"%s\": the tensor cannot be taken: %s", channel->name, why);
}

int caisson_cuda_loan_dlpack(caisson_channel *channel, const caisson_dl_managed *from,
                             caisson_cuda_stream stream, int timeout_ms, caisson_tensor *tensor,
                             caisson_error **err) {
	int rc = cuda_check_stream(channel, stream, err);
	const struct cuda_state *state;
	struct copying c = { 0 };
	const char *why;

	if (rc < 0)
		return rc;
	if (!from || !tensor)
		return error_set(err, EINVAL, STAGE_FROM, "", "", "no tensor was given");
	state = channel->device.state;
	c.t = &from->tensor;
	why = unfit(state, from);
	if (why)
		return refused(channel, why, err);
	rc = caisson_loan_strided(channel, c.t->dtype, c.t->ndim, c.t->shape, NULL, timeout_ms,
	                          tensor, err);
	if (rc < 0 || tensor->nbytes == 0)
		return rc;
	c.stream =
		stream == CAISSON_CUDA_STREAM_NONE ? state->device.stream : cuda_stream_of(stream);
	if (cuda_enter(&state->device, &c.fault)) {
		why = copy_in(&c, state, tensor);
		cuda_exit();
	}
	if (!why && c.fault.result == 0)
		return 0;
	rc = why ? refused(channel, why, err)
	         : cuda_failed(err, &c.fault, STAGE_FROM, channel->name);
	channel_release(channel, tensor);
	return rc;
}
