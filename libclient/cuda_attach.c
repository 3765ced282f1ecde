/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* caisson_cuda_attach(): both sides agree on a device and a lane, and map the memory. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cuda_attach.h"
#include "error.h"

static const struct {
	uint32_t lane;
	const char *name;
} order[] = {
	{ CAISSON_LANE_CUDA_VMM, "VMM export" },
	{ CAISSON_LANE_CUDA_POOL, "memory-pool export" },
	{ CAISSON_LANE_CUDA_STAGED, "staging through the host" },
	{ CAISSON_LANE_CUDA_IPC, "legacy IPC" },
};

const char *attach_lane_name(uint32_t lane) {
	for (size_t i = 0; i < sizeof(order) / sizeof(order[0]); i++)
		if (order[i].lane == lane)
			return order[i].name;
	return "an unknown lane";
}

uint32_t attach_best(uint32_t lanes) {
	for (size_t i = 0; i < sizeof(order) / sizeof(order[0]); i++)
		if (lanes & order[i].lane)
			return order[i].lane;
	return 0;
}

static const char *other(const struct attach *a) {
	return a->talk.channel->bell.host ? "the sandbox" : "the host application";
}

/* ------------------------------------------------------------------------- errors */

int attach_talk_failed(const struct attach *a, int rc, caisson_error **err) {
	const char *name = a->talk.channel->name;

	switch (rc) {
	case -ETIMEDOUT:
		return error_set(err, ETIMEDOUT, STAGE_ATTACH, "timeout_ms",
		                 "See that both sides call caisson_cuda_attach(), and free the "
		                 "channel.",
		                 "channel \"%s\": %s has not %s in time", name, other(a),
		                 a->talk.heard ? "answered" : "asked for a CUDA device");
	case -EPIPE:
		return error_set(err, EPIPE, STAGE_ATTACH, "", "",
		                 "channel \"%s\": %s closed it or ended", name, other(a));
	default:
		return error_set(err, -rc, STAGE_ATTACH, "", "",
		                 "channel \"%s\": the offer of a lane could not be sent", name);
	}
}

int attach_broke(struct attach *a, const char *fault, caisson_error **err) {
	return channel_explain(a->talk.channel, err, channel_poison(a->talk.channel, fault),
	                       STAGE_ATTACH);
}

/* The other side will not; its words are numbers, so that the text is ours. */
int attach_was_refused(const struct attach *a, const struct cuda_said *said, caisson_error **err) {
	const char *name = a->talk.channel->name, *who = other(a);

	switch (said->result) {
	case CAISSON_CUDA_NO_DRIVER:
		return error_set(
			err, EREMOTE, STAGE_ATTACH, CUDA_KNOB,
			"Grant it the driver's library and device nodes; its own error "
			"says more.",
			"channel \"%s\": %s has no CUDA driver, or it is switched off there", name,
			who);
	case CAISSON_CUDA_NO_DEVICE:
		return error_set(err, EXDEV, STAGE_ATTACH, "the GPUs that are granted",
		                 "Grant it the device that the host application uses.",
		                 "channel \"%s\": %s does not see the same CUDA device", name, who);
	case CAISSON_CUDA_NO_LANE:
		return error_set(err, ENOTSUP, STAGE_ATTACH, "caisson_cuda_options.lanes",
		                 "Allow another lane on both sides.",
		                 "channel \"%s\": %s can use none of the lanes that are left", name,
		                 who);
	default:
		return error_set(err, EREMOTE, STAGE_ATTACH, "", "Its own error says more.",
		                 "channel \"%s\": the checks of %s failed", name, who);
	}
}

int attach_refuse(struct attach *a, enum caisson_cuda_refusal why, int rc) {
	const struct cuda_fault fault = { .result = (cu_result)why };

	cuda_say(&a->talk, CAISSON_CUDA_REFUSED, 0, &fault);
	return rc;
}

