/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Files: devices, the kernel's knobs, read-only trees, setuid programs, terminals. */
#include "inside.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <termios.h>
#include <unistd.h>

#include "protocol/answer.h"
#include "protocol/plan.h"

void inside_nodes(const struct attempt *a) {
	static const char *const good[] = { "null", "zero", "full", "random", "urandom" };
	static const char *const known[] = { "null", "zero", "full",  "random", "urandom",
		                             "tty",  "fd",   "stdin", "stdout", "stderr",
		                             "ptmx", "shm",  "pts",   ".",      ".." };
	DIR *dir = opendir("/dev");
	struct dirent *e;
	char path[64];
	unsigned strange = 0;

	(void)a;
	refused(mknod("/tmp/node", S_IFCHR | 0666, makedev(1, 3)), "mknod of a character device",
	        EPERM, 0, 0);
	refused(mknod("/tmp/node", S_IFBLK | 0666, makedev(8, 0)), "mknod of a block device", EPERM,
	        0, 0);
	while (dir && (e = readdir(dir))) {
		bool found = false;

		for (unsigned i = 0; i < sizeof(known) / sizeof(known[0]); i++)
			found |= !strcmp(e->d_name, known[i]);
		strange += !found;
		if (!found)
			tap_note("/dev/%s", e->d_name);
	}
	if (dir)
		closedir(dir);
	tap_ok(dir && strange == 0, "/dev holds the harmless devices and nothing else");
	for (unsigned i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		snprintf(path, sizeof(path), "/dev/%s", good[i]);
		int fd = open(path, O_RDONLY | O_CLOEXEC);

		tap_ok(fd >= 0, "%s can be read", path);
		if (fd >= 0)
			close(fd);
		refused(chmod(path, 0), "chmod of a device", EROFS, EPERM, 0);
	}
	refused(open("/dev/x", O_CREAT | O_WRONLY | O_CLOEXEC, 0600), "a new file in /dev", EROFS,
	        EACCES, 0);
}

void inside_proc(const struct attempt *a) {
	static const char *const write_to[] = { "/proc/sysrq-trigger",
		                                "/proc/sys/kernel/core_pattern",
		                                "/proc/sys/kernel/hostname",
		                                "/proc/sys/kernel/modprobe",
		                                "/proc/sys/vm/drop_caches",
		                                "/proc/1/oom_score_adj",
		                                "/proc/1/comm",
		                                "/proc/1/timerslack_ns",
		                                "/proc/self/uid_map",
		                                "/proc/self/setgroups",
		                                "/proc/sys/user/max_user_namespaces",
		                                "/proc/irq/default_smp_affinity",
		                                "/proc/sys/fs/suid_dumpable",
		                                "/proc/sys/net/ipv4/ip_forward" };
	static const char *const read_from[] = { "/proc/kcore", "/proc/kmsg" };
	char byte;

	(void)a;
	for (unsigned i = 0; i < sizeof(write_to) / sizeof(write_to[0]); i++) {
		int fd = open(write_to[i], O_WRONLY | O_CLOEXEC);
		long rc = fd < 0 ? -1 : write(fd, "0", 1);

		refused(rc, write_to[i], EACCES, EPERM, errno == EROFS ? EROFS : ENOENT);
		if (fd >= 0)
			close(fd);
	}
	for (unsigned i = 0; i < sizeof(read_from) / sizeof(read_from[0]); i++) {
		int fd = open(read_from[i], O_RDONLY | O_NONBLOCK | O_CLOEXEC);
		long rc = fd < 0 ? -1 : read(fd, &byte, 1);

		refused(rc, read_from[i], EACCES, EPERM, ENOENT);
		if (fd >= 0)
			close(fd);
	}
}

/* O_RDONLY, then up through /proc: an open file is a way to its inode, not around its mount. */
static void by_descriptor(const char *file) {
	int fd = open(file, O_RDONLY | O_CLOEXEC);
	char path[64];

	if (!tap_ok(fd >= 0, "%s can be read", file))
		return;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	refused(open(path, O_RDWR | O_CLOEXEC), "reopening by /proc/self/fd", EROFS, 0, 0);
	refused(chmod(path, 0777), "chmod by /proc/self/fd", EROFS, 0, 0);
	refused(truncate(path, 0), "truncate by /proc/self/fd", EROFS, 0, 0);
	refused(fchmod(fd, 0777), "fchmod", EROFS, 0, 0);
	refused(fsetxattr(fd, "user.x", "y", 1, 0), "fsetxattr", EROFS, EOPNOTSUPP, 0);
	close(fd);
}

