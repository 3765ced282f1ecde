/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Whose cgroup the pages of a slab are charged to: that of who touches them first. Both
 * sides are put into memory cgroups of their own, of whichever version there is.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "caisson_channels.h"
#include "channel_impl.h"
#include "channel_peer.h"
#include "tap.h"

#define BYTES (16u << 20)

static char groups[2][256]; /* of the host, of the sandbox; "": none */

static bool write_text(const char *path, const char *text) {
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	bool done = fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);

	if (fd >= 0)
		close(fd);
	return done;
}

/* Version 2 with memory handed on, or version 1. */
static bool make_groups(void) {
	char line[256] = "", file[300];
	FILE *control = fopen("/sys/fs/cgroup/cgroup.subtree_control", "re");
	const char *base = "/sys/fs/cgroup/memory";

	if (control && fgets(line, sizeof(line), control) && strstr(line, "memory"))
		base = "/sys/fs/cgroup";
	if (control)
		fclose(control);
	for (int i = 0; i < 2; i++) {
		snprintf(groups[i], sizeof(groups[i]), "%s/caisson-charge-%d-%d", base,
		         (int)getpid(), i);
		if (mkdir(groups[i], 0755) < 0) {
			groups[i][0] = '\0';
			return false;
		}
	}
	snprintf(file, sizeof(file), "%s/memory.stat", groups[0]);
	return access(file, R_OK) == 0;
}

static void remove_groups(void) {
	for (int i = 0; i < 2; i++)
		for (int j = 0; groups[i][0] && rmdir(groups[i]) < 0 && errno == EBUSY && j < 100;
		     j++)
			usleep(10000);
}

static bool enter(const char *group) {
	char file[300];

	snprintf(file, sizeof(file), "%s/cgroup.procs", group);
	return write_text(file, "0");
}

/* Shared memory that is charged to a group, in MiB. */
static unsigned charged(const char *group) {
	unsigned long long bytes = 0;
	char file[300], line[256];
	FILE *stat;

	snprintf(file, sizeof(file), "%s/memory.stat", group);
	stat = fopen(file, "re");
	while (stat && fgets(line, sizeof(line), stat))
		if (sscanf(line, "shmem %llu", &bytes) == 1)
			break;
	if (stat)
		fclose(stat);
	return (unsigned)((bytes + (1u << 19)) >> 20);
}

static int sandbox(caisson_channel *channel, bool first) {
	caisson_tensor tensor;

	if (!enter(groups[1]))
		return 1;
	if (first && caisson_channel_prefault(channel, NULL) < 0)
		return 2;
	while (first && !caisson_channel_prefaulted(channel, NULL, NULL))
		usleep(1000);
	if (caisson_loan(channel, CAISSON_U8, 0, NULL, &tensor, NULL) < 0 ||
	    caisson_send(channel, &tensor, NULL) < 0)
		return 3;
	return caisson_recv(channel, &tensor, -1, NULL) == -EPIPE ? 0 : 4;
}

static int sandbox_first(caisson_channel *channel) {
	return sandbox(channel, true);
}

static int host_first(caisson_channel *channel) {
	return sandbox(channel, false);
}

/* In a process of its own, in the host's group: touches all of both slabs. */
static int host(bool first) {
	caisson_channel *channel = NULL;
	volatile unsigned sum = 0;
	unsigned mine, theirs;
	caisson_tensor tensor;
	pid_t pid;

	if (!enter(groups[0]) || channel_new("frames", CAISSON_BOTH, BYTES, &channel, NULL) < 0)
		return 10;
	pid = peer_start(channel, first ? sandbox_first : host_first);
	if (caisson_recv(channel, &tensor, 30000, NULL) < 0)
		return 11;
	for (size_t at = 0; at < BYTES; at += 4096) {
		((char *)channel->tx.memory.base)[at] = 1;
		sum += ((const unsigned char *)channel->rx.memory.base)[at];
	}
	mine = charged(groups[0]);
	theirs = charged(groups[1]);
	printf("# the host has %u MiB, the sandbox %u\n", mine, theirs);
	fflush(stdout);
	channel_free(channel);
	if (peer_end(pid, 10) != 0)
		return 12;
	/* The statistics are not exact to the page. */
	if (first)
		return mine <= 2 && theirs >= 30 ? 0 : 13;
	return mine >= 28 && theirs <= 2 ? 0 : 14;
}

static int in_child(bool first) {
	int status = -1;
	pid_t pid;

	fflush(stdout);
	pid = fork();
	if (pid == 0)
		_exit(host(first));
	waitpid(pid, &status, 0);
	return status;
}

int main(void) {
	const char *first = "a program that makes both slabs ready pays for both",
		   *later = "one that does not leaves it to the host";
	int status;

	if (!make_groups()) {
		tap_skip(first, "no memory cgroup can be made here");
		tap_skip(later, "no memory cgroup can be made here");
	} else {
		status = in_child(true);
		tap_ok(status == 0, "%s (status %#x)", first, (unsigned)status);
		usleep(200000); /* what the first left is taken off the account */
		status = in_child(false);
		tap_ok(status == 0, "%s (status %#x)", later, (unsigned)status);
	}
	remove_groups();
	return tap_done();
}
