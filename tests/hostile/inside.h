/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The hostile target: a static program that runs inside sandboxes and tries to
 * do harm. It prints TAP points, which the test outside relays.
 */
#ifndef CAISSON_TESTS_INSIDE_H
#define CAISSON_TESTS_INSIDE_H

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "tests/lib/tap.h"

struct attempt {
	int argc;
	char **argv; /* what follows the probe's name */
};

/* self: everything that a full sandbox promises, as seen from inside. */
void inside_self(const struct attempt *a);
/* ids: every way back to a uid or capability. */
void inside_ids(const struct attempt *a);
/* init: what can be done to pid 1. */
void inside_init(const struct attempt *a);
/* host PID...: the host's processes by number. */
void inside_host(const struct attempt *a);
/* peer FD: the host by the socket that it gave. */
void inside_peer(const struct attempt *a);
/* namespaces, mounts: new ones, others', changing what is there. */
void inside_namespaces(const struct attempt *a);
void inside_mounts(const struct attempt *a);
/* calls: kernel interfaces that are nobody's business in here. */
void inside_calls(const struct attempt *a);
/* cgroup: the way out of its group. surfaces: large interfaces, asked for properly. */
void inside_cgroup(const struct attempt *a);
void inside_surfaces(const struct attempt *a);
/* apart KIND:[NUMBER]...: namespaces of the host's that it must not be in. */
void inside_apart(const struct attempt *a);
/* uncover DIR: mounts, by a process that may have capabilities. */
void inside_uncover(const struct attempt *a);
/* keys: keyrings. */
void inside_keys(const struct attempt *a);
/* sockets none|loopback|host */
void inside_sockets(const struct attempt *a);
/* abstract NAME: is the host's abstract socket of that name out of reach? */
void inside_abstract(const struct attempt *a);
/* ipc KEY: the host's System V segment of that key. */
void inside_ipc(const struct attempt *a);
/* nodes, proc: devices, and the kernel's knobs. */
void inside_nodes(const struct attempt *a);
void inside_proc(const struct attempt *a);
/* readonly DIR: DIR/file may not be written by any way. */
void inside_readonly(const struct attempt *a);
/* planted DIR: no setuid file can be left in the read-write DIR. */
void inside_planted(const struct attempt *a);
/* setuid PROGRAM: it must not gain anything. */
void inside_setuid(const struct attempt *a);
/* tty FD, fds FD...: terminals; what is open. */
void inside_tty(const struct attempt *a);
void inside_fds(const struct attempt *a);
/* trees DIR...: no kernel file system can be read below them. */
void inside_trees(const struct attempt *a);
/* absent PATH...: not there. Present PATH...: there. */
void inside_absent(const struct attempt *a);
void inside_present(const struct attempt *a);
/* unreadable DIR: not to be listed. */
void inside_unreadable(const struct attempt *a);
/* handed SOCKET FILE ABI: where descriptors lead that the host gave, and sends; ABI 0: anywhere. */
void inside_handed(const struct attempt *a);
/* connect PATH refused|reached: a socket of the host's. */
void inside_connect(const struct attempt *a);
/* killall: kill(-1), then the end. sleep: until killed. */
void inside_killall(const struct attempt *a);
void inside_sleep(const struct attempt *a);

/* A point: the call, whose result is rc, must have failed with one of these; 0 ends the list. */
bool refused(long rc, const char *what, int error, int error2, int error3);

#endif
