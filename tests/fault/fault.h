/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Fault injection: every system call of a sandbox's making fails once, or is the
 * last of its process. docs/testing.md says what must hold then.
 */
#ifndef CAISSON_TESTS_FAULT_H
#define CAISSON_TESTS_FAULT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "protocol/answer.h"
#include "tests/lib/raw.h"

/* ---- calls.c: what can go wrong with a call ---- */

enum fault_kind {
	FAULT_NONE,
	FAULT_ERRNO, /* not carried out, fails with error */
	FAULT_DONE,  /* carried out, and reported as failed: close() */
	FAULT_SHORT, /* half of what was asked for is read or written */
	FAULT_END,   /* not carried out, returns 0: the end of a file */
	FAULT_VOID,  /* has no effect and does not say so: setfsuid(), brk() */
	FAULT_KILL,  /* SIGKILL before it */
};

struct fault {
	int role, call;
	unsigned occurrence; /* of that call in that process, from 1 */
	enum fault_kind kind;
	int error;
};

const char *call_name(int call);
int call_number(const char *name); /* -1: this architecture has no such call */
#define MAX_FAULTS 48
/* Of that call, whose result was result without a fault; KILL is among them. */
unsigned call_faults(int call, int64_t result, bool all, struct fault *faults);

const char *fault_text(const struct fault *fault);

/* ---- trace.c: one sandbox, one fault ---- */

/* Processes by who made them: a number that is the same in every run. */
#define MAX_ROLES 12
const char *role_name(int role);

#define MAX_CALLS 4096
#define MAX_CALL 512
struct sequence {
	unsigned n;
	struct made_call {
		int role, call;
		unsigned occurrence;
		int64_t result;
	} made[MAX_CALLS];
};

#define MAX_ANSWERS 8
struct run {
	bool reached; /* the call at which the fault was to be */
	enum {
		RUN_ENDED,
		RUN_CLOSED,
		RUN_KILLED
	} end; /* by itself, by the host's closing, by us */
	unsigned answers;
	struct caisson_answer answer[MAX_ANSWERS];
	bool program;       /* the target was executed, with */
	char stray[64];     /* what else init holds than its own */
	uid_t owner;        /* of its user namespace; -1: it is the host's */
	char report[32768]; /* what it wrote */
};

struct scene;
void trace_open(void);
/* fault, sequence may be NULL. */
void trace_run(const struct scene *scene, const struct fault *fault, struct sequence *sequence,
               struct run *run);

/* ---- outside.c ---- */

/* What that process, pid 1 of a sandbox, holds beside its own: it would lead out of it. */
void outside_fds(pid_t pid, char stray[64]);
/* Who may enter its user namespace for ever; -1: it is the host's. */
uid_t outside_owner(pid_t pid);

/* ---- world.c: where it happens ---- */

struct scene {
	const char *name;
	bool refused; /* must not be built */
	uint64_t userns, net;
	int lacks; /* a call that the kernel seems not to have; -1 */
	struct raw_plan *plan;
	int memfd;
	struct run whole, fallback; /* without a fault; without a user namespace */
};

/*
 * The rest of the program runs as pid 1 of a PID namespace, in a mount namespace
 * and a cgroup that nobody else uses, so that what is left can be told.
 */
void world_enter(uid_t uid, unsigned seconds);
/* As the user: what is opened and made for the helper is the user's. */
void world_as_user(bool user);
/* Becomes the user for good, in the child that is to execute the helper. */
void world_become_user(void);
const char *world_path(const char *name);
#define SUB_ID 700000u /* and the nine after it are the user's, subordinate */
/* argv of the target: what it needs to know of the outside. */
const char *const *world_program(uint64_t net);
/* Can a key that only its possessor sees be seen outside, and so be missed inside? */
bool world_keys(void);
/* NULL, or what is there that was not when this was asked first. Quick: descriptors and mounts. */
const char *world_left(bool quick);

/* ---- plans.c ---- */

/* All scenes; *n of them. */
struct scene *scenes_make(unsigned *n);

/* ---- judge.c ---- */

enum outcome { ANSWERED, ENDED, RAN, OUTCOMES };

/* NULL, or what is wrong with that run. fault may be NULL. */
const char *judge_run(const struct scene *scene, const struct fault *fault, const struct run *run,
                      enum outcome *outcome);
/* Is FAILED, if it is there, the last answer, but for CLONED? */
bool judge_once(const struct run *run);
/* judge_run() without a fault: the scene is as it should be. Fills in whole and fallback. */
const char *judge_scene(struct scene *scene, struct sequence *sequence);

#endif
