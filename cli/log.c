/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * caisson log: who asked for a sandbox, and what was decided, out of the system's log. From the
 * journal, which says who sent what; or from a file of a syslog daemon's, which does not.
 */
#define _GNU_SOURCE
#include "log.h"

#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <limits.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "options.h"

struct log {
	const char *since, *journal, *file;
	uint64_t uid; /* UINT64_MAX: everybody's */
	bool denied, json, follow;
	unsigned long forged, read;
};

static int opt_since(void *context, const char *value) {
	((struct log *)context)->since = value;
	return 0;
}

static int opt_uid(void *context, const char *value) {
	if (cli_number(value, UINT32_MAX, &((struct log *)context)->uid) == 0)
		return 0;
	cli_complain("log: --uid %s: it must be a number", value);
	return -1;
}

static int opt_denied(void *context, const char *value __attribute__((unused))) {
	((struct log *)context)->denied = true;
	return 0;
}

static int opt_json(void *context, const char *value __attribute__((unused))) {
	((struct log *)context)->json = true;
	return 0;
}

static int opt_follow(void *context, const char *value __attribute__((unused))) {
	((struct log *)context)->follow = true;
	return 0;
}

static int opt_journal(void *context, const char *value) {
	((struct log *)context)->journal = value;
	return 0;
}

static int opt_file(void *context, const char *value) {
	((struct log *)context)->file = value;
	return 0;
}

static const struct cli_option options[] = {
	{ "denied", NULL, "only what was denied", opt_denied },
	{ "uid", "UID", "only what this user asked for", opt_uid },
	{ "since", "TIME", "only from then on, as journalctl(1) takes it", opt_since },
	{ "follow", NULL, "go on with what is recorded from now on", opt_follow },
	{ "json", NULL, "one JSON object for each", opt_json },
	{ "journal", "DIR", "this journal, instead of the system's", opt_journal },
	{ "file", "FILE", "a file of a syslog daemon's, or - for standard input", opt_file },
	{ NULL, NULL, NULL, NULL },
};

const struct cli_command cli_log_command = {
	"log",
	"",
	"show which sandboxes were asked for, and what was decided",
	options,
	"The journal says who sent a record: what others than caisson-helper sent is left out, "
	"and\n"
	"counted. A syslog daemon's file does not say it: each line is \"unverified\".\n"
	"Exit status: 0, also if there are no records; 125 if the log cannot be read.",
};

/* ------------------------------------------------------------------- reading */

static void line_read(struct log *log, const char *line) {
	struct log_record r;
	enum log_kind kind = log->file ? log_file_line(line, &r)
	                               : log_journal_line(line, CAISSON_HELPER_PATH, &r);

	log->read++;
	log->forged += kind == LOG_FORGED;
	if (kind != LOG_RECORD || (log->denied && *r.decision == 'a') ||
	    (log->uid != UINT64_MAX && r.uid != log->uid))
		return;
	log_show(&r, log->json);
	if (log->follow)
		fflush(stdout);
}

/* Of a line that is too long, which none of ours is, the rest is no line of its own. */
static void lines_read(struct log *log, FILE *from) {
	static char line[LOG_LINE_MAX];
	bool cut = false;

	while (fgets(line, sizeof(line), from)) {
		size_t n = strlen(line);
		bool whole = n > 0 && line[n - 1] == '\n';

		if (whole)
			line[n - 1] = '\0';
		if (!cut && (whole || feof(from)))
			line_read(log, line);
		cut = !whole;
	}
}

static int read_file(struct log *log) {
	bool standard = !strcmp(log->file, "-");
	FILE *from = standard ? stdin : fopen(log->file, "re");
	int failed;

	if (!from) {
		cli_complain("log: %s: %s", log->file, strerror(errno));
		return -1;
	}
	lines_read(log, from);
	failed = ferror(from) ? errno : 0;
	if (!standard)
		fclose(from);
	if (failed)
		cli_complain("log: %s: %s", log->file, strerror(failed));
	return failed ? -1 : 0;
}

/* -------------------------------------------------------------- the journal */

static const char *journalctl(void) {
	static const char *const paths[] = { "/usr/bin/journalctl", "/bin/journalctl" };

	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++)
		if (access(paths[i], X_OK) == 0)
			return paths[i];
	return NULL;
}

static _Noreturn void ask_journal(const struct log *log, int out, int complaints) {
	const char *argv[12] = { "journalctl", "--output=json", "--no-pager", "--quiet",
		                 "SYSLOG_IDENTIFIER=caisson-helper" };
	const char *program = journalctl();
	int n = 5; /* and six more at most, and a NULL */

	if (log->follow) {
		argv[n++] = "--follow";
		argv[n++] = "--no-tail";
	}
	if (log->journal) {
		argv[n++] = "--directory";
		argv[n++] = log->journal;
	}
	if (log->since) {
		argv[n++] = "--since";
		argv[n++] = log->since;
	}
	dup2(out, STDOUT_FILENO);
	if (complaints >= 0)
		dup2(complaints, STDERR_FILENO);
	execv(program, (char *const *)(uintptr_t)argv);
	cli_complain("log: %s: %s", program, strerror(errno));
	_exit(EXIT_OWN_FAILURE);
}

