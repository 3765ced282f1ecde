/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The CUDA driver: loaded at run time, once, and asked by name and version. */
#ifndef CAISSON_LIBCLIENT_CUDA_DRIVER_H
#define CAISSON_LIBCLIENT_CUDA_DRIVER_H

#include <stdbool.h>
#include <sys/types.h>

#include "caisson.h"
#include "cuda_abi.h"

#define STAGE_CUDA "using CUDA"

/* What decides whether CUDA is used: 0, 1, auto. The second is honoured as an alias. */
#define CUDA_KNOB "CAISSON_ENABLE_CUDA"
#define CUDA_KNOB_ALIAS "PYISOLATE_ENABLE_CUDA_IPC"

enum cuda_call {
#define X(name, version, symbol, needed, args) CALL_##name,
	CUDA_CALLS(X)
#undef X
		CALL_COUNT
};

/* NULL: this driver does not have it. */
struct cuda_driver {
#define X(name, version, symbol, needed, args) cu_result(*name) args;
	CUDA_CALLS(X)
#undef X
	int version;      /* 12040 is CUDA 12.4 */
	char release[16]; /* of the kernel's driver, "550.54.15"; "" where it cannot be read */
	pid_t owner;      /* who called cuInit: a forked child may not use it */
};

extern struct cuda_driver cuda_driver;

/* A call that failed. */
struct cuda_fault {
	enum cuda_call call;
	cu_result result; /* 0: none did */
};

/* One call of the driver: true if it succeeded; else which one and how is in fault. */
#define CU(fault, name, ...)                                                                       \
	((fault)->call = CALL_##name,                                                              \
	 (fault)->result = cuda_driver.name ? cuda_driver.name(__VA_ARGS__) : CU_NOT_FOUND,        \
	 (fault)->result == 0)

/*
 * Load libcuda.so.1 and cuInit() it, unless that was done. 0; -EPERM if it is
 * switched off; -ENODEV if there is no device, library or driver; -EINVAL for a
 * knob that says neither; -ENOTSUP if it is older than CUDA_OLDEST; or as
 * cuda_errno() of cuInit. Any thread.
 */
int cuda_load(caisson_error **err);

/* The call's name, and the result's as this side's driver has it. Both static. */
const char *cuda_call_name(uint32_t call);
const char *cuda_result_name(cu_result result);
int cuda_errno(cu_result result);
/* *err: "WHAT: CALL gave RESULT (N), with CUDA 12.4 and driver 550.54"; the errno, negative. */
int cuda_failed(caisson_error **err, const struct cuda_fault *fault, const char *stage,
                const char *what);
/* The same of a fault that the other side told of: who says so, and its CUDA version. */
int cuda_failed_there(caisson_error **err, const struct cuda_fault *fault, const char *stage,
                      const char *what, const char *who, int version);
/* What to do about it, and which knob; both static. */
const char *cuda_remedy(cu_result result, const char **knob);

#endif
