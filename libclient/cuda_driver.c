/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cuda_driver.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "error.h"

#define LIBRARY "libcuda.so.1"

struct cuda_driver cuda_driver;

static const struct {
	const char *name, *symbol;
	int version;
	bool needed;
} calls[CALL_COUNT] = {
#define X(name, version, symbol, needed, args) { #name, symbol, version, needed },
	CUDA_CALLS(X)
#undef X
};

/* ------------------------------------------------------------------------ the knob */

enum { KNOB_OFF, KNOB_AUTO, KNOB_ON, KNOB_WRONG };

static int read_knob(const char **name, const char **value) {
	static const char *const off[] = { "0", "off", "no", "false" };
	static const char *const on[] = { "1", "on", "yes", "true" };

	*name = CUDA_KNOB;
	*value = secure_getenv(CUDA_KNOB);
	if (!*value) {
		*value = secure_getenv(CUDA_KNOB_ALIAS);
		if (*value)
			*name = CUDA_KNOB_ALIAS;
	}
	if (!*value || !**value || strcasecmp(*value, "auto") == 0)
		return KNOB_AUTO;
	for (size_t i = 0; i < sizeof(off) / sizeof(off[0]); i++) {
		if (strcasecmp(*value, off[i]) == 0)
			return KNOB_OFF;
		if (strcasecmp(*value, on[i]) == 0)
			return KNOB_ON;
	}
	return KNOB_WRONG;
}

/* A node that a driver's library would open: NVIDIA's, WSL's, Tegra's. */
static bool device_node(void) {
	return access("/dev/nvidiactl", F_OK) == 0 || access("/dev/dxg", F_OK) == 0 ||
	       access("/dev/nvmap", F_OK) == 0 || access("/dev/nvhost-ctrl-gpu", F_OK) == 0;
}

static int allowed(bool loaded, caisson_error **err) {
	const char *name, *value;

	switch (read_knob(&name, &value)) {
	case KNOB_OFF:
		return error_set(err, EPERM, STAGE_CUDA, name,
		                 "Unset it, or set it to auto or 1, for CUDA channels.",
		                 "CUDA is switched off: %s is \"%s\"", name, value);
	case KNOB_WRONG:
		return error_set(err, EINVAL, STAGE_CUDA, name, "Set it to 0, 1 or auto.",
		                 "%s is \"%s\", which is none of 0, 1 and auto", name, value);
	case KNOB_AUTO:
		if (!loaded && !device_node())
			return error_set(err, ENODEV, STAGE_CUDA, name,
			                 "Outside of a sandbox, run nvidia-modprobe; in one, have "
			                 "it granted a GPU's device nodes. " CUDA_KNOB
			                 "=1 loads the driver all the same.",
			                 "there is no GPU's device node here: no /dev/nvidiactl, "
			                 "/dev/dxg, /dev/nvmap or /dev/nvhost-ctrl-gpu");
	}
	return 0;
}

/* --------------------------------------------------------------------- the library */

typedef cu_result get_proc_v1(const char *symbol, void **function, int version, uint64_t flags);
typedef cu_result get_proc_v2(const char *symbol, void **function, int version, uint64_t flags,
                              int *status);

/* cuGetProcAddress is of CUDA 11.3; before that the symbols themselves carry the version. */
static void *find(void *library, get_proc_v2 *v2, get_proc_v1 *v1, unsigned call) {
	void *function = NULL;
	int status = 0;

	if (v2) {
		if (v2(calls[call].name, &function, calls[call].version, 0, &status) != 0 ||
		    status != 0)
			return NULL;
		return function;
	}
	if (v1)
		return v1(calls[call].name, &function, calls[call].version, 0) == 0 ? function
		                                                                    : NULL;
	return dlsym(library, calls[call].symbol);
}

/* The first function that is missing without which nothing works, or NULL. */
static const char *find_all(void *library) {
	/* The function pointers, in the order of enum cuda_call, as one array. */
	void **slot = (void **)&cuda_driver;
	get_proc_v1 *v1 = NULL;
	get_proc_v2 *v2 = NULL;
	void *found = dlsym(library, "cuGetProcAddress_v2");

	memcpy(&v2, &found, sizeof(v2));
	found = dlsym(library, "cuGetProcAddress");
	memcpy(&v1, &found, sizeof(v1));
	for (unsigned i = 0; i < CALL_COUNT; i++) {
		slot[i] = find(library, v2, v1, i);
		/* Before CUDA 11.4 this is another variant, which knows no MIG instances. */
		if (!slot[i] && i == CALL_cuDeviceGetUuid)
			slot[i] = dlsym(library, "cuDeviceGetUuid");
		if (!slot[i] && calls[i].needed)
			return calls[i].name;
	}
	return NULL;
}

static void read_release(void) {
	int fd = open("/sys/module/nvidia/version", O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, cuda_driver.release, sizeof(cuda_driver.release) - 1);

	if (fd >= 0)
		close(fd);
	cuda_driver.release[n > 0 ? n : 0] = '\0';
	cuda_driver.release[strcspn(cuda_driver.release, "\n")] = '\0';
}

