/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* caisson run: from the options to a spec. */
#define _GNU_SOURCE
#include "options.h"
#include "supervise.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define TMPFS_SIZE (64ull << 20) /* of --tmpfs without a size */
#define DIR_MODE 0755u
#define TMPFS_MODE 0755u

/* Where src is on the host, as a path from "/"; the caller frees it. NULL with errno set. */
static char *absolute(const char *src)
{
	char *path = NULL, *cwd;

	if (strcmp(src, "..") == 0 || strncmp(src, "../", 3) == 0 || strstr(src, "/../") ||
	    (strlen(src) >= 3 && strcmp(src + strlen(src) - 3, "/..") == 0))
		return realpath(src, NULL); /* a name with ".." means nothing without its links */
	if (src[0] == '/')
		return strdup(src);
	cwd = getcwd(NULL, 0);
	if (!cwd)
		return NULL;
	if (asprintf(&path, "%s/%s", cwd, src) < 0)
		path = NULL;
	free(cwd);
	return path;
}

static int add_bind(struct run *run, const char *option, const char *value, unsigned flags)
{
	char *src, *dst;
	int result = -1;

	if (cli_split(value, &src, &dst) < 0) {
		cli_complain("out of memory");
		return -1;
	}
	if (!*src) {
		cli_complain("run: --%s %s: there is no source before the ':'", option, value);
		goto out;
	}
	if (!dst && !(dst = absolute(src))) {
		cli_complain("run: --%s %s: %s", option, value, strerror(errno));
		goto out;
	}
	if (dst[0] != '/') {
		cli_complain("run: --%s %s: the place in the sandbox, %s, must begin with '/'",
		             option, value, *dst ? dst : "\"\"");
		goto out;
	}
	caisson_spec_bind(run->spec, src, dst, flags);
	result = 0;
out:
	free(src);
	free(dst);
	return result;
}

static int opt_ro(void *context, const char *value)
{
	return add_bind(context, "ro", value, CAISSON_RDONLY);
}

static int opt_rw(void *context, const char *value)
{
	return add_bind(context, "rw", value, 0);
}

static int opt_tmpfs(void *context, const char *value)
{
	struct run *run = context;
	uint64_t bytes = TMPFS_SIZE;
	char *dst, *size;
	int result = 0;

	if (cli_split(value, &dst, &size) < 0) {
		cli_complain("out of memory");
		return -1;
	}
	if (size && (cli_size(size, &bytes) < 0 || bytes == 0)) {
		cli_complain("run: --tmpfs %s: %s is no size; say bytes, or as 64K, 16M, 2G", value,
		             *size ? size : "\"\"");
		result = -1;
	} else {
		caisson_spec_tmpfs(run->spec, dst, bytes, TMPFS_MODE);
	}
	free(dst);
	free(size);
	return result;
}

/* The index of value in names, which end with NULL; -1 and a message if it is not there. */
static int choice(const char *option, const char *value, const char *const names[])
{
	int i;

	for (i = 0; names[i]; i++)
		if (strcmp(names[i], value) == 0)
			return i;
	cli_complain("run: --%s %s: it is one of %s, %s and %s", option, value, names[0], names[1],
	             names[2]);
	return -1;
}

static int opt_net(void *context, const char *value)
{
	static const char *const names[] = { "none", "loopback", "host", NULL };
	static const enum caisson_network networks[] = { CAISSON_NETWORK_NONE,
		                                         CAISSON_NETWORK_LOOPBACK,
		                                         CAISSON_NETWORK_HOST };
	int i = choice("net", value, names);

	if (i >= 0)
		caisson_spec_network(((struct run *)context)->spec, networks[i]);
	return i < 0 ? -1 : 0;
}

static int opt_userns(void *context, const char *value)
{
	static const char *const names[] = { "auto", "required", "none", NULL };
	static const enum caisson_user_namespace modes[] = { CAISSON_USER_NAMESPACE_AUTO,
		                                             CAISSON_USER_NAMESPACE_REQUIRED,
		                                             CAISSON_USER_NAMESPACE_NONE };
	int i = choice("userns", value, names);

	if (i >= 0)
		caisson_spec_user_namespace(((struct run *)context)->spec, modes[i]);
	return i < 0 ? -1 : 0;
}

static int opt_setenv(void *context, const char *value)
{
	const char *equals = strchr(value, '=');
	char *name;

	if (!equals || equals == value) {
		cli_complain("run: --setenv %s: it must be NAME=VALUE", value);
		return -1;
	}
	name = strndup(value, (size_t)(equals - value));
	if (!name) {
		cli_complain("out of memory");
		return -1;
	}
	caisson_spec_setenv(((struct run *)context)->spec, name, equals + 1);
	free(name);
	return 0;
}

static int opt_keep_env(void *context, const char *value)
{
	if (!*value || strchr(value, '=')) {
		cli_complain("run: --keep-env %s: it must be the name of a variable", value);
		return -1;
	}
	caisson_spec_keepenv(((struct run *)context)->spec, value);
	return 0;
}

