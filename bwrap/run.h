/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef CAISSON_BWRAP_RUN_H
#define CAISSON_BWRAP_RUN_H

#include "args.h"
#include "caisson.h"
#include "layout.h"

#define INNER_PATH "/.caisson-bwrap-inner" /* in the sandbox's root, where it is needed */

/* fds.c: what this process was started with, beside its standard streams. */
void inherited_list(struct numbers *fds);
/*
 * Those that no option names go to the program, under the number that they have.
 * *plain: they are 3, 4, ... anyway.
 */
void inherited_pass(const struct args *a, const struct numbers *fds, struct numbers *passed,
                    bool *plain);

/*
 * inner.c is a program of its own, in the sandbox: it does there what only the
 * program's own process can do. Its descriptors.
 */
struct inner {
	bool needed, told; /* told: it says which namespaces it is in, and then waits */
	int report[2];     /* what it says; its end is when the program runs */
	int go[2];         /* to go on, this end is closed */
	struct numbers passed;
};

/* prepare.c: all that the spec says but for the files. */
void prepare(struct args *a, const struct layout *l, const struct numbers *inherited,
             caisson_spec *spec, struct inner *inner);

/* run.c: the exit status. */
int run(const struct args *a, struct layout *l, caisson_spec *spec, struct inner *inner);

/* status.c: --info-fd and --json-status-fd. */
void status_started(const struct args *a, int pid, const char *namespaces);
void status_ended(const struct args *a, int status);

#endif
