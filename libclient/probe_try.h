/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Experiments, each in a child process that ends before the function returns. */
#ifndef CAISSON_LIBCLIENT_PROBE_TRY_H
#define CAISSON_LIBCLIENT_PROBE_TRY_H

#include <stddef.h>

enum try_stage {
	TRY_CLONE = 1, /* unshare(CLONE_NEWUSER) */
	TRY_MAP,       /* writing uid_map */
	TRY_MOUNT,     /* an own mount namespace and a tmpfs in it */
	TRY_DONE,
};

/* How far a user namespace got, and the errno that ended it. Signal: it was killed. */
struct try_userns {
	int stage;
	int error;
	int signal;
};

/* 0, or -errno if the experiment could not be made. */
int try_userns(struct try_userns *result);

/* System calls that building needs; bit i of *missing is try_call_names[i]. */
#define TRY_CALLS 7
#define TRY_CALLS_NEEDED 4 /* the first of them: without one there is no sandbox */
extern const char *const try_call_names[TRY_CALLS];
int try_calls(unsigned *missing);

/* Landlock's ABI in *abi; 0 if the kernel has none, -EOPNOTSUPP if it is off. */
int try_landlock(int *abi);

/* A sealed memfd: 0 in *error if it works as channels need it. */
int try_memfd(int *error);

/* What denies a user namespace, and what would allow it; static storage. */
struct probe_cause {
	const char *evidence;
	const char *remedy;
};

struct probe_cause probe_userns_cause(const struct try_userns *got);

/* The first line of a small file, without its newline; -1 if there is none. */
int probe_read_line(const char *path, char *line, size_t size);
/* 1 if that line is wanted. */
int probe_reads(const char *path, const char *wanted);

#endif
