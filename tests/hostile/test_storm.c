/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Storms: SIGSTOP, SIGCONT and SIGKILL without a pause against the helper and
 * the child, from several processes at a time; many helpers at once, on the
 * same trees, the same socket and the same plan. Each request is answered or
 * ends, what is built holds everything, and nothing is left.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "hostile.h"
#include "protocol/properties.h"
#include "tests/lib/tap.h"

#define PHASE_MS 1500
#define AT_ONCE 12

/* What every sandbox has; USERNS and Landlock are the host's to allow. */
static bool holds_all(const struct raw_box *box) {
	return (box->answer.held & CAISSON_ALWAYS) == CAISSON_ALWAYS;
}

/* Our children but ourselves, without a pause: whoever is there is hit with these, in turn. */
static pid_t storm(const int *signals, unsigned n) {
	pid_t pid = fork(), parent = getppid();

	if (pid < 0)
		raw_bail("fork");
	if (pid > 0)
		return pid;
	parent = getppid();
	for (unsigned i = 0; getppid() == parent; i++) {
		char path[64], text[256] = "", *save = NULL;
		int fd;

		snprintf(path, sizeof(path), "/proc/%d/task/%d/children", parent, parent);
		fd = open(path, O_RDONLY | O_CLOEXEC);
		if (fd < 0 || read(fd, text, sizeof(text) - 1) < 0)
			_exit(1);
		close(fd);
		for (char *at = strtok_r(text, " ", &save); at; at = strtok_r(NULL, " ", &save))
			if (atoi(at) != getpid())
				kill(atoi(at), signals[i % n]);
	}
	_exit(0);
}

/* The caller of one phase, so that the storm finds only what belongs to it. */
static void try_storm(const char *what, const int *signals, unsigned n) {
	struct raw_plan *plan = raw_bare(CAISSON_USERNS_AUTO);
	unsigned rounds = 0, built = 0, unanswered = 0, wrong = 0, hung = 0;
	int64_t end = raw_now_ms() + PHASE_MS;
	pid_t pid = storm(signals, n);

	while (raw_now_ms() < end) {
		struct raw_box box;

		raw_launch(&box, plan, &RAW_HOW);
		raw_answer(&box);
		built += raw_built(&box);
		unanswered += !box.answered;
		wrong += raw_built(&box) && !holds_all(&box);
		if (box.pidfd >= 0)
			kill(raw_init_pid(&box), SIGCONT);
		hung += !raw_end(&box);
		rounds++;
	}
	hostile_stop(pid);
	/* killed in the one moment when it may be, the helper leaves a child that has ended */
	while (waitpid(-1, NULL, WNOHANG) > 0)
		;
	raw_free(plan);
	tap_ok(wrong == 0 && hung == 0 && rounds > 0,
	       "%s: %u rounds, %u built, %u unanswered; %u held less, %u hung", what, rounds, built,
	       unanswered, wrong, hung);
}

/* Several, on one source and one destination's parent: none disturbs another. */
static void try_at_once(const char *tree, bool racing) {
	struct raw_plan *plan = raw_bare(CAISSON_USERNS_AUTO);
	unsigned rounds = raw_rounds(20), built = 0, wrong = 0, hung = 0;
	char a[64], b[64];
	pid_t flip = -1;

	snprintf(a, sizeof(a), "%s/a", tree);
	snprintf(b, sizeof(b), "%s/b", tree);
	raw_bind(plan, raw_path(tree), "/w", CAISSON_BIND_DIR);
	raw_bind(plan, raw_path(tree), "/w/a", CAISSON_BIND_DIR | CAISSON_BIND_RDONLY);
	raw_add(plan, CAISSON_OP_TMPFS, "/w/b/c", 4096, 0755);
	if (racing)
		flip = hostile_flip(a, b);
	for (unsigned i = 0; i < rounds; i++) {
		struct raw_box box[AT_ONCE];

		for (unsigned k = 0; k < AT_ONCE; k++)
			raw_launch(&box[k], plan, &RAW_HOW);
		for (unsigned k = 0; k < AT_ONCE; k++) {
			raw_answer(&box[k]);
			built += raw_built(&box[k]);
			wrong += !box[k].answered || (raw_built(&box[k]) && !holds_all(&box[k]));
		}
		for (unsigned k = 0; k < AT_ONCE; k++)
			hung += !raw_end(&box[k]);
	}
	if (racing)
		hostile_stop(flip);
	raw_free(plan);
	tap_ok(wrong == 0 && hung == 0 && (racing || built == rounds * AT_ONCE),
	       "%u helpers at once, %u times%s: %u built, %u wrong, %u hung", AT_ONCE, rounds,
	       racing ? ", while the tree changes" : "", built, wrong, hung);
}

