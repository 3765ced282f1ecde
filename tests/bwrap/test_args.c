/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* caisson-bwrap's command line: what is understood, and in which words it is refused. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bwrap/args.h"
#include "bwrap/say.h"

#define MAX_WORDS 24
static char *no_environment[] = { NULL };

/* The words of line, between blanks; "_" is an empty one. */
static int split(char *line, char *argv[MAX_WORDS]) {
	int n = 0;

	argv[n++] = (char *)(uintptr_t) "bwrap";
	for (char *rest = line, *word; n < MAX_WORDS - 1 && (word = strsep(&rest, " "));)
		if (*word)
			argv[n++] = strcmp(word, "_") == 0 ? word + 1 : word;
	argv[n] = NULL;
	return n;
}

static void parse(struct args *a, const char *line) {
	static char copy[1024], *argv[MAX_WORDS];
	int argc;

	snprintf(copy, sizeof(copy), "%s", line);
	argc = split(copy, argv);
	args_parse(a, argc, argv, no_environment);
}

/* In a process of its own, which it ends: its exit status, what it says in said. */
static int refusal(const char *line, char *said, size_t size) {
	struct args a;
	int end[2], status;
	ssize_t n, used = 0;
	pid_t pid;

	if (pipe(end) < 0)
		return -1;
	pid = fork();
	if (pid == 0) {
		dup2(end[1], 1);
		dup2(end[1], 2);
		parse(&a, line);
		_exit(99);
	}
	close(end[1]);
	while ((n = read(end[0], said + used, size - 1 - (size_t)used)) > 0)
		used += n;
	said[used] = '\0';
	close(end[0]);
	waitpid(pid, &status, 0);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

Test(bwrap_args, refused) {
	static const struct {
		const char *line, *said;
	} cases[] = {
		{ "--nope x", "bwrap: Unknown option --nope\n" },
		{ "-x", "bwrap: Unknown option -x\n" },
		{ "--bind a", "bwrap: --bind takes two arguments\n" },
		{ "--ro-bind-try", "bwrap: --ro-bind-try takes two arguments\n" },
		{ "--bind-fd 3", "bwrap: --bind-fd takes two arguments\n" },
		{ "--overlay a b", "bwrap: --overlay takes three arguments\n" },
		{ "--proc", "bwrap: --proc takes an argument\n" },
		{ "--tmpfs", "bwrap: --tmpfs takes an argument\n" },
		{ "--chdir", "bwrap: --chdir takes one argument\n" },
		{ "--remount-ro", "bwrap: --remount-ro takes one argument\n" },
		{ "--argv0", "bwrap: --argv0 takes one argument\n" },
		{ "--argv0 a --argv0 b x", "bwrap: --argv0 used multiple times\n" },
		{ "--setenv A", "bwrap: --setenv takes two arguments\n" },
		{ "--setenv A=B c x", "bwrap: setenv failed\n" },
		{ "--uid _ x", "bwrap: Invalid uid: \n" },
		{ "--uid -1 x", "bwrap: Invalid uid: -1\n" },
		{ "--uid 4294967295 x", "bwrap: Invalid uid: 4294967295\n" },
		{ "--gid 1x x", "bwrap: Invalid gid: 1x\n" },
		{ "--sync-fd x x", "bwrap: Invalid fd: x\n" },
		{ "--seccomp -1 x", "bwrap: Invalid fd: -1\n" },
		{ "--file 99999999999 /x x", "bwrap: Invalid fd: 99999999999\n" },
		{ "--args 999 x", "bwrap: Can't read --args data: Bad file descriptor\n" },
		{ "--args", "bwrap: --args takes an argument\n" },
		{ "--perms 8 --dir /x x", "bwrap: --perms takes an octal argument <= 07777\n" },
		{ "--perms 10000 --dir /x x", "bwrap: --perms takes an octal argument <= 07777\n" },
		{ "--perms _ --dir /x x", "bwrap: --perms takes an octal argument <= 07777\n" },
		{ "--chmod 9 /x x", "bwrap: --chmod takes an octal argument <= 07777\n" },
		{ "--perms 1 --perms 1 --dir /x x",
		  "bwrap: --perms given twice for the same action\n" },
		{ "--perms 0700 --bind a b x",
		  "bwrap: --perms must be followed by an option that creates a file\n" },
		{ "--size 1 --dir /x x", "bwrap: --size must be followed by --tmpfs\n" },
		{ "--size 1 --size 1 --tmpfs /x x",
		  "bwrap: --size given twice for the same action\n" },
		{ "--size 0 --tmpfs /x x", "bwrap: --size takes a non-zero number of bytes\n" },
		{ "--size -1 --tmpfs /x x", "bwrap: --size takes a non-zero number of bytes\n" },
		{ "--size 1k --tmpfs /x x", "bwrap: --size takes a non-zero number of bytes\n" },
		{ "--size 18446744073709551616 --tmpfs /x x",
		  "bwrap: --size takes a non-zero number of bytes\n" },
		{ "--size 9223372036854775809 --tmpfs /x x",
		  "bwrap: --size (for tmpfs) is limited to 9223372036854775807\n" },
		{ "--seccomp 3 --add-seccomp-fd 4 x",
		  "bwrap: --add-seccomp-fd cannot be combined with --seccomp\n" },
		{ "--add-seccomp-fd 4 --seccomp 3 x",
		  "bwrap: --seccomp cannot be combined with --add-seccomp-fd\n" },
		{ "--cap-drop nope x", "bwrap: unknown cap: nope\n" },
		{ "--hostname x y", "bwrap: Specifying --hostname requires --unshare-uts\n" },
		{ "--as-pid-1 x", "bwrap: Specifying --as-pid-1 requires --unshare-pid\n" },
		{ "--disable-userns x", "bwrap: --disable-userns requires --unshare-user\n" },
		{ "--userns 3 --unshare-user x",
		  "bwrap: --userns not compatible --unshare-user\n" },
		{ "--userns-block-fd 3 x", "bwrap: --userns-block-fd requires --unshare-user\n" },
		{ "--userns-block-fd 3 --unshare-user x",
		  "bwrap: --userns-block-fd requires --info-fd\n" },
		{ "--level-prefix --nope", "<3>bwrap: Unknown option --nope\n" },
	};
	char said[2048];

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		cr_expect_eq(refusal(cases[i].line, said, sizeof(said)), 1, "%s", cases[i].line);
		cr_expect_str_eq(said, cases[i].said, "%s: %s", cases[i].line, said);
	}
}

