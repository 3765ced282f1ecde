/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A process under one of the seccomp filters, for criterion tests: what it finds, it says. */
#ifndef CAISSON_TESTS_FILTERED_H
#define CAISSON_TESTS_FILTERED_H

#include <errno.h>
#include <string.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

enum network { NONE, LOOPBACK, HOST, NETWORKS };
enum profile { DEFAULT, STRICT, GPU, NESTED, PROFILES, UNFILTERED = PROFILES };

/* What went wrong in the child, for the parent to read. */
struct complaints {
	int fd;
	int count;
	enum profile profile;
	enum network network;
};

void complain(struct complaints *c, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* error 0: the call works; otherwise it fails with that errno. */
#define ANSWERS(c, error, call)                                                                    \
	do {                                                                                       \
		errno = 0;                                                                         \
		long answer_ = (long)(call);                                                       \
		if (errno * (answer_ < 0) != (error))                                              \
			complain((c), "line %d: %s: %ld, %s", __LINE__, #call, answer_,            \
			         strerror(errno));                                                 \
	} while (0)
#define WORKS(c, call) ANSWERS(c, 0, call)

/* In this process, for good. notify: the twin; its listener's descriptor is returned. */
int install(struct complaints *c, int notify);

/*
 * The wait status of body in a process of its own, of an unprivileged user, under
 * the filter of profile and network; text: its complaints. It ends within 30
 * seconds, and so does what it executes.
 */
int filtered(enum profile profile, enum network network, void (*body)(struct complaints *c),
             char text[4096]);
/* And it ends with 0, with each network. */
void on_every_network(enum profile profile, void (*body)(struct complaints *c));

#endif
