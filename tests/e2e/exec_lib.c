/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the tests of further programs share, and those of a first program that is hostile to them. */
#include "exec.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/lib/tap.h"

static int hold = -1; /* the first program's input */

caisson_spec *sh(const char *script) {
	caisson_spec *spec = caisson_spec_new("exec");

	if (!spec)
		bail("caisson_spec_new");
	caisson_spec_argv(spec, DOES("sh", "-c", script));
	return spec;
}

caisson_sandbox *idle(void) {
	caisson_sandbox *box;
	caisson_spec *spec;
	int in[2];

	if (hold >= 0)
		close(hold);
	if (pipe2(in, O_CLOEXEC) < 0)
		bail("pipe2");
	spec = sh("read -r _; exit 0");
	caisson_spec_stdio(spec, in[0], -1, -1);
	box = start(spec);
	close(in[0]);
	hold = in[1];
	if (!box)
		bail("no sandbox");
	return box;
}

void let_go(void) {
	close(hold);
	hold = -1;
}

caisson_program *more(caisson_sandbox *box, caisson_spec *spec) {
	caisson_program *program = NULL;
	caisson_error *err = NULL;

	if (caisson_exec(box, spec, &program, &err) < 0) {
		tap_note("%s", caisson_error_text(err));
		caisson_error_free(err);
		program = NULL;
	}
	caisson_spec_free(spec);
	return program;
}

int end_of_program(caisson_program *program) {
	caisson_error *err = NULL;
	int status = -1;

	if (program && caisson_program_wait(program, ms(PATIENCE), &status, &err) < 0) {
		tap_note("%s", caisson_error_text(err));
		caisson_error_free(err);
		status = -1;
	}
	caisson_program_free(program);
	return status;
}

bool run_in(caisson_sandbox *box, caisson_spec *spec, struct result *r) {
	caisson_program *program;
	int out[2];

	if (pipe2(out, O_CLOEXEC) < 0)
		bail("pipe2");
	caisson_spec_stdio(spec, -1, out[1], out[1]);
	program = more(box, spec);
	close(out[1]);
	if (!collect(out[0], r))
		tap_note("the output did not end");
	r->status = end_of_program(program);
	return program;
}

void gives_in(caisson_sandbox *box, caisson_spec *spec, int status, const char *out,
              const char *what) {
	struct result r;
	bool ran = run_in(box, spec, &r);

	if (!tap_ok(ran && r.status == status && !strcmp(r.out, out), "%s", what))
		tap_note("wait status %#x, printed: %.300s", (unsigned)r.status, r.out);
}

void refuses_in(caisson_sandbox *box, caisson_spec *spec, const struct refusal *want,
                const char *what) {
	caisson_program *program = (caisson_program *)(uintptr_t)1;
	caisson_error *err = NULL;
	int rc = caisson_exec(box, spec, &program, &err), error = caisson_error_errno(err);

	if (!tap_ok(rc == -want->error && error == want->error && !program &&
	                    caisson_error_source(err) == want->source &&
	                    !strcmp(caisson_error_stage(err), want->stage) &&
	                    strstr(caisson_error_message(err), want->message),
	            "%s", what))
		tap_note("rc %d, source %d, stage \"%s\": %s", rc, (int)caisson_error_source(err),
		         caisson_error_stage(err), caisson_error_message(err));
	caisson_error_free(err);
	caisson_spec_free(spec);
}

/* What the first program does to it is its own business, and not the host's. */
static void test_hostile_target(void) {
	caisson_spec *spec = sh("trap '' TERM; while :; do kill -9 -1 2>/dev/null; done");
	caisson_sandbox *box = start(spec);
	caisson_program *program;
	int rc, killed = 0, status;

	if (!box)
		bail("no sandbox");
	for (int i = 0; i < rounds(100); i++) {
		spec = sh("exec sleep 1000");
		program = NULL;
		rc = caisson_exec(box, spec, &program, NULL);
		caisson_spec_free(spec);
		/* Killed before its exec it never ran: init sees the pair's end, and no failure. */
		if (rc == 0 && caisson_program_wait(program, ms(PATIENCE), &status, NULL) == 0)
			killed += status == SIGKILL;
		caisson_program_free(program);
	}
	tap_ok(killed == rounds(100), "%d programs, all killed by the first one at once", killed);
	tap_ok(caisson_wait(box, 0, &status, NULL) == -ETIMEDOUT, "which runs on");
	caisson_sandbox_free(box);
}

struct watch {
	caisson_sandbox *box;
	int end[2];
};

static void *watchdog(void *context) {
	struct watch *watch = context;
	struct pollfd p = { .fd = watch->end[0] };

	if (poll(&p, 1, 40000) == 0)
		caisson_kill(watch->box, SIGKILL); /* else this test would hang */
	return NULL;
}

/* One that stops everybody, also a program that is only about to be executed. */
static void test_stopped(void) {
	caisson_spec *spec = sh("true");
	caisson_sandbox *box;
	struct watch watch;
	pthread_t thread;
	int tried = 0, held_up = 0, status = -1;

	grant_self(spec);
	caisson_spec_argv(spec, DOES(PROGRAM, "stop"));
	box = start(spec);
	watch.box = box;
	if (!box || pipe2(watch.end, O_CLOEXEC) < 0 ||
	    pthread_create(&thread, NULL, watchdog, &watch) != 0)
		bail("no sandbox");
	while (tried++ < 200 && !held_up) {
		caisson_program *program = NULL;
		int64_t before = now_ms();

		spec = sh("true");
		caisson_exec(box, spec, &program, NULL);
		held_up = now_ms() - before > 1000;
		caisson_program_free(program);
		caisson_spec_free(spec);
	}
	tap_note("a program was stopped before its exec at the %dth try", tried);
	tap_ok(caisson_wait(box, 0, NULL, NULL) == -ETIMEDOUT,
	       "a program that the first one stops holds nobody up for long");
	tap_ok(caisson_kill(box, SIGTERM) == 0 &&
	               caisson_wait(box, ms(PATIENCE), &status, NULL) == 0 && status == SIGTERM,
	       "and signals are passed on again");
	close(watch.end[1]); /* hangs up */
	pthread_join(thread, NULL);
	close(watch.end[0]);
	caisson_sandbox_free(box);
}

void test_hostile(void) {
	test_hostile_target();
	test_stopped();
}

void stop_everybody(void) {
	for (;;)
		kill(-1, SIGSTOP);
}
