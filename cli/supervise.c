/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* caisson run, from the spec to the exit status: streams, signals, the report. */
#define _GNU_SOURCE
#include "supervise.h"
#include "options.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

/* ------------------------------------------------------- standard streams */

/*
 * -1, which the library makes a /dev/null of its own, for what is closed or
 * /dev/null already: no device node of the host's need go in.
 */
static int stream(caisson_spec *spec, int fd)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return -1;
	if (S_ISCHR(st.st_mode) && st.st_rdev == makedev(1, 3))
		return -1;
	/* The user redirected it himself: that is his word that the program may have the file. */
	if (S_ISREG(st.st_mode))
		caisson_spec_allow_stdio_files(spec);
	return fd;
}

/* ---------------------------------------------------------------- signals */

static const int forwarded[] = { SIGINT,  SIGTERM,  SIGHUP,  SIGQUIT, SIGUSR1,
	                         SIGUSR2, SIGWINCH, SIGTSTP, SIGCONT };

/* Block what is forwarded, before the sandbox exists, so that no signal falls in between. */
static int open_signals(void)
{
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
static void stop(caisson_sandbox *box)
{
	sigset_t one, pending;

	caisson_kill(box, SIGSTOP);
	sigemptyset(&one);
	sigaddset(&one, SIGTSTP);
	raise(SIGTSTP);
	sigprocmask(SIG_UNBLOCK, &one, NULL);
	sigprocmask(SIG_BLOCK, &one, NULL);
	if (sigpending(&pending) < 0 || !sigismember(&pending, SIGCONT))
		caisson_kill(box, SIGCONT);
}

static int supervise(caisson_sandbox *box, int signals, int *status, caisson_error **err)
{
	struct pollfd fds[2] = { { .fd = caisson_event_fd(box), .events = POLLIN },
		                 { .fd = signals, .events = POLLIN } };
	struct signalfd_siginfo info;

	while (poll(fds, 2, -1) >= 0 || errno == EINTR) {
		if (fds[0].revents && caisson_wait(box, 0, status, err) != -ETIMEDOUT)
			break;
		while (read(signals, &info, sizeof(info)) == (ssize_t)sizeof(info)) {
			if (info.ssi_signo == SIGTSTP)
				stop(box);
			else
				caisson_kill(box, (int)info.ssi_signo);
		}
	}
	return caisson_wait(box, -1, status, err);
}

/* ----------------------------------------------------------------- report */

/* Before the program runs, so that an unwritable FILE stops it; emptied only when written. */
static int open_report(struct run *run)
{
	run->report_fd = -1;
	if (!run->report)
		return 0;
	if (strcmp(run->report, "-") == 0)
		run->report_fd = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3);
	else
		run->report_fd = open(run->report, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOCTTY, 0666);
	if (run->report_fd >= 0)
		return 0;
	cli_complain("run: --report %s: %s", run->report, strerror(errno));
	return -1;
}

static void report_error(FILE *out, const caisson_error *err)
{
	const struct {
		const char *name, *value;
	} fields[] = {
		{ "stage", caisson_error_stage(err) },
		{ "knob", caisson_error_knob(err) },
		{ "message", caisson_error_message(err) },
		{ "remedy", caisson_error_remedy(err) },
	};
	size_t i;

	fprintf(out, "{\"schema\":1,\"full\":false,\"error\":{\"errno\":%d",
	        caisson_error_errno(err));
	for (i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
		fprintf(out, ",\"%s\":", fields[i].name);
		cli_json_string(out, fields[i].value);
	}
	fputs("}}", out);
}

/* The sandbox's own report, or why there is none. */
static int write_report(struct run *run, caisson_sandbox *box, const caisson_error *err)
{
	const char *json;
	FILE *out;
	int failed;

	if (run->report_fd < 0)
		return 0;
	json = box ? caisson_report_json(box) : NULL;
	if (strcmp(run->report, "-") != 0 && ftruncate(run->report_fd, 0) < 0 && errno != EINVAL) {
		cli_complain("run: --report %s: %s", run->report, strerror(errno));
		return -1;
	}
	out = fdopen(run->report_fd, "w");
	failed = !out || (box && !json);
	if (out && json)
		fputs(json, out);
	else if (out && err)
		report_error(out, err);
	if (out) {
		if (!json || !*json || json[strlen(json) - 1] != '\n')
			fputc('\n', out);
		failed |= ferror(out);
		failed |= fclose(out) != 0;
		run->report_fd = -1;
	}
	if (failed)
		cli_complain("run: --report %s: it could not be written", run->report);
	return failed ? -1 : 0;
}

/* -------------------------------------------------------------- the course */

static int failure(const caisson_error *err)
{
	cli_complain("%s", caisson_error_text(err));
	if (caisson_error_source(err) != CAISSON_FROM_INIT ||
	    strcmp(caisson_error_stage(err), "executing the program") != 0)
		return EXIT_OWN_FAILURE;
	return caisson_error_errno(err) == ENOENT || caisson_error_errno(err) == ENOTDIR
	               ? EXIT_NOT_FOUND
	               : EXIT_NOT_EXECUTABLE;
}

static int run_spec(struct run *run)
{
	caisson_sandbox *box = NULL;
	caisson_error *err = NULL;
	int signals = open_signals();
	int status = 0, result = EXIT_OWN_FAILURE;

	if (signals < 0) {
		cli_complain("run: signalfd: %s", strerror(errno));
		return result;
	}
	caisson_spec_stdio(run->spec, stream(run->spec, 0), stream(run->spec, 1),
	                   stream(run->spec, 2));
	if (caisson_spawn(run->spec, &box, &err) < 0) {
		write_report(run, NULL, err);
		result = failure(err);
	} else if (write_report(run, box, NULL) == 0) {
		if (supervise(box, signals, &status, &err) < 0) {
			result = failure(err);
		} else {
			result = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
			/*
			 * Nothing of the sandbox runs any more. What the kernel still takes
			 * down of its namespaces needs nobody to wait for it: we are ending.
			 */
			if (fflush(NULL) == 0)
				_exit(result);
			result = EXIT_OWN_FAILURE;
		}
	}
	caisson_error_free(err);
	caisson_sandbox_free(box);
	close(signals);
	return result;
}

int run_to_its_end(struct run *run)
{
	int result;

	if (open_report(run) < 0)
		return EXIT_OWN_FAILURE;
	result = run_spec(run);
	if (run->report_fd >= 0)
		close(run->report_fd);
	return result;
}
