/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The administrator's policy, caisson-policy(5). policy.c is pure: no system
 * call, no allocation, no state. The caisson command links it too, so that
 * "caisson policy" decides by the very code that caisson-helper decides by.
 */
#ifndef CAISSON_HELPER_POLICY_H
#define CAISSON_HELPER_POLICY_H

#include "protocol/answer.h"
#include "protocol/plan.h"
#include "sys.h"

#define POLICY_MAX_RULES 4096
#define POLICY_MAX_TEXT (256u << 10)
/* verb: the first letter of "allow", "deny", "set". value: of the path "/" it is "". */
struct policy_rule {
	char *kind, *value, verb;
	bool gid;
	uint32_t line;
	int64_t first, last; /* whose: uids, or gids */
	uint64_t number;     /* of "set"; UINT64_MAX: unlimited; of a word, its first letter */
};

/* line: the last that was read. group[0]: the caller's gid. */
struct policy {
	struct policy_rule rule[POLICY_MAX_RULES];
	char text[POLICY_MAX_TEXT]; /* of all files, a NUL behind each */
	uint32_t used, rules, line, uid, groups, group[1 + (1 << 16)];
};

/* What is known of a source. name: all that rules may call it. */
struct facts {
	const char *fstype, *name[2];
};

/* plan.c: "/a/b": no empty component, no "." or "..", no slash at the end; not "/" */
bool plan_canonical(const char *path, size_t len);
/* All digits, no 0 in front, at most UINT32_MAX; or -1. */
int64_t policy_number(const char *text);
/* A file's text, size bytes and a NUL: 0, or an enum caisson_policy_fault in p->line. */
uint32_t policy_parse(struct policy *p, char *text, size_t size);
/* The last rule of that kind for the caller, unless "set" for one of those names; or NULL. */
const struct policy_rule *policy_find(const struct policy *p, const char *kind,
                                      const char *const name[2]);
/* What is set for the caller, or otherwise. */
uint64_t policy_max(const struct policy *p, const char *kind, uint64_t otherwise);
/* The one function that decides: 0, or the knob; *rule: by which, NULL if by none. */
uint32_t policy_decide(const struct policy *p, const struct caisson_plan_record *op,
                       const struct facts *facts, const struct policy_rule **rule);
/* File systems whose content is the kernel's own: never granted, covered where a tree brings one. */
bool policy_kernel_fs(const char *fstype);
/* policy_files.c: all files. 0, or an enum caisson_policy_fault in p->line, with errno. */
uint32_t policy_read(struct policy *p);

#endif
