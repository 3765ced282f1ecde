/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Answers: numbers over a socket, without blocking, and the one fatal path. */
#include "answer.h"

struct caisson_answer at = { .magic = CAISSON_ANSWER_MAGIC,
	                     .version = CAISSON_ANSWER_VERSION,
	                     .plan_version = CAISSON_PLAN_VERSION,
	                     .backend = CAISSON_BACKEND_MOUNT_SETATTR,
	                     .stage = CAISSON_STAGE_START,
	                     .record = CAISSON_NO_RECORD };
int answer_fd = CAISSON_FD_CONTROL, answer_with = -1;
long last_call;

void answer(uint16_t kind) {
	struct { /* a struct cmsghdr and its data */
		size_t len;
		int level, type, fd, padding;
	} with = { CMSG_LEN(sizeof(int)), SOL_SOCKET, SCM_RIGHTS, answer_with, 0 };
	struct iovec iov = { &at, sizeof(at) };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };

	at.kind = kind;
	if (answer_with >= 0) {
		msg.msg_control = &with;
		msg.msg_controllen = sizeof(with);
	}
	/* The peer is the caller: it may not read, and must not be able to hold us up. */
	if (sendmsg(answer_fd, &msg, MSG_DONTWAIT | MSG_NOSIGNAL) != sizeof(at))
		_exit(125); /* nobody is there to hear; a child of ours sees us go and goes too */
}

_Noreturn void fail(int error, uint32_t knob, uint32_t detail) {
	if (error == ENOSYS && knob != CAISSON_KNOB_KERNEL)
		knob = CAISSON_KNOB_KERNEL, detail = (uint32_t)last_call;
	at.error = error;
	at.knob = knob;
	at.detail = detail;
	record_failure();
	answer(CAISSON_ANSWER_FAILED);
	_exit(125);
}

int must(long result) {
	need_knob(result >= 0,
	          at.stage == CAISSON_STAGE_MOUNT ? CAISSON_KNOB_DESTINATION : CAISSON_KNOB_NONE,
	          0);
	return (int)result;
}
