/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The plan: what an unprivileged caller asks caisson-helper to build.
 *
 * Data, not a language: a header, fixed-size records, a bounded area of names,
 * in a memfd sealed SHRINK|GROW|WRITE|SEAL that the helper inherits as fd 4.
 * All integers are in the machine's byte order (the plan never leaves it).
 * This is ABI: docs/protocol/plan.md explains every field, with worked bytes.
 */
#ifndef CAISSON_PROTOCOL_PLAN_H
#define CAISSON_PROTOCOL_PLAN_H

#include <stdint.h>

#include "caisson-numbers.h"

#define CAISSON_PLAN_MAGIC 0x314e4c5053494143ull /* "CAISPLN1" */
#define CAISSON_PLAN_VERSION 1u

/* The descriptors that the helper inherits: nothing else survives its start. */
#define CAISSON_FD_CONTROL 3 /* SOCK_SEQPACKET, made by the caller's own uid */
#define CAISSON_FD_PLAN 4
#define CAISSON_FD_SOURCES 5 /* 5 .. 5+fds-1, each O_PATH; of FILE a sealed memfd */

/* Limits of the format; policy sets lower ones. */
#define CAISSON_PLAN_MAX_RECORDS 1280u
#define CAISSON_PLAN_MAX_FDS 1024u
#define CAISSON_PLAN_MAX_NAMES (256u * 1024u)
#define CAISSON_PLAN_MAX_PATH 4095u

/* clang-format off */
/*
 * size: of the whole plan, in bytes. records: that follow the header. names: bytes in
 * the area behind them. fds: sources inherited from CAISSON_FD_SOURCES upwards.
 * require: one bit per property (properties.h) that must hold. flags, reserved: 0.
 */
struct caisson_plan_header {
	uint64_t magic;
	uint32_t version, size, records, names, fds, flags;
	uint64_t require, reserved[3];
};

/*
 * flags: per op, 0 where none is defined. fd: index of a source, or -1. name: offset in
 * the name area, of name_len bytes without the NUL that must follow; both 0: none.
 * a, b: per op.
 */
struct caisson_plan_record {
	uint16_t op, flags;
	int32_t fd;
	uint32_t name, name_len;
	uint64_t a, b;
};
/* clang-format on */

_Static_assert(sizeof(struct caisson_plan_header) == 64, "plan ABI");
_Static_assert(sizeof(struct caisson_plan_record) == 32, "plan ABI");

#define CAISSON_PLAN_MAX_SIZE                                                                      \
	(sizeof(struct caisson_plan_header) +                                                      \
	 CAISSON_PLAN_MAX_RECORDS * sizeof(struct caisson_plan_record) + CAISSON_PLAN_MAX_NAMES)

#endif
