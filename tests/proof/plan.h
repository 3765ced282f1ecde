/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What helper/plan.c is proved to do, for every plan that fits into its format
 * (1,280 records, 256 KiB of names). Stated from docs/protocol/plan.md, not
 * from the checker's table.
 */
#include "helper.h"
#include "environment.h"

/*@
  // Which ops are what. A new op has to be added here, or the proof fails.
  logic integer takes(integer op) = // of the sources
    op == CAISSON_OP_BIND ? 1 : op == CAISSON_OP_DEVICE ? 1 : op == CAISSON_OP_FILE ? 1 : 0;
  predicate is_source(integer op) = takes(op) == 1;
  predicate is_once(integer op) =
    op < 16 || op == CAISSON_OP_PROC || op == CAISSON_OP_DEVPTS ||
    op == CAISSON_OP_MQUEUE || op == CAISSON_OP_LABEL;
  predicate is_for_userns(integer op) =
    op == CAISSON_OP_IDS || op == CAISSON_OP_SUBIDS || op == CAISSON_OP_TIME;

  // If a component starts at k, it is not empty, not "." and not "..".
  predicate component_ok(char *p, integer k, integer len) =
    (k == 1 || p[k - 1] == '/') ==>
      k < len && p[k] != '/' &&
      !(p[k] == '.' && (k + 1 == len || p[k + 1] == '/')) &&
      !(p[k] == '.' && k + 1 < len && p[k + 1] == '.' && (k + 2 == len || p[k + 2] == '/'));
  predicate path_ok(char *p, integer len) =
    p[0] == '/' && len > 1 && \forall integer k; 1 <= k < len ==> component_ok(p, k, len);
  // len bytes inside the name area, the NUL behind them too, and none among them.
  predicate string_ok(struct plan *plan, integer offset, integer len) =
    1 <= len <= CAISSON_PLAN_MAX_PATH && 0 <= offset && offset + len < plan->head->names &&
    plan->names[offset + len] == 0 &&
    \forall integer i; 0 <= i < len ==> plan->names[offset + i] != 0;

  predicate userns_required(struct plan *plan) =
    \exists integer i; 0 <= i < plan->head->records &&
      plan->record[i].op == CAISSON_OP_USERNS && plan->record[i].a == CAISSON_USERNS_REQUIRED;
  // None of the other bits of the 16. Qed writes the code's ~3 so, once it knows the type.
  predicate proc_flags(integer flags) =
    (flags & (0xffff - CAISSON_PROC_PIDS - CAISSON_PROC_HIDEPID)) == 0;
  predicate fields_ok(struct plan *plan, struct caisson_plan_record *r) =
    r->op < 64 &&
    (r->op >= 16 ==> string_ok(plan, r->name, r->name_len)) &&
    (r->op >= 16 && r->op != CAISSON_OP_LABEL ==> path_ok(plan->names + r->name, r->name_len)) &&
    (r->op == CAISSON_OP_LABEL ==> r->name_len <= 64) &&
    (r->op == CAISSON_OP_HOSTNAME ==> string_ok(plan, r->name, r->name_len) && r->name_len <= 64) &&
    (r->op == CAISSON_OP_SYMLINK ==> string_ok(plan, r->a, r->b)) &&
    (r->op == CAISSON_OP_PROC ==> proc_flags(r->flags)) &&
    (r->op == CAISSON_OP_NET ==> r->a <= CAISSON_NET_HOST) &&
    (r->op == CAISSON_OP_USERNS ==> r->a <= CAISSON_USERNS_NONE) &&
    (is_for_userns(r->op) ==> userns_required(plan));

  // Sources among the first n records: the index that the next one must have.
  logic integer sources(struct caisson_plan_record *r, integer n) =
    n <= 0 ? 0 : sources(r, n - 1) + takes((r + (n - 1))->op);
  predicate record_ok(struct plan *plan, integer i) =
    fields_ok(plan, plan->record + i) &&
    (is_source(plan->record[i].op) ==> plan->record[i].fd == sources(plan->record, i)) &&
    (!is_source(plan->record[i].op) ==> plan->record[i].fd == -1);
  predicate order_ok(struct plan *plan, integer k, integer j) =
    (plan->record[j].op < 16 ==> plan->record[k].op < plan->record[j].op) &&
    (is_once(plan->record[j].op) ==> plan->record[j].op != plan->record[k].op);

  // A set of ops, as bits.
  predicate has(integer s, integer k) = 0 <= k < 64 && (s & (1 << k)) != 0;
  lemma has_kept: \forall integer s, k, j;
    0 <= k < 64 && has(s, j) ==> has(s | (uint64_t)(1 << k), j);
  lemma has_added: \forall integer s, k; 0 <= k < 64 ==> has(s | (uint64_t)(1 << k), k);


  predicate plan_readable(struct plan *plan) =
    \valid_read(plan) && \valid_read(plan->head) &&
    \valid_read(plan->names + (0 .. plan->head->names - 1)) &&
    \valid_read(plan->record + (0 .. plan->head->records - 1));
*/

/*@ requires readable: \valid_read(plan) && \valid_read(plan->head) &&
      \valid_read(plan->names + (0 .. plan->head->names - 1));
    assigns \result \from plan->head->names, plan->names[0 .. plan->head->names - 1], offset, len;
    ensures bool: \result == 0 || \result == 1;
    ensures string: \result ==> string_ok(plan, offset, len); */
