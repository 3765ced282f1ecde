/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The label of the host's security module: from the helper's, which this process
 * inherited, to the sandbox's. The kernel decides whether that may be done, and
 * the label is read back. After no_new_privs it would be too late. Where the
 * helper runs in no domain of ours there is no label, and the property is not
 * held; where it does, a change that fails is the end.
 */
#include "init.h"

#define HELPER "caisson-helper"
#define SANDBOX "caisson-sandbox"
#define NESTED "caisson-sandbox-nested" /* where namespaces may be made inside */
#define AND "//&"

struct text {
	char text[4096];
};

/* What the kernel says of this process; false if it says nothing. */
static bool attr_read(const char *name, struct text *to) {
	int fd = openat(CAISSON_FD_PROC, name, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, to->text, sizeof(to->text) - 1);

	if (fd >= 0)
		close(fd);
	to->text[n < 0 ? 0 : n] = '\0';
	to->text[strcspn(to->text, "\n")] = '\0';
	return n > 0;
}

static bool attr_write(const char *name, const char *text) {
	int fd = openat(CAISSON_FD_PROC, name, O_WRONLY | O_CLOEXEC);
	bool good = fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);
	int error = errno;

	if (fd >= 0)
		close(fd);
	errno = error;
	return good;
}

static void append(struct text *to, const char *text) {
	size_t have = strlen(to->text);

	errno = ENAMETOOLONG;
	need(strlen(text) < sizeof(to->text) - have, LABEL, CAISSON_LABEL_CHANGE);
	memcpy(to->text + have, text, strlen(text) + 1);
}

/* " (mode)" goes from the end of a label; what it is. */
static const char *take_mode(char *label) {
	char *last = NULL;

	for (char *c = label; (c = strstr(c, " (")); c++)
		last = c;
	if (!last)
		return "";
	*last = '\0';
	return last + 1;
}

/* The next of a label's profiles, or NULL. */
static char *next_profile(char **rest) {
	char *profile = *rest, *end = profile ? strstr(profile, AND) : NULL;

	if (end)
		*end = '\0';
	*rest = end ? end + strlen(AND) : NULL;
	return profile;
}

/*
 * "caisson-helper" and who asked: as a profile beside it, which libcaisson asked for
 * at exec, or as the one whose child "caisson-helper" is. False if the helper is in
 * neither, and so confined by nothing of ours.
 */
static bool from_helpers(char *is, struct text *to) {
	const char child[] = "//" HELPER;
	bool helper = false;

	for (char *profile; (profile = next_profile(&is));) {
		size_t len = strlen(profile);

		if (!strcmp(profile, HELPER)) {
			helper = true;
			continue;
		}
		if (len >= sizeof(child) && !strcmp(profile + len - strlen(child), child)) {
			helper = true;
			profile[len - strlen(child)] = '\0';
		}
		append(to, AND);
		append(to, profile);
	}
	return helper;
}

/* Are they made of the same profiles? The kernel has an order of its own. */
static bool same_profiles(struct text a, struct text b) {
	unsigned n = 0, of_b = 0;
	char *rest = a.text;

	for (char *profile; (profile = next_profile(&rest)); n++) {
		struct text copy = b;
		char *others = copy.text, *other;

		for (of_b = 0; (other = next_profile(&others)); of_b++)
			if (!strcmp(other, profile))
				break;
		if (!other)
			return false;
	}
	for (rest = b.text, of_b = 0; next_profile(&rest);)
		of_b++;
	return n == of_b;
}

static bool apparmor(const struct handoff *given) {
	const char *sandbox = given->filter == CAISSON_SECCOMP_NESTED ? NESTED : SANDBOX;
	static const char attr[] = "self/attr/apparmor/current";
	static struct text is, to, command = { "changeprofile " };

	if (!attr_read(attr, &is))
		return false;
	take_mode(is.text);
	strcpy(to.text, sandbox);
	if (!from_helpers(is.text, &to))
		return false;
	/* A caller's own rule for the helper hid whose the sandbox would be: not more than anybody's. */
	errno = EACCES;
	need(to.text[strlen(sandbox)], LABEL, CAISSON_LABEL_WHO);
	if (*given->label) {
		append(&to, AND);
		append(&to, given->label);
	}
	append(&command, to.text);
	need(attr_write(attr, command.text), LABEL, CAISSON_LABEL_CHANGE);
	errno = EACCES;
	need(attr_read(attr, &is), LABEL, CAISSON_LABEL_READ_BACK);
	if (strcmp(take_mode(is.text), "(enforce)") != 0)
		return false; /* an administrator who is writing a profile: it is there, and denies nothing */
	need(same_profiles(is, to), LABEL, CAISSON_LABEL_READ_BACK);
	at.detail = CAISSON_LABEL_APPARMOR;
	return true;
}

/*
 * Three categories that no other living sandbox has: the digits, to the base of 128, of the
 * number of this PID namespace, which the kernel gives to one at a time.
 */
static void categories(char *text, size_t size) {
	const uint32_t first = 0xf0000000u; /* PROC_DYNAMIC_FIRST */
	char link[32] = "";
	unsigned long n;

	errno = ERANGE;
	need(readlinkat(CAISSON_FD_PROC, "self/ns/pid", link, sizeof(link) - 1) > 5, LABEL,
	     CAISSON_LABEL_NUMBER);
	n = strtoul(link + strlen("pid:["), NULL, 10) - first;
	errno = ERANGE;
	need(n < 1ul << 22, LABEL, CAISSON_LABEL_NUMBER);
	snprintf(text, size, "s0:c%lu,c%lu,c%lu", n % 128, 128 + n / 128 % 128, 256 + n / 16384);
}

static bool selinux(const struct handoff *given) {
	static const char attr[] = "self/attr/current";
	static struct text is, to;
	char range[40];

	if (!attr_read(attr, &is) || !strstr(is.text, ":caisson_helper_t:"))
		return false;
	/* No domain of the module's has a capability or may mount: a clear word instead of that. */
	errno = EACCES;
	need(given->filter != CAISSON_SECCOMP_NESTED, LABEL, CAISSON_LABEL_NESTED);
	categories(range, sizeof(range));
	snprintf(to.text, sizeof(to.text), "system_u:system_r:%s:%s",
	         *given->label ? given->label : "caisson_sandbox_t", range);
	need(attr_write(attr, to.text), LABEL, CAISSON_LABEL_CHANGE);
	errno = EACCES;
	need(attr_read(attr, &is) && !strcmp(is.text, to.text), LABEL, CAISSON_LABEL_READ_BACK);
	/* What no sandbox may. If it succeeds nothing is enforced, for this domain or at all. */
	if (attr_write("self/attr/fscreate", to.text)) {
		need(attr_write("self/attr/fscreate", "\n"), LABEL, CAISSON_LABEL_READ_BACK);
		return false;
	}
	at.detail = CAISSON_LABEL_SELINUX;
	return true;
}

void take_label(const struct handoff *given) {
	static const char letters[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.";

	at.stage = CAISSON_STAGE_LABEL;
	errno = EINVAL; /* a name, and nothing that the kernel would take for more */
	need(!given->label[strspn(given->label, letters)], LABEL, CAISSON_LABEL_CHANGE);
	if (apparmor(given) || selinux(given))
		at.held |= CAISSON_BIT(LABEL);
	close(CAISSON_FD_PROC);
	errno = EACCES;
	need(at.held & CAISSON_BIT(LABEL) || (given->lsm != 'r' && !*given->label), LABEL,
	     CAISSON_LABEL_MISSING);
}
