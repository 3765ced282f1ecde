/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The experiments behind caisson_probe_new(). Namespaces are entered, and calls
 * that a filter may kill for are made, in a child only. The child is a copy of a
 * process that may have threads: it calls nothing but system calls.
 */
#define _GNU_SOURCE
#include "names.h"
#include "probe_try.h"

#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

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

#ifndef CLONE_NEWCGROUP
#define CLONE_NEWCGROUP 0x02000000
#endif

#define LANDLOCK_VERSION 1u /* LANDLOCK_CREATE_RULESET_VERSION */
#define CHILD_TIMEOUT_MS 5000

/* What a child has to say, in memory that it shares: what it got to say before a signal counts. */
struct answer {
	int done;
	int a, b;
	int error[TRY_DONE];
};

/* Why a child said nothing: the signal that ended it, or 0. */
static int reap(pid_t pid) {
	int status = 0;

	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return 0; /* the host ignores SIGCHLD or reaps for itself */
	return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
}

/* In the child: its end of the pipe closes when it ends, whoever reaps it. */
static void child(void (*experiment)(struct answer *answer, uid_t uid, gid_t gid),
                  struct answer *answer, uid_t uid, gid_t gid) {
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	experiment(answer, uid, gid);
	answer->done = 1;
	_exit(0);
}

/*
 * Run experiment in a child. 0 with *answer; the signal, positive, that ended
 * the child before it could answer; -errno.
 */
static int in_child(void (*experiment)(struct answer *answer, uid_t uid, gid_t gid),
                    struct answer *answer) {
	uid_t uid = geteuid();
	gid_t gid = getegid();
	struct answer *shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE,
	                             MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	struct pollfd wait = { .events = POLLIN };
	int pipes[2], sig, error = errno;
	pid_t pid;

	memset(answer, 0, sizeof(*answer));
	if (shared == MAP_FAILED)
		return -error;
	if (pipe2(pipes, O_CLOEXEC) < 0) {
		error = errno;
		munmap(shared, sizeof(*shared));
		return -error;
	}
	pid = fork();
	error = errno;
	if (pid == 0)
		child(experiment, shared, uid, gid);
	close(pipes[1]);
	wait.fd = pipes[0];
	if (pid > 0 && poll(&wait, 1, CHILD_TIMEOUT_MS) <= 0)
		kill(pid, SIGKILL);
	close(pipes[0]);
	sig = pid > 0 ? reap(pid) : 0;
	*answer = *shared;
	munmap(shared, sizeof(*shared));
	if (pid < 0)
		return -error;
	return answer->done ? 0 : sig ? sig : -EIO;
}

/* ---------------------------------------------------------- user namespace */

static int put(const char *file, const char *text, size_t length) {
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
static size_t map_line(char *line, uint32_t id) {
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

static int map_ids(uid_t uid, gid_t gid) {
	char line[32];
	int r;

	put("/proc/self/setgroups", "deny", 4); /* what matters shows at the maps */
	r = put("/proc/self/uid_map", line, map_line(line, uid));
	return r < 0 ? r : put("/proc/self/gid_map", line, map_line(line, gid));
}

static int own_mounts(void) {
	if (unshare(CLONE_NEWNS | CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWCGROUP) < 0 ||
	    mount("tmpfs", "/", "tmpfs", MS_NOSUID | MS_NODEV, NULL) < 0)
		return -errno;
	return 0;
}

static int own_network(void) {
	struct ifreq lo = { .ifr_flags = IFF_UP };
	int fd;

	memcpy(lo.ifr_name, "lo", 3);
	if (unshare(CLONE_NEWNET) < 0)
		return -errno;
	fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	return ioctl(fd, SIOCSIFFLAGS, &lo) < 0 ? -errno : 0;
}

/* By a child of its own, since only the next one is in the PID namespace. */
static int own_proc(void) {
	int status = 0;
	pid_t pid;

	if (unshare(CLONE_NEWPID) < 0)
		return -errno;
	pid = fork();
	if (pid < 0)
		return -errno;
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		_exit(mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL) < 0
		              ? errno
		              : 0);
	}
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return -errno;
	return WIFEXITED(status) ? -WEXITSTATUS(status) : -EINTR;
}

/* Says which stage is next before it begins, for a filter that kills. */
static void userns_experiment(struct answer *answer, uid_t uid, gid_t gid) {
	int stage;

	signal(SIGCHLD, SIG_DFL);
	for (stage = TRY_CLONE; stage < TRY_DONE; stage++)
		answer->error[stage] = -1;
	for (stage = TRY_CLONE; stage < TRY_DONE; stage++) {
		answer->a = stage;
		answer->error[stage] = stage == TRY_CLONE ? (unshare(CLONE_NEWUSER) < 0 ? errno : 0)
		                       : stage == TRY_MAP ? -map_ids(uid, gid)
		                       : stage == TRY_MOUNT   ? -own_mounts()
		                       : stage == TRY_NETWORK ? -own_network()
		                                              : -own_proc();
		if (answer->error[stage] && !answer->b)
			answer->b = stage;
		/* Without a map or an own mount tree nothing that follows says anything. */
		if (stage < TRY_NETWORK && answer->error[stage])
			return;
	}
}

const char *const try_stage_names[TRY_DONE] = {
	[TRY_CLONE] = "clone",     [TRY_MAP] = "map",   [TRY_MOUNT] = "mount",
	[TRY_NETWORK] = "network", [TRY_PROC] = "proc",
};

void try_userns(struct try_userns *result) {
	struct answer answer;
	int r = in_child(userns_experiment, &answer);

	memset(result, 0, sizeof(*result));
	result->failed = r < 0 ? r : 0;
	result->signal = r > 0 ? r : 0;
	result->stage = r != 0 ? answer.a : answer.b ? answer.b : TRY_DONE;
	memcpy(result->error, answer.error, sizeof(result->error));
}

/* ------------------------------------------------------------ system calls */

static void calls_experiment(struct answer *answer, uid_t uid, gid_t gid) {
	(void)uid;
	(void)gid;
	/* With arguments that no kernel accepts: only "there is no such call" counts. */
	for (int i = 0; i < NAME_CALLS; i++)
		if (syscall((long)name_calls[i].number, -1L, 0L, -1L, 0L, 0L, 0L) < 0 &&
		    errno == ENOSYS)
			answer->a |= 1 << i;
}

int try_calls(unsigned *missing) {
	struct answer answer;
	int r = in_child(calls_experiment, &answer);

	*missing = (unsigned)answer.a;
	return r > 0 ? -EPERM : r;
}

/* ---------------------------------------------------------------- Landlock */

static void landlock_experiment(struct answer *answer, uid_t uid, gid_t gid) {
	long abi = syscall(SYS_landlock_create_ruleset, NULL, (size_t)0, LANDLOCK_VERSION);

	(void)uid;
	(void)gid;
	answer->a = abi > 0 ? (int)abi : 0;
	answer->b = abi < 0 ? errno : 0;
}

int try_landlock(int *abi) {
	struct answer answer;
	int r = in_child(landlock_experiment, &answer);

	*abi = answer.a;
	return r > 0 ? -EPERM : r < 0 ? r : -answer.b;
}

/* ------------------------------------------------------------------- memfd */

static void memfd_experiment(struct answer *answer, uid_t uid, gid_t gid) {
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

int try_memfd(int *error) {
	struct answer answer;
	int r = in_child(memfd_experiment, &answer);

	*error = r > 0 ? EPERM : answer.a ? answer.b : 0;
	return r < 0 ? r : 0;
}
