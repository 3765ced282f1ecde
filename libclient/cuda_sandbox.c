/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Attaching, the sandbox's part: it asks for a lane, and maps what it is offered. */
#include <errno.h>
#include <string.h>

#include "cuda_attach.h"
#include "error.h"

static bool import_one(struct attach *a, struct cuda_slab *slab,
                       const struct caisson_cuda_offer *offer, bool to_host, int fd,
                       struct cuda_fault *fault, const char **unfit) {
	struct cuda_export from = { .fd = fd };
	uint64_t size = to_host ? offer->to_host_bytes : offer->to_sandbox_bytes;

	if (size == 0)
		return true;
	memcpy(from.blob.bytes, to_host ? offer->to_host : offer->to_sandbox,
	       sizeof(from.blob.bytes));
	if (fd >= 0)
		*unfit = cuda_fd_unfit(&a->state->device, fd, offer->lane, fault);
	if (*unfit)
		return false;
	return cuda_slab_import(&a->state->device, slab, offer->lane, size, to_host, &from, fault);
}

/* Whole slabs, at least as large as the channel's own, in the directions that it has. */
static bool sizes_fit(const caisson_channel *channel, const struct caisson_cuda_offer *offer) {
	bool shares = (offer->lane & CUDA_SHARING) != 0;
	uint64_t to_host = shares && channel->tx.memory.base ? channel->tx.memory.size : 0;
	uint64_t to_sandbox = shares && channel->rx.memory.base ? channel->rx.memory.size : 0;

	return (offer->to_host_bytes != 0) == (to_host != 0) && offer->to_host_bytes >= to_host &&
	       (offer->to_sandbox_bytes != 0) == (to_sandbox != 0) &&
	       offer->to_sandbox_bytes >= to_sandbox && offer->to_host_bytes <= INT64_MAX &&
	       offer->to_sandbox_bytes <= INT64_MAX;
}

static int import_offer(struct attach *a, const struct caisson_cuda_offer *offer, const int fd[2],
                        struct cuda_fault *fault, caisson_error **err) {
	struct cuda_state *state = a->state;
	const char *unfit = NULL;
	bool good;

	*fault = (struct cuda_fault){ 0 };
	if (!sizes_fit(a->talk.channel, offer))
		return error_set(err, EPROTO, STAGE_ATTACH, "version of libcaisson",
		                 "Use libraries of the same release on both sides.",
		                 "%s: the memory offered has not the channel's sizes",
		                 attach_lane_name(offer->lane));
	if (!cuda_enter(&state->device, fault))
		return cuda_failed(err, fault, STAGE_ATTACH, attach_lane_name(offer->lane));
	good = import_one(a, &state->tx, offer, true, fd[0], fault, &unfit) &&
	       import_one(a, state->snapshot ? &state->shared : &state->rx, offer, false, fd[1],
	                  fault, &unfit);
	if (!good)
		cuda_unmake(a->talk.channel, state);
	cuda_exit();
	if (unfit)
		return error_set(err, EPROTO, STAGE_ATTACH, "the descriptor of an offer",
		                 "Treat the host application as broken.",
		                 "%s: the descriptor that came is %s, not what this driver exports",
		                 attach_lane_name(offer->lane), unfit);
	return good ? 0 : cuda_failed(err, fault, STAGE_ATTACH, attach_lane_name(offer->lane));
}

/* Ask for a lane. 1: attached; 0: it failed, and the host says what is left, now in *said. */
static int sandbox_lane(struct attach *a, uint32_t lane, struct cuda_said *said,
                        caisson_error **err) {
	struct caisson_cuda_offer offer = { 0 };
	struct cuda_fault fault = { 0 };
	caisson_error *why = NULL;
	int fd[2], rc;

	cuda_say(&a->talk, CAISSON_CUDA_REQUEST, lane, NULL);
	rc = cuda_take_offer(&a->talk, &offer, fd, said);
	if (rc == 1) {
		a->tried |= lane;
		return 0;
	}
	if (rc == -EPROTO || (rc == 0 && offer.lane != lane)) {
		if (rc == 0) {
			channel_close_fd(&fd[0]);
			channel_close_fd(&fd[1]);
		}
		return attach_broke(a, "an offer of CUDA memory that does not fit", err);
	}
	if (rc < 0)
		return attach_talk_failed(a, rc, err);
	rc = import_offer(a, &offer, fd, &fault, &why);
	channel_close_fd(&fd[0]);
	channel_close_fd(&fd[1]);
	if (rc == 0)
		rc = attach_make_here(a, lane, false, &fault, &why);
	if (rc == 0) {
		a->state->lane = lane;
		cuda_say(&a->talk, CAISSON_CUDA_ATTACHED, lane, NULL);
		return 1;
	}
	attach_unmake_here(a);
	attach_lane_failed(a, lane, why);
	if (fault.result == 0) /* what came was judged, and not given to the driver */
		fault = (struct cuda_fault){ CALL_cuMemImportFromShareableHandle,
			                     CU_INVALID_HANDLE };
	cuda_say(&a->talk, CAISSON_CUDA_FAILED, lane, &fault);
	rc = cuda_hear(&a->talk, said);
	return rc < 0 ? attach_talk_failed(a, rc, err) : 0;
}

/* The host's device, by its UUID, unless the application insists on another. */
static int find_device(struct attach *a, const struct cuda_said *said, caisson_error **err) {
	int asked = a->options ? a->options->device : -1, ordinal, rc;
	char text[41];

	rc = cuda_load(err);
	if (rc < 0)
		return attach_refuse(a, CAISSON_CUDA_NO_DRIVER, rc);
	ordinal = cuda_find(said->uuid);
	if (ordinal < 0 || (asked >= 0 && asked != ordinal)) {
		cuda_uuid_text(text, said->uuid);
		rc = error_set(err, EXDEV, STAGE_ATTACH, "the GPUs that are granted",
		               "Grant the sandbox the device that the host application uses.",
		               "channel \"%s\": the host application uses %s, which %s",
		               a->talk.channel->name, text,
		               ordinal < 0 ? "is not visible here" : "is not the device asked for");
		return attach_refuse(a, CAISSON_CUDA_NO_DEVICE, rc);
	}
	rc = attach_open_device(a, ordinal, err);
	return rc < 0 ? attach_refuse(a, CAISSON_CUDA_CHECKS, rc) : 0;
}

int attach_sandbox(struct attach *a, caisson_error **err) {
	struct cuda_said said;
	uint32_t lanes;
	int rc;

	rc = cuda_hear(&a->talk, &said);
	if (rc < 0)
		return attach_talk_failed(a, rc, err);
	for (;;) {
		if (said.say == CAISSON_CUDA_REFUSED)
			return a->last && said.result == CAISSON_CUDA_NO_LANE
			               ? attach_no_lane(a, attach_allowed_lanes(a), err)
			               : attach_was_refused(a, &said, err);
		if (said.say != CAISSON_CUDA_ANNOUNCE)
			return attach_broke(a, "a statement about CUDA that does not fit", err);
		if (!a->talk.info) {
			attach_note_there(a, &said);
			rc = find_device(a, &said, err);
			if (rc < 0)
				return rc;
		}
		lanes = cuda_common(a->talk.lanes & ~a->tried, &said);
		if (!lanes)
			return attach_refuse(a, CAISSON_CUDA_NO_LANE,
			                     attach_no_lane(a, attach_allowed_lanes(a), err));
		rc = sandbox_lane(a, attach_best(lanes), &said, err);
		if (rc != 0)
			return rc;
	}
}
