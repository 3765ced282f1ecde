/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * caisson-helper: what its parts share. docs/audit.md walks through the program
 * in the order of execution.
 */
#ifndef CAISSON_HELPER_HELPER_H
#define CAISSON_HELPER_HELPER_H

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "protocol/answer.h"
#include "protocol/plan.h"
#include "protocol/properties.h"

/* A set-up step that takes longer than this is stuck; the alarm ends it. */
#define HELPER_SECONDS 30
#define MAX_BINDS 256
#define MAX_MOUNTS 4096
#define MAX_CLONED (1u << 18)

/* ---- answer.c ---- */

/* What is being done, and what is known so far: what any answer says. */
extern struct caisson_answer at;
/* Where an answer goes, and the descriptor that goes along, or -1. */
extern int answer_fd, answer_with;

void answer(uint16_t kind);
/* The one fatal path: numbers to whoever waits, then the end of this process. */
_Noreturn void fail(int error, uint32_t knob, uint32_t detail);
#define need_knob(ok, knob, detail)                                                                \
	do {                                                                                       \
		if (!(ok))                                                                         \
			fail(errno, knob, detail);                                                 \
	} while (0)
#define need(ok, knob, detail) need_knob(ok, CAISSON_KNOB_##knob, detail)
/* Close first and everything above. */
#define close_from(first) need(syscall(NR_close_range, first, ~0u, 0) == 0, KERNEL, NR_close_range)

/* ---- plan.c: the checker. Pure: no system call, no allocation, no state. ---- */

struct plan {
	const struct caisson_plan_header *head;
	const struct caisson_plan_record *record;
	const char *names;
};

/* 0 and *plan, which points into bytes (8-byte aligned), or an enum caisson_plan_fault. */
uint32_t plan_check(const void *bytes, size_t size, struct plan *plan, uint32_t *record);
/* a of the record of that op, or 0. */
uint64_t plan_value(const struct plan *plan, uint16_t op);

/* ---- policy.c: the one function that decides. ---- */

struct facts {
	uid_t uid;
	const char *fstype; /* of a source's mount; NULL for other ops */
	uint64_t device;    /* DEVICE: major above, minor in the low 32 bits */
};

/* 0 if it is allowed, else the knob; at.line: of the policy file, 0 for what is built in. */
uint32_t policy_decide(const struct caisson_plan_record *op, const struct facts *facts);
/* Hears of every answer, that is of every outcome; keeps no record yet. */
void policy_audit(const struct caisson_answer *answer);
/* File systems whose content is the kernel's own: never granted, covered where a tree brings one. */
bool policy_kernel_fs(const char *fstype);

/* ---- mounts.c ---- */

struct mount {
	int id, parent;
	const char *point, *options, *fstype;
	bool peers; /* in a peer group: events would cross */
};

/* Room for what a user can add to the host's by FUSE: 1,000 mounts with the longest paths. */
extern struct mounts {
	struct mount mount[1u << 17];
	unsigned n;
	char text[1u << 25];
} mounts;

/* This process's mountinfo, into mounts. proc: a dirfd of its procfs. */
void mounts_read(int proc);
/* Of the mount that fd lies on, without asking its file system; 0 if it cannot be told. */
int mount_id(int proc, int fd);
/* A new file system of a kind whose parser takes no image. options: "key=value,key=value". */
int new_fs(const char *type, unsigned attr, const char *options);

/* ---- the rest, in the order of execution ---- */

/* source.c: sources become detached clones, flags set; tree[i] of source i */
void sources_take(const struct plan *plan, uid_t uid, int proc, int *tree);

/* box.c: clone the child, write its maps, stay until it answered */
struct box {
	const struct plan *plan;
	const int *tree;
	int proc, host, self; /* the caller's /proc; pidfds: the host application's, the helper's */
	int sync[2];          /* [0] the helper's end, [1] the child's */
	uid_t uid;
	gid_t gid;
	uint64_t net, userns;
};

void box_build(struct box *box);

/* root.c: in the child; leaves it in the finished root and returns a dirfd of its procfs */
struct own {
	int proc, devpts; /* ids of the helper's mounts of kernel file systems */
	unsigned devices; /* mounts of devices, the only ones without nodev, devpts aside */
};

int root_build(const struct box *box, struct own *own);
/* judge.c */
void judge_tree(int proc, const struct own *own);
/* drop.c: every privilege goes, for good, and its absence is read back */
void drop_all(const struct box *box, bool userns);
/* init.c: what is left behind as the sandbox's pid 1; holds nothing any more */
_Noreturn void init_run(int host);

#endif
