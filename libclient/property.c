/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The table of properties as the public API shows it. */
#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "caisson.h"
#include "property.h"

/* The one table: what "full" means is its third column. */
static const struct {
	const char *name, *text;
	int full;
} properties[] = {
	[CAISSON_P_USERNS] = { "userns", "an own user namespace", 0 },
	[CAISSON_P_PID] = { "pid", "sees and signals no process outside", 1 },
	[CAISSON_P_MOUNT] = { "mount", "an own mount tree: nothing but what was granted", 1 },
	[CAISSON_P_IPC] = { "ipc", "no System V IPC or POSIX queue shared with the host", 1 },
	[CAISSON_P_UTS] = { "uts", "an own host name", 1 },
	[CAISSON_P_CGROUP] = { "cgroup", "an own view of the cgroup tree", 1 },
	[CAISSON_P_NET] = { "net", "no network of the host's", 1 },
	[CAISSON_P_PROC] = { "proc", "no procfs but one of its own processes", 1 },
	[CAISSON_P_DEV] = { "dev", "no device but those granted", 1 },
	[CAISSON_P_SHM] = { "shm", "no /dev/shm shared with the host, unless granted", 1 },
	[CAISSON_P_NOSUID] = { "nosuid", "no mount honours a setuid bit", 1 },
	[CAISSON_P_CAPABILITIES] = { "capabilities", "no capability, nor a way to one", 1 },
	[CAISSON_P_NO_NEW_PRIVS] = { "no_new_privs", "no program can raise privileges", 1 },
	[CAISSON_P_SECCOMP] = { "seccomp", "the system call floor is in force", 1 },
	[CAISSON_P_LANDLOCK] = { "landlock", "a Landlock domain", 0 },
	[CAISSON_P_HOST_PROCESSES] = { "host_processes",
	                               "the user's other processes cannot be traced or robbed of "
	                               "descriptors",
	                               1 },
	[CAISSON_P_TERMINAL] = { "terminal", "no controlling terminal, and none to type into", 1 },
	[CAISSON_P_KEYRING] = { "keyring", "no key of the user's can be used or searched", 1 },
	[CAISSON_P_END_WITH_HOST] = { "end_with_host", "ends when the host application does", 1 },
	[CAISSON_P_LABEL] = { "label", "a label of the host's security module", 0 },
	[CAISSON_P_LIMITS] = { "limits", "limits of its own, as a whole", 0 },
	[CAISSON_P_OWN_POOLS] = { "own_pools",
	                          "per-user pools (processes, inotify, queues) are not shared with "
	                          "the "
	                          "user's others",
	                          0 },
	[CAISSON_P_HOST_SOCKETS] = { "host_sockets",
	                             "no host socket in a granted tree can be reached", 0 },
};

_Static_assert((int)CAISSON_PROPERTY_HOST_SOCKETS == (int)CAISSON_P_HOST_SOCKETS &&
                       (int)CAISSON_PROPERTY_SECCOMP == (int)CAISSON_P_SECCOMP &&
                       (int)CAISSON_PROPERTY_COUNT == (int)CAISSON_P_COUNT,
               "caisson.h and protocol/properties.h differ");

static int in_range(enum caisson_property property) {
	return (unsigned)property < CAISSON_PROPERTY_COUNT;
}

const char *caisson_property_name(enum caisson_property property) {
	return in_range(property) ? properties[property].name : NULL;
}

const char *caisson_property_text(enum caisson_property property) {
	return in_range(property) ? properties[property].text : NULL;
}

int caisson_property_in_full(enum caisson_property property) {
	return in_range(property) && properties[property].full;
}

int caisson_property_by_name(const char *name) {
	for (int i = 0; name && i < CAISSON_PROPERTY_COUNT; i++)
		if (!strcmp(name, properties[i].name))
			return i;
	return -ENOENT;
}

uint64_t property_full(void) {
	uint64_t full = 0;

	for (int i = 0; i < CAISSON_PROPERTY_COUNT; i++)
		full |= (uint64_t)properties[i].full << i;
	return full;
}

static const char *barriers(const struct caisson_answer *built) {
	bool userns = built->held & CAISSON_BIT(USERNS),
	     landlock = built->held & CAISSON_BIT(LANDLOCK);

	return userns && landlock ? "user namespace, Landlock domain and seccomp filter"
	       : userns           ? "user namespace and seccomp filter"
	       : landlock         ? "Landlock domain and seccomp filter"
	                          : "seccomp filter alone: this kernel offers no Landlock";
}

