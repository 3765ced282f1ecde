/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Device memory: memfds, mapped at the address that is the device pointer. */
#include "fake_memory.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

struct memory fake_memories[MAX];
static struct range ranges[MAX];

int fake_new_fd(uint64_t size, bool pool, uint64_t tail_at) {
	struct tail tail = { MAGIC, size, "", pool };
	int fd = memfd_create("fake-cuda", MFD_CLOEXEC);

	if (fd < 0 || ftruncate(fd, (off_t)(size + TAIL)) < 0 ||
	    pwrite(fd, &tail, sizeof(tail), (off_t)tail_at) != (ssize_t)sizeof(tail)) {
		if (fd >= 0)
			close(fd);
		return -1;
	}
	return fd;
}

/* A descriptor that claims to be ours: the size of its memory, or 0. */
uint64_t fake_judge_fd(int fd, bool pool) {
	struct tail tail;
	struct stat st;

	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || st.st_size <= (off_t)TAIL ||
	    pread(fd, &tail, sizeof(tail), st.st_size - TAIL) != (ssize_t)sizeof(tail))
		return 0;
	if (tail.magic != MAGIC || tail.pool != pool || tail.size != (uint64_t)st.st_size - TAIL)
		return 0;
	return tail.size;
}

int fake_add_memory(int fd, uint64_t size, bool pool, bool charged) {
	int found = -1;

	fake_lock();
	for (int i = 0; i < MAX && found < 0; i++)
		if (!fake_memories[i].used) {
			fake_memories[i] = (struct memory){ true, fd, size, charged, pool, 0 };
			found = i;
		}
	fake_unlock();
	return found;
}

void fake_drop_memory(int i) {
	close(fake_memories[i].fd);
	if (fake_memories[i].charged)
		fake_give(fake_memories[i].size);
	fake_memories[i].used = false;
}

struct range *fake_add_range(char *base, uint64_t size, int memory, int of_pool) {
	struct range *found = NULL;

	fake_lock();
	for (int i = 0; i < MAX && !found; i++)
		if (!ranges[i].used) {
			ranges[i] = (struct range){ true, base, size, false, memory, of_pool };
			found = &ranges[i];
		}
	fake_unlock();
	return found;
}

struct range *fake_find_range(cu_ptr ptr) {
	for (int i = 0; i < MAX; i++)
		if (ranges[i].used && (uintptr_t)ranges[i].base == ptr)
			return &ranges[i];
	return NULL;
}

bool fake_is_device(cu_ptr ptr) {
	for (int i = 0; i < MAX; i++)
		if (ranges[i].used && ptr >= (uintptr_t)ranges[i].base &&
		    ptr < (uintptr_t)ranges[i].base + ranges[i].size)
			return true;
	return false;
}

/* ---------------------------------------------------------------------------- VMM */

FAKE_EXPORT cu_result cuMemGetAllocationGranularity(size_t *size, const struct cu_mem_prop *prop,
                                                    int option) {
	ENTER(cuMemGetAllocationGranularity);
	if (prop->type != CU_ALLOCATION_PINNED || prop->location.type != CU_LOCATION_DEVICE ||
	    option != CU_GRANULARITY_MINIMUM)
		return CU_INVALID_VALUE;
	*size = UNIT;
	return 0;
}

FAKE_EXPORT cu_result cuMemCreate(cu_handle *handle, size_t size, const struct cu_mem_prop *prop,
                                  uint64_t flags) {
	int fd, i;

	ENTER(cuMemCreate);
	if (size == 0 || size % UNIT || flags || prop->handle_types != CU_HANDLE_POSIX_FD ||
	    fake_visible(prop->location.id) < 0)
		return CU_INVALID_VALUE;
	if (!fake_take(size))
		return CU_OUT_OF_MEMORY;
	fd = fake_new_fd(size, false, size);
	i = fd < 0 ? -1 : fake_add_memory(fd, size, false, true);
	if (i < 0)
		return CU_OUT_OF_MEMORY;
	*handle = (cu_handle)i + 1;
	fake_object(FAKE_HANDLE, 1);
	return 0;
}

struct memory *fake_memory_of(cu_handle handle) {
	return handle >= 1 && handle <= MAX && fake_memories[handle - 1].used
	               ? &fake_memories[handle - 1]
	               : NULL;
}

FAKE_EXPORT cu_result cuMemRelease(cu_handle handle) {
	ENTER(cuMemRelease);
	if (!fake_memory_of(handle))
		return CU_INVALID_VALUE;
	fake_drop_memory((int)handle - 1);
	fake_object(FAKE_HANDLE, -1);
	return 0;
}

