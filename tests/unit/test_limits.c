/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The cgroup tree as it is read, on a tree of plain files; the words about limits. */
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "internal.h"
#include "limits_impl.h"
#include "limits_place.h"
#include "policy_use.h"

static char root[64];

static void make_root(void) {
	strcpy(root, "/tmp/test_limits.XXXXXX");
	cr_assert_not_null(mkdtemp(root));
}

static void remove_root(void) {
	char command[128];

	snprintf(command, sizeof(command), "rm -rf %s", root);
	cr_expect_eq(system(command), 0);
}

/* A file of the tree, with the directories above it. */
static void put(const char *name, const char *text) {
	char path[256];
	FILE *file;

	snprintf(path, sizeof(path), "%s%s", root, name);
	for (char *slash = path + strlen(root) + 1; (slash = strchr(slash, '/')); *slash++ = '/') {
		*slash = '\0';
		mkdir(path, 0755);
	}
	file = fopen(path, "w");
	cr_assert_not_null(file);
	fputs(text, file);
	fclose(file);
}

static int dir_of(const char *name) {
	char path[256];
	int fd;

	snprintf(path, sizeof(path), "%s%s", root, name);
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	cr_assert_geq(fd, 0);
	return fd;
}

static int parse(struct cgroup_tree *tree, const char *mountinfo, const char *own) {
	FILE *a = fmemopen((void *)(uintptr_t)mountinfo, strlen(mountinfo), "r");
	FILE *b = fmemopen((void *)(uintptr_t)own, strlen(own), "r");
	int rc = cgroup_tree_parse(tree, a, b);

	fclose(a);
	fclose(b);
	return rc;
}

static void finds(const char *mountinfo, const char *own, const char *mount, const char *path) {
	struct cgroup_tree tree;

	cr_assert_eq(parse(&tree, mountinfo, own), 0, "%s", own);
	cr_expect_str_eq(tree.mount, mount);
	cr_expect_str_eq(tree.own, path);
	cgroup_tree_clear(&tree);
}

static void finds_none(const char *mountinfo, const char *own, int error) {
	struct cgroup_tree tree;

	cr_expect_eq(parse(&tree, mountinfo, own), -error, "%s", own);
	cr_expect_null(tree.mount);
	cr_expect_null(tree.own);
}

#define PROC "22 28 0:21 / /proc rw,nosuid shared:5 - proc proc rw\n"
#define UNIFIED "35 24 0:30 / /sys/fs/cgroup rw shared:9 master:3 - cgroup2 cgroup2 rw\n"
#define HYBRID                                                                                     \
	"40 39 0:34 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n"                        \
	"41 39 0:35 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n"

Test(limits, where_the_tree_is) {
	finds(PROC UNIFIED, "0::/user.slice/a.scope\n", "/sys/fs/cgroup", "/user.slice/a.scope");
	finds(PROC HYBRID, "12:memory:/x\n0::/y\n", "/sys/fs/cgroup/unified", "/y");
	finds(UNIFIED, "0::/\n", "/sys/fs/cgroup", "/");
	finds("1 2 0:1 / /a\\040b\\134c rw - cgroup2 none rw\n", "0::/", "/a b\\c", "/");
	/* a part of it alone is mounted */
	finds("1 2 0:1 /a/b /c rw - cgroup2 none rw\n", "0::/a/b/d\n", "/c", "/d");
	finds("1 2 0:1 /a/b /c rw - cgroup2 none rw\n", "0::/a/b\n", "/c", "/");
	finds_none("1 2 0:1 /a/b /c rw - cgroup2 none rw\n", "0::/a/bc\n", EXDEV);
	finds_none("1 2 0:1 /a/b /c rw - cgroup2 none rw\n", "0::/a\n", EXDEV);
	finds_none(UNIFIED, "0::/../x\n", EXDEV); /* above the cgroup namespace */
	finds_none("1 2 0:1 /.. /c rw - cgroup2 none rw\n", "0::/\n", EXDEV);
	finds_none(PROC, "0::/\n", ENOENT);
	finds_none(UNIFIED, "1:name=systemd:/\n", ENOENT);
	finds_none("cgroup2\n- cgroup2\n", "0::/\n", ENOENT);
	finds_none("", "", ENOENT);
}

