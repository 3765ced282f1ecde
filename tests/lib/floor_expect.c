/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "floor_expect.h"

#include <errno.h>
#include <stddef.h>

#define ALLOW 0x7fff0000u
#define ERRNO(e) (0x00050000u | (uint32_t)(e))
#define KILL 0x80000000u

/* clang-format off */
/* In pairs: the first and last number of each run of calls that exist. */
static const int exist_x86_64[] = {
	0, 133, 135, 155, 157, 173, 175, 176, 179, 179, 186, 204, 206, 210, 212, 213, 216, 235,
	237, 336, 424, 469, -1,
};
static const int exist_aarch64[] = { 0, 41, 43, 243, 260, 294, 424, 469, -1 };

static const int eperm_x86_64[] = {
	101 /* ptrace */, 103 /* syslog */, 153 /* vhangup */, 155 /* pivot_root */,
	159 /* adjtimex */, 161 /* chroot */, 163 /* acct */, 164 /* settimeofday */,
	165 /* mount */, 166 /* umount2 */, 167 /* swapon */, 168 /* swapoff */, 169 /* reboot */,
	170 /* sethostname */, 272 /* unshare */, 171 /* setdomainname */, 172 /* iopl */, 173 /* ioperm */,
	175 /* init_module */, 176 /* delete_module */, 179 /* quotactl */,
	212 /* lookup_dcookie */, 227 /* clock_settime */, 246 /* kexec_load */,
	248 /* add_key */, 249 /* request_key */, 250 /* keyctl */, 298 /* perf_event_open */,
	300 /* fanotify_init */, 301 /* fanotify_mark */, 303 /* name_to_handle_at */,
	304 /* open_by_handle_at */, 305 /* clock_adjtime */, 308 /* setns */,
	310 /* process_vm_readv */, 311 /* process_vm_writev */, 312 /* kcmp */,
	313 /* finit_module */, 320 /* kexec_file_load */, 321 /* bpf */, 323 /* userfaultfd */, -1,
};
static const int eperm_aarch64[] = {
	18 /* lookup_dcookie */, 39 /* umount2 */, 40 /* mount */, 41 /* pivot_root */,
	51 /* chroot */, 58 /* vhangup */, 60 /* quotactl */, 89 /* acct */,
	104 /* kexec_load */, 105 /* init_module */, 106 /* delete_module */,
	112 /* clock_settime */, 116 /* syslog */, 117 /* ptrace */, 142 /* reboot */,
	161 /* sethostname */, 97 /* unshare */, 162 /* setdomainname */, 170 /* settimeofday */,
	171 /* adjtimex */, 217 /* add_key */, 218 /* request_key */, 219 /* keyctl */,
	224 /* swapon */, 225 /* swapoff */, 241 /* perf_event_open */, 262 /* fanotify_init */,
	263 /* fanotify_mark */, 264 /* name_to_handle_at */, 265 /* open_by_handle_at */,
	266 /* clock_adjtime */, 268 /* setns */, 270 /* process_vm_readv */,
	271 /* process_vm_writev */, 272 /* kcmp */, 273 /* finit_module */, 280 /* bpf */,
	282 /* userfaultfd */, 294 /* kexec_file_load */, -1,
};
/* From 424 on the numbers are the same everywhere. */
static const int eperm_both[] = {
	424 /* pidfd_send_signal */, 425 /* io_uring_setup */, 426 /* io_uring_enter */,
	427 /* io_uring_register */, 428 /* open_tree */, 429 /* move_mount */, 430 /* fsopen */,
	431 /* fsconfig */, 432 /* fsmount */, 433 /* fspick */, 434 /* pidfd_open */,
	438 /* pidfd_getfd */, 440 /* process_madvise */, 442 /* mount_setattr */,
	443 /* quotactl_fd */, 448 /* process_mrelease */, 467 /* open_tree_attr */, -1,
};
static const int enosys_x86_64[] = {
	136 /* ustat */, 139 /* sysfs */, 154 /* modify_ldt */, 237 /* mbind */,
	238 /* set_mempolicy */, 239 /* get_mempolicy */, 256 /* migrate_pages */,
	279 /* move_pages */, 336 /* uprobe */, -1,
};
static const int enosys_aarch64[] = {
	235 /* mbind */, 236 /* get_mempolicy */, 237 /* set_mempolicy */,
	238 /* migrate_pages */, 239 /* move_pages */, -1,
};
static const int enosys_both[] = {
	435 /* clone3 */, 437 /* openat2 */, 450 /* set_mempolicy_home_node */,
	457 /* statmount */, 458 /* listmount */, 459 /* lsm_get_self_attr */,
	460 /* lsm_set_self_attr */, 461 /* lsm_list_modules */, 468 /* file_getattr */,
	469 /* file_setattr */, -1,
};

