/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the tests share: specs that run this program, and what came of them. */
#include "run.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tests/lib/tap.h"

#define PATIENCE 20000 /* ms, for what is expected to come */

void bail(const char *what) {
	printf("Bail out! %s: %s\n", what, strerror(errno));
	exit(1);
}

bool slow(void) {
	return getenv("CAISSON_TEST_SLOW") || getenv("CAISSON_TEST_KERNEL");
}

bool without_helper(void) {
	const char *mode = getenv("CAISSON_TEST_RESTRICTION");

	return mode && (!strcmp(mode, "userns") || !strcmp(mode, "kernel-5.4") ||
	                !strcmp(mode, "kernel-4.18"));
}

const char *played_kernel(void) {
	const char *mode = getenv("CAISSON_TEST_RESTRICTION");

	return mode && !strncmp(mode, "kernel-", 7) ? mode : "";
}

int ms(int real) {
	return slow() ? 6 * real : real;
}

int rounds(int real) {
	return slow() ? (real + 4) / 5 : real;
}

int64_t now_ms(void) {
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

const char *work_dir(void) {
	static char dir[] = "/tmp/caisson-run-XXXXXX";
	static bool made;

	if (!made && !mkdtemp(dir))
		bail("mkdtemp");
	made = true;
	return dir;
}

const char *in_work(const char *name) {
	static char path[8][PATH_MAX];
	static unsigned next;
	char *to = path[next++ % 8];

	snprintf(to, PATH_MAX, "%s/%s", work_dir(), name);
	return to;
}

const char *work_file(const char *name, const char *text, unsigned mode) {
	const char *path = in_work(name);
	FILE *f = fopen(path, "we");

	if (!f || fputs(text, f) < 0 || fclose(f) != 0 || chmod(path, mode) != 0)
		bail(path);
	return path;
}

const char *self_path(void) {
	static char path[PATH_MAX];
	ssize_t n;

	if (!path[0]) {
		n = readlink("/proc/self/exe", path, sizeof(path) - 1);
		if (n <= 0)
			bail("/proc/self/exe");
	}
	return path;
}

/* The folder that libcaisson was loaded from; found before there is a second thread. */
static const char *library_dir(void) {
	static char dir[PATH_MAX];
	char line[PATH_MAX + 100], *path = NULL;
	FILE *maps;

	if (dir[0])
		return dir;
	maps = fopen("/proc/self/maps", "re");
	while (maps && !path && fgets(line, sizeof(line), maps))
		if (strstr(line, "/libcaisson.so"))
			path = strchr(line, '/');
	if (!path)
		bail("libcaisson.so is not among this process's mappings");
	fclose(maps);
	*strstr(path, "/libcaisson.so") = '\0';
	strcpy(dir, path);
	return dir;
}

void grant_self(caisson_spec *spec) {
	caisson_spec_ro(spec, self_path(), PROGRAM);
	caisson_spec_ro(spec, library_dir(), "/t/lib");
	caisson_spec_setenv(spec, "LD_LIBRARY_PATH", "/t/lib");
}

static void set_argv(caisson_spec *spec, const char *const *does) {
	const char *argv[32] = { PROGRAM, "inside" };
	size_t n = 2;

	while (*does && n < 31)
		argv[n++] = *does++;
	caisson_spec_argv(spec, argv);
}

static caisson_spec *new_spec(void) {
	caisson_spec *spec = caisson_spec_new("e2e");

	if (!spec)
		bail("caisson_spec_new");
	return spec;
}

caisson_spec *inside(const char *const *does) {
	caisson_spec *spec = new_spec();

	grant_self(spec);
	set_argv(spec, does);
	return spec;
}

caisson_spec *inside_bare(const char *const *does) {
	static const char *const beside[] = { "/bin", "/lib", "/lib64" };
	caisson_spec *spec = new_spec();
	char target[PATH_MAX];

	caisson_spec_bare_root(spec);
	caisson_spec_ro(spec, "/usr", "/usr");
	for (size_t i = 0; i < sizeof(beside) / sizeof(beside[0]); i++) {
		ssize_t n = readlink(beside[i], target, sizeof(target) - 1);

		target[n > 0 ? n : 0] = '\0';
		if (n > 0)
			caisson_spec_symlink(spec, target, beside[i]);
		else
			caisson_spec_bind(spec, beside[i], beside[i],
			                  CAISSON_RDONLY | CAISSON_OPTIONAL);
	}
	grant_self(spec);
	set_argv(spec, does);
	return spec;
}

caisson_sandbox *start(caisson_spec *spec) {
	caisson_sandbox *box = NULL;
	caisson_error *err = NULL;

	if (caisson_spawn(spec, &box, &err) < 0) {
		tap_note("%s", caisson_error_message(err));
		caisson_error_free(err);
		box = NULL;
	}
	caisson_spec_free(spec);
	return box;
}

int end_of(caisson_sandbox *box) {
	int status = -1;
	caisson_error *err = NULL;

	if (box && caisson_wait(box, ms(PATIENCE), &status, &err) < 0) {
		tap_note("%s", caisson_error_text(err));
		caisson_error_free(err);
		status = -1;
	}
	caisson_sandbox_free(box);
	return status;
}

bool collect(int fd, struct result *result) {
	int64_t until = now_ms() + ms(PATIENCE);
	struct pollfd p = { .fd = fd, .events = POLLIN };
	ssize_t n = -1;

	result->n = 0;
	while (result->n < OUT_MAX - 1 && now_ms() < until) {
		if (poll(&p, 1, 100) <= 0)
			continue;
		n = read(fd, result->out + result->n, OUT_MAX - 1 - result->n);
		if (n <= 0)
			break;
		result->n += (size_t)n;
	}
	result->out[result->n] = '\0';
	close(fd);
	return n == 0;
}

bool run(caisson_spec *spec, struct result *result) {
	caisson_sandbox *box;
	int out[2];

	memset(result, 0, sizeof(*result));
	result->status = -1;
	if (pipe2(out, O_CLOEXEC) < 0)
		bail("pipe2");
	caisson_spec_stdio(spec, -1, out[1], out[1]);
	box = start(spec);
	close(out[1]);
	if (!collect(out[0], result))
		tap_note("the output did not end");
	result->status = end_of(box);
	return box;
}

void gives(caisson_spec *spec, const char *out, const char *what) {
	struct result r;
	bool ran = run(spec, &r);

	if (tap_ok(ran && r.status == 0 && !strcmp(r.out, out), "%s", what))
		return;
	tap_note("wait status %#x, printed:", (unsigned)r.status);
	for (char *line = strtok(r.out, "\n"); line; line = strtok(NULL, "\n"))
		tap_note("  %.300s", line);
}

void refuses(caisson_spec *spec, const struct refusal *want, const char *what) {
	caisson_sandbox *box = (caisson_sandbox *)(uintptr_t)1;
	caisson_error *err = NULL;
	int rc = caisson_spawn(spec, &box, &err);
	enum caisson_error_source source = want->source;
	bool good;

	if (source == CAISSON_FROM_HELPER && without_helper())
		source = CAISSON_FROM_BUILDER;
	if (rc == 0) {
		tap_ok(false, "%s: was not refused", what);
		caisson_sandbox_free(box);
		caisson_spec_free(spec);
		return;
	}
	good = rc == -want->error && !box && err && caisson_error_errno(err) == want->error &&
	       caisson_error_source(err) == source &&
	       (!want->stage || !strcmp(caisson_error_stage(err), want->stage)) &&
	       (!want->knob || !strcmp(caisson_error_knob(err), want->knob)) &&
	       (!want->message || strstr(caisson_error_message(err), want->message)) &&
	       strstr(caisson_error_text(err), caisson_error_message(err)) &&
	       strstr(caisson_error_text(err), caisson_error_remedy(err)) &&
	       strstr(caisson_error_text(err), caisson_error_knob(err));
	if (!tap_ok(good && no_children(), "%s", what))
		tap_note("rc %d, source %d, stage \"%s\", knob \"%s\", children %d: %s", rc,
		         (int)caisson_error_source(err), caisson_error_stage(err),
		         caisson_error_knob(err), !no_children(), caisson_error_message(err));
	caisson_error_free(err);
	caisson_spec_free(spec);
}

bool hung_up(int fd, int timeout_ms) {
	int64_t until = now_ms() + timeout_ms;
	char sink[4096];

	do {
		struct pollfd p = { .fd = fd, .events = POLLIN };
		int64_t left = until - now_ms();

		if (poll(&p, 1, left > 0 ? (int)left : 0) > 0 && read(fd, sink, sizeof(sink)) == 0)
			return true;
	} while (now_ms() < until);
	return false;
}

bool ready(int fd) {
	char text[6];
	struct pollfd p = { .fd = fd, .events = POLLIN };

	return poll(&p, 1, ms(PATIENCE)) > 0 && read(fd, text, 6) == 6 &&
	       !memcmp(text, "ready\n", 6);
}

int open_fds(void) {
	DIR *dir = opendir("/proc/self/fd");
	int n = -1; /* its own */

	if (!dir)
		bail("/proc/self/fd");
	for (struct dirent *e; (e = readdir(dir));)
		n += e->d_name[0] != '.';
	closedir(dir);
	return n;
}

/* What a child that should not be there is. */
static void note_children(void) {
	char path[64], line[300];
	FILE *f;

	snprintf(path, sizeof(path), "/proc/self/task/%d/children", (int)getpid());
	f = fopen(path, "re");
	for (int pid; f && fscanf(f, "%d", &pid) == 1;) {
		FILE *stat;

		snprintf(path, sizeof(path), "/proc/%d/stat", pid);
		stat = fopen(path, "re");
		if (stat && fgets(line, sizeof(line), stat))
			tap_note("child: %.60s", line);
		if (stat)
			fclose(stat);
	}
	if (f)
		fclose(f);
}

bool no_children(void) {
	siginfo_t info;

	if (waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) < 0 && errno == ECHILD)
		return true;
	note_children();
	return false;
}

void in_child(int (*body)(void), const char *what) {
	int status = -1;
	pid_t pid;

	fflush(stdout);
	pid = fork();
	if (pid == 0) {
		int rc;

		alarm((unsigned)ms(40000) / 1000);
		rc = body();
		fflush(stdout);
		_exit(rc);
	}
	if (pid < 0)
		bail("fork");
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	if (!tap_ok(status == 0, "%s", what))
		tap_note("wait status of the host application %#x", (unsigned)status);
}
