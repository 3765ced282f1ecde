/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Options, help, and the small text forms that the commands share. */
#define _GNU_SOURCE
#include "options.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#define HELP_COLUMN 28

void cli_complain(const char *fmt, ...) {
	char *text = NULL;
	va_list ap;

	va_start(ap, fmt);
	if (vasprintf(&text, fmt, ap) < 0)
		text = NULL;
	va_end(ap);
	fprintf(stderr, "caisson: %s\n", text ? text : "out of memory");
	free(text);
}

static void help_option(FILE *out, const char *name, const char *value, const char *help) {
	int used = fprintf(out, "  --%s%s%s", name, value ? " " : "", value ? value : "");
	const char *line = help;

	if (used >= HELP_COLUMN) {
		fputc('\n', out);
		used = 0;
	}
	while (*line) {
		size_t length = strcspn(line, "\n");

		fprintf(out, "%*s%.*s\n", HELP_COLUMN - used, "", (int)length, line);
		used = 0;
		line += length + (line[length] == '\n');
	}
}

void cli_help(const struct cli_command *command, FILE *out) {
	const struct cli_option *option;

	fprintf(out, "usage: caisson %s [OPTION]... %s\n%s\n\n", command->name, command->synopsis,
	        command->summary);
	for (option = command->options; option->name; option++)
		if (option->help)
			help_option(out, option->name, option->value, option->help);
	help_option(out, "help", NULL, "this text");
	if (command->epilogue)
		fprintf(out, "\n%s\n", command->epilogue);
}

static const struct cli_option *find(const struct cli_command *command, const char *name,
                                     size_t length) {
	const struct cli_option *option;

	for (option = command->options; option->name; option++)
		if (strlen(option->name) == length && memcmp(option->name, name, length) == 0)
			return option;
	return NULL;
}

static int apply(const struct cli_command *command, char **argv, int argc, int *i, void *context) {
	const char *name = argv[*i] + 2;
	size_t length = strcspn(name, "=");
	const char *value = name[length] == '=' ? name + length + 1 : NULL;
	const struct cli_option *option = find(command, name, length);

	if (!option) {
		cli_complain("%s: unknown option --%.*s; see caisson %s --help", command->name,
		             (int)length, name, command->name);
		return -1;
	}
	if (!option->value && value) {
		cli_complain("%s: --%s takes no value", command->name, option->name);
		return -1;
	}
	if (option->value && !value) {
		if (*i + 1 >= argc) {
			cli_complain("%s: --%s needs a value: --%s %s", command->name, option->name,
			             option->name, option->value);
			return -1;
		}
		value = argv[++*i];
	}
	return option->apply(context, value);
}

int cli_parse(const struct cli_command *command, int argc, char **argv, void *context, int *rest) {
	int i;

	for (i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--") == 0) {
			i++;
			break;
		}
		if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0) {
			cli_help(command, stdout);
			return 1;
		}
		if (argv[i][0] != '-' || argv[i][1] == '\0')
			break;
		if (argv[i][1] != '-') {
			cli_complain("%s: unknown option %s; see caisson %s --help", command->name,
			             argv[i], command->name);
			return -1;
		}
		if (apply(command, argv, argc, &i, context) < 0)
			return -1;
	}
	*rest = i;
	return 0;
}

int cli_fields(const char *text, char *field[], size_t max) {
	char *to = malloc(strlen(text) + 1);
	size_t n = 0;

	for (size_t i = 0; i < max; i++)
		field[i] = NULL;
	if (!to)
		return -ENOMEM;
	field[n++] = to;
	for (; *text; text++) {
		if (*text == '\\' && (text[1] == ':' || text[1] == '\\')) {
			*to++ = *++text;
		} else if (*text == ':' && n < max) {
			*to++ = '\0';
			field[n++] = to;
		} else {
			*to++ = *text;
		}
	}
	*to = '\0';
	return 0;
}

int cli_split(const char *text, char **left, char **right) {
	char *field[2];

	*left = *right = NULL;
	if (cli_fields(text, field, 2) < 0)
		return -ENOMEM;
	if (field[1] && !(*right = strdup(field[1]))) {
		free(field[0]);
		return -ENOMEM;
	}
	*left = field[0];
	return 0;
}

int cli_number(const char *text, uint64_t max, uint64_t *number) {
	unsigned long long n;
	char *end;

	if (text[0] < '0' || text[0] > '9')
		return -EINVAL;
	errno = 0;
	n = strtoull(text, &end, 10);
	if (*end)
		return -EINVAL;
	if (errno || n > max)
		return -ERANGE;
	*number = n;
	return 0;
}

int cli_mode(const char *text, unsigned max, unsigned *mode) {
	unsigned n = 0;

	for (const char *c = text; *c; c++) {
		if (*c < '0' || *c > '7')
			return -EINVAL;
		n = 8 * n + (unsigned)(*c - '0');
		if (n > max)
			return -ERANGE;
	}
	if (!*text)
		return -EINVAL;
	*mode = n;
	return 0;
}

int cli_size(const char *text, uint64_t *bytes) {
	static const char suffixes[] = "KMG";
	unsigned shift = 0;
	unsigned long long n;
	const char *suffix;
	char *end;

	if (text[0] < '0' || text[0] > '9')
		return -EINVAL;
	errno = 0;
	n = strtoull(text, &end, 10);
	if (errno)
		return -ERANGE;
	if (*end) {
		suffix = strchr(suffixes, *end);
		if (!suffix || end[1])
			return -EINVAL;
		shift = 10u * (unsigned)(suffix - suffixes + 1);
	}
	if (n > UINT64_MAX >> shift)
		return -ERANGE;
	*bytes = (uint64_t)n << shift;
	return 0;
}

/* Length of the well-formed UTF-8 sequence at s (Unicode's table 3-7), or 0. */
static int utf8_length(const unsigned char *s) {
	int i, length = s[0] < 0x80 ? 1 : s[0] < 0xc2 ? 0 : s[0] < 0xe0 ? 2 : s[0] < 0xf0 ? 3 : 4;

	if (s[0] > 0xf4)
		return 0;
	if (length > 2 && ((s[0] == 0xe0 && s[1] < 0xa0) || (s[0] == 0xed && s[1] > 0x9f) ||
	                   (s[0] == 0xf0 && s[1] < 0x90) || (s[0] == 0xf4 && s[1] > 0x8f)))
		return 0;
	for (i = 1; i < length; i++)
		if ((s[i] & 0xc0) != 0x80)
			return 0;
	return length;
}

void cli_json_string(FILE *out, const char *text) {
	const unsigned char *s = (const unsigned char *)text;

	fputc('"', out);
	while (*s) {
		int length = utf8_length(s);

		if (length == 0) {
			fputs("\\ufffd", out);
			s++;
			continue;
		}
		if (*s == '"' || *s == '\\')
			fprintf(out, "\\%c", *s);
		else if (*s < 0x20 || *s == 0x7f)
			fprintf(out, "\\u%04x", *s);
		else
			fwrite(s, 1, (size_t)length, out);
		s += length;
	}
	fputc('"', out);
}