/* The reason stands behind bubblewrap's own words, for which callers look. */
Test(bwrap_args, refused_with_the_helper) {
	static const struct {
		const char *line, *said;
	} cases[] = {
		{ "--userns 3 x", "bwrap: --userns doesn't work in setuid mode: " },
		{ "--userns2 3 x", "bwrap: --userns2 doesn't work in setuid mode: " },
		{ "--pidns 3 x", "bwrap: --pidns doesn't work in setuid mode: " },
		{ "--unshare-pid --as-pid-1 x", "bwrap: --as-pid-1 doesn't work in setuid mode: " },
		{ "--unshare-user --info-fd 4 --userns-block-fd 3 x",
		  "bwrap: --userns-block-fd doesn't work in setuid mode: the user namespace is "
		  "root's, and its ids are mapped by caisson-helper; leave it out, or use "
		  "\"caisson run --subuid N --subgid N\"" },
		{ "--cap-add ALL x", "bwrap: --cap-add in setuid mode can be used only by root: " },
		{ "--cap-drop ALL --cap-add cap_kill x",
		  "bwrap: --cap-add in setuid mode can be used only by root: " },
		{ "--overlay-src /a x",
		  "bwrap: The --overlay-src option is not permitted in setuid mode: " },
		{ "--overlay /a /b /c x",
		  "bwrap: The --overlay option is not permitted in setuid mode: " },
		{ "--tmp-overlay /a x",
		  "bwrap: The --tmp-overlay option is not permitted in setuid mode: " },
		{ "--ro-overlay /a x",
		  "bwrap: The --ro-overlay option is not permitted in setuid mode: " },
		{ "--exec-label x y", "bwrap: labeling not supported on this system: " },
		{ "--file-label x y", "bwrap: labeling not supported on this system: " },
		{ "", "usage: bwrap [OPTIONS...] [--] COMMAND" },
		{ "--unshare-all", "usage: bwrap [OPTIONS...] [--] COMMAND" },
	};
	char said[16384];

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		cr_expect_eq(refusal(cases[i].line, said, sizeof(said)), 1, "%s", cases[i].line);
		cr_expect_eq(strncmp(said, cases[i].said, strlen(cases[i].said)), 0, "%s: %s",
		             cases[i].line, said);
	}
}

