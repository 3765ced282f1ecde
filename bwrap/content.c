/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Files with what comes out of a descriptor, links, modes, locks. */
#define _GNU_SOURCE
#include "layout.h"
#include "host.h"
#include "say.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char *content_of(const struct wish *w, size_t *size) {
	char *data = read_whole(w->fd, size);

	if (!data)
		die_errno("Can't read data from fd %d for %s", w->fd, w->dst);
	return data;
}

static bool write_whole(int fd, const char *data, size_t size) {
	while (size > 0) {
		ssize_t n = write(fd, data, size);

		if (n < 0 && errno != EINTR)
			return false;
		data += n > 0 ? n : 0;
		size -= n > 0 ? (size_t)n : 0;
	}
	return true;
}

static unsigned file_mode(const struct wish *w, unsigned otherwise) {
	unsigned mode = w->perms >= 0 ? (unsigned)w->perms : otherwise;

	if (mode & 06000)
		die("%s %s: setuid and setgid bits are never set", w->option, w->dst);
	return mode & 0777;
}

/* In a tree of the host's, by the user, as bubblewrap would. */
static void file_on_host(int fd, const struct wish *w) {
	size_t size;
	char *data;

	if (fd < 0)
		die_errno("Can't create file %s", w->dst);
	data = content_of(w, &size);
	if (!write_whole(fd, data, size))
		die_errno("Can't write data to file %s", w->dst);
	close(fd);
	free(data);
}

/* A file of the sandbox's own. */
static struct record *file_here(struct layout *l, struct place *p, unsigned mode,
                                const struct wish *w) {
	struct record *r;
	struct node *n;
	size_t size;
	char *data = content_of(w, &size);

	n = mount_at(l, p, NODE_FILE, w); /* what was there is not made */
	n->kind = NODE_FILE;
	r = record_add(l, RECORD_FILE, p->path);
	r->data = data;
	r->size = size;
	r->mode = mode;
	n->made = (int)(l->records - 1);
	return r;
}

void do_file(struct layout *l, const struct wish *w) {
	struct place p = tree_find(&l->tree, w->dst, true);
	const char *last;
	struct node *in;

	errno = EISDIR;
	if (!*p.path || (p.node && p.node->kind == NODE_DIR))
		die_errno("Can't create file %s", w->dst);
	if (p.node && p.node->host) {
		file_on_host(host_open(p.node, O_WRONLY | O_TRUNC), w);
	} else {
		in = make_parents(l, &p, w, &last);
		if (is_host(in)) {
			file_on_host(host_create(in, last, O_WRONLY | O_TRUNC, file_mode(w, 0666)),
			             w);
		} else {
			place_done(&p);
			p = tree_find(&l->tree, w->dst, true);
			file_here(l, &p, file_mode(w, 0666), w);
		}
	}
	place_done(&p);
}

/*
 * In place of a file in a tree of the host's something has to be mounted that has a
 * name on the host: a file in the user's own runtime directory, until it is.
 */
static int file_for_a_while(struct layout *l, const struct wish *w) {
	const char *dir = getenv("XDG_RUNTIME_DIR");
	size_t size;
	char *path, *data = content_of(w, &size);
	int fd, error;

	path = need_format("%s/.caisson-bwrap-XXXXXX", dir && *dir == '/' ? dir : "/tmp");
	fd = mkostemp(path, O_CLOEXEC);
	if (fd < 0)
		die_errno("Can't create tmpfile for %s", w->dst);
	l->temporary = need_room(l->temporary, l->temporaries, sizeof(*l->temporary));
	l->temporary[l->temporaries++] = path;
	if (!write_whole(fd, data, size) || fchmod(fd, file_mode(w, 0600)) < 0) {
		error = errno;
		layout_tidy(l);
		errno = error;
		die_errno("Can't write data to file %s", w->dst);
	}
	free(data);
	return fd;
}

