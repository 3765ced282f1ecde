/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* caisson_probe_*: how caisson-helper is installed, and what is missing. */
#define _GNU_SOURCE
#include "caisson-caps.h"
#include "helper_file.h"
#include "names.h"
#include "probe.h"

#include <stdio.h>
#include <string.h>

static void helper_wrong(struct caisson_probe *probe, enum caisson_restriction restriction,
                         const char *value, char *evidence, char *remedy) {
	/* To root a helper that gains nothing is as good as one that does. */
	bool note = probe->root && value[0] == 'n';

	if (!note && probe->blocked == CAISSON_RESTRICTION_NONE)
		probe->blocked = restriction;
	probe_add(probe, "helper", note ? CAISSON_NOTE : CAISSON_PROBLEM, restriction,
	          probe_text("%s", value), evidence);
	probe_remedy(probe, remedy);
}

/* The capabilities that it needs and its file does not give: "CAP_CHOWN, CAP_SETUID". */
static const char *missing_caps(uint64_t lacks, char *names, size_t size) {
	names[0] = '\0';
	for (uint32_t i = 0; i < 64; i++) {
		const char *name = lacks >> i & 1 ? name_capability(i) : NULL;
		size_t used = strlen(names);

		if (name)
			snprintf(names + used, size - used, "%s%s", used ? ", " : "", name);
	}
	return names;
}

/* What its file says is well. */
static void helper_fine(struct caisson_probe *probe, const struct helper_file *file) {
	const char *group = file->group[0] ? ", for group " : "";

	if (file->way == HELPER_SETUID)
		probe_add(probe, "helper", CAISSON_OK, CAISSON_RESTRICTION_NONE,
		          probe_text("setuid root%s%s", group, file->group),
		          probe_text("%s: mode %04o, owner %u", probe->helper, file->mode,
		                     (unsigned)file->owner));
	else
		probe_add(probe, "helper", CAISSON_OK, CAISSON_RESTRICTION_NONE,
		          probe_text("file capabilities%s%s", group, file->group),
		          probe_text("%s: mode %04o, every capability it needs", probe->helper,
		                     file->mode));
}

/* Privileged as it should be, but not for you. */
static void helper_denied(struct caisson_probe *probe, const struct helper_file *file) {
	const char *path = probe->helper;

	if (file->group[0])
		helper_wrong(probe, CAISSON_RESTRICTION_HELPER, "reserved to a group",
		             probe_text("%s: mode %04o, group %s, and you are not in it", path,
		                        file->mode, file->group),
		             probe_text("usermod --append --groups %s USER, then log in again",
		                        file->group));
	else
		helper_wrong(probe, CAISSON_RESTRICTION_HELPER, "not executable",
		             probe_text("%s: mode %04o", path, file->mode),
		             probe_text("chmod 4755 %s", path));
}

void probe_find_helper(struct caisson_probe *probe) {
	const char *path = probe->helper;
	struct helper_file file;
	char names[256];

	helper_file_look(path, &file);
	if (file.error)
		helper_wrong(probe, CAISSON_RESTRICTION_HELPER, "missing",
		             probe_text("%s: %s", path, strerror(file.error)),
		             probe_text("install Caisson's package, or the helper at %s", path));
	else if (file.way == HELPER_PLAIN)
		helper_wrong(probe, CAISSON_RESTRICTION_HELPER, "not privileged",
		             probe_text("%s: mode %04o, owner %u, no capabilities", path, file.mode,
		                        (unsigned)file.owner),
		             probe_text("chown root:root %s && chmod 4755 %s", path, path));
	else if (file.nosuid)
		helper_wrong(probe, CAISSON_RESTRICTION_NOSUID, "no privilege here",
		             probe_text("%s is on a mount with nosuid", path),
		             probe_text("install it elsewhere, or mount -o remount,suid there"));
	else if (file.lacks)
		helper_wrong(probe, CAISSON_RESTRICTION_HELPER, "capabilities missing",
		             probe_text("%s: its file does not give it %s", path,
		                        missing_caps(file.lacks, names, sizeof(names))),
		             probe_text("setcap " CAISSON_HELPER_CAPS_TEXT " %s", path));
	else if (!file.executable)
		helper_denied(probe, &file);
	else
		helper_fine(probe, &file);
}

/* What this process can never have, whatever the helper's file says. */
void probe_find_capabilities(struct caisson_probe *probe) {
	uint64_t lacks = CAISSON_HELPER_CAPS & ~probe->host.bounding;
	char names[256];

	if (!lacks) {
		probe_add(probe, "capabilities", CAISSON_OK, CAISSON_RESTRICTION_NONE,
		          probe_text("none withheld"),
		          probe_text("the bounding set has all that caisson-helper needs"));
		return;
	}
	if (probe->blocked == CAISSON_RESTRICTION_NONE)
		probe->blocked = CAISSON_RESTRICTION_CONTAINER;
	probe_add(probe, "capabilities", CAISSON_PROBLEM, CAISSON_RESTRICTION_CONTAINER,
	          probe_text("withheld"),
	          probe_text("not in the bounding set: %s",
	                     missing_caps(lacks, names, sizeof(names))));
}
