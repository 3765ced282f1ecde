/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Which knob keeps namespaces from this process: told from the stage at which the
 * attempt failed and its errno, with what the host's files say. Nothing is read or
 * tried here, so that every host can be played to it.
 */
#include "names.h"
#include "probe.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

struct evidence {
	char *text;
	size_t size;
};

static void say(const struct evidence *to, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

static void say(const struct evidence *to, const char *fmt, ...) {
	char *text = to->text;
	size_t size = to->size;
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, size, fmt, args);
	va_end(args);
}

static bool filtered(const struct host *host) {
	return host->withheld & HOST_FILTERED;
}

/* EACCES is what security modules answer; a filter may. */
static enum caisson_restriction module(const struct host *host, const struct evidence *to) {
	if (host->selinux && host->enforcing) {
		say(to, "SELinux is enforcing, and you are %s", host->label);
		return CAISSON_RESTRICTION_SELINUX;
	}
	if (host->apparmor) {
		say(to, "AppArmor is enabled, and you are %s", host->label);
		return CAISSON_RESTRICTION_APPARMOR;
	}
	if (filtered(host)) {
		say(to, "a seccomp filter is on this process");
		return CAISSON_RESTRICTION_SECCOMP;
	}
	say(to, "no AppArmor, no SELinux, no seccomp filter");
	return CAISSON_RESTRICTION_UNKNOWN;
}

static enum caisson_restriction no_space(const struct host *host, const struct evidence *to) {
	if (host_sysctl_is(host, HOST_MAX_USERNS, "0"))
		say(to, "user.max_user_namespaces=0");
	else
		say(to,
		    "user.max_user_namespaces=%s here: used up, or 0 in a user namespace around "
		    "this one",
		    host->sysctl[HOST_MAX_USERNS]);
	return CAISSON_RESTRICTION_MAX_USER_NAMESPACES;
}

static enum caisson_restriction not_permitted(const struct host *host, bool root,
                                              const struct evidence *to) {
	if (host_sysctl_is(host, HOST_USERNS_CLONE, "0") && !root) {
		say(to, "kernel.unprivileged_userns_clone=0");
		return CAISSON_RESTRICTION_USERNS_CLONE;
	}
	if (filtered(host)) {
		say(to, "a seccomp filter is on this process");
		return CAISSON_RESTRICTION_SECCOMP;
	}
	say(to, "no knob known here decides this; in a chroot nobody may");
	return CAISSON_RESTRICTION_UNKNOWN;
}

static enum caisson_restriction at_clone(const struct host *host, int error, bool root,
                                         const struct evidence *to) {
	switch (error) {
	case ENOSPC:
		return no_space(host, to);
	case EPERM:
		return not_permitted(host, root, to);
	case EACCES:
		return module(host, to);
	case EINVAL:
	case ENOSYS:
		if (filtered(host) && error == ENOSYS) {
			say(to, "a seccomp filter is on this process");
			return CAISSON_RESTRICTION_SECCOMP;
		}
		if (host->system == HOST_WSL1) {
			say(to, "WSL 1 has no namespaces");
			return CAISSON_RESTRICTION_PLATFORM;
		}
		say(to, "this kernel has no user namespaces (CONFIG_USER_NS)");
		return CAISSON_RESTRICTION_KERNEL;
	default:
		say(to, error == EUSERS ? "user namespaces are nested 32 deep"
		                        : "no knob known here answers so");
		return CAISSON_RESTRICTION_UNKNOWN;
	}
}

