/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the parts of caisson_probe_new() share. */
#ifndef CAISSON_LIBCLIENT_PROBE_H
#define CAISSON_LIBCLIENT_PROBE_H

#include <stdbool.h>
#include <stddef.h>

#include "caisson.h"
#include "probe_host.h"
#include "probe_try.h"

#define PROBE_MAX_FINDINGS 24

struct caisson_probe {
	struct caisson_finding findings[PROBE_MAX_FINDINGS];
	size_t count;
	const char *helper;
	bool no_memory;
	bool root; /* euid 0 */
	int at;    /* "/", for files */
	struct host host;
	struct try_userns userns;
	enum caisson_restriction denied;  /* what keeps user namespaces from you */
	enum caisson_restriction blocked; /* what keeps a full sandbox from you */
	bool full;
	bool works[CAISSON_WAY_COUNT]; /* ways that were tried and gave a full sandbox */
	enum caisson_way way[CAISSON_PROPERTY_COUNT];
	const char *by[CAISSON_PROPERTY_COUNT]; /* static storage, or NULL */
	char *json;
};

/* What there is to say of a restriction; static storage. */
struct advice {
	const char *cause, *remedy, *cost, *doc;
};

/* NULL if memory is short. */
char *probe_text(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/*
 * Adds a finding; takes over value and evidence (NULL: memory was short). With a
 * restriction the advice for it comes along.
 */
void probe_add(struct caisson_probe *probe, const char *topic, enum caisson_severity severity,
               enum caisson_restriction restriction, char *value, char *evidence);
/* To the finding added last: another remedy than the advice's; taken over. */
void probe_remedy(struct caisson_probe *probe, char *remedy);
/* To the finding added last: another cause, cost and document, where there is no restriction. */
void probe_advise(struct caisson_probe *probe, const struct advice *advice);

/* probe_advice.c */
void advice_for(enum caisson_restriction restriction, const struct host *host,
                struct advice *advice);

/*
 * probe_cause.c: decides from facts alone. got: what was tried; root: with all of
 * root's capabilities. Into evidence, what decided.
 */
enum caisson_restriction cause_of_userns(const struct host *host, const struct try_userns *got,
                                         bool root, char *evidence, size_t size);
/* Why a helper whose file is well gains too little, or a sandbox was refused with this errno. */
enum caisson_restriction cause_of_refusal(const struct host *host, int error);
/* Why calls that caisson-helper needs are not there; missing: bits of name_calls (names.h). */
enum caisson_restriction cause_of_missing(const struct host *host, unsigned missing);

/* The findings, a few each. */
void probe_find_gpu(struct caisson_probe *probe); /* probe_gpu.c */
/* gpu_probe.c: nothing, where there is none. */
void probe_find_grant(struct caisson_probe *probe);
int gpu_driver_version(char *line, char *version, size_t size);
/* probe_helper.c */
void probe_find_helper(struct caisson_probe *probe);
void probe_find_capabilities(struct caisson_probe *probe);
void probe_find_memory(struct caisson_probe *probe); /* probe_memory.c */
uint64_t memory_limit(int root);
void probe_find_box(struct caisson_probe *probe); /* probe_box.c */

#endif
