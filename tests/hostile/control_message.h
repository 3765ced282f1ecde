/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Messages from the host to init, good until a test makes them bad. */
#ifndef CAISSON_TESTS_CONTROL_MESSAGE_H
#define CAISSON_TESTS_CONTROL_MESSAGE_H

#include <stdbool.h>
#include <stddef.h>

#include "protocol/control.h"

#define MAX_FDS 253 /* that the kernel carries */

struct start {
	unsigned char bytes[sizeof(struct caisson_control) + 64]; /* the head comes first */
	struct caisson_control *head;
	size_t len;
	int fds[MAX_FDS];
	unsigned n; /* that go along */
	int out;    /* what the program says, if one runs */
};

/* What a good START says: cwd, three arguments, one variable; the program says that /t is there. */
#define GOOD "/\0/t/inside\0present\0/t\0A=b"

void start_good(struct start *s);
/* Its strings become these, its counts too. */
void start_strings(struct start *s, const char *bytes, size_t len, unsigned argc, unsigned envc);
bool start_send(int socket, const struct start *s);
void start_close(const struct start *s); /* the descriptors that went along */
int start_memfd(const char *bytes, size_t len);

#endif
