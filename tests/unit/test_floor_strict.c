/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The profile strict in the kernel: what a decoder needs works, what it does not
 * need is denied; and the twins, which ask a listener.
 */
#include "filtered.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/sem.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define SECCOMP_RECV 0xc0502100u /* SECCOMP_IOCTL_NOTIF_RECV, newer than some headers */
#define SECCOMP_SEND 0xc0182101u

static void try_denied(struct complaints *c) {
	struct sockaddr_un name = { .sun_family = AF_UNIX, .sun_path = "/nowhere" };
	struct iovec iov = { &name, 1 };
	int pair[2] = { -1, -1 }, value = 1;
	socklen_t length = sizeof(value);

	ANSWERS(c, EAFNOSUPPORT, socket(AF_UNIX, SOCK_STREAM, 0));
	ANSWERS(c, EAFNOSUPPORT, socket(AF_INET, SOCK_STREAM, 0));
	ANSWERS(c, EAFNOSUPPORT, socket(AF_NETLINK, SOCK_RAW, 0));
	ANSWERS(c, EAFNOSUPPORT, socketpair(AF_INET, SOCK_STREAM, 0, pair));
	WORKS(c, socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair));
	ANSWERS(c, EPERM, connect(pair[0], (struct sockaddr *)&name, sizeof(name)));
	ANSWERS(c, EPERM, bind(pair[0], (struct sockaddr *)&name, sizeof(name)));
	ANSWERS(c, EPERM, listen(pair[0], 1));
	ANSWERS(c, EPERM, accept(pair[0], NULL, NULL));
	ANSWERS(c, EISCONN, sendto(pair[0], "", 1, 0, (struct sockaddr *)&name, sizeof(name)));
	ANSWERS(c, EPERM, setsockopt(pair[0], SOL_SOCKET, SO_PASSCRED, &value, sizeof(value)));
	ANSWERS(c, ENOPROTOOPT,
	        getsockopt(pair[0], SOL_SOCKET, 77 /* PEERPIDFD */, &value, &length));
	ANSWERS(c, EPERM, inotify_init1(0));
	ANSWERS(c, EINVAL, fcntl(pair[0], F_NOTIFY, 1));
	ANSWERS(c, EINVAL, fcntl(pair[0], F_SETPIPE_SZ, 1 << 20));
	ANSWERS(c, EPERM, timerfd_create(CLOCK_MONOTONIC, 0));
	ANSWERS(c, EPERM, semget(IPC_PRIVATE, 1, 0600));
	ANSWERS(c, ENOSYS, splice(pair[0], NULL, pair[1], NULL, 1, 0));
	ANSWERS(c, ENOSYS, vmsplice(pair[0], &iov, 1, 0));
	ANSWERS(c, ENOSYS, syscall(SYS_io_setup, 1, &value));
	ANSWERS(c, ENOSYS, syscall(SYS_futex, &value, FUTEX_LOCK_PI | 128, 0, NULL, NULL, 0));
	ANSWERS(c, EINVAL, prctl(PR_SET_TIMERSLACK, 1, 0, 0, 0));
	ANSWERS(c, EPERM, syscall(SYS_unshare, 0x400));
	ANSWERS(c, EPERM, syscall(SYS_clone, 0x10000011, 0, 0, 0, 0));
	ANSWERS(c, EPERM, syscall(SYS_ptrace, 0, 0, 0, 0));
	ANSWERS(c, EPERM, syscall(SYS_prlimit64, getppid(), RLIMIT_CORE, NULL, NULL));
	ANSWERS(c, EPERM, setpriority(PRIO_PROCESS, 0, 19));
	ANSWERS(c, EPERM, (sync(), 0) | syscall(SYS_syncfs, 0));
	ANSWERS(c, EPERM, syscall(425 /* io_uring_setup */, 0, 0));
	ANSWERS(c, EPERM, syscall(SYS_userfaultfd, 1));
	ANSWERS(c, EPERM, syscall(SYS_keyctl, 0, 0, 0, 0, 0));
}

Test(floor_strict, denied_calls) {
	on_every_network(STRICT, try_denied);
}

