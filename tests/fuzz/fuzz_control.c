/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What init reads from the host under libFuzzer: the message with its
 * descriptors, the memory of arguments, the kinds of the descriptors. The
 * kernel's part (recvmsg, pread, fstat, fcntl) is played from the input.
 *
 * Input: a struct caisson_control; a byte, the number of descriptors; a byte,
 * see below; a byte for each descriptor; the arguments.
 */
#include <assert.h>
#include <setjmp.h>
#include <stdlib.h>

#include "helper/helper.h"
#include "protocol/control.h"

enum { TRUNCATED = 1, OTHER_RIGHTS = 2, SHORT = 4, NOTHING = 8, SHORT_ARGS = 16 };

struct caisson_answer at;
int answer_fd, answer_with;
long last_call;
static jmp_buf caught;
static const uint8_t *in, *kinds;
static size_t in_size;
static unsigned n_fds, how;

void answer(uint16_t kind) {
	(void)kind;
}

_Noreturn void fail(int error, uint32_t knob, uint32_t detail) {
	assert(error > 0 && knob < CAISSON_KNOB_COUNT);
	(void)detail;
	longjmp(caught, 1);
}

int must(long result) {
	if (result < 0)
		fail(errno, CAISSON_KNOB_NONE, 0);
	return (int)result;
}

static ssize_t play_recvmsg(struct msghdr *msg) {
	struct cmsghdr *c = msg->msg_control;
	size_t room = (msg->msg_controllen - CMSG_LEN(0)) / sizeof(int);
	size_t n = n_fds < room ? n_fds : room;

	if (how & NOTHING) {
		errno = EAGAIN;
		return -1;
	}
	memcpy(msg->msg_iov->iov_base, in, msg->msg_iov->iov_len);
	msg->msg_flags = how & TRUNCATED ? MSG_TRUNC : n < n_fds ? MSG_CTRUNC : 0;
	if (n == 0) {
		msg->msg_controllen = 0;
	} else {
		/* size_t to glibc, socklen_t to musl */
		msg->msg_controllen = (__typeof__(msg->msg_controllen))CMSG_LEN(n * sizeof(int));
		c->cmsg_len = (__typeof__(c->cmsg_len))CMSG_LEN(n * sizeof(int));
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = how & OTHER_RIGHTS ? SCM_CREDENTIALS : SCM_RIGHTS;
		for (size_t i = 0; i < n; i++)
			((int *)(void *)CMSG_DATA(c))[i] = 100 + (int)i;
	}
	return (ssize_t)msg->msg_iov->iov_len - (how & SHORT ? 1 : 0);
}

static ssize_t play_pread(void *to, size_t size) {
	size_t n = size < in_size ? size : in_size;

	memcpy(to, in, n);
	return (ssize_t)(how & SHORT_ARGS && n ? n - 1 : n);
}

static uint8_t kind_of(int fd) {
	assert(fd >= 100 && fd < 100 + (int)n_fds);
	return kinds[fd - 100];
}

static int play_fstat(int fd, struct stat *st) {
	static const mode_t modes[] = { S_IFIFO, S_IFDIR, S_IFREG, S_IFBLK, S_IFCHR, S_IFSOCK };

	memset(st, 0, sizeof(*st));
	st->st_mode = modes[(kind_of(fd) & 15) % 6];
	return kind_of(fd) & 128 ? -1 : 0;
}

static int play_fcntl(int fd) {
	return kind_of(fd) & 64 ? O_PATH : O_RDONLY;
}

#define recvmsg(fd, msg, flags) play_recvmsg(msg)
#define pread(fd, to, size, at) play_pread(to, size)
#define fstat(fd, st) play_fstat(fd, st)
#define fcntl(fd, ...) play_fcntl(fd)
int init_main(void);
#define main init_main
#include "init/main.c"
#undef main

static void check_strings(void) {
	const char *end = start.args + start.head.args;
	size_t n = 2 + start.head.argc + start.head.envc;

	for (size_t i = 0; i < n; i++)
		if (i == start.head.argc + 1ull)
			assert(!start.string[i]);
		else
			assert(start.string[i] >= start.args && start.string[i] < end &&
			       strlen(start.string[i]) <= (size_t)(end - start.string[i]));
	assert(!start.string[n]);
}

static void check_kinds(void) {
	for (uint32_t i = CAISSON_START_FD_STDIO; i < start.head.fds; i++) {
		unsigned mode = (kind_of(start.fd[i]) & 15) % 6;

		assert(mode != 1 && mode != 3 && !(kind_of(start.fd[i]) & (64 | 128)));
		assert(mode != 2 || start.head.flags & CAISSON_START_FILES);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
	const size_t head = sizeof(struct caisson_control);

	if (size < head + 2 || size < head + 2 + data[head])
		return 0;
	in = data;
	n_fds = data[head];
	how = data[head + 1];
	kinds = data + head + 2;
	if (setjmp(caught) != 0 || !receive())
		return 0;
	assert(start.head.fds == (how & OTHER_RIGHTS ? 0 : n_fds));
	assert(start.head.fds <= CAISSON_START_FD_EXTRA + CAISSON_START_MAX_EXTRA);
	if (start.head.fds < CAISSON_START_FD_EXTRA) /* start_program() wants them */
		return 0;
	in = kinds + n_fds;
	in_size = size - head - 2 - n_fds;
	read_args();
	check_strings();
	check_fds();
	check_kinds();
	return 0;
}
