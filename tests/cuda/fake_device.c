/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Devices, contexts, streams. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fake.h"

static uint64_t taken;

/* ------------------------------------------------------------------------ devices */

int fake_visible(int ordinal) {
	const char *list = getenv("FAKE_CUDA_VISIBLE");

	if (!list)
		return ordinal == 0 || ordinal == 1 ? ordinal : -1;
	for (int i = 0; *list; i++) {
		char *end;
		long device = strtol(list, &end, 10);

		if (i == ordinal)
			return (int)device;
		list = *end ? end + 1 : end;
	}
	return -1;
}

FAKE_EXPORT cu_result cuDeviceGetCount(int *count) {
	ENTER(cuDeviceGetCount);
	for (*count = 0; fake_visible(*count) >= 0;)
		++*count;
	return *count ? 0 : CU_NO_DEVICE;
}

FAKE_EXPORT cu_result cuDeviceGet(cu_device *device, int ordinal) {
	ENTER(cuDeviceGet);
	*device = ordinal;
	return fake_visible(ordinal) < 0 ? CU_INVALID_DEVICE : 0;
}

FAKE_EXPORT cu_result cuDeviceGetName(char *name, int size, cu_device device) {
	const char *said = getenv("FAKE_CUDA_NAME");

	ENTER(cuDeviceGetName);
	snprintf(name, (size_t)size, "%s %d", said ? said : "Fake device", fake_visible(device));
	return 0;
}

static cu_result get_uuid(cu_uuid *uuid, cu_device device) {
	memset(uuid, 0, sizeof(*uuid));
	memcpy(uuid->bytes, "fake device 0", 13);
	uuid->bytes[12] = (char)('0' + fake_visible(device));
	return 0;
}

FAKE_EXPORT cu_result cuDeviceGetUuid(cu_uuid *uuid, cu_device device) {
	ENTER(cuDeviceGetUuid);
	return get_uuid(uuid, device);
}

#if FAKE_VERSION >= 11040
FAKE_EXPORT cu_result cuDeviceGetUuid_v2(cu_uuid *uuid, cu_device device) {
	ENTER(cuDeviceGetUuid);
	return get_uuid(uuid, device);
}
#endif

FAKE_EXPORT cu_result cuDeviceGetAttribute(int *value, int attribute, cu_device device) {
	const char *list = getenv("FAKE_CUDA_ATTR");
	char *end;

	(void)device;
	ENTER(cuDeviceGetAttribute);
	switch (attribute) {
	case CU_ATTR_UNIFIED_ADDRESSING:
	case CU_ATTR_VMM:
	case CU_ATTR_VMM_POSIX_FD:
	case CU_ATTR_READ_ONLY_REGISTER:
		*value = 1;
		break;
	case CU_ATTR_POOLS:
	case CU_ATTR_POOL_HANDLES:
		*value = fake_has(11020);
		break;
	default:
		*value = 0;
	}
	for (; list && *list; list = *end ? end + 1 : end) {
		long which = strtol(list, &end, 10);

		if (*end != '=')
			break;
		if (which == attribute)
			*value = (int)strtol(end + 1, &end, 10);
		else
			(void)strtol(end + 1, &end, 10);
	}
	return 0;
}

FAKE_EXPORT cu_result cuDevicePrimaryCtxRetain(cu_context *context, cu_device device) {
	static int contexts[2];

	ENTER(cuDevicePrimaryCtxRetain);
	*context = &contexts[device & 1];
	fake_object(FAKE_CONTEXT, 1);
	return 0;
}

FAKE_EXPORT cu_result cuDevicePrimaryCtxRelease_v2(cu_device device) {
	(void)device;
	ENTER(cuDevicePrimaryCtxRelease);
	fake_object(FAKE_CONTEXT, -1);
	return 0;
}

static _Thread_local cu_context stack[16];
static _Thread_local int depth;

FAKE_EXPORT cu_result cuCtxPushCurrent_v2(cu_context context) {
	ENTER(cuCtxPushCurrent);
	if (!context || depth == 16)
		return CU_INVALID_VALUE;
	stack[depth++] = context;
	return 0;
}

FAKE_EXPORT cu_result cuCtxPopCurrent_v2(cu_context *context) {
	ENTER(cuCtxPopCurrent);
	if (depth == 0)
		return CU_INVALID_VALUE;
	*context = stack[--depth];
	return 0;
}

