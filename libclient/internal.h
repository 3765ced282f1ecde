/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the parts of libcaisson share about specs and sandboxes. */
#ifndef CAISSON_LIBCLIENT_INTERNAL_H
#define CAISSON_LIBCLIENT_INTERNAL_H

#include <stdbool.h>
#include <sys/types.h>

#include "caisson.h"
#include "channel.h"
#include "error.h"
#include "protocol/answer.h"
#include "protocol/control.h"
#include "protocol/plan.h"
#include "property.h"

/* One record of the plan to be. */
struct spec_op {
	uint16_t op;
	uint16_t flags;
	bool optional;
	int fd;       /* BIND of a descriptor: ours, else -1 */
	char *source; /* BIND of a path */
	char *name;   /* canonical */
	char *target; /* SYMLINK */
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
	char *hostname;
	char *helper;
	char *cwd;
	struct ops ops;
	struct strings argv, env, keep;
	caisson_channel **channel;
	size_t channels;
	int stdio[3];
	bool stdio_files, bare;
	bool channels_gone; /* a sandbox has them */
	enum caisson_network network;
	enum caisson_user_namespace userns;
	uint64_t require;     /* by name, beyond what is full */
	caisson_error *error; /* the first failure of a builder */
};

/* A plan with the sources it names, opened; fd 4 and 5... of the helper. */
struct plan_image {
	int memfd;
	int *fd;
	size_t fds;
	struct ops ops;    /* as asked for */
	struct ops sent;   /* record i is about sent.item[i] */
	uint64_t given_up; /* properties that the spec itself grants away */
};

struct caisson_sandbox {
	char *name;
	int socket, pidfd;
	struct caisson_answer built;
	struct property_asked asked;
	bool stdio_files;
	bool told, ended; /* init said how the program ended; init was reaped */
	int status;
	caisson_channel **channel;
	size_t channels;
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

/* root.c: the default root, as the host has it. */
int root_default(struct ops *ops, enum caisson_network network);
/* A private /dev at dst: the harmless nodes, links, own shm and pts. */
int root_dev(struct ops *ops, const char *dst);

/* plan.c */
int plan_build(const caisson_spec *spec, struct plan_image *plan, caisson_error **err);
void plan_clear(struct plan_image *plan);
/* What record was about, in words; NULL if nothing. Into buf. */
const char *plan_subject(const struct plan_image *plan, uint32_t record, char *buf, size_t size);

/* start.c: what init is told. Queues START on socket; fds are only read. */
int start_send(const caisson_spec *spec, int socket, caisson_error **err);

/*
 * launch.c: exec of the helper from a child that shares nothing but memory until
 * then. Its pidfd, or -1; *error: 0, or why it was not executed (errno).
 */
int launch_helper(const char *helper, int socket, const struct plan_image *plan, int *error);

/* sandbox.c */
int wait_pidfd(int pidfd, int *status);
/* A message from the helper or init; *pidfd is -1 or one that came along. -EPIPE at the end. */
int receive_answer(int socket, int flags, struct caisson_answer *answer, int *pidfd);

#endif
