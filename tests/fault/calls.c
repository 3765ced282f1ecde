/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The calls by name, and how each can fail: what a kernel, a limit or a filter may answer. */
#include "fault.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "policy/seccomp/syscalls.h"

#if defined(__aarch64__)
#define NUMBER(name, x86_64, aarch64) { #name, aarch64 },
#else
#define NUMBER(name, x86_64, aarch64) { #name, x86_64 },
#endif

static const struct {
	const char *name;
	int number;
} numbers[] = { FLOOR_SYSCALLS_OF_LINUX(NUMBER) };

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

const char *call_name(int call) {
	static char text[16];

	for (size_t i = 0; i < COUNT(numbers); i++)
		if (numbers[i].number == call)
			return numbers[i].name;
	snprintf(text, sizeof(text), "call %d", call);
	return text;
}

int call_number(const char *name) {
	for (size_t i = 0; i < COUNT(numbers); i++)
		if (!strcmp(numbers[i].name, name))
			return numbers[i].number;
	return -1;
}

enum {
	NEVER = 1, /* has no way to fail */
	VOID = 2,
	DONE = 4,
	READS = 8, /* bytes: fewer, none */
	WRITES = 16,
};

#define MAX_ERRORS 10

/*
 * The first `quick` ones are tried in every run, all with --all, which adds those
 * of `any`. A call that is not listed is tried with `any` alone.
 */