void inside_readonly(const struct attempt *a) {
	char file[256], other[256], mine[256];

	snprintf(file, sizeof(file), "%s/file", a->argv[0]);
	snprintf(other, sizeof(other), "%s/other", a->argv[0]);
	snprintf(mine, sizeof(mine), "/proc/self/root%s/file", a->argv[0]);
	refused(open(file, O_RDWR | O_CLOEXEC), "writing to a read-only bind", EROFS, 0, 0);
	refused(open(mine, O_RDWR | O_CLOEXEC), "writing by /proc/self/root", EROFS, 0, 0);
	refused(open(other, O_CREAT | O_WRONLY | O_CLOEXEC, 0600), "a new file", EROFS, 0, 0);
	refused(open(a->argv[0], O_TMPFILE | O_RDWR | O_CLOEXEC, 0600), "an unnamed file", EROFS,
	        EOPNOTSUPP, 0);
	refused(unlink(file), "unlink", EROFS, 0, 0);
	refused(rename(file, other), "rename", EROFS, EXDEV, 0);
	refused(link(file, "/tmp/link"), "a hard link out of it", EXDEV, EROFS, EPERM);
	refused(chmod(file, 0777), "chmod", EROFS, 0, 0);
	refused(truncate(file, 0), "truncate", EROFS, 0, 0);
	refused(mkdir(other, 0700), "mkdir", EROFS, 0, 0);
	refused(symlink("/", other), "symlink", EROFS, 0, 0);
	by_descriptor(file);
}

static void no_set_id(const char *path, mode_t bits) {
	struct stat st;
	int fd = open(path, O_CREAT | O_RDWR | O_CLOEXEC, 0755);

	if (!tap_ok(fd >= 0, "%s can be written", path))
		return;
	refused(chmod(path, 0755 | bits), "chmod", EPERM, 0, 0);
	refused(fchmod(fd, 0755 | bits), "fchmod", EPERM, 0, 0);
	refused(fchmodat(-100, path, 0755 | bits, 0), "fchmodat", EPERM, 0, 0);
	refused(syscall(452, -100, path, 0755 | bits, 0), "fchmodat2", EPERM, ENOSYS, 0);
	unlink(path);
	refused(open(path, O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC, 0755 | bits), "open", EPERM, 0,
	        0);
	refused(openat(-100, path, O_CREAT | O_RDWR | O_CLOEXEC, 0755 | bits), "openat", EPERM, 0,
	        0);
#ifdef SYS_creat
	refused(syscall(SYS_creat, path, 0755 | bits), "creat", EPERM, 0, 0);
#endif
	refused(mknod(path, S_IFREG | 0755 | bits, 0), "mknod", EPERM, 0, 0);
	tap_ok(stat(path, &st) < 0 || !(st.st_mode & 06000), "no setuid or setgid file is there");
	close(fd);
}

void inside_planted(const struct attempt *a) {
	char path[256];

	snprintf(path, sizeof(path), "%s/planted", a->argv[0]);
	no_set_id(path, S_ISUID);
	no_set_id(path, S_ISGID);
	snprintf(path, sizeof(path), "%s/node", a->argv[0]);
	refused(mknod(path, S_IFCHR | 0666, makedev(1, 3)), "a device node in the tree", EPERM, 0,
	        0);
}

