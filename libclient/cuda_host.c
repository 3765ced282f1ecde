/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Attaching, the host's part: it makes the memory, and offers it when it is asked for. */
#include <string.h>

#include "cuda_attach.h"
#include "error.h"

static int send_offer(struct attach *a, const struct cuda_said *request, caisson_error **err) {
	struct cuda_state *state = a->state;
	const struct cuda_slab *to_host = state->snapshot ? &state->shared : &state->rx;
	struct cuda_export export[2] = { { .fd = -1 }, { .fd = -1 } };
	static const struct cuda_slab none;
	bool shares = (request->lane & CUDA_SHARING) != 0;
	struct cuda_fault fault = { 0 };
	int rc;

	if (!cuda_enter(&state->device, &fault))
		return cuda_failed(err, &fault, STAGE_ATTACH, attach_lane_name(request->lane));
	if ((shares && to_host->base &&
	     !cuda_slab_export(to_host, request->lane, &export[0], &fault)) ||
	    (shares && state->tx.base &&
	     !cuda_slab_export(&state->tx, request->lane, &export[1], &fault)))
		rc = cuda_failed(err, &fault, STAGE_ATTACH, attach_lane_name(request->lane));
	else
		rc = cuda_offer(&a->talk, request->seq, request->lane, shares ? to_host : &none,
		                shares ? &state->tx : &none, export);
	if (rc < 0 && fault.result == 0)
		rc = attach_talk_failed(a, rc, err);
	cuda_exit();
	channel_close_fd(&export[0].fd);
	channel_close_fd(&export[1].fd);
	return rc;
}

/* The sandbox asks for a lane: offer it, and hear what became of it. 1: attached, 0: it failed. */
static int host_lane(struct attach *a, const struct cuda_said *request, caisson_error **err) {
	caisson_error *why = NULL;
	struct cuda_fault fault;
	struct cuda_said said;
	int rc;

	if (attach_make_here(a, request->lane, true, &fault, &why) < 0) {
		attach_lane_failed(a, request->lane, why);
		return 0;
	}
	if (send_offer(a, request, &why) < 0) {
		attach_unmake_here(a);
		attach_lane_failed(a, request->lane, why);
		return 0;
	}
	rc = cuda_hear(&a->talk, &said);
	if (rc < 0)
		return attach_talk_failed(a, rc, err);
	if (said.say == CAISSON_CUDA_ATTACHED && said.lane == request->lane)
		return 1;
	if (said.say == CAISSON_CUDA_REFUSED)
		return attach_was_refused(a, &said, err);
	if (said.say != CAISSON_CUDA_FAILED)
		return attach_broke(a, "an answer about CUDA that does not fit", err);
	attach_unmake_here(a);
	fault = (struct cuda_fault){ said.call, (cu_result)said.result };
	cuda_failed_there(&why, &fault, STAGE_ATTACH, attach_lane_name(request->lane),
	                  "in the sandbox ", (int)(said.cuda % 1000000));
	attach_lane_failed(a, request->lane, why);
	return 0;
}

int attach_host(struct attach *a, caisson_error **err) {
	const uint8_t *uuid = a->state->device.info.uuid;
	struct cuda_said said;
	int rc;

	for (;;) {
		cuda_say(&a->talk, CAISSON_CUDA_ANNOUNCE, 0, NULL);
		rc = cuda_hear(&a->talk, &said);
		if (rc < 0)
			return attach_talk_failed(a, rc, err);
		attach_note_there(a, &said);
		if (said.say == CAISSON_CUDA_REFUSED) {
			if (said.result == CAISSON_CUDA_NO_LANE)
				return attach_no_lane(a, attach_allowed_lanes(a), err);
			return attach_was_refused(a, &said, err);
		}
		if (said.say != CAISSON_CUDA_REQUEST || attach_best(said.lane) != said.lane)
			return attach_broke(a, "a request about CUDA that does not fit", err);
		if (memcmp(said.uuid, uuid, sizeof(said.uuid)) != 0)
			return attach_broke(a, "a request for a CUDA device that was not announced",
			                    err);
		if (!(said.lane & cuda_common(a->talk.lanes & ~a->tried, &said)))
			return attach_broke(a, "a request for a CUDA lane that was not announced",
			                    err);
		rc = host_lane(a, &said, err);
		if (rc != 0) {
			a->state->lane = said.lane & CUDA_LANES;
			return rc;
		}
		a->talk.lanes &= ~a->tried;
		if (!a->talk.lanes)
			return attach_no_lane(a, attach_allowed_lanes(a), err);
	}
}
