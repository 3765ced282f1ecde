/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Everyone may be killed, stopped or closed at any moment of a sandbox's
 * making: nothing is left, and no child that the caller was not told of.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/lib/raw.h"
#include "tests/lib/tap.h"

#define ROUNDS 200

static unsigned seed = 1;

/* Up to two milliseconds: the whole making of a sandbox takes about one. */
static void a_moment(void) {
	seed = seed * 1103515245u + 12345u;
	usleep(seed / 65536 % 2000);
}

/* A child of ours beside the helper, which nobody told us of: without a pidfd it stays a zombie. */
static bool stranger(void) {
	int64_t until = raw_now_ms() + 200;
	siginfo_t info;

	do {
		info.si_pid = 0;
		if (waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) < 0)
			return false;
		if (info.si_pid)
			return true;
		usleep(1000);
	} while (raw_now_ms() < until);
	return true; /* it lives, still */
}

static void reap_all(void) {
	while (waitpid(-1, NULL, WNOHANG) > 0)
		;
}

/* kinds: who is hit with what */
static void hit(struct raw_box *box, unsigned kind) {
	switch (kind) {
	case 0:
		a_moment();
		kill(box->helper, SIGKILL);
		break;
	case 1:
		for (int i = 0; i < 50; i++) {
			kill(box->helper, SIGSTOP);
			kill(box->helper, SIGCONT);
		}
		break;
	case 2:
		a_moment();
		kill(box->helper, SIGTERM);
		kill(box->helper, SIGALRM);
		kill(box->helper, SIGINT);
		break;
	default:
		for (int sig = 1; sig < 32; sig++)
			if (sig != SIGSTOP && sig != SIGTSTP && sig != SIGTTIN && sig != SIGTTOU)
				kill(box->helper, sig);
		break;
	}
}

static void try_helper(unsigned kind, const char *what) {
	struct raw_plan *plan = raw_bare(CAISSON_USERNS_AUTO);
	unsigned rounds = raw_rounds(ROUNDS), built = 0, unanswered = 0, strangers = 0, hung = 0;

	for (unsigned i = 0; i < rounds; i++) {
		struct raw_box box;

		raw_launch(&box, plan, &RAW_HOW);
		hit(&box, kind);
		raw_answer(&box);
		built += raw_built(&box);
		unanswered += !box.answered;
		hung += !raw_end(&box);
		strangers += stranger();
		reap_all();
	}
	raw_free(plan);
	/*
	 * The helper takes the caller's real uid for the one message that hands the
	 * child over, so that its descriptor is charged to the caller: who kills the
	 * helper just then has an unknown child, which has ended.
	 */
	tap_ok(strangers <= rounds / 20 && hung == 0,
	       "%s, %u times: %u built, %u unanswered; %u unknown children, %u hung", what, rounds,
	       built, unanswered, strangers, hung);
}

/* For most of its life the helper is root's: the caller may not even signal it. */
static void try_reach(void) {
	struct raw_plan *plan = raw_bare(CAISSON_USERNS_AUTO);
	unsigned rounds = raw_rounds(50), seen = 0;

	for (unsigned i = 0; i < rounds; i++) {
		struct raw_box box;
		siginfo_t info = { 0 };

		raw_launch(&box, plan, &RAW_HOW);
		while (kill(box.helper, 0) == 0 &&
		       waitid(P_PID, (id_t)box.helper, &info, WEXITED | WNOHANG | WNOWAIT) == 0 &&
		       info.si_pid == 0)
			;
		seen += info.si_pid == 0;
		raw_answer(&box);
		raw_end(&box);
	}
	raw_free(plan);
	tap_ok(seen * 2 > rounds, "signals to the helper were refused in %u of %u rounds", seen,
	       rounds);
}

/* The caller goes, at any moment, with or without having started the program. */
static void try_caller(bool start) {
	static const char *const argv[] = { "/t/inside", "sleep", NULL };
	struct raw_plan *plan = raw_bare(CAISSON_USERNS_AUTO);
	unsigned rounds = raw_rounds(ROUNDS / 4);

	for (unsigned i = 0; i < rounds; i++) {
		pid_t pid = fork();

		if (pid < 0)
			raw_bail("fork");
		if (pid == 0) {
			struct raw_box box;

			raw_launch(&box, plan, &RAW_HOW);
			if (start) {
				raw_answer(&box);
				raw_start(&box, argv, -1, NULL, 0, 0);
			}
			pause();
		}
		a_moment();
		a_moment();
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
	}
	raw_free(plan);
	raw_nothing_left(start ? "caller killed around the start" : "caller killed in the making");
}