FAKE_EXPORT cu_result cuMemGetInfo_v2(size_t *free, size_t *total) {
	const char *said = getenv("FAKE_CUDA_MEMORY");

	ENTER(cuMemGetInfo);
	*total = said ? strtoull(said, NULL, 10) : (uint64_t)16 << 30;
	*free = *total > taken ? *total - taken : 0;
	return 0;
}

bool fake_take(uint64_t bytes) {
	const char *said = getenv("FAKE_CUDA_MEMORY");
	uint64_t total = said ? strtoull(said, NULL, 10) : (uint64_t)16 << 30;
	bool good;

	fake_lock();
	good = bytes <= total && taken <= total - bytes;
	if (good)
		taken += bytes;
	fake_unlock();
	return good;
}

void fake_give(uint64_t bytes) {
	fake_lock();
	taken -= bytes;
	fake_unlock();
}

/* ------------------------------------------------------------------------ streams */

#define JOBS 256
static struct stream {
	bool used;
	int n;
	struct fake_job job[JOBS];
} streams[64]; /* 0: NULL; 1, 2: the legacy one and the threads' */

static struct stream *stream_of(cu_stream stream) {
	uintptr_t number = (uintptr_t)stream;

	if (number <= 2)
		return &streams[number];
	if (number >= 0x1000 && number < 0x1000 + 64 && streams[number - 0x1000].used)
		return &streams[number - 0x1000];
	return NULL;
}

cu_result fake_queue(cu_stream stream, const struct fake_job *job) {
	struct stream *s = stream_of(stream);
	cu_result result = 0;

	fake_lock();
	if (!s || depth == 0)
		result = CU_INVALID_HANDLE;
	else if (s->n == JOBS)
		result = CU_UNKNOWN;
	else
		s->job[s->n++] = *job;
	fake_unlock();
	return result;
}

static void run(struct stream *s) {
	for (int i = 0; i < s->n; i++) {
		const struct fake_job *job = &s->job[i];

		if (job->work == WORK_SET)
			memset(job->to, job->value, job->bytes);
		if (job->work == WORK_COPY)
			memcpy(job->to, job->from, job->bytes);
		for (uint64_t row = 0; job->work == WORK_COPY_2D && row < job->rows; row++)
			memcpy((char *)job->to + row * job->to_pitch,
			       (const char *)job->from + row * job->from_pitch, job->bytes);
		if (job->work == WORK_FREE)
			fake_free_now((cu_ptr)(uintptr_t)job->to);
	}
	s->n = 0;
}

FAKE_EXPORT cu_result cuStreamCreate(cu_stream *stream, unsigned flags) {
	ENTER(cuStreamCreate);
	if (depth == 0 || flags > CU_NON_BLOCKING)
		return CU_INVALID_VALUE;
	fake_lock();
	for (uintptr_t i = 3; i < 64; i++)
		if (!streams[i].used) {
			streams[i].used = true;
			*stream = (cu_stream)(0x1000 + i);
			fake_object(FAKE_STREAM, 1);
			fake_unlock();
			return 0;
		}
	fake_unlock();
	return CU_OUT_OF_MEMORY;
}

FAKE_EXPORT cu_result cuStreamSynchronize(cu_stream stream) {
	struct stream *s;

	ENTER(cuStreamSynchronize);
	s = stream_of(stream);
	if (!s || depth == 0)
		return CU_INVALID_HANDLE;
	fake_lock();
	run(s);
	fake_unlock();
	return 0;
}

FAKE_EXPORT cu_result cuStreamDestroy_v2(cu_stream stream) {
	struct stream *s;

	ENTER(cuStreamDestroy);
	s = stream_of(stream);
	if (!s)
		return CU_INVALID_HANDLE;
	fake_lock();
	run(s);
	s->used = false;
	fake_unlock();
	fake_object(FAKE_STREAM, -1);
	return 0;
}

FAKE_EXPORT cu_result cuCtxSynchronize(void) {
	ENTER(cuCtxSynchronize);
	if (depth == 0)
		return CU_INVALID_VALUE;
	fake_lock();
	for (int i = 0; i < 64; i++)
		run(&streams[i]);
	fake_unlock();
	return 0;
}

void fake_cuda_fill_later(cu_stream stream, cu_ptr ptr, uint8_t value, uint64_t bytes) {
	const struct fake_job job = {
		WORK_SET, (void *)(uintptr_t)ptr, NULL, bytes, 0, 0, 0, value
	};

	depth++;
	if (fake_queue(stream, &job) != 0)
		abort();
	depth--;
}
