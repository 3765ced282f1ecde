/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Every sentence that a person reads about a failure in the helper or in init
 * is made here, from numbers.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "error.h"
#include "meaning.h"
#include "property.h"

struct caisson_error {
	int error;
	enum caisson_error_source source;
	char *stage, *knob, *message, *remedy, *text;
};

static const caisson_error no_memory = {
	.error = ENOMEM,
	.stage = (char *)(uintptr_t) "reporting an error",
	.knob = (char *)(uintptr_t) "",
	.message = (char *)(uintptr_t) "out of memory",
	.remedy = (char *)(uintptr_t) "",
	.text = (char *)(uintptr_t) "out of memory",
};

static const char *const stages[CAISSON_STAGE_COUNT] = {
	[CAISSON_STAGE_START] = "starting",
	[CAISSON_STAGE_PLAN] = "checking the plan",
	[CAISSON_STAGE_POLICY] = "asking the policy",
	[CAISSON_STAGE_SOURCE] = "judging a source",
	[CAISSON_STAGE_NAMESPACES] = "creating the namespaces",
	[CAISSON_STAGE_ROOT] = "making the root",
	[CAISSON_STAGE_MOUNT] = "mounting",
	[CAISSON_STAGE_JUDGE] = "judging the finished mount tree",
	[CAISSON_STAGE_PIVOT] = "switching the root",
	[CAISSON_STAGE_NETWORK] = "setting up the network",
	[CAISSON_STAGE_USERNS] = "creating the user namespace",
	[CAISSON_STAGE_DROP] = "dropping privileges",
	[CAISSON_STAGE_LANDLOCK] = "entering a Landlock domain",
	[CAISSON_STAGE_SECCOMP] = "installing the seccomp floor",
	[CAISSON_STAGE_READ_BACK] = "reading the sandbox's state back",
	[CAISSON_STAGE_REQUIRE] = "checking what was required",
	[CAISSON_STAGE_INIT] = "preparing the program",
	[CAISSON_STAGE_EXEC] = "executing the program",
	[CAISSON_STAGE_LABEL] = "taking the security module's label",
};

static const char *stage_text(uint32_t stage) {
	return stage < CAISSON_STAGE_COUNT && stages[stage] ? stages[stage] : "an unknown step";
}

void caisson_error_free(caisson_error *err) {
	if (!err || err == &no_memory)
		return;
	free(err->stage);
	free(err->knob);
	free(err->message);
	free(err->remedy);
	free(err->text);
	free(err);
}

static char *join(const caisson_error *e) {
	char *text = NULL;

	if (asprintf(&text, "%s%s%s%s%s", e->message, *e->knob ? "\n  decided by: " : "", e->knob,
	             *e->remedy ? "\n  what to do: " : "", e->remedy) < 0)
		return NULL;
	return text;
}

static int make(caisson_error **err, enum caisson_error_source source, int error, const char *stage,
                const char *knob, const char *remedy, char *message) {
	caisson_error *e;

	if (!err) {
		free(message);
		return -error;
	}
	e = calloc(1, sizeof(*e));
	if (e) {
		e->error = error;
		e->source = source;
		e->stage = strdup(stage);
		e->knob = strdup(knob);
		e->remedy = strdup(remedy);
		e->message = message;
		e->text = e->stage && e->knob && e->remedy && message ? join(e) : NULL;
		if (!e->text) {
			caisson_error_free(e);
			e = NULL;
		}
	} else {
		free(message);
	}
	*err = e ? e : (caisson_error *)(uintptr_t)&no_memory;
	return -error;
}

int error_set(caisson_error **err, int error, const char *stage, const char *knob,
              const char *remedy, const char *fmt, ...) {
	char *message = NULL;
	va_list args;

	va_start(args, fmt);
	if (vasprintf(&message, fmt, args) < 0)
		message = NULL;
	va_end(args);
	return make(err, CAISSON_FROM_LIBRARY, error, stage, knob, remedy, message);
}

int error_from_answer(caisson_error **err, enum caisson_error_source source,
                      const struct caisson_answer *answer, const struct error_about *about,
                      const char *helper) {
	const char *subject = about ? about->subject : NULL;
	struct meaning m;
	struct caisson_answer a = *answer;
	char *message = NULL;

	if (a.error <= 0)
		a.error = EIO;
	meaning_of(&a, source, helper, &m);
	if (asprintf(&message, "%s failed while %s%s%s: %s%s%s",
	             source == CAISSON_FROM_INIT      ? "the sandbox's init"
	             : source == CAISSON_FROM_BUILDER ? "caisson-builder"
	                                              : "caisson-helper",
	             stage_text(a.stage), subject ? ": " : "", subject ? subject : "", m.what,
	             *m.what ? ": " : "", strerror(a.error)) < 0)
		message = NULL;
	return make(err, source, a.error, stage_text(a.stage), m.knob,
	            about && about->remedy ? about->remedy : m.remedy, message);
}

void error_add(caisson_error **err, const caisson_error *other, const char *meanwhile) {
	caisson_error *e = *err, *more = NULL;
	char *message = NULL, *remedy = NULL;

	if (asprintf(&message, "%s; %s, %s", e->message, meanwhile, other->message) < 0)
		message = NULL;
	if (asprintf(&remedy, "%s%s%s, %s", e->remedy, *e->remedy ? "; or, " : "", meanwhile,
	             other->remedy) < 0)
		remedy = NULL;
	if (remedy)
		make(&more, e->source, e->error, e->stage, e->knob, remedy, message);
	else
		free(message);
	free(remedy);
	if (more) { /* else what there is must do */
		caisson_error_free(e);
		*err = more;
	}
}

const char *caisson_error_text(const caisson_error *err) {
	return err ? err->text : "no error";
}

const char *caisson_error_message(const caisson_error *err) {
	return err ? err->message : "no error";
}

const char *caisson_error_remedy(const caisson_error *err) {
	return err ? err->remedy : "";
}

const char *caisson_error_stage(const caisson_error *err) {
	return err ? err->stage : "";
}

const char *caisson_error_knob(const caisson_error *err) {
	return err ? err->knob : "";
}

enum caisson_error_source caisson_error_source(const caisson_error *err) {
	return err ? err->source : CAISSON_FROM_LIBRARY;
}

int caisson_error_errno(const caisson_error *err) {
	return err ? err->error : 0;
}