static const struct { int x86_64, aarch64; enum expect_role role; } roles[] = {
	{ 90, -1, ROLE_MODE_1 } /* chmod */, { 91, 52, ROLE_MODE_1 } /* fchmod */,
	{ 85, -1, ROLE_MODE_1 } /* creat */, { 133, -1, ROLE_MODE_1 } /* mknod */,
	{ 268, 53, ROLE_MODE_2 } /* fchmodat */, { 452, 452, ROLE_MODE_2 } /* fchmodat2 */,
	{ 259, 33, ROLE_MODE_2 } /* mknodat */, { 2, -1, ROLE_OPEN }, { 257, 56, ROLE_OPENAT },
	{ 56, 220, ROLE_CLONE }, { 135, 92, ROLE_PERSONALITY },
	{ 274, 100, ROLE_PID } /* get_robust_list */, { 16, 29, ROLE_IOCTL },
	{ 41, 198, ROLE_SOCKET }, { 53, 199, ROLE_SOCKETPAIR }, { 54, 208, ROLE_SETSOCKOPT },
	{ 9, 222, ROLE_MMAP }, { 319, 279, ROLE_MEMFD } /* memfd_create */, { 29, 194, ROLE_SHMGET },
};
/* What nested allows of what is denied in the default: mounts, names, and unshare by its flags. */
static const int nested_x86_64[] = {
	155 /* pivot_root */, 161 /* chroot */, 165 /* mount */, 166 /* umount2 */,
	170 /* sethostname */, 171 /* setdomainname */, -1,
};
static const int nested_aarch64[] = {
	39 /* umount2 */, 40 /* mount */, 41 /* pivot_root */, 51 /* chroot */,
	161 /* sethostname */, 162 /* setdomainname */, -1,
};
static const int nested_both[] = {
	428 /* open_tree */, 429 /* move_mount */, 430 /* fsopen */, 431 /* fsconfig */,
	432 /* fsmount */, 433 /* fspick */, 442 /* mount_setattr */, 467 /* open_tree_attr */, -1,
};
/* clang-format on */

static int listed(const int *list, int number) {
	while (*list >= 0)
		if (*list++ == number)
			return 1;
	return 0;
}

static int exists(enum expect_arch arch, int number) {
	const int *run = arch == EXPECT_X86_64 ? exist_x86_64 : exist_aarch64;

	for (; *run >= 0; run += 2)
		if (number >= run[0] && number <= run[1])
			return 1;
	return 0;
}

enum expect_role expect_role(enum expect_profile profile, enum expect_arch arch, int number) {
	if (profile == EXPECT_STRICT)
		return expect_strict_role(arch, number);
	if (number < 0)
		return ROLE_NONE;
	if (profile == EXPECT_NESTED && number == (arch == EXPECT_X86_64 ? 56 : 220))
		return ROLE_NESTED_CLONE;
	if (profile == EXPECT_NESTED && number == (arch == EXPECT_X86_64 ? 272 : 97))
		return ROLE_NESTED_UNSHARE;
	for (size_t i = 0; i < sizeof(roles) / sizeof(roles[0]); i++)
		if ((arch == EXPECT_X86_64 ? roles[i].x86_64 : roles[i].aarch64) == number)
			return roles[i].role;
	return ROLE_NONE;
}

uint32_t expect_audit_arch(enum expect_arch arch) {
	return arch == EXPECT_X86_64 ? 0xc000003e : 0xc00000b7;
}

static uint32_t expect_mode(uint64_t mode) {
	return mode & 04000 || mode & 02000 ? ERRNO(EPERM) : ALLOW;
}

static uint32_t expect_open(uint64_t flags, uint64_t mode) {
	if (flags & 0100 /* O_CREAT */ || flags & 020000000 /* __O_TMPFILE */)
		return expect_mode(mode);
	return ALLOW;
}

static uint32_t expect_clone(uint64_t flags) {
	static const uint64_t namespaces[] = { 0x20000,    0x2000000,  0x4000000, 0x8000000,
		                               0x10000000, 0x20000000, 0x40000000 };

	for (size_t i = 0; i < sizeof(namespaces) / sizeof(namespaces[0]); i++)
		if (flags & namespaces[i])
			return ERRNO(EPERM);
	return ALLOW;
}

static uint32_t expect_ioctl(uint32_t request) {
	if (request == 0x5412 || request == 0x541c)
		return ERRNO(EPERM);
	return (request >> 8 & 0xff) == 0xff ? ERRNO(ENOTTY) : ALLOW;
}

