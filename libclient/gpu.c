/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* caisson_spec_gpu(): from names to records of the plan. */
#define _GNU_SOURCE
#include "gpu.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cdi.h"

static const char STAGE[] = "finding the GPU";

int gpu_leave_out(struct gpu_grant *g, const char *fmt, ...) {
	char *text;
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vasprintf(&text, fmt, ap);
	va_end(ap);
	return n < 0 ? -ENOMEM : strings_add(&g->left_out, text);
}

int caisson_spec_gpu(caisson_spec *spec, const char *which) {
	char *copy;

	if (!which || (strcmp(which, "none") != 0 && gpu_wish_ok(which) < 0))
		return spec_note(spec, -EINVAL, "GPU", which);
	if (!strcmp(which, "none")) {
		gpu_spec_free(spec->gpu);
		spec->gpu = NULL;
		return 0;
	}
	if (!spec->gpu)
		spec->gpu = calloc(1, sizeof(*spec->gpu));
	copy = spec->gpu ? strdup(which) : NULL;
	if (!copy)
		return spec_note(spec, -ENOMEM, "GPU", which);
	/* What a later default denies, GPUs may still need. */
	if (spec->seccomp.a == 0)
		caisson_spec_seccomp(spec, "gpu");
	return spec_note(spec, strings_add(&spec->gpu->wish, copy), "GPU", which);
}

void gpu_grant_clear(struct gpu_grant *grant) {
	ops_clear(&grant->seen);
	ops_clear(&grant->ops);
	strings_clear(&grant->env);
	strings_clear(&grant->libraries);
	strings_clear(&grant->left_out);
}

void gpu_spec_free(struct gpu_spec *gpu) {
	if (!gpu)
		return;
	strings_clear(&gpu->wish);
	gpu_grant_clear(&gpu->grant);
	free(gpu->json);
	free(gpu);
}

int gpu_resolve(const caisson_spec *spec, struct gpu_grant *g, caisson_error **err) {
	int rc = plan_layout(spec, &g->seen);

	if (rc < 0)
		return error_set(err, -rc, STAGE, "", "", "%s", strerror(-rc));
	g->others = spec->subids.op != 0;
	for (size_t i = 0; rc == 0 && i < spec->gpu->wish.n; i++) {
		const char *wish = spec->gpu->wish.item[i];

		rc = strchr(wish, '=') ? cdi_grant(g, wish, err) : gpu_choose(g->host, wish, err);
	}
	rc = rc ? rc : gpu_nodes(g, err);
	if (rc < 0)
		return rc;
	rc = gpu_files(g);
	rc = rc ? rc : gpu_libraries(g);
	return rc < 0 ? error_set(err, -rc, STAGE, "", "", "cannot grant the GPU: %s",
	                          strerror(-rc))
	              : 0;
}

int gpu_prepare(caisson_spec *spec, caisson_error **err) {
	struct gpu_host *host;
	struct gpu_grant *g;
	int at, rc;

	if (!spec->gpu)
		return 0;
	g = &spec->gpu->grant;
	gpu_grant_clear(g);
	free(spec->gpu->json);
	spec->gpu->json = NULL;
	host = malloc(sizeof(*host));
	at = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	*g = (struct gpu_grant){ .host = host, .real = true };
	if (!host || at < 0) {
		rc = error_set(err, ENOMEM, STAGE, "", "", "out of memory or of descriptors");
	} else {
		gpu_look(at, host);
		rc = gpu_resolve(spec, g, err);
	}
	if (rc == 0 && !(spec->gpu->json = gpu_json(spec->gpu)))
		rc = error_set(err, ENOMEM, STAGE, "", "", "out of memory");
	ops_clear(&g->seen);
	g->host = NULL;
	free(host);
	if (at >= 0)
		close(at);
	return rc;
}
