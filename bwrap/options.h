/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the parser knows of an option. */
#ifndef CAISSON_BWRAP_OPTIONS_H
#define CAISSON_BWRAP_OPTIONS_H

#include "args.h"

/* ONE: bubblewrap says "one argument", not "an argument". */
enum { PERMS = 1, SIZE = 2, MODIFIER = 4, ONE = 8 };

struct option {
	const char *name;
	unsigned takes; /* arguments */
	unsigned flags;
	void (*apply)(struct args *a, const struct option *o, char **v);
	uint64_t set; /* for apply */
};

/* NULL: there is none of that name. */
const struct option *option_find(const char *name);
/* A descriptor's number; it is an option's from here on, and not passed to the program. */
int option_fd(struct args *a, const char *text);

#endif
