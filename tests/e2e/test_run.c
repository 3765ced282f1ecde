/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Start, end, signals, descriptors: what every host application does with a sandbox. */
#include "run.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/lib/tap.h"

static void test_status(void) {
	struct result r;

	run(inside(DOES("exit 0")), &r);
	tap_ok(WIFEXITED(r.status) && WEXITSTATUS(r.status) == 0, "exit status 0");
	run(inside(DOES("exit 255")), &r);
	tap_ok(WIFEXITED(r.status) && WEXITSTATUS(r.status) == 255, "exit status 255");
	run(inside(DOES("raise 6")), &r);
	tap_ok(WIFSIGNALED(r.status) && WTERMSIG(r.status) == SIGABRT, "death by its own SIGABRT");
	run(inside(DOES("raise 9")), &r);
	tap_ok(WIFSIGNALED(r.status) && WTERMSIG(r.status) == SIGKILL, "death by its own SIGKILL");
}

static bool readable(int fd, int timeout_ms) {
	struct pollfd p = { .fd = fd, .events = POLLIN };

	return poll(&p, 1, timeout_ms) > 0;
}

/* Its two descriptors for poll, and wait with and without a limit. */
static void test_wait(void) {
	caisson_sandbox *box = start(inside(DOES("cat", "exit 3")));
	caisson_error *err = NULL;
	int status = 12345, rc;
	int64_t before = now_ms();
	bool has_pidfd;

	/* its standard input is /dev/null: a program that reads it ends at once */
	tap_ok(box && WEXITSTATUS(end_of(box)) == 3, "standard input is at its end by default");
	box = start(inside(DOES("sleep 600000")));
	if (!tap_ok(box, "a program that does not end"))
		return;
	rc = caisson_wait(box, 0, &status, &err);
	tap_ok(rc == -ETIMEDOUT && caisson_error_errno(err) == ETIMEDOUT && status == 12345,
	       "a look at a running program is ETIMEDOUT, and no status");
	caisson_error_free(err);
	before = now_ms();
	rc = caisson_wait(box, 300, NULL, NULL);
	tap_ok(rc == -ETIMEDOUT && now_ms() - before >= 299 && now_ms() - before < ms(5000),
	       "a wait of 300 ms takes about that");
	has_pidfd = strcmp(played_kernel(), "kernel-4.18") != 0;
	tap_ok(!readable(caisson_event_fd(box), 0) &&
	               (has_pidfd ? !readable(caisson_pidfd(box), 0) : caisson_pidfd(box) == -1),
	       has_pidfd ? "neither descriptor is readable while it runs"
	                 : "there is no pidfd, and the event descriptor is not readable");
	tap_ok(caisson_pid(box) > 0 && kill(caisson_pid(box), 0) == 0, "its pid is a process");
	tap_ok(caisson_kill(box, SIGTERM) == 0 && readable(caisson_event_fd(box), ms(10000)),
	       "the event descriptor becomes readable at its end");
	rc = caisson_wait(box, ms(10000), &status, NULL);
	tap_ok(rc == 0 && WIFSIGNALED(status) && WTERMSIG(status) == SIGTERM,
	       "SIGTERM ended it, and the status says so");
	if (has_pidfd)
		tap_ok(readable(caisson_pidfd(box), ms(10000)), "the pidfd becomes readable");
	else
		tap_skip("the pidfd becomes readable", "Linux has them from 5.3 on");
	status = -1;
	tap_ok(caisson_wait(box, 0, &status, NULL) == 0 && WIFSIGNALED(status),
	       "waiting again gives the same");
	caisson_sandbox_free(box);
}

