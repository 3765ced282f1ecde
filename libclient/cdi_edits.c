/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a CDI file says of a device, as grants. Only what the policy then allows
 * comes of it: nodes and files go through the helper as any other. Hooks are
 * programs; none is run.
 */
#define _GNU_SOURCE
#include "cdi.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static const char STAGE[] = "reading CDI's files";

static int wrong(const char *from, const char *what, const char *text, caisson_error **err) {
	return error_set(err, EINVAL, STAGE, from, "as root, mend that file", "%s: \"%s\": %s",
	                 from, text, what);
}

static int short_of(int rc, caisson_error **err) {
	return rc < 0 ? error_set(err, -rc, STAGE, "", "", "%s", strerror(-rc)) : 0;
}

/* Absolute, without "..", blanks squeezed out of it; plain bytes only. */
static bool plain_path(const char *path) {
	char *canonical = canonical_path(path);
	bool plain = canonical && !strcmp(canonical, path);

	for (const char *c = path; plain && *c; c++)
		plain = *c > ' ' && *c != 0x7f;
	free(canonical);
	return plain;
}

/* A number that may be missing: *number stays as it is. */
static int number(const struct cdi_tree *tree, uint32_t map, const char *key, uint32_t *to) {
	uint32_t value = cdi_get(tree, map, key);
	int64_t n;

	if (!value || tree->value[value].kind == CDI_NULL)
		return 0;
	n = gpu_number(cdi_text(tree, value), UINT32_MAX - 1);
	if (n < 0)
		return -EINVAL;
	*to = (uint32_t)n;
	return 0;
}

/* What no computation needs. */
static bool unneeded(const char *name) {
	return !strcmp(name, "/dev/nvidia-uvm-tools") || !strcmp(name, "/dev/nvidia-modeset") ||
	       !strncmp(name, "/dev/dri/card", 13);
}

/* Marks the GPU, or its instance, that a node is of: its files and libraries come along. */
static void mark(struct gpu_host *host, const char *name) {
	for (size_t i = 0; i < host->gpus; i++) {
		struct gpu *gpu = &host->gpu[i];
		char node[48];

		snprintf(node, sizeof(node),
		         gpu->kind == GPU_DRM ? "/dev/dri/renderD%u" : "/dev/nvidia%u", gpu->minor);
		if (gpu->kind == GPU_DXG ? !strcmp(name, "/dev/dxg") : !strcmp(name, node))
			gpu->granted = true;
		for (unsigned j = 0; j < gpu->migs; j++) {
			snprintf(node, sizeof(node), "/dev/nvidia-caps/nvidia-cap%u",
			         gpu->mig[j].ci_cap);
			if (!strcmp(name, node))
				gpu->mig_granted |= 1u << j;
		}
	}
}

static int device_node(struct gpu_grant *g, const struct cdi_tree *tree, uint32_t node,
                       const char *from, caisson_error **err) {
	const char *name = cdi_text(tree, cdi_get(tree, node, "path"));
	const char *source = cdi_text(tree, cdi_get(tree, node, "hostPath"));
	const char *type = cdi_text(tree, cdi_get(tree, node, "type"));
	uint32_t major = UINT32_MAX, minor = UINT32_MAX;

	if (!*source)
		source = name;
	if (!plain_path(name) || strncmp(name, "/dev/", 5) != 0 || !plain_path(source) ||
	    strncmp(source, "/dev/", 5) != 0)
		return wrong(from, "a device node lies below /dev", name, err);
	if (*type && strcmp(type, "c") != 0 && strcmp(type, "u") != 0)
		return wrong(from, "only character devices are granted", name, err);
	if (number(tree, node, "major", &major) < 0 || number(tree, node, "minor", &minor) < 0)
		return wrong(from, "its numbers are none", name, err);
	if (unneeded(name))
		return short_of(gpu_leave_out(g, "%s (CDI): no computation needs it", name), err);
	mark(g->host, source);
	return gpu_node(g, source, name, major, minor, err);
}

