/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the host says to init while the target runs, as wrong as it can be said:
 * signals, second STARTs, EXECs. What makes no sense is ignored or the end, with
 * an answer; a program more that cannot be started harms nobody; and nothing is
 * run but what was named.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "control_message.h"
#include "hostile.h"
#include "tests/lib/tap.h"

#define RUNS 0u

static struct raw_plan *plan;

static void start_sleeper(struct raw_box *box) {
	struct caisson_answer answer = { 0 };

	raw_build(box, plan, &RAW_HOW);
	raw_start(box, PROBE("sleep"), -1, NULL, 0, 0);
	if (!raw_next(box, &answer, 20000) || answer.kind != CAISSON_ANSWER_RUNNING)
		tap_ok(false, "the target runs: answer %u", answer.kind);
}

/* Is the target, which only sleeps, still the host's to signal? Ends it. */
static bool obeys(struct raw_box *box) {
	const struct caisson_control c = { .magic = CAISSON_CONTROL_MAGIC,
		                           .version = CAISSON_CONTROL_VERSION,
		                           .kind = CAISSON_CONTROL_SIGNAL,
		                           .signal = SIGKILL };
	struct caisson_answer answer = { 0 };

	return send(box->socket, &c, sizeof(c), MSG_NOSIGNAL) == sizeof(c) &&
	       raw_next(box, &answer, 20000) && answer.kind == CAISSON_ANSWER_EXITED &&
	       answer.id == 0 && answer.status == SIGKILL;
}

/* One message to a running sandbox: it is ignored, or is the end, and an answer says so. */
static void while_running(const char *what, struct start *s, bool ignored) {
	struct caisson_answer answer = { 0 };
	struct raw_box box;
	bool good_end;

	start_sleeper(&box);
	start_send(box.socket, s);
	start_close(s);
	close(s->out);
	if (ignored)
		good_end = !raw_next(&box, &answer, 30) && obeys(&box);
	else
		good_end = raw_next(&box, &answer, 20000) && answer.kind == CAISSON_ANSWER_FAILED &&
		           answer.stage == CAISSON_STAGE_INIT &&
		           answer.knob == CAISSON_KNOB_CONTROL && hostile_gone(box.pidfd, 20000);
	tap_ok(good_end, "%s, while it runs: %s (answer %u)", what, ignored ? "ignored" : "the end",
	       answer.kind);
	if (!raw_end(&box))
		tap_ok(false, "%s: it ends", what);
}

static void signal_message(struct start *s, int number) {
	start_good(s);
	s->n = s->head->fds = 0;
	s->head->args = s->head->argc = s->head->envc = 0;
	s->head->kind = CAISSON_CONTROL_SIGNAL;
	s->head->signal = number;
}

static void try_running(void) {
	static const int signals[] = { 0, -1, INT_MIN, INT_MAX, 65, 1000 };
	struct start s;
	char what[64];

	for (unsigned i = 0; i < sizeof(signals) / sizeof(signals[0]); i++) {
		signal_message(&s, signals[i]);
		snprintf(what, sizeof(what), "signal %d", signals[i]);
		while_running(what, &s, true);
	}
	signal_message(&s, SIGKILL);
	s.head->id = 99;
	while_running("a signal to a program that is not there", &s, true);
	signal_message(&s, SIGKILL);
	s.head->kind = 77;
	while_running("an unknown kind", &s, true);
	signal_message(&s, SIGKILL);
	s.len--;
	while_running("a signal of 63 bytes", &s, false);
	signal_message(&s, SIGKILL);
	s.head->magic++;
	while_running("a signal of another magic", &s, false);
	signal_message(&s, SIGKILL);
	s.head->version = 2;
	while_running("a signal of another version", &s, false);
	signal_message(&s, SIGKILL);
	s.n = 4;
	while_running("a signal with descriptors it does not speak of", &s, false);
	signal_message(&s, SIGKILL);
	s.n = s.head->fds = 4;
	while_running("a signal with descriptors", &s, false);
	start_good(&s);
	while_running("a second START", &s, false);
	start_good(&s);
	s.n = 0;
	while_running("a second START without its descriptors", &s, false);
	start_good(&s);
	s.head->kind = CAISSON_CONTROL_EXEC;
	s.head->id = 5;
	s.n = s.head->fds = 0;
	while_running("EXEC without descriptors", &s, false);
	start_good(&s);
	s.head->kind = CAISSON_CONTROL_EXEC;
	while_running("EXEC as the target", &s, false);
	start_good(&s);
	s.head->kind = CAISSON_CONTROL_EXEC;
	s.head->id = 5;
	s.head->flags = CAISSON_START_OUTSIDE;
	while_running("EXEC with a flag of START's", &s, false);
}

