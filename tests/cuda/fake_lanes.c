/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Allocations, legacy IPC, memory pools, copies. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "fake_memory.h"

/* ------------------------------------------------------------- allocations, legacy IPC */

static cu_result map_range(cu_ptr *ptr, int fd, uint64_t at, uint64_t size, int memory,
                           int of_pool) {
	char *base = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, (off_t)at);

	if (base == MAP_FAILED)
		return CU_MAP_FAILED;
	if (!fake_add_range(base, size, memory, of_pool)) {
		munmap(base, size);
		return CU_OUT_OF_MEMORY;
	}
	*ptr = (cu_ptr)(uintptr_t)base;
	fake_object(FAKE_ALLOCATION, 1);
	return 0;
}

FAKE_EXPORT cu_result cuMemAlloc_v2(cu_ptr *ptr, size_t size) {
	uint64_t whole = (size + UNIT - 1) / UNIT * UNIT;
	int fd, i;

	ENTER(cuMemAlloc);
	if (size == 0)
		return CU_INVALID_VALUE;
	if (!fake_take(whole))
		return CU_OUT_OF_MEMORY;
	fd = fake_new_fd(whole, false, whole);
	i = fd < 0 ? -1 : fake_add_memory(fd, whole, false, true);
	if (i < 0 || map_range(ptr, fd, 0, whole, i, -1) != 0)
		return CU_OUT_OF_MEMORY;
	memset((void *)(uintptr_t)*ptr, GARBAGE, UNIT);
	return 0;
}

void fake_free_now(cu_ptr ptr) {
	struct range *range = fake_find_range(ptr);

	munmap(range->base, range->size);
	if (range->memory >= 0) {
		close(fake_memories[range->memory].fd);
		fake_memories[range->memory].used = false;
	}
	range->used = false;
	fake_object(FAKE_ALLOCATION, -1);
}

FAKE_EXPORT cu_result cuMemFree_v2(cu_ptr ptr) {
	struct range *range;
	bool charged;
	uint64_t size;

	ENTER(cuMemFree);
	range = fake_find_range(ptr);
	if (!range || range->memory < 0)
		return CU_INVALID_VALUE;
	charged = fake_memories[range->memory].charged;
	size = fake_memories[range->memory].size;
	fake_free_now(ptr);
	if (charged)
		fake_give(size);
	return 0;
}

/* As the driver's: it works where both see the same process ids. */
struct ipc {
	uint64_t magic, size;
	int pid, fd;
};

FAKE_EXPORT cu_result cuIpcGetMemHandle(struct cu_blob *handle, cu_ptr ptr) {
	struct range *range;
	struct ipc ipc = { MAGIC, 0, getpid(), -1 };

	ENTER(cuIpcGetMemHandle);
	range = fake_find_range(ptr);
	if (!range || range->memory < 0)
		return CU_INVALID_VALUE;
	ipc.size = range->size;
	ipc.fd = fake_memories[range->memory].fd;
	memset(handle, 0, sizeof(*handle));
	memcpy(handle->bytes, &ipc, sizeof(ipc));
	return 0;
}

FAKE_EXPORT cu_result cuIpcOpenMemHandle_v2(cu_ptr *ptr, struct cu_blob handle, unsigned flags) {
	struct ipc ipc;
	char path[64];
	int fd, i;

	ENTER(cuIpcOpenMemHandle);
	memcpy(&ipc, handle.bytes, sizeof(ipc));
	if (ipc.magic != MAGIC || flags != CU_IPC_LAZY_PEER)
		return CU_INVALID_VALUE;
	snprintf(path, sizeof(path), "/proc/%d/fd/%d", ipc.pid, ipc.fd);
	fd = open(path, O_RDWR | O_CLOEXEC);
	if (fd < 0 || fake_judge_fd(fd, false) != ipc.size) {
		if (fd >= 0)
			close(fd);
		return CU_INVALID_HANDLE;
	}
	i = fake_add_memory(fd, ipc.size, false, false);
	return i < 0 ? CU_OUT_OF_MEMORY : map_range(ptr, fd, 0, ipc.size, i, -1);
}

FAKE_EXPORT cu_result cuIpcCloseMemHandle(cu_ptr ptr) {
	struct range *range;

	ENTER(cuIpcCloseMemHandle);
	range = fake_find_range(ptr);
	if (!range || range->memory < 0 || fake_memories[range->memory].charged)
		return CU_INVALID_VALUE;
	fake_free_now(ptr);
	return 0;
}

/* -------------------------------------------------------------------------- pools */

