/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* caisson_cuda_attach() while it goes on: what the host's part and the sandbox's share. */
#ifndef CAISSON_LIBCLIENT_CUDA_ATTACH_H
#define CAISSON_LIBCLIENT_CUDA_ATTACH_H

#include "cuda_channel.h"

struct attach {
	struct cuda_talk talk;
	struct cuda_state *state;
	const caisson_cuda_options *options;
	uint32_t tried; /* lanes that failed */
	uint32_t there_cuda;
	char there_release[17];
	caisson_error *last; /* why the last lane failed */
};

/* Each side's part: 1 once both have the memory, and state->lane is set; or an error. */
int attach_host(struct attach *a, caisson_error **err);
int attach_sandbox(struct attach *a, caisson_error **err);

const char *attach_lane_name(uint32_t lane);
/* The first of them in the order of preference; 0: none. */
uint32_t attach_best(uint32_t lanes);
/* The caller's, less those that are only used where they are asked for. */
uint32_t attach_allowed_lanes(const struct attach *a);
void attach_note_there(struct attach *a, const struct cuda_said *said);
/* why is a's from here on. */
void attach_lane_failed(struct attach *a, uint32_t lane, caisson_error *why);

int attach_open_device(struct attach *a, int ordinal, caisson_error **err);
/* Make what this side has to make for a lane; why not is in fault and *err. */
int attach_make_here(struct attach *a, uint32_t lane, bool host, struct cuda_fault *fault,
                     caisson_error **err);
void attach_unmake_here(struct attach *a);

/* All of these return the negative errno that *err is about. */
int attach_talk_failed(const struct attach *a, int rc, caisson_error **err);
int attach_broke(struct attach *a, const char *fault, caisson_error **err);
int attach_was_refused(const struct attach *a, const struct cuda_said *said, caisson_error **err);
int attach_no_lane(struct attach *a, uint32_t allowed, caisson_error **err);
/* Tell the other side; returns rc. */
int attach_refuse(struct attach *a, enum caisson_cuda_refusal why, int rc);

#endif
