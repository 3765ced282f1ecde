/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * caisson collect: the cgroups that were left empty when a caisson run, or another host
 * application, was killed. The next run in the same place removes them as well; this is for
 * places where there may be none, and run as root for all of the machine.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "libclient/cgroup.h"
#include "limits_impl.h"
#include "options.h"

#ifndef CGROUP2_SUPER_MAGIC
#define CGROUP2_SUPER_MAGIC 0x63677270
#endif
#define DEEPEST 32 /* groups in groups; users make them, too */

static const struct cli_option options[] = { { NULL, NULL, NULL, NULL } };

const struct cli_command cli_collect_command = {
	"collect",
	"[DIR]...",
	"remove the empty cgroups of sandboxes whose host was killed",
	options,
	"Without DIR: everywhere in the cgroup tree (version 2). One that a sandbox is in, or that "
	"a\n"
	"caisson run is about to use, is left alone.\n"
	"Exit status: 0, also if there are none; 125 if that could not be found out.",
};

/* Takes dir, which is a group: it, and all below. Groups that end meanwhile are no error. */
static void collect(int dir, unsigned depth) {
	struct dirent *entry;
	DIR *open = fdopendir(dir);

	if (!open) {
		close(dir);
		return;
	}
	leaf_sweep(dir);
	/* cppcheck-suppress readdirCalled */ /* one thread */
	while (depth < DEEPEST && (entry = readdir(open)) != NULL) {
		int one = entry->d_type == DT_DIR && strcmp(entry->d_name, ".") != 0 &&
		                          strcmp(entry->d_name, "..") != 0
		                  ? openat(dir, entry->d_name,
		                           O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW)
		                  : -1;

		if (one >= 0)
			collect(one, depth + 1);
	}
	closedir(open);
}

static int collect_in(const char *path) {
	int dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct statfs fs;

	if (dir < 0) {
		cli_complain("collect: %s: %s", path, strerror(errno));
		return EXIT_OWN_FAILURE;
	}
	if (fstatfs(dir, &fs) < 0 || fs.f_type != CGROUP2_SUPER_MAGIC) {
		cli_complain("collect: %s is no cgroup (version 2)", path);
		close(dir);
		return EXIT_OWN_FAILURE;
	}
	collect(dir, 0);
	return 0;
}

int cli_collect(int argc, char **argv) {
	struct cgroup_tree tree = { .mount = NULL };
	int rest = 0, parsed = cli_parse(&cli_collect_command, argc, argv, NULL, &rest);
	int result = 0;

	if (parsed != 0)
		return parsed > 0 && fflush(stdout) == 0 ? 0 : EXIT_OWN_FAILURE;
	for (int i = rest; i < argc; i++)
		result = collect_in(argv[i]) ? EXIT_OWN_FAILURE : result;
	if (rest == argc && cgroup_tree_find(&tree) == 0) /* without one nothing is left in it */
		result = collect_in(tree.mount);
	cgroup_tree_clear(&tree);
	return result;
}
