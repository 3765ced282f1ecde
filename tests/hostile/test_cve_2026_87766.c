/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * CVE-2026-87766: set-up that followed a symbolic link, in a tree that the
 * caller could write, out of the sandbox's new root and onto the host.
 *
 * Everything that a plan can make or mount is aimed through such links, with
 * the source and the destination exchanged all the while on a busy machine.
 * What must never be seen: a change outside; something made in a granted tree;
 * a way through a directory that the caller may not search.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "hostile.h"
#include "tests/lib/tap.h"

#define PHASE_MS 4000

static char base[] = "/tmp/caisson-87766-XXXXXX";

static char *at(const char *name) {
	static char path[4][256];
	static unsigned turn;
	char *text = path[turn++ % 4];

	snprintf(text, sizeof(path[0]), "%s/%s", base, name);
	return text;
}

/*
 * outside: the host's. tree: granted read-write as /w; out and dir in it change
 * places. from: out and dir in it do too, as sources.
 */
static void make_trees(void) {
	static const char *const dirs[] = { "outside",         "outside/sub",  "tree",
		                            "tree/dir",        "tree/dir/sub", "tree/closed",
		                            "tree/closed/sub", "from",         "from/dir" };
	char up[256];

	if (!mkdtemp(base) || chmod(base, 0755) < 0)
		raw_bail(base);
	for (unsigned i = 0; i < sizeof(dirs) / sizeof(dirs[0]); i++)
		if (mkdir(at(dirs[i]), 0755) < 0)
			raw_bail(dirs[i]);
	snprintf(up, sizeof(up), "../../../../../../../../..%s", at("outside"));
	if (symlink(at("outside"), at("tree/out")) < 0 || symlink(up, at("tree/up")) < 0 ||
	    symlink(at("outside"), at("from/out")) < 0 || chmod(at("tree/closed"), 0) < 0)
		raw_bail("links");
}

/* . and .. count: outside has sub; tree: dir, closed, out, up; dir, or where it leads: sub */
static bool untouched(void) {
	return hostile_entries(at("outside")) == 3 && hostile_entries(at("outside/sub")) == 2 &&
	       hostile_entries(at("tree")) == 6 && hostile_entries(at("tree/dir")) <= 3 &&
	       hostile_entries(at("tree/out")) <= 3;
}

static struct raw_plan *with_tree(void) {
	struct raw_plan *plan = raw_bare(CAISSON_USERNS_AUTO);

	raw_bind(plan, raw_path(at("tree")), "/w", CAISSON_BIND_DIR);
	return plan;
}

static const uint16_t ops[] = { CAISSON_OP_DIR, CAISSON_OP_SYMLINK, CAISSON_OP_TMPFS,
	                        CAISSON_OP_BIND, CAISSON_OP_DEVPTS };
#define OPS (sizeof(ops) / sizeof(ops[0]))

static void aim(struct raw_plan *plan, uint16_t op, const char *path) {
	if (op == CAISSON_OP_BIND)
		/* through the link or not: what is opened now is what is granted */
		raw_bind(plan, raw_path(at("from/dir")), path, CAISSON_BIND_DIR);
	else if (op == CAISSON_OP_SYMLINK)
		raw_symlink(plan, "/etc/passwd", path);
	else
		raw_add(plan, op, path, op == CAISSON_OP_TMPFS ? 4096 : 0,
		        op == CAISSON_OP_DEVPTS ? 0 : 0755);
}

static bool one(struct raw_plan *plan, const char *what) {
	struct raw_box box;
	bool built;

	raw_build(&box, plan, &RAW_HOW);
	built = raw_built(&box);
	if (!box.answered || !raw_end(&box))
		tap_ok(false, "%s is answered and ends: %s", what, raw_text(&box));
	raw_free(plan);
	return built;
}

/* Links that stand still: nothing new is made, whichever side of the link it would be on. */
static void try_still(void) {
	static const char *const paths[] = { "/w/out/new", "/w/up/new", "/w/new", "/w/dir/new",
		                             "/w/out/sub/new" };
	unsigned built = 0;

	for (unsigned i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
		for (unsigned k = 0; k < OPS; k++) {
			struct raw_plan *plan = with_tree();

			aim(plan, ops[k], paths[i]);
			built += one(plan, paths[i]);
		}
		tap_ok(untouched(), "nothing was made by way of %s", paths[i]);
	}
	tap_ok(built == 0, "and each of them was refused (%u were built)", built);
}

