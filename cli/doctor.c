/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* caisson doctor: what works on this host, and why not what does not. */
#define _GNU_SOURCE
#include "options.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "caisson.h"

#define EXIT_NO_FULL_SANDBOX 2

struct doctor {
	const char *helper;
	int json;
};

static int opt_json(void *context, const char *value)
{
	(void)value;
	((struct doctor *)context)->json = 1;
	return 0;
}

static int opt_helper(void *context, const char *value)
{
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
	"Exit status: 0 if you can have a full sandbox, 2 if not, 125 if that could not be\n"
	"found out.",
};

static const char *const severities[] = { "ok", "note", "problem" };
static const char *const colours[] = { "\033[32m", "\033[33m", "\033[31m" };
static const char plain[] = "\033[0m";

static void print_json(const caisson_probe *probe, enum caisson_severity worst)
{
	size_t i, count = caisson_probe_count(probe);

	fputs("{\"schema\":1,\"version\":", stdout);
	cli_json_string(stdout, caisson_version());
	printf(",\"full\":%s,\"findings\":[", worst < CAISSON_PROBLEM ? "true" : "false");
	for (i = 0; i < count; i++) {
		const struct caisson_finding *f = caisson_probe_finding(probe, i);

		printf("%s\n{\"topic\":", i ? "," : "");
		cli_json_string(stdout, f->topic);
		fputs(",\"value\":", stdout);
		cli_json_string(stdout, f->value);
		fputs(",\"evidence\":", stdout);
		cli_json_string(stdout, f->evidence);
		fputs(",\"remedy\":", stdout);
		cli_json_string(stdout, f->remedy);
		printf(",\"severity\":\"%s\"}", severities[f->severity]);
	}
	fputs("\n]}\n", stdout);
}

/* Text of a finding may hold what a file or a path said: no control character reaches the tty. */
static void print_text(const char *text, size_t width)
{
	size_t length = 0;

	for (; *text; text++, length++)
		putchar((unsigned char)*text < 0x20 || *text == 0x7f ? '?' : *text);
	for (; length < width; length++)
		putchar(' ');
}

static void print_table(const caisson_probe *probe)
{
	size_t i, count = caisson_probe_count(probe), topic = 0, value = 0;
	const char *no_colour = getenv("NO_COLOR");
	int colour = isatty(STDOUT_FILENO) && (!no_colour || !*no_colour);

	for (i = 0; i < count; i++) {
		const struct caisson_finding *f = caisson_probe_finding(probe, i);

		topic = strlen(f->topic) > topic ? strlen(f->topic) : topic;
		value = strlen(f->value) > value ? strlen(f->value) : value;
	}
	for (i = 0; i < count; i++) {
		const struct caisson_finding *f = caisson_probe_finding(probe, i);

		print_text(f->topic, topic + 2);
		fputs(colour ? colours[f->severity] : "", stdout);
		print_text(f->value, f->evidence[0] ? value + 2 : 0);
		fputs(colour ? plain : "", stdout);
		print_text(f->evidence, 0);
		putchar('\n');
		if (f->remedy[0] && f->severity != CAISSON_OK) {
			print_text("", topic + 2);
			fputs(f->severity == CAISSON_PROBLEM ? "PROBLEM: " : "note: ", stdout);
			print_text(f->remedy, 0);
			putchar('\n');
		}
	}
}

static enum caisson_severity worst_of(const caisson_probe *probe)
{
	enum caisson_severity worst = CAISSON_OK;
	size_t i;

	for (i = 0; i < caisson_probe_count(probe); i++)
		if (caisson_probe_finding(probe, i)->severity > worst)
			worst = caisson_probe_finding(probe, i)->severity;
	return worst;
}

int cli_doctor(int argc, char **argv)
{
	struct doctor doctor = { NULL, 0 };
	enum caisson_severity worst;
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
	worst = worst_of(probe);
	if (doctor.json)
		print_json(probe, worst);
	else
		print_table(probe);
	caisson_probe_free(probe);
	if (fflush(stdout) != 0 || ferror(stdout)) {
		cli_complain("standard output cannot be written to");
		return EXIT_OWN_FAILURE;
	}
	return worst == CAISSON_PROBLEM ? EXIT_NO_FULL_SANDBOX : 0;
}
