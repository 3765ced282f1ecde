/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The readers of /etc/passwd, /etc/subuid and /etc/subgid under libFuzzer. Root
 * writes these files, but with tools that copy what users may choose.
 *
 * Input: the caller's uid, the two ids asked for (32 bits each); the three files,
 * with a byte 0 between them.
 */
#include <assert.h>
#include <setjmp.h>
#include <stdlib.h>

#include "helper/helper.h"

struct caisson_answer at;
struct mounts mounts;
long last_call;
static jmp_buf out;
static const char *texts[3];
static bool gone[3];

_Noreturn void fail(int error, uint32_t knob, uint32_t detail) {
	assert(error == EACCES && knob == CAISSON_KNOB_SUBIDS && detail <= 1);
	longjmp(out, 1);
}

ssize_t read_text(int dir, const char *name) {
	int which = !strcmp(name, "/etc/passwd") ? 0 : !strcmp(name, "/etc/subuid") ? 1 : 2;

	assert(dir == AT_FDCWD);
	if (gone[which])
		return -1;
	strcpy(mounts.text, texts[which]);
	return (ssize_t)strlen(texts[which]);
}

#include "helper/subid.c"

/* The same by another way: is there any line that grants id, to whomever? */
static bool anybody(const char *text, uint32_t id) {
	unsigned long long first, count;

	for (const char *line = text; line; line = strchr(line, '\n'), line += !!line) {
		const char *colon = strchr(line, ':');

		if (colon && sscanf(colon, ":%llu:%llu", &first, &count) == 2 && first <= id &&
		    id - first < count)
			return true;
	}
	return false;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
	char *text = malloc(size + 1), *at_text = text;
	uint32_t id[3];

	if (!text)
		return 0;
	if (size >= sizeof(id)) {
		memcpy(id, data, sizeof(id));
		memcpy(text, data + sizeof(id), size - sizeof(id));
		text[size - sizeof(id)] = '\0';
		for (int i = 0; i < 3; i++) {
			gone[i] = at_text > text + size - sizeof(id);
			texts[i] = gone[i] ? "" : at_text;
			at_text += strlen(texts[i]) + 1;
		}
		if (setjmp(out) == 0) {
			subid_check(id[0], (struct ids){ id[1], id[2] });
			assert(id[1] && id[2]);
			assert(anybody(texts[1], id[1]) && anybody(texts[2], id[2]));
		}
	}
	free(text);
	return 0;
}
