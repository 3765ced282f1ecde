/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Further programs in a running sandbox: its init starts them, which is inside
 * of everything already and holds nothing. Whatever init says about any of them
 * arrives on one socket, in order, and is kept with the program it is about.
 */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "huge.h"
#include "internal.h"
#include "policy_use.h"

#define PLACES (CAISSON_EXEC_MAX - 1) /* the target has one */

static const char STAGE[] = "starting another program";

static caisson_program *find(caisson_sandbox *box, uint64_t id) {
	for (size_t i = 0; box->program && i < PLACES; i++)
		if (box->program[i].id == id)
			return &box->program[i];
	return NULL;
}

static bool is_over(const caisson_program *p) {
	return p->state == PROGRAM_FAILED || p->state == PROGRAM_ENDED;
}

void program_hear(caisson_sandbox *box, const struct caisson_answer *answer) {
	caisson_program *p = find(box, answer->id);

	if (!p)
		return;
	if (answer->kind == CAISSON_ANSWER_RUNNING) {
		p->state = PROGRAM_RUNNING;
	} else if (answer->kind == CAISSON_ANSWER_EXITED) {
		p->state = PROGRAM_ENDED;
		p->status = answer->status;
	} else if (answer->kind == CAISSON_ANSWER_FAILED) {
		p->state = PROGRAM_FAILED;
		p->why = *answer;
	}
	if (p->forgotten && is_over(p))
		p->id = 0;
}

/* Init has as many places; that it never runs out of them is ours to see to. */
static caisson_program *take_place(caisson_sandbox *box) {
	caisson_program *p;

	if (!box->program)
		box->program = calloc(PLACES, sizeof(*box->program));
	while ((p = find(box, 0)) == NULL && !box->told && !box->ended)
		if (sandbox_wait(box, 0) < 0) /* an end may be there to be heard of */
			break;
	errno = box->program ? EAGAIN : ENOMEM;
	if (p)
		*p = (caisson_program){ .box = box, .id = ++box->last_id };
	return p;
}

caisson_program *program_start(caisson_sandbox *box, struct start *start, int *error) {
	caisson_program *p = NULL;
	int rc = -ESRCH;

	if (!box->told && !box->ended) {
		p = take_place(box);
		rc = -errno;
	}
	if (!p) {
		*error = box->told || box->ended ? ESRCH : -rc;
		return NULL;
	}
	start->head.kind = CAISSON_CONTROL_EXEC;
	start->head.id = p->id;
	rc = start_send(start, box->socket, MSG_DONTWAIT);
	if (rc < 0) {
		p->id = 0;
		*error = rc == -EPIPE ? ESRCH : -rc;
		return NULL;
	}
	while (rc == 0 && p->state == PROGRAM_STARTING)
		rc = box->told || box->ended ? -ESRCH : sandbox_wait(box, -1);
	if (rc == 0)
		return p;
	caisson_program_free(p);
	*error = -rc;
	return NULL;
}

static int not_started(int error, const struct start *start, caisson_error **err) {
	if (error == EAGAIN)
		return error_set(err, EAGAIN, STAGE, "", "wait until one of them ends",
		                 "%u programs run in the sandbox, or its init is held up",
		                 (unsigned)CAISSON_EXEC_MAX);
	if (error == ESRCH)
		return error_set(err, ESRCH, STAGE, "", "", "the sandbox has ended");
	if (error == ENOMEM)
		return error_set(err, ENOMEM, STAGE, "", "", "out of memory");
	return start_failed(-error, start, err);
}

