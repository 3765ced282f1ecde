/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Limits through the public API: what is refused anywhere, and, where a cgroup is
 * delegated to this user (CAISSON_TEST_CGROUP), that they hold and are told.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "caisson.h"
#include "tests/lib/tap.h"

#define MIB (1ull << 20)
#define ARGV(...) ((const char *const[]){ __VA_ARGS__, NULL })

static caisson_spec *spec_of(const char *const *argv) {
	caisson_spec *spec = caisson_spec_new("limits");

	caisson_spec_argv(spec, argv);
	return spec;
}

static caisson_sandbox *start(caisson_spec *spec) {
	caisson_sandbox *box = NULL;
	caisson_error *err = NULL;

	if (caisson_spawn(spec, &box, &err) < 0)
		tap_note("no sandbox: %s", caisson_error_text(err));
	caisson_error_free(err);
	return box;
}

static void test_values(void) {
	caisson_spec *spec = spec_of(ARGV("true"));
	caisson_error *err = NULL;
	caisson_sandbox *box = NULL;

	tap_ok(caisson_spec_limit(spec, CAISSON_LIMIT_MEMORY, MIB - 1) == -ERANGE &&
	               caisson_spec_limit(spec, CAISSON_LIMIT_PIDS, 3) == -ERANGE &&
	               caisson_spec_limit(spec, CAISSON_LIMIT_CPU, 0) == -ERANGE &&
	               caisson_spec_limit(spec, CAISSON_LIMIT_IO_WEIGHT, 10001) == -ERANGE &&
	               caisson_spec_limit(spec, CAISSON_LIMIT_COUNT, 1) == -EINVAL &&
	               caisson_spec_cgroup(spec, "") == -EINVAL,
	       "values out of range are refused at once");
	tap_ok(caisson_spawn(spec, &box, &err) == -ERANGE && !box &&
	               strstr(caisson_error_message(err), "memory"),
	       "and the first of them by caisson_spawn()");
	caisson_error_free(err);
	caisson_spec_free(spec);
}

static void test_without(void) {
	caisson_spec *spec = spec_of(ARGV("true"));
	caisson_sandbox *box;
	struct caisson_stat stat;
	const char *how;
	int status = -1;

	box = start(spec);
	caisson_spec_free(spec);
	if (!tap_ok(box != NULL, "a sandbox without limits"))
		return;
	tap_ok(!caisson_property_held(box, CAISSON_PROPERTY_LIMITS, &how) &&
	               !strcmp(how, "not asked for"),
	       "has not the property");
	tap_ok(caisson_stat(box, &stat) == -ENOTSUP && stat.memory == CAISSON_UNKNOWN,
	       "has no numbers");
	tap_ok(caisson_wait(box, -1, &status, NULL) == 0 && status == 0 &&
	               caisson_out_of_memory(box, &how) == 0,
	       "and did not run out of memory");
	tap_ok(!strstr(caisson_report_json(box), "\"limits\": { \"cgroup\""),
	       "its report says nothing of a cgroup");
	caisson_sandbox_free(box);
}

static void test_no_exec(void) {
	caisson_spec *spec = spec_of(ARGV("sleep", "60")), *more = spec_of(ARGV("true"));
	caisson_sandbox *box = start(spec);
	caisson_program *program = NULL;

	caisson_spec_limit(more, CAISSON_LIMIT_PIDS, 10);
	tap_ok(box && caisson_exec(box, more, &program, NULL) == -EINVAL,
	       "a further program has no limits of its own");
	caisson_sandbox_free(box);
	caisson_spec_free(spec);
	caisson_spec_free(more);
}

/* --------------------------------------------------------- with a cgroup */

static void test_numbers(void) {
	caisson_spec *spec = spec_of(ARGV("sh", "-c", "sleep 60 & sleep 60"));
	struct caisson_stat stat, last;
	caisson_sandbox *box;
	const char *how = "";
	int status = -1, held, rc;

	caisson_spec_limit(spec, CAISSON_LIMIT_MEMORY, 64 * MIB + 1);
	caisson_spec_limit(spec, CAISSON_LIMIT_SWAP, 8 * MIB);
	caisson_spec_limit(spec, CAISSON_LIMIT_PIDS, 20);
	caisson_spec_limit(spec, CAISSON_LIMIT_CPU, 250);
	caisson_spec_require(spec, CAISSON_PROPERTY_LIMITS);
	box = start(spec);
	if (!tap_ok(box != NULL, "a sandbox with limits"))
		return;
	for (int i = 0; i < 400; i++) { /* until the shell has started both */
		usleep(50000);
		if (caisson_stat(box, &stat) == 0 && stat.pids == 4)
			break;
	}
	held = caisson_property_held(box, CAISSON_PROPERTY_LIMITS, &how);
	tap_ok(held == 1 &&
	               strstr(how, "own cgroup, memory 65540 KiB, swap 8 MiB, 20 processes, 250 %"),
	       "has the property: %s", how);
	rc = caisson_stat(box, &stat);
	tap_ok(rc == 0 && stat.memory_limit == 64 * MIB + 4096 && stat.swap_limit == 8 * MIB &&
	               stat.pids_limit == 20 && stat.cpu_limit == 250 && stat.oom_kills == 0,
	       "the limits are as asked for, memory in whole pages");
	tap_ok(stat.pids == 4 && stat.memory > 100000 && stat.memory < 64 * MIB &&
	               stat.cpu_usec != CAISSON_UNKNOWN && stat.cpu_usec > 0 &&
	               stat.reserved[3] == CAISSON_UNKNOWN,
	       "pid 1, the shell and two others use something: %llu bytes, %llu processes",
	       (unsigned long long)stat.memory, (unsigned long long)stat.pids);
	tap_ok(!strstr(caisson_report_json(box), "out_of_memory"),
	       "the report does not know of an end");
	caisson_kill(box, SIGKILL);
	tap_ok(caisson_wait(box, -1, &status, NULL) == 0 && WIFSIGNALED(status) &&
	               WTERMSIG(status) == SIGKILL && !caisson_out_of_memory(box, NULL),
	       "SIGKILL is no want of memory");
	tap_ok(caisson_stat(box, &last) == 0 && last.cpu_usec >= stat.cpu_usec &&
	               last.memory_limit == stat.memory_limit,
	       "the last numbers outlive the sandbox");
	tap_ok(strstr(caisson_report_json(box), "\"out_of_memory\": false") != NULL,
	       "the report does, now");
	caisson_sandbox_free(box);
	box = start(spec);
	tap_ok(box != NULL, "the spec can be used again");
	caisson_sandbox_free(box);
	caisson_spec_free(spec);
}

