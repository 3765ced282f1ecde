/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The few files of /proc and /sys that drivers' libraries read, as copies. A
 * sandbox has no /sys, and of NVIDIA's folder in /proc nothing: both tell of all
 * GPUs of the host.
 */
#define _GNU_SOURCE
#include "gpu.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "probe_host.h"

#define PROC_DRIVER "/proc/driver"
#define NVIDIA PROC_DRIVER "/nvidia"

int gpu_file(struct gpu_grant *g, const char *name, const char *text) {
	struct spec_op op = { .op = CAISSON_OP_FILE, .b = 0444 };
	int rc;

	if (gpu_has(&g->ops, name))
		return 0;
	op.fd = spec_sealed(text, strlen(text));
	if (op.fd < 0)
		return op.fd;
	op.name = (char *)(uintptr_t)name;
	rc = ops_add(&g->ops, &op);
	close(op.fd);
	return rc;
}

/* The host's, if it has it. */
static int copy(struct gpu_grant *g, const char *name) {
	char text[GPU_TEXT];

	return host_text(g->host->at, name + 1, text, sizeof(text)) < 0 ? 0
	                                                                : gpu_file(g, name, text);
}

static int copy_below(struct gpu_grant *g, const char *folder, const char *const names[]) {
	char name[192];
	int rc = 0;

	for (size_t i = 0; rc == 0 && names[i]; i++)
		if (snprintf(name, sizeof(name), "%s/%s", folder, names[i]) < (int)sizeof(name))
			rc = copy(g, name);
	return rc;
}

/* With it the driver's libraries would make and change device nodes. */
static int params(struct gpu_grant *g) {
	static const char key[] = "ModifyDeviceFiles: ";
	char text[GPU_TEXT], *at;

	if (host_text(g->host->at, &(NVIDIA "/params")[1], text, sizeof(text) - sizeof(key) - 2) <
	    0)
		return 0;
	at = strstr(text, key);
	if (at)
		at[sizeof(key) - 1] = '0';
	else
		strcat(strcat(text, key), "0\n");
	return gpu_file(g, NVIDIA "/params", text);
}

static int copy_mig(struct gpu_grant *g, const struct gpu *gpu) {
	char name[144];
	int rc = 0;

	for (unsigned i = 0; rc == 0 && i < gpu->migs; i++) {
		if (!(gpu->mig_granted >> i & 1))
			continue;
		snprintf(name, sizeof(name), NVIDIA "/capabilities/gpu%u/mig/gi%u/access",
		         gpu->minor, gpu->mig[i].gi);
		rc = copy(g, name);
		snprintf(name, sizeof(name), NVIDIA "/capabilities/gpu%u/mig/gi%u/ci%u/access",
		         gpu->minor, gpu->mig[i].gi, gpu->mig[i].ci);
		rc = rc ? rc : copy(g, name);
	}
	return rc;
}

/* An own /proc/driver, where the sandbox has a place for one. */
static int proc_files(struct gpu_grant *g) {
	static const char *const all[] = { "version", "registry", NULL };
	static const char *const each[] = { "information", "registry", "numa_status", NULL };
	struct spec_op tmpfs = { .op = CAISSON_OP_TMPFS, .fd = -1, .a = 1u << 20, .b = 0755 };
	struct spec_op fixed = { .op = CAISSON_OP_RDONLY, .fd = -1 };
	char folder[96];
	int rc;

	if (!g->host->driver[0])
		return 0;
	for (size_t i = 0; i < g->seen.n; i++)
		if (g->seen.item[i].op == CAISSON_OP_PROC &&
		    !strcmp(g->seen.item[i].name, "/proc") &&
		    g->seen.item[i].flags & CAISSON_PROC_PIDS)
			return gpu_leave_out(g, NVIDIA ": a procfs of processes alone has no place "
			                               "for it");
	tmpfs.name = fixed.name = (char *)(uintptr_t)PROC_DRIVER;
	rc = ops_add(&g->ops, &tmpfs);
	rc = rc ? rc : params(g);
	rc = rc ? rc : copy_below(g, NVIDIA, all);
	for (size_t i = 0; rc == 0 && i < g->host->gpus; i++) {
		const struct gpu *gpu = &g->host->gpu[i];

		if (gpu->kind != GPU_NVIDIA || !gpu->granted)
			continue;
		snprintf(folder, sizeof(folder), NVIDIA "/gpus/%s", gpu->bdf);
		rc = gpu->bdf[0] ? copy_below(g, folder, each) : 0;
		rc = rc ? rc : copy_mig(g, gpu);
	}
	return rc ? rc : ops_add(&g->ops, &fixed);
}