static void try_files(struct complaints *c) {
	char dir[] = "/tmp/strict-XXXXXX", bytes[8] = "";
	struct stat st;
	int fd = -1;

	if (!mkdtemp(dir) || chdir(dir) < 0) {
		complain(c, "%s: %s", dir, strerror(errno));
		return;
	}
	WORKS(c, fd = open("f", O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC, 0644));
	WORKS(c, write(fd, "1234567", 8));
	WORKS(c, pread(fd, bytes, 8, 0));
	WORKS(c, ftruncate(fd, 4));
	WORKS(c, fstat(fd, &st));
	WORKS(c, rename("f", "g") | mkdir("d", 0755) | rmdir("d"));
	ANSWERS(c, EPERM, open("h", O_CREAT | O_RDWR, 04755));
	ANSWERS(c, EPERM, symlink("g", "h"));
	ANSWERS(c, EPERM, link("g", "h"));
	ANSWERS(c, EPERM, chmod("g", 0600));
	ANSWERS(c, EPERM, chown("g", getuid(), getgid()));
	ANSWERS(c, EPERM, mkfifo("h", 0600));
	ANSWERS(c, ENOTTY, ioctl(fd, 0x40049409 /* FICLONE */, fd));
	WORKS(c, ioctl(fd, FIONREAD, &fd));
	WORKS(c, unlink("g") | chdir("/") | rmdir(dir));
}

static void *thread(void *argument) {
	struct timespec soon = { 0, 1000000 };
	pthread_mutex_t *mutex = argument;

	for (int i = 0; i < 100; i++) {
		pthread_mutex_lock(mutex);
		pthread_mutex_unlock(mutex);
	}
	nanosleep(&soon, NULL);
	return argument;
}

static void try_threads(struct complaints *c) {
	pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
	pthread_t threads[8];

	for (size_t i = 0; i < COUNT(threads); i++)
		WORKS(c, -pthread_create(&threads[i], NULL, thread, &mutex));
	for (size_t i = 0; i < COUNT(threads); i++)
		WORKS(c, -pthread_join(threads[i], NULL));
	WORKS(c, prctl(PR_SET_NAME, "strict", 0, 0, 0));
}

/* As the library's channels use them. */
static void try_descriptors(struct complaints *c) {
	int memfd = -1, event = -1, epoll = -1, pair[2] = { -1, -1 };
	struct epoll_event one = { .events = EPOLLIN };
	void *memory;
	char byte;

	WORKS(c, memfd = memfd_create("tensor", MFD_CLOEXEC | MFD_ALLOW_SEALING));
	ANSWERS(c, EINVAL, memfd_create("tensor", MFD_CLOEXEC | 4 /* MFD_HUGETLB */));
	ANSWERS(c, EINVAL,
	        syscall(SYS_mmap, NULL, 1 << 21, 1, 0x22 | 0x40000 /* MAP_HUGETLB */, -1, 0));
	WORKS(c, ftruncate(memfd, 65536));
	WORKS(c, fcntl(memfd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW));
	memory = mmap(NULL, 65536, PROT_READ | PROT_WRITE, MAP_SHARED, memfd, 0);
	if (memory == MAP_FAILED)
		complain(c, "mmap: %s", strerror(errno));
	WORKS(c, event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
	WORKS(c, epoll = epoll_create1(EPOLL_CLOEXEC));
	WORKS(c, epoll_ctl(epoll, EPOLL_CTL_ADD, event, &one));
	WORKS(c, socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair));
	WORKS(c, send(pair[0], "x", 1, MSG_NOSIGNAL));
	WORKS(c, recv(pair[1], &byte, 1, 0));
	WORKS(c, poll(&(struct pollfd){ .fd = event, .events = POLLIN }, 1, 0));
}

