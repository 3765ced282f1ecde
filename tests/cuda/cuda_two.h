/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the tests of two processes share: each is a process that has not used CUDA yet. */
#ifndef CAISSON_TESTS_CUDA_TWO_H
#define CAISSON_TESTS_CUDA_TWO_H

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "channel_impl.h"
#include "cuda_ends.h"
#include "tap.h"

#define SLAB (1u << 20)

static uint32_t lanes;
static int fds;

static inline int64_t clock_ms(void) {
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* Nothing on the device, no descriptor. */
static inline bool clean(void) {
	if (fake_live() != 0)
		tap_note("left: %s", fake_text());
	if (count_fds() != fds)
		tap_note("%d descriptors, %d before", count_fds(), fds);
	return fake_live() == 0 && count_fds() == fds;
}

static inline caisson_channel *new_host(enum caisson_direction direction) {
	caisson_channel *host = NULL;

	if (channel_new("frames", direction, SLAB, &host, NULL) < 0)
		abort();
	return host;
}

static inline int attach_lanes(caisson_channel *channel, caisson_error **err) {
	caisson_cuda_options options = lanes_only(lanes);

	return caisson_cuda_attach(channel, &options, ATTACH_MS, NULL, err);
}

/* In a process that has not used CUDA yet, so that it may fork; its points are ours. */
static inline void in_own_process(void (*body)(size_t), size_t i) {
	static unsigned *points;
	int status = -1;
	pid_t pid;

	if (!points)
		points =
			mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	fflush(stdout);
	points[0] = tap_points;
	points[1] = tap_failures;
	pid = fork();
	if (pid == 0) {
		fds = count_fds();
		body(i);
		points[0] = tap_points;
		points[1] = tap_failures;
		fflush(stdout);
		_exit(0);
	}
	waitpid(pid, &status, 0);
	tap_points = points[0];
	tap_failures = points[1];
	if (status != 0)
		tap_ok(false, "a test ended with wait status %#x", (unsigned)status);
}

#endif
