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
#include <stdlib.h>

#include "policy_place.h"
#include "policy_use.h"

#define MAX_LISTED 65536 /* entries of directories, for the '*' of all rules */

/* A rule, and what of its pattern is below the directory that is looked at. */
struct want {
	const struct policy_rule *rule;
	const char *rest; /* "/.ssh" */
};

struct walk {
	struct covers *covers;
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

/*
 * It is there, as w->path: does the last rule that matches it deny it? 1: what is below
 * need not be looked at any more.
 */
static int judge(struct walk *w, const struct stat *st) {
	const struct policy *p = w->covers->policy;
	const char *name[2] = { w->path, st->st_uid == p->uid ? w->own : NULL };
	const struct policy_rule *r = policy_find(p, "read", name);
	uint16_t op = CAISSON_OP_MASK;
	int rc;

	if (!r || r->verb != 'd') {
		r = w->covers->writable ? policy_find(p, "write", name) : NULL;
		op = CAISSON_OP_RDONLY;
	}
	if (!r || r->verb != 'd')
		return 0;
	rc = w->covers->add(w->covers, w->path + w->tree, op, r->line);
	return rc ? rc : op == CAISSON_OP_MASK;
}

static int descend(struct walk *w, int dir, const struct want *want, size_t n, size_t len);

/*
 * One entry of dir, whose path has that length: for those of the n rules whose next component
 * it is. With literal that is what it is to be the same as, else what is to match it.
 */
static int enter(struct walk *w, int dir, const char *name, const struct want *want, size_t n,
                 size_t len, bool literal) {
	size_t room = sizeof(w->own) - 4 - len, used = 0;
	int added = snprintf(w->path + len, room, "/%s", name), fd, rc = 0;
	struct want *inner = NULL;
	bool end = false;
	struct stat st;

	for (size_t i = 0; i < n; i++) {
		char is[256];
		const char *rest = want[i].rest + component(want[i].rest, is);

		if (literal ? strcmp(is, name) != 0
		            : !strpbrk(is, "*?") || fnmatch(is, name, 0) != 0)
			continue;
		end |= !*rest;
		if (!*rest)
			continue;
		if (!inner && !(inner = malloc(n * sizeof(*inner))))
			return error_set(w->err, ENOMEM, "asking the policy", "", "",
			                 "out of memory");
		inner[used++] = (struct want){ want[i].rule, rest };
	}
	/* What cannot be named or reached from here cannot be inside. A link's end has its own name. */
	if ((!end && !used) || added >= (int)room ||
	    len - w->tree + (size_t)added > CAISSON_PLAN_MAX_PATH ||
	    fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) < 0 || S_ISLNK(st.st_mode))
		rc = 1; /* nothing to be done */
	else if (end)
		rc = judge(w, &st);
	if (rc == 0 && used > 0 && S_ISDIR(st.st_mode)) {
		fd = openat(dir, name, O_PATH | O_NOFOLLOW | O_DIRECTORY | O_CLOEXEC);
		if (fd >= 0) {
			rc = descend(w, fd, inner, used, len + (size_t)added);
			close(fd);
		}
	}
	free(inner);
	return rc < 0 ? rc : 0;
}

static int too_much(struct walk *w, const struct policy_rule *rule, int error) {
	char place[512];

	policy_place(rule->line, place, sizeof(place));
	return error_set(w->err, error, "asking the policy", place, "grant a smaller tree",
	                 error == E2BIG ? "there is too much in %s to look for what the policy "
	                                  "denies there"
	                                : "%s cannot be listed, and what the policy denies below "
	                                  "it not be covered",
	                 w->path);
}

/* The '*' of rules, of which this is the first: every entry that one of them matches. */
static int each(struct walk *w, int dir, const struct policy_rule *rule, const struct want *want,
                size_t n, size_t len) {
	int fd = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC), rc = 0;
	DIR *list = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *entry;

	w->path[len] = '\0';
	if (!list) {
		int error = errno;

		if (fd >= 0)
			close(fd);
		return error == ENOENT ? 0 : too_much(w, rule, error);
	}
	/* cppcheck-suppress readdirCalled */ /* a DIR of our own */
	while (rc == 0 && (entry = readdir(list))) {
		if (++w->listed > MAX_LISTED) {
			w->path[len] = '\0';
			rc = too_much(w, rule, E2BIG);
		} else if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0) {
			rc = enter(w, dir, entry->d_name, want, n, len, false);
		}
	}
	closedir(list);
	return rc;
}

/* Each name is looked at once for all rules that have it, and the directory listed once. */
static int descend(struct walk *w, int dir, const struct want *want, size_t n, size_t len) {
	const struct policy_rule *listed = NULL;
	char is[256], before[256];
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < n; i++) {
		bool again = false;

		component(want[i].rest, is);
		if (strpbrk(is, "*?")) {
			listed = listed ? listed : want[i].rule;
			continue;
		}
		for (size_t j = 0; j < i && !again; j++) {
			component(want[j].rest, before);
			again = !strcmp(is, before);
		}
		rc = again ? 0 : enter(w, dir, is, want, n, len, true);
	}
	return rc == 0 && listed ? each(w, dir, listed, want, n, len) : rc;
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

/* The rules that deny something below the tree, whose name is w->path. */
static size_t find_wants(const struct walk *w, struct want *want) {
	const struct policy *p = w->covers->policy;
	size_t n = 0;

	for (uint32_t i = 0; i < p->rules; i++) {
		const struct policy_rule *r = &p->rule[i];
		const char *rest;

		if (r->verb != 'd' || (strcmp(r->kind, "read") != 0 &&
		                       (strcmp(r->kind, "write") != 0 || !w->covers->writable)))
			continue;
		rest = below(r->value, w->path);
		if (rest)
			want[n++] = (struct want){ r, rest };
	}
	return n;
}

int policy_covers(struct covers *covers, int tree, caisson_error **err) {
	struct walk w = { .covers = covers, .own = "@own", .err = err };
	struct want *want = malloc((covers->policy->rules + 1) * sizeof(*want));
	int rc;

	w.path = w.own + 4;
	if (!want)
		return error_set(err, ENOMEM, "asking the policy", "", "", "out of memory");
	rc = name_of(tree, w.path);
	if (rc < 0) {
		error_set(err, -rc, "asking the policy", "/proc", "", "/proc/self/fd: %s",
		          strerror(-rc));
	} else {
		w.tree = strlen(w.path);
		rc = descend(&w, tree, want, find_wants(&w, want), w.tree);
	}
	free(want);
	return rc;
}
