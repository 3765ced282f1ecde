/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The experiments behind caisson_probe_new(). Namespaces are entered, and calls
 * that a filter may kill for are made, in a child only. The child is a copy of a
 * process that may have threads: it calls nothing but system calls.
 */
#define _GNU_SOURCE
#include "probe_try.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#ifndef SYS_open_tree
#define SYS_open_tree 428
#endif
#ifndef SYS_move_mount
#define SYS_move_mount 429
#endif
#ifndef SYS_fsopen
#define SYS_fsopen 430
#endif
#ifndef SYS_pidfd_open
#define SYS_pidfd_open 434
#endif
#ifndef SYS_clone3
#define SYS_clone3 435
#endif
#ifndef SYS_openat2
#define SYS_openat2 437
#endif
#ifndef SYS_mount_setattr
#define SYS_mount_setattr 442
#endif
#ifndef SYS_landlock_create_ruleset
#define SYS_landlock_create_ruleset 444
#endif
#ifndef F_ADD_SEALS
#define F_ADD_SEALS 1033
#define F_SEAL_SHRINK 2
#define F_SEAL_GROW 4
#endif
#ifndef F_SEAL_FUTURE_WRITE
#define F_SEAL_FUTURE_WRITE 16
#endif

#define LANDLOCK_VERSION 1u /* LANDLOCK_CREATE_RULESET_VERSION */
#define CHILD_TIMEOUT_MS 5000

/* What a child has to say: two numbers over a pipe. */
struct answer {
	int a, b;
};

/* Why a child said nothing: the signal that ended it, or 0. */
static int reap(pid_t pid)
{
	int status = 0;

	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return 0; /* the host ignores SIGCHLD or reaps for itself */
	return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
}

/*
 * Run experiment in a child. 0 with *answer; the signal, positive, that ended
 * the child before it could answer; -errno.
 */
static int in_child(void (*experiment)(struct answer *answer, uid_t uid, gid_t gid),
                    struct answer *answer)
{
	struct pollfd wait;
	uid_t uid = geteuid();
	gid_t gid = getegid();
	pid_t pid;
	int pipes[2], sig;
	ssize_t n = -1;

	memset(answer, 0, sizeof(*answer));
	if (pipe2(pipes, O_CLOEXEC) < 0)
		return -errno;
	pid = fork();
	if (pid < 0) {
		n = errno;
		close(pipes[0]);
		close(pipes[1]);
		return -(int)n;
	}
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		experiment(answer, uid, gid);
		_exit(write(pipes[1], answer, sizeof(*answer)) == (ssize_t)sizeof(*answer) ? 0 : 1);
	}
	close(pipes[1]);
	wait = (struct pollfd){ .fd = pipes[0], .events = POLLIN };
	if (poll(&wait, 1, CHILD_TIMEOUT_MS) <= 0)
		kill(pid, SIGKILL);
	do {
		n = read(pipes[0], answer, sizeof(*answer));
	} while (n < 0 && errno == EINTR);
	close(pipes[0]);
	sig = reap(pid);
	if (n == (ssize_t)sizeof(*answer))
		return 0;
	return sig ? sig : -EIO;
}

/* ---------------------------------------------------------- user namespace */

static int put(const char *file, const char *text, size_t length)
{
	int fd = open(file, O_WRONLY | O_CLOEXEC);
	ssize_t n;
	int error;

	if (fd < 0)
		return -errno;
	n = write(fd, text, length);
	error = n == (ssize_t)length ? 0 : n < 0 ? -errno : -EIO;
	close(fd);
	return error;
}

/* "ID ID 1": printf is not for a child of a process with threads. */
static size_t map_line(char *line, uint32_t id)
{
	char digits[10];
	size_t n = 0, length = 0;
	int i, twice;

	do {
		digits[n++] = (char)('0' + id % 10);
		id /= 10;
	} while (id);
	for (twice = 0; twice < 2; twice++) {
		for (i = (int)n - 1; i >= 0; i--)
			line[length++] = digits[i];
		line[length++] = ' ';
	}
	line[length++] = '1';
	return length;
}

