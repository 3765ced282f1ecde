/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "text.h"

/*@ predicate string(char *s) = \exists integer n; 0 <= n && \valid_read(s + (0 .. n)) && s[n] == 0; */

/*@ requires text: text_ok && inside(a);
    requires string: string(b);
    assigns \result \from a[0 ..], b[0 ..]; */
int strcmp(const char *a, const char *b);
/* The one format that helper/subid.c uses: "%s". */
/*@ requires room: size > 0 && \valid(to + (0 .. size - 1));
    requires text: text_ok && inside(string);
    assigns to[0 .. size - 1];
    ensures string: \exists integer n; 0 <= n < size && to[n] == 0; */
void print_string(char *to, size_t size, const char *string);
#define snprintf(to, size, format, string) print_string(to, size, string)

/*@ requires text: text_ok && (text == \null || inside(text));
    requires name: size == 64 && \valid(name + (0 .. size - 1)) && name[size - 1] == 0 &&
      \separated(name + (0 .. size - 1), &mounts);
    assigns mounts.text[0 .. sizeof(mounts.text) - 1], name[0 .. size - 1];
    ensures text: text_ok;
    ensures string: \exists integer n; 0 <= n < size && name[n] == 0; */
static void find_name(char *text, uid_t uid, char *name, size_t size);
/*@ requires name: string(name) && \separated(name + (0 .. 63), &mounts, &text_end, &the_errno);
    assigns \result, mounts.text[0 .. sizeof(mounts.text) - 1], text_end, the_errno; */
static bool granted(const char *file, uid_t uid, const char *name, int64_t id);
/*@ assigns mounts.text[0 .. sizeof(mounts.text) - 1], text_end, the_errno, at.stage; */
void subid_check(uid_t uid, struct ids sub);

#include "subid.c"
