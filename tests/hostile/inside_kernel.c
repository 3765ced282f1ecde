/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Kernel interfaces: namespaces, mounts, sockets, keys and the large ones with a record of holes. */
#include "inside.h"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
	NR_keyctl = SYS_keyctl,
	NR_io_uring_setup = 425,
	NR_open_tree = 428,
	NR_move_mount = 429,
	NR_fsopen = 430,
	NR_fspick = 433,
	NR_clone3 = 435,
	NR_openat2 = 437,
	NR_mount_setattr = 442,
};

static long try_clone(unsigned long flags) {
	long pid = syscall(SYS_clone, flags | SIGCHLD, NULL, NULL, NULL, NULL);

	if (pid == 0)
		_exit(0);
	if (pid > 0)
		waitpid((pid_t)pid, NULL, 0);
	return pid;
}

static long try_clone3(uint64_t flags) {
	uint64_t args[8] = { flags, 0, 0, 0, SIGCHLD, 0, 0, 0 };
	long pid = syscall(NR_clone3, args, sizeof(args));

	if (pid == 0)
		_exit(0);
	if (pid > 0)
		waitpid((pid_t)pid, NULL, 0);
	return pid;
}

void inside_namespaces(const struct attempt *a) {
	static const struct {
		unsigned long flag;
		const char *name;
	} kinds[] = { { CLONE_NEWUSER, "user" }, { CLONE_NEWUSER | CLONE_NEWNS, "user and mount" },
		      { CLONE_NEWNS, "mount" },  { CLONE_NEWPID, "pid" },
		      { CLONE_NEWNET, "net" },   { CLONE_NEWIPC, "ipc" },
		      { CLONE_NEWUTS, "uts" },   { 0x02000000, "cgroup" } };
	char what[80];

	(void)a;
	for (unsigned i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		snprintf(what, sizeof(what), "unshare of a %s namespace", kinds[i].name);
		refused(unshare((int)kinds[i].flag), what, EPERM, 0, 0);
		snprintf(what, sizeof(what), "clone into a %s namespace", kinds[i].name);
		refused(try_clone(kinds[i].flag), what, EPERM, 0, 0);
		snprintf(what, sizeof(what), "clone3 into a %s namespace", kinds[i].name);
		refused(try_clone3(kinds[i].flag), what, ENOSYS, 0, 0);
	}
	/* The kernel takes the flags from the low half of the register, the high must not hide them. */
	refused(try_clone(CLONE_NEWUSER | 1ul << 40), "clone with a high bit", EPERM, 0, 0);
	int fd = open("/proc/self/ns/user", O_RDONLY | O_CLOEXEC);

	refused(syscall(SYS_setns, fd, 0), "setns to the own user namespace", EPERM, EINVAL, 0);
	if (fd >= 0)
		close(fd);
}

void inside_mounts(const struct attempt *a) {
	const uint64_t clear[4] = { 0, 1 /* RDONLY */ | 2 /* NOSUID */ | 4 /* NODEV */, 0, 0 };

	(void)a;
	refused(mount("none", "/tmp", "tmpfs", 0, NULL), "mounting a tmpfs", EPERM, 0, 0);
	refused(mount("none", "/tmp", "proc", 0, NULL), "mounting a procfs", EPERM, 0, 0);
	refused(mount("/proc", "/tmp", NULL, MS_BIND, NULL), "a bind mount", EPERM, 0, 0);
	refused(mount("/", "/tmp", NULL, MS_MOVE, NULL), "moving the root", EPERM, EINVAL, 0);
	refused(mount(NULL, "/t", NULL, MS_REMOUNT | MS_BIND, NULL), "a writable remount", EPERM, 0,
	        0);
	refused(mount(NULL, "/", NULL, MS_REC | MS_SHARED, NULL), "sharing the mounts", EPERM, 0,
	        0);
	refused(umount2("/proc", MNT_DETACH), "unmounting /proc", EPERM, 0, 0);
	refused(umount2("/t", MNT_DETACH), "unmounting a bind", EPERM, 0, 0);
	refused(umount2("/dev/shm", 0), "unmounting /dev/shm", EPERM, 0, 0);
	refused(syscall(SYS_pivot_root, "/tmp", "/tmp"), "pivot_root", EPERM, 0, 0);
	refused(chroot("/tmp"), "chroot", EPERM, 0, 0);
	refused(syscall(NR_open_tree, -100, "/t", 1), "open_tree", EPERM, 0, 0);
	refused(syscall(NR_move_mount, -100, "/t", -100, "/tmp", 0), "move_mount", EPERM, 0, 0);
	refused(syscall(NR_fsopen, "tmpfs", 0), "fsopen", EPERM, 0, 0);
	refused(syscall(NR_fspick, -100, "/tmp", 0), "fspick", EPERM, 0, 0);
	refused(syscall(NR_mount_setattr, -100, "/t", 0x8000, clear, sizeof(clear)),
	        "mount_setattr clearing flags", EPERM, ENOSYS, 0);
}

