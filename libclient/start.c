/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the sandbox's init is told: program, arguments, environment, directory,
 * descriptors. Queued on the control socket before the helper is executed, so
 * that init finds it there; the helper never reads it.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "internal.h"
#include "memory.h"

static const char STAGE[] = "preparing the program";

struct text {
	char *data;
	size_t n;
	FILE *to;
};

static void put(struct text *t, const char *string)
{
	fwrite(string, 1, strlen(string) + 1, t->to);
}

/* CAISSON_CHANNELS=frames:3,masks:4: the order of START's extra descriptors. */
static void put_channels(struct text *t, const caisson_spec *spec)
{
	fprintf(t->to, "%s=", CHANNEL_ENV);
	for (size_t i = 0; i < spec->channels; i++)
		fprintf(t->to, "%s%s:%zu", i ? "," : "", channel_name(spec->channel[i]), 3 + i);
	fputc('\0', t->to);
}

/* Is this "name=value" replaced by what the host has? A name twice would hide the second. */
static bool is_kept(const caisson_spec *spec, const char *text)
{
	size_t len = strcspn(text, "=");

	for (size_t i = 0; i < spec->keep.n; i++) {
		const char *name = spec->keep.item[i];

		if (strlen(name) == len && !strncmp(name, text, len) && getenv(name))
			return true;
	}
	return false;
}

static int write_args(const caisson_spec *spec, struct caisson_control *head, int *memfd)
{
	struct text t = { 0 };
	int fd = -1, rc = -ENOMEM;

	t.to = open_memstream(&t.data, &t.n);
	if (!t.to)
		return -ENOMEM;
	put(&t, spec->cwd);
	for (size_t i = 0; i < spec->argv.n; i++)
		put(&t, spec->argv.item[i]);
	head->argc = (uint32_t)spec->argv.n;
	for (size_t i = 0; i < spec->env.n; i++) {
		if (is_kept(spec, spec->env.item[i]))
			continue;
		put(&t, spec->env.item[i]);
		head->envc++;
	}
	for (size_t i = 0; i < spec->keep.n; i++) {
		const char *value = getenv(spec->keep.item[i]);

		if (!value)
			continue;
		fprintf(t.to, "%s=", spec->keep.item[i]);
		put(&t, value);
		head->envc++;
	}
	if (spec->channels) {
		put_channels(&t, spec);
		head->envc++;
	}
	if (fclose(t.to) != 0)
		goto out;
	rc = t.n > CAISSON_START_MAX_ARGS ||
	                     1ull + head->argc + head->envc > CAISSON_START_MAX_STRINGS
	             ? -E2BIG
	             : 0;
	fd = rc ? rc : memory_new("caisson-start", t.n);
	if (fd < 0) {
		rc = fd;
		goto out;
	}
	if (write(fd, t.data, t.n) != (ssize_t)t.n) {
		close(fd);
		rc = -EIO;
		goto out;
	}
	head->args = (uint32_t)t.n;
	*memfd = fd;
out:
	free(t.data);
	return rc;
}

static int send_with_fds(int socket, const struct caisson_control *head, const int *fds)
{
	union {
		char space[CMSG_SPACE((CAISSON_START_FD_EXTRA + CAISSON_START_MAX_EXTRA) *
		                      sizeof(int))];
		struct cmsghdr align;
	} control = { { 0 } };
	struct iovec iov = { (void *)(uintptr_t)head, sizeof(*head) };
	struct msghdr msg = { .msg_iov = &iov,
		              .msg_iovlen = 1,
		              .msg_control = control.space,
		              .msg_controllen = (socklen_t)CMSG_SPACE(head->fds * sizeof(int)) };
	struct cmsghdr *c = &control.align;

	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = (socklen_t)CMSG_LEN(head->fds * sizeof(int));
	memcpy(CMSG_DATA(c), fds, head->fds * sizeof(int));
	return sendmsg(socket, &msg, MSG_NOSIGNAL) == sizeof(*head) ? 0 : -errno;
}

int start_send(const caisson_spec *spec, int socket, caisson_error **err)
{
	struct caisson_control head = {
		.magic = CAISSON_CONTROL_MAGIC,
		.version = CAISSON_CONTROL_VERSION,
		.kind = CAISSON_CONTROL_START,
		.flags = spec->stdio_files ? CAISSON_START_FILES : 0,
		.fds = CAISSON_START_FD_EXTRA + (uint32_t)spec->channels,
	};
	int fds[CAISSON_START_FD_EXTRA + CAISSON_START_MAX_EXTRA];
	int null, args = -1, rc;

	null = open("/dev/null", O_RDWR | O_CLOEXEC);
	if (null < 0)
		return error_set(err, errno, STAGE, "", "", "cannot open /dev/null: %s",
		                 strerror(errno));
	rc = write_args(spec, &head, &args);
	if (rc < 0) {
		error_set(err, -rc, STAGE, "", rc == -E2BIG ? "pass less" : "",
		          "cannot pass the arguments and environment: %s", strerror(-rc));
		goto out;
	}
	fds[CAISSON_START_FD_ARGS] = args;
	for (int i = 0; i < 3; i++)
		fds[CAISSON_START_FD_STDIO + i] = spec->stdio[i] >= 0 ? spec->stdio[i] : null;
	for (size_t i = 0; i < spec->channels; i++)
		fds[CAISSON_START_FD_EXTRA + i] = channel_peer_fd(spec->channel[i]);
	rc = send_with_fds(socket, &head, fds);
	if (rc < 0)
		error_set(err, -rc, STAGE, rc == -ETOOMANYREFS ? "RLIMIT_NOFILE" : "", "",
		          rc == -EBADF ? "standard input, output or error is not an open descriptor"
		                       : "cannot pass descriptors to the sandbox: %s",
		          strerror(-rc));
out:
	if (args >= 0)
		close(args);
	close(null);
	return rc;
}
