/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The plan checker. What a caller may ask for is the table below; anything
 * unknown, out of order, out of bounds or malformed ends the request before
 * the first privileged call. Pure code with bounded loops, so that it can be
 * proved and fuzzed alone.
 */
#include <string.h>

#include "helper.h"

enum {
	NAME_NONE,
	NAME_HOST, /* 1 to 64 bytes of [A-Za-z0-9.-] */
	NAME_PATH, /* absolute, canonical */
};

enum {
	TAKES_FD = 1,
	TAKES_TARGET = 2, /* a, b: a second string in the name area */
};

struct rule {
	uint16_t op;
	uint16_t flags; /* that may be set */
	uint8_t name;
	uint8_t takes;
	bool once;
	uint64_t max_a, max_b;
};

static const struct rule rules[] = {
	{ CAISSON_OP_USERNS, 0, NAME_NONE, 0, true, CAISSON_USERNS_NONE, 0 },
	{ CAISSON_OP_NET, 0, NAME_NONE, 0, true, CAISSON_NET_HOST, 0 },
	{ CAISSON_OP_HOSTNAME, 0, NAME_HOST, 0, true, 0, 0 },
	{ CAISSON_OP_BIND, CAISSON_BIND_RDONLY | CAISSON_BIND_NOEXEC | CAISSON_BIND_DIR, NAME_PATH,
	  TAKES_FD, false, 0, 0 },
	{ CAISSON_OP_TMPFS, 0, NAME_PATH, 0, false, 1ull << 50, 01777 },
	{ CAISSON_OP_DIR, 0, NAME_PATH, 0, false, 0, 01777 },
	{ CAISSON_OP_SYMLINK, 0, NAME_PATH, TAKES_TARGET, false, CAISSON_PLAN_MAX_NAMES,
	  CAISSON_PLAN_MAX_PATH },
	{ CAISSON_OP_PROC, 0, NAME_PATH, 0, true, 0, 0 },
	{ CAISSON_OP_DEV, 0, NAME_PATH, 0, true, 0, 0 },
};

/* A string of len bytes inside the name area, its NUL behind it and none before. */
static bool in_names(const struct plan *plan, uint64_t offset, uint64_t len)
{
	if (len == 0 || len > CAISSON_PLAN_MAX_PATH || offset >= plan->head.names ||
	    len >= plan->head.names - offset)
		return false;
	return strnlen(plan->names + offset, len + 1) == len;
}

/* "/a/b": no empty component, no "." or "..", no slash at the end; "/" itself is nobody's to name. */
static bool canonical(const char *path, size_t len)
{
	size_t start = 1;

	if (len < 2 || path[0] != '/')
		return false;
	for (size_t i = 1; i <= len; i++) {
		if (i < len && path[i] != '/')
			continue;
		size_t n = i - start;

		if (n == 0 || n > 255 || (n == 1 && path[start] == '.') ||
		    (n == 2 && path[start] == '.' && path[start + 1] == '.'))
			return false;
		start = i + 1;
	}
	return true;
}

static bool host_name(const char *name, size_t len)
{
	if (len > 64)
		return false;
	for (size_t i = 0; i < len; i++) {
		char c = name[i];

		if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
		      c == '-' || c == '.'))
			return false;
	}
	return true;
}

static const struct rule *rule_for(uint16_t op)
{
	for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++)
		if (rules[i].op == op)
			return &rules[i];
	return NULL;
}

