/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "gpu.h"

#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "cuda_abi.h"

#define NEEDED(X)                                                                                  \
	X(cuInit, "cuInit")                                                                        \
	X(cuDeviceGet, "cuDeviceGet")                                                              \
	X(cuDevicePrimaryCtxRetain, "cuDevicePrimaryCtxRetain")                                    \
	X(cuCtxPushCurrent, "cuCtxPushCurrent_v2")                                                 \
	X(cuMemGetInfo, "cuMemGetInfo_v2")                                                         \
	X(cuMemAlloc, "cuMemAlloc_v2")                                                             \
	X(cuMemFree, "cuMemFree_v2")                                                               \
	X(cuMemcpyHtoDAsync, "cuMemcpyHtoDAsync_v2")                                               \
	X(cuMemcpyDtoHAsync, "cuMemcpyDtoHAsync_v2")                                               \
	X(cuMemcpyDtoDAsync, "cuMemcpyDtoDAsync_v2")                                               \
	X(cuStreamSynchronize, "cuStreamSynchronize")

static struct {
#define X(name, version, symbol, needed, args) cu_result(*name) args;
	CUDA_CALLS(X)
#undef X
} cu;

bool gpu_start(const char **why) {
	void *library = dlopen("libcuda.so.1", RTLD_NOW);
	cu_context context;
	cu_device device;

	*why = "no libcuda.so.1";
	if (!library)
		return false;
	*why = "libcuda.so.1 lacks a function";
#define X(name, symbol)                                                                            \
	do {                                                                                       \
		void *found_ = dlsym(library, symbol);                                             \
		if (!found_)                                                                       \
			return false;                                                              \
		memcpy(&cu.name, &found_, sizeof(found_));                                         \
	} while (0);
	NEEDED(X)
#undef X
	*why = "the device cannot be used";
	return cu.cuInit(0) == 0 && cu.cuDeviceGet(&device, 0) == 0 &&
	       cu.cuDevicePrimaryCtxRetain(&context, device) == 0 &&
	       cu.cuCtxPushCurrent(context) == 0;
}

static cu_ptr ptr(const void *device) {
	return (cu_ptr)(uintptr_t)device;
}

bool gpu_write(void *device, const void *from, size_t bytes) {
	return cu.cuMemcpyHtoDAsync(ptr(device), from, bytes, CU_LEGACY_STREAM) == 0 &&
	       cu.cuStreamSynchronize(CU_LEGACY_STREAM) == 0;
}

bool gpu_read(void *to, const void *device, size_t bytes) {
	return cu.cuMemcpyDtoHAsync(to, ptr(device), bytes, CU_LEGACY_STREAM) == 0 &&
	       cu.cuStreamSynchronize(CU_LEGACY_STREAM) == 0;
}

bool gpu_copy(void *to, const void *from, size_t bytes) {
	return cu.cuMemcpyDtoDAsync(ptr(to), ptr(from), bytes, CU_LEGACY_STREAM) == 0 &&
	       cu.cuStreamSynchronize(CU_LEGACY_STREAM) == 0;
}

uint64_t gpu_free_bytes(void) {
	size_t available = 0, total;

	return cu.cuMemGetInfo(&available, &total) == 0 ? available : 0;
}

void *gpu_alloc(size_t bytes) {
	cu_ptr device = 0;

	return cu.cuMemAlloc(&device, bytes) == 0 ? (void *)(uintptr_t)device : NULL;
}

void gpu_free(void *device) {
	(void)cu.cuMemFree(ptr(device));
}

uint64_t gpu_now_ns(void) {
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

void gpu_namespaces(uint64_t numbers[NAMESPACES]) {
	static const char *const names[NAMESPACES] = { "pid", "ipc", "mnt", "net" };
	struct stat st;
	char path[32];

	for (int i = 0; i < NAMESPACES; i++) {
		snprintf(path, sizeof(path), "/proc/self/ns/%s", names[i]);
		numbers[i] = stat(path, &st) == 0 ? st.st_ino : 0;
	}
}

/* ------------------------------------------------------------------- in the sandbox */

static int answer(caisson_channel *channel, caisson_tensor *in) {
	uint64_t numbers[NAMESPACES];
	const int64_t one = 1;
	bool ack = in->tag == GPU_ACK;
	caisson_tensor out;

	if (caisson_loan_strided(channel, in->dtype, ack ? 1 : in->ndim, ack ? &one : in->shape,
	                         NULL, 20000, &out, NULL) < 0)
		return 20;
	out.tag = in->tag;
	if (in->tag == GPU_NAMESPACES) {
		gpu_namespaces(numbers);
		if (!gpu_write(out.data, numbers, sizeof(numbers)))
			return 21;
	} else if (!ack && out.nbytes && !gpu_copy(out.data, in->data, out.nbytes)) {
		return 22;
	}
	if (caisson_cuda_send(channel, &out, CAISSON_CUDA_STREAM_NONE, NULL) < 0)
		return 23;
	if (in->tag != GPU_HOLD)
		caisson_cuda_release(channel, in, CAISSON_CUDA_STREAM_NONE, NULL);
	return 0;
}

int gpu_inside(const char *lanes) {
	caisson_cuda_options options = { sizeof(options), -1, (uint32_t)strtoul(lanes, NULL, 0),
		                         0 };
	caisson_channel *channel;
	caisson_error *err = NULL;
	const char *why;
	caisson_tensor in;
	int rc;

	if (caisson_channel_open(CHANNEL, &channel, &err) < 0 ||
	    caisson_cuda_attach(channel, &options, 60000, NULL, &err) < 0) {
		fprintf(stderr, "# in the sandbox: %s\n", caisson_error_text(err));
		return 10;
	}
	if (!gpu_start(&why)) {
		fprintf(stderr, "# in the sandbox: %s\n", why);
		return 11;
	}
	while ((rc = caisson_recv(channel, &in, -1, &err)) == 0) {
		rc = answer(channel, &in);
		if (rc)
			return rc;
	}
	caisson_channel_close(channel);
	return rc == -EPIPE ? 0 : 12;
}
