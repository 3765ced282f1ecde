/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What takes shared memory, or Linux, and is refused here; and what there is nothing to do for. */
#include "posix.h"

#include <errno.h>
#include <string.h>

#include "caisson_channels.h"
#include "caisson_dlpack.h"

static int refused(caisson_error **err, const char *what) {
	return error_set(err, ENOTSUP, "a channel through files", "",
	                 "use Linux, or copy the tensor", "%s takes memory that both sides have",
	                 what);
}

uint32_t caisson_channel_lane(const caisson_channel *channel) {
	(void)channel;
	return 0; /* tensors are copied through files */
}

int caisson_channel_prefault(caisson_channel *channel, caisson_error **err) {
	(void)channel;
	return refused(err, "caisson_channel_prefault()");
}

int caisson_channel_prefaulted(const caisson_channel *channel, uint64_t *ready, uint64_t *total) {
	(void)channel;
	if (ready)
		*ready = 0;
	if (total)
		*total = 0;
	return 0;
}

/* A copy is the receiver's own: keeping it holds nothing up. */
void caisson_channel_deadline(caisson_channel *channel, uint32_t milliseconds) {
	(void)channel, (void)milliseconds;
}

int caisson_forward(const caisson_tensor *tensor, caisson_channel *to, int timeout_ms,
                    caisson_error **err) {
	(void)tensor, (void)to, (void)timeout_ms;
	return refused(err, "caisson_forward()");
}

int caisson_loan_strided(caisson_channel *channel, caisson_dtype dtype, int32_t ndim,
                         const int64_t *shape, const int64_t *strides, int timeout_ms,
                         caisson_tensor *tensor, caisson_error **err) {
	(void)channel, (void)dtype, (void)ndim, (void)shape, (void)strides;
	(void)timeout_ms, (void)tensor;
	return refused(err, "caisson_loan_strided()");
}

int caisson_to_dlpack(caisson_channel *channel, caisson_tensor *tensor,
                      caisson_dl_managed **managed, caisson_error **err) {
	(void)channel, (void)tensor, (void)managed;
	return refused(err, "caisson_to_dlpack()");
}

int caisson_loan_dlpack(caisson_channel *channel, const caisson_dl_managed *from, int timeout_ms,
                        caisson_tensor *tensor, caisson_error **err) {
	(void)channel, (void)from, (void)timeout_ms, (void)tensor;
	return refused(err, "caisson_loan_dlpack()");
}

/* A grant: the program sees everything. */
int caisson_spec_device(caisson_spec *spec, const char *src, const char *dst) {
	(void)spec, (void)src, (void)dst;
	return 0;
}

int caisson_spec_pass_fd(caisson_spec *spec, int fd) {
	(void)spec, (void)fd;
	return -ENOTSUP;
}

int caisson_spec_label(caisson_spec *spec, const char *name) {
	(void)name;
	spec->required = true;
	return 0;
}

int caisson_spec_via(caisson_spec *spec, enum caisson_via via) {
	spec->required |= via != CAISSON_VIA_AUTO;
	return 0;
}

enum caisson_via caisson_via(const caisson_sandbox *box, const char **why) {
	(void)box;
	if (why)
		*why = "neither: there is no sandbox on this system";
	return CAISSON_VIA_AUTO;
}