Test(limits, paths) {
	char *parent;

	cr_expect(cgroup_within("/a/b", "/a"));
	cr_expect(cgroup_within("/a", "/a"));
	cr_expect(cgroup_within("/a", "/"));
	cr_expect_not(cgroup_within("/ab", "/a"), "a prefix twin");
	cr_expect_not(cgroup_within("/a", "/a/b"));
	parent = cgroup_parent("/a/b");
	cr_expect_str_eq(parent, "/a");
	free(parent);
	parent = cgroup_parent("/a");
	cr_expect_str_eq(parent, "/");
	free(parent);
	cr_expect_null(cgroup_parent("/"));
}

static int escapes(const char *own, const char *path, uint64_t pids, const char *expected) {
	struct cgroup_tree tree = { root, (char *)(uintptr_t)own };
	char file[256] = "";
	int rc = cgroup_escapes(&tree, path, pids, file, sizeof(file));

	if (expected)
		cr_expect_str_eq(file + strlen(root), expected);
	return rc;
}

static void all_max(const char *group) {
	static const char *const files[] = { "memory.max", "memory.high", "memory.swap.max",
		                             "pids.max" };
	char name[128];

	for (size_t i = 0; i < 4; i++) {
		snprintf(name, sizeof(name), "%s/%s", group, files[i]);
		put(name, "max\n");
	}
	snprintf(name, sizeof(name), "%s/cpu.max", group);
	put(name, "max 100000\n");
	snprintf(name, sizeof(name), "%s/io.max", group);
	put(name, "");
	snprintf(name, sizeof(name), "%s/cpuset.cpus", group);
	put(name, "\n");
}

Test(limits, no_limit_is_escaped, .init = make_root, .fini = remove_root) {
	static const struct {
		const char *file, *text;
	} finite[] = { { "/a/b/memory.max", "1048576\n" },   { "/a/b/memory.high", "0\n" },
		       { "/a/b/memory.swap.max", "0\n" },    { "/a/b/pids.max", "100\n" },
		       { "/a/b/cpu.max", "50000 100000\n" }, { "/a/b/io.max", "8:0 rbps=1\n" },
		       { "/a/b/cpuset.cpus", "0-1\n" } };

	all_max("/a");
	all_max("/a/b");
	all_max("/a/b/c");
	cr_expect_eq(escapes("/a/b/c", "/", CAISSON_UNKNOWN, NULL), 0, "no group has a limit");
	for (size_t i = 0; i < sizeof(finite) / sizeof(finite[0]); i++) {
		put(finite[i].file, finite[i].text);
		cr_expect_eq(escapes("/a/b/c", "/a", CAISSON_UNKNOWN, finite[i].file), 1);
		cr_expect_eq(escapes("/a/b/c", "/a/bc", CAISSON_UNKNOWN, finite[i].file), 1);
		cr_expect_eq(escapes("/a/b", "/a", CAISSON_UNKNOWN, finite[i].file), 1, "its own");
		cr_expect_eq(escapes("/a/b/c", "/a/b", CAISSON_UNKNOWN, NULL), 0);
		cr_expect_eq(escapes("/a/b/c", "/a/b/d/e", CAISSON_UNKNOWN, NULL), 0);
		cr_expect_eq(escapes("/a", "/", CAISSON_UNKNOWN, NULL), 0, "below the caller's");
		all_max("/a/b");
	}
	cr_expect_eq(escapes("/a/gone/c", "/a", CAISSON_UNKNOWN, NULL), -ENOENT,
	             "what cannot be read may limit");
}

