/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Every way to be refused: what happened, to what, which knob decides, what to do. */
#include "run.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/lib/tap.h"

static caisson_spec *program(const char *path) {
	caisson_spec *spec = inside(DOES("exit 0"));

	caisson_spec_argv(spec, DOES(path));
	return spec;
}

static caisson_spec *bind(const char *source, const char *destination) {
	caisson_spec *spec = inside(DOES("exit 0"));

	caisson_spec_ro(spec, source, destination);
	return spec;
}

static void test_program(void) {
	static const char exec[] = "executing the program";
	const char *plain = work_file("plain", "no program\n", 0644);
	const char *garbage = work_file("garbage",
	                                "\x7f"
	                                "ELF is not all it takes\n",
	                                0755);
	caisson_spec *spec;

	refuses(program("/not/there"),
	        &(struct refusal){ ENOENT, CAISSON_FROM_INIT, exec, NULL, "/not/there" },
	        "a program that is not there");
	refuses(program("not-there"),
	        &(struct refusal){ ENOENT, CAISSON_FROM_INIT, exec, NULL, "not-there" },
	        "a program that is not in PATH");
	spec = program("/plain");
	caisson_spec_ro(spec, plain, "/plain");
	refuses(spec, &(struct refusal){ EACCES, CAISSON_FROM_INIT, exec, NULL, "/plain" },
	        "a program without an execute bit");
	refuses(program("/usr"), &(struct refusal){ EACCES, CAISSON_FROM_INIT, exec, NULL, "/usr" },
	        "a program that is a directory");
	spec = program("/garbage");
	caisson_spec_ro(spec, garbage, "/garbage");
	refuses(spec, &(struct refusal){ ENOEXEC, CAISSON_FROM_INIT, exec, NULL, "/garbage" },
	        "a program that is none");
	refuses(caisson_spec_new("e2e"),
	        &(struct refusal){ EINVAL, CAISSON_FROM_LIBRARY, "describing the sandbox", NULL,
	                           "no program" },
	        "no program at all");
}

static void test_sources(void) {
	static const char opening[] = "opening a source", asking[] = "asking the policy";
	const char *locked = in_work("locked");

	refuses(bind("/not/there", "/x"),
	        &(struct refusal){ ENOENT, CAISSON_FROM_LIBRARY, opening, NULL, "/not/there" },
	        "a source that is not there");
	work_file("below", "", 0644);
	if (mkdir(locked, 0700) < 0 && errno != EEXIST)
		bail(locked);
	work_file("locked/f", "", 0644);
	chmod(locked, 0);
	refuses(bind(in_work("locked/f"), "/x"),
	        &(struct refusal){ EACCES, CAISSON_FROM_LIBRARY, opening, NULL, "locked/f" },
	        "a source that the user cannot reach");
	chmod(locked, 0700);
	refuses(bind("/proc", "/x"),
	        &(struct refusal){ EACCES, CAISSON_FROM_HELPER, asking, "file system type",
	                           "/proc at /x" },
	        "the host's /proc");
	refuses(bind("/proc/self/status", "/x"),
	        &(struct refusal){ EACCES, CAISSON_FROM_HELPER, asking, "file system type",
	                           "/proc/self/status at /x" },
	        "a file of the host's /proc");
	if (access("/sys/kernel", F_OK) == 0)
		refuses(bind("/sys/kernel", "/x"),
		        &(struct refusal){ EACCES, CAISSON_FROM_HELPER, asking, "file system type",
		                           "/sys/kernel" },
		        "the host's /sys");
	else
		tap_skip("the host's /sys", "there is none");
	refuses(bind(in_work("below"), "/usr/not-there/x"),
	        &(struct refusal){ ENOENT, CAISSON_FROM_HELPER, "mounting",
	                           "destination in the sandbox", "/usr/not-there" },
	        "a destination that is missing in a read-only tree");
	refuses(bind(in_work("below"), "/usr"),
	        &(struct refusal){ EINVAL, CAISSON_FROM_HELPER, "mounting",
	                           "destination in the sandbox", "/usr" },
	        "a file over a directory");
}

/* O_PATH opens it, and that is all: what is in it stays root's. */
static void test_root_only(void) {
	static const char *const tries[] = { "/root", "/lost+found", "/etc/ssl/private",
		                             "/var/lib/private", "/var/cache/ldconfig" };
	caisson_spec *spec;
	struct stat st;

	for (size_t i = 0; i < sizeof(tries) / sizeof(tries[0]); i++) {
		if (stat(tries[i], &st) < 0 || st.st_uid != 0 || (st.st_mode & 077) != 0)
			continue;
		spec = inside(DOES("list /x", "write /x/f"));
		caisson_spec_rw(spec, tries[i], "/x");
		gives(spec, "EACCES\nEACCES\n", "a folder of root's alone gives nothing of it");
		return;
	}
	tap_skip("a folder of root's alone gives nothing of it", "there is none here");
}

