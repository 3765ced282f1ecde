/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a full sandbox promises, read from the kernel by the target itself. */
#include "inside.h"

#include <dirent.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <unistd.h>

/* 32 to 34: what a C library keeps to itself, signal() does not change. */
#define LIBC_OWN 0x380000000ll

/* The number after "Field:" in /proc/self/status, read in this base; -1. */
static long long status_field(const char *field, int base) {
	FILE *f = fopen("/proc/self/status", "re");
	size_t len = strlen(field);
	char line[512];
	long long value = -1;

	while (f && fgets(line, sizeof(line), f))
		if (!strncmp(line, field, len) && line[len] == ':')
			value = strtoll(line + len + 1, NULL, base);
	if (f)
		fclose(f);
	return value;
}

static void check_privilege(void) {
	static const char *const sets[] = { "CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb" };
	unsigned bits = (unsigned)prctl(PR_GET_SECUREBITS, 0, 0, 0, 0);

	for (unsigned i = 0; i < sizeof(sets) / sizeof(sets[0]); i++)
		tap_ok(status_field(sets[i], 16) == 0, "%s is empty", sets[i]);
	tap_ok(status_field("NoNewPrivs", 10) == 1, "no_new_privs is set");
	tap_ok(status_field("Seccomp", 10) == 2, "a seccomp filter is in force");
	tap_ok((bits & 3) == 3, "securebits NOROOT is locked (%#x)", bits);
	tap_ok(getuid() != 0 && getuid() == geteuid() && getgid() == getegid(),
	       "real and effective ids are the caller's");
}

static unsigned count_processes(void) {
	DIR *dir = opendir("/proc");
	struct dirent *e;
	unsigned n = 0;

	while (dir && (e = readdir(dir)))
		n += e->d_name[0] >= '0' && e->d_name[0] <= '9';
	if (dir)
		closedir(dir);
	return n;
}

static void check_processes(void) {
	struct stat st;

	tap_ok(getppid() == 1 && getpid() < 10, "the parent is pid 1 (pid %d)", getpid());
	tap_ok(count_processes() == 2, "/proc shows init and this process, no more: %u",
	       count_processes());
	tap_ok(getsid(0) == getpid() && getpgrp() == getpid(), "own session, own process group");
	refused(open("/dev/tty", O_RDWR | O_CLOEXEC), "a controlling terminal", ENXIO, 0, 0);
	tap_ok(stat("/sys", &st) < 0 && errno == ENOENT, "there is no /sys");
}

static void check_inherited(void) {
	struct itimerval timer = { .it_value = { 0, 0 } };
	struct rlimit core, files;
	char cwd[64] = "";
	mode_t mask = umask(0);

	umask(mask);
	tap_ok(status_field("SigBlk", 16) == 0 && (status_field("SigIgn", 16) & ~LIBC_OWN) == 0 &&
	               status_field("SigCgt", 16) == 0,
	       "no signal is blocked, ignored or caught (%llx, %llx, %llx)",
	       status_field("SigBlk", 16), status_field("SigIgn", 16), status_field("SigCgt", 16));
	tap_ok(mask == 022, "umask is 022 (%03o)", (unsigned)mask);
	tap_ok(getcwd(cwd, sizeof(cwd)) && !strcmp(cwd, "/"), "the directory is /: %s", cwd);
	tap_ok(personality(0xffffffff) == 0, "personality is 0");
	for (int which = ITIMER_REAL; which <= ITIMER_PROF; which++)
		if (which != ITIMER_REAL) /* ours: the alarm */
			tap_ok(getitimer(which, &timer) == 0 && timer.it_value.tv_sec == 0 &&
			               timer.it_value.tv_usec == 0,
			       "timer %d is not armed", which);
	getrlimit(RLIMIT_CORE, &core);
	getrlimit(RLIMIT_NOFILE, &files);
	/* 1, not 0: with 0 a pipe core handler still runs, as the host's root. */
	tap_ok(core.rlim_max == 1 && core.rlim_cur == 1, "RLIMIT_CORE is 1 (%llu, %llu)",
	       (unsigned long long)core.rlim_cur, (unsigned long long)core.rlim_max);
	tap_ok(files.rlim_max <= 768, "RLIMIT_NOFILE is at most 768");
}

