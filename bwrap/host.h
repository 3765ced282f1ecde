/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What is made or changed in a tree of the host's, by the user, before the sandbox
 * is there. Another sandbox may be writing to that tree meanwhile: nothing here
 * goes through a link, nor out of what was granted. Links were gone through when
 * the node was found; one that is there only now is an error.
 */
#ifndef CAISSON_BWRAP_HOST_H
#define CAISSON_BWRAP_HOST_H

#include <sys/types.h>

#include "tree.h"

/* Of what the node shows. -1 with errno; EROFS if it is read-only and flags are not O_RDONLY. */
int host_open(const struct node *n, int flags);
int host_chmod(const struct node *n, mode_t mode);
/* In the directory dir: -1 with errno, EROFS if it is read-only. */
int host_mkdir(const struct node *dir, const char *name, mode_t mode);
int host_symlink(const struct node *dir, const char *name, const char *target);
/* A new file, or one that is there and no link: open for writing. */
int host_create(const struct node *dir, const char *name, int flags, mode_t mode);

#endif
