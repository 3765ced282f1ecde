/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * caisson-builder: the same sandbox without the setuid helper, where an ordinary user may
 * create user namespaces. It is linked from the helper's own objects, has no privilege that
 * its caller has not, and trusts the caller as far as itself.
 */
#ifndef CAISSON_BUILDER_BUILDER_H
#define CAISSON_BUILDER_BUILDER_H

#include "helper/helper.h"

/*
 * enter.c: into a user namespace in which the caller is uid 0, and a mount namespace of it;
 * the plan's sources are opened anew there, in the numbers that they had.
 */
void enter(const struct plan *plan, struct ids caller);
/* Once inside: who the caller is outside; ends if this is no such namespace. */
struct ids caller_outside(void);

#endif
