/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the program is told: arguments, environment, directory, host name. */
#include "run.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/lib/tap.h"

/* A spec whose program counts n arguments of len bytes. */
static caisson_spec *counting(size_t n, size_t len) {
	caisson_spec *spec = inside(DOES("count"));
	const char **argv = calloc(n + 4, sizeof(*argv));
	char *one = malloc(len + 1);

	if (!argv || !one)
		bail("malloc");
	memset(one, 'a', len);
	one[len] = '\0';
	argv[0] = PROGRAM;
	argv[1] = "inside";
	argv[2] = "count";
	for (size_t i = 0; i < n; i++)
		argv[3 + i] = one;
	caisson_spec_argv(spec, argv);
	free(one);
	free(argv);
	return spec;
}

static void test_argv(void) {
	static const struct refusal large = { E2BIG, CAISSON_FROM_LIBRARY, "preparing the program",
		                              NULL, NULL };
	static const struct refusal long_one = { E2BIG, CAISSON_FROM_INIT, "executing the program",
		                                 NULL, PROGRAM };
	caisson_spec *spec;

	gives(counting(10000, 100), "10000 1000000\n", "10,000 arguments of 100 bytes");
	gives(counting(8, 131000), "8 1048000\n", "eight arguments of 128 KB");
	gives(counting(5, 0), "5 0\n", "arguments that are empty");
	refuses(counting(1, 140000), &long_one, "an argument longer than the kernel's limit");
	refuses(counting(30, 100000), &large, "3 MB of arguments are more than the format's limit");
	refuses(counting(70000, 1), &large, "so are 70,000 of them");
	spec = inside(DOES("print found"));
	caisson_spec_setenv(spec, "PATH", "/nowhere:/t:/usr/bin");
	caisson_spec_argv(spec, DOES("run", "inside", "print found"));
	gives(spec, "found\n", "a program without a slash is looked up in the sandbox's PATH");
}

static void test_environment(void) {
	caisson_spec *spec = inside(DOES("env"));

	setenv("CAISSON_TEST_SECRET", "1", 1);
	gives(spec,
	      "HOME=/tmp\nLANG=C.UTF-8\nLD_LIBRARY_PATH=/t/lib\nPATH=/usr/local/bin:/usr/bin:/"
	      "bin\n",
	      "the environment is the default one and what was set");
	spec = inside(DOES("getenv HOME", "getenv A", "getenv B", "getenv CAISSON_TEST_SECRET",
	                   "getenv CAISSON_TEST_ABSENT"));
	caisson_spec_setenv(spec, "HOME", "/elsewhere");
	caisson_spec_setenv(spec, "A", "1");
	caisson_spec_setenv(spec, "A", "a=b c\nd");
	caisson_spec_setenv(spec, "B", "");
	caisson_spec_keepenv(spec, "CAISSON_TEST_SECRET");
	caisson_spec_keepenv(spec, "CAISSON_TEST_ABSENT");
	gives(spec, "/elsewhere\na=b c\nd\n\n1\n(unset)\n",
	      "variables are set, replaced, empty, kept, and left out where the host has none");
	setenv("LANG", "xx_XX", 1);
	spec = inside(DOES("getenv LANG"));
	caisson_spec_keepenv(spec, "LANG");
	gives(spec, "xx_XX\n", "a kept variable is as the host has it, not the default");
	unsetenv("LANG");
	unsetenv("CAISSON_TEST_SECRET");
	spec = inside(DOES("env"));
	caisson_spec_keepenv(spec, "PATH");
	caisson_spec_clearenv(spec);
	caisson_spec_setenv(spec, "LD_LIBRARY_PATH", "/t/lib");
	gives(spec, "LD_LIBRARY_PATH=/t/lib\n", "a cleared environment has what is set after that");
	spec = inside(DOES("exit 0"));
	tap_ok(caisson_spec_setenv(spec, "A=B", "1") == -EINVAL &&
	               caisson_spec_setenv(spec, "", "1") == -EINVAL &&
	               caisson_spec_keepenv(spec, "A=B") == -EINVAL,
	       "a name that is none is EINVAL");
	refuses(spec,
	        &(struct refusal){ EINVAL, CAISSON_FROM_LIBRARY, "describing the sandbox", NULL,
	                           "A=B" },
	        "and is what the spawn reports");
}

