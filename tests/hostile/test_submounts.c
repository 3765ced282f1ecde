/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a host's mounts say holds inside: a grant that is read-only is so in
 * what is mounted below it, too, and what the host mounts noexec stays so. From
 * Linux 5.12 on all of a tree is set at once; before, a tree with something
 * mounted below is refused. Uses what this host has mounted, /dev/shm and
 * /run/lock for the most part.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "tests/lib/raw.h"
#include "tests/lib/tap.h"

static const char *const places[] = { "/dev/shm", "/run/lock", "/run/shm", "/var/tmp",
	                              "/var/lock" };

/* Anybody's to write to, and a mount of its own: where its parent lies is another one. */
static bool is_mount(const char *path) {
	char parent[64];
	struct stat st, above;

	snprintf(parent, sizeof(parent), "%s/..", path);
	return lstat(path, &st) == 0 && S_ISDIR(st.st_mode) && (st.st_mode & 01777) == 01777 &&
	       stat(parent, &above) == 0 && st.st_dev != above.st_dev;
}

static void copy_inside(const char *to) {
	int dir = raw_inside_dir(), in = openat(dir, "inside", O_RDONLY | O_CLOEXEC);
	int out = open(to, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0755);
	char buffer[65536];
	ssize_t n = -1;

	if (in < 0 || out < 0)
		raw_bail(to);
	while ((n = read(in, buffer, sizeof(buffer))) > 0)
		if (write(out, buffer, (size_t)n) != n)
			raw_bail(to);
	close(in);
	close(out);
	close(dir);
}

/* The directory above, read-only: dir is in a mount below it. */
static void try_below(const char *dir) {
	struct raw_plan *plan = raw_root(CAISSON_USERNS_AUTO);
	const char *base = strchr(dir + 1, '/');
	char above[64], inside[64], what[160];
	struct raw_box box;

	snprintf(above, sizeof(above), "%.*s", (int)(base - dir), dir);
	snprintf(inside, sizeof(inside), "/x%s", base);
	snprintf(what, sizeof(what), "%s, with %s in it", above, dir);
	raw_bind(plan, raw_path(above), "/x", CAISSON_BIND_RDONLY | CAISSON_BIND_DIR);
	raw_build(&box, plan, &RAW_HOW);
	if (box.answered && box.answer.kind == CAISSON_ANSWER_FAILED)
		tap_ok(raw_failed(&box, CAISSON_STAGE_JUDGE, CAISSON_KNOB_KERNEL) ||
		               raw_failed(&box, CAISSON_STAGE_SOURCE, CAISSON_KNOB_KERNEL) ||
		               raw_failed(&box, CAISSON_STAGE_JUDGE, CAISSON_KNOB_SOURCE_FS),
		       "%s is refused as a whole: %s", what, raw_text(&box));
	else
		raw_probe(plan, &RAW_HOW, what,
		          (const char *const[]){ "/t/inside", "readonly", inside, NULL });
	raw_end(&box);
	raw_free(plan);
}

/* The mount itself, nothing asked of it. */
static void try_noexec(const char *dir) {
	static const char *const argv[] = { "/x/inside", "present", "/t", NULL };
	struct raw_plan *plan = raw_bare(CAISSON_USERNS_AUTO);
	struct caisson_answer answer = { 0 };
	struct statvfs fs;
	struct raw_box box;

	raw_bind(plan, raw_path(dir), "/x", CAISSON_BIND_DIR);
	raw_build(&box, plan, &RAW_HOW);
	if (statvfs(dir, &fs) < 0 || !(fs.f_flag & ST_NOEXEC))
		tap_skip("what the host mounts noexec", "this one is not");
	else if (tap_ok(raw_built(&box), "%s: %s", dir, raw_text(&box))) {
		raw_start(&box, argv, -1, NULL, 0, 0);
		raw_next(&box, &answer, 20000);
		tap_ok(answer.kind == CAISSON_ANSWER_FAILED && answer.stage == CAISSON_STAGE_EXEC &&
		               answer.error == EACCES,
		       "%s: nothing in it is executed inside, as on the host (answer %u errno %d)",
		       dir, answer.kind, answer.error);
	}
	raw_end(&box);
	raw_free(plan);
}

int main(void) {
	char dir[64], command[80], name[80];
	unsigned found = 0;

	raw_watch();
	for (unsigned i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		snprintf(dir, sizeof(dir), "%s/caisson-below-XXXXXX", places[i]);
		if (!is_mount(places[i]) || !mkdtemp(dir))
			continue;
		found++;
		snprintf(name, sizeof(name), "%s/inside", dir);
		copy_inside(name);
		snprintf(name, sizeof(name), "%s/file", dir);
		copy_inside(name);
		if (chmod(dir, 0755) < 0)
			raw_bail(dir);
		try_below(dir);
		try_noexec(dir);
		snprintf(command, sizeof(command), "rm -rf %s", dir);
		tap_ok(system(command) == 0, "%s is empty again", places[i]);
	}
	if (!found)
		tap_skip("what is mounted below a grant", "no such place is a mount here");
	raw_nothing_left("at the end");
	return tap_done();
}
