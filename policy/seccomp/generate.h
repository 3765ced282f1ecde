/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef CAISSON_GENERATE_H
#define CAISSON_GENERATE_H

#include "floor.h"

struct settings {
	enum floor_arch arch;
	const char *dir; /* of the profiles */
};

/* header.c: 0, or -1 and it is said why. */
int write_header(FILE *out, const struct settings *s);
int write_names(FILE *out, const struct settings *s);

#endif
