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

#define CAISSON_PLAN_MAGIC 0x314e4c5053494143ull /* "CAISPLN1" */
#define CAISSON_PLAN_VERSION 1u

/* The descriptors that the helper inherits: nothing else survives its start. */
#define CAISSON_FD_CONTROL 3 /* SOCK_SEQPACKET, made by the caller's own uid */
#define CAISSON_FD_PLAN 4
#define CAISSON_FD_SOURCES 5 /* 5 .. 5+fds-1, each O_PATH */

/* Limits of the format; policy sets lower ones. */
#define CAISSON_PLAN_MAX_RECORDS 1280u
#define CAISSON_PLAN_MAX_FDS 1024u
#define CAISSON_PLAN_MAX_NAMES (256u * 1024u)
#define CAISSON_PLAN_MAX_PATH 4095u

struct caisson_plan_header {
	uint64_t magic;
	uint32_t version;
	uint32_t size;    /* of the whole plan, in bytes */
	uint32_t records; /* number of records that follow the header */
	uint32_t names;   /* bytes in the name area that follows the records */
	uint32_t fds;     /* sources inherited from CAISSON_FD_SOURCES upwards */
	uint32_t flags;   /* none defined: 0 */
	uint64_t require; /* one bit per property (properties.h) that must hold */
	uint64_t reserved[3];
};

struct caisson_plan_record {
	uint16_t op;
	uint16_t flags;    /* CAISSON_BIND_*, 0 for the other ops */
	int32_t fd;        /* index of a source, or -1 */
	uint32_t name;     /* offset in the name area */
	uint32_t name_len; /* without the NUL that must follow; 0: no name */
	uint64_t a;        /* two integers, per op */
	uint64_t b;
};

_Static_assert(sizeof(struct caisson_plan_header) == 64, "plan ABI");
_Static_assert(sizeof(struct caisson_plan_record) == 32, "plan ABI");

#define CAISSON_PLAN_MAX_SIZE                                                                      \
	(sizeof(struct caisson_plan_header) +                                                      \
	 CAISSON_PLAN_MAX_RECORDS * sizeof(struct caisson_plan_record) + CAISSON_PLAN_MAX_NAMES)

/*
 * Operations. Those below 16 say what the sandbox is and come first, in
 * ascending order, each at most once; 4 to 15 are reserved (ids, time
 * namespace, groups, label, limits, quota, huge pages). Those from 16 to 63 lay
 * out its file system and are carried out in the order given; every parent
 * directory of a name must exist by then. 24 to 63 are reserved.
 */
enum caisson_op {
	CAISSON_OP_USERNS = 1,   /* a: enum caisson_userns */
	CAISSON_OP_NET = 2,      /* a: enum caisson_net */
	CAISSON_OP_HOSTNAME = 3, /* name: at most 64 bytes */
	CAISSON_OP_BIND = 16,    /* fd, name: destination; flags */
	CAISSON_OP_TMPFS = 17,   /* name: destination; a: size in bytes; b: mode */
	CAISSON_OP_DIR = 18,     /* name: path, made if it is missing; b: mode */
	CAISSON_OP_SYMLINK = 19, /* name: path of the link; a, b: offset, length of its target */
	CAISSON_OP_PROC = 20,    /* name: destination; once */
	CAISSON_OP_DEVPTS = 21,  /* name: destination; once */
	CAISSON_OP_RDONLY = 22,  /* name: the mount there, read-only from here on */
	CAISSON_OP_DEVICE = 23,  /* fd of one device node, name: destination */
};

enum caisson_bind_flag {
	CAISSON_BIND_RDONLY = 1,
	CAISSON_BIND_NOEXEC = 2,
	CAISSON_BIND_DIR = 4, /* the source is a directory: the helper asks no file system */
};

enum caisson_userns {
	CAISSON_USERNS_AUTO = 0,     /* where root may create one */
	CAISSON_USERNS_REQUIRED = 1, /* or fail */
	CAISSON_USERNS_NONE = 2,     /* leave it out, with Landlock instead */
};

enum caisson_net {
	CAISSON_NET_NONE = 0,     /* own namespace, no interface up, inet families denied */
	CAISSON_NET_LOOPBACK = 1, /* own namespace, lo up */
	CAISSON_NET_HOST = 2,     /* the caller's */
};

#endif