static int load(caisson_error **err) {
	struct cuda_fault fault;
	const char *missing;
	void *library;

	library = dlopen(LIBRARY, RTLD_NOW | RTLD_LOCAL);
	if (!library)
		return error_set(err, ENODEV, STAGE_CUDA, LIBRARY,
		                 "Install NVIDIA's driver library, or grant it to the sandbox.",
		                 "the CUDA driver cannot be loaded: %s", dlerror());
	missing = find_all(library);
	if (missing) {
		dlclose(library);
		memset(&cuda_driver, 0, sizeof(cuda_driver));
		return error_set(err, ENOTSUP, STAGE_CUDA, LIBRARY,
		                 "Use a driver for CUDA 11.0 or later.",
		                 "the CUDA driver has no %s", missing);
	}
	if (!CU(&fault, cuInit, 0) || !CU(&fault, cuDriverGetVersion, &cuda_driver.version))
		return cuda_failed(err, &fault, STAGE_CUDA, "the CUDA driver does not start");
	if (cuda_driver.version < CUDA_OLDEST)
		return error_set(err, ENOTSUP, STAGE_CUDA, LIBRARY,
		                 "Use a driver for CUDA 11.0 or later.",
		                 "the driver is for CUDA %d.%d", cuda_driver.version / 1000,
		                 cuda_driver.version % 1000 / 10);
	read_release();
	cuda_driver.owner = getpid();
	return 0;
}

int cuda_load(caisson_error **err) {
	static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
	int rc;

	pthread_mutex_lock(&lock);
	rc = allowed(cuda_driver.owner != 0, err);
	if (rc == 0 && cuda_driver.owner == 0)
		rc = load(err);
	else if (rc == 0 && cuda_driver.owner != getpid())
		rc = error_set(err, EPERM, STAGE_CUDA, "fork(2)",
		               "Use CUDA in the process that first did, or exec after the fork.",
		               "CUDA was used before this process was forked");
	pthread_mutex_unlock(&lock);
	return rc;
}

/* ---------------------------------------------------------------------- its errors */

const char *cuda_call_name(uint32_t call) {
	return call < CALL_COUNT ? calls[call].name : "an unknown call";
}

const char *cuda_result_name(cu_result result) {
	const char *name = NULL;

	if (result == CU_NOT_FOUND) /* also ours, for a function that is not there */
		return "CUDA_ERROR_NOT_FOUND";
	if (!cuda_driver.cuGetErrorName || cuda_driver.cuGetErrorName(result, &name) != 0 || !name)
		return "an unknown CUresult";
	return name;
}

int cuda_errno(cu_result result) {
	switch (result) {
	case CU_INVALID_VALUE:
	case CU_INVALID_HANDLE:
		return EINVAL;
	case CU_OUT_OF_MEMORY:
		return ENOMEM;
	case CU_STUB_LIBRARY:
	case CU_NO_DEVICE:
	case CU_INVALID_DEVICE:
		return ENODEV;
	case CU_DEVICE_UNAVAILABLE:
		return EBUSY;
	case CU_NOT_PERMITTED:
		return EACCES;
	case CU_NOT_FOUND:
	case CU_NOT_SUPPORTED:
	case CU_COMPAT_NOT_SUPPORTED:
		return ENOTSUP;
	default:
		return EIO;
	}
}

const char *cuda_remedy(cu_result result, const char **knob) {
	*knob = "";
	switch (result) {
	case CU_OUT_OF_MEMORY:
		*knob = "the device's memory";
		return "Free memory on the device, or ask for a smaller channel.";
	case CU_STUB_LIBRARY:
		*knob = LIBRARY;
		return "Take the CUDA toolkit's stubs out of the library path: it is not the "
		       "driver.";
	case CU_DEVICE_UNAVAILABLE:
		*knob = "compute mode";
		return "Set the compute mode to default (nvidia-smi -c 0), or run MPS.";
	case CU_NO_DEVICE:
	case CU_INVALID_DEVICE:
		*knob = "CUDA_VISIBLE_DEVICES";
		return "Grant the GPU's device nodes, and see that CUDA_VISIBLE_DEVICES names one.";
	case CU_SYSTEM_NOT_READY:
		*knob = "nvidia-fabricmanager";
		return "Start the services that this GPU needs (nvidia-fabricmanager).";
	case CU_SYSTEM_DRIVER_MISMATCH:
	case CU_COMPAT_NOT_SUPPORTED:
		*knob = LIBRARY;
		return "Use the libcuda.so.1 of the kernel's driver on both sides.";
	case CU_NOT_PERMITTED:
	case CU_OPERATING_SYSTEM:
		*knob = "device nodes";
		return "Grant nvidiactl, nvidia-uvm and the GPU's node, and run nvidia-modprobe "
		       "-u.";
	case CU_NOT_FOUND:
	case CU_NOT_SUPPORTED:
		*knob = "the CUDA driver";
		return "Use a newer driver, or allow another lane.";
	default:
		return "";
	}
}

static int failed(caisson_error **err, const struct cuda_fault *fault, const char *stage,
                  const char *what, const char *who, int version, const char *release) {
	const char *knob, *remedy = cuda_remedy(fault->result, &knob);

	return error_set(err, cuda_errno(fault->result), stage, knob, remedy,
	                 "%s: %s%s gave %s (%d), with CUDA %d.%d%s%s", what, who,
	                 cuda_call_name(fault->call), cuda_result_name(fault->result),
	                 fault->result, version / 1000, version % 1000 / 10,
	                 *release ? " and driver " : "", release);
}

int cuda_failed(caisson_error **err, const struct cuda_fault *fault, const char *stage,
                const char *what) {
	return failed(err, fault, stage, what, "", cuda_driver.version, cuda_driver.release);
}

int cuda_failed_there(caisson_error **err, const struct cuda_fault *fault, const char *stage,
                      const char *what, const char *who, int version) {
	return failed(err, fault, stage, what, who, version, "");
}
