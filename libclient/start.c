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
#include <sys/stat.h>
#include <unistd.h>

#include "gpu.h"
#include "memory.h"
#include "offer.h"

static const char STAGE[] = "preparing the program";

/* What is said is gone through twice: for its size, since the memfd's is fixed, and to be written. */
struct text {
	int fd; /* -1: only count */
	size_t n, kept;
	char buffer[1024];
	bool failed;
};

static void flush(struct text *t) {
	if (t->fd >= 0 && t->kept > 0)
		t->failed |= write(t->fd, t->buffer, t->kept) != (ssize_t)t->kept;
	t->kept = 0;
}

static void put_bytes(struct text *t, const char *bytes, size_t n) {
	t->n += n;
	while (t->fd >= 0 && n > 0) {
		size_t part = sizeof(t->buffer) - t->kept;

		part = n < part ? n : part;
		memcpy(t->buffer + t->kept, bytes, part);
		t->kept += part;
		bytes += part;
		n -= part;
		if (t->kept == sizeof(t->buffer))
			flush(t);
	}
}

static void put(struct text *t, const char *string) {
	put_bytes(t, string, strlen(string) + 1);
}

/* CAISSON_CHANNELS=frames:3,masks:4,+:5: the order of START's extra descriptors. */
static void put_channels(struct text *t, const caisson_spec *spec) {
	char number[24];

	put_bytes(t, CHANNEL_ENV "=", strlen(CHANNEL_ENV "="));
	for (size_t i = 0; i < spec_channels(spec); i++) {
		const char *name =
			i < spec->channels ? channel_name(spec->channel[i]) : CHANNEL_OFFERS;

		put_bytes(t, ",", i > 0);
		put_bytes(t, name, strlen(name));
		put_bytes(t, number, (size_t)snprintf(number, sizeof(number), ":%zu", 3 + i));
	}
	put_bytes(t, "", 1);
}

/* Is this "name=value" replaced by what the host has? A name twice would hide the second. */
static bool is_kept(const caisson_spec *spec, const char *text) {
	size_t len = strcspn(text, "=");

	for (size_t i = 0; i < spec->keep.n; i++) {
		const char *name = spec->keep.item[i];

		if (strlen(name) == len && !strncmp(name, text, len) && getenv(name))
			return true;
	}
	return false;
}

/* What a GPU's libraries need of it, where the spec does not say otherwise. */
static uint32_t put_gpu(struct text *t, const caisson_spec *spec) {
	const struct strings *env = &spec->gpu->grant.env;
	uint32_t n = 0;

	for (size_t i = 0; i < env->n; i++) {
		size_t len = strcspn(env->item[i], "=") + 1, j = 0;

		while (j < spec->env.n && strncmp(spec->env.item[j], env->item[i], len) != 0)
			j++;
		if (j < spec->env.n || is_kept(spec, env->item[i]))
			continue;
		put(t, env->item[i]);
		n++;
	}
	return n;
}

static void put_args(struct text *t, const caisson_spec *spec, struct caisson_control *head) {
	put(t, spec->cwd);
	for (size_t i = 0; i < spec->argv.n; i++)
		put(t, spec->argv.item[i]);
	head->argc = (uint32_t)spec->argv.n;
	head->envc = spec_channels(spec) > 0;
	for (size_t i = 0; i < spec->env.n; i++) {
		if (is_kept(spec, spec->env.item[i]))
			continue;
		put(t, spec->env.item[i]);
		head->envc++;
	}
	for (size_t i = 0; i < spec->keep.n; i++) {
		const char *name = spec->keep.item[i], *value = getenv(name);

		if (!value)
			continue;
		put_bytes(t, name, strlen(name));
		put_bytes(t, "=", 1);
		put(t, value);
		head->envc++;
	}
	if (spec->gpu)
		head->envc += put_gpu(t, spec);
	if (spec_channels(spec) > 0)
		put_channels(t, spec);
	flush(t);
}

/* A memfd with all of it, or -errno. */
static int write_args(const caisson_spec *spec, struct caisson_control *head) {
	struct text size = { .fd = -1 }, text = { .fd = -1 };

	put_args(&size, spec, head);
	if (size.n > CAISSON_START_MAX_ARGS ||
	    1ull + head->argc + head->envc > CAISSON_START_MAX_STRINGS)
		return -E2BIG;
	text.fd = memory_new("caisson-start", size.n);
	if (text.fd < 0)
		return text.fd;
	put_args(&text, spec, head);
	head->args = (uint32_t)text.n;
	if (text.failed ||
	    text.n != size.n) { /* another thread changed the environment meanwhile */
		close(text.fd);
		return -EIO;
	}
	return text.fd;
}

int start_send(const struct start *start, int socket, int flags) {
	union {
		char space[CMSG_SPACE(sizeof(start->fd))];
		struct cmsghdr align;
	} control = { { 0 } };
	const struct caisson_control *head = &start->head;
	struct iovec iov = { (void *)(uintptr_t)head, sizeof(*head) };
	struct msghdr msg = { .msg_iov = &iov,
		              .msg_iovlen = 1,
		              .msg_control = control.space,
		              .msg_controllen = (socklen_t)CMSG_SPACE(head->fds * sizeof(int)) };
	struct cmsghdr *c = &control.align;

	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = (socklen_t)CMSG_LEN(head->fds * sizeof(int));
	memcpy(CMSG_DATA(c), start->fd, head->fds * sizeof(int));
	return sendmsg(socket, &msg, MSG_NOSIGNAL | flags) == sizeof(*head) ? 0 : -errno;
}