/* No lane is left: why the last one failed, if any was tried. */
int attach_no_lane(struct attach *a, uint32_t allowed, caisson_error **err) {
	const char *name = a->talk.channel->name;
	bool required = allowed && (allowed & (allowed - 1)) == 0;

	if (!a->last)
		return error_set(err, ENOTSUP, STAGE_ATTACH, "caisson_cuda_options.lanes",
		                 "Allow another lane on both sides, or use a newer driver.",
		                 "channel \"%s\": %s%s cannot be used by both sides", name,
		                 required ? "the required lane, " : "",
		                 required ? attach_lane_name(allowed)
		                          : "none of the allowed lanes");
	return error_set(
		err, caisson_error_errno(a->last), STAGE_ATTACH, caisson_error_knob(a->last),
		caisson_error_remedy(a->last), "channel \"%s\": %s: %s", name,
		required ? "the required lane failed" : "no lane is left, and the last one failed",
		caisson_error_message(a->last));
}

void attach_lane_failed(struct attach *a, uint32_t lane, caisson_error *why) {
	a->tried |= lane;
	caisson_error_free(a->last);
	a->last = why;
}

/* --------------------------------------------------------------------- both sides */

uint32_t attach_allowed_lanes(const struct attach *a) {
	uint32_t lanes = a->options ? a->options->lanes : 0;

	return lanes ? lanes & CUDA_LANES : CUDA_LANES & ~(uint32_t)CAISSON_LANE_CUDA_IPC;
}

int attach_open_device(struct attach *a, int ordinal, caisson_error **err) {
	struct cuda_state *state = a->state;
	int rc = cuda_look(&state->device, ordinal, err);

	if (rc == 0)
		rc = cuda_open(&state->device, err);
	if (rc < 0)
		return rc;
	state->device.info.lanes &= attach_allowed_lanes(a);
	a->talk.info = &state->device.info;
	a->talk.lanes = state->device.info.lanes;
	return 0;
}

/*
 * Memory is only shared between drivers of one kind: handles of another major
 * version may import and be misread.
 */
uint32_t cuda_common(uint32_t lanes, const struct cuda_said *said) {
	lanes &= said->lanes & CUDA_LANES;

	if (said->cuda < CUDA_OLDEST)
		return 0;
	if (said->cuda / 1000 != (uint32_t)cuda_driver.version / 1000 ||
	    (said->release[0] && cuda_driver.release[0] &&
	     strcmp(said->release, cuda_driver.release) != 0))
		lanes &= ~(uint32_t)CUDA_SHARING;
	return lanes;
}

void attach_note_there(struct attach *a, const struct cuda_said *said) {
	a->there_cuda = said->cuda;
	memcpy(a->there_release, said->release, sizeof(a->there_release));
}

int attach_make_here(struct attach *a, uint32_t lane, bool host, struct cuda_fault *fault,
                     caisson_error **err) {
	caisson_channel *channel = a->talk.channel;
	struct cuda_device *device = &a->state->device;
	int rc;

	if (!cuda_enter(device, fault))
		return cuda_failed(err, fault, STAGE_ATTACH, attach_lane_name(lane));
	rc = cuda_room(device, cuda_needs(channel, a->state, lane, host), err);
	*fault = (struct cuda_fault){ CALL_cuMemGetInfo, CU_OUT_OF_MEMORY };
	if (rc == 0 && !cuda_make(channel, a->state, lane, host, fault))
		rc = cuda_failed(err, fault, STAGE_ATTACH, attach_lane_name(lane));
	cuda_exit();
	return rc;
}

void attach_unmake_here(struct attach *a) {
	if (cuda_enter_to_free(&a->state->device)) {
		cuda_unmake(a->talk.channel, a->state);
		cuda_exit();
	}
}

/* ---------------------------------------------------------------------- the call */

