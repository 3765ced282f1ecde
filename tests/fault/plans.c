/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What is built again and again: every operation once or twice; and what must be refused. */
#include "fault.h"

#include <string.h>
#include <unistd.h>

#include "protocol/properties.h"

static int source(const char *path) {
	int fd;

	world_as_user(true);
	fd = raw_path(path);
	world_as_user(false);
	return fd;
}

static struct raw_plan *start_plan(uint64_t userns, uint64_t net) {
	struct raw_plan *plan = raw_new();

	plan->head.require = CAISSON_ALWAYS | CAISSON_BIT(NET);
	raw_add(plan, CAISSON_OP_USERNS, NULL, userns, 0);
	raw_add(plan, CAISSON_OP_NET, NULL, net, 0);
	return plan;
}

static void add_program(struct raw_plan *plan, uint16_t flags) {
	raw_bind(plan, source(world_path("t")), "/t",
	         (uint16_t)(CAISSON_BIND_RDONLY | CAISSON_BIND_DIR | flags));
	raw_add(plan, CAISSON_OP_PROC, "/proc", 0, 0);
}

static void add_files(struct raw_plan *plan, const char *tree) {
	raw_bind(plan, source(world_path(tree)), "/tree", CAISSON_BIND_DIR | CAISSON_BIND_NOEXEC);
	raw_add(plan, CAISSON_OP_TMPFS, "/dev", 1 << 20, 0755);
	raw_bind(plan, source("/dev/null"), "/dev/null", 0)->op = CAISSON_OP_DEVICE;
	raw_symlink(plan, "/proc/self/fd", "/dev/fd");
	raw_add(plan, CAISSON_OP_TMPFS, "/dev/shm", 1 << 20, 01777);
	raw_add(plan, CAISSON_OP_DEVPTS, "/dev/pts", 0, 0);
	raw_add(plan, CAISSON_OP_MQUEUE, "/dev/mqueue", 0, 0);
	raw_add(plan, CAISSON_OP_RDONLY, "/dev", 0, 0);
	raw_add(plan, CAISSON_OP_TMPFS, "/tmp", 1 << 20, 01777);
	raw_add(plan, CAISSON_OP_DIR, "/tmp/dir", 0, 0700);
	raw_file(plan, raw_data("text", 4, RAW_SEALS_ALL), "/tmp/file", 0644);
	raw_add(plan, CAISSON_OP_MASK, "/proc/sys", 0, 0);
}

/* "tree" brings a procfs along, which must be covered; "tree/deep" does not. */
static struct raw_plan *whole(uint64_t userns, uint64_t net, const char *tree) {
	struct raw_plan *plan = start_plan(userns, net);

	raw_add(plan, CAISSON_OP_HOSTNAME, "fault", 0, 0);
	add_program(plan, 0);
	add_files(plan, tree);
	return plan;
}

/* Another id inside, another clock; only the user namespace makes them. */
static struct raw_plan *mapped(void) {
	struct raw_plan *plan = start_plan(CAISSON_USERNS_REQUIRED, CAISSON_NET_NONE);

	plan->head.require |= CAISSON_BIT(USERNS);
	raw_add(plan, CAISSON_OP_IDS, NULL, 0, 0);
	raw_add(plan, CAISSON_OP_SUBIDS, NULL, SUB_ID, SUB_ID);
	raw_add(plan, CAISSON_OP_TIME, NULL, 1000, 1000);
	add_program(plan, CAISSON_BIND_IDMAP);
	add_files(plan, "tree");
	return plan;
}

/* ------------------------------------------------ what no fault may make possible */

static struct raw_plan *refused_source(const char *path, uint16_t op) {
	struct raw_plan *plan = start_plan(CAISSON_USERNS_AUTO, CAISSON_NET_NONE);
	int fd = source(path);

	add_program(plan, 0);
	raw_bind(plan, fd, "/x", 0)->op = op;
	return plan;
}

/* The program at a place that a link leads to: the sandbox's root. */
static struct raw_plan *over_root(void) {
	struct raw_plan *plan = start_plan(CAISSON_USERNS_AUTO, CAISSON_NET_NONE);

