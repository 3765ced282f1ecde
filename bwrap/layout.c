/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define _GNU_SOURCE
#include "layout.h"
#include "host.h"
#include "say.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "internal.h"

#define ROOT_ROOM                                                                                  \
	(1u << 20) /* of the 4 MiB that the sandbox's root holds: files with --remount-ro / */

void layout_init(struct layout *l) {
	*l = (struct layout){ .records = 0 };
	tree_init(&l->tree);
}

struct record *record_add(struct layout *l, enum record_kind kind, const char *path) {
	struct record *r;

	l->record = need_room(l->record, l->records, sizeof(*l->record));
	r = &l->record[l->records++];
	*r = (struct record){ .kind = kind, .fd = -1, .path = need_string(path) };
	return r;
}

void hide(struct layout *l, const char *path) {
	size_t len = strlen(path);

	for (size_t i = 0; i < l->records; i++) {
		struct record *r = &l->record[i];

		if (!r->dead && strncmp(r->path, path, len) == 0 &&
		    (r->path[len] == '/' || r->path[len] == '\0'))
			r->dead = true;
	}
}

/* --------------------------------------------------------- making directories */

/* The root itself is always the sandbox's own: what stands in it can be added to. */
bool is_host(const struct node *dir) {
	return dir->host && dir->parent;
}

/* As bubblewrap: what the one asked for keeps from others, its parents do too. */
static unsigned parent_mode(const struct wish *w) {
	unsigned mode = 0755;

	if (w->perms >= 0 && !(w->perms & 070))
		mode &= ~050u;
	if (w->perms >= 0 && !(w->perms & 07))
		mode &= ~05u;
	return mode;
}

static void plain_mode(const struct wish *w, unsigned mode) {
	if (mode & ~01777u)
		die("%s %s: setuid and setgid bits are never set", w->option, w->dst);
}

static struct node *new_dir(struct layout *l, struct node *in, const char *name, unsigned mode,
                            const struct wish *w) {
	struct node *n;
	struct record *r;
	char *path;

	plain_mode(w, mode);
	if (is_host(in)) {
		if (host_mkdir(in, name, mode) < 0 && errno != EEXIST)
			die_errno("Can't mkdir %s", w->dst);
		n = node_new(in, name, NODE_DIR);
		n->host = need_format("%s/%s", in->host, name);
		n->ro = in->ro;
		return n;
	}
	n = node_new(in, name, NODE_DIR);
	path = node_path(n);
	/* The sandbox's root is read-only: a directory in it, to be written to, is a tmpfs. */
	r = record_add(l, in->parent ? RECORD_DIR : RECORD_TMPFS, path);
	r->scratch = !in->parent;
	r->mode = mode;
	n->made = (int)(l->records - 1);
	free(path);
	return n;
}

struct node *make_parents(struct layout *l, struct place *p, const struct wish *w,
                          const char **last) {
	struct node *in = p->in;
	char *rest = p->rest, *slash;

	if (p->node) {
		*last = p->node->name;
		return p->node->parent;
	}
	while ((slash = strchr(rest, '/'))) {
		*slash = '\0';
		in = new_dir(l, in, rest, parent_mode(w), w);
		rest = slash + 1;
	}
	*last = rest;
	return in;
}

void make_dir(struct layout *l, struct place *p, unsigned mode, const struct wish *w) {
	const char *last;
	struct node *in;

	if (p->node && p->node->kind == NODE_DIR)
		return;
	errno = EEXIST;
	if (p->node)
		die_errno("Can't mkdir %s", w->dst);
	in = make_parents(l, p, w, &last);
	new_dir(l, in, last, mode, w);
}

struct node *mount_at(struct layout *l, struct place *p, enum node_kind kind,
                      const struct wish *w) {
	struct node *n = p->node, *in;
	const char *last;
	int fd;

	hide(l, p->path);
	if (n)
		return n;
	in = make_parents(l, p, w, &last);
	if (!is_host(in))
		return node_new(in, last, kind); /* caisson-helper makes it */
	if (kind == NODE_DIR) {
		if (host_mkdir(in, last, 0755) < 0 && errno != EEXIST)
			die_errno("Can't mkdir %s", w->dst);
	} else {
		fd = host_create(in, last, O_RDONLY, 0444);
		if (fd < 0)
			die_errno("Can't create file at %s", w->dst);
		close(fd);
	}
	return node_new(in, last, kind);
}

