/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The directory in which root counts a user's sandboxes, where the one above it can be written to
 * by everybody: somebody else made it first, or put a link there. Root leaves no file in a place
 * of theirs.
 *
 * Only root can mount it: it runs this program once for each, in a mount namespace of its own.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "hostile.h"
#include "tests/lib/tap.h"

enum place { NOTHING, ROOTS, THEIRS, LINK, PLAIN };

static const struct scene {
	const char *name;
	enum place place;
	int error; /* 0: the sandbox is built, and counted there */
} scenes[] = {
	{ "nothing is there", NOTHING, 0 }, { "root's own", ROOTS, 0 },
	{ "the caller's", THEIRS, EPERM },  { "a link to a directory of root's", LINK, ENOTDIR },
	{ "a file", PLAIN, ENOTDIR },
};
#define SCENES (sizeof(scenes) / sizeof(scenes[0]))

/* The directory above it, and, beside it, where the link leads. */
static const char *above(void) {
	static char path[] = CAISSON_RUN_DIR;

	path[strrchr(CAISSON_RUN_DIR, '/') - CAISSON_RUN_DIR] = '\0';
	return path;
}

static const char *aim(void) {
	static char path[sizeof(CAISSON_RUN_DIR) + 8];

	snprintf(path, sizeof(path), "%s/aim", above());
	return path;
}

/* ------------------------------------------------------------------- as root */

static int place(enum place what) {
	switch (what) {
	case NOTHING:
		return 0;
	case ROOTS:
	case THEIRS:
		if (mkdir(CAISSON_RUN_DIR, 0755) < 0)
			return -1;
		return what == ROOTS ? 0 : chown(CAISSON_RUN_DIR, scene_uid(), (gid_t)-1);
	case LINK:
		return symlink(aim(), CAISSON_RUN_DIR);
	case PLAIN:
		return close(open(CAISSON_RUN_DIR, O_CREAT | O_WRONLY | O_CLOEXEC, 0644));
	}
	return -1;
}

static void set_scene(unsigned i) {
	umask(0);
	if (mount("none", above(), "tmpfs", 0, "mode=1777,size=64k") < 0 ||
	    mkdir(aim(), 0755) < 0 || place(scenes[i].place) < 0)
		scene_skip(CAISSON_RUN_DIR);
}

/* ---------------------------------------------------------------- as the test user */

static void try_scene(const struct scene *scene) {
	struct raw_plan *plan = raw_new();
	struct raw_box box;
	char file[sizeof(CAISSON_RUN_DIR) + 24];
	struct stat st;
	bool there;

	raw_bind(plan, raw_inside_dir(), "/t", CAISSON_BIND_RDONLY | CAISSON_BIND_DIR);
	raw_build(&box, plan, &RAW_HOW);
	if (scene->error)
		tap_ok(raw_failed(&box, CAISSON_STAGE_POLICY,
		                  scene->place == THEIRS ? CAISSON_KNOB_RUN_DIR
		                                         : CAISSON_KNOB_NONE) &&
		               box.answer.error == scene->error,
		       "%s: refused: %s", scene->name, raw_text(&box));
	else
		tap_ok(raw_built(&box), "%s: a sandbox: %s", scene->name, raw_text(&box));
	snprintf(file, sizeof(file), "%s/%u", CAISSON_RUN_DIR, getuid());
	there = stat(file, &st) == 0;
	tap_ok(scene->error ? !there : there && st.st_uid == 0,
	       scene->error ? "%s: nothing of root's is left there"
	                    : "%s: a file of root's counts it",
	       scene->name);
	tap_ok(hostile_entries(aim()) == 2 /* "." and ".." */,
	       "%s: nothing is where a link could lead", scene->name);
	raw_end(&box);
	raw_free(plan);
}

int main(int argc, char **argv) {
	long number;

	if (scene_wanted(argc, argv))
		return scene_each(set_scene, SCENES, argv + 2);
	number = scene_number("CAISSON_SCENE");
	if (number < 0 || number >= (long)SCENES)
		return tap_skip_all("only root can mount that: start it with --foreign");
	try_scene(&scenes[number]);
	return tap_done();
}
