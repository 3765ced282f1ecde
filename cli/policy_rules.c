/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What is wrong with a rule, in words. policy_parse() says which line is none; what
 * would have been one is looked for here, word by word.
 */
#define _GNU_SOURCE
#include "policy.h"

#include <fnmatch.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "libclient/policy_use.h"

static const char GRANTS[] = CAISSON_POLICY_GRANTS, SETTINGS[] = CAISSON_POLICY_SETTINGS;

struct word {
	size_t column;
	char text[8192]; /* "": the line ends here */
};

static void take(const char *line, size_t *at, struct word *word) {
	size_t n;

	*at += strspn(line + *at, " \t");
	n = strcspn(line + *at, " \t");
	word->column = *at + 1;
	snprintf(word->text, sizeof(word->text), "%.*s", (int)(n < INT_MAX ? n : INT_MAX),
	         line + *at);
	*at += n;
}

static bool __attribute__((format(printf, 3, 4)))
expected(struct complaint *c, const struct word *word, const char *fmt, ...) {
	char what[300];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(what, sizeof(what), fmt, ap);
	va_end(ap);
	c->column = word->column;
	if (*word->text)
		snprintf(c->text, sizeof(c->text), "expected %s, found \"%.120s\"", what,
		         word->text);
	else
		snprintf(c->text, sizeof(c->text), "expected %s, found the end of the line", what);
	return true;
}

/* All kinds of a list "a= b=c b=d", or all words of one; comma-separated. */
static void words_of(const char *list, const char *kind, char *to, size_t size) {
	char last[32] = "", word[64];
	size_t used = 0;

	*to = '\0';
	for (const char *at = list; sscanf(at, " %63s", word) == 1;) {
		char *value = strchr(word, '=');

		at = strstr(at, word) + strlen(word);
		if (!value)
			continue;
		*value++ = '\0';
		if (kind ? !strcmp(word, kind) && *value : strcmp(word, last) != 0)
			used += (size_t)snprintf(to + used, used < size ? size - used : 0, "%s%s",
			                         used ? ", " : "", kind ? value : word);
		snprintf(last, sizeof(last), "%.31s", word);
	}
}

static bool has_kind(const char *list, const char *kind) {
	char text[64];

	return snprintf(text, sizeof(text), " %s=", kind) < (int)sizeof(text) && *kind &&
	       !strchr(kind, '=') && strstr(list, text);
}

/* A user's or group's name instead of its number. */
static bool complain_name(struct complaint *c, const struct word *who, const char *name) {
	bool group = !strncmp(who->text, "gid", 3) || !strncmp(who->text, "group", 5);
	bool certain = group || !strncmp(who->text, "uid", 3) || !strncmp(who->text, "user", 4);
	uint32_t id;

	for (int i = 0; i < (certain ? 1 : 2); i++, group = !group)
		if (id_of_name(group, name, &id))
			return expected(c, who,
			                "a number, as names are not looked up: %s:%u (%s %s)",
			                group ? "gid" : "uid", id, group ? "group" : "user", name);
	return false;
}

static bool complain_who(struct complaint *c, const struct word *who) {
	char text[sizeof(who->text)], *last = text, *first;
	const char *type;

	strcpy(text, who->text);
	if (!strcmp(text, "all"))
		return false;
	type = strsep(&last, ":");
	first = strsep(&last, "-");
	if ((strcmp(type, "uid") != 0 && strcmp(type, "gid") != 0) || !first)
		return complain_name(c, who, first ? first : type) ||
		       expected(c, who, "for whom: all, uid:N, uid:N-M, gid:N or gid:N-M");
	if (policy_number(first) < 0 || (last && policy_number(last) < 0))
		return complain_name(c, who, who->text + 4) ||
		       expected(c, who,
		                "a number up to 4294967295, or two with a - between, "
		                "without a 0 in front");
	if (last && policy_number(first) > policy_number(last))
		return expected(c, who, "a range whose first number is the smaller one");
	return false;
}

static bool complain_path(struct complaint *c, const struct word *value, const char *kind,
                          char verb) {
	const char *path = value->text;
	size_t len;

	if (!strncmp(path, "@own/", 5) && verb != 'a')
		return expected(c, value, "a path without @own, which only allow has");
	path += strncmp(path, "@own/", 5) != 0 ? 0 : 4;
	len = strlen(path);
	if (*path != '/')
		return expected(c, value, "%s",
		                !strcmp(kind, "device") ? "an absolute path, or MAJOR:MINOR"
		                                        : "an absolute path");
	if (strpbrk(path, "[\\"))
		return expected(c, value, "a path in which only * and ? stand for something");
	if (len > 1 && path[len - 1] == '/')
		return expected(c, value, "a path without a slash at its end");
	if (len > 1 && !plan_canonical(path, len))
		return expected(c, value, "a path without empty components, . and ..");
	return false;
}

static bool complain_value(struct complaint *c, const struct word *value, const char *kind,
                           char verb) {
	const char *list = verb == 's' ? SETTINGS : GRANTS;
	char words[200];

	words_of(list, kind, words, sizeof(words));
	if (*words) {
		char text[80];

		snprintf(text, sizeof(text), " %.30s=%.40s ", kind, value->text);
		return !*value->text || !strstr(list, text) ? expected(c, value, "one of %s", words)
		                                            : false;
	}
	if (!*value->text)
		return expected(c, value, "%s", verb == 's' ? "a number or unlimited" : "a path");
	return verb != 's' && strcmp(kind, "label") != 0 ? complain_path(c, value, kind, verb)
	                                                 : false;
}

