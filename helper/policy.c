/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The one function that decides what a caller may give a sandbox. It starts
 * with a built-in table; what it must never grant does not depend on any
 * policy.
 */
#include <string.h>

#include "helper.h"

#define MAX_BINDS 256

/*
 * Views of the kernel's own state. A bind of one would show the host's
 * processes, devices or controls behind the sandbox's own fresh ones
 * (/proc/PID/root writes through a read-only bind).
 */
static const char *const kernel_fs[] = {
	"proc",    "sysfs",   "cgroup",    "cgroup2",     "debugfs",  "tracefs",  "securityfs",
	"nsfs",    "pidfs",   "devpts",    "bpf",         "configfs", "efivarfs", "pstore",
	"mqueue",  "fusectl", "selinuxfs", "binfmt_misc", "smackfs",  "autofs",   "rpc_pipefs",
	"resctrl", "nfsd",    "xenfs",     "apparmorfs",
};

bool policy_kernel_fs(const char *fstype)
{
	for (size_t i = 0; i < sizeof(kernel_fs) / sizeof(kernel_fs[0]); i++)
		if (!strcmp(fstype, kernel_fs[i]))
			return true;
	return false;
}

struct verdict policy_decide(const struct caisson_plan_record *op, const struct facts *facts)
{
	struct verdict yes = { .allowed = true };
	struct verdict no = { .allowed = false, .knob = CAISSON_KNOB_POLICY };

	/*
	 * The host's root owns most files and sysctls by its user id alone,
	 * without any capability: a sandbox of root's would not be one.
	 */
	if (facts->uid == 0)
		return no;
	if (op->op == CAISSON_OP_BIND) {
		if (policy_kernel_fs(facts->fstype))
			return (struct verdict){ .knob = CAISSON_KNOB_SOURCE_FS };
		if (facts->binds >= MAX_BINDS)
			return no;
	}
	return yes;
}
