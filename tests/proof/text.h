/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The texts that the helper reads: mountinfo (helper/mounts.c), whose paths
 * users chose, and passwd, subuid, subgid (helper/subid.c). Any bytes, up to
 * the 32 MiB that there is room for. A text ends at text_end, where a NUL is
 * and stays; a string in it is any place up to there.
 */
#include "helper.h"
#include "environment.h"

//@ ghost char *text_end = mounts.text;
int the_errno;

/*@
  predicate text_ok =
    \base_addr(text_end) == \base_addr(&mounts) && *text_end == 0 &&
    &mounts.text[0] <= text_end <= &mounts.text[sizeof(mounts.text) - 1];
  predicate inside(char *p) =
    \base_addr(p) == \base_addr(&mounts) && &mounts.text[0] <= p <= text_end;
  predicate mount_ok(struct mount *m) =
    m->id > 0 && inside(m->point) && inside(m->options) && inside(m->fstype);
*/

/* ---- assumed ---- */

/*@ assigns \nothing;
    ensures \result == &the_errno; */
int *__errno_location(void);
/*@ assigns \nothing;
    ensures \false; */
_Noreturn void fail(int error, uint32_t knob, uint32_t detail);
/*@ assigns \nothing; */
int openat(int dir, const char *path, int flags, ...);
/*@ assigns \nothing; */
int close(int fd);
/*@ requires room: \valid((char *)to + (0 .. size - 1));
    assigns ((char *)to)[0 .. size - 1], the_errno;
    ensures -1 <= \result <= size; */
ssize_t read(int fd, void *to, size_t size);

/*@ requires list: \valid(list);
    requires text: *list == \null || (text_ok && inside(*list));
    assigns \result, *list, mounts.text[0 .. sizeof(mounts.text) - 1];
    ensures text: \old(text_ok) ==> text_ok;
    ensures word: \result == \old(*list);
    ensures none: \old(*list) == \null ==> *list == \null;
    ensures rest: *list == \null || (inside(*list) && \old(*list) < *list); */
char *strsep(char **list, const char *delimiters);
/*@ requires text: text_ok && inside(text);
    requires end: end == \null || \valid(end);
    assigns *end;
    ensures end != \null ==> inside(*end); */
long strtol(const char *text, char **end, int base);
/*@ requires text: text_ok && inside(text);
    requires end: end == \null || \valid(end);
    assigns *end;
    ensures end != \null ==> inside(*end); */
unsigned long strtoul(const char *text, char **end, int base);
/*@ requires text: text_ok && inside(a);
    requires literal: \valid_read(b + (0 .. n - 1));
    assigns \nothing; */
int strncmp(const char *a, const char *b, size_t n);

/* ---- shown ---- */

/*@ assigns mounts.text[0 .. sizeof(mounts.text) - 1], the_errno, text_end;
    ensures text: \result >= 0 ==> text_ok && text_end == &mounts.text[\result]; */
ssize_t read_text(int dir, const char *name);
/*@ requires text: text == \null || (text_ok && inside(text));
    assigns \result \from text, text[0 ..];
    ensures range: -1 <= \result <= UINT32_MAX;
    ensures nothing: text == \null ==> \result == -1; */
int64_t policy_number(const char *text);
