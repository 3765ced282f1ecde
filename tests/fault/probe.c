/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The target: looks at what it is in and writes that down, in one write.
 *
 * probe NET user pid mnt ipc uts cgroup net KEY: NET is none or loopback, then
 * the inode numbers of the namespaces outside, then the name of a key that only
 * its possessor can see.
 *
 * "not HEX TEXT": a fact that these properties stand on was not found. "seen HEX":
 * the properties that hold. "wrong TEXT": what must never
 * be. All other lines are as they are in every sandbox of that plan.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <sched.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "probe.h"

static char report[REPORT_SIZE];
static size_t length;
static uint64_t seen = ~0ull;

static void __attribute__((format(printf, 1, 2))) say(const char *format, ...) {
	va_list ap;
	int n;

	va_start(ap, format);
	n = vsnprintf(report + length, sizeof(report) - length, format, ap);
	va_end(ap);
	if (n > 0)
		length += (size_t)n;
	if (length >= sizeof(report))
		_exit(3);
}

/* A fact that a property stands on. */
static void fact(bool good, uint64_t property, const char *what) {
	if (good)
		return;
	seen &= ~property;
	say("not %llx %s\n", (unsigned long long)property, what);
}

static void never(bool bad, const char *what) {
	if (bad)
		say("wrong %s\n", what);
}

static const char *slurp(const char *path) {
	static char text[16384];
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	size_t have = 0;
	ssize_t n;

	while (fd >= 0 && have + 1 < sizeof(text) &&
	       (n = read(fd, text + have, sizeof(text) - have - 1)) > 0)
		have += (size_t)n;
	text[have] = '\0';
	if (fd >= 0)
		close(fd);
	return text;
}

static bool denied(long rc, int error) {
	return rc < 0 && errno == error;
}

/* -------------------------------------------------------------- namespaces */

static void look_at_namespaces(char *const *outside) {
	static const struct {
		const char *name;
		uint64_t property;
	} spaces[] = {
		{ "user", CAISSON_BIT(USERNS) | CAISSON_BIT(OWN_POOLS) },
		{ "pid", CAISSON_BIT(PID) },
		{ "mnt", CAISSON_BIT(MOUNT) },
		{ "ipc", CAISSON_BIT(IPC) },
		{ "uts", CAISSON_BIT(UTS) },
		{ "cgroup", CAISSON_BIT(CGROUP) },
		{ "net", CAISSON_BIT(NET) },
	};
	char path[32], what[32], name[128] = "";
	struct stat st;

	for (int i = 0; i < 7; i++) {
		snprintf(path, sizeof(path), "/proc/self/ns/%s", spaces[i].name);
		snprintf(what, sizeof(what), "own %s namespace", spaces[i].name);
		fact(stat(path, &st) == 0 &&
		             (unsigned long long)st.st_ino != strtoull(outside[i], NULL, 10),
		     spaces[i].property, what);
	}
	gethostname(name, sizeof(name) - 1);
	say("hostname %s\n", name);
	say("uid_map %s", slurp("/proc/self/uid_map"));
	say("gid_map %s", slurp("/proc/self/gid_map"));
	say("setgroups %s", slurp("/proc/self/setgroups"));
	say("offsets %s", slurp("/proc/self/timens_offsets"));
	fact(atoi(slurp("/proc/sys/user/max_user_namespaces")) == 0 &&
	             atoi(slurp("/proc/sys/user/max_inotify_instances")) <= 16 &&
	             atoi(slurp("/proc/sys/user/max_inotify_watches")) <= 4096,
	     CAISSON_BIT(OWN_POOLS), "limited pools");
}

