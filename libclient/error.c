/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Every sentence that a person reads about a failure in the helper or in init
 * is made here, from numbers.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <stdbool.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "error.h"
#include "property.h"

struct caisson_error {
	int error;
	enum caisson_error_source source;
	char *stage, *knob, *message, *remedy, *text;
};

static const caisson_error no_memory = {
	.error = ENOMEM,
	.stage = (char *)(uintptr_t) "reporting an error",
	.knob = (char *)(uintptr_t) "",
	.message = (char *)(uintptr_t) "out of memory",
	.remedy = (char *)(uintptr_t) "",
	.text = (char *)(uintptr_t) "out of memory",
};

static const char *const stages[CAISSON_STAGE_COUNT] = {
	[CAISSON_STAGE_START] = "starting",
	[CAISSON_STAGE_PLAN] = "checking the plan",
	[CAISSON_STAGE_POLICY] = "asking the policy",
	[CAISSON_STAGE_SOURCE] = "judging a source",
	[CAISSON_STAGE_NAMESPACES] = "creating the namespaces",
	[CAISSON_STAGE_ROOT] = "making the root",
	[CAISSON_STAGE_MOUNT] = "mounting",
	[CAISSON_STAGE_JUDGE] = "judging the finished mount tree",
	[CAISSON_STAGE_PIVOT] = "switching the root",
	[CAISSON_STAGE_NETWORK] = "setting up the network",
	[CAISSON_STAGE_USERNS] = "creating the user namespace",
	[CAISSON_STAGE_DROP] = "dropping privileges",
	[CAISSON_STAGE_LANDLOCK] = "entering a Landlock domain",
	[CAISSON_STAGE_SECCOMP] = "installing the seccomp floor",
	[CAISSON_STAGE_READ_BACK] = "reading the sandbox's state back",
	[CAISSON_STAGE_REQUIRE] = "checking what was required",
	[CAISSON_STAGE_INIT] = "preparing the program",
	[CAISSON_STAGE_EXEC] = "executing the program",
};

static const char *stage_text(uint32_t stage)
{
	return stage < CAISSON_STAGE_COUNT && stages[stage] ? stages[stage] : "an unknown step";
}

void caisson_error_free(caisson_error *err)
{
	if (!err || err == &no_memory)
		return;
	free(err->stage);
	free(err->knob);
	free(err->message);
	free(err->remedy);
	free(err->text);
	free(err);
}

static char *join(const caisson_error *e)
{
	char *text = NULL;

	if (asprintf(&text, "%s%s%s%s%s", e->message, *e->knob ? "\n  decided by: " : "", e->knob,
	             *e->remedy ? "\n  what to do: " : "", e->remedy) < 0)
		return NULL;
	return text;
}

static int make(caisson_error **err, enum caisson_error_source source, int error, const char *stage,
                const char *knob, const char *remedy, char *message)
{
	caisson_error *e;

	if (!err) {
		free(message);
		return -error;
	}
	e = calloc(1, sizeof(*e));
	if (e) {
		e->error = error;
		e->source = source;
		e->stage = strdup(stage);
		e->knob = strdup(knob);
		e->remedy = strdup(remedy);
		e->message = message;
		e->text = e->stage && e->knob && e->remedy && message ? join(e) : NULL;
		if (!e->text) {
			caisson_error_free(e);
			e = NULL;
		}
	} else {
		free(message);
	}
	*err = e ? e : (caisson_error *)(uintptr_t)&no_memory;
	return -error;
}

int error_set(caisson_error **err, int error, const char *stage, const char *knob,
              const char *remedy, const char *fmt, ...)
{
	char *message = NULL;
	va_list args;

	va_start(args, fmt);
	if (vasprintf(&message, fmt, args) < 0)
		message = NULL;
	va_end(args);
	return make(err, CAISSON_FROM_LIBRARY, error, stage, knob, remedy, message);
}

/* What the numbers mean: a sentence, the knob's name, the remedy. */
struct meaning {
	const char *what, *knob, *remedy;
};