#if FAKE_VERSION >= 11020
static struct memory *pool_of(cu_pool pool) {
	struct memory *memory = fake_memory_of((cu_handle)(uintptr_t)pool);

	return memory && memory->pool ? memory : NULL;
}

FAKE_EXPORT cu_result cuMemPoolCreate(cu_pool *pool, const struct cu_pool_props *props) {
	int fd, i;

	ENTER(cuMemPoolCreate);
	if (props->type != CU_ALLOCATION_PINNED || props->handle_types != CU_HANDLE_POSIX_FD ||
	    props->location.type != CU_LOCATION_DEVICE)
		return CU_INVALID_VALUE;
	fd = fake_new_fd(POOL_BYTES, true, POOL_BYTES);
	i = fd < 0 ? -1 : fake_add_memory(fd, POOL_BYTES, true, false);
	if (i < 0)
		return CU_OUT_OF_MEMORY;
	*pool = (cu_pool)(uintptr_t)(i + 1);
	fake_object(FAKE_POOL, 1);
	return 0;
}

FAKE_EXPORT cu_result cuMemPoolDestroy(cu_pool pool) {
	ENTER(cuMemPoolDestroy);
	if (!pool_of(pool))
		return CU_INVALID_VALUE;
	fake_drop_memory((int)(uintptr_t)pool - 1);
	fake_object(FAKE_POOL, -1);
	return 0;
}

FAKE_EXPORT cu_result cuMemAllocFromPoolAsync(cu_ptr *ptr, size_t size, cu_pool pool,
                                              cu_stream stream) {
	struct memory *memory = pool_of(pool);
	uint64_t at;
	cu_result result;

	(void)stream;
	ENTER(cuMemAllocFromPoolAsync);
	if (!memory || size == 0 || size % UNIT || memory->next + size > memory->size)
		return CU_INVALID_VALUE;
	at = memory->next;
	result = map_range(ptr, memory->fd, at, size, -1, (int)(uintptr_t)pool - 1);
	if (result)
		return result;
	memory->next += size;
	memset((void *)(uintptr_t)*ptr, GARBAGE, UNIT);
	return 0;
}

FAKE_EXPORT cu_result cuMemFreeAsync(cu_ptr ptr, cu_stream stream) {
	const struct fake_job job = { .work = WORK_FREE, .to = (void *)(uintptr_t)ptr };

	ENTER(cuMemFreeAsync);
	return fake_find_range(ptr) ? fake_queue(stream, &job) : CU_INVALID_VALUE;
}

FAKE_EXPORT cu_result cuMemPoolExportToShareableHandle(void *shareable, cu_pool pool, int type,
                                                       uint64_t flags) {
	struct memory *memory = pool_of(pool);

	ENTER(cuMemPoolExportToShareableHandle);
	if (!memory || type != CU_HANDLE_POSIX_FD || flags)
		return CU_INVALID_VALUE;
	*(int *)shareable = fcntl(memory->fd, F_DUPFD_CLOEXEC, 3);
	return *(int *)shareable < 0 ? CU_OPERATING_SYSTEM : 0;
}

FAKE_EXPORT cu_result cuMemPoolImportFromShareableHandle(cu_pool *pool, void *shareable, int type,
                                                         uint64_t flags) {
	int own, i;

	ENTER(cuMemPoolImportFromShareableHandle);
	if (fake_judge_fd((int)(intptr_t)shareable, true) == 0 || type != CU_HANDLE_POSIX_FD ||
	    flags)
		return CU_INVALID_VALUE;
	own = fcntl((int)(intptr_t)shareable, F_DUPFD_CLOEXEC, 3);
	i = own < 0 ? -1 : fake_add_memory(own, POOL_BYTES, true, false);
	if (i < 0)
		return CU_OUT_OF_MEMORY;
	*pool = (cu_pool)(uintptr_t)(i + 1);
	fake_object(FAKE_POOL, 1);
	return 0;
}

struct pool_pointer {
	uint64_t magic, at, size;
};

FAKE_EXPORT cu_result cuMemPoolExportPointer(struct cu_blob *data, cu_ptr ptr) {
	struct pool_pointer pointer = { MAGIC, 0, 0 };
	struct range *range;

	ENTER(cuMemPoolExportPointer);
	range = fake_find_range(ptr);
	if (!range || range->of_pool < 0)
		return CU_INVALID_VALUE;
	pointer.size = range->size;
	pointer.at =
		fake_memories[range->of_pool].next - range->size; /* the latest, and the only one */
	memset(data, 0, sizeof(*data));
	memcpy(data->bytes, &pointer, sizeof(pointer));
	return 0;
}

