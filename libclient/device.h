/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Where a channel whose tensors lie in a device's memory differs: the rings and
 * leases are those of any channel, only what they speak of is not a memfd.
 */
#ifndef CAISSON_LIBCLIENT_DEVICE_H
#define CAISSON_LIBCLIENT_DEVICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "caisson.h"
#include "caisson_dlpack.h"

struct device_ops {
	/* A loaned tensor is complete and where the other side will see it. 0, or an error. */
	int (*before_send)(caisson_channel *channel, const caisson_tensor *tensor,
	                   caisson_error **err);
	/* A tensor has come: make it complete here. 0, or an error: it is then given back. */
	int (*after_recv)(caisson_channel *channel, const caisson_tensor *tensor,
	                  caisson_error **err);
	/* It is about to be given back: what this side does with it has ended. */
	void (*before_release)(caisson_channel *channel);
	/* From any address that the device or the processor has to one of the device's. */
	int (*copy)(caisson_channel *channel, void *to, const void *from, size_t bytes,
	            caisson_error **err);
	/* The memory outlives the channel from here on, until put(); *device: its number. */
	void *(*get)(caisson_channel *channel, int32_t *device);
	void (*sync)(void *state); /* as before_release, also without the channel */
	void (*put)(void *state);
	int (*loan_dlpack)(caisson_channel *channel, const caisson_dl_managed *from, int timeout_ms,
	                   caisson_tensor *tensor, caisson_error **err);
	/* The channel ends; its memory is still mapped. */
	void (*leave)(caisson_channel *channel);
};

struct channel_device {
	const struct device_ops *ops; /* NULL: tensors lie in the channel's own memory */
	void *state;
	void *tx, *rx; /* where the slabs begin, in place of the channel's memory */
	uint16_t slab; /* number of the slabs in slots; 0: the channel's own */
	bool asked;    /* attaching was tried */
};

#endif
