/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef CAISSON_CLI_SUPERVISE_H
#define CAISSON_CLI_SUPERVISE_H

#include <stdbool.h>

#include "caisson.h"

struct run {
	caisson_spec *spec;
	const char *name;        /* under which others find it; NULL: none */
	const char *report;      /* NULL: none; "-": standard error */
	int report_fd;           /* supervise.c's own */
	uint32_t uid, gid;       /* inside; CAISSON_CALLER_ID: as it is */
	uint32_t subuid, subgid; /* 0: none */
	bool limited;            /* it has a cgroup of its own */
	bool explain;            /* what was denied is told */
};

/* Spawn, report, forward signals, wait. The exit status of caisson run. */
int run_to_its_end(struct run *run);

/* The options of caisson run, into run->spec: as cli_parse(). */
int run_parse(struct run *run, int argc, char **argv, int *rest);

/* For caisson exec too: the standard streams, as they are passed to a program. */
void run_streams(caisson_spec *spec);
/* Say why there is no program, and the exit status for it; that of a wait status. */
int run_failure(const caisson_error *err);
int run_result(int status);
/* "NAME=VALUE" for spec; 0, or -1 and it is said what is wrong. */
int run_setenv(caisson_spec *spec, const char *command, const char *value);
int run_keep_env(caisson_spec *spec, const char *command, const char *value);

#endif
