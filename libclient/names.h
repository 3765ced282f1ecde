/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Names for the kernel's numbers, for error sentences. */
#ifndef CAISSON_LIBCLIENT_NAMES_H
#define CAISSON_LIBCLIENT_NAMES_H

#include <stdbool.h>
#include <stdint.h>

/* A system call that older kernels lack. */
struct name_call {
	uint32_t number; /* the same on every architecture that Linux had it on from the start */
	const char *name;
	unsigned major, minor; /* of the Linux that brought it */
	bool helper;           /* caisson-helper does not work without it */
};

#define NAME_CALLS 11
extern const struct name_call name_calls[NAME_CALLS];
/* NULL: none of those. */
const struct name_call *name_call(uint32_t number);
/* meaning_kernel.c: does the Linux of that release ("5.4.0-42-generic") have it? */
bool kernel_has(const char *release, const struct name_call *call);
/* "CAP_SYS_ADMIN"; NULL: not known. */
const char *name_capability(uint32_t number);

#endif
