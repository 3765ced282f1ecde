/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* bubblewrap's command line, as of 0.11, taken apart. */
#ifndef CAISSON_BWRAP_ARGS_H
#define CAISSON_BWRAP_ARGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum wish_kind {
	WISH_BIND,
	WISH_BIND_FD,
	WISH_TMPFS,
	WISH_DIR,
	WISH_FILE,
	WISH_DATA, /* --bind-data, --ro-bind-data */
	WISH_SYMLINK,
	WISH_PROC,
	WISH_DEV,
	WISH_MQUEUE,
	WISH_REMOUNT_RO,
	WISH_CHMOD,
	WISH_LOCK,
};

/* Something to be done with the sandbox's files, in the order of the command line. */
struct wish {
	enum wish_kind kind;
	bool ro, dev, try;
	int fd;             /* or -1 */
	int perms;          /* or -1 */
	uint64_t size;      /* of a tmpfs; 0: as many as there are */
	const char *option; /* "--ro-bind" */
	const char *src, *dst;
};

/* A descriptor that was named, and is not the program's. */
struct numbers {
	int *fd;
	size_t n;
};

struct args {
	struct wish *wish;
	size_t wishes;
	char **env; /* ends with NULL */
	size_t envs;
	struct numbers named;   /* every descriptor that an option has */
	struct numbers seccomp; /* --seccomp's is the only one, --add-seccomp-fd's */
	bool unshare_user, unshare_pid, unshare_net, unshare_uts;
	bool disable_userns, die_with_parent, as_pid_1;
	bool one_filter, more_filters;
	int64_t uid, gid; /* or -1 */
	uint64_t caps_added;
	int block_fd, sync_fd, info_fd, status_fd, userns_block_fd, userns_fd, userns2_fd, pidns_fd;
	const char *hostname, *chdir, *argv0, *exec_label, *file_label;
	const char *seccomp_profile, *landlock, *report; /* options of our own */
	char **argv;                                     /* the program's */
	char *dir;                                       /* where it starts, once that is known */
	int next_perms;                                  /* while they are read */
	uint64_t next_size;
};

/* Ends the process if something is wrong, or only a text was asked for. */
void args_parse(struct args *a, int argc, char **argv, char **environment);

/* env.c: NAME=VALUE; the list is a's own. */
void env_copy(struct args *a, char **environment);
void env_set(struct args *a, const char *name, const char *value);
void env_unset(struct args *a, const char *name);
void env_clear(struct args *a);
const char *env_get(const struct args *a, const char *name);

/* caps.c: a number below 64, or -1. "CAP_KILL", "kill". */
int cap_number(const char *name);

/* help.c */
void print_help(const char *name, bool wrong);
void print_version(void);

/* All that can be read from fd, a NUL behind it; NULL with errno. */
char *read_whole(int fd, size_t *size);

#endif
