/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The public API against the installed helper, as an ordinary user. The program
 * that runs in the sandboxes is this same one, which does what its arguments
 * say and prints what came of it, so that nothing else need be installed.
 */
#ifndef CAISSON_TESTS_E2E_RUN_H
#define CAISSON_TESTS_E2E_RUN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "caisson.h"

#define DOES(...) ((const char *const[]){ __VA_ARGS__, NULL })
#define PROGRAM "/t/run" /* this program, in the sandbox */
#define OUT_MAX 32768

struct result {
	int status; /* wait status */
	size_t n;
	char out[OUT_MAX]; /* NUL-terminated */
};

/* What an error must say. Strings that are NULL are not looked at. */
struct refusal {
	int error;
	enum caisson_error_source source;
	const char *stage, *knob, *message; /* the last: a part of it */
};

/* run_lib.c */

/* A folder of the test's own, gone at its end; and paths in it, static storage for eight. */
const char *work_dir(void);
const char *in_work(const char *name);
/* A file in it with this text. */
const char *work_file(const char *name, const char *text, unsigned mode);
const char *self_path(void);
/* Milliseconds, more of them in an emulated machine. */
int ms(int real);
bool slow(void);
/* Is caisson-helper out of reach, and caisson-builder builds? */
bool without_helper(void);
/* "kernel-5.4", or "" where the kernel is what it is: tests/lib/restrict.c. */
const char *played_kernel(void);
int rounds(int real);
int64_t now_ms(void);
__attribute__((noreturn)) void bail(const char *what);

/* A spec with the default root and this program, to do these things. */
caisson_spec *inside(const char *const *does);
/* The same without the default root; /usr and what links into it are granted. */
caisson_spec *inside_bare(const char *const *does);
/* The program and its library, where a root is laid out by hand. */
void grant_self(caisson_spec *spec);

/* These take over the spec. The first two note why there is no sandbox. */
caisson_sandbox *start(caisson_spec *spec);
bool run(caisson_spec *spec, struct result *result);
/* Points: it ends with 0 and prints this; the spawn is refused like this. */
void gives(caisson_spec *spec, const char *out, const char *what);
void refuses(caisson_spec *spec, const struct refusal *want, const char *what);

/* The wait status of a sandbox, -1 if it did not end in time; it is freed. */
int end_of(caisson_sandbox *box);
/* All that comes out of fd, which is closed, until its end or time is up; false: time is up. */
bool collect(int fd, struct result *result);
/* Does every writer of the pipe go within so long? */
bool hung_up(int fd, int timeout_ms);
/* Wait until "ready" comes out of fd. */
bool ready(int fd);
int open_fds(void);
bool no_children(void);
/* run_isolation.c: what stands in the way of root's own user namespace here; NULL: nothing. */
const struct refusal *no_userns(void);
/* In a process of its own, which returns 0 if all is well; a point. */
void in_child(int (*body)(void), const char *what);

/* run_inside.c, and the verbs that are about other processes and channels. */
bool inside_peer(const char *verb, size_t len, const char *arg);
const char *name_of(int error);
void say_errno(bool failed);
int inside_main(int argc, char **argv);

/* The tests; those of test_run.c itself come before. */
void test_arguments(void); /* run_arguments.c */
void test_files(void);     /* run_files.c */
void test_covers(void); /* run_covers.c: files made of data, masks, read-only parts, kernel views */
void test_ids(void);    /* run_ids.c: who the program is, its clocks */
void test_subids(unsigned uid, unsigned gid); /* granted by /etc/subuid and /etc/subgid */
void test_isolation(void); /* run_isolation.c: network, user namespace, properties, report */
void test_report(void);
void test_errors(void);   /* run_errors.c */
void test_hosts(void);    /* run_hosts.c: what the host application is and does */
void test_channels(void); /* run_channels.c */

#endif
