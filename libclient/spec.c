/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The builder. Everything is copied; the first failure is kept for
 * caisson_spawn(), so that callers may write one line per wish.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "gpu.h"
#include "limits_impl.h"

static const char STAGE[] = "describing the sandbox";

int spec_note(caisson_spec *spec, int rc, const char *what, const char *value) {
	const char *knob = "", *remedy = "";

	if (rc < 0 && !spec->error) {
		spec_bounds(what, -rc, &knob, &remedy);
		error_set(&spec->error, -rc, STAGE, knob, remedy, "%s \"%.200s\": %s", what,
		          value ? value : "", strerror(-rc));
	}
	return rc;
}

caisson_spec *caisson_spec_new(const char *name) {
	caisson_spec *spec = calloc(1, sizeof(*spec));

	if (!spec)
		return NULL;
	spec->stdio[0] = spec->stdio[1] = spec->stdio[2] = -1;
	spec->offers[0] = spec->offers[1] = -1;
	spec->name = strdup(name && *name ? name : "sandbox");
	spec->cwd = strdup("/");
	if (!spec->name || !spec->cwd) {
		caisson_spec_free(spec);
		return NULL;
	}
	caisson_spec_setenv(spec, "PATH", "/usr/local/bin:/usr/bin:/bin");
	caisson_spec_setenv(spec, "HOME", "/tmp");
	caisson_spec_setenv(spec, "LANG", "C.UTF-8");
	return spec;
}

void caisson_spec_free(caisson_spec *spec) {
	if (!spec)
		return;
	for (size_t i = 0; i < spec->channels; i++)
		channel_free(spec->channel[i]);
	free(spec->channel);
	channel_close_fd(&spec->offers[0]);
	channel_close_fd(&spec->offers[1]);
	free(spec->pass);
	ops_clear(&spec->ops);
	strings_clear(&spec->argv);
	strings_clear(&spec->env);
	strings_clear(&spec->keep);
	free(spec->name);
	free(spec->hostname);
	free(spec->label);
	free(spec->helper);
	free(spec->cwd);
	limits_free(spec->limits);
	gpu_spec_free(spec->gpu);
	caisson_error_free(spec->error);
	free(spec);
}

static int replace(caisson_spec *spec, char **field, const char *value, const char *what) {
	char *copy = value ? strdup(value) : NULL;

	if (!copy)
		return spec_note(spec, value ? -ENOMEM : -EINVAL, what, value);
	free(*field);
	*field = copy;
	return 0;
}

int caisson_spec_bare_root(caisson_spec *spec) {
	spec->bare = true;
	return 0;
}

int caisson_spec_network(caisson_spec *spec, enum caisson_network network) {
	if ((unsigned)network > CAISSON_NETWORK_HOST)
		return spec_note(spec, -EINVAL, "network", "out of range");
	spec->network = network;
	return 0;
}

int caisson_spec_user_namespace(caisson_spec *spec, enum caisson_user_namespace mode) {
	if ((unsigned)mode > CAISSON_USER_NAMESPACE_NONE)
		return spec_note(spec, -EINVAL, "user namespace", "out of range");
	spec->userns = mode;
	return 0;
}

int caisson_spec_via(caisson_spec *spec, enum caisson_via via) {
	if ((unsigned)via > CAISSON_VIA_USERNS)
		return spec_note(spec, -EINVAL, "via", "out of range");
	spec->via = via;
	return 0;
}

int caisson_spec_ids(caisson_spec *spec, uint32_t uid, uint32_t gid) {
	spec->ids = (struct spec_op){ .op = CAISSON_OP_IDS, .fd = -1, .a = uid, .b = gid };
	return 0;
}

int caisson_spec_subids(caisson_spec *spec, uint32_t uid, uint32_t gid) {
	if (uid == 0 || gid == 0 || uid == CAISSON_CALLER_ID || gid == CAISSON_CALLER_ID)
		return spec_note(spec, -EINVAL, "subordinate ids", "out of range");
	spec->subids = (struct spec_op){ .op = CAISSON_OP_SUBIDS, .fd = -1, .a = uid, .b = gid };
	return 0;
}

int caisson_spec_time_offsets(caisson_spec *spec, int64_t monotonic, int64_t boottime) {
	spec->time = (struct spec_op){ .op = CAISSON_OP_TIME, .fd = -1 };
	spec->time.a = (uint64_t)monotonic;
	spec->time.b = (uint64_t)boottime;
	return 0;
}

