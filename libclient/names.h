/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Names for the kernel's numbers, for error sentences. */
#ifndef CAISSON_LIBCLIENT_NAMES_H
#define CAISSON_LIBCLIENT_NAMES_H

#include <stdint.h>

/* A system call that older kernels lack. */
struct name_call {
	uint32_t number; /* the same on every architecture that Linux had it on from the start */
	const char *name;
	unsigned major, minor; /* of the Linux that brought it */
};

/* NULL: none of those that the helper may miss. */
const struct name_call *name_call(uint32_t number);
/* "CAP_SYS_ADMIN"; NULL: not known. */
const char *name_capability(uint32_t number);

#endif
