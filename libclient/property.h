/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef CAISSON_LIBCLIENT_PROPERTY_H
#define CAISSON_LIBCLIENT_PROPERTY_H

#include <stdbool.h>

#include "caisson.h"
#include "protocol/answer.h"
#include "protocol/properties.h"

/* What the answer does not tell: what was asked for. */
struct property_asked {
	enum caisson_network network;
	enum caisson_user_namespace userns;
	enum caisson_landlock landlock;
	enum caisson_via via; /* that was taken */
	uint64_t seccomp;     /* number of the profile */
	bool explain;         /* its twin, which tells of denials */
	bool tty;             /* a terminal among standard input, output and error */
	const char *limits;   /* of its cgroup; NULL: it has none of its own */
};

/* Does the Landlock domain, if there is one, restrict files? */
bool property_landlock_files(const struct caisson_answer *built,
                             const struct property_asked *asked);
/* By what a property is enforced, or why it is not, in words. Static storage. */
const char *property_by(const struct caisson_answer *built, enum caisson_property property,
                        const struct property_asked *asked);
/* One bit for each property that a full sandbox has. */
uint64_t property_full(void);

#endif
