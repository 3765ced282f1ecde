/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Device nodes: exactly those that a GPU takes, each what its name says. Whether
 * the sandbox may have them is the policy's to say, in the helper.
 */
#define _GNU_SOURCE
#include "gpu.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "probe_host.h"

#define ANY UINT32_MAX

static const char STAGE[] = "finding the GPU";

bool gpu_has(const struct ops *ops, const char *name) {
	for (size_t i = 0; i < ops->n; i++)
		if (ops->item[i].name && !strcmp(ops->item[i].name, name))
			return true;
	return false;
}

/* What a node of that name must be: its driver in /proc/devices, its number. false: no name of ours. */
static bool known(const char *name, const char **driver, uint32_t *minor) {
	static const struct {
		const char *name, *driver;
		uint32_t minor;
		bool counted; /* a number follows */
	} nodes[] = {
		{ "/dev/nvidiactl", "nvidia", 255, false },
		{ "/dev/nvidia-uvm", "nvidia-uvm", 0, false },
		{ "/dev/nvidia-caps/nvidia-cap", "nvidia-caps", 0, true },
		{ "/dev/nvidia", "nvidia", 0, true },
		{ "/dev/dri/renderD", "drm", 0, true },
		{ "/dev/kfd", "kfd", 0, false },
		{ "/dev/dxg", "misc", ANY, false },
	};

	for (size_t i = 0; i < sizeof(nodes) / sizeof(nodes[0]); i++) {
		size_t len = strlen(nodes[i].name);
		int64_t number;

		if (strncmp(name, nodes[i].name, len) != 0)
			continue;
		number = nodes[i].counted ? gpu_number(name + len, 0xfffff) : 0;
		if (number < 0 || (!nodes[i].counted && name[len]))
			continue;
		*driver = nodes[i].driver;
		*minor = nodes[i].counted ? (uint32_t)number : nodes[i].minor;
		return true;
	}
	return false;
}

static int missing(const struct gpu_grant *g, const char *source, caisson_error **err) {
	const char *name = source + strlen("/dev/");
	const char *what = "see which driver makes it, and whether its module is loaded";

	if (strncmp(source, "/dev/nvidia", 11) != 0)
		return error_set(err, ENOENT, STAGE, "", what,
		                 "the device node %s is missing, and the GPU cannot be used "
		                 "without it",
		                 source);
	return error_set(err, ENOENT, STAGE, "nvidia-modprobe",
	                 !strcmp(name, "nvidia-uvm") ? "as root, run nvidia-modprobe -u -c 0"
	                 : !strncmp(name, "nvidia-caps", 11)
	                         ? "as root, run nvidia-modprobe -f with the instance's \"access\" "
	                           "file in /proc/driver/nvidia/capabilities"
	                         : "as root, run nvidia-modprobe -c N for each GPU, N from 0",
	                 "%s, and the device node %s is missing",
	                 g->host->driver[0] ? "NVIDIA's driver is loaded"
	                                    : "there is an NVIDIA card",
	                 source);
}

static int forged(const char *source, unsigned major, unsigned minor, const char *wanted,
                  caisson_error **err) {
	return error_set(err, EPERM, STAGE, "",
	                 "as root, remove the node and have the driver's own tool make it "
	                 "(nvidia-modprobe, udev)",
	                 "%s is character device %u:%u, and should be %s", source, major, minor,
	                 wanted);
}

static int closed(const char *source, const struct stat *st, caisson_error **err) {
	char remedy[160];

	snprintf(
		remedy, sizeof(remedy),
		"have the user added to its group %u (getent group %u; usermod --append --groups); "
		"its mode is 0%o",
		st->st_gid, st->st_gid, (unsigned)st->st_mode & 0777);
	return error_set(err, EACCES, STAGE, "", remedy, "you may not open %s, nor may a sandbox",
	                 source);
}

