/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Answers: numbers over a socket, without blocking, and the one fatal path. */
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "helper.h"

static int fail_fd = CAISSON_FD_CONTROL;
static int fail_pidfd = -1;

void fail_to(int fd)
{
	fail_fd = fd;
}

void fail_with(int pidfd)
{
	fail_pidfd = pidfd;
}

int send_answer(int fd, struct caisson_answer *answer, int pass_fd)
{
	union {
		char space[CMSG_SPACE(sizeof(int))];
		struct cmsghdr align;
	} control = { { 0 } };
	struct iovec iov = { answer, sizeof(*answer) };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };

	answer->magic = CAISSON_ANSWER_MAGIC;
	answer->version = CAISSON_ANSWER_VERSION;
	if (pass_fd >= 0) {
		struct cmsghdr *c = &control.align;

		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(c), &pass_fd, sizeof(int));
		msg.msg_control = control.space;
		msg.msg_controllen = sizeof(control.space);
	}
	/* The peer is the caller: it may not read, and must not be able to hold us up. */
	return sendmsg(fd, &msg, MSG_DONTWAIT | MSG_NOSIGNAL) == sizeof(*answer) ? 0 : -errno;
}

_Noreturn void fail(uint32_t stage, int error, uint32_t knob, uint32_t record, uint32_t detail)
{
	struct caisson_answer answer = {
		.kind = CAISSON_ANSWER_FAILED,
		.stage = stage,
		.error = error < 0 ? -error : error,
		.record = record,
		.knob = knob,
		.detail = detail,
	};

	send_answer(fail_fd, &answer, fail_pidfd);
	_exit(125);
}
