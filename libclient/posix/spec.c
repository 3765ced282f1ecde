/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a program that runs without a sandbox needs of a spec is kept. A grant needs nothing there:
 * the program sees everything. What would keep something from it is kept as a refusal to come.
 */
#include "posix.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "caisson_channels.h"

static char *copy_of(caisson_spec *spec, const char *text) {
	char *copy = strdup(text);

	spec->no_memory |= !copy;
	return copy;
}

static void free_list(char **list) {
	for (size_t i = 0; list && list[i]; i++)
		free(list[i]);
	free(list);
}

caisson_spec *caisson_spec_new(const char *name) {
	caisson_spec *spec = calloc(1, sizeof(*spec));

	(void)name;
	if (spec)
		spec->stdio[0] = spec->stdio[1] = spec->stdio[2] = -1;
	return spec;
}

void caisson_spec_free(caisson_spec *spec) {
	if (!spec)
		return;
	for (size_t i = 0; i < spec->channels; i++)
		posix_channel_free(spec->channel[i], true);
	if (spec->folder)
		rmdir(spec->folder);
	free(spec->folder);
	free_list(spec->argv);
	free_list(spec->env);
	free(spec->cwd);
	free(spec);
}

int caisson_spec_argv(caisson_spec *spec, const char *const argv[]) {
	size_t n = 0;

	while (argv[n])
		n++;
	free_list(spec->argv);
	spec->argv = calloc(n + 1, sizeof(*spec->argv));
	if (!spec->argv)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++)
		spec->argv[i] = copy_of(spec, argv[i]);
	return spec->no_memory ? -ENOMEM : 0;
}

int caisson_spec_setenv(caisson_spec *spec, const char *name, const char *value) {
	size_t n = 0, size = strlen(name) + strlen(value) + 2;
	char **grown, *both = malloc(size);

	while (spec->env && spec->env[n])
		n++;
	grown = realloc(spec->env, (n + 2) * sizeof(*grown));
	if (!grown || !both) {
		free(both);
		spec->env = grown ? grown : spec->env;
		if (grown)
			grown[n] = NULL;
		spec->no_memory = true;
		return -ENOMEM;
	}
	snprintf(both, size, "%s=%s", name, value);
	grown[n] = both;
	grown[n + 1] = NULL;
	spec->env = grown;
	return 0;
}

int caisson_spec_clearenv(caisson_spec *spec) {
	free_list(spec->env);
	spec->env = NULL;
	spec->bare_env = true;
	return 0;
}

int caisson_spec_chdir(caisson_spec *spec, const char *dir) {
	free(spec->cwd);
	spec->cwd = copy_of(spec, dir);
	return spec->cwd ? 0 : -ENOMEM;
}

int caisson_spec_stdio(caisson_spec *spec, int in, int out, int err) {
	spec->stdio[0] = in;
	spec->stdio[1] = out;
	spec->stdio[2] = err;
	return 0;
}

/* A folder of this user's alone, for all channels. */
static const char *folder_of(caisson_spec *spec) {
	const char *base = getenv("TMPDIR");
	size_t size;

	if (spec->folder)
		return spec->folder;
	base = base && *base ? base : "/tmp";
	size = strlen(base) + sizeof("/caisson-XXXXXX");
	spec->folder = malloc(size);
	if (spec->folder) {
		snprintf(spec->folder, size, "%s/caisson-XXXXXX", base);
		if (!mkdtemp(spec->folder)) {
			free(spec->folder);
			spec->folder = NULL;
		}
	}
	return spec->folder;
}

caisson_channel *caisson_spec_channel(caisson_spec *spec, const char *name,
                                      enum caisson_direction direction, uint64_t bytes) {
	const char *folder = spec->channels < POSIX_CHANNELS ? folder_of(spec) : NULL;
	caisson_channel *channel =
		folder ? posix_channel_new(folder, name, direction, bytes) : NULL;

	if (channel)
		spec->channel[spec->channels++] = channel;
	else
		spec->no_memory = true;
	return channel;
}

/* A file lies on no huge page. */
caisson_channel *caisson_spec_channel_with(caisson_spec *spec, const char *name,
                                           enum caisson_direction direction, uint64_t bytes,
                                           unsigned flags) {
	if (!(flags & CAISSON_CHANNEL_HUGE_REQUIRED))
		return caisson_spec_channel(spec, name, direction, bytes);
	spec->no_memory = true;
	return NULL;
}

int caisson_spec_user_namespace(caisson_spec *spec, enum caisson_user_namespace mode) {
	spec->required |= mode == CAISSON_USER_NAMESPACE_REQUIRED;
	return 0;
}

/* A grant, or a name: nothing to do. */
int caisson_spec_name(caisson_spec *spec, const char *name) {
	(void)name;
	(void)spec;
	return 0;
}

int caisson_spec_ro(caisson_spec *spec, const char *src, const char *dst) {
	(void)src;
	(void)dst;
	(void)spec;
	return 0;
}

