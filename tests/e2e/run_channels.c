/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Channels between this process and a program in a real sandbox. */
#include "run.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "caisson_fanout.h"
#include "tests/lib/tap.h"

#define MIB (1024u * 1024u)

static bool send_floats(caisson_channel *channel, float first, uint64_t tag) {
	const int64_t shape[3] = { 2, 3, 4 };
	caisson_tensor t;

	if (caisson_loan(channel, CAISSON_F32, 3, shape, &t, NULL) < 0)
		return false;
	for (int i = 0; i < 24; i++)
		((float *)t.data)[i] = first + (float)i;
	t.tag = tag;
	return caisson_send(channel, &t, NULL) == 0;
}

static bool send_bytes(caisson_channel *channel, uint64_t tag) {
	const int64_t shape[1] = { 200000 };
	caisson_tensor t;

	if (caisson_loan(channel, CAISSON_U8, 1, shape, &t, NULL) < 0)
		return false;
	memset(t.data, 41, 200000);
	t.tag = tag;
	return caisson_send(channel, &t, NULL) == 0;
}

static bool floats_came(caisson_channel *channel, float first, uint64_t tag) {
	caisson_tensor t;
	bool good;

	if (caisson_recv(channel, &t, ms(20000), NULL) < 0)
		return false;
	good = t.ndim == 3 && t.shape[0] == 2 && t.shape[1] == 3 && t.shape[2] == 4 &&
	       t.dtype.code == CAISSON_FLOAT && t.dtype.bits == 32 && t.nbytes == 96 &&
	       t.tag == tag;
	for (int i = 0; good && i < 24; i++)
		good = ((const float *)t.data)[i] == 2 * (first + (float)i);
	caisson_release(channel, &t);
	return good;
}

static bool bytes_came(caisson_channel *channel, uint64_t tag) {
	caisson_tensor t;
	bool good;

	if (caisson_recv(channel, &t, ms(20000), NULL) < 0)
		return false;
	good = t.ndim == 1 && t.shape[0] == 200000 && t.nbytes == 200000 && t.tag == tag;
	for (int i = 0; good && i < 200000; i++)
		good = ((const uint8_t *)t.data)[i] == 42;
	caisson_release(channel, &t);
	return good;
}

static void test_echo(void) {
	caisson_spec *spec = inside(DOES("echo frames"));
	caisson_channel *channel = caisson_spec_channel(spec, "frames", CAISSON_BOTH, 4 * MIB);
	caisson_sandbox *box = start(spec);
	caisson_tensor t;
	int rc;

	if (!tap_ok(channel && box, "a sandbox with a channel")) {
		caisson_sandbox_free(box);
		return;
	}
	tap_ok(send_floats(channel, 1, 1) && send_bytes(channel, 2) && send_floats(channel, 9, 3),
	       "three tensors are sent");
	tap_ok(floats_came(channel, 1, 101) && bytes_came(channel, 102) &&
	               floats_came(channel, 9, 103),
	       "and come back changed by the program");
	rc = caisson_recv(channel, &t, ms(20000), NULL);
	tap_ok(rc == -EPIPE, "after its end: EPIPE (%d)", rc);
	tap_ok(end_of(box) == 0, "the program ended well");
}

static void test_peer_killed(void) {
	caisson_spec *spec = inside(DOES("open frames", "print ready", "sleep 600000"));
	caisson_channel *channel = caisson_spec_channel(spec, "frames", CAISSON_TO_HOST, MIB);
	caisson_sandbox *box;
	caisson_error *err = NULL;
	struct pollfd p = { .events = POLLIN };
	caisson_tensor t;
	int out[2], rc;

	if (pipe2(out, O_CLOEXEC) < 0)
		bail("pipe2");
	caisson_spec_stdio(spec, -1, out[1], -1);
	box = start(spec);
	close(out[1]);
	if (!box)
		bail("no sandbox for the channel");
	rc = caisson_recv(channel, &t, 0, NULL);
	tap_ok(rc == -EAGAIN, "nothing has come yet (%d)", rc);
	tap_ok(caisson_wait(box, ms(300), NULL, NULL) == -ETIMEDOUT, "the program waits");
	rc = caisson_recv(channel, &t, 100, NULL);
	tap_ok(rc == -ETIMEDOUT, "still nothing (%d)", rc);
	caisson_kill(box, SIGKILL);
	p.fd = caisson_channel_fd(channel);
	tap_ok(poll(&p, 1, ms(10000)) > 0, "the channel's descriptor tells of a killed sandbox");
	rc = caisson_recv(channel, &t, ms(10000), &err);
	tap_ok(rc == -EPIPE && caisson_error_errno(err) == EPIPE, "which is EPIPE (%d)", rc);
	caisson_error_free(err);
	close(out[0]);
	end_of(box);
}

