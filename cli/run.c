/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* caisson run: from the options to a spec. */
#define _GNU_SOURCE
#include "layout.h"
#include "link.h"
#include "options.h"
#include "supervise.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The index of value in names, which end with NULL; -1 and a message if it is not there. */
static int choice(const char *option, const char *value, const char *const names[]) {
	char all[128] = "";
	size_t used = 0;
	int i;

	for (i = 0; names[i]; i++) {
		if (strcmp(names[i], value) == 0)
			return i;
		used += (size_t)snprintf(all + used, sizeof(all) - used, "%s%s",
		                         i == 0         ? ""
		                         : names[i + 1] ? ", "
		                                        : " and ",
		                         names[i]);
	}
	cli_complain("run: --%s %s: it is one of %s", option, value, all);
	return -1;
}

static int opt_net(void *context, const char *value) {
	static const char *const names[] = { "none", "loopback", "host", NULL };
	static const enum caisson_network networks[] = { CAISSON_NETWORK_NONE,
		                                         CAISSON_NETWORK_LOOPBACK,
		                                         CAISSON_NETWORK_HOST };
	int i = choice("net", value, names);

	if (i >= 0)
		caisson_spec_network(((struct run *)context)->spec, networks[i]);
	return i < 0 ? -1 : 0;
}

static int opt_seccomp(void *context, const char *value) {
	static const char *const names[] = { "default", "strict", "gpu", "nested", NULL };

	if (choice("seccomp", value, names) < 0)
		return -1;
	return caisson_spec_seccomp(((struct run *)context)->spec, value) < 0 ? -1 : 0;
}

static int opt_landlock(void *context, const char *value) {
	static const char *const names[] = { "files", "processes", NULL };
	int i = choice("landlock", value, names);

	if (i >= 0)
		caisson_spec_landlock(((struct run *)context)->spec, (enum caisson_landlock)i);
	return i < 0 ? -1 : 0;
}

static int opt_userns(void *context, const char *value) {
	static const char *const names[] = { "auto", "required", "none", NULL };
	static const enum caisson_user_namespace modes[] = { CAISSON_USER_NAMESPACE_AUTO,
		                                             CAISSON_USER_NAMESPACE_REQUIRED,
		                                             CAISSON_USER_NAMESPACE_NONE };
	int i = choice("userns", value, names);

	if (i >= 0)
		caisson_spec_user_namespace(((struct run *)context)->spec, modes[i]);
	return i < 0 ? -1 : 0;
}

static int opt_via(void *context, const char *value) {
	static const char *const names[] = { "auto", "helper", "userns", NULL };
	static const enum caisson_via vias[] = { CAISSON_VIA_AUTO, CAISSON_VIA_HELPER,
		                                 CAISSON_VIA_USERNS };
	int i = choice("via", value, names);

	if (i >= 0)
		caisson_spec_via(((struct run *)context)->spec, vias[i]);
	return i < 0 ? -1 : 0;
}

static int opt_name(void *context, const char *value) {
	struct run *run = context;

	if (!link_name_ok(value)) {
		cli_complain("run: --name %s: it must be 1 to %d of letters, digits, '.', '_' and "
		             "'-', the first no '.' or '-'",
		             value, LINK_NAME_MAX);
		return -1;
	}
	run->name = value;
	caisson_spec_name(run->spec, value);
	return 0;
}

static void complain_property(const char *name, size_t length) {
	char names[1024] = "";
	size_t used = 0;
	int i;

	for (i = 0; i < CAISSON_PROPERTY_COUNT && used < sizeof(names) - 64; i++)
		used += (size_t)snprintf(names + used, sizeof(names) - used, "%s%s", i ? ", " : "",
		                         caisson_property_name((enum caisson_property)i));
	cli_complain("run: --require: there is no property \"%.*s\"; there are %s", (int)length,
	             name, names);
}

