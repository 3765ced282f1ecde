/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The program in the sandbox: each argument is "verb operand"; each verb prints
 * one line, the name of the errno value if it failed.
 */
#include "run.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

static const char *name_of(int error)
{
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

static void say_errno(bool failed)
{
	puts(name_of(failed ? errno : 0));
}

static void do_exit(const char *arg)
{
	fflush(stdout);
	_exit(atoi(arg));
}

static void do_raise(const char *arg)
{
	fflush(stdout);
	raise(atoi(arg));
}

static void do_sleep(const char *arg)
{
	poll(NULL, 0, atoi(arg));
}

static void do_print(const char *arg)
{
	puts(arg);
}

static void do_complain(const char *arg)
{
	fprintf(stderr, "%s\n", arg);
}

static void do_cwd(const char *arg)
{
	char path[4096];

	(void)arg;
	puts(getcwd(path, sizeof(path)) ? path : name_of(errno));
}

static void do_host(const char *arg)
{
	char name[128] = "";

	(void)arg;
	gethostname(name, sizeof(name) - 1);
	puts(name);
}

static int by_text(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static void do_env(const char *arg)
{
	size_t n = 0;

	(void)arg;
	while (environ[n])
		n++;
	qsort(environ, n, sizeof(*environ), by_text);
	for (size_t i = 0; i < n; i++)
		puts(environ[i]);
}

static void do_getenv(const char *arg)
{
	const char *value = getenv(arg);

	puts(value ? value : "(unset)");
}

static void do_read(const char *arg)
{
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

static void do_write(const char *arg)
{
	int fd = open(arg, O_WRONLY | O_CREAT | O_TRUNC, 0644);

	say_errno(fd < 0 || write(fd, "new", 3) != 3);
	if (fd >= 0)
		close(fd);
}

/* KiB that fit, up to 8 MiB, and why no more. */
static void do_fill(const char *arg)
{
	static char block[1024];
	int fd = open(arg, O_WRONLY | O_CREAT, 0644), n = 0;

	while (fd >= 0 && n < 8192 && write(fd, block, sizeof(block)) == sizeof(block))
		n++;
	printf("%d %s\n", n, name_of(n < 8192 ? errno : 0));
	if (fd >= 0)
		close(fd);
}

static void do_mkdir(const char *arg)
{
	say_errno(mkdir(arg, 0755) < 0);
}

static void do_list(const char *arg)
{
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

static void do_link(const char *arg)
{
	char target[4096];
	ssize_t n = readlink(arg, target, sizeof(target));

	if (n < 0)
		puts(name_of(errno));
	else
		printf("%.*s\n", (int)n, target);
}

static void do_stat(const char *arg)
{
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

static void do_exec(const char *arg)
{
	char *const argv[] = { (char *)(uintptr_t)arg, (char *)(uintptr_t) "inside",
		               (char *)(uintptr_t) "exit 0", NULL };
	int status = -1;
	pid_t pid;

	fflush(stdout);
	pid = fork();
	if (pid == 0) {
		execv(arg, argv);
		_exit(errno);
	}
	waitpid(pid, &status, 0);
	puts(WIFEXITED(status) ? name_of(WEXITSTATUS(status)) : "killed");
}

/* Exit status only: there may be nothing to print to. */
static void do_nulls(const char *arg)
{
	struct stat st;

	(void)arg;
	for (int fd = 0; fd < 3; fd++)
		if (fstat(fd, &st) < 0 || !S_ISCHR(st.st_mode) || st.st_rdev != makedev(1, 3))
			_exit(50 + fd);
}

static void do_fds(const char *arg)
{
	(void)arg;
	for (int fd = 0; fd < 4096; fd++)
		if (fcntl(fd, F_GETFD) >= 0)
			printf("%d ", fd);
	putchar('\n');
}

static void do_cat(const char *arg)
{
	char text[4096];
	ssize_t n;

	(void)arg;
	fflush(stdout);
	while ((n = read(0, text, sizeof(text))) > 0)
		if (write(1, text, (size_t)n) != n)
			_exit(60);
}

static void on_term(int sig)
{
	(void)sig;
	_exit(7);
}

static void do_catch(const char *arg)
{
	signal(atoi(arg), on_term);
}

static void do_ignore(const char *arg)
{
	signal(atoi(arg), SIG_IGN);
}

/* A process that outlives its parent, keeps its output, and ignores what can be ignored. */
static void do_orphan(const char *arg)
{
	(void)arg;
	fflush(stdout);
	if (fork() == 0) {
		setsid();
		for (int sig = 1; sig < 32; sig++)
			signal(sig, SIG_IGN);
		if (fork() == 0)
			for (;;)
				poll(NULL, 0, 100000);
		_exit(0);
	}
	while (waitpid(-1, NULL, 0) > 0)
		;
}

static void do_socket(const char *arg)
{
	int s = socket(atoi(arg), SOCK_STREAM | SOCK_CLOEXEC, 0);

	say_errno(s < 0);
	if (s >= 0)
		close(s);
}

/* A byte over TCP, to itself. */
static void do_loopback(const char *arg)
{
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr = { htonl(INADDR_LOOPBACK) } };
	socklen_t len = sizeof(at);
	int door = socket(AF_INET, SOCK_STREAM, 0), to = socket(AF_INET, SOCK_STREAM, 0), from;
	char byte = 0;

	(void)arg;
	if (door < 0 || to < 0 || bind(door, (void *)&at, len) < 0 || listen(door, 1) < 0 ||
	    getsockname(door, (void *)&at, &len) < 0 || connect(to, (void *)&at, len) < 0 ||
	    (from = accept(door, NULL, NULL)) < 0 || write(to, "x", 1) != 1 ||
	    read(from, &byte, 1) != 1)
		puts(name_of(errno));
	else
		puts(byte == 'x' ? "ok" : "another byte");
}

static void change(caisson_tensor *to, const caisson_tensor *from)
{
	if (from->dtype.code == CAISSON_FLOAT)
		for (uint64_t i = 0; i < from->nbytes / 4; i++)
			((float *)to->data)[i] = 2 * ((const float *)from->data)[i];
	else
		for (uint64_t i = 0; i < from->nbytes; i++)
			((uint8_t *)to->data)[i] = (uint8_t)(((const uint8_t *)from->data)[i] + 1);
	to->tag = from->tag + 100;
}

/* Send every tensor back, changed, until the host is gone. */
static void do_echo(const char *arg)
{
	caisson_channel *channel;
	caisson_tensor in, out;
	int rc, n = 0;

	if (caisson_channel_open(arg, &channel, NULL) < 0)
		_exit(70);
	while ((rc = caisson_recv(channel, &in, 60000, NULL)) == 0) {
		if (caisson_loan(channel, in.dtype, in.ndim, in.shape, &out, NULL) < 0)
			_exit(71);
		change(&out, &in);
		caisson_release(channel, &in);
		if (caisson_send(channel, &out, NULL) < 0)
			_exit(72);
		if (++n == 3)
			break;
	}
	caisson_channel_close(channel);
	if (rc < 0)
		_exit(73);
}

static void do_open(const char *arg)
{
	caisson_channel *channel = NULL;
	caisson_error *err = NULL;

	if (caisson_channel_open(arg, &channel, &err) == 0)
		puts("ok");
	else
		printf("%s; %s\n", name_of(caisson_error_errno(err)), caisson_error_stage(err));
	fflush(stdout);
	caisson_error_free(err);
}

static const struct {
	const char *verb;
	void (*act)(const char *arg);
} verbs[] = {
	{ "exit", do_exit },     { "raise", do_raise },   { "sleep", do_sleep },
	{ "print", do_print },   { "complain", do_complain }, { "cwd", do_cwd },
	{ "host", do_host },     { "env", do_env },       { "getenv", do_getenv },
	{ "read", do_read },     { "write", do_write },   { "fill", do_fill },
	{ "mkdir", do_mkdir },   { "list", do_list },     { "link", do_link },
	{ "stat", do_stat },     { "exec", do_exec },     { "nulls", do_nulls },
	{ "fds", do_fds },       { "cat", do_cat },       { "catch", do_catch },
	{ "ignore", do_ignore }, { "orphan", do_orphan }, { "socket", do_socket },
	{ "loopback", do_loopback }, { "echo", do_echo }, { "open", do_open },
};

static void act(const char *text)
{
	size_t len = strcspn(text, " ");

	for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++)
		if (strlen(verbs[i].verb) == len && !strncmp(text, verbs[i].verb, len)) {
			verbs[i].act(text + len + (text[len] == ' '));
			fflush(stdout);
			return;
		}
	fprintf(stderr, "unknown verb: %s\n", text);
	_exit(99);
}

int inside_main(int argc, char **argv)
{
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