	raw_bind(plan, source(world_path("tree")), "/tree", CAISSON_BIND_DIR);
	raw_bind(plan, source(world_path("t")), "/tree/root", CAISSON_BIND_DIR);
	return plan;
}

static struct raw_plan *made_outside(uint16_t op) {
	struct raw_plan *plan = start_plan(CAISSON_USERNS_AUTO, CAISSON_NET_NONE);

	add_program(plan, 0);
	raw_bind(plan, source(world_path("tree")), "/tree", CAISSON_BIND_DIR);
	if (op == CAISSON_OP_SYMLINK)
		raw_symlink(plan, "x", "/tree/deep/new");
	else
		raw_add(plan, op, "/tree/deep/new", op == CAISSON_OP_TMPFS ? 4096 : 0, 0755);
	return plan;
}

static struct raw_plan *no_source(void) {
	struct raw_plan *plan = start_plan(CAISSON_USERNS_AUTO, CAISSON_NET_NONE);

	add_program(plan, 0);
	plan->source[0] = dup(0); /* open for reading, not O_PATH */
	return plan;
}

static struct raw_plan *not_ours(void) {
	struct raw_plan *plan = start_plan(CAISSON_USERNS_REQUIRED, CAISSON_NET_NONE);

	raw_add(plan, CAISSON_OP_SUBIDS, NULL, SUB_ID, SUB_ID + 10);
	add_program(plan, 0);
	return plan;
}

struct scene *scenes_make(unsigned *n) {
	static struct scene scenes[] = {
		{ .name = "userns", .userns = CAISSON_USERNS_AUTO, .net = CAISSON_NET_NONE },
		{ .name = "plain", .userns = CAISSON_USERNS_NONE, .net = CAISSON_NET_LOOPBACK },
		{ .name = "legacy", .userns = CAISSON_USERNS_NONE, .net = CAISSON_NET_NONE },
		{ .name = "mapped", .userns = CAISSON_USERNS_REQUIRED, .net = CAISSON_NET_NONE },
		{ .name = "refused procfs", .refused = true },
		{ .name = "refused pipe", .refused = true },
		{ .name = "refused device", .refused = true },
		{ .name = "refused place", .refused = true },
		{ .name = "refused directory", .refused = true },
		{ .name = "refused link", .refused = true },
		{ .name = "refused descriptor", .refused = true },
		{ .name = "refused ids", .refused = true },
		{ .name = "refused seals", .refused = true },
	};
	struct scene *s = scenes;

	*n = sizeof(scenes) / sizeof(scenes[0]);
	(s++)->plan = whole(CAISSON_USERNS_AUTO, CAISSON_NET_NONE, "tree");
	(s++)->plan = whole(CAISSON_USERNS_NONE, CAISSON_NET_LOOPBACK, "tree");
	(s++)->plan = whole(CAISSON_USERNS_NONE, CAISSON_NET_NONE, "tree/deep");
	(s++)->plan = mapped();
	(s++)->plan = refused_source("/proc", CAISSON_OP_BIND);
	(s++)->plan = refused_source(world_path("fifo"), CAISSON_OP_BIND);
	(s++)->plan = refused_source(world_path("kmsg"), CAISSON_OP_DEVICE);
	(s++)->plan = over_root();
	(s++)->plan = made_outside(CAISSON_OP_DIR);
	(s++)->plan = made_outside(CAISSON_OP_SYMLINK);
	(s++)->plan = no_source();
	(s++)->plan = not_ours();
	(s++)->plan = start_plan(CAISSON_USERNS_AUTO, CAISSON_NET_NONE);
	for (s = scenes; s < scenes + *n; s++) {
		/* Linux 5.10: mount flags cannot be set on a detached tree. */
		s->lacks = strcmp(s->name, "legacy") ? -1 : call_number("mount_setattr");
		s->memfd = raw_memfd(s->plan, s == scenes + *n - 1 ? 0 : RAW_SEALS_ALL);
	}
	return scenes;
}
