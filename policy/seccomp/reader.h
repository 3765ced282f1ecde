/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What profile.c and rule.c share: where a profile is being read. */
#ifndef CAISSON_READER_H
#define CAISSON_READER_H

#include "floor.h"

#define WORDS 40
#define LETS 32

struct reader {
	struct floor_profile *profile;
	const char *dir;
	FILE *complaints;
	struct {
		char name[FLOOR_WORD];
		uint32_t value;
	} let[LETS];
	unsigned lets;
	unsigned depth;                     /* of includes */
	unsigned char said[FLOOR_SYSCALLS]; /* at which depth the verdict was given */
	const char *file;
	unsigned line;
	char *why;         /* the line's comment, or NULL */
	char *word[WORDS]; /* of the line, NULL at the end */
};

/* With file and line; -1. */
int complain(struct reader *r, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
int is_name(const char *word);
/* Numbers and names, joined by '|', which are taken apart. 0 or -1. */
int read_value(struct reader *r, char *word, uint32_t *to);
/* "allow", or an errno's name. 0 or -1. */
int read_answer(const char *word, unsigned *verdict);

int read_rule(struct reader *r);
struct floor_rule *find_rule(struct floor_profile *profile, const char *name);
/* Why a rule cannot be used with a network; NULL: it can. */
const char *open_end(const struct floor_rule *rule, unsigned network);

#endif
