/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef CAISSON_TESTS_HOSTILE_PLAN_CASE_H
#define CAISSON_TESTS_HOSTILE_PLAN_CASE_H

#include "tests/lib/raw.h"

#define NOWHERE CAISSON_NO_RECORD
#define BUILDS 0

/* The base: 0 USERNS, 1 BIND /t, 2 PROC /proc. A case changes it and names fault and record. */
struct one {
	const char *what;
	void (*change)(struct raw_plan *p);
	uint32_t fault, record;
};

#define CASE(name, body)                                                                           \
	static void name(struct raw_plan *p) {                                                     \
		body;                                                                              \
	}

/* plan_ops.c: files of data, masks, ids, clocks. The last has no name. */
extern const struct one ops_cases[];
/* A record behind USERNS, which is then required, where what the sandbox is belongs. */
struct caisson_plan_record *insert(struct raw_plan *p, uint16_t op, uint64_t a, uint64_t b);

#endif
