/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the host application sends to the sandbox's init over the control
 * socket. The helper never reads it: START may be queued before the helper is
 * even executed, and init reads it once nothing privileged is left.
 * docs/protocol/init.md.
 */
#ifndef CAISSON_PROTOCOL_CONTROL_H
#define CAISSON_PROTOCOL_CONTROL_H

#include <stdint.h>

#define CAISSON_CONTROL_MAGIC 0x43534941u /* "AISC" */
#define CAISSON_CONTROL_VERSION 1u

enum caisson_control_kind {
	CAISSON_CONTROL_START = 1,  /* with SCM_RIGHTS, see below */
	CAISSON_CONTROL_SIGNAL = 2, /* to the target */
};

enum caisson_control_flag {
	CAISSON_START_FILES = 1, /* stdio may be regular files: the caller says so explicitly */
};

/* The descriptors of START, in this order. */
#define CAISSON_START_FD_ARGS 0  /* memfd: cwd, argv, env, each string NUL-terminated */
#define CAISSON_START_FD_STDIO 1 /* three of them */
#define CAISSON_START_FD_EXTRA 4 /* become 3, 4, ... in the target: channel sockets */
#define CAISSON_START_MAX_EXTRA 64u
#define CAISSON_START_MAX_ARGS (2u * 1024u * 1024u)
#define CAISSON_START_MAX_STRINGS 65000u

struct caisson_control {
	uint32_t magic;
	uint16_t version;
	uint16_t kind;
	uint32_t flags;
	uint32_t args; /* START: bytes in the memfd */
	uint32_t argc;
	uint32_t envc;
	uint32_t fds;   /* START: descriptors that came along */
	int32_t signal; /* SIGNAL */
	uint64_t reserved[4];
};
_Static_assert(sizeof(struct caisson_control) == 64, "control ABI");

#endif
