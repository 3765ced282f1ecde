/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "meaning.h"

#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "caisson-caps.h"
#include "caisson.h"
#include "helper_file.h"
#include "names.h"
#include "policy_place.h"

/* A sentence, the knob's name, the remedy. */
struct fixed {
	const char *what, *knob, *remedy;
};

static const struct fixed meanings[] = {
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
	                                "too. Other ids, clock offsets and idmapped grants "
	                                "require it" },
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
	[CAISSON_KNOB_POLICY] = { "no line of the policy allows it", CAISSON_POLICY_DIR,
	                          "ask the administrator, or see \"caisson policy list\"" },
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
	[CAISSON_KNOB_STDIO] = { "directories, block devices, O_PATH descriptors and regular files "
	                         "that were not allowed are never passed",
	                         "caisson_spec_stdio()",
	                         "pass a pipe, or call caisson_spec_allow_stdio_files()" },
	[CAISSON_KNOB_CWD] = { "the working directory cannot be entered", "working directory",
	                       "grant it to the sandbox, or choose another" },
	[CAISSON_KNOB_HOST_GONE] = { "the process that asked is gone", "", "" },
	[CAISSON_KNOB_ARGUMENTS] = { "caisson-helper takes no arguments", "", "" },
	[CAISSON_KNOB_DENIED] = { "root is denied it, although it holds the capability for it",
	                          "AppArmor or SELinux policy, or the container's seccomp filter",
	                          "look for the denial in the kernel log and the audit log "
	                          "(journalctl -k, ausearch -m AVC); allow caisson-helper this in "
	                          "the policy, or run the container with a profile that lets its "
	                          "root mount" },
	[CAISSON_KNOB_IDMAP] = { "the mounts of this file system cannot be idmapped",
	                         "file system type",
	                         "grant it without (--ro, --rw), or what lies on a file system "
	                         "that can do it, as ext4, xfs and btrfs, and tmpfs from Linux 6.3 "
	                         "on" },
	[CAISSON_KNOB_POLICY_FILE] = { "a policy file cannot be believed or read, so every request "
	                               "is "
	                               "refused",
	                               "the policy file", "as root: caisson policy check" },
	[CAISSON_KNOB_INIT] = { "caisson-init, which becomes the sandbox's first process, is "
	                        "missing "
	                        "or cannot be executed",
	                        "caisson-init, beside caisson-helper", "reinstall the package" },
	[CAISSON_KNOB_SANDBOXES] = { "this user has as many sandboxes as the policy allows",
	                             "policy: set ... sandboxes",
	                             "end one, or ask the administrator" },
	[CAISSON_KNOB_AUDIT] = { "the audit record could not be written, and the policy requires "
	                         "it",
	                         "policy: set ... audit required",
	                         "see that a system logger reads /dev/log" },
	[CAISSON_KNOB_LABEL] = { "the security module's label could not be changed to the "
	                         "sandbox's",
	                         "AppArmor or SELinux policy for caisson-helper",
	                         "load the profile or module that comes with Caisson, and look for "
	                         "the denial in the kernel log (journalctl -k, ausearch -m AVC)" },
	[CAISSON_KNOB_RUN_DIR] = { "the folder in which sandboxes are counted, " CAISSON_RUN_DIR
	                           ", is a link, or not root's",
	                           "owner of " CAISSON_RUN_DIR,
	                           "as root: remove it, and let nobody else write to the folder "
	                           "above it; caisson-helper makes it anew" },
};

uint32_t meaning_knob(uint32_t knob, int error) {
	if (error == EMFILE || error == ENFILE || error == ENOMEM)
		return CAISSON_KNOB_LIMITS;
	if (knob == CAISSON_KNOB_USERNS_LIMIT) /* which of the three the helper does not tell */
		return error == ENOSPC   ? knob
		       : error == EACCES ? CAISSON_KNOB_USERNS_MODULE
		                         : CAISSON_KNOB_SECCOMP;
	if (knob != CAISSON_KNOB_NONE)
		return knob;
	return error == EPERM || error == EACCES    ? CAISSON_KNOB_DENIED
	       : error == EAGAIN || error == ENOSPC ? CAISSON_KNOB_LIMITS
	                                            : knob;
}

