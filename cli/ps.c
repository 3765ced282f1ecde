/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* caisson ps: the sandboxes of this user that have a name. */
#define _GNU_SOURCE
#include "link.h"
#include "options.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

static const struct cli_option options[] = {
	{ NULL, NULL, NULL, NULL },
};

const struct cli_command cli_ps_command = {
	"ps",
	"",
	"list the sandboxes that have a name",
	options,
	"Each line is a name and the process id of its caisson run.\n"
	"Exit status: 0, also if there are none; 125 if that could not be found out.",
};

/* Left by a caisson run that was killed. Asked again with the directory locked: nobody makes it anew. */
static void remove_stale(int dir, const char *name) {
	struct stat st;
	int s;

	if (link_lock(dir) < 0)
		return;
	s = link_connect(dir, name);
	if (s >= 0)
		close(s);
	else if (errno == ECONNREFUSED && fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
	         S_ISSOCK(st.st_mode))
		unlinkat(dir, name, 0);
	flock(dir, LOCK_UN);
}

static void list_one(int dir, const char *name) {
	struct link_peer peer;
	int s;

	if (!link_name_ok(name))
		return;
	s = link_connect(dir, name);
	if (s < 0 && errno == ECONNREFUSED)
		remove_stale(dir, name);
	if (s < 0)
		return;
	if (link_peer(s, &peer) == 0) {
		printf("%-20s %d\n", name, peer.pid);
		close(peer.pidfd);
	}
	close(s);
}

static int list(int dir) {
	struct dirent *entry;
	DIR *open = fdopendir(dir);

	if (!open)
		return -1;
	/* cppcheck-suppress readdirCalled */ /* one thread */
	while ((entry = readdir(open)) != NULL)
		list_one(dir, entry->d_name);
	closedir(open);
	return 0;
}

int cli_ps(int argc, char **argv) {
	const char *why;
	int rest, dir, parsed = cli_parse(&cli_ps_command, argc, argv, NULL, &rest);

	if (parsed != 0)
		return parsed > 0 && fflush(stdout) == 0 ? 0 : EXIT_OWN_FAILURE;
	if (rest < argc) {
		cli_complain("ps: %s: it takes no arguments", argv[rest]);
		return EXIT_OWN_FAILURE;
	}
	dir = link_dir(false, &why);
	if (dir < 0 && errno != ENOENT) {
		cli_complain("ps: %s (%s)", why, strerror(errno));
		return EXIT_OWN_FAILURE;
	}
	if (dir >= 0 && list(dir) < 0) {
		cli_complain("ps: %s", strerror(errno));
		return EXIT_OWN_FAILURE;
	}
	if (fflush(stdout) != 0 || ferror(stdout)) {
		cli_complain("standard output cannot be written to");
		return EXIT_OWN_FAILURE;
	}
	return 0;
}
