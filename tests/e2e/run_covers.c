/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Files made of data, masks, read-only parts, and the views of the kernel that a sandbox has. */
#include "run.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/lib/tap.h"

#define MIB (1u << 20)

static void make_tree(void) {
	static const char *const dirs[] = { "c", "c/dir", "c/rw" };

	for (size_t i = 0; i < sizeof(dirs) / sizeof(dirs[0]); i++)
		if (mkdir(in_work(dirs[i]), 0755) < 0 && errno != EEXIST)
			bail(dirs[i]);
	work_file("c/f", "of c", 0644);
	work_file("c/dir/g", "below", 0644);
	work_file("c/rw/h", "old", 0644);
}

static caisson_spec *with_data(const char *const *does, const char *data, const char *dst,
                               unsigned mode) {
	caisson_spec *spec = inside(does);

	caisson_spec_data(spec, data, strlen(data), dst, mode);
	return spec;
}

static void test_data(void) {
	caisson_spec *spec = with_data(DOES("read /etc/c/f", "stat /etc/c/f", "write /etc/c/f",
	                                    "sum /etc/empty", "stat /etc/c"),
	                               "some text", "/etc/c/f", 0640);
	char text[] = "the caller's";

	caisson_spec_data(spec, NULL, 0, "/etc/empty", 0444);
	gives(spec, "some text\nfile 640 mine\nEROFS\n0 0\ndir 755 mine\n",
	      "files made of data, one of them empty, with their parents");
	spec = with_data(DOES("exec /x/run"), "#!/bin/true\n", "/x/run", 0755);
	gives(spec, "ok\n", "such a file is executed");
	spec = inside(DOES("read /f"));
	caisson_spec_data(spec, text, sizeof(text) - 1, "/f", 0444);
	text[0] = 'T';
	gives(spec, "the caller's\n", "data is copied when it is given");
	spec = inside(DOES("sum /f"));
	caisson_spec_data(spec, "a\0b\xff", 4, "/f", 0444);
	gives(spec, "4 450\n", "any byte is data");
}

static void test_data_refused(void) {
	static const struct refusal taken = { EEXIST, CAISSON_FROM_HELPER, "mounting",
		                              "destination in the sandbox", "/f" };
	static const struct refusal granted = { EROFS, CAISSON_FROM_HELPER, "mounting",
		                                "destination in the sandbox", "/d/new" };
	caisson_spec *spec = with_data(DOES("exit 0"), "one", "/f", 0644);

	caisson_spec_data(spec, "two", 3, "/f", 0644);
	refuses(spec, &taken, "two files at one place");
	spec = inside(DOES("exit 0"));
	caisson_spec_rw(spec, in_work("c"), "/d");
	caisson_spec_data(spec, "text", 4, "/d/new", 0644);
	refuses(spec, &granted, "a file in a granted tree, even one that is read-write");
	tap_ok(access(in_work("c/new"), F_OK) < 0, "the host has none either");
	spec = inside(DOES("exit 0"));
	tap_ok(caisson_spec_data(spec, "x", 1, "/f", 04755) == -EINVAL &&
	               caisson_spec_data(spec, NULL, 1, "/f", 0644) == -EINVAL &&
	               caisson_spec_data(spec, "x", 1, "/", 0644) == -EINVAL &&
	               caisson_spec_data(spec, "x", 1, "f", 0644) == -EINVAL &&
	               caisson_spec_data(spec, "x", 1, NULL, 0644) == -EINVAL,
	       "modes, data and places out of range are EINVAL");
	caisson_spec_free(spec);
}

/* What the root has room for, what it has not, and a tmpfs for it. */
static void test_data_size(void) {
	static const struct refusal full = { ENOSPC, CAISSON_FROM_HELPER, "mounting",
		                             "size of the sandbox's root (4 MiB), or of that tmpfs",
		                             "/big" };
	char *data = malloc(6 * MIB);
	caisson_spec *spec = inside(DOES("sum /big"));

	if (!data)
		bail("malloc");
	memset(data, 1, 6 * MIB);
	caisson_spec_data(spec, data, 3 * MIB, "/big", 0444);
	gives(spec, "3145728 3145728\n", "3 MiB fit into the root");
	spec = inside(DOES("sum /big"));
	caisson_spec_data(spec, data, 6 * MIB, "/big", 0444);
	refuses(spec, &full, "6 MiB do not, and the error says what holds them");
	spec = inside(DOES("sum /x/big", "write /x/big", "sum /x/big"));
	caisson_spec_tmpfs(spec, "/x", 8 * MIB, 0755);
	caisson_spec_data(spec, data, 6 * MIB, "/x/big", 0644);
	gives(spec, "6291456 6291456\nok\n3 330\n", "a tmpfs holds them, and can be written to");
	free(data);
}

