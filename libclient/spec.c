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

#include "internal.h"

/* Keep the first failure; return this one. */
static int note(caisson_spec *spec, int rc, const char *what, const char *value)
{
	if (rc < 0 && !spec->error)
		error_set(&spec->error, -rc, "describing the sandbox", "", "", "%s \"%s\": %s",
		          what, value ? value : "", strerror(-rc));
	return rc;
}

caisson_spec *caisson_spec_new(const char *name)
{
	caisson_spec *spec = calloc(1, sizeof(*spec));

	if (!spec)
		return NULL;
	spec->stdio[0] = spec->stdio[1] = spec->stdio[2] = -1;
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

void caisson_spec_free(caisson_spec *spec)
{
	if (!spec)
		return;
	for (size_t i = 0; i < spec->channels; i++)
		channel_free(spec->channel[i]);
	free(spec->channel);
	ops_clear(&spec->ops);
	strings_clear(&spec->argv);
	strings_clear(&spec->env);
	strings_clear(&spec->keep);
	free(spec->name);
	free(spec->hostname);
	free(spec->helper);
	free(spec->cwd);
	caisson_error_free(spec->error);
	free(spec);
}

static int replace(caisson_spec *spec, char **field, const char *value, const char *what)
{
	char *copy = value ? strdup(value) : NULL;

	if (!copy)
		return note(spec, value ? -ENOMEM : -EINVAL, what, value);
	free(*field);
	*field = copy;
	return 0;
}

static int add(caisson_spec *spec, const struct spec_op *op, const char *what)
{
	return note(spec, ops_add(&spec->ops, op), what, op->name);
}

int caisson_spec_bind(caisson_spec *spec, const char *src, const char *dst, unsigned flags)
{
	struct spec_op op = { .op = CAISSON_OP_BIND, .fd = -1 };

	if (!src || flags & ~(unsigned)(CAISSON_RDONLY | CAISSON_NOEXEC | CAISSON_OPTIONAL))
		return note(spec, -EINVAL, "bind", dst);
	op.flags = (uint16_t)((flags & CAISSON_RDONLY ? CAISSON_BIND_RDONLY : 0) |
	                      (flags & CAISSON_NOEXEC ? CAISSON_BIND_NOEXEC : 0));
	op.optional = flags & CAISSON_OPTIONAL;
	op.source = (char *)(uintptr_t)src;
	op.name = (char *)(uintptr_t)dst;
	return add(spec, &op, "bind");
}

int caisson_spec_ro(caisson_spec *spec, const char *src, const char *dst)
{
	return caisson_spec_bind(spec, src, dst, CAISSON_RDONLY);
}

int caisson_spec_rw(caisson_spec *spec, const char *src, const char *dst)
{
	return caisson_spec_bind(spec, src, dst, 0);
}

int caisson_spec_bind_fd(caisson_spec *spec, int fd, const char *dst, unsigned flags)
{
	struct spec_op op = { .op = CAISSON_OP_BIND, .fd = fd };

	if (fd < 0 || flags & ~(unsigned)(CAISSON_RDONLY | CAISSON_NOEXEC))
		return note(spec, -EINVAL, "bind of a descriptor", dst);
	op.flags = (uint16_t)((flags & CAISSON_RDONLY ? CAISSON_BIND_RDONLY : 0) |
	                      (flags & CAISSON_NOEXEC ? CAISSON_BIND_NOEXEC : 0));
	op.name = (char *)(uintptr_t)dst;
	return add(spec, &op, "bind of a descriptor");
}

int caisson_spec_tmpfs(caisson_spec *spec, const char *dst, uint64_t size, unsigned mode)
{
	struct spec_op op = { .op = CAISSON_OP_TMPFS, .fd = -1, .a = size, .b = mode };

	op.name = (char *)(uintptr_t)dst;
	if (size == 0 || size > 1ull << 50 || mode > 01777)
		return note(spec, -EINVAL, "tmpfs", dst);
	return add(spec, &op, "tmpfs");
}

int caisson_spec_dir(caisson_spec *spec, const char *dst, unsigned mode)
{
	struct spec_op op = { .op = CAISSON_OP_DIR, .fd = -1, .b = mode };

	op.name = (char *)(uintptr_t)dst;
	if (mode > 01777)
		return note(spec, -EINVAL, "directory", dst);
	return add(spec, &op, "directory");
}

int caisson_spec_symlink(caisson_spec *spec, const char *target, const char *path)
{
	struct spec_op op = { .op = CAISSON_OP_SYMLINK, .fd = -1 };

	op.name = (char *)(uintptr_t)path;
	op.target = (char *)(uintptr_t)target;
	if (!target || !*target || strlen(target) > CAISSON_PLAN_MAX_PATH)
		return note(spec, -EINVAL, "symlink", path);
	return add(spec, &op, "symlink");
}

int caisson_spec_proc(caisson_spec *spec, const char *dst)
{
	struct spec_op op = { .op = CAISSON_OP_PROC, .fd = -1, .name = (char *)(uintptr_t)dst };

	return add(spec, &op, "proc");
}

int caisson_spec_dev(caisson_spec *spec, const char *dst)
{
	return note(spec, root_dev(&spec->ops, dst), "dev", dst);
}

int caisson_spec_bare_root(caisson_spec *spec)
{
	spec->bare = true;
	return 0;
}

int caisson_spec_network(caisson_spec *spec, enum caisson_network network)
{
	if ((unsigned)network > CAISSON_NETWORK_HOST)
		return note(spec, -EINVAL, "network", "out of range");
	spec->network = network;
	return 0;
}

int caisson_spec_user_namespace(caisson_spec *spec, enum caisson_user_namespace mode)
{
	if ((unsigned)mode > CAISSON_USER_NAMESPACE_NONE)
		return note(spec, -EINVAL, "user namespace", "out of range");
	spec->userns = mode;
	return 0;
}

int caisson_spec_hostname(caisson_spec *spec, const char *hostname)
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				      "0123456789-.";

	if (!hostname || !*hostname || strlen(hostname) > 64 || hostname[strspn(hostname, allowed)])
		return note(spec, -EINVAL, "host name", hostname);
	return replace(spec, &spec->hostname, hostname, "host name");
}

