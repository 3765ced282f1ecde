/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The profiles default, gpu and nested in the kernel: each filter is installed in a
 * process of its own, which then tries what is denied and what must go on
 * working. test_floor_strict.c does the same with strict.
 */
#define _GNU_SOURCE
#include "filtered.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/shm.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static void on_both(void (*body)(struct complaints *c)) {
	on_every_network(DEFAULT, body);
	on_every_network(GPU, body);
}

/*
 * Calls that a kernel without the floor answers otherwise, mostly because their
 * arguments are nonsense. Numbers, since old headers lack them.
 */
static const struct denied {
	const char *name;
	long number;
	unsigned long args[4];
	int error;
} denied[] = {
	{ "pidfd_open", 434, { 0, 0, 0, 0 }, EPERM },
	{ "pidfd_getfd", 438, { -1ul, 0, 0, 0 }, EPERM },
	{ "pidfd_send_signal", 424, { -1ul, 0, 0, 0 }, EPERM },
	{ "ptrace", SYS_ptrace, { 17, 0x7ffffffful, 0, 0 }, EPERM },
	{ "process_vm_readv", SYS_process_vm_readv, { 0x7ffffffful, 0, 0, 0 }, EPERM },
	{ "process_madvise", 440, { -1ul, 0, 0, 0 }, EPERM },
	{ "process_mrelease", 448, { -1ul, 0, 0, 0 }, EPERM },
	{ "kcmp", SYS_kcmp, { 0x7ffffffful, 0x7ffffffful, 0, 0 }, EPERM },
	{ "unshare NEWUSER|bad", SYS_unshare, { 0x90000000ul, 0, 0, 0 }, EPERM },
	{ "clone NEWUSER|FS", SYS_clone, { 0x10000200ul, 0, 0, 0 }, EPERM },
	{ "unshare high bit", SYS_unshare, { 1ul << 40, 0, 0, 0 }, EPERM },
	{ "open_tree", 428, { -1ul, 0, 0x80000000ul, 0 }, EPERM },
	{ "keyctl", SYS_keyctl, { 9999, 0, 0, 0 }, EPERM },
	{ "add_key", SYS_add_key, { 0, 0, 0, 0 }, EPERM },
	{ "io_uring_setup", 425, { 0, 0, 0, 0 }, EPERM },
	{ "perf_event_open", SYS_perf_event_open, { 0, 0, 0, 0 }, EPERM },
	{ "name_to_handle_at", SYS_name_to_handle_at, { -1ul, 0, 0, 0 }, EPERM },
	{ "personality", SYS_personality, { 0x0400000, 0, 0, 0 }, EPERM },
	{ "personality", SYS_personality, { 0x0040000, 0, 0, 0 }, EPERM },
	{ "unshare FILES", SYS_unshare, { 0x400, 0, 0, 0 }, EPERM },
	{ "mbind", SYS_mbind, { 0, 0, 0, 0 }, ENOSYS },
	{ "get_mempolicy", SYS_get_mempolicy, { 0, 0, 0, 0 }, ENOSYS },
	{ "move_pages", SYS_move_pages, { 0, 0, 0, 0 }, ENOSYS },
	{ "userfaultfd", SYS_userfaultfd, { 1, 0, 0, 0 }, EPERM },
	{ "bpf", SYS_bpf, { 9999, 0, 0, 0 }, EPERM },
	{ "clone3", 435, { 0, 0, 0, 0 }, ENOSYS },
	{ "openat2", 437, { -1ul, 0, 0, 0 }, ENOSYS },
	{ "socketpair inet", SYS_socketpair, { AF_INET, SOCK_STREAM, 0, 0 }, EAFNOSUPPORT },
	{ "netlink audit", SYS_socket, { AF_NETLINK, SOCK_RAW, 20, 0 }, EAFNOSUPPORT },
};

static int answer(const struct denied *d) {
	errno = 0;
	if (syscall(d->number, d->args[0], d->args[1], d->args[2], d->args[3], 0, 0) < 0)
		return errno;
	return 0;
}

static void try_denied(struct complaints *c) {
	int changed = 0;

	for (size_t i = 0; i < COUNT(denied); i++) {
		int error = answer(&denied[i]);

		changed += error != denied[i].error;
		if (c->profile != UNFILTERED && error != denied[i].error)
			complain(c, "%s: %s", denied[i].name, strerror(error));
	}
	/* A container's own filter may answer some; most must be the floor's doing. */
	if (c->profile == UNFILTERED && (size_t)changed < COUNT(denied) / 2)
		complain(c, "only %d of %zu calls answer otherwise", changed, COUNT(denied));
}

