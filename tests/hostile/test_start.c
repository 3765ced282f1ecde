/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a caller controls when it executes the helper: arguments, environment,
 * signals, timers, limits, directory. Each gives a clear answer, or a sandbox
 * in which everything holds; never a target with less.
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include <caisson.h>

#include "tests/lib/raw.h"
#include "tests/lib/tap.h"

static const char *const SELF[] = { "/t/inside", "self", NULL };

static void refused_start(const char *what, const struct raw_how *how, uint32_t knob) {
	struct raw_plan *plan = raw_bare(CAISSON_USERNS_AUTO);
	struct raw_box box;

	raw_build(&box, plan, how);
	tap_ok(raw_failed(&box, CAISSON_STAGE_START, knob) && box.pidfd < 0, "%s is refused: %s",
	       what, raw_text(&box));
	if (!raw_end(&box))
		tap_ok(false, "%s: it ends", what);
	raw_free(plan);
}

/* The target sees nothing of what the caller did. */
static void full_sandbox(const char *what, const struct raw_how *how) {
	struct raw_plan *plan = raw_root(CAISSON_USERNS_AUTO);

	raw_probe(plan, how, what, SELF);
	raw_free(plan);
}

/* ------------------------------------------------------ arguments, environment */

static void try_arguments(void) {
	static char huge[100000];
	char *none[] = { NULL }, *empty[] = { "", NULL }, *two[] = { "caisson-helper", "-x", NULL };
	char *many[1001], *big[] = { huge, NULL };
	struct raw_how how = RAW_HOW;

	how.argv = none;
	refused_start("an empty argument vector", &how, CAISSON_KNOB_ARGUMENTS);
	how.argv = empty;
	refused_start("an empty name", &how, CAISSON_KNOB_ARGUMENTS);
	how.argv = two;
	refused_start("an argument", &how, CAISSON_KNOB_ARGUMENTS);
	for (int i = 0; i < 1000; i++)
		many[i] = "--help";
	many[1000] = NULL;
	how.argv = many;
	refused_start("a thousand arguments", &how, CAISSON_KNOB_ARGUMENTS);
	memset(huge, '%', sizeof(huge) - 1);
	how.argv = big;
	full_sandbox("a name of 100,000 bytes", &how);
}

static void try_environment(void) {
	static char tunables[5000] = "GLIBC_TUNABLES=glibc.malloc.mxfast=";
	char *env[] = { "LD_PRELOAD=/tmp/evil.so",
		        "LD_LIBRARY_PATH=/tmp",
		        "LD_AUDIT=/tmp/evil.so",
		        "LD_DEBUG=all",
		        "LD_DEBUG_OUTPUT=/tmp/caisson-ld-debug",
		        "LD_PROFILE=libc.so.6",
		        "LD_SHOW_AUXV=1",
		        "GCONV_PATH=/tmp",
		        "LOCPATH=/tmp",
		        "NLSPATH=/tmp/%N",
		        "LANG=xx_XX.UTF-8",
		        "CHARSET=evil",
		        "TMPDIR=/tmp/evil",
		        "MALLOC_TRACE=/tmp/caisson-malloc-trace",
		        "MALLOC_CHECK_=3",
		        "MALLOC_PERTURB_=1",
		        "RES_OPTIONS=x",
		        "HOSTALIASES=/tmp/x",
		        "LIBC_FATAL_STDERR_=1",
		        "ASAN_OPTIONS=log_path=/tmp/caisson-asan",
		        "GCOV_PREFIX=/tmp",
		        "NO_EQUALS_SIGN",
		        "=",
		        tunables,
		        NULL };
	struct raw_how how = RAW_HOW;

	memset(tunables + 35, '=', sizeof(tunables) - 36);
	how.env = env;
	full_sandbox("a hostile environment", &how);
	tap_ok(access("/tmp/caisson-ld-debug", F_OK) < 0 &&
	               access("/tmp/caisson-malloc-trace", F_OK) < 0 &&
	               access("/tmp/caisson-asan", F_OK) < 0,
	       "no variable made a file");
}

