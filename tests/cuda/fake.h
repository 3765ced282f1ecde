/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A libcuda.so.1 for tests, without a GPU. "Device memory" is memfds that are
 * mapped at the address that is their device pointer, so that exported memory
 * works between processes and tests can look at it. Asynchronous work is done
 * when its stream is waited for, not before: who forgets to wait is found out.
 *
 * Environment, read at each call:
 *   FAKE_CUDA_FAIL=cuMemCreate=2,cuMemMap@3=205  calls that fail: always, or the 3rd time
 *   FAKE_CUDA_VERSION=12040       what cuDriverGetVersion tells
 *   FAKE_CUDA_ATTR=20=3,115=0     device attributes
 *   FAKE_CUDA_VISIBLE=1,0         which of the two devices there are, in which order
 *   FAKE_CUDA_MEMORY=1048576      of each device; 16 GiB if not said
 *   FAKE_CUDA_NAME=...            of each device
 */
#ifndef CAISSON_TESTS_CUDA_FAKE_H
#define CAISSON_TESTS_CUDA_FAKE_H

#include <stdbool.h>
#include <stdint.h>

#include "cuda_abi.h"

/* The driver's functions are declared nowhere: that is what cuda_abi.h is about. */
#pragma GCC diagnostic ignored "-Wmissing-prototypes"

#define FAKE_EXPORT __attribute__((visibility("default")))

/* What tests call by dlsym, in whose process the library is. */

/* How often a function was called, "cuMemCreate"; those that failed not counted. */
FAKE_EXPORT unsigned long fake_cuda_calls(const char *name);
/* The same, with those that failed. */
FAKE_EXPORT unsigned long fake_cuda_tries(const char *name);
/* Objects that are there: handles, reservations, mappings, allocations, pools and so on. */
FAKE_EXPORT long fake_cuda_live(void);
/* The same, in words, to say what leaked. Static. */
FAKE_EXPORT const char *fake_cuda_live_text(void);
/* Fill device memory once the stream is waited for. */
FAKE_EXPORT void fake_cuda_fill_later(cu_stream stream, cu_ptr ptr, uint8_t value, uint64_t bytes);
/* Forget how often each was called, for "the 3rd time". */
FAKE_EXPORT void fake_cuda_reset(void);
/* Which names FAKE_CUDA_FAIL may give, by number; NULL behind the last. */
FAKE_EXPORT const char *fake_cuda_name(unsigned number);

/* Inside of the fake. */

enum fake_object {
	FAKE_HANDLE,
	FAKE_RESERVATION,
	FAKE_MAPPING,
	FAKE_ALLOCATION,
	FAKE_POOL,
	FAKE_STREAM,
	FAKE_CONTEXT,
	FAKE_PINNED,
	FAKE_OBJECTS,
};

/* Count one more or less of them. */
void fake_object(enum fake_object what, int by);
/* Count the call; the error that it shall give, or 0. */
cu_result fake_enter(const char *name);
void fake_lock(void);
void fake_unlock(void);
/* The library's lowest version that has what version introduced. */
bool fake_has(int version);
int fake_visible(int ordinal);
/* Bytes of device memory that this process has; by how many more or less. */
bool fake_take(uint64_t bytes);
void fake_give(uint64_t bytes);

/* Work of a stream, done when it is waited for. */
enum fake_work { WORK_SET, WORK_COPY, WORK_COPY_2D, WORK_FREE };
struct fake_job {
	enum fake_work work;
	void *to;
	const void *from;
	uint64_t bytes, rows, to_pitch, from_pitch;
	uint8_t value;
};
cu_result fake_queue(cu_stream stream, const struct fake_job *job);
void fake_free_now(cu_ptr ptr);
bool fake_is_device(cu_ptr ptr);

#define ENTER(name)                                                                                \
	do {                                                                                       \
		cu_result injected_ = fake_enter(#name);                                           \
		if (injected_)                                                                     \
			return injected_;                                                          \
	} while (0)

#endif
