/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Who the program is, and what its clocks say: all of it takes a user namespace. */
#include "run.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tests/lib/tap.h"

static caisson_spec *as(const char *const *does, uint32_t uid, uint32_t gid) {
	caisson_spec *spec = inside(does);

	caisson_spec_ids(spec, uid, gid);
	return spec;
}

static void test_inside(void) {
	char own[64];
	caisson_spec *spec;
	struct stat st;

	gives(as(DOES("ids"), 0, 0), "0 0 0 0\n", "user and group 0 inside");
	gives(as(DOES("ids"), 4242, 17), "4242 4242 17 17\n", "any other ids");
	snprintf(own, sizeof(own), "7 7 %u %u\n", getgid(), getgid());
	gives(as(DOES("ids"), 7, CAISSON_CALLER_ID), own, "another user, the caller's group");
	gives(as(DOES("ids"), 0xfffffffeu, 0xfffffffeu),
	      "4294967294 4294967294 4294967294 4294967294\n", "the highest ids");
	if (mkdir(in_work("ids"), 0700) < 0 && errno != EEXIST)
		bail("mkdir");
	work_file("ids/f", "own", 0600);
	spec = as(DOES("read /d/f", "stat /d/f", "write /d/new", "stat /d/new", "stat /tmp",
	               "write /tmp/x", "stat /usr", "write /usr/x", "write /proc/sys/vm/swappiness",
	               "socket 2"),
	          0, 0);
	caisson_spec_rw(spec, in_work("ids"), "/d");
	gives(spec,
	      "own\nfile 600 mine\nok\nfile 644 mine\ndir 1777 mine\nok\ndir 755 not mine\nEROFS\n"
	      "EROFS\nEAFNOSUPPORT\n",
	      "user 0 inside has the caller's files and no more than the caller");
	tap_ok(stat(in_work("ids/new"), &st) == 0 && st.st_uid == getuid() && st.st_gid == getgid(),
	       "what it makes is the caller's outside");
}

static void test_clocks(void) {
	long long monotonic = 0, boot = 0;
	struct timespec own, own_boot;
	caisson_spec *spec;
	struct result r;

	if (access("/proc/self/ns/time", F_OK) < 0) {
		tap_skip("offsets of the clocks", "this kernel has no time namespaces");
		return;
	}
	if (*played_kernel() && without_helper()) {
		spec = inside(DOES("exit 0"));
		caisson_spec_via(spec, CAISSON_VIA_USERNS);
		caisson_spec_time_offsets(spec, 0, 0);
		refuses(spec,
		        &(struct refusal){ EINVAL, CAISSON_FROM_BUILDER, NULL, "kernel version",
		                           "no time namespaces, which Linux 5.6 brought" },
		        "offsets of the clocks, on a kernel that has no time namespaces");
		return;
	}
	spec = inside(DOES("clocks"));
	caisson_spec_time_offsets(spec, 1000000, 4000000000);
	run(spec, &r);
	clock_gettime(CLOCK_MONOTONIC, &own);
	clock_gettime(CLOCK_BOOTTIME, &own_boot);
	sscanf(r.out, "%lld %lld", &monotonic, &boot);
	monotonic -= own.tv_sec;
	boot -= own_boot.tv_sec;
	if (!tap_ok(r.status == 0 && monotonic <= 1000000 && monotonic > 1000000 - 30 &&
	                    boot <= 4000000000 && boot > 4000000000 - 30,
	            "the clocks are ahead by their offsets"))
		tap_note("by %lld and %lld: %s", monotonic, boot, r.out);
	spec = inside(DOES("clocks"));
	caisson_spec_time_offsets(spec, -1, 0);
	run(spec, &r);
	tap_ok(r.status == 0 && sscanf(r.out, "%lld", &monotonic) == 1 &&
	               monotonic >= own.tv_sec - 1 && monotonic <= own.tv_sec + 30,
	       "or behind");
	spec = inside(DOES("clocks"));
	caisson_spec_time_offsets(spec, 4611686018 - own.tv_sec - 100, -own_boot.tv_sec);
	tap_ok(run(spec, &r) && r.status == 0, "the ends of what the kernel takes");
	spec = inside(DOES("exit 0"));
	caisson_spec_time_offsets(spec, INT64_MIN, 0);
	refuses(spec,
	        &(struct refusal){ ERANGE, CAISSON_FROM_LIBRARY, NULL, NULL, "monotonic clock" },
	        "not below zero");
	spec = inside(DOES("exit 0"));
	caisson_spec_time_offsets(spec, 0, INT64_MAX);
	refuses(spec, &(struct refusal){ ERANGE, CAISSON_FROM_LIBRARY, NULL, NULL, "boot clock" },
	        "nor past the end of time");
}

