/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Destinations that lead out of the sandbox's root, by symlinks in a granted
 * read-write tree, standing still and flipped while sandboxes are built: nothing
 * may be made or mounted outside. CVE-2026-87766, CVE-2021-30465 and their kind.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/lib/raw.h"
#include "tests/lib/tap.h"

#define PROBE(...) ((const char *const[]){ "/t/inside", __VA_ARGS__, NULL })
#define EXCHANGE 2u
#define ROUNDS 200

/* base/outside: the host's; base/tree: granted read-write at /w, with links that lead out. */
static char base[] = "/tmp/caisson-race-XXXXXX";
static char outside[64], tree[64], up[160];

static const char *in_tree(const char *name) {
	static char path[256];

	snprintf(path, sizeof(path), "%s/%s", tree, name);
	return path;
}

static void make_links(void) {
	int fd;

	if (!mkdtemp(base) || chmod(base, 0755) < 0)
		raw_bail(base);
	snprintf(outside, sizeof(outside), "%s/outside", base);
	snprintf(tree, sizeof(tree), "%s/tree", base);
	snprintf(up, sizeof(up), "../../../../../..%s", outside);
	if (mkdir(outside, 0755) < 0 || mkdir(tree, 0755) < 0 ||
	    symlink(outside, in_tree("link")) < 0 || symlink(up, in_tree("up")) < 0 ||
	    symlink("/proc/self/root", in_tree("magic")) < 0 ||
	    symlink("/", in_tree("slash")) < 0 || mkdir(in_tree("real"), 0755) < 0 ||
	    mkdir(in_tree("real/sub"), 0755) < 0 ||
	    (fd = open(in_tree("real/file"), O_CREAT | O_WRONLY | O_CLOEXEC, 0644)) < 0)
		raw_bail(tree);
	close(fd);
}

static unsigned entries(const char *path) {
	DIR *dir = opendir(path);
	unsigned n = 0;

	while (dir && readdir(dir))
		n++;
	if (dir)
		closedir(dir);
	return n;
}

/* outside: . and ..; the tree: also link up magic slash real; the directory: also sub file */
static bool untouched(void) {
	unsigned real = entries(in_tree("real")), link = entries(in_tree("link"));

	/* Either may be the link at the moment, and both looks may see the same one. */
	return entries(outside) == 2 && entries(tree) == 7 && (real == 4 || real == 2) &&
	       (link == 4 || link == 2) && entries(in_tree("real/sub")) <= 2;
}

static struct raw_plan *with_tree(void) {
	struct raw_plan *plan = raw_bare(CAISSON_USERNS_AUTO);

	raw_bind(plan, raw_path(tree), "/w", CAISSON_BIND_DIR);
	return plan;
}

/* One operation at path; whatever is answered, nothing may be there on the host. */
static bool attempt(struct raw_plan *plan, uint16_t op, const char *path) {
	struct raw_box box;
	bool built;

	if (op == CAISSON_OP_BIND)
		raw_bind(plan, raw_path(tree), path, CAISSON_BIND_DIR);
	else if (op == CAISSON_OP_SYMLINK)
		raw_symlink(plan, "/etc/passwd", path);
	else
		raw_add(plan, op, path, op == CAISSON_OP_TMPFS ? 4096 : 0,
		        op == CAISSON_OP_DEVPTS ? 0 : 0755);
	raw_build(&box, plan, &RAW_HOW);
	built = raw_built(&box);
	if (!box.answered)
		tap_ok(false, "op %u at %s is answered: %s", op, path, raw_text(&box));
	if (!raw_end(&box))
		tap_ok(false, "op %u at %s: it ends", op, path);
	raw_free(plan);
	return built;
}

static void try_still(void) {
	static const char *const paths[] = { "/w/link",
		                             "/w/link/new",
		                             "/w/up",
		                             "/w/up/new",
		                             "/w/magic",
		                             "/w/magic/new",
		                             "/w/new",
		                             "/w/real/new",
		                             "/w/slash",
		                             "/w/slash/w/new",
		                             "/proc/self/root/new",
		                             "/proc/1/cwd/new",
		                             "/proc/1/fd/new" };
	static const uint16_t ops[] = { CAISSON_OP_BIND, CAISSON_OP_TMPFS, CAISSON_OP_DIR,
		                        CAISSON_OP_SYMLINK, CAISSON_OP_DEVPTS };
	unsigned built = 0;

	for (unsigned i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
		for (unsigned k = 0; k < sizeof(ops) / sizeof(ops[0]); k++)
			built += attempt(with_tree(), ops[k], paths[i]);
		tap_ok(untouched(), "nothing was made outside by way of %s", paths[i]);
	}
	tap_note("%u of them were built", built);
}

