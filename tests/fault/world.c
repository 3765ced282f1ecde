/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Where the sandboxes are made: a PID namespace, a mount namespace, a cgroup and
 * a uid that nothing else on this machine uses, so that whatever is left can be
 * seen, and goes when this program does.
 */
#include "fault.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/lib/tap.h"

#define KEYCTL_JOIN_SESSION_KEYRING 1
#define KEYCTL_SETPERM 5
#define KEY_SESSION (-3)
#define POSSESSOR_ONLY 0x3f000000
#define HOST_KEY "caisson-fault-host"

static uid_t user;
static gid_t group, extra_group;
static char work[] = "/tmp/caisson-fault-XXXXXX";
static char cgroup[PATH_MAX];

static void must(bool good, const char *what) {
	if (!good)
		raw_bail(what);
}

const char *world_path(const char *name) {
	static char path[sizeof(work) + 64];

	snprintf(path, sizeof(path), "%s/%s", work, name);
	return path;
}

void world_as_user(bool as_user) {
	must(setegid(as_user ? group : 0) == 0 || !as_user, "setegid");
	must(seteuid(as_user ? user : 0) == 0, "seteuid");
	must(as_user || setegid(0) == 0, "setegid");
}

void world_become_user(void) {
	if (seteuid(0) < 0 || setgroups(1, &extra_group) < 0 ||
	    setresgid(group, group, group) < 0 || setresuid(user, user, user) < 0)
		_exit(96);
}

/* ---------------------------------------------------------------- outside */

/* A group below our own, by a mount of ours, if this machine has cgroup2. */
static void make_cgroup(void) {
	char line[PATH_MAX] = "", *own = NULL;
	FILE *f = fopen("/proc/self/cgroup", "re");

	while (f && !own && fgets(line, sizeof(line), f))
		own = strncmp(line, "0::", 3) ? NULL : line + 3;
	if (f)
		fclose(f);
	if (!own || mkdir(world_path("cgroup"), 0755) < 0 ||
	    mount("fault", world_path("cgroup"), "cgroup2", 0, NULL) < 0)
		return;
	own[strcspn(own, "\n")] = '\0';
	snprintf(cgroup, sizeof(cgroup), "%s%.3000s/caisson-fault-%d", world_path("cgroup"), own,
	         getpid());
	if (mkdir(cgroup, 0755) < 0)
		cgroup[0] = '\0';
}

static void enter_cgroup(void) {
	char path[PATH_MAX + 32];
	int fd;

	if (!cgroup[0])
		return;
	snprintf(path, sizeof(path), "%s/cgroup.procs", cgroup);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	must(fd >= 0 && write(fd, "0", 1) == 1, path);
	close(fd);
}

static _Noreturn void stay_outside(pid_t pid, unsigned seconds) {
	int64_t until = raw_now_ms() + seconds * 1000;
	int status = 0;

	while (waitpid(pid, &status, WNOHANG) == 0) {
		if (raw_now_ms() > until) {
			printf("Bail out! it took more than %u seconds\n", seconds);
			kill(pid, SIGKILL);
			waitpid(pid, &status, 0);
			break;
		}
		usleep(20000);
	}
	for (int i = 0; cgroup[0] && rmdir(cgroup) < 0 && i < 200; i++)
		usleep(10000);
	umount2(work, MNT_DETACH);
	rmdir(work);
	exit(WIFEXITED(status) ? WEXITSTATUS(status) : 2);
}

/* ----------------------------------------------------------------- inside */

static void copy(const char *from, const char *to) {
	char bytes[65536];
	ssize_t n = 0;
	int in = open(from, O_RDONLY | O_CLOEXEC),
	    out = open(to, O_WRONLY | O_CREAT | O_CLOEXEC, 0755);

	must(in >= 0 && out >= 0, from);
	while ((n = read(in, bytes, sizeof(bytes))) > 0)
		must(write(out, bytes, (size_t)n) == n, to);
	must(n == 0 && fchmod(out, 0755) == 0, to);
	close(in);
	close(out);
}

