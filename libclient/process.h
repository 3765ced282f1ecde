/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A process by a descriptor that can come to mean no other one: a pidfd, or, before Linux
 * 5.3, its "stat" in /proc, which cannot be polled. The callee closes nothing; -errno.
 */
#ifndef CAISSON_LIBCLIENT_PROCESS_H
#define CAISSON_LIBCLIENT_PROCESS_H

#include <stdbool.h>
#include <sys/types.h>

/*
 * Of a child that clone() gave no pidfd for. Its descriptor, or -errno; one of /dev/null, which
 * can be read at once and waited for by nobody, if it is gone already.
 */
int process_open(pid_t child);
/* For poll(): itself, or -1, which poll() passes over. */
int process_pollable(int process);
/* In our own pid namespace; -1 once it was reaped, or without /proc. */
pid_t process_pid(int process);
/* Only looks. */
bool process_ended(int process);
/* Waits for its end and reaps it; a wait status. -ECHILD where somebody else has. */
int process_wait(int process, int *status);
/* SIGKILL; -EPERM where it has to be ended by other means, as without a pidfd always. */
int process_kill(int process);

#endif
