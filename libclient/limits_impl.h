/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* From limits that were asked for to a cgroup that has them, and to its end. */
#ifndef CAISSON_LIBCLIENT_LIMITS_IMPL_H
#define CAISSON_LIBCLIENT_LIMITS_IMPL_H

#include <stdbool.h>
#include <stdio.h>
#include <sys/types.h>

#include "caisson.h"
#include "caisson_limits.h"
#include "cgroup.h"

struct limits_asked {
	unsigned set; /* a bit for each enum caisson_limit */
	uint64_t value[CAISSON_LIMIT_COUNT];
	char *dir;    /* to make the group in; NULL: wherever one is delegated */
	bool no_pool; /* no page of the pool of reserved huge pages: needs a group as well */
};

/* Those that init keeps, without a cgroup. */
#define LIMITS_OF_INIT (1u << CAISSON_LIMIT_SECONDS | 1u << CAISSON_LIMIT_FILES)

static inline bool limits_has(const struct limits_asked *asked, enum caisson_limit limit) {
	return asked->set >> limit & 1;
}

/* A sandbox's own group. */
struct leaf {
	int dir;                   /* locked while it is in use: the next run removes others */
	int parent;                /* it lies in this one, */
	char name[64];             /* by this name */
	bool scope;                /* systemd's: it removes it by itself */
	char *path;                /* the whole, for people */
	char *by;                  /* what is limited, for people */
	struct limits_asked asked; /* without dir */
	bool over;                 /* last and why are known: the sandbox has ended */
	struct caisson_stat last;
	uint64_t parents_kills; /* before */
	const char *why;        /* it ended for want of memory; NULL: it did not */
	char text[160];
};

/* How the process that becomes the helper gets into the group. */
struct entry {
	struct leaf *leaf; /* the sandbox's, once it has one */
	int procs;         /* the child writes itself into this; -1: it waits to be moved */
	int error;         /* errno of that */
	pid_t pid;         /* the child's */
	int gate[2];       /* a byte comes in at 0 once it was moved */
	int done[2];       /* an errno comes out at 0 if the helper was not executed */
	struct scope *scope;
	struct cgroup_tree tree;
	const struct limits_asked *asked;
};

/* limits.c: words */
unsigned limits_controllers(const struct limits_asked *asked);
uint64_t limits_pages(uint64_t bytes);
/* What caisson_spec_limit() takes. */
void limits_range(enum caisson_limit limit, uint64_t *least, uint64_t *most);
/* "512 MiB" */
const char *limits_size(uint64_t bytes, char text[32]);
/* "own cgroup, memory 512 MiB, no swap, 64 processes"; NULL if memory is short. */
char *limits_text(const struct limits_asked *asked);
/* Members of the report's "limits"; nothing without any. */
void limits_report(FILE *to, const caisson_sandbox *box);
void limits_free(struct limits_asked *asked);

/*
 * limits_place.c: finds or makes the group, before the helper starts. asked: without
 * those of init, and kept as long as entry. After a success, limits_done() once the helper runs or failed to.
 */
int limits_begin(const struct limits_asked *asked, struct entry *entry, caisson_error **err);
/* launch.c's parent, for a child that waits at the gate. 0 or -errno with *err. */
int limits_admit(struct entry *entry, caisson_error **err);
/* Then: errno, if the helper could not be executed; to be asked once it has ended. */
int limits_not_executed(const struct entry *entry);
/* The child could not enter the group. */
int limits_refused(const struct entry *entry, caisson_error **err);
/* The group is box's from here on. */
void limits_hand_over(struct entry *entry, caisson_sandbox *box);
void limits_done(struct entry *entry);

/* limits_alone.c: a group, or what can be had without. */
struct limiting {
	struct limits_asked asked;
	struct entry entry, *used; /* used: &entry, or NULL: no group */
	caisson_error *no_group;   /* why there is none, and it goes without */
};
/* 0, and spec->pids_alone says whether it goes without; or -errno with *err. */
int limits_start(struct limiting *l, caisson_spec *spec, caisson_error **err);
/* What limits box is box's from here on. */
void limits_held(struct limiting *l, const caisson_spec *spec, caisson_sandbox *box);
/* rc: of the spawn; what it becomes, as *err does. */
int limits_end(struct limiting *l, int rc, caisson_error **err);

/* cgroup_leaf.c */
/* A new group in parent, empty and without limits. NULL with errno. */
struct leaf *leaf_make(int parent, const char *parent_path);
/* As much of one as there is of systemd's. dir and parent are the leaf's from here on. */
struct leaf *leaf_adopt(int dir, int parent, const char *path);
/* Both: 0, or -errno with the file's name. The first also where nothing is to be set by us. */
int leaf_set(const struct leaf *leaf, const struct limits_asked *asked, const char **file);
int leaf_check(struct leaf *leaf, const struct limits_asked *asked, const char **file);
/* All its processes are dead, or about to be: what it used, and whether memory was short. */
void leaf_over(struct leaf *leaf);
/* Removes the group. NULL is fine. */
void leaf_free(struct leaf *leaf);
/* Removes what runs that were killed have left in this group. */
void leaf_sweep(int parent);

struct plan_image;
/*
 * prepare.c: all that is known before the helper starts: the limits' cgroup, START, which waits on
 * the socket for init, and the plan, with the policy's covers in it.
 */
int spawn_prepare(caisson_spec *spec, bool helper, int socket, struct plan_image *plan,
                  struct limiting *limits, caisson_error **err);

#endif
