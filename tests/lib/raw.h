/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A client of caisson-helper's that is not libcaisson: plans made by hand, as
 * wrong as a test likes, and the helper driven over its descriptors.
 */
#ifndef CAISSON_TESTS_RAW_H
#define CAISSON_TESTS_RAW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "protocol/answer.h"
#include "protocol/control.h"
#include "protocol/plan.h"

#define RAW_SEALS_ALL 0xf /* SEAL, SHRINK, GROW, WRITE */
#define RAW_MAX_SOURCES 300

struct raw_plan {
	struct caisson_plan_header head;
	struct caisson_plan_record record[CAISSON_PLAN_MAX_RECORDS + 8];
	char names[CAISSON_PLAN_MAX_NAMES + 8192];
	int source[RAW_MAX_SOURCES]; /* -1: leave that number closed */
	size_t size;                 /* bytes to write; 0: what the header says */
};

/* Never fails: a test that cannot even set up bails out. */
struct raw_plan *raw_new(void);
void raw_free(struct raw_plan *plan); /* and closes its sources */
uint32_t raw_name(struct raw_plan *plan, const char *name);
struct caisson_plan_record *raw_add(struct raw_plan *plan, uint16_t op, const char *name,
                                    uint64_t a, uint64_t b);
/* fd: taken over. */
struct caisson_plan_record *raw_bind(struct raw_plan *plan, int fd, const char *name,
                                     uint16_t flags);
struct caisson_plan_record *raw_symlink(struct raw_plan *plan, const char *target,
                                        const char *name);
/* A memfd with these bytes and seals, and the record that copies one; fd: taken over. */
int raw_data(const void *data, size_t size, int seals);
struct caisson_plan_record *raw_file(struct raw_plan *plan, int fd, const char *name,
                                     uint64_t mode);
/* A memfd with the plan and these seals. */
int raw_memfd(const struct raw_plan *plan, int seals);
/* The plan as it lies in the memfd; the length is returned. */
size_t raw_bytes(const struct raw_plan *plan, unsigned char *bytes, size_t size);
/* O_PATH, or the test bails out. */
int raw_path(const char *path);
/* The program beside this one that runs inside: /t/inside in raw_root()'s root. */
int raw_inside_dir(void);
/* The harmless devices and the file systems below /dev. */
void raw_dev(struct raw_plan *plan);
/* proc, and /t with the program; what a loop can build quickly. */
struct raw_plan *raw_bare(enum caisson_userns userns);
/* The same with dev and /tmp: what most tests build on. */
struct raw_plan *raw_root(enum caisson_userns userns);

/* What the helper finds where. */
struct raw_how {
	const char *helper; /* NULL: the installed one */
	char *const *argv;  /* NULL: as libcaisson has it */
	char *const *env;   /* NULL: empty */
	int control;        /* RAW_OWN, RAW_CLOSED, or a descriptor of the caller's */
	int memfd;          /* the same */
	bool keep_fds;      /* do not close what the plan does not name */
	int clone_flags;    /* beside SIGCHLD */
	/* In the child, with every descriptor in its place, last thing before exec. */
	void (*before_exec)(void *);
	void *arg;
};
#define RAW_OWN (-1)
#define RAW_CLOSED (-2)
#define RAW_HOW ((struct raw_how){ .control = RAW_OWN, .memfd = RAW_OWN })

struct raw_box {
	int socket;
	pid_t helper;
	int helper_status; /* wait status, once ended */
	bool reaped;
	bool answered; /* answer is valid */
	struct caisson_answer answer;
	int pidfd; /* of the sandbox's init, if it was handed over */
};

/* Executes the helper; does not wait for its answer. */
void raw_launch(struct raw_box *box, const struct raw_plan *plan, const struct raw_how *how);
/* The helper's answer and its end, within a bound. true: it answered. */
bool raw_answer(struct raw_box *box);
/* Is there something to be received, or has the other side gone? */
bool raw_ready(const struct raw_box *box, int timeout_ms);
/* raw_launch() and raw_answer(). */
bool raw_build(struct raw_box *box, const struct raw_plan *plan, const struct raw_how *how);
static inline bool raw_built(const struct raw_box *box) {
	return box->answered && box->answer.kind == CAISSON_ANSWER_BUILT && box->pidfd >= 0;
}
/* START; out becomes standard output and error, or -1. Extra descriptors after. */
int raw_start(struct raw_box *box, const char *const *argv, int out, const int *extra,
              unsigned extras, unsigned flags);
/* The next answer within timeout_ms; false: none, or the other side is gone. */
bool raw_next(struct raw_box *box, struct caisson_answer *answer, int timeout_ms);
/* The pid of the sandbox's init in our namespace; -1. */
pid_t raw_init_pid(const struct raw_box *box);
/* Ends everything: socket closed, init gone and reaped, helper reaped. false: something hung. */
bool raw_end(struct raw_box *box);

/* "FAILED stage 7 errno 2 knob 18 record 3 detail 0", static storage. */
const char *raw_text(const struct raw_box *box);
/* FAILED with this stage and knob, and nothing of a sandbox. */
bool raw_failed(const struct raw_box *box, uint32_t stage, uint32_t knob);

/*
 * Run the inside program's probe in a sandbox of this plan and relay its
 * points as ours, each with a prefix. Returns the number of points, 0 and a
 * failed point if it did not run.
 */
unsigned raw_probe(const struct raw_plan *plan, const struct raw_how *how, const char *prefix,
                   const char *const *probe);
/* The lines that come out of fd, which is closed, as points. */
unsigned raw_relay(int fd, const char *prefix);

/*
 * The same in a sandbox that was built already, with these descriptors as 3, 4, ... and flags of
 * START's: it does not wait for the program's end. A point says whether it ran, by that name.
 */
void raw_attack(struct raw_box *box, const char *prefix, const char *name, const char *const *probe,
                const int *extra, unsigned extras, unsigned flags);

/* What must not be left behind: taken at the start, compared at the end, as a TAP point. */
void raw_watch(void);
void raw_nothing_left(const char *when);
/* Is it caisson-builder that builds, the helper being out of reach? */
bool raw_without_helper(void);
/* What builds here, from CAISSON_PREFIX; bails out without. */
const char *raw_helper(void);
__attribute__((noreturn)) void raw_bail(const char *what);
int64_t raw_now_ms(void);
/*
 * In a machine where SELinux has the helper and sandboxes in domains of their own? What they may
 * not be given is taken away in exec, or in recvmsg, before Caisson can refuse it.
 */
bool raw_selinux(void);
/* How often to try what may lose a race: less in an emulated machine. */
unsigned raw_rounds(unsigned n);

#endif