static void test_kill(void) {
	int out[2], status;
	caisson_spec *spec = inside(DOES("catch 15", "print ready", "sleep 600000"));
	caisson_sandbox *box;

	if (pipe2(out, O_CLOEXEC) < 0)
		bail("pipe2");
	caisson_spec_stdio(spec, -1, out[1], -1);
	box = start(spec);
	close(out[1]);
	if (box && ready(out[0]))
		caisson_kill(box, SIGTERM);
	status = end_of(box);
	close(out[0]);
	tap_ok(WIFEXITED(status) && WEXITSTATUS(status) == 7, "a program may catch SIGTERM");

	box = start(inside(DOES("ignore 15", "sleep 600000")));
	tap_ok(box && caisson_kill(box, 0) == -EINVAL && caisson_kill(box, -1) == -EINVAL &&
	               caisson_kill(box, 1000) == -EINVAL,
	       "a signal that is none is EINVAL");
	if (box)
		caisson_kill(box, SIGKILL);
	status = -1;
	tap_ok(box && caisson_wait(box, ms(10000), &status, NULL) == 0 && WIFSIGNALED(status) &&
	               WTERMSIG(status) == SIGKILL,
	       "SIGKILL ends what ignores the rest");
	tap_ok(box && caisson_kill(box, SIGKILL) == -ESRCH &&
	               caisson_kill(box, SIGTERM) == -ESRCH && caisson_pid(box) == -1,
	       "after the end there is nobody to kill");
	caisson_sandbox_free(box);
	box = start(inside(DOES("sleep 600000")));
	caisson_sandbox_free(box);
	tap_ok(box && no_children(), "freeing a running sandbox ends it");
}

/* When the end is known, nothing runs any more: a pipe that all of it held is closed. */
static void test_tree(void) {
	static const char *const ends[] = { "exit 4", "sleep 600000" };

	for (int i = 0; i < 2; i++) {
		caisson_spec *spec = inside(DOES("orphan", "print ready", ends[i]));
		caisson_sandbox *box;
		int out[2], rc = -1;
		bool gone;

		if (pipe2(out, O_CLOEXEC) < 0)
			bail("pipe2");
		caisson_spec_stdio(spec, -1, out[1], -1);
		box = start(spec);
		close(out[1]);
		if (!box || !ready(out[0]))
			tap_note("the program did not start");
		else if (i == 1)
			caisson_kill(box, SIGKILL);
		if (box)
			rc = caisson_wait(box, ms(10000), NULL, NULL);
		gone = hung_up(out[0], 0);
		tap_ok(rc == 0 && gone, "a process left behind is gone when %s was waited for",
		       i ? "a killed sandbox" : "the program");
		close(out[0]);
		caisson_sandbox_free(box);
	}
}

static void test_reuse(void) {
	caisson_spec *spec = inside(DOES("sleep 100", "exit 9"));
	caisson_sandbox *box[2] = { NULL, NULL };
	bool good = true;

	for (int i = 0; i < 2; i++)
		good = caisson_spawn(spec, &box[i], NULL) == 0 && good;
	caisson_spec_free(spec);
	for (int i = 0; i < 2; i++)
		good = WEXITSTATUS(end_of(box[i])) == 9 && good;
	tap_ok(good, "a spec is spawned twice, and may be freed before the sandboxes end");
}

static void test_stdio(void) {
	const char *file = work_file("stdio", "", 0600);
	static const char text[] = "into the sandbox\n";
	caisson_spec *spec = inside(DOES("cat"));
	struct result r, e;
	int in[2], err[2], fd = open(file, O_RDWR | O_CLOEXEC);
	caisson_sandbox *box;
	int out[2];

	if (pipe2(in, O_CLOEXEC) < 0 || write(in[1], text, sizeof(text) - 1) < 0)
		bail("pipe2");
	close(in[1]);
	caisson_spec_stdio(spec, in[0], -1, -1);
	if (pipe2(out, O_CLOEXEC) < 0 || pipe2(err, O_CLOEXEC) < 0)
		bail("pipe2");
	caisson_spec_argv(spec, DOES(PROGRAM, "inside", "cat", "complain to the third"));
	caisson_spec_stdio(spec, in[0], out[1], err[1]);
	box = start(spec);
	close(in[0]);
	close(out[1]);
	close(err[1]);
	tap_ok(box && collect(out[0], &r) && collect(err[0], &e) && !strcmp(r.out, text) &&
	               !strcmp(e.out, "to the third\n"),
	       "pipes as standard input, output and error");
	end_of(box);
	tap_ok(end_of(start(inside(DOES("nulls")))) == 0, "all three are /dev/null by default");

	spec = inside(DOES("print written"));
	caisson_spec_stdio(spec, -1, fd, -1);
	caisson_spec_allow_stdio_files(spec);
	box = start(spec);
	memset(&r, 0, sizeof(r));
	tap_ok(box && end_of(box) == 0 && pread(fd, r.out, 100, 0) == 8 &&
	               !strcmp(r.out, "written\n"),
	       "a regular file, where it is allowed");
	close(fd);
	gives(inside(DOES("fds")), "0 1 2 \n", "no other descriptor arrives");
}

