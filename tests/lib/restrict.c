/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * restrict MODE [--uid N] [--gid N] [--] CMD [ARG]...
 *
 * Run by root: takes user namespaces away in the way MODE says, becomes an ordinary user for
 * good and executes CMD, which so finds the host that Caisson is for. Nothing is printed and no
 * process stays behind: exit status and signals are CMD's own. 125 is a failure of this program,
 * 77 a machine that does not let root make the restriction, 126 and 127 are as in a shell.
 *
 * seccomp  A filter refuses CLONE_NEWUSER to clone and unshare (EPERM) and clone3 altogether
 *          (ENOSYS), as container runtimes do. It is installed without no_new_privs, so a setuid
 *          program still gains its uid; but it inherits the filter, and so it can make no user
 *          namespace either.
 * nested   A user namespace that maps every id as it is, with a mount namespace of its own and
 *          user.max_user_namespaces=0: ENOSPC for everybody in it, root included. Files of uid 0
 *          stay files of uid 0, so a setuid program on the host's file system works.
 * userns   The helper is taken away instead: no_new_privs, so that no setuid program gains anything.
 *          77 where such a user may make no user namespace.
 * kernel-5.10, kernel-5.4, kernel-4.18
 *          Every system call that is newer is answered ENOSYS; old_kernel.c has the details. The
 *          user may make user namespaces, or 77: without the helper it takes them.
 * none     Nothing is taken away.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <linux/audit.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "old_kernel.h"

#ifndef SYS_clone3
#define SYS_clone3 435
#endif

#if defined(__x86_64__)
#define NATIVE_ARCH AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define NATIVE_ARCH AUDIT_ARCH_AARCH64
#else
#error "restrict.c: add this architecture's AUDIT_ARCH value"
#endif

#define EXIT_CANNOT 77
#define EXIT_OWN 125
#define EXIT_CANNOT_EXEC 126
#define EXIT_NOT_FOUND 127
#define X32_BIT 0x40000000U
#define FALLBACK_ID 47110

static void fail(const char *fmt, ...) __attribute__((noreturn, format(printf, 1, 2)));

static void fail(const char *fmt, ...) {
	int saved = errno;
	va_list ap;

	fputs("restrict: ", stderr);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fprintf(stderr, ": %s\n", strerror(saved));
	exit(EXIT_OWN);
}

static void cannot(const char *what, const char *why) __attribute__((noreturn));

static void cannot(const char *what, const char *why) {
	fprintf(stderr, "restrict: %s: %s (%s)\n", what, strerror(errno), why);
	exit(EXIT_CANNOT);
}

static void usage(void) __attribute__((noreturn));

static void usage(void) {
	fputs("usage: restrict none|seccomp|nested|userns|kernel-5.10|kernel-5.4|kernel-4.18 "
	      "[--uid N] [--gid N] [--] CMD [ARG]...\n",
	      stderr);
	exit(EXIT_OWN);
}

/* seccomp */

#define LOAD(field)                                                                                \
	BPF_STMT(BPF_LD | BPF_W | BPF_ABS, (unsigned int)offsetof(struct seccomp_data, field))
#define RETURN(action) BPF_STMT(BPF_RET | BPF_K, (action))
#define SKIP_UNLESS_EQUAL(value, n) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (value), 0, (n))

/* Both architectures above are little-endian: the low half of an argument comes first. */
static void refuse_user_namespaces(void) {
	struct sock_filter code[] = {
		LOAD(arch),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, NATIVE_ARCH, 1, 0),
		RETURN(SECCOMP_RET_ERRNO | ENOSYS),
		LOAD(nr),
		BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, X32_BIT, 0, 1),
		RETURN(SECCOMP_RET_ERRNO | ENOSYS),
		SKIP_UNLESS_EQUAL(SYS_clone3, 1),
		RETURN(SECCOMP_RET_ERRNO | ENOSYS),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_clone, 2, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_unshare, 1, 0),
		RETURN(SECCOMP_RET_ALLOW),
		LOAD(args[0]),
		BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, CLONE_NEWUSER, 0, 1),
		RETURN(SECCOMP_RET_ERRNO | EPERM),
		RETURN(SECCOMP_RET_ALLOW),
	};
	struct sock_fprog prog = { sizeof(code) / sizeof(code[0]), code };

	if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &prog))
		cannot("installing a seccomp filter", "root lacks CAP_SYS_ADMIN here");
}

