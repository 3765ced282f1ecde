/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What may be said to a spec: for who said something else. */
#include <errno.h>
#include <string.h>

#include "internal.h"

static const struct {
	const char *what;
	int error;
	const char *knob, *remedy;
} bounds[] = {
	{ "name", EINVAL, "caisson_spec_name()", "give a text" },
	{ "program", EINVAL, "caisson_spec_argv()",
	  "give a list whose first word, the program, is not empty" },
	{ "host name", EINVAL, "--hostname, caisson_spec_hostname()",
	  "give 1 to 64 letters, digits, '-' and '.'" },
	{ "label", EINVAL, "--label, caisson_spec_label()",
	  "give 1 to 64 letters, digits, '-', '.' and '_'" },
	{ "GPU", EINVAL, "--gpu, caisson_spec_gpu()",
	  "give none, all, a number, a UUID (GPU-...), N/GI/CI, a PCI address, renderDN or a CDI "
	  "name (nvidia.com/gpu=0); caisson doctor lists what is here" },
	{ "seccomp profile", EINVAL, "--seccomp, caisson_spec_seccomp()",
	  "choose one of default, strict, gpu and nested" },
	{ "Landlock domain", EINVAL, "--landlock, caisson_spec_landlock()",
	  "choose files (CAISSON_LANDLOCK_FILES) or processes (CAISSON_LANDLOCK_PROCESSES)" },
	{ "network", EINVAL, "--net, caisson_spec_network()",
	  "choose none, loopback or host (CAISSON_NETWORK_...)" },
	{ "user namespace", EINVAL, "--userns, caisson_spec_user_namespace()",
	  "choose auto, required or none (CAISSON_USER_NAMESPACE_...)" },
	{ "via", EINVAL, "--via, caisson_spec_via()",
	  "choose auto, helper or userns (CAISSON_VIA_...)" },
	{ "property", EINVAL, "--require, caisson_spec_require()",
	  "name one of enum caisson_property" },
	{ "subordinate ids", EINVAL, "--subuid, --subgid, caisson_spec_subids()",
	  "give a user id and a group id from 1 to 4294967294" },
	{ "environment variable", EINVAL, "caisson_spec_setenv(), caisson_spec_keepenv()",
	  "give a name that is not empty and has no '=', and a value that is not NULL" },
	{ "working directory", EINVAL, "--chdir, caisson_spec_chdir()",
	  "give an absolute path of the sandbox" },
	{ "helper", EINVAL, "--helper, caisson_spec_helper()", "give the path of caisson-helper" },
	{ "cgroup", EINVAL, "--cgroup, caisson_spec_cgroup()", "give the path of a cgroup" },
	{ "limit", EINVAL, "caisson_spec_limit()", "name one of enum caisson_limit" },
	{ "descriptor", EBADF, "caisson_spec_pass_fd()", "give one that is open" },
	{ "descriptor", E2BIG, "caisson_spec_pass_fd()",
	  "pass at most 64 descriptors and channels together" },
	{ "channel", EEXIST, "caisson_spec_channel()",
	  "give each channel of a sandbox a name of its own" },
	{ "channel", E2BIG, "caisson_spec_channel()",
	  "pass at most 64 descriptors and channels together" },
	{ "bind", EINVAL, "caisson_spec_bind()",
	  "give a source, and of flags only CAISSON_RDONLY, CAISSON_NOEXEC, CAISSON_OPTIONAL and "
	  "CAISSON_IDMAP" },
	{ "bind of a descriptor", EINVAL, "caisson_spec_bind_fd()",
	  "give one that is open, and of flags only CAISSON_RDONLY, CAISSON_NOEXEC and "
	  "CAISSON_IDMAP" },
	{ "file", EINVAL, "caisson_spec_data()", "give its bytes, and a mode up to 0777" },
	{ "tmpfs", EINVAL, "--tmpfs, caisson_spec_tmpfs()",
	  "give a size from 1 byte to 1 PiB, a mode up to 01777, and of flags only "
	  "CAISSON_NOEXEC" },
	{ "directory", EINVAL, "caisson_spec_dir()", "give a mode up to 01777" },
	{ "symlink", EINVAL, "--symlink, caisson_spec_symlink()",
	  "give a target of 1 to 4095 bytes" },
	{ "device", EINVAL, "caisson_spec_device()", "give the device's path" },
	{ "proc", EINVAL, "caisson_spec_proc_with()",
	  "give of flags only those of enum caisson_procfs_flags" },
};

void spec_bounds(const char *what, int error, const char **knob, const char **remedy) {
	for (size_t i = 0; i < sizeof(bounds) / sizeof(bounds[0]); i++)
		if (bounds[i].error == error && !strcmp(bounds[i].what, what)) {
			*knob = bounds[i].knob;
			*remedy = bounds[i].remedy;
			return;
		}
}
