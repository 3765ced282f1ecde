/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * caisson-builder started by hand, as its second half: what it does in the namespace that its
 * first half makes, it must not do in any other.
 */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

#include "tests/lib/raw.h"
#include "tests/lib/tap.h"

static void refused(char *const *argv, const char *what) {
	static char path[PATH_MAX];
	struct raw_plan *plan = raw_bare(CAISSON_USERNS_AUTO);
	struct raw_how how = RAW_HOW;
	struct raw_box box;

	raw_helper(); /* bails out without CAISSON_PREFIX */
	snprintf(path, sizeof(path), "%s/libexec/caisson/caisson-builder",
	         getenv("CAISSON_PREFIX"));
	how.helper = path;
	how.argv = argv;
	raw_build(&box, plan, &how);
	tap_ok(raw_failed(&box, CAISSON_STAGE_START, CAISSON_KNOB_ARGUMENTS), "%s: %s", what,
	       raw_text(&box));
	tap_ok(raw_end(&box), "and nothing is left of it");
	raw_free(plan);
}

int main(void) {
	char name[] = "caisson-builder", inside[] = "inside", other[] = "--help";

	raw_watch();
	refused((char *[]){ name, inside, NULL }, "not inside, and told that it were");
	refused((char *[]){ name, inside, inside, NULL }, "two arguments");
	refused((char *[]){ name, other, NULL }, "another argument");
	raw_nothing_left("at the end");
	return tap_done();
}
