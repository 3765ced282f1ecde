/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the helper's child hands over to caisson-init, which it becomes: descriptors, and one message. */
#ifndef CAISSON_HELPER_HANDOFF_H
#define CAISSON_HELPER_HANDOFF_H

#include "protocol/answer.h"

/*
 * HOST: a pidfd of the host application. INIT: of the program itself, until it is executed.
 * SLOT: of the user's slot: never used, and locked for as long as it is open. PROC: the root of
 * the sandbox's procfs, until the label is changed. HANDOFF: struct handoff can be read from it.
 */
enum { CAISSON_FD_HOST = 4, CAISSON_FD_INIT, CAISSON_FD_SLOT, CAISSON_FD_PROC, CAISSON_FD_HANDOFF };

struct handoff {
	struct caisson_answer at;         /* what is held so far */
	uint64_t require, net, filter;    /* enum caisson_net, enum caisson_seccomp */
	bool userns, clock, tell_denials; /* has a user namespace; an own clock, for its children */
	char lsm;                         /* of the policy: 'r', a label is required */
	char label[65];                   /* that the plan asks for besides, or "" */
};

#endif
