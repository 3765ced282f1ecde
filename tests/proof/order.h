/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What happens when, in helper/main.c, request.c and source.c: nothing is done with
 * privilege before the whole plan is accepted, but for a list of calls that no
 * caller can influence; and nothing is cloned before every record was decided.
 * Everything around the three files is a stub below: it may answer anything at
 * all, and asserts that its time has come. What a stub asserts it reads in C
 * first: Eva takes a call for one that it has seen by what C reads in it, not
 * by what only an annotation does.
 */
#include <stdarg.h>

#define CAISSON_INIT_PATH "/init"
#include "helper.h"
#include "environment.h"

#if defined(PROOF_MUTANT)
#define MAX_RECORDS 8u
#elif defined(PROOF_ALL)
#define MAX_RECORDS CAISSON_PLAN_MAX_RECORDS
#else
#define MAX_RECORDS 128u
#endif

static uid_t uid; /* the caller's */
static gid_t gid;
/* A program that starts setuid, or with file capabilities: it has what it may have. */
static bool capable = true, euid_root = true;
static bool accepted;     /* the plan, by plan_check() */
static bool decided;      /* all of its records, by policy_decide() */
static struct ids acting; /* fsuid and fsgid */
static uint32_t n_decided;

static struct caisson_plan_header head;
static struct caisson_plan_record records[CAISSON_PLAN_MAX_RECORDS];

/* Before the plan is accepted only without privilege. */
static void at_plan_time(void) {
	const bool ok = accepted || (!capable && !euid_root);
	//@ assert no_privilege_before_plan: ok == 1;
}

/* With privilege. */
static void after_plan(void) {
	const bool ok = accepted;
	//@ assert after_plan: ok == 1;
}

/* What reaches the host's mounts and namespaces. */
static void after_decisions(void) {
	const bool ok = accepted && decided && acting.uid == 0;
	//@ assert after_decisions: ok == 1;
}

/* Any time, also with privilege: the arguments are the program's own. */
static void constant(const char *given, const char *expected, size_t size) {
	for (size_t i = 0; i < size; i++) {
		const char c = given[i], is = expected[i];
		//@ assert constant: c == is;
	}
}

/* ---- parts of the helper ---- */

uint32_t plan_check(const void *bytes, size_t size, struct plan *plan, uint32_t *record) {
	//@ assert readable: \valid_read((char *)bytes + (0 .. size - 1));
	any_bytes(&head, sizeof(head));
	any_bytes(records, sizeof(records));
	head.records = (uint32_t)any_size(MAX_RECORDS);
	head.fds = (uint32_t)any_size(CAISSON_PLAN_MAX_FDS);
	*plan = (struct plan){ &head, records, NULL };
	*record = any_int();
	if (any_int())
		return (uint32_t)any_size(CAISSON_FAULT_VALUE - 1) + 1;
	/* fd is -1 or the number of a source: shown for plan_check() itself */
	//@ loop unroll 1281;
	for (uint32_t i = 0; i < MAX_RECORDS; i++)
		records[i].fd = (int32_t)any_size(CAISSON_PLAN_MAX_FDS) - 1;
	accepted = true;
	if (head.records == 0)
		decided = true;
	return 0;
}

const struct caisson_plan_record *plan_find(const struct plan *plan, uint16_t op) {
	static struct caisson_plan_record found;

	any_bytes(&found, sizeof(found));
	return &found;
}

/* With the caller's rights, as the plan; the files are root's. */
uint32_t policy_read(struct policy *p) {
	at_plan_time();
	p->line = (uint32_t)any_int();
	return any_int() ? (uint32_t)any_size(10) : 0;
}

static void about_caller(const struct policy *p) {
	const bool ok = p->uid == uid && p->group[0] == gid && p->groups >= 1;
	//@ assert about_caller: ok == 1;
}

uint64_t policy_max(const struct policy *p, const char *kind, uint64_t otherwise) {
	about_caller(p);
	return any_u64();
}

