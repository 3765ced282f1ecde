/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The end of privilege, in one order that leaves no window: a capability is
 * kept over the last id change, so that the process cannot be traced in
 * between even where fs.suid_dumpable is 1; then it is made non-dumpable; then
 * everything goes, is tried to be had again, and is read back.
 */
#include <errno.h>
#include <linux/filter.h>
#include <linux/securebits.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>

#include "caisson-floor.h"
#include "helper.h"
#include "sys.h"

#define LAST_CAP 63
#define KEYCTL_JOIN_SESSION_KEYRING 1
#define BITS(cap) (1ull << (cap))

#ifndef PR_CAP_AMBIENT
#define PR_CAP_AMBIENT 47
#define PR_CAP_AMBIENT_CLEAR_ALL 4
#endif

static _Noreturn void stuck(uint32_t stage, int error, uint32_t detail)
{
	fail(stage, error, CAISSON_KNOB_CAPABILITY, CAISSON_NO_RECORD, detail);
}

void hold(struct held *held, unsigned property, unsigned how)
{
	static const bool enforced[] = {
#define HOW_ENFORCED(NAME, num, enforced, text) [num] = (enforced),
		CAISSON_HOWS(HOW_ENFORCED)
	};

	held->how[property] = (uint8_t)how;
	held->properties &= ~(1ull << property);
	held->properties |= (uint64_t)enforced[how] << property;
}

static int set_caps(uint64_t permitted)
{
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2] = { { 0 } };

	for (int i = 0; i < 2; i++)
		data[i].permitted = data[i].effective = (uint32_t)(permitted >> (32 * i));
	return (int)syscall(SYS_capset, &head, data);
}

static bool no_caps(void)
{
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2];

	if (syscall(SYS_capget, &head, data) < 0)
		return false;
	for (int i = 0; i < 2; i++)
		if (data[i].permitted | data[i].effective | data[i].inheritable)
			return false;
	/* An ambient capability is always permitted and inheritable too: there is none. */
	for (unsigned long cap = 0; cap <= LAST_CAP; cap++) {
		int in_bounds = prctl(PR_CAPBSET_READ, cap, 0, 0, 0);

		if (in_bounds != 0)
			return in_bounds < 0 && errno == EINVAL && cap > CAP_AUDIT_READ;
	}
	return true;
}

static void change_ids(uid_t uid, gid_t gid)
{
	if (set_caps(BITS(CAP_SETUID) | BITS(CAP_SETGID) | BITS(CAP_SETPCAP)) < 0 ||
	    prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) < 0)
		stuck(CAISSON_STAGE_DROP, errno, CAP_SETPCAP);
	if (setresgid(gid, gid, gid) < 0)
		stuck(CAISSON_STAGE_DROP, errno, CAP_SETGID);
	if (setresuid(uid, uid, uid) < 0)
		stuck(CAISSON_STAGE_DROP, errno, CAP_SETUID);
	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0 || prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) != 0)
		stuck(CAISSON_STAGE_DROP, errno, CAP_SYS_PTRACE);
}

static void drop_caps(void)
{
	const unsigned long bits = SECBIT_NOROOT | SECBIT_NOROOT_LOCKED | SECBIT_NO_SETUID_FIXUP |
	                           SECBIT_NO_SETUID_FIXUP_LOCKED | SECBIT_KEEP_CAPS_LOCKED |
	                           SECBIT_NO_CAP_AMBIENT_RAISE | SECBIT_NO_CAP_AMBIENT_RAISE_LOCKED;

	if (set_caps(BITS(CAP_SETPCAP)) < 0)
		stuck(CAISSON_STAGE_DROP, errno, CAP_SETPCAP);
	for (unsigned long cap = 0; cap <= LAST_CAP; cap++)
		if (prctl(PR_CAPBSET_DROP, cap, 0, 0, 0) < 0) {
			if (errno == EINVAL && cap > CAP_AUDIT_READ)
				break; /* beyond the last that this kernel knows */
			stuck(CAISSON_STAGE_DROP, errno, CAP_SETPCAP);
		}
	if (prctl(PR_SET_SECUREBITS, bits, 0, 0, 0) < 0 || set_caps(0) < 0 ||
	    prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) < 0)
		stuck(CAISSON_STAGE_DROP, errno, CAP_SETPCAP);
}

/* Regaining anything must fail now; what is left is read back from the kernel. */
static void check_dropped(uid_t uid, gid_t gid)
{
	uid_t r, e, s;
	gid_t rg, eg, sg;

	if (setresuid(0, 0, 0) == 0 || setresuid((uid_t)-1, 0, (uid_t)-1) == 0 ||
	    setresgid((gid_t)-1, 0, (gid_t)-1) == 0 || set_caps(BITS(CAP_SYS_ADMIN)) == 0 ||
	    getresuid(&r, &e, &s) < 0 || r != uid || e != uid || s != uid ||
	    getresgid(&rg, &eg, &sg) < 0 || rg != gid || eg != gid || sg != gid || !no_caps())
		stuck(CAISSON_STAGE_READ_BACK, EPERM, CAP_SETUID);
}