/* nested */

static void write_file(const char *path, const char *text, size_t len) {
	int fd = open(path, O_WRONLY | O_CLOEXEC);

	if (fd < 0)
		fail("opening %s", path);
	if (write(fd, text, len) != (ssize_t)len)
		fail("writing %s", path);
	close(fd);
}

/* Every id that exists here is mapped to itself: text for the map of a child namespace. */
static size_t identity_map(const char *path, char *text, size_t size) {
	unsigned int inside, outside, count;
	size_t len = 0;
	FILE *map = fopen(path, "re");

	if (!map)
		fail("opening %s", path);
	while (fscanf(map, "%u %u %u", &inside, &outside, &count) == 3) {
		int n = snprintf(text + len, size - len, "%u %u %u\n", inside, inside, count);

		if (n < 0 || (size_t)n >= size - len) {
			errno = E2BIG;
			fail("%s", path);
		}
		len += (size_t)n;
	}
	fclose(map);
	return len;
}

static void write_map(pid_t pid, const char *name) {
	char path[64], text[4096];
	size_t len;

	snprintf(path, sizeof(path), "/proc/self/%s", name);
	len = identity_map(path, text, sizeof(text));
	snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, name);
	write_file(path, text, len);
}

/*
 * Mapping more than one id takes a capability in the parent namespace, and whoever has unshared
 * has left that one: a child that stays behind writes the maps.
 */
static pid_t start_map_writer(int *go) {
	pid_t parent = getpid(), child;
	int fds[2];
	char byte;

	if (pipe2(fds, O_CLOEXEC))
		fail("pipe2");
	child = fork();
	if (child < 0)
		fail("fork");
	if (child == 0) {
		close(fds[1]);
		if (read(fds[0], &byte, 1) != 1)
			_exit(EXIT_OWN);
		write_map(parent, "gid_map");
		write_map(parent, "uid_map");
		_exit(0);
	}
	close(fds[0]);
	*go = fds[1];
	return child;
}

static void enter_nested_namespace(void) {
	int go, status;
	pid_t writer = start_map_writer(&go);

	if (unshare(CLONE_NEWUSER | CLONE_NEWNS))
		cannot("making a nested user namespace as root",
		       "inside a chroot, or user namespaces are blocked for root too");
	if (write(go, "", 1) != 1)
		fail("waking the writer of the maps");
	close(go);
	if (waitpid(writer, &status, 0) != writer || status != 0) {
		errno = EPERM;
		fail("mapping the ids of the nested user namespace");
	}
	if (setresgid(0, 0, 0) || setresuid(0, 0, 0))
		fail("becoming root in the nested user namespace");
	if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL))
		fail("making the mounts private");
	write_file("/proc/sys/user/max_user_namespaces", "0", 1);
}

/* What MODE promises is tried, so that no test passes because the restriction was not there. */
static void check_refused(int expected) {
	pid_t child = fork();
	int status;

	if (child < 0)
		fail("fork");
	if (child == 0)
		_exit(unshare(CLONE_NEWUSER) == 0 ? 0 : errno);
	if (waitpid(child, &status, 0) != child)
		fail("waitpid");
	if (!WIFEXITED(status) || WEXITSTATUS(status) != expected) {
		errno = WIFEXITED(status) ? WEXITSTATUS(status) : EINTR;
		fail("a user namespace should be refused with %s, but unshare answered",
		     strerror(expected));
	}
}

