/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The program's environment. A list of its own: what the caller wants for the
 * program is not to change what libcaisson finds in ours.
 */
#define _GNU_SOURCE
#include "args.h"
#include "say.h"

#include <stdlib.h>
#include <string.h>

static void put(struct args *a, size_t at, char *text) {
	if (at < a->envs) {
		free(a->env[at]);
		a->env[at] = text;
		return;
	}
	a->env = need_room(a->env, a->envs, sizeof(*a->env));
	a->env[a->envs++] = text;
}

/* Its place, or one behind all. */
static size_t find(const struct args *a, const char *name) {
	size_t len = strlen(name), i = 0;

	while (i < a->envs && (strncmp(a->env[i], name, len) != 0 || a->env[i][len] != '='))
		i++;
	return i;
}

void env_copy(struct args *a, char **environment) {
	for (; environment && *environment; environment++)
		if (strchr(*environment, '=') && **environment != '=')
			put(a, a->envs, need_string(*environment));
}

void env_set(struct args *a, const char *name, const char *value) {
	if (!*name || strchr(name, '='))
		die("setenv failed");
	put(a, find(a, name), need_format("%s=%s", name, value));
}

void env_unset(struct args *a, const char *name) {
	size_t at = find(a, name);

	if (!*name || strchr(name, '='))
		die("unsetenv failed");
	if (at == a->envs)
		return;
	free(a->env[at]);
	a->env[at] = a->env[--a->envs];
}

void env_clear(struct args *a) {
	while (a->envs > 0)
		free(a->env[--a->envs]);
}

const char *env_get(const struct args *a, const char *name) {
	size_t at = find(a, name);

	return at < a->envs ? a->env[at] + strlen(name) + 1 : NULL;
}
