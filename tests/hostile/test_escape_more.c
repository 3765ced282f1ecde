/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* More of what test_escape.c tries from inside, in both modes. */
#include <stdio.h>
#include <unistd.h>

#include "hostile.h"
#include "tests/lib/tap.h"

/* Namespaces of its own, whatever the mode; the user namespace depends on it. */
static void try_apart(enum caisson_userns mode, const char *name) {
	static const char *const kinds[] = { "mnt", "pid", "net", "ipc", "uts", "cgroup" };
	const char *probe[10] = { "/t/inside", "apart" };
	struct raw_plan *plan = raw_root(mode);
	char path[32], text[6][64];

	for (unsigned i = 0; i < 6; i++) {
		snprintf(path, sizeof(path), "/proc/self/ns/%s", kinds[i]);
		ssize_t n = readlink(path, text[i], sizeof(text[i]) - 1);

		if (n < 0)
			raw_bail(path);
		text[i][n] = '\0';
		probe[i + 2] = text[i];
	}
	raw_probe(plan, &RAW_HOW, name, probe);
	raw_free(plan);
}

static void try_mode(enum caisson_userns mode, const char *name) {
	static const char *const probes[] = { "cgroup", "surfaces" };
	char prefix[32];

	for (unsigned i = 0; i < sizeof(probes) / sizeof(probes[0]); i++) {
		struct raw_plan *plan = raw_root(mode);

		snprintf(prefix, sizeof(prefix), "%s, %s", name, probes[i]);
		raw_probe(plan, &RAW_HOW, prefix, PROBE(probes[i]));
		raw_free(plan);
	}
	try_apart(mode, name);
}

int main(void) {
	raw_watch();
	hostile_both_modes(try_mode);
	raw_nothing_left("at the end");
	return tap_done();
}
