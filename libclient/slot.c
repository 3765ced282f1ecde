/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "slot.h"

#include <string.h>

#include "dtype.h"

/* What can be said without looking at the tensor's extents. */
static const char *check_header(const struct caisson_channel_slot *slot,
                                const struct slot_limits *limits)
{
	const caisson_dtype dtype = { slot->code, slot->bits, slot->lanes };

	if (slot->slab != 0 || slot->generation != limits->generation)
		return "a slab that this channel does not have";
	if (slot->flags & ~CAISSON_SLOT_STRIDED)
		return "an unknown flag";
	if (slot->reserved != 0 || slot->fence != 0)
		return "a reserved field that is not 0";
	if (slot->ndim > CAISSON_CHANNEL_MAX_NDIM)
		return "more than 8 dimensions";
	if (!dtype_valid(dtype))
		return "an unknown element type";
	return NULL;
}

const char *slot_check(const struct caisson_channel_slot *slot, const struct slot_limits *limits,
                       struct lease *lease)
{
	const int64_t *strides = slot->flags & CAISSON_SLOT_STRIDED ? slot->strides : NULL;
	const char *fault = check_header(slot, limits);
	uint64_t nbytes;

	if (fault)
		return fault;
	lease->dtype = (caisson_dtype){ slot->code, slot->bits, slot->lanes };
	if (dtype_span(lease->dtype, slot->ndim, slot->shape, strides, lease->strides, &nbytes) < 0)
		return "extents or strides that are negative or too large";
	if (nbytes != slot->nbytes)
		return "a size that is not that of its extents";
	if (slot->offset % CAISSON_CHANNEL_ALIGN != 0)
		return "an offset that is not aligned";
	if (slot->offset > limits->size || nbytes > limits->size - slot->offset)
		return "bytes beyond the end of its slab";
	memcpy(lease->shape, slot->shape, sizeof(lease->shape));
	lease->ndim = slot->ndim;
	lease->offset = slot->offset;
	lease->nbytes = nbytes;
	lease->theirs = slot->lease;
	return NULL;
}

void slot_fill(struct caisson_channel_slot *slot, const struct lease *lease, uint32_t number,
               uint32_t generation, uint64_t tag)
{
	memset(slot, 0, sizeof(*slot));
	slot->generation = generation;
	slot->offset = lease->offset;
	slot->nbytes = lease->nbytes;
	slot->code = lease->dtype.code;
	slot->bits = lease->dtype.bits;
	slot->lanes = lease->dtype.lanes;
	slot->ndim = (uint16_t)lease->ndim;
	slot->tag = tag;
	slot->lease = number;
	memcpy(slot->shape, lease->shape, sizeof(slot->shape));
}
