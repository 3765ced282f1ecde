/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The child of the helper, in helper/box.c and helper/drop.c, up to the moment
 * when it becomes caisson-init: what is given up by then, in which order, and
 * that each of it was read back. The stubs are the kernel: a call succeeds or
 * fails, an answer is right or wrong. As in order.h, what is asserted is read
 * in C first.
 */
#include <stdarg.h>

#include "helper.h"
#include "environment.h"

#define BITS                                                                                       \
	(SECBIT_NOROOT | SECBIT_NOROOT_LOCKED | SECBIT_NO_SETUID_FIXUP |                           \
	 SECBIT_NO_SETUID_FIXUP_LOCKED | SECBIT_KEEP_CAPS_LOCKED | SECBIT_NO_CAP_AMBIENT_RAISE |   \
	 SECBIT_NO_CAP_AMBIENT_RAISE_LOCKED)

/* Good for nothing but to be had when caisson-init begins. */
#define LAST (1u << CAP_SETPCAP)

static const struct ids caller = { 1000, 100 }, inside = { 3000, 300 }, outside = { 2000, 200 };
static struct ids is; /* real, effective and saved */
static uint32_t permitted = ~0u, inheritable, securebits;
static unsigned long bounding; /* capabilities that are out of the bounding set */
/* dumpable: may be, since the last change of an effective id or of the user namespace. */
static bool in_child, joined, built, judged, closed, dumpable, keepcaps;
static bool bounded, ambient, gone, regained, handed;
static bool read_uids, read_gids, read_caps, read_bounding, read_bits, read_dumpable;
static bool tried_uids, tried_gids, tried_caps;

/* Whatever is no change of the process's own credentials: it cannot be traced meanwhile. */
static void steady(void) {
	const bool ok = !dumpable;
	//@ assert steady: ok == 1;
}

/* Takes privilege; none is left to try after the end of it. */
static void privileged(void) {
	const bool ok = !gone;

	steady();
	//@ assert privileged: ok == 1;
}

static void in_own_root(void) {
	const bool ok = in_child && built && judged;

	privileged();
	//@ assert in_own_root: ok == 1;
}

/* caisson-init begins. */
static void become_init(void) {
	const struct ids id = joined ? inside : caller;
	const bool order = in_child && built && judged && closed && handed;
	const bool ids = is.uid == id.uid && is.gid == id.gid && read_uids && read_gids;
	const bool caps = gone && permitted == LAST && read_caps && ambient;
	const bool bounds = bounded && bounding > CAP_AUDIT_READ && read_bounding;
	const bool bits = securebits == BITS && read_bits;
	const bool tried = tried_uids && tried_gids && tried_caps && !regained;

	steady();
	//@ assert order: order == 1;
	//@ assert ids: ids == 1;
	//@ assert caps: caps == 1;
	//@ assert bounds: bounds == 1;
	//@ assert bits: bits == 1;
	//@ assert tried: tried == 1;
	//@ assert read_dumpable: read_dumpable == 1;
	//@ check reached: \false;
}

/* ---- parts of the helper ---- */

struct caisson_answer at;
int answer_fd, answer_with;
long last_call;

/*@ assigns \nothing;
    ensures \false; */
_Noreturn void fail(int error, uint32_t knob, uint32_t detail);
/*@ assigns \nothing;
    ensures \false; */
void _exit(int status);

int must(long result) {
	if (result < 0)
		fail(0, 0, 0);
	return (int)result;
}

void answer(uint16_t kind) {
	const bool ok = !in_child; /* init speaks for itself, once it is that */

	steady();
	//@ assert not_yet: ok == 1;
}

void audit_record(const struct box *box, const char *decision, int sandbox) {
	privileged();
}

const struct caisson_plan_record *plan_find(const struct plan *plan, uint16_t op) {
	static struct caisson_plan_record found;

	any_bytes(&found, sizeof(found));
	found.name = 0; /* in the names, and a host's name is short: plan.h shows it */
	found.name_len = (uint32_t)any_size(64);
	return &found;
}

/*@ assigns \result \from \nothing; */
uint64_t policy_max(const struct policy *p, const char *kind, uint64_t otherwise);

int root_build(const struct box *box) {
	const bool ok = in_child && !built;

	privileged();
	//@ assert once: ok == 1;
	built = true;
	return any_int();
}

void judge_tree(const struct box *box, int proc) {
	const bool ok = in_child && built;

	privileged();
	//@ assert once_built: ok == 1;
	judged = true;
}

void userns_map(int dir, struct ids in, struct ids out) {
	const bool ok = in.uid == inside.uid && out.uid == outside.uid && !joined;

	in_own_root();
	//@ assert the_targets: ok == 1;
}

