/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A table of options serves both the parser and the help text, so that the two
 * cannot drift apart.
 */
#ifndef CAISSON_CLI_OPTIONS_H
#define CAISSON_CLI_OPTIONS_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* Exit statuses of caisson's own, as env(1) and the shells have them. */
#define EXIT_OWN_FAILURE 125
#define EXIT_NOT_EXECUTABLE 126
#define EXIT_NOT_FOUND 127

/* One option. apply() gives 0, or says what is wrong and gives -1. */
struct cli_option {
	const char *name;  /* without the dashes */
	const char *value; /* "SRC[:DST]"; NULL: takes none */
	const char *help;  /* lines are separated by '\n'; NULL: not among the help's */
	int (*apply)(void *context, const char *value);
};

struct cli_command {
	const char *name;     /* "run" */
	const char *synopsis; /* what follows the options: "[--] PROG ARG..." */
	const char *summary;
	const struct cli_option *options; /* ends with a NULL name */
	const char *epilogue;
};

/*
 * Parse argv[1..] up to "--" or the first word that is no option, whose index
 * goes to *rest. 0; 1 if help was asked for and printed; -1 if something was
 * wrong and said.
 */
int cli_parse(const struct cli_command *command, int argc, char **argv, void *context, int *rest);
void cli_help(const struct cli_command *command, FILE *out);

/* "caisson: " and the message, to standard error, in one write. */
void cli_complain(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/*
 * Split "LEFT:RIGHT" at the first ':' without a backslash before it; "\:" is a
 * ':' and "\\" a backslash. *right is NULL if there is no ':'. Both are the
 * caller's to free. 0 or -ENOMEM.
 */
int cli_split(const char *text, char **left, char **right);

/*
 * The same into max fields, the last of which keeps its ':'s. Those that are not
 * there are NULL; field[0] never is, and is the caller's to free, alone.
 */
int cli_fields(const char *text, char *field[], size_t max);

/* "1000". 0 or -EINVAL, -ERANGE. */
int cli_number(const char *text, uint64_t max, uint64_t *number);

/* "0644", octal. 0 or -EINVAL, -ERANGE. */
int cli_mode(const char *text, unsigned max, unsigned *mode);

/* "64K", "16M", "2G", "4096". 0 or -EINVAL, -ERANGE. */
int cli_size(const char *text, uint64_t *bytes);

/* Write text as a JSON string, quotes included; bytes that are not UTF-8 become U+FFFD. */
void cli_json_string(FILE *out, const char *text);

int cli_run(int argc, char **argv);
int cli_exec(int argc, char **argv);
int cli_ps(int argc, char **argv);
int cli_stat(int argc, char **argv);
int cli_doctor(int argc, char **argv);
int cli_policy(int argc, char **argv);
int cli_log(int argc, char **argv);
int cli_collect(int argc, char **argv);
extern const struct cli_command cli_run_command;
extern const struct cli_command cli_exec_command;
extern const struct cli_command cli_ps_command;
extern const struct cli_command cli_stat_command;
extern const struct cli_command cli_doctor_command;
extern const struct cli_command cli_policy_command;
extern const struct cli_command cli_log_command;
extern const struct cli_command cli_collect_command;

#endif