static void userns_experiment(struct answer *answer, uid_t uid, gid_t gid)
{
	char line[32];

	answer->a = TRY_CLONE;
	if (unshare(CLONE_NEWUSER) < 0) {
		answer->b = errno;
		return;
	}
	answer->a = TRY_MAP;
	put("/proc/self/setgroups", "deny", 4); /* what matters shows at the maps */
	answer->b = -put("/proc/self/uid_map", line, map_line(line, uid));
	if (answer->b == 0)
		answer->b = -put("/proc/self/gid_map", line, map_line(line, gid));
	if (answer->b)
		return;
	answer->a = TRY_MOUNT;
	if (unshare(CLONE_NEWNS) < 0 ||
	    mount("tmpfs", "/", "tmpfs", MS_NOSUID | MS_NODEV, NULL) < 0)
		answer->b = errno;
	else
		answer->a = TRY_DONE;
}

int try_userns(struct try_userns *result)
{
	struct answer answer;
	int r = in_child(userns_experiment, &answer);

	*result = (struct try_userns){ answer.a, answer.b, r > 0 ? r : 0 };
	return r < 0 ? r : 0;
}

/* ------------------------------------------------------------ system calls */

const char *const try_call_names[TRY_CALLS] = { "open_tree",    "move_mount", "fsopen",
	                                        "pidfd_open",   "clone3",     "openat2",
	                                        "mount_setattr" };

static void calls_experiment(struct answer *answer, uid_t uid, gid_t gid)
{
	static const long numbers[TRY_CALLS] = { SYS_open_tree,    SYS_move_mount, SYS_fsopen,
		                                 SYS_pidfd_open,   SYS_clone3,     SYS_openat2,
		                                 SYS_mount_setattr };
	int i;

	(void)uid;
	(void)gid;
	/* With arguments that no kernel accepts: only "there is no such call" counts. */
	for (i = 0; i < TRY_CALLS; i++)
		if (syscall(numbers[i], -1L, 0L, -1L, 0L, 0L, 0L) < 0 && errno == ENOSYS)
			answer->a |= 1 << i;
}

int try_calls(unsigned *missing)
{
	struct answer answer;
	int r = in_child(calls_experiment, &answer);

	*missing = (unsigned)answer.a;
	return r > 0 ? -EPERM : r;
}

/* ---------------------------------------------------------------- Landlock */

static void landlock_experiment(struct answer *answer, uid_t uid, gid_t gid)
{
	long abi = syscall(SYS_landlock_create_ruleset, NULL, (size_t)0, LANDLOCK_VERSION);

	(void)uid;
	(void)gid;
	answer->a = abi > 0 ? (int)abi : 0;
	answer->b = abi < 0 ? errno : 0;
}

int try_landlock(int *abi)
{
	struct answer answer;
	int r = in_child(landlock_experiment, &answer);

	*abi = answer.a;
	return r > 0 ? -EPERM : r < 0 ? r : -answer.b;
}

/* ------------------------------------------------------------------- memfd */

static void memfd_experiment(struct answer *answer, uid_t uid, gid_t gid)
{
	int fd = memfd_create("caisson-probe", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	void *map;

	(void)uid;
	(void)gid;
	answer->a = 1;
	if (fd < 0 || ftruncate(fd, 4096) < 0 ||
	    fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_FUTURE_WRITE) < 0) {
		answer->b = errno;
		return;
	}
	/* A kernel that takes the seals but does not keep them is no use. */
	map = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (map != MAP_FAILED || ftruncate(fd, 8192) == 0)
		answer->b = ENOTSUP;
	else
		answer->a = 0;
	if (map != MAP_FAILED)
		munmap(map, 4096);
}

int try_memfd(int *error)
{
	struct answer answer;
	int r = in_child(memfd_experiment, &answer);

	*error = r > 0 ? EPERM : answer.a ? answer.b : 0;
	return r < 0 ? r : 0;
}