void write_file(int dir, const char *file, const char *text) {
	const bool ok = joined;

	in_own_root();
	//@ assert of_its_own: ok == 1;
}

/* ---- the system ---- */

int *__errno_location(void) {
	static int error;

	error = any_int();
	return &error;
}

static int changed(struct ids id, bool of_user) {
	if (any_int())
		return -1;
	if (gone)
		regained = true;
	if (of_user)
		is.uid = id.uid;
	else
		is.gid = id.gid;
	dumpable = true;
	return 0;
}

/* Both of them, and only in the child; until then it is root's real uid that changes. */
static int set_ids(bool of_user, uint32_t real, uint32_t effective, uint32_t saved) {
	const struct ids id = { real, real };
	const bool all = real == effective && effective == saved && keepcaps;
	bool ok;

	if (gone && of_user)
		tried_uids = true;
	else if (gone)
		tried_gids = true;
	if (gone) /* an attempt, which has to fail */
		return changed(id, of_user);
	if (!in_child) {
		ok = effective == ~0u && saved == ~0u && of_user;
		//@ assert real_only: ok == 1;
		return any_int() ? 0 : -1;
	}
	//@ assert all: all == 1;
	return changed(id, of_user);
}

static int cap_set(const struct __user_cap_data_struct *data) {
	const uint32_t p = data[0].permitted, e = data[0].effective, i = data[0].inheritable;
	const bool high = data[1].permitted || data[1].effective || data[1].inheritable;
	const bool ok = (i == 0 || (i == LAST && p == LAST)) && (e & ~p) == 0 && !high;

	//@ assert none_inherited: ok == 1;
	if (gone)
		tried_caps = true;
	if (any_int())
		return -1;
	if (gone && p != LAST)
		regained = true;
	permitted = p;
	inheritable = i;
	return 0;
}

long syscall(long number, ...) {
	va_list args;
	uint32_t id[3];
	struct __user_cap_data_struct *data;
	unsigned long flags;
	bool ok;

	va_start(args, number);
	switch (number) {
	case SYS_setresuid:
	case SYS_setresgid:
		for (int i = 0; i < 3; i++)
			id[i] = va_arg(args, uint32_t);
		return set_ids(number == SYS_setresuid, id[0], id[1], id[2]);
	case SYS_capset:
		va_arg(args, struct __user_cap_header_struct *);
		return cap_set(va_arg(args, struct __user_cap_data_struct *));
	case SYS_capget:
		va_arg(args, struct __user_cap_header_struct *);
		data = va_arg(args, struct __user_cap_data_struct *);
		read_caps = gone && any_int();
		data[0].permitted = read_caps ? LAST : any_int() ? 0 : LAST | 1u << 31;
		return any_int() ? 0 : -1;
	case SYS_setgroups: /* in the helper: the child may only have none */
		privileged();
		ok = !in_child;
		//@ assert before_clone: ok == 1;
		return any_int() ? 0 : -1;
	case SYS_clone:
		privileged();
		flags = va_arg(args, unsigned long);
		ok = flags == (CLONE_PARENT | CLONE_PIDFD | CLONE_NEWNS | CLONE_NEWPID |
		               CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWCGROUP);
		//@ assert namespaces: ok == 1;
		in_child = any_int();
		return in_child ? 0 : any_int() ? -1 : 2;
	case SYS_execveat:
		become_init();
		return -1;
	case NR_close_range:
		in_own_root();
		ok = va_arg(args, int) == CAISSON_FD_PROC + 1;
		//@ assert all_others: ok == 1;
		if (any_int())
			return -1;
		closed = true;
		return 0;
	default:
		steady();
	}
	va_end(args);
	return any_int();
}

int prctl(int option, ...) {
	va_list args;
	unsigned long value;
	bool ok = any_int();

	va_start(args, option);
	switch (option) {
	case PR_SET_DUMPABLE:
		if (!ok)
			return -1;
		dumpable = false;
		return 0;
	case PR_SET_KEEPCAPS:
		if (!ok)
			return -1;
		keepcaps = true;
		return 0;
	case PR_CAPBSET_DROP:
		privileged();
		value = va_arg(args, unsigned long);
		if (!ok)
			return -1;
		if (value == bounding)
			bounding++;
		return 0;
	case PR_CAPBSET_READ:
		steady();
		if (gone) {
			read_bounding = ok && va_arg(args, int) == CAP_SYS_ADMIN;
			return read_bounding ? 0 : 1;
		}
		bounded = ok && va_arg(args, unsigned long) == bounding;
		return bounded ? -1 : (int)any_size(1);
	case PR_SET_SECUREBITS:
		privileged();
		if (!ok)
			return -1;
		securebits = (uint32_t)va_arg(args, int);
		gone = permitted == LAST; /* and no more can be had, with the bounding set empty */
		return 0;
	case PR_CAP_AMBIENT:
		privileged();
		value = (unsigned long)va_arg(args, int);
		ambient = ok && value == PR_CAP_AMBIENT_RAISE && inheritable == LAST &&
		          va_arg(args, int) == CAP_SETPCAP;
		return ambient ? 0 : -1;
	case PR_GET_SECUREBITS:
		read_bits = ok && gone;
		return read_bits ? BITS : any_int() ? 0 : BITS ^ 1;
	case PR_GET_DUMPABLE:
		read_dumpable = ok && gone;
		return read_dumpable ? 0 : 1;
	}
	va_end(args);
	return any_int();
}

