/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the helper and caisson-init share: answers, and the one fatal path.
 */
#ifndef CAISSON_HELPER_ANSWER_H
#define CAISSON_HELPER_ANSWER_H

#include "protocol/answer.h"
#include "protocol/plan.h"
#include "protocol/properties.h"
#include "sys.h"

/* What is being done, and what is known so far: what any answer says. */
extern struct caisson_answer at;
/* Where an answer goes, and the descriptor that goes along, or -1. */
extern int answer_fd, answer_with;
/* Before Linux 5.12: no mount_setattr(). */
#define OLD_KERNEL (at.backend == CAISSON_BACKEND_REMOUNT)

void answer(uint16_t kind);
/* account.c: before a failure is told; nothing in caisson-init. */
void record_failure(void);
/* The one fatal path: numbers to whoever waits, then the end of this process. */
_Noreturn void fail(int error, uint32_t knob, uint32_t detail);
/* The result of a call that has no reason to fail, or the end. */
int must(long result);
#define need_knob(ok, knob, detail) ((ok) ? (void)0 : fail(errno, knob, detail))
#define need(ok, knob, detail) need_knob(ok, CAISSON_KNOB_##knob, detail)
/* Close first and everything above. */
#define close_from(first) must(sys(NR_close_range, first, ~0u, 0))

#endif
