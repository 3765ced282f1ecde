/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The one function that decides what a caller may give a sandbox. It starts
 * with a built-in table; what is never granted does not depend on any policy.
 */
#include <stdio.h>
#include <string.h>

#include "helper.h"

/*
 * Views of the kernel's own state. A bind of one would show the host's
 * processes, devices or controls behind the sandbox's own fresh ones
 * (/proc/PID/root writes through a read-only bind).
 */
static const char kernel_fs[] =
	" proc sysfs cgroup cgroup2 debugfs tracefs securityfs nsfs pidfs devpts bpf configfs "
	"efivarfs "
	"pstore mqueue fusectl selinuxfs binfmt_misc smackfs autofs rpc_pipefs resctrl nfsd xenfs "
	"apparmorfs functionfs gadgetfs oprofilefs cpuset binder s390_hypfs spufs openpromfs "
	"ocfs2_dlmfs ";

bool policy_kernel_fs(const char *fstype)
{
	char word[24];

	return snprintf(word, sizeof(word), " %s ", fstype) < (int)sizeof(word) &&
	       strstr(kernel_fs, word);
}

uint32_t policy_decide(const struct caisson_plan_record *op, const struct facts *facts)
{
	static const unsigned char harmless[][2] = { { 1, 3 }, { 1, 5 }, { 1, 7 },
		                                     { 1, 8 }, { 1, 9 }, { 5, 0 } };

	/*
	 * The host's root owns most files and sysctls by its user id alone,
	 * without any capability: a sandbox of root's would not be one.
	 */
	if (facts->uid == 0)
		return CAISSON_KNOB_POLICY;
	if (op->op == CAISSON_OP_BIND && policy_kernel_fs(facts->fstype))
		return CAISSON_KNOB_SOURCE_FS;
	if (op->op != CAISSON_OP_DEVICE)
		return 0;
	for (size_t i = 0; i < sizeof(harmless) / sizeof(harmless[0]); i++)
		if (facts->device == ((uint64_t)harmless[i][0] << 32 | harmless[i][1]))
			return 0;
	return CAISSON_KNOB_POLICY;
}
