/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Is that a run that may be? docs/testing.md has the rules in words. */
#include "fault.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "probe.h"

static char text[512];

#define SAY(...) (snprintf(text, sizeof(text), __VA_ARGS__), text)

static const struct caisson_answer *answer_of(const struct run *run, uint16_t kind) {
	for (unsigned i = 0; i < run->answers; i++)
		if (run->answer[i].kind == kind)
			return &run->answer[i];
	return NULL;
}

static const char *judge_answers(const struct run *run) {
	const struct caisson_answer *failed = answer_of(run, CAISSON_ANSWER_FAILED);
	if (failed && (failed->stage == 0 || failed->stage >= CAISSON_STAGE_COUNT ||
	               failed->error <= 0 || failed->knob >= CAISSON_KNOB_COUNT))
		return SAY("FAILED says nothing: stage %u errno %d knob %u", failed->stage,
		           failed->error, failed->knob);
	if (failed &&
	    (answer_of(run, CAISSON_ANSWER_RUNNING) || answer_of(run, CAISSON_ANSWER_EXITED)))
		return "both FAILED and RUNNING were answered";
	return NULL;
}

bool judge_once(const struct run *run) {
	bool failed = false;

	for (unsigned i = 0; i < run->answers; i++) {
		if (failed && run->answer[i].kind != CAISSON_ANSWER_CLONED)
			return false;
		failed |= run->answer[i].kind == CAISSON_ANSWER_FAILED;
	}
	return true;
}

/* The first line of a that is not in b; those that properties stand on aside. */
static const char *differs(const char *a, const char *b) {
	const char *at, *next;

	for (; *a; a = next) {
		size_t len = strcspn(a, "\n");

		next = a + len + (a[len] == '\n');
		if (!strncmp(a, "not ", 4) || !strncmp(a, "seen ", 5))
			continue;
		for (at = b; *at && (strncmp(at, a, len) != 0 || at[len] != '\n');)
			at += strcspn(at, "\n") + (at[strcspn(at, "\n")] == '\n');
		if (!*at)
			return SAY("%.*s", (int)(len < 200 ? len : 200), a);
	}
	return NULL;
}

/* Why a property is missing, in the target's words. */
static const char *reason(const char *report, uint64_t missing) {
	static char line[100];
	char *end;

	for (const char *at = report; (at = strstr(at, "not ")); at += 4)
		if (strtoull(at + 4, &end, 16) & missing) {
			snprintf(line, sizeof(line), "not%.*s", (int)strcspn(end, "\n"), end);
			return line;
		}
	return "?";
}

/* What the target saw, against what was promised and what it sees without a fault. */
static const char *judge_report(const struct scene *scene, const struct fault *fault,
                                const struct run *run) {
	const struct caisson_answer *built = answer_of(run, CAISSON_ANSWER_BUILT);
	const char *wrong = strstr(run->report, "wrong "), *at = strstr(run->report, "seen ");
	const struct run *like = &scene->whole;
	uint64_t seen, promised, missing;

	if (!at || !strstr(at, "\nend\n"))
		return "the target's report is cut off";
	if (!built)
		return "a target ran, and BUILT was not answered";
	seen = strtoull(at + 5, NULL, 16);
	promised = (built->held | CAISSON_ALWAYS | scene->plan->head.require) & PROBE_SEES;
	/* A kernel without keys, which this one only seems to be. */
	if (fault && fault->error == ENOSYS && fault->call == call_number("keyctl"))
		promised &= ~CAISSON_BIT(KEYRING);
	missing = promised & ~seen;
	if (missing)
		return SAY("less isolation than was answered: %s (properties %llx)",
		           reason(run->report, missing), (unsigned long long)missing);
	if (wrong)
		return SAY("%.*s", (int)strcspn(wrong, "\n"), wrong);
	if (run->stray[0])
		return SAY("pid 1 holds %s", run->stray);
	if (run->owner + 1 > 1 && built->held & CAISSON_BIT(USERNS))
		return SAY("the user namespace is %u's", run->owner);
	/* Without its user namespace or Landlock it must be as one without is. */
	if (scene->fallback.program && !(built->held & CAISSON_BIT(USERNS)))
		like = &scene->fallback;
	if (!like->program)
		return NULL;
	if (built->landlock_abi != answer_of(like, CAISSON_ANSWER_BUILT)->landlock_abi)
		return NULL; /* answered */
	wrong = differs(run->report, like->report);
	return wrong ? wrong : differs(like->report, run->report);
}

const char *judge_run(const struct scene *scene, const struct fault *fault, const struct run *run,
                      enum outcome *outcome) {
	const struct caisson_answer *exited = answer_of(run, CAISSON_ANSWER_EXITED);
	const char *wrong = judge_answers(run);

	*outcome = run->report[0] ? RAN : answer_of(run, CAISSON_ANSWER_FAILED) ? ANSWERED : ENDED;
	if (run->end != RUN_ENDED)
		return run->end == RUN_CLOSED ? "nothing happened any more until the host closed"
		                              : "it hung, and the host's closing did not end it";
	if (wrong)
		return wrong;
	if (scene->refused && (run->program || answer_of(run, CAISSON_ANSWER_BUILT)))
		return "what is refused without a fault was built";
	/* Killed before its exec, which is as if it had been killed after. */
	if (exited && !run->program && exited->status == SIGKILL)
		return NULL;
	if (exited && exited->status != 0)
		return SAY("the target ended with status %#x", (unsigned)exited->status);
	if (exited && !run->report[0])
		return "the target ended, and has not reported";
	return run->report[0] ? judge_report(scene, fault, run) : NULL;
}

const char *judge_scene(struct scene *scene, struct sequence *sequence) {
	static struct scene fallback;
	const struct caisson_answer *last;
	enum outcome outcome;
	const char *wrong;

	trace_run(scene, NULL, sequence, &scene->whole);
	wrong = judge_run(scene, NULL, &scene->whole, &outcome);
	if (wrong)
		return wrong;
	if (scene->refused)
		return outcome == ANSWERED ? NULL : "it is not refused, but ends";
	last = &scene->whole.answer[scene->whole.answers ? scene->whole.answers - 1 : 0];
	if (outcome != RAN)
		return SAY("no target ran: %u answers, the last %u: stage %u errno %d knob %u "
		           "detail %u",
		           scene->whole.answers, last->kind, last->stage, last->error, last->knob,
		           last->detail);
	if (scene->userns != CAISSON_USERNS_AUTO)
		return NULL;
	fallback = *scene;
	fallback.userns = CAISSON_USERNS_NONE;
	fallback.plan->record[0].a = CAISSON_USERNS_NONE; /* USERNS comes first */
	fallback.memfd = raw_memfd(fallback.plan, RAW_SEALS_ALL);
	fallback.plan->record[0].a = scene->userns;
	fallback.whole.program = fallback.fallback.program = false;
	trace_run(&fallback, NULL, NULL, &scene->fallback);
	close(fallback.memfd);
	wrong = judge_run(&fallback, NULL, &scene->fallback, &outcome);
	return wrong ? wrong : outcome == RAN ? NULL : "no target ran without a user namespace";
}