Test(limits, a_number_of_processes_of_ones_own, .init = make_root, .fini = remove_root) {
	all_max("/a");
	put("/a/pids.max", "100\n");
	cr_expect_eq(escapes("/a", "/", 100, NULL), 0, "as many there");
	cr_expect_eq(escapes("/a", "/", 101, "/a/pids.max"), 1, "more");
	cr_expect_eq(escapes("/a", "/", CAISSON_UNKNOWN, "/a/pids.max"), 1, "any number");
	put("/a/memory.max", "100\n");
	cr_expect_eq(escapes("/a", "/", 10, "/a/memory.max"), 1, "that is for processes alone");
}

Test(limits, controllers, .init = make_root, .fini = remove_root) {
	unsigned missing = 0;
	char text[64];
	int dir;

	put("/g/cgroup.controllers", "cpuset cpu io memory hugetlb pids\n");
	put("/g/cgroup.subtree_control", "cpu memory\n");
	dir = dir_of("/g");
	cr_expect_eq(place_enable(dir, CGROUP_CPU | CGROUP_MEMORY, &missing), 0);
	cr_assert_gt(cgroup_read(dir, "cgroup.subtree_control", text, sizeof(text)), 0);
	cr_expect_str_eq(text, "cpu memory", "nothing was to be written");
	put("/g/cgroup.subtree_control", "");
	cr_expect_eq(place_enable(dir, CGROUP_PIDS | CGROUP_IO | CGROUP_CPU, &missing), 0);
	cr_assert_gt(cgroup_read(dir, "cgroup.subtree_control", text, sizeof(text)), 0);
	cr_expect_str_eq(text, " +pids +cpu +io", "as the kernel takes it");
	put("/g/cgroup.controllers", "cpu\n");
	cr_expect_eq(place_enable(dir, CGROUP_CPU | CGROUP_MEMORY, &missing), -EOPNOTSUPP);
	cr_expect_eq(missing, CGROUP_MEMORY);
	put("/g/cgroup.controllers", "");
	cr_expect_eq(place_enable(dir, 0, &missing), 0,
	             "none is needed for a group without limits");
	close(dir);
}

Test(limits, systemds_own_groups, .init = make_root, .fini = remove_root) {
	int dir;

	put("/g/cgroup.procs", "");
	put("/g/cgroup.subtree_control", "");
	dir = dir_of("/g");
	cr_expect(place_delegated(dir, "/g"));
	cr_expect(place_delegated(dir, "/a.scope/g"));
	cr_expect_not(place_delegated(dir, "/app.slice"));
	cr_expect_not(place_delegated(dir, "/user@1000.service"));
	cr_expect_not(place_delegated(dir, "/run-1.scope"));
	cr_assert_eq(unlinkat(dir, "cgroup.subtree_control", 0), 0);
	cr_expect_not(place_delegated(dir, "/g"));
	close(dir);
}

Test(limits, numbers, .init = make_root, .fini = remove_root) {
	struct caisson_stat stat;
	int dir;

	put("/g/memory.current", "4096\n");
	put("/g/memory.max", "max\n");
	put("/g/memory.swap.max", "0\n");
	put("/g/pids.max", "18446744073709551616\n");
	put("/g/pids.current", "-1\n");
	put("/g/cpu.max", "150000 100000\n");
	put("/g/cpu.stat", "nr_usage_usec 1\nusage_usec 12\nuser_usec 5\nthrottled_usec 7\n");
	put("/g/memory.events", "low 0\noom_kill_x 9\noom 1\noom_kill 3\n");
	dir = dir_of("/g");
	cgroup_stat(dir, &stat);
	cr_expect_eq(stat.memory, 4096);
	cr_expect_eq(stat.memory_limit, CAISSON_UNKNOWN);
	cr_expect_eq(stat.memory_peak, CAISSON_UNKNOWN);
	cr_expect_eq(stat.swap_limit, 0);
	cr_expect_eq(stat.pids_limit, CAISSON_UNKNOWN);
	cr_expect_eq(stat.pids, CAISSON_UNKNOWN);
	cr_expect_eq(stat.cpu_limit, 150);
	cr_expect_eq(stat.cpu_usec, 12);
	cr_expect_eq(stat.cpu_throttled_usec, 7);
	cr_expect_eq(stat.oom_kills, 3);
	put("/g/cpu.max", "max 100000\n");
	cr_expect_eq(cgroup_cpu_percent(dir), CAISSON_UNKNOWN);
	put("/g/cpu.max", "100000 0\n");
	cr_expect_eq(cgroup_cpu_percent(dir), CAISSON_UNKNOWN);
	put("/g/cpu.max", "100000\n");
	cr_expect_eq(cgroup_cpu_percent(dir), CAISSON_UNKNOWN);
	close(dir);
}

