/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* caisson doctor: what works on this host, and why not what does not. */
#define _GNU_SOURCE
#include "options.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "caisson.h"

#define EXIT_WARNING 1
#define EXIT_NO_FULL_SANDBOX 2

struct doctor {
	const char *helper;
	int json;
};

static int opt_json(void *context, const char *value) {
	(void)value;
	((struct doctor *)context)->json = 1;
	return 0;
}

static int opt_helper(void *context, const char *value) {
	((struct doctor *)context)->helper = value;
	return 0;
}

static const struct cli_option options[] = {
	{ "json", NULL, "the findings as JSON", opt_json },
	{ "helper", "PATH", "another caisson-helper than the installed one", opt_helper },
	{ NULL, NULL, NULL, NULL },
};

const struct cli_command cli_doctor_command = {
	"doctor",
	"",
	"say what works on this host, and why not",
	options,
	"Exit status: 0 if you can have a full sandbox, 1 if there is less behind it than there\n"
	"should be, 2 if you cannot, 125 if that could not be found out.",
};

static const char *const labels[] = { "", "note: ", "WARNING: ", "PROBLEM: " };
static const char *const colours[] = { "\033[32m", "\033[33m", "\033[1;33m", "\033[1;31m" };
static const char plain[] = "\033[0m";

/* Text of a finding may hold what a file or a path said: no control character reaches the tty. */
static void print_text(const char *text, size_t width) {
	size_t length = 0;

	for (; *text; text++, length++)
		putchar((unsigned char)*text < 0x20 || *text == 0x7f ? '?' : *text);
	for (; length < width; length++)
		putchar(' ');
}

static void print_line(size_t indent, const char *label, const char *text) {
	if (!text[0])
		return;
	print_text("", indent);
	fputs(label, stdout);
	print_text(text, 0);
	putchar('\n');
}

/* What is wrong, what to do, what that costs, where it is explained. */
static void print_advice(const struct caisson_finding *f, size_t indent, int full, int colour) {
	/* What the helper does without is other programs' to mend; the helper itself is not. */
	int others = full && f->restriction != CAISSON_RESTRICTION_NONE &&
	             strcmp(f->topic, "helper") != 0;
	char label[64];

	if (f->severity == CAISSON_OK)
		return;
	snprintf(label, sizeof(label), "%s%s%s", colour ? colours[f->severity] : "",
	         labels[f->severity], colour ? plain : "");
	print_line(indent, label, f->cause[0] ? f->cause : f->remedy);
	if (f->cause[0])
		print_line(indent, others ? "  for other programs: " : "  do: ", f->remedy);
	if (f->remedy[0])
		print_line(indent, "  cost: ", f->cost);
	print_line(indent, "  see: ", f->doc);
}

struct widths {
	size_t topic, value;
};

static struct widths measure(const caisson_probe *probe) {
	struct widths widths = { 0, 0 };

	for (size_t i = 0; i < caisson_probe_count(probe); i++) {
		const struct caisson_finding *f = caisson_probe_finding(probe, i);

		if (strlen(f->topic) > widths.topic)
			widths.topic = strlen(f->topic);
		if (strlen(f->value) > widths.value)
			widths.value = strlen(f->value);
	}
	return widths;
}

static void print_table(const caisson_probe *probe, int full) {
	const char *no_colour = getenv("NO_COLOR");
	int colour = isatty(STDOUT_FILENO) && (!no_colour || !*no_colour);
	struct widths widths = measure(probe);

	for (size_t i = 0; i < caisson_probe_count(probe); i++) {
		const struct caisson_finding *f = caisson_probe_finding(probe, i);

		print_text(f->topic, widths.topic + 2);
		fputs(colour ? colours[f->severity] : "", stdout);
		print_text(f->value, f->evidence[0] ? widths.value + 2 : 0);
		fputs(colour ? plain : "", stdout);
		print_text(f->evidence, 0);
		putchar('\n');
		print_advice(f, widths.topic + 2, full, colour);
	}
}

static int status_of(enum caisson_severity severity) {
	return severity == CAISSON_PROBLEM   ? EXIT_NO_FULL_SANDBOX
	       : severity == CAISSON_WARNING ? EXIT_WARNING
	                                     : 0;
}

static int print(caisson_probe *probe, int json) {
	enum caisson_severity severity = caisson_probe_severity(probe);
	const char *text = json ? caisson_probe_json(probe) : NULL;

	if (json && !text) {
		cli_complain("There is not enough memory");
		return EXIT_OWN_FAILURE;
	}
	if (json)
		fputs(text, stdout);
	else
		print_table(probe, severity != CAISSON_PROBLEM);
	if (fflush(stdout) != 0 || ferror(stdout)) {
		cli_complain("standard output cannot be written to");
		return EXIT_OWN_FAILURE;
	}
	return status_of(severity);
}

int cli_doctor(int argc, char **argv) {
	struct doctor doctor = { NULL, 0 };
	caisson_error *err = NULL;
	caisson_probe *probe;
	int rest, parsed = cli_parse(&cli_doctor_command, argc, argv, &doctor, &rest);

	if (parsed != 0)
		return parsed > 0 && fflush(stdout) == 0 ? 0 : EXIT_OWN_FAILURE;
	if (rest < argc) {
		cli_complain("doctor: %s: it takes no arguments", argv[rest]);
		return EXIT_OWN_FAILURE;
	}
	if (caisson_probe_new(doctor.helper, &probe, &err) < 0) {
		cli_complain("%s", caisson_error_text(err));
		caisson_error_free(err);
		return EXIT_OWN_FAILURE;
	}
	rest = print(probe, doctor.json);
	caisson_probe_free(probe);
	return rest;
}
