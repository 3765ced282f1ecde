/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What comes back over the control socket: numbers, never sentences.
 * caisson-helper sends FAILED, or CLONED with the pidfd of the sandbox's init;
 * from then on init sends FAILED, or BUILT, RUNNING, EXITED in this order.
 * libcaisson owns every sentence that a person reads. docs/protocol/init.md.
 */
#ifndef CAISSON_PROTOCOL_ANSWER_H
#define CAISSON_PROTOCOL_ANSWER_H

#include <stdint.h>

#define CAISSON_ANSWER_MAGIC 0x41534941u /* "AISA" */
#define CAISSON_ANSWER_VERSION 1u
#define CAISSON_NO_RECORD 0xffffffffu

enum caisson_answer_kind {
	CAISSON_ANSWER_FAILED = 1,
	CAISSON_ANSWER_BUILT = 2,   /* from init: everything dropped and read back */
	CAISSON_ANSWER_RUNNING = 3, /* from init: the target's exec succeeded */
	CAISSON_ANSWER_EXITED = 4,  /* from init: status is the target's wait status */
	CAISSON_ANSWER_CLONED = 5,  /* from the helper, first, with init's pidfd (SCM_RIGHTS) */
};

/* clang-format off */
/* What was being done; libclient/error.c has the words. */
enum caisson_stage_number {
	CAISSON_STAGE_START = 1, CAISSON_STAGE_PLAN, CAISSON_STAGE_POLICY, CAISSON_STAGE_SOURCE,
	CAISSON_STAGE_NAMESPACES, CAISSON_STAGE_ROOT, CAISSON_STAGE_MOUNT, CAISSON_STAGE_JUDGE,
	CAISSON_STAGE_PIVOT, CAISSON_STAGE_NETWORK, CAISSON_STAGE_USERNS, CAISSON_STAGE_DROP,
	CAISSON_STAGE_LANDLOCK, CAISSON_STAGE_SECCOMP, CAISSON_STAGE_READ_BACK,
	CAISSON_STAGE_REQUIRE, CAISSON_STAGE_INIT, CAISSON_STAGE_EXEC, CAISSON_STAGE_COUNT
};

/* Which knob decides; libclient/error.c has the sentences and remedies. */
enum caisson_knob_number {
	CAISSON_KNOB_NONE = 0,
	CAISSON_KNOB_NOT_SETUID,      /* the helper's file is not setuid root */
	CAISSON_KNOB_NOSUID_MOUNT,    /* it is on a nosuid mount (libcaisson's finding) */
	CAISSON_KNOB_NO_NEW_PRIVS,    /* the caller may not gain privileges */
	CAISSON_KNOB_USERNS_LIMIT,    /* sysctl user.max_user_namespaces */
	CAISSON_KNOB_USERNS_MODULE,   /* a security module denies the user namespace */
	CAISSON_KNOB_SECCOMP,         /* a seccomp filter of the caller's */
	CAISSON_KNOB_KERNEL,          /* detail: number of the missing system call */
	CAISSON_KNOB_PROC,            /* /proc is not one of the helper's pid namespace */
	CAISSON_KNOB_CONTROL,         /* START is malformed */
	CAISSON_KNOB_PLAN_FORMAT,     /* detail: enum caisson_plan_fault */
	CAISSON_KNOB_POLICY,          /* line: of the policy file, 0 built in */
	CAISSON_KNOB_SOURCE_FS,       /* on, or with, a file system that is never granted */
	CAISSON_KNOB_SOURCE_MOUNT,    /* not in the caller's mount namespace */
	CAISSON_KNOB_SOURCE_TYPE,     /* not a directory, regular file, socket; or not a device */
	CAISSON_KNOB_DESTINATION,     /* the mount point is missing or not reachable */
	CAISSON_KNOB_PROPERTY,        /* detail: number of the required property not had */
	CAISSON_KNOB_CAPABILITY,      /* root lacks a capability here; detail: its number */
	CAISSON_KNOB_LIMITS,          /* memory, processes or descriptors of this user */
	CAISSON_KNOB_STDIO,           /* a descriptor that is never passed; detail: its index */
	CAISSON_KNOB_PROGRAM,         /* the target's program */
	CAISSON_KNOB_CWD,
	CAISSON_KNOB_HOST_GONE,
	CAISSON_KNOB_ARGUMENTS,       /* the helper takes none */
	CAISSON_KNOB_TIMEOUT,         /* a step took longer than the helper's alarm */
	CAISSON_KNOB_COUNT
};
/* clang-format on */

enum caisson_plan_fault {
	CAISSON_FAULT_FD = 1,       /* fd 4 is not a memfd with all four seals */
	CAISSON_FAULT_SIZE = 2,     /* shorter, longer than it says, or over the limit */
	CAISSON_FAULT_MAGIC = 3,    /* magic, version */
	CAISSON_FAULT_RESERVED = 4, /* a reserved field is not 0 */
	CAISSON_FAULT_OP = 5,       /* unknown op */
	CAISSON_FAULT_ORDER = 6,    /* out of order, or repeated */
	CAISSON_FAULT_FLAGS = 7,
	CAISSON_FAULT_INDEX = 8, /* sources not in order, not all used, or not O_PATH */
	CAISSON_FAULT_NAME = 9,  /* out of bounds, not absolute, not canonical */
	CAISSON_FAULT_VALUE = 10,
};

struct caisson_answer {
	uint32_t magic;
	uint16_t version;
	uint16_t kind;
	uint32_t stage;
	int32_t error; /* errno, positive */
	uint32_t record;
	uint32_t knob;
	uint32_t detail;
	uint32_t line;    /* of the policy; 0: built in */
	uint64_t held;    /* BUILT: one bit per property enforced */
	int32_t status;   /* EXITED: wait status */
	uint32_t backend; /* BUILT: CAISSON_BACKEND_* */
	uint32_t landlock_abi;
	uint32_t mounts;       /* BUILT: in the sandbox */
	uint32_t covered;      /* BUILT: submounts covered because of their file system */
	uint32_t plan_version; /* that this helper takes */
	uint64_t reserved[4];
};
_Static_assert(sizeof(struct caisson_answer) == 96, "answer ABI");

/* backend */
#define CAISSON_BACKEND_MOUNT_SETATTR 1u /* Linux 5.12 and later */

#endif