static const struct failing {
	const char *name;
	int is;
	unsigned quick;
	int error[MAX_ERRORS];
} failing[] = {
	{ "getpid", NEVER, 0, { 0 } },
	{ "getppid", NEVER, 0, { 0 } },
	{ "gettid", NEVER, 0, { 0 } },
	{ "getuid", NEVER, 0, { 0 } },
	{ "geteuid", NEVER, 0, { 0 } },
	{ "getgid", NEVER, 0, { 0 } },
	{ "getegid", NEVER, 0, { 0 } },
	{ "umask", NEVER, 0, { 0 } },
	{ "alarm", NEVER, 0, { 0 } },
	{ "exit", NEVER, 0, { 0 } },
	{ "exit_group", NEVER, 0, { 0 } },
	{ "rt_sigreturn", NEVER, 0, { 0 } },
	{ "set_tid_address", NEVER, 0, { 0 } },
	/* none but for an argument that is wrong; all signals are blocked, or it does not block */
	{ "rt_sigaction", NEVER, 0, { 0 } },
	{ "rt_sigprocmask", NEVER, 0, { 0 } },
	{ "wait4", NEVER, 0, { 0 } },
	{ "brk", VOID, 0, { 0 } },
	{ "setfsuid", VOID, 0, { 0 } },
	{ "setfsgid", VOID, 0, { 0 } },
	{ "close", DONE, 1, { EINTR, EIO } },
	{ "read", READS, 2, { EINTR, EIO, EAGAIN, ENOMEM } },
	{ "pread64", READS, 2, { EINTR, EIO, EISDIR } },
	{ "write", WRITES, 2, { EPERM, EINTR, ENOSPC, EIO, EAGAIN, EPIPE, EINVAL } },
	{ "pwrite64", WRITES, 2, { ENOSPC, EINTR, EIO } },
	{ "sendfile", WRITES, 2, { ENOSPC, EINTR, EIO } },
	{ "copy_file_range", WRITES, 2, { ENOSPC, EXDEV, EIO } },
	{ "getdents64", READS, 1, { EIO, ENOENT } },
	{ "open", 0, 2, { EMFILE, EACCES, ENOENT, ENFILE, ENOMEM, EINTR, EIO } },
	{ "openat", 0, 2, { EMFILE, EACCES, ENOENT, ENFILE, ENOMEM, EINTR, EIO, ELOOP } },
	/* not ENOENT, which MASK takes for an answer */
	{ "openat2", 0, 2, { ENOSYS, EAGAIN, EXDEV, EMFILE, EACCES, ELOOP } },
	{ "statx", 0, 2, { ENOSYS, EACCES, ENOMEM, EIO } },
	{ "fstat", 0, 1, { EIO, EOVERFLOW } },
	{ "newfstatat", 0, 1, { EACCES, EIO, ENOENT } },
	{ "fcntl", 0, 1, { EMFILE, EINVAL, EBADF } },
	{ "dup2", 0, 1, { EBUSY, EINTR, EMFILE } },
	{ "dup3", 0, 1, { EBUSY, EINTR, EMFILE } },
	{ "close_range", 0, 2, { ENOSYS, ENOMEM, EMFILE } },
	{ "socket", 0, 1, { EMFILE, EACCES, ENFILE, EAFNOSUPPORT, ENOBUFS } },
	{ "socketpair", 0, 1, { EMFILE, ENFILE, EAFNOSUPPORT } },
	{ "sendmsg", 0, 2, { EAGAIN, ETOOMANYREFS, ECONNRESET, EPIPE, ENOBUFS, EINTR } },
	{ "recvmsg", 0, 2, { EINTR, ECONNRESET, EAGAIN, ENOMEM } },
	{ "recvfrom", READS, 1, { EINTR, ECONNRESET, EAGAIN } },
	{ "poll", 0, 2, { EINTR, ENOMEM } },
	{ "ppoll", 0, 2, { EINTR, ENOMEM } },
	{ "ioctl", 0, 2, { EPERM, ENOTTY, EINTR } },
	{ "clone", 0, 2, { EPERM, EAGAIN, ENOSPC, ENOMEM, ENOSYS, EINVAL, EUSERS } },
	{ "clone3", 0, 2, { ENOSYS, EPERM, EAGAIN, ENOSPC, ENOMEM, EINVAL, EUSERS } },
	{ "fork", 0, 1, { EAGAIN, ENOMEM } },
	{ "vfork", 0, 1, { EAGAIN, ENOMEM } },
	{ "execve", 0, 2, { ENOENT, EACCES, E2BIG, ENOMEM, ETXTBSY, EIO, ENOEXEC, EPERM } },
	{ "unshare", 0, 3, { ENOSPC, EPERM, EACCES, ENOMEM, EINVAL, EUSERS } },
	{ "setns", 0, 2, { EPERM, EINVAL, ENOMEM } },
	{ "setresuid", 0, 2, { EAGAIN, EPERM, EINVAL } },
	{ "setresgid", 0, 1, { EPERM, EINVAL } },
	{ "setgroups", 0, 1, { EPERM, ENOMEM } },
	{ "setsid", 0, 1, { EPERM } },
	{ "chdir", 0, 1, { EACCES, ENOENT, EIO } },
	{ "fchdir", 0, 1, { EACCES, ENOTDIR } },
	{ "capset", 0, 1, { EPERM } },
	{ "capget", 0, 1, { EPERM, EFAULT } },
	{ "prctl", 0, 2, { EINVAL, EPERM, EACCES, ENOMEM } },
	{ "seccomp", 0, 2, { EINVAL, EACCES, ENOMEM } },
	{ "keyctl", 0, 3, { EDQUOT, EPERM, ENOMEM, ENOSYS } },
	{ "landlock_create_ruleset", 0, 3, { ENOSYS, EOPNOTSUPP, ENOMEM, EMFILE } },
	{ "landlock_add_rule", 0, 1, { ENOMEM, EINVAL } },
	{ "landlock_restrict_self", 0, 2, { E2BIG, EPERM, ENOMEM } },
	{ "mount", 0, 2, { EPERM, EACCES, EINVAL, ENOMEM } },
	{ "umount2", 0, 2, { EBUSY, EPERM, EINVAL } },
	{ "pivot_root", 0, 2, { EINVAL, EPERM, EBUSY } },
	{ "open_tree", 0, 2, { EPERM, EINVAL, ENOMEM, EMFILE, ENOSYS } },
	{ "open_tree_attr", 0, 2, { ENOSYS, EPERM, EINVAL, ENOMEM, EMFILE } },
	{ "move_mount", 0, 2, { EPERM, EINVAL, ENOMEM, ENOSPC, ELOOP } },
	{ "mount_setattr", 0, 2, { EPERM, ENOSYS, EINVAL, EBUSY } },
	{ "fsopen", 0, 2, { EPERM, ENODEV, ENOMEM, EMFILE } },
	{ "fsconfig", 0, 2, { EINVAL, EPERM, ENOMEM, EOPNOTSUPP } },
	{ "fsmount", 0, 2, { EPERM, ENOMEM, EMFILE, ENFILE } },
	{ "pidfd_open", 0, 2, { EMFILE, ESRCH, ENOSYS, ENOMEM } },
	{ "pidfd_send_signal", 0, 1, { ESRCH, EPERM, ENOSYS } },
	{ "setrlimit", 0, 1, { EPERM } },
	{ "prlimit64", 0, 1, { EPERM } },
	{ "mmap", 0, 1, { ENOMEM } },
	{ "mkdirat", 0, 2, { EACCES, ENOSPC, EEXIST, EROFS, ENOMEM } },
	{ "mknodat", 0, 2, { EPERM, ENOSPC, EEXIST, ENOMEM } },
	{ "symlinkat", 0, 2, { EEXIST, ENOSPC, EACCES, ENOMEM } },
	{ "fchownat", 0, 1, { EPERM, EIO } },
	{ "readlinkat", 0, 1, { EACCES, ENOENT, ENOMEM } },
	{ "getsockopt", 0, 1, { ENOTSOCK, ENOPROTOOPT } },
	{ "signalfd4", 0, 1, { EMFILE, ENOMEM } },
	{ "fstatfs", 0, 1, { ENOSYS, EIO } },
};