int caisson_spec_rw(caisson_spec *spec, const char *src, const char *dst) {
	(void)src;
	(void)dst;
	(void)spec;
	return 0;
}

int caisson_spec_bind(caisson_spec *spec, const char *src, const char *dst, unsigned flags) {
	(void)src;
	(void)dst;
	(void)flags;
	(void)spec;
	return 0;
}

int caisson_spec_bind_fd(caisson_spec *spec, int fd, const char *dst, unsigned flags) {
	(void)fd;
	(void)dst;
	(void)flags;
	(void)spec;
	return 0;
}

int caisson_spec_keepenv(caisson_spec *spec, const char *name) {
	(void)name;
	(void)spec;
	return 0;
}

int caisson_spec_allow_stdio_files(caisson_spec *spec) {
	(void)spec;
	return 0;
}

int caisson_spec_helper(caisson_spec *spec, const char *path) {
	(void)path;
	(void)spec;
	return 0;
}

int caisson_spec_network(caisson_spec *spec, enum caisson_network network) {
	(void)network;
	(void)spec;
	return 0;
}

int caisson_spec_landlock(caisson_spec *spec, enum caisson_landlock domain) {
	(void)domain;
	(void)spec;
	return 0;
}

int caisson_spec_proc(caisson_spec *spec, const char *dst) {
	(void)dst;
	(void)spec;
	return 0;
}

int caisson_spec_proc_with(caisson_spec *spec, const char *dst, unsigned flags) {
	(void)dst;
	(void)flags;
	(void)spec;
	return 0;
}

int caisson_spec_dev(caisson_spec *spec, const char *dst) {
	(void)dst;
	(void)spec;
	return 0;
}

int caisson_spec_mqueue(caisson_spec *spec, const char *dst) {
	(void)dst;
	(void)spec;
	return 0;
}

int caisson_spec_explain_denials(caisson_spec *spec) {
	(void)spec;
	return 0;
}

/* What a plain child cannot have, or would not be kept from. */
int caisson_spec_tmpfs(caisson_spec *spec, const char *dst, uint64_t size, unsigned mode) {
	(void)dst;
	(void)size;
	(void)mode;
	spec->required = true;
	return 0;
}

int caisson_spec_tmpfs_with(caisson_spec *spec, const char *dst, uint64_t size, unsigned mode,
                            unsigned flags) {
	(void)dst;
	(void)size;
	(void)mode;
	(void)flags;
	spec->required = true;
	return 0;
}

int caisson_spec_dir(caisson_spec *spec, const char *dst, unsigned mode) {
	(void)dst;
	(void)mode;
	spec->required = true;
	return 0;
}

int caisson_spec_symlink(caisson_spec *spec, const char *target, const char *path) {
	(void)target;
	(void)path;
	spec->required = true;
	return 0;
}

int caisson_spec_data(caisson_spec *spec, const void *data, size_t size, const char *dst,
                      unsigned mode) {
	(void)data;
	(void)size;
	(void)dst;
	(void)mode;
	spec->required = true;
	return 0;
}

int caisson_spec_mask(caisson_spec *spec, const char *path) {
	(void)path;
	spec->required = true;
	return 0;
}

int caisson_spec_readonly(caisson_spec *spec, const char *path) {
	(void)path;
	spec->required = true;
	return 0;
}

int caisson_spec_bare_root(caisson_spec *spec) {
	spec->required = true;
	return 0;
}

int caisson_spec_ids(caisson_spec *spec, uint32_t uid, uint32_t gid) {
	(void)uid;
	(void)gid;
	spec->required = true;
	return 0;
}

int caisson_spec_subids(caisson_spec *spec, uint32_t uid, uint32_t gid) {
	(void)uid;
	(void)gid;
	spec->required = true;
	return 0;
}

int caisson_spec_time_offsets(caisson_spec *spec, int64_t monotonic, int64_t boottime) {
	(void)monotonic;
	(void)boottime;
	spec->required = true;
	return 0;
}

int caisson_spec_hostname(caisson_spec *spec, const char *hostname) {
	(void)hostname;
	spec->required = true;
	return 0;
}

int caisson_spec_require(caisson_spec *spec, enum caisson_property property) {
	(void)property;
	spec->required = true;
	return 0;
}

int caisson_spec_limit(caisson_spec *spec, enum caisson_limit limit, uint64_t value) {
	(void)limit;
	(void)value;
	spec->required = true;
	return 0;
}

int caisson_spec_cgroup(caisson_spec *spec, const char *path) {
	(void)path;
	spec->required = true;
	return 0;
}

int caisson_spec_gpu(caisson_spec *spec, const char *which) {
	(void)which;
	spec->required = true;
	return 0;
}

int caisson_spec_seccomp(caisson_spec *spec, const char *profile) {
	(void)profile;
	spec->required = true;
	return 0;
}
