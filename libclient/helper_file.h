/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* How caisson-helper is installed, as far as its file tells. */
#ifndef CAISSON_LIBCLIENT_HELPER_FILE_H
#define CAISSON_LIBCLIENT_HELPER_FILE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

enum helper_way {
	HELPER_PLAIN,        /* it gains nothing */
	HELPER_SETUID,       /* root's, and setuid */
	HELPER_CAPABILITIES, /* of its file; a setuid bit does nothing then */
};

struct helper_file {
	int error; /* 0, or why nothing is known of it: an errno, EINVAL for what is no file */
	enum helper_way way;
	unsigned mode;
	uid_t owner;
	char group[64];  /* that it is reserved to, by name or number; "": to nobody */
	bool executable; /* by this process */
	bool nosuid;     /* where it lies nothing gains privilege */
	uint64_t lacks;  /* of the capabilities it needs, those that its file does not give */
};

void helper_file_look(const char *path, struct helper_file *file);

#endif