/* 0, or the fault. last: the op before; seen: ops met so far, one bit each. */
static uint32_t check_record(const struct plan *plan, const struct caisson_plan_record *r,
                             uint16_t last, uint64_t seen)
{
	const struct rule *rule = rule_for(r->op);

	if (!rule)
		return CAISSON_FAULT_OP;
	if ((rule->once && (seen & 1ull << r->op)) || (r->op < 16 && last > r->op))
		return CAISSON_FAULT_ORDER;
	if (r->flags & ~rule->flags)
		return CAISSON_FAULT_FLAGS;
	if (rule->takes & TAKES_FD ? r->fd < 0 || (uint32_t)r->fd >= plan->head.fds : r->fd != -1)
		return CAISSON_FAULT_INDEX;
	if (r->a > rule->max_a || r->b > rule->max_b)
		return CAISSON_FAULT_VALUE;
	if (r->op == CAISSON_OP_TMPFS && r->a == 0)
		return CAISSON_FAULT_VALUE;
	if (rule->name == NAME_NONE)
		return r->name || r->name_len ? CAISSON_FAULT_NAME : 0;
	if (!in_names(plan, r->name, r->name_len))
		return CAISSON_FAULT_NAME;
	if (rule->name == NAME_HOST ? !host_name(plan->names + r->name, r->name_len)
	                            : !canonical(plan->names + r->name, r->name_len))
		return CAISSON_FAULT_NAME;
	if (rule->takes & TAKES_TARGET && !in_names(plan, r->a, r->b))
		return CAISSON_FAULT_NAME;
	return 0;
}

static uint32_t check_header(const struct caisson_plan_header *head, size_t size)
{
	if (head->magic != CAISSON_PLAN_MAGIC || head->version != CAISSON_PLAN_VERSION)
		return CAISSON_FAULT_MAGIC;
	if (head->records > CAISSON_PLAN_MAX_RECORDS || head->names > CAISSON_PLAN_MAX_NAMES ||
	    head->fds > CAISSON_PLAN_MAX_FDS)
		return CAISSON_FAULT_SIZE;
	if (head->size != size ||
	    size != sizeof(*head) + head->records * sizeof(struct caisson_plan_record) + head->names)
		return CAISSON_FAULT_SIZE;
	if (head->flags || head->reserved[0] || head->reserved[1] || head->reserved[2] ||
	    head->require >> CAISSON_P_COUNT)
		return CAISSON_FAULT_RESERVED;
	return 0;
}

/* Every source is used, and used once: a clone is made per record. */
static uint32_t check_fds(const struct plan *plan)
{
	uint32_t next = 0;

	for (uint32_t i = 0; i < plan->head.records; i++) {
		if (plan->record[i].fd < 0)
			continue;
		if ((uint32_t)plan->record[i].fd != next)
			return CAISSON_FAULT_INDEX;
		next++;
	}
	return next == plan->head.fds ? 0 : CAISSON_FAULT_INDEX;
}

int plan_check(const void *bytes, size_t size, struct plan *plan, struct fault *fault)
{
	const char *at = bytes;
	uint64_t seen = 0;
	uint16_t last = 0;

	fault->record = CAISSON_NO_RECORD;
	fault->detail = CAISSON_FAULT_SIZE;
	if (size < sizeof(plan->head) || size > CAISSON_PLAN_MAX_SIZE)
		return -1;
	memcpy(&plan->head, at, sizeof(plan->head));
	fault->detail = check_header(&plan->head, size);
	if (fault->detail)
		return -1;
	at += sizeof(plan->head);
	memcpy(plan->record, at, plan->head.records * sizeof(plan->record[0]));
	at += plan->head.records * sizeof(plan->record[0]);
	memcpy(plan->names, at, plan->head.names);

	for (uint32_t i = 0; i < plan->head.records; i++) {
		fault->record = i;
		fault->detail = check_record(plan, &plan->record[i], last, seen);
		if (fault->detail)
			return -1;
		last = plan->record[i].op;
		seen |= 1ull << last;
	}
	fault->record = CAISSON_NO_RECORD;
	fault->detail = check_fds(plan);
	return fault->detail ? -1 : 0;
}

uint64_t plan_value(const struct plan *plan, uint16_t op, uint64_t otherwise)
{
	for (uint32_t i = 0; i < plan->head.records; i++)
		if (plan->record[i].op == op)
			return plan->record[i].a;
	return otherwise;
}
