/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* DLPack tensors of a CUDA device, out and in. */
#include <criterion/criterion.h>
#include <errno.h>

#include "cuda_device.h"
#include "cuda_ends.h"

static struct ends e;

static void open_lane(uint32_t lane) {
	caisson_cuda_options options = lanes_only(lane);

	cr_assert(ends_open(&e, CAISSON_BOTH, CUDA_SLAB_BYTES));
	ends_attach(&e, &options, &options);
	cr_assert_eq(e.host_rc, 0, "%s", caisson_error_text(e.host_err));
	cr_assert_eq(e.peer_rc, 0, "%s", caisson_error_text(e.peer_err));
}

Test(cuda_dlpack, out, .timeout = 60) {
	caisson_dl_managed *managed = NULL;
	caisson_tensor t;
	unsigned long before;

	open_lane(CAISSON_LANE_CUDA_VMM);
	cr_assert_eq(send_bytes(e.peer, 100, 4, NULL), 0);
	cr_assert_eq(caisson_recv(e.host, &t, 5000, NULL), 0);
	cr_assert_eq(caisson_cuda_to_dlpack(e.host, &t, 0, &managed, NULL), -EINVAL);
	cr_assert_eq(caisson_cuda_to_dlpack(e.host, &t, CAISSON_CUDA_STREAM_LEGACY, &managed, NULL),
	             0);
	cr_assert_eq(t.lease, 0);
	cr_assert_eq(managed->version.major, 1);
	cr_assert_eq(managed->tensor.device.device_type, CAISSON_DL_CUDA);
	cr_assert_eq(managed->tensor.device.device_id, 0);
	cr_assert_eq(managed->flags, CAISSON_DL_READ_ONLY);
	cr_assert_eq(((uint8_t *)managed->tensor.data)[1], 5);
	/* Its room comes back with the deleter. */
	cr_assert_neq(send_bytes(e.peer, CUDA_SLAB_BYTES, 1, NULL), 0);
	managed->deleter(managed);
	cr_assert_eq(send_bytes(e.peer, CUDA_SLAB_BYTES, 4, NULL), 0);
	cr_assert_eq(caisson_recv(e.host, &t, 5000, NULL), 0);
	cr_assert_eq(caisson_to_dlpack(e.host, &t, &managed, NULL), 0);
	cr_assert_eq(managed->tensor.device.device_type, CAISSON_DL_CUDA);
	/* The memory outlives the channel, and goes with the last tensor. */
	ends_close(&e);
	cr_assert_eq(((uint8_t *)managed->tensor.data)[1], 5);
	cr_assert_gt(fake_live(), 0);
	before = fake_calls("cuCtxSynchronize");
	managed->deleter(managed);
	cr_assert_eq(fake_calls("cuCtxSynchronize"), before + 1);
	cr_assert_eq(fake_live(), 0, "left: %s", fake_text());
}

/* Device memory of the application's: what cudaMalloc gives. */
static cu_ptr own_memory(struct cuda_device *device, uint64_t bytes) {
	struct cuda_fault fault;
	cu_ptr ptr = 0;

	cr_assert_eq(cuda_look(device, 0, NULL), 0);
	cr_assert_eq(cuda_open(device, NULL), 0);
	cr_assert(cuda_enter(device, &fault));
	cr_assert_eq(cuda_driver.cuMemAlloc(&ptr, bytes), 0);
	cuda_exit();
	return ptr;
}

static void free_memory(struct cuda_device *device, cu_ptr ptr) {
	struct cuda_fault fault;

	cr_assert(cuda_enter(device, &fault));
	cr_assert_eq(cuda_driver.cuMemFree(ptr), 0);
	cuda_exit();
	cuda_close(device);
}

static caisson_dl_managed floats(void *data, int32_t device, int32_t ndim, int64_t *shape,
                                 int64_t *strides) {
	return (caisson_dl_managed){
		.version = { 1, 1 },
		.tensor = { .data = data,
		            .device = { device, 0 },
		            .ndim = ndim,
		            .dtype = CAISSON_F32,
		            .shape = shape,
		            .strides = strides },
	};
}

/* Row-major out of any strides; the elements are numbered by where they lie. */
static void taken(const caisson_dl_managed *from, const float *want, int n) {
	caisson_tensor t;

	cr_assert_eq(
		caisson_cuda_loan_dlpack(e.host, from, CAISSON_CUDA_STREAM_LEGACY, 0, &t, NULL), 0);
	for (int i = 0; i < n; i++)
		cr_assert_eq(((float *)t.data)[i], want[i], "element %d: %g", i,
		             (double)((float *)t.data)[i]);
	cr_assert_eq(caisson_send(e.host, &t, NULL), 0);
	cr_assert_eq(caisson_recv(e.peer, &t, 5000, NULL), 0);
	cr_assert_eq(((float *)t.data)[0], want[0]);
	caisson_release(e.peer, &t);
}