/* ------------------------------------------------------------------ a leaf */

static struct leaf leaf_on(const char *group) {
	return (struct leaf){ .dir = dir_of(group), .parent = dir_of(""), .parents_kills = 0 };
}

Test(limits, what_is_set_is_read_back, .init = make_root, .fini = remove_root) {
	static const char *const files[] = { "memory.oom.group", "memory.max", "memory.swap.max",
		                             "pids.max",         "cpu.max",    "io.weight" };
	struct limits_asked asked = { .set = 31, .value = { 5000000, 0, 64, 150, 50 } };
	const char *file = "";
	struct leaf leaf;
	char name[64], text[64];

	for (size_t i = 0; i < 6; i++) {
		snprintf(name, sizeof(name), "/g/%s", files[i]);
		put(name, "");
	}
	leaf = leaf_on("/g");
	cr_assert_eq(leaf_set(&leaf, &asked, &file), 0, "%s", file);
	cr_expect_gt(cgroup_read(leaf.dir, "cpu.max", text, sizeof(text)), 0);
	cr_expect_str_eq(text, "150000 100000");
	cr_expect_eq(cgroup_number(leaf.dir, "memory.max"), limits_pages(5000000));
	cr_assert_eq(leaf_check(&leaf, &asked, &file), 0, "%s", file);
	free(leaf.by);
	for (size_t i = 0; i < 6; i++) { /* something else is in one of them */
		ssize_t n = cgroup_read(leaf.dir, files[i], text, sizeof(text));

		cr_assert_gt(n, 0);
		snprintf(name, sizeof(name), "/g/%s", files[i]);
		put(name, "max\n");
		cr_expect_eq(leaf_check(&leaf, &asked, &file), -EIO, "%s", files[i]);
		cr_expect_str_eq(file, files[i]);
		free(leaf.by);
		put(name, text);
	}
	cr_assert_eq(unlinkat(leaf.dir, "pids.max", 0), 0);
	cr_expect_eq(leaf_set(&leaf, &asked, &file), -ENOENT);
	cr_expect_str_eq(file, "pids.max");
	close(leaf.dir);
	close(leaf.parent);
}

Test(limits, swap_goes_with_memory, .init = make_root, .fini = remove_root) {
	struct limits_asked asked = { .set = 1 << CAISSON_LIMIT_MEMORY, .value = { 1 << 20 } };
	const char *file = "";
	struct leaf leaf;

	put("/g/memory.oom.group", "0\n");
	put("/g/memory.max", "max\n");
	leaf = leaf_on("/g");
	cr_expect_eq(leaf_set(&leaf, &asked, &file), 0, "a kernel that does not count swap");
	put("/g/memory.swap.max", "7\n");
	cr_expect_eq(leaf_set(&leaf, &asked, &file), 0);
	cr_expect_eq(cgroup_number(leaf.dir, "memory.swap.max"), 0);
	asked.set |= 1 << CAISSON_LIMIT_SWAP;
	cr_assert_eq(unlinkat(leaf.dir, "memory.swap.max", 0), 0);
	cr_expect_eq(leaf_set(&leaf, &asked, &file), -ENOENT, "but not if it was asked for");
	close(leaf.dir);
	close(leaf.parent);
}

