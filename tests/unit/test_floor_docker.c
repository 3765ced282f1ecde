/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What every profile denies at the least: all that Docker's default profile
 * denies, and a list of our own. The filters are run in an interpreter, for both
 * architectures and all networks; names become numbers by libseccomp's tables as
 * far as it knows them. In nested some of that is let through: what Docker lets
 * a container with CAP_SYS_ADMIN do as well, and one with CAP_SYS_CHROOT.
 */
#include "bpf.h"
#include "docker_denied.h"
#include "floor.h"

#include <criterion/criterion.h>
#include <seccomp.h>
#include <stdlib.h>
#include <string.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

struct filter {
	unsigned profile, arch, network;
	size_t len;
	struct sock_filter code[FLOOR_MAX_LENGTH];
};

#define FILTERS (FLOOR_PROFILES * FLOOR_ARCHES * FLOOR_NETWORKS)
static struct filter *filters;

static void compile_all(void) {
	struct filter *f = filters = calloc(FILTERS, sizeof(*filters));

	cr_assert_not_null(f);
	for (unsigned p = 0; p < FLOOR_PROFILES; p++) {
		struct floor_profile *profile =
			profile_read(PROFILE_DIR, floor_profile_names[p], stderr);

		cr_assert_not_null(profile);
		for (unsigned i = 0; i < FLOOR_ARCHES * FLOOR_NETWORKS; i++, f++) {
			const struct floor_variant v = {
				.arch = (enum floor_arch)(i % FLOOR_ARCHES),
				.network = (enum floor_network)(i / FLOOR_ARCHES),
				.reach = FLOOR_REACH,
			};
			int len = floor_compile(profile, &v, f->code);

			cr_assert_gt(len, 0);
			f->profile = p;
			f->arch = v.arch;
			f->network = v.network;
			f->len = (size_t)len;
			cr_assert_eq(bpf_check(f->code, f->len), 0);
		}
		profile_free(profile);
	}
}

static void free_all(void) {
	free(filters);
}

TestSuite(floor_docker, .init = compile_all, .fini = free_all);

/* -1: not on this architecture. */
static int number_of(unsigned arch, const char *name) {
	static const uint32_t token[] = { SCMP_ARCH_X86_64, SCMP_ARCH_AARCH64 };
	int number = seccomp_syscall_resolve_name_arch(token[arch], name);

	if (number != __NR_SCMP_ERROR)
		return number < 0 ? -1 : number;
	for (size_t i = 0; i < floor_syscall_count; i++)
		if (strcmp(floor_syscalls[i].name, name) == 0)
			return floor_syscalls[i].number[arch];
	cr_assert_fail("%s is known to nobody", name);
	return -1;
}

/* Whether the filter lets the call through. */
static int passes(const struct filter *f, const char *name, const uint64_t args[6]) {
	struct seccomp_data d = { .nr = number_of(f->arch, name),
		                  .arch = floor_audit_arch((enum floor_arch)f->arch) };

	if (d.nr < 0)
		return 0;
	memcpy(d.args, args, sizeof(d.args));
	return bpf_run(f->code, f->len, &d, NULL) == SECCOMP_RET_ALLOW;
}

/* Docker lets these pass with CAP_SYS_ADMIN (chroot with CAP_SYS_CHROOT), by name. */
static const char *const nesting[] = {
	"mount",     "umount2",        "pivot_root", "chroot",        "sethostname",
	"open_tree", "open_tree_attr", "move_mount", "setdomainname", "mount_setattr",
	"fsopen",    "fsconfig",       "fsmount",    "fspick",        "unshare",
};

/* Making a namespace; of a cgroup's, or a clock's, it is not for nested either. */
static int nests(const struct filter *f, const char *name, const uint64_t args[6]) {
	if (f->profile != FLOOR_NESTED)
		return 0;
	if (strcmp(name, "clone") == 0)
		return !(args[0] & 0x02000000);
	if (strcmp(name, "unshare") == 0)
		return !(args[0] & 0x02000080);
	for (size_t i = 0; i < COUNT(nesting); i++)
		if (strcmp(name, nesting[i]) == 0)
			return 1;
	return 0;
}

static void denied(const struct filter *f, const char *name, const uint64_t args[6]) {
	if (nests(f, name, args)) {
		if (number_of(f->arch, name) >= 0)
			cr_expect(passes(f, name, args), "%s, %s does not let %s pass (%#llx)",
			          floor_profile_names[f->profile], floor_arch_names[f->arch], name,
			          (unsigned long long)args[0]);
		return;
	}
	if (passes(f, name, args))
		cr_expect_fail("%s, network %s, %s lets %s pass (%#llx, %#llx, %#llx)",
		               floor_profile_names[f->profile], floor_network_names[f->network],
		               floor_arch_names[f->arch], name, (unsigned long long)args[0],
		               (unsigned long long)args[1], (unsigned long long)args[2]);
}

