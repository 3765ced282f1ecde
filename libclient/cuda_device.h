/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One device, its primary context, and a slab of its memory. */
#ifndef CAISSON_LIBCLIENT_CUDA_DEVICE_H
#define CAISSON_LIBCLIENT_CUDA_DEVICE_H

#include "caisson_cuda.h"
#include "cuda_driver.h"

#define CUDA_SHARING (CAISSON_LANE_CUDA_VMM | CAISSON_LANE_CUDA_POOL | CAISSON_LANE_CUDA_IPC)
#define CUDA_LANES (CUDA_SHARING | CAISSON_LANE_CUDA_STAGED)

struct cuda_device {
	int ordinal;
	cu_device device;
	cu_context context; /* NULL: not retained */
	cu_stream stream;   /* for copies of ours; waits for nothing else */
	bool read_only_register;
	caisson_cuda_info info; /* lane, there and mapped are the channel's */
};

/* Which device has this UUID; -1: none that is visible. The driver is loaded. */
int cuda_find(const uint8_t uuid[16]);
/* Load the driver, look at a device, and judge it. 0 or an error; nothing is held. */
int cuda_look(struct cuda_device *device, int ordinal, caisson_error **err);
/* Retain its primary context and make a stream. */
int cuda_open(struct cuda_device *device, caisson_error **err);
void cuda_close(struct cuda_device *device);
/* Is there so much free memory? Within cuda_enter(). 0 or an error. */
int cuda_room(struct cuda_device *device, uint64_t bytes, caisson_error **err);
void cuda_uuid_text(char text[41], const uint8_t uuid[16]);

/* Around calls: the device's context is current in this thread. False: fault says why. */
bool cuda_enter(const struct cuda_device *device, struct cuda_fault *fault);
bool cuda_enter_to_free(const struct cuda_device *device);
void cuda_exit(void);

enum cuda_slab_kind {
	CUDA_SLAB_NONE,
	CUDA_SLAB_OWN, /* cuMemAlloc */
	CUDA_SLAB_VMM,
	CUDA_SLAB_POOL,
	CUDA_SLAB_OPENED, /* cuIpcOpenMemHandle */
};

struct cuda_slab {
	enum cuda_slab_kind kind;
	cu_ptr base;     /* 0: not mapped */
	size_t size;     /* mapped: whole units of the device's */
	size_t reserved; /* VMM: of address space */
	cu_handle handle;
	bool held, mapped; /* VMM: handle is, base is */
	cu_pool pool;
	bool imported;
};

/* What goes to the other side of a slab. */
struct cuda_export {
	int fd; /* -1: none */
	struct cu_blob blob;
};

/*
 * All of these are called between cuda_enter() and cuda_exit(). True, or fault says
 * which call failed, and nothing is left of the slab.
 */

/* Memory for bytes, full of zeros, for a lane; lane 0: for this process alone. */
bool cuda_slab_new(const struct cuda_device *device, struct cuda_slab *slab, uint32_t lane,
                   uint64_t bytes, bool writable, struct cuda_fault *fault);
bool cuda_slab_export(const struct cuda_slab *slab, uint32_t lane, struct cuda_export *to,
                      struct cuda_fault *fault);
/* The other side's, of size bytes as it says; from->fd stays the caller's. */
bool cuda_slab_import(const struct cuda_device *device, struct cuda_slab *slab, uint32_t lane,
                      uint64_t size, bool writable, struct cuda_export *from,
                      struct cuda_fault *fault);
void cuda_slab_free(const struct cuda_device *device, struct cuda_slab *slab);

/*
 * Is fd of the kind that this driver exports (a character device of the same major
 * number, say)? It is not touched otherwise. NULL, or what it is instead. Looks at
 * one that is exported for this, so that there is no list of kinds to go stale.
 */
const char *cuda_fd_unfit(const struct cuda_device *device, int fd, uint32_t lane,
                          struct cuda_fault *fault);

#endif