/* Pages of every size, used and reserved: a kernel that does not count the second cannot keep them. */
Test(limits, no_page_of_the_pool, .init = make_root, .fini = remove_root) {
	static const char *const files[] = { "hugetlb.2MB.max", "hugetlb.2MB.rsvd.max",
		                             "hugetlb.1GB.max", "hugetlb.1GB.rsvd.max" };
	struct limits_asked asked = { .no_pool = true };
	const char *file = "";
	struct leaf leaf;
	char name[64];

	put("/g/hugetlb.2MB.current", "9\n");
	leaf = leaf_on("/g");
	cr_expect_eq(leaf_set(&leaf, &asked, &file), -ENOENT, "no controller");
	for (size_t i = 0; i < 4; i++) {
		snprintf(name, sizeof(name), "/g/%s", files[i]);
		put(name, "");
		cr_expect_eq(leaf_set(&leaf, &asked, &file), i & 1 ? 0 : -ENOENT, "%s", files[i]);
	}
	cr_expect_str_eq(file, "hugetlb.*.max");
	cr_expect_eq(leaf_check(&leaf, &asked, &file), 0);
	cr_expect_str_eq(leaf.by, "own cgroup, takes no reserved huge page");
	free(leaf.by);
	cr_expect_eq(cgroup_number(leaf.dir, "hugetlb.2MB.current"), 9);
	for (size_t i = 0; i < 4; i++) {
		snprintf(name, sizeof(name), "/g/%s", files[i]);
		cr_expect_eq(cgroup_number(leaf.dir, files[i]), 0);
		put(name, "2097152\n");
		cr_expect_eq(leaf_check(&leaf, &asked, &file), -EIO, "%s", files[i]);
		free(leaf.by);
		put(name, "0\n");
	}
	cr_expect_eq(limits_controllers(&asked), CGROUP_HUGETLB);
	close(leaf.dir);
	close(leaf.parent);
}

static void ends(const char *events, uint64_t swap, const char *why) {
	struct leaf leaf;

	put("/g/memory.events", events);
	leaf = leaf_on("/g");
	leaf.asked = (struct limits_asked){ .set = swap ? 3 : 1, .value = { 512 << 20, swap } };
	leaf_over(&leaf);
	cr_expect(leaf.over);
	if (why)
		cr_expect(leaf.why && !strcmp(leaf.why, why), "%s", leaf.why ? leaf.why : "");
	else
		cr_expect_null(leaf.why);
	close(leaf.dir);
	close(leaf.parent);
}

Test(limits, why_it_ended, .init = make_root, .fini = remove_root) {
	ends("oom 0\noom_kill 0\n", 0, NULL);
	ends("oom 3\noom_kill 0\n", 0, NULL);
	ends("", 0, NULL);
	ends("oom 1\noom_kill 2\n", 0, "the sandbox used up its memory limit of 512 MiB");
	ends("oom 1\noom_kill 2\n", 1 << 30,
	     "the sandbox used up its memory limit of 512 MiB, and of swap 1 GiB");
	ends("oom 0\noom_kill 2\n", 0,
	     "the sandbox was ended because the memory of the host, or of a group that it is in, "
	     "was used up");
}

Test(limits, a_scope_that_systemd_removed_first, .init = make_root, .fini = remove_root) {
	struct leaf leaf;

	put("/memory.events", "oom 9\noom_kill 7\n");
	put("/g/cgroup.events", "");
	leaf = leaf_on("/g");
	leaf.scope = true;
	leaf.asked = (struct limits_asked){ .set = 1, .value = { 1 << 20 } };
	leaf.parents_kills = 7;
	leaf_over(&leaf);
	cr_expect_null(leaf.why, "nobody was killed meanwhile");
	leaf.over = false;
	leaf.parents_kills = 6;
	leaf_over(&leaf);
	cr_expect_not_null(leaf.why);
	close(leaf.dir);
	close(leaf.parent);
}

