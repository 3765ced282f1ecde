/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Where destinations lead, and what libcaisson is asked for. In a directory of its own. */
#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bwrap/layout.h"
#include "bwrap/say.h"

static char dir[] = "/tmp/caisson-bwrap-test-XXXXXX";

static void set_up(void) {
	cr_assert(mkdtemp(dir) && chdir(dir) == 0);
	cr_assert(mkdir("tree", 0755) == 0 && mkdir("tree/sub", 0755) == 0);
	cr_assert(symlink("sub", "tree/rel") == 0 && symlink("/run", "tree/abs") == 0);
	cr_assert(symlink("../../../..", "tree/up") == 0);
}

static void tear_down(void) {
	char command[64];

	snprintf(command, sizeof(command), "rm -rf %s", dir);
	if (system(command) != 0)
		perror(command);
}

TestSuite(bwrap_layout, .init = set_up, .fini = tear_down);

static void want(struct layout *l, const char *option, enum wish_kind kind, const char *src,
                 const char *dst) {
	struct wish w = { .kind = kind, .fd = -1, .perms = -1, .option = option };

	w.src = src;
	w.dst = dst;
	w.ro = strstr(option, "ro-");
	layout_apply(l, &w);
}

/* "BIND /x, TMPFS /y": what is alive, in order. */
static const char *records(const struct layout *l) {
	static const char *const names[] = { "BIND",   "BIND_FD", "TMPFS", "DIR",
		                             "FILE",   "SYMLINK", "PROC",  "DEV",
		                             "DEVICE", "MQUEUE",  "RDONLY" };
	static char text[4096];

	text[0] = '\0';
	for (size_t i = 0; i < l->records; i++)
		if (!l->record[i].dead)
			snprintf(text + strlen(text), sizeof(text) - strlen(text), "%s%s %s",
			         *text ? ", " : "", names[l->record[i].kind], l->record[i].path);
	return text;
}

Test(bwrap_layout, links) {
	static const struct {
		const char *path, *leads;
		int follow;
	} cases[] = {
		{ "/t/sub/x", "/t/sub/x", 1 },
		{ "t//./sub/", "/t/sub", 1 },
		{ "/t/rel/x/y", "/t/sub/x/y", 1 },
		{ "/t/rel", "/t/sub", 1 },
		{ "/t/rel", "/t/rel", 0 },
		{ "/t/rel/x", "/t/sub/x", 0 },
		{ "/t/abs/x", "/run/x", 1 },
		{ "/t/up/x", "/x", 1 }, /* never out of the root */
		{ "/../../t/sub/..", "/t", 1 },
		{ "/made/../x", "/x", 1 },
		{ "/link/x", "/t/sub/x", 1 },
		{ "/", "", 1 },
	};
	struct layout l;

	layout_init(&l);
	want(&l, "--bind", WISH_BIND, "tree", "/t");
	want(&l, "--symlink", WISH_SYMLINK, "t/rel", "/link");
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct place p = tree_find(&l.tree, cases[i].path, cases[i].follow);

		cr_expect_str_eq(p.path, cases[i].leads, "%s: %s", cases[i].path, p.path);
		place_done(&p);
	}
}

Test(bwrap_layout, order_and_scratch) {
	struct layout l;

	layout_init(&l);
	want(&l, "--ro-bind", WISH_BIND, "tree", "/t");
	want(&l, "--dir", WISH_DIR, NULL, "/run/user/5");
	want(&l, "--bind", WISH_BIND, "tree", "/home/a/tree");
	want(&l, "--proc", WISH_PROC, NULL, "/proc");
	layout_finish(&l);
	cr_expect_str_eq(records(&l), "BIND /t, TMPFS /run, DIR /run/user, DIR /run/user/5, "
	                              "TMPFS /home, DIR /home/a, BIND /home/a/tree, PROC /proc");
}

Test(bwrap_layout, closed_root) {
	struct layout l;

	layout_init(&l);
	want(&l, "--dir", WISH_DIR, NULL, "/run/x");
	want(&l, "--remount-ro", WISH_REMOUNT_RO, NULL, "/");
	layout_finish(&l);
	cr_expect_str_eq(records(&l), "DIR /run, DIR /run/x", "they are in the root, which is");
}

Test(bwrap_layout, hidden) {
	struct layout l;

	layout_init(&l);
	want(&l, "--bind", WISH_BIND, "tree", "/t");
	want(&l, "--tmpfs", WISH_TMPFS, NULL, "/t/sub");
	want(&l, "--dir", WISH_DIR, NULL, "/t/sub/d");
	want(&l, "--bind", WISH_BIND, "tree", "/tree");
	want(&l, "--ro-bind", WISH_BIND, "tree/sub", "/t");
	layout_finish(&l);
	cr_expect_str_eq(records(&l), "BIND /tree, BIND /t", "what is hidden is not made");
	want(&l, "--tmpfs", WISH_TMPFS, NULL, "/");
	cr_expect_str_eq(records(&l), "");
}

Test(bwrap_layout, whole_root) {
	struct layout l;
	const char *text;

	layout_init(&l);
	l.policy_read = true; /* what it says is for the tests of the installed one */
	want(&l, "--ro-bind", WISH_BIND, "/", "/");
	layout_finish(&l);
	text = records(&l);
	cr_expect(strstr(text, "BIND /usr"), "%s", text);
	cr_expect(strstr(text, "PROC /proc") && strstr(text, "DEV /dev"), "%s", text);
	cr_expect(!strstr(text, "BIND /proc") && !strstr(text, "BIND /sys"), "%s", text);
	for (size_t i = 0; i < l.records; i++)
		cr_expect(l.record[i].ro || l.record[i].kind != RECORD_BIND, "%s",
		          l.record[i].path);
	want(&l, "--proc", WISH_PROC, NULL, "/proc");
	want(&l, "--dev", WISH_DEV, NULL, "/dev");
	layout_finish(&l); /* one of each is left, or this ends the process */
}

/* Made on the host, below the tree that was granted, and through no link. */
Test(bwrap_layout, on_the_host) {
	struct layout l;
	struct stat st;

	umask(0);
	layout_init(&l);
	want(&l, "--bind", WISH_BIND, "tree", "/t");
	want(&l, "--dir", WISH_DIR, NULL, "/t/rel/new/d");
	want(&l, "--symlink", WISH_SYMLINK, "target", "/t/new-link");
	want(&l, "--bind", WISH_BIND, "/dev/null", "/t/file");
	cr_expect(stat("tree/sub/new/d", &st) == 0 && (st.st_mode & 07777) == 0755);
	cr_expect(lstat("tree/new-link", &st) == 0 && S_ISLNK(st.st_mode));
	cr_expect(stat("tree/file", &st) == 0 && (st.st_mode & 07777) == 0444);
	want(&l, "--dir", WISH_DIR, NULL, "/t/abs/elsewhere");
	cr_expect(stat("/run/elsewhere", &st) < 0, "the link leads to the sandbox's own /run");
	layout_finish(&l);
	cr_expect_str_eq(records(&l), "BIND /t, DEVICE /t/file, TMPFS /run, DIR /run/elsewhere");
}