Test(floor_docker, what_docker_denies_is_denied) {
	static const uint64_t samples[] = { 0, 1, 2, 16, 0xffffffff, 0x100000000, UINT64_MAX };
	unsigned there = 0;

	for (const struct filter *f = filters; f < filters + FILTERS; f++) {
		for (size_t i = 0; i < COUNT(docker_denied); i++) {
			there += number_of(f->arch, docker_denied[i]) >= 0;
			for (size_t s = 0; s < COUNT(samples); s++) {
				const uint64_t v = samples[s];

				denied(f, docker_denied[i],
				       (const uint64_t[6]){ v, v, v, v, v, v });
				denied(f, docker_denied[i], (const uint64_t[6]){ v });
			}
		}
	}
	/* most of the names are there: the loop above was not about nothing */
	cr_expect_gt(there, FILTERS * 50u, "%u", there);
}

static void try_personality(const struct filter *f, uint32_t persona) {
	for (size_t i = 0; i < COUNT(docker_personality); i++)
		if (docker_personality[i] == persona)
			return;
	denied(f, "personality", (const uint64_t[6]){ persona });
}

Test(floor_docker, what_docker_denies_by_arguments_is_denied) {
	for (const struct filter *f = filters; f < filters + FILTERS; f++) {
		for (unsigned bit = 0; bit < 32; bit++)
			if (DOCKER_CLONE_DENIED >> bit & 1)
				denied(f, "clone", (const uint64_t[6]){ 1ull << bit | 17 });
		for (size_t i = 0; i < COUNT(docker_families_denied); i++)
			denied(f, "socket", (const uint64_t[6]){ docker_families_denied[i], 5 });
		for (unsigned bit = 0; bit < 32; bit++)
			try_personality(f, 1u << bit);
		for (uint32_t persona = 1; persona < 512; persona++)
			try_personality(f, persona);
	}
}

/* What Docker's default lets pass, some of it, and no profile here does. */
static const struct {
	const char *call;
	uint64_t args[6];
	const char *why;
} ours[] = {
	{ "ioctl", { 0, 0x5412 }, "TIOCSTI" },
	{ "ioctl", { 0, 0x100005412 }, "TIOCSTI, with bits that the kernel cuts off" },
	{ "ioctl", { 0, 0x541c }, "TIOCLINUX" },
	{ "ioctl", { 0, 0xffffffff0000541c }, "TIOCLINUX, with bits that the kernel cuts off" },
	{ "ioctl", { 0, 0xff01 }, "a namespace's descriptor of a pidfd" },
	{ "userfaultfd", { 0 }, "" },
	{ "userfaultfd", { 1 }, "UFFD_USER_MODE_ONLY" },
	{ "io_uring_setup", { 1 }, "" },
	{ "io_uring_enter", { 3 }, "" },
	{ "io_uring_register", { 3 }, "" },
	{ "keyctl", { 0 }, "" },
	{ "add_key", { 0 }, "" },
	{ "request_key", { 0 }, "" },
	{ "bpf", { 0 }, "" },
	{ "perf_event_open", { 0 }, "" },
	{ "pidfd_open", { 1 }, "" },
	{ "pidfd_getfd", { 3 }, "" },
	{ "pidfd_send_signal", { 3 }, "" },
	{ "ptrace", { 0 }, "PTRACE_TRACEME" },
	{ "ptrace", { 16 }, "PTRACE_ATTACH" },
	{ "process_vm_readv", { 1 }, "" },
	{ "process_vm_writev", { 1 }, "" },
	{ "clone", { 0x10000000 }, "a nested user namespace" },
	{ "clone", { 0xffffffff10000011 }, "the same" },
	{ "unshare", { 0x10000000 }, "the same" },
	{ "clone3", { 0 }, "the same, for all that a filter can see" },
	{ "name_to_handle_at", { 0 }, "" },
	{ "openat2", { 0 }, "a mode that no filter sees" },
	{ "socketpair", { 2 }, "AF_INET" },
	{ "socket", { 16, 3, 9 }, "AF_NETLINK, NETLINK_AUDIT" },
	{ "chmod", { 0, 04755 }, "setuid" },
	{ "fchmod", { 3, 02755 }, "setgid" },
	{ "fchmodat", { 3, 0, 06755 }, "both" },
	{ "fchmodat2", { 3, 0, 04000 }, "setuid" },
	{ "creat", { 0, 04755 }, "setuid" },
	{ "mknod", { 0, 0104755 }, "setuid" },
	{ "mknodat", { 3, 0, 0102755 }, "setgid" },
	{ "open", { 0, 0101, 04755 }, "setuid" },
	{ "openat", { 3, 0, 0101, 04755 }, "setuid" },
	{ "openat", { 3, 0, 020200002, 02755 }, "setgid, O_TMPFILE" },
	{ "personality", { 0x0040000 }, "ADDR_NO_RANDOMIZE" },
	{ "personality", { 0x0400000 }, "READ_IMPLIES_EXEC" },
};

