/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a refusal is about, and the line of a policy that would allow it. */
#define _GNU_SOURCE
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "internal.h"

/* What rules may call the source: where it is, without links. NULL: no rule could name it. */
static const char *source_name(const struct spec_op *op, char path[PATH_MAX]) {
	char link[32];

	snprintf(link, sizeof(link), "/proc/self/fd/%d", op->fd);
	if (!realpath(op->source ? op->source : link, path) || strpbrk(path, " \t\n*?[\\"))
		return NULL;
	return path;
}

/* "allow uid:1000 net host", in quotation marks, into to; of a tree to be written to, two. */
static bool wanted(const struct plan_image *plan, uint32_t record, char *to, size_t size) {
	static const char *const needs[64][5] = { CAISSON_NEEDS };
	const struct sent *sent = record < plan->records ? &plan->sent[record] : NULL;
	const struct spec_op *op = sent ? sent->op : NULL;
	const char *const *need = op && op->op < 64 ? needs[op->op] : NULL;
	const char *value;
	char path[PATH_MAX];
	unsigned uid = getuid();

	/* A parent directory that was put before is nothing that a policy decides. */
	if (!need || !need[0] || sent->what != op->op)
		return false;
	value = op->op < CAISSON_OP_BIND     ? need[1 + (op->a < 3 ? op->a : 3)]
	        : op->op == CAISSON_OP_LABEL ? op->name
	                                     : source_name(op, path);
	if (!value)
		return false;
	snprintf(to, size, "\"allow uid:%u %s %s\"", uid, need[0], value);
	if (op->op == CAISSON_OP_BIND && !(op->flags & CAISSON_BIND_RDONLY))
		snprintf(to, size, "\"allow uid:%u read %s\" and \"allow uid:%u write %s\"", uid,
		         value, uid, value);
	return true;
}

void plan_about(const struct plan_image *plan, const struct caisson_answer *answer,
                struct error_about *about) {
	char line[8600];

	about->subject = plan_subject(plan, answer->record, about->text, sizeof(about->text));
	about->remedy = NULL;
	/* No line lets root have a sandbox, and too much is another matter. */
	if (answer->knob != CAISSON_KNOB_POLICY || answer->error != EACCES || getuid() == 0 ||
	    !wanted(plan, answer->record, line, sizeof(line)))
		return;
	snprintf(about->advice, sizeof(about->advice),
	         "ask the administrator for %s in a file of policy.d%s, or see \"caisson policy "
	         "list\"",
	         line, answer->line ? " behind that line" : "");
	about->remedy = about->advice;
}