Test(floor_live, denied_calls) {
	char text[4096];

	on_both(try_denied);
	cr_expect_eq(filtered(UNFILTERED, NONE, try_denied, text), 0, "without a filter: %s", text);
}

/* Families that are denied only ever fail here: no socket of such a family is made. */
static void try_sockets(struct complaints *c) {
	static const int never[] = { 0, 3, 9, 15, 17, 21, 29, 30, 31, 38, 40, 44, 45, 255 };
	struct linger linger = { 1, 1 };
	int pair[2];

	for (size_t i = 0; i < COUNT(never); i++)
		ANSWERS(c, EAFNOSUPPORT, socket(never[i], SOCK_STREAM, 0));
	ANSWERS(c, EAFNOSUPPORT, syscall(SYS_socket, 0xdeadbeef00000026ul, SOCK_SEQPACKET, 0));
	WORKS(c, socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair));
	WORKS(c, socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, 0));
	if (c->network == NONE) {
		ANSWERS(c, EAFNOSUPPORT, socket(AF_INET, SOCK_STREAM, 0));
		ANSWERS(c, EAFNOSUPPORT, socket(AF_INET6, SOCK_DGRAM, 0));
		WORKS(c, setsockopt(pair[0], SOL_SOCKET, SO_LINGER, &linger, sizeof(linger)));
		return;
	}
	WORKS(c, pair[0] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0));
	WORKS(c, socket(AF_INET, SOCK_DGRAM, 17 /* UDP */));
	ANSWERS(c, EPROTONOSUPPORT, socket(AF_INET, SOCK_STREAM, 132 /* SCTP */));
	ANSWERS(c, ESOCKTNOSUPPORT, socket(AF_INET, 10 /* SOCK_PACKET */, 0));
	if (c->network == HOST)
		WORKS(c, setsockopt(pair[0], SOL_SOCKET, SO_LINGER, &linger, sizeof(linger)));
	else
		ANSWERS(c, EPERM,
		        setsockopt(pair[0], SOL_SOCKET, SO_LINGER, &linger, sizeof(linger)));
	WORKS(c, setsockopt(pair[0], SOL_SOCKET, SO_KEEPALIVE, &(int){ 1 }, sizeof(int)));
}

Test(floor_live, sockets) {
	on_both(try_sockets);
}

static void try_set_id(struct complaints *c) {
	char dir[] = "/tmp/floor-XXXXXX";
	struct stat st;
	int fd = -1;

	if (!mkdtemp(dir) || chdir(dir) < 0) {
		complain(c, "%s: %s", dir, strerror(errno));
		return;
	}
	WORKS(c, fd = open("f", O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC, 0755));
	ANSWERS(c, EPERM, chmod("f", 04755));
	ANSWERS(c, EPERM, fchmod(fd, 02755));
	ANSWERS(c, EPERM, fchmodat(AT_FDCWD, "f", 06755, 0));
	ANSWERS(c, EPERM, syscall(452 /* fchmodat2 */, AT_FDCWD, "f", 04755, 0));
	ANSWERS(c, EPERM, open("g", O_CREAT | O_RDWR, 04755));
	ANSWERS(c, EPERM, openat(AT_FDCWD, "g", O_CREAT | O_RDWR, 02755));
	ANSWERS(c, EPERM, open(".", O_TMPFILE | O_RDWR, 04755));
	ANSWERS(c, EPERM, mknod("g", S_IFREG | 04755, 0));
#ifdef SYS_open
	ANSWERS(c, EPERM, syscall(SYS_open, "g", O_CREAT | O_RDWR, 04755));
	ANSWERS(c, EPERM, syscall(SYS_creat, "g", 04755));
	ANSWERS(c, EPERM, syscall(SYS_chmod, "f", 0xdeadbeef00000800ul));
	ANSWERS(c, EPERM, syscall(SYS_mknod, "g", S_IFREG | 02755, 0));
#endif
	if (access("g", F_OK) == 0 || fstat(fd, &st) < 0 || st.st_mode & (S_ISUID | S_ISGID))
		complain(c, "a set-id bit came through");
	WORKS(c, syscall(SYS_openat, AT_FDCWD, "f", O_RDONLY, 06000)); /* no mode without O_CREAT */
	WORKS(c, chmod("f", 01777));
	WORKS(c, fchmod(fd, 0600));
	WORKS(c, mkdir("d", 02755)); /* mkdir drops the bits by itself */
	WORKS(c, mkfifo("p", 0600));
	WORKS(c, unlink("p") | rmdir("d") | unlink("f") | chdir("/") | rmdir(dir));
}

Test(floor_live, no_file_becomes_set_id) {
	on_both(try_set_id);
}