static void test_mask(void) {
	caisson_spec *spec = inside(DOES("sum /d/f", "write /d/f", "list /d/dir", "write /d/dir/x",
	                                 "read /d/rw/h", "stat /d/nothing"));
	struct stat st;

	caisson_spec_rw(spec, in_work("c"), "/d");
	caisson_spec_mask(spec, "/d/f");
	caisson_spec_mask(spec, "/d/dir");
	caisson_spec_mask(spec, "/d/nothing");
	caisson_spec_mask(spec, "/no/such/place");
	gives(spec, "0 0\nEROFS\n\nEROFS\nold\nENOENT\n",
	      "a masked file and directory are empty; what is not there is no error");
	tap_ok(stat(in_work("c/f"), &st) == 0 && st.st_size == 4, "the host's file is as it was");
	spec = inside(DOES("sum /usr/bin/env", "write /usr/bin/env"));
	caisson_spec_mask(spec, "/usr/bin/env");
	gives(spec, "0 0\nEROFS\n", "a file of a read-only tree is masked, too");
}

static void test_readonly(void) {
	static const struct refusal missing = { ENOENT, CAISSON_FROM_HELPER, "mounting",
		                                "destination in the sandbox", "/nowhere" };
	caisson_spec *spec = inside(DOES("write /d/rw/h", "write /d/rw/new", "mkdir /d/made",
	                                 "write /x/f", "read /x/f", "read /d/rw/h"));

	caisson_spec_rw(spec, in_work("c"), "/d");
	caisson_spec_readonly(spec, "/d/rw");
	caisson_spec_tmpfs(spec, "/x", MIB, 0755);
	caisson_spec_data(spec, "made before", 11, "/x/f", 0644);
	caisson_spec_readonly(spec, "/x");
	gives(spec, "EROFS\nEROFS\nok\nEROFS\nmade before\nold\n",
	      "a directory in a tree, and a tmpfs, become read-only");
	rmdir(in_work("c/made"));
	spec = inside(DOES("exit 0"));
	caisson_spec_readonly(spec, "/nowhere");
	refuses(spec, &missing, "what is not there cannot be made read-only");
}

static void test_noexec(void) {
	for (unsigned flags = 0; flags <= CAISSON_NOEXEC; flags += CAISSON_NOEXEC) {
		caisson_spec *spec = inside(DOES("exec /x/run"));

		caisson_spec_tmpfs_with(spec, "/x", MIB, 0755, flags);
		caisson_spec_data(spec, "#!/bin/true\n", 12, "/x/run", 0755);
		gives(spec, flags ? "EACCES\n" : "ok\n",
		      flags ? "nothing is executed in a tmpfs with noexec" : "and without it is");
	}
}

static caisson_spec *proc(const char *const *does, const char *dst, unsigned flags) {
	caisson_spec *spec = inside(does);

	caisson_spec_proc_with(spec, dst, flags);
	return spec;
}

static void test_masks_of_proc(void) {
	static const char *const files[] = { "keys",  "key-users",     "interrupts",
		                             "kcore", "sysrq-trigger", "timer_list" };
	static const char *const dirs[] = { "irq", "bus", "fs", "acpi", "asound", "scsi" };
	char does[64];

	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		snprintf(does, sizeof(does), "/proc/%s", files[i]);
		if (access(does, F_OK) < 0) {
			tap_skip(does, "this kernel has none");
			continue;
		}
		snprintf(does, sizeof(does), "sum /proc/%s", files[i]);
		gives(inside(DOES(does)), "0 0\n", does);
	}
	for (size_t i = 0; i < sizeof(dirs) / sizeof(dirs[0]); i++) {
		snprintf(does, sizeof(does), "/proc/%s", dirs[i]);
		if (access(does, F_OK) < 0) {
			tap_skip(does, "this kernel has none");
			continue;
		}
		snprintf(does, sizeof(does), "list /proc/%s", dirs[i]);
		gives(inside(DOES(does)), "\n", does);
	}
	/* any user may open it for writing, where it is not read-only */
	gives(inside(DOES("write /proc/sys/kernel/ns_last_pid", "stat /proc/sys/kernel/ostype")),
	      "EROFS\nfile 444 not mine\n", "/proc/sys is there, read-only");
}