/* The caller lives on and closes its socket, or kills init; a forked child of its holds the socket. */
static void try_ends(void) {
	static const char *const argv[] = { "/t/inside", "sleep", NULL };
	struct raw_plan *plan = raw_root(CAISSON_USERNS_AUTO);
	struct caisson_answer answer = { 0 };
	struct raw_box box;
	pid_t caller, holder;
	int told[2];

	raw_build(&box, plan, &RAW_HOW);
	raw_start(&box, argv, -1, NULL, 0, 0);
	tap_ok(raw_next(&box, &answer, 20000) && answer.kind == CAISSON_ANSWER_RUNNING, "it runs");
	kill(raw_init_pid(&box), SIGKILL);
	tap_ok(raw_end(&box), "init killed: the sandbox ends");
	raw_nothing_left("init killed");

	if (pipe2(told, O_CLOEXEC) < 0 || (caller = fork()) < 0)
		raw_bail("fork");
	if (caller == 0) {
		raw_build(&box, plan, &RAW_HOW);
		raw_start(&box, argv, -1, NULL, 0, 0);
		raw_next(&box, &answer, 20000);
		holder = fork();
		if (holder == 0)
			for (;;)
				pause();
		if (write(told[1], &holder, sizeof(holder)) < 0)
			_exit(1);
		_exit(0);
	}
	if (read(told[0], &holder, sizeof(holder)) != sizeof(holder))
		raw_bail("the caller's child");
	waitpid(caller, NULL, 0);
	usleep(300000);
	reap_all(); /* init is ours now: a subreaper's */
	tap_ok(waitpid(-1, NULL, WNOHANG) == 0, "the socket's holder lives");
	kill(holder, SIGKILL);
	waitpid(holder, NULL, 0);
	tap_ok(waitpid(-1, NULL, WNOHANG) < 0 && errno == ECHILD,
	       "the host ended, its child held the socket: the sandbox is gone all the same");
	close(told[0]);
	close(told[1]);
	raw_free(plan);
}

/* ------------------------------------------------------------------- a terminal */

/* The kernel signals a foreground process group without asking who it belongs to. */
static void into_foreground(void *arg) {
	int tty = open("/dev/tty", O_RDWR | O_CLOEXEC);

	(void)arg;
	setpgid(0, 0);
	signal(SIGTTOU, SIG_IGN);
	if (tty < 0 || tcsetpgrp(tty, getpid()) < 0)
		_exit(96);
	signal(SIGTTOU, SIG_DFL);
	close(tty);
}

static void nothing(int sig) {
	(void)sig;
}

static _Noreturn void at_terminal(int master, int tty, const char *keys, int report) {
	struct raw_plan *plan = raw_bare(CAISSON_USERNS_AUTO);
	unsigned result[3] = { 0 }, rounds = raw_rounds(ROUNDS);
	struct raw_how how = RAW_HOW;

	if (setsid() < 0 || ioctl(tty, TIOCSCTTY, 0) < 0)
		_exit(1);
	/* Caught, not ignored: what is ignored stays so over the exec. */
	signal(SIGINT, nothing);
	signal(SIGQUIT, nothing);
	signal(SIGTSTP, nothing);
	how.before_exec = into_foreground;
	for (unsigned i = 0; i < rounds; i++) {
		struct raw_box box;

		raw_launch(&box, plan, &how);
		a_moment();
		if (write(master, &keys[i % 2], 1) != 1)
			_exit(2);
		/* One that could be stopped is let go, whenever it came to that. */
		for (int k = 0; k < 1000 && !raw_ready(&box, 2); k++)
			kill(box.helper, SIGCONT);
		kill(box.helper, SIGCONT);
		raw_answer(&box);
		result[0] += box.answered;
		result[2] += !raw_end(&box);
		result[1] += stranger();
		reap_all();
	}
	if (write(report, result, sizeof(result)) < 0)
		_exit(3);
	_exit(0);
}

static void try_terminal(const char *keys, const char *what) {
	int master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC), report[2], tty;
	unsigned result[3] = { 0, 1, 1 };
	pid_t pid;

	if (master < 0 || grantpt(master) < 0 || unlockpt(master) < 0 ||
	    (tty = open(ptsname(master), O_RDWR | O_NOCTTY | O_CLOEXEC)) < 0) {
		tap_skip(what, "this host gives no pseudoterminal");
		return;
	}
	if (pipe2(report, O_CLOEXEC) < 0 || (pid = fork()) < 0)
		raw_bail("fork");
	if (pid == 0)
		at_terminal(master, tty, keys, report[1]);
	close(report[1]);
	if (read(report[0], result, sizeof(result)) != sizeof(result))
		tap_note("no result");
	tap_ok(result[1] == 0 && result[2] == 0, "%s: %u answered; %u unknown children, %u hung",
	       what, result[0], result[1], result[2]);
	waitpid(pid, NULL, 0);
	close(report[0]);
	close(master);
	close(tty);
}

int main(void) {
	raw_watch();
	try_helper(0, "SIGKILL to the helper");
	try_helper(1, "SIGSTOP and SIGCONT to the helper");
	try_helper(2, "SIGTERM, SIGALRM and SIGINT to the helper");
	try_helper(3, "every signal to the helper at once");
	try_reach();
	raw_nothing_left("helpers killed");
	try_caller(false);
	try_caller(true);
	try_ends();
	try_terminal("\003\034", "interrupt and quit typed at the helper's terminal");
	try_terminal("\032\003", "suspend and interrupt typed at the helper's terminal");
	raw_nothing_left("at the end");
	return tap_done();
}
