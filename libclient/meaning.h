/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the helper's and init's numbers mean, in words. */
#ifndef CAISSON_LIBCLIENT_MEANING_H
#define CAISSON_LIBCLIENT_MEANING_H

#include "caisson.h"
#include "protocol/answer.h"

struct meaning {
	const char *what, *knob, *remedy;        /* "" where there is none */
	char text[400], place[300], advice[500]; /* what these may point to */
};

/* What an error number says, of whatever was attempted or of a call that had no reason to fail. */
uint32_t meaning_knob(uint32_t knob, int error);
/* source: whose answer it is. helper: the path that was executed, or NULL. */
void meaning_of(const struct caisson_answer *answer, enum caisson_error_source source,
                const char *helper, struct meaning *m);
/* meaning_builder.c: of an answer of caisson-builder's, what differs; the rest is there already. */
void meaning_of_builder(const struct caisson_answer *answer, struct meaning *m);
/* meaning_kernel.c: KERNEL, with every call that the helper needs and that is missing here. */
void meaning_kernel(const struct caisson_answer *a, struct meaning *m);
void meaning_too_new(const struct caisson_answer *a, struct meaning *m);

/* meaning_container.c: refine what was said, where a container is behind it. */
void meaning_denied(const struct caisson_answer *a, struct meaning *m);
void meaning_run_dir(const struct caisson_answer *a, struct meaning *m);
void meaning_keyring(const struct caisson_answer *a, struct meaning *m);
void meaning_bounding(struct meaning *m);

#endif