uint32_t policy_decide(const struct policy *p, const struct caisson_plan_record *op,
                       const struct facts *facts, const struct policy_rule **rule) {
	static struct policy_rule some;
	const struct caisson_plan_record *next = &records[n_decided];

	about_caller(p);
	some.line = (uint32_t)any_int();
	*rule = any_int() ? &some : NULL;
	if (any_int())
		return CAISSON_KNOB_POLICY;
	if (op == next) {
		n_decided++;
		if (n_decided == head.records)
			decided = true;
	} else { /* what no record says is decided, too, first */
		const bool ok =
			n_decided == 0 && (op->op == CAISSON_OP_USERNS || op->op == CAISSON_OP_NET);
		//@ assert next: ok == 1;
	}
	return 0;
}

void act_as(struct ids id) {
	after_plan();
	acting = id;
}

int slot_take(uid_t user, uint64_t max) {
	const bool ok = user == uid;
	//@ assert the_callers: ok == 1;
	after_plan();
	return any_int();
}

/* What is done there for the record is done by who is about to end, and grants nothing. */
const struct box *asked;
/*@ assigns \nothing; */
void record_failure(void);

void audit_open(const struct box *box) {
	after_plan();
}

void audit_record(const struct box *box, const char *decision, int sandbox) {
	after_plan();
}

uint64_t caps_permitted(void) {
	return any_u64();
}

int caps_set(uint32_t permitted, uint32_t effective, uint32_t inheritable) {
	if (effective)
		after_plan();
	if (any_int())
		return -1;
	capable = effective != 0;
	return 0;
}

void subid_check(uid_t caller, struct ids sub) {
	at_plan_time();
}

void mounts_read(int proc) {
	after_plan();
	mounts.n = (unsigned)any_size(sizeof(mounts.mount) / sizeof(mounts.mount[0]));
}

int mount_id(int fd) {
	after_plan();
	return any_int();
}

void set_attr(int proc, int fd, int recursive, uint64_t attr) {
	after_decisions();
}

void userns_map(int dir, struct ids inside, struct ids outside) {
	after_decisions();
}

void box_build(struct box *box) {
	after_decisions();
	const bool ok = box->caller.uid == uid && box->caller.gid == gid;
	//@ assert the_callers: ok == 1;
	//@ check reached_box: \false;
}

struct mounts mounts;

/* ---- the system ---- */

int *__errno_location(void) {
	static int error;

	error = any_int();
	return &error;
}

long syscall(long number, ...) {
	va_list args;
	uid_t id[3];
	struct open_how *how;
	bool ok;

	va_start(args, number);
	switch (number) {
	case SYS_setresuid:
		for (int i = 0; i < 3; i++)
			id[i] = va_arg(args, uid_t);
		if (id[1] != uid)
			after_plan();
		ok = id[1] == uid || (id[0] == 0 && id[1] == 0 && id[2] == 0);
		//@ assert own: ok == 1;
		if (any_int())
			return -1;
		euid_root = id[1] == 0;
		return 0;
	case SYS_setresgid:
		ok = !accepted;
		//@ assert once: ok == 1;
		break;
	case NR_close_range:
		after_plan();
		break;
	case SYS_statx:
		after_plan();
		va_arg(args, int);
		va_arg(args, char *);
		va_arg(args, int);
		va_arg(args, int);
		any_bytes(va_arg(args, struct sys_stat *), sizeof(struct sys_stat));
		break;
	case NR_pidfd_open:
	case NR_listmount:
		after_plan();
		break;
	case NR_statmount: {
		struct {
			uint32_t head[128];
			char text[512];
		} * is;

		after_plan();
		va_arg(args, uint64_t *);
		is = va_arg(args, void *);
		any_bytes(is, va_arg(args, size_t));
		/* The kernel's word: the string that it names lies in what it was given. */
		is->head[9] = (uint32_t)any_size(sizeof(is->text) - 1);
		break;
	}
	case NR_openat2: /* the path of a source, with the caller's rights */
		after_plan();
		va_arg(args, int);
		va_arg(args, char *);
		how = va_arg(args, struct open_how *);
		ok = acting.uid == uid && acting.gid == gid && how->flags & O_PATH &&
		     how->resolve == RESOLVE_NO_SYMLINKS;
		//@ assert as_caller: ok == 1;
		break;
	case NR_mount_setattr:
		if (va_arg(args, int) >= 0)
			after_decisions();
		after_plan();
		break;
	default:
		after_decisions();
	}
	va_end(args);
	return any_int();
}

uid_t getuid(void) {
	return uid;
}

gid_t getgid(void) {
	return gid;
}

/* Any time, and no more than an answer: they act on this process alone. */
/*@ assigns \nothing;
    ensures \false; */
