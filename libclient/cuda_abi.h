/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What is used of the CUDA driver's binary interface, declared here so that no
 * CUDA toolkit is needed to build. tests/cuda/abi_check.c compares all of it
 * with cuda.h where that is installed. The names are the driver's, with "cu" in
 * front of types as "cu_", so that both can be included in one file.
 */
#ifndef CAISSON_LIBCLIENT_CUDA_ABI_H
#define CAISSON_LIBCLIENT_CUDA_ABI_H

#include <stddef.h>
#include <stdint.h>

typedef int cu_result;      /* CUresult */
typedef int cu_device;      /* CUdevice */
typedef uint64_t cu_ptr;    /* CUdeviceptr: 64 bits where CUDA is */
typedef uint64_t cu_handle; /* CUmemGenericAllocationHandle */
typedef void *cu_context;
typedef void *cu_stream;
typedef void *cu_pool;

typedef struct {
	char bytes[16];
} cu_uuid;

struct cu_location {
	int type; /* CU_LOCATION_DEVICE */
	int id;   /* the device's ordinal */
};

/* CUmemAllocationProp */
struct cu_mem_prop {
	int type;         /* CU_ALLOCATION_PINNED */
	int handle_types; /* CU_HANDLE_POSIX_FD */
	struct cu_location location;
	void *win32;
	unsigned char compression;
	unsigned char rdma;
	unsigned short usage;
	unsigned char reserved[4];
};

/* CUmemAccessDesc */
struct cu_access {
	struct cu_location location;
	int flags;
};

/* CUmemPoolProps */
struct cu_pool_props {
	int type;
	int handle_types;
	struct cu_location location;
	void *win32;
	unsigned char reserved[64]; /* maxSize, usage and what came later: 0 */
};

/* CUmemPoolPtrExportData, CUipcMemHandle */
struct cu_blob {
	unsigned char bytes[64];
};

/* CUDA_MEMCPY2D */
struct cu_memcpy_2d {
	size_t src_x, src_y;
	int src_type; /* CU_MEMORY_* */
	const void *src_host;
	cu_ptr src_device;
	void *src_array;
	size_t src_pitch;
	size_t dst_x, dst_y;
	int dst_type;
	void *dst_host;
	cu_ptr dst_device;
	void *dst_array;
	size_t dst_pitch;
	size_t width, height;
};

enum {
	CU_LOCATION_DEVICE = 1,
	CU_ALLOCATION_PINNED = 1,
	CU_HANDLE_POSIX_FD = 1,
	CU_ACCESS_READ = 1,
	CU_ACCESS_READWRITE = 3,
	CU_GRANULARITY_MINIMUM = 0,
	CU_MEMORY_HOST = 1,
	CU_MEMORY_DEVICE = 2,
	CU_MEMORY_UNIFIED = 4,
	CU_NON_BLOCKING = 1,       /* CU_STREAM_NON_BLOCKING */
	CU_IPC_LAZY_PEER = 1,      /* CU_IPC_MEM_LAZY_ENABLE_PEER_ACCESS */
	CU_REGISTER_PORTABLE = 1,  /* CU_MEMHOSTREGISTER_PORTABLE */
	CU_REGISTER_READ_ONLY = 8, /* CU_MEMHOSTREGISTER_READ_ONLY */
	CU_COMPUTE_PROHIBITED = 2,
	CU_COMPUTE_EXCLUSIVE = 3,

	/* CUdevice_attribute */
	CU_ATTR_COMPUTE_MODE = 20,
	CU_ATTR_UNIFIED_ADDRESSING = 41,
	CU_ATTR_VMM = 102,
	CU_ATTR_VMM_POSIX_FD = 103,
	CU_ATTR_READ_ONLY_REGISTER = 113,
	CU_ATTR_POOLS = 115,
	CU_ATTR_POOL_HANDLES = 119,
	CU_ATTR_MPS = 133,

	/* CUpointer_attribute */
	CU_POINTER_MEMORY_TYPE = 2,
	CU_POINTER_ORDINAL = 9,

	/* CUresult */
	CU_INVALID_VALUE = 1,
	CU_OUT_OF_MEMORY = 2,
	CU_STUB_LIBRARY = 34,
	CU_DEVICE_UNAVAILABLE = 46,
	CU_NO_DEVICE = 100,
	CU_INVALID_DEVICE = 101,
	CU_MAP_FAILED = 205,
	CU_OPERATING_SYSTEM = 304,
	CU_INVALID_HANDLE = 400,
	CU_NOT_FOUND = 500,
	CU_NOT_READY = 600,
	CU_NOT_PERMITTED = 800,
	CU_NOT_SUPPORTED = 801,
	CU_SYSTEM_NOT_READY = 802,
	CU_SYSTEM_DRIVER_MISMATCH = 803,
	CU_COMPAT_NOT_SUPPORTED = 804,
	CU_UNKNOWN = 999,
};

