/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a test asserts about a sandbox: its answer, what runs inside, what is left. */
#include "raw.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tap.h"

#define PROBE_MS 60000

const char *raw_text(const struct raw_box *box) {
	static char text[200];
	const struct caisson_answer *a = &box->answer;

	if (!box->answered)
		snprintf(text, sizeof(text), "no answer, wait status %#x",
		         (unsigned)box->helper_status);
	else if (a->kind == CAISSON_ANSWER_BUILT)
		snprintf(text, sizeof(text), "BUILT");
	else
		snprintf(text, sizeof(text), "FAILED stage %u errno %d knob %u record %d detail %u",
		         a->stage, a->error, a->knob, (int)a->record, a->detail);
	return text;
}

bool raw_failed(const struct raw_box *box, uint32_t stage, uint32_t knob) {
	return box->answered && box->answer.kind == CAISSON_ANSWER_FAILED &&
	       box->answer.stage == stage && box->answer.knob == knob && box->answer.error > 0;
}

static void relay_line(char *line, const char *prefix) {
	char *text = strstr(line, " - "), *why = strstr(line, " # SKIP ");

	if (why)
		*why = '\0';
	if (text && why)
		tap_skip(text + 3, why + 8);
	else if (text && (!strncmp(line, "ok ", 3) || !strncmp(line, "not ok ", 7)))
		tap_ok(line[0] == 'o', "%s: %s", prefix, text + 3);
	else
		tap_note("%s: %s", prefix, line);
}

unsigned raw_relay(int fd, const char *prefix) {
	unsigned before = tap_points;
	char line[1024];
	FILE *f = fdopen(fd, "r");

	while (f && fgets(line, sizeof(line), f)) {
		line[strcspn(line, "\n")] = '\0';
		if (strncmp(line, "1..", 3) != 0)
			relay_line(line, prefix);
	}
	if (f)
		fclose(f);
	return tap_points - before;
}

unsigned raw_probe(const struct raw_plan *plan, const struct raw_how *how, const char *prefix,
                   const char *const *probe) {
	struct caisson_answer answer = { 0 };
	struct raw_box box;
	unsigned points = 0;
	int out[2], rc;

	if (pipe2(out, O_CLOEXEC) < 0)
		raw_bail("pipe2");
	raw_build(&box, plan, how);
	if (!raw_built(&box)) {
		tap_ok(false, "%s: a sandbox: %s", prefix, raw_text(&box));
		close(out[0]);
		close(out[1]);
		raw_end(&box);
		return 0;
	}
	rc = raw_start(&box, probe, out[1], NULL, 0, 0);
	close(out[1]);
	if (rc == 0 && raw_next(&box, &answer, PROBE_MS) && answer.kind == CAISSON_ANSWER_RUNNING)
		points = raw_relay(out[0], prefix);
	else
		close(out[0]);
	if (points == 0)
		tap_ok(false, "%s: %s ran inside (rc %d, answer %u stage %u errno %d)", prefix,
		       probe[1] ? probe[1] : probe[0], rc, answer.kind, answer.stage, answer.error);
	else if (!raw_next(&box, &answer, PROBE_MS) || answer.kind != CAISSON_ANSWER_EXITED ||
	         answer.status & ~0x100)
		tap_ok(false, "%s: the program inside ended by itself (answer %u, status %#x)",
		       prefix, answer.kind, (unsigned)answer.status);
	if (!raw_end(&box))
		tap_ok(false, "%s: the sandbox ends when its socket is closed", prefix);
	return points;
}

void raw_attack(struct raw_box *box, const char *prefix, const char *name, const char *const *probe,
                const int *extra, unsigned extras, unsigned flags) {
	struct caisson_answer answer = { 0 };
	int out[2];

	if (pipe2(out, O_CLOEXEC) < 0)
		raw_bail("pipe2");
	raw_start(box, probe, out[1], extra, extras, flags);
	close(out[1]);
	raw_next(box, &answer, 20000);
	if (!tap_ok(answer.kind == CAISSON_ANSWER_RUNNING && raw_relay(out[0], prefix) > 0,
	            "%s: %s ran", prefix, name))
		tap_note("answer %u errno %d", answer.kind, answer.error);
}

/* ------------------------------------------------------------------ leftovers */

static char *mounts_before;
static nlink_t groups_before;

static char *slurp(const char *path) {
	size_t have = 0, size = 1u << 20;
	char *text = malloc(size);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n;

	while (text && fd >= 0 && have + 1 < size &&
	       (n = read(fd, text + have, size - have - 1)) > 0)
		have += (size_t)n;
	if (!text || fd < 0)
		raw_bail(path);
	close(fd);
	text[have] = '\0';
	return text;
}

/* Of our own cgroup, or 0: the sandbox has no business making one. */
static nlink_t count_groups(void) {
	char path[4200] = "/sys/fs/cgroup";
	char *text = slurp("/proc/self/cgroup"), *at = strstr(text, "0::");
	struct stat st;

	if (!at) {
		free(text);
		return 0;
	}
	at[strcspn(at, "\n")] = '\0';
	strncat(path, at + 3, sizeof(path) - strlen(path) - 1);
	free(text);
	return stat(path, &st) == 0 ? st.st_nlink : 0;
}

void raw_watch(void) {
	/* Whatever loses its parent comes to us, so that nothing can hide from the count. */
	if (prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) < 0)
		raw_bail("PR_SET_CHILD_SUBREAPER");
	mounts_before = slurp("/proc/self/mountinfo");
	groups_before = count_groups();
}

/* The first line of now that is not in before; NULL if there is none. */
static const char *new_mount(char *now) {
	char *save = NULL;

	for (char *line = strtok_r(now, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		const char *at = mounts_before;
		size_t len = strlen(line);

		while (at && (strncmp(at, line, len) != 0 || at[len] != '\n')) {
			at = strchr(at, '\n');
			at = at ? at + 1 : NULL;
		}
		if (!at)
			return line;
	}
	return NULL;
}

void raw_nothing_left(const char *when) {
	int64_t until = raw_now_ms() + 10000;
	pid_t pid = 0, reaped = 0;
	const char *mount;
	char *now = NULL;
	int status;

	/* Orphans that are on their way out are ours to reap; what stays is a leak. */
	while ((pid = waitpid(-1, &status, WNOHANG)) >= 0 && raw_now_ms() < until) {
		reaped += pid > 0;
		usleep(pid ? 0 : 2000);
	}
	tap_ok(pid < 0 && errno == ECHILD, "%s: no process is left (%d had ended)", when, reaped);
	do {
		free(now);
		now = slurp("/proc/self/mountinfo");
		mount = new_mount(now);
	} while (mount && raw_now_ms() < until && usleep(100000) == 0);
	tap_ok(!mount, "%s: no mount is left%s%s", when, mount ? ": " : "", mount ? mount : "");
	free(now);
	tap_ok(count_groups() == groups_before, "%s: no cgroup is left", when);
}
