/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef CAISSON_CLI_SUPERVISE_H
#define CAISSON_CLI_SUPERVISE_H

#include "caisson.h"

struct run {
	caisson_spec *spec;
	const char *report; /* NULL: none; "-": standard error */
	int report_fd;      /* supervise.c's own */
};

/* Spawn, report, forward signals, wait. The exit status of caisson run. */
int run_to_its_end(struct run *run);

#endif
