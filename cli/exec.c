/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * caisson exec: a further program in a sandbox that caisson run --name holds. All
 * that it gets is made here, and passed through that process to the sandbox's init.
 */
#define _GNU_SOURCE
#include "link.h"
#include "options.h"
#include "signals.h"
#include "supervise.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "internal.h"

struct session {
	const char *name;
	int s, signals;
	struct link_peer peer;
	bool running;
};

/* ---------------------------------------------------------------- greeting */

static int find(struct session *session) {
	const char *why;
	int dir = link_dir(false, &why), error;

	if (dir < 0 && errno != ENOENT) {
		cli_complain("exec: %s (%s)", why, strerror(errno));
		return -1;
	}
	session->s = dir < 0 ? -1 : link_connect(dir, session->name);
	error = errno;
	if (dir >= 0)
		close(dir);
	if (session->s >= 0)
		return 0;
	if (error == ENOENT || error == ECONNREFUSED)
		cli_complain("exec: no sandbox named %s runs; see caisson ps", session->name);
	else if (error == EAGAIN)
		cli_complain("exec: the caisson run of %s does not answer; is it stopped?",
		             session->name);
	else
		cli_complain("exec: %s cannot be reached: %s", session->name, strerror(error));
	return -1;
}

/* 0, or -1 and it is said what is wrong. */
static int greet(struct session *session, unsigned char nonce[16]) {
	struct pollfd answer = { .fd = session->s, .events = POLLIN };
	struct link_message hello, m = { .magic = 0 };
	struct ucred sender;

	link_message(&hello, LINK_HELLO);
	if (!link_nonce(hello.nonce) || link_peer(session->s, &session->peer) < 0) {
		cli_complain("exec: what listens as %s is no caisson of this user's outside of a "
		             "sandbox; nothing was sent to it",
		             session->name);
		return -1;
	}
	if (link_send(session->s, &hello, NULL) < 0 || poll(&answer, 1, LINK_TIMEOUT_MS) <= 0) {
		cli_complain("exec: the caisson run of %s, process %d, does not answer; is it "
		             "stopped?",
		             session->name, session->peer.pid);
		return -1;
	}
	if (link_receive(session->s, &m, &sender, NULL) < 0) {
		cli_complain("exec: the caisson run of %s, process %d, %s", session->name,
		             session->peer.pid,
		             errno == EPROTO ? "is of another version"
		                             : "has ended, or takes no more programs");
		return -1;
	}
	if (m.kind != LINK_WELCOME || memcmp(m.echo, hello.nonce, sizeof(m.echo)) != 0 ||
	    !link_peer_sent(&session->peer, &sender) || strcmp(m.name, session->name) != 0) {
		cli_complain("exec: who answers as %s is somebody else; nothing was sent there",
		             session->name);
		return -1;
	}
	memcpy(nonce, m.nonce, sizeof(m.nonce));
	return 0;
}

/* ----------------------------------------------------------- while it runs */

static int pass(void *to, int sig) {
	struct session *session = to;
	struct link_message m;

	link_message(&m, LINK_SIGNAL);
	m.value = sig;
	return link_send(session->s, &m, NULL);
}

static int failed(const caisson_spec *spec, const struct link_message *m) {
	caisson_error *err = NULL;
	int result = EXIT_OWN_FAILURE;
	struct error_about about;

	if (m->value == 0) {
		spec_about(spec, &m->why, &about);
		error_from_answer(&err, CAISSON_FROM_INIT, &m->why, &about, NULL);
		result = run_failure(err);
		caisson_error_free(err);
	} else if (m->value == EAGAIN) {
		cli_complain("exec: %u programs run in the sandbox, or its init is held up; wait "
		             "until one of them ends",
		             (unsigned)CAISSON_EXEC_MAX);
	} else {
		cli_complain("exec: the program cannot be started: %s", strerror(m->value));
	}
	return result;
}

/* -1: it goes on. */
static int hear(struct session *session, const caisson_spec *spec) {
	struct link_message m = { .magic = 0 };
	struct ucred sender;

	if (link_receive(session->s, &m, &sender, NULL) < 0) {
		if (errno == EAGAIN)
			return -1;
		cli_complain("exec: the caisson run of %s has ended, and with it the sandbox",
		             session->name);
		return EXIT_OWN_FAILURE;
	}
	if (m.kind == LINK_FAILED)
		return failed(spec, &m);
	if (m.kind == LINK_EXITED)
		return run_result(m.value);
	session->running |= m.kind == LINK_RUNNING;
	return -1;
}