/* What journalctl said of errors, to our own standard error. true: it said something. */
static bool tell_complaints(int complaints) {
	char text[1024];
	bool any = false;
	ssize_t n;

	if (complaints < 0)
		return true;
	for (off_t at = 0; (n = pread(complaints, text, sizeof(text), at)) > 0; at += n)
		any |= fwrite(text, 1, (size_t)n, stderr) > 0;
	close(complaints);
	return any;
}

static int read_journal(struct log *log) {
	int fds[2], status = 0, complaints = memfd_create("caisson-log", MFD_CLOEXEC);
	bool said;
	FILE *from;
	pid_t pid;

	if (pipe2(fds, O_CLOEXEC) < 0 || (pid = fork()) < 0) {
		cli_complain("log: %s", strerror(errno));
		return -1;
	}
	if (pid == 0)
		ask_journal(log, fds[1], complaints);
	close(fds[1]);
	from = fdopen(fds[0], "r");
	if (from) {
		lines_read(log, from);
		fclose(from);
	}
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	said = tell_complaints(complaints);
	/* Without any entry of that kind journalctl ends with 1, and says nothing. */
	if (from && WIFEXITED(status) && (WEXITSTATUS(status) == 0 || (log->read == 0 && !said)))
		return 0;
	cli_complain("log: journalctl failed%s", said ? " (above)" : "");
	return -1;
}

/* Is the system's journal there, and none of it to be read? journalctl may pass over it. */
static bool is_closed(void) {
	static const char *const dirs[] = { "/run/log/journal", "/var/log/journal" };
	bool closed = false, open = false;
	char pattern[64], file[PATH_MAX];

	for (size_t i = 0; i < sizeof(dirs) / sizeof(dirs[0]); i++) {
		glob_t machines = { 0 };

		closed |= access(dirs[i], R_OK | X_OK) < 0 && errno == EACCES;
		snprintf(pattern, sizeof(pattern), "%s/*", dirs[i]);
		glob(pattern, 0, NULL, &machines);
		for (size_t j = 0; j < machines.gl_pathc; j++) {
			snprintf(file, sizeof(file), "%s/system.journal", machines.gl_pathv[j]);
			if (access(file, R_OK) == 0)
				open = true;
			else
				closed |= errno == EACCES;
		}
		globfree(&machines);
	}
	return closed && !open;
}

/* Where a record may be that the journal does not have. */
static const char *syslog_file(void) {
	static const char *const paths[] = { "/var/log/auth.log", "/var/log/secure",
		                             "/var/log/messages" };

	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++)
		if (access(paths[i], F_OK) == 0)
			return paths[i];
	return NULL;
}

static bool has_journal(const struct log *log) {
	return journalctl() && (log->journal || access("/run/log/journal", F_OK) == 0 ||
	                        access("/var/log/journal", F_OK) == 0);
}

static int read_log(struct log *log) {
	if (!log->file && !has_journal(log))
		log->file = syslog_file();
	if (!log->file && !has_journal(log)) {
		cli_complain("log: there is no journal here, nor /var/log/auth.log, secure or "
		             "messages; --file or --journal says where the log is");
		return -1;
	}
	if (log->file && (log->follow || log->since)) {
		cli_complain("log: --follow and --since are for a journal, and %s is none",
		             log->file);
		return -1;
	}
	if (!log->file && !log->journal && is_closed()) {
		cli_complain("log: nothing can be seen: the system's journal is for root and the "
		             "groups adm and systemd-journal");
		return -1;
	}
	return log->file ? read_file(log) : read_journal(log);
}

int cli_log(int argc, char **argv) {
	struct log log = { .uid = UINT64_MAX };
	int rest = 0, parsed = cli_parse(&cli_log_command, argc, argv, &log, &rest), result;

	if (parsed != 0)
		return parsed > 0 && fflush(stdout) == 0 ? 0 : EXIT_OWN_FAILURE;
	if (rest != argc) {
		cli_complain("log: it takes no arguments; see caisson log --help");
		return EXIT_OWN_FAILURE;
	}
	if (log.file && log.journal) {
		cli_complain("log: it is either --file or --journal");
		return EXIT_OWN_FAILURE;
	}
	result = read_log(&log);
	if (fflush(stdout) != 0 || ferror(stdout)) {
		cli_complain("standard output cannot be written to");
		return EXIT_OWN_FAILURE;
	}
	if (log.forged)
		cli_complain("log: left out: %lu line%s that say caisson-helper and are not its",
		             log.forged, log.forged == 1 ? "" : "s");
	return result < 0 ? EXIT_OWN_FAILURE : 0;
}
