/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A tree over the sandbox's root ("--ro-bind / /") is one grant for each thing
 * that is in it: the root itself is caisson-helper's, and stays read-only. What
 * the tree has as /proc and /dev is the sandbox's own instead, unless something
 * else is put there, and what the user or the policy keeps closed is empty.
 */
#define _GNU_SOURCE
#include "layout.h"
#include "say.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "policy_use.h"

#define MAX_DEPTH 3 /* of a folder of devices: /dev/dri/by-path */

/* What the policy says of it: 0, or CAISSON_KNOB_POLICY. */
static uint32_t judge(struct layout *l, const char *path, const struct stat *st, bool ro) {
	struct caisson_plan_record op = { .op = CAISSON_OP_BIND,
		                          .flags = ro ? CAISSON_BIND_RDONLY : 0 };
	const struct policy_rule *rule;
	char own[PATH_MAX + 8];
	struct facts facts = { .fstype = "tmpfs", .name = { path, NULL } };
	uint32_t fault, line;

	if (!l->policy_read) {
		l->policy = policy_load(&fault, &line); /* what is wrong with it the helper says */
		l->policy_read = true;
	}
	if (l->policy && st->st_uid == l->policy->uid && strlen(path) < PATH_MAX) {
		stpcpy(stpcpy(own, "@own"), path);
		facts.name[1] = own;
	}
	return l->policy ? policy_decide(l->policy, &op, &facts, &rule) : 0;
}

/* What is not to be seen: there, and empty, and closed as it is for the user. */
static void closed(struct layout *l, struct node *n, const char *path, unsigned mode) {
	struct record *r = record_add(l, RECORD_DIR, path);

	node_replace(n, NODE_DIR, NULL, true);
	r->mode = mode;
	r->implicit = true;
	n->made = (int)(l->records - 1);
}

static void one_dir(struct layout *l, struct node *n, const char *src, const struct stat *st,
                    const struct wish *w) {
	enum source_kind kind = source_kind(src, st);
	char *path = node_path(n);
	struct place p = { .node = n, .in = n, .rest = path + strlen(path), .path = path };
	struct record *r;
	size_t before = l->records;
	bool ro = w->ro;

	if (kind == SOURCE_PROC) {
		do_proc(l, &p, w);
	} else if (kind == SOURCE_DEV) {
		do_dev(l, &p, w);
	} else if (access(src, X_OK) < 0) {
		closed(l, n, path, 0);
	} else if (kind == SOURCE_KERNEL || judge(l, src, st, true)) {
		closed(l, n, path, 0555);
	} else {
		/* Read-only where it may not be written to, as what lies in a granted tree. */
		ro = ro || judge(l, src, st, false);
		node_replace(n, NODE_DIR, src, ro);
		r = record_add(l, RECORD_BIND, path);
		r->src = need_string(src);
		r->ro = ro;
	}
	while (before < l->records)
		l->record[before++].implicit = true;
	free(path);
}

static void one_file(struct layout *l, struct node *n, const char *src, const struct stat *st,
                     const struct wish *w) {
	char *path = node_path(n);
	struct record *r;

	if ((S_ISREG(st->st_mode) || S_ISSOCK(st->st_mode)) && access(src, R_OK) == 0 &&
	    judge(l, src, st, true) == 0) {
		r = record_add(l, RECORD_BIND, path);
		r->src = need_string(src);
		r->ro = w->ro || judge(l, src, st, false);
		r->implicit = true;
	}
	free(path);
}

static void one_entry(struct layout *l, const char *dir, const char *name, dev_t root,
                      const struct wish *w) {
	char *src = need_format("%s/%s", strcmp(dir, "/") == 0 ? "" : dir, name);
	char target[PATH_MAX];
	struct record *r;
	struct node *n;
	struct stat st;
	size_t before = l->records;
	ssize_t len;

	if (lstat(src, &st) < 0) {
		free(src);
		return;
	}
	if (S_ISLNK(st.st_mode) && (len = readlink(src, target, sizeof(target) - 1)) > 0) {
		char *path = need_format("/%s", name);

		target[len] = '\0';
		n = node_new(l->tree.root, name, NODE_LINK);
		n->target = need_string(target);
		r = record_add(l, RECORD_SYMLINK, path);
		r->src = need_string(target);
		r->implicit = true;
		free(path);
	} else if (S_ISDIR(st.st_mode)) {
		n = node_new(l->tree.root, name, NODE_DIR);
		one_dir(l, n, src, &st, w);
	} else {
		n = node_new(l->tree.root, name, NODE_FILE);
		n->host = need_string(src);
		n->ro = w->ro;
		n->mounted = true;
		one_file(l, n, src, &st, w);
	}
	for (; before < l->records; before++)
		l->record[before].same = st.st_dev == root;
	free(src);
}

void expand_root(struct layout *l, const char *src, const struct wish *w) {
	struct dirent *e;
	struct stat st;
	char *root = realpath(src, NULL); /* which rules of the policy are about */
	DIR *dir = root ? opendir(root) : NULL;

	if (!dir || fstat(dirfd(dir), &st) < 0)
		die_errno("Can't open source path %s", src);
	node_replace(l->tree.root, NODE_DIR, NULL, false);
	/* cppcheck-suppress readdirCalled */ /* one thread */
	while ((e = readdir(dir)))
		if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0)
			one_entry(l, root, e->d_name, st.st_dev, w);
	closedir(dir);
	free(root);
}

static void one_device(struct layout *l, const char *src, const char *dst, const struct wish *w,
                       int depth) {
	struct wish part = *w;
	char target[PATH_MAX];
	struct record *r;
	struct place p;
	struct stat st;
	ssize_t len;

	if (lstat(src, &st) < 0)
		return;
	part.dst = dst;
	p = tree_find(&l->tree, dst, false);
	if (S_ISDIR(st.st_mode) && depth < MAX_DEPTH) {
		make_dir(l, &p, 0755, &part);
		expand_devices(l, src, dst, w, depth + 1);
	} else if (S_ISCHR(st.st_mode) && access(src, R_OK) == 0) {
		node_replace(mount_at(l, &p, NODE_FILE, &part), NODE_FILE, NULL, true);
		r = record_add(l, RECORD_DEVICE, p.path);
		r->src = need_string(src);
	} else if (S_ISLNK(st.st_mode) && !p.node &&
	           (len = readlink(src, target, sizeof(target) - 1)) > 0) {
		target[len] = '\0';
		node_new(p.in, p.rest, NODE_LINK)->target = need_string(target);
		r = record_add(l, RECORD_SYMLINK, p.path);
		r->src = need_string(target);
	}
	place_done(&p);
}

/* Those that the user can open: each is asked for by itself, and the policy may refuse it. */
void expand_devices(struct layout *l, const char *src, const char *dst, const struct wish *w,
                    int depth) {
	struct dirent *e;
	DIR *dir = opendir(src);

	if (!dir)
		die_errno("Can't open source path %s", src);
	/* cppcheck-suppress readdirCalled */ /* one thread */
	while ((e = readdir(dir))) {
		char *from, *to;

		if (e->d_name[0] == '.')
			continue;
		from = need_format("%s/%s", src, e->d_name);
		to = need_format("%s/%s", dst, e->d_name);
		one_device(l, from, to, w, depth);
		free(from);
		free(to);
	}
	closedir(dir);
}
