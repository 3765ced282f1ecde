/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "inside.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static const struct {
	const char *name;
	void (*run)(const struct attempt *);
} probes[] = {
	{ "self", inside_self },
	{ "ids", inside_ids },
	{ "init", inside_init },
	{ "host", inside_host },
	{ "peer", inside_peer },
	{ "namespaces", inside_namespaces },
	{ "mounts", inside_mounts },
	{ "calls", inside_calls },
	{ "cgroup", inside_cgroup },
	{ "surfaces", inside_surfaces },
	{ "apart", inside_apart },
	{ "uncover", inside_uncover },
	{ "keys", inside_keys },
	{ "sockets", inside_sockets },
	{ "abstract", inside_abstract },
	{ "ipc", inside_ipc },
	{ "nodes", inside_nodes },
	{ "proc", inside_proc },
	{ "readonly", inside_readonly },
	{ "planted", inside_planted },
	{ "setuid", inside_setuid },
	{ "tty", inside_tty },
	{ "fds", inside_fds },
	{ "trees", inside_trees },
	{ "absent", inside_absent },
	{ "present", inside_present },
	{ "unreadable", inside_unreadable },
	{ "handed", inside_handed },
	{ "connect", inside_connect },
	{ "killall", inside_killall },
	{ "sleep", inside_sleep },
};

bool refused(long rc, const char *what, int error, int error2, int error3) {
	int got = rc < 0 ? errno : 0;

	return tap_ok(rc < 0 && (got == error || got == error2 || got == error3),
	              "%s is refused: %s", what, rc < 0 ? strerror(got) : "it succeeded");
}

int main(int argc, char **argv) {
	const struct attempt attempt = { argc - 2, argv + 2 };

	alarm(60);
	for (size_t i = 0; argc > 1 && i < sizeof(probes) / sizeof(probes[0]); i++)
		if (!strcmp(argv[1], probes[i].name)) {
			probes[i].run(&attempt);
			return tap_done();
		}
	fprintf(stderr, "inside: no such probe\n");
	return 2;
}