static void try_terminal(struct complaints *c) {
	int master = posix_openpt(O_RDWR | O_NOCTTY), slave;
	char c1 = 'x';

	if (master < 0 || grantpt(master) < 0 || unlockpt(master) < 0 || setsid() < 0) {
		complain(c, "no pseudo terminal: %s", strerror(errno));
		return;
	}
	slave = open(ptsname(master), O_RDWR);
	if (slave < 0 || ioctl(slave, TIOCSCTTY, 0) < 0) {
		complain(c, "no controlling terminal: %s", strerror(errno));
		return;
	}
	ANSWERS(c, EPERM, ioctl(slave, TIOCSTI, &c1));
	ANSWERS(c, EPERM, ioctl(slave, 0x541c /* TIOCLINUX */, &c1));
	ANSWERS(c, EPERM, syscall(SYS_ioctl, slave, 0x1ul << 32 | TIOCSTI, &c1));
	ANSWERS(c, EPERM, syscall(SYS_ioctl, slave, 0xffffffff00000000ul | TIOCSTI, &c1));
	ANSWERS(c, ENOTTY, ioctl(slave, 0xff0b /* PIDFD_GET_INFO's type */, &c1));
	if (poll(&(struct pollfd){ .fd = master, .events = POLLIN }, 1, 50) != 0)
		complain(c, "a character was typed");
	if (!isatty(slave))
		complain(c, "isatty: %s", strerror(errno));
}

Test(floor_live, nothing_is_typed_into_a_terminal) {
	on_both(try_terminal);
}

static void try_memory(struct complaints *c) {
	const int flags = MAP_PRIVATE | MAP_ANONYMOUS;
	int fd = -1;

	ANSWERS(c, EINVAL,
	        mmap(NULL, 1 << 21, PROT_READ, flags | 0x40000, -1, 0) == MAP_FAILED ? -1 : 0);
	ANSWERS(c, EINVAL, syscall(SYS_memfd_create, "x", 4 /* MFD_HUGETLB */ | 1));
	ANSWERS(c, EINVAL, syscall(SYS_shmget, 0, 1 << 21, 01600 | 04000 /* SHM_HUGETLB */));
	WORKS(c, mmap(NULL, 1 << 21, PROT_READ, flags, -1, 0) == MAP_FAILED ? -1 : 0);
	WORKS(c, fd = (int)syscall(SYS_memfd_create, "x", 3 /* CLOEXEC, ALLOW_SEALING */));
	WORKS(c, ftruncate(fd, 4096));
	WORKS(c,
	      mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0) == MAP_FAILED ? -1 : 0);
	WORKS(c, shmctl(shmget(IPC_PRIVATE, 4096, 01600), IPC_RMID, NULL));
}

Test(floor_live, no_reserved_huge_page_is_taken) {
	on_both(try_memory);
}

static void *thread(void *arg) {
	return getppid() > 0 ? arg : NULL;
}

static void try_threads(struct complaints *c) {
	pthread_t threads[8];
	void *value;

	for (size_t i = 0; i < COUNT(threads); i++)
		WORKS(c, -pthread_create(&threads[i], NULL, thread, c));
	for (size_t i = 0; i < COUNT(threads); i++)
		if (pthread_join(threads[i], &value) != 0 || value != c)
			complain(c, "pthread_join");
}

/* What the sandbox's init does after it has the filter. */
static void try_init(struct complaints *c) {
	struct sock_filter allow = { 0x06, 0, 0, SECCOMP_RET_ALLOW };
	struct sock_fprog own = { 1, &allow };
	siginfo_t info;
	sigset_t set;
	int fd = -1;
	pid_t pid;

	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	WORKS(c, sigprocmask(SIG_BLOCK, &set, NULL));
	WORKS(c, fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK));
	pid = fork();
	if (pid == 0) {
		setsid();
		execl("/bin/true", "true", (char *)NULL);
		_exit(127);
	}
	if (poll(&(struct pollfd){ .fd = fd, .events = POLLIN }, 1, 5000) != 1)
		complain(c, "no SIGCHLD");
	WORKS(c, waitid(P_PID, (id_t)pid, &info, WEXITED));
	if (info.si_code != CLD_EXITED || info.si_status != 0)
		complain(c, "/bin/true: %d %d", info.si_code, info.si_status);
	WORKS(c, kill(getpid(), 0));
	WORKS(c, dup3(fd, 200, O_CLOEXEC));
	/* Newer than some kernels that this runs on: it may only not be the filter that says no. */
	if (syscall(436 /* close_range */, 200, 201, 0) < 0 && errno != ENOSYS)
		complain(c, "close_range: %s", strerror(errno));
	if (syscall(444 /* landlock_create_ruleset */, NULL, 0, 1) < 0 && errno != ENOSYS &&
	    errno != EOPNOTSUPP)
		complain(c, "landlock_create_ruleset: %s", strerror(errno));
	WORKS(c, syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &own));
}

