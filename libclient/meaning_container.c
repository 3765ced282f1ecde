/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Refusals that a container's filter or bounding set is behind: which call, which capabilities. */
#include "meaning.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>

#include "caisson-caps.h"
#include "names.h"
#include "protocol/properties.h"

/* What the helper was doing, as the system calls that a filter may deny it then. */
static const char *const calls[CAISSON_STAGE_COUNT] = {
	[CAISSON_STAGE_SOURCE] = "open_tree, mount_setattr or move_mount",
	[CAISSON_STAGE_NAMESPACES] = "clone or clone3 with flags of namespaces",
	[CAISSON_STAGE_ROOT] = "fsopen, fsconfig, fsmount or move_mount",
	[CAISSON_STAGE_MOUNT] = "move_mount, mount_setattr or fsopen",
	[CAISSON_STAGE_PIVOT] = "pivot_root or umount2",
	[CAISSON_STAGE_NETWORK] = "unshare or setns",
	[CAISSON_STAGE_USERNS] = "unshare or setns",
};

static const char filter[] = "seccomp filter of the container or service";

void meaning_denied(const struct caisson_answer *a, struct meaning *m) {
	const char *call = a->stage < CAISSON_STAGE_COUNT ? calls[a->stage] : NULL;

	if (!call || prctl(PR_GET_SECCOMP, 0, 0, 0, 0) != 2)
		return;
	snprintf(m->text, sizeof(m->text),
	         "a seccomp filter denies %s, although root holds the capability for it", call);
	snprintf(m->advice, sizeof(m->advice),
	         "allow %s in the filter: docs/containers.md has the list for Docker, Podman and "
	         "Kubernetes. With AppArmor or SELinux in force look in the kernel log and the "
	         "audit log too",
	         call);
	m->what = m->text;
	m->knob = filter;
	m->remedy = m->advice;
}

void meaning_run_dir(const struct caisson_answer *a, struct meaning *m) {
	if (a->stage != CAISSON_STAGE_POLICY || a->error != EROFS)
		return;
	m->what = "the folder in which sandboxes are counted, " CAISSON_RUN_DIR
		  ", cannot be written to";
	m->knob = "read-only root of the container";
	m->remedy = "mount a tmpfs at " CAISSON_RUN_DIR " (Docker: --tmpfs; Kubernetes: an "
		    "emptyDir): docs/containers.md";
}

void meaning_keyring(const struct caisson_answer *a, struct meaning *m) {
	if (a->detail != CAISSON_P_KEYRING || prctl(PR_GET_SECCOMP, 0, 0, 0, 0) != 2)
		return;
	m->knob = filter;
	m->remedy = "allow keyctl in the filter: docs/containers.md has the list for Docker, "
		    "Podman and Kubernetes";
}

void meaning_bounding(struct meaning *m) {
	const uint64_t needed = CAISSON_HELPER_CAPS;
	char names[256] = "", options[256] = "";

	for (uint32_t i = 0; i < 64; i++) {
		const char *name = needed >> i & 1 ? name_capability(i) : NULL;

		if (!name || prctl(PR_CAPBSET_READ, i, 0, 0, 0) != 0)
			continue;
		snprintf(names + strlen(names), sizeof(names) - strlen(names), "%s%s",
		         names[0] ? ", " : "", name);
		snprintf(options + strlen(options), sizeof(options) - strlen(options),
		         " --cap-add %s", name + strlen("CAP_"));
	}
	if (!names[0])
		return;
	snprintf(m->text + strlen(m->text), sizeof(m->text) - strlen(m->text),
	         ": nobody in this container or unit can have %s", names);
	snprintf(m->advice, sizeof(m->advice),
	         "run the container with%s; docs/containers.md has all that is needed, for Docker, "
	         "Podman and Kubernetes",
	         options);
	m->remedy = m->advice;
}