/* A helper without privilege: why, as far as its file tells. */
static uint32_t refine(uint32_t knob, const struct helper_file *file) {
	if (knob != CAISSON_KNOB_NOT_SETUID)
		return knob;
	if (prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1)
		return CAISSON_KNOB_NO_NEW_PRIVS;
	return file->way != HELPER_PLAIN && file->nosuid ? CAISSON_KNOB_NOSUID_MOUNT : knob;
}

static void set(struct meaning *m, const char *knob, const char *remedy, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));

static void set(struct meaning *m, const char *knob, const char *remedy, const char *fmt, ...) {
	va_list args;

	va_start(args, fmt);
	vsnprintf(m->text, sizeof(m->text), fmt, args);
	va_end(args);
	m->what = m->text;
	m->knob = knob;
	m->remedy = remedy;
}

static void policy(const struct caisson_answer *a, struct meaning *m) {
	policy_place(a->line, m->place, sizeof(m->place));
	if (a->error == E2BIG && a->stage == CAISSON_STAGE_JUDGE)
		set(m, "policy: set ... mounts", "grant fewer trees, or smaller ones",
		    "the sandbox would have more mounts than the %u that the policy allows",
		    a->detail);
	else if (a->error == E2BIG)
		set(m, "policy: set ... binds; at most 4096 mounts",
		    "grant fewer, or larger, trees", "more is asked for than %u sources, %u mounts",
		    a->detail, 4096u);
	else if (a->line)
		set(m, m->place, "ask the administrator, or see \"caisson policy list\"",
		    "the policy denies it");
	else if (a->error == EACCES && geteuid() == 0 && getuid() == 0)
		set(m, "built-in policy", "run it as an ordinary user",
		    "root may not ask for a sandbox: it owns the host's files and sysctls by its "
		    "user id alone");
}

/* Every request is refused until it is mended. */
static void policy_file(const struct caisson_answer *a, struct meaning *m) {
	static const char *const why[] = {
		[CAISSON_POLICY_OPEN] = "this part of the policy cannot be opened or read",
		[CAISSON_POLICY_OWNER] =
			"this part of the policy is not root's, or writable for others",
		[CAISSON_POLICY_SIZE] = "the policy is too long",
		[CAISSON_POLICY_LINE] = "this line of the policy is no rule, or is cut off",
		[CAISSON_POLICY_TWICE] =
			"this line of the policy is about the same as one before it",
	};
	const char *text = a->detail < sizeof(why) / sizeof(why[0]) ? why[a->detail] : NULL;

	policy_place(a->line, m->place, sizeof(m->place));
	set(m, m->place, "as root: mend it; \"caisson policy check\" says what is expected",
	    "%s; until it is mended every request is refused",
	    text ? text : "the policy cannot be believed");
}

static void capability(uint32_t number, const char *helper, const struct helper_file *file,
                       struct meaning *m) {
	const char *name = name_capability(number);

	if (file->way == HELPER_CAPABILITIES && number < 64 && file->lacks >> number & 1) {
		set(m, "capabilities of caisson-helper's file", m->advice,
		    "the file of caisson-helper does not give it %s", name ? name : "one");
		snprintf(m->advice, sizeof(m->advice),
		         "as root: setcap " CAISSON_HELPER_CAPS_TEXT " %s", helper);
		return;
	}
	snprintf(m->advice, sizeof(m->advice), "capability %u", number);
	set(m, "capabilities of root in this container, or of caisson-helper's file",
	    "run the container with all of caisson-helper's capabilities (caisson-helper(8) "
	    "lists them), or install the helper anew",
	    "caisson-helper lacks %s here", name ? name : m->advice);
	meaning_bounding(m);
}

/* The kernel's reason, or init's. */
static void label(const struct caisson_answer *a, struct meaning *m) {
	switch (a->detail) {
	case CAISSON_LABEL_WHO:
		set(m, "AppArmor profile of the program that asks",
		    "in that profile: include <abstractions/caisson-host> instead of a rule for "
		    "caisson-helper of its own, and flags=(attach_disconnected)",
		    "the security module's label of caisson-helper does not say who asks");
		break;
	case CAISSON_LABEL_MISSING:
		set(m, "\"set ... lsm\" in the policy, --label, and the security module",
		    "load the profile or module that comes with Caisson and see that it is "
		    "enforced "
		    "(docs/admin.md), or as root allow sandboxes without: set all lsm if-loaded",
		    "a label of the security module's is required, and there is none that is "
		    "enforced");
		break;
	case CAISSON_LABEL_NESTED:
		set(m, "SELinux module of Caisson, --seccomp nested",
		    "use another profile; the module has no domain in which namespaces may be made",
		    "SELinux confines this sandbox, and would deny what the seccomp profile nested "
		    "is for");
		break;
	case CAISSON_LABEL_NUMBER:
		set(m, "number of the PID namespace", "end what holds so many namespaces",
		    "no categories are left that no other sandbox has");
		break;
	default:
		break;
	}
}

