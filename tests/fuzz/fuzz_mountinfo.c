/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The reader of mountinfo under libFuzzer. Users choose the paths in it; the
 * kernel escapes them, and this does not count on that.
 */
#include <assert.h>
#include <stdlib.h>

#include "helper/mounts.c" /* for parse(), which nothing else may reach */

struct caisson_answer at;
long last_call;

/* Not reached: parse() only says no. */
int must(long result) {
	(void)result;
	abort();
}

_Noreturn void fail(int error, uint32_t knob, uint32_t detail) {
	(void)error;
	(void)knob;
	(void)detail;
	abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
	char *text = malloc(size + 1), *rest = text;
	size_t seen = 0;

	if (!text)
		return 0;
	memcpy(text, data, size);
	text[size] = '\0';
	while (rest && *rest) {
		struct mount m;

		if (!parse(strsep(&rest, "\n"), &m))
			break;
		assert(m.id > 0 && m.point && m.fstype);
		seen += strlen(m.point) + strlen(m.fstype);
	}
	assert(seen <= size);
	free(text);
	return 0;
}
