/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the library costs over the kernel's own price of a sandbox: a resident
 * host application that calls caisson_spawn() and caisson_wait(), against one
 * that executes `bare`, which makes the system calls that the same sandbox
 * needs and nothing else. Both are timed from the first call to the moment the
 * exit status of /bin/true is known. They take turns, first one, then the
 * other. To be run as root, since bare is no setuid program; the library runs
 * as UID. Prints one line for people, then JSON. No pass, no fail.
 */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "caisson.h"
#include "turns.h"

#define MAX_RUNS 10000
#define DEFAULT_RUNS 300
#define WARM_UP 10
#define PAUSE_NS 20000000 /* the kernel takes a network namespace down for some milliseconds */

static const char *helper, *bare, *true_dir;
static unsigned uid = 1000;

static double now_us(void) {
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static _Noreturn void give_up(const char *what, const char *why) {
	fprintf(stderr, "bench_floor: %s: %s\n", what, why);
	exit(1);
}

/* ------------------------------------------------------------- the library */

static double run_library(void) {
	double start = now_us(), took;
	caisson_spec *spec = caisson_spec_new("bench");
	caisson_sandbox *box;
	caisson_error *err = NULL;
	int status;

	caisson_spec_helper(spec, helper);
	caisson_spec_bare_root(spec);
	caisson_spec_ro(spec, true_dir, "/bin");
	caisson_spec_tmpfs(spec, "/tmp", 64u << 20, 0755);
	caisson_spec_proc(spec, "/proc");
	caisson_spec_dev(spec, "/dev");
	caisson_spec_argv(spec, (const char *const[]){ "/bin/true", NULL });
	if (caisson_spawn(spec, &box, &err) < 0 || caisson_wait(box, -1, &status, &err) < 0)
		give_up("the library", caisson_error_text(err));
	took = now_us() - start;
	if (status != 0)
		give_up("the library", "true failed");
	caisson_sandbox_free(box);
	caisson_spec_free(spec);
	return took;
}

/* --------------------------------------------------------------- the floor */

static double run_bare(void) {
	double start = now_us(), took;
	char id[16];
	int sv[2], status = -1;
	pid_t pid;

	snprintf(id, sizeof(id), "%u", uid);
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sv) < 0)
		give_up("socketpair", strerror(errno));
	pid = vfork();
	if (pid == 0) {
		take_short_turns();
		dup2(sv[1], 3);
		execl(bare, "bare", true_dir, id, (char *)NULL);
		_exit(127);
	}
	close(sv[1]);
	if (pid < 0 || recv(sv[0], &status, sizeof(status), 0) != sizeof(status) || status != 0)
		give_up(bare, "no sandbox");
	took = now_us() - start;
	close(sv[0]);
	while (wait(&status) > 0) /* itself, and its init */
		if (status != 0)
			give_up(bare, "failed");
	return took;
}

/* ------------------------------------------------------- who takes turns */

struct candidate {
	const char *name;
	double (*run)(void);
	int socket;
	double us[MAX_RUNS];
};

/* A process of its own, as root or not; it runs once for each byte it gets. */
static void start_worker(struct candidate *c, int as_root) {
	int sv[2];
	pid_t pid;
	char byte;
	double took;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sv) < 0)
		give_up("socketpair", strerror(errno));
	pid = fork();
	if (pid < 0)
		give_up("fork", strerror(errno));
	c->socket = sv[0];
	if (pid > 0) {
		close(sv[1]);
		return;
	}
	close(sv[0]);
	prctl(PR_SET_PDEATHSIG, 9);
	if (!as_root && (setgroups(0, NULL) < 0 || setresgid(uid, uid, uid) < 0 ||
	                 setresuid(uid, uid, uid) < 0))
		give_up("becoming the user", strerror(errno));
	/* Out of the way of fd 3, which bare is given its socket as. */
	if ((sv[1] = fcntl(sv[1], F_DUPFD_CLOEXEC, 10)) < 0)
		give_up("dup", strerror(errno));
	while (read(sv[1], &byte, 1) == 1) {
		took = c->run();
		if (write(sv[1], &took, sizeof(took)) != sizeof(took))
			break;
	}
	_exit(0);
}

static double take_turn(struct candidate *c) {
	const struct timespec pause = { 0, PAUSE_NS };
	double took;

	nanosleep(&pause, NULL);
	if (write(c->socket, "r", 1) != 1 || read(c->socket, &took, sizeof(took)) != sizeof(took))
		exit(1); /* it said why */
	return took;
}

static int by_value(const void *a, const void *b) {
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

static double quantile(const double *sorted, int runs, int percent) {
	return sorted[(runs - 1) * percent / 100];
}

static void print(struct candidate *c, double *ratio, int runs) {
	qsort(ratio, (size_t)runs, sizeof(double), by_value);
	for (int i = 0; i < 2; i++)
		qsort(c[i].us, (size_t)runs, sizeof(double), by_value);
	printf("floor: bare %.3f ms, library %.3f ms, %.2f of bare\n",
	       quantile(c[0].us, runs, 50) / 1e3, quantile(c[1].us, runs, 50) / 1e3,
	       quantile(c[1].us, runs, 50) / quantile(c[0].us, runs, 50));
	printf("{\"schema\":1,\"benchmark\":\"floor\",\"unit\":\"ms\",\"runs\":%d,\"results\":[",
	       runs);
	for (int i = 0; i < 2; i++)
		printf("%s\n{\"name\":\"%s\",\"median\":%.3f,\"p10\":%.3f,\"p90\":%.3f}",
		       i ? "," : "", c[i].name, quantile(c[i].us, runs, 50) / 1e3,
		       quantile(c[i].us, runs, 10) / 1e3, quantile(c[i].us, runs, 90) / 1e3);
	printf("],\n\"ratio\":%.3f,\"ratio_of_turns\":%.3f}\n",
	       quantile(c[1].us, runs, 50) / quantile(c[0].us, runs, 50),
	       quantile(ratio, runs, 50));
}

int main(int argc, char **argv) {
	static struct candidate c[2] = { { .name = "bare", .run = run_bare },
		                         { .name = "library", .run = run_library } };
	static double ratio[MAX_RUNS];
	int runs = argc > 4 ? atoi(argv[4]) : DEFAULT_RUNS;

	if (argc < 4 || runs < 1 || runs > MAX_RUNS) {
		fprintf(stderr, "usage: bench_floor HELPER BARE TRUE_DIR [RUNS [UID]]\n");
		return 2;
	}
	helper = argv[1];
	bare = argv[2];
	true_dir = argv[3];
	if (argc > 5)
		uid = (unsigned)strtoul(argv[5], NULL, 10);
	if (geteuid() != 0)
		give_up("bare", "it must be root that runs this");
	start_worker(&c[0], 1);
	start_worker(&c[1], 0);
	for (int run = -WARM_UP; run < runs; run++) {
		const int first = run & 1;
		double took[2];

		took[first] = take_turn(&c[first]);
		took[!first] = take_turn(&c[!first]);
		if (run < 0)
			continue;
		c[0].us[run] = took[0];
		c[1].us[run] = took[1];
		ratio[run] = took[1] / took[0];
	}
	print(c, ratio, runs);
	return 0;
}