/* An /etc that holds nothing but the policy, if that is where it is. */
static void make_etc(void) {
	int policy = open(CAISSON_POLICY_DIR, O_PATH | O_CLOEXEC);
	char from[32], to[] = CAISSON_POLICY_DIR;

	must(policy >= 0, CAISSON_POLICY_DIR);
	must(mount("fault", "/etc", "tmpfs", 0, "mode=0755") == 0, "/etc");
	for (char *end = to + 1; *end; end++)
		if (*end == '/') {
			*end = '\0';
			mkdir(to, 0755); /* most of them are there */
			*end = '/';
		}
	mkdir(to, 0755);
	snprintf(from, sizeof(from), "/proc/self/fd/%d", policy);
	if (access(CAISSON_POLICY_DIR "/policy.conf", F_OK) < 0)
		must(mount(from, CAISSON_POLICY_DIR, NULL, MS_BIND, NULL) == 0, "the policy");
	close(policy);
}

/* The user's subordinate ids. */
static void write_ids(const char *path, unsigned first, unsigned count) {
	FILE *f = fopen(path, "we");

	must(f != NULL && fprintf(f, "%u:%u:%u\n", user, first, count) > 0 && fclose(f) == 0, path);
}

static void make_files(void) {
	char probe[PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", probe, sizeof(probe) - 16);

	must(n > 0, "/proc/self/exe");
	probe[n] = '\0';
	strcpy(strrchr(probe, '/'), "/probe");
	umask(0);
	must(mkdir(world_path("t"), 0755) == 0 && mkdir(world_path("tree"), 0755) == 0 &&
	             mkdir(world_path("tree/proc"), 0755) == 0 &&
	             mkdir(world_path("tree/deep"), 0755) == 0 &&
	             symlink("/", world_path("tree/root")) == 0 &&
	             mknod(world_path("fifo"), S_IFIFO | 0666, 0) == 0 &&
	             mknod(world_path("kmsg"), S_IFCHR | 0666, makedev(1, 11)) == 0 &&
	             chown(world_path("tree"), user, group) == 0 &&
	             mount("proc", world_path("tree/proc"), "proc", 0, NULL) == 0,
	     work);
	umask(022);
	make_etc();
	copy(probe, world_path("t/probe"));
	write_ids("/etc/subuid", SUB_ID, 10);
	write_ids("/etc/subgid", SUB_ID, 10);
}

/* A key that only who has it in its session keyring can see: the helper inherits that keyring. */
static void make_key(void) {
	long key;

	world_as_user(true);
	syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, "caisson-fault");
	key = syscall(SYS_add_key, "user", HOST_KEY, "x", 1, KEY_SESSION);
	if (key >= 0)
		syscall(SYS_keyctl, KEYCTL_SETPERM, key, POSSESSOR_ONLY);
	world_as_user(false);
}

static bool user_may_execute(uid_t uid, const char *path) {
	int status = 1;
	pid_t pid = fork();

	must(pid >= 0, "fork");
	if (pid == 0)
		_exit(setgroups(0, NULL) < 0 || setresgid(uid, uid, uid) < 0 ||
		      setresuid(uid, uid, uid) < 0 || access(path, X_OK) < 0);
	waitpid(pid, &status, 0);
	return status == 0;
}

/* One of its own, or where that may not reach the helper, the tests' user. */
static void choose_user(uid_t uid) {
	const char *other = getenv("CAISSON_TEST_UID");

	if (!user_may_execute(uid, raw_helper()) && other)
		uid = (uid_t)strtoul(other, NULL, 10);
	must(uid != 0 && user_may_execute(uid, raw_helper()), raw_helper());
	user = group = uid;
	extra_group = uid + 1000;
}

void world_enter(uid_t uid, unsigned seconds) {
	pid_t pid;

	choose_user(uid);
	must(mkdtemp(work) != NULL, work);
	if (unshare(CLONE_NEWNS | CLONE_NEWPID) < 0) {
		rmdir(work);
		exit(tap_skip_all("root may not make namespaces here"));
	}
	must(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 &&
	             mount("fault", work, "tmpfs", 0, "mode=0755") == 0,
	     work);
	make_cgroup();
	fflush(stdout);
	pid = fork();
	must(pid >= 0, "fork");
	if (pid > 0)
		stay_outside(pid, seconds);
	must(getpid() == 1 && prctl(PR_SET_PDEATHSIG, SIGKILL) == 0, "the new PID namespace");
	enter_cgroup();
	must(mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL) == 0, "/proc");
	make_files();
	/* So that it shows when a clone keeps its peers. */
	must(mount(NULL, "/", NULL, MS_REC | MS_SHARED, NULL) == 0, "MS_SHARED");
	make_key();
}

