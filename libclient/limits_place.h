/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The parts of limits_place.c that are looked at by themselves. */
#ifndef CAISSON_LIBCLIENT_LIMITS_PLACE_H
#define CAISSON_LIBCLIENT_LIMITS_PLACE_H

#include <stdbool.h>

#include "limits_impl.h"

/* Of errors: what was being done, what decides, what to do. */
extern const char PLACE_STAGE[], PLACE_KNOB[], PLACE_REMEDY[], PLACE_REMEDY_CONTROLLER[];

/* "memory pids" */
const char *place_controllers(unsigned set, char text[32]);
/* The user may make groups in it and move processes within it, and no systemd minds. */
bool place_delegated(int dir, const char *path);
/* Groups below it get the controllers: 0, or -errno with those that are missing. */
int place_enable(int dir, unsigned needed, unsigned *missing);
/*
 * The caller's limits hold there too, or an error that names the file of one that
 * would not. pids: how many processes a group there may have.
 */
int place_check_escape(const struct cgroup_tree *tree, const char *path, uint64_t pids,
                       caisson_error **err);

#endif
