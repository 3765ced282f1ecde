/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A running sandbox: waiting, signals, its end, its report. */
#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "denials.h"
#include "internal.h"
#include "limits_impl.h"
#include "process.h"
#include "property.h"

static bool poll_now(int fd) {
	struct pollfd p = { .fd = fd, .events = POLLIN };

	return poll(&p, 1, 0) > 0;
}

int64_t now_ms(void) {
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* What init managed to say; false if nothing (more) is to be heard from it. */
static bool listen_to(caisson_sandbox *box) {
	struct caisson_answer answer = { 0 };
	int none, rc = receive_answer(box->socket, MSG_DONTWAIT, &answer, &none);

	if (none >= 0)
		close(none);
	if (rc == 0 && answer.kind == CAISSON_ANSWER_DENIED) {
		denials_hear(box->denials, &answer);
	} else if (rc == 0 && answer.id) {
		program_hear(box, &answer);
	} else if (rc == 0 && answer.kind == CAISSON_ANSWER_EXITED) {
		box->status = answer.status;
		box->timed_out = answer.knob == CAISSON_KNOB_TIMEOUT;
		box->told = true;
	}
	return rc == 0 || rc == -EAGAIN;
}

/* The pidfd became readable: reap. What init said counts, else how it ended itself. */
static void collect(caisson_sandbox *box) {
	int own = SIGKILL;

	while (!box->told && poll_now(box->socket) && listen_to(box))
		;
	if (box->leaf)
		leaf_over(box->leaf);
	process_wait(box->pidfd, &own); /* a host that reaps every child was first */
	if (!box->told)
		box->status = box->killed ? SIGKILL : own;
	box->ended = true;
}

/* A process that cannot be polled is looked at: soon, once there is nothing to be heard from it. */
static int poll_box(const caisson_sandbox *box, struct pollfd fds[2], int timeout) {
	const int soon = box->silent ? 10 : 200;
	int n, slice;

	fds[0].fd = process_pollable(box->pidfd);
	if (fds[0].fd >= 0)
		return poll(fds, 2, timeout);
	do {
		slice = timeout < 0 || timeout > soon ? soon : timeout;
		n = poll(fds, 2, slice);
		if (n >= 0 && process_ended(box->pidfd)) {
			fds[0].revents = POLLIN;
			return n + 1;
		}
		timeout -= timeout < 0 ? 0 : slice;
	} while (n == 0 && timeout != 0);
	return n;
}

int sandbox_wait(caisson_sandbox *box, int64_t until) {
	struct pollfd fds[2] = { { .events = POLLIN },
		                 { .fd = box->silent ? -1 : box->socket, .events = POLLIN } };
	int64_t left = until < 0 ? -1 : until - now_ms();
	int n = poll_box(box, fds,
	                 until < 0        ? -1
	                 : left <= 0      ? 0
	                 : left < INT_MAX ? (int)left
	                                  : INT_MAX);

	if (n < 0)
		return errno == EINTR ? 0 : -errno;
	if (n == 0)
		return left < INT_MAX ? -ETIMEDOUT : 0;
	if (fds[1].revents && !listen_to(box))
		box->silent = true; /* init is ending: its pidfd says when */
	if (fds[0].revents && !box->told)
		collect(box);
	return 0;
}

int caisson_wait(caisson_sandbox *box, int timeout_ms, int *status, caisson_error **err) {
	int64_t until = timeout_ms < 0 ? -1 : now_ms() + timeout_ms;
	int rc = 0;

	while (!box->ended && !box->told && rc == 0)
		rc = sandbox_wait(box, until);
	if (rc == -ETIMEDOUT)
		return error_set(err, ETIMEDOUT, "waiting for the sandbox", "", "",
		                 "the program still runs");
	if (rc < 0)
		return error_set(err, -rc, "waiting for the sandbox", "", "", "poll: %s",
		                 strerror(-rc));
	if (box->leaf)
		leaf_over(box->leaf);
	if (status)
		*status = box->status;
	return 0;
}

int signal_send(caisson_sandbox *box, uint64_t id, int sig) {
	struct caisson_control message = {
		.magic = CAISSON_CONTROL_MAGIC,
		.version = CAISSON_CONTROL_VERSION,
		.kind = CAISSON_CONTROL_SIGNAL,
		.signal = sig,
		.id = id,
	};

	if (sig <= 0 || sig >= NSIG)
		return -EINVAL;
	if (send(box->socket, &message, sizeof(message), MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
		return errno == EPIPE ? -ESRCH : -errno;
	return 0;
}

int caisson_kill(caisson_sandbox *box, int sig) {
	int rc;

	if (sig != SIGKILL)
		return signal_send(box, 0, sig);
	rc = process_kill(box->pidfd);
	if (rc != -EPERM)
		return rc;
	/* It runs as another user of the host, or has no pidfd: the end of the socket is its end. */
	box->killed = true;
	return shutdown(box->socket, SHUT_RDWR) < 0 ? -errno : 0;
}

int caisson_event_fd(const caisson_sandbox *box) {
	return box->socket;
}

int caisson_pidfd(const caisson_sandbox *box) {
	return process_pollable(box->pidfd);
}

int caisson_pid(const caisson_sandbox *box) {
	return process_pid(box->pidfd);
}

void caisson_sandbox_free(caisson_sandbox *box) {
	if (!box)
		return;
	if (!box->ended) { /* a pid 1 that is told of its end already ends by itself */
		if (!box->told)
			caisson_kill(box, SIGKILL);
		collect(box);
	}
	close(box->socket);
	close(box->pidfd);
	leaf_free(box->leaf);
	free(box->denials);
	for (size_t i = 0; i < box->channels; i++)
		channel_free(box->channel[i]);
	free(box->channel);
	channel_close_fd(&box->offers);
	free(box->program);
	free(box->gpu);
	free(box->json);
	free(box->name);
	free(box->why);
	free(box);
}