static void test_names(void) {
	caisson_spec *spec = inside(
		DOES("open masks", "open frames", "open frame", "fds", "getenv CAISSON_CHANNELS"));
	caisson_channel *channel;
	caisson_error *err = NULL;
	struct result r;
	int rc;

	caisson_spec_channel(spec, "frames", CAISSON_TO_HOST, MIB);
	run(spec, &r);
	tap_ok(r.status == 0 && !strncmp(r.out, "ENOENT; ", 8) && strstr(r.out, "\nok\nENOENT; "),
	       "a channel is opened by its own name only");
	tap_note("printed: %.*s", (int)strcspn(r.out, "\n"), r.out);
	rc = caisson_channel_open("frames", &channel, &err);
	tap_ok(rc < 0 && caisson_error_errno(err) == -rc && *caisson_error_message(err),
	       "outside a sandbox there is none: %s", caisson_error_message(err));
	caisson_error_free(err);
	spec = inside(DOES("exit 0"));
	tap_ok(!caisson_spec_channel(spec, "Frames", CAISSON_TO_HOST, MIB) &&
	               !caisson_spec_channel(spec, "", CAISSON_TO_HOST, MIB) &&
	               !caisson_spec_channel(spec, "frames", CAISSON_TO_HOST, 0),
	       "a bad name and a size of 0 give no channel");
	refuses(spec, &(struct refusal){ EINVAL, CAISSON_FROM_LIBRARY, NULL, NULL, "Frames" },
	        "which the spawn reports");
	spec = inside(DOES("exit 0"));
	tap_ok(caisson_spec_channel(spec, "one", CAISSON_TO_HOST, MIB) &&
	               !caisson_spec_channel(spec, "one", CAISSON_TO_HOST, MIB),
	       "one name, one channel");
	refuses(spec, &(struct refusal){ EEXIST, CAISSON_FROM_LIBRARY, NULL, NULL, "one" },
	        "and the spawn reports the second");
	spec = inside(DOES("exit 0"));
	caisson_spec_channel(spec, "never-used", CAISSON_BOTH, MIB);
	caisson_spec_free(spec);
}

/* A spec's channels go to its first sandbox: a second one would silently be without. */
static void test_once(void) {
	static const struct refusal gone = { EBUSY, CAISSON_FROM_LIBRARY, "describing the sandbox",
		                             "caisson_spec_channel()", NULL };
	caisson_spec *spec = inside(DOES("open frames"));
	caisson_sandbox *box = NULL;
	int rc, status;

	caisson_spec_channel(spec, "frames", CAISSON_TO_HOST, MIB);
	rc = caisson_spawn(spec, &box, NULL);
	status = end_of(box);
	tap_ok(rc == 0 && status == 0, "a spec with a channel is spawned");
	refuses(spec, &gone, "and not again");
}

/* A slab that others cannot write takes a seal of Linux 5.1: before, what is sent is copied. */
static void test_no_seal(void) {
	caisson_spec *spec = inside(DOES("exit 0"));
	caisson_channel *channel = caisson_spec_channel(spec, "frames", CAISSON_BOTH, MIB);
	uint32_t lane = caisson_channel_lane(channel);

	tap_ok((lane & (CAISSON_LANE_COPY | CAISSON_LANE_SEALED)) == CAISSON_LANE_COPY,
	       "a channel copies, and says so (%#x)", lane);
	caisson_spec_free(spec);
}

