/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Records of caisson-helper's, out of lines that anybody may have written. */
#define _GNU_SOURCE
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "log.h"

#define HELPER "/usr/libexec/caisson/caisson-helper"
#define TEXT                                                                                       \
	"uid=1000 program=\"/usr/bin/caisson\" decision=denied record=3 file=3 line=12 userns=0 "  \
	"net=2 require=0x7bffe sandbox=0"

Test(log, a_message) {
	struct log_record r;

	cr_assert(log_message(TEXT, &r));
	cr_expect_eq(r.uid, 1000);
	cr_expect_str_eq(r.program, "/usr/bin/caisson");
	cr_expect_str_eq(r.decision, "denied");
	cr_expect_eq(r.record, 3);
	cr_expect_eq(r.file, 3);
	cr_expect_eq(r.line, 12);
	cr_expect_eq(r.userns, 0);
	cr_expect_eq(r.net, 2);
	cr_expect_eq(r.require, 0x7bffe);
	cr_expect_eq(r.sandbox, 0);
	cr_expect_not(r.verified);
	cr_expect_eq(r.usec, -1);
}

static const struct {
	const char *text;
	bool good;
} messages[] = {
	{ "uid=1 program=\"/a\" decision=allowed", true },
	{ "uid=1 program=\"/a\" decision=allowed\n", true },
	{ "uid=1 program=\"/a\" decision=too-many", true },
	{ "uid=1 program=\"/a\" decision=failed stage=2 knob=9 error=22 detail=1", true },
	{ "uid=1 program=\"/a\" decision=failed error=4096", false },
	{ "uid=1 program=\"/a\" decision=failed knob=-1", false },
	{ "uid=4294967295 program=\"\" decision=allowed record=-1", true },
	{ "uid=1 program=\"/a b\" decision=allowed later=\"x y\" more=1", true },
	{ "", false },
	{ "uid=1", false },
	{ "uid=1 program=\"/a\"", false },
	{ "uid=1 decision=allowed", false },
	{ "program=\"/a\" decision=allowed", false },
	{ "uid=4294967296 program=\"/a\" decision=allowed", false },
	{ "uid=-1 program=\"/a\" decision=allowed", false },
	{ "uid=+1 program=\"/a\" decision=allowed", false },
	{ "uid= program=\"/a\" decision=allowed", false },
	{ "uid=0x program=\"/a\" decision=allowed", false },
	{ "uid=1x program=\"/a\" decision=allowed", false },
	{ "uid=1 program=\"/a decision=allowed", false },
	{ "uid=1 program=\"/a\"x decision=allowed", false },
	{ "uid=1 program=\"/a\" decision=perhaps", false },
	{ "uid=1 program=\"/a\" decision=allowed record=-2", false },
	{ "uid=1 program=\"/a\" decision=allowed line=1048576", false },
	{ "uid=1 program=\"/a\" decision=allowed file=4096", false },
	{ "uid=1 program=\"/a\" decision=allowed word", false },
	{ "uid=1 program=\"/a\" decision=allowed UID=5", false },
	{ "=1 uid=1 program=\"/a\" decision=allowed", false },
};

Test(log, which_messages_are_records) {
	struct log_record r;

	for (size_t i = 0; i < sizeof(messages) / sizeof(messages[0]); i++)
		cr_expect_eq(log_message(messages[i].text, &r), messages[i].good, "%s",
		             messages[i].text);
}

Test(log, a_long_message_is_none) {
	struct log_record r;
	char text[4096];

	memset(text, 'a', sizeof(text));
	memcpy(text, TEXT " x=", sizeof(TEXT " x=") - 1);
	text[sizeof(text) - 1] = '\0';
	cr_expect_not(log_message(text, &r));
}

#define JSON_TEXT                                                                                  \
	"uid=1000 program=\\\"/usr/bin/caisson\\\" decision=allowed record=-1 file=0 line=0 "      \
	"userns=0 net=0 require=0 sandbox=77"
#define SENT                                                                                       \
	"\"_TRANSPORT\":\"syslog\",\"_PID\":\"50\",\"SYSLOG_PID\":\"50\",\"MESSAGE\":\"" JSON_TEXT \
	"\",\"SYSLOG_IDENTIFIER\":\"caisson-helper\",\"__REALTIME_TIMESTAMP\":"                    \
	"\"1700000000123456\""

