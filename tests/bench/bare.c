/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The floor of bench_floor: one sandbox, written by hand, as root, for one
 * layout that is known beforehand. It makes the system calls that this sandbox
 * cannot do without, in the same processes and with the same tricks as
 * caisson-helper (the network namespace made meanwhile, the end told before
 * the teardown, short turns), and nothing else: no plan, no policy, no check of what it was
 * given, nothing read back, no answer but the exit status.
 *
 * bare TRUE_DIR UID: with a SEQPACKET socket as fd 3, where its init, a child
 * of whoever executed it, writes the wait status of /bin/true.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <linux/securebits.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "caisson-floor.h"

/* Not declared by the oldest supported C library; the same on every architecture. */
#define NR_open_tree 428
#define NR_move_mount 429
#define NR_fsopen 430
#define NR_fsconfig 431
#define NR_fsmount 432
#define NR_pidfd_open 434
#define NR_clone3 435
#define NR_close_range 436
#define NR_mount_setattr 442
#define NR_landlock_create_ruleset 444
#define NR_landlock_add_rule 445
#define NR_landlock_restrict_self 446

#define FROM_EMPTY_PATH 4u
#define ATTR_RDONLY 1u
#define ATTR_NOSUID 2u
#define ATTR_NODEV 4u
#define ATTR_NOEXEC 8u
#define NODES 6
#define SECUREBITS                                                                                 \
	(SECBIT_NOROOT | SECBIT_NOROOT_LOCKED | SECBIT_NO_SETUID_FIXUP |                           \
	 SECBIT_NO_SETUID_FIXUP_LOCKED | SECBIT_KEEP_CAPS_LOCKED | SECBIT_NO_CAP_AMBIENT_RAISE |   \
	 SECBIT_NO_CAP_AMBIENT_RAISE_LOCKED)

static const char *const node[NODES] = { "null", "zero", "full", "random", "urandom", "tty" };
static unsigned uid;
static int bin, device[NODES], pair[2], self; /* clones of the sources; parent and child; pidfd */

