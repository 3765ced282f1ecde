/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which line of the policy an answer speaks of. */
#ifndef CAISSON_LIBCLIENT_POLICY_PLACE_H
#define CAISSON_LIBCLIENT_POLICY_PLACE_H

#include <stddef.h>
#include <stdint.h>

/* "/etc/caisson/policy.d/50-local.conf:3", as far as the files are those that the helper read. */
void policy_place(uint32_t line, char *to, size_t size);

#endif
