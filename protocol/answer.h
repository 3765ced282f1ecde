/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What comes back over the control socket: numbers, never sentences.
 * caisson-helper sends FAILED, or CLONED with the pidfd of the sandbox's init;
 * from then on init sends FAILED, or BUILT, RUNNING, EXITED in this order.
 * libcaisson owns every sentence that a person reads. docs/protocol/init.md.
 */
#ifndef CAISSON_PROTOCOL_ANSWER_H
#define CAISSON_PROTOCOL_ANSWER_H

#include <stdint.h>

#include "caisson-numbers.h"

#define CAISSON_ANSWER_MAGIC 0x41534941u /* "AISA" */
#define CAISSON_ANSWER_VERSION 1u
#define CAISSON_NO_RECORD 0xffffffffu

/* clang-format off */
/*
 * error: errno, positive. line: of the policy; 0 is built in. detail of BUILT: whose
 * label it has, enum caisson_label. held, backend,
 * landlock_abi, mounts (in the sandbox), covered (of them, because of their file
 * system): of BUILT; held has one bit per property enforced. status: of EXITED, a
 * wait status. plan_version: that this helper takes. id: of RUNNING, EXITED, and
 * FAILED after an EXEC, which program.
 */
struct caisson_answer {
	uint32_t magic;
	uint16_t version, kind;
	uint32_t stage;
	int32_t error;
	uint32_t record, knob, detail, line;
	uint64_t held;
	int32_t status;
	uint32_t backend, landlock_abi, mounts, covered, plan_version;
	uint64_t id, reserved[3];
};
/* clang-format on */
_Static_assert(sizeof(struct caisson_answer) == 96, "answer ABI");

#endif
