/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* caisson_probe_*: graphics processors and CUDA, from files alone: no driver is called or loaded. */
#define _GNU_SOURCE
#include "probe.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define OLDEST_DRIVER 470 /* the first with cuMemExportToShareableHandle on all that it drives */

static const char *const libcuda[] = {
	"usr/lib/x86_64-linux-gnu/libcuda.so.1",
	"usr/lib/aarch64-linux-gnu/libcuda.so.1",
	"usr/lib64/libcuda.so.1",
	"usr/lib/libcuda.so.1",
	"usr/local/nvidia/lib64/libcuda.so.1",
	"usr/lib/wsl/lib/libcuda.so.1",
	"run/opengl-driver/lib/libcuda.so.1",
};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* "NVRM version: NVIDIA UNIX x86_64 Kernel Module  535.104.05  Sat Aug 19 ...": the word with dots. */
int gpu_driver_version(char *line, char *version, size_t size) {
	char *rest = line, *word;

	while ((word = strsep(&rest, " \t"))) {
		size_t digits = strspn(word, "0123456789");

		if (digits < 3 || word[digits] != '.' ||
		    strspn(word, "0123456789.") != strlen(word))
			continue;
		snprintf(version, size, "%s", word);
		return (int)strtol(word, NULL, 10);
	}
	return 0;
}

struct gpu {
	unsigned devices, usable;
	char driver[32];
	int major;
	bool uvm, dxg;
	const char *library; /* below "/", or NULL */
};

static void look(int at, struct gpu *gpu) {
	char path[32], line[256];

	memset(gpu, 0, sizeof(*gpu));
	for (int i = 0; i < 16; i++) {
		snprintf(path, sizeof(path), "dev/nvidia%d", i);
		if (!host_exists(at, path))
			continue;
		gpu->devices++;
		gpu->usable += faccessat(at, path, R_OK | W_OK, 0) == 0;
	}
	if (host_line(at, "proc/driver/nvidia/version", line, sizeof(line)) == 0)
		gpu->major = gpu_driver_version(line, gpu->driver, sizeof(gpu->driver));
	gpu->uvm = host_exists(at, "dev/nvidia-uvm");
	gpu->dxg = host_exists(at, "dev/dxg");
	for (size_t i = 0; i < COUNT(libcuda) && !gpu->library; i++)
		if (host_exists(at, libcuda[i]))
			gpu->library = libcuda[i];
}

static void say_gpu(struct caisson_probe *probe, const struct gpu *gpu) {
	bool render = host_exists(probe->at, "dev/dri/renderD128");

	if (gpu->devices)
		probe_add(probe, "GPU", gpu->usable == gpu->devices ? CAISSON_OK : CAISSON_NOTE,
		          CAISSON_RESTRICTION_NONE, probe_text("NVIDIA, %u", gpu->devices),
		          probe_text("driver %s; you may open %u of %u",
		                     gpu->driver[0] ? gpu->driver : "unknown", gpu->usable,
		                     gpu->devices));
	else if (gpu->dxg)
		probe_add(probe, "GPU", CAISSON_OK, CAISSON_RESTRICTION_NONE,
		          probe_text("of Windows"), probe_text("/dev/dxg exists"));
	else
		probe_add(probe, "GPU", CAISSON_OK, CAISSON_RESTRICTION_NONE,
		          probe_text(render ? "not NVIDIA's" : "none"),
		          probe_text("no /dev/nvidia0, no /dev/dxg%s",
		                     render ? "; /dev/dri/renderD128 exists" : ""));
	if (gpu->devices && gpu->usable < gpu->devices)
		probe_remedy(probe, probe_text("usermod --append --groups video USER, then log in "
		                               "again"));
}

/* What the host lacks for device tensors that cross without a copy; NULL: nothing. */
static const char *lacking(const struct gpu *gpu) {
	return !gpu->devices && !gpu->dxg ? "no NVIDIA device"
	       : gpu->dxg && !gpu->devices
	               ? "WSL's driver exports no device memory to other processes"
	       : !gpu->major                ? "no driver in /proc/driver/nvidia"
	       : gpu->major < OLDEST_DRIVER ? "the driver is older than 470"
	       : !gpu->uvm                  ? "no /dev/nvidia-uvm"
	       : !gpu->library              ? "no libcuda.so.1 at the usual places"
	                                    : NULL;
}

void probe_find_gpu(struct caisson_probe *probe) {
	struct gpu gpu;
	const char *why;

	look(probe->at, &gpu);
	say_gpu(probe, &gpu);
	why = lacking(&gpu);
	if (why)
		probe_add(probe, "CUDA lane", gpu.devices ? CAISSON_NOTE : CAISSON_OK,
		          CAISSON_RESTRICTION_NONE, probe_text("none"), probe_text("%s", why));
	else
		probe_add(probe, "CUDA lane", CAISSON_OK, CAISSON_RESTRICTION_NONE,
		          probe_text("the host has what it takes"),
		          probe_text("driver %s, /dev/nvidia-uvm, /%s; nothing was tried",
		                     gpu.driver, gpu.library));
}
