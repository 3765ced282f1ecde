/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A slab's pages made ready by a thread of their own. */
#ifndef CAISSON_LIBCLIENT_PREFAULT_H
#define CAISSON_LIBCLIENT_PREFAULT_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct prefault {
	pthread_t thread;
	bool started;
	struct region {
		char *base;
		uint64_t bytes;
		bool writable;
	} region[2];
	_Atomic uint64_t ready;
	atomic_bool over, stop;
};

/* prefault->region: mapped until prefault_stop(); bytes may be 0. -EALREADY, -EAGAIN. */
int prefault_start(struct prefault *prefault);
void prefault_stop(struct prefault *prefault);

#endif
