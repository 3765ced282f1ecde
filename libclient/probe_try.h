/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Experiments, each in a child process that ends before the function returns. */
#ifndef CAISSON_LIBCLIENT_PROBE_TRY_H
#define CAISSON_LIBCLIENT_PROBE_TRY_H

enum try_stage {
	TRY_CLONE = 1, /* unshare(CLONE_NEWUSER) */
	TRY_MAP,       /* writing uid_map and gid_map */
	TRY_MOUNT,     /* the other namespaces, and a tmpfs */
	TRY_NETWORK,   /* an own network, and its loopback interface up */
	TRY_PROC,      /* an own PID namespace, and its procfs mounted */
	TRY_DONE,
};

extern const char *const try_stage_names[TRY_DONE];

/*
 * How far a user namespace got. stage: the first that failed, or TRY_DONE; later
 * ones were tried if they do not need it. signal: it was killed, in that stage.
 */
struct try_userns {
	int stage;
	int error[TRY_DONE]; /* errno; 0: it worked; -1: not tried */
	int signal;
	int failed; /* -errno: the experiment itself could not be made */
};

void try_userns(struct try_userns *result);

/* Which of name_calls (names.h) there are not: bit i of *missing is the i-th. */
int try_calls(unsigned *missing);

/* Landlock's ABI in *abi; 0 if the kernel has none, -EOPNOTSUPP if it is off. */
int try_landlock(int *abi);

/* A sealed memfd: 0 in *error if it works as channels need it. */
int try_memfd(int *error);

#endif
