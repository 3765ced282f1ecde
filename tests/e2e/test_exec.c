/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Further programs in a running sandbox: caisson_exec() and what belongs to it. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "caisson_channels.h"
#include "exec.h"
#include "tests/lib/tap.h"

#define OTHERS 63 /* programs besides the first */

/* ------------------------------------------------------------------ points */

static void test_outcome(void) {
	caisson_sandbox *box = idle();
	caisson_spec *spec;

	gives_in(box, sh("echo hello; exit 7"), 7 << 8, "hello\n",
	         "it runs, and its status is told");
	gives_in(box, sh("kill -TERM $$"), SIGTERM, "", "a signal that ends it is told");
	gives_in(box, sh("env | sort; pwd"), 0,
	         "HOME=/tmp\nLANG=C.UTF-8\nPATH=/usr/local/bin:/usr/bin:/bin\nPWD=/\n/\n",
	         "its environment is clean");
	spec = sh("echo $A; pwd");
	caisson_spec_setenv(spec, "A", "b c");
	caisson_spec_chdir(spec, "/usr");
	gives_in(box, spec, 0, "b c\n/usr\n", "environment and directory are its own");
	gives_in(box, sh("ls /proc/self/fd"), 0, "0\n1\n2\n3\n",
	         "it has three descriptors (and that of ls)");
	let_go();
	tap_ok(end_of(box) == 0, "the sandbox went on, and ends with its first program");
}

/* Of the first program and of another one the same must come out. */
#define SELF                                                                                       \
	"{ for ns in pid mnt net ipc uts cgroup user time; do readlink /proc/self/ns/$ns; done;"   \
	"grep -E '^(Uid|Gid|Groups|Sig(Blk|Ign)|Cap|NoNewPrivs|Seccomp)' /proc/self/status;"       \
	"ulimit -Ha; umask; cat /proc/self/mountinfo; ls / /dev; hostname; ls /proc/1/fd;"         \
	"unshare -U true; mount -t tmpfs none /mnt; cat /proc/1/environ; kill -0 1; } 2>&1"

static void test_confined(void) {
	caisson_sandbox *box;
	caisson_spec *spec;
	struct result r;
	int in[2];

	if (pipe2(in, O_CLOEXEC) < 0)
		bail("pipe2");
	spec = sh(SELF " >/tmp/first; touch /tmp/done; read -r _");
	caisson_spec_stdio(spec, in[0], -1, -1);
	box = start(spec);
	close(in[0]);
	if (!box)
		bail("no sandbox");
	run_in(box,
	       sh("until [ -e /tmp/done ]; do sleep 0.02; done;" SELF " >/tmp/second;"
	          "diff /tmp/first /tmp/second && cat /tmp/second"),
	       &r);
	if (!tap_ok(r.status == 0 && r.n > 800, "it is confined as the first program is"))
		tap_note("status %#x: %.900s", (unsigned)r.status, r.out);
	tap_ok(strstr(r.out, "CapBnd:\t0000000000000000\n") && strstr(r.out, "NoNewPrivs:\t1\n") &&
	               strstr(r.out, "Seccomp:\t2\n") &&
	               strstr(r.out, "SigIgn:\t0000000000000000\n"),
	       "without a capability, with no_new_privs and the floor");
	run_in(box,
	       sh("tr '\\0' ' ' </proc/2/cmdline; "
	          "read -r _ _ _ _ _ sid _ </proc/self/stat; [ $sid = $$ ] && echo leads"),
	       &r);
	tap_ok(r.status == 0 && strstr(r.out, "read -r _ leads\n"),
	       "it sees the first program, and has a session of its own");
	close(in[1]);
	end_of(box);
}

