/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Values of a CDI file, and JSON. All sizes are bounded: by the file's, by a number
 * of values, by a depth.
 */
#define _GNU_SOURCE
#include "cdi.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

int cdi_fail(struct cdi_tree *tree, const char *why) {
	if (!tree->why)
		tree->why = why;
	return -EINVAL;
}

int cdi_start(struct cdi_tree *tree, const char *text, size_t size) {
	memset(tree, 0, sizeof(*tree));
	tree->line = 1;
	if (size > CDI_FILE_MAX)
		return cdi_fail(tree, "it is over 1 MiB");
	if (memchr(text, '\0', size))
		return cdi_fail(tree, "it has a zero byte");
	/* Each string is followed by a byte at least that is part of none: its NUL. */
	tree->size = size + 8;
	tree->strings = calloc(1, tree->size);
	tree->room = 256;
	tree->value = calloc(tree->room, sizeof(*tree->value));
	tree->used = 1;
	tree->n = 1;
	return tree->strings && tree->value ? 0 : -ENOMEM;
}

void cdi_free(struct cdi_tree *tree) {
	free(tree->value);
	free(tree->strings);
	memset(tree, 0, sizeof(*tree));
}

uint32_t cdi_add(struct cdi_tree *tree, uint32_t parent, uint32_t *last, enum cdi_kind kind) {
	uint32_t made = tree->n;

	if (made == CDI_NODES_MAX) {
		cdi_fail(tree, "it has too many values");
		return 0;
	}
	if (made == tree->room) {
		struct cdi_value *more =
			realloc(tree->value, 2 * (size_t)tree->room * sizeof(*more));

		if (!more) {
			cdi_fail(tree, "memory is short");
			return 0;
		}
		tree->value = more;
		tree->room *= 2;
	}
	tree->value[made] = (struct cdi_value){ .kind = kind };
	if (last && *last)
		tree->value[*last].next = made;
	else if (parent)
		tree->value[parent].child = made;
	if (last)
		*last = made;
	tree->n++;
	return made;
}

uint32_t cdi_string(struct cdi_tree *tree, const char *text, size_t len) {
	size_t at = tree->used;

	if (len >= tree->size || at + len + 1 > tree->size) {
		cdi_fail(tree, "its strings do not fit");
		return 0;
	}
	memcpy(tree->strings + at, text, len);
	tree->strings[at + len] = '\0';
	tree->used = at + len + 1;
	return (uint32_t)at;
}

int cdi_key(struct cdi_tree *tree, uint32_t map, uint32_t value, uint32_t key) {
	unsigned members = 0;

	for (uint32_t i = tree->value[map].child; i; i = tree->value[i].next)
		if (++members > CDI_MEMBERS_MAX)
			return cdi_fail(tree, "a mapping has too many members");
		else if (tree->value[i].key &&
		         !strcmp(tree->strings + tree->value[i].key, tree->strings + key))
			return cdi_fail(tree, "a mapping has the same member twice");
	tree->value[value].key = key;
	return 0;
}

uint32_t cdi_get(const struct cdi_tree *tree, uint32_t map, const char *key) {
	if (!map || tree->value[map].kind != CDI_MAP)
		return 0;
	for (uint32_t i = tree->value[map].child; i; i = tree->value[i].next)
		if (!strcmp(tree->strings + tree->value[i].key, key))
			return i;
	return 0;
}

const char *cdi_text(const struct cdi_tree *tree, uint32_t value) {
	return value && tree->value[value].kind == CDI_TEXT
	               ? tree->strings + tree->value[value].text
	               : "";
}

uint32_t cdi_first(const struct cdi_tree *tree, uint32_t list) {
	return list && tree->value[list].kind == CDI_LIST ? tree->value[list].child : 0;
}

/* --------------------------------------------------------------------- JSON */

static void skip(struct cdi_tree *tree, const char **at, const char *end) {
	for (; *at < end && strchr(" \t\r\n", **at); (*at)++)
		tree->line += **at == '\n';
}

static char next(struct cdi_tree *tree, const char **at, const char *end) {
	skip(tree, at, end);
	return *at < end ? **at : '\0';
}

/* Four hexadecimal digits; -1. */
static long code_point(const char *at, const char *end) {
	long code = 0;

	if (end - at < 4)
		return -1;
	for (int i = 0; i < 4; i++) {
		const char *digits = "0123456789abcdef0123456789ABCDEF";
		const char *digit = at[i] ? strchr(digits, at[i]) : NULL;

		if (!digit)
			return -1;
		code = 16 * code + (digit - digits) % 16;
	}
	return code;
}

