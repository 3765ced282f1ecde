/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The other side of a channel, for tests: an honest process, or raw access to the memory. */
#ifndef CAISSON_TESTS_CHANNEL_PEER_H
#define CAISSON_TESTS_CHANNEL_PEER_H

#include <sys/types.h>

#include "channel.h"
#include "protocol/channel.h"

/*
 * Fork a process that is left with the channel's descriptor only, opens the
 * channel by name as a program in a sandbox does, and ends with what body
 * returns (101: it could not open). The host's end is started.
 */
pid_t peer_start(caisson_channel *host, int (*body)(caisson_channel *));
/* Exit status of a process of ours, 128 + signal; it is killed, and -1 returned, after seconds. */
int peer_end(pid_t pid, int seconds);

/* Open the sandbox's end in this same process. The host's end is started. */
caisson_channel *peer_open_here(caisson_channel *host);

/* A sandbox that keeps no rule but those the kernel enforces. */
struct raw_peer {
	int socket;
	struct caisson_channel_hello hello;
	int fd[CAISSON_CHANNEL_FDS];       /* in the order of enum caisson_channel_fd; -1: none */
	struct caisson_channel_page *host; /* read-only */
	struct caisson_channel_page *page;
	char *to_host;
};

/* 0, or -1: the hello did not come as it should. */
int raw_open(struct raw_peer *peer, caisson_channel *host);
void raw_close(struct raw_peer *peer);
/* The lease of a tensor that the host has sent. */
uint32_t raw_lease(const struct raw_peer *peer, uint64_t count);
_Atomic uint64_t *raw_release(struct caisson_channel_page *page, uint64_t count);
/* Write all words of a slot; seq last, as slot->seq says. */
void raw_write(struct raw_peer *peer, uint64_t count, const struct caisson_channel_slot *slot);
/* A tensor of uint8, 4 by 5, at the start of the slab, as an honest peer would send it first. */
struct caisson_channel_slot raw_good_slot(void);

#endif
