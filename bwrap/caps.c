/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Names of capabilities: an unknown one is an error, though none is ever given. */
#define _GNU_SOURCE
#include "args.h"

#include <strings.h>

static const char *const caps[] = { "chown",
	                            "dac_override",
	                            "dac_read_search",
	                            "fowner",
	                            "fsetid",
	                            "kill",
	                            "setgid",
	                            "setuid",
	                            "setpcap",
	                            "linux_immutable",
	                            "net_bind_service",
	                            "net_broadcast",
	                            "net_admin",
	                            "net_raw",
	                            "ipc_lock",
	                            "ipc_owner",
	                            "sys_module",
	                            "sys_rawio",
	                            "sys_chroot",
	                            "sys_ptrace",
	                            "sys_pacct",
	                            "sys_admin",
	                            "sys_boot",
	                            "sys_nice",
	                            "sys_resource",
	                            "sys_time",
	                            "sys_tty_config",
	                            "mknod",
	                            "lease",
	                            "audit_write",
	                            "audit_control",
	                            "setfcap",
	                            "mac_override",
	                            "mac_admin",
	                            "syslog",
	                            "wake_alarm",
	                            "block_suspend",
	                            "audit_read",
	                            "perfmon",
	                            "bpf",
	                            "checkpoint_restore" };

int cap_number(const char *name) {
	if (strncasecmp(name, "cap_", 4) == 0)
		name += 4;
	for (int i = 0; i < (int)(sizeof(caps) / sizeof(caps[0])); i++)
		if (strcasecmp(name, caps[i]) == 0)
			return i;
	return -1;
}
