/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the sandbox sees of the host's files, and its own. */
#include "run.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/lib/tap.h"

static void make_tree(void) {
	static const char *const dirs[] = { "a", "a/b", "other", "rw" };

	for (size_t i = 0; i < sizeof(dirs) / sizeof(dirs[0]); i++)
		if (mkdir(in_work(dirs[i]), 0755) < 0 && errno != EEXIST)
			bail(dirs[i]);
	work_file("a/f", "of a", 0644);
	work_file("a/b/g", "of b", 0644);
	work_file("other/f", "of other", 0644);
	work_file("rw/f", "old", 0644);
}

static void test_binds(void) {
	caisson_spec *spec = inside(DOES("read /d/f", "read /d/b/g", "write /d/f", "write /d/new",
	                                 "mkdir /d/new", "list /d"));
	struct stat st;

	caisson_spec_ro(spec, in_work("a"), "/d");
	gives(spec, "of a\nof b\nEROFS\nEROFS\nEROFS\nb f\n", "a tree is read, not written");
	spec = inside(DOES("read /d/f", "write /d/f", "mkdir /d/new", "stat /d/new"));
	caisson_spec_rw(spec, in_work("rw"), "/d");
	gives(spec, "old\nok\nok\ndir 755 mine\n", "a tree is written");
	tap_ok(stat(in_work("rw/f"), &st) == 0 && st.st_size == 3 &&
	               stat(in_work("rw/new"), &st) == 0 && st.st_uid == getuid(),
	       "and the host sees it, as the user's own");
	spec = inside(DOES("read /one", "write /one", "stat /two"));
	caisson_spec_ro(spec, in_work("a/f"), "/one");
	caisson_spec_bind(spec, in_work("missing"), "/two", CAISSON_RDONLY | CAISSON_OPTIONAL);
	gives(spec, "of a\nEROFS\nENOENT\n", "a single file, and an optional one that is missing");
	spec = inside(DOES("exec /n", "exec " PROGRAM));
	caisson_spec_bind(spec, self_path(), "/n", CAISSON_RDONLY | CAISSON_NOEXEC);
	gives(spec, "EACCES\nok\n", "a program granted noexec is not executed");
	spec = inside(DOES("write /new", "mkdir /new", "write /t/new", "write /tmp/new",
	                   "write /run/new", "write /dev/shm/new", "write /dev/new"));
	gives(spec, "EROFS\nEROFS\nEROFS\nok\nok\nok\nEROFS\n",
	      "the root is read-only; /tmp, /run and /dev/shm are private");
	tap_ok(access("/tmp/new", F_OK) < 0 && access("/dev/shm/new", F_OK) < 0,
	       "nothing of that is on the host");
}

