/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The runner that criterion/criterion.h beside this file speaks of. */
#include <criterion/criterion.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#define MAX_SUITES 16
#define DEFAULT_TIMEOUT 120

static struct small_test *tests, **end = &tests;
static const struct small_test *suites[MAX_SUITES];
static size_t n_suites;
static int failures; /* in this test */

void small_register(struct small_test *test) {
	*end = test;
	end = &test->next;
}

void small_default(const struct small_test *suite) {
	if (n_suites == MAX_SUITES)
		abort();
	suites[n_suites++] = suite;
}

void small_failed(const char *file, int line, int fatal, const char *what, const char *fmt, ...) {
	va_list args;

	fprintf(stderr, "# %s:%d: failed: %s:", file, line, what);
	va_start(args, fmt);
	vfprintf(stderr, fmt, args);
	va_end(args);
	fputc('\n', stderr);
	failures++;
	if (fatal)
		_exit(1);
}

/* What the test itself does not say, its suite does. */
static void fill(struct small_test *test) {
	for (size_t i = 0; i < n_suites; i++) {
		if (strcmp(suites[i]->suite, test->suite) != 0)
			continue;
		test->init = test->init ? test->init : suites[i]->init;
		test->fini = test->fini ? test->fini : suites[i]->fini;
		test->timeout = test->timeout ? test->timeout : suites[i]->timeout;
	}
}

#define SKIPPED 77

static void child(const struct small_test *test) {
	alarm(test->timeout ? test->timeout : DEFAULT_TIMEOUT);
	if (test->init)
		test->init();
	test->run();
	if (test->fini)
		test->fini();
	fflush(NULL);
	_exit(failures ? 1 : 0);
}

/* The test's own process ends here: nothing of it is judged. */
void small_skip(const char *why) {
	fprintf(stderr, "# skipped: %s\n", why);
	fflush(NULL);
	_exit(failures ? 1 : SKIPPED);
}

/* -1: skipped. */
static int passes(const struct small_test *test) {
	int status = 0;
	pid_t pid;

	fflush(NULL);
	pid = fork();
	if (pid == 0)
		child(test);
	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		return 0;
	if (WIFSIGNALED(status))
		fprintf(stderr, "# %s::%s ended by signal %d\n", test->suite, test->name,
		        WTERMSIG(status));
	if (WIFEXITED(status) && WEXITSTATUS(status) == SKIPPED)
		return -1;
	return test->signal ? WIFSIGNALED(status) && WTERMSIG(status) == test->signal : status == 0;
}

int main(int argc, char **argv) {
	const char *to = NULL;
	int n = 0, failed = 0;
	FILE *tap;

	for (int i = 1; i < argc; i++)
		if (!strncmp(argv[i], "--tap=", 6))
			to = argv[i] + 6;
	tap = to ? fopen(to, "we") : stdout;
	if (!tap) {
		perror(to);
		return 1;
	}
	for (struct small_test *test = tests; test; test = test->next) {
		int good;

		fill(test);
		if (test->disabled)
			continue;
		good = passes(test);
		failed += !good;
		fprintf(tap, "%sok %d - %s::%s%s\n", good ? "" : "not ", ++n, test->suite,
		        test->name, good < 0 ? " # SKIP the test says why" : "");
	}
	fprintf(tap, "1..%d\n", n);
	return fclose(tap) != 0 || failed ? 1 : 0;
}
