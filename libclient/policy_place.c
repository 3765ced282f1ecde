/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "policy_place.h"

#include <glob.h>
#include <locale.h>
#include <stdio.h>

void policy_place(uint32_t line, char *to, size_t size) {
	uint32_t file = line >> 20;
	const char *name = CAISSON_POLICY_DIR "/policy.conf";
	glob_t more = { 0 };
	/* sorted as the helper does it, which never set a locale */
	locale_t c = newlocale(LC_ALL_MASK, "C", NULL), before = c ? uselocale(c) : NULL;

	line &= 0xfffff;
	if (file == 1)
		name = CAISSON_POLICY_DIR;
	else if (file == 2)
		name = CAISSON_POLICY_DIR "/policy.d";
	else if (file > 2 && glob(CAISSON_POLICY_DIR "/policy.d/*.conf", 0, NULL, &more) == 0 &&
	         file - 3 < more.gl_pathc)
		name = more.gl_pathv[file - 3];
	else if (file > 2)
		name = "a file that is gone";
	if (line)
		snprintf(to, size, "%s:%u", name, line);
	else
		snprintf(to, size, "%s", name);
	globfree(&more);
	if (c) {
		uselocale(before);
		freelocale(c);
	}
}