Test(limits, what_is_swept, .init = make_root, .fini = remove_root) {
	static const char *const stay[] = { "host",
		                            "caisson-",
		                            "caisson-1",
		                            "caisson-1-0123456789abcde",
		                            "caisson-1-0123456789abcdef0",
		                            "caisson-1-0123456789abcdeg",
		                            "caisson-x-0123456789abcdef",
		                            "caisson-1-0123456789abcdef.scope",
		                            "caisson-12345678901-0123456789abcdef" };
	int dir = dir_of(""), locked;
	struct stat st;

	for (size_t i = 0; i < sizeof(stay) / sizeof(stay[0]); i++)
		cr_assert_eq(mkdirat(dir, stay[i], 0755), 0);
	cr_assert_eq(mkdirat(dir, "caisson-1-0123456789abcdef", 0755), 0);
	cr_assert_eq(mkdirat(dir, "caisson-2-0123456789abcdef", 0755), 0);
	put("/caisson-3-0123456789abcdef/cgroup.procs", "");
	locked = dir_of("/caisson-2-0123456789abcdef");
	cr_assert_eq(flock(locked, LOCK_EX | LOCK_NB), 0);
	leaf_sweep(dir);
	for (size_t i = 0; i < sizeof(stay) / sizeof(stay[0]); i++)
		cr_expect_eq(fstatat(dir, stay[i], &st, 0), 0, "%s", stay[i]);
	cr_expect_neq(fstatat(dir, "caisson-1-0123456789abcdef", &st, 0), 0, "nobody's");
	cr_expect_eq(fstatat(dir, "caisson-2-0123456789abcdef", &st, 0), 0, "in use");
	cr_expect_eq(fstatat(dir, "caisson-3-0123456789abcdef", &st, 0), 0, "not empty");
	close(locked);
	leaf_sweep(dir);
	cr_expect_neq(fstatat(dir, "caisson-2-0123456789abcdef", &st, 0), 0, "no more in use");
	close(dir);
}

Test(limits, what_is_no_cgroup_is_not_taken_for_one, .init = make_root, .fini = remove_root) {
	int dir = dir_of("");
	struct stat st;

	cr_expect_null(leaf_make(dir, root), "no cgroup.procs appears in it");
	cr_expect_eq(fstat(dir, &st), 0);
	cr_expect_eq(st.st_nlink, 2, "and nothing is left");
	close(dir);
}

/* ------------------------------------------------------------------- words */

Test(limits, words) {
	struct limits_asked asked = { .set = 0 };
	char size[32], *text;

	cr_expect_str_eq(limits_size(512 << 20, size), "512 MiB");
	cr_expect_str_eq(limits_size(1536 << 10, size), "1536 KiB");
	cr_expect_str_eq(limits_size(1ull << 40, size), "1 TiB");
	cr_expect_str_eq(limits_size(1ull << 60, size), "1048576 TiB");
	cr_expect_str_eq(limits_size(0, size), "0 bytes");
	cr_expect_str_eq(limits_size(1000, size), "1000 bytes");
	text = limits_text(&asked);
	cr_expect_str_eq(text, "own cgroup, nothing limited");
	free(text);
	asked = (struct limits_asked){ .set = 31, .value = { 1 << 30, 1 << 20, 64, 150, 50 } };
	text = limits_text(&asked);
	cr_expect_str_eq(text, "own cgroup, memory 1 GiB, swap 1 MiB, 64 processes, 150 % of a "
	                       "processor, disk weight 50");
	free(text);
	asked.set = 1 << CAISSON_LIMIT_PIDS;
	text = limits_text(&asked);
	cr_expect_str_eq(text, "own cgroup, 64 processes");
	free(text);
}

static void out_of_range(enum caisson_limit limit, uint64_t low, uint64_t high) {
	caisson_spec *spec = caisson_spec_new("x");

	cr_expect_eq(caisson_spec_limit(spec, limit, low), 0);
	cr_expect_eq(caisson_spec_limit(spec, limit, high), 0);
	cr_expect_null(spec->error);
	if (low > 0)
		cr_expect_eq(caisson_spec_limit(spec, limit, low - 1), -ERANGE);
	cr_expect_eq(caisson_spec_limit(spec, limit, high + 1), -ERANGE);
	cr_expect_not_null(spec->error);
	cr_expect_eq(spec->limits->value[limit], high, "a value that is refused changes nothing");
	caisson_spec_free(spec);
}