static int check_arguments(const caisson_channel *channel, const caisson_cuda_options *options,
                           const caisson_cuda_info *info, caisson_error **err) {
	if (!channel || (options && options->size != sizeof(*options)) ||
	    (info && info->size != sizeof(*info)))
		return error_set(err, EINVAL, STAGE_ATTACH, "",
		                 "Set size to the size of what is passed.",
		                 "no channel was given, or a structure of another size");
	if (options && ((options->lanes & ~(uint32_t)CUDA_LANES) ||
	                (options->flags & ~CAISSON_CUDA_SNAPSHOT) || options->device < -1))
		return error_set(err, EINVAL, STAGE_ATTACH, "caisson_cuda_options", "",
		                 "channel \"%s\": an unknown lane, flag or device", channel->name);
	if (channel->device.asked)
		return error_set(err, EALREADY, STAGE_ATTACH, "", "Make another channel.",
		                 "channel \"%s\": it was attached before, or that failed",
		                 channel->name);
	return 0;
}

static bool used(const caisson_channel *channel) {
	for (uint16_t i = 1; channel->tx.slab.lease && i <= channel->tx.slab.count; i++)
		if (channel->tx.slab.lease[i].state != LEASE_FREE)
			return true;
	return channel->tx.sent != 0 || channel->rx.taken != 0;
}

static void tell(const struct attach *a, caisson_cuda_info *info) {
	const struct cuda_state *state = a->state;

	*info = state->device.info;
	info->size = sizeof(*info);
	info->lane = state->lane | (state->snapshot ? CAISSON_LANE_CUDA_COPY : 0);
	info->cuda_there = (int32_t)a->there_cuda;
	memcpy(info->driver_there, a->there_release, sizeof(info->driver_there));
	info->driver_there[sizeof(info->driver_there) - 1] = '\0';
	info->mapped_bytes = state->tx.size + state->rx.size + state->shared.size;
	info->pinned = state->pinned_tx || state->pinned_rx;
}

static int attach(struct attach *a, caisson_error **err) {
	int ordinal = a->options && a->options->device >= 0 ? a->options->device : 0, rc;

	if (!a->talk.channel->bell.host)
		return attach_sandbox(a, err);
	rc = attach_open_device(a, ordinal, err);
	if (rc < 0)
		return attach_refuse(a, CAISSON_CUDA_CHECKS, rc);
	rc = attach_host(a, err);
	/* Whoever comes later, or still waits, is told that nothing will come of it. */
	return rc < 0 && rc != -EPROTO ? attach_refuse(a, CAISSON_CUDA_NO_LANE, rc) : rc;
}

int caisson_cuda_attach(caisson_channel *channel, const caisson_cuda_options *options,
                        int timeout_ms, caisson_cuda_info *info, caisson_error **err) {
	struct attach a = { .talk = { .channel = channel, .deadline = UINT64_MAX },
		            .options = options };
	int rc = check_arguments(channel, options, info, err);

	if (rc < 0)
		return rc;
	if (used(channel))
		return error_set(err, EBUSY, STAGE_ATTACH, "",
		                 "Attach a channel before it is used.",
		                 "channel \"%s\" was used already", channel->name);
	a.state = calloc(1, sizeof(*a.state));
	if (!a.state)
		return error_set(err, ENOMEM, STAGE_ATTACH, "", "", "channel \"%s\": no memory",
		                 channel->name);
	a.state->owner = getpid();
	a.state->snapshot = options && (options->flags & CAISSON_CUDA_SNAPSHOT);
	atomic_store(&a.state->references, 1);
	if (timeout_ms >= 0)
		a.talk.deadline = channel_now_ns() + (uint64_t)timeout_ms * 1000000u;
	channel->device.asked = true;
	rc = attach(&a, err);
	caisson_error_free(a.last);
	if (rc < 0) {
		if (a.state->device.context)
			attach_unmake_here(&a);
		cuda_state_put(a.state);
		return rc;
	}
	cuda_adopt(channel, a.state);
	if (info)
		tell(&a, info);
	return 0;
}