/* A pipeline of a shell's, and a Python that starts threads and processes. */
static void try_programs(struct complaints *c) {
	static const char *const commands[] = {
		"/bin/true",
		"test \"$(printf 'b\\na\\n' | sort | head -n 1)\" = a",
		"seq 1000 | grep 7 | wc -l | cat >/dev/null & wait",
		"d=$(mktemp -d) && cat /etc/passwd >$d/x && ls -l $d >/dev/null && rm -r $d",
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

/* What init does to start a program, under the same filter. */
static void try_init(struct complaints *c) {
	struct rlimit files = { 0, 0 };
	unsigned long long turns[6] = { 0 };
	siginfo_t info;
	int fd = -1;
	pid_t pid;

	WORKS(c, getrlimit(RLIMIT_NOFILE, &files));
	WORKS(c, setrlimit(RLIMIT_NOFILE, &files));
	WORKS(c, fd = fcntl(1, F_DUPFD_CLOEXEC, 9));
	WORKS(c, dup3(fd, 20, O_CLOEXEC));
	WORKS(c, syscall(SYS_sched_getattr, 0, turns, sizeof(turns), 0));
	WORKS(c, syscall(SYS_sched_setattr, 0, turns, 0));
	pid = fork();
	if (pid == 0) {
		setsid();
		execl("/bin/true", "true", (char *)NULL);
		_exit(127);
	}
	WORKS(c, kill(pid, 0));
	WORKS(c, waitid(P_PID, (id_t)pid, &info, WEXITED));
	if (info.si_code != CLD_EXITED || info.si_status != 0)
		complain(c, "/bin/true: %d %d", info.si_code, info.si_status);
}

Test(floor_strict, what_programs_need_works) {
	on_every_network(STRICT, try_files);
	on_every_network(STRICT, try_threads);
	on_every_network(STRICT, try_descriptors);
	on_every_network(STRICT, try_init);
	on_every_network(STRICT, try_programs);
}

/* -------------------------------------------------------------------- twins */

/* What the kernel asks; answered with EPERM. The number, or -1 if nothing is asked. */
static int serve(int listener, int timeout) {
	union {
		struct {
			unsigned long long id;
			unsigned pid, flags;
			struct seccomp_data data;
		} known;
		char bytes[80]; /* what the request's number says */
	} asked = { .bytes = { 0 } };
	struct {
		unsigned long long id;
		long long value;
		int error;
		unsigned flags;
	} answer = { 0, 0, -EPERM, 0 };

	if (poll(&(struct pollfd){ .fd = listener, .events = POLLIN }, 1, timeout) != 1 ||
	    ioctl(listener, SECCOMP_RECV, &asked) < 0)
		return -1;
	answer.id = asked.known.id;
	return ioctl(listener, SECCOMP_SEND, &answer) < 0 ? -1 : asked.known.data.nr;
}

/* In a process under the twin, whose parent, under it too, listens. */
static void try_twin(struct complaints *c, const int numbers[2], int last_error) {
	int listener = install(c, 1), status = -1;
	pid_t pid = listener < 0 ? -1 : fork();

	if (pid == 0) {
		int failed = 0;

		errno = 0;
		failed |= syscall(numbers[0], 1, 2, 3, 4) != -1 || errno != EPERM;
		failed |= getppid() <= 0;
		failed |= syscall(numbers[1], 1, 2, 3, 4) != -1 || errno != EPERM;
		failed |= syscall(SYS_vmsplice, -1, NULL, 0, 0) != -1 || errno != last_error;
		failed |= syscall(437 /* openat2 */, -1, "", NULL, 0) != -1 || errno != ENOSYS;
		_exit(failed);
	}
	if (pid < 0)
		return;
	for (int i = 0; i < 2; i++) {
		int number = serve(listener, 10000);

		if (number != numbers[i])
			complain(c, "asked about %d, not %d", number, numbers[i]);
	}
	if (serve(listener, 50) >= 0)
		complain(c, "asked about a third");
	if (waitpid(pid, &status, 0) != pid || status != 0)
		complain(c, "the program: %#x", (unsigned)status);
}

static void twin_of_default(struct complaints *c) {
	c->profile = DEFAULT;
	try_twin(c, (const int[]){ SYS_ptrace, SYS_keyctl }, EBADF);
}

static void twin_of_strict(struct complaints *c) {
	c->profile = STRICT;
	try_twin(c, (const int[]){ SYS_inotify_init1, SYS_symlinkat }, ENOSYS);
}

Test(floor_strict, twins_ask_their_listener) {
	on_every_network(UNFILTERED, twin_of_default);
	on_every_network(UNFILTERED, twin_of_strict);
}
