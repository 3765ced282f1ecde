/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * caisson-builder: an ordinary program that speaks the helper's protocol and builds with the
 * helper's code, as root of a user namespace of its own. It is executed twice. First it
 * enters that namespace; then, by an exec in there, its memory belongs to it, so that the
 * sandbox's first process may look into /proc/PID of this one, as the helper's may, although
 * it is not dumpable. What was mounted then is locked by a second user namespace, which the
 * shared code makes last: in it, nobody has a capability over the first.
 */
#include "builder.h"
#include "plain.h"

#define INSIDE "inside" /* argv[1] of the second time */

/*
 * What the helper has, and to map root of the first namespace in the second. None over files
 * (DAC_OVERRIDE and its kind): what the user may reach, as itself, is what is reached.
 */
#define CAPS (CAISSON_HELPER_CAPS | 1u << CAP_SETFCAP)

static void not_for_people(void) {
	int type;
	socklen_t n = sizeof(type);

	if (getsockopt(CAISSON_FD_CONTROL, SOL_SOCKET, SO_TYPE, &type, &n) == 0 &&
	    type == SOCK_SEQPACKET)
		return;
	dprintf(2, "caisson-builder is libcaisson's: try \"caisson run\"\n");
	_exit(125);
}

/* What survives exec and would be the sandbox's: as the helper has it. */
static void reset(void) {
	const sigset_t none = { 0 };

	clearenv();
	signal(SIGALRM, SIG_DFL);
	signal(SIGCHLD, SIG_DFL);
	signal(SIGPIPE, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN);
	sigprocmask(SIG_SETMASK, &none, NULL);
	alarm(HELPER_SECONDS);
	umask(022);
	personality(0);
	must(chdir("/"));
	if (setrlimit(RLIMIT_CORE, &(struct rlimit){ 1, 1 }) <
	    0) /* keeps pipe core handlers away */
		must(setrlimit(RLIMIT_CORE, &(struct rlimit){ 0, 0 }));
	for (int fd = 0; fd < 3; fd++) {
		close(fd);
		need(open("/dev/null", O_RDWR) == fd, NONE, 0);
	}
}

/* What this way cannot give is refused, by the knob that says so. */
static void refuse_what_it_cannot(const struct plan *plan) {
	const struct caisson_plan_record *r = plan->record;

	at.stage = CAISSON_STAGE_POLICY;
	errno = EPERM;
	for (at.record = 0; at.record < plan->head->records; at.record++, r++) {
		need(r->op != CAISSON_OP_USERNS || r->a != CAISSON_USERNS_NONE, PROPERTY,
		     CAISSON_P_USERNS);
		need(r->op != CAISSON_OP_SUBIDS, SUBIDS, 0);
		need(r->op != CAISSON_OP_LABEL, LABEL, CAISSON_LABEL_MISSING);
		need(r->op != CAISSON_OP_BIND || !(r->flags & CAISSON_BIND_IDMAP), IDMAP, 0);
	}
	at.record = CAISSON_NO_RECORD;
	/* What is created inside is charged to whoever made the namespaces: here, the user. */
	need(!(plan->head->require & CAISSON_BIT(OWN_POOLS)), PROPERTY, CAISSON_P_OWN_POOLS);
}

/*
 * The administrator's policy binds the helper, which has something to give; this program
 * cannot do what its user could not. What is never granted, and that root is refused, does
 * not depend on rules.
 */
static void allow_all(struct policy *p, struct ids caller) {
	static char text[] = "allow all read /\n"
			     "allow all write /\n"
			     "allow all device /\n"
			     "allow all net none\n"
			     "allow all net loopback\n"
			     "allow all net host\n"
			     "allow all userns plain\n"
			     "allow all userns ids\n"
			     "allow all userns time\n"
			     "allow all seccomp default\n"
			     "allow all seccomp strict\n"
			     "allow all seccomp gpu\n"
			     "allow all seccomp nested\n";
	uint32_t fault = policy_parse(p, text, sizeof(text) - 1);

	errno = EINVAL;
	need(fault == 0, POLICY_FILE, fault);
	p->uid = caller.uid;
}

static _Noreturn void build(const struct plan *plan) {
	static struct policy policy;
	static int tree[CAISSON_PLAN_MAX_FDS];
	const struct caisson_plan_record *in = plan_find(plan, CAISSON_OP_IDS);
	struct ids caller = caller_outside();
	/* Here the caller is root, and nobody else is anybody: see builder.h. */
	struct box box = { .plan = plan, .policy = &policy, .tree = tree };
	sigset_t stops;

	allow_all(&policy, caller);
	box.inside = in->op ? (struct ids){ (uid_t)in->a, (gid_t)in->b } : caller;
	box.proc = open_proc();
	box.self = must(openat(box.proc, "self", O_PATH | O_DIRECTORY | O_CLOEXEC));
	box.host = open_host();
	box.init = open(CAISSON_INIT_PATH, O_PATH | O_CLOEXEC);
	need(box.init >= 0, INIT, 0);
	box.slot = must(open("/dev/null", O_RDONLY | O_CLOEXEC)); /* there is nothing to count */
	box.audit = 'o';                                          /* nor anything to record */
	box.net = plan_find(plan, CAISSON_OP_NET)->a;
	box.userns = CAISSON_USERNS_REQUIRED; /* without the second one nothing is locked */
	sigfillset(&stops);
	sigdelset(&stops, SIGALRM);
	must(sigprocmask(SIG_SETMASK, &stops, NULL));
	must(caps_set(CAPS, CAPS, 0));
	must(prctl(PR_SET_DUMPABLE, 0));
	sources_take(&box);
	box_build(&box);
	_exit(0);
}

int main(int argc, char **argv) {
	static struct plan plan;
	struct ids caller = { getuid(), getgid() };
	char *const again[] = { (char[]){ "caisson-builder" }, (char[]){ INSIDE }, NULL };

	not_for_people();
	plain_start();
	errno = EINVAL;
	need(argc == 1 || (argc == 2 && !strcmp(argv[1], INSIDE)), ARGUMENTS, 0);
	if (argc == 1)
		reset();
	read_plan(&plan);
	at.stage = CAISSON_STAGE_START;
	if (argc == 2)
		build(&plan);
	refuse_what_it_cannot(&plan);
	close(open_proc());
	enter(&plan, caller);
	at.stage = CAISSON_STAGE_START;
	execve("/proc/self/exe", again, again + 2);
	fail(errno, CAISSON_KNOB_DENIED, 0);
}