/* ------------------------------------------------------------ what exec inherits */

static void ignore_all(void *arg) {
	(void)arg;
	for (int sig = 1; sig < NSIG; sig++)
		signal(sig, SIG_IGN);
}

static void block_all(void *arg) {
	sigset_t all;

	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, NULL);
	if (arg) /* harmless ones that would end whoever unblocks them */
		for (int sig = SIGRTMIN; sig < SIGRTMAX; sig++)
			kill(getpid(), sig);
}

static void pend_deadly(void *arg) {
	block_all(NULL);
	(void)arg;
	kill(getpid(), SIGTERM);
	kill(getpid(), SIGALRM);
	kill(getpid(), SIGHUP);
}

static void arm_timers(void *arg) {
	const struct itimerval soon = { { 0, 1000 }, { 0, 1000 } };

	signal(SIGALRM, SIG_IGN);
	signal(SIGVTALRM, SIG_IGN);
	signal(SIGPROF, SIG_IGN);
	setitimer(ITIMER_VIRTUAL, &soon, NULL);
	setitimer(ITIMER_PROF, &soon, NULL);
	if (arg)
		setitimer(ITIMER_REAL, &soon, NULL);
}

static void mask_everything(void *arg) {
	(void)arg;
	umask(0777);
}

static void no_directory(void *arg) {
	char dir[] = "/tmp/caisson-start-XXXXXX";

	(void)arg;
	if (!mkdtemp(dir) || chdir(dir) < 0 || rmdir(dir) < 0)
		_exit(97);
}

static void odd_personality(void *arg) {
	personality((unsigned long)(uintptr_t)arg);
}

static void worst_priority(void *arg) {
	cpu_set_t one;

	(void)arg;
	setpriority(PRIO_PROCESS, 0, 19);
	/* musl has no such function. */
	syscall(SYS_sched_setscheduler, 0, SCHED_IDLE, &(struct sched_param){ 0 });
	CPU_ZERO(&one);
	CPU_SET(0, &one);
	sched_setaffinity(0, sizeof(one), &one);
	prctl(PR_SET_TIMERSLACK, 1000000000ul);
}

static uint64_t full(void) {
	uint64_t all = 0;

	for (unsigned i = 0; i < CAISSON_PROPERTY_COUNT; i++)
		all |= (uint64_t)caisson_property_in_full((enum caisson_property)i) << i;
	return all;
}

static void any_end(const char *what, void (*before)(void *), void *arg) {
	struct raw_plan *plan = raw_root(CAISSON_USERNS_AUTO);
	struct raw_how how = RAW_HOW;
	struct raw_box box;

	how.before_exec = before;
	how.arg = arg;
	raw_build(&box, plan, &how);
	tap_ok(!raw_built(&box) || (full() && (box.answer.held & full()) == full()),
	       "%s: all or nothing: %s", what, raw_text(&box));
	tap_ok(raw_end(&box), "%s: and it ends", what);
	raw_free(plan);
}

static void try_inherited(void) {
	static const struct {
		const char *what;
		void (*before)(void *);
		uintptr_t arg;
	} cases[] = {
		{ "all signals ignored", ignore_all, 0 },
		{ "all signals blocked", block_all, 0 },
		{ "timers that fire at once", arm_timers, 0 },
		{ "umask 0777", mask_everything, 0 },
		{ "a directory that is gone", no_directory, 0 },
		{ "no address randomisation", odd_personality, 0x0040000 },
		{ "an executable heap", odd_personality, 0x0400000 },
		{ "page zero mapped", odd_personality, 0x0100000 },
		{ "the worst priority", worst_priority, 0 },
	};

	for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct raw_how how = RAW_HOW;

		how.before_exec = cases[i].before;
		how.arg = (void *)cases[i].arg;
		full_sandbox(cases[i].what, &how);
	}
	any_end("real-time signals pending", block_all, (void *)1);
	any_end("deadly signals pending", pend_deadly, NULL);
	any_end("a real timer of a millisecond", arm_timers, (void *)1);
}

