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
	const uint64_t major = facts->device >> 32, minor = facts->device & 0xffffffff;

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
	/* null, zero, full, random, urandom: 1:3, 5, 7, 8, 9; tty: 5:0 */
	if ((major == 1 && minor < 10 && 0x3a8 >> minor & 1) || (major == 5 && minor == 0))
		return 0;
	return CAISSON_KNOB_POLICY;
}

void policy_audit(const struct caisson_answer *answer __attribute__((unused)))
{
}
