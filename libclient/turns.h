/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Short turns on the processor, for the chain of processes that a start is. */
#ifndef CAISSON_LIBCLIENT_TURNS_H
#define CAISSON_LIBCLIENT_TURNS_H

#include <sched.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <unistd.h>

#define SHORT_TURN_NS 100000

/*
 * On a busy machine each process of a start waits, when it is forked, until what
 * runs there has had its turn. One that asks for short turns (Linux 6.12; nobody
 * has to allow it) comes sooner, and gets no more than its share. Children ask
 * for the same; init gives the target the usual ones. Where it cannot be had,
 * a start takes longer. Runs in a child that shares its parent's memory.
 */
__attribute__((no_sanitize("address"))) static inline void take_short_turns(void) {
	struct {
		uint32_t size, policy;
		uint64_t flags;
		int32_t nice;
		uint32_t priority;
		uint64_t runtime, deadline, period;
	} turns; /* struct sched_attr, which older headers lack */

	if (syscall(SYS_sched_getattr, 0, &turns, sizeof(turns), 0) < 0 ||
	    turns.policy != SCHED_OTHER)
		return;
	turns.runtime = SHORT_TURN_NS;
	syscall(SYS_sched_setattr, 0, &turns, 0);
}

#endif
