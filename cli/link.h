/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * How caisson exec and caisson ps find a sandbox that caisson run --name holds,
 * and how the two sides make sure of each other: a unix socket NAME in
 * $XDG_RUNTIME_DIR/caisson.
 *
 * The programs in sandboxes have the same uid as both, and a granted tree may
 * hold that directory. So each side requires of the other that it lies in its own
 * pid namespace, where no sandboxed program is: the process at the other end is
 * named by the kernel (SO_PEERCRED), a pidfd of it is opened, and then it must
 * send a number, new and secret, that was sent to it after that, in a message
 * that the kernel marks with the same pid (SCM_CREDENTIALS), and still live. A
 * pid that was freed meanwhile and given to another process cannot do so.
 */
#ifndef CAISSON_CLI_LINK_H
#define CAISSON_CLI_LINK_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/types.h>

#include "protocol/answer.h"
#include "protocol/control.h"

#define LINK_MAGIC 0x4c534941u /* "AISL" */
#define LINK_VERSION 1u
#define LINK_NAME_MAX 63
#define LINK_FDS CAISSON_START_FD_EXTRA /* of EXEC */
#define LINK_TIMEOUT_MS 10000           /* for the other side's part in the greeting */

enum link_kind {
	LINK_HELLO = 1, /* from caisson exec, first: nonce */
	LINK_WELCOME,   /* from caisson run: that as echo, its own nonce, its name */
	LINK_EXEC,      /* from caisson exec: that as echo, start, LINK_FDS descriptors */
	LINK_RUNNING,   /* from caisson run */
	LINK_FAILED,    /* instead: why, or value is an errno; the last */
	LINK_EXITED,    /* value: a wait status; the last */
	LINK_SIGNAL,    /* from caisson exec: value */
};

/* One SOCK_SEQPACKET message is one of these. */
struct link_message {
	uint32_t magic;
	uint16_t version, kind;
	unsigned char nonce[16], echo[16];
	char name[LINK_NAME_MAX + 1];
	int32_t value, reserved;
	struct caisson_control start; /* args, argc, envc, flags count */
	struct caisson_answer why;
};

struct link_peer {
	pid_t pid;
	int pidfd; /* libclient/process.h */
};

/* 1 to 63 of letters, digits, '.', '_', '-'; the first no '.' and no '-'. */
bool link_name_ok(const char *name);
/* The directory, made if make; -1 with *why if not to be had, errno ENOENT if it is not there. */
int link_dir(bool make, const char **why);
/* Of other users of the directory, for at most two seconds. 0, or -1 with errno. */
int link_lock(int dir);
/* The address of NAME in it. */
struct sockaddr_un;
void link_address(int dir, const char *name, struct sockaddr_un *address);
/* A connected socket, or -1 with errno: ECONNREFUSED if nobody listens any more. */
int link_connect(int dir, const char *name);

/* Who is at the other end of s: of this user and pid namespace, or -1. */
int link_peer(int s, struct link_peer *peer);
/* To be asked about a message that has what was sent to peer only since link_peer(). */
bool link_peer_sent(const struct link_peer *peer, const struct ucred *sender);

void link_message(struct link_message *m, enum link_kind kind);
/* A number that nobody can guess; false with errno. */
bool link_nonce(unsigned char nonce[16]);
/* Without waiting; fds may be NULL. 0, or -1 with errno. */
int link_send(int s, const struct link_message *m, const int *fds);
/*
 * Without waiting. 0; or -1 with errno, EAGAIN if there is none, EPIPE at the end,
 * EPROTO if it is none of ours. fds: LINK_FDS numbers, the caller's to close, -1
 * where there is none; NULL: none is taken.
 */
int link_receive(int s, struct link_message *m, struct ucred *sender, int *fds);
void link_close_fds(int *fds);

#endif
