/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Channels where the system refuses something: what can be had works, what
 * cannot is an error that names its knob, and nothing is left behind.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "caisson_fanout.h"
#include "channel_peer.h"
#include "tap.h"

#define SKIP 77
#ifndef F_ADD_SEALS
#define F_ADD_SEALS 1033
#endif
#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

/* ------------------------------------------------------------------- a session */

static unsigned count_fds(void) {
	unsigned entries = 0;
	DIR *dir = opendir("/proc/self/fd");

	while (dir && readdir(dir))
		entries++;
	if (dir)
		closedir(dir);
	return entries;
}

static int pass(caisson_channel *from, caisson_channel *to, int64_t n) {
	caisson_tensor tensor;

	if (caisson_loan_strided(from, CAISSON_U8, 1, &n, NULL, 1000, &tensor, NULL) < 0)
		return 2;
	memset(tensor.data, 5, tensor.nbytes);
	if (caisson_send(from, &tensor, NULL) < 0 || caisson_recv(to, &tensor, 1000, NULL) < 0)
		return 3;
	if (tensor.nbytes != (uint64_t)n || ((const char *)tensor.data)[n - 1] != 5)
		return 4;
	caisson_release(to, &tensor);
	return 0;
}

/* Everything works, waiting in vain included. 0, or which step did not. */
static int works(void) {
	caisson_channel *host = NULL, *peer;
	caisson_tensor tensor;
	int rc = 0;

	if (channel_new("frames", CAISSON_BOTH, 1 << 20, &host, NULL) < 0)
		return 1;
	peer = peer_open_here(host);
	if (!peer)
		return 5;
	for (int i = 0; i < 600 && rc == 0; i++)
		rc = i % 2 ? pass(host, peer, 3000) : pass(peer, host, 5000);
	if (rc == 0 && (caisson_recv(host, &tensor, 20, NULL) != -ETIMEDOUT ||
	                caisson_recv(peer, &tensor, 20, NULL) != -ETIMEDOUT))
		rc = 6;
	caisson_channel_close(peer);
	channel_free(host);
	return rc;
}

/* It is refused, with this number and knob, and leaves no descriptor. */
static int refused(int number, const char *knob) {
	unsigned fds = count_fds();
	caisson_channel *host = NULL;
	caisson_error *err = NULL;
	int rc = channel_new("frames", CAISSON_BOTH, 1 << 20, &host, &err);

	if (rc != -number || !err || !strstr(caisson_error_knob(err), knob)) {
		fprintf(stderr, "# %d, %s\n", rc, err ? caisson_error_text(err) : "");
		return 1;
	}
	caisson_error_free(err);
	return count_fds() == fds ? 0 : 2;
}

/* -------------------------------------------------------------------- the faults */

static int filter(unsigned call, unsigned error) {
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, call, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | error),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = { COUNT(code), code };

	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ||
	                       prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) < 0
	               ? -1
	               : 0;
}

static int no_memfd(void) {
	return filter(SYS_memfd_create, EPERM) < 0 ? SKIP : refused(EPERM, "seccomp");
}

static int no_memfd_at_all(void) {
	return filter(SYS_memfd_create, ENOSYS) < 0 ? SKIP : refused(ENOSYS, "seccomp");
}

/* Adding F_SEAL_FUTURE_WRITE: refused, as before Linux 5.1, or (0) taken for nothing. */
static int filter_seal(unsigned error) {
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_fcntl, 0, 5),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[1])),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, F_ADD_SEALS, 0, 3),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[2])),
		BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, 0x10, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | error),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = { COUNT(code), code };

	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ||
	                       prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) < 0
	               ? -1
	               : 0;
}

