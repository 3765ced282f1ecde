/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What AMD's ROCm reads of the topology that amdkfd shows: processors, granted
 * GPUs, and the links between them. ROCm counts the folders, so that a GPU which is
 * not granted leaves an empty node in its place; caches it works out without files.
 */
#define _GNU_SOURCE
#include "gpu.h"

#include <stdlib.h>
#include <string.h>

#include "probe_host.h"

#define TOPOLOGY "/sys/devices/virtual/kfd/kfd/topology"
#define NODES TOPOLOGY "/nodes"
#define NODES_MAX 32u
#define PARTS_MAX 16u /* memory banks or links of a node */

/* The host's file at its usual name; both lead to the same. */
static int read_topology(const struct gpu_grant *g, const char *rest, char *text, size_t size) {
	char path[160];

	snprintf(path, sizeof(path), TOPOLOGY "/%s", rest);
	if (host_text(g->host->at, path + 1, text, size) == 0)
		return 0;
	snprintf(path, sizeof(path), "sys/class/kfd/kfd/topology/%s", rest);
	return host_text(g->host->at, path, text, size);
}

static int put(struct gpu_grant *g, const char *rest, const char *text) {
	char name[160];

	snprintf(name, sizeof(name), TOPOLOGY "/%s", rest);
	return gpu_file(g, name, text);
}

/* The number behind "key " on a line of its own; -1 if there is none. */
static int64_t number_of(const char *text, const char *key) {
	size_t len = strlen(key);
	char word[24];

	for (const char *line = text; line; line = strchr(line, '\n')) {
		line += *line == '\n';
		if (!strncmp(line, key, len) && line[len] == ' ') {
			snprintf(word, sizeof(word), "%.*s", (int)strcspn(line + len + 1, "\n"),
			         line + len + 1);
			return gpu_number(word, UINT32_MAX);
		}
	}
	return -1;
}

/* text with another number behind these keys, into out. */
static void rewrite(const char *text, const char *const keys[], const unsigned value[], char *out,
                    size_t size) {
	size_t used = 0;

	for (const char *line = text; *line && used < size;) {
		size_t len = strcspn(line, "\n"), i = 0;

		while (keys[i] && (strncmp(line, keys[i], strlen(keys[i])) != 0 ||
		                   line[strlen(keys[i])] != ' '))
			i++;
		if (keys[i])
			used += (size_t)snprintf(out + used, size - used, "%s %u\n", keys[i],
			                         value[i]);
		else
			used += (size_t)snprintf(out + used, size - used, "%.*s\n", (int)len, line);
		line += len + (line[len] == '\n');
	}
}

/* May the sandbox know of this node: a processor, or a GPU that is granted? */
static bool shown(const struct gpu_grant *g, unsigned node) {
	char rest[64], text[GPU_TEXT];
	int64_t minor;

	snprintf(rest, sizeof(rest), "nodes/%u/properties", node);
	if (read_topology(g, rest, text, sizeof(text)) < 0)
		return false;
	minor = number_of(text, "drm_render_minor");
	for (size_t i = 0; i < g->host->gpus; i++)
		if (g->host->gpu[i].kind == GPU_DRM && g->host->gpu[i].minor == minor)
			return g->host->gpu[i].granted;
	return number_of(text, "simd_count") <= 0;
}

/* Copies "nodes/N/KIND/0..", numbered anew without those that lead to what is not shown. */
static int parts(struct gpu_grant *g, unsigned node, const char *kind, unsigned *kept) {
	char rest[96], text[GPU_TEXT];
	int rc = 0;

	*kept = 0;
	for (unsigned i = 0; rc == 0 && i < PARTS_MAX; i++) {
		int64_t to;

		snprintf(rest, sizeof(rest), "nodes/%u/%s/%u/properties", node, kind, i);
		if (read_topology(g, rest, text, sizeof(text)) < 0)
			break;
		to = number_of(text, "node_to");
		if (to >= 0 && (to >= NODES_MAX || !shown(g, (unsigned)to)))
			continue;
		snprintf(rest, sizeof(rest), "nodes/%u/%s/%u/properties", node, kind, (*kept)++);
		rc = put(g, rest, text);
	}
	return rc;
}

static int show_node(struct gpu_grant *g, unsigned node) {
	static const char *const plain[] = { "gpu_id", "name" };
	static const char *const keys[] = { "mem_banks_count", "io_links_count", "caches_count",
		                            "p2p_links_count", NULL };
	char rest[64], text[GPU_TEXT], out[GPU_TEXT + 64];
	unsigned value[4] = { 0 };
	int rc = parts(g, node, "mem_banks", &value[0]);

	rc = rc ? rc : parts(g, node, "io_links", &value[1]);
	for (size_t i = 0; rc == 0 && i < 2; i++) {
		snprintf(rest, sizeof(rest), "nodes/%u/%s", node, plain[i]);
		if (read_topology(g, rest, text, sizeof(text)) == 0)
			rc = put(g, rest, text);
	}
	snprintf(rest, sizeof(rest), "nodes/%u/properties", node);
	if (rc < 0 || read_topology(g, rest, text, sizeof(text)) < 0)
		return rc;
	out[0] = '\0';
	rewrite(text, keys, value, out, sizeof(out));
	return put(g, rest, out);
}

static int hide_node(struct gpu_grant *g, unsigned node) {
	char rest[64];
	int rc;

	snprintf(rest, sizeof(rest), "nodes/%u/gpu_id", node);
	rc = put(g, rest, "0\n");
	snprintf(rest, sizeof(rest), "nodes/%u/properties", node);
	return rc ? rc : put(g, rest, "cpu_cores_count 0\nsimd_count 0\n");
}

int gpu_kfd_files(struct gpu_grant *g) {
	static const char *const plain[] = { "generation_id", "system_properties" };
	struct spec_op link = { .op = CAISSON_OP_SYMLINK, .fd = -1 };
	char rest[64], text[GPU_TEXT];
	int rc = 0;

	if (!gpu_has(&g->ops, "/dev/kfd"))
		return 0;
	for (size_t i = 0; rc == 0 && i < 2; i++)
		if (read_topology(g, plain[i], text, sizeof(text)) == 0)
			rc = put(g, plain[i], text);
	for (unsigned node = 0; rc == 0 && node < NODES_MAX; node++) {
		snprintf(rest, sizeof(rest), "nodes/%u/gpu_id", node);
		if (read_topology(g, rest, text, sizeof(text)) < 0)
			break;
		rc = shown(g, node) ? show_node(g, node) : hide_node(g, node);
	}
	link.name = (char *)(uintptr_t) "/sys/class/kfd/kfd";
	link.target = (char *)(uintptr_t) "/sys/devices/virtual/kfd/kfd";
	return rc ? rc : ops_add(&g->ops, &link);
}