void do_data(struct layout *l, const struct wish *w) {
	struct place p = tree_find(&l->tree, w->dst, true);
	struct record *r;
	struct node *in;
	const char *last;

	errno = EISDIR;
	if (!*p.path || (p.node && p.node->kind == NODE_DIR))
		die_errno("Can't create file at %s", w->dst);
	in = make_parents(l, &p, w, &last);
	if ((p.node && p.node->host) || is_host(in)) {
		place_done(&p);
		p = tree_find(&l->tree, w->dst, true);
		node_replace(mount_at(l, &p, NODE_FILE, w), NODE_FILE, NULL, w->ro);
		r = record_add(l, RECORD_BIND_FD, p.path);
		r->fd = file_for_a_while(l, w);
		r->ro = w->ro;
	} else {
		place_done(&p);
		p = tree_find(&l->tree, w->dst, true);
		file_here(l, &p, file_mode(w, 0600), w);
		if (w->ro && p.in->parent) /* in the root itself nothing can be changed anyway */
			record_add(l, RECORD_RDONLY, p.path);
	}
	place_done(&p);
}

static void link_is_there(const char *target, const struct wish *w) {
	if (!target)
		die("Can't make symlink at %s: destination exists and is not a symlink", w->dst);
	if (strcmp(target, w->src) != 0)
		die("Can't make symlink at %s: existing destination is %s", w->dst, target);
}

void do_symlink(struct layout *l, const struct wish *w) {
	struct place p = tree_find(&l->tree, w->dst, false);
	struct record *r;
	struct node *in, *n;
	const char *last;
	char *path;

	if (p.node) {
		link_is_there(p.node->target, w);
		place_done(&p);
		return;
	}
	in = make_parents(l, &p, w, &last);
	if (is_host(in)) {
		if (host_symlink(in, last, w->src) < 0)
			die_errno("Can't make symlink at %s", w->dst);
	} else {
		errno = ENOENT;
		if (!*w->src)
			die_errno("Can't make symlink at %s", w->dst);
		n = node_new(in, last, NODE_LINK);
		n->target = need_string(w->src);
		path = node_path(n);
		r = record_add(l, RECORD_SYMLINK, path);
		r->src = need_string(w->src);
		free(path);
	}
	place_done(&p);
}

void do_chmod(struct layout *l, const struct wish *w) {
	struct place p = tree_find(&l->tree, w->dst, true);
	struct node *n = p.node;

	errno = ENOENT;
	if (!n)
		die_errno("Can't chmod %#o %s", (unsigned)w->perms, w->dst);
	if (w->perms & 06000)
		die("Can't chmod %#o %s: setuid and setgid bits are never set", (unsigned)w->perms,
		    w->dst);
	if (n->made >= 0 && !n->host) {
		l->record[n->made].mode =
			(unsigned)w->perms & (n->kind == NODE_DIR ? 01777u : 0777u);
	} else {
		errno = EROFS;
		if ((!n->host || host_chmod(n, (mode_t)w->perms) < 0) &&
		    (n->parent || w->perms != 0755)) /* as the root is */
			die_errno("Can't chmod %#o %s", (unsigned)w->perms, w->dst);
	}
	place_done(&p);
}

void do_remount_ro(struct layout *l, const struct wish *w) {
	struct place p = tree_find(&l->tree, w->dst, true);

	errno = ENOENT;
	if (!p.node)
		die_errno("Can't remount readonly on %s", w->dst);
	if (*p.path) {
		record_add(l, RECORD_RDONLY, p.path);
	} else {
		/* What came along with a root and is on its mount, too. */
		for (size_t i = 0; i < l->records; i++)
			if (l->record[i].implicit && l->record[i].same)
				l->record[i].ro = true;
		l->root_ro = true;
	}
	if (p.node->host && *p.path)
		p.node->ro = true;
	place_done(&p);
}

/* Held by this process, which is there as long as the sandbox is. */
void do_lock(struct layout *l, const struct wish *w) {
	struct place p = tree_find(&l->tree, w->dst, true);
	struct flock lock = { .l_type = F_RDLCK, .l_whence = SEEK_SET };
	int fd;

	errno = ENOENT;
	if (!p.node)
		die_errno("Unable to open lock file %s", w->dst);
	if (p.node->host) { /* another one nobody outside can see */
		fd = host_open(p.node, O_RDONLY);
		if (fd < 0)
			die_errno("Unable to open lock file %s", w->dst);
		if (fcntl(fd, F_SETLK, &lock) < 0)
			die_errno("Unable to lock file %s", w->dst);
	}
	place_done(&p);
}
