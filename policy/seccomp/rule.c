/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Rules about arguments, as profiles/ has them: rule NAME ANSWER [on NETWORKS] [if CONDITIONS]. */
#define _GNU_SOURCE
#include "reader.h"

#include <string.h>

#define EVERY ((1u << FLOOR_NETWORKS) - 1)

static int networks(struct reader *r, char *word, unsigned *bits) {
	char *save = NULL;

	*bits = 0;
	for (char *part = strtok_r(word, ",", &save); part; part = strtok_r(NULL, ",", &save)) {
		unsigned i = 0;

		while (i < FLOOR_NETWORKS && strcmp(floor_network_names[i], part) != 0)
			i++;
		if (i == FLOOR_NETWORKS)
			return complain(r, "%s is no network: none, loopback or host", part);
		*bits |= 1u << i;
	}
	return 0;
}

/* aN [.high] [& MASK] == VALUE; *at is moved behind it. */
static int condition(struct reader *r, char ***at, struct floor_condition *c) {
	char **w = *at;
	const char *argument = w[0] ? w[0] : "";

	if (argument[0] != 'a' || argument[1] < '0' || argument[1] > '5' ||
	    (argument[2] && strcmp(argument + 2, ".high") != 0))
		return complain(r, "\"%s\" where a condition should begin: a0 to a5, or a0.high",
		                argument);
	c->argument = (uint8_t)(argument[1] - '0');
	c->high = argument[2] != '\0';
	c->mask = UINT32_MAX;
	w++;
	if (w[0] && w[1] && strcmp(w[0], "&") == 0) {
		if (read_value(r, w[1], &c->mask) < 0)
			return -1;
		w += 2;
	}
	if (!w[0] || !w[1] || (strcmp(w[0], "==") != 0 && strcmp(w[0], "!=") != 0))
		return complain(r, "a condition is aN [& MASK] == VALUE, or !=");
	c->negated = w[0][0] == '!';
	if (read_value(r, w[1], &c->value) < 0)
		return -1;
	if (c->value & ~c->mask)
		return complain(r, "0x%x has bits that the mask 0x%x takes out", c->value, c->mask);
	*at = w + 2;
	return 0;
}

static int conditions(struct reader *r, char **w, struct floor_clause *clause) {
	const char *before = "if";

	for (; *w; before = "and") {
		if (strcmp(*w, before) != 0)
			return complain(r, "\"%s\" where \"%s\" was expected", *w, before);
		if (clause->conditions == FLOOR_CONDITIONS)
			return complain(r, "more than %d conditions", FLOOR_CONDITIONS);
		w++;
		if (condition(r, &w, &clause->when[clause->conditions++]) < 0)
			return -1;
	}
	return 0;
}

struct floor_rule *find_rule(struct floor_profile *profile, const char *name) {
	for (unsigned i = 0; i < profile->rules; i++)
		if (strcmp(profile->rule[i].name, name) == 0)
			return &profile->rule[i];
	return NULL;
}

/* Whether the rule's clauses leave nothing open, and none is past the last word, for a network. */
const char *open_end(const struct floor_rule *rule, unsigned network) {
	int ended = 0;

	for (unsigned i = 0; i < rule->clauses; i++) {
		if (!(rule->clause[i].networks & 1u << network))
			continue;
		if (ended)
			return "has a line behind one without condition";
		ended = rule->clause[i].conditions == 0;
	}
	return ended ? NULL : "does not say what happens if none of its lines holds";
}

/* rule NAME ANSWER [on NETWORK,...] [if ...] */
int read_rule(struct reader *r) {
	char **w = r->word + 1;
	struct floor_clause *clause;
	struct floor_rule *rule;

	if (!w[0] || !w[1] || !is_name(w[0]))
		return complain(r,
		                "rule NAME ANSWER [on NETWORKS] [if CONDITION [and CONDITION]...]");
	rule = find_rule(r->profile, w[0]);
	if (!rule) {
		if (r->profile->rules == FLOOR_RULES)
			return complain(r, "more than %d rules", FLOOR_RULES);
		rule = &r->profile->rule[r->profile->rules++];
		strcpy(rule->name, w[0]);
	}
	if (rule->clauses == FLOOR_CLAUSES)
		return complain(r, "rule %s: more than %d lines", rule->name, FLOOR_CLAUSES);
	clause = &rule->clause[rule->clauses++];
	clause->networks = EVERY;
	if (read_answer(w[1], &clause->verdict) < 0)
		return complain(r, "%s is no answer: allow, EPERM, ENOSYS, ...", w[1]);
	w += 2;
	if (w[0] && strcmp(w[0], "on") == 0) {
		if (!w[1])
			return complain(r, "on which network?");
		if (networks(r, w[1], &clause->networks) < 0)
			return -1;
		w += 2;
	}
	return conditions(r, w, clause);
}