Test(floor_docker, our_own_list_is_denied) {
	for (const struct filter *f = filters; f < filters + FILTERS; f++) {
		for (size_t i = 0; i < COUNT(ours); i++)
			denied(f, ours[i].call, ours[i].args);
		for (uint64_t family = 0; family < 256; family++) {
			if (family == 1 || family == 16 ||
			    (f->network != FLOOR_NONE && (family == 2 || family == 10)))
				continue;
			denied(f, "socket", (const uint64_t[6]){ family, 1 });
			denied(f, "socket", (const uint64_t[6]){ family | 1ull << 32, 3 });
		}
	}
}

/*
 * What the drivers of GPUs need, by docs/seccomp.md: without one of these there is
 * no CUDA, Vulkan or ROCm. In strict some of it is denied, or this would show
 * nothing.
 */
static const struct {
	const char *call;
	uint64_t args[6];
} gpu[] = {
	{ "openat", { 0, 0, 02000002 } },
	{ "ioctl", { 3, 0xc00846d6 } }, /* nvidiactl: _IOWR('F', 0xd6, 8) */
	{ "ioctl", { 3, 0xc020462b } }, /* _IOWR('F', NV_ESC_RM_ALLOC, 32) */
	{ "ioctl", { 3, 0x30000001 } }, /* UVM_INITIALIZE */
	{ "ioctl", { 3, 75 } },         /* UVM_MM_INITIALIZE */
	{ "ioctl", { 3, 0xc0106d00 } }, /* nvidia-modeset: _IOWR('m', 0, 16) */
	{ "ioctl", { 3, 0xc0406400 } }, /* DRM_IOCTL_VERSION */
	{ "ioctl", { 3, 0xc0186442 } }, /* DRM_IOCTL_AMDGPU_... */
	{ "ioctl", { 3, 0x80084b01 } }, /* AMDKFD_IOC_GET_VERSION */
	{ "ioctl", { 3, 0xc0286b44 } },
	{ "ioctl", { 3, 0x40086200 } }, /* DMA_BUF_IOCTL_SYNC */
	{ "ioctl", { 3, 0xc0303e03 } }, /* SYNC_IOC_MERGE */
	{ "memfd_create", { 0, 3 } },
	{ "mmap", { 0, 4096, 3, 1, 3 } },
	{ "mlock", { 0, 4096 } },
	{ "madvise", { 0, 4096, 10 } }, /* MADV_DONTFORK */
	{ "socket", { 1, 5 } },         /* nvidia-persistenced, MPS */
	{ "connect", { 3 } },
	{ "setsockopt", { 3, 1, 16 } }, /* SO_PASSCRED */
	{ "sched_setaffinity", { 0 } },
	{ "eventfd2", { 0 } },
	{ "prctl", { 0x59616d61 } }, /* PR_SET_PTRACER */
	{ "fcntl", { 3, 1027 } },    /* F_DUPFD_QUERY: Mesa */
	{ "inotify_init1", { 0 } },
	{ "semget", { 0 } },
	{ "mknodat", { 0, 0, 0020666 } },
};

Test(floor_docker, gpu_drivers_get_what_they_need) {
	unsigned strict = 0, asked = 0;

	for (const struct filter *f = filters; f < filters + FILTERS; f++) {
		for (size_t i = 0; i < COUNT(gpu); i++) {
			const int passed = passes(f, gpu[i].call, gpu[i].args);

			if (f->profile == FLOOR_GPU)
				cr_expect(passed, "%s (%#llx)", gpu[i].call,
				          (unsigned long long)gpu[i].args[1]);
			strict += f->profile == FLOOR_STRICT && passed;
			asked += f->profile == FLOOR_STRICT;
		}
	}
	cr_expect(strict > 0 && strict < asked, "%u of %u", strict, asked);
}
