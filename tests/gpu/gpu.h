/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The device by itself, for tests: bytes there and back, and what is free. */
#ifndef CAISSON_TESTS_GPU_H
#define CAISSON_TESTS_GPU_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "caisson_cuda.h"

#define CHANNEL "frames"

/* What the program in the sandbox does with a tensor, by its tag. */
enum gpu_tag {
	GPU_ECHO = 1,   /* send a copy, made on the device */
	GPU_NAMESPACES, /* send its namespaces' numbers: pid, ipc, mnt, net */
	GPU_HOLD,       /* send a copy, and keep it */
	GPU_ACK,        /* send one byte, of any value */
};
#define NAMESPACES 4

/* The device's primary context is current in this thread from here on. False: why is in words. */
bool gpu_start(const char **why);
bool gpu_write(void *device, const void *from, size_t bytes);
bool gpu_read(void *to, const void *device, size_t bytes);
bool gpu_copy(void *to, const void *from, size_t bytes);
uint64_t gpu_free_bytes(void);
void *gpu_alloc(size_t bytes);
void gpu_free(void *device);
uint64_t gpu_now_ns(void);
void gpu_namespaces(uint64_t numbers[NAMESPACES]);

/* The sandbox's program; lanes: as text. */
int gpu_inside(const char *lanes);

#endif
