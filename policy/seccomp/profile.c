/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Reads profiles/: one statement a line; docs/seccomp.md describes them. */
#define _GNU_SOURCE
#include "reader.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#define LINE_MAX_LENGTH 512
#define DEPTH 4

static const struct {
	const char *name;
	unsigned value;
} errnos[] = {
	{ "EPERM", EPERM },
	{ "EACCES", EACCES },
	{ "EINVAL", EINVAL },
	{ "ENOSYS", ENOSYS },
	{ "ENOTTY", ENOTTY },
	{ "EISCONN", EISCONN },
	{ "EOPNOTSUPP", EOPNOTSUPP },
	{ "ENOPROTOOPT", ENOPROTOOPT },
	{ "EAFNOSUPPORT", EAFNOSUPPORT },
	{ "EPROTONOSUPPORT", EPROTONOSUPPORT },
	{ "ESOCKTNOSUPPORT", ESOCKTNOSUPPORT },
};
#define ERRNOS (sizeof(errnos) / sizeof(errnos[0]))

const char *profile_errno_name(unsigned error) {
	for (size_t i = 0; i < ERRNOS; i++)
		if (errnos[i].value == error)
			return errnos[i].name;
	return NULL;
}

int complain(struct reader *r, const char *fmt, ...) {
	char *text = NULL;
	va_list ap;

	va_start(ap, fmt);
	if (vasprintf(&text, fmt, ap) < 0)
		text = NULL;
	va_end(ap);
	fprintf(r->complaints, "%s/%s.conf:%u: %s\n", r->dir, r->file, r->line,
	        text ? text : "out of memory");
	free(text);
	return -1;
}

/* ------------------------------------------------------------- small pieces */

int is_name(const char *word) {
	return strlen(word) < FLOOR_WORD;
}

static int number(const char *text, uint32_t *value) {
	unsigned long long n;
	char *end;

	if (text[0] < '0' || text[0] > '9')
		return -1;
	errno = 0;
	n = strtoull(text, &end, 0);
	if (*end || errno || n > UINT32_MAX)
		return -1;
	*value = (uint32_t)n;
	return 0;
}

/* Numbers and names, joined by '|'. */
int read_value(struct reader *r, char *word, uint32_t *to) {
	char *save = NULL;

	*to = 0;
	for (char *part = strtok_r(word, "|", &save); part; part = strtok_r(NULL, "|", &save)) {
		uint32_t one = 0;
		unsigned i = 0;

		while (i < r->lets && strcmp(r->let[i].name, part) != 0)
			i++;
		if (i < r->lets)
			one = r->let[i].value;
		else if (number(part, &one) < 0)
			return complain(r, "%s is neither a number nor a name that was let", part);
		*to |= one;
	}
	return 0;
}

int read_answer(const char *word, unsigned *verdict) {
	*verdict = FLOOR_ALLOW;
	if (strcmp(word, "allow") == 0)
		return 0;
	for (size_t i = 0; i < ERRNOS; i++)
		if (strcmp(word, errnos[i].name) == 0) {
			*verdict = errnos[i].value;
			return 0;
		}
	return -1;
}

/* -------------------------------------------------------------------- calls */

static int say(struct reader *r, const char *call, unsigned verdict) {
	size_t i = 0;

	while (i < floor_syscall_count && strcmp(floor_syscalls[i].name, call) != 0)
		i++;
	if (i == floor_syscall_count)
		return complain(r, "%s is no system call that syscalls.h knows", call);
	/* What is included may be said otherwise, once; a deeper file was read before. */
	if (r->profile->verdict[i] != FLOOR_UNSAID && r->said[i] <= r->depth)
		return complain(r, "%s is named a second time", call);
	r->said[i] = (unsigned char)r->depth;
	r->profile->verdict[i] = verdict;
	snprintf(r->profile->why[i], FLOOR_REASON, "%s", r->why ? r->why : "");
	return 0;
}

static int say_all(struct reader *r, char **calls, unsigned verdict) {
	if (!*calls)
		return complain(r, "of which system calls?");
	for (; *calls; calls++)
		if (say(r, *calls, verdict) < 0)
			return -1;
	return 0;
}

static int read_judge(struct reader *r) {
	struct floor_rule *rule = r->word[1] ? find_rule(r->profile, r->word[1]) : NULL;

	if (!rule)
		return complain(r, "%s is no rule; a rule stands before its calls",
		                r->word[1] ? r->word[1] : "nothing");
	for (unsigned network = 0; network < FLOOR_NETWORKS; network++)
		if (open_end(rule, network))
			return complain(r, "rule %s, network %s: it %s", rule->name,
			                floor_network_names[network], open_end(rule, network));
	return say_all(r, r->word + 2, FLOOR_RULE + (unsigned)(rule - r->profile->rule));
}