int caisson_spec_require(caisson_spec *spec, enum caisson_property property)
{
	if ((unsigned)property >= CAISSON_PROPERTY_COUNT)
		return note(spec, -EINVAL, "property", "out of range");
	spec->require |= 1ull << property;
	return 0;
}

int caisson_spec_argv(caisson_spec *spec, const char *const argv[])
{
	int rc = argv && argv[0] && *argv[0] ? 0 : -EINVAL;

	strings_clear(&spec->argv);
	for (; rc == 0 && *argv; argv++)
		rc = strings_add(&spec->argv, strdup(*argv));
	return note(spec, rc, "program", rc < 0 ? "" : NULL);
}

static bool env_name(const char *name)
{
	return name && *name && !strchr(name, '=');
}

int caisson_spec_setenv(caisson_spec *spec, const char *name, const char *value)
{
	size_t len = name ? strlen(name) : 0;
	char *text;

	if (!env_name(name) || !value)
		return note(spec, -EINVAL, "environment variable", name);
	text = malloc(len + strlen(value) + 2);
	if (!text)
		return note(spec, -ENOMEM, "environment variable", name);
	memcpy(text, name, len);
	text[len] = '=';
	strcpy(text + len + 1, value);
	for (size_t i = 0; i < spec->env.n; i++)
		if (!strncmp(spec->env.item[i], text, len + 1)) {
			free(spec->env.item[i]);
			spec->env.item[i] = text;
			return 0;
		}
	return note(spec, strings_add(&spec->env, text), "environment variable", name);
}

int caisson_spec_keepenv(caisson_spec *spec, const char *name)
{
	if (!env_name(name))
		return note(spec, -EINVAL, "environment variable", name);
	return note(spec, strings_add(&spec->keep, strdup(name)), "environment variable", name);
}

int caisson_spec_chdir(caisson_spec *spec, const char *dir)
{
	if (!dir || dir[0] != '/')
		return note(spec, -EINVAL, "working directory", dir);
	return replace(spec, &spec->cwd, dir, "working directory");
}

int caisson_spec_stdio(caisson_spec *spec, int in, int out, int err)
{
	spec->stdio[0] = in;
	spec->stdio[1] = out;
	spec->stdio[2] = err;
	return 0;
}

int caisson_spec_allow_stdio_files(caisson_spec *spec)
{
	spec->stdio_files = true;
	return 0;
}

int caisson_spec_helper(caisson_spec *spec, const char *path)
{
	return replace(spec, &spec->helper, path, "helper");
}

caisson_channel *caisson_spec_channel(caisson_spec *spec, const char *name,
                                      enum caisson_direction direction, uint64_t bytes)
{
	caisson_channel **more, *channel = NULL;
	caisson_error *err = NULL;

	for (size_t i = 0; i < spec->channels; i++)
		if (name && !strcmp(channel_name(spec->channel[i]), name)) {
			note(spec, -EEXIST, "channel", name);
			return NULL;
		}
	if (spec->channels >= CAISSON_START_MAX_EXTRA) {
		note(spec, -E2BIG, "channel", name);
		return NULL;
	}
	more = realloc(spec->channel, (spec->channels + 1) * sizeof(*more));
	if (!more) {
		note(spec, -ENOMEM, "channel", name);
		return NULL;
	}
	spec->channel = more;
	if (channel_new(name, direction, bytes, &channel, &err) < 0) {
		if (!spec->error)
			spec->error = err;
		else
			caisson_error_free(err);
		return NULL;
	}
	spec->channel[spec->channels++] = channel;
	return channel;
}
