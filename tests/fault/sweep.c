/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Every system call that the helper, the sandbox's init and the target before its
 * exec make is made to fail, each occurrence in turn, with each plausible errno;
 * and the process is killed at each.
 *
 * sweep [--all] [--verbose] [--uid UID] [--seconds S] [--call NAME] [--role NAME] [SCENE]...
 */
#include "fault.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "arch.h"
#include "tests/lib/tap.h"

#define TRIES 3 /* what is not reached the first time: two processes run at once */

static struct {
	bool all, verbose;
	uid_t uid;
	unsigned seconds;
	const char *call, *role;
} want = { .uid = 61778, .seconds = 240 };

static unsigned long n_faults, n_unreached, n_outcomes[OUTCOMES], n_twice;

struct point {
	unsigned calls, faults, outcomes[OUTCOMES], unreached, wrong;
};

static const char *outcome_text(enum outcome outcome) {
	return outcome == ANSWERED ? "answered" : outcome == ENDED ? "ended" : "ran whole";
}

static void one_fault(const struct scene *scene, const struct fault *fault, struct point *point) {
	static struct run run;
	enum outcome outcome = ENDED;
	const char *wrong = NULL, *left;

	for (int i = 0; i < TRIES && !run.reached && !wrong; i++) {
		trace_run(scene, fault, NULL, &run);
		wrong = judge_run(scene, fault, &run, &outcome);
		left = world_left(true);
		wrong = wrong ? wrong : left;
	}
	if (!judge_once(&run)) {
		n_twice++;
		if (want.verbose)
			tap_note("%s: %s: an answer after FAILED", scene->name, fault_text(fault));
	}
	point->faults++;
	point->unreached += !run.reached;
	point->outcomes[outcome] += run.reached;
	point->wrong += wrong != NULL;
	if (wrong && point->wrong <= 10)
		tap_note("%s: %s: %s", scene->name, fault_text(fault), wrong);
	else if (want.verbose)
		tap_note("%s: %s: %s", scene->name, fault_text(fault),
		         run.reached ? outcome_text(outcome) : "not reached");
	run.reached = false;
}

/* All occurrences of one call of one process. */
static void one_point(const struct scene *scene, const struct sequence *sequence, unsigned first) {
	const struct made_call *call = &sequence->made[first];
	struct fault faults[MAX_FAULTS];
	struct point point = { 0 };
	const char *left;

	for (unsigned i = first; i < sequence->n; i++) {
		const struct made_call *c = &sequence->made[i];
		unsigned n;

		if (c->role != call->role || c->call != call->call)
			continue;
		point.calls++;
		memset(faults, 0, sizeof(faults));
		n = call_faults(c->call, c->result, want.all, faults);
		for (unsigned k = 0; k < n; k++) {
			/* musl answers with a crash, which a pid 1 survives as long as it is traced. */
			if (c->role != 0 && c->call == call_number("arch_prctl") &&
			    faults[k].kind != FAULT_KILL)
				continue;
			faults[k].role = c->role;
			faults[k].call = c->call;
			faults[k].occurrence = c->occurrence;
			one_fault(scene, &faults[k], &point);
		}
	}
	left = world_left(false);
	tap_ok(point.wrong == 0 && !left,
	       "%s: %s %s: %u calls, %u faults: %u answered, %u ended, %u ran whole%s%s%s",
	       scene->name, role_name(call->role), call_name(call->call), point.calls, point.faults,
	       point.outcomes[ANSWERED], point.outcomes[ENDED], point.outcomes[RAN],
	       point.unreached ? " (some not reached)" : "", left ? "; " : "", left ? left : "");
	n_faults += point.faults;
	n_unreached += point.unreached;
	for (int i = 0; i < OUTCOMES; i++)
		n_outcomes[i] += point.outcomes[i];
}

