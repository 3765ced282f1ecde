/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which device, and whether it can be used: what caisson_cuda_attach() checks first. */
#include "cuda_device.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "error.h"

void cuda_uuid_text(char text[41], const uint8_t u[16]) {
	snprintf(text, 41,
	         "GPU-%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x", u[0],
	         u[1], u[2], u[3], u[4], u[5], u[6], u[7], u[8], u[9], u[10], u[11], u[12], u[13],
	         u[14], u[15]);
}

bool cuda_enter(const struct cuda_device *device, struct cuda_fault *fault) {
	if (cuda_driver.owner != getpid()) {
		*fault = (struct cuda_fault){ CALL_cuCtxPushCurrent, CU_NOT_PERMITTED };
		return false;
	}
	return CU(fault, cuCtxPushCurrent, device->context);
}

bool cuda_enter_to_free(const struct cuda_device *device) {
	struct cuda_fault ignored;

	/* Again, since what is not freed now stays for as long as the process. */
	return cuda_enter(device, &ignored) || cuda_enter(device, &ignored);
}

void cuda_exit(void) {
	cu_context ignored;

	(void)cuda_driver.cuCtxPopCurrent(&ignored);
}

int cuda_find(const uint8_t uuid[16]) {
	cu_device device;
	cu_uuid found;
	int count = 0;

	if (cuda_driver.cuDeviceGetCount(&count) != 0 || !cuda_driver.cuDeviceGetUuid)
		return -1;
	for (int i = 0; i < count; i++)
		if (cuda_driver.cuDeviceGet(&device, i) == 0 &&
		    cuda_driver.cuDeviceGetUuid(&found, device) == 0 &&
		    memcmp(found.bytes, uuid, sizeof(found.bytes)) == 0)
			return i;
	return -1;
}

static int attribute(const struct cuda_device *device, int attribute) {
	int value = 0;

	/* One that this driver does not know is not there. */
	return cuda_driver.cuDeviceGetAttribute(&value, attribute, device->device) == 0 ? value : 0;
}

static uint32_t lanes_of(const struct cuda_device *device) {
	const struct cuda_driver *d = &cuda_driver;
	uint32_t lanes = CAISSON_LANE_CUDA_STAGED;

	if (attribute(device, CU_ATTR_VMM) && attribute(device, CU_ATTR_VMM_POSIX_FD) &&
	    d->cuMemGetAllocationGranularity && d->cuMemCreate && d->cuMemRelease &&
	    d->cuMemAddressReserve && d->cuMemAddressFree && d->cuMemMap && d->cuMemUnmap &&
	    d->cuMemSetAccess && d->cuMemExportToShareableHandle &&
	    d->cuMemImportFromShareableHandle)
		lanes |= CAISSON_LANE_CUDA_VMM;
	if (attribute(device, CU_ATTR_POOLS) &&
	    (attribute(device, CU_ATTR_POOL_HANDLES) & CU_HANDLE_POSIX_FD) && d->cuMemPoolCreate &&
	    d->cuMemPoolDestroy && d->cuMemAllocFromPoolAsync && d->cuMemFreeAsync &&
	    d->cuMemPoolExportToShareableHandle && d->cuMemPoolImportFromShareableHandle &&
	    d->cuMemPoolExportPointer && d->cuMemPoolImportPointer)
		lanes |= CAISSON_LANE_CUDA_POOL;
	if (d->cuIpcGetMemHandle && d->cuIpcOpenMemHandle && d->cuIpcCloseMemHandle)
		lanes |= CAISSON_LANE_CUDA_IPC;
	return lanes;
}

static int judge(const struct cuda_device *device, caisson_error **err) {
	const caisson_cuda_info *info = &device->info;

	if (info->compute_mode == CU_COMPUTE_PROHIBITED)
		return error_set(err, EBUSY, STAGE_CUDA, "compute mode",
		                 "Set the compute mode to default: nvidia-smi -c 0.",
		                 "CUDA device %d (%s) is in compute mode \"prohibited\"",
		                 device->ordinal, info->name);
	if (info->compute_mode == CU_COMPUTE_EXCLUSIVE && !attribute(device, CU_ATTR_MPS))
		return error_set(
			err, EBUSY, STAGE_CUDA, "compute mode",
			"Set the compute mode to default (nvidia-smi -c 0), or run MPS.",
			"CUDA device %d (%s) is in compute mode \"exclusive process\": the "
			"two sides of a channel are two processes",
			device->ordinal, info->name);
	if (!attribute(device, CU_ATTR_UNIFIED_ADDRESSING))
		return error_set(err, ENOTSUP, STAGE_CUDA, "the device", "Use a 64-bit device.",
		                 "CUDA device %d (%s) has no unified addressing", device->ordinal,
		                 info->name);
	return 0;
}