FAKE_EXPORT cu_result cuMemAddressReserve(cu_ptr *ptr, size_t size, size_t alignment, cu_ptr addr,
                                          uint64_t flags) {
	char *base;

	(void)alignment;
	(void)addr;
	(void)flags;
	ENTER(cuMemAddressReserve);
	if (size == 0 || size % UNIT)
		return CU_INVALID_VALUE;
	base = mmap(NULL, size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (base == MAP_FAILED)
		return CU_OUT_OF_MEMORY;
	if (!fake_add_range(base, size, -1, -1))
		return CU_OUT_OF_MEMORY;
	*ptr = (cu_ptr)(uintptr_t)base;
	fake_object(FAKE_RESERVATION, 1);
	return 0;
}

FAKE_EXPORT cu_result cuMemAddressFree(cu_ptr ptr, size_t size) {
	struct range *range;

	ENTER(cuMemAddressFree);
	range = fake_find_range(ptr);
	if (!range || range->size != size || range->mapped)
		return CU_INVALID_VALUE;
	munmap(range->base, size);
	range->used = false;
	fake_object(FAKE_RESERVATION, -1);
	return 0;
}

FAKE_EXPORT cu_result cuMemMap(cu_ptr ptr, size_t size, size_t offset, cu_handle handle,
                               uint64_t flags) {
	struct memory *memory = fake_memory_of(handle);
	struct range *range;

	ENTER(cuMemMap);
	range = fake_find_range(ptr);
	if (!memory || !range || range->mapped || size > range->size || offset || flags ||
	    size > memory->size)
		return CU_INVALID_VALUE;
	if (mmap(range->base, size, PROT_NONE, MAP_SHARED | MAP_FIXED, memory->fd, 0) == MAP_FAILED)
		return CU_MAP_FAILED;
	if (memory->charged) { /* new memory */
		mprotect(range->base, size, PROT_READ | PROT_WRITE);
		memset(range->base, GARBAGE, UNIT);
		mprotect(range->base, size, PROT_NONE);
	}
	range->mapped = true;
	fake_object(FAKE_MAPPING, 1);
	return 0;
}

FAKE_EXPORT cu_result cuMemSetAccess(cu_ptr ptr, size_t size, const struct cu_access *access,
                                     size_t count) {
	struct range *range;

	ENTER(cuMemSetAccess);
	range = fake_find_range(ptr);
	if (!range || !range->mapped || count != 1 || size > range->size)
		return CU_INVALID_VALUE;
	return mprotect(range->base, size,
	                access->flags == CU_ACCESS_READWRITE ? PROT_READ | PROT_WRITE : PROT_READ)
	               ? CU_UNKNOWN
	               : 0;
}

FAKE_EXPORT cu_result cuMemUnmap(cu_ptr ptr, size_t size) {
	struct range *range;

	ENTER(cuMemUnmap);
	range = fake_find_range(ptr);
	if (!range || !range->mapped || range->size != size)
		return CU_INVALID_VALUE;
	mmap(range->base, size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED | MAP_NORESERVE,
	     -1, 0);
	range->mapped = false;
	fake_object(FAKE_MAPPING, -1);
	return 0;
}

FAKE_EXPORT cu_result cuMemExportToShareableHandle(void *shareable, cu_handle handle, int type,
                                                   uint64_t flags) {
	struct memory *memory = fake_memory_of(handle);

	ENTER(cuMemExportToShareableHandle);
	if (!memory || type != CU_HANDLE_POSIX_FD || flags)
		return CU_INVALID_VALUE;
	*(int *)shareable = fcntl(memory->fd, F_DUPFD_CLOEXEC, 3);
	return *(int *)shareable < 0 ? CU_OPERATING_SYSTEM : 0;
}

FAKE_EXPORT cu_result cuMemImportFromShareableHandle(cu_handle *handle, void *shareable, int type) {
	int fd = (int)(intptr_t)shareable, own, i;
	uint64_t size;

	ENTER(cuMemImportFromShareableHandle);
	size = fake_judge_fd(fd, false);
	if (!size || type != CU_HANDLE_POSIX_FD)
		return CU_INVALID_VALUE;
	own = fcntl(fd, F_DUPFD_CLOEXEC, 3);
	i = own < 0 ? -1 : fake_add_memory(own, size, false, false);
	if (i < 0)
		return CU_OUT_OF_MEMORY;
	*handle = (cu_handle)i + 1;
	fake_object(FAKE_HANDLE, 1);
	return 0;
}