static void look_at_network(const char *net) {
	struct ifr {
		char name[16];
		short flags;
		char rest[22];
	} lo = { .name = "lo" };
	bool none = !strcmp(net, "none");
	unsigned interfaces = 0;
	int s = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0), inet;

	for (const char *c = slurp("/proc/self/net/dev"); *c; c++)
		interfaces += *c == ':';
	fact(ioctl(s, 0x8913 /* SIOCGIFFLAGS */, &lo) == 0 && interfaces == 1, CAISSON_BIT(NET),
	     "one interface");
	say("lo %d\n", lo.flags & 1);
	never((lo.flags & 1) == none, "lo is not as asked");
	inet = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	fact((inet < 0) == none, CAISSON_BIT(NET) | CAISSON_BIT(SECCOMP), "internet sockets");
	close(inet);
	close(s);
}

/* ---------------------------------------------------------------- privilege */

/* The lines that say what a process is. All of pid 1's must be the target's, or nearly. */
static void look_at_status(const char *who) {
	static const char *const fields[] = { "Umask",  "Uid",    "Gid",        "Groups",
		                              "NSpid",  "NSpgid", "NSsid",      "CapInh",
		                              "CapPrm", "CapEff", "CapBnd",     "CapAmb",
		                              "SigIgn", "SigCgt", "NoNewPrivs", "Seccomp",
		                              "SigBlk", "PPid",   "TracerPid",  "Seccomp_filters" };
	char path[32], line[256];
	const char *at;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%s/status", who);
	f = fopen(path, "re");
	fact(f != NULL, CAISSON_BIT(CAPABILITIES), "a status");
	while (f && fgets(line, sizeof(line), f)) {
		at = strchr(line, ':');
		for (size_t i = 0; at && i < sizeof(fields) / sizeof(fields[0]); i++)
			if (strlen(fields[i]) == (size_t)(at - line) &&
			    !strncmp(fields[i], line, (size_t)(at - line)) &&
			    (strcmp(who, "1") != 0 || strncmp(line, "Sig", 3) != 0))
				say("%s %s", who, line);
		if (!strncmp(line, "Cap", 3))
			fact(strtoull(at + 1, NULL, 16) == 0, CAISSON_BIT(CAPABILITIES), "no caps");
		if (!strncmp(line, "NoNewPrivs:", 11))
			fact(atoi(at + 1) == 1, CAISSON_BIT(NO_NEW_PRIVS), "no_new_privs");
		if (!strncmp(line, "Seccomp:", 8))
			fact(atoi(at + 1) == 2, CAISSON_BIT(SECCOMP), "a filter");
	}
	if (f)
		fclose(f);
}

static void look_at_privilege(void) {
	const int locked = 1 << 0 | 1 << 1 | 1 << 2 | 1 << 3 | 1 << 5 | 1 << 6 | 1 << 7;
	struct stat st;
	int fd;

	look_at_status("self");
	look_at_status("1");
	fact(prctl(PR_GET_SECUREBITS, 0, 0, 0, 0) == locked, CAISSON_BIT(CAPABILITIES),
	     "securebits");
	fact(denied(unshare(CLONE_NEWUSER), EPERM) &&
	             denied(syscall(SYS_ptrace, 0, 0, 0, 0), EPERM) &&
	             denied(syscall(SYS_setns, -1, 0), EPERM),
	     CAISSON_BIT(SECCOMP), "the floor");
	fact(denied(syscall(434 /* pidfd_open */, 1, 0), EPERM) &&
	             denied(syscall(438 /* pidfd_getfd */, -1, 0, 0), EPERM) &&
	             denied(syscall(SYS_process_vm_readv, 1, NULL, 0, NULL, 0, 0), EPERM),
	     CAISSON_BIT(HOST_PROCESSES), "out of reach of processes");
	/* What is not dumpable is root's, whoever root is in here. */
	if (stat("/proc/1/mem", &st) < 0)
		fact(false, CAISSON_BIT(PROC), "pid 1 in /proc");
	else
		never(st.st_uid == getuid(), "pid 1 is dumpable");
	fd = open("/proc/1/mem", O_RDONLY | O_CLOEXEC);
	never(fd >= 0, "the memory of pid 1 can be opened");
	never(readlink("/proc/1/exe", report + length, 8) >= 0, "pid 1 can be looked into");
}

