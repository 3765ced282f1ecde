/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef CAISSON_TESTS_E2E_EXEC_H
#define CAISSON_TESTS_E2E_EXEC_H

#include "run.h"

#define PATIENCE 20000

/* A spec for the shell. */
caisson_spec *sh(const char *script);
/* A sandbox whose program does nothing until let_go(). */
caisson_sandbox *idle(void);
void let_go(void);
/* A further program; spec is taken over. NULL and a note if it is not started. */
caisson_program *more(caisson_sandbox *box, caisson_spec *spec);
/* Its wait status, -1 if it did not end in time; it is freed. */
int end_of_program(caisson_program *program);
/* All that spec, taken over, prints as a further program. */
bool run_in(caisson_sandbox *box, caisson_spec *spec, struct result *r);
/* Points: it ends so and prints this; it is refused like this. */
void gives_in(caisson_sandbox *box, caisson_spec *spec, int status, const char *out,
              const char *what);
void refuses_in(caisson_sandbox *box, caisson_spec *spec, const struct refusal *want,
                const char *what);

/* What the first program does to the others. */
void test_hostile(void);
__attribute__((noreturn)) void stop_everybody(void);

#endif