/* ---------------------------------------------------------------- new mounts */

static void refuse_root(const struct place *p, const struct wish *w) {
	if (!*p->path)
		die("%s %s: nothing but a tree or a tmpfs can be the sandbox's root", w->option,
		    w->dst);
}

void do_proc(struct layout *l, struct place *p, const struct wish *w) {
	refuse_root(p, w);
	/* What is in it is known from the host's, links to the process itself aside. */
	node_replace(mount_at(l, p, NODE_DIR, w), NODE_DIR, "/proc", true);
	record_add(l, RECORD_PROC, p->path);
}

void do_dev(struct layout *l, struct place *p, const struct wish *w) {
	static const char *const files[] = { "null", "zero", "full", "random", "urandom", "tty" };
	static const char *const links[][2] = {
		{ "fd", "/proc/self/fd" },       { "stdin", "/proc/self/fd/0" },
		{ "stdout", "/proc/self/fd/1" }, { "stderr", "/proc/self/fd/2" },
		{ "ptmx", "pts/ptmx" },          { "core", "/proc/kcore" },
	};
	static const char *const dirs[] = { "shm", "pts", "mqueue" };
	struct node *dev;
	struct record *r;
	char *core;

	refuse_root(p, w);
	dev = mount_at(l, p, NODE_DIR, w);
	node_replace(dev, NODE_DIR, NULL, false);
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++)
		node_new(dev, files[i], NODE_FILE)->device = true;
	for (size_t i = 0; i < sizeof(links) / sizeof(links[0]); i++)
		node_new(dev, links[i][0], NODE_LINK)->target = need_string(links[i][1]);
	for (size_t i = 0; i < sizeof(dirs) / sizeof(dirs[0]); i++)
		node_new(dev, dirs[i], NODE_DIR)->mounted = i < 2;
	record_add(l, RECORD_DEV, p->path);
	core = need_format("%s/core", p->path);
	r = record_add(l, RECORD_SYMLINK, core);
	r->src = need_string("/proc/kcore");
	free(core);
}

static void do_tmpfs(struct layout *l, struct place *p, const struct wish *w) {
	struct record *r;
	struct node *n;

	n = mount_at(l, p, NODE_DIR, w);
	node_replace(n, NODE_DIR, NULL, false);
	if (!*p->path)
		return; /* the root is one already */
	r = record_add(l, RECORD_TMPFS, p->path);
	r->mode = w->perms >= 0 ? (unsigned)w->perms : 0755;
	plain_mode(w, r->mode);
	r->size = w->size;
	n->made = (int)(l->records - 1);
}

static void do_mqueue(struct layout *l, struct place *p, const struct wish *w) {
	refuse_root(p, w);
	node_replace(mount_at(l, p, NODE_DIR, w), NODE_DIR, NULL, true);
	record_add(l, RECORD_MQUEUE, p->path);
}

void layout_apply(struct layout *l, const struct wish *w) {
	static void (*const by_themselves[])(struct layout *, const struct wish *) = {
		[WISH_BIND] = do_bind,       [WISH_BIND_FD] = do_bind_fd,
		[WISH_FILE] = do_file,       [WISH_DATA] = do_data,
		[WISH_SYMLINK] = do_symlink, [WISH_REMOUNT_RO] = do_remount_ro,
		[WISH_CHMOD] = do_chmod,     [WISH_LOCK] = do_lock,
	};
	struct place p;

	if (by_themselves[w->kind]) {
		by_themselves[w->kind](l, w);
		return;
	}
	p = tree_find(&l->tree, w->dst, true);
	switch (w->kind) {
	case WISH_DIR:
		make_dir(l, &p, w->perms >= 0 ? (unsigned)w->perms : 0755, w);
		break;
	case WISH_TMPFS:
		do_tmpfs(l, &p, w);
		break;
	case WISH_PROC:
		do_proc(l, &p, w);
		break;
	case WISH_DEV:
		do_dev(l, &p, w);
		break;
	default:
		do_mqueue(l, &p, w);
		break;
	}
	place_done(&p);
}