FAKE_EXPORT cu_result cuMemPoolImportPointer(cu_ptr *ptr, cu_pool pool, struct cu_blob *data) {
	struct memory *memory = pool_of(pool);
	struct pool_pointer pointer;

	ENTER(cuMemPoolImportPointer);
	memcpy(&pointer, data->bytes, sizeof(pointer));
	if (!memory || pointer.magic != MAGIC || pointer.size > memory->size ||
	    pointer.at > memory->size - pointer.size)
		return CU_INVALID_VALUE;
	return map_range(ptr, memory->fd, pointer.at, pointer.size, -1, (int)(uintptr_t)pool - 1);
}
#endif

/* ------------------------------------------------------------------ copies, and pins */

static cu_result queue_copy(void *to, const void *from, size_t size, cu_stream stream) {
	const struct fake_job job = { .work = WORK_COPY, .to = to, .from = from, .bytes = size };

	return fake_queue(stream, &job);
}

FAKE_EXPORT cu_result cuMemsetD8Async(cu_ptr ptr, unsigned char value, size_t size,
                                      cu_stream stream) {
	const struct fake_job job = {
		.work = WORK_SET, .to = (void *)(uintptr_t)ptr, .bytes = size, .value = value
	};

	ENTER(cuMemsetD8Async);
	return fake_is_device(ptr) ? fake_queue(stream, &job) : CU_INVALID_VALUE;
}

FAKE_EXPORT cu_result cuMemcpyAsync(cu_ptr to, cu_ptr from, size_t size, cu_stream stream) {
	ENTER(cuMemcpyAsync);
	return queue_copy((void *)(uintptr_t)to, (const void *)(uintptr_t)from, size, stream);
}

FAKE_EXPORT cu_result cuMemcpyHtoDAsync_v2(cu_ptr to, const void *from, size_t size,
                                           cu_stream stream) {
	ENTER(cuMemcpyHtoDAsync);
	return fake_is_device(to) ? queue_copy((void *)(uintptr_t)to, from, size, stream)
	                          : CU_INVALID_VALUE;
}

FAKE_EXPORT cu_result cuMemcpyDtoHAsync_v2(void *to, cu_ptr from, size_t size, cu_stream stream) {
	ENTER(cuMemcpyDtoHAsync);
	return fake_is_device(from) ? queue_copy(to, (const void *)(uintptr_t)from, size, stream)
	                            : CU_INVALID_VALUE;
}

FAKE_EXPORT cu_result cuMemcpyDtoDAsync_v2(cu_ptr to, cu_ptr from, size_t size, cu_stream stream) {
	ENTER(cuMemcpyDtoDAsync);
	if (!fake_is_device(to) || !fake_is_device(from))
		return CU_INVALID_VALUE;
	return queue_copy((void *)(uintptr_t)to, (const void *)(uintptr_t)from, size, stream);
}

FAKE_EXPORT cu_result cuMemcpy2DAsync_v2(const struct cu_memcpy_2d *copy, cu_stream stream) {
	const struct fake_job job = {
		.work = WORK_COPY_2D,
		.to = (void *)(uintptr_t)copy->dst_device,
		.from = copy->src_type == CU_MEMORY_HOST ? copy->src_host
		                                         : (void *)(uintptr_t)copy->src_device,
		.bytes = copy->width,
		.rows = copy->height,
		.to_pitch = copy->dst_pitch,
		.from_pitch = copy->src_pitch,
	};

	ENTER(cuMemcpy2DAsync);
	if (copy->width > copy->src_pitch || copy->width > copy->dst_pitch)
		return CU_INVALID_VALUE;
	return fake_queue(stream, &job);
}

FAKE_EXPORT cu_result cuPointerGetAttribute(void *value, int attribute, cu_ptr ptr) {
	ENTER(cuPointerGetAttribute);
	if (!fake_is_device(ptr))
		return CU_INVALID_VALUE;
	*(int *)value = attribute == CU_POINTER_MEMORY_TYPE ? CU_MEMORY_DEVICE : 0;
	return 0;
}

FAKE_EXPORT cu_result cuMemHostRegister_v2(void *ptr, size_t size, unsigned flags) {
	(void)flags;
	ENTER(cuMemHostRegister);
	if (!ptr || size == 0)
		return CU_INVALID_VALUE;
	fake_object(FAKE_PINNED, 1);
	return 0;
}

FAKE_EXPORT cu_result cuMemHostUnregister(void *ptr) {
	ENTER(cuMemHostUnregister);
	if (!ptr)
		return CU_INVALID_VALUE;
	fake_object(FAKE_PINNED, -1);
	return 0;
}
