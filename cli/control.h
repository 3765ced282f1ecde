/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * caisson run --name: others of the user's processes may ask for further programs
 * in the sandbox, by a socket. Takes no memory while the sandbox runs.
 */
#ifndef CAISSON_CLI_CONTROL_H
#define CAISSON_CLI_CONTROL_H

#include <poll.h>
#include <sys/types.h>

#include "caisson.h"
#include "link.h"

#define CONTROL_CLIENTS 80 /* more than programs that can run, for some that are only greeting */

struct control_client {
	int s; /* -1: a free place */
	enum { CLIENT_FRESH, CLIENT_GREETED, CLIENT_RUNS } state;
	struct link_peer peer;
	unsigned char nonce[16];
	int64_t until; /* to have gone on from this state */
	caisson_program *program;
};

struct control {
	const char *name; /* NULL: nobody is to ask */
	int dir, listener;
	ino_t inode;
	struct control_client client[CONTROL_CLIENTS];
};

/* Listens under name, NULL: for nobody. 0, or -1 and it is said why. */
int control_open(struct control *control, const char *name);
/* The name is free again, and whoever still waits is left. */
void control_close(struct control *control);

#define CONTROL_POLL (1 + CONTROL_CLIENTS)
/* Fills fds, CONTROL_POLL of them at most; gives their number and in *timeout poll's. */
nfds_t control_poll(const struct control *control, struct pollfd *fds, int *timeout);
/* Does what is asked for by fds, as polled. */
void control_serve(struct control *control, const struct pollfd *fds, caisson_sandbox *box);
/* Tells of every program that has ended, by its own or with the sandbox. */
void control_tell(struct control *control);

#endif