/* A channel that the running program gets: by its offers, or with another program. */
static void test_late(void) {
	caisson_spec *spec = inside(DOES("await one", "await two")), *more;
	caisson_channel *one = NULL, *two = NULL, *third = NULL, *own;
	caisson_program *program = NULL;
	caisson_sandbox *box;
	caisson_error *err = NULL;
	int rc, status = -1;

	caisson_spec_late_channels(spec);
	box = start(spec);
	if (!box)
		bail("no sandbox for later channels");
	tap_ok(caisson_add_channel(box, "two", CAISSON_BOTH, MIB, &two, NULL) == 0 &&
	               caisson_add_channel(box, "one", CAISSON_BOTH, 4 * MIB, &one, NULL) == 0,
	       "two channels are added to a running sandbox");
	rc = caisson_add_channel(box, "one", CAISSON_BOTH, MIB, &third, &err);
	tap_ok(rc == -EEXIST && strstr(caisson_error_message(err), "one"),
	       "one name, one channel there too");
	caisson_error_free(err);
	tap_ok(one && send_floats(one, 1, 1) && send_bytes(one, 2) && send_floats(one, 9, 3) &&
	               floats_came(one, 1, 101) && bytes_came(one, 102) && floats_came(one, 9, 103),
	       "the program waited for it, and answers");
	caisson_remove_channel(box, one);
	tap_ok(caisson_add_channel(box, "one", CAISSON_TO_HOST, MIB, &third, NULL) == 0,
	       "a removed channel's name is free again");

	more = caisson_spec_new("more");
	caisson_spec_argv(more, DOES(PROGRAM, "inside", "echo own"));
	caisson_spec_setenv(more, "LD_LIBRARY_PATH", "/t/lib");
	own = caisson_spec_channel(more, "own", CAISSON_BOTH, MIB);
	rc = caisson_exec(box, more, &program, NULL);
	tap_ok(rc == 0 && own && send_floats(own, 5, 1) && send_bytes(own, 2) &&
	               send_floats(own, 6, 3) && floats_came(own, 5, 101) && bytes_came(own, 102) &&
	               floats_came(own, 6, 103),
	       "a further program has a channel of its own");
	tap_ok(program && caisson_program_wait(program, ms(20000), &status, NULL) == 0 &&
	               status == 0,
	       "and ends well");
	rc = program ? caisson_exec(box, more, &program, NULL) : 0;
	tap_ok(rc == -EBUSY, "which the next one cannot have (%d)", rc);
	caisson_spec_free(more);
	tap_ok(two && send_floats(two, 2, 1) && send_bytes(two, 2) && send_floats(two, 3, 3) &&
	               floats_came(two, 2, 101),
	       "the channel that was not opened at once works too");
	tap_ok(end_of(box) == 0, "the sandbox ends well");

	box = start(inside(DOES("sleep 600000")));
	rc = caisson_add_channel(box, "one", CAISSON_BOTH, MIB, &one, NULL);
	tap_ok(rc == -ENOTSUP, "without asking before there are none (%d)", rc);
	caisson_sandbox_free(box);
}