static void test_proc(void) {
	static const struct refusal two = { EINVAL, CAISSON_FROM_LIBRARY, "preparing the plan",
		                            NULL, "one procfs" };
	struct result r;
	caisson_spec *spec;

	run(proc(DOES("sum /proc/interrupts", "write /proc/sys/kernel/ns_last_pid"), "/proc",
	         CAISSON_PROCFS_WHOLE),
	    &r);
	tap_ok(r.status == 0 && strncmp(r.out, "0 ", 2) != 0 && strstr(r.out, "\nEPERM\n"),
	       "a whole procfs, if it is asked for, in place of the default root's");
	gives(proc(DOES("stat /proc/meminfo", "stat /proc/sys", "link /proc/self", "stat /proc/1"),
	           "/proc", CAISSON_PROCFS_PIDS),
	      "ENOENT\nENOENT\n2\ndir 555 mine\n", "a procfs of processes only");
	gives(proc(DOES("stat /proc/1", "link /proc/self"), "/proc",
	           CAISSON_PROCFS_PIDS | CAISSON_PROCFS_HIDEPID),
	      "ENOENT\n2\n", "and only of those that it may trace");
	gives(proc(DOES("stat /proc/1", "link /proc/self", "sum /proc/keys"), "/proc",
	           CAISSON_PROCFS_HIDEPID),
	      "ENOENT\n2\n0 0\n", "the same of all, masked as ever");
	spec = inside_bare(DOES("sum /p/keys", "write /p/sys/kernel/ns_last_pid"));
	caisson_spec_proc(spec, "/p");
#ifdef __SANITIZE_ADDRESS__
	caisson_spec_free(spec);
	tap_skip("a procfs elsewhere is masked as well", "the address sanitizer needs /proc");
#else
	gives(spec, "0 0\nEROFS\n", "a procfs elsewhere is masked as well");
#endif
	refuses(proc(DOES("exit 0"), "/p", 0), &two, "beside the default root's there is no other");
	spec = inside(DOES("exit 0"));
	tap_ok(caisson_spec_proc_with(spec, "/p", 8) == -EINVAL &&
	               caisson_spec_tmpfs_with(spec, "/p", 1, 0700, CAISSON_RDONLY) == -EINVAL,
	       "flags that there are not");
	caisson_spec_free(spec);
}

static void test_mqueue(void) {
	static const struct refusal two = { EINVAL, CAISSON_FROM_LIBRARY, "preparing the plan",
		                            NULL, "one mqueue" };
	caisson_spec *spec =
		inside(DOES("list /dev/mqueue", "queue caisson-e2e", "list /dev/mqueue"));

	caisson_spec_mqueue(spec, "/dev/mqueue");
	gives(spec, "\nok\ncaisson-e2e\n", "the message queues are the sandbox's own");
	spec = inside(DOES("queue caisson-e2e"));
	caisson_spec_landlock(spec, CAISSON_LANDLOCK_PROCESSES);
	gives(spec, "ok\n", "each has its own, mounted or not");
	spec = inside(DOES("exit 0"));
	caisson_spec_mqueue(spec, "/a");
	caisson_spec_mqueue(spec, "/b");
	refuses(spec, &two, "mounted once");
}

static void test_places(void) {
	static const struct refusal root = { EINVAL, CAISSON_FROM_LIBRARY, "describing the sandbox",
		                             "destination in the sandbox",
		                             "over the sandbox's own root" };
	static const struct refusal none = { EINVAL, CAISSON_FROM_LIBRARY, "describing the sandbox",
		                             "destination in the sandbox", "\"/a/../b\"" };
	caisson_spec *spec = inside(DOES("exit 0"));

	caisson_spec_ro(spec, "/", "/");
	refuses(spec, &root, "nothing goes over the root, and the error says what to do");
	spec = inside(DOES("exit 0"));
	caisson_spec_tmpfs(spec, "//./", MIB, 0755);
	refuses(spec, &root, "however it is spelt");
	spec = inside(DOES("exit 0"));
	caisson_spec_mask(spec, "/a/../b");
	refuses(spec, &none, "a place with \"..\" is none");
}

void test_covers(void) {
	make_tree();
	test_data();
	test_data_refused();
	test_data_size();
	test_mask();
	test_readonly();
	test_noexec();
	test_masks_of_proc();
	test_proc();
	test_mqueue();
	test_places();
}
