/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* From the spec to the exit status. */
#define _GNU_SOURCE
#include "run.h"
#include "say.h"
#include "turns.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

/* ------------------------------------------------------------------- signals */

/*
 * The program is in a session of its own: what the terminal sends to its
 * foreground, us, is meant for the program. What somebody sends to us ends us, as
 * it ends bubblewrap, and the sandbox with us.
 */
static int open_signals(void) {
	static const int ours[] = { SIGINT, SIGQUIT, SIGTSTP, SIGWINCH };
	struct sigaction action;
	sigset_t set;

	signal(SIGCHLD, SIG_DFL);
	sigemptyset(&set);
	for (size_t i = 0; i < sizeof(ours) / sizeof(ours[0]); i++)
		if (sigaction(ours[i], NULL, &action) == 0 && action.sa_handler != SIG_IGN)
			sigaddset(&set, ours[i]);
	if (sigprocmask(SIG_BLOCK, &set, NULL) < 0)
		return -1;
	return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

/* As if it had not been blocked. */
static void take(int sig) {
	sigset_t one;

	raise(sig);
	sigemptyset(&one);
	sigaddset(&one, sig);
	sigprocmask(SIG_UNBLOCK, &one, NULL);
	sigprocmask(SIG_BLOCK, &one, NULL);
}

static void pass_signals(int signals, caisson_sandbox *box) {
	struct signalfd_siginfo info;

	while (read(signals, &info, sizeof(info)) == (ssize_t)sizeof(info)) {
		int sig = (int)info.ssi_signo;

		if (sig == SIGTSTP) {
			caisson_kill(box, SIGSTOP);
			take(sig);
			caisson_kill(box, SIGCONT);
		} else if (info.ssi_code == SI_KERNEL) {
			caisson_kill(box, sig);
		} else {
			take(sig);
		}
	}
}

/* -------------------------------------------------------------------- errors */

/* bubblewrap's words where the program itself is what is wrong. */
static _Noreturn void not_spawned(const struct args *a, const caisson_error *err) {
	bool inside = caisson_error_source(err) == CAISSON_FROM_INIT;
	int error = caisson_error_errno(err);

	if (inside && strcmp(caisson_error_knob(err), "working directory") == 0)
		die("Can't chdir to %s: %s", a->dir, strerror(error));
	if (inside && strcmp(caisson_error_stage(err), "executing the program") == 0)
		die("execvp %s: %s", a->argv[0], strerror(error));
	die("%s", caisson_error_text(err));
}

/* --------------------------------------------------------------- what it says */

/* Up to an empty line; "" if nothing came. The caller's to free. */
static char *hear_namespaces(int fd) {
	size_t used = 0, room = 1024;
	char *text = need_memory(room, 1);
	ssize_t n;

	while (used < room - 1 && !(used && strcmp(text, "\n") == 0) && !strstr(text, "\n\n")) {
		n = read(fd, text + used, room - 1 - used);
		if (n <= 0 && !(n < 0 && errno == EINTR))
			break;
		used += n > 0 ? (size_t)n : 0;
		text[used] = '\0';
	}
	return text;
}

/* true: the program itself runs, or did. */
static bool program_runs(const struct inner *inner) {
	char failed;
	ssize_t n;

	if (!inner->needed)
		return true;
	do
		n = read(inner->report[0], &failed, 1);
	while (n < 0 && errno == EINTR);
	return n == 0;
}

static void start_program(const struct args *a, struct inner *inner, caisson_sandbox *box) {
	char *namespaces, byte;

	if (inner->needed)
		close(inner->report[1]);
	if (inner->told) {
		close(inner->go[0]);
		namespaces = hear_namespaces(inner->report[0]);
		status_started(a, caisson_pid(box), namespaces);
		free(namespaces);
		if (a->block_fd != -1) {
			while (read(a->block_fd, &byte, 1) < 0 && errno == EINTR)
				;
			close(a->block_fd);
		}
		close(inner->go[1]);
	}
}

static void write_report(const struct args *a, caisson_sandbox *box) {
	const char *json = a->report ? caisson_report_json(box) : NULL;
	FILE *out;

	if (!a->report)
		return;
	out = strcmp(a->report, "-") == 0 ? stderr : fopen(a->report, "we");
	if (!json || !out || fprintf(out, "%s\n", json) < 0 || fflush(out) != 0)
		die_errno("--caisson-report %s", a->report);
	if (out != stderr)
		fclose(out);
}

int run(const struct args *a, struct layout *l, caisson_spec *spec, struct inner *inner) {
	caisson_sandbox *box = NULL;
	caisson_error *err = NULL;
	int signals = open_signals(), status = 0, result;
	struct pollfd fds[2] = { { .events = POLLIN }, { .fd = signals, .events = POLLIN } };
	bool started;

	if (signals < 0)
		die_errno("Can't create signalfd");
	take_short_turns();
	if (caisson_spawn(spec, &box, &err) < 0)
		not_spawned(a, err);
	layout_tidy(l);
	write_report(a, box);
	start_program(a, inner, box);
	fds[0].fd = caisson_event_fd(box);
	while (poll(fds, 2, -1) >= 0 || errno == EINTR) {
		if (fds[0].revents && caisson_wait(box, 0, &status, NULL) != -ETIMEDOUT)
			break;
		pass_signals(signals, box);
	}
	if (caisson_wait(box, -1, &status, &err) < 0)
		die("%s", caisson_error_text(err));
	started = program_runs(inner);
	result = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
	if (started)
		status_ended(a, result);
	return result;
}
