/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The driver's libraries. Mostly the sandbox sees them anyway, in a /usr that was
 * granted; where it does not, each is granted by itself.
 */
#define _GNU_SOURCE
#include "gpu.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "probe_host.h"

#define OWN "/run/caisson/gpu" /* in the sandbox: where its own tree has no place for one */
#define CACHE "/etc/ld.so.cache"

static bool same_place(const struct spec_op *op) {
	char *source = op->source ? canonical_path(op->source) : NULL;
	bool same = source && !strcmp(source, op->name);

	free(source);
	return same;
}

/* The last record over it decides. */
static enum gpu_place place_of(const struct ops *ops, const char *path, enum gpu_place so_far) {
	for (size_t i = 0; i < ops->n; i++) {
		const struct spec_op *op = &ops->item[i];

		if (op->op < CAISSON_OP_BIND || !op->name || !path_below(path, op->name))
			continue;
		if (op->op == CAISSON_OP_BIND)
			so_far = same_place(op) ? GPU_VISIBLE : GPU_FOREIGN;
		else if (op->op == CAISSON_OP_MASK || op->op == CAISSON_OP_PROC)
			so_far = GPU_FOREIGN;
		else if (op->op == CAISSON_OP_TMPFS)
			so_far = GPU_FREE;
	}
	return so_far;
}

/* Where path leads on the host by its last component, into to; false: it is no link. */
static bool follow(int at, const char *path, char to[PATH_MAX]) {
	char target[PATH_MAX], *slash;
	ssize_t n = readlinkat(at, path + 1, target, sizeof(target) - 1);

	if (n <= 0)
		return false;
	target[n] = '\0';
	if (target[0] == '/')
		return snprintf(to, PATH_MAX, "%s", target) < PATH_MAX;
	strcpy(to, path);
	slash = strrchr(to, '/');
	while (!strncmp(target, "../", 3) && slash > to) {
		memmove(target, target + 3, strlen(target + 3) + 1);
		*slash = '\0';
		slash = strrchr(to, '/');
	}
	slash[1] = '\0';
	if (strlen(to) + strlen(target) >= PATH_MAX)
		return false;
	strcat(to, target);
	return true;
}

enum gpu_place gpu_place(const struct gpu_grant *g, const char *path) {
	char at[PATH_MAX], next[PATH_MAX];
	enum gpu_place first = GPU_FREE;

	snprintf(at, sizeof(at), "%s", path);
	for (int links = 0; links < 8; links++) {
		enum gpu_place here = place_of(&g->seen, at, GPU_FREE);

		here = place_of(&g->ops, at, here);
		if (links == 0)
			first = here;
		if (here != GPU_VISIBLE) /* a link that leads to nothing cannot be mounted on */
			return links ? GPU_FOREIGN : here;
		if (!follow(g->host->at, at, next))
			return first;
		strcpy(at, next);
	}
	return GPU_FOREIGN;
}

int gpu_show(struct gpu_grant *g, const char *source, const char *name) {
	struct spec_op op = { .op = CAISSON_OP_BIND, .flags = CAISSON_BIND_RDONLY, .fd = -1 };

	op.source = (char *)(uintptr_t)source;
	op.name = (char *)(uintptr_t)name;
	return gpu_has(&g->ops, name) ? 0 : ops_add(&g->ops, &op);
}

/* For the variable: each folder once. */
static int add_folder(char **list, const char *path) {
	size_t len = (size_t)(strrchr(path, '/') - path);
	char *more;

	for (const char *at = *list; at && *at; at += strcspn(at, ":"), at += *at == ':')
		if (!strncmp(at, path, len) && (at[len] == ':' || !at[len]))
			return 0;
	if (asprintf(&more, "%s%s%.*s", *list ? *list : "", *list ? ":" : "", (int)len, path) < 0)
		return -ENOMEM;
	free(*list);
	*list = more;
	return 0;
}

/* One library: seen already, at its own place, or at ours. */
static int add_library(struct gpu_grant *g, const char *soname, char **folders) {
	char path[PATH_MAX], own[PATH_MAX], shown[2 * PATH_MAX];
	const char *there = path;
	enum gpu_place place;
	bool cached;
	int rc = 0;

	if (!gpu_find_library(g->host->at, soname, path, &cached))
		return 1;
	place = gpu_place(g, path);
	if (place == GPU_FOREIGN) {
		snprintf(own, sizeof(own), OWN "/%s", soname);
		there = own;
		if (gpu_place(g, own) == GPU_FOREIGN)
			return gpu_leave_out(g,
			                     "%s: the sandbox has trees of its own at its place "
			                     "and at %s",
			                     path, OWN);
	}
	if (place != GPU_VISIBLE)
		rc = gpu_show(g, path, there);
	if (rc == 0 && (place != GPU_VISIBLE || !cached || gpu_place(g, CACHE) != GPU_VISIBLE))
		rc = add_folder(folders, there);
	snprintf(shown, sizeof(shown), there == path ? "%s" : "%s (%s)", there, path);
	return rc ? rc : strings_add(&g->libraries, strdup(shown));
}

static int add_all(struct gpu_grant *g, char **folders) {
	static const char *const sonames[] = { "libcuda.so.1", "libnvidia-ml.so.1",
		                               "libnvidia-ptxjitcompiler.so.1",
		                               "libnvidia-nvvm.so.4" };
	char versioned[64];
	int rc = 0;

	for (size_t i = 0; rc >= 0 && i < sizeof(sonames) / sizeof(sonames[0]); i++) {
		rc = add_library(g, sonames[i], folders);
		if (rc == 1 && i == 0)
			rc = gpu_leave_out(g, "libcuda.so.1: it was not found in /etc/ld.so.cache, "
			                      "nor at the usual places");
	}
	/* Named after the driver; the others ask for exactly theirs. */
	snprintf(versioned, sizeof(versioned), "libnvidia-gpucomp.so.%s", g->host->driver);
	if (rc >= 0 && g->host->driver[0])
		rc = add_library(g, versioned, folders);
	return rc < 0 ? rc : 0;
}

int gpu_libraries(struct gpu_grant *g) {
	static const char wsl[] = "/usr/lib/wsl";
	bool nvidia = false, dxg = false;
	char *folders = NULL, *text;
	int rc = 0;

	for (size_t i = 0; i < g->host->gpus; i++) {
		nvidia |= g->host->gpu[i].granted && g->host->gpu[i].kind == GPU_NVIDIA;
		dxg |= g->host->gpu[i].granted && g->host->gpu[i].kind == GPU_DXG;
	}
	/* On WSL they lie beside Windows' own, which they load. */
	if (dxg && host_exists(g->host->at, wsl + 1) && gpu_place(g, wsl) == GPU_FREE)
		rc = gpu_show(g, wsl, wsl);
	if (rc == 0 && (nvidia || dxg))
		rc = add_all(g, &folders);
	for (size_t i = 0; i < g->env.n && folders; i++)
		if (!strncmp(g->env.item[i], "LD_LIBRARY_PATH=", 16)) { /* CDI's */
			free(folders);
			folders = NULL;
		}
	if (rc == 0 && folders)
		rc = asprintf(&text, "LD_LIBRARY_PATH=%s", folders) < 0
		             ? -ENOMEM
		             : strings_add(&g->env, text);
	free(folders);
	return rc;
}
