/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The policy's reader under libFuzzer: whatever is in a file, it ends, stays inside
 * the text, and the rules that it makes are what policy_decide() relies on. What
 * decides is looked for once more, by another matcher.
 *
 * Input: the caller's uid and gid (32 bits each), an op and its flags (a byte each),
 * what a source is called, a byte 0, and the text.
 */
#include <assert.h>
#include <stdlib.h>

#include "helper/policy.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define MAX_NAME 48  /* fnmatch() takes long for many stars and a long name: */
#define MAX_STARS 4u /* no user chooses a pattern */

/* Only '*' and '?', which are no slash; a whole path, or one of the directories above. */
static bool matches(const char *pattern, const char *name) {
	bool now[MAX_NAME + 2] = { true }, next[MAX_NAME + 2];
	size_t len = strlen(name);

	for (; *pattern; pattern++) {
		memset(next, 0, sizeof(next));
		for (size_t i = 0; i <= len; i++) {
			if (*pattern == '*')
				next[i] = now[i] || (i && next[i - 1] && name[i - 1] != '/');
			else if (i && now[i - 1])
				next[i] = *pattern == '?' ? name[i - 1] != '/'
				                          : *pattern == name[i - 1];
		}
		memcpy(now, next, sizeof(now));
	}
	for (size_t i = 0; i <= len; i++)
		if (now[i] && (i == len || name[i] == '/'))
			return true;
	return false;
}

static bool concerned(const struct policy *p, const struct policy_rule *r) {
	uint32_t id = r->gid ? p->group[0] : p->uid;

	return r->first <= id && id <= r->last;
}

/* The last of that kind, found from the front. */
static const struct policy_rule *last(const struct policy *p, const char *kind,
                                      const char *const name[2]) {
	const struct policy_rule *found = NULL;

	for (const struct policy_rule *r = p->rule; r < p->rule + p->rules; r++)
		if (!strcmp(r->kind, kind) && concerned(p, r) &&
		    (r->verb == 's' || (name[0] && matches(r->value, name[0])) ||
		     (name[1] && matches(r->value, name[1]))))
			found = r;
	return found;
}

static void check_rule(const struct policy *p, const struct policy_rule *r, size_t size) {
	const char *value = r->value;

	assert(r->kind > p->text && r->kind < p->text + size);
	assert(value > r->kind && value + strlen(value) <= p->text + size);
	assert(r->verb == 'a' || r->verb == 'd' || r->verb == 's');
	assert(0 <= r->first && r->first <= r->last && r->last <= UINT32_MAX);
	assert(r->line > 0 && r->line <= p->line);
	if (r->verb == 's' || !strchr("rwd", *r->kind))
		return;
	if (*value == '@')
		assert(r->verb == 'a' && !strncmp(value, "@own", 4));
	value += *value == '@' ? 4 : 0;
	assert(!*value || *value == '/' || *r->kind == 'd');
	assert(!strstr(value, "//") && !strstr(value, "/../"));
	assert(!*value || value[strlen(value) - 1] != '/');
}

static bool quick(const struct policy *p) {
	for (uint32_t i = 0; i < p->rules; i++) {
		unsigned stars = 0;

		for (const char *c = p->rule[i].value; *c; c++)
			stars += *c == '*';
		if (stars > MAX_STARS)
			return false;
	}
	return true;
}

static void ask(const struct policy *p, uint8_t op, uint8_t flags, const char *path) {
	static const char *const kinds[] = { "read", "write", "device", "net", "files", "audit" };
	char own[MAX_NAME + 5];
	const char *const name[2] = { path, own }, *const plain[2] = { path, NULL };
	const struct facts facts = { flags & 0x80 ? "proc" : "ext4",
		                     { path, flags & 0x40 ? own : NULL } };
	const struct caisson_plan_record record = { .op = op % 27,
		                                    .flags = flags & 15,
		                                    .a = flags >> 4 & 3 };
	const struct policy_rule *rule = NULL;
	uint32_t knob;

	snprintf(own, sizeof(own), "@own%s", path);
	if (strlen(own) > MAX_NAME)
		return;
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		assert(policy_find(p, kinds[i], name) == last(p, kinds[i], name));
		assert(policy_find(p, kinds[i], plain) == last(p, kinds[i], plain));
	}
	rule = last(p, "files", plain);
	assert(policy_max(p, "files", 7) == (rule ? rule->number : 7));
	knob = policy_decide(p, &record, &facts, &rule);
	assert(knob == 0 || knob == CAISSON_KNOB_POLICY || knob == CAISSON_KNOB_SOURCE_FS);
	assert(p->uid || knob);
	/* What is allowed, is so by a rule of the caller's; what is denied by none or by such a one. */
	assert(!rule || (concerned(p, rule) && rule->verb == (knob ? 'd' : 'a')));
	if (!knob && record.op == CAISSON_OP_BIND) {
		assert(last(p, "read", facts.name)->verb == 'a');
		assert(record.flags & CAISSON_BIND_RDONLY ||
		       last(p, "write", facts.name)->verb == 'a');
		assert(!(flags & 0x80));
	}
	if (!knob && record.op == CAISSON_OP_DEVICE)
		assert(last(p, "device", facts.name)->verb == 'a');
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
	static struct policy p;
	const uint8_t *rest = data + 10, *end;
	char path[MAX_NAME + 1];
	uint32_t fault;

	if (size < 11 || size > sizeof(p.text) / 2)
		return 0;
	end = memchr(rest, 0, size - 10);
	if (!end || end - rest > MAX_NAME)
		return 0;
	memcpy(path, rest, (size_t)(end - rest) + 1);
	rest = end + 1;
	size -= (size_t)(rest - data);
	memcpy(&p.uid, data, 4);
	memcpy(p.group, data + 4, 4);
	p.groups = 1;
	p.rules = p.line = 0;
	memcpy(p.text, rest, size);
	p.text[size] = '\0';
	fault = policy_parse(&p, p.text, size);
	assert(fault == 0 || fault == CAISSON_POLICY_LINE || fault == CAISSON_POLICY_TWICE ||
	       fault == CAISSON_POLICY_SIZE);
	assert(p.rules <= POLICY_MAX_RULES && p.line <= size + 1);
	for (uint32_t i = 0; i < p.rules; i++)
		check_rule(&p, &p.rule[i], size);
	if (quick(&p))
		ask(&p, data[8], data[9], path);
	return 0;
}
