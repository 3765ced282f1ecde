/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a caller may give a sandbox: the last of root's rules that matches
 * decides, and what none matches is denied. What is never granted does not
 * depend on any of them.
 */
#include "policy.h"

#include <fnmatch.h>

/* Is "a=b", or a alone, in the list? Blanks are around all that is in it. */
static bool in(const char *list, const char *a, const char *b) {
	size_t n = strlen(a), m = b ? strlen(b) : 0;

	for (; *list; list += strcspn(list, " "))
		if (!strncmp(++list, a, n) &&
		    (!b || (list[n] == '=' && !strncmp(list + n + 1, b, m))) &&
		    list[b ? n + 1 + m : n] == ' ')
			return true;
	return false;
}

bool policy_kernel_fs(const char *fstype) {
	return in(CAISSON_KERNEL_FS, fstype, NULL);
}

int64_t policy_number(const char *text) {
	int64_t n = 0;

	for (const char *c = text; c && *c; c++)
		if (*c < '0' || *c > '9' || (c > text && n == 0) ||
		    (n = 10 * n + *c - '0') > UINT32_MAX)
			return -1;
	return text && *text ? n : -1;
}

/* "all", "uid:N", "uid:N-M", "gid:N", "gid:N-M" */
static bool parse_who(struct policy_rule *r, char *who) {
	const char *type = strsep(&who, ":"), *first = strsep(&who, "-");

	r->gid = *type == 'g';
	r->first = first ? policy_number(first) : 0;
	r->last = who ? policy_number(who) : first ? r->first : UINT32_MAX;
	return in(first ? " uid gid " : " all ", type, NULL) && 0 <= r->first &&
	       r->first <= r->last;
}

/* A number, with K, M, G or T behind it or without; or "unlimited". */
static bool parse_number(struct policy_rule *r) {
	char *unit = r->value + strcspn(r->value, "KMGT");
	unsigned shift = 10 * (unsigned)strlen(strchr("TGMK", *unit));
	int64_t n;

	if (shift && !unit[1])
		*unit = '\0';
	n = policy_number(r->value);
	r->number = n < 0 ? UINT64_MAX : (uint64_t)n << shift;
	return n < 0 ? !strcmp(r->value, "unlimited") : n <= INT64_MAX >> shift;
}

/* An absolute path, behind "@own" if it has to be the caller's own. A device has numbers, too. */
static bool parse_path(struct policy_rule *r) {
	char *path = r->value;

	if (*r->kind == 'l' || (*r->kind == 'd' && strspn(path, "0123456789:*") == strlen(path)))
		return true;
	path += r->verb == 'a' && !strncmp(path, "@own/", 5) ? 4 : 0;
	if (!strcmp(path, "/"))
		*path = '\0';
	return !*path || (!strpbrk(path, "[\\") && plan_canonical(path, strlen(path)));
}

/* VERB WHO KIND VALUE [#...] */
static uint32_t parse_line(struct policy *p, char *line) {
	struct policy_rule *r = &p->rule[p->rules];
	char *verb = strtok_r(line, " \t", &line), *who = strtok_r(NULL, " \t", &line);
	char *kind = strtok_r(NULL, " \t", &line), *value = strtok_r(NULL, " \t", &line);
	char *more = strtok_r(NULL, " \t", &line);
	const char *list;

	if (!verb || *verb == '#')
		return 0;
	if (p->rules == POLICY_MAX_RULES)
		return CAISSON_POLICY_SIZE;
	if (!value || (more && *more != '#') || !in(" allow deny set ", verb, NULL))
		return CAISSON_POLICY_LINE;
	*r = (struct policy_rule){ kind, value, *verb, .line = p->line,
		                   .number = (unsigned char)*value };
	list = *verb == 's' ? CAISSON_POLICY_SETTINGS : CAISSON_POLICY_GRANTS;
	if (!parse_who(r, who) ||
	    !(in(list, kind, value) ||
	      (in(list, kind, "") && (*verb == 's' ? parse_number(r) : parse_path(r)))))
		return CAISSON_POLICY_LINE;
	/* One file says one thing about the same. */
	for (const struct policy_rule *o = r; o-- > p->rule && o->line >> 20 == r->line >> 20;)
		if (o->gid == r->gid && o->first == r->first && o->last == r->last &&
		    !strcmp(o->kind, kind) && (*verb == 's' || !strcmp(o->value, value)))
			return CAISSON_POLICY_TWICE;
	p->rules++;
	return 0;
}

uint32_t policy_parse(struct policy *p, char *text, size_t size) {
	uint32_t fault = 0;

	for (char *line = text, *rest = text; !fault;
	     fault = *line == '#' ? 0 : parse_line(p, line)) {
		line = strsep(&rest, "\n");
		p->line++;
		if (!rest) /* behind the last newline there is nothing, or it is half-written */
			return line == text + size ? 0 : CAISSON_POLICY_LINE;
	}
	return fault;
}

/* Is it about the caller? */
static bool concerns(const struct policy *p, const struct policy_rule *r) {
	const uint32_t *id = r->gid ? p->group : &p->uid;

	for (uint32_t n = r->gid ? p->groups : 1; n > 0; n--, id++)
		if (*id >= r->first && *id <= r->last)
			return true;
	return false;
}

const struct policy_rule *policy_find(const struct policy *p, const char *kind,
                                      const char *const name[2]) {
	for (const struct policy_rule *r = p->rule + p->rules; r-- > p->rule;)
		for (int i = 0; i < 2 && !strcmp(r->kind, kind) && concerns(p, r); i++)
			if (r->verb == 's' ||
			    (name[i] && !strncmp(r->value, name[i], strcspn(r->value, "*?[\\")) &&
			     !fnmatch(r->value, name[i], FNM_PATHNAME | FNM_LEADING_DIR)))
				return r;
	return NULL;
}

uint64_t policy_max(const struct policy *p, const char *kind, uint64_t otherwise) {
	const struct policy_rule *r = policy_find(p, kind, (const char *const[2]){ NULL });

	return r ? r->number : otherwise;
}

static bool denied(const struct policy *p, const char *kind, const char *const name[2],
                   const struct policy_rule **rule) {
	*rule = policy_find(p, kind, name);
	return !*rule || (*rule)->verb == 'd';
}

uint32_t policy_decide(const struct policy *p, const struct caisson_plan_record *op,
                       const struct facts *facts, const struct policy_rule **rule) {
	static const char *const needs[64][5] = { CAISSON_NEEDS };
	const char *const *need = needs[op->op];
	const char *word[2] = { need[1 + (op->a < 3 ? op->a : 3)] };
	const char *const *name = op->op < CAISSON_OP_BIND ? word : facts->name;

	*rule = NULL;
	/*
	 * The host's root owns most files and sysctls by its user id alone,
	 * without any capability: a sandbox of root's would not be one.
	 */
	if (p->uid == 0)
		return CAISSON_KNOB_POLICY;
	if (op->op == CAISSON_OP_BIND && policy_kernel_fs(facts->fstype))
		return CAISSON_KNOB_SOURCE_FS;
	if ((need[0] && name[0] && denied(p, need[0], name, rule)) ||
	    (op->op == CAISSON_OP_BIND && !(op->flags & CAISSON_BIND_RDONLY) &&
	     denied(p, "write", name, rule)))
		return CAISSON_KNOB_POLICY;
	return 0;
}