static int opt_symlink(void *context, const char *value)
{
	char *target, *path;
	int result = 0;

	if (cli_split(value, &target, &path) < 0) {
		cli_complain("out of memory");
		return -1;
	}
	if (!path || !*target) {
		cli_complain("run: --symlink %s: it must be TARGET:PATH", value);
		result = -1;
	} else {
		caisson_spec_symlink(((struct run *)context)->spec, target, path);
	}
	free(target);
	free(path);
	return result;
}

static void complain_property(const char *name, size_t length)
{
	char names[1024] = "";
	size_t used = 0;
	int i;

	for (i = 0; i < CAISSON_PROPERTY_COUNT && used < sizeof(names) - 64; i++)
		used += (size_t)snprintf(names + used, sizeof(names) - used, "%s%s", i ? ", " : "",
		                         caisson_property_name((enum caisson_property)i));
	cli_complain("run: --require: there is no property \"%.*s\"; there are %s", (int)length,
	             name, names);
}

static int opt_require(void *context, const char *value)
{
	const char *name = value;

	for (;;) {
		size_t length = strcspn(name, ",");
		char *one = strndup(name, length);
		int property = one ? caisson_property_by_name(one) : -ENOMEM;

		free(one);
		if (property < 0) {
			complain_property(name, length);
			return -1;
		}
		caisson_spec_require(((struct run *)context)->spec,
		                     (enum caisson_property)property);
		if (!name[length])
			return 0;
		name += length + 1;
	}
}

/* Options that hand their value to one function of the library. */
#define PASS(NAME, CALL)                                                                           \
	static int NAME(void *context, const char *value)                                          \
	{                                                                                          \
		struct run *run = context;                                                         \
		(void)value;                                                                       \
		CALL;                                                                              \
		return 0;                                                                          \
	}
PASS(opt_chdir, caisson_spec_chdir(run->spec, value))
PASS(opt_hostname, caisson_spec_hostname(run->spec, value))
PASS(opt_helper, caisson_spec_helper(run->spec, value))
PASS(opt_bare_root, caisson_spec_bare_root(run->spec))
PASS(opt_dir, caisson_spec_dir(run->spec, value, DIR_MODE))
PASS(opt_proc, caisson_spec_proc(run->spec, value))
PASS(opt_dev, caisson_spec_dev(run->spec, value))
PASS(opt_report, run->report = value)

static const struct cli_option options[] = {
	{ "ro", "SRC[:DST]",
	  "show the file or tree SRC read-only at DST\n(DST: as SRC; \\: is a ':')", opt_ro },
	{ "rw", "SRC[:DST]", "the same, and the program may write to it", opt_rw },
	{ "tmpfs", "DST[:SIZE]", "an empty tmpfs of SIZE (64M) bytes; K, M, G", opt_tmpfs },
	{ "dir", "PATH", "make a directory", opt_dir },
	{ "symlink", "TARGET:PATH", "make the symbolic link PATH", opt_symlink },
	{ "bare-root", NULL, "leave the default root out: no /usr, /etc, /proc,\n/dev, /tmp, /run",
	  opt_bare_root },
	{ "proc", "DST", "a procfs of the sandbox's own", opt_proc },
	{ "dev", "DST", "a /dev with the harmless devices only", opt_dev },
	{ "net", "none|loopback|host", "which network (none)", opt_net },
	{ "userns", "auto|required|none", "whether to use a user namespace (auto)", opt_userns },
	{ "hostname", "NAME", "the sandbox's host name", opt_hostname },
	{ "chdir", "DIR", "start in this directory of the sandbox (/)", opt_chdir },
	{ "setenv", "NAME=VALUE", "set a variable of the clean environment", opt_setenv },
	{ "keep-env", "NAME", "take over a variable, if it is set", opt_keep_env },
	{ "require", "PROP[,PROP]...", "refuse to run without these properties", opt_require },
	{ "report", "FILE", "write what is enforced, by what, as JSON;\n- is standard error",
	  opt_report },
	{ "helper", "PATH", "another caisson-helper than the installed one", opt_helper },
	{ NULL, NULL, NULL, NULL },
};

const struct cli_command cli_run_command = {
	"run",
	"[--] PROG [ARG]...",
	"run a program in a sandbox",
	options,
	"Exit status: the program's; 128+N if signal N ended it; 127 if it was not found,\n"
	"126 if it cannot be executed, 125 if there is no sandbox.",
};

int cli_run(int argc, char **argv)
{
	struct run run = { .spec = caisson_spec_new("caisson") };
	int rest = 0, result = EXIT_OWN_FAILURE;
	int parsed;

	if (!run.spec) {
		cli_complain("out of memory");
		return result;
	}
	parsed = cli_parse(&cli_run_command, argc, argv, &run, &rest);
	if (parsed > 0) {
		result = fflush(stdout) == 0 ? 0 : EXIT_OWN_FAILURE;
	} else if (parsed == 0 && rest >= argc) {
		cli_complain("run: no program is named; see caisson run --help");
	} else if (parsed == 0) {
		caisson_spec_argv(run.spec, (const char *const *)(argv + rest));
		result = run_to_its_end(&run);
	}
	caisson_spec_free(run.spec);
	return result;
}
