/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which GPUs a name means. */
#define _GNU_SOURCE
#include "gpu.h"

#include <errno.h>
#include <string.h>

static const char STAGE[] = "finding the GPU";
static const char KNOB[] = "--gpu, caisson_spec_gpu()";

int gpu_wish_ok(const char *wish) {
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				      "0123456789-_.:/=";
	size_t len = strlen(wish);

	return len > 0 && len <= GPU_WISH_MAX && strspn(wish, allowed) == len ? 0 : -EINVAL;
}

void gpu_describe(const struct gpu_host *host, char *text, size_t size) {
	size_t used = 0;
	unsigned index = 0;

	text[0] = '\0';
	for (size_t i = 0; i < host->gpus && used < size; i++) {
		const struct gpu *gpu = &host->gpu[i];
		char node[24] = "dxg";

		if (gpu->kind != GPU_DXG)
			snprintf(node, sizeof(node), "%s%u",
			         gpu->kind == GPU_DRM ? "renderD" : "nvidia", gpu->minor);
		if (gpu->second)
			continue;
		used += (size_t)snprintf(text + used, size - used, "%s%u: %s%s%s (%s%s)",
		                         used ? "; " : "", index, gpu->name,
		                         gpu->uuid[0] ? " " : "", gpu->uuid, node,
		                         gpu->migs ? ", divided by MIG" : "");
		for (unsigned j = 0; gpu->migs && j < gpu->migs && used < size; j++)
			used += (size_t)snprintf(text + used, size - used, "%s%u/%u/%u",
			                         j ? ", " : ": ", index, gpu->mig[j].gi,
			                         gpu->mig[j].ci);
		index++;
	}
}

static int none_at_all(const struct gpu_host *host, const char *wish, caisson_error **err) {
	return error_set(
		err, ENODEV, STAGE, host->nvidia_card ? "nvidia-modprobe" : "",
		host->nvidia_card ? "as root, load the driver: nvidia-modprobe, or modprobe nvidia"
				  : "see what caisson doctor says of this host's GPU",
		host->nvidia_card ? "GPU %s: there is an NVIDIA card, and no driver drives it: "
				    "/proc/driver/nvidia shows none"
				  : "GPU %s: this host has none: no /proc/driver/nvidia, "
				    "no /dev/dri/renderD*, no /dev/dxg",
		wish);
}

static int no_such(const struct gpu_host *host, const char *wish, caisson_error **err) {
	char text[1024];

	if (!host->gpus)
		return none_at_all(host, wish, err);
	gpu_describe(host, text, sizeof(text));
	return error_set(err, ENODEV, STAGE, KNOB,
	                 "name one of those; caisson doctor lists them, too",
	                 "there is no GPU %s here, but %s", wish, text);
}

static void mark(struct gpu *gpu) {
	gpu->granted = true;
	gpu->mig_granted = gpu->migs < 32 ? (1u << gpu->migs) - 1 : UINT32_MAX;
}

/* The one that the first len bytes of wish mean, by number, UUID, address or node. */
static struct gpu *find(struct gpu_host *host, const char *wish, size_t len) {
	char word[GPU_WISH_MAX + 1], node[24];
	int64_t number;

	snprintf(word, sizeof(word), "%.*s", (int)len, wish);
	number = gpu_number(word, GPU_MAX);
	for (size_t i = 0; i < host->gpus; i++) {
		struct gpu *gpu = &host->gpu[i];

		snprintf(node, sizeof(node), "renderD%u", gpu->minor);
		if ((gpu->uuid[0] && !strcmp(word, gpu->uuid)) ||
		    (gpu->bdf[0] && !gpu->second && !strcasecmp(word, gpu->bdf)) ||
		    (gpu->kind == GPU_DRM && !strcmp(word, node)) ||
		    (number >= 0 && !gpu->second && number-- == 0))
			return gpu;
	}
	return NULL;
}

static int divided(const struct gpu_host *host, const char *wish, caisson_error **err) {
	char text[1024];

	gpu_describe(host, text, sizeof(text));
	return error_set(err, EINVAL, STAGE, KNOB,
	                 "name one of its instances, as GPU/GPU-INSTANCE/COMPUTE-INSTANCE "
	                 "(0/1/0), or say all",
	                 "GPU %s is divided by MIG, and whole it cannot be granted: %s", wish,
	                 text);
}

/* "0/1/0", "GPU-.../1/0", "MIG-GPU-.../1/0": the place of the first slash is after len bytes. */
static int choose_instance(struct gpu_host *host, const char *wish, size_t len,
                           caisson_error **err) {
	const char *from = strncmp(wish, "MIG-GPU-", 8) ? wish : wish + 4;
	struct gpu *gpu = find(host, from, len - (size_t)(from - wish));
	const char *second = strchr(wish + len + 1, '/');
	char first[8] = "";
	int64_t gi, ci;

	if (second && second - (wish + len + 1) < (ptrdiff_t)sizeof(first))
		snprintf(first, sizeof(first), "%.*s", (int)(second - (wish + len + 1)),
		         wish + len + 1);
	gi = gpu_number(first, 255);
	ci = second ? gpu_number(second + 1, 255) : -1;
	if (!gpu || gi < 0 || ci < 0)
		return no_such(host, wish, err);
	for (unsigned i = 0; i < gpu->migs; i++)
		if (gpu->mig[i].gi == gi && gpu->mig[i].ci == ci) {
			gpu->granted = true;
			gpu->mig_granted |= 1u << i;
			return 0;
		}
	return no_such(host, wish, err);
}

int gpu_choose(struct gpu_host *host, const char *wish, caisson_error **err) {
	size_t len = strcspn(wish, "/");
	struct gpu *gpu;

	if (!strcmp(wish, "all")) {
		for (size_t i = 0; i < host->gpus; i++)
			if (!host->gpu[i].second)
				mark(&host->gpu[i]);
		return host->gpus ? 0 : none_at_all(host, wish, err);
	}
	if (wish[len])
		return choose_instance(host, wish, len, err);
	/* Which instance has which UUID only the driver knows, and CDI's files, which it wrote. */
	if (!strncmp(wish, "MIG-", 4))
		return error_set(err, ENODEV, STAGE, KNOB,
		                 "name it as GPU/GPU-INSTANCE/COMPUTE-INSTANCE (nvidia-smi mig "
		                 "-lci shows them), or have nvidia-ctk cdi generate "
		                 "--device-name-strategy=uuid name it for CDI",
		                 "%s: no file says which instance of MIG's has this UUID", wish);
	gpu = find(host, wish, len);
	if (!gpu)
		return no_such(host, wish, err);
	if (gpu->migs)
		return divided(host, wish, err);
	mark(gpu);
	return 0;
}
