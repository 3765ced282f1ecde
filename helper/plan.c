/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The plan checker. What a caller may ask for is the table below; anything
 * unknown, out of order, out of bounds or malformed ends the request before
 * the first privileged call. Pure code with bounded loops, so that it can be
 * proved and fuzzed alone.
 */
#include "helper.h"

#define MAX_ID 0xfffffffeu /* -1 is nobody's: it means "leave it" */

enum { NO_NAME, HOST_NAME, PATH };
/* TARGET: a, b are a second string. SIZE: a is not 0. USERNS: only with one that is required. */
enum { ONCE = 1, SOURCE = 2, TARGET = 4, SIZE = 8, USERNS = 16 };

struct rule {
	uint16_t op, flags; /* that may be set */
	uint8_t name, is;
	uint64_t max_a, max_b;
};

/* protocol/numbers.table */
static const struct rule rules[] = { CAISSON_RULES };

/* A string of len bytes inside the name area, its NUL behind it and none before. */
static bool in_names(const struct plan *plan, uint64_t offset, uint64_t len) {
	if (len == 0 || len > CAISSON_PLAN_MAX_PATH || offset >= plan->head->names ||
	    len >= plan->head->names - offset)
		return false;
	return strnlen(plan->names + offset, len + 1) == len;
}

bool plan_canonical(const char *path, size_t len) {
	size_t start = 1;

	for (size_t i = 1; i <= len; i++) {
		size_t n = i - start;

		if (i < len && path[i] != '/')
			continue;
		if (n == 0 || n > 255 || (n == 1 && path[start] == '.') ||
		    (n == 2 && path[start] == '.' && path[start + 1] == '.'))
			return false;
		start = i + 1;
	}
	return path[0] == '/' && len > 1;
}

/* 0, or the fault. last: the op before; seen: ops met so far, a bit each; fds: sources so far. */
static uint32_t check_record(const struct plan *plan, const struct caisson_plan_record *r,
                             uint16_t last, uint64_t seen, uint32_t *fds) {
	const struct rule *rule = rules;

	while (rule->op != r->op)
		if (++rule == rules + sizeof(rules) / sizeof(rules[0]))
			return CAISSON_FAULT_OP;
	if ((rule->is & ONCE && seen & 1ull << r->op) || (r->op < 16 && last > r->op))
		return CAISSON_FAULT_ORDER;
	if (r->flags & ~rule->flags)
		return CAISSON_FAULT_FLAGS;
	/* Every source is used, and used once: it is consumed. */
	if (r->fd != (rule->is & SOURCE ? (int32_t)(*fds)++ : -1))
		return CAISSON_FAULT_INDEX;
	if (r->a > rule->max_a || r->b > rule->max_b || (rule->is & SIZE && r->a == 0) ||
	    (rule->is & USERNS && plan_find(plan, CAISSON_OP_USERNS)->a != CAISSON_USERNS_REQUIRED))
		return CAISSON_FAULT_VALUE;
	if (rule->name == NO_NAME)
		return r->name || r->name_len ? CAISSON_FAULT_NAME : 0;
	if (!in_names(plan, r->name, r->name_len) ||
	    (rule->name == HOST_NAME && r->name_len > 64) ||
	    (rule->name == PATH && !plan_canonical(plan->names + r->name, r->name_len)) ||
	    (rule->is & TARGET && !in_names(plan, r->a, r->b)))
		return CAISSON_FAULT_NAME;
	return 0;
}

static uint32_t check_header(const struct caisson_plan_header *head, size_t size) {
	if (size < sizeof(*head))
		return CAISSON_FAULT_SIZE;
	if (head->magic != CAISSON_PLAN_MAGIC || head->version != CAISSON_PLAN_VERSION)
		return CAISSON_FAULT_MAGIC;
	if (head->records > CAISSON_PLAN_MAX_RECORDS || head->names > CAISSON_PLAN_MAX_NAMES ||
	    head->fds > CAISSON_PLAN_MAX_FDS || head->size != size ||
	    size != sizeof(*head) + head->records * sizeof(struct caisson_plan_record) +
	                    head->names)
		return CAISSON_FAULT_SIZE;
	if (head->flags || head->reserved[0] || head->reserved[1] || head->reserved[2] ||
	    head->require >> CAISSON_P_COUNT)
		return CAISSON_FAULT_RESERVED;
	return 0;
}

uint32_t plan_check(const void *bytes, size_t size, struct plan *plan, uint32_t *record) {
	uint32_t fault, fds = 0;
	uint64_t seen = 0;
	uint16_t last = 0;

	*record = CAISSON_NO_RECORD;
	plan->head = bytes;
	plan->record = (const void *)(plan->head + 1);
	fault = check_header(plan->head, size);
	if (fault)
		return fault;
	plan->names = (const void *)(plan->record + plan->head->records);
	for (uint32_t i = 0; i < plan->head->records; i++) {
		fault = check_record(plan, &plan->record[i], last, seen, &fds);
		if (fault) {
			*record = i;
			return fault;
		}
		last = plan->record[i].op;
		seen |= 1ull << last;
	}
	return fds == plan->head->fds ? 0 : CAISSON_FAULT_INDEX;
}

const struct caisson_plan_record *plan_find(const struct plan *plan, uint16_t op) {
	static const struct caisson_plan_record none;

	for (uint32_t i = 0; i < plan->head->records; i++)
		if (plan->record[i].op == op)
			return &plan->record[i];
	return &none;
}
