/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Sandboxes where there are none: unsupported, or a plain child for whoever says so in so many words. */
#include "posix.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "caisson_posix.h"
#include "meaning.h"

#define STAGE "starting"

long long posix_now_ms(void) {
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000LL + now.tv_nsec / 1000000;
}

bool posix_wait_a_bit(long long until) {
	const struct timespec bit = { 0, 2000000 };

	if (until >= 0 && posix_now_ms() >= until)
		return false;
	nanosleep(&bit, NULL);
	return true;
}

static int unsupported(caisson_error **err) {
	return error_set(err, ENOTSUP, STAGE, "the platform",
	                 "use Linux; or caisson_spec_run_unsandboxed() of caisson_posix.h, which "
	                 "runs it with all of your rights",
	                 "there are no sandboxes on this platform");
}

int caisson_spec_run_unsandboxed(caisson_spec *spec, const char *words) {
	if (!words || strcmp(words, CAISSON_UNSANDBOXED) != 0)
		return -EINVAL;
	spec->unsandboxed = true;
	return 0;
}

extern char **environ; /* POSIX has no header that declares it */

static void run(const caisson_spec *spec) {
	static char *none;

	for (int i = 0; i < 3; i++)
		if (spec->stdio[i] >= 0 && dup2(spec->stdio[i], i) < 0)
			_exit(126);
	if (spec->cwd && chdir(spec->cwd) < 0)
		_exit(126);
	if (spec->bare_env)
		environ = &none;
	for (size_t i = 0; spec->env && spec->env[i]; i++) {
		char *equals = strchr(spec->env[i], '=');

		*equals = '\0'; /* a copy: this is the child */
		setenv(spec->env[i], equals + 1, 1);
	}
	if (spec->folder)
		setenv(POSIX_ENV, spec->folder, 1);
	execvp(spec->argv[0], spec->argv);
	_exit(errno == ENOENT ? 127 : 126);
}

/* The channels and their folder go over to the one that runs. */
static void take_channels(caisson_spec *spec, caisson_sandbox *box) {
	box->folder = spec->folder;
	box->channels = spec->channels;
	memcpy(box->channel, spec->channel, sizeof(box->channel));
	for (size_t i = 0; i < box->channels; i++)
		posix_channel_started(box->channel[i], box);
	spec->folder = NULL;
	spec->channels = 0;
}

int caisson_spawn(caisson_spec *spec, caisson_sandbox **box, caisson_error **err) {
	caisson_sandbox *made;

	if (!spec->unsandboxed || spec->required)
		return unsupported(err);
	if (spec->no_memory || !spec->argv || !spec->argv[0])
		return error_set(err, spec->no_memory ? ENOMEM : EINVAL, STAGE, "", "",
		                 "the spec is not complete");
	made = calloc(1, sizeof(*made));
	if (!made)
		return error_set(err, ENOMEM, STAGE, "", "", "out of memory");
	fflush(NULL);
	made->pid = fork();
	if (made->pid == 0)
		run(spec);
	if (made->pid < 0) {
		free(made);
		return error_set(err, EAGAIN, STAGE, "", "", "no process can be made");
	}
	take_channels(spec, made);
	*box = made;
	return 0;
}

bool posix_ended(caisson_sandbox *box) {
	if (!box->ended && waitpid(box->pid, &box->status, WNOHANG) != 0)
		box->ended = true;
	return box->ended;
}

int caisson_wait(caisson_sandbox *box, int timeout_ms, int *status, caisson_error **err) {
	long long until = timeout_ms < 0 ? -1 : posix_now_ms() + timeout_ms;

	while (!posix_ended(box))
		if (!posix_wait_a_bit(until))
			return error_set(err, ETIMEDOUT, "waiting", "", "",
			                 "the program still runs");
	if (status)
		*status = box->status;
	return 0;
}

int caisson_kill(caisson_sandbox *box, int sig) {
	if (posix_ended(box))
		return -ESRCH;
	return kill(box->pid, sig) < 0 ? -errno : 0;
}

void caisson_sandbox_free(caisson_sandbox *box) {
	if (!box)
		return;
	if (!posix_ended(box)) {
		kill(box->pid, SIGKILL);
		caisson_wait(box, -1, NULL, NULL);
	}
	for (size_t i = 0; i < box->channels; i++)
		posix_channel_free(box->channel[i], true);
	if (box->folder)
		rmdir(box->folder);
	free(box->folder);
	free(box);
}

int caisson_event_fd(const caisson_sandbox *box) {
	(void)box;
	return -1;
}

int caisson_pidfd(const caisson_sandbox *box) {
	(void)box;
	return -1;
}

int caisson_pid(const caisson_sandbox *box) {
	return box->ended ? -1 : (int)box->pid;
}

int caisson_is_full(const caisson_sandbox *box) {
	(void)box;
	return 0;
}

int caisson_property_held(const caisson_sandbox *box, enum caisson_property property,
                          const char **how) {
	(void)box;
	(void)property;
	if (how)
		*how = "not on this platform: it was run without a sandbox";
	return 0;
}

const char *caisson_report_json(caisson_sandbox *box) {
	(void)box;
	return "{\n  \"schema\": 1,\n  \"full\": false,\n  \"via\": \"none\"\n}\n";
}

int caisson_exec(caisson_sandbox *box, caisson_spec *spec, caisson_program **program,
                 caisson_error **err) {
	(void)box;
	(void)spec;
	(void)program;
	return unsupported(err);
}

int caisson_program_wait(caisson_program *program, int timeout_ms, int *status,
                         caisson_error **err) {
	(void)program;
	(void)timeout_ms;
	(void)status;
	return unsupported(err);
}

int caisson_program_kill(caisson_program *program, int sig) {
	(void)program;
	(void)sig;
	return -ENOTSUP;
}

void caisson_program_free(caisson_program *program) {
	(void)program;
}

int caisson_stat(const struct caisson_sandbox *box, struct caisson_stat *stat) {
	(void)box;
	(void)stat;
	return -ENOTSUP;
}

int caisson_out_of_memory(const struct caisson_sandbox *box, const char **why) {
	(void)box;
	(void)why;
	return 0;
}

int caisson_timed_out(const struct caisson_sandbox *box) {
	(void)box;
	return 0;
}

const struct caisson_denial *caisson_denial(const struct caisson_sandbox *box, size_t index) {
	(void)box;
	(void)index;
	return NULL;
}

/* No helper and no init speak here. */
void meaning_of(const struct caisson_answer *answer, enum caisson_error_source source,
                const char *helper, struct meaning *m) {
	(void)answer;
	(void)source;
	(void)helper;
	m->what = m->knob = m->remedy = "";
}
