/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Subordinate ids: /etc/subuid and /etc/subgid say which ids besides its own a
 * user may give a process, by the user's number or name. The name is the one
 * that /etc/passwd has: no name service is asked by a setuid program.
 */
#include "helper.h"

/* "name:password:uid:...": the first of that uid. */
static void find_name(char *text, uid_t uid, char *name, size_t size) {
	for (char *line; (line = strsep(&text, "\n"));) {
		const char *who = strsep(&line, ":"), *password = strsep(&line, ":");

		if (password && policy_number(strsep(&line, ":")) == uid) {
			snprintf(name, size, "%s", who);
			return;
		}
	}
}

/* "owner:first:count" */
static bool granted(const char *file, uid_t uid, const char *name, int64_t id) {
	char *text = read_text(AT_FDCWD, file) < 0 ? NULL : mounts.text;

	for (char *line; (line = strsep(&text, "\n"));) {
		const char *owner = strsep(&line, ":");
		int64_t first = policy_number(strsep(&line, ":")),
			count = policy_number(strsep(&line, ":"));

		if ((policy_number(owner) == uid || (*name && !strcmp(owner, name))) && first > 0 &&
		    id >= first && id - first < count)
			return true;
	}
	errno = EACCES;
	return false;
}

void subid_check(uid_t uid, struct ids sub) {
	char name[64] = "";

	if (read_text(AT_FDCWD, "/etc/passwd") >= 0)
		find_name(mounts.text, uid, name, sizeof(name));
	at.stage = CAISSON_STAGE_POLICY;
	need(granted("/etc/subuid", uid, name, sub.uid), SUBIDS, 0);
	need(granted("/etc/subgid", uid, name, sub.gid), SUBIDS, 1);
}