/* A namespace was given, and nothing can be done with it. */
static enum caisson_restriction after_clone(const struct host *host, int error,
                                            const struct evidence *to) {
	if (host_sysctl_is(host, HOST_APPARMOR_USERNS, "1")) {
		say(to, "kernel.apparmor_restrict_unprivileged_userns=1");
		return CAISSON_RESTRICTION_APPARMOR;
	}
	if (error == ENOSPC &&
	    (host_sysctl_is(host, HOST_MAX_MNT, "0") || host_sysctl_is(host, HOST_MAX_PID, "0") ||
	     host_sysctl_is(host, HOST_MAX_NET, "0"))) {
		say(to, "one of user.max_{mnt,pid,net}_namespaces is 0");
		return CAISSON_RESTRICTION_MAX_USER_NAMESPACES;
	}
	if (host->apparmor || (host->selinux && host->enforcing))
		return module(host, to);
	if (filtered(host)) {
		say(to, "a seccomp filter is on this process");
		return CAISSON_RESTRICTION_SECCOMP;
	}
	say(to, "given, but it may do nothing");
	return CAISSON_RESTRICTION_UNKNOWN;
}

static enum caisson_restriction at_proc(const struct host *host, int error,
                                        const struct evidence *to) {
	if (error == EPERM && host->withheld & (HOST_PROC_MASKED | HOST_PROC_RDONLY)) {
		say(to, "/proc is masked (%s), so that the kernel mounts no new one",
		    host->masked[0] ? host->masked : "read-only");
		return CAISSON_RESTRICTION_CONTAINER;
	}
	return after_clone(host, error, to);
}

enum caisson_restriction cause_of_userns(const struct host *host, const struct try_userns *got,
                                         bool root, char *evidence, size_t size) {
	const struct evidence to = { evidence, size };
	int error;

	if (got->failed) {
		say(&to, "the attempt could not be made: %s", strerror(-got->failed));
		return CAISSON_RESTRICTION_UNKNOWN;
	}
	if (got->signal) {
		say(&to, "the attempt was ended by signal %d", got->signal);
		return filtered(host) ? CAISSON_RESTRICTION_SECCOMP : CAISSON_RESTRICTION_UNKNOWN;
	}
	if (got->stage >= TRY_DONE) {
		say(&to, "made, mapped, mounted in, with a network and a /proc of its own");
		return CAISSON_RESTRICTION_NONE;
	}
	error = got->error[got->stage];
	if (got->stage == TRY_CLONE)
		return at_clone(host, error, root, &to);
	if (got->stage == TRY_PROC)
		return at_proc(host, error, &to);
	return after_clone(host, error, &to);
}

enum caisson_restriction cause_of_refusal(const struct host *host, int error) {
	if (host->withheld & HOST_NO_NEW_PRIVS)
		return CAISSON_RESTRICTION_NO_NEW_PRIVS;
	if (host->withheld & HOST_LACKS_CAPS || error == EROFS)
		return CAISSON_RESTRICTION_CONTAINER;
	if (host->system == HOST_GVISOR || host->system == HOST_WSL1)
		return CAISSON_RESTRICTION_PLATFORM;
	if (filtered(host) && (error == EPERM || error == ENOSYS || error == EACCES))
		return CAISSON_RESTRICTION_SECCOMP;
	if (error == ENOSYS)
		return CAISSON_RESTRICTION_KERNEL;
	if (error == EACCES || error == EPERM) {
		if (host->selinux && host->enforcing)
			return CAISSON_RESTRICTION_SELINUX;
		if (host->apparmor)
			return CAISSON_RESTRICTION_APPARMOR;
	}
	return CAISSON_RESTRICTION_UNKNOWN;
}

/* A filter hides what the kernel has. What it has not, by its release, no filter is to blame for. */
enum caisson_restriction cause_of_missing(const struct host *host, unsigned missing) {
	if (host->system == HOST_WSL1 || host->system == HOST_GVISOR)
		return CAISSON_RESTRICTION_PLATFORM;
	for (int i = 0; i < NAME_CALLS; i++)
		if (missing >> i & 1 && name_calls[i].helper &&
		    !kernel_has(host->release, &name_calls[i]))
			return CAISSON_RESTRICTION_KERNEL;
	return filtered(host) ? CAISSON_RESTRICTION_SECCOMP : CAISSON_RESTRICTION_KERNEL;
}
