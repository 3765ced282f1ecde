/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What an old kernel lacks, call by call, but for mounts and paths; see plain.h. */
#include "plain.h"

#include <dirent.h>
#include <stdarg.h>

#define HIGH 4096 /* descriptors of ours, where the limit allows; sources end at 1029 */
#define OLD_MOUNT_ROOT 0x2000u
#define OLD_CLONE_PIDFD 0x1000

static bool old;
static int proc = -1;

bool plain(void) {
	return old;
}

/* With arguments that no kernel accepts: only "there is no such call" counts. */
void plain_start(void) {
	static const long needed[] = { NR_open_tree, NR_move_mount,    NR_fsopen,
		                       NR_fsconfig,  NR_fsmount,       NR_pidfd_open,
		                       NR_openat2,   NR_mount_setattr, NR_close_range };

	for (size_t i = 0; i < sizeof(needed) / sizeof(needed[0]); i++)
		if (__real_syscall(needed[i], -1L, 0L, -1L, 0L, 0L, 0L) < 0 && errno == ENOSYS)
			old = true;
	if (old)
		at.backend = CAISSON_BACKEND_MOUNT;
}

struct plain_name plain_name(const char *kind, int fd) {
	struct plain_name name;

	snprintf(name.text, sizeof(name.text), "self/%s/%d", kind, fd);
	return name;
}

int plain_proc(void) {
	int fd = proc < 0 ? open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC) : -1;

	if (fd < 0)
		return proc;
	for (int high = HIGH; proc < 0 && high >= 16; high /= 2)
		proc = fcntl(fd, F_DUPFD_CLOEXEC, high);
	close(fd);
	return proc;
}

/* --------------------------------------------------------------- what a descriptor is */

int plain_mount_id(int fd) {
	char text[512];
	const char *line;
	int info = openat(plain_proc(), plain_name("fdinfo", fd).text, O_RDONLY | O_CLOEXEC);
	ssize_t n = info < 0 ? -1 : read(info, text, sizeof(text) - 1);

	if (info >= 0)
		close(info);
	text[n < 0 ? 0 : n] = '\0';
	line = strstr(text, "mnt_id:\t");
	return line ? (int)strtol(line + strlen("mnt_id:\t"), NULL, 10) : 0;
}

int plain_stat(int fd, struct sys_stat *st) {
	return (int)__real_syscall(SYS_statx, fd, "", AT_EMPTY_PATH | 0x4000 /* DONT_SYNC */, 0,
	                           st);
}

/* Before 5.8 without the mount and whether it is its root; of the latter the child alone asks. */
static int old_statx(int fd, struct sys_stat *st) {
	int rc = plain_stat(fd, st);

	if (rc < 0)
		return rc;
	st->mount = (uint64_t)plain_mount_id(fd);
	st->mask |= st->mount ? 0x1000 /* MNT_ID */ : 0;
	st->attributes &= ~(uint64_t)OLD_MOUNT_ROOT;
	if (getpid() == 1 && plain_mount_root(fd, st->mode))
		st->attributes |= OLD_MOUNT_ROOT;
	return 0;
}

/* ------------------------------------------------------------------------ processes */

/*
 * Of this process: its folder in /proc, for setns() below. Of another: a pidfd, or before
 * Linux 5.3 its "stat", which can come to mean no other process either.
 */
static int old_pidfd_open(pid_t pid) {
	char name[32];
	int fd;

	if (pid == getpid())
		return openat(plain_proc(), "self", O_PATH | O_DIRECTORY | O_CLOEXEC);
	fd = (int)__real_syscall(NR_pidfd_open, pid, 0);
	if (fd >= 0 || errno != ENOSYS)
		return fd;
	snprintf(name, sizeof(name), "%d/stat", pid);
	return openat(plain_proc(), name, O_RDONLY | O_CLOEXEC);
}

/* A kernel without pidfds knows no such flag, or ignores it. */
static long old_clone(unsigned long flags, int *pidfd) {
	long pid = __real_syscall(SYS_clone, flags, 0L, pidfd, 0L, 0L);
	char name[32];

	if (pid < 0 && errno == EINVAL && flags & OLD_CLONE_PIDFD)
		pid = __real_syscall(SYS_clone, flags & ~(unsigned long)OLD_CLONE_PIDFD, 0L, 0L, 0L,
		                     0L);
	if (pid == 0)
		plain_child();
	if (pid <= 0 || *pidfd >= 0)
		return pid;
	snprintf(name, sizeof(name), "%ld/stat", pid);
	*pidfd = openat(plain_proc(), name, O_RDONLY | O_CLOEXEC);
	return *pidfd < 0 ? -1 : pid;
}