#define must(call)                                                                                 \
	do {                                                                                       \
		if (!(call))                                                                       \
			give_up(#call);                                                            \
	} while (0)

static _Noreturn void give_up(const char *what) {
	dprintf(2, "bare: %s: %s\n", what, strerror(errno));
	_exit(125);
}

static int clone_tree(const char *path, uint64_t attributes) {
	uint64_t set[4] = { ATTR_NOSUID | attributes, 0, MS_PRIVATE, 0 };
	int source = open(path, O_PATH | O_CLOEXEC), tree;

	must(source >= 0);
	tree = (int)syscall(NR_open_tree, source, "", AT_EMPTY_PATH | 0x8000 | 1 | O_CLOEXEC);
	must(tree >= 0);
	must(syscall(NR_mount_setattr, tree, "", AT_EMPTY_PATH | 0x8000, set, sizeof(set)) == 0);
	close(source);
	return tree;
}

/* options: "key", "value", ..., NULL */
static int new_fs(const char *type, unsigned attributes, const char *const *options) {
	int fs = (int)syscall(NR_fsopen, type, 1), mnt;

	must(fs >= 0);
	for (; options && *options; options += 2)
		must(syscall(NR_fsconfig, fs, 1, options[0], options[1], 0) == 0);
	must(syscall(NR_fsconfig, fs, 6, NULL, NULL, 0) == 0);
	mnt = (int)syscall(NR_fsmount, fs, 1, attributes | ATTR_NOSUID);
	must(mnt >= 0);
	close(fs);
	return mnt;
}

static void put(int mnt, int dir, const char *name) {
	must(syscall(NR_move_mount, mnt, "", dir, name, FROM_EMPTY_PATH) == 0);
}

static void put_in_new_dir(int mnt, int dir, const char *name) {
	must(mkdirat(dir, name, 0755) == 0);
	put(mnt, dir, name);
}

static void add_attributes(int mnt, uint64_t attributes) {
	uint64_t set[4] = { attributes };

	must(syscall(NR_mount_setattr, mnt, "", AT_EMPTY_PATH, set, sizeof(set)) == 0);
}

static int clone_mount(int mnt) {
	int clone = (int)syscall(NR_open_tree, mnt, "", AT_EMPTY_PATH | 1 | O_CLOEXEC);

	must(clone >= 0);
	return clone;
}

/* mask, or clones of it, over what there is of names */
static void mask_all(int dir, int mask, const char *const *names) {
	int next = mask;

	for (; *names; names++) {
		if (syscall(NR_move_mount, next, "", dir, *names, FROM_EMPTY_PATH) == 0)
			next = clone_mount(mask);
		else
			must(errno == ENOENT);
	}
	close(next);
}

/* What libclient/root.c:root_proc() has masked. */
static void mask_proc(int root, int proc) {
	static const char *const files[] = { "keys",        "key-users",     "interrupts",
		                             "kcore",       "sysrq-trigger", "timer_list",
		                             "sched_debug", "latency_stats", NULL };
	static const char *const dirs[] = { "irq", "bus", "fs", "acpi", "asound", "scsi", NULL };
	int empty, file = openat(root, ".empty", O_RDONLY | O_CREAT | O_CLOEXEC, 0444), sys;

	must(file >= 0);
	empty = clone_mount(file);
	add_attributes(empty, ATTR_NOSUID | ATTR_NODEV | ATTR_NOEXEC | ATTR_RDONLY);
	mask_all(proc, empty, files);
	must(unlinkat(root, ".empty", 0) == 0);
	mask_all(proc,
	         new_fs("tmpfs", ATTR_NODEV | ATTR_NOEXEC | ATTR_RDONLY,
	                (const char *const[]){ "size", "4k", "mode", "555", NULL }),
	         dirs);
	sys = openat(proc, "sys", O_PATH | O_CLOEXEC);
	must(sys >= 0);
	sys = clone_mount(sys);
	add_attributes(sys, ATTR_RDONLY);
	put(sys, proc, "sys");
}

static void build_dev(int root) {
	static const char *const links[][2] = { { "/proc/self/fd", "fd" },
		                                { "/proc/self/fd/0", "stdin" },
		                                { "/proc/self/fd/1", "stdout" },
		                                { "/proc/self/fd/2", "stderr" },
		                                { "pts/ptmx", "ptmx" } };
	int dev;

	must(mkdirat(root, "dev", 0755) == 0);
	dev = openat(root, "dev", O_PATH | O_CLOEXEC);
	must(dev >= 0);
	for (int i = 0; i < NODES; i++) {
		must(mknodat(dev, node[i], S_IFREG | 0444, 0) == 0);
		put(device[i], dev, node[i]);
	}
	for (int i = 0; i < 5; i++)
		must(symlinkat(links[i][0], dev, links[i][1]) == 0);
	put_in_new_dir(new_fs("tmpfs", ATTR_NODEV,
	                      (const char *const[]){ "size", "50%", "mode", "1777", NULL }),
	               dev, "shm");
	put_in_new_dir(new_fs("devpts", ATTR_NOEXEC,
	                      (const char *const[]){ "mode", "620", "ptmxmode", "666", NULL }),
	               dev, "pts");
}

static void build_root(void) {
	int proc = new_fs("proc", ATTR_NODEV | ATTR_NOEXEC, NULL);
	int root = new_fs("tmpfs", ATTR_NODEV,
	                  (const char *const[]){ "size", "4m", "mode", "755", NULL });

	must(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0);
	put(root, AT_FDCWD, "/");
	put_in_new_dir(bin, root, "bin");
	put_in_new_dir(new_fs("tmpfs", ATTR_NODEV,
	                      (const char *const[]){ "size", "64m", "mode", "755", NULL }),
	               root, "tmp");
	put_in_new_dir(proc, root, "proc");
	mask_proc(root, proc);
	build_dev(root);
	add_attributes(root, ATTR_RDONLY);
	must(sethostname("caisson", 7) == 0);
	must(fchdir(root) == 0 && syscall(SYS_pivot_root, ".", ".") == 0 &&
	     umount2(".", MNT_DETACH) == 0 && chdir("/") == 0);
}

static void write_file(int dir, const char *name, const char *text) {
	int fd = openat(dir, name, O_WRONLY | O_CLOEXEC);

	must(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text));
	close(fd);
}

static void set_caps(uint32_t kept) {
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2] = { { kept, kept, 0 }, { 0 } };

	must(syscall(SYS_capset, &head, data) == 0);
}

