/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What takes no privilege to enter, and nobody leaves again: the security module's
 * label, no_new_privs, a session keyring of its own, a Landlock domain, the seccomp
 * filter. They hold for init itself too.
 */
#include "init.h"

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/vfs.h>

#include "caisson-floor.h"

#define MQUEUE_MAGIC 0x19800202
#define KEYCTL_JOIN_SESSION_KEYRING 1
#define SYS_LANDLOCK_FS_EXECUTE (1ull << 0)
#define SYS_LANDLOCK_FS_WRITE_FILE (1ull << 1)
#define SYS_LANDLOCK_FS_READ_FILE (1ull << 2)
#define SYS_LANDLOCK_FS_MAKE_BLOCK (1ull << 11)
#define SYS_LANDLOCK_FS_REFER (1ull << 13)
#define SYS_LANDLOCK_FS_TRUNCATE (1ull << 14)
#define SYS_LANDLOCK_FS_RESOLVE_UNIX (1ull << 16) /* connect() to a socket by its path */
#define SYS_LANDLOCK_SCOPE_ALL 3ull               /* abstract unix sockets, signals */

enum { NR_landlock_create_ruleset = 444, NR_landlock_add_rule, NR_landlock_restrict_self };

/* What lies at fd and below it may be used in these ways. */
static long landlock_beneath(int set, int fd, uint64_t access) {
	struct {
		uint64_t access;
		int32_t parent_fd;
	} __attribute__((packed)) path = { access, fd };

	return sys(NR_landlock_add_rule, set, 1 /* PATH_BENEATH */, &path, 0);
}

static void landlock_root(int set, uint64_t access) {
	int root = must(open("/", O_PATH | O_CLOEXEC));

	must(landlock_beneath(set, root, access));
	close(root);
}

/*
 * CAP_SETPCAP, without a bounding set and behind locked securebits: it kept the user's
 * processes from tracing this one since its exec, and is good for nothing else. Whoever
 * executes the program by hand has less, or as much to lose.
 */
static void drop_last_capability(void) {
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2] = { { 0 }, { 0 } };

	at.stage = CAISSON_STAGE_DROP;
	must(syscall(SYS_capset, &head, data));
	must(syscall(SYS_capget, &head, data));
	errno = EPERM; /* what is neither permitted nor inheritable is not ambient */
	need(!(data[0].permitted | data[1].permitted | data[0].inheritable | data[1].inheritable),
	     NONE, 0);
}

/*
 * A domain keeps the target from tracing, signalling and, by abstract socket,
 * reaching what is outside, by the kernel's own rule on domains; it restricts
 * no file, except that kernels before 6.12 make a domain only of file rules
 * (and ABI 1 then forbids every rename between directories: it is used only
 * where no user namespace stands beside it). In a domain with file rules the
 * kernel denies every mount: there is none where namespaces may be made inside,
 * and a user namespace stands beside it then, too.
 */
static void landlock(const struct handoff *given) {
	long abi = sys(NR_landlock_create_ruleset, NULL, 0, 1 /* VERSION */);
	uint64_t rules[3] = { 0 }; /* fs, net, scoped */
	int set;

	if (abi <= 0 || (abi == 1 && given->userns) ||
	    (abi < 6 && given->filter == CAISSON_SECCOMP_NESTED))
		return;
	at.stage = CAISSON_STAGE_LANDLOCK;
	rules[2] = abi >= 6 ? SYS_LANDLOCK_SCOPE_ALL : 0;
	rules[0] = abi >= 6 ? 0 : abi == 1 ? SYS_LANDLOCK_FS_MAKE_BLOCK : SYS_LANDLOCK_FS_REFER;
	set = must(sys(NR_landlock_create_ruleset, rules, abi >= 6 ? 24 : abi >= 4 ? 16 : 8, 0));
	if (rules[0] == SYS_LANDLOCK_FS_REFER)
		landlock_root(set, rules[0]);
	must(sys(NR_landlock_restrict_self, set, 0));
	close(set);
	at.landlock_abi = (uint32_t)abi;
	at.held |= CAISSON_BIT(LANDLOCK);
	/* By confine_files(), before anything runs. Only who requires it: a granted socket is to be used. */
	if (abi >= 9 && given->filter != CAISSON_SECCOMP_NESTED)
		at.held |= given->require & CAISSON_BIT(HOST_SOCKETS);
}

