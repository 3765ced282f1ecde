/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The properties of a sandbox by number: bits of the plan's `require` and of
 * the answer's `held`. Names, sentences and what "full" means stand in one
 * table, libclient/property.c. Public ABI (enum caisson_property).
 */
#ifndef CAISSON_PROTOCOL_PROPERTIES_H
#define CAISSON_PROTOCOL_PROPERTIES_H

/* clang-format off */
enum caisson_property_number {
	CAISSON_P_USERNS = 0, CAISSON_P_PID, CAISSON_P_MOUNT, CAISSON_P_IPC, CAISSON_P_UTS,
	CAISSON_P_CGROUP, CAISSON_P_NET, CAISSON_P_PROC, CAISSON_P_DEV, CAISSON_P_SHM,
	CAISSON_P_NOSUID, CAISSON_P_CAPABILITIES, CAISSON_P_NO_NEW_PRIVS, CAISSON_P_SECCOMP,
	CAISSON_P_LANDLOCK, CAISSON_P_HOST_PROCESSES, CAISSON_P_TERMINAL, CAISSON_P_KEYRING,
	CAISSON_P_END_WITH_HOST, CAISSON_P_LABEL, CAISSON_P_LIMITS, CAISSON_P_OWN_POOLS,
	CAISSON_P_HOST_SOCKETS, CAISSON_P_COUNT
};
/* clang-format on */

#define CAISSON_BIT(NAME) (1ull << CAISSON_P_##NAME)

/* What every sandbox has, or it is not built: no step of these is optional. */
#define CAISSON_ALWAYS                                                                             \
	(CAISSON_BIT(PID) | CAISSON_BIT(MOUNT) | CAISSON_BIT(IPC) | CAISSON_BIT(UTS) |             \
	 CAISSON_BIT(CGROUP) | CAISSON_BIT(PROC) | CAISSON_BIT(DEV) | CAISSON_BIT(SHM) |           \
	 CAISSON_BIT(NOSUID) | CAISSON_BIT(CAPABILITIES) | CAISSON_BIT(NO_NEW_PRIVS) |             \
	 CAISSON_BIT(SECCOMP) | CAISSON_BIT(HOST_PROCESSES) | CAISSON_BIT(TERMINAL) |              \
	 CAISSON_BIT(KEYRING) | CAISSON_BIT(END_WITH_HOST))

#endif
