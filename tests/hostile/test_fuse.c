/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * FUSE file systems as sources and as destinations' parents, with servers that
 * answer, stopped answering and never did. As a source none is asked anything,
 * so that none can hold the helper up; and nothing is asked of any as root.
 * What must wait for a server is in test_fuse_hang.c.
 */
#include <fcntl.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "fuse_scene.h"
#include "hostile.h"
#include "tests/lib/tap.h"

#define SOON_MS 5000 /* the helper's alarm is six times as long */

static struct raw_plan *with(enum caisson_userns mode, int fd, const char *at, uint16_t flags) {
	struct raw_plan *plan = raw_bare(mode);

	raw_bind(plan, fd, at, flags);
	return plan;
}

/* stage 0: it is built, and a program runs in it. In any case soon. */
static void soon(const char *what, struct raw_plan *plan, uint32_t stage, uint32_t knob) {
	int64_t began = raw_now_ms();
	struct caisson_answer answer = { 0 };
	struct raw_box box;

	raw_build(&box, plan, &RAW_HOW);
	if (stage) {
		tap_ok(raw_failed(&box, stage, knob) && raw_now_ms() - began < SOON_MS,
		       "%s is refused: %s", what, raw_text(&box));
	} else {
		if (raw_built(&box))
			raw_start(&box, PROBE("present", "/t"), -1, NULL, 0, 0);
		tap_ok(raw_built(&box) && raw_next(&box, &answer, SOON_MS) &&
		               raw_next(&box, &answer, SOON_MS) &&
		               answer.kind == CAISSON_ANSWER_EXITED && answer.status == 0 &&
		               raw_now_ms() - began < SOON_MS,
		       "%s: %s", what, raw_text(&box));
	}
	if (raw_now_ms() - began >= SOON_MS) {
		fuse_quit(); /* everything after it would wait as long */
		exit(tap_done());
	}
	if (!raw_end(&box))
		tap_ok(false, "%s: it ends", what);
	raw_free(plan);
}

static void try_sources(enum caisson_userns mode, const char *name, const int *fds) {
	static const struct {
		const char *what;
		uint16_t flags;
	} kinds[] = { { "a file system that answers", CAISSON_BIND_DIR },
		      { "a directory in it", CAISSON_BIND_DIR },
		      { "a file in it", 0 },
		      { "one whose server stopped", CAISSON_BIND_DIR },
		      { "a directory in it", CAISSON_BIND_DIR },
		      { "a file in it", 0 },
		      { "one that never answered", CAISSON_BIND_DIR },
		      { "one that is denied to root", CAISSON_BIND_DIR },
		      { "a directory in it", CAISSON_BIND_DIR } };
	char what[96];

	for (unsigned i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		snprintf(what, sizeof(what), "%s: %s", name, kinds[i].what);
		soon(what, with(mode, dup(fds[i]), "/x", kinds[i].flags), 0, 0);
		snprintf(what, sizeof(what), "%s: %s, read-only", name, kinds[i].what);
		soon(what, with(mode, dup(fds[i]), "/x", kinds[i].flags | CAISSON_BIND_RDONLY), 0,
		     0);
	}
}

/* The whole scene as one tree: mounts that hang are cloned with it, and judged. */
static void try_tree(void) {
	struct raw_plan *plan =
		with(CAISSON_USERNS_AUTO, raw_path(fuse_path("")), "/x", CAISSON_BIND_DIR);

	raw_add(plan, CAISSON_OP_RDONLY, "/x/mute", 0, 0);
	raw_add(plan, CAISSON_OP_TMPFS, "/x/stopping", 4096, 0755);
	raw_add(plan, CAISSON_OP_DIR, "/x/stopping/made", 0, 0755);
	/* Before Linux 5.12 (or where it is played) a grant is one mount. */
	if (syscall(442 /* mount_setattr */, -1, "", 0, NULL, 0) == 0 || errno != ENOSYS)
		soon("a tree with all of them in it, one covered, one made read-only", plan, 0, 0);
	else
		soon("a tree with all of them in it", plan, CAISSON_STAGE_JUDGE,
		     CAISSON_KNOB_KERNEL);
}

