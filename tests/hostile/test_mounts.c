/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Mounts cannot be unmounted, moved, remounted or seen below from inside, and
 * not because the floor says so: they were attached before the user namespace
 * was made and belong to the one above. A mutation leaves the target without
 * the floor and with every capability; this must still hold.
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "hostile.h"
#include "tests/lib/tap.h"

static char tree[] = "/tmp/caisson-mounts-XXXXXX";

/* /w read-only, with a tmpfs over /w/cover, which has `secret` in it. */
static void try_mode(enum caisson_userns mode, const char *name) {
	struct raw_plan *plan = raw_root(mode);
	struct raw_box box;

	raw_bind(plan, raw_path(tree), "/w", CAISSON_BIND_RDONLY | CAISSON_BIND_DIR);
	raw_add(plan, CAISSON_OP_TMPFS, "/w/cover", 4096, 0755);
	raw_build(&box, plan, &RAW_HOW);
	if (mode == CAISSON_USERNS_REQUIRED && !raw_built(&box) &&
	    box.answer.stage == CAISSON_STAGE_USERNS)
		tap_skip("with a user namespace", "root may not make one here");
	else
		raw_probe(plan, &RAW_HOW, name, PROBE("uncover", "/w/cover"));
	raw_end(&box);
	raw_free(plan);
}

int main(void) {
	char path[64];

	raw_watch();
	if (!mkdtemp(tree) || chmod(tree, 0755) < 0 || chdir(tree) < 0 ||
	    mkdir("cover", 0755) < 0 || mkdir("cover/secret", 0755) < 0)
		raw_bail(tree);
	try_mode(CAISSON_USERNS_REQUIRED, "required");
	if (raw_without_helper())
		tap_skip("without a user namespace", "caisson-builder builds of them");
	else
		try_mode(CAISSON_USERNS_NONE, "none");
	snprintf(path, sizeof(path), "rm -rf %s", tree);
	tap_ok(chdir("/") == 0 && system(path) == 0, "nothing else is left in the tree");
	raw_nothing_left("at the end");
	return tap_done();
}
