/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The table of properties as the public API shows it. */
#include <errno.h>
#include <string.h>

#include "caisson.h"
#include "property.h"

#define CHECK(NAME, num, ...)                                                                      \
	_Static_assert((int)CAISSON_PROPERTY_##NAME == (num), "caisson.h and properties.h differ");
CAISSON_PROPERTIES(CHECK)
_Static_assert((int)CAISSON_PROPERTY_COUNT == (int)CAISSON_P_COUNT, "caisson.h and properties.h differ");

static const struct {
	const char *name, *text;
	int full;
} properties[] = {
#define ROW(NAME, num, name, full, text) [num] = { (name), (text), (full) },
	CAISSON_PROPERTIES(ROW)
};

static const struct {
	const char *text;
	int enforced;
} hows[] = {
#define HOW(NAME, num, enforced, text) [num] = { (text), (enforced) },
	CAISSON_HOWS(HOW)
};

static int in_range(enum caisson_property property)
{
	return (unsigned)property < CAISSON_PROPERTY_COUNT;
}

const char *caisson_property_name(enum caisson_property property)
{
	return in_range(property) ? properties[property].name : NULL;
}

const char *caisson_property_text(enum caisson_property property)
{
	return in_range(property) ? properties[property].text : NULL;
}

int caisson_property_in_full(enum caisson_property property)
{
	return in_range(property) && properties[property].full;
}

int caisson_property_by_name(const char *name)
{
	for (int i = 0; name && i < CAISSON_PROPERTY_COUNT; i++)
		if (!strcmp(name, properties[i].name))
			return i;
	return -ENOENT;
}

const char *how_text(unsigned how)
{
	return how < CAISSON_HOW_COUNT ? hows[how].text : "by means this library does not know";
}
