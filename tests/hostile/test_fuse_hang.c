/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Steps that wait for a FUSE server that never answers: where a destination
 * leads through it, or a descriptor on it is closed. The alarm, 30 seconds,
 * ends the helper and the child; all are tried at the same time.
 *
 * A request that the server has read cannot be called back, whoever kills the
 * process that made it: it goes when the server does, which is the caller's.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fuse_scene.h"
#include "hostile.h"
#include "tests/lib/tap.h"

#define ALARM_MS 30000
#define SLACK_MS 8000

static struct attempt {
	const char *what;
	const char *source, *path; /* bound at /w; what is aimed at */
	enum caisson_userns mode;
	bool bind, held; /* a bind, not a directory; the server has read the request */
	struct raw_plan *plan;
	struct raw_box box;
	int64_t began;
} attempts[] = {
	{ .what = "a directory, never asked for", .source = "stopping", .path = "/w/a" },
	{ .what = "the same without a user namespace",
	  .source = "stopping",
	  .path = "/w/b/x",
	  .mode = CAISSON_USERNS_NONE },
	{ .what = "a bind, never asked for", .source = "stopping", .path = "/w/c", .bind = true },
	{ .what = "one that never answered at all", .source = "mute", .path = "/w/a" },
	{ .what = "a directory, asked for and never answered",
	  .source = "live",
	  .path = "/w/hang1",
	  .held = true },
	{ .what = "a bind, asked for and never answered",
	  .source = "live",
	  .path = "/w/hang2/x",
	  .bind = true,
	  .held = true },
};
#define ATTEMPTS (sizeof(attempts) / sizeof(attempts[0]))

static void begin(struct attempt *a) {
	a->plan = raw_bare(a->mode);
	raw_bind(a->plan, raw_path(fuse_path(a->source)), "/w", CAISSON_BIND_DIR);
	if (a->bind)
		raw_bind(a->plan, raw_path("/usr"), a->path, CAISSON_BIND_DIR);
	else
		raw_add(a->plan, CAISSON_OP_DIR, a->path, 0, 0755);
	a->began = raw_now_ms();
	raw_launch(&a->box, a->plan, &RAW_HOW);
}

/* Waits for what is left of the alarm's time. */
static void finish(struct attempt *a) {
	pid_t pid = hostile_cloned(&a->box, 10000);
	int64_t took;

	tap_ok(pid > 0, "%s: the child is handed over before it waits", a->what);
	if (!raw_ready(&a->box, (int)(a->began + ALARM_MS + SLACK_MS - raw_now_ms() < 0
	                                      ? 0
	                                      : a->began + ALARM_MS + SLACK_MS - raw_now_ms()))) {
		tap_ok(false, "%s: no answer after %d ms", a->what, ALARM_MS + SLACK_MS);
		return;
	}
	took = raw_now_ms() - a->began;
	hostile_answer(&a->box);
	tap_ok(a->box.answered && a->box.answer.kind == CAISSON_ANSWER_FAILED &&
	               a->box.answer.knob == CAISSON_KNOB_TIMEOUT &&
	               a->box.answer.error == ETIMEDOUT && took < ALARM_MS + SLACK_MS,
	       "%s: answered after %d ms: %s", a->what, (int)took, raw_text(&a->box));
	tap_ok(a->box.reaped, "%s: and the helper is gone", a->what);
	if (!a->held)
		tap_ok(hostile_gone(a->box.pidfd, 5000), "%s: and so is the child", a->what);
	else
		tap_note("%s: the child is %s", a->what,
		         hostile_gone(a->box.pidfd, 0) ? "gone" : "held by the server");
}

/*
 * A descriptor on such a file, and the helper closes it. The kernel lets nobody
 * end a close that waits for its server, read or not: the helper stays with it,
 * with the caller's effective ids and nothing done, and goes when it does. As 0
 * to 2 the C library may look at it before main (musl polls them): then it goes
 * on, or ends, when the server ends.
 */
static struct raw_box stray_box, standard_box;
static int file;

static void standard_input(void *arg) {
	(void)arg;
	if (dup2(file, 0) < 0)
		_exit(97);
}

static void begin_close(struct raw_box *box, void (*before)(void *)) {
	struct raw_plan *plan = raw_bare(CAISSON_USERNS_AUTO);
	struct raw_how how = RAW_HOW;

	how.before_exec = before;
	how.keep_fds = true; /* all but the file are CLOEXEC */
	raw_launch(box, plan, &how);
	raw_free(plan);
}

/* Its sources are closed behind it, the file is not: in this process no close may wait. */
static void begin_closes(void) {
	int low = open(fuse_path("closing/file"), O_RDONLY);

	file = fcntl(low, F_DUPFD, 100);
	if (low < 0 || file < 0)
		raw_bail("closing/file");
	fuse_stop("closing");
	begin_close(&stray_box, NULL);
	begin_close(&standard_box, standard_input);
}

/* No sooner than the server; then it ends by the alarm that it could not hear, or answers. */
static void finish_close(struct raw_box *box, const char *what) {
	hostile_answer(box);
	tap_ok(box->reaped && (box->answered || WIFSIGNALED(box->helper_status)),
	       "%s: the helper has ended once the server has (%#x): %s", what,
	       (unsigned)box->helper_status, raw_text(box));
	tap_ok(raw_end(box), "%s: and so has everything", what);
}

int main(int argc, char **argv) {
	if (scene_wanted(argc, argv))
		fuse_scene(argv + 2);
	if (!fuse_there())
		return tap_skip_all("it takes root to mount a FUSE file system first: --foreign");
	raw_watch();
	fuse_stop("stopping");
	for (unsigned i = 0; i < ATTEMPTS; i++)
		begin(&attempts[i]);
	begin_closes(); /* last: whoever is forked later closes that file, and waits itself */
	for (unsigned i = 0; i < ATTEMPTS; i++)
		finish(&attempts[i]);
	tap_ok(fuse_root_requests() == 0, "nothing was asked of any of them as root (%u)",
	       fuse_root_requests());
	tap_ok(waitpid(stray_box.helper, NULL, WNOHANG) == 0 && !raw_ready(&stray_box, 0),
	       "a close that waits holds the helper, and nothing comes of it");
	fuse_quit();
	finish_close(&stray_box, "a stray descriptor");
	finish_close(&standard_box, "standard input");
	for (unsigned i = 0; i < ATTEMPTS; i++) {
		tap_ok(hostile_gone(attempts[i].box.pidfd, 5000),
		       "%s: the child is gone once the server is", attempts[i].what);
		raw_end(&attempts[i].box);
		raw_free(attempts[i].plan);
	}
	raw_nothing_left("at the end");
	return tap_done();
}
