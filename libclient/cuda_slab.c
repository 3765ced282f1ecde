/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The lanes: device memory made, exported, imported and given back in each of the ways. */
#include "cuda_device.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

/*
 * Of legacy IPC, which shares whole blocks of 2 MiB: nobody else's bytes are in
 * ours. And of pools, so that mapped sizes are told the same way in every lane.
 */
#define BLOCK ((uint64_t)2 << 20)

static uint64_t up(uint64_t bytes, uint64_t unit) {
	return (bytes + unit - 1) / unit * unit;
}

static struct cu_location here(const struct cuda_device *device) {
	return (struct cu_location){ CU_LOCATION_DEVICE, device->ordinal };
}

/* ---------------------------------------------------------------------------- VMM */

static bool set_access(const struct cuda_device *device, const struct cuda_slab *slab,
                       bool writable, struct cuda_fault *fault) {
	struct cu_access access = { here(device), CU_ACCESS_READ };

	if (!writable && CU(fault, cuMemSetAccess, slab->base, slab->size, &access, 1))
		return true;
	/* Where a device cannot map memory read-only it is mapped writable: docs/cuda.md. */
	access.flags = CU_ACCESS_READWRITE;
	return CU(fault, cuMemSetAccess, slab->base, slab->size, &access, 1);
}

/* slab->handle is held; map it whole. A size that it does not have does not map. */
static bool vmm_map(const struct cuda_device *device, struct cuda_slab *slab, bool writable,
                    struct cuda_fault *fault) {
	if (!CU(fault, cuMemAddressReserve, &slab->base, slab->size, 0, 0, 0)) {
		slab->base = 0;
		return false;
	}
	slab->reserved = slab->size;
	slab->mapped = CU(fault, cuMemMap, slab->base, slab->size, 0, slab->handle, 0);
	return slab->mapped && set_access(device, slab, writable, fault);
}

static bool vmm_new(const struct cuda_device *device, struct cuda_slab *slab, uint64_t bytes,
                    struct cuda_fault *fault) {
	const struct cu_mem_prop prop = { .type = CU_ALLOCATION_PINNED,
		                          .handle_types = CU_HANDLE_POSIX_FD,
		                          .location = here(device) };
	size_t unit = 0;

	slab->kind = CUDA_SLAB_VMM;
	if (!CU(fault, cuMemGetAllocationGranularity, &unit, &prop, CU_GRANULARITY_MINIMUM))
		return false;
	slab->size = up(bytes, unit ? unit : BLOCK);
	slab->held = CU(fault, cuMemCreate, &slab->handle, slab->size, &prop, 0);
	return slab->held && vmm_map(device, slab, true, fault);
}

static bool vmm_import(const struct cuda_device *device, struct cuda_slab *slab, bool writable,
                       const struct cuda_export *from, struct cuda_fault *fault) {
	slab->kind = CUDA_SLAB_VMM;
	slab->held = CU(fault, cuMemImportFromShareableHandle, &slab->handle,
	                (void *)(uintptr_t)from->fd, CU_HANDLE_POSIX_FD);
	return slab->held && vmm_map(device, slab, writable, fault);
}

static void vmm_free(struct cuda_slab *slab) {
	struct cuda_fault ignored;

	if (slab->mapped)
		(void)CU(&ignored, cuMemUnmap, slab->base, slab->size);
	if (slab->reserved)
		(void)CU(&ignored, cuMemAddressFree, slab->base, slab->reserved);
	if (slab->held)
		(void)CU(&ignored, cuMemRelease, slab->handle);
}

/* --------------------------------------------------------------------------- pool */

