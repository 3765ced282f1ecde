/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* --bind and its kind. */
#define _GNU_SOURCE
#include "layout.h"
#include "say.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void grant(struct layout *l, struct place *p, const char *src, bool dir, bool ro,
                  const struct wish *w) {
	struct record *r;
	struct node *n = mount_at(l, p, dir ? NODE_DIR : NODE_FILE, w);

	node_replace(n, dir ? NODE_DIR : NODE_FILE, src, ro);
	r = record_add(l, RECORD_BIND, p->path);
	r->src = need_string(src);
	r->ro = ro;
}

/*
 * The kernel's own view of this or that: what the sandbox's own procfs has at the
 * same place is there already. Anything else is empty, and that is said.
 */
static void kernel_source(struct layout *l, struct place *p, bool dir, const struct wish *w) {
	struct node *n;
	struct record *r;

	if (p->node && p->node->host && strncmp(p->node->host, "/proc/", 6) == 0 &&
	    strcmp(p->node->host, w->src) == 0) {
		if (w->ro)
			record_add(l, RECORD_RDONLY, p->path);
		return;
	}
	warn("%s %s: a view of the kernel's own state is never granted, %s is empty "
	     "(caisson-bwrap(1))",
	     w->option, w->src, w->dst);
	n = mount_at(l, p, dir ? NODE_DIR : NODE_FILE, w);
	node_replace(n, dir ? NODE_DIR : NODE_FILE, NULL, true);
	if (dir) {
		r = record_add(l, RECORD_TMPFS, p->path);
		r->size = 4096;
		r->mode = 0555;
		record_add(l, RECORD_RDONLY, p->path);
	} else {
		r = record_add(l, RECORD_DEVICE, p->path);
		r->src = need_string("/dev/null");
	}
}

/* /dev/null over a file is how callers hide it. Whether it may be any other, the policy says. */
static void device(struct layout *l, struct place *p, const struct stat *st, const struct wish *w) {
	struct record *r;

	if (!w->dev && !harmless_device(st))
		die("%s %s: a device works with --dev-bind only, and if the administrator's policy "
		    "allows it",
		    w->option, w->src);
	node_replace(mount_at(l, p, NODE_FILE, w), NODE_FILE, NULL, true);
	r = record_add(l, RECORD_DEVICE, p->path);
	r->src = need_string(w->src);
}

static void devices(struct layout *l, struct place *p, const struct wish *w) {
	if (!w->dev) {
		grant(l, p, w->src, true, w->ro, w);
		return;
	}
	hide(l, p->path);
	make_dir(l, p, 0755, w);
	expand_devices(l, w->src, p->path, w, 0);
}

static void bind_kind(struct layout *l, struct place *p, const char *src, const struct stat *st,
                      const struct wish *w) {
	bool dir = S_ISDIR(st->st_mode);
	enum source_kind kind = source_kind(src, st);

	if (!*p->path) { /* over the root */
		errno = ENOTDIR;
		if (!dir)
			die_errno("Can't bind mount %s on /", src);
		hide(l, p->path);
		expand_root(l, src, w);
		return;
	}
	switch (kind) {
	case SOURCE_DEV:
		do_dev(l, p, w);
		break;
	case SOURCE_PROC:
		do_proc(l, p, w);
		break;
	case SOURCE_KERNEL:
		kernel_source(l, p, dir, w);
		break;
	case SOURCE_DEVICE:
		device(l, p, st, w);
		break;
	case SOURCE_BELOW:
		devices(l, p, w);
		break;
	default:
		grant(l, p, src, dir, w->ro, w);
		break;
	}
}

/* Without slashes at the end, so that a name can be put behind it. */
static char *trimmed(const char *path) {
	size_t len = strlen(path);
	char *copy = need_string(path);

	while (len > 1 && copy[len - 1] == '/')
		copy[--len] = '\0';
	return copy;
}

void do_bind(struct layout *l, const struct wish *w) {
	char *src = trimmed(w->src);
	struct place p;
	struct stat st;

	if (stat(src, &st) < 0) {
		if (!w->try || errno != ENOENT)
			die_errno("Can't find source path %s", w->src);
	} else {
		p = tree_find(&l->tree, w->dst, true);
		bind_kind(l, &p, src, &st, w);
		place_done(&p);
	}
	free(src);
}

void do_bind_fd(struct layout *l, const struct wish *w) {
	char *path = need_format("/proc/self/fd/%d", w->fd);
	struct record *r;
	struct place p;
	struct stat st;
	bool dir;

	if (fstat(w->fd, &st) < 0)
		die_errno("Can't stat fd %d", w->fd);
	p = tree_find(&l->tree, w->dst, true);
	dir = S_ISDIR(st.st_mode);
	if (!*p.path || source_kind(path, &st) != SOURCE_PLAIN) {
		char real[4096];
		ssize_t n = readlink(path, real, sizeof(real) - 1);

		real[n > 0 ? n : 0] = '\0';
		bind_kind(l, &p, real, &st, w);
	} else {
		node_replace(mount_at(l, &p, dir ? NODE_DIR : NODE_FILE, w),
		             dir ? NODE_DIR : NODE_FILE, path, w->ro);
		r = record_add(l, RECORD_BIND_FD, p.path);
		r->fd = w->fd;
		r->ro = w->ro;
	}
	place_done(&p);
	free(path);
}