const char *const *world_program(uint64_t net) {
	static const char *const spaces[] = { "user", "pid", "mnt", "ipc", "uts", "cgroup", "net" };
	static char text[8][24];
	static const char *argv[12] = { "/t/probe" };
	char path[32];
	struct stat st;

	argv[1] = net == CAISSON_NET_NONE ? "none" : "loopback";
	for (int i = 0; i < 7 && !argv[2 + i]; i++) {
		snprintf(path, sizeof(path), "/proc/self/ns/%s", spaces[i]);
		must(stat(path, &st) == 0, path);
		snprintf(text[i], sizeof(text[i]), "%llu", (unsigned long long)st.st_ino);
		argv[2 + i] = text[i];
	}
	argv[9] = HOST_KEY;
	return argv;
}

/* -------------------------------------------------------------- leftovers */

static char *slurp(const char *path) {
	size_t have = 0, size = 1u << 18;
	char *text = malloc(size);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n;

	must(text != NULL, "malloc");
	while (fd >= 0 && have + 1 < size && (n = read(fd, text + have, size - have - 1)) > 0)
		have += (size_t)n;
	text[have] = '\0';
	if (fd >= 0)
		close(fd);
	return text;
}

bool world_keys(void) {
	int status = 1;
	pid_t pid;

	fflush(stdout);
	pid = fork();
	must(pid >= 0, "fork");
	if (pid == 0) {
		world_become_user();
		_exit(strstr(slurp("/proc/keys"), HOST_KEY) == NULL);
	}
	waitpid(pid, &status, 0);
	return status == 0;
}

static unsigned count_entries(const char *path) {
	DIR *dir = opendir(path);
	unsigned n = 0;

	while (dir && readdir(dir))
		n++;
	if (dir)
		closedir(dir);
	return n;
}

/* "61778: usage nkeys/nikeys qnkeys/maxkeys qnbytes/maxbytes" */
static unsigned keys_of_user(void) {
	char number[24], *text = slurp("/proc/key-users"), *at;
	unsigned keys = 0;

	snprintf(number, sizeof(number), "%5u:", user);
	at = strstr(text, number);
	if (at)
		sscanf(at + strlen(number), "%*u %u/", &keys);
	free(text);
	return keys;
}

struct left {
	unsigned fds, files, groups, keys;
	char *mounts;
};

static void look(struct left *now, bool quick) {
	memset(now, 0, sizeof(*now));
	now->fds = count_entries("/proc/self/fd");
	now->mounts = slurp("/proc/self/mountinfo");
	if (quick)
		return;
	now->files = count_entries(world_path("tree")) + count_entries(world_path("tree/deep")) +
	             count_entries(work);
	now->groups = cgroup[0] ? count_entries(cgroup) : 0;
	now->keys = keys_of_user();
}

static const char *compare(const struct left *now, const struct left *before, bool quick) {
	if (now->fds != before->fds)
		return "a descriptor is left in the host application";
	if (strcmp(now->mounts, before->mounts) != 0)
		return "the host's mounts have changed";
	if (quick)
		return NULL;
	if (now->files != before->files)
		return "a file was made in a granted tree";
	if (now->groups != before->groups)
		return "a cgroup is left";
	return now->keys > before->keys ? "a key is left" : NULL;
}

/* The kernel drops some of it a little later: keys, a mount. */
const char *world_left(bool quick) {
	static struct left before;
	int64_t until = raw_now_ms() + 5000;
	const char *wrong;
	struct left now;

	if (!before.mounts) {
		look(&before, false);
		return NULL;
	}
	for (;;) {
		look(&now, quick);
		/* Those of the last program that had this uid were still there, then. */
		if (!quick && now.keys < before.keys)
			before.keys = now.keys;
		wrong = compare(&now, &before, quick);
		free(now.mounts);
		if (!wrong || raw_now_ms() > until)
			return wrong;
		usleep(2000);
	}
}