static void test_stdio_refused(void) {
	static const struct refusal never = { EBADF, CAISSON_FROM_INIT, "preparing the program",
		                              "caisson_spec_stdio()", NULL };
	static const struct refusal closed = { EBADF, CAISSON_FROM_LIBRARY, "preparing the program",
		                               "caisson_spec_stdio()",
		                               "standard output, 900 here, is not an open" };
	static const struct {
		int flags;
		bool allow;
		const char *what;
	} cases[] = { { O_RDONLY, false, "a regular file is refused unless it is allowed" },
		      { O_PATH, true, "an O_PATH descriptor is refused" },
		      { O_RDONLY | O_DIRECTORY, true, "a directory is refused" } };
	caisson_spec *spec;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		int fd = open(cases[i].flags & O_DIRECTORY ? work_dir()
		                                           : work_file("plain", "x", 0600),
		              cases[i].flags | O_CLOEXEC);

		spec = inside(DOES("exit 0"));
		caisson_spec_stdio(spec, fd, -1, -1);
		if (cases[i].allow)
			caisson_spec_allow_stdio_files(spec);
		refuses(spec, &never, cases[i].what);
		close(fd);
	}
	spec = inside(DOES("exit 0"));
	caisson_spec_stdio(spec, -1, 900, -1);
	refuses(spec, &closed, "a closed descriptor is refused");
}

/* busybox has it too. */
static void clean_up(void) {
	if (fork() == 0) {
		execlp("rm", "rm", "-rf", work_dir(), (char *)NULL);
		_exit(127);
	}
	while (waitpid(-1, NULL, 0) > 0)
		;
}

/* Below 5.9 there is nothing but the refusal, which names the kernel. */
static bool kernel_too_old(void) {
	static const struct refusal refusal = { ENOSYS, CAISSON_FROM_HELPER, NULL, "kernel version",
		                                "lacks system call" };
	unsigned major = 0, minor = 0;
	struct utsname name;

	if (uname(&name) < 0 || sscanf(name.release, "%u.%u", &major, &minor) != 2)
		bail("uname");
	if (major > 5 || (major == 5 && minor >= 9))
		return false;
	refuses(inside(DOES("exit 0")), &refusal, "a kernel before 5.9 is named");
	return true;
}

static void run_all(void) {
	test_status();
	test_wait();
	test_kill();
	test_tree();
	test_reuse();
	test_stdio();
	test_stdio_refused();
	test_arguments();
	test_files();
	test_covers();
	test_ids();
	test_isolation();
	test_report();
	test_errors();
	test_hosts();
	test_channels();
}

int main(int argc, char **argv) {
	int fds;

	if (argc > 0 && !strcmp(argv[0], "caisson-helper")) /* a helper that says nothing */
		return 0;
	if (argc > 1 && !strcmp(argv[1], "inside")) {
		int rc = inside_main(argc, argv);

		fflush(stdout);
		_exit(rc); /* a leak checker's ptrace is denied there */
	}
	if (getuid() == 0)
		return tap_skip_all("it is about what an ordinary user gets, and this is root");
	alarm(slow() ? 760 : 280); /* whatever hangs */
	setvbuf(stdout, NULL, _IOLBF, 0);
	work_dir();
	fds = open_fds();
	if (argc == 4 && !strcmp(argv[1], "subids")) /* test_subids.sh */
		test_subids((unsigned)atol(argv[2]), (unsigned)atol(argv[3]));
	else if (!kernel_too_old())
		run_all();
	tap_ok(open_fds() == fds, "no descriptor is left in this process");
	tap_ok(no_children(), "and no child");
	clean_up();
	return tap_done();
}
