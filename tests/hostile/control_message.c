/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "control_message.h"

#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "hostile.h"

int start_memfd(const char *bytes, size_t len) {
	int fd = (int)syscall(SYS_memfd_create, "args", 0);

	if (fd < 0 || write(fd, bytes, len) != (ssize_t)len)
		raw_bail("memfd");
	return fd;
}

void start_good(struct start *s) {
	int out[2], null = open("/dev/null", O_RDWR | O_CLOEXEC);

	if (pipe2(out, O_CLOEXEC) < 0 || null < 0)
		raw_bail("pipe2");
	memset(s, 0, sizeof(*s));
	s->head = (struct caisson_control *)(void *)s->bytes;
	*s->head = (struct caisson_control){ .magic = CAISSON_CONTROL_MAGIC,
		                             .version = CAISSON_CONTROL_VERSION,
		                             .kind = CAISSON_CONTROL_START,
		                             .args = sizeof(GOOD),
		                             .argc = 3,
		                             .envc = 1,
		                             .fds = CAISSON_START_FD_EXTRA };
	s->len = sizeof(*s->head);
	s->n = CAISSON_START_FD_EXTRA;
	s->fds[0] = start_memfd(GOOD, sizeof(GOOD));
	s->fds[1] = null;
	s->fds[2] = out[1];
	s->fds[3] = dup(out[1]);
	s->out = out[0];
	for (unsigned i = s->n; i < MAX_FDS; i++)
		s->fds[i] = null; /* as many as a test likes */
}

void start_strings(struct start *s, const char *bytes, size_t len, unsigned argc, unsigned envc) {
	close(s->fds[CAISSON_START_FD_ARGS]);
	s->fds[CAISSON_START_FD_ARGS] = start_memfd(bytes, len);
	s->head->args = (uint32_t)len;
	s->head->argc = argc;
	s->head->envc = envc;
}

bool start_send(int socket, const struct start *s) {
	union {
		char space[CMSG_SPACE(sizeof(int) * MAX_FDS)];
		struct cmsghdr align;
	} control = { .align = { .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS } };
	struct iovec iov = { (void *)(uintptr_t)s->bytes, s->len };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };

	if (s->n) {
		/* size_t to glibc, socklen_t to musl */
		control.align.cmsg_len =
			(__typeof__(control.align.cmsg_len))CMSG_LEN(s->n * sizeof(int));
		memcpy(CMSG_DATA(&control.align), s->fds, s->n * sizeof(int));
		msg.msg_control = &control;
		msg.msg_controllen = (__typeof__(msg.msg_controllen))CMSG_SPACE(s->n * sizeof(int));
	}
	/* Not by sendmsg(): musl's carries 1,024 bytes of descriptors, less than the kernel. */
	return syscall(SYS_sendmsg, socket, &msg, MSG_NOSIGNAL) == (long)s->len;
}

void start_close(const struct start *s) {
	for (unsigned i = 0; i < CAISSON_START_FD_EXTRA; i++)
		close(s->fds[i]);
}