bool line_complaint(const char *line, struct complaint *c) {
	struct word verb, who, kind, value, more;
	const char *list, *other;
	char kinds[200];
	size_t at = 0;

	take(line, &at, &verb);
	take(line, &at, &who);
	take(line, &at, &kind);
	take(line, &at, &value);
	take(line, &at, &more);
	if (!*verb.text || *verb.text == '#')
		return false;
	if (strcmp(verb.text, "allow") != 0 && strcmp(verb.text, "deny") != 0 &&
	    strcmp(verb.text, "set") != 0)
		return expected(c, &verb, "allow, deny or set");
	if (!*who.text)
		return expected(c, &who, "for whom: all, uid:N, uid:N-M, gid:N or gid:N-M");
	if (complain_who(c, &who))
		return true;
	list = *verb.text == 's' ? SETTINGS : GRANTS;
	other = *verb.text == 's' ? GRANTS : SETTINGS;
	words_of(list, NULL, kinds, sizeof(kinds));
	if (!has_kind(list, kind.text) && has_kind(other, kind.text))
		return expected(c, &kind, "one of %s (%s is for %s)", kinds, kind.text,
		                *verb.text == 's' ? "allow and deny" : "set");
	if (!has_kind(list, kind.text))
		return expected(c, &kind, "one of %s", kinds);
	if (complain_value(c, &value, kind.text, *verb.text))
		return true;
	if (*more.text && *more.text != '#')
		return expected(c, &more, "the end of the line, or a comment");
	return *verb.text == 's' &&
	       expected(c, &value, "unlimited, or a number with K, M, G or T behind it or without");
}

/* ------------------------------------------------------- rules that decide nothing */

/* Is everybody that b is for among those of a? */
static bool who_includes(const struct policy_rule *a, const struct policy_rule *b) {
	bool all = !a->gid && a->first == 0 && a->last == UINT32_MAX;

	return all || (a->gid == b->gid && a->first <= b->first && a->last >= b->last);
}

/* Does the pattern a match whatever the pattern b does? No is always a good answer. */
static bool value_includes(const struct policy_rule *a, const struct policy_rule *b) {
	const char *x = a->value, *y = b->value;

	if (a->verb == 's' || !strcmp(x, y))
		return true;
	if ((*x && *x != '/' && *x != '@') || (*y && *y != '/' && *y != '@'))
		return false; /* words, numbers of devices */
	if (*x == '@' && *y != '@')
		return false;
	x += *x == '@' ? 4 : 0;
	y += *y == '@' ? 4 : 0;
	while (*x) {
		size_t n = 1 + strcspn(x + 1, "/"), m = *y ? 1 + strcspn(y + 1, "/") : 0;
		char want[256], is[256];

		if (m == 0 || n > sizeof(want) || m > sizeof(is))
			return false;
		snprintf(want, sizeof(want), "%.*s", (int)n - 1, x + 1);
		snprintf(is, sizeof(is), "%.*s", (int)m - 1, y + 1);
		if (strcmp(want, "*") != 0 && strcmp(want, is) != 0 &&
		    (strpbrk(is, "*?") || fnmatch(want, is, 0) != 0))
			return false;
		x += n;
		y += m;
	}
	return true;
}

/* A maximum that refuses every sandbox, or that none could reach. */
static bool range_complaint(const struct policy_rule *r, char *text, size_t size) {
	uint64_t least, most;
	const char *unit;

	if (r->verb != 's' || r->number == UINT64_MAX ||
	    !policy_range(r->kind, &least, &most, &unit))
		return false;
	if (r->number < least)
		snprintf(text, size, "with at most %llu %s no sandbox can run: it takes %llu",
		         (unsigned long long)r->number, unit, (unsigned long long)least);
	else if (r->number > most)
		snprintf(text, size, "it limits nothing: more than %llu %s no sandbox has",
		         (unsigned long long)most, unit);
	return r->number < least || r->number > most;
}

bool rule_complaint(const struct policy *p, uint32_t rule, char *text, size_t size) {
	const struct policy_rule *r = &p->rule[rule], *later;
	const char *path = r->value + (*r->value == '@' ? 4 : 0);

	for (later = r + 1; later < p->rule + p->rules; later++)
		if (later->line >> 20 == r->line >> 20 &&
		    (later->verb == 's') == (r->verb == 's') && !strcmp(later->kind, r->kind) &&
		    who_includes(later, r) && value_includes(later, r)) {
			snprintf(text, size,
			         "it never decides anything: line %u matches all that it does, and "
			         "the last that matches decides",
			         later->line & 0xfffff);
			return true;
		}
	if (!r->gid && r->first == 0 && r->last == 0) {
		snprintf(text, size, "it never decides anything: root gets no sandbox at all");
		return true;
	}
	if (r->verb == 'a' && (!strcmp(r->kind, "read") || !strcmp(r->kind, "write")) &&
	    (!fnmatch("/proc", path, FNM_LEADING_DIR) || !fnmatch("/sys", path, FNM_LEADING_DIR))) {
		snprintf(text, size,
		         "it never decides anything: /proc and /sys show the kernel's own state, "
		         "which is never granted");
		return true;
	}
	return range_complaint(r, text, size);
}

bool rule_note(const struct policy_rule *r, char *text, size_t size) {
	const char *path = r->value + (*r->value == '@' ? 4 : 0);
	size_t plain = strcspn(path, "*?"); /* of a pattern the directory that it begins with */
	char *start, *real = NULL;
	bool other;

	while (path[plain] && plain > 0 && path[plain] != '/')
		plain--;
	start = *path == '/' && plain > 0 ? strndup(path, plain) : NULL;
	real = start ? realpath(start, NULL) : NULL;
	other = real && strcmp(real, start) != 0;
	if (other)
		snprintf(text, size,
		         "%s is %s here, behind a symbolic link: rules know what is there by that "
		         "name only",
		         start, real);
	free(real);
	free(start);
	return other;
}
