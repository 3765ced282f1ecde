/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef CAISSON_LIBCLIENT_PROPERTY_H
#define CAISSON_LIBCLIENT_PROPERTY_H

#include "protocol/properties.h"

/* By what a property is enforced, or why it is not, in words. Static storage. */
const char *how_text(unsigned how);

#endif