static const int any[] = { EPERM,  EACCES, ENOSYS, EINVAL, ENOMEM, EINTR,
	                   EAGAIN, EIO,    EMFILE, ENOSPC, EBUSY };
#define QUICK_ANY 1 /* of them, for a call that is not listed */

static const struct failing *find(const char *name) {
	for (size_t i = 0; i < COUNT(failing); i++)
		if (!strcmp(failing[i].name, name))
			return &failing[i];
	return NULL;
}

struct list {
	struct fault *faults;
	unsigned n;
};

static void add(struct list *list, enum fault_kind kind, int error) {
	for (unsigned i = 0; i < list->n; i++)
		if (list->faults[i].kind == kind && list->faults[i].error == error)
			return;
	if (list->n == MAX_FAULTS)
		raw_bail("MAX_FAULTS");
	list->faults[list->n].kind = kind;
	list->faults[list->n++].error = error;
}

unsigned call_faults(int call, int64_t result, bool all, struct fault *faults) {
	const struct failing *row = find(call_name(call));
	struct list list = { faults, 0 };
	int is = row ? row->is : 0;

	add(&list, FAULT_KILL, 0);
	if (is & VOID)
		add(&list, FAULT_VOID, 0);
	if (is & (NEVER | VOID))
		return list.n;
	for (unsigned i = 0; row && i < MAX_ERRORS && row->error[i]; i++)
		if (all || i < row->quick)
			add(&list, is & DONE ? FAULT_DONE : FAULT_ERRNO, row->error[i]);
	for (unsigned i = 0; i < COUNT(any) && !(is & DONE); i++)
		if (all || (!row && i < QUICK_ANY))
			add(&list, FAULT_ERRNO, any[i]);
	if (is & READS && result > 0)
		add(&list, FAULT_END, 0);
	if (is & (READS | WRITES) && result > 1)
		add(&list, FAULT_SHORT, 0);
	return list.n;
}

static const char *error_name(int error) {
	static const struct {
		const char *name;
		int error;
	} names[] = {
#define NAME(e) { #e, e },
		NAME(EPERM) NAME(EACCES) NAME(ENOSYS) NAME(EINVAL) NAME(ENOMEM) NAME(EINTR)
			NAME(EAGAIN) NAME(EIO) NAME(EMFILE) NAME(ENFILE) NAME(ENOSPC) NAME(ENOENT)
				NAME(EBUSY) NAME(EEXIST) NAME(EROFS) NAME(ELOOP) NAME(EXDEV)
					NAME(ESRCH) NAME(ECHILD) NAME(EPIPE) NAME(ECONNRESET)
						NAME(EDQUOT) NAME(EOPNOTSUPP) NAME(E2BIG)
							NAME(EBADF) NAME(ENOTTY)
	};

	for (size_t i = 0; i < COUNT(names); i++)
		if (names[i].error == error)
			return names[i].name;
	return strerror(error);
}

const char *fault_text(const struct fault *fault) {
	static char text[128];
	static const char *const kinds[] = { "nothing",    "",          "done, but ",
		                             "half of it", "returns 0", "has no effect",
		                             "SIGKILL" };

	snprintf(text, sizeof(text), "%s %s #%u: %s%s", role_name(fault->role),
	         call_name(fault->call), fault->occurrence, kinds[fault->kind],
	         fault->kind == FAULT_ERRNO || fault->kind == FAULT_DONE ? error_name(fault->error)
	                                                                 : "");
	return text;
}
