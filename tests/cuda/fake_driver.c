/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Versions, devices, contexts, streams, and the faults that are asked for. */
#include "fake.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static long live[FAKE_OBJECTS];

static struct call {
	const char *name;
	int version;
	const char *symbol;
	unsigned long count, good;
} calls[] = {
#define X(name, version, symbol, needed, args) { #name, version, symbol, 0, 0 },
	CUDA_CALLS(X)
#undef X
};
#define CALLS (sizeof(calls) / sizeof(calls[0]))

void fake_lock(void) {
	pthread_mutex_lock(&lock);
}

void fake_unlock(void) {
	pthread_mutex_unlock(&lock);
}

void fake_object(enum fake_object what, int by) {
	__atomic_fetch_add(&live[what], by, __ATOMIC_SEQ_CST);
}

long fake_cuda_live(void) {
	long sum = 0;

	for (int i = 0; i < FAKE_OBJECTS; i++)
		sum += live[i];
	return sum;
}

const char *fake_cuda_live_text(void) {
	static const char *const names[] = { "handles", "reservations", "mappings", "allocations",
		                             "pools",   "streams",      "contexts", "pinned" };
	static char text[256];

	text[0] = '\0';
	for (int i = 0; i < FAKE_OBJECTS; i++)
		snprintf(text + strlen(text), sizeof(text) - strlen(text), "%s%ld %s",
		         i ? ", " : "", live[i], names[i]);
	return text;
}

static struct call *find(const char *name) {
	for (size_t i = 0; i < CALLS; i++)
		if (strcmp(calls[i].name, name) == 0)
			return &calls[i];
	return NULL;
}

unsigned long fake_cuda_calls(const char *name) {
	const struct call *call = find(name);

	return call ? call->good : 0;
}

unsigned long fake_cuda_tries(const char *name) {
	const struct call *call = find(name);

	return call ? call->count : 0;
}

const char *fake_cuda_name(unsigned number) {
	return number < CALLS ? calls[number].name : NULL;
}

void fake_cuda_reset(void) {
	for (size_t i = 0; i < CALLS; i++)
		calls[i].count = calls[i].good = 0;
}

/* ------------------------------------------------------------------------- faults */

/* "NAME=RESULT" or "NAME@NTH=RESULT" in a list. */
static cu_result asked_for(const char *name, unsigned long nth) {
	const char *list = getenv("FAKE_CUDA_FAIL");
	const size_t length = strlen(name);

	for (; list && *list; list = strchr(list, ',') ? strchr(list, ',') + 1 : NULL) {
		const char *rest = list + length;
		char *end;

		if (strncmp(list, name, length) != 0)
			continue;
		if (*rest == '@') {
			if (strtoul(rest + 1, &end, 10) != nth)
				continue;
			rest = end;
		}
		if (*rest == '=')
			return (cu_result)strtol(rest + 1, NULL, 10);
	}
	return 0;
}

cu_result fake_enter(const char *name) {
	struct call *call = find(name);
	unsigned long nth;
	cu_result result;

	if (!call)
		abort();
	nth = __atomic_add_fetch(&call->count, 1, __ATOMIC_SEQ_CST);
	result = asked_for(name, nth);
	if (!result)
		__atomic_fetch_add(&call->good, 1, __ATOMIC_SEQ_CST);
	return result;
}

/* ----------------------------------------------------------------------- versions */

bool fake_has(int version) {
	return version <= FAKE_VERSION;
}

#if FAKE_VERSION >= 11030
#include <dlfcn.h>

static cu_result get_proc(const char *name, void **function, int version, int *status) {
	const struct call *call = find(name);

	*function = NULL;
	*status = 1;
	if (!call || !fake_has(call->version))
		return CU_NOT_FOUND;
	*status = 2;
	if (version < call->version)
		return CU_NOT_FOUND;
	*function = dlsym(RTLD_DEFAULT, call->symbol);
	if (!*function) { /* we are not in the global scope */
		void *self = dlopen("libcuda.so.1", RTLD_NOW | RTLD_NOLOAD);

		*function = self ? dlsym(self, call->symbol) : NULL;
	}
	*status = *function ? 0 : 1;
	return *function ? 0 : CU_NOT_FOUND;
}

FAKE_EXPORT cu_result cuGetProcAddress(const char *name, void **function, int version,
                                       uint64_t flags) {
	int status;

	(void)flags;
	return get_proc(name, function, version, &status);
}
#endif

#if FAKE_VERSION >= 12000
FAKE_EXPORT cu_result cuGetProcAddress_v2(const char *name, void **function, int version,
                                          uint64_t flags, int *status) {
	int ignored;

	(void)flags;
	return get_proc(name, function, version, status ? status : &ignored);
}
#endif

FAKE_EXPORT cu_result cuInit(unsigned flags) {
	ENTER(cuInit);
	return flags ? CU_INVALID_VALUE : 0;
}

FAKE_EXPORT cu_result cuDriverGetVersion(int *version) {
	const char *said = getenv("FAKE_CUDA_VERSION");

	ENTER(cuDriverGetVersion);
	*version = said ? atoi(said) : FAKE_VERSION;
	return 0;
}

FAKE_EXPORT cu_result cuGetErrorName(cu_result result, const char **name) {
	static const struct {
		cu_result result;
		const char *name;
	} names[] = { { 0, "CUDA_SUCCESS" },
		      { CU_INVALID_VALUE, "CUDA_ERROR_INVALID_VALUE" },
		      { CU_OUT_OF_MEMORY, "CUDA_ERROR_OUT_OF_MEMORY" },
		      { CU_DEVICE_UNAVAILABLE, "CUDA_ERROR_DEVICE_UNAVAILABLE" },
		      { CU_NO_DEVICE, "CUDA_ERROR_NO_DEVICE" },
		      { CU_MAP_FAILED, "CUDA_ERROR_MAP_FAILED" },
		      { CU_INVALID_HANDLE, "CUDA_ERROR_INVALID_HANDLE" },
		      { CU_NOT_SUPPORTED, "CUDA_ERROR_NOT_SUPPORTED" },
		      { CU_NOT_PERMITTED, "CUDA_ERROR_NOT_PERMITTED" },
		      { CU_SYSTEM_DRIVER_MISMATCH, "CUDA_ERROR_SYSTEM_DRIVER_MISMATCH" },
		      { CU_UNKNOWN, "CUDA_ERROR_UNKNOWN" } };

	ENTER(cuGetErrorName);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (names[i].result == result) {
			*name = names[i].name;
			return 0;
		}
	return CU_INVALID_VALUE;
}