/* What a spec says of the sandbox comes too late: silently dropped it would mislead. */
static int check_spec(const caisson_spec *spec, caisson_error **err) {
	int rc = spec_ready(spec, err);

	if (rc < 0)
		return rc;
	if (spec->ops.n || spec->offers[1] >= 0 || spec->hostname || spec->label || spec->helper ||
	    spec->via || spec->bare || spec->require || spec->limits || spec->ids.op ||
	    spec->seccomp.op || spec->landlock || spec->subids.op || spec->time.op ||
	    spec->network != CAISSON_NETWORK_NONE || spec->userns != CAISSON_USER_NAMESPACE_AUTO)
		return error_set(err, EINVAL, STAGE, "caisson_exec()",
		                 "give it a spec with arguments, environment, working directory, "
		                 "standard streams and channels only",
		                 "the spec \"%s\" says what a sandbox is to be like, and this one "
		                 "runs already",
		                 spec->name);
	if (spec->channels_gone)
		return error_set(err, EBUSY, STAGE, "caisson_spec_channel()",
		                 "make a new spec for every program with channels",
		                 "the channels of \"%s\" belong to a sandbox already", spec->name);
	return 0;
}

static int check_channels(const caisson_sandbox *box, const caisson_spec *spec,
                          caisson_error **err) {
	uint64_t more = 0;
	uint32_t fault, line;
	struct policy *policy;
	int rc;

	if (spec->channels == 0)
		return 0;
	for (size_t i = 0; i < spec->channels; i++)
		more += channel_bytes(spec->channel[i]);
	policy = policy_load(&fault, &line);
	rc = policy_channels(policy, box->channel, box->channels, more, err);
	policy_unload(policy);
	return rc ? rc : huge_check(box, spec, err);
}

static int start_spec(caisson_sandbox *box, caisson_spec *spec, caisson_program **program,
                      caisson_error **err) {
	caisson_program *p = NULL;
	struct caisson_answer why;
	struct error_about about;
	struct start start;
	int error, rc = check_spec(spec, err);

	rc = rc ? rc : check_channels(box, spec, err);
	if (rc < 0)
		return rc;
	rc = start_make(spec, &start, err);
	if (rc == 0 && !(p = program_start(box, &start, &error)))
		rc = not_started(error, &start, err);
	start_close(&start);
	if (!p)
		return rc;
	if (p->state == PROGRAM_FAILED) {
		why = p->why;
		caisson_program_free(p);
		spec_about(spec, &why, &about);
		return error_from_answer(err, CAISSON_FROM_INIT, &why, &about, NULL);
	}
	if (channels_adopt(box, spec) < 0) {
		caisson_program_free(p);
		return not_started(ENOMEM, NULL, err);
	}
	*program = p;
	return 0;
}

int caisson_exec(caisson_sandbox *box, caisson_spec *spec, caisson_program **program,
                 caisson_error **err) {
	int cancel, rc;

	*program = NULL;
	/* A program that nobody has cannot be left behind by a cancelled thread. */
	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancel);
	rc = start_spec(box, spec, program, err);
	pthread_setcancelstate(cancel, &cancel);
	return rc;
}

int caisson_program_wait(caisson_program *program, int timeout_ms, int *status,
                         caisson_error **err) {
	caisson_sandbox *box = program->box;
	int64_t until = timeout_ms < 0 ? -1 : now_ms() + timeout_ms;
	int rc = 0;

	while (!is_over(program) && !box->told && !box->ended && rc == 0)
		rc = sandbox_wait(box, until);
	if (rc == -ETIMEDOUT)
		return error_set(err, ETIMEDOUT, "waiting for a program", "", "",
		                 "the program still runs");
	if (rc < 0)
		return error_set(err, -rc, "waiting for a program", "", "", "poll: %s",
		                 strerror(-rc));
	/* The sandbox has ended, and init killed what was left. */
	if (status)
		*status = is_over(program) ? program->status : SIGKILL;
	return 0;
}

int caisson_program_kill(caisson_program *program, int sig) {
	return signal_send(program->box, program->id, sig);
}

void caisson_program_free(caisson_program *program) {
	if (!program)
		return;
	program->forgotten = true;
	if (is_over(program))
		program->id = 0;
	else
		caisson_program_kill(program, SIGKILL);
}
