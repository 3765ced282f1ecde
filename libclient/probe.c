/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* caisson_probe_*: what works on this host, why not what does not, and what to do about it. */
#define _GNU_SOURCE
#include "caisson.h"
#include "error.h"
#include "probe_try.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/utsname.h>
#include <unistd.h>

#define MAX_FINDINGS 16
#define SANDBOX_TIMEOUT_MS 5000

struct caisson_probe {
	struct caisson_finding findings[MAX_FINDINGS];
	size_t count;
	const char *helper;
	int no_memory;
};

static char *text(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

static char *text(const char *fmt, ...)
{
	char *made = NULL;
	va_list ap;

	va_start(ap, fmt);
	if (vasprintf(&made, fmt, ap) < 0)
		made = NULL;
	va_end(ap);
	return made;
}

/* Takes over value, evidence and remedy; NULL there means memory was short. */
static void add(struct caisson_probe *probe, const char *topic, enum caisson_severity severity,
                char *value, char *evidence, char *remedy)
{
	struct caisson_finding *finding = &probe->findings[probe->count];

	if (!value || !evidence || !remedy || probe->count == MAX_FINDINGS) {
		free(value);
		free(evidence);
		free(remedy);
		probe->no_memory = 1;
		return;
	}
	*finding = (struct caisson_finding){ topic, value, evidence, remedy, severity };
	probe->count++;
}

/* -------------------------------------------------------------- the kernel */

static void find_kernel(struct caisson_probe *probe)
{
	unsigned missing = 0, needed = (1u << TRY_CALLS_NEEDED) - 1;
	char names[128] = "";
	struct utsname host;
	int i, failed = try_calls(&missing);

	memset(&host, 0, sizeof(host));
	uname(&host);
	for (i = 0; i < TRY_CALLS; i++)
		if (missing & (1u << i))
			snprintf(names + strlen(names), sizeof(names) - strlen(names), "%s%s",
			         names[0] ? ", " : "", try_call_names[i]);
	if (failed < 0)
		add(probe, "kernel", CAISSON_NOTE, text("%s", host.release),
		    text("it could not be tried: %s", strerror(-failed)), text("%s", ""));
	else if (missing & needed)
		add(probe, "kernel", CAISSON_PROBLEM, text("%s, too old", host.release),
		    text("missing: %s", names),
		    text("use Linux 5.2 or later, or allow these calls in the filter that hides "
		         "them"));
	else if (missing)
		add(probe, "kernel", CAISSON_NOTE, text("%s", host.release),
		    text("missing: %s", names),
		    text("nothing need be done: older calls serve instead"));
	else
		add(probe, "kernel", CAISSON_OK, text("%s", host.release),
		    text("every system call that is used"), text("%s", ""));
}

static void find_platform(struct caisson_probe *probe)
{
	static const struct {
		const char *file, *name;
	} marks[] = {
		{ "/.dockerenv", "Docker container" },
		{ "/run/.containerenv", "Podman container" },
		{ "/run/systemd/container", "container" },
		{ "/var/run/secrets/kubernetes.io", "Kubernetes pod" },
	};
	char version[256] = "";
	size_t i;

	probe_read_line("/proc/version", version, sizeof(version));
	if (strcasestr(version, "microsoft")) {
		add(probe, "platform", CAISSON_OK, text("WSL"), text("/proc/version: %s", version),
		    text("%s", ""));
		return;
	}
	for (i = 0; i < sizeof(marks) / sizeof(marks[0]); i++) {
		if (access(marks[i].file, F_OK) < 0)
			continue;
		add(probe, "platform", CAISSON_OK, text("%s", marks[i].name),
		    text("%s exists", marks[i].file), text("%s", ""));
		return;
	}
	add(probe, "platform", CAISSON_OK, text("Linux"), text("no sign of a container or of WSL"),
	    text("%s", ""));
}

/* --------------------------------------------------------- user namespaces */

#define NOT_NEEDED "caisson-helper does without; for other programs: "

static void find_userns(struct caisson_probe *probe)
{
	struct try_userns got;
	struct probe_cause cause;
	int r = try_userns(&got);

	if (r == 0 && got.stage == TRY_DONE) {
		add(probe, "user namespaces", CAISSON_OK, text("open to you"),
		    text("made one, mapped %u, mounted a tmpfs in it", (unsigned)geteuid()),
		    text("%s", ""));
		return;
	}
	if (r < 0 || got.signal) {
		add(probe, "user namespaces", CAISSON_NOTE, text("not known"),
		    got.signal ? text("the attempt was ended by signal %d", got.signal)
		               : text("the attempt could not be made: %s", strerror(-r)),
		    got.signal ? text("look for a seccomp filter that kills") : text("%s", ""));
		return;
	}
	cause = probe_userns_cause(&got);
	add(probe, "user namespaces", CAISSON_NOTE, text("denied to you"),
	    text("%s (%s: %s)", cause.evidence,
	         got.stage == TRY_CLONE ? "unshare"
	         : got.stage == TRY_MAP ? "uid_map"
	                                : "mount",
	         strerror(got.error)),
	    text(NOT_NEEDED "%s", cause.remedy));
}

/* -------------------------------------------------------------- the caller */

static void find_no_new_privs(struct caisson_probe *probe)
{
	int set = prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1;

	if (!set)
		add(probe, "no_new_privs", CAISSON_OK, text("not set"),
		    text("PR_GET_NO_NEW_PRIVS is 0"), text("%s", ""));
	else
		add(probe, "no_new_privs", geteuid() == 0 ? CAISSON_NOTE : CAISSON_PROBLEM,
		    text("set"), text("a setuid program gains nothing in this process"),
		    text("start the host application without it: NoNewPrivileges=no in a systemd "
		         "unit, no security-opt no-new-privileges in a container, "
		         "allowPrivilegeEscalation: true in a pod"));
}

static void find_seccomp(struct caisson_probe *probe)
{
	int mode = prctl(PR_GET_SECCOMP, 0, 0, 0, 0);

	if (mode == 2)
		add(probe, "seccomp", CAISSON_NOTE, text("filtered"),
		    text("the helper inherits this process's filter"),
		    text("if the sandbox is refused: start from a process without the filter"));
	else
		add(probe, "seccomp", CAISSON_OK, text("no filter"),
		    text("PR_GET_SECCOMP is %d", mode), text("%s", ""));
}

static void find_modules(struct caisson_probe *probe)
{
	char label[256] = "";

	if (access("/sys/fs/selinux/enforce", F_OK) == 0) {
		probe_read_line("/proc/self/attr/current", label, sizeof(label));
		add(probe, "security module", CAISSON_OK,
		    text("SELinux, %s",
		         probe_reads("/sys/fs/selinux/enforce", "1") ? "enforcing" : "permissive"),
		    text("you are %s", label), text("%s", ""));
	} else if (probe_reads("/sys/module/apparmor/parameters/enabled", "Y")) {
		if (probe_read_line("/proc/self/attr/apparmor/current", label, sizeof(label)) < 0)
			probe_read_line("/proc/self/attr/current", label, sizeof(label));
		add(probe, "security module", CAISSON_OK, text("AppArmor"),
		    text("you are %s", label), text("%s", ""));
	} else {
		add(probe, "security module", CAISSON_OK, text("none that labels"),
		    text("neither AppArmor nor SELinux"), text("%s", ""));
	}
}

/* -------------------------------------------------------------- the helper */

static void helper_wrong(struct caisson_probe *probe, const char *value, char *evidence,
                         char *remedy)
{
	/* To root a helper that gains nothing is as good as one that does. */
	add(probe, "helper", geteuid() == 0 && value[0] == 'n' ? CAISSON_NOTE : CAISSON_PROBLEM,
	    text("%s", value), evidence, remedy);
}

static void find_helper(struct caisson_probe *probe)
{
	const char *path = probe->helper;
	struct statvfs mount;
	struct stat st;

	errno = 0;
	if (stat(path, &st) < 0 || !S_ISREG(st.st_mode))
		helper_wrong(probe, "missing",
		             text("%s: %s", path, strerror(errno ? errno : EINVAL)),
		             text("install Caisson's package, or the helper at %s", path));
	else if (st.st_uid != 0 || !(st.st_mode & S_ISUID))
		helper_wrong(probe, "not setuid root",
		             text("%s: mode %04o, owner %u", path, st.st_mode & 07777u, st.st_uid),
		             text("chown root:root %s && chmod 4755 %s", path, path));
	else if (statvfs(path, &mount) == 0 && (mount.f_flag & ST_NOSUID))
		helper_wrong(probe, "no setuid here", text("%s is on a mount with nosuid", path),
		             text("install it elsewhere, or mount -o remount,suid there"));
	else if (access(path, X_OK) < 0)
		helper_wrong(probe, "executable to others",
		             text("%s: mode %04o, group %u: %s", path, st.st_mode & 07777u,
		                  st.st_gid, strerror(errno)),
		             text("add your user to group %u", st.st_gid));
	else
		add(probe, "helper", CAISSON_OK, text("setuid root"),
		    text("%s: mode %04o, owner 0", path, st.st_mode & 07777u), text("%s", ""));
}

static void refused(struct caisson_probe *probe, const caisson_error *err)
{
	add(probe, "sandbox", CAISSON_PROBLEM, text("refused"),
	    text("%s (%s)", caisson_error_message(err), caisson_error_stage(err)),
	    text("%s", caisson_error_remedy(err)));
}

static void find_sandbox(struct caisson_probe *probe)
{
	static const char *const argv[] = { "true", NULL };
	caisson_spec *spec = caisson_spec_new("doctor");
	caisson_sandbox *box = NULL;
	caisson_error *err = NULL;
	const char *barriers = "";
	int status = 0;

	if (!spec) {
		probe->no_memory = 1;
		return;
	}
	caisson_spec_helper(spec, probe->helper);
	caisson_spec_argv(spec, argv);
	if (caisson_spawn(spec, &box, &err) < 0 ||
	    caisson_wait(box, SANDBOX_TIMEOUT_MS, &status, &err) < 0) {
		refused(probe, err);
	} else if (status != 0 || !caisson_is_full(box)) {
		add(probe, "sandbox", CAISSON_PROBLEM, text("not full"),
		    text("\"true\" ended with wait status 0x%x", (unsigned)status),
		    text("see caisson run --report - true"));
	} else {
		caisson_property_held(box, CAISSON_PROPERTY_HOST_PROCESSES, &barriers);
		add(probe, "sandbox", CAISSON_OK, text("full"),
		    text("tried: caisson-helper, %s user namespace; %s",
		         caisson_property_held(box, CAISSON_PROPERTY_USERNS, NULL) ? "with"
		                                                                   : "without",
		         barriers),
		    text("%s", ""));
	}
	caisson_error_free(err);
	caisson_sandbox_free(box);
	caisson_spec_free(spec);
}

/* ------------------------------------------------------------- what is more */

static void find_landlock(struct caisson_probe *probe)
{
	int abi = 0, error = -try_landlock(&abi);

	if (abi > 0)
		add(probe, "Landlock", CAISSON_OK, text("ABI %d", abi), text("asked the kernel"),
		    text("%s", ""));
	else
		add(probe, "Landlock", CAISSON_NOTE, text("none"),
		    text("landlock_create_ruleset: %s", strerror(error)),
		    error == EOPNOTSUPP
		            ? text("add landlock to lsm= on the kernel's command line")
		            : text("Linux 5.13 or later with CONFIG_SECURITY_LANDLOCK; without it "
		                   "a "
		                   "sandbox without user namespace has one barrier less"));
}

static void find_memory(struct caisson_probe *probe)
{
	struct statvfs shm;
	int error = 0, r = try_memfd(&error);

	if (r == 0 && error == 0)
		add(probe, "memfd", CAISSON_OK, text("works"), text("sealed, and the seals hold"),
		    text("%s", ""));
	else
		add(probe, "memfd", CAISSON_PROBLEM, text("does not work"),
		    text("memfd_create or its seals: %s", strerror(r < 0 ? -r : error)),
		    text("use Linux 5.2 or later, and allow memfd_create and fcntl in filters"));
	if (statvfs("/dev/shm", &shm) < 0)
		add(probe, "/dev/shm", CAISSON_OK, text("none"),
		    text("%s; Caisson does not use it", strerror(errno)), text("%s", ""));
	else
		add(probe, "/dev/shm", CAISSON_OK,
		    text("%llu MiB", (unsigned long long)shm.f_blocks * shm.f_frsize >> 20),
		    text("Caisson does not use it"), text("%s", ""));
}

/* -------------------------------------------------------------- the public */

int caisson_probe_new(const char *helper, caisson_probe **probe, caisson_error **err)
{
	static void (*const finds[])(struct caisson_probe *) = {
		find_kernel,  find_platform, find_userns, find_no_new_privs, find_seccomp,
		find_modules, find_landlock, find_memory, find_helper,       find_sandbox,
	};
	struct caisson_probe *made = calloc(1, sizeof(*made));
	size_t i;

	if (made) {
		made->helper = helper ? helper : CAISSON_HELPER_PATH;
		for (i = 0; i < sizeof(finds) / sizeof(finds[0]); i++)
			finds[i](made);
		made->helper = NULL;
	}
	if (!made || made->no_memory) {
		caisson_probe_free(made);
		return error_set(err, ENOMEM, "probing this host", "", "free some memory",
		                 "There is not enough memory");
	}
	*probe = made;
	return 0;
}

size_t caisson_probe_count(const caisson_probe *probe)
{
	return probe->count;
}

const struct caisson_finding *caisson_probe_finding(const caisson_probe *probe, size_t index)
{
	return index < probe->count ? &probe->findings[index] : NULL;
}

static void release(const char *made_here)
{
	union {
		const char *in;
		char *out;
	} cast = { .in = made_here };

	free(cast.out);
}

void caisson_probe_free(caisson_probe *probe)
{
	size_t i;

	for (i = 0; probe && i < probe->count; i++) {
		release(probe->findings[i].value);
		release(probe->findings[i].evidence);
		release(probe->findings[i].remedy);
	}
	free(probe);
}