/* Not granted to whoever runs this: nobody's range begins there. */
#define NOT_GRANTED 4000000000u

static void test_subids_refused(void) {
	caisson_spec *spec = inside(DOES("exit 0"));

	caisson_spec_subids(spec, NOT_GRANTED, NOT_GRANTED);
	if (without_helper()) {
		caisson_spec_via(spec, CAISSON_VIA_USERNS);
		refuses(spec,
		        &(struct refusal){ EPERM, CAISSON_FROM_BUILDER, "asking the policy",
		                           "--subuid, --subgid, caisson_spec_subids()",
		                           "takes caisson-helper" },
		        "subordinate ids: not without the helper");
		return;
	}
	refuses(spec,
	        &(struct refusal){ EACCES, CAISSON_FROM_HELPER, "asking the policy", "/etc/subuid",
	                           "subordinate user ids" },
	        "ids that the caller was not granted");
	spec = inside(DOES("exit 0"));
	tap_ok(caisson_spec_subids(spec, 0, 1) == -EINVAL &&
	               caisson_spec_subids(spec, 1, 0) == -EINVAL &&
	               caisson_spec_subids(spec, CAISSON_CALLER_ID, 1) == -EINVAL,
	       "root is nobody's subordinate");
	caisson_spec_free(spec);
}

static caisson_spec *as_sub(const char *const *does, unsigned uid, unsigned gid) {
	caisson_spec *spec = inside(does);

	caisson_spec_subids(spec, uid, gid);
	return spec;
}

/* The uid and gid that pid has on the host. */
static bool runs_as(int pid, unsigned uid, unsigned gid) {
	unsigned u[4] = { 0 }, g[4] = { 0 };
	char path[64], line[128];
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/status", pid);
	f = fopen(path, "re");
	while (f && fgets(line, sizeof(line), f)) {
		sscanf(line, "Uid: %u %u %u %u", u, u + 1, u + 2, u + 3);
		sscanf(line, "Gid: %u %u %u %u", g, g + 1, g + 2, g + 3);
	}
	if (f)
		fclose(f);
	return u[0] == uid && u[1] == uid && u[2] == uid && u[3] == uid && g[0] == gid &&
	       g[1] == gid && g[2] == gid && g[3] == gid;
}

/* We may not signal what runs as somebody else; the sandbox ends all the same. */
static void test_sub_end(unsigned uid, unsigned gid) {
	caisson_sandbox *box = start(as_sub(DOES("sleep 600000"), uid, gid));
	int pid = box ? caisson_pid(box) : -1, status = 0;

	tap_ok(pid > 0 && runs_as(pid, uid, gid) && kill(pid, 0) < 0 && errno == EPERM,
	       "pid 1 is the subordinate user's outside");
	tap_ok(box && caisson_kill(box, SIGTERM) == 0 &&
	               caisson_wait(box, ms(10000), &status, NULL) == 0 && WIFSIGNALED(status) &&
	               WTERMSIG(status) == SIGTERM,
	       "a signal reaches its program");
	caisson_sandbox_free(box);
	box = start(as_sub(DOES("ignore 15", "sleep 600000"), uid, gid));
	pid = box ? caisson_pid(box) : -1;
	tap_ok(box && caisson_kill(box, SIGKILL) == 0 &&
	               caisson_wait(box, ms(10000), &status, NULL) == 0,
	       "SIGKILL ends it");
	caisson_sandbox_free(box);
	tap_ok(pid > 0 && kill(pid, 0) < 0 && errno == ESRCH, "and nothing of it is left");
	box = start(as_sub(DOES("ignore 15", "sleep 600000"), uid, gid));
	pid = box ? caisson_pid(box) : -1;
	caisson_sandbox_free(box);
	tap_ok(pid > 0 && kill(pid, 0) < 0 && errno == ESRCH, "freeing a running one ends it");
}

