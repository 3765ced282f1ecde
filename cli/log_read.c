/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Records, out of lines that anybody may have had a hand in: whoever can write to
 * /dev/log puts what he likes into the log. Nothing of a line is believed but what the
 * journal itself says of its sender.
 */
#define _GNU_SOURCE
#include "log.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char NAME[] = "caisson-helper";

/* ------------------------------------------------------------------ a record */

/* All of text, in decimal or behind 0x, from least to most. */
static bool number(const char *text, int64_t least, uint64_t most, uint64_t *to) {
	bool negative = *text == '-', hex = !strncmp(text, "0x", 2);
	char *end;

	if (!strchr("0123456789", text[negative]) || !text[negative])
		return false;
	*to = strtoull(text + negative, &end, hex ? 16 : 10);
	if (*end || (negative && (least >= 0 || *to > (uint64_t)-least)))
		return false;
	if (negative)
		*to = -*to;
	return negative || *to <= most;
}

/* Of what failed: the numbers that the caller was told as well. */
static bool take_failure(struct log_record *r, const char *key, const char *value) {
	static const char *const keys[] = { "stage", "knob", "error", "detail" };
	uint32_t *const to[] = { &r->stage, &r->knob, &r->error, &r->detail };
	uint64_t n;

	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		if (!strcmp(key, keys[i])) {
			if (!number(value, 0, i == 2 ? 4095 : UINT32_MAX, &n))
				return false;
			*to[i] = (uint32_t)n;
		}
	return true;
}

static bool take(struct log_record *r, const char *key, const char *value) {
	uint64_t n = 0;
	bool ok = true;

	if (!strcmp(key, "uid") && (ok = number(value, 0, UINT32_MAX, &n)))
		r->uid = (uint32_t)n;
	else if (!strcmp(key, "program"))
		snprintf(r->program, sizeof(r->program), "%s", value);
	else if (!strcmp(key, "decision"))
		snprintf(r->decision, sizeof(r->decision), "%s", value);
	else if (!strcmp(key, "record") && (ok = number(value, -1, INT32_MAX, &n)))
		r->record = (int64_t)n;
	else if (!strcmp(key, "file") && (ok = number(value, 0, 0xfff, &n)))
		r->file = (uint32_t)n;
	else if (!strcmp(key, "line") && (ok = number(value, 0, 0xfffff, &n)))
		r->line = (uint32_t)n;
	else if (!strcmp(key, "userns") && (ok = number(value, 0, INT32_MAX, &n)))
		r->userns = (int64_t)n;
	else if (!strcmp(key, "net") && (ok = number(value, 0, INT32_MAX, &n)))
		r->net = (int64_t)n;
	else if (!strcmp(key, "require"))
		ok = number(value, 0, UINT64_MAX, &r->require);
	else if (!strcmp(key, "sandbox") && (ok = number(value, 0, INT32_MAX, &n)))
		r->sandbox = (int64_t)n;
	else if (ok)
		ok = take_failure(r, key, value);
	return ok;
}

/* The next KEY=VALUE or KEY="VALUE" of text, in two pieces; false if there is none, or it is none. */
static bool next_pair(char **text, char **key, char **value) {
	char *at = *text + strspn(*text, " "), *end;

	*key = at;
	at += strspn(at, "abcdefghijklmnopqrstuvwxyz_");
	if (at == *key || *at != '=')
		return false;
	*at++ = '\0';
	*value = at + (*at == '"');
	end = *at == '"' ? strchr(*value, '"') : at + strcspn(at, " ");
	if (!end || (*at == '"' && end[1] && end[1] != ' '))
		return false;
	at = *end ? end + 1 : end;
	*end = '\0';
	*text = at;
	return true;
}