/* What libdrm asks of a render node. */
static int drm_files(struct gpu_grant *g, const struct gpu *gpu) {
	static const char *const each[] = {
		"uevent",           "vendor",   "device", "subsystem_vendor",
		"subsystem_device", "revision", NULL
	};
	struct spec_op link = { .op = CAISSON_OP_SYMLINK, .fd = -1 };
	char folder[96], from[128], name[160], text[GPU_TEXT];
	int rc = 0;

	snprintf(folder, sizeof(folder), "/sys/dev/char/226:%u/device", gpu->minor);
	for (size_t i = 0; rc == 0 && each[i]; i++) {
		snprintf(from, sizeof(from), "sys/class/drm/renderD%u/device/%s", gpu->minor,
		         each[i]);
		snprintf(name, sizeof(name), "%s/%s", folder, each[i]);
		if (host_text(g->host->at, from, text, sizeof(text)) == 0)
			rc = gpu_file(g, name, text);
	}
	if (rc < 0 || !gpu->bdf[0])
		return rc;
	snprintf(name, sizeof(name), "%s/subsystem", folder);
	link.name = name;
	link.target = (char *)(uintptr_t) "/sys/bus/pci";
	rc = gpu_has(&g->ops, name) ? 0 : ops_add(&g->ops, &link);
	snprintf(name, sizeof(name), "%s/drm/renderD%u/dev", folder, gpu->minor);
	snprintf(text, sizeof(text), "226:%u\n", gpu->minor);
	return rc ? rc : gpu_file(g, name, text);
}

static int sys_files(struct gpu_grant *g) {
	static const char *const modules[] = { "nvidia/initstate", "nvidia/version",
		                               "nvidia_uvm/initstate", NULL };
	static const char *const each[] = { "vendor",    "device",        "class",
		                            "numa_node", "local_cpulist", NULL };
	char folder[96];
	int rc = 0;

	for (size_t i = 0; i < g->seen.n; i++)
		if (g->seen.item[i].name && path_below(g->seen.item[i].name, "/sys"))
			return gpu_leave_out(g, "/sys: the sandbox has something else there");
	for (size_t i = 0; rc == 0 && i < g->host->gpus; i++) {
		const struct gpu *gpu = &g->host->gpu[i];

		if (!gpu->granted)
			continue;
		if (gpu->kind == GPU_DRM)
			rc = drm_files(g, gpu);
		else if (gpu->kind == GPU_NVIDIA)
			rc = copy_below(g, "/sys/module", modules);
		snprintf(folder, sizeof(folder), "/sys/bus/pci/devices/%s", gpu->bdf);
		if (rc == 0 && gpu->bdf[0] && gpu->kind == GPU_NVIDIA)
			rc = copy_below(g, folder, each);
	}
	return rc ? rc : gpu_kfd_files(g);
}

int gpu_files(struct gpu_grant *g) {
	bool nvidia = false;
	int rc = 0;

	for (size_t i = 0; i < g->host->gpus; i++)
		nvidia |= g->host->gpu[i].granted && g->host->gpu[i].kind == GPU_NVIDIA;
	if (nvidia)
		rc = proc_files(g);
	return rc ? rc : sys_files(g);
}
