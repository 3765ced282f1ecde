/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* caisson_probe_*: what works on this host, why not what does not, and what to do about it. */
#define _GNU_SOURCE
#include "caisson.h"
#include "error.h"
#include "names.h"
#include "probe.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

char *probe_text(const char *fmt, ...) {
	char *made = NULL;
	va_list ap;

	va_start(ap, fmt);
	if (vasprintf(&made, fmt, ap) < 0)
		made = NULL;
	va_end(ap);
	return made;
}

void probe_add(struct caisson_probe *probe, const char *topic, enum caisson_severity severity,
               enum caisson_restriction restriction, char *value, char *evidence) {
	struct caisson_finding *finding = &probe->findings[probe->count];
	struct advice advice;
	char *remedy;

	advice_for(restriction, &probe->host, &advice);
	remedy = strdup(advice.remedy);
	if (!value || !evidence || !remedy || probe->count == PROBE_MAX_FINDINGS) {
		free(value);
		free(evidence);
		free(remedy);
		probe->no_memory = true;
		return;
	}
	*finding = (struct caisson_finding){
		.topic = topic,
		.value = value,
		.evidence = evidence,
		.remedy = remedy,
		.severity = severity,
		.restriction = restriction,
		.cause = advice.cause,
		.cost = advice.cost,
		.doc = advice.doc,
	};
	probe->count++;
}

static void release(const char *made_here) {
	free((void *)(uintptr_t)made_here);
}

void probe_remedy(struct caisson_probe *probe, char *remedy) {
	struct caisson_finding *last = &probe->findings[probe->count - 1];

	if (!remedy || probe->no_memory) {
		free(remedy);
		probe->no_memory = true;
		return;
	}
	release(last->remedy);
	last->remedy = remedy;
}

void probe_advise(struct caisson_probe *probe, const struct advice *advice) {
	struct caisson_finding *last = &probe->findings[probe->count - 1];

	if (probe->no_memory)
		return;
	last->cause = advice->cause;
	last->cost = advice->cost;
	last->doc = advice->doc;
}

static void block(struct caisson_probe *probe, enum caisson_restriction restriction) {
	if (probe->blocked == CAISSON_RESTRICTION_NONE)
		probe->blocked = restriction;
}

/* -------------------------------------------------------------- the kernel */

/* The helper does not work, then; without it there may be a sandbox all the same. */
static void kernel_lacks(struct caisson_probe *probe, unsigned missing, const char *names) {
	enum caisson_restriction restriction = cause_of_missing(&probe->host, missing);

	block(probe, restriction);
	probe_add(probe, "kernel", CAISSON_PROBLEM, restriction,
	          probe_text(restriction == CAISSON_RESTRICTION_SECCOMP
	                             ? "%s, calls filtered"
	                             : "%s, too old for caisson-helper",
	                     probe->host.release),
	          probe_text("missing: %s", names));
}

static void find_kernel(struct caisson_probe *probe) {
	unsigned missing = 0, needed = 0;
	const char *release = probe->host.release;
	char names[160] = "";
	int failed = try_calls(&missing);

	for (int i = 0; i < NAME_CALLS; i++) {
		needed |= (unsigned)name_calls[i].helper << i;
		if (missing & (1u << i))
			snprintf(names + strlen(names), sizeof(names) - strlen(names), "%s%s",
			         names[0] ? ", " : "", name_calls[i].name);
	}
	if (failed < 0)
		probe_add(probe, "kernel", CAISSON_NOTE, CAISSON_RESTRICTION_NONE,
		          probe_text("%s", release),
		          probe_text("it could not be tried: %s", strerror(-failed)));
	else if (missing & needed)
		kernel_lacks(probe, missing, names);
	else if (missing)
		probe_add(probe, "kernel", CAISSON_OK, CAISSON_RESTRICTION_NONE,
		          probe_text("%s", release),
		          probe_text("older calls serve instead of %s", names));
	else
		probe_add(probe, "kernel", CAISSON_OK, CAISSON_RESTRICTION_NONE,
		          probe_text("%s", release), probe_text("every system call that is used"));
}

/* ------------------------------------------------------------ the platform */

