/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The end of privilege, in one order that leaves no window: capabilities are
 * kept over the last id change, so that the process cannot be traced in between
 * even where fs.suid_dumpable is 1; then it is made non-dumpable; then
 * everything goes, is tried to be had again, and is read back.
 */
#include <linux/filter.h>
#include <linux/securebits.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>

#include "caisson-floor.h"
#include "helper.h"
#include "sys.h"

#define KEYCTL_JOIN_SESSION_KEYRING 1
#define SECUREBITS                                                                                 \
	(SECBIT_NOROOT | SECBIT_NOROOT_LOCKED | SECBIT_NO_SETUID_FIXUP |                           \
	 SECBIT_NO_SETUID_FIXUP_LOCKED | SECBIT_KEEP_CAPS_LOCKED | SECBIT_NO_CAP_AMBIENT_RAISE |   \
	 SECBIT_NO_CAP_AMBIENT_RAISE_LOCKED)

static int set_caps(uint32_t permitted)
{
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2] = { { permitted, permitted, 0 }, { 0 } };

	return (int)syscall(SYS_capset, &head, data);
}

/* An ambient capability is always permitted and inheritable too: without those there is none. */
static bool no_caps(void)
{
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct d[2];
	unsigned long cap = 0;
	int in_bounds;

	if (syscall(SYS_capget, &head, d) < 0 || d[0].permitted | d[0].effective |
	                                                 d[0].inheritable | d[1].permitted |
	                                                 d[1].effective | d[1].inheritable)
		return false;
	while ((in_bounds = prctl(PR_CAPBSET_READ, cap, 0, 0, 0)) == 0)
		cap++;
	return in_bounds < 0 && errno == EINVAL && cap > CAP_AUDIT_READ;
}

static void change_ids(uid_t uid, gid_t gid)
{
	need(set_caps(1u << CAP_SETUID | 1u << CAP_SETGID | 1u << CAP_SETPCAP) == 0 &&
	             prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) == 0,
	     CAPABILITY, CAP_SETPCAP);
	need(setresgid(gid, gid, gid) == 0, CAPABILITY, CAP_SETGID);
	need(setresuid(uid, uid, uid) == 0, CAPABILITY, CAP_SETUID);
	need(prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) == 0 && prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) == 0,
	     NONE, 0);
}

static void drop_caps(void)
{
	unsigned long cap = 0;

	need(set_caps(1u << CAP_SETPCAP) == 0, CAPABILITY, CAP_SETPCAP);
	while (prctl(PR_CAPBSET_DROP, cap, 0, 0, 0) == 0)
		cap++; /* up to the last that this kernel knows: no_caps() looks */
	need(prctl(PR_SET_SECUREBITS, SECUREBITS, 0, 0, 0) == 0 &&
	             prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) == 0 &&
	             set_caps(0) == 0,
	     CAPABILITY, CAP_SETPCAP);
}

/* Regaining anything must fail now; what is left is read back from the kernel. */
static void read_back(uid_t uid, gid_t gid)
{
	uid_t u[3];
	gid_t g[3];

	at.stage = CAISSON_STAGE_READ_BACK;
	errno = EPERM;
	need(setresuid(0, 0, 0) < 0 && setresuid((uid_t)-1, 0, (uid_t)-1) < 0 &&
	             setresgid((gid_t)-1, 0, (gid_t)-1) < 0 && set_caps(1u << CAP_SETUID) < 0,
	     NONE, 1);
	need(getresuid(u, u + 1, u + 2) == 0 && u[0] == uid && u[1] == uid && u[2] == uid &&
	             getresgid(g, g + 1, g + 2) == 0 && g[0] == gid && g[1] == gid && g[2] == gid,
	     NONE, 2);
	need(no_caps() && prctl(PR_GET_SECUREBITS, 0, 0, 0, 0) == SECUREBITS, NONE, 3);
	need(prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) == 0, NONE, 4);
}

/*
 * A domain keeps the target from tracing, signalling and, by abstract socket,
 * reaching what is outside, by the kernel's own rule on domains; it restricts
 * no file, except that kernels before 6.12 make a domain only of file rules
 * (and ABI 1 then forbids every rename between directories: it is used only
 * where no user namespace stands beside it).
 */
static void landlock(bool userns)
{
	long abi = syscall(NR_landlock_create_ruleset, NULL, 0, 1 /* VERSION */);
	uint64_t rules[3] = { 0 }; /* fs, net, scoped */
	struct {
		uint64_t access;
		int32_t parent_fd;
	} __attribute__((packed)) path = { SYS_LANDLOCK_FS_REFER, -1 };
	int set;

	if (abi <= 0 || (abi == 1 && userns))
		return;
	at.stage = CAISSON_STAGE_LANDLOCK;
	rules[2] = abi >= 6 ? SYS_LANDLOCK_SCOPE_ALL : 0;
	rules[0] = abi >= 6 ? 0 : abi == 1 ? SYS_LANDLOCK_FS_MAKE_BLOCK : SYS_LANDLOCK_FS_REFER;
	set = (int)syscall(NR_landlock_create_ruleset, rules, abi >= 6 ? 24 : abi >= 4 ? 16 : 8, 0);
	need(set >= 0, SECCOMP, NR_landlock_create_ruleset);
	if (rules[0] == SYS_LANDLOCK_FS_REFER) {
		path.parent_fd = open("/", O_PATH | O_CLOEXEC);
		need(syscall(NR_landlock_add_rule, set, 1 /* PATH_BENEATH */, &path, 0) == 0,
		     SECCOMP, NR_landlock_add_rule);
		close(path.parent_fd);
	}
	need(syscall(NR_landlock_restrict_self, set, 0) == 0, SECCOMP, NR_landlock_restrict_self);
	close(set);
	at.landlock_abi = (uint32_t)abi;
	at.held |= CAISSON_BIT(LANDLOCK);
}

static void install_floor(uint64_t net)
{
	static const struct {
		unsigned short len;
		const struct sock_filter *filter; /* struct sock_fprog, but for the const */
	} floors[] = {
		[CAISSON_NET_NONE] = { CAISSON_FLOOR_NONE_LEN, caisson_floor_none },
		[CAISSON_NET_LOOPBACK] = { CAISSON_FLOOR_LOOPBACK_LEN, caisson_floor_loopback },
		[CAISSON_NET_HOST] = { CAISSON_FLOOR_HOST_LEN, caisson_floor_host },
	};

	at.stage = CAISSON_STAGE_SECCOMP;
	need(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &floors[net], 0, 0) == 0 &&
	             prctl(PR_GET_SECCOMP, 0, 0, 0, 0) == SECCOMP_MODE_FILTER,
	     SECCOMP, 0);
}

void drop_all(const struct box *box, bool userns)
{
	at.stage = CAISSON_STAGE_DROP;
	change_ids(box->uid, box->gid);
	/*
	 * A session keyring of its own, owned by and charged to the user. Where
	 * none can be had (no keys in the kernel, a container's filter) the
	 * floor's denial of every key call stands alone.
	 */
	syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, NULL);
	/* A security module's label is changed here: after no_new_privs it is too late. */
	drop_caps();
	read_back(box->uid, box->gid);
	need(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
	             prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1,
	     NONE, 5);
	landlock(userns);
	install_floor(box->net);
}