static bool pool_new(const struct cuda_device *device, struct cuda_slab *slab, uint64_t bytes,
                     struct cuda_fault *fault) {
	const struct cu_pool_props props = { .type = CU_ALLOCATION_PINNED,
		                             .handle_types = CU_HANDLE_POSIX_FD,
		                             .location = here(device) };

	slab->kind = CUDA_SLAB_POOL;
	slab->size = up(bytes, BLOCK);
	if (!CU(fault, cuMemPoolCreate, &slab->pool, &props)) {
		slab->pool = NULL;
		return false;
	}
	if (!CU(fault, cuMemAllocFromPoolAsync, &slab->base, slab->size, slab->pool,
	        device->stream)) {
		slab->base = 0;
		return false;
	}
	return CU(fault, cuStreamSynchronize, device->stream);
}

static bool pool_import(struct cuda_slab *slab, struct cuda_export *from,
                        struct cuda_fault *fault) {
	slab->kind = CUDA_SLAB_POOL;
	slab->imported = true;
	if (!CU(fault, cuMemPoolImportFromShareableHandle, &slab->pool, (void *)(uintptr_t)from->fd,
	        CU_HANDLE_POSIX_FD, 0)) {
		slab->pool = NULL;
		return false;
	}
	if (!CU(fault, cuMemPoolImportPointer, &slab->base, slab->pool, &from->blob)) {
		slab->base = 0;
		return false;
	}
	return true;
}

static void pool_free(const struct cuda_device *device, struct cuda_slab *slab) {
	struct cuda_fault ignored;

	if (slab->base) {
		(void)CU(&ignored, cuMemFreeAsync, slab->base, device->stream);
		(void)CU(&ignored, cuStreamSynchronize, device->stream);
	}
	if (slab->pool)
		(void)CU(&ignored, cuMemPoolDestroy, slab->pool);
}

/* ------------------------------------------------------------- plain, and legacy IPC */

static bool own_new(struct cuda_slab *slab, uint64_t bytes, struct cuda_fault *fault) {
	slab->kind = CUDA_SLAB_OWN;
	slab->size = up(bytes, BLOCK);
	if (CU(fault, cuMemAlloc, &slab->base, slab->size))
		return true;
	slab->base = 0;
	return false;
}

static bool ipc_open(struct cuda_slab *slab, const struct cuda_export *from,
                     struct cuda_fault *fault) {
	slab->kind = CUDA_SLAB_OPENED;
	if (CU(fault, cuIpcOpenMemHandle, &slab->base, from->blob, CU_IPC_LAZY_PEER))
		return true;
	slab->base = 0;
	return false;
}

/* ---------------------------------------------------------------------- all of them */

/* What another program or process left there is not for the other side to read. */
static bool clear(const struct cuda_device *device, const struct cuda_slab *slab,
                  struct cuda_fault *fault) {
	return CU(fault, cuMemsetD8Async, slab->base, 0, slab->size, device->stream) &&
	       CU(fault, cuStreamSynchronize, device->stream);
}

bool cuda_slab_new(const struct cuda_device *device, struct cuda_slab *slab, uint32_t lane,
                   uint64_t bytes, bool writable, struct cuda_fault *fault) {
	bool good;

	memset(slab, 0, sizeof(*slab));
	if (lane == CAISSON_LANE_CUDA_VMM)
		good = vmm_new(device, slab, bytes, fault);
	else if (lane == CAISSON_LANE_CUDA_POOL)
		good = pool_new(device, slab, bytes, fault);
	else
		good = own_new(slab, bytes, fault);
	good = good && clear(device, slab, fault);
	if (good && !writable && slab->kind == CUDA_SLAB_VMM)
		good = set_access(device, slab, false, fault);
	if (!good)
		cuda_slab_free(device, slab);
	return good;
}

