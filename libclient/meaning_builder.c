/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What caisson-builder's numbers mean, where that is not what the helper's do: it is not root. */
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "caisson.h"
#include "meaning.h"
#include "probe.h"
#include "property.h"

static void set(struct meaning *m, const char *what, const char *knob, const char *remedy) {
	m->what = what;
	m->knob = knob;
	m->remedy = remedy;
}

/* What denies user namespaces, as doctor says it. */
static void denied(int stage, int error, struct meaning *m) {
	struct try_userns got = { .stage = stage };
	struct advice advice = { "", "", "", "" };
	int root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	struct host host = { 0 };

	got.error[stage] = error;
	if (root >= 0) {
		host_read(root, &host);
		close(root);
	}
	advice_for(cause_of_userns(&host, &got, geteuid() == 0, m->place, sizeof(m->place)), &host,
	           &advice);
	set(m,
	    stage == TRY_CLONE ? "this process may create no user namespace to build in"
	                       : "a user namespace was created, and may not be used",
	    m->place, advice.remedy);
}

/* A container covers parts of /proc, and then the kernel lets no user namespace have a whole one. */
static void masked_proc(struct meaning *m) {
	set(m,
	    "parts of /proc are covered here, as containers do, and where they are the kernel "
	    "gives a user namespace no new procfs",
	    "mounts below /proc (the container's masked and read-only paths)",
	    "start the container with all of /proc: Docker --security-opt systempaths=unconfined, "
	    "Podman --security-opt unmask=ALL, Kubernetes procMount: Unmasked");
}

static void property(uint32_t number, struct meaning *m) {
	if (number == CAISSON_P_USERNS)
		set(m,
		    "it is to be built without a user namespace, and without caisson-helper it is "
		    "built of them",
		    "--userns none, caisson_spec_user_namespace()", "leave that out");
	if (number == CAISSON_P_OWN_POOLS)
		set(m,
		    "the property \"own_pools\" was required; without caisson-helper, what a "
		    "sandbox uses is charged to its user",
		    "--require, caisson_spec_require()", "do without it");
}

void meaning_of_builder(const struct caisson_answer *a, struct meaning *m) {
	switch (meaning_knob(a->knob, a->error)) {
	case CAISSON_KNOB_USERNS_LIMIT:
	case CAISSON_KNOB_USERNS_MODULE:
		denied(TRY_CLONE, a->error, m);
		break;
	case CAISSON_KNOB_SECCOMP:
		if (a->stage == CAISSON_STAGE_USERNS)
			denied(TRY_CLONE, a->error, m);
		break;
	case CAISSON_KNOB_DENIED:
		if (a->stage == CAISSON_STAGE_USERNS || a->stage == CAISSON_STAGE_NAMESPACES)
			denied(a->stage == CAISSON_STAGE_USERNS ? TRY_MAP : TRY_MOUNT, a->error, m);
		else
			set(m, "it is denied in a user namespace here",
			    "AppArmor or SELinux policy, or the container's seccomp filter",
			    "look for the denial in the kernel log and the audit log (journalctl "
			    "-k, ausearch -m AVC)");
		break;
	case CAISSON_KNOB_PROC:
		if (a->stage == CAISSON_STAGE_ROOT || a->stage == CAISSON_STAGE_MOUNT)
			masked_proc(m);
		break;
	case CAISSON_KNOB_IDMAP:
		set(m, "idmapped grants take caisson-helper",
		    "--ro-idmap, --rw-idmap, CAISSON_IDMAP", "grant it without (--ro, --rw)");
		break;
	case CAISSON_KNOB_SUBIDS:
		set(m, "to run as a subordinate id takes caisson-helper",
		    "--subuid, --subgid, caisson_spec_subids()", "leave that out");
		break;
	case CAISSON_KNOB_LABEL:
		set(m, "a label takes caisson-helper, which a security module's policy confines",
		    "--label, caisson_spec_label()", "leave that out");
		break;
	case CAISSON_KNOB_PROPERTY:
		property(a->detail, m);
		break;
	case CAISSON_KNOB_ARGUMENTS:
		set(m, "caisson-builder takes no arguments", "", "");
		break;
	}
}
