/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * link-attack HOW DIR NAME: whoever should not be heard at the socket of caisson
 * run --name, nor taken for it by caisson exec. Prints what came of it. Static:
 * some of it is tried from inside a sandbox.
 *
 * connect  says hello and asks for a program
 * blind    asks without knowing the number that it was to repeat
 * foreign  the same as connect, by a child of the process that connected
 * fake     puts a socket of its own in the place of NAME and waits for caisson exec
 * forked   the same, and a child of the process that listens answers
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cli/link.h"

static int say(const char *what) {
	puts(what);
	fflush(stdout);
	return 0;
}

static int wrong(const char *what) {
	printf("%s: %s\n", what, strerror(errno));
	return 1;
}

/* The next message within some seconds; its kind, 0 at the end, -1 if nothing comes. */
static int next(int s, struct link_message *m, int *fds) {
	struct pollfd p = { .fd = s, .events = POLLIN };
	struct ucred sender;

	if (poll(&p, 1, 5000) <= 0)
		return -1;
	return link_receive(s, m, &sender, fds) == 0 ? m->kind : 0;
}

static int send_exec(int s, const unsigned char echo[16]) {
	static const char args[] = "/\0true";
	int fds[LINK_FDS] = { memfd_create("args", MFD_ALLOW_SEALING), 0, 1, 2 };
	struct link_message m;
	int null = open("/dev/null", O_RDWR);

	link_message(&m, LINK_EXEC);
	memcpy(m.echo, echo, sizeof(m.echo));
	m.start.args = sizeof(args);
	m.start.argc = 1;
	fds[1] = fds[2] = fds[3] = null;
	if (null < 0 || write(fds[0], args, sizeof(args)) != sizeof(args) ||
	    fcntl(fds[0], F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE) < 0)
		return -1;
	return link_send(s, &m, fds);
}

static int ask(int s, bool blind) {
	struct link_message m;
	int kind;

	link_message(&m, LINK_HELLO);
	if (link_send(s, &m, NULL) < 0 && errno != EPIPE)
		return wrong("hello");
	kind = next(s, &m, NULL);
	if (kind != LINK_WELCOME)
		return say(kind == 0 ? "closed" : "not answered");
	if (blind)
		m.nonce[15] ^= 1;
	if (send_exec(s, m.nonce) < 0 && errno != EPIPE)
		return wrong("exec");
	kind = next(s, &m, NULL);
	return say(kind == LINK_RUNNING ? "RUNNING"
	           : kind == 0          ? "welcomed, then closed"
	                                : "welcomed");
}

static int attack(const char *how, int dir, const char *name) {
	int s = link_connect(dir, name), status;
	pid_t pid = 0;

	if (s < 0)
		return wrong("connect");
	if (!strcmp(how, "foreign"))
		pid = fork();
	if (pid == 0)
		return ask(s, !strcmp(how, "blind"));
	waitpid(pid, &status, 0);
	return status != 0;
}

/* Takes the place of caisson run, as well as it can. */
static int serve(int s, const char *name) {
	struct link_message m, answer;
	int fds[LINK_FDS], kind = next(s, &m, NULL);

	if (kind != LINK_HELLO)
		return say("no hello");
	link_message(&answer, LINK_WELCOME);
	memcpy(answer.echo, m.nonce, sizeof(answer.echo));
	snprintf(answer.name, sizeof(answer.name), "%s", name);
	if (link_send(s, &answer, NULL) < 0)
		return wrong("welcome");
	kind = next(s, &m, fds);
	return say(kind == LINK_EXEC && fds[1] >= 0 ? "GOT THE DESCRIPTORS" : "hello, then closed");
}

static int impersonate(const char *how, int dir, const char *name) {
	struct sockaddr_un address;
	struct pollfd p;
	int status, on = 1, s = socket(AF_UNIX, SOCK_SEQPACKET, 0);
	pid_t pid = 0;

	link_address(dir, name, &address);
	unlinkat(dir, name, 0);
	if (bind(s, (struct sockaddr *)&address, sizeof(address)) < 0 ||
	    setsockopt(s, SOL_SOCKET, SO_PASSCRED, &on, sizeof(on)) < 0 || listen(s, 5) < 0)
		return wrong("listen");
	say("listening");
	p = (struct pollfd){ .fd = s, .events = POLLIN };
	if (poll(&p, 1, 10000) <= 0)
		return say("nobody came");
	if (!strcmp(how, "forked"))
		pid = fork();
	if (pid == 0)
		return serve(accept(s, NULL, NULL), name);
	waitpid(pid, &status, 0);
	return status != 0;
}

int main(int argc, char **argv) {
	int dir = argc == 4 ? open(argv[2], O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;

	if (dir < 0)
		return wrong("link-attack HOW DIR NAME");
	if (!strcmp(argv[1], "fake") || !strcmp(argv[1], "forked"))
		return impersonate(argv[1], dir, argv[3]);
	return attack(argv[1], dir, argv[3]);
}