void inside_calls(const struct attempt *a) {
	static const struct {
		long number;
		const char *name;
	} calls[] = {
		{ SYS_bpf, "bpf" },
		{ SYS_perf_event_open, "perf_event_open" },
		{ SYS_userfaultfd, "userfaultfd" },
		{ NR_io_uring_setup, "io_uring_setup" },
		{ SYS_open_by_handle_at, "open_by_handle_at" },
		{ SYS_name_to_handle_at, "name_to_handle_at" },
		{ SYS_fanotify_init, "fanotify_init" },
		{ SYS_syslog, "syslog" },
		{ SYS_acct, "acct" },
		{ SYS_swapon, "swapon" },
		{ SYS_reboot, "reboot" },
		{ SYS_kexec_load, "kexec_load" },
		{ SYS_init_module, "init_module" },
		{ SYS_finit_module, "finit_module" },
		{ SYS_delete_module, "delete_module" },
		{ SYS_settimeofday, "settimeofday" },
		{ SYS_clock_settime, "clock_settime" },
		{ SYS_sethostname, "sethostname" },
		{ SYS_quotactl, "quotactl" },
		{ SYS_vhangup, "vhangup" },
		{ SYS_process_vm_readv, "process_vm_readv" },
		{ NR_openat2, "openat2" },
		{ 0x3fffffff, "a call that does not exist" },
	};

	(void)a;
	for (unsigned i = 0; i < sizeof(calls) / sizeof(calls[0]); i++)
		refused(syscall(calls[i].number, 0, 0, 0, 0, 0, 0), calls[i].name, EPERM, ENOSYS,
		        0);
	/* userfaultfd, perf: with arguments that would be good, so that EPERM is no accident. */
	refused(syscall(SYS_userfaultfd, 1 /* USER_MODE_ONLY */ | O_CLOEXEC),
	        "user-mode userfaultfd", EPERM, 0, 0);
#if defined(__x86_64__)
	refused(syscall(0x40000000 | SYS_getpid), "the x32 way to call", ENOSYS, EPERM, 0);
#endif
}

void inside_keys(const struct attempt *a) {
	(void)a;
	/* KEYCTL_GET_KEYRING_ID of the session, user, user-session and process keyrings */
	for (int ring = -5; ring <= -2; ring++)
		refused(syscall(NR_keyctl, 0, ring, 1), "a keyring's id", EPERM, ENOSYS, 0);
	refused(syscall(NR_keyctl, 1, NULL), "joining a session keyring", EPERM, ENOSYS, 0);
	refused(syscall(SYS_add_key, "user", "x", "y", 1, -4), "add_key to the user's keyring",
	        EPERM, ENOSYS, 0);
	refused(syscall(SYS_request_key, "user", "x", NULL, -4), "request_key", EPERM, ENOSYS, 0);
}