int start_make(const caisson_spec *spec, struct start *start, caisson_error **err) {
	int args;

	start->head = (struct caisson_control){
		.magic = CAISSON_CONTROL_MAGIC,
		.version = CAISSON_CONTROL_VERSION,
		.kind = CAISSON_CONTROL_START,
		.flags = (spec->stdio_files ? CAISSON_START_FILES : 0) |
		         (spec->landlock == CAISSON_LANDLOCK_FILES ? 0 : CAISSON_START_OUTSIDE),
		.fds = CAISSON_START_FD_EXTRA + (uint32_t)(spec_channels(spec) + spec->passed),
	};
	start->fd[CAISSON_START_FD_ARGS] = -1;
	start->null = open("/dev/null", O_RDWR | O_CLOEXEC);
	if (start->null < 0)
		return error_set(err, errno, STAGE, "", "", "cannot open /dev/null: %s",
		                 strerror(errno));
	args = write_args(spec, &start->head);
	if (args < 0)
		return error_set(err, -args, STAGE, "", args == -E2BIG ? "pass less" : "",
		                 "cannot pass the arguments and environment: %s", strerror(-args));
	start->fd[CAISSON_START_FD_ARGS] = args;
	for (int i = 0; i < 3; i++)
		start->fd[CAISSON_START_FD_STDIO + i] =
			spec->stdio[i] >= 0 ? spec->stdio[i] : start->null;
	for (size_t i = 0; i < spec->channels; i++)
		start->fd[CAISSON_START_FD_EXTRA + i] = channel_peer_fd(spec->channel[i]);
	if (spec->offers[1] >= 0)
		start->fd[CAISSON_START_FD_EXTRA + spec->channels] = spec->offers[1];
	for (size_t i = 0; i < spec->passed; i++)
		start->fd[CAISSON_START_FD_EXTRA + spec_channels(spec) + i] = spec->pass[i];
	return 0;
}

void start_close(struct start *start) {
	if (start->fd[CAISSON_START_FD_ARGS] >= 0)
		close(start->fd[CAISSON_START_FD_ARGS]);
	if (start->null >= 0)
		close(start->null);
}

/* By its number inside. */
static void describe(uint32_t number, char *text, size_t size) {
	static const char *const streams[] = { "standard input", "standard output",
		                               "standard error" };

	if (number < 3)
		snprintf(text, size, "%s", streams[number]);
	else
		snprintf(text, size, "what is to be descriptor %u inside", number);
}

int start_failed(int rc, const struct start *start, caisson_error **err) {
	uint32_t i = CAISSON_START_FD_STDIO;
	char which[64];

	while (rc == -EBADF && start && i < start->head.fds && fcntl(start->fd[i], F_GETFD) >= 0)
		i++;
	if (rc == -EBADF && start && i < start->head.fds) {
		describe(i - CAISSON_START_FD_STDIO, which, sizeof(which));
		return error_set(err, EBADF, STAGE,
		                 i < CAISSON_START_FD_EXTRA ? "caisson_spec_stdio()"
		                                            : "caisson_spec_pass_fd()",
		                 i < CAISSON_START_FD_EXTRA
		                         ? "give one that is open, or -1 for a /dev/null"
		                         : "give one that is open until caisson_spawn() is done",
		                 "%s, %d here, is not an open descriptor", which, start->fd[i]);
	}
	return error_set(err, -rc, STAGE, rc == -ETOOMANYREFS ? "RLIMIT_NOFILE" : "", "",
	                 "cannot pass descriptors to the sandbox: %s", strerror(-rc));
}

void start_refused(const caisson_spec *spec, uint32_t number, struct error_about *about) {
	size_t passed = number - 3 - spec_channels(spec);
	int fd = number < 3              ? spec->stdio[number]
	         : passed < spec->passed ? spec->pass[passed]
	                                 : -1,
	    flags = fcntl(fd, F_GETFL);
	const char *kind = "of a kind that is not passed";
	struct stat st;
	char which[64];

	describe(number, which, sizeof(which));
	about->remedy = NULL;
	if (flags < 0 || fstat(fd, &st) < 0) {
		kind = "not what it was when it was passed";
	} else if (flags & O_PATH) {
		kind = "open with O_PATH";
		about->remedy = "open it for reading or writing";
	} else if (S_ISDIR(st.st_mode)) {
		kind = "a directory";
		about->remedy = "grant the directory (--ro, --rw, caisson_spec_bind()), and pass a "
				"file, a pipe or nothing (</dev/null)";
	} else if (S_ISBLK(st.st_mode)) {
		kind = "a block device";
		about->remedy = "pass what is in it by a pipe (cat DEVICE | caisson run ...)";
	} else if (S_ISREG(st.st_mode)) {
		kind = "a regular file, and these were not allowed";
		about->remedy = "pass a pipe, or call caisson_spec_allow_stdio_files()";
	}
	snprintf(about->text, sizeof(about->text), "%s is %s", which, kind);
	about->subject = about->text;
}