static const char *seccomp_by(const struct property_asked *asked) {
	static const char *const by[][2] = {
		{ "seccomp filter, profile default",
		  "seccomp filter, profile default; denials are told" },
		{ "seccomp filter, profile strict",
		  "seccomp filter, profile strict; denials are told" },
		{ "seccomp filter, profile gpu", "seccomp filter, profile gpu; denials are told" },
		{ "seccomp filter, profile nested",
		  "seccomp filter, profile nested; denials are told" },
	};

	return by[asked->seccomp][asked->explain];
}

bool property_landlock_files(const struct caisson_answer *built,
                             const struct property_asked *asked) {
	return built->held & CAISSON_BIT(LANDLOCK) && asked->landlock == CAISSON_LANDLOCK_FILES &&
	       asked->seccomp != CAISSON_SECCOMP_NESTED;
}

const char *property_by(const struct caisson_answer *built, enum caisson_property property,
                        const struct property_asked *asked) {
	bool held = built->held >> property & 1;

	switch ((int)property) {
	case CAISSON_P_USERNS:
		return held && asked->via == CAISSON_VIA_USERNS
		               ? "own namespaces, two of them, which the user may enter"
		       : held ? "own namespace"
		       : asked->userns == CAISSON_USER_NAMESPACE_NONE
		               ? "not asked for"
		               : "this host lets nobody create one";
	case CAISSON_P_PID:
	case CAISSON_P_IPC:
	case CAISSON_P_UTS:
	case CAISSON_P_CGROUP:
		return "own namespace";
	case CAISSON_P_NET:
		return asked->network == CAISSON_NETWORK_HOST ? "the host's, as asked"
		       : asked->network == CAISSON_NETWORK_LOOPBACK
		               ? "own namespace, only lo up"
		               : "own namespace, no interface up, "
		                 "inet sockets denied";
	case CAISSON_P_DEV:
	case CAISSON_P_SHM:
		return held ? "every mount judged in mountinfo"
		            : "a tree of the host's was granted at or below /dev";
	case CAISSON_P_MOUNT:
	case CAISSON_P_PROC:
	case CAISSON_P_NOSUID:
		return "every mount judged in mountinfo";
	case CAISSON_P_CAPABILITIES:
		if (!held)
			return "none over what is outside; all of them in user namespaces made "
			       "inside, as profile nested allows";
		return "dropped, regaining tried, read back";
	case CAISSON_P_NO_NEW_PRIVS:
		return "dropped, regaining tried, read back";
	case CAISSON_P_SECCOMP:
		return seccomp_by(asked);
	case CAISSON_P_LANDLOCK:
		return property_landlock_files(built, asked)
		               ? "Landlock domain, also for files: those below the root, and what "
		                 "was handed over"
		       : held ? "Landlock domain, not for files"
		       : asked->seccomp == CAISSON_SECCOMP_NESTED
		               ? "this kernel has none, or, before Linux 6.12, only one that would "
		                 "deny every mount inside"
		               : "this kernel has none, or only its first version";
	case CAISSON_P_HOST_PROCESSES:
		return barriers(built);
	case CAISSON_P_TERMINAL:
		return asked->tty ? "own session, seccomp filter; a terminal was passed as stdio"
		                  : "own session, seccomp filter";
	case CAISSON_P_KEYRING:
		return held ? "own session keyring, seccomp filter"
		            : "none could be made: the user's quota of keys, or a container's "
		              "filter";
	case CAISSON_P_END_WITH_HOST:
		return "pid 1 watches the host's pidfd and socket";
	case CAISSON_P_LABEL:
		return built->detail == CAISSON_LABEL_APPARMOR
		               ? "AppArmor: caisson-sandbox, with the caller's own"
		       : built->detail == CAISSON_LABEL_SELINUX
		               ? "SELinux: categories of its own"
		               : "no module of Caisson's is loaded and enforced";
	case CAISSON_P_LIMITS:
		return asked->limits ? asked->limits : "not asked for";
	case CAISSON_P_OWN_POOLS:
		return held ? "own user namespace"
		       : asked->via == CAISSON_VIA_USERNS
		               ? "charged to the user, who made the user namespace"
		               : "shared with the user's other processes";
	default: /* CAISSON_P_HOST_SOCKETS */
		return held ? "Landlock domain: no socket made outside is found by its path"
		       : property_landlock_files(built, asked) && built->landlock_abi >= 9
		               ? "not required: a socket inside a granted tree can be connected to"
		               : "a socket inside a granted tree can be connected to; keeping it "
		                 "from that takes Linux 7.1 with Landlock";
	}
}