/* A family is tried by socket() alone: what is denied must be denied there. */
static void no_socket(int family, int type, int protocol, const char *what) {
	int fd = socket(family, type, protocol);

	if (fd >= 0)
		close(fd);
	refused(fd, what, EAFNOSUPPORT, ESOCKTNOSUPPORT, EPROTONOSUPPORT);
}

/* An own network namespace has one interface. */
static void only_loopback(void) {
	FILE *f = fopen("/proc/self/net/dev", "re");
	char line[256], name[32];
	unsigned others = 0, lo = 0;

	while (f && fgets(line, sizeof(line), f))
		if (strchr(line, ':') && sscanf(line, " %31[^:]:", name) == 1) {
			lo += !strcmp(name, "lo");
			others += strcmp(name, "lo") != 0;
		}
	if (f)
		fclose(f);
	tap_ok(lo == 1 && others == 0, "no interface of the host's: %u and lo", others);
}

void inside_sockets(const struct attempt *a) {
	static const struct {
		int family;
		const char *name;
	} denied[] = { { 3, "AF_AX25" }, { 17, "AF_PACKET" }, { 21, "AF_RDS" },
		       { 29, "AF_CAN" }, { 30, "AF_TIPC" },   { 31, "AF_BLUETOOTH" },
		       { 38, "AF_ALG" }, { 40, "AF_VSOCK" },  { 41, "AF_KCM" },
		       { 43, "AF_SMC" }, { 44, "AF_XDP" },    { 45, "AF_MCTP" },
		       { 15, "AF_KEY" } };
	bool inet = a->argc > 0 && strcmp(a->argv[0], "none") != 0;
	int fd;

	for (unsigned i = 0; i < sizeof(denied) / sizeof(denied[0]); i++)
		no_socket(denied[i].family, denied[i].family == 38 ? SOCK_SEQPACKET : SOCK_DGRAM, 0,
		          denied[i].name);
	no_socket(AF_VSOCK, SOCK_STREAM, 0, "AF_VSOCK SOCK_STREAM");
	no_socket(AF_NETLINK, SOCK_RAW, 9, "AF_NETLINK audit");
	no_socket(AF_NETLINK, SOCK_RAW, 12, "AF_NETLINK netfilter");
	no_socket(AF_NETLINK, SOCK_RAW, 15, "AF_NETLINK uevent");
	no_socket(AF_INET, 10 /* SOCK_PACKET */, 0x300, "AF_INET SOCK_PACKET");
	no_socket(AF_INET, SOCK_STREAM, 132, "SCTP");
	if (a->argc > 0 && strcmp(a->argv[0], "host") != 0)
		only_loopback();
	if (!inet) {
		no_socket(AF_INET, SOCK_STREAM, 0, "AF_INET SOCK_STREAM");
		no_socket(AF_INET, SOCK_DGRAM, 0, "AF_INET SOCK_DGRAM");
		no_socket(AF_INET6, SOCK_STREAM, 0, "AF_INET6 SOCK_STREAM");
	} else {
		fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
		tap_ok(fd >= 0, "AF_INET is there, as asked");
		if (fd >= 0)
			close(fd);
		fd = socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC, 1);
		/* EACCES is SELinux's answer, before a capability is asked for. */
		refused(fd, "a raw AF_INET socket", EPERM,
		        fd < 0 && errno == EACCES ? EACCES : ESOCKTNOSUPPORT, EPROTONOSUPPORT);
	}
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	tap_ok(fd >= 0, "AF_UNIX is there");
	if (fd >= 0)
		close(fd);
}

void inside_abstract(const struct attempt *a) {
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	size_t len = strlen(a->argv[0]);

	memcpy(at.sun_path + 1, a->argv[0], len);
	refused(connect(fd, (struct sockaddr *)&at,
	                (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + len)),
	        "connecting to the host's abstract socket", ECONNREFUSED, EPERM, EACCES);
	if (fd >= 0)
		close(fd);
}

void inside_ipc(const struct attempt *a) {
	refused(shmget((key_t)strtol(a->argv[0], NULL, 0), 0, 0), "the host's shared memory",
	        ENOENT, ENOSYS, 0);
}
