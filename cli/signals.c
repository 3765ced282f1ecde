/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define _GNU_SOURCE
#include "signals.h"

#include <signal.h>
#include <stddef.h>
#include <sys/signalfd.h>
#include <unistd.h>

static const int forwarded[] = { SIGINT,  SIGTERM,  SIGHUP,  SIGQUIT, SIGUSR1,
	                         SIGUSR2, SIGWINCH, SIGTSTP, SIGCONT };

int signals_open(void) {
	struct sigaction action;
	sigset_t set;
	size_t i;

	signal(SIGCHLD, SIG_DFL);
	sigemptyset(&set);
	for (i = 0; i < sizeof(forwarded) / sizeof(forwarded[0]); i++) {
		/* What our parent has us ignore (nohup) shall not reach the program either. */
		if (sigaction(forwarded[i], NULL, &action) == 0 && action.sa_handler == SIG_IGN)
			continue;
		sigaddset(&set, forwarded[i]);
	}
	if (sigprocmask(SIG_BLOCK, &set, NULL) < 0)
		return -1;
	return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

/*
 * The terminal's stop key. The sandbox is a session of its own, where a SIGTSTP
 * would be discarded: stop the program for certain, then ourselves the usual
 * way, so that the shell sees it; and go on with both.
 */
static void stop(int (*kill)(void *to, int sig), void *to) {
	sigset_t one, pending;

	kill(to, SIGSTOP);
	sigemptyset(&one);
	sigaddset(&one, SIGTSTP);
	raise(SIGTSTP);
	sigprocmask(SIG_UNBLOCK, &one, NULL);
	sigprocmask(SIG_BLOCK, &one, NULL);
	if (sigpending(&pending) < 0 || !sigismember(&pending, SIGCONT))
		kill(to, SIGCONT);
}

void signals_pass(int signals, int (*kill)(void *to, int sig), void *to) {
	struct signalfd_siginfo info;

	while (read(signals, &info, sizeof(info)) == (ssize_t)sizeof(info)) {
		if (info.ssi_signo == SIGTSTP)
			stop(kill, to);
		else
			kill(to, (int)info.ssi_signo);
	}
}

int signals_fatal(int signals) {
	struct signalfd_siginfo info;

	while (read(signals, &info, sizeof(info)) == (ssize_t)sizeof(info))
		if (info.ssi_signo != SIGWINCH && info.ssi_signo != SIGTSTP &&
		    info.ssi_signo != SIGCONT)
			return (int)info.ssi_signo;
	return 0;
}
