/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What several attacks share: the scene that only root can set before the test
 * becomes an ordinary user, and the child while it is being set up.
 *
 * A program that needs a scene is started by root as PROGRAM --foreign CMD...,
 * sets it, and runs CMD, which comes back to the program as the test user.
 */
#ifndef CAISSON_TESTS_HOSTILE_H
#define CAISSON_TESTS_HOSTILE_H

#include <stdbool.h>
#include <stddef.h>

#include "tests/lib/raw.h"

#define PROBE(...) ((const char *const[]){ "/t/inside", __VA_ARGS__, NULL })

/* ---- as root; each ends the program as a skipped one where this machine does not let root ---- */

/* Was the scene set? Else the program is to be skipped. */
bool scene_wanted(int argc, char **argv);
/* A private mount namespace, so that nothing that is mounted here reaches the host. */
void scene_mounts(void);
/* A pid namespace for what is forked from here on. */
void scene_pids(void);
_Noreturn void scene_skip(const char *what);
/* No mount_setattr: what kernels before 5.12 say, so that the other backend is used. */
void scene_legacy(void);
/* Runs it; its exit status. */
int scene_run(char *const *argv);
/* The same in a private mount namespace, after set(i): all of it in a process of its own. */
int scene_alone(void (*set)(unsigned i), unsigned i, char *const *argv);
/*
 * That for each i below n, which the test finds as CAISSON_SCENE. Each is a stream of its own, which
 * tap-run, the command, judges. The last status that is not 0; 77 as soon as one was skipped.
 */
int scene_each(void (*set)(unsigned i), unsigned n, char *const *argv);
/* A number for the test to find in its environment; the descriptor stays open over exec. */
void scene_pass(const char *name, long number);
long scene_number(const char *name);
uid_t scene_uid(void);

/* ---- as the test user ---- */

/* With a user namespace, where one can be had, and without, where the helper builds. */
void hostile_both_modes(void (*try)(enum caisson_userns mode, const char *name));
/* CLONED, which hands the child over while it is being set up: its pid, or -1. Sets box->pidfd. */
pid_t hostile_cloned(struct raw_box *box, int timeout_ms);
/* raw_answer(), which forgets what was handed over before. */
bool hostile_answer(struct raw_box *box);
/* Is the child of this pidfd gone? Waits so long. */
bool hostile_gone(int pidfd, int timeout_ms);
/* renameat2 EXCHANGE for ever, in a process of its own. */
pid_t hostile_flip(const char *one, const char *two);
/* A process that does nothing but run. */
pid_t hostile_load(void);
/* true: it was still at it. */
bool hostile_stop(pid_t pid);
unsigned hostile_entries(const char *dir);
/* The executable's CLOEXEC pipe, above every number the helper looks at: end of file once it ran. */
int hostile_until_exec(int *write_end);

#endif
