/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define _GNU_SOURCE
#include "tree.h"
#include "say.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define MAX_LINKS 40 /* as the kernel has it */

struct node *node_new(struct node *parent, const char *name, enum node_kind kind) {
	struct node *n = need_memory(1, sizeof(*n));

	n->parent = parent;
	n->name = need_string(name);
	n->kind = kind;
	n->made = -1;
	if (parent) {
		n->next = parent->child;
		parent->child = n;
	}
	return n;
}

static void free_below(struct node *n) {
	while (n->child) {
		struct node *c = n->child;

		n->child = c->next;
		free_below(c);
		free(c->name);
		free(c->host);
		free(c->target);
		free(c);
	}
}

void node_replace(struct node *n, enum node_kind kind, const char *host, bool ro) {
	free_below(n);
	free(n->host);
	free(n->target);
	n->host = host ? need_string(host) : NULL;
	n->target = NULL;
	n->kind = kind;
	n->ro = ro;
	n->mounted = true;
	n->device = false;
}

void tree_init(struct tree *t) {
	t->root = node_new(NULL, "", NODE_DIR);
	t->root->mounted = true;
}

char *node_path(const struct node *n) {
	char *above, *path;

	if (!n || !n->parent)
		return need_string("");
	above = node_path(n->parent);
	path = need_format("%s/%s", above, n->name);
	free(above);
	return path;
}

/* What the host has under that name in a directory of its own. */
static struct node *look(struct node *dir, const char *name) {
	char *path = need_format("%s/%s", strcmp(dir->host, "/") == 0 ? "" : dir->host, name);
	char target[PATH_MAX];
	struct node *n;
	struct stat st;
	ssize_t len;

	if (lstat(path, &st) < 0) {
		free(path);
		return NULL;
	}
	n = node_new(dir, name, S_ISDIR(st.st_mode) ? NODE_DIR : NODE_FILE);
	n->host = path;
	n->ro = dir->ro;
	n->device = S_ISCHR(st.st_mode) || S_ISBLK(st.st_mode);
	if (S_ISLNK(st.st_mode) && (len = readlink(path, target, sizeof(target) - 1)) > 0) {
		target[len] = '\0';
		n->kind = NODE_LINK;
		n->target = need_string(target);
	}
	return n;
}

static struct node *below(struct node *dir, const char *name) {
	for (struct node *c = dir->child; c; c = c->next)
		if (strcmp(c->name, name) == 0)
			return c;
	return dir->kind == NODE_DIR && dir->host ? look(dir, name) : NULL;
}

/* What is left of the way, a link's target put before it. */
static char *through(const struct node *link, char *rest) {
	return need_format("%s/%s", link->target, rest ? rest : "");
}

struct place tree_find(struct tree *t, const char *path, bool follow) {
	struct place p = { .in = t->root };
	char *way = need_string(path), *rest = way, *name, *missing = need_string("");
	int links = 0;

	p.node = t->root;
	while ((name = strsep(&rest, "/"))) {
		bool end = !rest || !rest[strspn(rest, "/")];
		struct node *n;
		char *longer;

		if (!*name || strcmp(name, ".") == 0)
			continue;
		if (strcmp(name, "..") == 0) {
			char *slash = strrchr(missing, '/');

			if (*missing)
				*(slash ? slash : missing) = '\0';
			else
				p.in = p.in->parent ? p.in->parent : p.in;
			p.node = *missing ? NULL : p.in;
			continue;
		}
		n = *missing ? NULL : below(p.in, name);
		if (n && n->kind == NODE_LINK && (follow || !end)) {
			if (++links > MAX_LINKS) {
				errno = ELOOP;
				die_errno("Can't resolve %s", path);
			}
			longer = through(n, rest);
			if (n->target[0] == '/')
				p.in = t->root;
			free(way);
			way = rest = longer;
			p.node = p.in;
			continue;
		}
		p.node = n;
		if (n && n->kind == NODE_DIR) {
			p.in = n;
		} else if (!n || !end) { /* below a file there is nothing, and nothing can be */
			longer = need_format("%s%s%s", missing, *missing ? "/" : "", name);
			free(missing);
			missing = longer;
			p.node = NULL;
		}
	}
	free(way);
	p.rest = missing;
	way = node_path(p.node ? p.node : p.in);
	p.path = *missing ? need_format("%s/%s", way, missing) : need_string(way);
	free(way);
	return p;
}

void place_done(struct place *p) {
	free(p->rest);
	free(p->path);
}
