/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The part of YAML that tools write CDI files in: mappings and sequences by
 * indentation, plain and quoted scalars on one line, comments, and JSON's forms
 * within a line. Anchors, tags, aliases, scalars of several lines, several
 * documents, tabs and "? " keys are refused, not guessed at.
 */
#define _GNU_SOURCE
#include "cdi.h"

#include <errno.h>
#include <string.h>

/* What is left to be read. line: without comment and blanks at its end; empty ones are passed over. */
struct reader {
	struct cdi_tree *tree;
	const char *at, *end;    /* the text behind line */
	const char *line, *stop; /* its first byte that is no blank, and its end */
	unsigned indent;         /* blanks before it */
	bool over;               /* there is no more */
	unsigned next_line;
};

/* The end of what counts of a line: a '#' behind a blank, or in front, outside of quotes. */
static const char *strip(const char *from, const char *to) {
	const char *c = from;
	char quote = '\0';

	for (; c < to; c++) {
		bool start = c == from || c[-1] == ' ';

		if (quote) {
			if (*c == '\\' && quote == '"' && c + 1 < to)
				c++;
			else if (*c == quote)
				quote = '\0';
		} else if (*c == '#' && start) {
			break;
		} else if ((*c == '"' || *c == '\'') && (start || strchr("[{,:", c[-1]))) {
			quote = *c;
		}
	}
	while (c > from && (c[-1] == ' ' || c[-1] == '\r'))
		c--;
	return c;
}

static int advance(struct reader *r) {
	for (;;) {
		const char *newline;

		if (r->at >= r->end) {
			r->over = true;
			return 0;
		}
		r->tree->line = r->next_line++;
		newline = memchr(r->at, '\n', (size_t)(r->end - r->at));
		r->line = r->at;
		r->at = newline ? newline + 1 : r->end;
		r->stop = newline ? newline : r->end;
		r->indent = 0;
		while (r->line < r->stop && *r->line == ' ') {
			r->line++;
			r->indent++;
		}
		r->stop = strip(r->line, r->stop);
		for (const char *c = r->line; c < r->stop; c++)
			if (*c == '\t')
				return cdi_fail(r->tree, "there is a tab");
		if (r->line < r->stop)
			return 0;
	}
}

static size_t left(const struct reader *r) {
	return (size_t)(r->stop - r->line);
}

/* "- x", or "-" alone. */
static bool is_item(const struct reader *r) {
	return left(r) > 0 && r->line[0] == '-' && (left(r) == 1 || r->line[1] == ' ');
}

/* In single quotes a quote is two. */
static uint32_t single_quoted(struct cdi_tree *tree, const char **at, const char *end) {
	size_t start = tree->used, used = start;

	if ((size_t)(end - *at) + 1 > tree->size - used)
		return cdi_fail(tree, "its strings do not fit"), 0;
	for ((*at)++; *at < end; (*at)++) {
		if (**at == '\'' && (*at + 1 == end || (*at)[1] != '\'')) {
			(*at)++;
			tree->strings[used] = '\0';
			tree->used = used + 1;
			return (uint32_t)start;
		}
		*at += **at == '\'';
		tree->strings[used++] = **at;
	}
	return cdi_fail(tree, "a string has no end on its line"), 0;
}

/* Where a plain key ends: at ": ", or at ':' at the end of the line. NULL: there is none. */
static const char *plain_key(const struct reader *r) {
	for (const char *c = r->line; c < r->stop; c++)
		if (*c == ':' && (c + 1 == r->stop || c[1] == ' '))
			return c;
	return NULL;
}

/* A quoted string at line, without side effects: what is behind it; NULL: it has no end. */
static const char *behind_quotes(const struct reader *r) {
	char quote = *r->line;

	for (const char *c = r->line + 1; c < r->stop; c++) {
		bool two = *c == quote && quote == '\'' && c + 1 < r->stop && c[1] == quote;

		if (two || (*c == '\\' && quote == '"'))
			c++; /* and what is behind it */
		else if (*c == quote)
			return c + 1;
	}
	return NULL;
}

static bool is_quote(char c) {
	return c == '"' || c == '\'';
}

/* Does the line begin with a key? */
static bool has_key(const struct reader *r) {
	const char *c;

	if (left(r) == 0 || *r->line == '{' || *r->line == '[')
		return false;
	if (!is_quote(*r->line))
		return plain_key(r) != NULL;
	c = behind_quotes(r);
	return c && c < r->stop && *c == ':' && (c + 1 == r->stop || c[1] == ' ');
}

