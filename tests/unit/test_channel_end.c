/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* How a channel ends: each side killed, closed, or never there. */
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "channel_ends.h"

static int send_three_and_stop(caisson_channel *channel) {
	caisson_tensor tensor;

	for (int i = 0; i < 3; i++)
		if (caisson_loan(channel, CAISSON_U8, 0, NULL, &tensor, NULL) < 0 ||
		    caisson_send(channel, &tensor, NULL) < 0)
			return 1;
	raise(SIGSTOP); /* until it is killed */
	return 2;
}

Test(channel_end, killed_peer_is_epipe_after_all_it_sent) {
	caisson_channel *host = host_end(CAISSON_BOTH, 4096);
	pid_t pid = peer_start(host, send_three_and_stop);
	const int64_t whole = 4096;
	caisson_tensor tensor, kept;
	int64_t start;
	int status;

	cr_assert_eq(caisson_recv(host, &kept, 10000, NULL), 0);
	cr_assert_eq(caisson_loan(host, CAISSON_U8, 1, &whole, &tensor, NULL), 0);
	cr_assert_eq(caisson_send(host, &tensor, NULL), 0);
	cr_assert_eq(waitpid(pid, &status, WUNTRACED), pid);
	cr_assert(WIFSTOPPED(status));
	kill(pid, SIGKILL);
	cr_assert_eq(peer_end(pid, 10), 128 + SIGKILL);
	start = now_ms();
	cr_assert(readable(host, 10000));
	for (int i = 0; i < 2; i++)
		cr_assert_eq(caisson_recv(host, &tensor, -1, NULL), 0);
	cr_assert_eq(caisson_recv(host, &tensor, -1, NULL), -EPIPE);
	cr_assert_eq(caisson_recv(host, &tensor, 0, NULL), -EPIPE);
	cr_assert_eq(caisson_loan(host, CAISSON_U8, 1, &whole, &tensor, NULL), -EPIPE);
	cr_assert_lt(now_ms() - start, 5000);
	cr_assert_eq(*(uint8_t *)kept.data, 0); /* still mapped */
	caisson_release(host, &kept);
	channel_free(host);
}

static int wait_for_the_end(caisson_channel *channel) {
	caisson_tensor tensor;

	if (caisson_recv(channel, &tensor, -1, NULL) != -EPIPE)
		return 1;
	return caisson_loan(channel, CAISSON_U8, 0, NULL, &tensor, NULL) == -EPIPE ? 0 : 2;
}

Test(channel_end, host_that_goes_wakes_the_sandbox) {
	caisson_channel *host = host_end(CAISSON_BOTH, 4096);
	pid_t pid = peer_start(host, wait_for_the_end);

	usleep(50000); /* so that it sleeps, mostly */
	channel_free(host);
	cr_assert_eq(peer_end(pid, 10), 0);
}

static int report_the_end(caisson_channel *channel) {
	int rc = write(STDERR_FILENO, "r", 1) == 1 ? wait_for_the_end(channel) : 3;

	return write(STDERR_FILENO, rc ? "x" : "e", 1) == 1 ? rc : 4;
}

/* A host application in a process of its own, whose sandbox reports through fd. */
static void be_host(int fd) {
	caisson_channel *host;

	if (dup2(fd, STDERR_FILENO) < 0 ||
	    channel_new("frames", CAISSON_BOTH, 4096, &host, NULL) < 0)
		_exit(1);
	peer_start(host, report_the_end);
	alarm(30);
	pause();
	_exit(2);
}

static char next_byte(int fd) {
	struct pollfd ready = { .fd = fd, .events = POLLIN };
	char byte = 0;

	return poll(&ready, 1, 10000) == 1 && read(fd, &byte, 1) == 1 ? byte : 0;
}

Test(channel_end, host_that_is_killed_wakes_the_sandbox) {
	int report[2];
	pid_t pid;

	cr_assert_eq(pipe2(report, O_CLOEXEC), 0);
	pid = fork();
	if (pid == 0)
		be_host(report[1]);
	close(report[1]);
	cr_assert_eq(next_byte(report[0]), 'r');
	usleep(50000); /* so that it sleeps, mostly */
	kill(pid, SIGKILL);
	cr_assert_eq(next_byte(report[0]), 'e');
	cr_assert_eq(peer_end(pid, 10), 128 + SIGKILL);
	close(report[0]);
}

Test(channel_end, sandbox_that_never_opened) {
	caisson_channel *host = host_end(CAISSON_BOTH, 4096);
	caisson_error *err = NULL;
	caisson_tensor tensor;

	channel_started(host);
	cr_assert_eq(channel_peer_fd(host), -1);
	cr_assert(readable(host, 1000));
	cr_assert_eq(caisson_recv(host, &tensor, 1000, &err), -EPIPE);
	cr_assert(strstr(caisson_error_message(err), "without opening"), "%s",
	          caisson_error_message(err));
	caisson_error_free(err);
	channel_free(host);
}
