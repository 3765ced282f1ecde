/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the sandbox's files will be, as far as it matters: where a destination
 * leads through links, what is there already, and what has to be made. Nothing is
 * decided by it that keeps anything out: caisson-helper resolves every
 * destination itself, below the new root, when it is built.
 */
#ifndef CAISSON_BWRAP_TREE_H
#define CAISSON_BWRAP_TREE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

enum node_kind { NODE_DIR, NODE_FILE, NODE_LINK };

struct node {
	struct node *parent, *child, *next;
	char *name;
	enum node_kind kind;
	char *host;   /* a path of the host's that shows what is here; NULL: made for the sandbox */
	bool ro;      /* nothing can be made in it */
	bool mounted; /* it is the root of a mount */
	bool device;  /* of host: neither directory nor file */
	char *target; /* of a link */
	int made;     /* its record, or -1 */
};

struct tree {
	struct node *root;
};

/* Where a path leads. */
struct place {
	struct node *node; /* what is there; NULL: nothing */
	struct node *in;   /* the deepest directory that is there */
	char *rest;        /* below it, missing: "a/b"; "" if node */
	char *path;        /* "/x/a/b", without links */
};

void tree_init(struct tree *t);
/* follow: a link at the very end is gone through. Ends the process for a loop of links. */
struct place tree_find(struct tree *t, const char *path, bool follow);
void place_done(struct place *p);

struct node *node_new(struct node *parent, const char *name, enum node_kind kind);
/* Something else is mounted there: what was there, and below, cannot be seen any more. */
void node_replace(struct node *n, enum node_kind kind, const char *host, bool ro);
/* "/x/y", the caller's to free. */
char *node_path(const struct node *n);

#endif