Test(bwrap_args, help_and_version) {
	char said[16384];

	cr_expect_eq(refusal("--help", said, sizeof(said)), 0);
	cr_expect(strstr(said, "--json-status-fd"));
	cr_expect_eq(refusal("--bind a b --version --nope", said, sizeof(said)), 0);
	cr_expect_eq(strncmp(said, "bubblewrap 0.11.", 16), 0, "%s", said);
}

Test(bwrap_args, files_in_order) {
	static const struct {
		const char *line;
		struct wish wish;
	} cases[] = {
		{ "--bind a /b x", { WISH_BIND, .fd = -1, .perms = -1 } },
		{ "--bind-try a /b x", { WISH_BIND, .try = true, .fd = -1, .perms = -1 } },
		{ "--dev-bind a /b x", { WISH_BIND, .dev = true, .fd = -1, .perms = -1 } },
		{ "--dev-bind-try a /b x",
		  { WISH_BIND, .dev = true, .try = true, .fd = -1, .perms = -1 } },
		{ "--ro-bind a /b x", { WISH_BIND, .ro = true, .fd = -1, .perms = -1 } },
		{ "--ro-bind-try a /b x",
		  { WISH_BIND, .ro = true, .try = true, .fd = -1, .perms = -1 } },
		{ "--bind-fd 7 /b x", { WISH_BIND_FD, .fd = 7, .perms = -1 } },
		{ "--ro-bind-fd 7 /b x", { WISH_BIND_FD, .ro = true, .fd = 7, .perms = -1 } },
		{ "--proc /b x", { WISH_PROC, .fd = -1, .perms = -1 } },
		{ "--dev /b x", { WISH_DEV, .fd = -1, .perms = -1 } },
		{ "--mqueue /b x", { WISH_MQUEUE, .fd = -1, .perms = -1 } },
		{ "--remount-ro /b x", { WISH_REMOUNT_RO, .fd = -1, .perms = -1 } },
		{ "--tmpfs /b x", { WISH_TMPFS, .fd = -1, .perms = -1 } },
		{ "--perms 0700 --size 0x10 --tmpfs /b x",
		  { WISH_TMPFS, .fd = -1, .perms = 0700, .size = 16 } },
		{ "--dir /b x", { WISH_DIR, .fd = -1, .perms = -1 } },
		{ "--perms 1777 --dir /b x", { WISH_DIR, .fd = -1, .perms = 01777 } },
		{ "--file 7 /b x", { WISH_FILE, .fd = 7, .perms = -1 } },
		{ "--perms 0 --bind-data 7 /b x", { WISH_DATA, .fd = 7, .perms = 0 } },
		{ "--ro-bind-data 7 /b x", { WISH_DATA, .ro = true, .fd = 7, .perms = -1 } },
		{ "--symlink a /b x", { WISH_SYMLINK, .fd = -1, .perms = -1 } },
		{ "--chmod 0755 /b x", { WISH_CHMOD, .fd = -1, .perms = 0755 } },
		{ "--lock-file /b x", { WISH_LOCK, .fd = -1, .perms = -1 } },
	};
	struct args a;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct wish *want = &cases[i].wish, *got;

		parse(&a, cases[i].line);
		cr_assert_eq(a.wishes, 1, "%s", cases[i].line);
		got = &a.wish[0];
		cr_expect(got->kind == want->kind && got->ro == want->ro && got->dev == want->dev &&
		                  got->try == want->try && got->fd == want->fd &&
		                  got->perms == want->perms && got->size == want->size,
		          "%s", cases[i].line);
		cr_expect_str_eq(got->dst, "/b", "%s", cases[i].line);
		cr_expect_str_eq(a.argv[0], "x");
		cr_expect_eq(a.named.n, want->fd >= 0 ? 1 : 0, "%s", cases[i].line);
	}
	parse(&a, "--dir /1 --perms 0700 --dir /2 --dir /3 -- --dir /4");
	cr_assert_eq(a.wishes, 3);
	cr_expect_eq(a.wish[1].perms, 0700);
	cr_expect_eq(a.wish[2].perms, -1, "it is for one option only");
	cr_expect_str_eq(a.argv[0], "--dir");
}