int getgroups(int size, gid_t *list) {
	steady();
	return any_int();
}

int getresuid(uid_t *r, uid_t *e, uid_t *s) {
	const uid_t wrong = is.uid + 1;

	read_uids = gone && any_int();
	*r = read_uids || any_int() ? is.uid : wrong;
	*e = read_uids || (*r == is.uid && any_int()) ? is.uid : wrong;
	*s = read_uids ? is.uid : wrong;
	return any_int() ? 0 : -1;
}

int getresgid(gid_t *r, gid_t *e, gid_t *s) {
	const gid_t wrong = is.gid + 1;

	read_gids = gone && any_int();
	*r = read_gids || any_int() ? is.gid : wrong;
	*e = read_gids || (*r == is.gid && any_int()) ? is.gid : wrong;
	*s = read_gids ? is.gid : wrong;
	return any_int() ? 0 : -1;
}

int setns(int fd, int type) {
	in_own_root();
	if (any_int())
		return -1;
	if (type == CLONE_NEWUSER) {
		joined = true;
		dumpable = true;
	}
	return 0;
}

int unshare(int flags) {
	privileged();
	if (any_int())
		return -1;
	if (flags == CLONE_NEWUSER)
		dumpable = true;
	return 0;
}

ssize_t write(int fd, const void *buffer, size_t size) {
	bool ok = !in_child || (gone && closed);

	steady();
	//@ assert hand_over: ok == 1;
	if (any_int())
		return -1;
	if (in_child)
		handed = true;
	return (ssize_t)size;
}

/* Of what the host may have sent nothing is read: only of the helper's own pair. */
#define SYNC 9
ssize_t read(int fd, void *buffer, size_t size) {
	const bool ok = fd == SYNC;

	steady();
	//@ assert own_pair: ok == 1;
	any_bytes(buffer, size);
	return any_int();
}

ssize_t recv(int fd, void *buffer, size_t size, int flags) {
	const bool ok = !in_child && fd == SYNC - 1;

	steady();
	//@ assert own_pair: ok == 1;
	return any_int();
}

int socketpair(int domain, int type, int protocol, int pair[2]) {
	pair[0] = SYNC - 1;
	pair[1] = SYNC;
	return any_int() ? 0 : -1;
}

int ioctl(int fd, unsigned long request, ...) {
	in_own_root();
	return any_int();
}

/*@ requires \valid(ends + (0 .. 1));
    assigns \result, ends[0 .. 1] \from \nothing;
    ensures \initialized(ends + (0 .. 1)); */
int pipe(int ends[2]);
/*@ assigns \result \from \nothing; */
sighandler_t signal(int sig, sighandler_t handler);
/*@ assigns \result \from \nothing; */
pid_t getpid(void);
/*@ assigns \result \from \nothing; */
pid_t setsid(void);
/*@ assigns \result \from \nothing; */
int socket(int domain, int type, int protocol);
/*@ assigns \result \from \nothing; */
int close(int fd);
/*@ assigns \result \from \nothing; */
int copy_upwards(int fd, int first);
#define fcntl(fd, command, first) copy_upwards(fd, first)
/*@ assigns \result \from \nothing; */
int dup2(int from, int to);
/*@ assigns \result \from \nothing; */
int dup3(int from, int to, int flags);
/*@ requires x != 0;
    assigns \result \from x; */
int __builtin_ctzll(unsigned long long x);

#include "drop.c"
#include "box.c"

static struct caisson_plan_header head;

int main(void) {
	static const char names[CAISSON_PLAN_MAX_PATH + 1];
	static const struct plan plan = { .head = &head, .names = names };
	struct box box = { .plan = &plan, .caller = caller, .inside = inside, .outside = outside };

	any_bytes(&head, sizeof(head));
	any_bytes(&at, sizeof(at));
	box.net = any_size(CAISSON_NET_HOST);
	box.userns = any_size(CAISSON_USERNS_NONE);
	box_build(&box);
	return 0;
}