static void test_many(void) {
	const char *file = work_file("many", "many", 0644);
	caisson_spec *spec = inside(DOES("read /b/199"));
	char path[32];

	for (int i = 0; i < 200; i++) {
		snprintf(path, sizeof(path), "/b/%d", i);
		caisson_spec_ro(spec, file, path);
	}
	gives(spec, "many\n", "200 binds");
	spec = inside(DOES("exit 0"));
	for (int i = 0; i < 257; i++) {
		snprintf(path, sizeof(path), "/b/%d", i);
		caisson_spec_ro(spec, file, path);
	}
	refuses(spec,
	        &(struct refusal){ E2BIG, CAISSON_FROM_HELPER, NULL,
	                           "policy: set ... binds; at most 4096 mounts", NULL },
	        "more than 256 binds");
	spec = inside(DOES("exit 0"));
	for (int i = 0; i < 3000; i++) {
		snprintf(path, sizeof(path), "/b/%d", i);
		caisson_spec_dir(spec, path, 0755);
	}
	refuses(spec, &(struct refusal){ E2BIG, CAISSON_FROM_LIBRARY, NULL, NULL, NULL },
	        "more operations than the format has room for");
}

static caisson_spec *with_helper(const char *path) {
	caisson_spec *spec = inside(DOES("exit 0"));

	caisson_spec_helper(spec, path);
	caisson_spec_via(spec, CAISSON_VIA_HELPER);
	return spec;
}

static const char *installed_helper(void) {
	static char path[4096];
	const char *prefix = getenv("CAISSON_PREFIX");

	if (!prefix)
		bail("CAISSON_PREFIX is not set");
	snprintf(path, sizeof(path), "%s/libexec/caisson/caisson-helper", prefix);
	return path;
}

static const char *copy_helper(void) {
	const char *to = work_file("helper", "", 0755);
	char block[16384];
	int in = open(installed_helper(), O_RDONLY | O_CLOEXEC),
	    out = open(to, O_WRONLY | O_CLOEXEC);
	ssize_t n;

	if (in < 0 || out < 0)
		bail(installed_helper());
	while ((n = read(in, block, sizeof(block))) > 0)
		if (write(out, block, (size_t)n) != n)
			bail(to);
	close(in);
	close(out);
	return to;
}

static int without_new_privileges(void) {
	static const struct refusal refusal = { EPERM, CAISSON_FROM_HELPER, "starting",
		                                "no_new_privs", "no_new_privs" };
	unsigned before = tap_failures;

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return 1;
	/* its point goes to nowhere: the parent's counts */
	if (!freopen("/dev/null", "w", stdout))
		return 1;
	refuses(with_helper(installed_helper()), &refusal, "no_new_privs");
	return tap_failures != before;
}

static void test_helper(void) {
	static const char executing[] = "executing caisson-helper";

	refuses(with_helper("/not/there"),
	        &(struct refusal){ ENOENT, CAISSON_FROM_LIBRARY, executing, "caisson-helper",
	                           "/not/there" },
	        "a helper that is missing");
	refuses(with_helper(work_file("no-helper", "", 0600)),
	        &(struct refusal){ EACCES, CAISSON_FROM_LIBRARY, executing, "caisson-helper",
	                           "no-helper" },
	        "a helper that the user may not execute");
	if (without_helper()) {
		tap_skip("what the helper's file lacks", "this process gains nothing by any file");
		return;
	}
	refuses(with_helper(copy_helper()),
	        &(struct refusal){ EPERM, CAISSON_FROM_HELPER, "starting", "mode of caisson-helper",
	                           "without privilege" },
	        "a helper that is not setuid");
	refuses(with_helper(self_path()),
	        &(struct refusal){ EIO, CAISSON_FROM_LIBRARY, "waiting for caisson-helper", NULL,
	                           "without an answer" },
	        "a helper that ends and says nothing");
	in_child(without_new_privileges, "a host application under no_new_privs");
	tap_ok(end_of(start(with_helper(installed_helper()))) == 0,
	       "the installed helper by its path");
}

void test_errors(void) {
	test_program();
	test_sources();
	test_root_only();
	test_many();
	test_helper();
}
