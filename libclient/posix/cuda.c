/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Memory of a device is exported as a descriptor, over a socket: there is none here. */
#include "posix.h"

#include <errno.h>

#include "caisson_cuda.h"

static int refused(caisson_error **err) {
	return error_set(err, ENOTSUP, "attaching CUDA to a channel", "", "use Linux",
	                 "a channel through files is in no device's memory");
}

int caisson_cuda_check(int device, caisson_cuda_info *info, caisson_error **err) {
	(void)device, (void)info;
	return refused(err);
}

int caisson_cuda_attach(caisson_channel *channel, const caisson_cuda_options *options,
                        int timeout_ms, caisson_cuda_info *info, caisson_error **err) {
	(void)channel, (void)options, (void)timeout_ms, (void)info;
	return refused(err);
}

int caisson_cuda_send(caisson_channel *channel, caisson_tensor *tensor, caisson_cuda_stream stream,
                      caisson_error **err) {
	(void)channel, (void)tensor, (void)stream;
	return refused(err);
}

int caisson_cuda_release(caisson_channel *channel, caisson_tensor *tensor,
                         caisson_cuda_stream stream, caisson_error **err) {
	(void)channel, (void)tensor, (void)stream;
	return refused(err);
}

int caisson_cuda_loan_dlpack(caisson_channel *channel, const caisson_dl_managed *from,
                             caisson_cuda_stream stream, int timeout_ms, caisson_tensor *tensor,
                             caisson_error **err) {
	(void)channel, (void)from, (void)stream, (void)timeout_ms, (void)tensor;
	return refused(err);
}

int caisson_cuda_to_dlpack(caisson_channel *channel, caisson_tensor *tensor,
                           caisson_cuda_stream stream, caisson_dl_managed **managed,
                           caisson_error **err) {
	(void)channel, (void)tensor, (void)stream, (void)managed;
	return refused(err);
}