static void drop(void) {
	const struct {
		unsigned short len;
		const struct sock_filter *filter;
	} floor = { CAISSON_FLOOR_NONE_LEN, caisson_floor_none };
	uint64_t rules[3] = { 0, 0, 3 /* abstract sockets, signals */ }, files = 0x7fff;
	struct {
		uint64_t access;
		int32_t fd;
	} __attribute__((packed)) below = { files, -1 };
	int set;

	must(prctl(PR_SET_KEEPCAPS, 1) == 0);
	must(syscall(SYS_setresgid, uid, uid, uid) == 0);
	must(syscall(SYS_setresuid, uid, uid, uid) == 0);
	must(prctl(PR_SET_DUMPABLE, 0) == 0);
	syscall(SYS_keyctl, 1 /* JOIN_SESSION_KEYRING */, NULL);
	set_caps(1u << CAP_SETPCAP);
	for (unsigned long cap = 0; prctl(PR_CAPBSET_DROP, cap, 0, 0, 0) == 0; cap++)
		;
	must(prctl(PR_SET_SECUREBITS, SECUREBITS) == 0);
	set_caps(0);
	must(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);
	set = (int)syscall(NR_landlock_create_ruleset, rules, sizeof(rules), 0);
	if (set >= 0) /* Linux 6.12 */
		must(syscall(NR_landlock_restrict_self, set, 0) == 0);
	close(set);
	/* And the one for files: everything below the root. Standard streams are pipes or have none. */
	set = (int)syscall(NR_landlock_create_ruleset, &files, sizeof(files), 0);
	below.fd = open("/", O_PATH | O_CLOEXEC);
	if (set >= 0)
		must(syscall(NR_landlock_add_rule, set, 1, &below, 0) == 0 &&
		     syscall(NR_landlock_restrict_self, set, 0) == 0);
	close(set);
	close(below.fd);
	must(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &floor) == 0);
}

static int target(void *arg) {
	char *const argv[] = { (char *)(uintptr_t) "/bin/true", NULL };
	const struct rlimit core = { 1, 1 }, files = { 768, 768 };
	uint64_t turns[6]; /* struct sched_attr */

	(void)arg;
	syscall(NR_close_range, 3, ~0u, 0);
	setsid();
	setrlimit(RLIMIT_CORE, &core);
	setrlimit(RLIMIT_NOFILE, &files);
	for (int sig = 1; sig < 65; sig++)
		syscall(SYS_rt_sigaction, sig, (uint64_t[4]){ 0 }, NULL, 8);
	if (syscall(SYS_sched_getattr, 0, turns, sizeof(turns), 0) == 0) {
		turns[3] = 0; /* the usual ones */
		syscall(SYS_sched_setattr, 0, turns, 0);
	}
	execv(argv[0], argv);
	_exit(127);
}

static _Noreturn void init(void) {
	static char stack[16384] __attribute__((aligned(16)));
	char byte;
	int status = 0;
	pid_t pid;

	must(setsid() > 0);
	build_root();
	must(read(pair[1], &byte, 1) == 1 && setns(self, CLONE_NEWNET) == 0);
	must(unshare(CLONE_NEWUSER) == 0);
	must(write(pair[1], "u", 1) == 1 && read(pair[1], &byte, 1) == 1);
	must(syscall(NR_close_range, 4, ~0u, 0) == 0);
	drop();
	pid = clone(target, stack + sizeof(stack), CLONE_VM | SIGCHLD, NULL);
	must(pid > 0 && waitpid(pid, &status, 0) == pid);
	must(send(3, &status, sizeof(status), 0) == sizeof(status));
	_exit(0);
}

static void write_maps(long pid) {
	char dir[32], map[32];
	int fd;

	snprintf(dir, sizeof(dir), "/proc/%ld", pid);
	snprintf(map, sizeof(map), "%u %u 1", uid, uid);
	fd = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	must(fd >= 0);
	write_file(fd, "setgroups", "deny");
	write_file(fd, "uid_map", map);
	write_file(fd, "gid_map", map);
}

int main(int argc, char **argv) {
	uint64_t args[8] = { CLONE_PARENT | CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWIPC |
		             CLONE_NEWUTS | CLONE_NEWCGROUP };
	char path[32], byte;
	long pid;

	if (argc != 3)
		return 2;
	uid = (unsigned)strtoul(argv[2], NULL, 10);
	bin = clone_tree(argv[1], ATTR_NODEV | ATTR_RDONLY);
	for (int i = 0; i < NODES; i++) {
		snprintf(path, sizeof(path), "/dev/%s", node[i]);
		device[i] = clone_tree(path, ATTR_NOEXEC | ATTR_RDONLY);
	}
	self = (int)syscall(NR_pidfd_open, getpid(), 0);
	must(self >= 0 && socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) == 0);
	pid = syscall(NR_clone3, args, sizeof(args));
	must(pid >= 0);
	if (pid == 0)
		init();
	must(unshare(CLONE_NEWNET) == 0 && write(pair[0], "n", 1) == 1);
	must(read(pair[0], &byte, 1) == 1);
	write_maps(pid);
	must(write(pair[0], "m", 1) == 1);
	return 0;
}