Test(cuda_dlpack, in, .timeout = 60) {
	int64_t shape[3] = { 2, 3, 4 }, transposed[2] = { 1, 6 }, wide[2] = { 3, 4 },
		pitched[2] = { 8, 1 }, back[1] = { -1 }, six[1] = { 6 };
	struct cuda_device device;
	caisson_dl_managed from;
	float want[24], *data;
	int n = 0;

	open_lane(CAISSON_LANE_CUDA_VMM);
	data = (float *)(uintptr_t)own_memory(&device, 1 << 20);
	for (int i = 0; i < 1000; i++)
		data[i] = (float)i;
	/* contiguous */
	from = floats(data, CAISSON_DL_CUDA, 3, shape, NULL);
	for (int i = 0; i < 24; i++)
		want[i] = (float)i;
	taken(&from, want, 24);
	/* rows with gaps */
	from = floats(data, CAISSON_DL_CUDA, 2, wide, pitched);
	for (int r = n = 0; r < 3; r++)
		for (int c = 0; c < 4; c++)
			want[n++] = (float)(r * 8 + c);
	taken(&from, want, 12);
	/* transposed */
	from = floats(data, CAISSON_DL_CUDA, 2, wide, transposed);
	for (int r = n = 0; r < 3; r++)
		for (int c = 0; c < 4; c++)
			want[n++] = (float)(r + c * 6);
	taken(&from, want, 12);
	/* backwards, from an offset */
	from = floats(data, CAISSON_DL_CUDA, 1, six, back);
	from.tensor.byte_offset = 5 * sizeof(float);
	for (int i = 0; i < 6; i++)
		want[i] = (float)(5 - i);
	taken(&from, want, 6);
	/* of the processor's */
	from = floats(want, CAISSON_DL_CPU, 1, six, NULL);
	taken(&from, want, 6);
	free_memory(&device, (cu_ptr)(uintptr_t)data);
	ends_close(&e);
	cr_assert_eq(fake_live(), 0, "left: %s", fake_text());
}

/* What is under way on the producer's stream is copied after it has ended. */
Test(cuda_dlpack, in_order, .timeout = 60) {
	struct cuda_device device;
	caisson_dl_managed from;
	int64_t n = 250;
	caisson_tensor t;
	void *data;

	open_lane(CAISSON_LANE_CUDA_STAGED);
	data = (void *)(uintptr_t)own_memory(&device, 1000);
	from = floats(data, CAISSON_DL_CUDA, 1, &n, NULL);
	fake_later(2, data, 9, 1000);
	cr_assert_eq(caisson_cuda_loan_dlpack(e.host, &from, CAISSON_CUDA_STREAM_PER_THREAD, 0, &t,
	                                      NULL),
	             0);
	cr_assert_eq(*(uint8_t *)t.data, 9);
	caisson_release(e.host, &t);
	fake_later(1, data, 10, 1000);
	cr_assert_eq(caisson_loan_dlpack(e.host, &from, 0, &t, NULL), 0); /* of any stream */
	cr_assert_eq(*(uint8_t *)t.data, 10);
	caisson_release(e.host, &t);
	free_memory(&device, (cu_ptr)(uintptr_t)data);
	ends_close(&e);
}

static void refused(const caisson_dl_managed *from, const char *why) {
	caisson_error *err = NULL;
	caisson_tensor t;

	cr_assert_eq(caisson_cuda_loan_dlpack(e.host, from, CAISSON_CUDA_STREAM_NONE, 0, &t, &err),
	             -ENOTSUP);
	cr_assert(strstr(caisson_error_text(err), why), "%s", caisson_error_text(err));
	caisson_error_free(err);
}

Test(cuda_dlpack, refused, .timeout = 60) {
	int64_t n = 10, many[3] = { 100, 100, 30 }, strides[3] = { 1, 100, -10000 };
	static float bytes[16];
	caisson_dl_managed from = floats(bytes, CAISSON_DL_CUDA, 1, &n, NULL);

	open_lane(CAISSON_LANE_CUDA_VMM);
	refused(&from, "does not know its address");
	from.tensor.device.device_id = 1;
	refused(&from, "another CUDA device");
	from.tensor.device.device_type = 10; /* ROCm */
	refused(&from, "not CUDA's");
	from = floats(bytes, CAISSON_DL_CPU, 3, many, strides);
	many[2] = 20;
	from.tensor.dtype = CAISSON_U8;
	refused(&from, "too many pieces");
	from.flags = CAISSON_DL_SUBBYTE_PADDED;
	refused(&from, "padded");
	from.version.major = 0;
	refused(&from, "version");
	cr_assert_eq(send_bytes(e.host, CUDA_SLAB_BYTES, 1, NULL), 0); /* no room is lost */
	ends_close(&e);
	cr_assert_eq(fake_live(), 0);
}