bool log_message(const char *text, struct log_record *r) {
	char copy[2048], *rest = copy, *key, *value;
	unsigned seen = 0;

	*r = (struct log_record){ .usec = -1, .record = -1, .userns = -1, .net = -1 };
	if (snprintf(copy, sizeof(copy), "%s", text) >= (int)sizeof(copy))
		return false;
	copy[strcspn(copy, "\n")] = '\0';
	while (*(rest += strspn(rest, " "))) {
		if (!next_pair(&rest, &key, &value) || !take(r, key, value))
			return false;
		seen |= !strcmp(key, "uid") ? 1u : 0;
		seen |= !strcmp(key, "program") ? 2u : 0;
		seen |= !strcmp(key, "decision") ? 4u : 0;
	}
	return seen == 7 && (!strcmp(r->decision, "allowed") || !strcmp(r->decision, "denied") ||
	                     !strcmp(r->decision, "too-many") || !strcmp(r->decision, "failed"));
}

/* --------------------------------------------------------------- the journal */

enum { MESSAGE, UID, EXE, PID, SYSLOG_PID, IDENTIFIER, TRANSPORT, TIME, FIELDS };

/* The fields that are looked at. given: they are there, once, and are text. */
struct fields {
	char text[FIELDS][4096];
	bool given[FIELDS];
};

static int field_number(const char *name) {
	static const char *const names[FIELDS] = { "MESSAGE",    "_UID",
		                                   "_EXE",       "_PID",
		                                   "SYSLOG_PID", "SYSLOG_IDENTIFIER",
		                                   "_TRANSPORT", "__REALTIME_TIMESTAMP" };

	for (int i = 0; i < FIELDS; i++)
		if (!strcmp(name, names[i]))
			return i;
	return -1;
}

static size_t utf8(unsigned code, char *to) {
	if (code == 0 || (code >= 0xd800 && code < 0xe000))
		code = '?';
	if (code < 0x80) {
		*to = (char)code;
		return 1;
	}
	if (code < 0x800) {
		to[0] = (char)(0xc0 | code >> 6);
		to[1] = (char)(0x80 | (code & 0x3f));
		return 2;
	}
	to[0] = (char)(0xe0 | code >> 12);
	to[1] = (char)(0x80 | (code >> 6 & 0x3f));
	to[2] = (char)(0x80 | (code & 0x3f));
	return 3;
}

/* The four digits behind "\u". */
static bool hex4(const char *s, unsigned *code) {
	char digits[5] = "";

	for (size_t i = 0; i < 4; i++) {
		if (!s[i] || !strchr("0123456789abcdefABCDEF", s[i]))
			return false;
		digits[i] = s[i];
	}
	*code = (unsigned)strtoul(digits, NULL, 16);
	return true;
}

/* Behind the quote at *at: the string, into to; false if it does not end, or does not fit. */
static bool json_string(const char **at, char *to, size_t size) {
	static const char from[] = "\"\\/bfnrt", into[] = "\"\\/\b\f\n\r\t";
	const char *s = *at + 1, *escape;
	size_t n = 0;
	unsigned code;

	for (; *s != '"' && n + 4 < size; s++) {
		if (*s == '\0')
			return false;
		if (*s != '\\') {
			to[n++] = *s;
		} else if (*++s == 'u') {
			if (!hex4(s + 1, &code))
				return false;
			n += utf8(code, to + n);
			s += 4;
		} else if (*s && (escape = strchr(from, *s))) {
			to[n++] = into[escape - from];
		} else {
			return false;
		}
	}
	to[n] = '\0';
	*at = s + 1;
	return *s == '"';
}

/* Something that is no string: null, a number, or an array, of bytes or of several values. */
static bool json_skip(const char **at) {
	static char waste[LOG_LINE_MAX];
	unsigned depth = 0;

	for (; **at; (*at)++) {
		if (**at == '"') {
			if (!json_string(at, waste, sizeof(waste)))
				return false;
			(*at)--;
		} else if (strchr("[{", **at)) {
			depth++;
		} else if (depth == 0 && strchr(",}", **at)) {
			return true;
		} else if (strchr("]}", **at)) {
			depth--;
		}
	}
	return false;
}