int caisson_spec_name(caisson_spec *spec, const char *name) {
	if (!name)
		return spec_note(spec, -EINVAL, "name", "");
	return replace(spec, &spec->name, name, "name");
}

/* Some letters, digits, '-', '.', and what more says. */
static int replace_word(caisson_spec *spec, char **word, const char *with, const char *more,
                        const char *what) {
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				      "0123456789-.";
	size_t len = with ? strlen(with) : 0;

	for (size_t i = 0; i < len; i++)
		if (!strchr(allowed, with[i]) && !strchr(more, with[i]))
			len = 0;
	if (len == 0 || len > 64)
		return spec_note(spec, -EINVAL, what, with);
	return replace(spec, word, with, what);
}

int caisson_spec_hostname(caisson_spec *spec, const char *hostname) {
	return replace_word(spec, &spec->hostname, hostname, "", "host name");
}

int caisson_spec_label(caisson_spec *spec, const char *name) {
	return replace_word(spec, &spec->label, name, "_", "label");
}

int caisson_spec_require(caisson_spec *spec, enum caisson_property property) {
	if ((unsigned)property >= CAISSON_PROPERTY_COUNT)
		return spec_note(spec, -EINVAL, "property", "out of range");
	spec->require |= 1ull << property;
	return 0;
}

int caisson_spec_argv(caisson_spec *spec, const char *const argv[]) {
	int rc = argv && argv[0] && *argv[0] ? 0 : -EINVAL;

	strings_clear(&spec->argv);
	for (; rc == 0 && *argv; argv++)
		rc = strings_add(&spec->argv, strdup(*argv));
	return spec_note(spec, rc, "program", rc < 0 ? "" : NULL);
}

static bool env_name(const char *name) {
	return name && *name && !strchr(name, '=');
}

int caisson_spec_setenv(caisson_spec *spec, const char *name, const char *value) {
	size_t len = name ? strlen(name) : 0;
	char *text;

	if (!env_name(name) || !value)
		return spec_note(spec, -EINVAL, "environment variable", name);
	text = malloc(len + strlen(value) + 2);
	if (!text)
		return spec_note(spec, -ENOMEM, "environment variable", name);
	memcpy(text, name, len);
	text[len] = '=';
	strcpy(text + len + 1, value);
	for (size_t i = 0; i < spec->env.n; i++)
		if (!strncmp(spec->env.item[i], text, len + 1)) {
			free(spec->env.item[i]);
			spec->env.item[i] = text;
			return 0;
		}
	return spec_note(spec, strings_add(&spec->env, text), "environment variable", name);
}

int caisson_spec_clearenv(caisson_spec *spec) {
	strings_clear(&spec->env);
	strings_clear(&spec->keep);
	return 0;
}

int caisson_spec_keepenv(caisson_spec *spec, const char *name) {
	if (!env_name(name))
		return spec_note(spec, -EINVAL, "environment variable", name);
	return spec_note(spec, strings_add(&spec->keep, strdup(name)), "environment variable",
	                 name);
}

int caisson_spec_chdir(caisson_spec *spec, const char *dir) {
	if (!dir || dir[0] != '/')
		return spec_note(spec, -EINVAL, "working directory", dir);
	return replace(spec, &spec->cwd, dir, "working directory");
}

int caisson_spec_stdio(caisson_spec *spec, int in, int out, int err) {
	spec->stdio[0] = in;
	spec->stdio[1] = out;
	spec->stdio[2] = err;
	return 0;
}

int caisson_spec_allow_stdio_files(caisson_spec *spec) {
	spec->stdio_files = true;
	return 0;
}

int caisson_spec_landlock(caisson_spec *spec, enum caisson_landlock domain) {
	if ((unsigned)domain > CAISSON_LANDLOCK_PROCESSES)
		return spec_note(spec, -EINVAL, "Landlock domain", "out of range");
	spec->landlock = domain;
	return 0;
}

int caisson_spec_pass_fd(caisson_spec *spec, int fd) {
	int *more;

	if (fd < 0)
		return spec_note(spec, -EBADF, "descriptor", "-1");
	if (spec->passed + spec_channels(spec) >= CAISSON_START_MAX_EXTRA)
		return spec_note(spec, -E2BIG, "descriptor", "one more");
	more = realloc(spec->pass, (spec->passed + 1) * sizeof(*more));
	if (!more)
		return spec_note(spec, -ENOMEM, "descriptor", "one more");
	spec->pass = more;
	spec->pass[spec->passed++] = fd;
	return 0;
}

int caisson_spec_helper(caisson_spec *spec, const char *path) {
	return replace(spec, &spec->helper, path, "helper");
}