/* Two helpers with one socket and one plan between them: two sandboxes or fewer, and both end. */
static void try_shared(void) {
	struct raw_plan *plan = raw_bare(CAISSON_USERNS_AUTO);
	unsigned rounds = raw_rounds(60), answers = 0, wrong = 0, hung = 0;

	for (unsigned i = 0; i < rounds; i++) {
		struct raw_box first, second, both = { .pidfd = -1 };
		struct raw_how how = RAW_HOW;
		struct caisson_answer answer;
		int sv[2], memfd = raw_memfd(plan, RAW_SEALS_ALL);

		if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sv) < 0)
			raw_bail("socketpair");
		how.control = sv[1];
		how.memfd = memfd;
		raw_launch(&first, plan, &how);
		raw_launch(&second, plan, &how);
		close(sv[1]);
		close(memfd);
		both.socket = sv[0];
		/* as many as come while both are alive */
		for (unsigned k = 0; k < 4 && raw_next(&both, &answer, 2000); k++) {
			answers++;
			wrong += answer.kind == CAISSON_ANSWER_BUILT &&
			         (answer.held & CAISSON_ALWAYS) != CAISSON_ALWAYS;
		}
		close(sv[0]);
		hung += !raw_end(&first) + !raw_end(&second);
		/* their inits, which nobody told us of by pidfd: gone with the socket */
		while (waitpid(-1, NULL, 0) > 0)
			;
	}
	raw_free(plan);
	tap_ok(answers > 0 && wrong == 0 && hung == 0,
	       "two helpers on one socket, %u times: %u answers, %u wrong, %u hung", rounds,
	       answers, wrong, hung);
}

int main(void) {
	static const int stop[] = { SIGSTOP, SIGCONT },
			 many[] = { SIGSTOP, SIGCONT, SIGTSTP, SIGCONT,
		                    SIGHUP,  SIGCONT, SIGALRM, SIGCONT };
	static const int deadly[] = { SIGKILL }, terms[] = { SIGTERM, SIGINT, SIGQUIT, SIGCONT };
	char tree[] = "/tmp/caisson-storm-XXXXXX", path[80];

	raw_watch();
	if (!mkdtemp(tree) || chmod(tree, 0755) < 0 || chdir(tree) < 0 || mkdir("a", 0755) < 0 ||
	    mkdir("b", 0755) < 0 || mkdir("b/c", 0755) < 0)
		raw_bail(tree);
	try_storm("SIGSTOP and SIGCONT", stop, 2);
	try_storm("stops, hang-ups and alarms", many, 8);
	try_storm("SIGKILL", deadly, 1);
	try_storm("terminations", terms, 4);
	raw_nothing_left("after the storms");
	try_at_once(tree, false);
	try_at_once(tree, true);
	try_shared();
	snprintf(path, sizeof(path), "rm -rf %s", tree);
	tap_ok(chdir("/") == 0 && system(path) == 0, "the tree is the user's to remove");
	raw_nothing_left("at the end");
	return tap_done();
}