/* The copying lane: what the sandbox does to the slab is not seen by the host. */
static int copies(void) {
	caisson_channel *host = NULL;
	const int64_t n = 4096;
	caisson_tensor tensor;
	struct raw_peer peer;
	char *slab;
	int rc = works();

	if (rc)
		return rc;
	if (channel_new("frames", CAISSON_BOTH, 1 << 20, &host, NULL) < 0 ||
	    raw_open(&peer, host) < 0)
		return 30;
	if ((caisson_channel_lane(host) & (CAISSON_LANE_COPY | CAISSON_LANE_SEALED)) !=
	    CAISSON_LANE_COPY)
		return 31;
	slab = mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE, MAP_SHARED,
	            peer.fd[CAISSON_CHANNEL_FD_TO_SANDBOX], 0);
	if (slab == MAP_FAILED)
		return 32; /* then this lane was not needed */
	if (ftruncate(peer.fd[CAISSON_CHANNEL_FD_TO_SANDBOX], 0) == 0)
		return 33;
	if (caisson_loan(host, CAISSON_U8, 1, &n, &tensor, NULL) < 0)
		return 34;
	memset(tensor.data, 7, 4096);
	memset(slab, 0x66, 1 << 20);
	if (((const char *)tensor.data)[100] != 7)
		return 35;
	if (caisson_send(host, &tensor, NULL) < 0 || slab[100] != 7)
		return 36;
	munmap(slab, 1 << 20);
	raw_close(&peer);
	channel_free(host);
	return 0;
}

static int no_write_seal(void) {
	return filter_seal(EINVAL) < 0 ? SKIP : copies();
}

static int vain_write_seal(void) {
	return filter_seal(0) < 0 ? SKIP : copies();
}

/* A slab for many is not for those who could write it to each other. */
static int no_fanout(void) {
	const struct channel_wish wish = { "frames", CAISSON_TO_SANDBOX, 4096, .offers = -1 };
	struct channel_wish member = wish;
	caisson_channel *channel = NULL;
	caisson_fanout *fanout = NULL;

	if (filter_seal(0) < 0)
		return SKIP;
	if (caisson_fanout_new(4096, &fanout, NULL) < 0)
		return 40;
	member.fanout = fanout;
	if (channel_make(&member, &channel, NULL) != -ENOTSUP)
		return 41;
	caisson_fanout_free(fanout);
	return 0;
}

static int no_eventfd(void) {
	return filter(SYS_eventfd2, EPERM) < 0 ? SKIP : refused(EPERM, "seccomp");
}

static int no_futex(void) {
	return filter(SYS_futex, EPERM) < 0 ? SKIP : works();
}

static int no_futex_at_all(void) {
	return filter(SYS_futex, ENOSYS) < 0 ? SKIP : works();
}

static int no_fallocate(void) {
	return filter(SYS_fallocate, ENOSYS) < 0 ? SKIP : works();
}

static int no_madvise(void) {
	return filter(SYS_madvise, EPERM) < 0 ? SKIP : works();
}

static int sixteen_files(void) {
	const struct rlimit limit = { 16, 16 };
	caisson_channel *channel[16];
	unsigned made = 0, fds;
	int rc;

	for (int fd = 3; fd < 64; fd++)
		close(fd);
	if (setrlimit(RLIMIT_NOFILE, &limit) < 0)
		return SKIP;
	rc = works();
	if (rc)
		return rc;
	while (made < 16 && channel_new("frames", CAISSON_BOTH, 4096, &channel[made], NULL) == 0)
		made++;
	if (made == 0 || made == 16)
		return 10;
	fds = count_fds();
	for (int i = 0; i < 100 && rc == 0; i++) {
		caisson_error *err = NULL;

		if (channel_new("frames", CAISSON_BOTH, 4096, &channel[made], &err) != -EMFILE ||
		    strcmp(caisson_error_knob(err), "RLIMIT_NOFILE") != 0)
			rc = 11;
		caisson_error_free(err);
	}
	if (count_fds() != fds) /* 0 and 0 where not even /proc/self/fd can be opened */
		rc = 12;
	while (made > 0)
		channel_free(channel[--made]);
	return rc == 0 ? works() : rc;
}