/* The value that stands on this line from here. */
static int scalar(struct reader *r, uint32_t value) {
	struct cdi_tree *tree = r->tree;
	uint32_t text;

	if (strchr("&*!|>%@`?,]}", *r->line) || is_item(r))
		return cdi_fail(tree, "this form of YAML is not read here: have the file written "
		                      "as JSON (nvidia-ctk cdi generate --format=json)");
	if (*r->line == '"' || *r->line == '{' || *r->line == '[') {
		if (cdi_flow(tree, &r->line, r->stop, value, 0) < 0)
			return -EINVAL;
	} else if (*r->line == '\'') {
		text = single_quoted(tree, &r->line, r->stop);
		tree->value[value].kind = CDI_TEXT;
		tree->value[value].text = text;
		if (!text)
			return -EINVAL;
	} else {
		if (plain_key(r))
			return cdi_fail(tree, "a mapping begins where there can be none");
		text = cdi_string(tree, r->line, left(r));
		if (!text)
			return -EINVAL;
		if (left(r) != 4 || strncmp(r->line, "null", 4) != 0) {
			tree->value[value].kind = CDI_TEXT;
			tree->value[value].text = text;
		}
		r->line = r->stop;
	}
	if (left(r))
		return cdi_fail(tree, "something stands behind a value");
	return advance(r);
}

static int block(struct reader *r, uint32_t value, unsigned depth);

/* What comes behind "key:" or "-" at indent: on the line, or below it. */
static int behind(struct reader *r, uint32_t value, unsigned indent, bool item, unsigned depth) {
	if (left(r) && !item)
		return scalar(r, value);
	if (left(r))
		return has_key(r) || is_item(r) ? block(r, value, depth + 1) : scalar(r, value);
	if (advance(r) < 0)
		return -EINVAL;
	/* A sequence may stand right below its key. */
	if (r->over || r->indent < indent || (r->indent == indent && (item || !is_item(r))))
		return 0;
	return has_key(r) || is_item(r) ? block(r, value, depth + 1) : scalar(r, value);
}

/* Goes on to the first byte behind the blanks. */
static void pass(struct reader *r, const char *to) {
	while (to < r->stop && *to == ' ')
		to++;
	r->indent += (unsigned)(to - r->line);
	r->line = to;
}

static int item(struct reader *r, uint32_t list, uint32_t *last, unsigned indent, unsigned depth) {
	uint32_t made = cdi_add(r->tree, list, last, CDI_NULL);

	if (!made)
		return -EINVAL;
	pass(r, r->line + 1);
	return behind(r, made, indent, true, depth);
}

static int entry(struct reader *r, uint32_t map, uint32_t *last, unsigned indent, unsigned depth) {
	struct cdi_tree *tree = r->tree;
	uint32_t made, key, scratch;
	const char *end;

	if (!has_key(r))
		return cdi_fail(tree, "\"name: value\" was expected");
	made = cdi_add(tree, map, last, CDI_NULL);
	if (!made)
		return -EINVAL;
	if (*r->line == '\'') {
		end = r->line;
		key = single_quoted(tree, &end, r->stop);
	} else if (*r->line == '"') {
		end = r->line;
		scratch = made; /* takes the text for a moment */
		if (cdi_flow(tree, &end, r->stop, scratch, 0) < 0)
			return -EINVAL;
		key = tree->value[made].text;
		tree->value[made].kind = CDI_NULL;
		tree->value[made].text = 0;
	} else {
		end = plain_key(r);
		key = cdi_string(tree, r->line, (size_t)(end - r->line));
	}
	if (!key || cdi_key(tree, map, made, key) < 0)
		return -EINVAL;
	pass(r, end + 1);
	return behind(r, made, indent, false, depth);
}

/* A mapping or sequence whose first line is this one. */
static int block(struct reader *r, uint32_t value, unsigned depth) {
	unsigned indent = r->indent;
	bool list = is_item(r);
	uint32_t last = 0;
	int rc = 0;

	if (depth == CDI_DEPTH_MAX)
		return cdi_fail(r->tree, "it is too deep");
	r->tree->value[value].kind = list ? CDI_LIST : CDI_MAP;
	while (rc == 0 && !r->over && r->indent == indent && is_item(r) == list)
		rc = list ? item(r, value, &last, indent, depth)
		          : entry(r, value, &last, indent, depth);
	if (rc == 0 && !r->over && r->indent > indent)
		rc = cdi_fail(r->tree, "a line is further to the right than it can be");
	return rc;
}

int cdi_yaml(struct cdi_tree *tree, const char *text, size_t size) {
	struct reader r = { .tree = tree, .at = text, .end = text + size, .next_line = 1 };
	int rc = cdi_start(tree, text, size);
	uint32_t whole = rc == 0 ? cdi_add(tree, 0, NULL, CDI_NULL) : 0;

	if (rc < 0)
		return rc;
	rc = advance(&r);
	if (rc == 0 && !r.over && left(&r) == 3 && !strncmp(r.line, "---", 3))
		rc = advance(&r);
	if (rc == 0 && !r.over && *r.line == '{') /* JSON is YAML */
		return cdi_free(tree), cdi_json(tree, text, size);
	rc = rc || r.over ? rc : block(&r, whole, 0);
	if (rc == 0 && !r.over)
		rc = cdi_fail(tree, "a line is further to the left than it can be, or a second "
		                    "document begins");
	return rc;
}
