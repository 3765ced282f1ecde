/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which knob keeps user namespaces from this process, told from where the attempt failed. */
#define _GNU_SOURCE
#include "probe_try.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

int probe_read_line(const char *path, char *line, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	ssize_t n;

	if (fd < 0)
		return -1;
	n = read(fd, line, size - 1);
	close(fd);
	if (n <= 0)
		return -1;
	line[n] = '\0';
	line[strcspn(line, "\n")] = '\0';
	return 0;
}

int probe_reads(const char *path, const char *wanted)
{
	char line[128];

	return probe_read_line(path, line, sizeof(line)) == 0 && strcmp(line, wanted) == 0;
}

static struct probe_cause clone_cause(int error)
{
	int module = error == EACCES;

	if (error == ENOSPC && probe_reads("/proc/sys/user/max_user_namespaces", "0"))
		return (struct probe_cause){ "user.max_user_namespaces=0",
			                     "sysctl user.max_user_namespaces=15000" };
	if (error == ENOSPC)
		return (struct probe_cause){
			"user.max_user_namespaces is used up, or 0 in a parent "
			"user namespace",
			"raise user.max_user_namespaces outside"
		};
	if (error == EUSERS)
		return (struct probe_cause){ "user namespaces are nested 32 deep", "nest fewer" };
	if (error == EINVAL || error == ENOSYS)
		return (struct probe_cause){
			"a kernel without CONFIG_USER_NS, or a system call filter",
			"use a kernel with user namespaces"
		};
	if (probe_reads("/proc/sys/kernel/unprivileged_userns_clone", "0") && geteuid() != 0)
		return (struct probe_cause){ "kernel.unprivileged_userns_clone=0",
			                     "sysctl kernel.unprivileged_userns_clone=1" };
	if (module && access("/sys/fs/selinux/enforce", F_OK) == 0)
		return (struct probe_cause){ "SELinux (user_namespace create)",
			                     "allow the caller's domain user_namespace create" };
	if (module && probe_reads("/sys/module/apparmor/parameters/enabled", "Y"))
		return (struct probe_cause){ "AppArmor (userns)",
			                     "add \"userns,\" to the caller's AppArmor profile" };
	if (prctl(PR_GET_SECCOMP, 0, 0, 0, 0) == 2)
		return (struct probe_cause){
			"a seccomp filter is on this process",
			"allow clone and unshare with CLONE_NEWUSER in the filter "
			"of the container or unit"
		};
	return (struct probe_cause){ "no knob known here decides this",
		                     "leave a chroot, if this is one" };
}

static struct probe_cause later_cause(int stage)
{
	if (probe_reads("/proc/sys/kernel/apparmor_restrict_unprivileged_userns", "1"))
		return (struct probe_cause){
			"kernel.apparmor_restrict_unprivileged_userns=1",
			"an AppArmor profile with \"userns,\" for the program"
		};
	if (stage == TRY_MAP)
		return (struct probe_cause){
			"created, but its uid_map may not be written",
			"look for a security module's profile on this process"
		};
	return (struct probe_cause){
		"created, but nothing may be mounted in it",
		"look for a security module's profile on this process, or a masked "
		"/proc of a container"
	};
}

struct probe_cause probe_userns_cause(const struct try_userns *got)
{
	return got->stage == TRY_CLONE ? clone_cause(got->error) : later_cause(got->stage);
}