static int little_address_space(void) {
	const struct rlimit limit = { 64 << 20, 64 << 20 };
	caisson_channel *host = NULL;
	caisson_error *err = NULL;
	unsigned fds = count_fds();

	if (setrlimit(RLIMIT_AS, &limit) < 0)
		return SKIP;
	if (channel_new("frames", CAISSON_BOTH, 1 << 30, &host, &err) != -ENOMEM ||
	    !strstr(caisson_error_knob(err), "RLIMIT_AS"))
		return 1;
	caisson_error_free(err);
	return count_fds() == fds ? works() : 2;
}

static int small_files(void) {
	const struct rlimit limit = { 1 << 16, 1 << 16 };

	return setrlimit(RLIMIT_FSIZE, &limit) < 0 ? SKIP : refused(EFBIG, "RLIMIT_FSIZE");
}

static int no_huge_pages(void) {
	return prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0) < 0 ? SKIP : works();
}

/* In a mount namespace of its own: /dev/shm of 1 MiB, and that is full. */
static int full_shm(void) {
	static const char bytes[1 << 16];
	int fd;

	if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
	    mount("shm", "/dev/shm", "tmpfs", 0, "size=1m") < 0)
		return SKIP;
	fd = open("/dev/shm/full", O_CREAT | O_RDWR, 0600);
	while (fd >= 0 && write(fd, bytes, sizeof(bytes)) > 0)
		;
	if (fd < 0 || errno != ENOSPC)
		return 20;
	return works();
}

static int no_shm(void) {
	if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
	    mount("none", "/dev/shm", "tmpfs", MS_RDONLY, "size=0") < 0)
		return SKIP;
	return works();
}

/* vm.memfd_noexec belongs to a pid namespace: whoever is in this one only. */
static int memfd_noexec(const char *value) {
	int fd, status;
	pid_t pid;

	if (unshare(CLONE_NEWPID) < 0)
		return SKIP;
	pid = fork();
	if (pid == 0) {
		fd = open("/proc/sys/vm/memfd_noexec", O_WRONLY);
		if (fd < 0 || write(fd, value, 1) != 1)
			_exit(SKIP);
		_exit(works());
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid || !WIFEXITED(status))
		return 21;
	return WEXITSTATUS(status);
}

static int memfd_noexec_1(void) {
	return memfd_noexec("1");
}

static int memfd_noexec_2(void) {
	return memfd_noexec("2");
}

static const struct fault {
	const char *name;
	int (*run)(void);
} faults[] = {
	{ "nothing is refused", works },
	{ "memfd_create is refused", no_memfd },
	{ "memfd_create is missing", no_memfd_at_all },
	{ "no seal against writing", no_write_seal },
	{ "a seal against writing that is not kept", vain_write_seal },
	{ "the same, and a slab for many", no_fanout },
	{ "eventfd is refused", no_eventfd },
	{ "futex is refused", no_futex },
	{ "futex is missing", no_futex_at_all },
	{ "fallocate is missing", no_fallocate },
	{ "madvise is refused", no_madvise },
	{ "16 descriptors", sixteen_files },
	{ "64 MiB of address space", little_address_space },
	{ "files of 64 KiB", small_files },
	{ "no transparent huge pages", no_huge_pages },
	{ "a full /dev/shm of 1 MiB", full_shm },
	{ "no room in /dev/shm at all", no_shm },
	{ "vm.memfd_noexec is 1", memfd_noexec_1 },
	{ "vm.memfd_noexec is 2", memfd_noexec_2 },
};

int main(void) {
	for (size_t i = 0; i < COUNT(faults); i++) {
		int status = 0;
		pid_t pid;

		fflush(stdout);
		pid = fork();
		if (pid == 0) {
			alarm(60);
			_exit(faults[i].run());
		}
		waitpid(pid, &status, 0);
		if (WIFEXITED(status) && WEXITSTATUS(status) == SKIP)
			tap_skip(faults[i].name, "not to be had here without root");
		else
			tap_ok(status == 0, "%s (status %#x)", faults[i].name, (unsigned)status);
	}
	return tap_done();
}
