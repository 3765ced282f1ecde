/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the parts of libcaisson share about specs and sandboxes. */
#ifndef CAISSON_LIBCLIENT_INTERNAL_H
#define CAISSON_LIBCLIENT_INTERNAL_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/types.h>

#include "caisson.h"
#include "channel.h"
#include "error.h"
#include "protocol/answer.h"
#include "protocol/control.h"
#include "protocol/plan.h"
#include "property.h"

struct denials;
struct entry;
struct gpu_spec;
struct leaf;
struct limits_asked;
struct policy;

/* One record of the plan to be. */
struct spec_op {
	uint16_t op;
	uint16_t flags;
	bool optional;
	bool borrowed; /* fd and strings are another list's, which outlives this one */
	bool last;     /* once all others are carried out */
	int fd;        /* ours: BIND of a descriptor, FILE's memfd; else -1 */
	char *source;  /* BIND of a path */
	char *name;    /* canonical */
	char *target;  /* SYMLINK */
	uint64_t a, b;
};

struct ops {
	struct spec_op *item;
	size_t n, room;
};

struct strings {
	char **item; /* NULL-terminated */
	size_t n, room;
};

struct caisson_spec {
	char *name;
	char *hostname, *label;
	char *helper;
	char *cwd;
	struct ops ops;
	struct strings argv, env, keep;
	caisson_channel **channel;
	size_t channels;
	int offers
		[2]; /* the host's end and the program's, of what later channels come by; -1: none */
	int stdio[3];
	int *pass; /* the caller's, behind the channels' */
	size_t passed;
	bool stdio_files, bare;
	enum caisson_landlock landlock;
	bool channels_gone;                        /* a sandbox has them */
	struct spec_op ids, subids, time, seccomp; /* op 0: not asked for */
	enum caisson_network network;
	enum caisson_user_namespace userns;
	enum caisson_via via;
	struct limits_asked *limits; /* NULL: none */
	struct gpu_spec *gpu;        /* NULL: none */
	const struct policy *policy; /* what this program went by already; NULL: read at spawn */
	uint64_t require;            /* by name, beyond what is full */
	uint64_t pids_alone;         /* of the spawn that goes on: as the sandbox's; 0: no */
	caisson_error *error;        /* the first failure of a builder */
};

/* What a record is about: an op, or a parent directory of an op's name. */
struct sent {
	const struct spec_op *op;
	uint16_t what; /* enum caisson_op */
	size_t len;    /* of the name, which may be a parent's */
};

/* A record of the policy's own. */
struct cover {
	struct cover *next;
	const struct spec_op *in; /* what it lies in */
	struct spec_op op;
	uint32_t line; /* of the rule */
	char name[];
};

/* A plan with the sources it names, opened; fd 4 and 5... of the helper. */
struct plan_image {
	int memfd;
	int *fd;
	size_t fds;
	struct ops ops;    /* as asked for; what the spec has is borrowed from it */
	struct sent *sent; /* of every record */
	size_t records;
	uint64_t given_up;    /* properties that the spec itself grants away */
	uint64_t pids_alone;  /* RLIMIT_NPROC from the helper on; 0: the caller's */
	bool groups_dropped;  /* by the helper, as the policy says */
	struct cover *covers; /* what the policy denies in granted trees */
};

/* A further program in a sandbox; its place is the sandbox's. */
struct caisson_program {
	caisson_sandbox *box;
	uint64_t id; /* 0: a free place */
	enum program_state {
		PROGRAM_STARTING,
		PROGRAM_RUNNING,
		PROGRAM_FAILED, /* why says why it never ran */
		PROGRAM_ENDED,
	} state;
	bool forgotten; /* by the caller; the place is taken until init has told of the end */
	int status;
	struct caisson_answer why;
};

struct caisson_sandbox {
	char *name;
	int socket, pidfd; /* process.h: of init */
	struct caisson_answer built;
	struct property_asked asked;
	char *why; /* caisson-helper was not the one to build it; NULL: it was, or as asked */
	bool stdio_files;
	bool groups_dropped; /* by the helper, as the policy says */
	bool silent;         /* nothing more is to be heard from init */
	bool told, ended;    /* init said how the program ended; init was reaped */
	bool timed_out;      /* it was because its time was up */
	atomic_bool killed;
	int status;
	struct caisson_program *program; /* CAISSON_EXEC_MAX - 1 places, or NULL */
	uint64_t last_id;
	caisson_channel **channel;
	size_t channels;
	int offers;          /* where channels are offered, or -1 */
	struct leaf *leaf;   /* its cgroup; NULL: the caller's */
	uint64_t pids_alone; /* at most that many processes, without a cgroup; 0: any number */
	char limited_by[80];
	struct denials *denials; /* NULL: not asked for */
	char *gpu;               /* what the report says of it; NULL: none was granted */
	char *json;
};

/* The one place that adds to a spec; takes source, name, target as they are (copied). */
int ops_add(struct ops *ops, const struct spec_op *op);
/* As it is: op's strings and descriptor are the list's from here on, on failure too. */
int ops_add_plain(struct ops *ops, const struct spec_op *op);
void ops_clear(struct ops *ops);
int strings_add(struct strings *list, char *owned);
void strings_clear(struct strings *list);
/* "/a//b/./c/" becomes "/a/b/c"; NULL with errno EINVAL for "..", "/" and relative paths. */
char *canonical_path(const char *path);
/* Is it name, or something below it? Both as canonical_path() makes them. */
bool path_below(const char *path, const char *name);