/* As START, but for a program more: what is wrong with it is its own end, not the target's. */
static void one_exec(const char *what, struct start *s, uint32_t knob) {
	struct caisson_answer answer = { 0 };
	struct raw_box box;
	char said[256] = "";
	bool good_end;

	s->head->kind = CAISSON_CONTROL_EXEC;
	s->head->id = 0x123456789abcdefull;
	start_sleeper(&box);
	start_send(box.socket, s);
	start_close(s);
	good_end = raw_next(&box, &answer, 20000) && answer.id == 0x123456789abcdefull;
	if (knob == RUNS)
		good_end = good_end && answer.kind == CAISSON_ANSWER_RUNNING &&
		           raw_next(&box, &answer, 20000) && answer.kind == CAISSON_ANSWER_EXITED &&
		           answer.id == 0x123456789abcdefull &&
		           read(s->out, said, sizeof(said) - 1) > 0 &&
		           strstr(said, "ok 1 - /t is there");
	else
		good_end = good_end && answer.kind == CAISSON_ANSWER_FAILED && answer.knob == knob;
	tap_ok(good_end && obeys(&box), "EXEC: %s: %s (answer %u knob %u)", what,
	       knob == RUNS ? "it ran what was named" : "refused, and the target lives on",
	       answer.kind, answer.knob);
	close(s->out);
	if (!raw_end(&box))
		tap_ok(false, "EXEC: %s: it ends", what);
}

static void try_exec(void) {
	static const char nothing[] = "/\0/nowhere", far[] = "/nowhere\0/t/inside\0present\0/t";
	struct start s;

	start_good(&s);
	one_exec("a good one", &s, RUNS);
	start_good(&s);
	s.head->args++;
	one_exec("strings that are shorter than said", &s, CAISSON_KNOB_CONTROL);
	start_good(&s);
	s.head->argc = UINT32_MAX;
	one_exec("arguments without number", &s, CAISSON_KNOB_CONTROL);
	start_good(&s);
	s.head->envc++;
	one_exec("a variable that is not there", &s, CAISSON_KNOB_CONTROL);
	start_good(&s);
	close(s.fds[0]);
	s.fds[0] = raw_path("/");
	one_exec("a directory as the strings", &s, CAISSON_KNOB_CONTROL);
	start_good(&s);
	close(s.fds[1]);
	s.fds[1] = open("/", O_RDONLY | O_CLOEXEC);
	one_exec("a directory as standard input", &s, CAISSON_KNOB_STDIO);
	start_good(&s);
	start_strings(&s, nothing, sizeof(nothing), 1, 0);
	one_exec("a program that is not there", &s, CAISSON_KNOB_PROGRAM);
	start_good(&s);
	start_strings(&s, far, sizeof(far), 3, 0);
	one_exec("a directory that is not there", &s, CAISSON_KNOB_CWD);
}

/* More programs than init keeps, then a flood that nobody reads: all of it ends with the socket. */
static void try_many(void) {
	static const char sleeper[] = "/\0/t/inside\0sleep";
	struct caisson_answer answer = { 0 };
	unsigned running = 0, tries = CAISSON_EXEC_MAX + 2;
	struct raw_box box;
	struct start s;

	start_sleeper(&box);
	for (unsigned i = 1; i <= tries; i++) {
		start_good(&s);
		start_strings(&s, sleeper, sizeof(sleeper), 2, 0);
		dup2(s.fds[1], s.fds[2]); /* it says that it runs, and nobody listens */
		dup2(s.fds[1], s.fds[3]);
		s.head->kind = CAISSON_CONTROL_EXEC;
		s.head->id = i;
		start_send(box.socket, &s);
		start_close(&s);
		close(s.out);
		if (!raw_next(&box, &answer, 20000) || answer.kind != CAISSON_ANSWER_RUNNING)
			break;
		running++;
	}
	tap_ok(running <= CAISSON_EXEC_MAX - 1 && answer.kind == CAISSON_ANSWER_FAILED &&
	               answer.knob == CAISSON_KNOB_CONTROL,
	       "%u programs more, and the next is the end (answer %u knob %u)", running,
	       answer.kind, answer.knob);
	tap_ok(raw_end(&box), "and it ends");
	start_sleeper(&box);
	signal_message(&s, 0);
	for (unsigned i = 0; i < 3000; i++)
		(void)!send(box.socket, s.bytes, s.len, MSG_NOSIGNAL | MSG_DONTWAIT);
	start_close(&s);
	close(s.out);
	tap_ok(raw_end(&box), "a flood of messages: it ends with the socket");
}

