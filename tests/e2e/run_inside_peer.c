/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the program in the sandbox does with processes, signals, sockets and channels. */
#include "run.h"
#include "caisson_channels.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static void do_exec(const char *arg) {
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

static void on_term(int sig) {
	(void)sig;
	_exit(7);
}

static void do_catch(const char *arg) {
	signal(atoi(arg), on_term);
}

static void do_ignore(const char *arg) {
	signal(atoi(arg), SIG_IGN);
}

/* A process that outlives its parent, keeps its output, and ignores what can be ignored. */
static void do_orphan(const char *arg) {
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

static void do_socket(const char *arg) {
	int s = socket(atoi(arg), SOCK_STREAM | SOCK_CLOEXEC, 0);

	say_errno(s < 0);
	if (s >= 0)
		close(s);
}

/* A byte over TCP, to itself. */
static void do_loopback(const char *arg) {
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

static void change(caisson_tensor *to, const caisson_tensor *from) {
	if (from->dtype.code == CAISSON_FLOAT)
		for (uint64_t i = 0; i < from->nbytes / 4; i++)
			((float *)to->data)[i] = 2 * ((const float *)from->data)[i];
	else
		for (uint64_t i = 0; i < from->nbytes; i++)
			((uint8_t *)to->data)[i] = (uint8_t)(((const uint8_t *)from->data)[i] + 1);
	to->tag = from->tag + 100;
}

/*
 * Every process that this one can name gets a signal whenever the host writes to a
 * channel, unless the kernel refuses; arg: the host's. How many it could name, and
 * whether the host, its group or a number far off was among them.
 */
static void do_signal_owner(const char *arg) {
	const int fd = 3;
	int host = (int)strtol(arg, NULL, 10), others = 0, reached = 0;

	fcntl(fd, F_SETSIG, SIGIO);
	fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_ASYNC);
	for (int pid = 1; pid < 40000; pid++)
		others += (fcntl(fd, F_SETOWN, pid) == 0) + (fcntl(fd, F_SETOWN, -pid) == 0);
	reached = (fcntl(fd, F_SETOWN, host) == 0) + (fcntl(fd, F_SETOWN, -host) == 0);
	for (int group = 0; group < 2; group++) { /* what F_SETOWN left: the last that was taken */
		struct f_owner_ex owner = { group ? F_OWNER_PGRP : F_OWNER_PID, host };

		reached += fcntl(fd, F_SETOWN_EX, &owner) == 0;
	}
	fcntl(fd, F_SETOWN, getpid());
	signal(SIGIO, SIG_IGN);
	printf("%d %s\n", reached, others < 20 ? "few" : "many");
}

/* Send three tensors back, changed. */
static void echo(caisson_channel *channel) {
	caisson_tensor in, out;
	int rc, n = 0;

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

static void do_echo(const char *arg) {
	caisson_channel *channel;

	if (caisson_channel_open(arg, &channel, NULL) < 0)
		_exit(70);
	echo(channel);
}

/* The same on a channel that comes while it runs. */
static void do_await(const char *arg) {
	caisson_channel *channel;

	if (caisson_channel_await(arg, 60000, &channel, NULL) < 0)
		_exit(74);
	echo(channel);
}

/* How many tensors come until the host ends the channel, and the sum of their bytes. */
static void do_total(const char *arg) {
	unsigned long long n = 0, sum = 0;
	caisson_channel *channel;
	caisson_tensor t;

	if (caisson_channel_open(arg, &channel, NULL) < 0 &&
	    caisson_channel_await(arg, 60000, &channel, NULL) < 0)
		_exit(75);
	while (caisson_recv(channel, &t, 60000, NULL) == 0) {
		for (uint64_t i = 0; i < t.nbytes; i++)
			sum += ((const uint8_t *)t.data)[i];
		n++;
		caisson_release(channel, &t);
	}
	printf("%llu %llu\n", n, sum);
	caisson_channel_close(channel);
}

static void do_open(const char *arg) {
	caisson_channel *channel = NULL;
	caisson_error *err = NULL;

	if (caisson_channel_open(arg, &channel, &err) == 0)
		puts("ok");
	else
		printf("%s; %s\n", name_of(caisson_error_errno(err)), caisson_error_stage(err));
	fflush(stdout);
	caisson_error_free(err);
}

/* Bytes of a file, and their sum. */
static void do_sum(const char *arg) {
	unsigned long long n = 0, sum = 0;
	FILE *f = fopen(arg, "re");

	if (!f) {
		puts(name_of(errno));
		return;
	}
	for (int c; (c = getc(f)) != EOF; n++)
		sum += (unsigned)c;
	fclose(f);
	printf("%llu %llu\n", n, sum);
}

static void do_ids(const char *arg) {
	(void)arg;
	printf("%u %u %u %u\n", getuid(), geteuid(), getgid(), getegid());
}

/* Seconds on the monotonic and the boot clock. */
static void do_clocks(const char *arg) {
	struct timespec monotonic, boot;

	(void)arg;
	clock_gettime(CLOCK_MONOTONIC, &monotonic);
	clock_gettime(CLOCK_BOOTTIME, &boot);
	printf("%lld %lld\n", (long long)monotonic.tv_sec, (long long)boot.tv_sec);
}

/* Makes a message queue of this name. */
static void do_queue(const char *arg) {
	long fd = syscall(SYS_mq_open, arg, O_RDWR | O_CREAT | O_CLOEXEC, 0600, NULL);

	say_errno(fd < 0);
	if (fd >= 0)
		close((int)fd);
}

static const struct {
	const char *verb;
	void (*act)(const char *arg);
} verbs[] = {
	{ "exec", do_exec },     { "catch", do_catch },   { "ignore", do_ignore },
	{ "orphan", do_orphan }, { "socket", do_socket }, { "loopback", do_loopback },
	{ "echo", do_echo },     { "await", do_await },   { "signal-owner", do_signal_owner },
	{ "total", do_total },   { "open", do_open },     { "sum", do_sum },
	{ "ids", do_ids },       { "clocks", do_clocks }, { "queue", do_queue },
};

bool inside_peer(const char *verb, size_t len, const char *arg) {
	for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++)
		if (strlen(verbs[i].verb) == len && !strncmp(verb, verbs[i].verb, len)) {
			verbs[i].act(arg);
			fflush(stdout);
			return true;
		}
	return false;
}
