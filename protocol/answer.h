/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What comes back over the control socket: numbers, never sentences.
 * caisson-helper sends FAILED or BUILT (with the sandbox's pidfd); the init
 * that it leaves behind sends FAILED, RUNNING, EXITED. libcaisson owns every
 * sentence that a person reads. docs/protocol/init.md.
 */
#ifndef CAISSON_PROTOCOL_ANSWER_H
#define CAISSON_PROTOCOL_ANSWER_H

#include <stdint.h>

#define CAISSON_ANSWER_MAGIC 0x41534941u /* "AISA" */
#define CAISSON_ANSWER_VERSION 1u
#define CAISSON_NO_RECORD 0xffffffffu

enum caisson_answer_kind {
	CAISSON_ANSWER_FAILED = 1,
	CAISSON_ANSWER_BUILT = 2,   /* from the helper, once, with one SCM_RIGHTS pidfd */
	CAISSON_ANSWER_RUNNING = 3, /* from init: the target's exec succeeded */
	CAISSON_ANSWER_EXITED = 4,  /* from init: status is the target's wait status */
};

/* Z(NAME, number, "what was being done") */
#define CAISSON_STAGES(Z)                                                                          \
	Z(START, 1, "starting caisson-helper")                                                     \
	Z(PLAN, 2, "checking the plan")                                                            \
	Z(POLICY, 3, "asking the policy")                                                          \
	Z(SOURCE, 4, "judging a source")                                                           \
	Z(CLONE_TREE, 5, "cloning a source's mounts")                                              \
	Z(NAMESPACES, 6, "creating the namespaces")                                                \
	Z(ROOT, 7, "building the root")                                                            \
	Z(MOUNT, 8, "mounting")                                                                    \
	Z(JUDGE, 9, "judging the finished mount tree")                                             \
	Z(PIVOT, 10, "switching the root")                                                         \
	Z(NETWORK, 11, "setting up the network")                                                   \
	Z(USERNS, 12, "creating the user namespace")                                               \
	Z(DROP, 13, "dropping privileges")                                                         \
	Z(LANDLOCK, 14, "entering a Landlock domain")                                              \
	Z(SECCOMP, 15, "installing the seccomp floor")                                             \
	Z(READ_BACK, 16, "reading the sandbox's state back")                                       \
	Z(REQUIRE, 17, "checking what was required")                                               \
	Z(INIT, 18, "preparing the target")                                                        \
	Z(EXEC, 19, "executing the target")

/* K(NAME, number): which knob decides. The sentences are in libclient/error.c. */
#define CAISSON_KNOBS(K)                                                                           \
	K(NONE, 0)                                                                                 \
	K(NOT_SETUID, 1)          /* the helper's file is not setuid root */                       \
	K(NOSUID_MOUNT, 2)        /* it is on a nosuid mount */                                    \
	K(NO_NEW_PRIVS, 3)        /* the caller may not gain privileges */                         \
	K(NO_HELPER, 4)           /* there is no helper */                                         \
	K(MAX_USER_NAMESPACES, 5) /* sysctl user.max_user_namespaces */                            \
	K(USERNS_CLONE, 6)        /* sysctl kernel.unprivileged_userns_clone */                    \
	K(APPARMOR, 7)                                                                             \
	K(SELINUX, 8)                                                                              \
	K(SECCOMP, 9)       /* a seccomp filter of the caller's */                                 \
	K(KERNEL, 10)       /* detail: number of the missing system call */                        \
	K(PROC, 11)         /* /proc is not one of the helper's pid namespace */                   \
	K(CONTROL, 12)      /* fd 3 is not a SEQPACKET of the caller's */                          \
	K(PLAN_FORMAT, 13)  /* detail: enum caisson_plan_fault */                                  \
	K(POLICY, 14)       /* the policy; line: of the policy file, 0 built in */                 \
	K(SOURCE_TYPE, 15)  /* not a directory, regular file or allowed node */                    \
	K(SOURCE_FS, 16)    /* on a file system that is never granted */                           \
	K(SOURCE_MOUNT, 17) /* not in the caller's mount namespace */                              \
	K(DESTINATION, 18)  /* the mount point is missing or not reachable */                      \
	K(PROPERTY, 19)     /* detail: number of the required property not had */                  \
	K(MEMORY, 20)                                                                              \
	K(CAPABILITY, 21) /* root lacks a capability here; detail: its number */                   \
	K(TIMEOUT, 22)                                                                             \
	K(STDIO, 23)   /* a descriptor that is never passed; detail: its index */                  \
	K(PROGRAM, 24) /* the target's program */                                                  \
	K(CWD, 25)                                                                                 \
	K(HOST_GONE, 26)                                                                           \
	K(ARGUMENTS, 27) /* the helper takes none */

enum caisson_plan_fault {
	CAISSON_FAULT_FD = 1,       /* fd 4 is not a memfd with all four seals */
	CAISSON_FAULT_SIZE = 2,     /* shorter, longer than it says, or over the limit */
	CAISSON_FAULT_MAGIC = 3,    /* magic, version */
	CAISSON_FAULT_RESERVED = 4, /* a reserved field is not 0 */
	CAISSON_FAULT_OP = 5,       /* unknown op */
	CAISSON_FAULT_ORDER = 6,    /* out of order, or repeated */
	CAISSON_FAULT_FLAGS = 7,
	CAISSON_FAULT_INDEX = 8, /* fd index out of bounds, unused, or given to an op without */
	CAISSON_FAULT_NAME = 9,  /* out of bounds, not absolute, not canonical */
	CAISSON_FAULT_VALUE = 10,
};

#define CAISSON_Z_ENUM(NAME, num, ...) CAISSON_STAGE_##NAME = (num),
enum caisson_stage_number { CAISSON_STAGES(CAISSON_Z_ENUM) };
#undef CAISSON_Z_ENUM
#define CAISSON_K_ENUM(NAME, num) CAISSON_KNOB_##NAME = (num),
enum caisson_knob_number { CAISSON_KNOBS(CAISSON_K_ENUM) };
#undef CAISSON_K_ENUM

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
	uint8_t how[64];  /* BUILT: enum caisson_how per property */
	int32_t status;   /* EXITED: wait status */
	uint32_t backend; /* BUILT: enum caisson_backend */
	uint32_t landlock_abi;
	uint32_t mounts; /* BUILT: mounts in the sandbox */
	uint32_t covered; /* BUILT: submounts covered because of their file system */
	uint32_t user_namespace_root; /* BUILT: 1 if the helper's own root is not the initial one */
	uint64_t reserved[4];
};
_Static_assert(sizeof(struct caisson_answer) == 160, "answer ABI");

enum caisson_backend {
	CAISSON_BACKEND_MOUNT_SETATTR = 1, /* Linux 5.12 and later */
	CAISSON_BACKEND_LEGACY = 2,        /* 5.2 to 5.11: a remount per mount */
};

#endif