static int read_let(struct reader *r) {
	const unsigned i = r->lets;

	if (!r->word[1] || !r->word[2] || r->word[3] || !is_name(r->word[1]))
		return complain(r, "let NAME VALUE");
	if (i == LETS)
		return complain(r, "more than %d names", LETS);
	if (read_value(r, r->word[2], &r->let[i].value) < 0)
		return -1;
	strcpy(r->let[i].name, r->word[1]);
	r->lets++;
	return 0;
}

/* -------------------------------------------------------------------- files */

static int read_file(struct reader *r, const char *name);

static int read_include(struct reader *r) {
	const char *file = r->file;
	const unsigned line = r->line;
	char name[FLOOR_WORD];
	int ret;

	if (!r->word[1] || r->word[2] || !is_name(r->word[1]) || strchr(r->word[1], '/'))
		return complain(r, "include NAME");
	if (r->depth + 1 == DEPTH)
		return complain(r, "includes go too deep");
	strcpy(name, r->word[1]);
	r->depth++;
	ret = read_file(r, name);
	r->depth--;
	r->file = file;
	r->line = line;
	return ret;
}

static int statement(struct reader *r) {
	unsigned verdict;

	if (strcmp(r->word[0], "include") == 0)
		return read_include(r);
	if (strcmp(r->word[0], "let") == 0)
		return read_let(r);
	if (strcmp(r->word[0], "rule") == 0)
		return read_rule(r);
	if (strcmp(r->word[0], "judge") == 0)
		return read_judge(r);
	if (strcmp(r->word[0], "others") == 0) {
		if (!r->word[1] || read_answer(r->word[1], &r->profile->others) < 0 || r->word[2])
			return complain(r, "others ANSWER");
		return 0;
	}
	if (read_answer(r->word[0], &verdict) < 0)
		return complain(r,
		                "\"%s\" where a statement should begin: include, let, rule, judge, "
		                "others, or an answer (allow, EPERM, ...) and system calls",
		                r->word[0]);
	return say_all(r, r->word + 1, verdict);
}

/* The words of the line, what is behind '#' apart. */
static int split(struct reader *r, char *line) {
	char *save = NULL, *word;
	unsigned n = 0;

	r->why = strchr(line, '#');
	if (r->why) {
		*r->why++ = '\0';
		r->why += strspn(r->why, " \t");
		r->why[strcspn(r->why, "\n")] = '\0';
	}
	for (word = strtok_r(line, " \t\n", &save); word; word = strtok_r(NULL, " \t\n", &save)) {
		if (n == WORDS - 1)
			return complain(r, "more than %d words", WORDS - 1);
		r->word[n++] = word;
	}
	r->word[n] = NULL;
	return (int)n;
}

static int read_file(struct reader *r, const char *name) {
	char path[4096], line[LINE_MAX_LENGTH];
	int ret = 0;
	FILE *in;

	snprintf(path, sizeof(path), "%s/%s.conf", r->dir, name);
	in = fopen(path, "re");
	if (!in) {
		fprintf(r->complaints, "%s: %s\n", path, strerror(errno));
		return -1;
	}
	r->file = name;
	for (r->line = 1; ret == 0 && fgets(line, sizeof(line), in); r->line++) {
		if (!strchr(line, '\n') && !feof(in))
			ret = complain(r, "longer than %d", LINE_MAX_LENGTH - 2);
		else if ((ret = split(r, line)) > 0)
			ret = statement(r);
	}
	if (ret == 0 && ferror(in)) {
		fprintf(r->complaints, "%s: %s\n", path, strerror(errno));
		ret = -1;
	}
	fclose(in);
	return ret;
}

static int everything_is_said(struct reader *r) {
	int ret = 0;

	for (size_t i = 0; i < floor_syscall_count; i++) {
		if (r->profile->verdict[i] != FLOOR_UNSAID)
			continue;
		r->profile->verdict[i] = r->profile->others;
		if (r->profile->others != FLOOR_UNSAID)
			continue;
		fprintf(r->complaints, "%s/%s.conf: it does not say what becomes of %s\n", r->dir,
		        r->profile->name, floor_syscalls[i].name);
		ret = -1;
	}
	return ret;
}

struct floor_profile *profile_read(const char *dir, const char *name, FILE *complaints) {
	struct floor_profile *profile = calloc(1, sizeof(*profile));
	struct reader *r = calloc(1, sizeof(*r));
	int ret = -1;

	if (profile && r && is_name(name)) {
		strcpy(profile->name, name);
		profile->others = FLOOR_UNSAID;
		for (size_t i = 0; i < FLOOR_SYSCALLS; i++)
			profile->verdict[i] = FLOOR_UNSAID;
		r->profile = profile;
		r->dir = dir;
		r->complaints = complaints;
		ret = read_file(r, name);
		ret = ret ? ret : everything_is_said(r);
	}
	free(r);
	if (ret == 0)
		return profile;
	profile_free(profile);
	return NULL;
}

void profile_free(struct floor_profile *profile) {
	free(profile);
}