/* Those whose sentence needs more than the knob. */
static void special(const struct caisson_answer *a, const char *helper,
                    const struct helper_file *file, struct meaning *m) {
	const char *name = caisson_property_name((enum caisson_property)a->detail);

	switch (a->knob) {
	case CAISSON_KNOB_KERNEL:
		meaning_kernel(a, m);
		break;
	case CAISSON_KNOB_POLICY:
		policy(a, m);
		break;
	case CAISSON_KNOB_POLICY_FILE:
		policy_file(a, m);
		break;
	case CAISSON_KNOB_SUBIDS:
		set(m, a->detail ? "/etc/subgid" : "/etc/subuid", m->advice,
		    "it is not among the subordinate %s ids that this user is granted",
		    a->detail ? "group" : "user");
		snprintf(m->advice, sizeof(m->advice),
		         "choose one of those, or as root: usermod --add-sub%s FIRST-LAST USER",
		         a->detail ? "gids" : "uids");
		break;
	case CAISSON_KNOB_SOURCE_MOUNT:
		if (a->error == ESTALE)
			set(m, "path of the source",
			    "ask again when it has a path that stays; what has none, having been "
			    "removed, cannot be judged",
			    "the source, or a directory above it, was renamed or removed while it "
			    "was judged");
		break;
	case CAISSON_KNOB_DESTINATION:
		if (a->error == ENOSPC)
			set(m, "size of the sandbox's root (4 MiB), or of that tmpfs",
			    "put a tmpfs that is large enough at its directory first (--tmpfs, "
			    "caisson_spec_tmpfs())",
			    "the file system there is full");
		break;
	case CAISSON_KNOB_PROPERTY:
		set(m, "--require, caisson_spec_require()",
		    "do without it, or see \"caisson doctor\" for what would give it",
		    "the property \"%s\" was required and cannot be had here", name ? name : "?");
		meaning_keyring(a, m);
		break;
	case CAISSON_KNOB_DENIED:
		meaning_denied(a, m);
		break;
	case CAISSON_KNOB_NOT_SETUID:
		if (file->way != HELPER_PLAIN)
			set(m, "the process that starts it",
			    "start it where root is mapped, if in a user namespace, and without "
			    "strace, gdb or another tracer",
			    "the file of caisson-helper gives it privilege, and yet it got none");
		break;
	case CAISSON_KNOB_CAPABILITY:
		capability(a->detail, helper, file, m);
		break;
	case CAISSON_KNOB_LABEL:
		label(a, m);
		break;
	case CAISSON_KNOB_PROGRAM:
		set(m, "",
		    a->error == ENOENT
		            ? "check its path, and that it, its interpreter and its "
		              "libraries are granted"
		            : "check its mode, and that it is a program for this machine",
		    "the program cannot be executed in the sandbox");
		break;
	}
}

void meaning_of(const struct caisson_answer *answer, enum caisson_error_source source,
                const char *helper, struct meaning *m) {
	struct helper_file file = { .way = HELPER_PLAIN };
	struct caisson_answer a = *answer;
	struct fixed f = { "", "", "" };

	if (helper)
		helper_file_look(helper, &file);
	a.knob = refine(meaning_knob(a.knob, a.error), &file);
	/* Of all that is done there only the folder's open() can fail so. */
	if (a.knob == CAISSON_KNOB_NONE && a.stage == CAISSON_STAGE_POLICY && a.error == ENOTDIR)
		a.knob = CAISSON_KNOB_RUN_DIR;
	if (a.knob < sizeof(meanings) / sizeof(meanings[0]) && meanings[a.knob].what)
		f = meanings[a.knob];
	m->what = f.what;
	m->knob = f.knob;
	m->remedy = f.remedy;
	special(&a, helper, &file, m);
	meaning_run_dir(&a, m);
	meaning_too_new(&a, m);
	if (source == CAISSON_FROM_BUILDER)
		meaning_of_builder(answer, m);
}