/* "NAME":VALUE, of which only text is kept. What is too long is none of ours. */
static bool json_member(const char **at, struct fields *fields) {
	static char text[LOG_LINE_MAX];
	char name[256];
	int field;

	if (**at != '"' || !json_string(at, name, sizeof(name)) || *(*at)++ != ':')
		return false;
	field = field_number(name);
	if (**at != '"')
		return json_skip(at);
	if (!json_string(at, text, sizeof(text)))
		return false;
	if (field < 0)
		return true;
	if (fields->given[field]) /* twice: the journal never does that */
		return false;
	fields->given[field] = strlen(text) < sizeof(fields->text[0]);
	if (fields->given[field])
		strcpy(fields->text[field], text);
	return true;
}

static bool json_object(const char *line, struct fields *fields) {
	memset(fields->given, 0, sizeof(fields->given));
	if (*line != '{')
		return false;
	do {
		line++;
		if (!json_member(&line, fields))
			return false;
	} while (*line == ',');
	return *line == '}';
}

static bool is(const struct fields *fields, int field, const char *text) {
	return fields->given[field] && !strcmp(fields->text[field], text);
}

/*
 * The kernel told the journal the sender's uid and pid; by the pid it found out the
 * program, unless the sender had ended by then.
 */
static bool sent_by(const struct fields *f, const char *helper) {
	size_t n = strlen(helper);
	bool same =
		!f->given[EXE] || (!strncmp(f->text[EXE], helper, n) &&
	                           (!f->text[EXE][n] || !strcmp(f->text[EXE] + n, " (deleted)")));

	return is(f, UID, "0") && is(f, TRANSPORT, "syslog") && f->given[PID] && same &&
	       is(f, SYSLOG_PID, f->text[PID]);
}

enum log_kind log_journal_line(const char *line, const char *helper, struct log_record *r) {
	static struct fields f;
	uint64_t n;

	if (!json_object(line, &f) || !is(&f, IDENTIFIER, NAME))
		return LOG_OTHER;
	if (!sent_by(&f, helper))
		return LOG_FORGED;
	if (!f.given[MESSAGE] || !log_message(f.text[MESSAGE], r))
		return LOG_OTHER;
	r->verified = true;
	if (number(f.text[PID], 0, INT32_MAX, &n))
		r->helper = (uint32_t)n;
	if (f.given[TIME] && number(f.text[TIME], 0, INT64_MAX, &n))
		r->usec = (int64_t)n;
	return LOG_RECORD;
}

/* -------------------------------------------------------------------- a file */

/*
 * "TIME HOST caisson-helper[PID]: ...", where TIME is one word with a digit first or three,
 * and busybox has "authpriv.LEVEL" behind the host. Deeper in the line the name is text.
 */
enum log_kind log_file_line(const char *line, struct log_record *r) {
	unsigned words = *line >= '0' && *line <= '9' ? 1 : 3;
	const char *at = line, *time_end = line;
	unsigned long pid;
	char *end;

	for (unsigned i = 0; i < words + 1; i++) {
		at += strcspn(at, " ");
		time_end = i + 1 == words ? at : time_end;
		at += strspn(at, " ");
	}
	if (!strncmp(at, "authpriv.", 9)) {
		at += strcspn(at, " ");
		at += strspn(at, " ");
	}
	if (strncmp(at, NAME, sizeof(NAME) - 1) != 0)
		return LOG_OTHER;
	at += sizeof(NAME) - 1;
	if (*at != '[' || at[1] < '0' || at[1] > '9')
		return LOG_OTHER;
	pid = strtoul(at + 1, &end, 10);
	if (pid > INT32_MAX || end[0] != ']' || end[1] != ':')
		return LOG_OTHER;
	if (!log_message(end + 2, r))
		return LOG_FORGED;
	r->helper = (uint32_t)pid;
	snprintf(r->time, sizeof(r->time), "%.*s", (int)(time_end - line), line);
	return LOG_RECORD;
}