static void try_device(const int *fds) {
	for (unsigned i = 2; i < 9; i += 3) {
		struct raw_plan *plan = with(CAISSON_USERNS_AUTO, dup(fds[i]), "/x", 0);
		struct raw_box box;
		int64_t began = raw_now_ms();

		plan->record[plan->head.records - 1].op = CAISSON_OP_DEVICE;
		raw_build(&box, plan, &RAW_HOW);
		tap_ok(box.answered && box.answer.kind == CAISSON_ANSWER_FAILED && box.pidfd < 0 &&
		               raw_now_ms() - began < SOON_MS,
		       "a file of theirs as a device: %s", raw_text(&box));
		raw_end(&box);
		raw_free(plan);
	}
}

/* Destinations: the caller's to search, by its fsuid, where the kernel lets it. */
static void try_destinations(void) {
	struct raw_plan *plan;

	plan = with(CAISSON_USERNS_AUTO, raw_path(fuse_path("live")), "/w", CAISSON_BIND_DIR);
	raw_add(plan, CAISSON_OP_TMPFS, "/w/dir", 4096, 0755);
	raw_add(plan, CAISSON_OP_DIR, "/w/dir/made", 0, 0755);
	soon("a mount on a directory of one that answers", plan, 0, 0);
	plan = with(CAISSON_USERNS_AUTO, raw_path(fuse_path("live")), "/w", CAISSON_BIND_DIR);
	raw_add(plan, CAISSON_OP_DIR, "/w/new", 0, 0755);
	soon("a new directory in one that answers", plan, CAISSON_STAGE_MOUNT,
	     CAISSON_KNOB_DESTINATION);
	plan = with(CAISSON_USERNS_AUTO, raw_path(fuse_path("private")), "/w", CAISSON_BIND_DIR);
	raw_add(plan, CAISSON_OP_TMPFS, "/w/dir", 4096, 0755);
	soon("a mount on a directory of one that is denied to root", plan, CAISSON_STAGE_MOUNT,
	     CAISSON_KNOB_DESTINATION);
}

/* The target waits for one that hangs, in its exec or later: the host is heard all the same. */
static void try_start(const char *what, const char *const *argv, bool runs) {
	struct raw_plan *plan =
		with(CAISSON_USERNS_AUTO, raw_path(fuse_path("mute")), "/w", CAISSON_BIND_DIR);
	struct caisson_answer answer = { 0 };
	struct raw_box box;
	int64_t began;

	raw_build(&box, plan, &RAW_HOW);
	raw_start(&box, argv, -1, NULL, 0, 0);
	if (runs)
		raw_next(&box, &answer, SOON_MS);
	tap_ok(!raw_next(&box, &answer, 500), "%s: it waits", what);
	began = raw_now_ms();
	tap_ok(raw_end(&box) && raw_now_ms() - began < SOON_MS, "%s: it ends when the host does",
	       what);
	raw_free(plan);
}

int main(int argc, char **argv) {
	int fds[9];

	if (scene_wanted(argc, argv))
		fuse_scene(argv + 2);
	if (!fuse_there())
		return tap_skip_all("it takes root to mount a FUSE file system first: --foreign");
	raw_watch();
	fds[0] = raw_path(fuse_path("live"));
	fds[1] = raw_path(fuse_path("live/dir"));
	fds[2] = raw_path(fuse_path("live/file"));
	fds[3] = raw_path(fuse_path("stopping"));
	fds[4] = raw_path(fuse_path("stopping/dir"));
	fds[5] = raw_path(fuse_path("stopping/file"));
	fds[6] = raw_path(fuse_path("mute"));
	fds[7] = raw_path(fuse_path("private"));
	fds[8] = raw_path(fuse_path("private/dir"));
	fuse_stop("stopping");
	try_sources(CAISSON_USERNS_AUTO, "auto", fds);
	try_sources(CAISSON_USERNS_NONE, "none", fds);
	try_tree();
	try_device(fds);
	try_destinations();
	tap_ok(fuse_root_requests() == 0, "nothing was asked of any of them as root (%u)",
	       fuse_root_requests());
	try_start("a program on one", (const char *const[]){ "/w/program", NULL }, false);
	try_start("a program that looks into one", PROBE("present", "/w/dir"), true);
	raw_nothing_left("at the end");
	return tap_done();
}