/* To end the child: by its number, which nobody but the caller can reap. */
static long old_kill(int pidfd, int signal) {
	char text[32];
	long rc = __real_syscall(NR_pidfd_send_signal, pidfd, signal, 0L, 0);
	ssize_t n = rc < 0 ? pread(pidfd, text, sizeof(text) - 1, 0) : -1;

	if (n <= 0)
		return rc;
	text[n] = '\0';
	return kill((pid_t)strtol(text, NULL, 10), signal);
}

static long close_one_by_one(int first) {
	struct rlimit files;
	rlim_t end = 1u << 20;

	if (getrlimit(RLIMIT_NOFILE, &files) == 0 && files.rlim_max < end)
		end = files.rlim_max;
	for (int fd = first; fd < (int)end; fd++)
		close(fd);
	proc = -1;
	return 0;
}

/* What /proc tells is open; a number that was passed over would be seen in the next round. */
static long old_close_range(int first) {
	struct dirent *entry;
	bool more = true;
	DIR *dir;
	int fd, at_dir;

	for (int round = 0; more && round < 64; round++) {
		fd = openat(plain_proc(), "self/fd", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		dir = fd < 0 ? NULL : fdopendir(fd);
		if (!dir)
			return close_one_by_one(first);
		at_dir = dirfd(dir);
		more = false;
		/* cppcheck-suppress readdirCalled */ /* one thread */
		while ((entry = readdir(dir))) {
			fd = (int)strtol(entry->d_name, NULL, 10);
			if (entry->d_name[0] == '.' || fd < first || fd == at_dir || fd == proc)
				continue;
			close(fd);
			more = true;
		}
		closedir(dir);
	}
	if (more)
		return close_one_by_one(first);
	if (proc >= first)
		close(proc);
	proc = -1;
	return 0;
}

/* The helper's code gives a pidfd of this program here, which is its folder: see above. */
int __wrap_setns(int fd, int type) {
	int ns, rc;

	if (!old)
		return __real_setns(fd, type);
	ns = openat(fd, type == CLONE_NEWNET ? "ns/net" : "ns/user", O_RDONLY | O_CLOEXEC);
	if (ns < 0)
		return -1;
	rc = __real_setns(ns, type);
	close(ns);
	return rc;
}

/* ------------------------------------------------------------------------- the switch */

/* As many as any call here has; what was not given is not looked at. */
struct words {
	long word[6];
};

#define INT(i) ((int)of.word[i])
#define TEXT(i) ((const char *)of.word[i]) /* NOLINT(performance-no-int-to-ptr) */
#define AT(type, i) ((type *)of.word[i])   /* NOLINT(performance-no-int-to-ptr) */

static long answer_mount(long number, struct words of) {
	switch (number) {
	case NR_open_tree:
		return plain_open_tree(INT(0), (unsigned)INT(2));
	case NR_move_mount:
		return plain_move_mount(INT(0), INT(2), TEXT(3));
	case NR_fsopen:
		return plain_fsopen(TEXT(0));
	case NR_fsconfig:
		return plain_fsconfig((unsigned)INT(1), TEXT(2), TEXT(3));
	case NR_fsmount:
		return plain_fsmount((unsigned)INT(2));
	default:
		return plain_mount_setattr(INT(0), (unsigned)INT(2), AT(const uint64_t, 3));
	}
}

long __wrap_syscall(long number, ...) {
	struct words of;
	va_list args;
	long rc;

	va_start(args, number);
	for (int i = 0; i < 6; i++)
		of.word[i] = va_arg(args, long);
	va_end(args);
	if (old && number >= NR_open_tree && (number <= NR_fsmount || number == NR_mount_setattr))
		return answer_mount(number, of);
	if (old && number == NR_openat2)
		return plain_openat2(INT(0), TEXT(1), AT(const struct open_how, 2));
	if (old && number == SYS_statx)
		return old_statx(INT(0), AT(struct sys_stat, 4));
	if (old && number == NR_pidfd_open)
		return old_pidfd_open(INT(0));
	if (old && number == NR_pidfd_send_signal)
		return old_kill(INT(0), INT(1));
	if (old && number == SYS_clone)
		return old_clone((unsigned long)of.word[0], AT(int, 2));
	rc = __real_syscall(number, of.word[0], of.word[1], of.word[2], of.word[3], of.word[4],
	                    of.word[5]);
	if (old && number == NR_close_range && rc < 0 && errno == ENOSYS)
		return old_close_range(INT(0));
	if (old && number == SYS_pivot_root && rc == 0)
		plain_pivoted();
	return rc;
}
