/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Filters that make a kernel answer as an older one does, for tests. */
#ifndef CAISSON_TESTS_OLD_KERNEL_H
#define CAISSON_TESTS_OLD_KERNEL_H

#include <stdbool.h>

/* "kernel-5.10", "kernel-5.4" or "kernel-4.18". */
bool old_kernel_known(const char *name);
/*
 * Installs the filter, for this process and all that come of it, without no_new_privs, so that
 * a setuid program still gains its uid. 0, or -1 with errno: it takes CAP_SYS_ADMIN.
 */
int old_kernel_filter(const char *name);
/* Tries what that kernel lacks. 0, or the number of a call that is answered all the same. */
long old_kernel_check(const char *name);

#endif