/* ------------------------------------------------------------------- the end */

/* One procfs and one /dev are to be had: those that came along with a root make way. */
static void only_one(struct layout *l, enum record_kind kind) {
	size_t n = 0;

	for (size_t i = 0; i < l->records; i++)
		n += l->record[i].kind == kind && !l->record[i].dead;
	for (size_t i = 0; n > 1 && i < l->records; i++) {
		struct record *r = &l->record[i];

		if (r->kind == kind && r->implicit && !r->dead) {
			hide(l, r->path); /* with what stands in it */
			record_add(l, RECORD_DIR, l->record[i].path)->mode = 0555;
			n--;
		}
	}
	if (n > 1)
		die("A second %s was asked for: a sandbox has one",
		    kind == RECORD_PROC ? "procfs" : "/dev");
}

static size_t data_in(const struct layout *l) {
	size_t bytes = 0;

	for (size_t i = 0; i < l->records; i++)
		if (l->record[i].kind == RECORD_FILE && !l->record[i].dead)
			bytes += l->record[i].size;
	return bytes;
}

/* Of --remount-ro /: what there would be a tmpfs for can as well lie in the root itself. */
static void settle_scratch(struct layout *l) {
	bool small = data_in(l) < ROOT_ROOM;
	size_t n = l->records;

	for (size_t i = 0; l->root_ro && i < n; i++) {
		struct record *r = &l->record[i];

		if (!r->scratch || r->dead)
			continue;
		if (small)
			r->kind = RECORD_DIR;
		else
			record_add(l, RECORD_RDONLY, l->record[i].path);
	}
}

void layout_finish(struct layout *l) {
	only_one(l, RECORD_PROC);
	only_one(l, RECORD_DEV);
	settle_scratch(l);
}

void layout_tidy(struct layout *l) {
	for (size_t i = 0; i < l->temporaries; i++)
		unlink(l->temporary[i]);
	l->temporaries = 0;
}

static uint64_t half_of_memory(void) {
	return (uint64_t)sysconf(_SC_PHYS_PAGES) * (uint64_t)sysconf(_SC_PAGESIZE) / 2;
}

static void describe(const struct record *r, caisson_spec *spec) {
	const uint64_t most = UINT64_C(1) << 50;

	switch (r->kind) {
	case RECORD_BIND:
		caisson_spec_bind(spec, r->src, r->path, r->ro ? CAISSON_RDONLY : 0);
		break;
	case RECORD_BIND_FD:
		caisson_spec_bind_fd(spec, r->fd, r->path, r->ro ? CAISSON_RDONLY : 0);
		break;
	case RECORD_TMPFS:
		caisson_spec_tmpfs(spec, r->path,
		                   r->size == 0     ? half_of_memory()
		                   : r->size > most ? most
		                                    : r->size,
		                   r->mode);
		break;
	case RECORD_DIR:
		caisson_spec_dir(spec, r->path, r->mode);
		break;
	case RECORD_FILE:
		caisson_spec_data(spec, r->data, r->size, r->path, r->mode);
		break;
	case RECORD_SYMLINK:
		caisson_spec_symlink(spec, r->src, r->path);
		break;
	case RECORD_PROC:
		caisson_spec_proc(spec, r->path);
		break;
	case RECORD_DEV:
		caisson_spec_dev(spec, r->path);
		break;
	case RECORD_DEVICE:
		caisson_spec_device(spec, r->src, r->path);
		break;
	case RECORD_MQUEUE:
		caisson_spec_mqueue(spec, r->path);
		break;
	case RECORD_RDONLY:
		caisson_spec_readonly(spec, r->path);
		break;
	}
}

void layout_describe(const struct layout *l, caisson_spec *spec) {
	spec->policy = l->policy;
	for (size_t i = 0; i < l->records; i++)
		if (!l->record[i].dead)
			describe(&l->record[i], spec);
}