static const struct {
	const char *line;
	enum log_kind kind;
} journal[] = {
	{ "{\"_UID\":\"0\"," SENT "}", LOG_RECORD },
	{ "{\"_UID\":\"0\",\"_EXE\":\"" HELPER "\"," SENT "}", LOG_RECORD },
	{ "{\"_UID\":\"0\",\"_EXE\":\"" HELPER " (deleted)\"," SENT "}", LOG_RECORD },
	{ "{\"X\":null,\"Y\":[1,[\"]\"],{\"a\":\"}\"}],\"Z\":-1.5,\"_UID\":\"0\"," SENT "}",
	  LOG_RECORD },
	{ "{\"X\":\"\\u00e4\\n\\\\\\\"\",\"_UID\":\"0\"," SENT "}", LOG_RECORD },
	/* sent by somebody else */
	{ "{\"_UID\":\"1000\"," SENT "}", LOG_FORGED },
	{ "{\"_UID\":\"00\"," SENT "}", LOG_FORGED },
	{ "{" SENT "}", LOG_FORGED },
	{ "{\"_UID\":0," SENT "}", LOG_FORGED },
	{ "{\"_UID\":[\"0\",\"1000\"]," SENT "}", LOG_FORGED },
	{ "{\"_UID\":\"0\",\"_EXE\":\"/usr/bin/logger\"," SENT "}", LOG_FORGED },
	{ "{\"_UID\":\"0\",\"_EXE\":\"" HELPER "2\"," SENT "}", LOG_FORGED },
	{ "{\"_UID\":\"0\",\"_TRANSPORT\":\"journal\",\"_PID\":\"5\",\"SYSLOG_PID\":\"5\","
	  "\"MESSAGE\":\"" JSON_TEXT "\",\"SYSLOG_IDENTIFIER\":\"caisson-helper\"}",
	  LOG_FORGED },
	{ "{\"_UID\":\"0\",\"_TRANSPORT\":\"syslog\",\"_PID\":\"5\",\"SYSLOG_PID\":\"6\","
	  "\"MESSAGE\":\"" JSON_TEXT "\",\"SYSLOG_IDENTIFIER\":\"caisson-helper\"}",
	  LOG_FORGED },
	{ "{\"_UID\":\"0\",\"_TRANSPORT\":\"syslog\",\"_PID\":\"5\","
	  "\"MESSAGE\":\"" JSON_TEXT "\",\"SYSLOG_IDENTIFIER\":\"caisson-helper\"}",
	  LOG_FORGED },
	/* the text of a field is no field */
	{ "{\"_UID\":\"1000\",\"X\":\"\\\",\\\"_UID\\\":\\\"0\"," SENT "}", LOG_FORGED },
	/* the same field again */
	{ "{\"_UID\":\"1000\",\"_UID\":\"0\"," SENT "}", LOG_OTHER },
	/* not about sandboxes, or no JSON */
	{ "{\"_UID\":\"0\",\"SYSLOG_IDENTIFIER\":\"sshd\",\"MESSAGE\":\"x\"}", LOG_OTHER },
	{ "{\"_UID\":\"0\"," SENT, LOG_OTHER },
	{ "{\"_UID\":\"0\" " SENT "}", LOG_OTHER },
	{ "{\"_UID", LOG_OTHER },
	{ "{\"_UID\":\"0\\", LOG_OTHER },
	{ "{\"_UID\":\"\\u00", LOG_OTHER },
	{ "{\"_UID\":\"\\x\"}", LOG_OTHER },
	{ "{\"_UID\":", LOG_OTHER },
	{ "{\"X\":[[\"\"", LOG_OTHER },
	{ "{}", LOG_OTHER },
	{ "", LOG_OTHER },
	{ "uid=1", LOG_OTHER },
};

Test(log, whose_lines_of_the_journal_are_believed) {
	struct log_record r;

	for (size_t i = 0; i < sizeof(journal) / sizeof(journal[0]); i++)
		cr_expect_eq(log_journal_line(journal[i].line, HELPER, &r), journal[i].kind, "%s",
		             journal[i].line);
}

Test(log, what_the_journal_adds) {
	struct log_record r;

	cr_assert_eq(log_journal_line(journal[0].line, HELPER, &r), LOG_RECORD);
	cr_expect(r.verified);
	cr_expect_eq(r.helper, 50);
	cr_expect_eq(r.usec, 1700000000123456);
	cr_expect_eq(r.sandbox, 77);
	cr_expect_eq(r.record, -1);
}

/* Whatever is cut off anywhere, nothing is read behind its end, and it is no record. */
Test(log, cut_off_lines) {
	const char *whole = journal[3].line;
	struct log_record r;

	for (size_t n = 0; n < strlen(whole); n++) {
		char *cut = strndup(whole, n); /* of just that size, for the sanitizer */

		cr_expect_eq(log_journal_line(cut, HELPER, &r), LOG_OTHER, "%s", cut);
		free(cut);
	}
}

static const struct {
	const char *line;
	enum log_kind kind;
	const char *time;
} files[] = {
	{ "Nov 24 12:00:00 host caisson-helper[12]: " TEXT, LOG_RECORD, "Nov 24 12:00:00" },
	{ "Nov  4 12:00:00 host caisson-helper[12]: " TEXT, LOG_RECORD, "Nov  4 12:00:00" },
	{ "2026-11-24T12:00:00.123456+01:00 host caisson-helper[12]: " TEXT, LOG_RECORD,
	  "2026-11-24T12:00:00.123456+01:00" },
	{ "Nov 24 12:00:00 host authpriv.notice caisson-helper[12]: " TEXT, LOG_RECORD,
	  "Nov 24 12:00:00" },
	{ "Nov 24 12:00:00 host caisson-helper[12]: nonsense", LOG_FORGED, NULL },
	{ "Nov 24 12:00:00 host caisson-helper[12]:", LOG_FORGED, NULL },
	{ "Nov 24 12:00:00 host caisson-helper: " TEXT, LOG_OTHER, NULL },
	{ "Nov 24 12:00:00 host caisson-helper[]: " TEXT, LOG_OTHER, NULL },
	{ "Nov 24 12:00:00 host caisson-helper[12] " TEXT, LOG_OTHER, NULL },
	{ "Nov 24 12:00:00 host evil: caisson-helper[12]: " TEXT, LOG_OTHER, NULL },
	{ "Nov 24 12:00:00 host x caisson-helper[12]: " TEXT, LOG_OTHER, NULL },
	{ "caisson-helper[12]: " TEXT, LOG_OTHER, NULL },
	{ "Nov 24", LOG_OTHER, NULL },
	{ "2026", LOG_OTHER, NULL },
	{ "", LOG_OTHER, NULL },
};

Test(log, lines_of_a_file) {
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		struct log_record r;
		enum log_kind kind = log_file_line(files[i].line, &r);

		cr_expect_eq(kind, files[i].kind, "%s", files[i].line);
		if (kind == LOG_RECORD && files[i].time) {
			cr_expect_str_eq(r.time, files[i].time);
			cr_expect_not(r.verified, "a file does not say who wrote to it");
			cr_expect_eq(r.helper, 12);
		}
	}
}
