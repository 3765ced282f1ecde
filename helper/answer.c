/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Answers: numbers over a socket, without blocking, and the one fatal path. */
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "helper.h"

struct caisson_answer at = { .magic = CAISSON_ANSWER_MAGIC,
	                     .version = CAISSON_ANSWER_VERSION,
	                     .plan_version = CAISSON_PLAN_VERSION,
	                     .stage = CAISSON_STAGE_START,
	                     .record = CAISSON_NO_RECORD };
int answer_fd = CAISSON_FD_CONTROL, answer_with = -1;

void answer(uint16_t kind)
{
	union {
		char space[CMSG_SPACE(sizeof(int))];
		struct cmsghdr head;
	} control = { .head = { .cmsg_len = CMSG_LEN(sizeof(int)),
		                .cmsg_level = SOL_SOCKET,
		                .cmsg_type = SCM_RIGHTS } };
	struct iovec iov = { &at, sizeof(at) };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };

	at.kind = kind;
	policy_audit(&at);
	if (answer_with >= 0) {
		memcpy(CMSG_DATA(&control.head), &answer_with, sizeof(int));
		msg.msg_control = &control;
		msg.msg_controllen = sizeof(control);
	}
	/* The peer is the caller: it may not read, and must not be able to hold us up. */
	if (sendmsg(answer_fd, &msg, MSG_DONTWAIT | MSG_NOSIGNAL) != sizeof(at))
		_exit(125); /* nobody is there to hear; a child of ours sees us go and goes too */
}

_Noreturn void fail(int error, uint32_t knob, uint32_t detail)
{
	at.error = error;
	at.knob =
		error == EMFILE || error == ENFILE || error == ENOMEM ? CAISSON_KNOB_LIMITS : knob;
	at.detail = detail;
	answer(CAISSON_ANSWER_FAILED);
	_exit(125);
}
