/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the report says of GPUs: docs/report.md. */
#define _GNU_SOURCE
#include "gpu.h"

#include <stdlib.h>
#include <string.h>

static void put_list(FILE *to, const char *name, const struct strings *list) {
	fprintf(to, ", \"%s\": [", name);
	for (size_t i = 0; i < list->n; i++) {
		fputs(i ? ", " : "", to);
		report_string(to, list->item[i]);
	}
	fputc(']', to);
}

/* The places in the sandbox of all records of a kind. */
static void put_ops(FILE *to, const char *name, const struct ops *ops, uint16_t kind) {
	const char *between = "";

	fprintf(to, ", \"%s\": [", name);
	for (size_t i = 0; i < ops->n; i++) {
		if (ops->item[i].op != kind)
			continue;
		fputs(between, to);
		report_string(to, ops->item[i].name);
		between = ", ";
	}
	fputc(']', to);
}

static void put_gpu(FILE *to, const struct gpu *gpu) {
	static const char *const kinds[] = { "nvidia", "drm", "dxg" };
	const char *between = "";

	fprintf(to, "{ \"kind\": \"%s\", \"name\": ", kinds[gpu->kind]);
	report_string(to, gpu->name);
	fputs(", \"uuid\": ", to);
	report_string(to, gpu->uuid);
	fputs(", \"pci\": ", to);
	report_string(to, gpu->bdf);
	fputs(", \"mig\": [", to);
	for (unsigned i = 0; i < gpu->migs; i++) {
		if (!(gpu->mig_granted >> i & 1))
			continue;
		fprintf(to, "%s\"%u/%u\"", between, gpu->mig[i].gi, gpu->mig[i].ci);
		between = ", ";
	}
	fputs("] }", to);
}

char *gpu_json(const struct gpu_spec *gpu) {
	const struct gpu_grant *g = &gpu->grant;
	const char *between = "";
	char *text = NULL;
	size_t size;
	FILE *to = open_memstream(&text, &size);

	if (!to)
		return NULL;
	fputs("{ \"asked\": [", to);
	for (size_t i = 0; i < gpu->wish.n; i++) {
		fputs(i ? ", " : "", to);
		report_string(to, gpu->wish.item[i]);
	}
	fputs("], \"driver\": ", to);
	report_string(to, g->host->driver);
	fputs(",\n    \"devices\": [", to);
	for (size_t i = 0; i < g->host->gpus; i++) {
		if (!g->host->gpu[i].granted)
			continue;
		fputs(between, to);
		put_gpu(to, &g->host->gpu[i]);
		between = ", ";
	}
	fputs("]\n   ", to);
	put_ops(to, "nodes", &g->ops, CAISSON_OP_DEVICE);
	put_list(to, "libraries", &g->libraries);
	fputs("\n   ", to);
	put_ops(to, "binds", &g->ops, CAISSON_OP_BIND);
	put_ops(to, "files", &g->ops, CAISSON_OP_FILE);
	fputs("\n   ", to);
	put_list(to, "environment", &g->env);
	put_list(to, "left_out", &g->left_out);
	fputs(" }", to);
	if (fclose(to) == 0)
		return text;
	free(text);
	return NULL;
}