/* Descriptors that the program gets before those of spec->pass. */
static inline size_t spec_channels(const caisson_spec *spec) {
	return spec->channels + (spec->offers[1] >= 0);
}

/* late.c: the channels of spec are the sandbox's from here on. 0 or -ENOMEM. */
int channels_adopt(caisson_sandbox *box, caisson_spec *spec);

/* spec.c: keeps the first failure, for caisson_spawn(); returns rc. */
int spec_note(caisson_spec *spec, int rc, const char *what, const char *value);

/* spec_bounds.c: what may be given for what; both stay as they are where that is not known. */
void spec_bounds(const char *what, int error, const char **knob, const char **remedy);

/* root.c: the default root, as the host has it; its procfs unless the spec lays out /proc itself. */
int root_default(struct ops *ops, enum caisson_network network, bool proc);
/* A procfs at dst, what programs need not see of it covered. flags: enum caisson_procfs_flags. */
int root_proc(struct ops *ops, const char *dst, unsigned flags);
/* A private /dev at dst: the harmless nodes, links, own shm and pts. */
int root_dev(struct ops *ops, const char *dst);

/* collect.c: what spec asks for, in the order of the plan; what it grants away of the properties. */
int plan_collect(const caisson_spec *spec, struct ops *ops, caisson_error **err);
uint64_t plan_given_up(const caisson_spec *spec);
/* Its file system alone, without GPUs: the default root, and what the spec has besides. */
int plan_layout(const caisson_spec *spec, struct ops *ops);

/* layout.c: a memfd that nobody can change any more, with these bytes; or -errno. */
int spec_sealed(const void *data, size_t size);

/* report.c: text as a JSON string. */
void report_string(FILE *to, const char *text);

/* plan.c */
/* policy: covers what it denies below granted trees; may be NULL. */
int plan_build(const caisson_spec *spec, const struct policy *policy, struct plan_image *plan,
               caisson_error **err);
void plan_clear(struct plan_image *plan);
/* What record was about, in words; NULL if nothing. Into buf. */
const char *plan_subject(const struct plan_image *plan, uint32_t record, char *buf, size_t size);

/* plan_about.c: the same of an answer; and where it is the policy's, which line would allow it. */
void plan_about(const struct plan_image *plan, const struct caisson_answer *answer,
                struct error_about *about);

/* start.c: what init is told of a program. */
struct start {
	struct caisson_control head;                              /* but for kind and id */
	int fd[CAISSON_START_FD_EXTRA + CAISSON_START_MAX_EXTRA]; /* as many as head says */
	int null;
};

/* The descriptors of spec are only borrowed. start_close() closes the others, also after a failure. */
int start_make(const caisson_spec *spec, struct start *start, caisson_error **err);
/* Queues it on socket. 0 or -errno, which start_failed() makes an error of; start may be NULL there. */
int start_send(const struct start *start, int socket, int flags);
int start_failed(int rc, const struct start *start, caisson_error **err);
/* Of the descriptor by that number inside, which init refused: what it is, and what to do. */
void start_refused(const caisson_spec *spec, uint32_t number, struct error_about *about);
void start_close(struct start *start);

/* spawn.c: the first failure of a builder, or that there is no program; and what an answer is about. */
int spec_ready(const caisson_spec *spec, caisson_error **err);
void spec_about(const caisson_spec *spec, const struct caisson_answer *answer,
                struct error_about *about);

/* Who is to build a sandbox, and what came of it. */
struct builder {
	enum caisson_via via; /* not AUTO */
	const char *program;  /* its path */
	bool unusable;        /* it is missing, or has not what it takes, whatever is asked of it */
};

/*
 * builder.c: executing it was refused, or it is not there; it ended without an answer, or with one
 * that was not understood. status: a wait status; -1: that is not known, or it had done its part.
 */
int builder_missing(struct builder *by, int error, caisson_error **err);
int builder_silent(const struct builder *by, int rc, int status, caisson_error **err);

/* via.c: the way, or the ways one after the other, that spec asks for. */
int spawn_via(caisson_spec *spec, caisson_sandbox **box, caisson_error **err);
/* spawn.c: by this one alone. */
int spawn_by(caisson_spec *spec, struct builder *by, caisson_sandbox **box, caisson_error **err);

/*
 * launch.c: exec of the helper from a child that shares nothing but memory until
 * then. It as in process.h, or -1; *error: 0, or why it was not executed (errno). entry: the
 * cgroup that it goes into, or NULL; why it could not is entry->error then.
 */
int launch_helper(const struct builder *by, int socket, const struct plan_image *plan,
                  struct entry *entry, int *error);

/* exec.c: asks init for a program and waits until it runs, or has failed. NULL with *error, an errno. */
caisson_program *program_start(caisson_sandbox *box, struct start *start, int *error);
/* What init says of a program that is not the target. */
void program_hear(caisson_sandbox *box, const struct caisson_answer *answer);

/* sandbox.c: waits for init's next word, or its end, until that time (-1: for ever). 0 or -errno. */
int sandbox_wait(caisson_sandbox *box, int64_t until);
int64_t now_ms(void);
int signal_send(caisson_sandbox *box, uint64_t id, int sig);

/* spawn.c */
/* A message from the helper or init; *pidfd is -1 or one that came along. -EPIPE at the end. */
int receive_answer(int socket, int flags, struct caisson_answer *answer, int *pidfd);

#endif