void inside_setuid(const struct attempt *a) {
	struct caisson_answer answer = { 0 };
	struct stat st;
	int sv[2];
	pid_t pid;

	if (stat(a->argv[0], &st) < 0 || !(st.st_mode & S_ISUID) ||
	    (st.st_uid != 0 && st.st_uid != 65534)) {
		tap_skip("a setuid root program inside", "none was granted to this sandbox");
		return;
	}
	if (socketpair(AF_UNIX, SOCK_SEQPACKET, 0, sv) < 0 || (pid = fork()) < 0) {
		tap_ok(false, "a socket pair and a process");
		return;
	}
	if (pid == 0) {
		dup2(sv[1], CAISSON_FD_CONTROL);
		execl(a->argv[0], "caisson-helper", NULL);
		_exit(77);
	}
	close(sv[1]);
	/* caisson-helper itself: it says whether it became root. */
	tap_ok(read(sv[0], &answer, sizeof(answer)) == sizeof(answer) &&
	               answer.stage == CAISSON_STAGE_START &&
	               answer.knob == CAISSON_KNOB_NO_NEW_PRIVS,
	       "a setuid root program runs and gains nothing (stage %u knob %u)", answer.stage,
	       answer.knob);
	waitpid(pid, NULL, 0);
	close(sv[0]);
}

void inside_tty(const struct attempt *a) {
	int fd = a->argc > 0 ? atoi(a->argv[0]) : open("/dev/ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC);
	char byte = 'x', code = 2;

	if (!tap_ok(fd >= 0 && isatty(fd), "there is a terminal to try"))
		return;
	refused(ioctl(fd, TIOCSTI, &byte), "TIOCSTI", EPERM, 0, 0);
	refused(ioctl(fd, TIOCLINUX, &code), "TIOCLINUX", EPERM, 0, 0);
	/* the kernel looks at the low half only, so must the filter */
	refused(syscall(SYS_ioctl, fd, TIOCSTI | 1ul << 32, &byte), "TIOCSTI with a high bit",
	        EPERM, 0, 0);
	if (a->argc > 0)
		refused(ioctl(fd, TIOCSCTTY, 1), "stealing the terminal", EPERM, 0, 0);
}

/* Is anything of a kernel file system to be had at or below path? Depth-limited, types by magic. */
static bool kernel_type(long type) {
	return type == 0x9fa0 /* proc */ || type == 0x62656572 /* sysfs */ ||
	       type == 0x27e0eb /* cgroup */ || type == 0x63677270 /* cgroup2 */ ||
	       type == 0x64626720 /* debugfs */ || type == 0x74726163 /* tracefs */ ||
	       type == 0x6e736673 /* nsfs */ || type == 0x1cd1 /* devpts */ ||
	       type == (long)0xcafe4a11 /* bpf */ || type == 0x73636673 /* securityfs */;
}

static unsigned walk(const char *dir, int depth, unsigned *seen) {
	char path[512];
	struct statfs fs;
	unsigned bad = 0;
	DIR *d;

	(*seen)++;
	if (statfs(dir, &fs) == 0 && kernel_type((long)fs.f_type)) {
		tap_note("%s is of type %#lx", dir, (unsigned long)fs.f_type);
		return 1;
	}
	d = depth > 0 ? opendir(dir) : NULL;
	for (struct dirent *e; d && (e = readdir(d));) {
		if (e->d_name[0] == '.' || (e->d_type != DT_DIR && e->d_type != DT_UNKNOWN) ||
		    *seen > 20000)
			continue;
		snprintf(path, sizeof(path), "%s/%s", strcmp(dir, "/") ? dir : "", e->d_name);
		bad += walk(path, depth - 1, seen);
	}
	if (d)
		closedir(d);
	return bad;
}

void inside_trees(const struct attempt *a) {
	for (int i = 0; i < a->argc; i++) {
		unsigned seen = 0, bad = walk(a->argv[i], 4, &seen);

		tap_ok(bad == 0, "no kernel file system below %s (%u directories)", a->argv[i],
		       seen);
	}
}

void inside_absent(const struct attempt *a) {
	for (int i = 0; i < a->argc; i++)
		tap_ok(access(a->argv[i], F_OK) < 0, "%s is not there", a->argv[i]);
}

void inside_present(const struct attempt *a) {
	for (int i = 0; i < a->argc; i++)
		tap_ok(access(a->argv[i], F_OK) == 0, "%s is there", a->argv[i]);
}

void inside_unreadable(const struct attempt *a) {
	for (int i = 0; i < a->argc; i++)
		refused(open(a->argv[i], O_RDONLY | O_CLOEXEC), a->argv[i], EACCES, 0, 0);
}