static void test_directory(void) {
	static const struct refusal missing = { ENOENT, CAISSON_FROM_INIT, NULL,
		                                "working directory", "/not/there" };
	static const struct refusal file = { ENOTDIR, CAISSON_FROM_INIT, NULL, "working directory",
		                             PROGRAM };
	caisson_spec *spec;

	gives(inside(DOES("cwd")), "/\n", "the working directory is /");
	spec = inside(DOES("cwd"));
	caisson_spec_chdir(spec, "/usr");
	gives(spec, "/usr\n", "or the one asked for");
	spec = inside(DOES("cwd"));
	caisson_spec_chdir(spec, "/not/there");
	refuses(spec, &missing, "a missing working directory");
	spec = inside(DOES("cwd"));
	caisson_spec_chdir(spec, PROGRAM);
	refuses(spec, &file, "a working directory that is a file");
	spec = inside(DOES("cwd"));
	tap_ok(caisson_spec_chdir(spec, "usr") == -EINVAL &&
	               caisson_spec_chdir(spec, NULL) == -EINVAL,
	       "a relative one is EINVAL");
	caisson_spec_free(spec);
}

static void test_host_name(void) {
	caisson_spec *spec = inside(DOES("host"));
	char own[128] = "";
	struct result r;

	caisson_spec_hostname(spec, "chamber-7.example");
	gives(spec, "chamber-7.example\n", "the host name asked for");
	gethostname(own, sizeof(own) - 1);
	strcat(own, "\n");
	run(inside(DOES("host")), &r);
	tap_ok(r.status == 0 && r.n > 1 && strcmp(r.out, own) != 0, "never the host's own");
	spec = inside(DOES("host"));
	tap_ok(caisson_spec_hostname(spec, "") == -EINVAL &&
	               caisson_spec_hostname(spec, "a b") == -EINVAL &&
	               caisson_spec_hostname(spec, "a234567890123456789012345678901234567890"
	                                           "1234567890123456789012345") == -EINVAL,
	       "an empty, a bad and a too long host name are EINVAL");
	caisson_spec_free(spec);
}

/* As 3 and 4; on the terms of the standard streams. */
static void test_passed(void) {
	static const struct refusal dir = { EBADF, CAISSON_FROM_INIT, NULL, NULL, NULL };
	static const struct refusal closed = { EBADF, CAISSON_FROM_LIBRARY, "preparing the program",
		                               "caisson_spec_pass_fd()",
		                               "what is to be descriptor 3 inside, 999 here" };
	caisson_spec *spec = inside(DOES("fds", "read /proc/self/fd/4"));
	int end[2], fd = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int null = open("/dev/null", O_RDONLY | O_CLOEXEC);

	if (fd < 0 || null < 0 || pipe2(end, O_CLOEXEC) < 0 || write(end[1], "piped", 5) != 5)
		bail("pipe");
	close(end[1]);
	caisson_spec_pass_fd(spec, null);
	caisson_spec_pass_fd(spec, end[0]);
	gives(spec, "0 1 2 3 4 \npiped\n", "descriptors are passed as 3 and 4");
	close(end[0]);
	close(null);
	spec = inside(DOES("exit 0"));
	caisson_spec_pass_fd(spec, fd);
	refuses(spec, &dir, "a directory is not");
	spec = inside(DOES("exit 0"));
	caisson_spec_pass_fd(spec, 999);
	refuses(spec, &closed, "nor is what is closed by then");
	close(fd);
	spec = inside(DOES("exit 0"));
	for (int i = 0; i < 64; i++)
		caisson_spec_pass_fd(spec, 1);
	tap_ok(caisson_spec_pass_fd(spec, 1) == -E2BIG && caisson_spec_pass_fd(spec, -1) == -EBADF,
	       "65 are too many, and -1 is none");
	caisson_spec_free(spec);
}

void test_arguments(void) {
	test_argv();
	test_environment();
	test_directory();
	test_host_name();
	test_passed();
}