/* What the caller alone may read: of no use to another user, but for an idmapped grant. */
static void test_idmap(unsigned uid, unsigned gid) {
	static const char *const does[] = { "read /d/f",   "stat /d/f",    "write /d/new",
		                            "stat /d/new", "mkdir /d/dir", NULL };
	caisson_spec *spec = as_sub(does, uid, gid);
	caisson_error *err = NULL;
	caisson_sandbox *box;
	struct stat st;

	if (mkdir(in_work("sub"), 0700) < 0 && errno != EEXIST)
		bail("mkdir");
	work_file("sub/f", "own", 0600);
	caisson_spec_rw(spec, in_work("sub"), "/d");
	gives(spec, "EACCES\nEACCES\nEACCES\nEACCES\nEACCES\n",
	      "the caller's private files are another user's");
	spec = as_sub(DOES("exit 0"), uid, gid);
	caisson_spec_bind(spec, in_work("sub"), "/d", CAISSON_IDMAP);
	if (caisson_spawn(spec, &box, &err) < 0 &&
	    (!strcmp(caisson_error_knob(err), "file system type") ||
	     !strcmp(caisson_error_knob(err), "kernel version"))) {
		tap_skip("idmapped grants", caisson_error_message(err));
		caisson_error_free(err);
		caisson_spec_free(spec);
		return;
	}
	caisson_spec_free(spec);
	tap_ok(end_of(box) == 0, "an idmapped grant");
	spec = as_sub(does, uid, gid);
	caisson_spec_bind(spec, in_work("sub"), "/d", CAISSON_IDMAP);
	gives(spec, "own\nfile 600 mine\nok\nfile 644 mine\nok\n", "in it they are its own");
	tap_ok(stat(in_work("sub/new"), &st) == 0 && st.st_uid == getuid() &&
	               st.st_gid == getgid() && st.st_size == 3,
	       "and what it makes there is the caller's outside");
	spec = as_sub(DOES("read /d/f", "stat /d/f", "write /d/f", "stat /d/new", "mkdir /d/more"),
	              uid, gid);
	caisson_spec_ids(spec, 0, 0);
	caisson_spec_bind(spec, in_work("sub"), "/d", CAISSON_IDMAP | CAISSON_RDONLY);
	gives(spec, "own\nfile 600 mine\nEROFS\nfile 644 mine\nEROFS\n",
	      "read-only, and as user 0 inside");
}

void test_subids(unsigned uid, unsigned gid) {
	static const struct refusal groups = { EACCES, CAISSON_FROM_HELPER, "asking the policy",
		                               "/etc/subgid", "subordinate group ids" };
	caisson_spec *spec;
	char own[64];

	snprintf(own, sizeof(own), "%u %u %u %u\n", getuid(), getuid(), getgid(), getgid());
	gives(as_sub(DOES("ids"), uid, gid), own, "a subordinate user sees itself as the caller");
	spec = as_sub(DOES("ids", "write /tmp/x", "stat /tmp/x", "write /usr/x"), uid, gid);
	caisson_spec_ids(spec, 5, 6);
	gives(spec, "5 5 6 6\nok\nfile 644 mine\nEROFS\n", "or as whom it shall");
	test_sub_end(uid, gid);
	test_idmap(uid, gid);
	refuses(as_sub(DOES("exit 0"), uid, NOT_GRANTED), &groups, "a group that is not granted");
	test_subids_refused();
}

/* All of it is refused where nobody can have a user namespace, or none is wanted. */
static void test_without(const struct refusal *refusal, bool none) {
	struct refusal contradiction = { EINVAL, CAISSON_FROM_LIBRARY, "preparing the plan",
		                         "--userns none, caisson_spec_user_namespace()",
		                         "needs a user namespace" };

	for (int i = 0; i < 3; i++) {
		static const char *const what[] = { "ids inside", "offsets of the clocks",
			                            "idmapped grants" };
		caisson_spec *spec = inside(DOES("exit 0"));
		struct refusal want;
		char name[80];

		snprintf(name, sizeof(name), "%s: %s", what[i],
		         none ? "not without a user namespace" : "refused, and the knob named");
		if (none)
			caisson_spec_user_namespace(spec, CAISSON_USER_NAMESPACE_NONE);
		if (i == 0)
			caisson_spec_ids(spec, 0, 0);
		else if (i == 1)
			caisson_spec_time_offsets(spec, 1, 1);
		else
			caisson_spec_bind(spec, "/usr", "/x", CAISSON_RDONLY | CAISSON_IDMAP);
		want = none ? contradiction : *refusal;
		if (i == 2) /* it takes a user namespace of its own, while the sources are cloned */
			want.stage = NULL;
		refuses(spec, &want, name);
	}
}

void test_ids(void) {
	const struct refusal *refusal = no_userns();

	test_subids_refused();
	test_without(NULL, true);
	if (refusal) {
		test_without(refusal, false);
		return;
	}
	test_inside();
	test_clocks();
	if (without_helper()) {
		caisson_spec *spec = inside(DOES("exit 0"));

		caisson_spec_bind(spec, "/usr", "/x", CAISSON_RDONLY | CAISSON_IDMAP);
		caisson_spec_via(spec, CAISSON_VIA_USERNS);
		refuses(spec,
		        &(struct refusal){ EPERM, CAISSON_FROM_BUILDER, "asking the policy", NULL,
		                           "/usr at /x: idmapped grants take caisson-helper" },
		        "idmapped grants: not without the helper");
	}
}
