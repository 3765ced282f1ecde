/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Errors as values: how the library makes them. */
#ifndef CAISSON_LIBCLIENT_ERROR_H
#define CAISSON_LIBCLIENT_ERROR_H

#include "caisson.h"
#include "protocol/answer.h"

/*
 * Make an error object of the library's own, if err is not NULL, and return
 * -error. knob and remedy may be "". If memory is short *err becomes a static
 * object that says so.
 */
int error_set(caisson_error **err, int error, const char *stage, const char *knob,
              const char *remedy, const char *fmt, ...) __attribute__((format(printf, 6, 7)));

/* To *err, that what came instead failed too: "; MEANWHILE, MESSAGE", and its remedy. */
void error_add(caisson_error **err, const caisson_error *other, const char *meanwhile);

/*
 * What an answer is about, as far as who asked knows it: the record or descriptor in question
 * ("/in.jpg at /in.jpg"), and a remedy that says more than the knob's. Either may be NULL.
 */
struct error_about {
	const char *subject, *remedy;
	char text[8400], advice[8800]; /* what these may point to */
};

/*
 * Turn the helper's or init's numbers into an error and return -answer->error.
 * about: NULL is fine. helper: the path that was executed.
 */
int error_from_answer(caisson_error **err, enum caisson_error_source source,
                      const struct caisson_answer *answer, const struct error_about *about,
                      const char *helper);

#endif
