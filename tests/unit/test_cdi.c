/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The readers of CDI's files: what they take, what they refuse, and that JSON and YAML say the same. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "cdi.h"

typedef int (*reader)(struct cdi_tree *, const char *, size_t);

/* {"a": [x, null]} as {a=[x,~]}. */
static void dump(FILE *out, const struct cdi_tree *tree, uint32_t value) {
	const struct cdi_value *v = &tree->value[value];

	if (v->kind == CDI_TEXT)
		fputs(tree->strings + v->text, out);
	else if (v->kind == CDI_NULL)
		fputc('~', out);
	else
		fputc(v->kind == CDI_MAP ? '{' : '[', out);
	for (uint32_t i = v->child; i; i = tree->value[i].next) {
		if (i != v->child)
			fputc(',', out);
		if (v->kind == CDI_MAP)
			fprintf(out, "%s=", tree->strings + tree->value[i].key);
		dump(out, tree, i);
	}
	if (v->kind == CDI_MAP || v->kind == CDI_LIST)
		fputc(v->kind == CDI_MAP ? '}' : ']', out);
}

/* "line N: why" for what is refused. The text lies at the end of its memory, for sanitizers. */
static char *read_text(reader read, const char *text, size_t size) {
	char *copy = malloc(size ? size : 1), *got = NULL;
	struct cdi_tree tree;
	size_t n;
	FILE *out = open_memstream(&got, &n);

	cr_assert(copy && out);
	memcpy(copy, text, size);
	if (read(&tree, copy, size) == 0)
		dump(out, &tree, 1);
	else
		fprintf(out, "line %u: %s", tree.line, tree.why ? tree.why : "?");
	fclose(out);
	cdi_free(&tree);
	free(copy);
	return got;
}

static void expect(reader read, const char *text, const char *wanted) {
	char *got = read_text(read, text, strlen(text));

	cr_expect(!strncmp(got, wanted, strlen(wanted)) &&
	                  (!strncmp(wanted, "line ", 5) || !strcmp(got, wanted)),
	          "%s\n--- comes to %s\n--- instead of %s", text, got, wanted);
	free(got);
}

static const char *const json[][2] = {
	{ "{}", "{}" },
	{ " [ ] \n", "[]" },
	{ "{\"a\":1,\"b\":[true,null,\"x\"],\"c\":{\"d\":-1.5e3}}",
	  "{a=1,b=[true,~,x],c={d=-1.5e3}}" },
	{ "\"\\u00e9\\u20ac\\n\\/\\\"\\\\\"", "\xc3\xa9\xe2\x82\xac\n/\"\\" },
	{ "", "line 1: a value was expected" },
	{ "{", "line 1: a member's name" },
	{ "{\"a\"}", "line 1: ':' was expected" },
	{ "{\"a\":1,}", "line 1: a member's name" },
	{ "[1 2]", "line 1: ',' was expected" },
	{ "[1,\n2,\n}", "line 3: a value was expected" },
	{ "{}\n{}", "line 2: something stands behind" },
	{ "\"a", "line 1: a string has no end" },
	{ "\"a\\", "line 1: a string has no end" },
	{ "\"a\nb\"", "line 1: a string has a control" },
	{ "\"\\x41\"", "line 1: a string has an escape" },
	{ "\"\\u0000\"", "line 1: a string has an escape" },
	{ "\"\\ud800\"", "line 1: a string has an escape" },
	{ "\"\\u00", "line 1: a string has an escape" },
	{ "{\"a\":1,\"a\":2}", "line 1: a mapping has the same member twice" },
	{ "'a'", "line 1: a value was expected" },
	{ "[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]", "line 1: it is too deep" },
	{ "[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]", "[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]" },
};