void _exit(int status);
/*@ assigns \result \from \nothing; */
sighandler_t signal(int sig, sighandler_t handler);
/*@ assigns \result \from \nothing; */
int sigprocmask(int how, const sigset_t *set, sigset_t *old);
/*@ requires \valid(set);
    assigns \result, *set \from \nothing;
    ensures \initialized(set); */
int sigfillset(sigset_t *set);
/*@ requires \valid(set) && \initialized(set);
    assigns \result, *set \from *set, sig;
    ensures \initialized(set); */
int sigdelset(sigset_t *set, int sig);
/*@ assigns \result \from \nothing; */
unsigned alarm(unsigned seconds);
/*@ assigns \result \from \nothing; */
mode_t umask(mode_t mask);
/*@ assigns \result \from \nothing; */
int personality(unsigned long persona);
/*@ requires \valid_read(limit) && \initialized(limit);
    assigns \result \from \nothing; */
int setrlimit(__rlimit_resource_t resource, const struct rlimit *limit);
/*@ assigns \result \from \nothing; */
pid_t getpid(void);
/*@ assigns \result \from \nothing; */
pid_t getppid(void);
/*@ assigns \result \from \nothing; */
int pause(void);

/*@ requires \valid((char *)to + (0 .. n - 1)) && \valid_read((char *)from + (0 .. n - 1));
    assigns \result, ((char *)to)[0 .. n - 1] \from to, ((char *)from)[0 .. n - 1];
    ensures \result == to; */
void *memcpy(void *to, const void *from, size_t n);
/*@ requires \valid_read((char *)a + (0 .. n - 1)) && \valid_read((char *)b + (0 .. n - 1));
    assigns \result \from ((char *)a)[0 .. n - 1], ((char *)b)[0 .. n - 1]; */
int memcmp(const void *a, const void *b, size_t n);
/*@ requires x != 0;
    assigns \result \from x; */
int __builtin_ctzll(unsigned long long x);

int clearenv(void) {
	return 0;
}

int getsockopt(int fd, int level, int name, void *value, socklen_t *len) {
	if (any_int())
		return -1;
	any_bytes(value, *len);
	return 0;
}

ssize_t sendmsg(int fd, const struct msghdr *msg, int flags) {
	return any_int();
}

int open(const char *path, int flags, ...) {
	if (!accepted)
		constant(path, "/dev/null", sizeof("/dev/null"));
	return any_int();
}

int close(int fd) {
	return any_int();
}

int chdir(const char *path) {
	constant(path, "/", 2);
	return any_int();
}

int prctl(int option, ...) {
	return any_int();
}

int fcntl(int fd, int cmd, ...) {
	at_plan_time();
	return any_int();
}

ssize_t pread(int fd, void *buffer, size_t size, off_t offset) {
	ssize_t n = (ssize_t)any_size(size + 1) - 1;

	at_plan_time();
	any_bytes(buffer, size);
	return n;
}

int openat(int dir, const char *path, int flags, ...) {
	after_plan();
	return any_int();
}

int fstatfs(int fd, struct statfs *fs) {
	after_plan();
	any_bytes(fs, sizeof(*fs));
	return any_int();
}

ssize_t readlinkat(int dir, const char *path, char *text, size_t size) {
	after_plan();
	any_bytes(text, size);
	return (ssize_t)any_size(size + 1) - 1;
}

int getgroups(int size, gid_t *list) {
	at_plan_time();
	any_bytes(list, (size_t)size * sizeof(*list));
	return (int)any_size((size_t)size + 1) - 1;
}

long strtol(const char *text, char **end, int base) {
	while (*text)
		text++;
	return any_int();
}

int kill(pid_t pid, int sig) {
	after_decisions();
	return any_int();
}

pid_t waitpid(pid_t pid, int *status, int options) {
	after_decisions();
	return any_int();
}

#define main helper_main
#include "main.c"
#undef main
#include "source.c"
#include "answer.c"
#include "request.c"

int main(void) {
	static char name[2], *argv[2];
	int argc = any_int();

	/* Of root nothing is to be kept away; of the others one stands for all. */
	uid = 1000;
	gid = 100;
	any_bytes(name, 1);
	argv[0] = any_int() ? name : NULL;
	helper_main(argc, argv);
	return 0;
}
