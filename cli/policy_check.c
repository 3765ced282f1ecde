/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* caisson policy check: every line that is no rule, and every rule that is of no use. */
#define _GNU_SOURCE
#include "options.h"
#include "policy.h"

#include <errno.h>
#include <glob.h>
#include <limits.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "libclient/policy_use.h"

struct check {
	struct policy *policy;
	char **file; /* by the number that is in a rule's line */
	unsigned errors, warnings;
};

static void __attribute__((format(printf, 5, 6)))
say(struct check *c, uint32_t line, size_t column, const char *kind, const char *fmt, ...) {
	char text[PATH_MAX * 2 + 128];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	policy_print(c->file[line >> 20]);
	printf(":%u:%zu: %s: ", line & 0xfffff, column, kind);
	policy_print(text);
	putchar('\n');
	c->errors += *kind == 'e';
	c->warnings += *kind == 'w';
}

/* The whole file, or what fits, with a NUL behind it; NULL with errno. */
static char *slurp(const char *name, size_t *size) {
	char *text = malloc(POLICY_MAX_TEXT + 1);
	FILE *file = text ? fopen(name, "re") : NULL;

	if (!file) {
		free(text);
		return NULL;
	}
	*size = fread(text, 1, POLICY_MAX_TEXT, file);
	text[*size] = '\0';
	if (ferror(file)) {
		free(text);
		text = NULL;
	}
	fclose(file);
	return text;
}

/* The earlier line of the same file that is about the same. */
static uint32_t twin(struct check *c, const char *line, uint32_t at) {
	static struct policy one;
	char *copy = NULL;

	memset(&one.used, 0, sizeof(one.used) + sizeof(one.rules) + sizeof(one.line));
	if (asprintf(&copy, "%s\n", line) < 0)
		return 0;
	if (policy_parse(&one, copy, strlen(copy)) == 0 && one.rules == 1)
		for (uint32_t i = c->policy->rules; i-- > 0;) {
			const struct policy_rule *o = &c->policy->rule[i], *r = one.rule;

			if (o->line >> 20 == at >> 20 && o->gid == r->gid && o->first == r->first &&
			    o->last == r->last && !strcmp(o->kind, r->kind) &&
			    (r->verb == 's' || !strcmp(o->value, r->value))) {
				free(copy);
				return o->line & 0xfffff;
			}
		}
	free(copy);
	return 0;
}

/* One line that policy_parse() did not take. */
static void explain(struct check *c, uint32_t fault, const char *line, size_t length, bool ended) {
	char *text = strndup(line, length);
	uint32_t at = c->policy->line;
	struct complaint complaint;

	if (!text)
		return;
	if (fault == CAISSON_POLICY_SIZE)
		say(c, at, 1, "error", "more than %d rules", POLICY_MAX_RULES);
	else if (fault == CAISSON_POLICY_TWICE)
		say(c, at, 1, "error",
		    "line %u says already what holds for the same: one file says it once",
		    twin(c, text, at));
	else if (strlen(text) < length ||
	         (!ended && line[length] == '\0' && memchr(line, 0, length)))
		say(c, at, strlen(text) + 1, "error", "expected text, found a byte 0");
	else if (line_complaint(text, &complaint) && (ended || *text == '#'))
		say(c, at, complaint.column, "error", "%s", complaint.text);
	else
		say(c, at, length + 1, "error",
		    "expected a newline, found the end of the file: it may be half-written");
	free(text);
}