/* ---------------------------------------------------------------------- limits */

struct limit {
	int what;
	rlim_t value;
};

static void set_limit(void *arg) {
	const struct limit *limit = arg;
	const struct rlimit none = { limit->value, limit->value };

	setrlimit(limit->what, &none);
}

static void try_limits(void) {
	static const rlim_t values[] = { 0, 1, 8, 65536, 4 << 20 };
	char what[64];

	for (int i = 0; i < RLIM_NLIMITS; i++)
		for (unsigned k = 0; k < sizeof(values) / sizeof(values[0]); k++) {
			struct limit limit = { i, values[k] };

			snprintf(what, sizeof(what), "limit %d at %llu", i,
			         (unsigned long long)values[k]);
			any_end(what, set_limit, &limit);
		}
}

/* ------------------------------------------------------------------ privileges */

static void no_new_privs(void *arg) {
	(void)arg;
	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
}

static void traced(void *arg) {
	(void)arg;
	ptrace(PTRACE_TRACEME, 0, NULL, NULL);
}

static void copy_helper(const char *to) {
	char buffer[65536];
	int in = open(raw_helper(), O_RDONLY | O_CLOEXEC);
	int out = open(to, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0755);
	ssize_t n;

	if (in < 0 || out < 0)
		raw_bail("copying the helper");
	while ((n = read(in, buffer, sizeof(buffer))) > 0)
		if (write(out, buffer, (size_t)n) != n)
			raw_bail("copying the helper");
	close(in);
	close(out);
}

static void try_copy(void) {
	char dir[] = "/tmp/caisson-start-XXXXXX", path[64];
	struct raw_how how = RAW_HOW;

	if (!mkdtemp(dir))
		raw_bail(dir);
	snprintf(path, sizeof(path), "%s/helper", dir);
	copy_helper(path);
	how.helper = path;
	refused_start("a copy of the helper", &how, CAISSON_KNOB_NOT_SETUID);
	chmod(path, 04755); /* the user's own setuid bit gives the user's own uid */
	refused_start("a copy that is setuid to the user", &how, CAISSON_KNOB_NOT_SETUID);
	unlink(path);
	rmdir(dir);
}

/* Traced by the caller: the exec gives no privilege, whatever the file says. */
static void try_traced(void) {
	struct raw_plan *plan = raw_bare(CAISSON_USERNS_AUTO);
	struct raw_how how = RAW_HOW;
	struct raw_box box;
	int status = 0;

	how.before_exec = traced;
	raw_launch(&box, plan, &how);
	while (waitpid(box.helper, &status, 0) == box.helper && WIFSTOPPED(status))
		ptrace(PTRACE_CONT, box.helper, NULL,
		       (void *)(uintptr_t)(WSTOPSIG(status) == SIGTRAP ? 0 : WSTOPSIG(status)));
	box.reaped = true;
	box.helper_status = status;
	raw_answer(&box);
	tap_ok(raw_failed(&box, CAISSON_STAGE_START, CAISSON_KNOB_NOT_SETUID) && box.pidfd < 0,
	       "a traced helper is no helper: %s", raw_text(&box));
	raw_end(&box);
	raw_free(plan);
}

static void try_privileges(void) {
	struct raw_how how = RAW_HOW;

	how.before_exec = no_new_privs;
	refused_start("a caller under no_new_privs", &how, CAISSON_KNOB_NO_NEW_PRIVS);
	try_copy();
	try_traced();
	/* Shares its directory and root with a process that can still change them. */
	how = RAW_HOW;
	how.clone_flags = CLONE_FS;
	refused_start("a caller that shares its file system view", &how, CAISSON_KNOB_NOT_SETUID);
	tap_skip("a helper on a nosuid mount",
	         "only root can make one here; a copy without privilege stands for it");
}

int main(void) {
	raw_watch();
	full_sandbox("the ordinary way", &RAW_HOW);
	try_arguments();
	try_environment();
	try_inherited();
	try_limits();
	try_privileges();
	raw_nothing_left("at the end");
	return tap_done();
}
