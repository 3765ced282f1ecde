/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Carrying out an accepted plan, in helper/root.c: no error at run time, every
 * path resolved below the new root with the target's fsuid, and nodes made only
 * where the file system was made here. What plan_check() promises of a record
 * is all that is known of it. As in order.h, what is asserted is read in C first.
 */
#include <stdarg.h>

#include "helper.h"
#include "environment.h"

static const struct ids target = { 2000, 200 };
static struct ids acting;   /* fsuid and fsgid */
static bool made_here;      /* where the last path to a parent led to: was that asked and so? */
static bool parent_is_last; /* no other path was resolved since */
static char parent[CAISSON_PLAN_MAX_PATH + 1];
#define A_PARENT 77 /* the descriptor of such a parent */

static void as_target(void) {
	const bool ok = acting.uid == target.uid && acting.gid == target.gid;
	//@ assert as_target: ok == 1;
}

static void in_made(int dir) {
	const bool made = made_here, current = parent_is_last;

	as_target();
	//@ assert made_here: made == 1;
	//@ assert current: current == 1;
	//@ assert parent: dir == A_PARENT;
}

/* ---- parts of the helper ---- */

struct mounts mounts;

/*@ assigns \nothing; */
void record_failure(void);

int new_fs(const char *type, unsigned attr, const char *options) {
	//@ assert options: \valid_read(options);
	return (int)any_size(INT32_MAX);
}

void set_attr(int tree_proc, int fd, int recursive, uint64_t attr) {
}

int mount_id(int fd) {
	return any_int();
}

uint64_t source_flags(const struct caisson_plan_record *r) {
	return any_u64();
}

/* ---- the system ---- */

int *__errno_location(void) {
	static int error;

	error = any_int();
	return &error;
}

long syscall(long number, ...) {
	va_list args;
	struct open_how *how;
	uint64_t resolve;

	va_start(args, number);
	va_arg(args, int);
	switch (number) {
	case SYS_statx:
		va_arg(args, char *);
		va_arg(args, int);
		va_arg(args, int);
		any_bytes(va_arg(args, struct sys_stat *), sizeof(struct sys_stat));
		break;
	case NR_openat2:
		as_target();
		parent_is_last = va_arg(args, char *) == parent;
		how = va_arg(args, struct open_how *);
		resolve = how->resolve;
		//@ assert in_root: (resolve & RESOLVE_IN_ROOT) != 0;
		//@ assert no_magic_links: (resolve & RESOLVE_NO_MAGICLINKS) != 0;
		if (parent_is_last) {
			made_here = false;
			return any_int() ? A_PARENT : -1;
		}
		break;
	}
	va_end(args);
	return any_int();
}

int setfsuid(uid_t uid) {
	int before = (int)acting.uid;

	if (any_int())
		acting.uid = uid;
	return before;
}

int setfsgid(gid_t gid) {
	int before = (int)acting.gid;

	if (any_int())
		acting.gid = gid;
	return before;
}

int memcmp(const void *a, const void *b, size_t n) {
	bool differ = any_size(1);

	//@ assert readable: \valid_read((char *)a + (0 .. n - 1)) && \valid_read((char *)b + (0 .. n - 1));
	if (!differ)
		made_here = true;
	return differ;
}

int strncmp(const char *a, const char *b, size_t n) {
	//@ assert readable: \valid_read(a) && \valid_read(b);
	if (n > 0 && a[0] != b[0])
		return 1;
	return any_int();
}

char *strrchr(const char *s, int c) {
	/* the path starts with one: shown for plan_check() */
	return (char *)s + any_size(CAISSON_PLAN_MAX_PATH - 1);
}

int mkdirat(int dir, const char *name, mode_t mode) {
	in_made(dir);
	return any_int();
}

int mknodat(int dir, const char *name, mode_t mode, dev_t dev) {
	in_made(dir);
	//@ assert regular: (mode & S_IFMT) == S_IFREG;
	return any_int();
}

int symlinkat(const char *to, int dir, const char *name) {
	in_made(dir);
	return any_int();
}

int openat(int dir, const char *name, int flags, ...) {
	as_target();
	if (flags & O_CREAT && *name != '.') /* ".empty" goes into the root itself */
		in_made(dir);
	return any_int();
}