static void find_platform(struct caisson_probe *probe) {
	static const char *const systems[HOST_SYSTEMS] = { "Linux", "WSL 1", "WSL 2", "gVisor" };
	const struct host *host = &probe->host;
	bool foreign = host->system == HOST_WSL1 || host->system == HOST_GVISOR;

	if (foreign)
		block(probe, CAISSON_RESTRICTION_PLATFORM);
	probe_add(probe, "platform", foreign ? CAISSON_PROBLEM : CAISSON_OK,
	          foreign ? CAISSON_RESTRICTION_PLATFORM : CAISSON_RESTRICTION_NONE,
	          probe_text("%s", systems[host->system]),
	          probe_text("/proc/version: %s", host->version));
}

/* "seccomp filter, 8 mounts over /proc": what is kept from this process, or "nothing". */
static char *withheld_text(const struct host *host) {
	static const char *const words[HOST_WITHHELD_BITS] = {
		"capabilities",   "system calls",     "privilege by setuid",
		"parts of /proc", "a writable /proc", "the initial user namespace",
	};
	char text[160] = "";

	for (int i = 0; i < HOST_WITHHELD_BITS; i++)
		if (host->withheld >> i & 1)
			snprintf(text + strlen(text), sizeof(text) - strlen(text), "%s%s",
			         text[0] ? ", " : "", words[i]);
	return probe_text("%s", text[0] ? text : "nothing");
}

static void find_container(struct caisson_probe *probe) {
	static const char *const names[HOST_CONTAINERS] = {
		"none", "Docker", "Podman", "Kubernetes", "LXC", "systemd-nspawn", "yes",
	};
	const struct host *host = &probe->host;
	char *withheld = withheld_text(host);

	probe_add(probe, "container", CAISSON_OK, CAISSON_RESTRICTION_NONE,
	          probe_text("%s", names[host->container]),
	          probe_text("%s; withheld from you: %s",
	                     host->sign[0] ? host->sign : "no sign of one",
	                     withheld ? withheld : ""));
	free(withheld);
}

/* --------------------------------------------------------- user namespaces */

static void find_userns(struct caisson_probe *probe) {
	const struct try_userns *got = &probe->userns;
	char evidence[384], at[64] = "";

	try_userns(&probe->userns);
	probe->denied = cause_of_userns(&probe->host, got, probe->root, evidence, sizeof(evidence));
	if (!got->failed && !got->signal && got->stage < TRY_DONE)
		snprintf(at, sizeof(at), " (%s: %s)", try_stage_names[got->stage],
		         strerror(got->error[got->stage]));
	probe_add(probe, "user namespaces",
	          probe->denied == CAISSON_RESTRICTION_NONE ? CAISSON_OK : CAISSON_NOTE,
	          probe->denied,
	          probe_text(got->failed                 ? "not known"
	                     : got->stage == TRY_DONE    ? "open to you"
	                     : got->stage == TRY_NETWORK ? "open, but for networks"
	                     : got->stage == TRY_PROC    ? "open, but for /proc"
	                                                 : "denied to you"),
	          probe_text("%s%s", evidence, at));
}

/* The knobs with their values, those that this kernel has. */
static void find_sysctls(struct caisson_probe *probe) {
	char text[512] = "";
	int there = 0;

	for (int i = 0; i < HOST_SYSCTLS; i++) {
		if (!probe->host.sysctl[i][0])
			continue;
		snprintf(text + strlen(text), sizeof(text) - strlen(text), "%s%s=%s",
		         there ? ", " : "", host_sysctl_names[i], probe->host.sysctl[i]);
		there++;
	}
	probe_add(probe, "sysctls", CAISSON_OK, CAISSON_RESTRICTION_NONE, probe_text("%d", there),
	          probe_text("%s", text));
}

/* -------------------------------------------------------------- the caller */

static void find_no_new_privs(struct caisson_probe *probe) {
	bool set = probe->host.withheld & HOST_NO_NEW_PRIVS;

	if (set && !probe->root)
		block(probe, CAISSON_RESTRICTION_NO_NEW_PRIVS);
	probe_add(probe, "no_new_privs",
	          !set          ? CAISSON_OK
	          : probe->root ? CAISSON_NOTE
	                        : CAISSON_PROBLEM,
	          set ? CAISSON_RESTRICTION_NO_NEW_PRIVS : CAISSON_RESTRICTION_NONE,
	          probe_text(set ? "set" : "not set"),
	          probe_text("NoNewPrivs in /proc/self/status is %d", set));
}

static void find_seccomp(struct caisson_probe *probe) {
	bool set = probe->host.withheld & HOST_FILTERED;

	probe_add(probe, "seccomp", CAISSON_OK, CAISSON_RESTRICTION_NONE,
	          probe_text(set ? "filtered" : "no filter"),
	          probe_text(set ? "the helper inherits this process's filter"
	                         : "Seccomp in /proc/self/status is not 2"));
}

