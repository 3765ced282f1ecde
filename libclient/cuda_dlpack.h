/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What cuda_use.c has for cuda_dlpack.c. */
#ifndef CAISSON_LIBCLIENT_CUDA_DLPACK_H
#define CAISSON_LIBCLIENT_CUDA_DLPACK_H

#include "cuda_device.h"

/* 0, or an error: the channel is not attached, or it is no stream. */
int cuda_check_stream(const caisson_channel *channel, caisson_cuda_stream stream,
                      caisson_error **err);
cu_stream cuda_stream_of(caisson_cuda_stream stream);

#endif
