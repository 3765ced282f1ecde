/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The smallest TAP: points, named skips, notes, and the plan at the end. */
#ifndef CAISSON_TESTS_TAP_H
#define CAISSON_TESTS_TAP_H

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>

/* One count for all the files of a program, without a file of its own. */
__attribute__((weak)) unsigned tap_points;
__attribute__((weak)) unsigned tap_failures;

__attribute__((format(printf, 2, 3))) static inline bool tap_ok(bool good, const char *format,
                                                                ...) {
	va_list ap;

	tap_points++;
	tap_failures += !good;
	printf("%s %u - ", good ? "ok" : "not ok", tap_points);
	va_start(ap, format);
	vprintf(format, ap);
	va_end(ap);
	putchar('\n');
	fflush(stdout);
	return good;
}

/* why: what this machine lacks; a skip without a reason hides a test. */
static inline void tap_skip(const char *what, const char *why) {
	printf("ok %u - %s # SKIP %s\n", ++tap_points, what, why);
	fflush(stdout);
}

__attribute__((format(printf, 1, 2))) static inline void tap_note(const char *format, ...) {
	va_list ap;

	printf("# ");
	va_start(ap, format);
	vprintf(format, ap);
	va_end(ap);
	putchar('\n');
	fflush(stdout);
}

/* The whole program is skipped. */
static inline int tap_skip_all(const char *why) {
	printf("1..0 # SKIP %s\n", why);
	return 77;
}

/* For main() to return. */
static inline int tap_done(void) {
	printf("1..%u\n", tap_points);
	fflush(stdout);
	return tap_failures ? 1 : 0;
}

#endif
