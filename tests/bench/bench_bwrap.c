/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * caisson-bwrap beside bubblewrap, the same command line for both, from exec to the
 * reaped exit status:
 *
 *     bench_bwrap CAISSON_BWRAP BUBBLEWRAP TRUE_DIR [RUNS]
 *
 * TRUE_DIR holds a static "true". They take turns, with a pause in between, and the
 * median of the ratios of each round is what counts. To be run as an ordinary user
 * on a host where bubblewrap works. One line for people per command line, then JSON.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define DEFAULT_RUNS 100
#define WARM_UP 3
#define MANY 100
#define MAX_ARGS (16 + 3 * MANY)
#define PAUSE_NS 20000000

extern char **environ;

static char *words[MAX_ARGS]; /* [0] is the program */
static size_t n_words;

static void put(const char *word) {
	words[n_words++] = strdup(word);
	words[n_words] = NULL;
}

static void put_all(const char *line) {
	char *copy = strdup(line), *rest = copy, *word;

	while ((word = strsep(&rest, " ")))
		if (*word)
			put(word);
	free(copy);
}

static double now_ms(void) {
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static double run_once(const char *program) {
	const struct timespec pause = { 0, PAUSE_NS };
	posix_spawn_file_actions_t actions;
	double start, end;
	int status = 0, error;
	pid_t pid;

	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
	nanosleep(&pause, NULL);
	words[0] = (char *)(uintptr_t)program;
	start = now_ms();
	error = posix_spawnp(&pid, program, &actions, NULL, words, environ);
	while (!error && waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	end = now_ms();
	posix_spawn_file_actions_destroy(&actions);
	if (error || status) {
		fprintf(stderr, "bench_bwrap: %s: error %d, wait status 0x%x\n", program, error,
		        status);
		exit(1);
	}
	return end - start;
}

static int by_value(const void *a, const void *b) {
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

static double median(double *values, int n) {
	qsort(values, (size_t)n, sizeof(*values), by_value);
	return values[n / 2];
}

static void compare(const char *name, const char *const program[2], int runs) {
	double *ms[2] = { calloc((size_t)runs, sizeof(double)),
		          calloc((size_t)runs, sizeof(double)) };
	double *ratio = calloc((size_t)runs, sizeof(double)), ours, theirs;

	for (int run = -WARM_UP; run < runs; run++) {
		double took[2];

		for (int i = 0; i < 2; i++) { /* another one first in each round */
			int which = (i + run + WARM_UP) % 2;

			took[which] = run_once(program[which]);
		}
		if (run < 0)
			continue;
		ms[0][run] = took[0];
		ms[1][run] = took[1];
		ratio[run] = took[0] / took[1];
	}
	ours = median(ms[0], runs);
	theirs = median(ms[1], runs);
	printf("%s: %.2f ms, bubblewrap %.2f ms, %.2f of it\n", name, ours, theirs,
	       median(ratio, runs));
	printf("{\"schema\":1,\"benchmark\":\"bwrap\",\"name\":\"%s\",\"unit\":\"ms\",\"runs\":%d,"
	       "\"median\":%.3f,\"bubblewrap\":%.3f,\"ratio_of_rounds\":%.3f}\n",
	       name, runs, ours, theirs, median(ratio, runs));
	fflush(stdout);
	for (int i = 0; i < 2; i++)
		free(ms[i]);
	free(ratio);
}

/* Directories to be granted; gone with the rest of it at the end. */
static char many[] = "/tmp/bench-bwrap-XXXXXX";

static void make_many(int make) {
	char path[64];

	if (make && !mkdtemp(many))
		exit(1);
	for (int i = 0; i < MANY; i++) {
		snprintf(path, sizeof(path), "%s/%d", many, i);
		if ((make ? mkdir(path, 0755) : rmdir(path)) < 0)
			perror(path);
	}
	if (!make)
		rmdir(many);
}

static void put_many(void) {
	char word[64];

	for (int i = 0; i < MANY; i++) {
		put("--ro-bind");
		snprintf(word, sizeof(word), "%s/%d", many, i);
		put(word);
		snprintf(word, sizeof(word), "/many/%d", i);
		put(word);
	}
}

int main(int argc, char **argv) {
	static const struct {
		const char *name, *line;
	} lines[] = {
		{ "minimal", "--unshare-all --tmpfs /tmp --proc /proc --dev /dev" },
		{ "100 binds", "--unshare-all --tmpfs /tmp --proc /proc --dev /dev" },
		{ "ro-bind / /", "--unshare-all --ro-bind / / --proc /proc --dev /dev" },
		{ "usr and links",
		  "--unshare-all --die-with-parent --ro-bind /usr /usr --symlink usr/lib /lib "
		  "--symlink usr/lib64 /lib64 --proc /proc --dev /dev --tmpfs /tmp" },
	};
	int runs = argc > 4 ? atoi(argv[4]) : DEFAULT_RUNS;
	const char *const program[2] = { argv[1], argc > 2 ? argv[2] : NULL };

	if (argc < 4 || runs < 1 || runs > 10000) {
		fprintf(stderr, "usage: bench_bwrap CAISSON_BWRAP BUBBLEWRAP TRUE_DIR [RUNS]\n");
		return 2;
	}
	make_many(1);
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		n_words = 0;
		put("bwrap");
		put_all(lines[i].line);
		if (i == 1)
			put_many();
		if (strstr(lines[i].line,
		           "/ /")) { /* where the root is the host's it is found there */
			char place[4200];

			snprintf(place, sizeof(place), "%s/true", argv[3]);
			put(place);
		} else {
			put("--ro-bind");
			put(argv[3]);
			put("/bin");
			put("/bin/true");
		}
		compare(lines[i].name, program, runs);
	}
	make_many(0);
	return 0;
}
