/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The plan checker under libFuzzer: whatever the bytes, it ends, stays inside
 * them, and what it accepts is what the helper relies on afterwards.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "helper/helper.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What root.c and source.c take for granted of an accepted record. */
static void check(const struct plan *plan, const struct caisson_plan_record *r) {
	const char *name = plan->names + r->name;

	assert(r->fd == -1 || (r->fd >= 0 && (uint32_t)r->fd < plan->head->fds));
	if (r->name_len) {
		assert((uint64_t)r->name + r->name_len < plan->head->names);
		assert(strlen(name) == r->name_len);
	}
	if (r->op >= 16) {
		assert(name[0] == '/' && name[1] && r->name_len <= CAISSON_PLAN_MAX_PATH);
		assert(!strstr(name, "//") && !strstr(name, "/../") && !strstr(name, "/./"));
		assert(name[r->name_len - 1] != '/');
	}
	if (r->op == CAISSON_OP_SYMLINK)
		assert(r->a + r->b < plan->head->names && strlen(plan->names + r->a) == r->b);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
	/* a copy of exactly that size: the sanitizer sees every byte beyond it */
	uint64_t *bytes = malloc(size ? size : 1);
	uint32_t record = 0, fault;
	struct plan plan;

	if (!bytes)
		return 0;
	memcpy(bytes, data, size);
	fault = plan_check(bytes, size, &plan, &record);
	assert(fault <= CAISSON_FAULT_VALUE);
	if (fault == 0) {
		assert(size <= CAISSON_PLAN_MAX_SIZE);
		for (uint32_t i = 0; i < plan.head->records; i++)
			check(&plan, &plan.record[i]);
		(void)plan_find(&plan, CAISSON_OP_NET)->a;
	}
	free(bytes);
	return 0;
}