bool cuda_slab_export(const struct cuda_slab *slab, uint32_t lane, struct cuda_export *to,
                      struct cuda_fault *fault) {
	bool good;

	to->fd = -1;
	if (lane == CAISSON_LANE_CUDA_VMM) {
		good = CU(fault, cuMemExportToShareableHandle, &to->fd, slab->handle,
		          CU_HANDLE_POSIX_FD, 0);
	} else if (lane == CAISSON_LANE_CUDA_POOL) {
		good = CU(fault, cuMemPoolExportToShareableHandle, &to->fd, slab->pool,
		          CU_HANDLE_POSIX_FD, 0) &&
		       CU(fault, cuMemPoolExportPointer, &to->blob, slab->base);
	} else {
		return CU(fault, cuIpcGetMemHandle, &to->blob, slab->base);
	}
	if (!good && to->fd >= 0) {
		close(to->fd);
		to->fd = -1;
	}
	return good;
}

bool cuda_slab_import(const struct cuda_device *device, struct cuda_slab *slab, uint32_t lane,
                      uint64_t size, bool writable, struct cuda_export *from,
                      struct cuda_fault *fault) {
	bool good;

	memset(slab, 0, sizeof(*slab));
	slab->size = size;
	if (lane == CAISSON_LANE_CUDA_VMM)
		good = vmm_import(device, slab, writable, from, fault);
	else if (lane == CAISSON_LANE_CUDA_POOL)
		good = pool_import(slab, from, fault);
	else
		good = ipc_open(slab, from, fault);
	if (!good)
		cuda_slab_free(device, slab);
	return good;
}

void cuda_slab_free(const struct cuda_device *device, struct cuda_slab *slab) {
	struct cuda_fault ignored;

	if (slab->kind == CUDA_SLAB_NONE)
		return;
	/* What is still under way there, where a fault came between. */
	(void)CU(&ignored, cuStreamSynchronize, device->stream);
	switch (slab->kind) {
	case CUDA_SLAB_NONE:
		break;
	case CUDA_SLAB_OWN:
		if (slab->base)
			(void)CU(&ignored, cuMemFree, slab->base);
		break;
	case CUDA_SLAB_VMM:
		vmm_free(slab);
		break;
	case CUDA_SLAB_POOL:
		pool_free(device, slab);
		break;
	case CUDA_SLAB_OPENED:
		if (slab->base)
			(void)CU(&ignored, cuIpcCloseMemHandle, slab->base);
	}
	memset(slab, 0, sizeof(*slab));
}

/* --------------------------------------------------------------- what a descriptor is */

static const char *kind_of(const struct stat *st) {
	switch (st->st_mode & S_IFMT) {
	case S_IFCHR:
		return "a character device of another driver";
	case S_IFSOCK:
		return "a socket";
	case S_IFIFO:
		return "a pipe";
	case S_IFDIR:
		return "a directory";
	case S_IFBLK:
		return "a block device";
	case S_IFREG:
		return "a file";
	default:
		return "something without a kind";
	}
}

static bool same_kind(const struct stat *a, const struct stat *b) {
	if ((a->st_mode & S_IFMT) != (b->st_mode & S_IFMT))
		return false;
	if (S_ISCHR(a->st_mode))
		return major(a->st_rdev) == major(b->st_rdev);
	return a->st_dev == b->st_dev;
}

const char *cuda_fd_unfit(const struct cuda_device *device, int fd, uint32_t lane,
                          struct cuda_fault *fault) {
	struct cuda_export sample = { .fd = -1 };
	struct stat st, own;
	struct cuda_slab slab;
	const char *what = "not comparable: no memory of this side's could be exported";

	if (fstat(fd, &st) < 0)
		return "not open";
	/* Never one of these, whatever a driver exports. */
	if (S_ISSOCK(st.st_mode) || S_ISFIFO(st.st_mode) || S_ISDIR(st.st_mode))
		return kind_of(&st);
	if (!cuda_slab_new(device, &slab, lane, 1, true, fault))
		return what;
	if (cuda_slab_export(&slab, lane, &sample, fault) && fstat(sample.fd, &own) == 0)
		what = same_kind(&st, &own) ? NULL : kind_of(&st);
	if (sample.fd >= 0)
		close(sample.fd);
	cuda_slab_free(device, &slab);
	return what;
}