/* Is it the driver's own, and may the user open it? */
static int check(const struct gpu_grant *g, const char *source, uint32_t want_major,
                 uint32_t want_minor, caisson_error **err) {
	const char *driver = NULL, *base = strrchr(source, '/') + 1;
	char wanted[64];
	uint32_t minor = ANY;
	struct stat st;
	int number = 0;

	if (fstatat(g->host->at, source + 1, &st, 0) < 0)
		return error_set(err, errno, STAGE, "", "", "%s: %s", source, strerror(errno));
	if (!S_ISCHR(st.st_mode))
		return error_set(err, EPERM, STAGE, "", "as root, have the driver make it anew",
		                 "%s is not a character device", source);
	if (known(source, &driver, &minor)) {
		number = gpu_major(g->host->at, driver);
		if (number < 0 && !strcmp(driver, "nvidia")) /* its name until 2023 */
			number = gpu_major(g->host->at, "nvidia-frontend");
		snprintf(wanted, sizeof(wanted), "%d:%u", number, minor);
		if (number < 0)
			snprintf(wanted, sizeof(wanted), "of a driver \"%s\" that is loaded",
			         driver);
		if (number < 0 || major(st.st_rdev) != (unsigned)number ||
		    (minor != ANY && minor(st.st_rdev) != minor))
			return forged(source, major(st.st_rdev), minor(st.st_rdev), wanted, err);
	}
	snprintf(wanted, sizeof(wanted), "%u:%u, as CDI says", want_major, want_minor);
	if ((want_major != ANY && major(st.st_rdev) != want_major) ||
	    (want_minor != ANY && minor(st.st_rdev) != want_minor))
		return forged(source, major(st.st_rdev), minor(st.st_rdev), wanted, err);
	/* Capabilities are only ever read. */
	if (!g->others && faccessat(g->host->at, source + 1,
	                            strncmp(base, "nvidia-cap", 10) ? R_OK | W_OK : R_OK, 0) < 0)
		return closed(source, &st, err);
	return 0;
}

int gpu_node(struct gpu_grant *g, const char *source, const char *name, uint32_t major_number,
             uint32_t minor_number, caisson_error **err) {
	struct spec_op op = { .op = CAISSON_OP_DEVICE, .fd = -1 };
	int rc;

	if (gpu_has(&g->ops, name) || gpu_has(&g->seen, name))
		return 0;
	if (!host_exists(g->host->at, source + 1))
		return missing(g, source, err);
	rc = g->real ? check(g, source, major_number, minor_number, err) : 0;
	if (rc < 0)
		return rc;
	op.source = (char *)(uintptr_t)source;
	op.name = (char *)(uintptr_t)name;
	rc = ops_add(&g->ops, &op);
	return rc < 0 ? error_set(err, -rc, STAGE, "", "", "%s: %s", name, strerror(-rc)) : 0;
}

static int same(struct gpu_grant *g, const char *name, caisson_error **err) {
	return gpu_node(g, name, name, ANY, ANY, err);
}

static int nvidia(struct gpu_grant *g, const struct gpu *gpu, caisson_error **err) {
	char name[48];
	int rc = same(g, "/dev/nvidiactl", err);

	snprintf(name, sizeof(name), "/dev/nvidia%u", gpu->minor);
	rc = rc ? rc : same(g, name, err);
	rc = rc ? rc : same(g, "/dev/nvidia-uvm", err);
	for (unsigned i = 0; rc == 0 && i < gpu->migs; i++) {
		if (!(gpu->mig_granted >> i & 1))
			continue;
		snprintf(name, sizeof(name), "/dev/nvidia-caps/nvidia-cap%u", gpu->mig[i].gi_cap);
		rc = same(g, name, err);
		snprintf(name, sizeof(name), "/dev/nvidia-caps/nvidia-cap%u", gpu->mig[i].ci_cap);
		rc = rc ? rc : same(g, name, err);
	}
	return rc;
}

int gpu_nodes(struct gpu_grant *g, caisson_error **err) {
	bool nvidias = false;
	char name[32];
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < g->host->gpus; i++) {
		const struct gpu *gpu = &g->host->gpu[i];

		if (!gpu->granted)
			continue;
		if (gpu->kind == GPU_NVIDIA) {
			rc = nvidia(g, gpu, err);
			nvidias = true;
		} else if (gpu->kind == GPU_DXG) {
			rc = same(g, "/dev/dxg", err);
		} else {
			snprintf(name, sizeof(name), "/dev/dri/renderD%u", gpu->minor);
			rc = same(g, name, err);
			if (rc == 0 && g->host->kfd && !strcmp(gpu->name, "amdgpu"))
				rc = same(g, "/dev/kfd", err);
		}
	}
	if (rc == 0 && nvidias)
		rc = gpu_leave_out(g, "/dev/nvidia-uvm-tools, /dev/nvidia-modeset: for profilers "
		                      "and displays");
	return rc;
}
