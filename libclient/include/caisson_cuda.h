/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Channels whose tensors lie in the memory of a CUDA device. docs/cuda.md is the
 * guide. Nothing of CUDA is needed to build or link: libcuda.so.1 is loaded when
 * caisson_cuda_check() or caisson_cuda_attach() is first called, unless
 * CAISSON_ENABLE_CUDA is 0.
 *
 * The host makes the memory of both directions and the sandbox maps it: the host
 * never takes a descriptor or a handle from a sandbox. A sandbox that has such a
 * mapping can write to all of it at any time, whatever its direction: CUDA has no
 * seals. Take what comes as fit for arithmetic only, or copy it (SNAPSHOT).
 */
#ifndef CAISSON_CUDA_H
#define CAISSON_CUDA_H

#include <stdint.h>

#include "caisson.h"
#include "caisson_channels.h"
#include "caisson_dlpack.h"

#ifdef __cplusplus
extern "C" {
#endif

#pragma GCC visibility push(default)

/*
 * A stream, by DLPack's numbers: 1 is the legacy default stream, 2 the calling
 * thread's, anything larger is a CUstream or cudaStream_t. NONE: nothing is under
 * way. 0 could mean any of these and is refused (-EINVAL).
 */
typedef int64_t caisson_cuda_stream;
#define CAISSON_CUDA_STREAM_NONE ((caisson_cuda_stream)-1)
#define CAISSON_CUDA_STREAM_LEGACY ((caisson_cuda_stream)1)
#define CAISSON_CUDA_STREAM_PER_THREAD ((caisson_cuda_stream)2)

/* What comes is copied to memory of this side's own before caisson_recv() returns. */
#define CAISSON_CUDA_SNAPSHOT 1u

typedef struct caisson_cuda_options {
	uint32_t size;  /* sizeof(caisson_cuda_options) */
	int32_t device; /* ordinal in this process; -1: 0 in the host, the host's in the sandbox */
	/*
	 * Lanes (enum caisson_lane) that this side may use, tried in the order VMM, POOL,
	 * STAGED, IPC. 0: all but IPC. A single one is required: without it there is an error.
	 */
	uint32_t lanes;
	uint32_t flags; /* CAISSON_CUDA_SNAPSHOT */
} caisson_cuda_options;

typedef struct caisson_cuda_info {
	uint32_t size;        /* sizeof(caisson_cuda_info), set by the caller */
	uint32_t lane;        /* of enum caisson_lane; 0 from caisson_cuda_check() */
	uint32_t lanes;       /* that this side could use */
	int32_t device;       /* ordinal in this process */
	int32_t cuda;         /* 12040: this side's driver is for CUDA 12.4 */
	int32_t cuda_there;   /* the other side's; 0: not known */
	int32_t compute_mode; /* CUcomputemode: 0 default, 2 prohibited, 3 exclusive */
	int32_t mig;          /* 1: the device is a MIG instance */
	int32_t pinned;       /* STAGED: 1 if the processor's memory could be pinned */
	int32_t reserved;     /* 0 */
	uint8_t uuid[16];     /* as nvidia-smi -L shows it, of a MIG instance its own */
	uint64_t free_bytes;  /* of the device's memory, when it was looked at */
	uint64_t total_bytes;
	uint64_t mapped_bytes; /* on the device, by this side, for this channel */
	char driver[16];       /* release of the kernel's driver, "550.54.15"; "" if unreadable */
	char driver_there[16];
	char name[96];
} caisson_cuda_info;

/*
 * Could a device be used? Loads the driver and looks at the device: version, compute
 * mode, unified addressing, memory, lanes. device: an ordinal. info may be NULL.
 * -EPERM: switched off, or after fork; -ENODEV: no device, node or driver; -ENOTSUP:
 * too old; -EBUSY: compute mode; others as CUDA says. Any thread.
 */
int caisson_cuda_check(int device, caisson_cuda_info *info, caisson_error **err);

/*
 * Move a channel's tensors to a device's memory. Both sides call this, the host once
 * the sandbox is started, each before it loans or receives anything, and wait for each
 * other up to timeout_ms (-1: without limit). By one thread, while no other uses the
 * channel. options, info: NULL for the defaults, and if nothing is to be told.
 *
 * From then on tensor.data is an address of the device's. caisson_send() waits first
 * for all that this process's primary context has under way, caisson_release() too;
 * the calls below that name a stream wait for that one only. When a tensor is received
 * all work on it has ended. Each side uses the device's primary context, as the CUDA
 * runtime does, and leaves what is current in the calling thread.
 *
 * A channel is attached once. After an error the other side gets one too, and the
 * channel is as before, with tensors in the processor's memory; but not after
 * -EPROTO (the other side broke the protocol), -EPIPE and -ETIMEDOUT: free it then.
 * Also -EBUSY (the channel was used), -EALREADY (attach was called before), -EXDEV (the
 * sides do not see the same device), -ENOTSUP (no lane is left), -ENOMEM, -EREMOTE (the
 * other side could not), and those of caisson_cuda_check().
 */
int caisson_cuda_attach(caisson_channel *channel, const caisson_cuda_options *options,
                        int timeout_ms, caisson_cuda_info *info, caisson_error **err);

/* caisson_send() and caisson_release() that wait for one stream only. */
int caisson_cuda_send(caisson_channel *channel, caisson_tensor *tensor, caisson_cuda_stream stream,
                      caisson_error **err);
int caisson_cuda_release(caisson_channel *channel, caisson_tensor *tensor,
                         caisson_cuda_stream stream, caisson_error **err);

/*
 * caisson_loan_dlpack() for an attached channel: the elements of from, in memory of
 * the device (of whatever allocator: cudaMalloc, cudaMallocAsync, expandable segments)
 * or of the processor, are copied row-major into the channel, after what stream has
 * under way, which is the one that the producer's __dlpack__() was given. Returns when
 * they are there. -ENOTSUP for memory of another device, elements with gaps that need
 * more than 65536 copies, or that are narrower than a byte. By the thread that sends.
 */
int caisson_cuda_loan_dlpack(caisson_channel *channel, const caisson_dl_managed *from,
                             caisson_cuda_stream stream, int timeout_ms, caisson_tensor *tensor,
                             caisson_error **err);
/*
 * caisson_to_dlpack() for an attached channel: the device is kDLCUDA. The tensor is
 * complete, so that any stream may use it: stream is only checked. The deleter waits
 * for the whole context, since it is not told which streams used the tensor.
 */
int caisson_cuda_to_dlpack(caisson_channel *channel, caisson_tensor *tensor,
                           caisson_cuda_stream stream, caisson_dl_managed **managed,
                           caisson_error **err);

#pragma GCC visibility pop

#ifdef __cplusplus
}
#endif

#endif
