/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The policy, asked by a caller that is not libcaisson: a plan that leaves out what
 * libcaisson always says is asked about nevertheless, as what the helper takes it to be.
 *
 * Only root can write a policy: it runs this program once for each, in a mount
 * namespace of its own.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

#include "hostile.h"
#include "tests/lib/tap.h"

#define FILES "allow all read /\nallow all write /\n"
#define NET "allow all net none\n"
#define USERNS "allow all userns plain\n"

static const struct scene {
	const char *name, *policy;
	bool silent, without; /* granted: a plan that says nothing; one without a user namespace */
} scenes[] = {
	{ "all that is needed", FILES NET USERNS, true, true },
	{ "no line for the network", FILES USERNS, false, false },
	{ "no line for user namespaces", FILES NET, false, true },
	{ "no line for files", NET USERNS, false, false },
	{ "no line at all", "# nothing\n", false, false },
};
#define SCENES (sizeof(scenes) / sizeof(scenes[0]))

/* ------------------------------------------------------------------- as root */

static void set_scene(unsigned i) {
	int fd;

	if (mount("none", CAISSON_POLICY_DIR, "tmpfs", 0, "mode=0755,size=64k") < 0)
		scene_skip(CAISSON_POLICY_DIR);
	fd = open(CAISSON_POLICY_DIR "/policy.conf", O_CREAT | O_WRONLY | O_CLOEXEC, 0644);
	if (fd < 0 || dprintf(fd, "%s", scenes[i].policy) < 0)
		scene_skip("policy.conf");
	close(fd);
}

/* ---------------------------------------------------------------- as the test user */

static void try_plan(const char *scene, bool silent, bool granted) {
	struct raw_plan *plan = raw_new();
	struct raw_box box;

	if (!silent)
		raw_add(plan, CAISSON_OP_USERNS, NULL, CAISSON_USERNS_NONE, 0);
	raw_bind(plan, raw_inside_dir(), "/t", CAISSON_BIND_RDONLY | CAISSON_BIND_DIR);
	raw_build(&box, plan, &RAW_HOW);
	tap_ok(granted ? raw_built(&box)
	               : raw_failed(&box, CAISSON_STAGE_POLICY, CAISSON_KNOB_POLICY),
	       "%s: a plan that %s is %s: %s", scene,
	       silent ? "says nothing" : "has no user namespace", granted ? "granted" : "refused",
	       raw_text(&box));
	raw_end(&box);
	raw_free(plan);
}

int main(int argc, char **argv) {
	long number;

	if (scene_wanted(argc, argv))
		return scene_each(set_scene, SCENES, argv + 2);
	number = scene_number("CAISSON_SCENE");
	if (number < 0 || number >= (long)SCENES)
		return tap_skip_all("only root can write a policy: start it with --foreign");
	try_plan(scenes[number].name, true, scenes[number].silent);
	try_plan(scenes[number].name, false, scenes[number].without);
	return tap_done();
}