/* One line: point and options are the fields 5 and 6, the type comes after " - ". */
static void check_mount(char *line, unsigned *procs) {
	static const char *const known[] = { "tmpfs",    "proc",  "devpts",  "devtmpfs", "ext4",
		                             "xfs",      "btrfs", "overlay", "ext2",     "f2fs",
		                             "squashfs", "zfs",   "ramfs",   "rootfs" };
	char *type = strstr(line, " - "), *point = line;
	bool good = false;

	if (!type)
		return;
	*type = '\0';
	type[3 + strcspn(type + 3, " ")] = '\0';
	for (int i = 0; i < 4 && point; i++)
		point = strchr(point + 1, ' ');
	for (unsigned i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		good |= !strcmp(type + 3, known[i]);
	*procs += !strcmp(type + 3, "proc");
	if (!good || !point || !strstr(point, "nosuid") || strstr(point, "shared:") ||
	    strstr(point, "master:"))
		tap_ok(false, "mount%s (%s): nosuid, private, of a harmless kind", point, type + 3);
}

static void check_tree(void) {
	FILE *f = fopen("/proc/self/mountinfo", "re");
	unsigned mounts = 0, procs = 0;
	char line[4096];
	struct stat root, above;
	struct statvfs fs;

	while (f && fgets(line, sizeof(line), f)) {
		mounts++;
		check_mount(line, &procs);
	}
	if (f)
		fclose(f);
	tap_ok(mounts > 0, "%u mounts were judged from inside", mounts);
	tap_ok(procs == 1, "one procfs, the sandbox's own: %u", procs);
	tap_ok(statvfs("/", &fs) == 0 && fs.f_flag & ST_RDONLY, "the root is read-only");
	tap_ok(stat("/", &root) == 0 && stat("/../..", &above) == 0 &&
	               root.st_ino == above.st_ino && root.st_dev == above.st_dev,
	       "there is nothing above /");
	refused(open("/x", O_CREAT | O_WRONLY | O_CLOEXEC, 0600), "writing to /", EROFS, EACCES, 0);
}

void inside_self(const struct attempt *a) {
	const struct attempt none = { 0, NULL };

	(void)a;
	check_privilege();
	check_processes();
	check_inherited();
	check_tree();
	inside_fds(&none);
}

void inside_fds(const struct attempt *a) {
	DIR *dir = opendir("/proc/self/fd");
	struct dirent *e;
	unsigned strange = 0;

	while (dir && (e = readdir(dir))) {
		int fd = atoi(e->d_name);
		bool expected = e->d_name[0] == '.' || fd <= 2 || fd == dirfd(dir);

		for (int i = 0; i < a->argc; i++)
			expected |= fd == atoi(a->argv[i]);
		if (!expected)
			tap_note("descriptor %d is open", fd);
		strange += !expected;
	}
	tap_ok(dir && strange == 0, "no descriptor is open but those that were given");
	if (dir)
		closedir(dir);
}

void inside_ids(const struct attempt *a) {
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2] = { { 1u << CAP_SYS_ADMIN, 1u << CAP_SYS_ADMIN, 0 } };
	struct rlimit more = { 4096, 4096 };

	(void)a;
	refused(setuid(0), "setuid(0)", EPERM, EINVAL, 0);
	refused(setresuid(0, 0, 0), "setresuid(0, 0, 0)", EPERM, EINVAL, 0);
	refused(syscall(SYS_setresuid, -1, 0, -1), "setresuid(-1, 0, -1)", EPERM, EINVAL, 0);
	refused(setgid(0), "setgid(0)", EPERM, EINVAL, 0);
	refused(setresgid(0, 0, 0), "setresgid(0, 0, 0)", EPERM, EINVAL, 0);
	refused(syscall(SYS_setgroups, 0, NULL), "setgroups", EPERM, 0, 0);
	refused(syscall(SYS_capset, &head, data), "capset(CAP_SYS_ADMIN)", EPERM, 0, 0);
	refused(prctl(PR_CAP_AMBIENT, 2 /* RAISE */, CAP_SYS_ADMIN, 0, 0), "an ambient capability",
	        EPERM, 0, 0);
	refused(prctl(PR_SET_SECUREBITS, 0, 0, 0, 0), "clearing securebits", EPERM, 0, 0);
	refused(prctl(PR_SET_NO_NEW_PRIVS, 0, 0, 0, 0), "clearing no_new_privs", EINVAL, 0, 0);
	refused(prctl(PR_SET_SECCOMP, 0, 0, 0, 0), "leaving seccomp", EINVAL, 0, 0);
	refused(setrlimit(RLIMIT_NOFILE, &more), "raising RLIMIT_NOFILE", EPERM, 0, 0);
	refused(setrlimit(RLIMIT_CORE, &more), "raising RLIMIT_CORE", EPERM, 0, 0);
	refused(setpriority(PRIO_PROCESS, 0, -10), "a negative nice value", EACCES, EPERM, 0);
}
