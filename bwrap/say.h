/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What is said to whoever calls: "bwrap: " and one line, since callers look for it. */
#ifndef CAISSON_BWRAP_SAY_H
#define CAISSON_BWRAP_SAY_H

#include <stdbool.h>
#include <stddef.h>

extern bool say_level; /* --level-prefix */

void warn(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* The exit status is 1, whatever is wrong. */
void die(const char *fmt, ...) __attribute__((noreturn, format(printf, 1, 2)));
/* The same, with what errno says behind it. */
void die_errno(const char *fmt, ...) __attribute__((noreturn, format(printf, 1, 2)));

/* Never NULL. */
void *need_memory(size_t n, size_t size);
char *need_string(const char *text);
char *need_format(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* For one item more behind n of them. */
void *need_room(void *items, size_t n, size_t size);

#endif
