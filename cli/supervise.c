/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* caisson run, from the spec to the exit status: streams, environment, signals, the report. */
#define _GNU_SOURCE
#include "supervise.h"
#include "control.h"
#include "options.h"
#include "signals.h"
#include "turns.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

/* ------------------------------------------------------- standard streams */

/*
 * -1, which the library makes a /dev/null of its own, for what is closed or
 * /dev/null already: no device node of the host's need go in.
 */
static int stream(caisson_spec *spec, int fd) {
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

void run_streams(caisson_spec *spec) {
	caisson_spec_stdio(spec, stream(spec, 0), stream(spec, 1), stream(spec, 2));
}

/* -------------------------------------- the environment, of run and of exec */

int run_setenv(caisson_spec *spec, const char *command, const char *value) {
	const char *equals = strchr(value, '=');
	char *name;

	if (!equals || equals == value) {
		cli_complain("%s: --setenv %s: it must be NAME=VALUE", command, value);
		return -1;
	}
	name = strndup(value, (size_t)(equals - value));
	if (!name) {
		cli_complain("out of memory");
		return -1;
	}
	caisson_spec_setenv(spec, name, equals + 1);
	free(name);
	return 0;
}

int run_keep_env(caisson_spec *spec, const char *command, const char *value) {
	if (!*value || strchr(value, '=')) {
		cli_complain("%s: --keep-env %s: it must be the name of a variable", command,
		             value);
		return -1;
	}
	caisson_spec_keepenv(spec, value);
	return 0;
}

/* ------------------------------------------------------------- while it runs */

static int pass(void *box, int sig) {
	return caisson_kill(box, sig);
}

/* The same, and others may ask for further programs in it. */
static void supervise_named(caisson_sandbox *box, int signals, struct control *control) {
	struct pollfd fds[2 + CONTROL_POLL] = { { .fd = caisson_event_fd(box), .events = POLLIN },
		                                { .fd = signals, .events = POLLIN } };
	int timeout, running;
	nfds_t n;

	do {
		n = control_poll(control, fds + 2, &timeout);
		if (poll(fds, 2 + n, timeout) < 0 && errno != EINTR)
			return;
		signals_pass(signals, pass, box);
		control_serve(control, fds + 2, box);
		/* Whatever init said is taken in by this, or was before. */
		running = caisson_wait(box, 0, NULL, NULL) == -ETIMEDOUT;
		control_tell(control);
	} while (running);
}

static int supervise(caisson_sandbox *box, int signals, struct control *control, int *status,
                     caisson_error **err) {
	struct pollfd fds[2] = { { .fd = caisson_event_fd(box), .events = POLLIN },
		                 { .fd = signals, .events = POLLIN } };

	if (control->name)
		supervise_named(box, signals, control);
	while (!control->name && (poll(fds, 2, -1) >= 0 || errno == EINTR)) {
		/* Whatever is wrong is said by the last call. */
		if (fds[0].revents && caisson_wait(box, 0, status, NULL) != -ETIMEDOUT)
			break;
		signals_pass(signals, pass, box);
	}
	return caisson_wait(box, -1, status, err);
}

/* ----------------------------------------------------------------- report */

/* Before the program runs, so that an unwritable FILE stops it; emptied only when written. */
static int open_report(struct run *run) {
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

static void report_error(FILE *out, const caisson_error *err) {
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
static int write_report(struct run *run, caisson_sandbox *box, const caisson_error *err) {
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

int run_failure(const caisson_error *err) {
	cli_complain("%s", caisson_error_text(err));
	if (caisson_error_source(err) != CAISSON_FROM_INIT ||
	    strcmp(caisson_error_stage(err), "executing the program") != 0)
		return EXIT_OWN_FAILURE;
	return caisson_error_errno(err) == ENOENT || caisson_error_errno(err) == ENOTDIR
	               ? EXIT_NOT_FOUND
	               : EXIT_NOT_EXECUTABLE;
}

int run_result(int status) {
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

/* The report is written anew where it can be: by now it has to say why the sandbox ended. */
static void end_limited(struct run *run, caisson_sandbox *box) {
	const char *why;

	if (caisson_out_of_memory(box, &why)) {
		cli_complain("run: %s", why);
		if (run->report && strcmp(run->report, "-") != 0 && open_report(run) == 0)
			write_report(run, box, NULL);
	}
	caisson_sandbox_free(box);
}

static void tell_denials(const caisson_sandbox *box) {
	const struct caisson_denial *denial = caisson_denial(box, 0);

	if (!denial)
		cli_complain("denied: nothing");
	for (size_t i = 0; (denial = caisson_denial(box, i)); i++)
		cli_complain("denied: %s (%d), %llu time%s", denial->name ? denial->name : "a call",
		             (int)denial->number, (unsigned long long)denial->count,
		             denial->count == 1 ? "" : "s");
}

/* The policy may have limited it, too. */
static bool is_limited(const struct run *run, const caisson_sandbox *box) {
	struct caisson_stat used;

	return run->limited || caisson_stat(box, &used) == 0;
}

static int run_spec(struct run *run, struct control *control) {
	caisson_sandbox *box = NULL;
	caisson_error *err = NULL;
	int signals = signals_open();
	int status = 0, result = EXIT_OWN_FAILURE;

	if (signals < 0) {
		cli_complain("run: signalfd: %s", strerror(errno));
		return result;
	}
	take_short_turns();
	run_streams(run->spec);
	if (caisson_spawn(run->spec, &box, &err) < 0) {
		write_report(run, NULL, err);
		result = run_failure(err);
	} else if (write_report(run, box, NULL) == 0) {
		if (supervise(box, signals, control, &status, &err) < 0) {
			result = run_failure(err);
		} else {
			result = run_result(status);
			if (run->explain)
				tell_denials(box);
			if (control->name)
				control_close(control);
			if (caisson_timed_out(box))
				cli_complain("run: its time was up");
			if (is_limited(run, box)) /* its cgroup is to go with it */
				end_limited(run, box);
			/*
			 * Nothing of the sandbox runs any more. What the kernel still takes
			 * down of its namespaces needs nobody to wait for it: we are ending,
			 * with nothing of ours unwritten.
			 */
			_exit(result);
		}
	}
	caisson_error_free(err);
	caisson_sandbox_free(box);
	close(signals);
	return result;
}

int run_to_its_end(struct run *run) {
	static struct control control; /* large, and mostly not needed */
	int result = EXIT_OWN_FAILURE;

	if (open_report(run) < 0)
		return result;
	if (!run->name || control_open(&control, run->name) == 0) {
		result = run_spec(run, &control);
		if (run->name)
			control_close(&control);
	}
	if (run->report_fd >= 0)
		close(run->report_fd);
	return result;
}