static int environment(struct gpu_grant *g, const char *text, const char *from,
                       caisson_error **err) {
	size_t name = strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
	                           "0123456789_");

	if (!name || text[name] != '=')
		return wrong(from, "env has NAME=VALUE", text, err);
	for (size_t i = 0; i < g->env.n; i++)
		if (!strncmp(g->env.item[i], text, name + 1))
			return 0;
	return short_of(strings_add(&g->env, strdup(text)), err);
}

static bool starts(const char *text, const char *with) {
	return !strncmp(text, with, strlen(with));
}

/* Why a mount is not for a sandbox; NULL: it is. */
static const char *unwanted(const struct gpu_grant *g, const char *source, const char *name,
                            const char *type) {
	struct stat st;

	if (*type && strcmp(type, "bind") != 0 && strcmp(type, "none") != 0)
		return "only binds are granted";
	if (starts(name, "/lib/firmware/") || starts(name, "/usr/lib/firmware/"))
		return "the kernel reads firmware, and no program";
	if (fstatat(g->host->at, source + 1, &st, 0) < 0)
		return "the host has it not";
	if (S_ISSOCK(st.st_mode) || starts(strrchr(name, '/') + 1, "nvidia-mps"))
		return "a way to a process of the host's";
	if (!S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode))
		return "neither a file nor a folder";
	return gpu_place(g, name) == GPU_FOREIGN ? "the sandbox has a tree of its own there" : NULL;
}

static int mount_entry(struct gpu_grant *g, const struct cdi_tree *tree, uint32_t mount,
                       const char *from, caisson_error **err) {
	const char *source = cdi_text(tree, cdi_get(tree, mount, "hostPath"));
	const char *name = cdi_text(tree, cdi_get(tree, mount, "containerPath"));
	const char *type = cdi_text(tree, cdi_get(tree, mount, "type")), *why;

	if (!plain_path(source) || !plain_path(name))
		return wrong(from, "a mount has hostPath and containerPath, both absolute",
		             *source ? source : name, err);
	if (!strcmp(source, name) && gpu_place(g, name) == GPU_VISIBLE)
		return 0;
	why = unwanted(g, source, name, type);
	if (!why && gpu_place(g, name) == GPU_VISIBLE)
		why = "the sandbox has the host's own there";
	if (why)
		return short_of(gpu_leave_out(g, "%s (CDI): %s", name, why), err);
	return short_of(gpu_show(g, source, name), err);
}

/* Programs that prepare a container, and what else is for container engines. */
static int others(struct gpu_grant *g, const struct cdi_tree *tree, uint32_t edits,
                  caisson_error **err) {
	static const char *const ignored[] = { "additionalGids", "intelRdt", "netDevices" };
	int rc = 0;

	for (uint32_t i = cdi_first(tree, cdi_get(tree, edits, "hooks")); i && rc == 0;
	     i = tree->value[i].next) {
		uint32_t args = cdi_first(tree, cdi_get(tree, i, "args"));
		const char *what = args ? cdi_text(tree, tree->value[args].next) : "";

		rc = gpu_leave_out(g, "hook %s %s (CDI): hooks are not run",
		                   cdi_text(tree, cdi_get(tree, i, "path")), what);
	}
	for (size_t i = 0; i < sizeof(ignored) / sizeof(ignored[0]) && rc == 0; i++)
		if (cdi_get(tree, edits, ignored[i]))
			rc = gpu_leave_out(g, "%s (CDI): it is not for sandboxes", ignored[i]);
	return short_of(rc, err);
}

int cdi_edits(struct gpu_grant *g, const struct cdi_tree *tree, uint32_t edits, const char *from,
              caisson_error **err) {
	int rc = 0;

	for (uint32_t i = cdi_first(tree, cdi_get(tree, edits, "deviceNodes")); i && rc == 0;
	     i = tree->value[i].next)
		rc = device_node(g, tree, i, from, err);
	for (uint32_t i = cdi_first(tree, cdi_get(tree, edits, "mounts")); i && rc == 0;
	     i = tree->value[i].next)
		rc = mount_entry(g, tree, i, from, err);
	for (uint32_t i = cdi_first(tree, cdi_get(tree, edits, "env")); i && rc == 0;
	     i = tree->value[i].next)
		rc = environment(g, cdi_text(tree, i), from, err);
	return rc ? rc : others(g, tree, edits, err);
}