/* The same path exists below the new root: it is what the link must lead to. */
static void try_inside_twin(void) {
	static const char *const by[] = { "/w/link/new", "/w/up/new" };

	for (unsigned i = 0; i < 2; i++) {
		struct raw_plan *plan = with_tree();
		char twin[96];

		raw_add(plan, CAISSON_OP_DIR, "/tmp", 0, 0755);
		raw_add(plan, CAISSON_OP_DIR, base, 0, 0755);
		raw_add(plan, CAISSON_OP_DIR, outside, 0, 0755);
		raw_add(plan, CAISSON_OP_DIR, by[i], 0, 0755);
		snprintf(twin, sizeof(twin), "%s/new", outside);
		raw_probe(plan, &RAW_HOW, "a link leads below the new root",
		          PROBE("present", twin));
		raw_free(plan);
		tap_ok(untouched(), "and not outside (%s)", by[i]);
	}
}

/* real and link change places for ever: a directory one moment, a way out the next. */
static pid_t flipper(void) {
	pid_t pid = fork();
	char one[128], two[128];

	if (pid < 0)
		raw_bail("fork");
	if (pid > 0)
		return pid;
	snprintf(one, sizeof(one), "%s/real", tree);
	snprintf(two, sizeof(two), "%s/link", tree);
	for (;;)
		if (syscall(SYS_renameat2, -100, one, -100, two, EXCHANGE) < 0)
			_exit(1);
}

static void try_flipped(void) {
	static const uint16_t ops[] = { CAISSON_OP_TMPFS, CAISSON_OP_DIR, CAISSON_OP_BIND,
		                        CAISSON_OP_SYMLINK };
	static const char *const paths[] = { "/w/real/sub", "/w/real/new", "/w/link/sub",
		                             "/w/real" };
	unsigned rounds = raw_rounds(ROUNDS), built = 0, touched = 0;
	pid_t pid = flipper();
	int status;

	for (unsigned i = 0; i < rounds; i++) {
		built += attempt(with_tree(), ops[i % 4], paths[i / 4 % 4]);
		touched += !untouched();
	}
	tap_ok(touched == 0, "%u sandboxes with a path that is flipped: %u built, %u reached out",
	       rounds, built, touched);
	tap_ok(built > 0 && built < rounds, "the race was run: some were built, some refused");
	tap_ok(waitpid(pid, &status, WNOHANG) == 0, "it was flipped all the while");
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

/* The source itself is flipped: what was opened is what is granted. */
static void try_flipped_source(void) {
	unsigned rounds = raw_rounds(40), strange = 0;
	pid_t pid = flipper();

	for (unsigned i = 0; i < rounds; i++) {
		struct raw_plan *plan = raw_bare(CAISSON_USERNS_AUTO);
		struct raw_box box;
		struct stat st;
		int fd = open(in_tree("real"), O_PATH | O_NOFOLLOW | O_CLOEXEC);

		raw_bind(plan, fd, "/x", CAISSON_BIND_DIR);
		raw_build(&box, plan, &RAW_HOW);
		strange += fstat(fd, &st) < 0 || (raw_built(&box) && !S_ISDIR(st.st_mode));
		raw_end(&box);
		raw_free(plan);
	}
	tap_ok(strange == 0, "%u flipped sources: a link never became a granted directory", rounds);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

static void clean(void) {
	char path[256];

	snprintf(path, sizeof(path), "rm -rf %s", base);
	tap_ok(system(path) == 0, "everything that is left is the user's to remove");
}

int main(void) {
	raw_watch();
	make_links();
	try_still();
	try_inside_twin();
	try_flipped();
	try_flipped_source();
	clean();
	raw_nothing_left("at the end");
	return tap_done();
}
