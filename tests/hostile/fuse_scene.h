/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * FUSE file systems that answer, stop answering, or never did, without
 * libfuse. Root mounts them in a mount namespace of the test's own; a process
 * of the test user's is the server.
 *
 *   live      answers, but for names that begin with "hang": read, never answered
 *   stopping  answers until the name "stop" was asked for; then nothing is even read
 *   closing   the same again
 *   mute      was never answered, not even the first message
 *   private   as live, without allow_other: the kernel denies it to root
 *
 * The test talks to the server by names: "live/stats.N" exists if N requests of
 * root's, or more, were met on any of them; asking for "live/quit" ends the
 * server, and with it every request that waits.
 */
#ifndef CAISSON_TESTS_FUSE_SCENE_H
#define CAISSON_TESTS_FUSE_SCENE_H

#include <stdbool.h>

/* As root, with "--foreign CMD...": does not return. CAISSON_SCENE_ONLY=legacy: as before 5.12. */
_Noreturn void fuse_scene(char *const *cmd);
/* As the test user: is it set? false: the whole program is to be skipped. */
bool fuse_there(void);
/* A path below the scene; static storage of some. */
const char *fuse_path(const char *name);
/* How many requests root made so far. */
unsigned fuse_root_requests(void);
void fuse_stop(const char *which);
void fuse_quit(void);

#endif