static bool in_names(const struct plan *plan, uint64_t offset, uint64_t len);

/*@ requires length: 1 <= len <= CAISSON_PLAN_MAX_PATH;
    requires readable: \valid_read(path + (0 .. len));
    assigns \result \from path[0 .. len], len;
    ensures bool: \result == 0 || \result == 1;
    ensures path: \result ==> path_ok(path, len); */
bool plan_canonical(const char *path, size_t len);

/*@ requires readable: plan_readable(plan);
    assigns \result \from plan->record, plan->record[0 .. plan->head->records - 1], op;
    ensures readable: \valid_read(\result);
    ensures found: \result->a != 0 ==> \exists integer i;
      0 <= i < plan->head->records && plan->record[i].op == op && plan->record[i].a == \result->a; */
const struct caisson_plan_record *plan_find(const struct plan *plan, uint16_t op);

/*@ requires readable: plan_readable(plan);
    requires record: \valid_read(r);
    requires apart: \valid(fds) && \separated(fds, r, plan, plan->head);
    requires few: *fds < CAISSON_PLAN_MAX_RECORDS;
    assigns \result, *fds \from *plan, *r, last, seen, *fds;
    ensures op: \result == 0 ==> r->op < 64;
    ensures name: \result == 0 ==> r->op >= 16 ==> string_ok(plan, r->name, r->name_len);
    ensures path: \result == 0 ==> r->op >= 16 && r->op != CAISSON_OP_LABEL ==> path_ok(plan->names + r->name, r->name_len);
    ensures label: \result == 0 ==> r->op == CAISSON_OP_LABEL ==> r->name_len <= 64;
    ensures hostname: \result == 0 ==> r->op == CAISSON_OP_HOSTNAME ==>
      string_ok(plan, r->name, r->name_len) && r->name_len <= 64;
    ensures target: \result == 0 ==> r->op == CAISSON_OP_SYMLINK ==> string_ok(plan, r->a, r->b);
    ensures proc: \result == 0 ==> r->op == CAISSON_OP_PROC ==> proc_flags(r->flags);
    ensures net: \result == 0 ==> r->op == CAISSON_OP_NET ==> r->a <= CAISSON_NET_HOST;
    ensures userns: \result == 0 ==> r->op == CAISSON_OP_USERNS ==> r->a <= CAISSON_USERNS_NONE;
    ensures ids: \result == 0 ==> is_for_userns(r->op) ==> userns_required(plan);
    ensures once: \result == 0 ==> is_once(r->op) ==> !has(seen, r->op);
    ensures order: \result == 0 ==> r->op < 16 ==> last <= r->op;
    ensures source: \result == 0 ==> is_source(r->op) ==>
      r->fd == \old(*fds) && *fds == \old(*fds) + 1;
    ensures no_source: \result == 0 ==> !is_source(r->op) ==> r->fd == -1 && *fds == \old(*fds); */
static uint32_t check_record(const struct plan *plan, const struct caisson_plan_record *r,
                             uint16_t last, uint64_t seen, uint32_t *fds);

/*@ requires readable: size >= sizeof(*head) ==> \valid_read(head);
    assigns \result \from *head, size;
    ensures size: \result == 0 ==> size == head->size &&
      size == sizeof(*head) + head->records * sizeof(struct caisson_plan_record) + head->names;
    ensures limits: \result == 0 ==> head->records <= CAISSON_PLAN_MAX_RECORDS &&
      head->names <= CAISSON_PLAN_MAX_NAMES && head->fds <= CAISSON_PLAN_MAX_FDS;
    ensures known: \result == 0 ==> head->magic == CAISSON_PLAN_MAGIC &&
      head->version == CAISSON_PLAN_VERSION && head->flags == 0 &&
      head->require >> CAISSON_P_COUNT == 0 &&
      \forall integer i; 0 <= i < 3 ==> head->reserved[i] == 0; */
static uint32_t check_header(const struct caisson_plan_header *head, size_t size);

/*@ requires places: \valid(plan) && \valid(record) && \separated(plan, record);
    assigns \result, *plan, *record \from bytes, size;
    ensures fields: \result == 0 ==>
      \forall integer i; 0 <= i < plan->head->records ==> record_ok(plan, i);
    ensures order: \result == 0 ==>
      \forall integer k, j; 0 <= k < j < plan->head->records ==> order_ok(plan, k, j);
    ensures sources: \result == 0 ==> plan->head->fds == sources(plan->record, plan->head->records);
*/
uint32_t plan_check(const void *bytes, size_t size, struct plan *plan, uint32_t *record);

#include "plan.c"

/* The memory that main.c has for a plan, and all of it is whatever the caller wrote. */
static uint64_t bytes[CAISSON_PLAN_MAX_SIZE / 8 + 1];

int main(void) {
	static struct plan plan;
	static uint32_t record;
	size_t size = any_size(sizeof(bytes));

	any_bytes(bytes, sizeof(bytes));
	if (plan_check(bytes, size, &plan, &record) != 0)
		return 0;
	plan_find(&plan, any_op());
	//@ check reached: \false;
	return 0;
}
