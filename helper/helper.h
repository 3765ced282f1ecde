/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * caisson-helper: what its parts share. Read docs/audit.md beside this; it
 * walks the program in the order of execution.
 */
#ifndef CAISSON_HELPER_HELPER_H
#define CAISSON_HELPER_HELPER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "protocol/answer.h"
#include "protocol/plan.h"
#include "protocol/properties.h"

/* A set-up step that takes longer than this is stuck; the alarm ends it. */
#define HELPER_SECONDS 30

/* ---- plan.c: the checker. Pure: no system call, no allocation, no state. ---- */

struct plan {
	struct caisson_plan_header head;
	struct caisson_plan_record record[CAISSON_PLAN_MAX_RECORDS];
	char names[CAISSON_PLAN_MAX_NAMES];
};

struct fault {
	uint32_t record;
	uint32_t detail; /* enum caisson_plan_fault */
};

/* Accept the size bytes of plan, or say why not. Nothing privileged happens before it said 0. */
int plan_check(const void *bytes, size_t size, struct plan *plan, struct fault *fault);
/* The record's argument, or the default if there is no such record. */
uint64_t plan_value(const struct plan *plan, uint16_t op, uint64_t otherwise);

/* ---- policy.c: the one function that decides. ---- */

struct facts {
	uid_t uid;
	const char *fstype;    /* BIND: of the source's mount; NULL for other ops */
	unsigned binds;        /* so far in this plan */
};

struct verdict {
	bool allowed;
	uint32_t knob;
	uint32_t line; /* of the policy file; 0: built in */
};

struct verdict policy_decide(const struct caisson_plan_record *op, const struct facts *facts);
/* File systems whose content is the kernel's own: never granted, covered where a tree brings one. */
bool policy_kernel_fs(const char *fstype);

/* ---- answer.c ---- */

/* The one fatal path: numbers to whoever waits, then the end of this process. */
_Noreturn void fail(uint32_t stage, int error, uint32_t knob, uint32_t record, uint32_t detail);
int send_answer(int fd, struct caisson_answer *answer, int pass_fd);
/* Where fail() sends: the control socket in the helper, the helper in the child. */
void fail_to(int fd);
/* Before anything is answered in the helper's name: the pidfd goes along from here on. */
void fail_with(int pidfd);

/* ---- mountinfo.c ---- */

struct mount_line {
	int id, parent;
	char point[4096]; /* unescaped */
	char fstype[64];
	bool cut; /* point or options did not fit */
	bool nosuid, nodev, peers; /* peers: in a peer group, so events would cross */
};

struct mount_reader {
	int fd;
	size_t have, at;
	char buf[8192];
};

/* proc: a directory fd of a procfs of this process's pid namespace. */
int mounts_open(struct mount_reader *reader, int proc);
/* 1: a line; 0: the end; -errno. A line that cannot be understood is an error. */
int mounts_next(struct mount_reader *reader, struct mount_line *line);
/* Decimal digits and a NUL; returns where the NUL is. */
char *put_number(char *at, unsigned long n);
/* Id of the mount that fd lies on, without asking its file system; -errno. */
int mount_id(int proc, int fd);

/* ---- main.c ---- */

/* Close first and everything above. */
void close_from(int first);
bool initial_userns(int proc);

/* ---- source.c ---- */

#define NODES 6
struct sources {
	int proc;                     /* the caller's /proc */
	int tree[CAISSON_PLAN_MAX_FDS]; /* detached clones, flags set */
	int node[NODES];              /* detached clones of the harmless devices */
};
extern const char *const node_names[NODES];

void sources_take(const struct plan *plan, uid_t uid, struct sources *sources);

/* ---- root.c, judge.c: run in the child, in its own mount namespace ---- */

struct built {
	uint32_t mounts, covered;
	unsigned bare_devices; /* mounts without nodev that the helper itself made */
	int proc, devpts;      /* ids of the helper's own mounts of kernel file systems */
};

/* Leaves this process in the finished root; returns a dirfd of its procfs. */
int root_build(const struct plan *plan, const struct sources *sources, uid_t uid, gid_t gid,
               struct built *built);
void judge_tree(int proc, struct built *built);
/* A new file system of a kind whose parser takes no image: tmpfs, proc, devpts. */
int new_fs(const char *type, const char *const options[][2], unsigned attr);

/* ---- drop.c: run in the child ---- */

struct held {
	uint64_t properties;
	uint8_t how[64];
	uint32_t landlock_abi;
};

void hold(struct held *held, unsigned property, unsigned how);
/* Every privilege goes, for good, and its absence is read back. */
void drop_all(uid_t uid, gid_t gid, bool userns, enum caisson_net net, struct held *held);

/* ---- box.c ---- */

/* Clone the child, build, map, read back, answer. Returns if and only if all is well. */
void box_build(const struct plan *plan, struct sources *sources, uid_t uid, gid_t gid, int host);

/* ---- init.c ---- */

/* What is left behind as the sandbox's pid 1; holds nothing any more. */
_Noreturn void init_run(int host);

#endif