Test(limits, ranges) {
	out_of_range(CAISSON_LIMIT_MEMORY, 1 << 20, 1ull << 52);
	out_of_range(CAISSON_LIMIT_SWAP, 0, 1ull << 52);
	out_of_range(CAISSON_LIMIT_PIDS, 4, 1 << 22);
	out_of_range(CAISSON_LIMIT_CPU, 1, 1000000);
	out_of_range(CAISSON_LIMIT_IO_WEIGHT, 1, 10000);
	out_of_range(CAISSON_LIMIT_SECONDS, 1, INT32_MAX);
	out_of_range(CAISSON_LIMIT_FILES, 16, 768);
}

/* ------------------------------------------------------- the policy's maxima */

/* What a policy may set to any use is what may be asked for. */
Test(maxima, ranges) {
	static const struct {
		const char *kind;
		enum caisson_limit limit;
	} kinds[] = { { "memory", CAISSON_LIMIT_MEMORY },   { "swap", CAISSON_LIMIT_SWAP },
		      { "pids", CAISSON_LIMIT_PIDS },       { "cpu", CAISSON_LIMIT_CPU },
		      { "seconds", CAISSON_LIMIT_SECONDS }, { "files", CAISSON_LIMIT_FILES } };
	uint64_t least, most;
	const char *unit;

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		cr_assert(policy_range(kinds[i].kind, &least, &most, &unit));
		out_of_range(kinds[i].limit, least, most);
	}
	cr_expect_not(policy_range("binds", &least, &most, &unit));
}

static struct policy *policy_of(const char *text) {
	struct policy *p = calloc(1, sizeof(*p));

	cr_assert_not_null(p);
	p->uid = 1000;
	p->groups = 1;
	strcpy(p->text, text);
	cr_assert_eq(policy_parse(p, p->text, strlen(text)), 0, "%s", text);
	return p;
}

#define NOT UINT64_MAX

/* Rules; memory and swap asked for; what is refused; memory and swap that are set. */
static const struct {
	const char *rules;
	uint64_t memory, swap;
	int rc;
	uint64_t memory_set, swap_set;
} maxima[] = {
	{ "", NOT, NOT, 0, NOT, NOT },
	{ "set all memory 2M\n", NOT, NOT, 0, 2 << 20, NOT },
	{ "set all memory 2M\n", 1 << 20, NOT, 0, 1 << 20, NOT },
	{ "set all memory 2M\n", 2 << 20, NOT, 0, 2 << 20, NOT },
	{ "set all memory 2M\n", (2 << 20) + 1, NOT, -EACCES, 0, 0 },
	{ "set all memory 1K\n", NOT, NOT, -EACCES, 0, 0 },
	{ "set all memory unlimited\n", 9 << 20, NOT, 0, 9 << 20, NOT },
	{ "set all swap 4M\n", NOT, NOT, 0, NOT, 4 << 20 },
	{ "set all swap 4M\n", NOT, 0, 0, NOT, 0 },
	{ "set all swap 4M\n", NOT, 5 << 20, -EACCES, 0, 0 },
	{ "set all swap 0\n", NOT, NOT, 0, NOT, 0 },
	{ "set all swap 0\n", NOT, 1, -EACCES, 0, 0 },
	/* memory without a word about swap is no swap at all, whatever the maximum is */
	{ "set all swap 4M\n", 1 << 20, NOT, 0, 1 << 20, NOT },
	{ "set all swap 4M\nset all memory 2M\n", NOT, NOT, 0, 2 << 20, NOT },
	{ "set all swap 4M\nset all memory 2M\n", NOT, 1 << 20, 0, 2 << 20, 1 << 20 },
};