static void test_bind_fd(void) {
	const struct refusal memory = { without_helper() ? ENOENT : EINVAL, CAISSON_FROM_HELPER,
		                        "judging a source", "mount namespace", "/m" };
	int dir = open(in_work("a"), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int file = open(in_work("other/f"), O_PATH | O_CLOEXEC);
	int memfd = memfd_create("e2e", MFD_CLOEXEC);
	caisson_spec *spec = inside(DOES("read /d/f", "read /f", "write /d/f"));

	caisson_spec_bind_fd(spec, dir, "/d", CAISSON_RDONLY);
	caisson_spec_bind_fd(spec, file, "/f", CAISSON_RDONLY);
	close(dir);
	close(file);
	gives(spec, "of a\nof other\nEROFS\n", "descriptors as sources, closed before the spawn");
	spec = inside(DOES("exit 0"));
	caisson_spec_bind_fd(spec, memfd, "/m", 0);
	close(memfd);
	refuses(spec, &memory, "a memfd is no source");
	spec = inside(DOES("exit 0"));
	tap_ok(caisson_spec_bind_fd(spec, -1, "/m", 0) < 0 &&
	               caisson_spec_bind_fd(spec, 900, "/m", 0) < 0,
	       "nor is a closed descriptor");
	caisson_spec_free(spec);
}

static void test_made(void) {
	caisson_spec *spec = inside(DOES("fill /small/f", "stat /small", "write /small/g"));
	struct result r;
	int kib = -1;
	char why[32] = "";

	caisson_spec_tmpfs(spec, "/small", 1u << 20, 0700);
	run(spec, &r);
	tap_ok(sscanf(r.out, "%d %31s", &kib, why) == 2 && kib > 900 && kib <= 1024 &&
	               !strcmp(why, "ENOSPC") && strstr(r.out, "dir 700 mine"),
	       "a tmpfs of 1 MiB holds that and no more (%d KiB)", kib);
	spec = inside(DOES("stat /x/y/z", "stat /x/y", "link /x/l", "read /x/l/f",
	                   "stat /x/dangling", "write /x/y/z/f"));
	caisson_spec_dir(spec, "/x/y/z", 0750);
	caisson_spec_ro(spec, in_work("a"), "/x/a");
	caisson_spec_symlink(spec, "a", "/x/l");
	caisson_spec_symlink(spec, "/not/there", "/x/dangling");
	gives(spec, "dir 750 mine\ndir 755 mine\na\nof a\nlink 777 mine\nEROFS\n",
	      "directories with their parents, and links");
	spec = inside(DOES("exit 0"));
	tap_ok(caisson_spec_tmpfs(spec, "/x", 0, 0700) == -EINVAL &&
	               caisson_spec_tmpfs(spec, "/x", 1, 07777) == -EINVAL &&
	               caisson_spec_dir(spec, "x", 0700) == -EINVAL &&
	               caisson_spec_dir(spec, "/x/../y", 0700) == -EINVAL &&
	               caisson_spec_dir(spec, "/", 0700) == -EINVAL &&
	               caisson_spec_symlink(spec, "", "/x") == -EINVAL &&
	               caisson_spec_bind(spec, "/usr", "/x", 128) == -EINVAL,
	       "sizes, modes, paths and flags out of range are EINVAL");
	caisson_spec_free(spec);
}

static void test_order(void) {
	caisson_spec *spec = inside(DOES("read /p/q/r/s/f", "read /p/q/r/s/b/f", "list /p/q"));

	caisson_spec_ro(spec, in_work("a"), "/p/q/r/s");
	caisson_spec_ro(spec, in_work("other"), "/p/q/r/s/b");
	gives(spec, "of a\nof other\nr\n", "a mount point deep down, and another inside the mount");
	spec = inside(DOES("read /x/f"));
	caisson_spec_ro(spec, in_work("a"), "/x");
	caisson_spec_ro(spec, in_work("other"), "/x");
	gives(spec, "of other\n", "the later of two at the same place is seen");
	spec = inside(DOES("list /x", "write /x/f"));
	caisson_spec_ro(spec, in_work("a"), "/x/y");
	caisson_spec_tmpfs(spec, "/x", 1u << 16, 0755);
	gives(spec, "\nok\n", "what is put over a parent hides what was below");
	spec = inside(DOES("list /x", "read /x/y/f"));
	caisson_spec_ro(spec, in_work("a"), "/x/y");
	caisson_spec_tmpfs(spec, "/x", 1u << 16, 0755);
	caisson_spec_ro(spec, in_work("other"), "/x/y");
	gives(spec, "y\nof other\n", "and a parent that became hidden is made again");
	spec = inside(DOES("read //x/./y//f"));
	caisson_spec_ro(spec, in_work("a"), "//x/.//y/");
	gives(spec, "of a\n", "destinations are made canonical");
}

static void test_bare(void) {
	static const struct refusal missing = { ENOENT, CAISSON_FROM_INIT, "executing the program",
		                                NULL, PROGRAM };
	caisson_spec *spec = caisson_spec_new("bare");

	caisson_spec_bare_root(spec);
	caisson_spec_argv(spec, DOES(PROGRAM));
	refuses(spec, &missing, "a root of nothing has no program");
	spec = inside_bare(DOES("stat /proc", "stat /dev", "stat /tmp", "stat /etc", "list /t"));
#ifdef __SANITIZE_ADDRESS__
	caisson_spec_free(spec);
	tap_skip("a bare root has what was granted", "the address sanitizer needs /proc");
#else
	gives(spec, "ENOENT\nENOENT\nENOENT\nENOENT\nlib run\n",
	      "a bare root has what was granted");
#endif
	spec = inside_bare(DOES("link /proc/self", "write /dev/null", "list /dev/pts"));
	caisson_spec_proc(spec, "/proc");
	caisson_spec_dev(spec, "/dev");
	gives(spec, "2\nok\nptmx\n", "proc and dev are added");
}

static void test_default_root(void) {
	gives(inside(DOES("stat /home", "stat /root", "stat /var", "stat /sys", "stat /etc/shadow",
	                  "list /run", "list /tmp", "list /dev")),
	      "ENOENT\nENOENT\nENOENT\nENOENT\nENOENT\n\n\n"
	      "fd full mqueue null ptmx pts random shm stderr stdin stdout tty urandom zero\n",
	      "the default root holds nothing of the user's");
	gives(inside(DOES("link /proc/self", "list /proc/1/fd", "link /proc/1/exe",
	                  "stat /proc/3")),
	      "2\nEACCES\nEACCES\nENOENT\n", "/proc shows pid 1 and the program alone");
}

/* More in /dev than the harmless devices; and what is no device, or not to be had. */
static void test_devices(void) {
	static const struct refusal file = { EINVAL, CAISSON_FROM_HELPER, "judging a source", NULL,
		                             "/dev/f" };
	caisson_spec *spec = inside(DOES("write /d/full", "write /d/null", "list /dev/more",
	                                 "write /dev/more/new", "write /dev/new"));

	caisson_spec_dir(spec, "/d", 0755);
	caisson_spec_device(spec, "/dev/full", "/d/full");
	caisson_spec_device(spec, "/dev/null", "/d/null");
	caisson_spec_data(spec, "x", 1, "/dev/more/f", 0644);
	gives(spec, "ENOSPC\nok\nf\nEROFS\nEROFS\n",
	      "devices by name, and more in /dev, which is read-only once it is laid out");
	spec = inside(DOES("write /dev/f", "mkdir /dev/d"));
	caisson_spec_tmpfs(spec, "/dev", 4096, 0755);
	gives(spec, "ok\nok\n", "what is put over /dev is not made read-only in its stead");
	spec = inside(DOES("exit 0"));
	caisson_spec_device(spec, in_work("a/f"), "/dev/f");
	refuses(spec, &file, "a file is no device");
	spec = inside(DOES("exit 0"));
	tap_ok(caisson_spec_device(spec, NULL, "/d") == -EINVAL, "nor is nothing");
	caisson_spec_free(spec);
}

void test_files(void) {
	make_tree();
	test_binds();
	test_bind_fd();
	test_made();
	test_order();
	test_bare();
	test_default_root();
	test_devices();
}