/* Goes on behind a line that is none. */
static void check_text(struct check *c, uint32_t number, const char *text, size_t size) {
	struct policy *p = c->policy;
	char *copy = p->text + p->used;
	size_t at = 0;
	uint32_t fault;

	if (size >= sizeof(p->text) - p->used) {
		say(c, number << 20 | 1, 1, "error", "all files together are over %u KiB",
		    POLICY_MAX_TEXT >> 10);
		return;
	}
	memcpy(copy, text, size);
	copy[size] = '\0';
	p->used += (uint32_t)size + 1;
	p->line = number << 20;
	while ((fault = policy_parse(p, copy + at, size - at)) != 0) {
		uint32_t line = p->line & 0xfffff;
		const char *start = text, *end;

		for (uint32_t i = 1; i < line && start; i++) {
			start = memchr(start, '\n', size - (size_t)(start - text));
			start = start ? start + 1 : NULL;
		}
		if (!start)
			break;
		end = memchr(start, '\n', size - (size_t)(start - text));
		explain(c, fault, start, end ? (size_t)(end - start) : strlen(start), end != NULL);
		if (!end || fault == CAISSON_POLICY_SIZE || memchr(start, 0, (size_t)(end - start)))
			break;
		at = (size_t)(end + 1 - text);
	}
}

static int check_file(struct check *c, uint32_t number) {
	size_t size;
	char *text = slurp(c->file[number], &size);

	if (!text) {
		cli_complain("policy: %s: %s", c->file[number], strerror(errno));
		c->errors++;
		return -1;
	}
	check_text(c, number, text, size);
	free(text);
	return 0;
}

static void check_rules(struct check *c) {
	char text[PATH_MAX * 2 + 128];

	for (uint32_t i = 0; i < c->policy->rules; i++) {
		uint32_t line = c->policy->rule[i].line;

		if (rule_complaint(c->policy, i, text, sizeof(text)))
			say(c, line, 1, "warning", "%s", text);
		else if (rule_note(&c->policy->rule[i], text, sizeof(text)))
			say(c, line, 1, "note", "%s", text);
	}
}

/* Whether the helper believes what is installed: owners and modes, too. */
static void check_owners(struct check *c) {
	uint32_t fault, line;
	struct policy *p = policy_load(&fault, &line);

	policy_unload(p);
	if (!p && (fault == CAISSON_POLICY_OPEN || fault == CAISSON_POLICY_OWNER)) {
		policy_print(c->file[line >> 20]);
		printf(": error: %s\n", policy_fault_text(fault));
		c->errors++;
	}
}

static int check_installed(struct check *c) {
	static char *file[3 + (1 << 12)] = { (char *)(uintptr_t)CAISSON_POLICY_DIR "/policy.conf",
		                             (char *)(uintptr_t)CAISSON_POLICY_DIR,
		                             (char *)(uintptr_t)CAISSON_POLICY_DIR "/policy.d" };
	glob_t more = { 0 };
	size_t n = 0;

	glob(CAISSON_POLICY_DIR "/policy.d/*.conf", 0, NULL, &more);
	c->file = file;
	for (; n < more.gl_pathc && n < 1 << 12; n++)
		file[3 + n] = more.gl_pathv[n];
	check_owners(c);
	check_file(c, 0);
	for (uint32_t i = 0; i < n; i++)
		check_file(c, 3 + i);
	check_rules(c);
	globfree(&more);
	return 1 + (int)n;
}

int policy_check(int files, char **file) {
	struct policy *p =
		mmap(NULL, sizeof(*p), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct check c = { .policy = p, .file = file };
	uint32_t rules = 0;
	int n = files;

	if (p == MAP_FAILED) {
		cli_complain("out of memory");
		return EXIT_OWN_FAILURE;
	}
	if (files == 0) {
		n = check_installed(&c);
		rules = p->rules;
	}
	for (int i = 0; i < files && i < 1 << 12; i++) { /* each alone */
		c.policy->rules = c.policy->used = 0;
		if (check_file(&c, (uint32_t)i) == 0)
			check_rules(&c);
		rules += c.policy->rules;
	}
	munmap(p, sizeof(*p));
	printf("%u rule%s in %d file%s, %u error%s, %u warning%s\n", rules, rules == 1 ? "" : "s",
	       n, n == 1 ? "" : "s", c.errors, c.errors == 1 ? "" : "s", c.warnings,
	       c.warnings == 1 ? "" : "s");
	if (fflush(stdout) != 0)
		return EXIT_OWN_FAILURE;
	return c.errors || c.warnings;
}