static const struct meaning meanings[] = {
	[CAISSON_KNOB_NOT_SETUID] = { "caisson-helper runs without privilege",
	                              "mode of caisson-helper",
	                              "as root: chown root:root and chmod 4755 the helper, or "
	                              "reinstall the package" },
	[CAISSON_KNOB_NOSUID_MOUNT] = { "caisson-helper is on a file system mounted nosuid",
	                                "mount option nosuid",
	                                "install it on a file system without nosuid (see "
	                                "findmnt -T)" },
	[CAISSON_KNOB_NO_NEW_PRIVS] = { "this process runs under no_new_privs, so a setuid helper "
	                                "cannot work",
	                                "no_new_privs",
	                                "start it without: NoNewPrivileges=no in a systemd unit, "
	                                "allowPrivilegeEscalation: true in Kubernetes, without "
	                                "--security-opt no-new-privileges in Docker" },
	[CAISSON_KNOB_USERNS_LIMIT] = { "no user namespace may be created",
	                                "sysctl user.max_user_namespaces",
	                                "as root: sysctl user.max_user_namespaces=15000; or do "
	                                "not require \"userns\": without it the sandbox is full "
	                                "too" },
	[CAISSON_KNOB_USERNS_MODULE] = { "a security module denies the user namespace",
	                                 "AppArmor or SELinux policy for caisson-helper",
	                                 "allow caisson-helper userns_create in that policy; or do "
	                                 "not require "
	                                 "\"userns\"" },
	[CAISSON_KNOB_SECCOMP] = { "a seccomp filter that this process inherited denies it",
	                           "seccomp filter of the container or service",
	                           "run the container with a profile that allows it (Docker: "
	                           "--security-opt seccomp=unconfined)" },
	[CAISSON_KNOB_PROC] = { "/proc is not a procfs of this process's PID namespace", "/proc",
	                        "mount a fresh procfs on /proc in this PID namespace" },
	[CAISSON_KNOB_CONTROL] = { "the start message was malformed",
	                           "versions of libcaisson and caisson-helper",
	                           "install matching versions" },
	[CAISSON_KNOB_PLAN_FORMAT] = { "caisson-helper refused the plan as malformed",
	                               "versions of libcaisson and caisson-helper",
	                               "install matching versions" },
	[CAISSON_KNOB_POLICY] = { "the policy does not allow it", "built-in policy",
	                          "ask the administrator" },
	[CAISSON_KNOB_SOURCE_TYPE] = { "only directories, regular files, sockets and, by name, "
	                               "devices "
	                               "can be granted",
	                               "type of the source", "grant the directory it lies in" },
	[CAISSON_KNOB_TIMEOUT] = { "a step took longer than 30 seconds", "",
	                           "a file system behind a granted tree may not answer" },
	[CAISSON_KNOB_SOURCE_FS] = { "it is, or contains, a view of the kernel's own state "
	                             "(procfs, "
	                             "sysfs, cgroup, ...), which is never granted",
	                             "file system type", "grant a smaller tree" },
	[CAISSON_KNOB_SOURCE_MOUNT] = { "the source is not in this process's mount namespace, is "
	                                "detached, or cannot be cloned",
	                                "mount namespace", "open it by path in this namespace" },
	[CAISSON_KNOB_DESTINATION] = { "the place in the sandbox is missing and cannot be made, is "
	                               "taken, or is of another type than the source",
	                               "destination in the sandbox",
	                               "inside a granted tree the mount point must exist: create "
	                               "it "
	                               "there, or grant the tree elsewhere" },
	[CAISSON_KNOB_LIMITS] = { "memory, processes or descriptors are short",
	                          "limits of this user", "" },
	[CAISSON_KNOB_STDIO] = { "a descriptor given as standard input, output, error or channel "
	                         "is "
	                         "never passed: a directory, a block device, an O_PATH descriptor, "
	                         "or "
	                         "a regular file that was not allowed",
	                         "caisson_spec_stdio()",
	                         "pass a pipe, or call caisson_spec_allow_stdio_files()" },
	[CAISSON_KNOB_CWD] = { "the working directory cannot be entered", "working directory",
	                       "grant it to the sandbox, or choose another" },
	[CAISSON_KNOB_HOST_GONE] = { "the process that asked is gone", "", "" },
	[CAISSON_KNOB_ARGUMENTS] = { "caisson-helper takes no arguments", "", "" },
};

