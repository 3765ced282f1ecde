/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* caisson policy: what the administrator's policy says, and to whom. Without any privilege. */
#define _GNU_SOURCE
#include "policy.h"

#include <errno.h>
#include <string.h>

#include "libclient/policy_place.h"
#include "libclient/policy_use.h"
#include "options.h"

static const struct cli_option options[] = { { NULL, NULL, NULL, NULL } };

const struct cli_command cli_policy_command = {
	"policy",
	"check [FILE]... | list | explain [--] [OPTION OF caisson run]... [PROG]",
	"show and check the administrator's policy",
	options,
	"check    say what is wrong with these files, or with what is installed\n"
	"list     say which rules are about this user\n"
	"explain  say of each part of a request whether it is allowed, and by which line\n\n"
	"Exit status: 0; 1 if something is wrong, or denied; 125 if that cannot be said.",
};

const char *policy_fault_text(uint32_t fault) {
	static const char *const text[] = {
		[CAISSON_POLICY_OPEN] = "it cannot be opened or read",
		[CAISSON_POLICY_OWNER] =
			"it is not root's, can be written by others, or is no regular file",
		[CAISSON_POLICY_SIZE] = "the policy is too long",
		[CAISSON_POLICY_LINE] = "it is no rule, or is cut off",
		[CAISSON_POLICY_TWICE] = "it is about the same as a line before it",
	};

	return fault < sizeof(text) / sizeof(text[0]) && text[fault] ? text[fault] : "?";
}

void policy_print(const char *text) {
	const unsigned char *c = (const unsigned char *)text;

	for (; *c; c++)
		if (*c < ' ' || *c == 0x7f || (*c == 0xc2 && c[1] >= 0x80 && c[1] < 0xa0))
			printf("\\%03o", *c);
		else
			putchar(*c);
}

struct policy *policy_open(const char *command) {
	uint32_t fault, line;
	struct policy *p = policy_load(&fault, &line);
	char place[512];

	if (!p) {
		policy_place(line, place, sizeof(place));
		cli_complain("policy %s: %s: %s; see caisson policy check", command, place,
		             policy_fault_text(fault));
	}
	return p;
}

/* --------------------------------------------------------------------- list */

static bool is_mine(const struct policy *p, const struct policy_rule *r) {
	const uint32_t *id = r->gid ? p->group : &p->uid;

	for (uint32_t n = r->gid ? p->groups : 1; n > 0; n--, id++)
		if (*id >= r->first && *id <= r->last)
			return true;
	return false;
}

static void print_id(bool group, uint32_t id) {
	char name[NAME_MAX_LEN];

	if (name_of_id(group, id, name))
		printf(" %u (%s)", id, name);
	else
		printf(" %u", id);
}

static const char *device_name(const char *value) {
	static const char *const names[][2] = {
		{ "1:3", "null" },   { "1:5", "zero" },    { "1:7", "full" },
		{ "1:8", "random" }, { "1:9", "urandom" }, { "5:0", "tty" },
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (!strcmp(value, names[i][0]))
			return names[i][1];
	return NULL;
}

static void print_rule(const struct policy_rule *r) {
	const char *verb = r->verb == 'a' ? "allow" : r->verb == 'd' ? "deny" : "set";
	const char *device = *r->kind == 'd' ? device_name(r->value) : NULL;
	char who[128], value[4200], place[512];

	who_text(r, who, sizeof(who));
	policy_place(r->line, place, sizeof(place));
	snprintf(value, sizeof(value), "%s%s%s%s", *r->value || r->verb == 's' ? r->value : "/",
	         device ? " (" : "", device ? device : "", device ? ")" : "");
	if (r->verb == 's' && r->number != UINT64_MAX &&
	    *r->value <= '9') /* its unit was read off */
		snprintf(value, sizeof(value), "%llu", (unsigned long long)r->number);
	printf("%-6s %-18s %-10s ", verb, who, r->kind);
	policy_print(value);
	printf("%*s ", strlen(value) < 36 ? 36 - (int)strlen(value) : 0, "");
	policy_print(place);
	putchar('\n');
}

static int list(void) {
	struct policy *p = policy_open("list");

	if (!p)
		return 1;
	printf("user");
	print_id(false, p->uid);
	printf(", groups");
	/* The first is the process's own, which getgroups() may give once more. */
	for (uint32_t i = 0; i < p->groups; i++)
		if (i == 0 || p->group[i] != p->group[0])
			print_id(true, p->group[i]);
	printf("\n%s\n%-6s %-18s %-10s %-36s %s\n",
	       p->uid == 0 ? "Root gets no sandbox, whatever is allowed here."
	                   : "The last line that matches decides; what none matches is denied.",
	       "", "FOR", "KIND", "VALUE", "WHERE");
	for (uint32_t i = 0; i < p->rules; i++) {
		const struct policy_rule *r = &p->rule[i];

		/* Of what is set, only what holds. */
		if (is_mine(p, r) && (r->verb != 's' || policy_find(p, r->kind, NULL) == r))
			print_rule(r);
	}
	policy_unload(p);
	return fflush(stdout) == 0 ? 0 : EXIT_OWN_FAILURE;
}

int cli_policy(int argc, char **argv) {
	int at = 0, parsed = cli_parse(&cli_policy_command, argc, argv, NULL, &at);

	if (parsed > 0)
		return fflush(stdout) == 0 ? 0 : EXIT_OWN_FAILURE;
	if (parsed < 0)
		return EXIT_OWN_FAILURE;
	if (at < argc && !strcmp(argv[at], "check"))
		return policy_check(argc - at - 1, argv + at + 1);
	if (at < argc && !strcmp(argv[at], "explain"))
		return policy_explain(argc - at, argv + at);
	if (at + 1 == argc && !strcmp(argv[at], "list"))
		return list();
	cli_complain("policy: it is check, list or explain; see caisson policy --help");
	return EXIT_OWN_FAILURE;
}