/*
 * A domain keeps the target from tracing, signalling and, by abstract socket,
 * reaching what is outside, by the kernel's own rule on domains; it restricts
 * no file, except that kernels before 6.12 make a domain only of file rules.
 */
static void landlock(bool userns, struct held *held)
{
	struct sys_landlock_ruleset rules = { 0 };
	struct sys_landlock_path path = { SYS_LANDLOCK_FS_REFER, -1 };
	long abi = syscall(NR_landlock_create_ruleset, NULL, 0, 1 /* VERSION */);
	size_t size = abi >= 6 ? 24 : abi >= 4 ? 16 : 8;
	int set;

	if (abi <= 0 || (abi == 1 && userns)) {
		/* ABI 1 forbids every rename between directories: only where nothing else stands */
		hold(held, CAISSON_P_LANDLOCK, CAISSON_HOW_KERNEL);
		return;
	}
	if (abi >= 6)
		rules.scoped = SYS_LANDLOCK_SCOPE_ALL;
	else
		rules.fs = abi == 1 ? SYS_LANDLOCK_FS_MAKE_BLOCK : SYS_LANDLOCK_FS_REFER;
	set = (int)syscall(NR_landlock_create_ruleset, &rules, size, 0);
	if (set >= 0 && rules.fs == SYS_LANDLOCK_FS_REFER) {
		path.parent_fd = open("/", O_PATH | O_CLOEXEC);
		if (syscall(NR_landlock_add_rule, set, 1 /* PATH_BENEATH */, &path, 0) < 0)
			stuck(CAISSON_STAGE_LANDLOCK, errno, 0);
		close(path.parent_fd);
	}
	if (set < 0 || syscall(NR_landlock_restrict_self, set, 0) < 0)
		stuck(CAISSON_STAGE_LANDLOCK, errno, 0);
	close(set);
	held->landlock_abi = (uint32_t)abi;
	hold(held, CAISSON_P_LANDLOCK, CAISSON_HOW_LANDLOCK);
}

static void install_floor(enum caisson_net net)
{
	static const struct {
		const struct sock_filter *filter;
		unsigned short len;
	} floors[] = {
		[CAISSON_NET_NONE] = { caisson_floor_none, CAISSON_FLOOR_NONE_LEN },
		[CAISSON_NET_LOOPBACK] = { caisson_floor_loopback, CAISSON_FLOOR_LOOPBACK_LEN },
		[CAISSON_NET_HOST] = { caisson_floor_host, CAISSON_FLOOR_HOST_LEN },
	};
	/* the kernel only reads it; sock_fprog has no const */
	struct sock_fprog prog = { floors[net].len,
		                   (struct sock_filter *)(uintptr_t)floors[net].filter };

	if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &prog, 0, 0) < 0)
		fail(CAISSON_STAGE_SECCOMP, errno, CAISSON_KNOB_SECCOMP, CAISSON_NO_RECORD, 0);
	if (prctl(PR_GET_SECCOMP, 0, 0, 0, 0) != SECCOMP_MODE_FILTER)
		fail(CAISSON_STAGE_READ_BACK, EPERM, CAISSON_KNOB_SECCOMP, CAISSON_NO_RECORD, 0);
}

void drop_all(uid_t uid, gid_t gid, bool userns, enum caisson_net net, struct held *held)
{
	long key;

	change_ids(uid, gid);
	/*
	 * Owned by the user, charged to the user, empty; no way back to the one
	 * outside. Where it cannot be had (no keys in the kernel, a container's
	 * filter) the floor's denial of every key call stands alone.
	 */
	key = syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, NULL);
	/* A security module's label is changed here, before no_new_privs makes it too late. */
	drop_caps();
	check_dropped(uid, gid);
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ||
	    prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) != 1)
		stuck(CAISSON_STAGE_READ_BACK, errno, 0);
	landlock(userns, held);
	install_floor(net);

	hold(held, CAISSON_P_CAPABILITIES, CAISSON_HOW_READ_BACK);
	hold(held, CAISSON_P_NO_NEW_PRIVS, CAISSON_HOW_READ_BACK);
	hold(held, CAISSON_P_SECCOMP, CAISSON_HOW_FILTER);
	hold(held, CAISSON_P_KEYRING, key < 0 ? CAISSON_HOW_FILTER : CAISSON_HOW_READ_BACK);
	hold(held, CAISSON_P_TERMINAL, CAISSON_HOW_SESSION);
	hold(held, CAISSON_P_HOST_PROCESSES,
	     userns && held->landlock_abi ? CAISSON_HOW_ALL_BARRIERS
	     : userns                     ? CAISSON_HOW_USERNS_FILTER
	     : held->landlock_abi         ? CAISSON_HOW_LANDLOCK_FILTER
	                                  : CAISSON_HOW_ONE_BARRIER);
}