static uint32_t expect_socket(enum expect_network network, uint32_t family, uint32_t type,
                              uint32_t protocol) {
	if (family == 1)
		return ALLOW;
	if (family == 16)
		return protocol ? ERRNO(EAFNOSUPPORT) : ALLOW;
	if (network == EXPECT_NONE || (family != 2 && family != 10))
		return ERRNO(EAFNOSUPPORT);
	type %= 16;
	if (type < 1 || type > 3)
		return ERRNO(ESOCKTNOSUPPORT);
	switch (protocol) {
	case 0:
	case 1:
	case 6:
	case 17:
	case 58:
		return ALLOW;
	default:
		return ERRNO(EPROTONOSUPPORT);
	}
}

/* The flag by which each of them takes pages of the reserved pool. */
uint32_t expect_pool(enum expect_role role, const uint64_t a[6]) {
	const uint64_t takes = role == ROLE_MMAP    ? a[3] >> 18 & 1
	                       : role == ROLE_MEMFD ? a[1] >> 2 & 1
	                                            : a[2] >> 11 & 1;

	return takes ? ERRNO(EINVAL) : ALLOW;
}

static uint32_t expect_by_role(enum expect_role role, enum expect_network network,
                               const uint64_t a[6]) {
	uint32_t first = (uint32_t)a[0];

	switch (role) {
	case ROLE_MODE_1:
		return expect_mode(a[1]);
	case ROLE_MODE_2:
		return expect_mode(a[2]);
	case ROLE_OPEN:
		return expect_open(a[1], a[2]);
	case ROLE_OPENAT:
		return expect_open(a[2], a[3]);
	case ROLE_CLONE:
		return expect_clone(a[0]);
	case ROLE_NESTED_CLONE: /* CLONE_NEWCGROUP */
		return a[0] >> 25 & 1 ? ERRNO(EPERM) : ALLOW;
	case ROLE_NESTED_UNSHARE: /* the same, CLONE_NEWTIME */
		return a[0] >> 25 & 1 || a[0] >> 7 & 1 ? ERRNO(EPERM) : ALLOW;
	case ROLE_PID:
		return first ? ERRNO(EPERM) : ALLOW;
	case ROLE_PERSONALITY:
		return first == 0 || first == UINT32_MAX ? ALLOW : ERRNO(EPERM);
	case ROLE_IOCTL:
		return expect_ioctl((uint32_t)a[1]);
	case ROLE_SOCKET:
		return expect_socket(network, first, (uint32_t)a[1], (uint32_t)a[2]);
	case ROLE_SOCKETPAIR:
		return first == 1 ? ALLOW : ERRNO(EAFNOSUPPORT);
	case ROLE_MMAP:
	case ROLE_MEMFD:
	case ROLE_SHMGET:
		return expect_pool(role, a);
	case ROLE_SETSOCKOPT:
		if (network == EXPECT_LOOPBACK && (uint32_t)a[1] == 1 && (uint32_t)a[2] == 13)
			return ERRNO(EPERM);
		return ALLOW;
	default:
		return ALLOW;
	}
}

static uint32_t expect_number(enum expect_profile profile, enum expect_arch arch, int number) {
	const int x86 = arch == EXPECT_X86_64;

	if (!exists(arch, number))
		return ERRNO(ENOSYS);
	if (profile == EXPECT_STRICT)
		return expect_strict(arch, number);
	if (profile == EXPECT_NESTED &&
	    (listed(nested_both, number) || listed(x86 ? nested_x86_64 : nested_aarch64, number)))
		return ALLOW;
	if (listed(enosys_both, number) || listed(x86 ? enosys_x86_64 : enosys_aarch64, number))
		return ERRNO(ENOSYS);
	if (listed(eperm_both, number) || listed(x86 ? eperm_x86_64 : eperm_aarch64, number))
		return ERRNO(EPERM);
	return ALLOW;
}

uint32_t expect_verdict(enum expect_profile profile, enum expect_arch arch,
                        enum expect_network network, const struct seccomp_data *data) {
	const uint64_t *args = (const uint64_t *)data->args;
	enum expect_role role;

	if (data->arch != expect_audit_arch(arch))
		return KILL;
	role = expect_role(profile, arch, data->nr);
	if (role == ROLE_NONE)
		return expect_number(profile, arch, data->nr);
	if (role >= ROLE_STRICT_IOCTL)
		return expect_strict_role_verdict(role, args);
	return expect_by_role(role, network, args);
}

uint32_t expect_notify(uint32_t verdict) {
	if (verdict == ALLOW || verdict == KILL || verdict == ERRNO(ENOSYS) ||
	    verdict == ERRNO(EOPNOTSUPP))
		return verdict;
	return 0x7fc00000; /* SECCOMP_RET_USER_NOTIF */
}
