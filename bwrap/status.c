/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What is told of the sandbox, in the JSON that bubblewrap's callers read. */
#define _GNU_SOURCE
#include "run.h"
#include "say.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* namespaces: "mnt 4026531841\n" for each. */
static void add_namespaces(FILE *out, char *namespaces, const char *gap) {
	char *line;

	while ((line = strsep(&namespaces, "\n")) && *line) {
		char *number = strchr(line, ' ');

		if (number)
			fprintf(out, ",%s\"%.*s-namespace\": %lu", gap, (int)(number - line), line,
			        strtoul(number, NULL, 10));
	}
}

static bool write_document(int fd, const char *document, size_t size) {
	while (size > 0) {
		ssize_t n = write(fd, document, size);

		if (n <= 0)
			return false;
		document += n;
		size -= (size_t)n;
	}
	return true;
}

static void tell(int fd, int pid, const char *namespaces, bool one_line) {
	char *document = NULL, *copy = need_string(namespaces);
	size_t size = 0;
	FILE *out = open_memstream(&document, &size);

	if (!out)
		die("Out of memory");
	fprintf(out, one_line ? "{ \"child-pid\": %d" : "{\n    \"child-pid\": %d", pid);
	add_namespaces(out, copy, one_line ? " " : "\n    ");
	free(copy);
	fputs(one_line ? " }\n" : "\n}\n", out);
	fclose(out);
	if (!write_document(fd, document, size))
		die_errno("Write to info_fd");
	free(document);
}

void status_started(const struct args *a, int pid, const char *namespaces) {
	if (a->info_fd != -1) {
		tell(a->info_fd, pid, namespaces, false);
		close(a->info_fd);
	}
	if (a->status_fd != -1)
		tell(a->status_fd, pid, namespaces, true);
}

void status_ended(const struct args *a, int status) {
	char document[40];

	if (a->status_fd == -1)
		return;
	snprintf(document, sizeof(document), "{ \"exit-code\": %d }\n", status);
	/* Whoever reads may have gone: the status is the exit status, too. */
	write_document(a->status_fd, document, strlen(document));
	close(a->status_fd);
}