static void try_programs(struct complaints *c) {
	static const char *const commands[] = {
		"/bin/true",
		"test \"$(printf 'b\\na\\n' | sort | head -n 1)\" = a",
		"bash -c 'set -o pipefail; seq 1000 | grep 7 | wc -l | cat >/dev/null & wait'",
		"d=$(mktemp -d) && cp /etc/passwd $d/x && chmod 755 $d/x && ls -l $d >/dev/null && "
		"rm -r $d",
		"! command -v python3 >/dev/null || python3 -c 'import os, threading\n"
		"t = [threading.Thread(target=sum, args=(range(9),)) for _ in range(9)]\n"
		"[x.start() for x in t]; [x.join() for x in t]\n"
		"assert os.popen(\"echo hi\").read().strip() == \"hi\"'",
	};

	for (size_t i = 0; i < COUNT(commands); i++) {
		int status = system(commands[i]);

		if (status != 0)
			complain(c, "%s: %#x", commands[i], (unsigned)status);
	}
}

Test(floor_live, ordinary_programs_run) {
	on_both(try_threads);
	on_both(try_init);
	on_both(try_programs);
}

/* What no namespace inside needs, and what all of it needs as far as a filter goes. */
static void try_nested(struct complaints *c) {
	ANSWERS(c, EPERM, syscall(SYS_setns, -1, 0));
	ANSWERS(c, EPERM, syscall(SYS_unshare, 0x02000000ul));
	ANSWERS(c, EPERM, syscall(SYS_unshare, 0xdeadbeef02000000ul));
	ANSWERS(c, EPERM, syscall(SYS_unshare, 0x12000000ul));
	ANSWERS(c, EPERM, syscall(SYS_unshare, 0x80ul));
	ANSWERS(c, EPERM, syscall(SYS_clone, 0x02000011ul, 0, 0, 0, 0));
	ANSWERS(c, EPERM, syscall(SYS_ptrace, 17, 0x7fffffff, 0, 0));
	ANSWERS(c, EPERM, syscall(SYS_keyctl, 9999, 0, 0, 0, 0));
	ANSWERS(c, EPERM, syscall(SYS_bpf, 9999, 0, 0));
	ANSWERS(c, EPERM, syscall(438 /* pidfd_getfd */, -1, 0, 0));
	ANSWERS(c, ENOSYS, syscall(435 /* clone3 */, NULL, 0));
	ANSWERS(c, ENOSYS, syscall(437 /* openat2 */, -1, NULL, NULL, 0));
	/* With arguments that the kernel refuses, whatever it has and whoever asks. */
	ANSWERS(c, EINVAL, syscall(SYS_unshare, 0x90000000ul));
	ANSWERS(c, EINVAL, syscall(SYS_clone, 0x10000200ul, 0, 0, 0, 0)); /* NEWUSER, FS */
	WORKS(c, unshare(CLONE_FILES));
}

Test(floor_live, nested_denies_what_it_does_not_need) {
	on_every_network(NESTED, try_nested);
	on_every_network(NESTED, try_set_id);
	on_every_network(NESTED, try_sockets);
	on_every_network(NESTED, try_terminal);
	on_every_network(NESTED, try_programs);
}

#ifdef __x86_64__
static void call_i386(struct complaints *c) {
	long result;

	__asm__ volatile("int $0x80" : "=a"(result) : "a"(20l /* getpid */) : "memory");
	complain(c, "getpid by the i386 way: %ld", result);
}

static void try_no_calls(struct complaints *c) {
	ANSWERS(c, ENOSYS, syscall(0x40000000 | SYS_getpid));
	ANSWERS(c, ENOSYS, syscall(470));
	ANSWERS(c, ENOSYS, syscall(0x7fffffff));
}

Test(floor_live, i386_is_killed_and_x32_is_no_call) {
	on_both(try_no_calls);
	on_every_network(STRICT, try_no_calls);
	for (int i = 0; i < NETWORKS * PROFILES; i++) {
		char text[4096];
		int status = filtered((enum profile)(i / NETWORKS), (enum network)(i % NETWORKS),
		                      call_i386, text);

		cr_expect(WIFSIGNALED(status) && (WTERMSIG(status) == SIGSYS ||
		                                  WTERMSIG(status) == SIGSEGV /* no i386 */),
		          "status %#x: %s", (unsigned)status, text);
	}
}
#endif