static void look_at_keys(const char *key) {
	fact(!strstr(slurp("/proc/keys"), key), CAISSON_BIT(KEYRING),
	     "rid of the host's session keyring");
	fact(denied(syscall(SYS_keyctl, 0, 0, 0), EPERM), CAISSON_BIT(KEYRING), "no key calls");
}

/* ---------------------------------------------------------------- processes */

static void look_at_processes(void) {
	unsigned others = 0;
	DIR *dir = opendir("/proc");
	struct dirent *e;
	int session = -1, tty = -1;
	const char *stat1;

	while (dir && (e = readdir(dir)))
		others += e->d_name[0] >= '0' && e->d_name[0] <= '9' && atoi(e->d_name) != 1 &&
		          atoi(e->d_name) != getpid();
	fact(dir && others == 0 && getppid() == 1, CAISSON_BIT(PID) | CAISSON_BIT(HOST_PROCESSES),
	     "alone with pid 1");
	if (dir)
		closedir(dir);
	fact(getsid(0) == getpid() && getpgrp() == getpid(), CAISSON_BIT(TERMINAL), "own session");
	stat1 = strrchr(slurp("/proc/1/stat"), ')');
	if (stat1)
		sscanf(stat1 + 1, " %*c %*d %*d %d %d", &session, &tty);
	fact(session == 1 && tty == 0, CAISSON_BIT(TERMINAL), "pid 1 in a session of its own");
	fact(denied(ioctl(0, 0x5412 /* TIOCSTI */, ""), EPERM), CAISSON_BIT(TERMINAL), "no typing");
}

static void look_at_inherited(void) {
	static const struct {
		int what;
		const char *name;
	} limits[] = { { RLIMIT_CORE, "core" }, { RLIMIT_NOFILE, "nofile" } };
	char path[32], cwd[256] = "";
	struct rlimit l;

	for (int i = 0; i < 2; i++) {
		getrlimit(limits[i].what, &l);
		/* core: 1, or 0 where that may not be set */
		if (limits[i].what != RLIMIT_CORE)
			say("limit %s %llu %llu\n", limits[i].name, (unsigned long long)l.rlim_cur,
			    (unsigned long long)l.rlim_max);
		never(l.rlim_max > (i ? 768 : 1), "a limit is too high");
	}
	for (int fd = 0; fd < 1024; fd++) {
		ssize_t n;
		char to[256];

		snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
		n = readlink(path, to, sizeof(to) - 1);
		never(n >= 0 && fd > 2, "a descriptor is left to the target");
		if (n >= 0)
			say("fd %d %.*s\n", fd, (int)strcspn(to, ":"), (to[n] = '\0', to));
	}
	say("cwd %s\n", getcwd(cwd, sizeof(cwd)) ? cwd : "?");
}

/* ------------------------------------------------------------------- files */

/* "id parent major:minor root point options optional... - type source super" */
static void look_at_mount(char *line) {
	char point[128] = "", options[128] = "", type[32] = "";
	const char *rest = strstr(line, " - ");
	bool nodev;

	if (!rest || sscanf(line, "%*d %*d %*s %*s %127s %127s", point, options) != 2 ||
	    sscanf(rest, " - %31s", type) != 1) {
		never(true, "mountinfo is not understood");
		return;
	}
	say("mount %s %s %s\n", point, options, type);
	nodev = strstr(options, "nodev");
	fact(strstr(options, "nosuid") != NULL, CAISSON_BIT(NOSUID), "nosuid");
	fact(!strstr(line, " shared:") && !strstr(line, " master:"), CAISSON_BIT(MOUNT), "private");
	fact(nodev || !strcmp(point, "/dev/null") || !strcmp(point, "/dev/pts"), CAISSON_BIT(DEV),
	     "nodev");
	fact(!strcmp(type, "proc") ? !strncmp(point, "/proc", 5) || !strcmp(point, "/tree/proc")
	                           : strcmp(type, "sysfs") != 0,
	     CAISSON_BIT(PROC), "one procfs");
	never(!strcmp(point, "/") && !strstr(options, "ro,"), "the root is not read-only");
}