static char *put_utf8(char *to, long code) {
	if (code < 0x80) {
		*to++ = (char)code;
	} else if (code < 0x800) {
		*to++ = (char)(0xc0 | code >> 6);
		*to++ = (char)(0x80 | (code & 0x3f));
	} else {
		*to++ = (char)(0xe0 | code >> 12);
		*to++ = (char)(0x80 | (code >> 6 & 0x3f));
		*to++ = (char)(0x80 | (code & 0x3f));
	}
	return to;
}

/* Behind the quote. What comes of it is never longer than what stands there. */
static uint32_t quoted(struct cdi_tree *tree, const char **at, const char *end) {
	static const char from[] = "\"\\/bfnrt", into[] = "\"\\/\b\f\n\r\t";
	char *start = tree->strings + tree->used, *to = start;

	if ((size_t)(end - *at) + 1 > tree->size - tree->used)
		return cdi_fail(tree, "its strings do not fit"), 0;
	for (; *at < end && **at != '"'; (*at)++) {
		const char *escape;
		long code;

		if ((unsigned char)**at < 0x20)
			return cdi_fail(tree, "a string has a control character"), 0;
		if (**at != '\\') {
			*to++ = **at;
			continue;
		}
		if (++*at == end)
			break;
		escape = strchr(from, **at);
		code = **at == 'u' ? code_point(*at + 1, end) : -1;
		if (escape && **at) {
			*to++ = into[escape - from];
		} else if (code > 0 && (code < 0xd800 || code > 0xdfff)) {
			to = put_utf8(to, code);
			*at += 4;
		} else {
			return cdi_fail(tree, "a string has an escape that is not known here"), 0;
		}
	}
	if (*at == end)
		return cdi_fail(tree, "a string has no end"), 0;
	(*at)++;
	*to = '\0';
	tree->used += (size_t)(to - start) + 1;
	return (uint32_t)(start - tree->strings);
}

/* A number, true, false, null. */
static int word(struct cdi_tree *tree, const char **at, const char *end, uint32_t value) {
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				      "0123456789+-._/";
	const char *start = *at;
	uint32_t text;

	while (*at < end && strchr(allowed, **at))
		(*at)++;
	if (*at == start)
		return cdi_fail(tree, "a value was expected");
	if (*at - start == 4 && !strncmp(start, "null", 4))
		return 0;
	text = cdi_string(tree, start, (size_t)(*at - start));
	tree->value[value].kind = CDI_TEXT;
	tree->value[value].text = text;
	return text ? 0 : -EINVAL;
}

static int member(struct cdi_tree *tree, const char **at, const char *end, uint32_t map,
                  uint32_t made) {
	uint32_t key;

	if (next(tree, at, end) != '"')
		return cdi_fail(tree, "a member's name was expected, in double quotes");
	(*at)++;
	key = quoted(tree, at, end);
	if (!key || cdi_key(tree, map, made, key) < 0)
		return -EINVAL;
	if (next(tree, at, end) != ':')
		return cdi_fail(tree, "':' was expected");
	(*at)++;
	return 0;
}

static int group(struct cdi_tree *tree, const char **at, const char *end, uint32_t value,
                 unsigned depth) {
	bool map = **at == '{';
	char close = map ? '}' : ']';
	uint32_t last = 0;

	tree->value[value].kind = map ? CDI_MAP : CDI_LIST;
	(*at)++;
	if (depth == CDI_DEPTH_MAX)
		return cdi_fail(tree, "it is too deep");
	if (next(tree, at, end) == close)
		return (*at)++, 0;
	for (;;) {
		uint32_t made = cdi_add(tree, value, &last, CDI_NULL);

		if (!made || (map && member(tree, at, end, value, made) < 0) ||
		    cdi_flow(tree, at, end, made, depth + 1) < 0)
			return -EINVAL;
		if (next(tree, at, end) == close)
			return (*at)++, 0;
		if (next(tree, at, end) != ',')
			return cdi_fail(tree, "',' was expected");
		(*at)++;
	}
}

int cdi_flow(struct cdi_tree *tree, const char **at, const char *end, uint32_t value,
             unsigned depth) {
	char c = next(tree, at, end);
	uint32_t text;

	if (c == '{' || c == '[')
		return group(tree, at, end, value, depth);
	if (c != '"')
		return word(tree, at, end, value);
	(*at)++;
	text = quoted(tree, at, end);
	tree->value[value].kind = CDI_TEXT;
	tree->value[value].text = text;
	return text ? 0 : -EINVAL;
}

int cdi_json(struct cdi_tree *tree, const char *text, size_t size) {
	const char *at = text, *end = text + size;
	int rc = cdi_start(tree, text, size);
	uint32_t whole = rc == 0 ? cdi_add(tree, 0, NULL, CDI_NULL) : 0;

	if (rc < 0)
		return rc;
	rc = cdi_flow(tree, &at, end, whole, 0);
	if (rc == 0 && next(tree, &at, end))
		rc = cdi_fail(tree, "something stands behind its end");
	return rc;
}
