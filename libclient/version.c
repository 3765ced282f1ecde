/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "caisson.h"

#define TEXT(number) #number
#define DOTTED(major, minor, patch) TEXT(major) "." TEXT(minor) "." TEXT(patch)

const char *caisson_version(void) {
	return DOTTED(CAISSON_VERSION_MAJOR, CAISSON_VERSION_MINOR, CAISSON_VERSION_PATCH);
}