static void test_memory(void) {
	caisson_spec *spec = spec_of(ARGV("perl", "-e", "my $x = 'a' x (200 << 20)"));
	const char *why = "";
	caisson_sandbox *box;
	int status = -1, out;

	caisson_spec_limit(spec, CAISSON_LIMIT_MEMORY, 64 * MIB);
	box = start(spec);
	caisson_spec_free(spec);
	if (!tap_ok(box != NULL, "a sandbox whose program wants too much"))
		return;
	tap_ok(caisson_wait(box, 60000, &status, NULL) == 0 && WIFSIGNALED(status) &&
	               WTERMSIG(status) == SIGKILL,
	       "it is killed, all of it");
	out = caisson_out_of_memory(box, &why);
	tap_ok(out == 1 && !strcmp(why, "the sandbox used up its memory limit of 64 MiB"),
	       "for want of memory: %s", why);
	tap_ok(strstr(caisson_report_json(box),
	              "\"out_of_memory\": true, \"ended\": \"the "
	              "sandbox used up its memory limit of 64 MiB\"") != NULL,
	       "the report says so");
	caisson_sandbox_free(box);
}

static void test_descriptor(const char *group) {
	caisson_spec *spec = spec_of(ARGV("true"));
	int fd = open(group, O_RDONLY | O_DIRECTORY | O_CLOEXEC), before, after;
	caisson_sandbox *box;
	char path[64];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	caisson_spec_cgroup(spec, path);
	caisson_spec_limit(spec, CAISSON_LIMIT_PIDS, 8);
	box = start(spec);
	tap_ok(box && caisson_property_held(box, CAISSON_PROPERTY_LIMITS, NULL),
	       "in a group that a descriptor names");
	before = dup(fd);
	close(before);
	caisson_sandbox_free(box);
	after = dup(fd);
	close(after);
	caisson_spec_free(spec);
	spec = spec_of(ARGV("no-such-program"));
	caisson_spec_limit(spec, CAISSON_LIMIT_PIDS, 8);
	before = dup(fd);
	close(before);
	for (int i = 0; i < 5; i++)
		tap_ok(caisson_spawn(spec, &box, NULL) == -ENOENT, "a program that is not there");
	after = dup(fd);
	close(after);
	tap_ok(after == before, "no descriptor is left open");
	caisson_spec_helper(spec, "/no/such/helper");
	tap_ok(caisson_spawn(spec, &box, NULL) == -ENOENT, "nor a helper that is not there");
	caisson_spec_free(spec);
	close(fd);
}

static void *one_of_many(void *bad) {
	caisson_spec *spec = spec_of(ARGV("sh", "-c", "exit 9"));
	int status = -1;

	caisson_spec_limit(spec, CAISSON_LIMIT_MEMORY, 32 * MIB);
	for (int i = 0; i < 3; i++) {
		caisson_sandbox *box = start(spec);

		if (!box || caisson_wait(box, 120000, &status, NULL) < 0 || status != 9 << 8)
			__atomic_add_fetch((int *)bad, 1, __ATOMIC_RELAXED);
		caisson_sandbox_free(box);
	}
	caisson_spec_free(spec);
	return NULL;
}

static void test_threads(void) {
	pthread_t thread[6];
	int bad = 0, n = 0;

	for (int i = 0; i < 6; i++)
		n += pthread_create(&thread[i], NULL, one_of_many, &bad) == 0;
	for (int i = 0; i < n; i++)
		pthread_join(thread[i], NULL);
	tap_ok(n == 6 && bad == 0, "six threads with three sandboxes each");
}

static void test_left(const char *group) {
	char command[256];

	snprintf(command, sizeof(command), "! ls -d %s/caisson-* >/dev/null 2>&1", group);
	tap_ok(system(command) == 0, "no group is left");
}

int main(void) {
	const char *group = getenv("CAISSON_TEST_CGROUP");

	if (geteuid() == 0)
		return tap_skip_all("it is about what an ordinary user gets, and this is root");
	test_values();
	test_without();
	test_no_exec();
	if (!group) {
		caisson_spec *spec = spec_of(ARGV("true"));
		caisson_sandbox *box = NULL;
		caisson_error *err = NULL;
		bool refused;

		caisson_spec_limit(spec, CAISSON_LIMIT_MEMORY, 64 * MIB);
		refused = caisson_spawn(spec, &box, &err) < 0;
		tap_ok(refused && *caisson_error_knob(err) && *caisson_error_remedy(err),
		       "a limit without a cgroup: %s", caisson_error_message(err));
		caisson_error_free(err);
		caisson_spec_free(spec);
		tap_skip("limits that hold", "no cgroup is delegated to this user here; "
		                             "tests/vm/run --knob cgroup has one");
		return tap_done();
	}
	test_numbers();
	test_memory();
	test_descriptor(group);
	test_threads();
	test_left(group);
	return tap_done();
}
