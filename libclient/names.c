/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "names.h"

#include <stddef.h>

const struct name_call name_calls[NAME_CALLS] = {
	{ 428, "open_tree", 5, 2, true },
	{ 429, "move_mount", 5, 2, true },
	{ 430, "fsopen", 5, 2, true },
	{ 431, "fsconfig", 5, 2, true },
	{ 432, "fsmount", 5, 2, true },
	{ 434, "pidfd_open", 5, 3, true },
	{ 437, "openat2", 5, 6, true },
	{ 436, "close_range", 5, 9, true },
	{ 435, "clone3", 5, 3, false },
	{ 442, "mount_setattr", 5, 12, false },
	{ 424, "pidfd_send_signal", 5, 1, false },
};

const struct name_call *name_call(uint32_t number) {
	for (size_t i = 0; i < NAME_CALLS; i++)
		if (name_calls[i].number == number)
			return &name_calls[i];
	return NULL;
}

const char *name_capability(uint32_t number) {
	static const char *const names[] = {
		"CAP_CHOWN",
		"CAP_DAC_OVERRIDE",
		"CAP_DAC_READ_SEARCH",
		"CAP_FOWNER",
		"CAP_FSETID",
		"CAP_KILL",
		"CAP_SETGID",
		"CAP_SETUID",
		"CAP_SETPCAP",
		"CAP_LINUX_IMMUTABLE",
		"CAP_NET_BIND_SERVICE",
		"CAP_NET_BROADCAST",
		"CAP_NET_ADMIN",
		"CAP_NET_RAW",
		"CAP_IPC_LOCK",
		"CAP_IPC_OWNER",
		"CAP_SYS_MODULE",
		"CAP_SYS_RAWIO",
		"CAP_SYS_CHROOT",
		"CAP_SYS_PTRACE",
		"CAP_SYS_PACCT",
		"CAP_SYS_ADMIN",
		"CAP_SYS_BOOT",
		"CAP_SYS_NICE",
		"CAP_SYS_RESOURCE",
		"CAP_SYS_TIME",
		"CAP_SYS_TTY_CONFIG",
		"CAP_MKNOD",
		"CAP_LEASE",
		"CAP_AUDIT_WRITE",
		"CAP_AUDIT_CONTROL",
		"CAP_SETFCAP",
		"CAP_MAC_OVERRIDE",
		"CAP_MAC_ADMIN",
		"CAP_SYSLOG",
		"CAP_WAKE_ALARM",
		"CAP_BLOCK_SUSPEND",
		"CAP_AUDIT_READ",
		"CAP_PERFMON",
		"CAP_BPF",
		"CAP_CHECKPOINT_RESTORE",
	};

	return number < sizeof(names) / sizeof(names[0]) ? names[number] : NULL;
}