static int converse(struct session *session, const caisson_spec *spec) {
	struct pollfd fds[2] = { { .fd = session->s, .events = POLLIN },
		                 { .fd = session->signals, .events = POLLIN } };
	int result = -1;

	while (result < 0 && (poll(fds, 2, -1) >= 0 || errno == EINTR)) {
		result = hear(session, spec);
		if (session->running)
			signals_pass(session->signals, pass, session);
		else if (result < 0 && (result = signals_fatal(session->signals)) > 0)
			return 128 + result; /* our end is the program's */
		else if (result == 0)
			result = -1;
	}
	return result < 0 ? EXIT_OWN_FAILURE : result;
}

static int execute(struct session *session, const caisson_spec *spec) {
	caisson_error *err = NULL;
	struct link_message m;
	struct start start;
	int result = EXIT_OWN_FAILURE;

	link_message(&m, LINK_EXEC);
	if (find(session) < 0 || greet(session, m.echo) < 0)
		return result;
	if (spec_ready(spec, &err) < 0) {
		result = run_failure(err);
	} else if (start_make(spec, &start, &err) < 0) {
		result = run_failure(err);
		start_close(&start);
	} else {
		m.start = start.head;
		if (link_send(session->s, &m, start.fd) == 0)
			result = converse(session, spec);
		else
			cli_complain("exec: the program cannot be passed on: %s", strerror(errno));
		start_close(&start);
	}
	caisson_error_free(err);
	return result;
}

/* ----------------------------------------------------------------- options */

static int opt_setenv(void *context, const char *value) {
	return run_setenv(context, "exec", value);
}

static int opt_keep_env(void *context, const char *value) {
	return run_keep_env(context, "exec", value);
}

static int opt_chdir(void *context, const char *value) {
	caisson_spec_chdir(context, value);
	return 0;
}

static const struct cli_option options[] = {
	{ "chdir", "DIR", "start in this directory of the sandbox (/)", opt_chdir },
	{ "setenv", "NAME=VALUE", "set a variable of the clean environment", opt_setenv },
	{ "keep-env", "NAME", "take over a variable, if it is set", opt_keep_env },
	{ NULL, NULL, NULL, NULL },
};

const struct cli_command cli_exec_command = {
	"exec",
	"NAME [--] PROG [ARG]...",
	"run another program in a sandbox that runs",
	options,
	"NAME is what caisson run --name gave. Exit status: as of caisson run.",
};

static int exec_named(caisson_spec *spec, const char *name, char **argv) {
	struct session session = { .name = name, .s = -1, .peer = { .pidfd = -1 } };
	int result;

	session.signals = signals_open();
	if (session.signals < 0) {
		cli_complain("exec: signalfd: %s", strerror(errno));
		return EXIT_OWN_FAILURE;
	}
	caisson_spec_argv(spec, (const char *const *)argv);
	run_streams(spec);
	result = execute(&session, spec);
	if (session.peer.pidfd >= 0)
		close(session.peer.pidfd);
	if (session.s >= 0)
		close(session.s);
	close(session.signals);
	return result;
}

int cli_exec(int argc, char **argv) {
	caisson_spec *spec = caisson_spec_new("exec");
	int rest = 0, result = EXIT_OWN_FAILURE, first;
	int parsed;

	if (!spec) {
		cli_complain("out of memory");
		return result;
	}
	parsed = cli_parse(&cli_exec_command, argc, argv, spec, &rest);
	first = rest + 1 < argc && strcmp(argv[rest + 1], "--") == 0 ? rest + 2 : rest + 1;
	if (parsed > 0)
		result = fflush(stdout) == 0 ? 0 : EXIT_OWN_FAILURE;
	else if (parsed == 0 && rest >= argc)
		cli_complain("exec: no sandbox is named; see caisson exec --help");
	else if (parsed == 0 && !link_name_ok(argv[rest]))
		cli_complain("exec: %s is no name of a sandbox", argv[rest]);
	else if (parsed == 0 && first >= argc)
		cli_complain("exec: no program is named; see caisson exec --help");
	else if (parsed == 0)
		result = exec_named(spec, argv[rest], argv + first);
	caisson_spec_free(spec);
	return result;
}
