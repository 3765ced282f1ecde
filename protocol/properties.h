/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The properties of a sandbox by number: bits of the plan's `require` and of
 * the answer's `held`. Names, sentences and what "full" means stand in one
 * table, libclient/property.c. Public ABI (enum caisson_property).
 */
#ifndef CAISSON_PROTOCOL_PROPERTIES_H
#define CAISSON_PROTOCOL_PROPERTIES_H

#include "caisson-numbers.h"

#define CAISSON_BIT(NAME) (1ull << CAISSON_P_##NAME)

/* What every sandbox has, or it is not built: no step of these is optional. */
#define CAISSON_ALWAYS                                                                             \
	(CAISSON_BIT(PID) | CAISSON_BIT(MOUNT) | CAISSON_BIT(IPC) | CAISSON_BIT(UTS) |             \
	 CAISSON_BIT(CGROUP) | CAISSON_BIT(PROC) | CAISSON_BIT(DEV) | CAISSON_BIT(SHM) |           \
	 CAISSON_BIT(NOSUID) | CAISSON_BIT(CAPABILITIES) | CAISSON_BIT(NO_NEW_PRIVS) |             \
	 CAISSON_BIT(SECCOMP) | CAISSON_BIT(HOST_PROCESSES) | CAISSON_BIT(TERMINAL) |              \
	 CAISSON_BIT(END_WITH_HOST))

#endif
