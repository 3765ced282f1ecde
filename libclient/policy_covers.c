/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Covers: a grant shows all that lies below it, the helper judges its root alone.
 * What a rule denies below is looked for in the tree itself and covered in the
 * sandbox. That keeps it from the target. The caller may leave the covers out: they
 * hide nothing that it could not open without a sandbox.
 */
#include <dirent.h>
#include <fnmatch.h>
#include <limits.h>

#include "policy_place.h"
#include "policy_use.h"

#define MAX_LISTED 65536 /* entries of directories, for the '*' of all rules */

struct walk {
	struct covers *covers;
	const struct policy_rule *rule;
	char own[4 + 2 * PATH_MAX]; /* "@own", */
	char *path;                 /* and behind it the host's name of what is looked at */
	size_t tree;                /* so long is the tree's */
	unsigned listed;
	caisson_error **err;
};

/* The first component, of a text that begins with a slash; its length with that. */
static size_t component(const char *text, char name[256]) {
	size_t n = strcspn(text + 1, "/");

	memcpy(name, text + 1, n < 255 ? n : 255);
	name[n < 255 ? n : 255] = '\0';
	return n + 1;
}

/* What of the pattern is left below that path; NULL: it is not about anything there. */
static const char *below(const char *pattern, const char *path) {
	char want[256], is[256];

	while (*path) {
		if (!*pattern)
			return NULL;
		pattern += component(pattern, want);
		path += component(path, is);
		if (fnmatch(want, is, 0) != 0)
			return NULL;
	}
	return *pattern ? pattern : NULL;
}

/* It is there, as w->path: does the last rule that matches it deny it? */
static int judge(struct walk *w, const struct stat *st) {
	const struct policy *p = w->covers->policy;
	const char *name[2] = { w->path, st->st_uid == p->uid ? w->own : NULL };
	const struct policy_rule *r = policy_find(p, "read", name);
	uint16_t op = CAISSON_OP_MASK;

	if (!r || r->verb != 'd') {
		r = w->covers->writable ? policy_find(p, "write", name) : NULL;
		op = CAISSON_OP_RDONLY;
	}
	if (!r || r->verb != 'd')
		return 0;
	return w->covers->add(w->covers, w->path + w->tree, op, r->line);
}

static int descend(struct walk *w, int dir, const char *rest, size_t len);

/* One entry of dir, whose path has that length; rest is what the rule has behind it. */
static int enter(struct walk *w, int dir, const char *name, const char *rest, size_t len) {
	size_t room = sizeof(w->own) - 4 - len;
	int n = snprintf(w->path + len, room, "/%s", name), fd, rc;
	struct stat st;

	/* What cannot be named or reached from here cannot be inside. A link's end has its own name. */
	if (n >= (int)room || len - w->tree + (size_t)n > CAISSON_PLAN_MAX_PATH ||
	    fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) < 0 || S_ISLNK(st.st_mode))
		return 0;
	if (!*rest)
		return judge(w, &st);
	if (!S_ISDIR(st.st_mode))
		return 0;
	fd = openat(dir, name, O_PATH | O_NOFOLLOW | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return 0;
	rc = descend(w, fd, rest, len + (size_t)n);
	close(fd);
	return rc;
}

static int too_much(struct walk *w, int error) {
	char place[512];

	policy_place(w->rule->line, place, sizeof(place));
	return error_set(w->err, error, "asking the policy", place, "grant a smaller tree",
	                 error == E2BIG ? "there is too much in %s to look for what the policy "
	                                  "denies there"
	                                : "%s cannot be listed, and what the policy denies below "
	                                  "it not be covered",
	                 w->path);
}

/* The '*' of a rule: every entry that it matches. */
static int each(struct walk *w, int dir, const char *want, const char *rest, size_t len) {
	int fd = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC), rc = 0;
	DIR *list = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *entry;

	w->path[len] = '\0';
	if (!list) {
		int error = errno;

		if (fd >= 0)
			close(fd);
		return error == ENOENT ? 0 : too_much(w, error);
	}
	/* cppcheck-suppress readdirCalled */ /* a DIR of our own */
	while (rc == 0 && (entry = readdir(list))) {
		if (++w->listed > MAX_LISTED) {
			w->path[len] = '\0';
			rc = too_much(w, E2BIG);
		} else if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0 &&
		           fnmatch(want, entry->d_name, 0) == 0) {
			rc = enter(w, dir, entry->d_name, rest, len);
		}
	}
	closedir(list);
	return rc;
}

static int descend(struct walk *w, int dir, const char *rest, size_t len) {
	char want[256];

	rest += component(rest, want);
	return strpbrk(want, "*?") ? each(w, dir, want, rest, len) : enter(w, dir, want, rest, len);
}

/* The kernel's name of it, as the helper has it: of "/" it is "". */
static int name_of(int tree, char *path) {
	char link[32];
	ssize_t n;

	snprintf(link, sizeof(link), "/proc/self/fd/%d", tree);
	n = readlink(link, path, PATH_MAX - 1);
	path[n > 1 ? n : 0] = '\0';
	return n < 0 ? -errno : 0;
}

int policy_covers(struct covers *covers, int tree, caisson_error **err) {
	const struct policy *p = covers->policy;
	struct walk w = { .covers = covers, .own = "@own", .err = err };
	bool named = false;
	int rc = 0;

	w.path = w.own + 4;
	for (uint32_t i = 0; rc == 0 && i < p->rules; i++) {
		const struct policy_rule *r = w.rule = &p->rule[i];
		const char *rest;

		if (r->verb != 'd' || (strcmp(r->kind, "read") != 0 &&
		                       (strcmp(r->kind, "write") != 0 || !covers->writable)))
			continue;
		if (!named) {
			rc = name_of(tree, w.path);
			if (rc < 0)
				return error_set(err, -rc, "asking the policy", "/proc", "",
				                 "/proc/self/fd: %s", strerror(-rc));
			w.tree = strlen(w.path);
			named = true;
		}
		w.path[w.tree] = '\0';
		rest = below(r->value, w.path);
		if (rest)
			rc = descend(&w, tree, rest, w.tree);
	}
	return rc;
}
