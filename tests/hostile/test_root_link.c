/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Mounting over the sandbox's own root by way of a link: the finished tree
 * that is judged would not be the one on top. Refused, whatever the mount and
 * whoever made the link. And a link in the place of what the helper makes there for
 * itself: while it does, "/" is the host's.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "hostile.h"
#include "tests/lib/tap.h"

static char tree[] = "/tmp/caisson-link-XXXXXX";

static void aim(struct raw_plan *plan, uint16_t op, const char *path) {
	if (op == CAISSON_OP_BIND)
		raw_bind(plan, raw_path(tree), path, CAISSON_BIND_DIR);
	else if (op == CAISSON_OP_DEVICE)
		raw_bind(plan, raw_path("/dev/null"), path, 0)->op = CAISSON_OP_DEVICE;
	else
		raw_add(plan, op, path, op == CAISSON_OP_TMPFS ? 4096 : 0,
		        op == CAISSON_OP_TMPFS ? 0755 : 0);
}

/* /w is the granted tree, with links of the caller's; /own is a link that the plan makes. */
static void try_at(uint16_t op, const char *name, const char *path) {
	struct raw_plan *plan = raw_new();
	struct raw_box box;

	raw_bind(plan, raw_inside_dir(), "/t", CAISSON_BIND_RDONLY | CAISSON_BIND_DIR);
	raw_bind(plan, raw_path(tree), "/w", CAISSON_BIND_DIR);
	raw_symlink(plan, "/", "/own");
	raw_symlink(plan, "w/..", "/round");
	raw_symlink(plan, "../../w/slash", "/twice");
	aim(plan, op, path);
	raw_build(&box, plan, &RAW_HOW);
	tap_ok(raw_failed(&box, CAISSON_STAGE_MOUNT, CAISSON_KNOB_DESTINATION) &&
	               box.answer.record == plan->head.records - 1,
	       "%s over the root by way of %s is refused: %s", name, path, raw_text(&box));
	raw_end(&box);
	raw_free(plan);
}

/* The same links, but to a place below: they are not what is refused. */
static void try_below(void) {
	struct raw_plan *plan = raw_bare(CAISSON_USERNS_AUTO);

	raw_symlink(plan, "/", "/own");
	raw_add(plan, CAISSON_OP_DIR, "/place", 0, 0755);
	raw_add(plan, CAISSON_OP_TMPFS, "/own/place", 4096, 0755);
	raw_add(plan, CAISSON_OP_DIR, "/place/mark", 0, 0755);
	raw_probe(plan, &RAW_HOW, "below the root by way of a link",
	          PROBE("present", "/place/mark"));
	raw_free(plan);
}

/* The file that masks others, as a link to one on the host that no policy was asked about. */
static void try_mask(const char *target, const char *what) {
	struct raw_plan *plan = raw_bare(CAISSON_USERNS_AUTO);
	struct raw_box box;

	raw_symlink(plan, target, "/.empty");
	raw_file(plan, raw_data("x", 1, RAW_SEALS_ALL), "/masked", 0600);
	raw_add(plan, CAISSON_OP_MASK, "/masked", 0, 0);
	raw_build(&box, plan, &RAW_HOW);
	tap_ok(raw_failed(&box, CAISSON_STAGE_MOUNT, CAISSON_KNOB_DESTINATION) &&
	               box.answer.error == EEXIST && box.answer.record == plan->head.records - 1,
	       "a mask by way of a link to %s is refused: %s", what, raw_text(&box));
	raw_end(&box);
	raw_free(plan);
}

static void try_masks(void) {
	struct raw_plan *plan = raw_bare(CAISSON_USERNS_AUTO);
	char path[64];
	struct stat st;

	snprintf(path, sizeof(path), "%s/made", tree);
	try_mask(path, "a file that is not there");
	tap_ok(stat(path, &st) < 0 && errno == ENOENT, "and none was made");
	try_mask("/etc/passwd", "one that is");
	/* Where nothing is masked the name is the plan's own. */
	raw_file(plan, raw_data("x", 1, RAW_SEALS_ALL), "/.empty", 0600);
	raw_probe(plan, &RAW_HOW, "a file of that name", PROBE("present", "/.empty"));
	raw_free(plan);
}

int main(void) {
	static const struct {
		uint16_t op;
		const char *name;
	} kinds[] = { { CAISSON_OP_TMPFS, "a tmpfs" },
		      { CAISSON_OP_BIND, "a bind" },
		      { CAISSON_OP_PROC, "a procfs" },
		      { CAISSON_OP_DEVPTS, "a devpts" },
		      { CAISSON_OP_DEVICE, "a device" } };
	static const char *const paths[] = { "/w/slash", "/w/up",  "/w/dir/far", "/w/chain",
		                             "/own",     "/round", "/twice" };
	char path[64];

	raw_watch();
	if (!mkdtemp(tree) || chmod(tree, 0755) < 0 || chdir(tree) < 0 ||
	    symlink("/", "slash") < 0 || symlink("..", "up") < 0 || mkdir("dir", 0755) < 0 ||
	    symlink("../../../../..", "dir/far") < 0 || symlink("dir/far", "chain") < 0)
		raw_bail(tree);
	for (unsigned i = 0; i < sizeof(paths) / sizeof(paths[0]); i++)
		for (unsigned k = 0; k < sizeof(kinds) / sizeof(kinds[0]); k++)
			try_at(kinds[k].op, kinds[k].name, paths[i]);
	try_below();
	try_masks();
	snprintf(path, sizeof(path), "rm -rf %s", tree);
	tap_ok(chdir("/") == 0 && system(path) == 0, "nothing else is left in the tree");
	raw_nothing_left("at the end");
	return tap_done();
}
