/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* caisson: which command is it? */
#define _GNU_SOURCE
#include "options.h"

#include <stdlib.h>
#include <string.h>

#include "caisson.h"

static const struct {
	const struct cli_command *command;
	int (*main)(int argc, char **argv);
} commands[] = {
	{ &cli_run_command, cli_run },       { &cli_exec_command, cli_exec },
	{ &cli_ps_command, cli_ps },         { &cli_stat_command, cli_stat },
	{ &cli_doctor_command, cli_doctor }, { &cli_policy_command, cli_policy },
	{ &cli_log_command, cli_log },       { &cli_collect_command, cli_collect },
};

#define COMMANDS (sizeof(commands) / sizeof(commands[0]))

static int finish(void) {
	if (fflush(stdout) == 0 && !ferror(stdout))
		return 0;
	cli_complain("standard output cannot be written to");
	return EXIT_OWN_FAILURE;
}

static void help(FILE *out) {
	size_t i;

	fputs("usage: caisson COMMAND ...\n"
	      "Sandboxes for untrusted code, also where user namespaces are denied.\n\n",
	      out);
	for (i = 0; i < COMMANDS; i++)
		fprintf(out, "  %-10s%s\n", commands[i].command->name,
		        commands[i].command->summary);
	fputs("\n  --help    this text; caisson COMMAND --help for a command's options\n"
	      "  --version\n",
	      out);
}

int main(int argc, char **argv) {
	size_t i;

	if (argc < 2) {
		help(stderr);
		return EXIT_OWN_FAILURE;
	}
	for (i = 0; i < COMMANDS; i++)
		if (strcmp(argv[1], commands[i].command->name) == 0)
			return commands[i].main(argc - 1, argv + 1);
	if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0) {
		help(stdout);
		return finish();
	}
	if (strcmp(argv[1], "--version") == 0) {
		printf("caisson %s\n", caisson_version());
		return finish();
	}
	cli_complain("unknown command %s; see caisson --help", argv[1]);
	return EXIT_OWN_FAILURE;
}