Test(bwrap_args, settings) {
	struct args a;

	parse(&a, "--unshare-all x");
	cr_expect(a.unshare_net && a.unshare_pid && a.unshare_uts && !a.unshare_user);
	parse(&a, "--unshare-all --share-net x");
	cr_expect(!a.unshare_net);
	parse(&a, "--share-net --unshare-net x");
	cr_expect(a.unshare_net, "the last one counts");
	parse(&a, "--uid 0 --gid 5 --sync-fd 4 --info-fd 5 --json-status-fd 6 --block-fd 7 x");
	cr_expect(a.uid == 0 && a.gid == 5 && a.sync_fd == 4 && a.info_fd == 5 &&
	          a.status_fd == 6 && a.block_fd == 7 && a.named.n == 4);
	parse(&a, "--add-seccomp-fd 8 --add-seccomp-fd 9 x");
	cr_expect(a.seccomp.n == 2 && a.seccomp.fd[0] == 8 && a.seccomp.fd[1] == 9);
	parse(&a, "--cap-add ALL --cap-drop ALL --cap-drop CAP_KILL --die-with-parent x y z");
	cr_expect(a.caps_added == 0 && a.die_with_parent);
	cr_expect_str_eq(a.argv[2], "z");
	cr_expect_null(a.argv[3]);
}

Test(bwrap_args, environment) {
	static char *environment[] = { (char *)(uintptr_t) "A=1", (char *)(uintptr_t) "AB=2",
		                       (char *)(uintptr_t) "noise", NULL };
	static char *argv[] = { (char *)(uintptr_t) "bwrap",
		                (char *)(uintptr_t) "--setenv",
		                (char *)(uintptr_t) "A",
		                (char *)(uintptr_t) "x=y",
		                (char *)(uintptr_t) "--unsetenv",
		                (char *)(uintptr_t) "AB",
		                (char *)(uintptr_t) "--setenv",
		                (char *)(uintptr_t) "C",
		                (char *)(uintptr_t) "",
		                (char *)(uintptr_t) "prog",
		                NULL };
	struct args a;

	args_parse(&a, 10, argv, environment);
	cr_expect_eq(a.envs, 2);
	cr_expect_str_eq(env_get(&a, "A"), "x=y");
	cr_expect_null(env_get(&a, "AB"));
	cr_expect_str_eq(env_get(&a, "C"), "");
	env_clear(&a);
	cr_expect_eq(a.envs, 0);
	cr_expect_null(env_get(&a, "A"));
}

Test(bwrap_args, from_a_descriptor) {
	static const char text[] = "--dir\0/x y\0--setenv\0A\0b\0";
	int end[2];
	char line[64];
	struct args a;

	cr_assert_eq(pipe(end), 0);
	cr_assert_eq(write(end[1], text, sizeof(text) - 1), (ssize_t)sizeof(text) - 1);
	close(end[1]);
	snprintf(line, sizeof(line), "--args %d --dir /z prog", end[0]);
	parse(&a, line);
	cr_assert_eq(a.wishes, 2);
	cr_expect_str_eq(a.wish[0].dst, "/x y");
	cr_expect_str_eq(a.wish[1].dst, "/z");
	cr_expect_str_eq(env_get(&a, "A"), "b");
	cr_expect_str_eq(a.argv[0], "prog");
}