#define CU_LEGACY_STREAM ((cu_stream)(uintptr_t)1)
#define CU_PER_THREAD_STREAM ((cu_stream)(uintptr_t)2)

/*
 * Each entry point: the name that cuGetProcAddress is asked for, the CUDA version
 * that introduced the variant declared here, the symbol of that variant, whether
 * there is no CUDA channel without it, and its arguments.
 */
#define CUDA_CALLS(X)                                                                              \
	X(cuInit, 2000, "cuInit", 1, (unsigned flags))                                             \
	X(cuDriverGetVersion, 2020, "cuDriverGetVersion", 1, (int *version))                       \
	X(cuGetErrorName, 6000, "cuGetErrorName", 0, (cu_result result, const char **name))        \
	X(cuDeviceGetCount, 2000, "cuDeviceGetCount", 1, (int *count))                             \
	X(cuDeviceGet, 2000, "cuDeviceGet", 1, (cu_device * device, int ordinal))                  \
	X(cuDeviceGetName, 2000, "cuDeviceGetName", 1, (char *name, int size, cu_device device))   \
	X(cuDeviceGetAttribute, 2000, "cuDeviceGetAttribute", 1,                                   \
	  (int *value, int attribute, cu_device device))                                           \
	X(cuDeviceGetUuid, 11040, "cuDeviceGetUuid_v2", 0, (cu_uuid * uuid, cu_device device))     \
	X(cuDevicePrimaryCtxRetain, 7000, "cuDevicePrimaryCtxRetain", 1,                           \
	  (cu_context * context, cu_device device))                                                \
	X(cuDevicePrimaryCtxRelease, 11000, "cuDevicePrimaryCtxRelease_v2", 1, (cu_device device)) \
	X(cuCtxPushCurrent, 4000, "cuCtxPushCurrent_v2", 1, (cu_context context))                  \
	X(cuCtxPopCurrent, 4000, "cuCtxPopCurrent_v2", 1, (cu_context * context))                  \
	X(cuCtxSynchronize, 2000, "cuCtxSynchronize", 1, (void))                                   \
	X(cuMemGetInfo, 3020, "cuMemGetInfo_v2", 1, (size_t * free, size_t * total))               \
	X(cuMemAlloc, 3020, "cuMemAlloc_v2", 1, (cu_ptr * ptr, size_t size))                       \
	X(cuMemFree, 3020, "cuMemFree_v2", 1, (cu_ptr ptr))                                        \
	X(cuStreamCreate, 2000, "cuStreamCreate", 1, (cu_stream * stream, unsigned flags))         \
	X(cuStreamDestroy, 4000, "cuStreamDestroy_v2", 1, (cu_stream stream))                      \
	X(cuStreamSynchronize, 2000, "cuStreamSynchronize", 1, (cu_stream stream))                 \
	X(cuMemsetD8Async, 3020, "cuMemsetD8Async", 1,                                             \
	  (cu_ptr ptr, unsigned char value, size_t size, cu_stream stream))                        \
	X(cuMemcpyAsync, 4000, "cuMemcpyAsync", 1,                                                 \
	  (cu_ptr to, cu_ptr from, size_t size, cu_stream stream))                                 \
	X(cuMemcpyHtoDAsync, 3020, "cuMemcpyHtoDAsync_v2", 1,                                      \
	  (cu_ptr to, const void *from, size_t size, cu_stream stream))                            \
	X(cuMemcpyDtoHAsync, 3020, "cuMemcpyDtoHAsync_v2", 1,                                      \
	  (void *to, cu_ptr from, size_t size, cu_stream stream))                                  \
	X(cuMemcpyDtoDAsync, 3020, "cuMemcpyDtoDAsync_v2", 1,                                      \
	  (cu_ptr to, cu_ptr from, size_t size, cu_stream stream))                                 \
	X(cuMemcpy2DAsync, 3020, "cuMemcpy2DAsync_v2", 1,                                          \
	  (const struct cu_memcpy_2d *copy, cu_stream stream))                                     \
	X(cuPointerGetAttribute, 4000, "cuPointerGetAttribute", 1,                                 \
	  (void *value, int attribute, cu_ptr ptr))                                                \
	X(cuMemHostRegister, 6050, "cuMemHostRegister_v2", 0,                                      \
	  (void *ptr, size_t size, unsigned flags))                                                \
	X(cuMemHostUnregister, 4000, "cuMemHostUnregister", 0, (void *ptr))                        \
	X(cuMemGetAllocationGranularity, 10020, "cuMemGetAllocationGranularity", 0,                \
	  (size_t * size, const struct cu_mem_prop *prop, int option))                             \
	X(cuMemCreate, 10020, "cuMemCreate", 0,                                                    \
	  (cu_handle * handle, size_t size, const struct cu_mem_prop *prop, uint64_t flags))       \
	X(cuMemRelease, 10020, "cuMemRelease", 0, (cu_handle handle))                              \
	X(cuMemAddressReserve, 10020, "cuMemAddressReserve", 0,                                    \
	  (cu_ptr * ptr, size_t size, size_t alignment, cu_ptr addr, uint64_t flags))              \
	X(cuMemAddressFree, 10020, "cuMemAddressFree", 0, (cu_ptr ptr, size_t size))               \
	X(cuMemMap, 10020, "cuMemMap", 0,                                                          \
	  (cu_ptr ptr, size_t size, size_t offset, cu_handle handle, uint64_t flags))              \
	X(cuMemUnmap, 10020, "cuMemUnmap", 0, (cu_ptr ptr, size_t size))                           \
	X(cuMemSetAccess, 10020, "cuMemSetAccess", 0,                                              \
	  (cu_ptr ptr, size_t size, const struct cu_access *access, size_t count))                 \
	X(cuMemExportToShareableHandle, 10020, "cuMemExportToShareableHandle", 0,                  \
	  (void *shareable, cu_handle handle, int type, uint64_t flags))                           \
	X(cuMemImportFromShareableHandle, 10020, "cuMemImportFromShareableHandle", 0,              \
	  (cu_handle * handle, void *shareable, int type))                                         \
	X(cuMemPoolCreate, 11020, "cuMemPoolCreate", 0,                                            \
	  (cu_pool * pool, const struct cu_pool_props *props))                                     \
	X(cuMemPoolDestroy, 11020, "cuMemPoolDestroy", 0, (cu_pool pool))                          \
	X(cuMemAllocFromPoolAsync, 11020, "cuMemAllocFromPoolAsync", 0,                            \
	  (cu_ptr * ptr, size_t size, cu_pool pool, cu_stream stream))                             \
	X(cuMemFreeAsync, 11020, "cuMemFreeAsync", 0, (cu_ptr ptr, cu_stream stream))              \
	X(cuMemPoolExportToShareableHandle, 11020, "cuMemPoolExportToShareableHandle", 0,          \
	  (void *shareable, cu_pool pool, int type, uint64_t flags))                               \
	X(cuMemPoolImportFromShareableHandle, 11020, "cuMemPoolImportFromShareableHandle", 0,      \
	  (cu_pool * pool, void *shareable, int type, uint64_t flags))                             \
	X(cuMemPoolExportPointer, 11020, "cuMemPoolExportPointer", 0,                              \
	  (struct cu_blob * data, cu_ptr ptr))                                                     \
	X(cuMemPoolImportPointer, 11020, "cuMemPoolImportPointer", 0,                              \
	  (cu_ptr * ptr, cu_pool pool, struct cu_blob * data))                                     \
	X(cuIpcGetMemHandle, 4010, "cuIpcGetMemHandle", 0, (struct cu_blob * handle, cu_ptr ptr))  \
	X(cuIpcOpenMemHandle, 11000, "cuIpcOpenMemHandle_v2", 0,                                   \
	  (cu_ptr * ptr, struct cu_blob handle, unsigned flags))                                   \
	X(cuIpcCloseMemHandle, 4010, "cuIpcCloseMemHandle", 0, (cu_ptr ptr))

/* The oldest that is worked with: CUDA 11.0. */
#define CUDA_OLDEST 11000

_Static_assert(sizeof(struct cu_mem_prop) == 32 && sizeof(struct cu_access) == 12 &&
                       sizeof(struct cu_pool_props) == 88 && sizeof(struct cu_blob) == 64 &&
                       sizeof(cu_uuid) == 16 &&
                       (sizeof(void *) != 8 || sizeof(struct cu_memcpy_2d) == 128),
               "the driver's ABI");

#endif
