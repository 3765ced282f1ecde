/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define _GNU_SOURCE
#include "say.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

bool say_level;

/* syslog(3)'s numbers. */
enum { LEVEL_ERROR = 3, LEVEL_WARNING = 4 };

/* Each line has the prefix, so that it is clear whose it is; in one write. */
static void say(int level, const char *fmt, va_list args, const char *cause) {
	char *text = NULL, *line, *rest, *all = NULL;
	size_t size = 0;
	FILE *out;

	if (vasprintf(&text, fmt, args) < 0 || !(out = open_memstream(&all, &size)))
		return;
	for (rest = text; (line = strsep(&rest, "\n"));) {
		if (say_level)
			fprintf(out, "<%d>", level);
		fprintf(out, "bwrap: %s%s%s\n", line, !rest && cause ? ": " : "",
		        !rest && cause ? cause : "");
	}
	fclose(out);
	/* Nobody can be told if it fails. */
	if (all && write(STDERR_FILENO, all, size) < 0)
		errno = 0;
	free(all);
	free(text);
}

void warn(const char *fmt, ...) {
	va_list args;

	va_start(args, fmt);
	say(LEVEL_WARNING, fmt, args, NULL);
	va_end(args);
}

void die(const char *fmt, ...) {
	va_list args;

	va_start(args, fmt);
	say(LEVEL_ERROR, fmt, args, NULL);
	va_end(args);
	exit(1);
}

void die_errno(const char *fmt, ...) {
	const char *cause = strerror(errno);
	va_list args;

	va_start(args, fmt);
	say(LEVEL_ERROR, fmt, args, cause);
	va_end(args);
	exit(1);
}

static void *checked(void *piece) {
	if (!piece)
		die("Out of memory");
	return piece;
}

void *need_memory(size_t n, size_t size) {
	return checked(calloc(n, size));
}

char *need_string(const char *text) {
	return checked(strdup(text));
}

char *need_format(const char *fmt, ...) {
	char *text = NULL;
	va_list args;

	va_start(args, fmt);
	if (vasprintf(&text, fmt, args) < 0)
		text = NULL;
	va_end(args);
	return checked(text);
}

/* Twice as many whenever n is a power of two: no room has to be kept beside it. */
void *need_room(void *items, size_t n, size_t size) {
	if (n & (n - 1))
		return items;
	return checked(reallocarray(items, n ? 2 * n : 1, size));
}
