/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The end of privilege, in one order that leaves no window: capabilities are
 * kept over the last id change, so that the process cannot be traced in between
 * even where fs.suid_dumpable is 1; then it is made non-dumpable; then
 * everything goes, is tried to be had again, and is read back. One capability
 * stays for the exec of caisson-init, which makes a process dumpable there: only
 * who has it too may trace it. Without a bounding set, and with locked
 * securebits, CAP_SETPCAP can do nothing; init gives it up first of all.
 */
#include "helper.h"

/* What caisson-init begins with. */
#define LAST_CAP (1u << CAP_SETPCAP)
#define SECUREBITS                                                                                 \
	(SECBIT_NOROOT | SECBIT_NOROOT_LOCKED | SECBIT_NO_SETUID_FIXUP |                           \
	 SECBIT_NO_SETUID_FIXUP_LOCKED | SECBIT_KEEP_CAPS_LOCKED | SECBIT_NO_CAP_AMBIENT_RAISE |   \
	 SECBIT_NO_CAP_AMBIENT_RAISE_LOCKED)

static struct __user_cap_header_struct cap_head = { .version = _LINUX_CAPABILITY_VERSION_3 };

uint64_t caps_permitted(void) {
	struct __user_cap_data_struct data[2] = { { 0 }, { 0 } };

	must(syscall(SYS_capget, &cap_head, data));
	return (uint64_t)data[1].permitted << 32 | data[0].permitted;
}

/* What is not inheritable is not ambient either. */
int caps_set(uint32_t permitted, uint32_t effective, uint32_t inheritable) {
	struct __user_cap_data_struct data[2] = { { effective, permitted, inheritable }, { 0 } };

	return (int)syscall(SYS_capset, &cap_head, data);
}

static void change_ids(struct ids id) {
	const uint32_t kept = 1u << CAP_SETUID | 1u << CAP_SETGID | 1u << CAP_SETPCAP;

	must(caps_set(kept, kept, 0));
	must(prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0));
	must(set_gids(id.gid, id.gid, id.gid));
	must(set_uids(id.uid, id.uid, id.uid));
	must(prctl(PR_SET_DUMPABLE, 0, 0, 0, 0));
}

static void drop_caps(void) {
	unsigned long cap = 0;

	/* Inheritable while the bounding set still has it, ambient while securebits allow that. */
	must(caps_set(LAST_CAP, LAST_CAP, LAST_CAP));
	must(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_SETPCAP, 0, 0));
	while (cap < 64 && prctl(PR_CAPBSET_DROP, cap, 0, 0, 0) == 0)
		cap++; /* up to the last that this kernel knows */
	need(cap > CAP_AUDIT_READ && prctl(PR_CAPBSET_READ, cap, 0, 0, 0) < 0, NONE, 0);
	must(prctl(PR_SET_SECUREBITS, SECUREBITS, 0, 0, 0));
}

/* Regaining anything must fail now; what is left is read back from the kernel. */
static void read_back(struct ids id) {
	uid_t u[3];
	gid_t g[3];

	at.stage = CAISSON_STAGE_READ_BACK;
	errno = EPERM;
	need(set_uids(0, 0, 0) < 0 || id.uid == 0, NONE, 1);
	need(set_gids((gid_t)-1, 0, (gid_t)-1) < 0 || id.gid == 0, NONE, 1);
	need(caps_set(1u << CAP_SETUID, 0, 0) < 0 && set_uids((uid_t)-1, id.uid ^ 2, (uid_t)-1) < 0,
	     NONE, 1);
	need(getresuid(u, u + 1, u + 2) == 0 && u[0] == id.uid && u[1] == id.uid && u[2] == id.uid,
	     NONE, 2);
	need(getresgid(g, g + 1, g + 2) == 0 && g[0] == id.gid && g[1] == id.gid && g[2] == id.gid,
	     NONE, 2);
	/* An effective one is always permitted, an ambient one too. */
	need(caps_permitted() == LAST_CAP && prctl(PR_CAPBSET_READ, CAP_SYS_ADMIN, 0, 0, 0) == 0,
	     NONE, 3);
	need(prctl(PR_GET_SECUREBITS, 0, 0, 0, 0) == SECUREBITS, NONE, 3);
	need(prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) == 0, NONE, 4);
}

void drop_all(struct ids id) {
	at.stage = CAISSON_STAGE_DROP;
	change_ids(id);
	drop_caps();
	read_back(id);
}
