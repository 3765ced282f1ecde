/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The host's GPUs, from files alone. */
#define _GNU_SOURCE
#include "gpu.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "probe.h"

int64_t gpu_number(const char *text, uint32_t max) {
	uint64_t n = 0;

	if (!*text || strlen(text) > 10)
		return -1;
	for (; *text; text++) {
		if (*text < '0' || *text > '9')
			return -1;
		n = 10 * n + (uint64_t)(*text - '0');
	}
	return n <= max ? (int64_t)n : -1;
}

static int by_name(const void *a, const void *b) {
	return strcmp(a, b);
}

void gpu_list(int at, const char *path, struct gpu_names *names) {
	int fd = openat(at, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
	const size_t most = sizeof(names->name) / sizeof(names->name[0]);
	const struct dirent *entry;

	names->n = 0;
	if (!dir && fd >= 0)
		close(fd);
	/* cppcheck-suppress readdirCalled */ /* a DIR of our own */
	while (dir && names->n < most && (entry = readdir(dir)))
		if (entry->d_name[0] != '.' && strlen(entry->d_name) < sizeof(names->name[0]))
			strcpy(names->name[names->n++], entry->d_name);
	if (dir)
		closedir(dir);
	qsort(names->name, names->n, sizeof(names->name[0]), by_name);
}

int gpu_major(int at, const char *driver) {
	char text[GPU_TEXT], *rest = text, *line;

	if (host_text(at, "proc/devices", text, sizeof(text)) < 0)
		return -1;
	while ((line = strsep(&rest, "\n")) && strncmp(line, "Block", 5) != 0) {
		char *name = line + strspn(line, " "), *number = strsep(&name, " ");

		if (name && !strcmp(name, driver))
			return (int)gpu_number(number, 4095);
	}
	return -1;
}

/* What is behind "key:" or "key=" on a line of its own, into value; false: there is no such line. */
static bool value_of(const char *text, const char *key, char *value, size_t size) {
	size_t len = strlen(key);

	for (const char *line = text; line; line = strchr(line, '\n')) {
		line += *line == '\n';
		if (strncmp(line, key, len) != 0 || (line[len] != ':' && line[len] != '='))
			continue;
		line += len + 1;
		line += strspn(line, " \t");
		len = strcspn(line, "\n");
		snprintf(value, size, "%.*s", (int)(len < size ? len : size - 1), line);
		return true;
	}
	return false;
}

static struct gpu *add(struct gpu_host *host, enum gpu_kind kind) {
	struct gpu *gpu = &host->gpu[host->gpus];

	if (host->gpus == GPU_MAX)
		return NULL;
	memset(gpu, 0, sizeof(*gpu));
	gpu->kind = kind;
	host->gpus++;
	return gpu;
}

static int access_minor(const struct gpu_host *host, const char *folder) {
	char path[192], text[256], value[16];

	snprintf(path, sizeof(path), "%s/access", folder);
	if (host_text(host->at, path, text, sizeof(text)) < 0 ||
	    !value_of(text, "DeviceFileMinor", value, sizeof(value)))
		return -1;
	return (int)gpu_number(value, 65535);
}

/* capabilities/gpuMINOR/mig/giN/ciM: the instances that MIG has made of it. */
static void look_mig(const struct gpu_host *host, struct gpu *gpu) {
	struct gpu_names gis, cis;
	char at[96], folder[144];

	snprintf(at, sizeof(at), "proc/driver/nvidia/capabilities/gpu%u/mig", gpu->minor);
	gpu_list(host->at, at, &gis);
	for (size_t i = 0; i < gis.n; i++) {
		int64_t gi = strncmp(gis.name[i], "gi", 2) ? -1 : gpu_number(gis.name[i] + 2, 255);
		int gi_cap;

		if (gi < 0)
			continue;
		snprintf(folder, sizeof(folder), "%s/gi%u", at, (unsigned)gi);
		gi_cap = access_minor(host, folder);
		gpu_list(host->at, folder, &cis);
		for (size_t j = 0; j < cis.n; j++) {
			int64_t ci = strncmp(cis.name[j], "ci", 2)
			                     ? -1
			                     : gpu_number(cis.name[j] + 2, 255);
			int ci_cap;

			if (ci < 0)
				continue;
			snprintf(folder, sizeof(folder), "%s/gi%u/ci%u", at, (unsigned)gi,
			         (unsigned)ci);
			ci_cap = access_minor(host, folder);
			if (gi_cap >= 0 && ci_cap >= 0 && gpu->migs < GPU_MIG_MAX)
				gpu->mig[gpu->migs++] =
					(struct gpu_mig){ (unsigned)gi, (unsigned)ci,
					                  (unsigned)gi_cap, (unsigned)ci_cap };
		}
	}
}

/* proc/driver/nvidia/gpus/BDF/information */
static void look_nvidia(struct gpu_host *host, const char *bdf) {
	char path[160], text[GPU_TEXT], value[64];
	struct gpu *gpu;
	int64_t number;

	snprintf(path, sizeof(path), "proc/driver/nvidia/gpus/%s/information", bdf);
	if (strlen(bdf) >= sizeof(gpu->bdf) ||
	    strspn(bdf, "0123456789abcdefABCDEF:.") != strlen(bdf) ||
	    host_text(host->at, path, text, sizeof(text)) < 0 ||
	    !value_of(text, "Device Minor", value, sizeof(value)))
		return;
	number = gpu_number(value, 254);
	/* What the administrator took away from the driver. */
	if (number < 0 || (value_of(text, "GPU Excluded", value, sizeof(value)) && *value == 'Y') ||
	    (value_of(text, "Blacklisted", value, sizeof(value)) && *value == 'Y'))
		return;
	gpu = add(host, GPU_NVIDIA);
	if (!gpu)
		return;
	gpu->minor = (unsigned)number;
	snprintf(gpu->bdf, sizeof(gpu->bdf), "%.15s", bdf);
	value_of(text, "Model", gpu->name, sizeof(gpu->name));
	/* One that nobody has opened yet has question marks. */
	if (value_of(text, "GPU UUID", value, sizeof(value)) && !strncmp(value, "GPU-", 4) &&
	    strlen(value) < sizeof(gpu->uuid) &&
	    strspn(value + 4, "0123456789abcdef-") == strlen(value + 4))
		strcpy(gpu->uuid, value);
	look_mig(host, gpu);
}

/* Where the driver shows its version and no cards: a container, for one. */
static void look_nvidia_nodes(struct gpu_host *host) {
	char path[32];
	struct gpu *gpu;

	for (unsigned i = 0; i < 32; i++) {
		snprintf(path, sizeof(path), "dev/nvidia%u", i);
		if (host_exists(host->at, path) && (gpu = add(host, GPU_NVIDIA))) {
			gpu->minor = i;
			strcpy(gpu->name, "NVIDIA");
		}
	}
}

static void look_drm(struct gpu_host *host) {
	char path[160], text[GPU_TEXT], driver[32];
	struct gpu_names nodes;
	struct gpu *gpu;

	gpu_list(host->at, "dev/dri", &nodes);
	for (size_t i = 0; i < nodes.n; i++) {
		int64_t minor = strncmp(nodes.name[i], "renderD", 7)
		                        ? -1
		                        : gpu_number(nodes.name[i] + 7, 0xfffff);

		if (minor < 0 || !(gpu = add(host, GPU_DRM)))
			continue;
		gpu->minor = (unsigned)minor;
		strcpy(gpu->name, "DRM");
		snprintf(path, sizeof(path), "sys/class/drm/%s/device/uevent", nodes.name[i]);
		if (host_text(host->at, path, text, sizeof(text)) < 0)
			continue;
		if (value_of(text, "DRIVER", driver, sizeof(driver)))
			snprintf(gpu->name, sizeof(gpu->name), "%s", driver);
		value_of(text, "PCI_SLOT_NAME", gpu->bdf, sizeof(gpu->bdf));
		gpu->second = !strcmp(gpu->name, "nvidia");
	}
}

static bool nvidia_card(int at) {
	char path[160], line[16];
	struct gpu_names cards;
	bool found = false;

	gpu_list(at, "sys/bus/pci/devices", &cards);
	for (size_t i = 0; i < cards.n && !found; i++) {
		snprintf(path, sizeof(path), "sys/bus/pci/devices/%s/vendor", cards.name[i]);
		if (host_line(at, path, line, sizeof(line)) < 0 || strcmp(line, "0x10de") != 0)
			continue;
		snprintf(path, sizeof(path), "sys/bus/pci/devices/%s/class", cards.name[i]);
		found = host_line(at, path, line, sizeof(line)) == 0 && !strncmp(line, "0x03", 4);
	}
	return found;
}

void gpu_look(int at, struct gpu_host *host) {
	char line[256];
	struct gpu_names cards;
	struct gpu *gpu;

	memset(host, 0, sizeof(*host));
	host->at = at;
	if (host_line(at, "proc/driver/nvidia/version", line, sizeof(line)) == 0)
		gpu_driver_version(line, host->driver, sizeof(host->driver));
	gpu_list(at, "proc/driver/nvidia/gpus", &cards);
	for (size_t i = 0; i < cards.n; i++)
		look_nvidia(host, cards.name[i]);
	if (!host->gpus)
		look_nvidia_nodes(host);
	host->nvidia_card = host->gpus || host->driver[0] || nvidia_card(at);
	look_drm(host);
	host->kfd = host_exists(at, "dev/kfd");
	if (host_exists(at, "dev/dxg") && (gpu = add(host, GPU_DXG)))
		strcpy(gpu->name, "of Windows");
}
