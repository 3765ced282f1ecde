/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* caisson-init: what its parts share. */
#ifndef CAISSON_INIT_INIT_H
#define CAISSON_INIT_INIT_H

#include "helper/answer.h"
#include "helper/handoff.h"

#define CAISSON_DENIALS_MAX 64

/* label.c: the security module's label becomes the sandbox's, if there is one; or ends. */
void take_label(const struct handoff *given);
/*
 * confine.c: gives the last capability up and enters what can be entered, or ends; what is
 * held then is in at. Returns what denials_answer() takes whenever it is readable, or -1.
 */
int confine(const struct handoff *given);
/*
 * confine.c: and from here on no file outside of the root is opened, whatever leads to it, but
 * anew what fd are; or ends. Before the target, once what it is handed is known.
 */
void confine_files(const struct handoff *given, const int *fd, uint32_t fds);
/* denials.c: one denied call is refused; the first of its number is told at once. */
void denials_answer(int listener);
/* All that were denied, with how often. */
void denials_sum(void);

/* old.c: what this process does without, on an old kernel. */
#undef close_from
/* First and everything above; one by one, where the kernel has no close_range(): before 5.9. */
void close_from(int first);
/* Is CAISSON_FD_HOST no pidfd, which Linux has from 5.3 on, but the host's "stat" in its /proc? */
bool host_is_stat(void);
/* Then: has the host application ended? */
bool host_is_gone(void);

#endif
