/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The program in the sandbox: each argument is "verb operand"; each verb prints
 * one line, the name of the errno value if it failed.
 */
#include "run.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

const char *name_of(int error) {
	static const struct {
		int error;
		const char *name;
	} names[] = {
		{ 0, "ok" },
		{ EACCES, "EACCES" },
		{ EAFNOSUPPORT, "EAFNOSUPPORT" },
		{ ENOENT, "ENOENT" },
		{ ENOSPC, "ENOSPC" },
		{ EPERM, "EPERM" },
		{ EROFS, "EROFS" },
		{ ENETUNREACH, "ENETUNREACH" },
		{ ENOTDIR, "ENOTDIR" },
	};
	static char number[24];

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (names[i].error == error)
			return names[i].name;
	snprintf(number, sizeof(number), "errno %d", error);
	return number;
}

void say_errno(bool failed) {
	puts(name_of(failed ? errno : 0));
}

static void do_exit(const char *arg) {
	fflush(stdout);
	_exit(atoi(arg));
}

static void do_raise(const char *arg) {
	fflush(stdout);
	raise(atoi(arg));
}

static void do_sleep(const char *arg) {
	poll(NULL, 0, atoi(arg));
}

static void do_print(const char *arg) {
	puts(arg);
}

static void do_complain(const char *arg) {
	fprintf(stderr, "%s\n", arg);
}

static void do_cwd(const char *arg) {
	char path[4096];

	(void)arg;
	puts(getcwd(path, sizeof(path)) ? path : name_of(errno));
}

static void do_host(const char *arg) {
	char name[128] = "";

	(void)arg;
	gethostname(name, sizeof(name) - 1);
	puts(name);
}

static int by_text(const void *a, const void *b) {
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static void do_env(const char *arg) {
	size_t n = 0;

	(void)arg;
	while (environ[n])
		n++;
	qsort(environ, n, sizeof(*environ), by_text);
	for (size_t i = 0; i < n; i++)
		puts(environ[i]);
}

static void do_getenv(const char *arg) {
	const char *value = getenv(arg);

	puts(value ? value : "(unset)");
}

static void do_read(const char *arg) {
	char text[4096];
	int fd = open(arg, O_RDONLY);
	ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof(text));

	if (n < 0)
		puts(name_of(errno));
	else
		printf("%.*s\n", (int)n, text);
	if (fd >= 0)
		close(fd);
}

static void do_write(const char *arg) {
	int fd = open(arg, O_WRONLY | O_CREAT | O_TRUNC, 0644);

	say_errno(fd < 0 || write(fd, "new", 3) != 3);
	if (fd >= 0)
		close(fd);
}

/* KiB that fit, up to 8 MiB, and why no more. */
static void do_fill(const char *arg) {
	static char block[1024];
	int fd = open(arg, O_WRONLY | O_CREAT, 0644), n = 0;

	while (fd >= 0 && n < 8192 && write(fd, block, sizeof(block)) == sizeof(block))
		n++;
	printf("%d %s\n", n, name_of(n < 8192 ? errno : 0));
	if (fd >= 0)
		close(fd);
}

static void do_mkdir(const char *arg) {
	say_errno(mkdir(arg, 0755) < 0);
}

static void do_list(const char *arg) {
	char *name[256];
	size_t n = 0;
	DIR *dir = opendir(arg);

	if (!dir) {
		puts(name_of(errno));
		return;
	}
	for (struct dirent *e; n < 256 && (e = readdir(dir));)
		if (e->d_name[0] != '.')
			name[n++] = strdup(e->d_name);
	closedir(dir);
	qsort(name, n, sizeof(*name), by_text);
	for (size_t i = 0; i < n; i++) {
		printf("%s%s", i ? " " : "", name[i]);
		free(name[i]);
	}
	putchar('\n');
}

static void do_link(const char *arg) {
	char target[4096];
	ssize_t n = readlink(arg, target, sizeof(target));

	if (n < 0)
		puts(name_of(errno));
	else
		printf("%.*s\n", (int)n, target);
}

static void do_stat(const char *arg) {
	struct stat st;

	if (lstat(arg, &st) < 0)
		puts(name_of(errno));
	else
		printf("%s %o %s\n",
		       S_ISDIR(st.st_mode)    ? "dir"
		       : S_ISREG(st.st_mode)  ? "file"
		       : S_ISLNK(st.st_mode)  ? "link"
		       : S_ISSOCK(st.st_mode) ? "socket"
		                              : "other",
		       (unsigned)st.st_mode & 07777, st.st_uid == getuid() ? "mine" : "not mine");
}

/* Exit status only: there may be nothing to print to. */
static void do_nulls(const char *arg) {
	struct stat st;

	(void)arg;
	for (int fd = 0; fd < 3; fd++)
		if (fstat(fd, &st) < 0 || !S_ISCHR(st.st_mode) || st.st_rdev != makedev(1, 3))
			_exit(50 + fd);
}

static void do_fds(const char *arg) {
	(void)arg;
	for (int fd = 0; fd < 4096; fd++)
		if (fcntl(fd, F_GETFD) >= 0)
			printf("%d ", fd);
	putchar('\n');
}

static void do_cat(const char *arg) {
	char text[4096];
	ssize_t n;

	(void)arg;
	fflush(stdout);
	while ((n = read(0, text, sizeof(text))) > 0)
		if (write(1, text, (size_t)n) != n)
			_exit(60);
}

static const struct {
	const char *verb;
	void (*act)(const char *arg);
} verbs[] = {
	{ "exit", do_exit },   { "raise", do_raise },       { "sleep", do_sleep },
	{ "print", do_print }, { "complain", do_complain }, { "cwd", do_cwd },
	{ "host", do_host },   { "env", do_env },           { "getenv", do_getenv },
	{ "read", do_read },   { "write", do_write },       { "fill", do_fill },
	{ "mkdir", do_mkdir }, { "list", do_list },         { "link", do_link },
	{ "stat", do_stat },   { "nulls", do_nulls },       { "fds", do_fds },
	{ "cat", do_cat },
};

static void act(const char *text) {
	size_t len = strcspn(text, " ");

	for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++)
		if (strlen(verbs[i].verb) == len && !strncmp(text, verbs[i].verb, len)) {
			verbs[i].act(text + len + (text[len] == ' '));
			fflush(stdout);
			return;
		}
	if (inside_peer(text, len, text + len + (text[len] == ' ')))
		return;
	fprintf(stderr, "unknown verb: %s\n", text);
	_exit(99);
}

int inside_main(int argc, char **argv) {
	size_t bytes = 0;

	if (argc > 2 && !strcmp(argv[2], "count")) {
		for (int i = 3; i < argc; i++)
			bytes += strlen(argv[i]);
		printf("%d %zu\n", argc - 3, bytes);
		return 0;
	}
	for (int i = 2; i < argc; i++)
		act(argv[i]);
	return 0;
}