/* A helper without privilege: why, as far as its file tells. */
static uint32_t refine(uint32_t knob, const char *helper)
{
	struct statvfs fs;
	struct stat st;

	if (knob != CAISSON_KNOB_NOT_SETUID || !helper)
		return knob;
	if (prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1)
		return CAISSON_KNOB_NO_NEW_PRIVS;
	if (stat(helper, &st) == 0 && st.st_uid == 0 && st.st_mode & S_ISUID &&
	    statvfs(helper, &fs) == 0 && fs.f_flag & ST_NOSUID)
		return CAISSON_KNOB_NOSUID_MOUNT;
	return knob;
}

/* Those whose sentence needs a number from the answer. */
static bool special(const struct caisson_answer *a, struct meaning *m, char *what, char *remedy,
                    size_t size)
{
	switch (a->knob) {
	case CAISSON_KNOB_KERNEL:
		snprintf(what, size, "this kernel lacks system call %u", a->detail);
		*m = (struct meaning){ what, "kernel version",
			               "caisson-helper needs Linux 5.12 or later" };
		return true;
	case CAISSON_KNOB_POLICY:
		if (a->error != E2BIG)
			return false;
		snprintf(what, size, "more is asked for than %u sources, %u mounts", a->detail,
		         4096u);
		*m = (struct meaning){ what, "built-in policy", "grant fewer, or larger, trees" };
		return true;
	case CAISSON_KNOB_PROPERTY:
		snprintf(what, size, "the property \"%s\" was required and cannot be had here",
		         caisson_property_name(a->detail) ? caisson_property_name(a->detail) : "?");
		snprintf(remedy, size,
		         "do without it, or see \"caisson doctor\" for what would give it");
		*m = (struct meaning){ what, "--require, caisson_spec_require()", remedy };
		return true;
	case CAISSON_KNOB_CAPABILITY:
		snprintf(what, size, "root lacks capability %u here", a->detail);
		*m = (struct meaning){
			what, "capabilities of root in this container",
			"run the container with CAP_SYS_ADMIN and the other capabilities "
			"of caisson-helper, or a security module's policy stands in the way"
		};
		return true;
	case CAISSON_KNOB_PROGRAM:
		*m = (struct meaning){
			"the program cannot be executed in the sandbox", "",
			a->error == ENOENT ? "check its path, and that it, its interpreter and its "
					     "libraries are granted"
					   : "check its mode, and that it is a program for this "
					     "machine"
		};
		return true;
	default:
		return false;
	}
}

int error_from_answer(caisson_error **err, enum caisson_error_source source,
                      const struct caisson_answer *answer, const char *subject, const char *helper)
{
	struct meaning m = { "", "", "" };
	struct caisson_answer a = *answer;
	char what[160], remedy[160], *message = NULL;

	if (a.error <= 0)
		a.error = EIO;
	a.knob = refine(a.knob, helper);
	if (a.knob == CAISSON_KNOB_POLICY && a.error == EACCES && geteuid() == 0 && getuid() == 0)
		m = (struct meaning){
			"root may not ask for a sandbox: it owns the host's files and "
			"sysctls by its user id alone",
			"built-in policy", "run it as an ordinary user"
		};
	else if (!special(&a, &m, what, remedy, sizeof(what)) &&
	         a.knob < sizeof(meanings) / sizeof(meanings[0]) && meanings[a.knob].what)
		m = meanings[a.knob];
	if (asprintf(&message, "%s failed while %s%s%s: %s%s%s",
	             source == CAISSON_FROM_INIT ? "the sandbox's init" : "caisson-helper",
	             stage_text(a.stage), subject ? ": " : "", subject ? subject : "", m.what,
	             *m.what ? ": " : "", strerror(a.error)) < 0)
		message = NULL;
	return make(err, source, a.error, stage_text(a.stage), m.knob, m.remedy, message);
}

const char *caisson_error_text(const caisson_error *err)
{
	return err ? err->text : "no error";
}

const char *caisson_error_message(const caisson_error *err)
{
	return err ? err->message : "no error";
}

const char *caisson_error_remedy(const caisson_error *err)
{
	return err ? err->remedy : "";
}

const char *caisson_error_stage(const caisson_error *err)
{
	return err ? err->stage : "";
}

const char *caisson_error_knob(const caisson_error *err)
{
	return err ? err->knob : "";
}

enum caisson_error_source caisson_error_source(const caisson_error *err)
{
	return err ? err->source : CAISSON_FROM_LIBRARY;
}

int caisson_error_errno(const caisson_error *err)
{
	return err ? err->error : 0;
}
