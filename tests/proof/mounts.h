/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "text.h"

/*@ requires text: text_ok && inside(a);
    requires literal: \valid_read(b + (0 .. 1));
    assigns \nothing; */
int strcmp(const char *a, const char *b);

/*@ requires text: text_ok && inside(line);
    requires place: \valid(m) && \exists integer i; m == &mounts.mount[i];
    assigns *m, mounts.text[0 .. sizeof(mounts.text) - 1];
    ensures ok: \result != 0 ==> mount_ok(m);
    ensures text: text_ok; */
static bool parse(char *line, struct mount *m);

/*@ assigns mounts, the_errno, text_end;
    ensures count: mounts.n <= sizeof(mounts.mount) / sizeof(mounts.mount[0]);
    ensures text: text_ok;
    ensures mounts: \forall integer i; 0 <= i < mounts.n ==> mount_ok(&mounts.mount[i]); */
void mounts_read(int proc);

#include "mounts.c"
