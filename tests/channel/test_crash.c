/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Either side is killed at any moment, again and again. After each time nothing
 * is left: no descriptor, no mapping, no process; and the one that lives was
 * told in time. The first argument is the number of times; 1,000 without. The second
 * is what "in time" is, in milliseconds, for machines that do much else; 5,000.
 */
#include <dirent.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "channel_peer.h"
#include "tap.h"

#define SLAB 65536u

static unsigned long long seed = 1;
static int told_ms = 5000;

static unsigned chance(unsigned below) {
	seed = seed * 6364136223846793005ull + 1442695040888963407ull;
	return (unsigned)(seed >> 33) % below;
}

static int64_t now_ms(void) {
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* Both sides do this until there is nobody left: send what they can, take what comes. */
static int talk(caisson_channel *channel) {
	const int64_t shape = 500;
	caisson_tensor tensor;
	int rc;

	for (;;) {
		if (caisson_loan(channel, CAISSON_U8, 1, &shape, &tensor, NULL) == 0) {
			memset(tensor.data, 1, tensor.nbytes);
			(void)caisson_send(channel, &tensor, NULL);
		}
		rc = caisson_recv(channel, &tensor, 2, NULL);
		if (rc == 0)
			caisson_release(channel, &tensor);
		else if (rc != -ETIMEDOUT)
			return rc;
	}
}

static int sandbox(caisson_channel *channel) {
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	return talk(channel) == -EPIPE ? 0 : 1;
}

static void pause_us(unsigned us) {
	const struct timespec time = { 0, (long)us * 1000 };

	nanosleep(&time, NULL);
}

static pid_t kill_later(pid_t victim, unsigned us) {
	pid_t pid = fork();

	if (pid == 0) {
		pause_us(us);
		kill(victim, SIGKILL);
		_exit(0);
	}
	return pid;
}

/* The sandbox dies; the host is this process. */
static const char *sandbox_dies(void) {
	caisson_channel *host = NULL;
	const char *fault = NULL;
	pid_t pid, killer;
	int64_t start;
	int rc;

	if (channel_new("frames", CAISSON_BOTH, SLAB, &host, NULL) < 0)
		return "no channel";
	pid = peer_start(host, sandbox);
	killer = kill_later(pid, chance(3000));
	start = now_ms();
	rc = talk(host);
	if (rc != -EPIPE)
		fault = "the host was told something else";
	if (now_ms() - start > told_ms)
		fault = "the host was not told in time";
	waitpid(killer, NULL, 0);
	waitpid(pid, NULL, 0);
	channel_free(host);
	return fault;
}

/* A host and its sandbox; both have the write end of a pipe as descriptor 0. */
static int be_host(int told) {
	caisson_channel *host = NULL;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (dup2(told, 0) < 0 || close(told) < 0 ||
	    channel_new("frames", CAISSON_BOTH, SLAB, &host, NULL) < 0 ||
	    peer_start(host, talk) < 0)
		return 1;
	return talk(host);
}

/* The host dies; the sandbox, which is nobody's child then, ends by itself. */
static const char *host_dies(void) {
	struct pollfd end = { .events = POLLIN };
	int told[2];
	pid_t pid;
	bool ended;

	if (pipe(told) < 0)
		return "no pipe";
	pid = fork();
	if (pid == 0) {
		close(told[0]);
		_exit(be_host(told[1]));
	}
	close(told[1]);
	pause_us(chance(3000));
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	end.fd = told[0];
	ended = poll(&end, 1, told_ms) == 1; /* whoever held it has ended */
	close(told[0]);
	return ended ? NULL : "the sandbox stays";
}

static unsigned count(const char *path) {
	unsigned entries = 0;
	DIR *dir = opendir(path);

	while (dir && readdir(dir))
		entries++;
	if (dir)
		closedir(dir);
	return entries;
}

static unsigned mappings(void) {
	char line[512];
	unsigned lines = 0;
	FILE *maps = fopen("/proc/self/maps", "re");

	while (maps && fgets(line, sizeof(line), maps))
		lines += strstr(line, "memfd:") != NULL;
	if (maps)
		fclose(maps);
	return lines;
}

static void cycles(const char *name, const char *(*cycle)(void), unsigned long times) {
	unsigned fds = count("/proc/self/fd"), maps = mappings();
	const char *fault = NULL;
	unsigned long done = 0;

	while (done < times && !fault) {
		fault = cycle();
		done++;
		if (count("/proc/self/fd") != fds)
			fault = "descriptors are left";
		if (mappings() != maps)
			fault = "mappings are left";
		if (waitpid(-1, NULL, WNOHANG) != -1)
			fault = "a process is left";
	}
	tap_ok(!fault, "%s, %lu times%s%s", name, done, fault ? ": " : "", fault ? fault : "");
}

int main(int argc, char **argv) {
	unsigned long times = argc > 1 ? strtoul(argv[1], NULL, 10) : 1000;

	if (argc > 2)
		told_ms = (int)strtol(argv[2], NULL, 10);
	cycles("the sandbox is killed", sandbox_dies, times / 2);
	cycles("the host is killed", host_dies, times - times / 2);
	return tap_done();
}
