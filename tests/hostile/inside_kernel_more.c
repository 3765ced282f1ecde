/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Cgroups; large interfaces, asked properly; what the kernel itself says of changing the mounts. */
#include "inside.h"

#include <dirent.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/perf_event.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* ----------------------------------------------------------------------- cgroups */

void inside_cgroup(const struct attempt *a) {
	/* clone_args: flags, ... , cgroup as the last of eleven */
	uint64_t into[11] = { 0x200000000ull /* INTO_CGROUP */, 0, 0, 0, 17 };
	static const char *const kinds[] = { "cgroup2", "cgroup", "sysfs" };
	char line[512], what[64];
	unsigned outside = 0, groups = 0;
	FILE *f = fopen("/proc/self/cgroup", "re");
	struct stat st;

	(void)a;
	/* A namespace of its own: the path on the host is nobody's business, ".." would be it. */
	for (; f && fgets(line, sizeof(line), f); groups++) {
		char *path = strchr(line, '/');

		outside += !path || strncmp(path, "/..", 3) == 0;
	}
	if (f)
		fclose(f);
	tap_ok(f && outside == 0, "no path outside its own cgroup is shown (%u groups)", groups);
	tap_ok(stat("/sys/fs/cgroup", &st) < 0, "there is no /sys/fs/cgroup");
	for (unsigned i = 0; i < 3; i++) {
		snprintf(what, sizeof(what), "mounting a %s", kinds[i]);
		refused(mount("none", "/tmp", kinds[i], 0,
		              i == 1 ? "release_agent=/t/inside" : NULL),
		        what, EPERM, 0, 0);
	}
	refused(unshare(0x02000000), "a cgroup namespace", EPERM, 0, 0);
	into[10] = (uint64_t)open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	refused(syscall(435 /* clone3 */, into, sizeof(into)), "clone3 into a cgroup", ENOSYS, 0,
	        0);
	refused(open("/proc/1/cgroup", O_WRONLY | O_CLOEXEC), "writing to /proc/1/cgroup", EACCES,
	        EPERM, 0);
	refused(open("/proc/self/cpuset", O_WRONLY | O_CLOEXEC), "writing to /proc/self/cpuset",
	        EACCES, EPERM, ENOENT);
}

/* --------------------------------------------------------------------- namespaces */

/* Each argument is a namespace of the host's: "ipc:[4026531839]". */
void inside_apart(const struct attempt *a) {
	char path[64], text[64];

	for (int i = 0; i < a->argc; i++) {
		ssize_t n;

		snprintf(path, sizeof(path), "/proc/self/ns/%.*s", (int)strcspn(a->argv[i], ":"),
		         a->argv[i]);
		n = readlink(path, text, sizeof(text) - 1);
		text[n < 0 ? 0 : n] = '\0';
		tap_ok(n > 0 && strcmp(text, a->argv[i]) != 0, "not the host's %s, but %s",
		       a->argv[i], text);
	}
}

/* ---------------------------------------------------------------------- surfaces */

static long try_bpf(void) {
	/* r0 = 0; exit: what an unprivileged process may load where anybody may load anything */
	static const struct bpf_insn code[] = { { .code = 0xb7 }, { .code = 0x95 } };
	union bpf_attr attr;

	memset(&attr, 0, sizeof(attr));
	attr.prog_type = BPF_PROG_TYPE_SOCKET_FILTER;
	attr.insns = (uintptr_t)code;
	attr.insn_cnt = 2;
	attr.license = (uintptr_t) "GPL";
	return syscall(SYS_bpf, BPF_PROG_LOAD, &attr, sizeof(attr));
}

static long try_perf(void) {
	struct perf_event_attr attr;

	memset(&attr, 0, sizeof(attr));
	attr.type = PERF_TYPE_SOFTWARE;
	attr.size = sizeof(attr);
	attr.config = PERF_COUNT_SW_TASK_CLOCK;
	attr.exclude_kernel = 1;
	attr.exclude_hv = 1;
	return syscall(SYS_perf_event_open, &attr, 0, -1, -1, 0);
}

static void try_devices(void) {
	static const char *const paths[] = { "/dev/userfaultfd",  "/dev/kvm",   "/dev/vsock",
		                             "/dev/vhost-net",    "/dev/fuse",  "/dev/net/tun",
		                             "/dev/kmsg",         "/dev/mem",   "/dev/udmabuf",
		                             "/dev/loop-control", "/dev/uinput" };

	for (unsigned i = 0; i < sizeof(paths) / sizeof(paths[0]); i++)
		refused(open(paths[i], O_RDONLY | O_CLOEXEC), paths[i], ENOENT, 0, 0);
}

/* Reserved huge pages, of the default size and of another. Without the rules there is another errno, or a memfd. */
static void try_pool(void) {
	static const int sizes[] = { 0, 21 << 26 /* 2 MiB */, 30 << 26 /* 1 GiB */ };

	for (unsigned i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		void *p = mmap(NULL, 1 << 21, PROT_READ | PROT_WRITE,
		               MAP_PRIVATE | MAP_ANONYMOUS | 0x40000 | sizes[i], -1, 0);

		refused(p == MAP_FAILED ? -1 : 0, "memory of reserved huge pages", EINVAL, 0, 0);
		refused(syscall(SYS_memfd_create, "x", 4u | (unsigned)sizes[i]),
		        "a memfd of reserved huge pages", EINVAL, 0, 0);
		refused(syscall(SYS_shmget, 0, (size_t)1 << 21, 0600 | 01000 | 04000 | sizes[i]),
		        "a segment of reserved huge pages", EINVAL, 0, 0);
	}
	refused(syscall(SYS_memfd_create, "x", 0xdeadbeef00000004ul),
	        "the same with more in the register", EINVAL, 0, 0);
}