/* The link is followed below the new root: where it leads there, the mount is found inside. */
static void try_inside(void) {
	static const char *const by[] = { "/w/out/sub", "/w/up/sub" };

	for (unsigned i = 0; i < 2; i++) {
		struct raw_plan *plan = with_tree();
		char mark[300];

		raw_add(plan, CAISSON_OP_DIR, "/tmp", 0, 0755);
		raw_add(plan, CAISSON_OP_DIR, base, 0, 0755);
		raw_add(plan, CAISSON_OP_DIR, at("outside"), 0, 0755);
		raw_add(plan, CAISSON_OP_DIR, at("outside/sub"), 0, 0755);
		aim(plan, CAISSON_OP_TMPFS, by[i]);
		snprintf(mark, sizeof(mark), "%s/mark", at("outside/sub"));
		raw_add(plan, CAISSON_OP_DIR, mark, 0, 0755);
		raw_probe(plan, &RAW_HOW, by[i], PROBE("present", mark, by[i]));
		raw_free(plan);
		tap_ok(untouched(), "and nothing outside, by way of %s", by[i]);
	}
}

/* Root may search any directory; the caller may not, and nor may what is done for it. */
static void try_closed(void) {
	for (unsigned k = 0; k < OPS; k++) {
		struct raw_plan *plan = with_tree();
		struct raw_box box;

		aim(plan, ops[k], "/w/closed/sub");
		raw_build(&box, plan, &RAW_HOW);
		tap_ok(raw_failed(&box, CAISSON_STAGE_MOUNT, CAISSON_KNOB_DESTINATION),
		       "op %u below a directory of mode 0000 is refused: %s", ops[k],
		       raw_text(&box));
		raw_end(&box);
		raw_free(plan);
	}
}

static void try_flipped(void) {
	static const char *const paths[] = { "/w/dir/sub", "/w/dir/new", "/w/out/sub", "/w/dir",
		                             "/w/out" };
	const pid_t pids[] = { hostile_flip(at("tree/dir"), at("tree/out")),
		               hostile_flip(at("from/dir"), at("from/out")), hostile_load() };
	int64_t end = raw_now_ms() + PHASE_MS;
	unsigned rounds = 0, built = 0, touched = 0, still = 0;

	for (; raw_now_ms() < end; rounds++) {
		struct raw_plan *plan = with_tree();

		for (unsigned k = 0; k < 3; k++)
			aim(plan, ops[(rounds + k) % OPS == 4 ? 0 : (rounds + k) % OPS],
			    paths[rounds / OPS % 5]);
		built += one(plan, "a flipped path");
		touched += !untouched();
	}
	for (unsigned i = 0; i < 3; i++)
		still += hostile_stop(pids[i]);
	tap_ok(touched == 0 && still == 3,
	       "%u sandboxes, source and destination flipped, busy: %u built, %u reached out",
	       rounds, built, touched);
}

static void clean(void) {
	char command[300];

	snprintf(command, sizeof(command), "chmod 0755 %s && rm -rf %s", at("tree/closed"), base);
	tap_ok(system(command) == 0, "everything that is left is the user's to remove");
}

/* What only root may search, in a tree of the host's: the answer tells nothing of what is in it. */
static void try_roots(void) {
	struct raw_plan *plan = raw_bare(CAISSON_USERNS_AUTO);
	struct raw_box box;
	struct stat st;

	if (stat("/root", &st) < 0 || st.st_uid != 0 || access("/root", X_OK) == 0) {
		tap_skip("a directory of root's alone", "/root is none here");
		raw_free(plan);
		return;
	}
	raw_bind(plan, raw_path("/"), "/w", CAISSON_BIND_DIR | CAISSON_BIND_RDONLY);
	raw_add(plan, CAISSON_OP_TMPFS, "/w/root/nothing here", 4096, 0755);
	raw_build(&box, plan, &RAW_HOW);
	tap_ok(raw_failed(&box, CAISSON_STAGE_MOUNT, CAISSON_KNOB_DESTINATION) &&
	               box.answer.error == EACCES,
	       "a directory of root's alone is not searched: %s", raw_text(&box));
	raw_end(&box);
	raw_free(plan);
}

int main(void) {
	raw_watch();
	make_trees();
	try_roots();
	try_still();
	try_inside();
	try_closed();
	try_flipped();
	clean();
	raw_nothing_left("at the end");
	return tap_done();
}
