/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * How long does a sandbox take, from exec to the reaped exit status?
 *
 *     bench_start PREFIX TRUE_DIR [RUNS]
 *
 * PREFIX/bin/caisson against bwrap, each running the static "true" of TRUE_DIR
 * in a root of the same parts (that directory read-only at /bin, a tmpfs, a
 * procfs, a /dev) and in all namespaces. They take turns, another first in each
 * round and with a pause in between, so that what else the machine does, and what
 * the kernel still takes down of the one before, falls on all of them alike. To
 * be run as an ordinary user on a host where bwrap works. Prints one line for
 * people, then JSON. No pass, no fail: figures depend on the machine.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define MAX_RUNS 10000
#define DEFAULT_RUNS 200
#define WARM_UP 5
#define MAX_ARGS 24
#define PAUSE_NS 20000000 /* the kernel takes a network namespace down for some milliseconds */

extern char **environ;

struct candidate {
	const char *name;
	const char *argv[MAX_ARGS];
	double *ms;    /* one for each run */
	double *ratio; /* to the first candidate of the same round */
};

/* Filled in from the command line. */
static char caisson[4096], true_bind[4096];

#define MINIMAL_ROOT                                                                               \
	"--bare-root", "--ro", true_bind, "--tmpfs", "/tmp", "--proc", "/proc", "--dev", "/dev"

static double now_ms(void) {
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static double run_once(const struct candidate *c, posix_spawn_file_actions_t *actions) {
	const struct timespec pause = { 0, PAUSE_NS };
	int status = 0, error;
	double start;
	pid_t pid;

	nanosleep(&pause, NULL);
	start = now_ms();
	error = posix_spawnp(&pid, c->argv[0], actions, NULL, (char *const *)(uintptr_t)c->argv,
	                     environ);
	if (error) {
		fprintf(stderr, "bench_start: %s: %s\n", c->argv[0], strerror(error));
		exit(1);
	}
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	if (status != 0) {
		fprintf(stderr, "bench_start: %s ended with wait status 0x%x\n", c->name, status);
		exit(1);
	}
	return now_ms() - start;
}

static int by_value(const void *a, const void *b) {
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

static double quantile(const double *sorted, int runs, int percent) {
	return sorted[(runs - 1) * percent / 100];
}

/* Whatever made one round slow made all of it slow: the ratio's median is the steadier figure. */
static void evaluate(struct candidate *c, size_t count, int runs) {
	size_t i;
	int run;

	for (i = 0; i < count; i++)
		for (run = 0; run < runs; run++)
			c[i].ratio[run] = c[i].ms[run] / c[0].ms[run];
	for (i = 0; i < count; i++) {
		qsort(c[i].ms, (size_t)runs, sizeof(double), by_value);
		qsort(c[i].ratio, (size_t)runs, sizeof(double), by_value);
	}
}

static void print(const struct candidate *c, size_t count, int runs) {
	size_t i;

	printf("start:");
	for (i = 0; i < count; i++)
		printf(" %s %.2f ms (%.2f of bwrap)%s", c[i].name, quantile(c[i].ms, runs, 50),
		       quantile(c[i].ratio, runs, 50), i + 1 < count ? "," : "\n");
	printf("{\"schema\":1,\"benchmark\":\"start\",\"unit\":\"ms\",\"runs\":%d,\"results\":[",
	       runs);
	for (i = 0; i < count; i++)
		printf("%s\n{\"name\":\"%s\",\"median\":%.3f,\"p10\":%.3f,\"p90\":%.3f,"
		       "\"ratio\":%.3f,\"ratio_of_rounds\":%.3f}",
		       i ? "," : "", c[i].name, quantile(c[i].ms, runs, 50),
		       quantile(c[i].ms, runs, 10), quantile(c[i].ms, runs, 90),
		       quantile(c[i].ms, runs, 50) / quantile(c[0].ms, runs, 50),
		       quantile(c[i].ratio, runs, 50));
	printf("\n]}\n");
}

int main(int argc, char **argv) {
	struct candidate candidates[] = {
		{ "bwrap",
		  { "bwrap", "--unshare-all", "--ro-bind", NULL, "/bin", "--tmpfs", "/tmp",
		    "--proc", "/proc", "--dev", "/dev", "/bin/true", NULL },
		  NULL,
		  NULL },
		{ "caisson", { caisson, "run", MINIMAL_ROOT, "/bin/true", NULL }, NULL, NULL },
		{ "caisson --proc /proc:whole",
		  { caisson, "run", "--bare-root", "--ro", true_bind, "--tmpfs", "/tmp", "--proc",
		    "/proc:whole", "--dev", "/dev", "/bin/true", NULL },
		  NULL,
		  NULL },
		{ "caisson --net loopback",
		  { caisson, "run", "--net", "loopback", MINIMAL_ROOT, "/bin/true", NULL },
		  NULL,
		  NULL },
		{ "caisson --userns none",
		  { caisson, "run", "--userns", "none", MINIMAL_ROOT, "/bin/true", NULL },
		  NULL,
		  NULL },
	};
	const size_t count = sizeof(candidates) / sizeof(candidates[0]);
	int runs = argc > 3 ? atoi(argv[3]) : DEFAULT_RUNS, run;
	posix_spawn_file_actions_t actions;
	size_t i;

	if (argc < 3 || runs < 1 || runs > MAX_RUNS) {
		fprintf(stderr, "usage: bench_start PREFIX TRUE_DIR [RUNS]\n");
		return 2;
	}
	snprintf(caisson, sizeof(caisson), "%s/bin/caisson", argv[1]);
	snprintf(true_bind, sizeof(true_bind), "%s:/bin", argv[2]);
	candidates[0].argv[3] = argv[2];
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
	for (i = 0; i < count; i++) {
		candidates[i].ms = calloc((size_t)runs, sizeof(double));
		candidates[i].ratio = calloc((size_t)runs, sizeof(double));
		if (!candidates[i].ms || !candidates[i].ratio)
			return 1;
	}
	for (run = -WARM_UP; run < runs; run++)
		for (i = 0; i < count; i++) {
			struct candidate *c = &candidates[(i + (size_t)(run + WARM_UP)) % count];
			double ms = run_once(c, &actions);

			if (run >= 0)
				c->ms[run] = ms;
		}
	evaluate(candidates, count, runs);
	print(candidates, count, runs);
	for (i = 0; i < count; i++) {
		free(candidates[i].ms);
		free(candidates[i].ratio);
	}
	posix_spawn_file_actions_destroy(&actions);
	return 0;
}
