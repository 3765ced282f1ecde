/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "slot.h"

#include <string.h>

#include "dtype.h"

#define CALL_FLAGS (CAISSON_SLOT_REQUEST | CAISSON_SLOT_REPLY)
#define KNOWN_FLAGS (CAISSON_SLOT_STRIDED | CAISSON_SLOT_SMALL | CAISSON_SLOT_EXTENDED | CALL_FLAGS)

/* What can be said without looking at the tensor's extents. */
static const char *check_header(const struct caisson_channel_slot *slot,
                                const struct slot_limits *limits) {
	const caisson_dtype dtype = { slot->code, slot->bits, slot->lanes };

	if (slot->slab != limits->slab || slot->generation != limits->generation)
		return "a slab that this channel does not have";
	if (slot->flags & ~KNOWN_FLAGS)
		return "an unknown flag";
	if (!(slot->flags & CALL_FLAGS) != !slot->call || (slot->flags & CALL_FLAGS) == CALL_FLAGS)
		return "a number of a call that does not fit its flags";
	if (slot->ndim > CAISSON_CHANNEL_MAX_NDIM)
		return "more than 64 dimensions";
	if (!dtype_valid(dtype))
		return "an unknown element type";
	return NULL;
}

/* One tensor has one description: where its extents stand follows from their number. */
static const char *check_form(const struct caisson_channel_slot *slot) {
	bool small = slot->flags & CAISSON_SLOT_SMALL;
	bool extended = slot->flags & CAISSON_SLOT_EXTENDED;

	if (extended != (slot->ndim > CAISSON_CHANNEL_SLOT_NDIM) ||
	    (small && slot->ndim > CAISSON_CHANNEL_SMALL_NDIM))
		return "extents in a place that is not for so many";
	return NULL;
}

const char *slot_check(const struct ring_copy *copy, const struct slot_limits *limits,
                       struct lease *lease) {
	const struct caisson_channel_slot *slot = &copy->slot;
	const bool extended = slot->flags & CAISSON_SLOT_EXTENDED;
	const int64_t *strides = extended ? copy->extension.strides : slot->strides;
	const char *fault = check_header(slot, limits);
	uint64_t nbytes;

	if (!fault)
		fault = check_form(slot);
	if (fault)
		return fault;
	if (slot->flags & CAISSON_SLOT_SMALL)
		for (unsigned i = 0; i < slot->ndim; i++)
			lease->shape[i] = slot->small[i];
	else
		memcpy(lease->shape, extended ? copy->extension.shape : slot->shape,
		       slot->ndim * sizeof(lease->shape[0]));
	lease->dtype = (caisson_dtype){ slot->code, slot->bits, slot->lanes };
	if (dtype_span(lease->dtype, slot->ndim, lease->shape,
	               slot->flags & CAISSON_SLOT_STRIDED ? strides : NULL, lease->strides,
	               &nbytes) < 0)
		return "extents or strides that are negative or too large";
	if (nbytes != slot->nbytes)
		return "a size that is not that of its extents";
	if (slot->offset % CAISSON_CHANNEL_ALIGN != 0)
		return "an offset that is not aligned";
	if (slot->offset > limits->size || nbytes > limits->size - slot->offset)
		return "bytes beyond the end of its slab";
	lease->ndim = slot->ndim;
	lease->offset = slot->offset;
	lease->nbytes = nbytes;
	lease->theirs = slot->lease;
	lease->kind = slot->flags & CALL_FLAGS;
	lease->call = slot->call;
	return NULL;
}

static bool fits_small(const struct lease *lease) {
	if (lease->ndim > (int32_t)CAISSON_CHANNEL_SMALL_NDIM)
		return false;
	for (int32_t i = 0; i < lease->ndim; i++)
		if (lease->shape[i] > UINT32_MAX)
			return false;
	return true;
}

void slot_fill(struct caisson_channel_slot *slot, const struct lease *lease, uint32_t number,
               uint16_t generation, uint64_t tag) {
	size_t bytes = (size_t)lease->ndim * sizeof(lease->shape[0]);

	slot->offset = lease->offset;
	slot->nbytes = lease->nbytes;
	slot->tag = tag;
	slot->lease = number;
	slot->slab = 0;
	slot->generation = generation;
	slot->code = lease->dtype.code;
	slot->bits = lease->dtype.bits;
	slot->lanes = lease->dtype.lanes;
	slot->ndim = (uint8_t)lease->ndim;
	slot->flags = (uint8_t)((lease->strided ? CAISSON_SLOT_STRIDED : 0) | lease->kind);
	slot->call = lease->kind ? lease->call : 0;
	memset(slot->small, 0, sizeof(slot->small));
	if (fits_small(lease)) {
		slot->flags |= CAISSON_SLOT_SMALL;
		for (int32_t i = 0; i < lease->ndim; i++)
			slot->small[i] = (uint32_t)lease->shape[i];
	} else if (lease->ndim > (int32_t)CAISSON_CHANNEL_SLOT_NDIM) {
		slot->flags |= CAISSON_SLOT_EXTENDED;
	} else {
		memcpy(slot->shape, lease->shape, bytes);
	}
	if (lease->strided && lease->ndim <= (int32_t)CAISSON_CHANNEL_SLOT_NDIM)
		memcpy(slot->strides, lease->strides, bytes);
}