/*
 * A second layer below the mounts: no file is opened, executed, made, removed or renamed
 * but below the sandbox's root, whatever descriptor or link in /proc leads to it; and what
 * the target was handed is opened anew as it was opened, for reading or for writing. The
 * mounts say what may be done with what is below the root. A descriptor that comes later,
 * over a socket or with a further program, serves as it is, and is not opened anew. Looking
 * at names and changing modes is nothing that Landlock knows of.
 */
void confine_files(const struct handoff *given, const int *fd, uint32_t fds) {
	static const uint64_t reading = SYS_LANDLOCK_FS_READ_FILE | SYS_LANDLOCK_FS_EXECUTE,
			      writing = SYS_LANDLOCK_FS_WRITE_FILE | SYS_LANDLOCK_FS_TRUNCATE;
	/* Of Landlock's version 1 all below MAKE_SYM; then REFER; then TRUNCATE. */
	uint64_t all = at.landlock_abi >= 3 ? 0x7fff : at.landlock_abi == 2 ? 0x3fff : 0x1fff, used;
	bool no_sockets = at.held & CAISSON_BIT(HOST_SOCKETS);
	struct statfs fs;
	int set, flags, queues;

	if (!(at.held & CAISSON_BIT(LANDLOCK)) || given->filter == CAISSON_SECCOMP_NESTED)
		return;
	at.stage = CAISSON_STAGE_LANDLOCK;
	used = all | (no_sockets ? SYS_LANDLOCK_FS_RESOLVE_UNIX : 0);
	set = must(sys(NR_landlock_create_ruleset, &used, sizeof(used), 0));
	landlock_root(set, all);
	/* mq_open() goes by a mount of the kernel's own, which only this one's root stands for. */
	queues = open("/dev/mqueue", O_PATH | O_NOFOLLOW | O_DIRECTORY | O_CLOEXEC);
	if (queues >= 0) {
		if (fstatfs(queues, &fs) == 0 && fs.f_type == MQUEUE_MAGIC)
			must(landlock_beneath(set, queues, all));
		close(queues);
	}
	for (uint32_t i = 0; i < fds; i++) {
		flags = must(fcntl(fd[i], F_GETFL)) & O_ACCMODE;
		used = (flags != O_WRONLY ? reading : 0) | (flags != O_RDONLY ? writing : 0);
		errno = 0;
		/* Of what has no name anywhere, a pipe or a socket, Landlock denies nothing. */
		if (landlock_beneath(set, fd[i], used & all) < 0)
			need(errno == EBADFD, STDIO, i);
	}
	must(sys(NR_landlock_restrict_self, set, 0));
	close(set);
	at.stage = CAISSON_STAGE_INIT;
}

/* A descriptor from which denials can be read, if they are to be told; or -1. */
static int install_filter(const struct handoff *given) {
	int listener = -1;

	at.stage = CAISSON_STAGE_SECCOMP;
	if (given->tell_denials)
		listener = must(sys(SYS_seccomp, SECCOMP_SET_MODE_FILTER,
		                    SECCOMP_FILTER_FLAG_NEW_LISTENER,
		                    &caisson_notify_filters[given->filter][given->net]));
	else
		must(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER,
		           &caisson_filters[given->filter][given->net], 0, 0));
	need(prctl(PR_GET_SECCOMP, 0, 0, 0, 0) == SECCOMP_MODE_FILTER, SECCOMP, 0);
	return listener;
}

int confine(const struct handoff *given) {
	int listener;

	drop_last_capability();
	take_label(given);
	at.stage = CAISSON_STAGE_DROP;
	must(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
	errno = EPERM;
	need(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1, NONE, 5);
	/*
	 * Owned by and charged to the user; or there are no keys in this kernel. Else the
	 * property is not held: what the kernel itself looks for on behalf of the target, which
	 * the filter does not see, would find the caller's.
	 */
	if (sys(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, NULL) >= 0 || errno == ENOSYS)
		at.held |= CAISSON_BIT(KEYRING);
	landlock(given);
	listener = install_filter(given);
	/* What the helper's child and this program did, or there would be no sandbox by now. */
	at.held |= CAISSON_ALWAYS | (given->net == CAISSON_NET_HOST ? 0 : CAISSON_BIT(NET));
	/* A way to them, in a namespace of one's own. */
	if (given->filter == CAISSON_SECCOMP_NESTED)
		at.held &= ~CAISSON_BIT(CAPABILITIES);
	return listener;
}
