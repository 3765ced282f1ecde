/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* caisson policy: what its parts share. */
#ifndef CAISSON_CLI_POLICY_H
#define CAISSON_CLI_POLICY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "helper/policy.h"

#define NAME_MAX_LEN 64

/* policy_check.c: "check [FILE]...", "explain" in policy_explain.c. Exit statuses. */
int policy_check(int files, char **file);
int policy_explain(int argc, char **argv);

/* policy.c: the installed policy for this process; NULL, and it is said why. */
struct policy *policy_open(const char *command);
/* What a fault means, in words. */
const char *policy_fault_text(uint32_t fault);

/* Text that others chose: a line stays one, and no byte of it moves a terminal's cursor. */
void policy_print(const char *text);

/* policy_names.c: of /etc/passwd or /etc/group, no other source. false: there is none. */
bool name_of_id(bool group, uint32_t id, char name[NAME_MAX_LEN]);
bool id_of_name(bool group, const char *name, uint32_t *id);
/* "uid:1000 (alice)" */
void who_text(const struct policy_rule *r, char *to, size_t size);

/* policy_rules.c: what is wrong with a line that policy_parse() does not take. */
struct complaint {
	size_t column; /* from 1 */
	char text[512];
};
/* false: nothing is seen. The line has neither a newline nor a NUL in it. */
bool line_complaint(const char *line, struct complaint *c);
/* Why the rule at that place never decides anything, or false. */
bool rule_complaint(const struct policy *p, uint32_t rule, char *text, size_t size);
/* Another name for what the rule's path names here, or false. */
bool rule_note(const struct policy_rule *r, char *text, size_t size);

#endif
