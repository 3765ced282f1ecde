/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* System calls that the kernel lacks, or that a filter denies as if it did: all of them are named. */
#define _GNU_SOURCE
#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>

#include "meaning.h"
#include "names.h"
#include "probe_try.h"

#define WITHOUT "do without caisson-helper, where user namespaces are open (--via userns)"

bool kernel_has(const char *release, const struct name_call *call) {
	char *end;
	unsigned long major = strtoul(release, &end, 10);
	unsigned long minor = *end == '.' ? strtoul(end + 1, NULL, 10) : 0;

	return major > call->major || (major == call->major && minor >= call->minor);
}

/* "a", "a and b", "a, b and c": of the calls in missing. */
static void list_calls(unsigned missing, char *text, size_t size) {
	text[0] = '\0';
	for (int i = 0; i < NAME_CALLS; i++) {
		unsigned rest = missing >> i >> 1;

		if (missing >> i & 1)
			snprintf(text + strlen(text), size - strlen(text), "%s%s",
			         name_calls[i].name,
			         !rest               ? ""
			         : rest & (rest - 1) ? ", "
			                             : " and ");
	}
}

static unsigned bit(const struct name_call *call) {
	return 1u << (call - name_calls);
}

/* call, which the helper met first, and what it would have met after it. */
static unsigned missing_for(const struct name_call *call) {
	static atomic_uint tried; /* by a child: once, where each spawn comes here */
	unsigned missing = atomic_load(&tried);

	if (call->helper && !missing && try_calls(&missing) == 0)
		atomic_store(&tried, missing);
	for (int i = 0; i < NAME_CALLS; i++)
		if (!name_calls[i].helper)
			missing &= ~(1u << i);
	return missing | bit(call);
}

static void denied(const struct name_call *call, unsigned missing, const char *release,
                   struct meaning *m) {
	bool more = missing != bit(call);
	char names[200];

	list_calls(missing, names, sizeof(names));
	snprintf(m->text, sizeof(m->text),
	         "the system call%s %s %s denied here as if this kernel (Linux %.*s) lacked %s",
	         more ? "s" : "", names, more ? "are" : "is", (int)strspn(release, "0123456789."),
	         release, more ? "them" : "it");
	m->knob = "seccomp filter of the container or service";
	m->remedy = "run the container with a newer profile, or one that allows it (Docker: "
		    "--security-opt seccomp=unconfined)";
}

static void lacked(const struct name_call *call, unsigned missing, struct meaning *m) {
	bool more = missing != bit(call);
	char names[200];

	list_calls(missing, names, sizeof(names));
	if (more)
		snprintf(m->text, sizeof(m->text), "this kernel lacks the system calls %s", names);
	else
		snprintf(m->text, sizeof(m->text),
		         "this kernel lacks the system call %s, which Linux %u.%u brought", names,
		         call->major, call->minor);
	m->knob = "kernel version";
	m->remedy = call->helper ? "use Linux 5.10 or later; or " WITHOUT
	                         : "grant the parts of the tree one by one: below Linux 5.12 there "
	                           "is no way to a tree with mounts below it, or an idmapped one; "
	                           "or " WITHOUT;
}

/* Not a call, but something new that one is asked for: EINVAL, where nothing else gives that. */
void meaning_too_new(const struct caisson_answer *a, struct meaning *m) {
	if (a->error != EINVAL || a->knob != CAISSON_KNOB_NONE)
		return;
	if (a->stage == CAISSON_STAGE_USERNS) {
		m->what = "this kernel has no time namespaces, which Linux 5.6 brought";
		m->knob = "kernel version";
		m->remedy = "leave the offsets of the clocks out (--time)";
	} else if (a->stage == CAISSON_STAGE_SECCOMP) {
		m->what = "this kernel does not take the seccomp filter";
		m->knob = "kernel version; CONFIG_SECCOMP_FILTER";
		m->remedy = "leave --explain-denials out, which takes Linux 5.0 or later";
	}
}

/* A kernel that has the call and a filter that says ENOSYS look alike from below. */
void meaning_kernel(const struct caisson_answer *a, struct meaning *m) {
	const struct name_call *call = name_call(a->detail);
	struct utsname kernel = { .release = "" };

	m->what = m->text;
	if (!call) {
		snprintf(m->text, sizeof(m->text), "this kernel lacks system call %u", a->detail);
		m->knob = "kernel version";
		m->remedy = "use Linux 5.10 or later";
		return;
	}
	uname(&kernel);
	if (kernel_has(kernel.release, call))
		denied(call, missing_for(call), kernel.release, m);
	else
		lacked(call, missing_for(call), m);
}