void inside_surfaces(const struct attempt *a) {
	uint32_t params[30] = { 0 }; /* struct io_uring_params */

	(void)a;
	refused(try_bpf(), "loading a harmless bpf program", EPERM, 0, 0);
	refused(try_perf(), "a perf counter of its own", EPERM, 0, 0);
	refused(syscall(425, 4, params), "an io_uring", EPERM, 0, 0);
	refused(syscall(426, 3, 0, 0, 0, NULL, 0), "io_uring_enter", EPERM, 0, 0);
	refused(syscall(427, 3, 0, NULL, 0), "io_uring_register", EPERM, 0, 0);
	refused(syscall(SYS_userfaultfd, 1 | O_CLOEXEC), "userfaultfd for user mode", EPERM, 0, 0);
	refused(syscall(SYS_fanotify_init, 0x200 /* REPORT_FID */, O_RDONLY), "fanotify", EPERM, 0,
	        0);
	refused(socket(16 /* AF_NETLINK */, SOCK_RAW, 9), "an audit socket", EAFNOSUPPORT,
	        EPROTONOSUPPORT, 0);
	refused(mknod("/tmp/disk", S_IFBLK | 0600, 0x801), "a disk's node", EPERM, 0, 0);
	try_pool();
	try_devices();
}

/* ----------------------------------------------------------------- what mounts hide */

static bool has_caps(void) {
	FILE *f = fopen("/proc/self/status", "re");
	char line[256];
	unsigned long long caps = 0;

	while (f && fgets(line, sizeof(line), f))
		if (!strncmp(line, "CapEff:", 7))
			caps = strtoull(line + 7, NULL, 16);
	if (f)
		fclose(f);
	return caps >> 21 & 1; /* CAP_SYS_ADMIN */
}

/* at: a tmpfs that covers a directory with `secret` in it; /w: the granted tree around it, read-only. */
static void change_mounts(const char *who, const char *at) {
	const uint64_t writable[4] = { 0, 1 /* RDONLY */, 0, 0 };
	const uint64_t devices[4] = { 0, 2 | 4 /* NOSUID, NODEV */, 0, 0 };
	char what[96];
	int fd;

#define TRY(call, text)                                                                            \
	do {                                                                                       \
		snprintf(what, sizeof(what), "%s: %s", who, text);                                 \
		refused(call, what, EPERM, EINVAL, EBUSY);                                         \
	} while (0)
	TRY(umount2(at, MNT_DETACH), "unmounting the cover");
	TRY(umount2("/proc", MNT_DETACH), "unmounting /proc");
	TRY(umount2("/w", MNT_DETACH), "unmounting the tree");
	TRY(umount2("/", MNT_DETACH), "unmounting the root");
	TRY(mount(NULL, "/w", NULL, MS_REMOUNT | MS_BIND, NULL), "a writable remount");
	TRY(mount(NULL, "/", NULL, MS_REMOUNT | MS_BIND, NULL), "a writable root");
	TRY(mount("/w", "/tmp", NULL, MS_BIND, NULL), "a bind without what covers");
	TRY(mount(at, "/tmp", NULL, MS_MOVE, NULL), "moving the cover");
	TRY(syscall(442 /* mount_setattr */, AT_FDCWD, "/w", 0x8000, writable, sizeof(writable)),
	    "clearing read-only");
	TRY(syscall(442, AT_FDCWD, "/w", 0x8000, devices, sizeof(devices)),
	    "clearing nosuid and nodev");
	fd = (int)syscall(428 /* open_tree */, AT_FDCWD, "/w", 1 /* CLONE */);
	TRY(fd, "a clone without what covers");
	TRY(syscall(SYS_pivot_root, "/", "/w"), "pivot_root");
#undef TRY
	snprintf(what, sizeof(what), "%s/secret", at);
	tap_ok(access(what, F_OK) < 0, "%s: what is covered is not seen", who);
	fd = open("/w/new", O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
	refused(fd, "writing to the read-only tree", EROFS, 0, 0);
}

/* Namespaces of its own, if they can be had: the mounts that are copied there are locked together. */
static void change_below(int flags, const char *who, const char *at) {
	int status = 0;
	pid_t pid;

	fflush(stdout);
	pid = fork();
	if (pid == 0) {
		if (unshare(flags) < 0)
			_exit(2);
		tap_failures = 0;
		change_mounts(who, at);
		fflush(stdout);
		_exit(tap_failures ? 1 : 0);
	}
	waitpid(pid, &status, 0);
	tap_ok(pid > 0 && WIFEXITED(status) && WEXITSTATUS(status) != 1, "%s: %s", who,
	       WEXITSTATUS(status) == 2 ? "it cannot be had" : "nothing could be changed");
}

/*
 * With the floor all of this is refused before the kernel is asked. Without
 * it, and with every capability in the sandbox's user namespace (that is what
 * a mutation of the helper gives), the kernel must refuse it by itself.
 */
void inside_uncover(const struct attempt *a) {
	const char *at = a->argc > 0 ? a->argv[0] : "/w/cover";
	int fd;

	tap_note("CAP_SYS_ADMIN in its user namespace: %s", has_caps() ? "yes" : "no");
	change_mounts("inside", at);
	refused(mount("none", "/tmp", "tmpfs", 0, NULL), "mounting a tmpfs", EPERM, 0, 0);
	change_below(CLONE_NEWNS, "in a mount namespace of its own", at);
	fd = open("/proc/sys/user/max_user_namespaces", O_WRONLY | O_CLOEXEC);
	if (fd >= 0) {
		(void)!write(fd, "10", 2);
		close(fd);
	}
	change_below(CLONE_NEWUSER | CLONE_NEWNS, "in a user and mount namespace", at);
}