static void look_at_dir(const char *path) {
	DIR *dir = opendir(path);
	struct dirent *e;
	struct stat st;

	while (dir && (e = readdir(dir)))
		if (fstatat(dirfd(dir), e->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
		    strcmp(e->d_name, "..") != 0)
			say("file %s/%s %o %u %u %lld %s\n", path, e->d_name, st.st_mode, st.st_uid,
			    st.st_gid, S_ISREG(st.st_mode) ? (long long)st.st_size : 0ll,
			    S_ISCHR(st.st_mode) && st.st_rdev != 0x103 ? "?" : "");
	if (dir)
		closedir(dir);
}

static void look_at_files(void) {
	static const char *const dirs[] = { "/",        "/dev",       "/dev/shm",  "/dev/pts",
		                            "/tmp",     "/t",         "/tree",     "/dev/mqueue",
		                            "/tmp/dir", "/tree/deep", "/tree/proc" };
	static char mounts[16384];
	struct stat a, b;
	struct statfs fs;
	char *save = NULL;

	strcpy(mounts, slurp("/proc/self/mountinfo"));
	for (char *line = strtok_r(mounts, "\n", &save); line; line = strtok_r(NULL, "\n", &save))
		look_at_mount(line);
	for (size_t i = 0; i < sizeof(dirs) / sizeof(dirs[0]); i++)
		look_at_dir(dirs[i]);
	fact(statfs("/proc", &fs) == 0 && fs.f_type == PROC_SUPER_MAGIC, CAISSON_BIT(PROC),
	     "a procfs");
	fact(stat("/tree/proc/self", &a) < 0 && stat("/tree/proc/1", &b) < 0, CAISSON_BIT(PROC),
	     "the other procfs covered");
	fact(mkdir("/new", 0700) < 0 && (errno == EROFS || errno == EACCES), CAISSON_BIT(MOUNT),
	     "a read-only root");
	fact(open("/t/new", O_WRONLY | O_CREAT | O_CLOEXEC, 0600) < 0, CAISSON_BIT(MOUNT),
	     "a read-only grant");
	fact(stat("/", &a) == 0 && stat("/..", &b) == 0 && a.st_ino == b.st_ino &&
	             a.st_dev == b.st_dev,
	     CAISSON_BIT(MOUNT), "no way above the root");
	if (stat("/dev/shm", &a) == 0)
		fact(stat("/dev", &b) == 0 && a.st_dev != b.st_dev, CAISSON_BIT(SHM), "own shm");
}

/* Last: each domain restricts. 16 fit on top of each other, less those that were there. */
static void look_at_landlock(void) {
	const uint64_t rules = 1 << 11; /* MAKE_BLOCK */
	int n = 0, set;

	while (n < 16 && (set = (int)syscall(444, &rules, sizeof(rules), 0)) >= 0 &&
	       syscall(446, set, 0) == 0)
		n += close(set) == 0;
	fact(n > 0 && n < 16, CAISSON_BIT(LANDLOCK), "a Landlock domain");
}

int main(int argc, char **argv) {
	if (argc != 10)
		return 2;
	look_at_namespaces(argv + 2);
	look_at_network(argv[1]);
	look_at_privilege();
	look_at_keys(argv[9]);
	look_at_processes();
	look_at_inherited();
	look_at_files();
	look_at_landlock();
	say("seen %llx\nend\n", (unsigned long long)(seen & PROBE_SEES));
	return write(1, report, length) == (ssize_t)length ? 0 : 1;
}
