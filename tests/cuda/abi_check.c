/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Compiles if cuda_abi.h is what cuda.h says: layouts, numbers, and each call's type. */
#include "cuda_abi.h"

#ifdef CAISSON_HAVE_CUDA_H /* else what it says of itself is all that is checked */
#include <cuda.h>
#include <stddef.h>

#define SAME_SIZE(ours, theirs) _Static_assert(sizeof(ours) == sizeof(theirs), #theirs)
#define SAME_AT(ours, a, theirs, b)                                                                \
	_Static_assert(offsetof(ours, a) == offsetof(theirs, b) &&                                 \
	                       sizeof(((ours *)NULL)->a) == sizeof(((theirs *)NULL)->b),           \
	               #theirs "." #b)
#define SAME(ours, theirs) _Static_assert((int)(ours) == (int)(theirs), #theirs)

SAME_SIZE(cu_result, CUresult);
SAME_SIZE(cu_device, CUdevice);
SAME_SIZE(cu_ptr, CUdeviceptr);
SAME_SIZE(cu_handle, CUmemGenericAllocationHandle);
SAME_SIZE(cu_context, CUcontext);
SAME_SIZE(cu_stream, CUstream);
SAME_SIZE(cu_pool, CUmemoryPool);
SAME_SIZE(cu_uuid, CUuuid);
SAME_SIZE(struct cu_location, CUmemLocation);
SAME_AT(struct cu_location, type, CUmemLocation, type);
SAME_AT(struct cu_location, id, CUmemLocation, id);
SAME_SIZE(struct cu_mem_prop, CUmemAllocationProp);
SAME_AT(struct cu_mem_prop, type, CUmemAllocationProp, type);
SAME_AT(struct cu_mem_prop, handle_types, CUmemAllocationProp, requestedHandleTypes);
SAME_AT(struct cu_mem_prop, location, CUmemAllocationProp, location);
SAME_AT(struct cu_mem_prop, win32, CUmemAllocationProp, win32HandleMetaData);
SAME_AT(struct cu_mem_prop, usage, CUmemAllocationProp, allocFlags.usage);
SAME_SIZE(struct cu_access, CUmemAccessDesc);
SAME_AT(struct cu_access, flags, CUmemAccessDesc, flags);
SAME_SIZE(struct cu_pool_props, CUmemPoolProps);
SAME_AT(struct cu_pool_props, type, CUmemPoolProps, allocType);
SAME_AT(struct cu_pool_props, handle_types, CUmemPoolProps, handleTypes);
SAME_AT(struct cu_pool_props, location, CUmemPoolProps, location);
SAME_AT(struct cu_pool_props, win32, CUmemPoolProps, win32SecurityAttributes);
SAME_SIZE(struct cu_blob, CUmemPoolPtrExportData);
SAME_SIZE(struct cu_blob, CUipcMemHandle);
SAME_SIZE(struct cu_memcpy_2d, CUDA_MEMCPY2D);
SAME_AT(struct cu_memcpy_2d, src_type, CUDA_MEMCPY2D, srcMemoryType);
SAME_AT(struct cu_memcpy_2d, src_host, CUDA_MEMCPY2D, srcHost);
SAME_AT(struct cu_memcpy_2d, src_device, CUDA_MEMCPY2D, srcDevice);
SAME_AT(struct cu_memcpy_2d, src_pitch, CUDA_MEMCPY2D, srcPitch);
SAME_AT(struct cu_memcpy_2d, dst_type, CUDA_MEMCPY2D, dstMemoryType);
SAME_AT(struct cu_memcpy_2d, dst_device, CUDA_MEMCPY2D, dstDevice);
SAME_AT(struct cu_memcpy_2d, dst_pitch, CUDA_MEMCPY2D, dstPitch);
SAME_AT(struct cu_memcpy_2d, width, CUDA_MEMCPY2D, WidthInBytes);
SAME_AT(struct cu_memcpy_2d, height, CUDA_MEMCPY2D, Height);

SAME(CU_LOCATION_DEVICE, CU_MEM_LOCATION_TYPE_DEVICE);
SAME(CU_ALLOCATION_PINNED, CU_MEM_ALLOCATION_TYPE_PINNED);
SAME(CU_HANDLE_POSIX_FD, CU_MEM_HANDLE_TYPE_POSIX_FILE_DESCRIPTOR);
SAME(CU_ACCESS_READ, CU_MEM_ACCESS_FLAGS_PROT_READ);
SAME(CU_ACCESS_READWRITE, CU_MEM_ACCESS_FLAGS_PROT_READWRITE);
SAME(CU_GRANULARITY_MINIMUM, CU_MEM_ALLOC_GRANULARITY_MINIMUM);
SAME(CU_MEMORY_HOST, CU_MEMORYTYPE_HOST);
SAME(CU_MEMORY_DEVICE, CU_MEMORYTYPE_DEVICE);
SAME(CU_MEMORY_UNIFIED, CU_MEMORYTYPE_UNIFIED);
SAME(CU_NON_BLOCKING, CU_STREAM_NON_BLOCKING);
SAME(CU_IPC_LAZY_PEER, CU_IPC_MEM_LAZY_ENABLE_PEER_ACCESS);
SAME(CU_REGISTER_PORTABLE, CU_MEMHOSTREGISTER_PORTABLE);
SAME(CU_REGISTER_READ_ONLY, CU_MEMHOSTREGISTER_READ_ONLY);
SAME(CU_COMPUTE_PROHIBITED, CU_COMPUTEMODE_PROHIBITED);
SAME(CU_COMPUTE_EXCLUSIVE, CU_COMPUTEMODE_EXCLUSIVE_PROCESS);
SAME(CU_ATTR_COMPUTE_MODE, CU_DEVICE_ATTRIBUTE_COMPUTE_MODE);
SAME(CU_ATTR_UNIFIED_ADDRESSING, CU_DEVICE_ATTRIBUTE_UNIFIED_ADDRESSING);
SAME(CU_ATTR_VMM, CU_DEVICE_ATTRIBUTE_VIRTUAL_ADDRESS_MANAGEMENT_SUPPORTED);
SAME(CU_ATTR_VMM_POSIX_FD, CU_DEVICE_ATTRIBUTE_HANDLE_TYPE_POSIX_FILE_DESCRIPTOR_SUPPORTED);
SAME(CU_ATTR_READ_ONLY_REGISTER, CU_DEVICE_ATTRIBUTE_READ_ONLY_HOST_REGISTER_SUPPORTED);
SAME(CU_ATTR_POOLS, CU_DEVICE_ATTRIBUTE_MEMORY_POOLS_SUPPORTED);
SAME(CU_ATTR_POOL_HANDLES, CU_DEVICE_ATTRIBUTE_MEMPOOL_SUPPORTED_HANDLE_TYPES);
#if CUDA_VERSION >= 12030
SAME(CU_ATTR_MPS, CU_DEVICE_ATTRIBUTE_MPS_ENABLED);
#endif
SAME(CU_POINTER_MEMORY_TYPE, CU_POINTER_ATTRIBUTE_MEMORY_TYPE);
SAME(CU_POINTER_ORDINAL, CU_POINTER_ATTRIBUTE_DEVICE_ORDINAL);
SAME(CU_INVALID_VALUE, CUDA_ERROR_INVALID_VALUE);
SAME(CU_OUT_OF_MEMORY, CUDA_ERROR_OUT_OF_MEMORY);
SAME(CU_STUB_LIBRARY, CUDA_ERROR_STUB_LIBRARY);
SAME(CU_DEVICE_UNAVAILABLE, CUDA_ERROR_DEVICE_UNAVAILABLE);
SAME(CU_NO_DEVICE, CUDA_ERROR_NO_DEVICE);
SAME(CU_INVALID_DEVICE, CUDA_ERROR_INVALID_DEVICE);
SAME(CU_MAP_FAILED, CUDA_ERROR_MAP_FAILED);
SAME(CU_OPERATING_SYSTEM, CUDA_ERROR_OPERATING_SYSTEM);
SAME(CU_INVALID_HANDLE, CUDA_ERROR_INVALID_HANDLE);
SAME(CU_NOT_FOUND, CUDA_ERROR_NOT_FOUND);
SAME(CU_NOT_READY, CUDA_ERROR_NOT_READY);
SAME(CU_NOT_PERMITTED, CUDA_ERROR_NOT_PERMITTED);
SAME(CU_NOT_SUPPORTED, CUDA_ERROR_NOT_SUPPORTED);
SAME(CU_SYSTEM_NOT_READY, CUDA_ERROR_SYSTEM_NOT_READY);
SAME(CU_SYSTEM_DRIVER_MISMATCH, CUDA_ERROR_SYSTEM_DRIVER_MISMATCH);
SAME(CU_COMPAT_NOT_SUPPORTED, CUDA_ERROR_COMPAT_NOT_SUPPORTED_ON_DEVICE);
SAME(CU_UNKNOWN, CUDA_ERROR_UNKNOWN);

/* Each call takes as many arguments, of the same sizes: those of ours, called with zeros. */
#define ARGS(n, name, ...) _Static_assert(sizeof(name(__VA_ARGS__)) == sizeof(cu_result), #name)
ARGS(1, cuInit, 0);
ARGS(1, cuDriverGetVersion, NULL);
ARGS(2, cuGetErrorName, (CUresult)0, NULL);
ARGS(2, cuDeviceGetUuid, NULL, 0);
ARGS(2, cuDevicePrimaryCtxRetain, NULL, 0);
ARGS(1, cuDevicePrimaryCtxRelease, 0);
ARGS(4, cuMemsetD8Async, (CUdeviceptr)0, (unsigned char)0, (size_t)0, (CUstream)0);
ARGS(4, cuMemcpyAsync, (CUdeviceptr)0, (CUdeviceptr)0, (size_t)0, (CUstream)0);
ARGS(4, cuMemcpyHtoDAsync, (CUdeviceptr)0, NULL, (size_t)0, (CUstream)0);
ARGS(4, cuMemcpyDtoHAsync, NULL, (CUdeviceptr)0, (size_t)0, (CUstream)0);
ARGS(3, cuMemHostRegister, NULL, (size_t)0, 0u);
ARGS(3, cuMemGetAllocationGranularity, NULL, NULL, CU_MEM_ALLOC_GRANULARITY_MINIMUM);
ARGS(4, cuMemCreate, NULL, (size_t)0, NULL, 0ull);
ARGS(5, cuMemAddressReserve, NULL, (size_t)0, (size_t)0, (CUdeviceptr)0, 0ull);
ARGS(5, cuMemMap, (CUdeviceptr)0, (size_t)0, (size_t)0, (CUmemGenericAllocationHandle)0, 0ull);
ARGS(4, cuMemSetAccess, (CUdeviceptr)0, (size_t)0, NULL, (size_t)0);
ARGS(4, cuMemExportToShareableHandle, NULL, (CUmemGenericAllocationHandle)0,
     CU_MEM_HANDLE_TYPE_POSIX_FILE_DESCRIPTOR, 0ull);
ARGS(3, cuMemImportFromShareableHandle, NULL, NULL, CU_MEM_HANDLE_TYPE_POSIX_FILE_DESCRIPTOR);
ARGS(2, cuMemPoolCreate, NULL, NULL);
ARGS(4, cuMemAllocFromPoolAsync, NULL, (size_t)0, (CUmemoryPool)0, (CUstream)0);
ARGS(4, cuMemPoolExportToShareableHandle, NULL, (CUmemoryPool)0,
     CU_MEM_HANDLE_TYPE_POSIX_FILE_DESCRIPTOR, 0ull);
ARGS(4, cuMemPoolImportFromShareableHandle, NULL, NULL, CU_MEM_HANDLE_TYPE_POSIX_FILE_DESCRIPTOR,
     0ull);
ARGS(2, cuMemPoolExportPointer, NULL, (CUdeviceptr)0);
ARGS(3, cuMemPoolImportPointer, NULL, (CUmemoryPool)0, NULL);
ARGS(2, cuIpcGetMemHandle, NULL, (CUdeviceptr)0);
ARGS(3, cuIpcOpenMemHandle, NULL, (CUipcMemHandle){ { 0 } }, 0u);

#endif
