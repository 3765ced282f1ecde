/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * caisson-helper: what its parts share. docs/audit.md walks through the program
 * in the order of execution.
 */
#ifndef CAISSON_HELPER_HELPER_H
#define CAISSON_HELPER_HELPER_H

#include "answer.h"
#include "caisson-caps.h"
#include "handoff.h"
#include "policy.h"

/* A set-up step that takes longer than this is stuck; the alarm ends it. */
#define HELPER_SECONDS 30
#define MAX_SANDBOXES 64 /* and MAX_BINDS: unless the policy says otherwise */
#define MAX_BINDS 256
#define MAX_MOUNTS 4096
#define MAX_CLONED (1u << 18)

/* ---- plan.c: the checker. Pure: no system call, no allocation, no state. ---- */

struct plan {
	const struct caisson_plan_header *head;
	const struct caisson_plan_record *record;
	const char *names;
};

/* 0 and *plan, which points into bytes (8-byte aligned), or an enum caisson_plan_fault. */
uint32_t plan_check(const void *bytes, size_t size, struct plan *plan, uint32_t *record);
/* The first record of that op, or one that is all 0. */
const struct caisson_plan_record *plan_find(const struct plan *plan, uint16_t op);

struct ids {
	uid_t uid;
	gid_t gid;
};

/* ---- subid.c: with the caller's rights; ends if the ids are not subordinate to the caller's. */
void subid_check(uid_t uid, struct ids sub);

/* ---- mounts.c ---- */

struct mount {
	int id, parent;
	uint32_t dev[2];
	const char *point, *options, *fstype; /* point: with \040 and its kind, as it is given */
	bool peers;                           /* in a peer group: events would cross */
};

/* Room for what a user can add to the host's by FUSE: 1,000 mounts with the longest paths. */
extern struct mounts {
	struct mount mount[1u << 17];
	unsigned n;
	char text[1u << 25];
} mounts;

/* All of a file, NUL-terminated, into mounts.text; its size, or -1. */
ssize_t read_text(int dir, const char *name);
/* This process's mountinfo, into mounts. proc: a dirfd of its procfs. */
void mounts_read(int proc);
/* Of the mount that fd lies on, without asking its file system; 0 if it cannot be told. */
int mount_id(int fd);
/* A new file system of a kind whose parser takes no image. options: "key=value,key=value". */
int new_fs(const char *type, unsigned attr, const char *options);
/*
 * Adds attr to the mount or tree at fd, and makes it private. Before Linux 5.12 only
 * to one mount, attached: judge_tree() then refuses what came along with it.
 */
void set_attr(int proc, int fd, int recursive, uint64_t attr);

/* ---- the rest, in the order of execution ---- */

struct box {
	const struct plan *plan;
	struct policy *policy;
	int *tree;            /* of source i: the detached clone, or FILE's memfd */
	int proc, self, host; /* the /proc here and its self; the host application's pidfd */
	int pidfd;            /* the helper's own */
	int init, slot;       /* the program that the child becomes; the user's */
	char audit;           /* of the policy: off, try, required: the first letter; 0: try */
	int sync[2];          /* [0] the helper's end, [1] the child's */
	struct ids caller, inside, outside; /* of the target, as it and as the host sees it */
	uint64_t net, userns;
};

/* request.c: the plan, checked, and nothing but its sources left open; who is there */
void read_plan(struct plan *plan);
int open_proc(void);
int open_host(void);
/* source.c: sources become detached clones, flags set */
void sources_take(const struct box *box);
uint64_t source_flags(const struct caisson_plan_record *r);
/* userns.c: dir is a process's in /proc; its user namespace, root's, gets to map inside to outside */
void write_file(int dir, const char *file, const char *text);
void userns_map(int dir, struct ids inside, struct ids outside);
/* account.c: a descriptor that holds one of max; a record of whatever is answered from now on */
int slot_take(uid_t uid, uint64_t max);
extern const struct box *asked; /* whose failure is recorded, too; NULL: it was, or is not to be */
void audit_open(const struct box *box);
void audit_record(const struct box *box, const char *decision, int sandbox);
/* box.c: clone the child, make what it joins, stay until it answered */
void box_build(struct box *box);
/* An id change, even of the fsuid, may make a setuid process dumpable again: this sees to it. */
void act_as(struct ids id);
/* root.c: in the child; leaves it in the finished root and returns a dirfd of its procfs */
int root_build(const struct box *box);
/* Was this file system made here? */
bool root_made(const uint32_t dev[2]);
/* Mounts attached, and those of devices and devpts: the only ones without nodev. */
extern unsigned root_mounts, root_devices;
/* judge.c */
void judge_tree(const struct box *box, int proc);
/* drop.c: every privilege goes, for good, and its absence is read back; init drops the last */
uint64_t caps_permitted(void);
int caps_set(uint32_t permitted, uint32_t effective, uint32_t inheritable);
void drop_all(struct ids id);
#endif
