/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the probe in the sandbox and the sweep outside agree on. */
#ifndef CAISSON_TESTS_FAULT_PROBE_H
#define CAISSON_TESTS_FAULT_PROBE_H

#include "protocol/properties.h"

#define REPORT_SIZE 32768

/* The properties that can be seen from inside. */
#define PROBE_SEES                                                                                 \
	(((1ull << CAISSON_P_COUNT) - 1) & ~(CAISSON_BIT(END_WITH_HOST) | CAISSON_BIT(LABEL) |     \
	                                     CAISSON_BIT(LIMITS) | CAISSON_BIT(HOST_SOCKETS)))

#endif
