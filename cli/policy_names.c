/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Names beside numbers, from the machine's own files: a command that is linked
 * statically has no other sources. They are for people; no decision needs one.
 */
#define _GNU_SOURCE
#include "policy.h"

#include <stdio.h>
#include <string.h>

/* "name:x:id:..." in line: its id, or -1. */
static int64_t split(char *line) {
	char *id = strchr(line, ':');

	if (id)
		*id++ = '\0';
	id = id ? strchr(id, ':') : NULL;
	if (!id)
		return -1;
	id[1 + strcspn(id + 1, ":\n")] = '\0';
	return policy_number(id + 1);
}

/* The first line whose name, or else whose id, is that. */
static bool find(bool group, const char *name, uint32_t *id, char found[NAME_MAX_LEN]) {
	FILE *file = fopen(group ? "/etc/group" : "/etc/passwd", "re");
	char line[4096];
	bool there = false;

	while (file && !there && fgets(line, sizeof(line), file)) {
		int64_t its = split(line);

		there = its >= 0 && (name ? !strcmp(line, name) : its == *id);
		if (there) {
			*id = (uint32_t)its;
			snprintf(found, NAME_MAX_LEN, "%.*s", NAME_MAX_LEN - 1, line);
		}
	}
	if (file)
		fclose(file);
	return there;
}

bool name_of_id(bool group, uint32_t id, char name[NAME_MAX_LEN]) {
	return find(group, NULL, &id, name);
}

bool id_of_name(bool group, const char *name, uint32_t *id) {
	char found[NAME_MAX_LEN];

	return find(group, name, id, found);
}

void who_text(const struct policy_rule *r, char *to, size_t size) {
	const char *type = r->gid ? "gid" : "uid";
	char name[NAME_MAX_LEN];

	if (!r->gid && r->first == 0 && r->last == UINT32_MAX)
		snprintf(to, size, "all");
	else if (r->first != r->last)
		snprintf(to, size, "%s:%lld-%lld", type, (long long)r->first, (long long)r->last);
	else if (name_of_id(r->gid, (uint32_t)r->first, name))
		snprintf(to, size, "%s:%lld (%s)", type, (long long)r->first, name);
	else
		snprintf(to, size, "%s:%lld", type, (long long)r->first);
}