/* NULL, or what this machine lacks for the scene. */
static const char *lacking(const struct caisson_answer *last) {
	if (last->kind != CAISSON_ANSWER_FAILED)
		return NULL;
	switch (last->knob) {
	case CAISSON_KNOB_USERNS_LIMIT:
	case CAISSON_KNOB_USERNS_MODULE:
	case CAISSON_KNOB_SECCOMP:
		return "not even root may make a user namespace here";
	case CAISSON_KNOB_IDMAP:
		return "this kernel has no idmapped tmpfs";
	case CAISSON_KNOB_KERNEL:
		return "this kernel lacks a call that it needs";
	default:
		return NULL;
	}
}

static void one_scene(struct scene *scene) {
	static struct sequence sequence;
	const struct caisson_answer *last;
	const char *wrong;

	sequence.n = 0;
	n_twice = 0;
	wrong = judge_scene(scene, &sequence);
	last = &scene->whole.answer[scene->whole.answers ? scene->whole.answers - 1 : 0];
	if (wrong && !scene->refused && lacking(last)) {
		tap_skip(scene->name, lacking(last));
		return;
	}
	if (!tap_ok(!wrong,
	            "%s: without a fault, %u calls, the last answer %u stage %u knob %u%s%s",
	            scene->name, sequence.n, last->kind, last->stage, last->knob, wrong ? ": " : "",
	            wrong ? wrong : ""))
		return;
	if (!scene->refused && !world_keys())
		tap_note("keys cannot be told apart here");
	for (unsigned i = 0; i < sequence.n; i++) {
		const struct made_call *c = &sequence.made[i];

		if (c->occurrence == 1 && (!want.call || !strcmp(call_name(c->call), want.call)) &&
		    (!want.role || !strcmp(role_name(c->role), want.role)))
			one_point(scene, &sequence, i);
	}
	/* Two processes that fail at the same time may both say so; who reads stops at the first. */
	if (n_twice)
		tap_note("%s: after FAILED came another answer %lu times", scene->name, n_twice);
}

static bool chosen(const struct scene *scene, char *const *names) {
	bool none = !*names;

	for (; *names; names++)
		if (!strncmp(scene->name, *names, strlen(*names)))
			return true;
	return none;
}

static char *const *options(int argc, char **argv) {
	static const struct option known[] = {
		{ "all", no_argument, NULL, 'a' },

		{ "verbose", no_argument, NULL, 'v' },
		{ "uid", required_argument, NULL, 'u' },
		{ "seconds", required_argument, NULL, 's' },
		{ "call", required_argument, NULL, 'c' },
		{ "role", required_argument, NULL, 'r' },
		{ NULL, 0, NULL, 0 },
	};
	int c;

	while ((c = getopt_long(argc, argv, "", known, NULL)) != -1)
		switch (c) {
		case 'a':
			want.all = true;
			want.seconds = 3600;
			break;
		case 'v':
			want.verbose = true;
			break;
		case 'u':
			want.uid = (uid_t)strtoul(optarg, NULL, 10);
			break;
		case 's':
			want.seconds = (unsigned)strtoul(optarg, NULL, 10);
			break;
		case 'c':
			want.call = optarg;
			break;
		case 'r':
			want.role = optarg;
			break;
		default:
			exit(2);
		}
	return argv + optind;
}

int main(int argc, char **argv) {
	char *const *names = options(argc, argv);
	struct scene *scenes;
	unsigned n;

	if (!ARCH_SUPPORTED)
		return tap_skip_all("changing system calls is not written for this architecture");
	if (geteuid() != 0)
		return tap_skip_all("only root can trace a setuid program");
	world_enter(want.uid, want.seconds);
	scenes = scenes_make(&n);
	trace_open();
	world_left(false);
	for (unsigned i = 0; i < n; i++)
		if (chosen(&scenes[i], names))
			one_scene(&scenes[i]);
	tap_ok(n_unreached * 50 <= n_faults,
	       "%lu faults: %lu answered, %lu ended, %lu ran whole, %lu "
	       "not reached",
	       n_faults, n_outcomes[ANSWERED], n_outcomes[ENDED], n_outcomes[RAN], n_unreached);
	return tap_done();
}