int cuda_look(struct cuda_device *device, int ordinal, caisson_error **err) {
	caisson_cuda_info *info = &device->info;
	struct cuda_fault fault;
	cu_uuid uuid;
	int count = 0, rc;

	memset(device, 0, sizeof(*device));
	rc = cuda_load(err);
	if (rc < 0)
		return rc;
	device->ordinal = info->device = ordinal;
	info->cuda = cuda_driver.version;
	memcpy(info->driver, cuda_driver.release, sizeof(info->driver));
	if (!CU(&fault, cuDeviceGetCount, &count))
		return cuda_failed(err, &fault, STAGE_CUDA, "the devices cannot be counted");
	if (ordinal < 0 || ordinal >= count)
		return error_set(err, ENODEV, STAGE_CUDA, "CUDA_VISIBLE_DEVICES",
		                 "Use one of the devices that there are, or grant another.",
		                 "there is no CUDA device %d among %d", ordinal, count);
	if (!CU(&fault, cuDeviceGet, &device->device, ordinal) ||
	    !CU(&fault, cuDeviceGetName, info->name, sizeof(info->name), device->device) ||
	    !CU(&fault, cuDeviceGetUuid, &uuid, device->device) ||
	    !CU(&fault, cuDeviceGetAttribute, &info->compute_mode, CU_ATTR_COMPUTE_MODE,
	        device->device))
		return cuda_failed(err, &fault, STAGE_CUDA, "a CUDA device cannot be looked at");
	info->name[sizeof(info->name) - 1] = '\0';
	memcpy(info->uuid, uuid.bytes, sizeof(info->uuid));
	info->mig = strstr(info->name, " MIG ") != NULL;
	info->lanes = lanes_of(device);
	device->read_only_register = attribute(device, CU_ATTR_READ_ONLY_REGISTER) != 0;
	return judge(device, err);
}

int cuda_open(struct cuda_device *device, caisson_error **err) {
	struct cuda_fault fault, first;
	size_t available, total;
	bool good;

	if (!CU(&fault, cuDevicePrimaryCtxRetain, &device->context, device->device)) {
		device->context = NULL;
		return cuda_failed(err, &fault, STAGE_CUDA, "the device's context cannot be had");
	}
	good = cuda_enter(device, &fault);
	if (good) {
		good = CU(&fault, cuMemGetInfo, &available, &total) &&
		       CU(&fault, cuStreamCreate, &device->stream, CU_NON_BLOCKING);
		cuda_exit();
	}
	if (!good) {
		first = fault;
		device->stream = NULL;
		cuda_close(device);
		return cuda_failed(err, &first, STAGE_CUDA, "the device's context is of no use");
	}
	device->info.free_bytes = available;
	device->info.total_bytes = total;
	return 0;
}

void cuda_close(struct cuda_device *device) {
	struct cuda_fault ignored;

	if (!device->context || cuda_driver.owner != getpid())
		return;
	if (device->stream && cuda_enter_to_free(device)) {
		(void)CU(&ignored, cuStreamDestroy, device->stream);
		cuda_exit();
	}
	device->stream = NULL;
	device->context = NULL;
	(void)CU(&ignored, cuDevicePrimaryCtxRelease, device->device);
}

int cuda_room(struct cuda_device *device, uint64_t bytes, caisson_error **err) {
	struct cuda_fault fault;
	size_t available, total;

	if (!CU(&fault, cuMemGetInfo, &available, &total))
		return cuda_failed(err, &fault, STAGE_CUDA, "the device's memory is not told");
	device->info.free_bytes = available;
	device->info.total_bytes = total;
	if (available < bytes)
		return error_set(err, ENOMEM, STAGE_CUDA, "the device's memory",
		                 "Free memory on the device, or ask for a smaller channel.",
		                 "CUDA device %d (%s) has %zu bytes free of %zu, and the channel "
		                 "needs %llu",
		                 device->ordinal, device->info.name, available, total,
		                 (unsigned long long)bytes);
	return 0;
}

int caisson_cuda_check(int ordinal, caisson_cuda_info *info, caisson_error **err) {
	struct cuda_device device;
	int rc;

	if (info && info->size != sizeof(*info))
		return error_set(err, EINVAL, STAGE_CUDA, "", "Set size to sizeof(*info).",
		                 "caisson_cuda_info has another size");
	rc = cuda_look(&device, ordinal, err);
	if (rc == 0)
		rc = cuda_open(&device, err);
	if (rc < 0)
		return rc;
	cuda_close(&device);
	device.info.size = sizeof(device.info);
	if (info)
		*info = device.info;
	return 0;
}
