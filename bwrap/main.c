/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * caisson-bwrap: bubblewrap's command line, and a sandbox of libcaisson's. It
 * holds no privilege of its own, ever.
 */
#define _GNU_SOURCE
#include "run.h"
#include "say.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

static struct layout layout;

static void tidy(void) {
	layout_tidy(&layout);
}

/* What is made on the host has the mode that it is to have. */
static void lay_out(const struct args *a) {
	mode_t mask = umask(0);

	layout_init(&layout);
	if (atexit(tidy) != 0)
		die("Out of memory");
	for (size_t i = 0; i < a->wishes; i++)
		layout_apply(&layout, &a->wish[i]);
	layout_finish(&layout);
	umask(mask);
}

/* What is opened here is none of the program's standard streams. */
static void fill_streams(void) {
	int fd;

	do
		fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	while (fd >= 0 && fd < 3);
	if (fd >= 0)
		close(fd);
}

int main(int argc, char **argv) {
	struct numbers inherited;
	struct inner inner = { .needed = false };
	struct args a;
	caisson_spec *spec;
	int result;

	if (argc < 1)
		return 1;
	fill_streams();
	inherited_list(&inherited);
	args_parse(&a, argc, argv, environ);
	if (a.die_with_parent && prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) != 0)
		die_errno("prctl");
	lay_out(&a);
	spec = caisson_spec_new("bwrap");
	if (!spec)
		die("Out of memory");
	caisson_spec_bare_root(spec);
	layout_describe(&layout, spec);
	prepare(&a, &layout, &inherited, spec, &inner);
	result = run(&a, &layout, spec, &inner);
	/* Nothing of the sandbox runs any more, and nothing of ours is unwritten. */
	_exit(result);
}
