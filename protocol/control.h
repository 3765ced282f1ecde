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

#include "caisson-numbers.h"

#define CAISSON_CONTROL_MAGIC 0x43534941u /* "AISC" */
#define CAISSON_CONTROL_VERSION 1u

/* clang-format off */
/*
 * The descriptors of START and EXEC, in this order: a memfd with cwd, argv and
 * env, each string NUL-terminated; three for stdio; those that become 3, 4, ... in
 * the program: channel sockets.
 */
enum {
	CAISSON_START_FD_ARGS = 0, CAISSON_START_FD_STDIO = 1, CAISSON_START_FD_EXTRA = 4,
	CAISSON_START_MAX_EXTRA = 64, CAISSON_START_MAX_ARGS = 2 << 20,
	CAISSON_START_MAX_STRINGS = 65000, CAISSON_EXEC_MAX = 64 /* programs, with the target */
};

/*
 * args: bytes in the memfd. fds: descriptors that came along; 0 with SIGNAL. id: 0 is
 * the target, EXEC has the host's number for the program, not 0. seconds: of START, after
 * which the sandbox ends; files: of START, the most descriptors of each process inside,
 * from init's own limit down; 0 is no limit of the host's.
 */
struct caisson_control {
	uint32_t magic;
	uint16_t version, kind;
	uint32_t flags, args, argc, envc, fds;
	int32_t signal;
	uint64_t id;
	uint32_t seconds, files;
	uint64_t reserved[2];
};
/* clang-format on */
_Static_assert(sizeof(struct caisson_control) == 64, "control ABI");

#endif