static void test_refused(void) {
	static const struct refusal missing = { ENOENT, CAISSON_FROM_INIT, "executing the program",
		                                NULL, "no-such" };
	static const struct refusal no_dir = { ENOENT, CAISSON_FROM_INIT, "preparing the program",
		                               NULL, "/no/where" };
	static const struct refusal stdio = { EBADF, CAISSON_FROM_INIT, "preparing the program",
		                              NULL, "standard input" };
	static const struct refusal layout = { EINVAL, CAISSON_FROM_LIBRARY,
		                               "starting another program", NULL, "runs already" };
	static const struct refusal nothing = { EINVAL, CAISSON_FROM_LIBRARY,
		                                "describing the sandbox", NULL, "no program" };
	int dir = open("/", O_RDONLY | O_CLOEXEC),
	    file = open(work_file("in", "text\n", 0600), O_RDONLY | O_CLOEXEC);
	caisson_sandbox *box = idle();
	caisson_spec *spec = sh("");

	caisson_spec_argv(spec, DOES("no-such"));
	refuses_in(box, spec, &missing, "a program that is not there");
	spec = sh("true");
	caisson_spec_chdir(spec, "/no/where");
	refuses_in(box, spec, &no_dir, "a directory that is not there");
	spec = sh("true");
	caisson_spec_stdio(spec, dir, -1, -1);
	refuses_in(box, spec, &stdio, "a directory as standard input");
	spec = sh("true");
	caisson_spec_stdio(spec, file, -1, -1);
	refuses_in(box, spec, &stdio, "a file that was not allowed as standard input");
	spec = sh("cat >&2");
	caisson_spec_allow_stdio_files(spec);
	caisson_spec_stdio(spec, file, -1, -1);
	tap_ok(end_of_program(more(box, spec)) == 0, "one that was");
	spec = sh("true");
	caisson_spec_ro(spec, "/usr", "/mnt");
	refuses_in(box, spec, &layout, "a spec with a grant");
	spec = sh("true");
	caisson_spec_network(spec, CAISSON_NETWORK_HOST);
	refuses_in(box, spec, &layout, "a spec with a network");
	spec = sh("true");
	caisson_spec_require(spec, CAISSON_PROPERTY_LANDLOCK);
	refuses_in(box, spec, &layout, "a spec that requires something");
	spec = sh("true");
	caisson_spec_late_channels(spec);
	refuses_in(box, spec, &layout, "a spec with later channels");
	refuses_in(box, caisson_spec_new("empty"), &nothing, "a spec without a program");
	gives_in(box, sh("echo on"), 0, "on\n", "after all of it the sandbox goes on");
	close(dir);
	close(file);
	let_go();
	tap_ok(end_of(box) == 0, "and ends well");
}

/* One after the other: nothing of those that ended may be left in init, whose limit is 768 files. */
static bool one_of_many(caisson_sandbox *box, int i) {
	const bool there = i % 3 != 0;
	caisson_program *program = NULL;
	caisson_spec *spec = sh("");
	caisson_error *err = NULL;
	int64_t before = now_ms();
	int rc, status;

	caisson_spec_argv(spec, there ? DOES("true") : DOES("/no/such"));
	rc = caisson_exec(box, spec, &program, &err);
	caisson_spec_free(spec);
	status = rc == 0 ? end_of_program(program) : -1;
	if (there ? rc != 0 || status != 0 : rc != -ENOENT)
		tap_note("program %d, %s: %d (%s), wait status %#x, after %lld ms", i,
		         there ? "true" : "/no/such", rc, err ? caisson_error_text(err) : "started",
		         (unsigned)status, (long long)(now_ms() - before));
	caisson_error_free(err);
	return there ? rc == 0 && status == 0 : rc == -ENOENT;
}

static void test_many(void) {
	caisson_sandbox *box = idle();
	int good = 0, n = rounds(900), before = open_fds();

	for (int i = 0; i < n; i++)
		good += one_of_many(box, i);
	tap_ok(good == n && open_fds() == before, "%d of %d programs, one after the other", good,
	       n);
	let_go();
	tap_ok(end_of(box) == 0, "and the sandbox ends well");
}

static void test_at_once(void) {
	static const struct refusal full = { EAGAIN, CAISSON_FROM_LIBRARY,
		                             "starting another program", NULL, "64 programs" };
	caisson_program *program[OTHERS];
	caisson_sandbox *box = idle();
	int running = 0, status, good = 0, end[2];
	bool gone;

	if (pipe2(end, O_CLOEXEC) < 0)
		bail("pipe2");
	for (int i = 0; i < OTHERS; i++) {
		caisson_spec *spec = sh("exec sleep 1000");

		caisson_spec_stdio(spec, -1, end[1], -1);
		program[i] = more(box, spec);
		running += program[i] &&
		           caisson_program_wait(program[i], 0, &status, NULL) == -ETIMEDOUT;
	}
	close(end[1]);
	tap_ok(running == OTHERS, "%d programs run besides the first", running);
	refuses_in(box, sh("true"), &full, "there is no room for one more");
	tap_ok(caisson_program_kill(program[40], SIGINT) == 0 &&
	               end_of_program(program[40]) == SIGINT,
	       "one is ended, and its place is free");
	program[40] = more(box, sh("exit 3"));
	for (int i = OTHERS - 1; i >= 0 && program[40]; i--) {
		if (i != 40)
			caisson_program_kill(program[i], SIGUSR1);
		good += end_of_program(program[i]) == (i == 40 ? 3 << 8 : SIGUSR1);
	}
	gone = hung_up(end[0], ms(PATIENCE));
	tap_ok(good == OTHERS && gone, "%d of them told their own end, the last first", good);
	close(end[0]);
	tap_ok(caisson_wait(box, 0, &status, NULL) == -ETIMEDOUT, "the first one still runs");
	let_go();
	tap_ok(end_of(box) == 0, "and ends well");
}