static const char *const yaml[][2] = {
	{ "", "~" },
	{ "# nothing\n\n", "~" },
	{ "a: 1", "{a=1}" },
	{ "---\na: 1\n", "{a=1}" },
	{ "a:\n- x\n- y\nb: z\n", "{a=[x,y],b=z}" },
	{ "a:\n  - x\n  - y\nb:\n", "{a=[x,y],b=~}" },
	{ "- a: 1\n  b: 2\n- a: 3\n-\n- - 4\n  - 5\n", "[{a=1,b=2},{a=3},~,[4,5]]" },
	{ "-   a: 1\n    b:\n      c: d # no\n- '#e'\n", "[{a=1,b={c=d}},#e]" },
	{ "a: \"x: \\\"y\\\" # z\"\n'b c': 'it''s'\n\"d\": e#f\n",
	  "{a=x: \"y\" # z,b c=it's,d=e#f}" },
	{ "a: []\nb: {}\nc: [ro, \"no suid\"]\nd: {\"e\": 1}\n",
	  "{a=[],b={},c=[ro,no suid],d={e=1}}" },
	{ "- --link\n- libcuda.so.1::/usr/lib/libcuda.so\n",
	  "[--link,libcuda.so.1::/usr/lib/libcuda.so]" },
	{ "a: null\r\nb: ''\r\n", "{a=~,b=}" },
	{ "{\"a\": [1,\n 2]}", "{a=[1,2]}" },
	{ "a:\n  b:\n  c: 1\n", "{a={b=~,c=1}}" },
	{ "a: &x 1\n", "line 1: this form of YAML" },
	{ "a: *x\n", "line 1: this form of YAML" },
	{ "a: |\n  text\n", "line 1: this form of YAML" },
	{ "a: !!int 1\n", "line 1: this form of YAML" },
	{ "a: - b\n", "line 1: this form of YAML" },
	{ "? a\n: b\n", "line 1: \"name: value\" was expected" },
	{ "a: 1\n\tb: 2\n", "line 2: there is a tab" },
	{ "a: 1\n  b: 2\n", "line 2: a line is further to the right" },
	{ "  a: 1\nb: 2\n", "line 2: a line is further to the left" },
	{ "a: 1\n---\nb: 2\n", "line 2: \"name: value\" was expected" },
	{ "a: 1\na: 2\n", "line 2: a mapping has the same member twice" },
	{ "a: 1\n- b\n", "line 2: a line is further to the left" },
	{ "- a\nb: 1\n", "line 2: a line is further to the left" },
	{ "a: b: c\n", "line 1: a mapping begins" },
	{ "a: \"b\" c\n", "line 1: something stands behind a value" },
	{ "a: \"b\n", "line 1: a string has no end" },
	{ "a: 'b\n", "line 1: a string has no end" },
	{ "a: [1,\n 2]\n", "line 1: a value was expected" },
	{ "just text\n", "line 1: \"name: value\" was expected" },
	{ "- - - - - - - - - - - - - - - - - x\n", "line 1: it is too deep" },
};

Test(cdi, json) {
	for (size_t i = 0; i < sizeof(json) / sizeof(json[0]); i++)
		expect(cdi_json, json[i][0], json[i][1]);
}

Test(cdi, yaml) {
	for (size_t i = 0; i < sizeof(yaml) / sizeof(yaml[0]); i++)
		expect(cdi_yaml, yaml[i][0], yaml[i][1]);
}

/* JSON is YAML, read by either. */
Test(cdi, both) {
	for (size_t i = 0; i < sizeof(json) / sizeof(json[0]); i++)
		if (json[i][0][0] == '{' && json[i][1][0] == '{')
			expect(cdi_yaml, json[i][0], json[i][1]);
}

Test(cdi, zero_bytes) {
	for (int i = 0; i < 2; i++) {
		char *got = read_text(i ? cdi_yaml : cdi_json, "{\"a\": \"b\0c\"}", 12);

		cr_expect(strstr(got, "zero byte"), "%s", got);
		free(got);
	}
}

/* Cut off and changed at every byte, both are read to an end or refused. */
Test(cdi, every_cut_and_every_change) {
	static const char with[] = "{}[]:,-\"' \n#&\\u0";
	static const char *const texts[] = { "{\"a\":[1,{\"b\":\"\\u00e9\"}],\"c\":null}",
		                             "a:\n- b: 'c'\n  d: \"e\"\n- [f, g]\nh: # i\n  j\n" };
	unsigned read = 0;

	for (int t = 0; t < 2; t++)
		for (size_t at = 0; at < strlen(texts[t]); at++) {
			char copy[128], *got;

			strcpy(copy, texts[t]);
			got = read_text(t ? cdi_yaml : cdi_json, copy, at);
			free(got);
			for (const char *c = with; *c; c++, read++) {
				copy[at] = *c;
				got = read_text(t ? cdi_yaml : cdi_json, copy, strlen(copy));
				cr_expect(got[0]);
				free(got);
			}
		}
	cr_expect_gt(read, 1000);
}

Test(cdi, bounds) {
	size_t size = CDI_FILE_MAX + 1;
	char *text = malloc(size), *got;
	size_t at = 0;

	cr_assert_not_null(text);
	memset(text, ' ', size);
	got = read_text(cdi_json, text, size);
	cr_expect_str_eq(got, "line 1: it is over 1 MiB");
	free(got);
	text[at++] = '[';
	while (at + 3 < size - 1) {
		text[at++] = '1';
		text[at++] = ',';
	}
	got = read_text(cdi_json, text, at);
	cr_expect_str_eq(got, "line 1: it has too many values");
	free(got);
	at = 1;
	text[0] = '{';
	for (int i = 0; i < 600; i++)
		at += (size_t)sprintf(text + at, "\"k%d\":1,", i);
	got = read_text(cdi_json, text, at);
	cr_expect_str_eq(got, "line 1: a mapping has too many members");
	free(got);
	free(text);
}
