/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The reader of the system's log, which root runs over lines that anybody can write, under
 * libFuzzer: a line of journalctl's JSON and one of a syslog daemon's file.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "cli/log.h"

static void check(const struct log_record *r) {
	assert(memchr(r->program, 0, sizeof(r->program)) && memchr(r->time, 0, sizeof(r->time)));
	assert(!strcmp(r->decision, "allowed") || !strcmp(r->decision, "denied") ||
	       !strcmp(r->decision, "too-many") || !strcmp(r->decision, "failed"));
	assert(r->file <= 0xfff && r->line <= 0xfffff && r->record >= -1 && r->sandbox >= 0);
	assert(r->userns >= -1 && r->net >= -1);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
	char *line = malloc(size + 1); /* of just that size: whatever is read behind it is seen */
	struct log_record r;

	if (!line)
		return 0;
	memcpy(line, data, size);
	line[size] = '\0';
	if (log_journal_line(line, "/h", &r) == LOG_RECORD) {
		check(&r);
		assert(r.verified);
	}
	if (log_file_line(line, &r) == LOG_RECORD) {
		check(&r);
		assert(!r.verified && r.usec == -1);
	}
	free(line);
	return 0;
}
