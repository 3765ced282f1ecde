/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The text forms that the command line takes and gives. */
#define _GNU_SOURCE
#include <criterion/criterion.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "options.h"

Test(cli_split, forms) {
	static const struct {
		const char *text, *left, *right;
	} cases[] = {
		{ "a", "a", NULL },       { "a:b", "a", "b" },       { "a:", "a", "" },
		{ ":", "", "" },          { "a\\:b:c", "a:b", "c" }, { "a\\\\:b", "a\\", "b" },
		{ "a:b:c", "a", "b:c" },  { "a:b\\:c", "a", "b:c" }, { "\\", "\\", NULL },
		{ "a\\x", "a\\x", NULL }, { "", "", NULL },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char *left, *right;

		cr_assert_eq(cli_split(cases[i].text, &left, &right), 0);
		cr_expect_str_eq(left, cases[i].left, "%s", cases[i].text);
		cr_expect((right == NULL) == (cases[i].right == NULL), "%s", cases[i].text);
		if (right && cases[i].right)
			cr_expect_str_eq(right, cases[i].right, "%s", cases[i].text);
		free(left);
		free(right);
	}
}

Test(cli_fields, forms) {
	static const struct {
		const char *text, *field[3];
	} cases[] = {
		{ "a", { "a", NULL, NULL } },
		{ "a:b", { "a", "b", NULL } },
		{ "a:b:c", { "a", "b", "c" } },
		{ "a:b:c:d", { "a", "b", "c:d" } },
		{ "a\\:b:c\\\\:d\\:", { "a:b", "c\\", "d:" } },
		{ "::", { "", "", "" } },
		{ "", { "", NULL, NULL } },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char *field[3];

		cr_assert_eq(cli_fields(cases[i].text, field, 3), 0);
		for (int j = 0; j < 3; j++) {
			cr_expect(!field[j] == !cases[i].field[j], "%s", cases[i].text);
			if (field[j] && cases[i].field[j])
				cr_expect_str_eq(field[j], cases[i].field[j], "%s", cases[i].text);
		}
		free(field[0]);
	}
}

Test(cli_number, numbers) {
	static const struct {
		const char *text;
		int result;
		uint64_t number;
	} cases[] = {
		{ "0", 0, 0 },
		{ "1000", 0, 1000 },
		{ "4294967294", 0, 4294967294 },
		{ "4294967295", -ERANGE, 0 },
		{ "18446744073709551616", -ERANGE, 0 },
		{ "", -EINVAL, 0 },
		{ "-1", -EINVAL, 0 },
		{ "+1", -EINVAL, 0 },
		{ " 1", -EINVAL, 0 },
		{ "1 ", -EINVAL, 0 },
		{ "0x1", -EINVAL, 0 },
		{ "root", -EINVAL, 0 },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		uint64_t number = 7;
		int rc = cli_number(cases[i].text, 4294967294, &number);

		cr_expect_eq(rc, cases[i].result, "%s", cases[i].text);
		cr_expect_eq(number, rc == 0 ? cases[i].number : 7, "%s", cases[i].text);
	}
}

Test(cli_mode, modes) {
	static const struct {
		const char *text;
		int result;
		unsigned mode;
	} cases[] = {
		{ "0", 0, 0 },           { "644", 0, 0644 },
		{ "0644", 0, 0644 },     { "00000755", 0, 0755 },
		{ "777", 0, 0777 },      { "1777", -ERANGE, 0 },
		{ "4755", -ERANGE, 0 },  { "888", -EINVAL, 0 },
		{ "", -EINVAL, 0 },      { "-1", -EINVAL, 0 },
		{ "0o644", -EINVAL, 0 }, { "40000000000000000644", -ERANGE, 0 },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		unsigned mode = 07;
		int rc = cli_mode(cases[i].text, 0777, &mode);

		cr_expect_eq(rc, cases[i].result, "%s", cases[i].text);
		cr_expect_eq(mode, rc == 0 ? cases[i].mode : 07, "%s", cases[i].text);
	}
}

Test(cli_size, sizes) {
	static const struct {
		const char *text;
		int result;
		uint64_t bytes;
	} cases[] = {
		{ "0", 0, 0 },
		{ "4096", 0, 4096 },
		{ "64K", 0, 65536 },
		{ "2G", 0, 2ull << 30 },
		{ "18446744073709551615", 0, UINT64_MAX },
		{ "18446744073709551616", -ERANGE, 0 },
		{ "18014398509481983K", 0, UINT64_MAX - 1023 },
		{ "18014398509481984K", -ERANGE, 0 },
		{ "", -EINVAL, 0 },
		{ "-1", -EINVAL, 0 },
		{ " 1", -EINVAL, 0 },
		{ "1k", -EINVAL, 0 },
		{ "1KK", -EINVAL, 0 },
		{ "1T", -EINVAL, 0 },
		{ "K", -EINVAL, 0 },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		uint64_t bytes = 0;

		cr_expect_eq(cli_size(cases[i].text, &bytes), cases[i].result, "%s", cases[i].text);
		if (cases[i].result == 0)
			cr_expect_eq(bytes, cases[i].bytes, "%s", cases[i].text);
	}
}

Test(cli_json_string, bytes) {
	static const struct {
		const char *text, *json;
	} cases[] = {
		{ "", "\"\"" },
		{ "a\"\\", "\"a\\\"\\\\\"" },
		{ "\n\x1f\x7f", "\"\\u000a\\u001f\\u007f\"" },
		{ "\xc3\xa9", "\"\xc3\xa9\"" },
		{ "\xf0\x9f\x98\x80", "\"\xf0\x9f\x98\x80\"" },
		{ "\xff", "\"\\ufffd\"" },
		{ "\xc3", "\"\\ufffd\"" },                       /* cut short */
		{ "\xc0\xaf", "\"\\ufffd\\ufffd\"" },            /* overlong */
		{ "\xed\xa0\x80", "\"\\ufffd\\ufffd\\ufffd\"" }, /* a surrogate */
		{ "\xf4\x90\x80\x80", "\"\\ufffd\\ufffd\\ufffd\\ufffd\"" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char *made = NULL;
		size_t size;
		FILE *out = open_memstream(&made, &size);

		cr_assert(out != NULL);
		cli_json_string(out, cases[i].text);
		fclose(out);
		cr_expect_str_eq(made, cases[i].json);
		free(made);
	}
}