/* Three sandboxes, one slab, one of them late. */
static void test_fanout(void) {
	caisson_fanout *fanout = NULL;
	caisson_sandbox *box[3] = { NULL };
	int reached[3] = { 0 }, status[3];
	const int64_t bytes = MIB, part = 1000;
	struct result r[3];
	int out[3][2];
	caisson_tensor t;

	caisson_fanout_new(MIB, &fanout, NULL);
	for (int i = 0; i < 3; i++) {
		caisson_spec *spec = inside(DOES("total frames"));

		if (!fanout || pipe2(out[i], O_CLOEXEC) < 0)
			bail("no fan-out");
		if (i == 2)
			caisson_spec_late_channels(spec);
		else
			caisson_spec_fanout(spec, "frames", fanout);
		caisson_spec_stdio(spec, -1, out[i][1], -1);
		box[i] = start(spec);
		close(out[i][1]);
	}
	for (int i = 0; i < 3; i++) {
		caisson_channel *late;

		if (i == 2 && caisson_add_fanout(box[2], "frames", fanout, &late, NULL) < 0)
			tap_note("no late member");
		if (caisson_fanout_loan(fanout, CAISSON_U8, 1, &part, NULL, ms(10000), &t, NULL) ==
		    0) {
			memset(t.data, i + 1, 1000);
			reached[i] = caisson_fanout_send(fanout, &t, NULL);
		}
	}
	tap_ok(reached[0] == 2 && reached[1] == 2 && reached[2] == 3,
	       "a tensor goes to all sandboxes that are there");
	tap_ok(caisson_fanout_loan(fanout, CAISSON_U8, 1, &bytes, NULL, ms(20000), &t, NULL) == 0,
	       "all of them have released everything");
	caisson_fanout_free(fanout);
	for (int i = 0; i < 3; i++) {
		collect(out[i][0], &r[i]);
		status[i] = end_of(box[i]);
	}
	tap_ok(!strcmp(r[0].out, "3 6000\n") && !strcmp(r[1].out, "3 6000\n") &&
	               !strcmp(r[2].out, "1 3000\n") && !(status[0] | status[1] | status[2]),
	       "each had what was sent since it came, and is told of the end");
}

static volatile sig_atomic_t signals;

static void count_signal(int sig) {
	(void)sig;
	signals++;
}

/* That a signal of this kind is noticed: a process that is in no sandbox can send it. */
static bool control(void) {
	int pair[2];
	pid_t pid;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return false;
	pid = fork();
	if (pid == 0) {
		fcntl(pair[1], F_SETOWN, getppid());
		fcntl(pair[1], F_SETFL, O_ASYNC);
		_exit(0);
	}
	waitpid(pid, NULL, 0);
	send(pair[0], "x", 1, MSG_NOSIGNAL);
	close(pair[0]);
	close(pair[1]);
	return signals > 0;
}

/*
 * The sandbox's end of a channel's socket is its own description: it may ask for signals
 * whenever the host writes, and name who gets them. It can name nobody outside.
 */
static void test_signals(void) {
	struct sigaction count = { .sa_handler = count_signal }, io, urgent;
	char does[64], line[16] = "";
	caisson_spec *spec;
	caisson_channel *channel;
	caisson_sandbox *box;
	struct result r;
	int out[2];
	bool sent = true;

	sigaction(SIGIO, &count, &io);
	sigaction(SIGURG, &count, &urgent);
	tap_ok(control(), "a process outside can have the host signalled by a socket's end");
	signals = 0;
	snprintf(does, sizeof(does), "signal-owner %d", (int)getpid());
	spec = inside(DOES(does, "total frames"));
	channel = caisson_spec_channel(spec, "frames", CAISSON_TO_SANDBOX, MIB);
	if (pipe2(out, O_CLOEXEC) < 0)
		bail("pipe2");
	caisson_spec_stdio(spec, -1, out[1], -1);
	box = start(spec);
	close(out[1]);
	if (!box || !channel)
		bail("no sandbox");
	tap_ok(read(out[0], line, sizeof(line)) > 0 && !strncmp(line, "0 few\n", 6),
	       "the program can name few, and not the host (%.5s)", line);
	for (int i = 0; i < 100; i++) {
		caisson_tensor t;

		sent &= caisson_loan_strided(channel, CAISSON_U8, 0, NULL, NULL, ms(10000), &t,
		                             NULL) == 0 &&
		        caisson_send(channel, &t, NULL) == 0;
	}
	caisson_kill(box, SIGKILL);
	collect(out[0], &r);
	end_of(box);
	tap_ok(sent && signals == 0, "the host sends a hundred tensors, and gets no signal (%d)",
	       (int)signals);
	sigaction(SIGIO, &io, NULL);
	sigaction(SIGURG, &urgent, NULL);
}

void test_channels(void) {
	if (!strcmp(played_kernel(), "kernel-4.18")) {
		test_no_seal();
		test_echo();
		return;
	}
	test_echo();
	test_peer_killed();
	test_names();
	test_once();
	test_late();
	test_fanout();
	test_signals();
}
