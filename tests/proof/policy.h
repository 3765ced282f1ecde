/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What helper/policy.c never allows, whatever root's rules say and whatever is
 * asked of it. Which types of file system are the kernel's own, and what holds
 * without a rule, is shown in policy_cases.h.
 */
#include "text.h"

/*@ axiomatic Types {
      predicate kernel_type(char *type) reads type[0 ..];
    } */

/*@ assigns \result \from fstype[0 ..];
    ensures bool: \result == 0 || \result == 1;
    ensures kernel: \result == 1 <==> kernel_type(fstype); */
bool policy_kernel_fs(const char *fstype);
/*@ requires place: \valid(rule);
    assigns \result, *rule;
    ensures bool: \result == 0 || \result == 1; */
static bool denied(const struct policy *p, const char *kind, const char *const name[2],
                   const struct policy_rule **rule);
/*@ requires op: \valid_read(op) && op->op < 64;
    requires places: \valid_read(facts) && \valid_read(p) && \valid(rule);
    requires apart: \separated(rule, op, p, facts);
    assigns \result, *rule;
    ensures root: p->uid == 0 ==> \result != 0;
    ensures kernel: op->op == CAISSON_OP_BIND && kernel_type(facts->fstype) ==> \result != 0; */
uint32_t policy_decide(const struct policy *p, const struct caisson_plan_record *op,
                       const struct facts *facts, const struct policy_rule **rule);

#include "policy.c"
