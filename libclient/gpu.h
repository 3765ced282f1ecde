/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Graphics processors for a sandbox: what the host has, what is asked for, and the
 * records that grant it. Files are read below a directory that stands for "/", so
 * that tests read those of other hosts by the same code. No driver is called.
 */
#ifndef CAISSON_LIBCLIENT_GPU_H
#define CAISSON_LIBCLIENT_GPU_H

#include <limits.h>
#include <stdio.h>

#include "internal.h"

#define GPU_MAX 64       /* of a host */
#define GPU_MIG_MAX 32   /* compute instances of one GPU */
#define GPU_TEXT 8192    /* of a file of the driver's */
#define GPU_WISH_MAX 128 /* bytes of a name that is asked for */

enum gpu_kind {
	GPU_NVIDIA, /* /dev/nvidiaN */
	GPU_DRM,    /* /dev/dri/renderDN */
	GPU_DXG,    /* /dev/dxg: those of Windows, all of them */
};

/* A compute instance of MIG's, and its nodes in /dev/nvidia-caps. */
struct gpu_mig {
	unsigned gi, ci;         /* as nvidia-smi mig has them */
	unsigned gi_cap, ci_cap; /* /dev/nvidia-caps/nvidia-capN */
};

struct gpu {
	enum gpu_kind kind;
	bool second; /* the render node of an NVIDIA GPU: to be had by its own name only */
	bool granted;
	unsigned minor; /* of its node */
	char name[64];  /* "NVIDIA H200", "amdgpu" */
	char uuid[48];  /* "GPU-..."; "": not known */
	char bdf[16];   /* "0000:01:00.0"; "": not known */
	struct gpu_mig mig[GPU_MIG_MAX];
	unsigned migs;
	uint32_t mig_granted; /* bits */
};

struct gpu_host {
	int at;
	struct gpu gpu[GPU_MAX]; /* NVIDIA's in the order of their PCI addresses, then others */
	size_t gpus;
	char driver[32];  /* NVIDIA's version; "": none is loaded */
	bool nvidia_card; /* there is one, whether a driver drives it or not */
	bool kfd;
};

/* What is granted: filled in wish by wish. */
struct gpu_grant {
	struct gpu_host *host;
	bool real;   /* false in tests: nodes are plain files, and files nobody's in particular */
	bool others; /* somebody else will open the nodes: a subordinate user */
	struct ops seen;    /* of the sandbox without all this */
	struct ops ops;     /* records to be */
	struct strings env; /* "NAME=VALUE", where the spec does not say otherwise */
	struct strings libraries;
	struct strings left_out; /* of what was asked for or may be expected, with the reason */
};

/* Of a spec. */
struct gpu_spec {
	struct strings wish;
	struct gpu_grant grant; /* of the spawn that goes on; host is NULL then */
	char *json;             /* what the report says of it */
};

/* ---- gpu_host.c */
void gpu_look(int at, struct gpu_host *host);
struct gpu_names {
	char name[128][96];
	size_t n;
};
/* Names in a folder, sorted; those beyond, too long or with a dot in front are not among them. */
void gpu_list(int at, const char *path, struct gpu_names *names);
/* The number of a driver's devices in /proc/devices, or -1. */
int gpu_major(int at, const char *driver);
/* Digits only, at most max; -1 if it is anything else. */
int64_t gpu_number(const char *text, uint32_t max);

/* ---- gpu_name.c */
/* 0 if it can be the name of one: its form alone. */
int gpu_wish_ok(const char *wish);
/* Marks what is meant. wish: not a CDI name. */
int gpu_choose(struct gpu_host *host, const char *wish, caisson_error **err);
/* "GPU 0 (NVIDIA H200, GPU-...), ..." */
void gpu_describe(const struct gpu_host *host, char *text, size_t size);

/* ---- gpu_node.c */
/* The nodes of all that is marked. */
int gpu_nodes(struct gpu_grant *g, caisson_error **err);
/* One, at the same place in the sandbox. number: UINT32_MAX, or what it has to be. */
int gpu_node(struct gpu_grant *g, const char *source, const char *name, uint32_t major,
             uint32_t minor, caisson_error **err);
bool gpu_has(const struct ops *ops, const char *name);

/* ---- gpu_file.c, gpu_kfd.c */
/* Copies of what drivers' libraries read of /proc and /sys, for what is granted. */
int gpu_files(struct gpu_grant *g);
int gpu_file(struct gpu_grant *g, const char *name, const char *text);
int gpu_kfd_files(struct gpu_grant *g);

/* ---- gpu_library.c, gpu_cache.c */
int gpu_libraries(struct gpu_grant *g);
enum gpu_place { GPU_VISIBLE, GPU_FREE, GPU_FOREIGN };
/* Is the host's path the same in the sandbox; is nothing of the host's there; or what else is? */
enum gpu_place gpu_place(const struct gpu_grant *g, const char *path);
/* A file or folder of the host's, where the sandbox has it not already. */
int gpu_show(struct gpu_grant *g, const char *source, const char *name);
/* The next entry for soname of a cache of size bytes and a zero behind it, from *i on; NULL: none. */
const char *gpu_cache_next(const char *text, size_t size, const char *soname, uint32_t *i);
/* Where the dynamic linker finds soname. cached: by its cache. */
bool gpu_find_library(int at, const char *soname, char path[PATH_MAX], bool *cached);

/* ---- gpu.c */
/* Before a spawn, or an explanation: what spec asks for, looked up on this host now. */
int gpu_prepare(caisson_spec *spec, caisson_error **err);
/* The same on host at; grant->host and real are set. */
int gpu_resolve(const caisson_spec *spec, struct gpu_grant *grant, caisson_error **err);
void gpu_grant_clear(struct gpu_grant *grant);
void gpu_spec_free(struct gpu_spec *gpu);
__attribute__((format(printf, 2, 3))) int gpu_leave_out(struct gpu_grant *g, const char *fmt, ...);

/* ---- gpu_report.c: an object for the report; NULL if memory is short. */
char *gpu_json(const struct gpu_spec *gpu);

#endif