Test(maxima, memory_and_swap) {
	for (size_t i = 0; i < sizeof(maxima) / sizeof(maxima[0]); i++) {
		struct policy *p = policy_of(maxima[i].rules);
		caisson_spec *spec = caisson_spec_new("maxima");
		struct limits_asked asked;
		caisson_error *err = NULL;

		if (maxima[i].memory != NOT)
			caisson_spec_limit(spec, CAISSON_LIMIT_MEMORY, maxima[i].memory);
		if (maxima[i].swap != NOT)
			caisson_spec_limit(spec, CAISSON_LIMIT_SWAP, maxima[i].swap);
		cr_expect_eq(policy_limits(p, spec, &asked, &err), maxima[i].rc, "%zu", i);
		cr_expect((err != NULL) == (maxima[i].rc != 0));
		if (maxima[i].rc == 0) {
			cr_expect_eq(limits_has(&asked, CAISSON_LIMIT_MEMORY)
			                     ? asked.value[CAISSON_LIMIT_MEMORY]
			                     : NOT,
			             maxima[i].memory_set, "%zu: memory", i);
			cr_expect_eq(limits_has(&asked, CAISSON_LIMIT_SWAP)
			                     ? asked.value[CAISSON_LIMIT_SWAP]
			                     : NOT,
			             maxima[i].swap_set, "%zu: swap", i);
		}
		caisson_error_free(err);
		caisson_spec_free(spec);
		free(p);
	}
}

/* Of all channels together, and of both directions of each. */
static const struct {
	const char *rules;
	int rc;
} channels[] = {
	{ "", 0 },
	{ "set all channels unlimited\n", 0 },
	{ "set all channels 12K\n", 0 },
	{ "set all channels 12287\n", -EACCES },
	{ "set all channels 8K\n", -EACCES },
	{ "set all channels 0\n", -EACCES },
	{ "set uid:1 channels 0\n", 0 },
};

Test(maxima, channels) {
	for (size_t i = 0; i < sizeof(channels) / sizeof(channels[0]); i++) {
		struct policy *p = policy_of(channels[i].rules);
		caisson_spec *spec = caisson_spec_new("maxima");
		struct limits_asked asked;
		caisson_error *err = NULL;

		if (sysconf(_SC_PAGESIZE) != 4096)
			cr_skip_test("pages of another size");
		cr_assert(caisson_spec_channel(spec, "one", CAISSON_TO_HOST, 4000));
		cr_assert(caisson_spec_channel(spec, "both", CAISSON_BOTH, 4096));
		cr_expect_eq(policy_limits(p, spec, &asked, &err), channels[i].rc, "%s",
		             channels[i].rules);
		if (channels[i].rc)
			cr_expect(strstr(caisson_error_message(err), "12288 bytes of channels"),
			          "%s", caisson_error_message(err));
		caisson_error_free(err);
		caisson_spec_free(spec);
		free(p);
	}
}

/* Without a rule, and without a policy, there are none. */
static const struct {
	const char *rules; /* NULL: no policy */
	uint64_t bytes;
	int rc;
} hugepages[] = {
	{ NULL, 0, 0 },
	{ NULL, 1, -EACCES },
	{ "", 0, 0 },
	{ "", 1, -EACCES },
	{ "set all hugepages 0\n", 0, 0 },
	{ "set all hugepages 0\n", 1, -EACCES },
	{ "set all hugepages 2M\n", 2 << 20, 0 },
	{ "set all hugepages 2M\n", (2 << 20) + 1, -EACCES },
	{ "set all hugepages 2M\nset uid:1000 hugepages 1M\n", 2 << 20, -EACCES },
	{ "set all hugepages 2M\nset uid:1 hugepages 0\n", 2 << 20, 0 },
	{ "set all hugepages unlimited\n", INT64_MAX, 0 },
	{ "set all channels unlimited\n", 1, -EACCES },
};

Test(maxima, hugepages) {
	for (size_t i = 0; i < sizeof(hugepages) / sizeof(hugepages[0]); i++) {
		struct policy *p = hugepages[i].rules ? policy_of(hugepages[i].rules) : NULL;
		caisson_error *err = NULL;

		cr_expect_eq(policy_huge(p, NULL, 0, hugepages[i].bytes, &err), hugepages[i].rc,
		             "%zu", i);
		if (hugepages[i].rc)
			cr_expect(strstr(caisson_error_message(err), "reserved huge pages"), "%s",
			          caisson_error_message(err));
		caisson_error_free(err);
		free(p);
	}
}