static void test_wait(void) {
	caisson_sandbox *box = idle();
	caisson_program *one = more(box, sh("sleep 0.3; exit 1")), *two = more(box, sh("exit 2"));
	struct pollfd event = { .fd = caisson_event_fd(box), .events = POLLIN };
	int64_t before = now_ms();
	caisson_error *err = NULL;
	int status = -1;

	tap_ok(caisson_program_wait(one, 50, &status, &err) == -ETIMEDOUT &&
	               now_ms() - before < ms(300) && caisson_error_errno(err) == ETIMEDOUT,
	       "waiting for it ends in time");
	caisson_error_free(err);
	tap_ok(end_of_program(one) == 1 << 8 && end_of_program(two) == 2 << 8,
	       "whichever is waited for first");
	one = more(box, sh("exit 4"));
	tap_ok(poll(&event, 1, ms(PATIENCE)) == 1 &&
	               caisson_wait(box, 0, &status, NULL) == -ETIMEDOUT &&
	               caisson_program_wait(one, 0, &status, NULL) == 0 && status == 4 << 8,
	       "caisson_event_fd() is readable at its end; caisson_wait() takes it in");
	tap_ok(caisson_program_wait(one, 0, &status, NULL) == 0 && status == 4 << 8,
	       "its status can be had again");
	tap_ok(caisson_program_kill(one, 0) == -EINVAL && caisson_program_kill(one, 65) == -EINVAL,
	       "what is no signal is refused");
	caisson_program_free(one);
	caisson_program_free(NULL);
	let_go();
	end_of(box);
}

static void test_freed(void) {
	caisson_sandbox *box = idle();
	caisson_program *program;
	int out[2];
	bool gone;

	if (pipe2(out, O_CLOEXEC) < 0)
		bail("pipe2");
	for (int i = 0; i < 200; i++) { /* more than there are places */
		caisson_spec *spec = sh("exec sleep 1000");

		caisson_spec_stdio(spec, -1, out[1], -1);
		program = more(box, spec);
		if (!program)
			break;
		caisson_program_free(program);
	}
	close(out[1]);
	gone = hung_up(out[0], ms(PATIENCE));
	tap_ok(program && gone, "caisson_program_free() ends it, and its place is free again");
	close(out[0]);
	gives_in(box, sh("sleep 1000 >/dev/null 2>&1 & exit 0"), 0, "",
	         "one may leave a child behind");
	gives_in(box, sh("grep -qx sleep /proc/[0-9]*/comm 2>/dev/null && echo there"), 0,
	         "there\n", "which goes on");
	let_go();
	tap_ok(end_of(box) == 0, "until the sandbox ends");
}

static void test_end(void) {
	static const struct refusal ended = { ESRCH, CAISSON_FROM_LIBRARY,
		                              "starting another program", NULL, "has ended" };
	caisson_sandbox *box = idle();
	caisson_program *program, *quick;
	caisson_spec *spec = sh("exec sleep 1000");
	int status = -1, out[2];
	bool gone;

	if (pipe2(out, O_CLOEXEC) < 0)
		bail("pipe2");
	caisson_spec_stdio(spec, -1, out[1], -1);
	program = more(box, spec);
	quick = more(box, sh("exit 5"));
	close(out[1]);
	caisson_program_wait(quick, ms(PATIENCE), NULL, NULL);
	let_go();
	tap_ok(caisson_program_wait(program, ms(PATIENCE), &status, NULL) == 0 && status == SIGKILL,
	       "the end of the first program is that of all");
	tap_ok(caisson_program_wait(quick, 0, &status, NULL) == 0 && status == 5 << 8,
	       "but not of those that had ended before");
	tap_ok(caisson_wait(box, 0, &status, NULL) == 0 && status == 0, "and was heard of by then");
	gone = hung_up(out[0], ms(PATIENCE));
	tap_ok(gone, "nothing of it runs any more");
	close(out[0]);
	refuses_in(box, sh("true"), &ended, "nothing can be started any more");
	end_of(box);

	box = idle();
	program = more(box, sh("exec sleep 1000"));
	caisson_kill(box, SIGKILL);
	tap_ok(caisson_program_wait(program, ms(PATIENCE), &status, NULL) == 0 && status == SIGKILL,
	       "the sandbox's end by SIGKILL is that of all");
	tap_ok(end_of(box) == SIGKILL, "with this status");

	box = idle();
	more(box, sh("exec sleep 1000"));
	caisson_sandbox_free(box);
	tap_ok(no_children(), "programs are freed with their sandbox");
	let_go();
}

int main(int argc, char **argv) {
	int fds;

	if (argc > 1 && !strcmp(argv[1], "stop"))
		stop_everybody();

	if (getuid() == 0)
		return tap_skip_all("it is about what an ordinary user gets, and this is root");
	alarm(slow() ? 760 : 280); /* whatever hangs */
	setvbuf(stdout, NULL, _IOLBF, 0);
	setenv("CAISSON_TEST_LEAK", "1", 1); /* which is not to be seen inside */
	work_dir();
	fds = open_fds();
	test_outcome();
	test_confined();
	test_refused();
	test_many();
	test_at_once();
	test_wait();
	test_freed();
	test_end();
	test_hostile();
	tap_ok(open_fds() == fds, "no descriptor is left in this process");
	tap_ok(no_children(), "and no child");
	unlink(in_work("in"));
	rmdir(work_dir());
	return tap_done();
}