static void become_older(const char *kernel) {
	long number;

	if (old_kernel_filter(kernel))
		cannot("installing a seccomp filter", "root lacks CAP_SYS_ADMIN here");
	number = old_kernel_check(kernel);
	if (number) {
		errno = EEXIST;
		fail("%s should lack system call %ld, but it is there", kernel, number);
	}
}

static void apply(const char *mode) {
	if (strcmp(mode, "none") == 0)
		return;
	if (old_kernel_known(mode)) {
		become_older(mode);
		return;
	}
	if (strcmp(mode, "userns") == 0) {
		if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
			fail("setting no_new_privs");
		return;
	}
	if (strcmp(mode, "seccomp") == 0) {
		refuse_user_namespaces();
		check_refused(EPERM);
	} else if (strcmp(mode, "nested") == 0) {
		enter_nested_namespace();
		check_refused(ENOSPC);
	} else {
		usage();
	}
}

static void drop_capabilities(void) {
	struct __user_cap_header_struct head = { _LINUX_CAPABILITY_VERSION_3, 0 };
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = { { 0, 0, 0 } };

	if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0))
		fail("clearing the ambient capabilities");
	if (syscall(SYS_capset, &head, data))
		fail("dropping the capabilities");
}

static void become(uid_t uid, gid_t gid) {
	if (setgroups(0, NULL) || setresgid(gid, gid, gid) || setresuid(uid, uid, uid))
		fail("becoming uid %u, gid %u", uid, gid);
	drop_capabilities();
	if (setresuid(0, 0, 0) == 0 || setresgid(0, 0, 0) == 0 || geteuid() != uid) {
		errno = EPERM;
		fail("root could be had back after becoming uid %u", uid);
	}
}

/* The same where it is to be allowed, by the very user. */
static void check_allowed(void) {
	pid_t child = fork();
	int status;

	if (child < 0)
		fail("fork");
	if (child == 0)
		_exit(unshare(CLONE_NEWUSER) == 0 ? 0 : errno);
	if (waitpid(child, &status, 0) != child)
		fail("waitpid");
	if (status) {
		errno = WIFEXITED(status) ? WEXITSTATUS(status) : EINTR;
		cannot("making a user namespace as an ordinary user", "this machine denies it");
	}
}

static unsigned int parse_id(const char *text) {
	char *end;
	unsigned long id;

	errno = 0;
	id = strtoul(text, &end, 10);
	if (errno || *text < '0' || *text > '9' || *end || id == 0 || id >= UINT_MAX)
		usage();
	return (unsigned int)id;
}

int main(int argc, char *argv[]) {
	unsigned int uid = FALLBACK_ID, gid = 0;
	int i = 2;

	if (argc < 3)
		usage();
	for (; i + 1 < argc && strncmp(argv[i], "--", 2) == 0 && argv[i][2]; i += 2) {
		if (strcmp(argv[i], "--uid") == 0)
			uid = parse_id(argv[i + 1]);
		else if (strcmp(argv[i], "--gid") == 0)
			gid = parse_id(argv[i + 1]);
		else
			usage();
	}
	if (i < argc && strcmp(argv[i], "--") == 0)
		i++;
	if (i >= argc)
		usage();
	if (geteuid() != 0) {
		errno = EPERM;
		fail("it must be started by root");
	}
	if (prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) != 0) {
		errno = EPERM;
		fail("no_new_privs is set, so no setuid program can work below it");
	}
	apply(argv[1]);
	become(uid, gid ? gid : uid);
	if (strcmp(argv[1], "userns") == 0 || old_kernel_known(argv[1]))
		check_allowed();
	execvp(argv[i], &argv[i]);
	fprintf(stderr, "restrict: %s: %s\n", argv[i], strerror(errno));
	return errno == ENOENT ? EXIT_NOT_FOUND : EXIT_CANNOT_EXEC;
}
