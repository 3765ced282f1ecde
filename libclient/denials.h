/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef CAISSON_LIBCLIENT_DENIALS_H
#define CAISSON_LIBCLIENT_DENIALS_H

#include "caisson.h"
#include "protocol/answer.h"

#define DENIALS_MAX 64

/* What init told of denied calls. */
struct denials {
	size_t count;
	struct caisson_denial call[DENIALS_MAX];
};

/* An answer of kind DENIED; d may be NULL, for nobody asked. */
void denials_hear(struct denials *d, const struct caisson_answer *answer);

/* "strict"; NULL if there is no profile of that number. */
const char *seccomp_profile_name(uint64_t number);

#endif