static void find_modules(struct caisson_probe *probe) {
	const struct host *host = &probe->host;
	const char *value = !host->selinux    ? NULL
	                    : host->enforcing ? "SELinux, enforcing"
	                                      : "SELinux, permissive";

	if (!value && host->apparmor)
		value = "AppArmor";
	probe_add(probe, "security module", CAISSON_OK, CAISSON_RESTRICTION_NONE,
	          probe_text("%s", value ? value : "none that labels"),
	          value ? probe_text("you are %s", host->label[0] ? host->label : "not labelled")
	                : probe_text("neither AppArmor nor SELinux"));
}

static void find_landlock(struct caisson_probe *probe) {
	int abi = 0, error = -try_landlock(&abi);

	if (abi > 0) {
		probe_add(probe, "Landlock", CAISSON_OK, CAISSON_RESTRICTION_NONE,
		          probe_text("ABI %d", abi), probe_text("asked the kernel"));
		return;
	}
	probe_add(probe, "Landlock", CAISSON_NOTE, CAISSON_RESTRICTION_NONE, probe_text("none"),
	          probe_text("landlock_create_ruleset: %s", strerror(error)));
	probe_advise(probe,
	             &(struct advice){ "A sandbox without user namespace has one barrier less.", "",
	                               "a reboot", "docs/troubleshooting.md#one-barrier" });
	probe_remedy(probe,
	             error == EOPNOTSUPP
	                     ? probe_text("add landlock to lsm= on the kernel's command line")
	                     : probe_text("use Linux 5.13 or later with CONFIG_SECURITY_LANDLOCK"));
}

/* -------------------------------------------------------------- the public */

/* With a full sandbox, what keeps the helper or a namespace from you is no problem any more. */
static void weigh(struct caisson_probe *probe) {
	for (size_t i = 0; probe->full && i < probe->count; i++)
		if (probe->findings[i].severity == CAISSON_PROBLEM)
			probe->findings[i].severity = CAISSON_NOTE;
}

static void find_all(struct caisson_probe *probe) {
	static void (*const finds[])(struct caisson_probe *) = {
		find_kernel,      find_platform,     find_container,    find_userns,
		find_sysctls,     find_no_new_privs, find_seccomp,      probe_find_capabilities,
		find_modules,     find_landlock,     probe_find_memory, probe_find_gpu,
		probe_find_grant, probe_find_helper, probe_find_box,
	};

	host_read(probe->at, &probe->host);
	for (size_t i = 0; i < sizeof(finds) / sizeof(finds[0]); i++)
		finds[i](probe);
	weigh(probe);
}

int caisson_probe_new(const char *helper, caisson_probe **probe, caisson_error **err) {
	struct caisson_probe *made = calloc(1, sizeof(*made));

	if (made) {
		made->helper = helper ? helper : CAISSON_HELPER_PATH;
		made->root = geteuid() == 0;
		made->at = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
		find_all(made);
		if (made->at >= 0)
			close(made->at);
		made->at = -1;
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

size_t caisson_probe_count(const caisson_probe *probe) {
	return probe->count;
}

const struct caisson_finding *caisson_probe_finding(const caisson_probe *probe, size_t index) {
	return index < probe->count ? &probe->findings[index] : NULL;
}

enum caisson_severity caisson_probe_severity(const caisson_probe *probe) {
	enum caisson_severity worst = CAISSON_OK;

	for (size_t i = 0; i < probe->count; i++)
		if (probe->findings[i].severity > worst)
			worst = probe->findings[i].severity;
	return worst;
}

enum caisson_restriction caisson_probe_restriction(const caisson_probe *probe) {
	return probe->full || probe->blocked == CAISSON_RESTRICTION_NONE ? probe->denied
	                                                                 : probe->blocked;
}

enum caisson_way caisson_probe_way(const caisson_probe *probe, enum caisson_property property) {
	return (unsigned)property < CAISSON_PROPERTY_COUNT ? probe->way[property]
	                                                   : CAISSON_WAY_NONE;
}

void caisson_probe_free(caisson_probe *probe) {
	size_t i;

	for (i = 0; probe && i < probe->count; i++) {
		release(probe->findings[i].value);
		release(probe->findings[i].evidence);
		release(probe->findings[i].remedy);
	}
	if (probe)
		free(probe->json);
	free(probe);
}
