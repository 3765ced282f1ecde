/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Facts, not code: the system calls of x86_64 and aarch64 that Docker's default
 * seccomp profile denies to a container with Docker's default capabilities on a
 * kernel of 4.8 or later, whatever their arguments are: every call that is not in
 * a list whose action is SCMP_ACT_ALLOW, or only in one that asks for a
 * capability. And what it denies by arguments.
 *
 * Source: github.com/moby/profiles, seccomp/default.json of 2026-05-06
 * (3c28324314729dbade8287e868eef6338c42807a). Taken 2026-11-24.
 */
#ifndef CAISSON_TESTS_DOCKER_DENIED_H
#define CAISSON_TESTS_DOCKER_DENIED_H

#include <stdint.h>

/* clang-format off */
static const char *const docker_denied[] = {
	"_sysctl", "acct", "add_key", "afs_syscall", "bpf", "chroot", "clock_settime",
	"clone3", "create_module", "delete_module", "fanotify_init", "file_getattr",
	"file_setattr", "finit_module", "fsconfig", "fsmount", "fsopen", "fspick",
	"get_kernel_syms", "get_mempolicy", "getpmsg", "init_module", "io_uring_enter",
	"io_uring_register", "io_uring_setup", "ioperm", "iopl", "kcmp", "kexec_file_load",
	"kexec_load", "keyctl", "lookup_dcookie", "lsm_get_self_attr", "lsm_list_modules",
	"lsm_set_self_attr", "mbind", "migrate_pages", "mount", "mount_setattr", "move_mount",
	"move_pages", "nfsservctl", "open_by_handle_at", "open_tree", "open_tree_attr",
	"perf_event_open", "pidfd_getfd", "pivot_root", "process_madvise", "putpmsg",
	"query_module", "quotactl", "quotactl_fd", "reboot", "request_key", "security",
	"set_mempolicy", "set_mempolicy_home_node", "setdomainname", "sethostname", "setns",
	"settimeofday", "swapoff", "swapon", "sysfs", "syslog", "tuxcall", "umount2",
	"unshare", "uprobe", "uselib", "userfaultfd", "ustat", "vhangup", "vserver",
};

/* clone is allowed only if none of these flags is set. */
#define DOCKER_CLONE_DENIED 0x7e020000u
/* personality is allowed only with these. */
static const uint32_t docker_personality[] = { 0, 0x8, 0x20000, 0x20008, 0xffffffff };
/* socket is denied for these families: AF_ALG, AF_VSOCK. */
static const uint32_t docker_families_denied[] = { 38, 40 };
/* clang-format on */

#endif