static int opt_require(void *context, const char *value) {
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

static int id(const char *option, const char *value, uint64_t min, uint32_t *to) {
	uint64_t n;

	if (cli_number(value, UINT32_MAX - 1, &n) < 0 || n < min) {
		cli_complain("run: --%s %s: it must be a number from %u to 4294967294", option,
		             value, (unsigned)min);
		return -1;
	}
	*to = (uint32_t)n;
	return 0;
}

static int inside(struct run *run, const char *option, const char *value, uint32_t *to) {
	if (id(option, value, 0, to) < 0)
		return -1;
	caisson_spec_ids(run->spec, run->uid, run->gid);
	return 0;
}

static int opt_uid(void *context, const char *value) {
	return inside(context, "uid", value, &((struct run *)context)->uid);
}

static int opt_gid(void *context, const char *value) {
	return inside(context, "gid", value, &((struct run *)context)->gid);
}

static int opt_subuid(void *context, const char *value) {
	return id("subuid", value, 1, &((struct run *)context)->subuid);
}

static int opt_subgid(void *context, const char *value) {
	return id("subgid", value, 1, &((struct run *)context)->subgid);
}

static int opt_time(void *context, const char *value) {
	long long offset[2] = { 0, 0 };
	const char *at = value;
	char *end;

	for (int i = 0; i < 2; i++) {
		errno = 0;
		offset[i] = strtoll(at, &end, 10);
		if (errno || end == at || *at == ' ' || *end != (i == 0 ? ',' : '\0')) {
			cli_complain("run: --time %s: it must be MONOTONIC,BOOTTIME, both in "
			             "seconds",
			             value);
			return -1;
		}
		at = end + 1;
	}
	caisson_spec_time_offsets(((struct run *)context)->spec, offset[0], offset[1]);
	return 0;
}

/* One that the library refused by its range, which is in the manual. */
static int limit(struct run *run, enum caisson_limit limit, const char *option, const char *value,
                 uint64_t number, int rc) {
	if (rc == 0)
		rc = caisson_spec_limit(run->spec, limit, number);
	if (limit != CAISSON_LIMIT_SECONDS && limit != CAISSON_LIMIT_FILES)
		run->limited = true;
	if (rc == -EINVAL || rc == -ERANGE)
		cli_complain("run: --%s %s: it must be %s", option, value,
		             limit == CAISSON_LIMIT_MEMORY ? "a size, as 512M, and at least 1M"
		             : limit == CAISSON_LIMIT_SWAP ? "a size, as 512M, or 0"
		             : limit == CAISSON_LIMIT_PIDS ? "a number from 4 to 4194304"
		             : limit == CAISSON_LIMIT_CPU
		                     ? "percent of one processor, from 1 to 1000000"
		             : limit == CAISSON_LIMIT_SECONDS ? "a number from 1 to 2147483647"
		             : limit == CAISSON_LIMIT_FILES   ? "a number from 16 to 768"
		                                              : "a number from 1 to 10000");
	return rc < 0 ? -1 : 0;
}

static int limit_size(struct run *run, enum caisson_limit which, const char *option,
                      const char *value) {
	uint64_t bytes = 0;
	int rc = cli_size(value, &bytes);

	return limit(run, which, option, value, bytes, rc);
}

static int limit_number(struct run *run, enum caisson_limit which, const char *option,
                        const char *value) {
	uint64_t number = 0;
	int rc = cli_number(value, UINT32_MAX, &number);

	return limit(run, which, option, value, number, rc);
}

static int opt_cgroup(void *context, const char *value) {
	struct run *run = context;

	run->limited = true;
	return caisson_spec_cgroup(run->spec, value) < 0 ? -1 : 0;
}

/* Options that hand their value to one function of the library. */
#define PASS(NAME, CALL)                                                                           \
	static int NAME(void *context, const char *value) {                                        \
		struct run *run = context;                                                         \
		(void)value;                                                                       \
		CALL;                                                                              \
		return 0;                                                                          \
	}
PASS(opt_setenv, return run_setenv(run->spec, "run", value))
PASS(opt_keep_env, return run_keep_env(run->spec, "run", value))
PASS(opt_chdir, caisson_spec_chdir(run->spec, value))
PASS(opt_hostname, caisson_spec_hostname(run->spec, value))
PASS(opt_label, caisson_spec_label(run->spec, value))
PASS(opt_helper, caisson_spec_helper(run->spec, value))
PASS(opt_gpu, caisson_spec_gpu(run->spec, value))
PASS(opt_bare_root, caisson_spec_bare_root(run->spec))
PASS(opt_memory, return limit_size(run, CAISSON_LIMIT_MEMORY, "memory", value))
PASS(opt_swap, return limit_size(run, CAISSON_LIMIT_SWAP, "swap", value))
PASS(opt_pids, return limit_number(run, CAISSON_LIMIT_PIDS, "pids", value))
PASS(opt_cpu, return limit_number(run, CAISSON_LIMIT_CPU, "cpu", value))
PASS(opt_io_weight, return limit_number(run, CAISSON_LIMIT_IO_WEIGHT, "io-weight", value))
PASS(opt_seconds, return limit_number(run, CAISSON_LIMIT_SECONDS, "seconds", value))
PASS(opt_files, return limit_number(run, CAISSON_LIMIT_FILES, "files", value))
PASS(opt_explain, run->explain = caisson_spec_explain_denials(run->spec) == 0)
PASS(opt_report, run->report = value)

static const struct cli_option options[] = {
	{ "ro", "SRC[:DST]",
	  "show the file or tree SRC read-only at DST\n(DST: as SRC; \\: is a ':')", opt_ro },
	{ "rw", "SRC[:DST]", "the same, and the program may write to it", opt_rw },
	{ "ro-idmap", "SRC[:DST]", "as --ro, the user's own files appear as the program's",
	  opt_ro_idmap },
	{ "rw-idmap", "SRC[:DST]", "as --rw, the same", opt_rw_idmap },
	{ "file", "SRC:DST[:MODE]", "a copy of the file SRC, with MODE (0644)", opt_file },
	{ "data", "FD:DST[:MODE]", "a file of what can be read from descriptor FD", opt_data },
	{ "tmpfs", "DST[:OPT[,OPT]...]",
	  "an empty tmpfs; OPT: its size (64M) in bytes or with\nK, M, G; mode=MODE (0755); noexec",
	  opt_tmpfs },
	{ "dir", "PATH", "make a directory", opt_dir },
	{ "symlink", "TARGET:PATH", "make the symbolic link PATH", opt_symlink },
	{ "mask", "PATH", "cover what is there with something empty", opt_mask },
	{ "remount-ro", "PATH", "make what is there by now read-only", opt_remount_ro },
	{ "bare-root", NULL, "leave the default root out: no /usr, /etc, /proc,\n/dev, /tmp, /run",
	  opt_bare_root },
	{ "proc", "DST[:OPT[,OPT]...]",
	  "a procfs of the sandbox's own; OPT: pids, processes\nonly; hidepid; whole, with nothing "
	  "masked",
	  opt_proc },
	{ "dev", "DST", "a /dev with the harmless devices only", opt_dev },
	{ "mqueue", "DST", "the sandbox's own POSIX message queues", opt_mqueue },
	{ "gpu", "none|all|N|NAME",
	  "a GPU, if the policy allows its devices: by number, UUID\n(GPU-...), MIG instance "
	  "(N/GI/CI), "
	  "PCI address, renderDN\nor CDI name (nvidia.com/gpu=0)",
	  opt_gpu },
	{ "net", "none|loopback|host", "which network (none)", opt_net },
	{ "seccomp", "default|strict|gpu|nested",
	  "which system calls the program may make (default);\nnested: those that make namespaces",
	  opt_seccomp },
	{ "landlock", "files|processes",
	  "whether the Landlock domain is for files outside, too (files)", opt_landlock },
	{ "explain-denials", NULL, "say in the end which system calls were denied", opt_explain },
	{ "userns", "auto|required|none", "whether to use a user namespace (auto)", opt_userns },
	{ "uid", "N", "the user id that the program sees, 0 included", opt_uid },
	{ "gid", "N", "the group id that it sees", opt_gid },
	{ "subuid", "N",
	  "run as this subordinate user id of the host\n(/etc/subuid); with --subgid", opt_subuid },
	{ "subgid", "N", "and this group id (/etc/subgid)", opt_subgid },
	{ "time", "MONOTONIC,BOOTTIME", "seconds that these clocks are ahead", opt_time },
	{ "memory", "SIZE",
	  "at most this much memory (512M), all of it together;\nno swap, without --swap",
	  opt_memory },
	{ "swap", "SIZE", "and this much swap", opt_swap },
	{ "pids", "N", "at most N processes and threads at once", opt_pids },
	{ "cpu", "PERCENT", "at most so much of one processor (150: one and a half)", opt_cpu },
	{ "io-weight", "N", "its share of a busy disk, where all others have 100", opt_io_weight },
	{ "seconds", "N", "end it after N seconds", opt_seconds },
	{ "files", "N", "at most N open files per process (768)", opt_files },
	{ "cgroup", "DIR", "make the sandbox's cgroup in this one", opt_cgroup },
	{ "name", "NAME", "a name for caisson exec, ps and stat", opt_name },
	{ "hostname", "NAME", "the sandbox's host name", opt_hostname },
	{ "label", "NAME",
	  "a further AppArmor profile, or another SELinux domain,\nfor what runs inside",
	  opt_label },
	{ "chdir", "DIR", "start in this directory of the sandbox (/)", opt_chdir },
	{ "setenv", "NAME=VALUE", "set a variable of the clean environment", opt_setenv },
	{ "keep-env", "NAME", "take over a variable, if it is set", opt_keep_env },
	{ "require", "PROP[,PROP]...", "refuse to run without these properties", opt_require },
	{ "report", "FILE", "write what is enforced, by what, as JSON;\n- is standard error",
	  opt_report },
	{ "via", "auto|helper|userns",
	  "who builds it: caisson-helper, or without it, in a user\nnamespace (auto: the helper, "
	  "if "
	  "it works here)",
	  opt_via },
	{ "helper", "PATH", "another caisson-helper than the installed one", opt_helper },
	/* known from other programs, and not to be had: not in the help */
	{ "overlay", "", NULL, opt_overlay },
	{ "overlay-src", "", NULL, opt_overlay },
	{ "tmp-overlay", "", NULL, opt_overlay },
	{ "ro-overlay", "", NULL, opt_overlay },
	{ "dev-bind", "", NULL, opt_dev_bind },
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

int run_parse(struct run *run, int argc, char **argv, int *rest) {
	int parsed = cli_parse(&cli_run_command, argc, argv, run, rest);

	if (parsed == 0 && !run->subuid != !run->subgid) {
		cli_complain("run: --subuid and --subgid belong together, and one is missing");
		return -1;
	}
	if (parsed == 0 && run->subuid)
		caisson_spec_subids(run->spec, run->subuid, run->subgid);
	return parsed;
}

int cli_run(int argc, char **argv) {
	struct run run = { .spec = caisson_spec_new("caisson"),
		           .uid = CAISSON_CALLER_ID,
		           .gid = CAISSON_CALLER_ID };
	int rest = 0, result = EXIT_OWN_FAILURE;
	int parsed;

	if (!run.spec) {
		cli_complain("out of memory");
		return result;
	}
	parsed = run_parse(&run, argc, argv, &rest);
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