int sethostname(const char *name, size_t len) {
	//@ assert readable: \valid_read(name + (0 .. len - 1));
	return any_int();
}

/*@ assigns \nothing;
    ensures \false; */
void _exit(int status);
/*@ assigns \result \from \nothing; */
ssize_t sendmsg(int fd, const struct msghdr *msg, int flags);
/*@ assigns \result \from \nothing; */
int prctl(int option, ...);
/*@ assigns \result \from \nothing; */
int mount(const char *from, const char *to, const char *type, unsigned long flags,
          const void *data);
/*@ assigns \result \from \nothing; */
int umount2(const char *path, int flags);
/*@ assigns \result \from \nothing; */
int close(int fd);
/*@ requires \valid(offset) && \initialized(offset);
    assigns \result, *offset \from \nothing;
    ensures \initialized(offset); */
ssize_t sendfile(int to, int from, off_t *offset, size_t count);
/*@ assigns \result \from \nothing; */
int unlinkat(int dir, const char *name, int flags);
/*@ assigns \result \from \nothing; */
int fchownat(int dir, const char *name, uid_t uid, gid_t gid, int flags);
/*@ assigns \result \from \nothing; */
mode_t umask(mode_t mask);
/*@ assigns \result \from \nothing; */
int fchdir(int fd);
/*@ assigns \result \from \nothing; */
int chdir(const char *path);

#include "root.c"
#include "answer.c"

static struct caisson_plan_header head;
static struct caisson_plan_record records[CAISSON_PLAN_MAX_RECORDS];
#ifdef PROOF_MUTANT
#define MAX_RECORDS 3
#else
#define MAX_RECORDS 32
#endif
static char names[CAISSON_PLAN_MAX_NAMES + CAISSON_PLAN_MAX_PATH];
static uint32_t name_at; /* where every path is: Eva can then subtract pointers into it */

/* fd, where it takes a source; a, where it is a second string. */
static void any_record(struct caisson_plan_record *r, uint16_t max_flags) {
	r->op = any_op();
	r->flags = (uint16_t)any_size(max_flags);
	r->fd = (int32_t)any_size(CAISSON_PLAN_MAX_FDS - 1);
	r->name = name_at;
	r->name_len = (uint32_t)any_size(CAISSON_PLAN_MAX_PATH);
	r->a = any_size(CAISSON_PLAN_MAX_NAMES - 1);
	r->b = any_u64();
}

static void carry_out_any(void) {
	static int tree[CAISSON_PLAN_MAX_FDS];
	static const struct plan plan = { &head, records, names };
	struct box box = {
		.plan = &plan, .tree = tree, .caller = { 1000, 100 }, .outside = target
	};
	unsigned before;

	any_bytes(names, sizeof(names));
	names[name_at] = '/'; /* shown for plan_check() */
	any_bytes(tree, sizeof(tree));
	if (any_int()) { /* a short plan; in each record those flags that every op may have */
		//@ loop unroll 32;
		for (uint32_t i = 0; i < MAX_RECORDS; i++)
			any_record(&records[i], 3);
		head.records = (uint32_t)any_size(MAX_RECORDS);
		root_build(&box);
		//@ check reached_end: \false;
		return;
	}
	/* One record, the last of many before it, with those flags that its op may have. */
	acting = target;
	n_made = before = CAISSON_PLAN_MAX_RECORDS + 1;
	any_record(&records[0], any_int() ? 3 : 15);
	if (records[0].flags > 3) /* not PROC */
		records[0].op = (uint16_t)(any_int() ? any_size(CAISSON_OP_PROC - 1)
		                                     : CAISSON_OP_PROC + 1 + any_size(100));
	carry_out(&box, &records[0]);
	before = n_made - before;
	//@ assert one_more: before <= 1;
	//@ check reached_end: \false;
}

int main(void) {
	if (MAX_RECORDS < 32 || any_int()) {
		name_at = 0;
		carry_out_any();
	} else {
		name_at = CAISSON_PLAN_MAX_NAMES - 1;
		carry_out_any();
	}
	return 0;
}