static void two_processes(void *arg) {
	const struct rlimit two = { 2, 2 };

	(void)arg;
	if (setrlimit(RLIMIT_NPROC, &two) < 0)
		_exit(98);
}

/* In a user namespace of its own only the sandbox's processes count: init, the target, no more. */
static void try_no_room(void) {
	struct raw_plan *own = raw_bare(CAISSON_USERNS_REQUIRED);
	struct caisson_answer answer = { 0 };
	struct raw_how how = RAW_HOW;
	struct raw_box box;
	struct start s;

	how.before_exec = two_processes;
	if (!raw_build(&box, own, &how) || !raw_built(&box)) {
		tap_skip("EXEC: no process more", "no user namespace can be made here");
	} else {
		raw_start(&box, PROBE("sleep"), -1, NULL, 0, 0);
		raw_next(&box, &answer, 20000);
		start_good(&s);
		s.head->kind = CAISSON_CONTROL_EXEC;
		s.head->id = 7;
		start_send(box.socket, &s);
		start_close(&s);
		close(s.out);
		tap_ok(answer.kind == CAISSON_ANSWER_RUNNING && raw_next(&box, &answer, 20000) &&
		               answer.kind == CAISSON_ANSWER_FAILED && answer.id == 7 &&
		               answer.knob == CAISSON_KNOB_LIMITS && obeys(&box),
		       "EXEC: no process more: refused, and the target lives on (answer %u knob %u "
		       "errno %d)",
		       answer.kind, answer.knob, answer.error);
	}
	raw_end(&box);
	raw_free(own);
}

/* How a sandbox ended whose target was told to sleep for long, and what it waited for, in ms. */
static struct caisson_answer timed(uint32_t seconds, int signal_it, int64_t *took) {
	static const char sleeper[] = "/\0/t/inside\0sleep";
	struct caisson_answer answer = { 0 };
	struct raw_box box;
	struct start s;

	raw_build(&box, plan, &RAW_HOW);
	start_good(&s);
	start_strings(&s, sleeper, sizeof(sleeper), 2, 0);
	dup2(s.fds[1], s.fds[2]);
	dup2(s.fds[1], s.fds[3]);
	s.head->seconds = seconds;
	*took = raw_now_ms();
	start_send(box.socket, &s);
	start_close(&s);
	close(s.out);
	if (raw_next(&box, &answer, 20000) && answer.kind == CAISSON_ANSWER_RUNNING) {
		if (signal_it)
			syscall(424 /* pidfd_send_signal */, box.pidfd, signal_it, NULL, 0);
		raw_next(&box, &answer, 6000);
	}
	*took = raw_now_ms() - *took;
	if (!raw_end(&box))
		tap_ok(false, "a sandbox with a time limit ends");
	return answer;
}

/* The limit is init's own alarm: it comes, and a signal of the same number is none. */
static void try_time(void) {
	int64_t took;
	struct caisson_answer answer = timed(1, 0, &took);

	tap_ok(answer.kind == CAISSON_ANSWER_EXITED && answer.status == SIGKILL &&
	               answer.knob == CAISSON_KNOB_TIMEOUT && took >= 900,
	       "a second, and it is the end (answer %u knob %u after %d ms)", answer.kind,
	       answer.knob, (int)took);
	answer = timed(0, SIGALRM, &took);
	tap_ok(answer.kind == CAISSON_ANSWER_EXITED && answer.status == SIGALRM &&
	               answer.knob != CAISSON_KNOB_TIMEOUT,
	       "SIGALRM from outside is the target's, and no end of the time (status %d knob %u)",
	       answer.status, answer.knob);
}

int main(void) {
	raw_watch();
	plan = raw_bare(CAISSON_USERNS_AUTO);
	try_running();
	try_exec();
	try_many();
	try_no_room();
	try_time();
	raw_free(plan);
	raw_nothing_left("at the end");
	return tap_done();
}
