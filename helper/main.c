/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * caisson-helper: one exec, one sandbox. Entry: assume nothing of what was
 * inherited, read the plan with the caller's own rights, and only then become
 * root. docs/audit.md walks through it in the order of execution.
 */
#include "helper.h"

/* Someone ran the helper by hand. Without any privilege, one line to whatever fd 2 is. */
static _Noreturn void not_for_people(struct ids id) {
	if (set_gids(id.gid, id.gid, id.gid) == 0 && set_uids(id.uid, id.uid, id.uid) == 0 &&
	    caps_set(0, 0, 0) == 0)
		dprintf(2, "caisson-helper is libcaisson's: try \"caisson run\", see "
		           "caisson-helper(8)\n");
	_exit(125);
}

/* Is fd 3 a SEQPACKET whose other end was made by the caller's uid? Only unix sockets know of one. */
static bool control_ok(uid_t uid) {
	struct ucred peer;
	int type;
	socklen_t n = sizeof(type), len = sizeof(peer);

	return getsockopt(CAISSON_FD_CONTROL, SOL_SOCKET, SO_TYPE, &type, &n) == 0 &&
	       type == SOCK_SEQPACKET &&
	       getsockopt(CAISSON_FD_CONTROL, SOL_SOCKET, SO_PEERCRED, &peer, &len) == 0 &&
	       peer.pid > 0 && peer.uid == uid;
}

/* Setuid root, or file capabilities: either way these, and not one more. */
static void check_caps(void) {
	uint64_t missing = CAISSON_HELPER_CAPS & ~caps_permitted();

	errno = EPERM;
	need(missing != CAISSON_HELPER_CAPS || prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) != 1,
	     NO_NEW_PRIVS, 0);
	need(missing != CAISSON_HELPER_CAPS, NOT_SETUID, 0);
	need(missing == 0, CAPABILITY, (uint32_t)__builtin_ctzll(missing));
}

/* What survives exec into a setuid program and is the caller's to choose. */
static void sanitise(void) {
	const sigset_t no_signal = { 0 };

	/* exec left no handler; what it left ignored would keep us from the alarm, init from SIGCHLD. */
	signal(SIGALRM, SIG_DFL);
	signal(SIGCHLD, SIG_DFL);
	signal(SIGPIPE, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN); /* every write is checked instead */
	sigprocmask(SIG_SETMASK, &no_signal, NULL);
	alarm(HELPER_SECONDS); /* replaces ITIMER_REAL; the default action ends us */
	umask(022);
	personality(0);
	must(prctl(PR_SET_DUMPABLE, 0));
	must(chdir("/"));
	/* 1: unlike 0 it keeps pipe core handlers away; only the initial namespace's root may raise it */
	if (setrlimit(RLIMIT_CORE, &(struct rlimit){ 1, 1 }) < 0)
		must(setrlimit(RLIMIT_CORE, &(struct rlimit){ 0, 0 }));
	/*
	 * Never as root to a descriptor that the caller gave, and 0 to 2 must not
	 * become something this program opens: nothing was opened so far.
	 */
	for (int fd = 0; fd < 3; fd++) {
		close(fd);
		need(open("/dev/null", O_RDWR) == fd, NONE, 0);
	}
}

/* What root lets the caller have, read once; with the caller's rights, as the plan is. */
static void read_policy(struct policy *p, struct ids id) {
	uint32_t fault;

	at.stage = CAISSON_STAGE_POLICY;
	p->uid = id.uid;
	p->group[0] = id.gid;
	p->groups = 1 + (uint32_t)must(getgroups(1 << 16, p->group + 1));
	fault = policy_read(p);
	at.line = fault ? p->line : 0;
	errno = fault == CAISSON_POLICY_OPEN ? errno : EACCES;
	need(fault == 0, POLICY_FILE, fault);
}

/* Who the target is: the caller, unless the plan says otherwise. */
static void read_ids(struct box *box) {
	const struct caisson_plan_record *in = plan_find(box->plan, CAISSON_OP_IDS);
	const struct caisson_plan_record *sub = plan_find(box->plan, CAISSON_OP_SUBIDS);

	box->inside = in->op ? (struct ids){ (uid_t)in->a, (gid_t)in->b } : box->caller;
	box->outside = sub->op ? (struct ids){ (uid_t)sub->a, (gid_t)sub->b } : box->caller;
	if (sub->op)
		subid_check(box->caller.uid, box->outside);
}

int main(int argc, char **argv) {
	static struct plan plan;
	static struct policy policy;
	static int tree[CAISSON_PLAN_MAX_FDS];
	struct ids id = { getuid(), getgid() };
	struct box box = { .plan = &plan, .policy = &policy, .tree = tree, .caller = id };
	sigset_t stops;

	clearenv();
	if (!control_ok(id.uid))
		not_for_people(id);
	errno = EINVAL;
	need(argc == 1 && argv[0] && argv[0][0], ARGUMENTS, 0);
	check_caps();
	sanitise();
	asked = &box;
	must(set_gids(id.gid, id.gid, id.gid));
	must(set_uids((uid_t)-1, id.uid, (uid_t)-1));
	must(prctl(PR_SET_DUMPABLE, 0));
	must(caps_set(CAISSON_HELPER_CAPS, 0, 0));
	read_plan(&plan);
	read_policy(&policy, id);
	read_ids(&box);
	at.stage = CAISSON_STAGE_START;
	/*
	 * From here on the caller can no longer signal us, nor can its terminal, which
	 * asks nobody: every step ends whole, or in fail().
	 */
	sigfillset(&stops);
	sigdelset(&stops, SIGALRM);
	must(sigprocmask(SIG_SETMASK, &stops, NULL));
	must(caps_set(CAISSON_HELPER_CAPS, CAISSON_HELPER_CAPS, 0));
	must(set_uids(0, 0, 0));
	must(prctl(PR_SET_DUMPABLE, 0));
	box.proc = open_proc();
	box.self = must(openat(box.proc, "self", O_PATH | O_DIRECTORY | O_CLOEXEC));
	box.host = open_host();
	box.init = open(CAISSON_INIT_PATH, O_PATH | O_CLOEXEC);
	need(box.init >= 0, INIT, 0);
	box.net = plan_find(&plan, CAISSON_OP_NET)->a;
	box.userns = plan_find(&plan, CAISSON_OP_USERNS)->a;
	box.audit = (char)policy_max(&policy, "audit", 't');
	audit_open(&box);
	at.stage = CAISSON_STAGE_POLICY;
	box.slot = slot_take(id.uid, policy_max(&policy, "sandboxes", MAX_SANDBOXES));
	sources_take(&box);
	box_build(&box);
	return 0;
}
