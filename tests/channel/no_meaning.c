/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The library's sentences about the helper's answers: a channel never asks for one. */
#include <stdlib.h>

#include "meaning.h"

void meaning_of(const struct caisson_answer *answer, enum caisson_error_source source,
                const char *helper, struct meaning *m) {
	(void)answer, (void)source, (void)helper, (void)m;
	abort();
}
