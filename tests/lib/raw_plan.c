/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Plans by hand: nothing is checked here, so that a test can be as wrong as it likes. */
#include "raw.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef MFD_ALLOW_SEALING
#define MFD_ALLOW_SEALING 2u
#endif

struct raw_plan *raw_new(void) {
	struct raw_plan *plan = calloc(1, sizeof(*plan));

	if (!plan)
		raw_bail("calloc");
	plan->head.magic = CAISSON_PLAN_MAGIC;
	plan->head.version = CAISSON_PLAN_VERSION;
	return plan;
}

void raw_free(struct raw_plan *plan) {
	for (uint32_t i = 0; i < plan->head.fds && i < RAW_MAX_SOURCES; i++)
		if (plan->source[i] >= 0)
			close(plan->source[i]);
	free(plan);
}

uint32_t raw_name(struct raw_plan *plan, const char *name) {
	size_t len = strlen(name) + 1;
	uint32_t at = plan->head.names;

	if (at + len > sizeof(plan->names))
		raw_bail("raw_name");
	memcpy(plan->names + at, name, len);
	plan->head.names += (uint32_t)len;
	return at;
}

struct caisson_plan_record *raw_add(struct raw_plan *plan, uint16_t op, const char *name,
                                    uint64_t a, uint64_t b) {
	struct caisson_plan_record *r = &plan->record[plan->head.records++];

	r->op = op;
	r->fd = -1;
	r->a = a;
	r->b = b;
	if (name) {
		r->name = raw_name(plan, name);
		r->name_len = (uint32_t)strlen(name);
	}
	return r;
}

struct caisson_plan_record *raw_bind(struct raw_plan *plan, int fd, const char *name,
                                     uint16_t flags) {
	struct caisson_plan_record *r = raw_add(plan, CAISSON_OP_BIND, name, 0, 0);

	r->flags = flags;
	r->fd = (int32_t)plan->head.fds;
	plan->source[plan->head.fds++] = fd;
	return r;
}

int raw_data(const void *data, size_t size, int seals) {
	int fd = (int)syscall(SYS_memfd_create, "file", MFD_ALLOW_SEALING);

	if (fd < 0 || write(fd, data, size) != (ssize_t)size || fcntl(fd, F_ADD_SEALS, seals) < 0)
		raw_bail("a memfd");
	fcntl(fd, F_SETFD, FD_CLOEXEC);
	return fd;
}

struct caisson_plan_record *raw_file(struct raw_plan *plan, int fd, const char *name,
                                     uint64_t mode) {
	struct caisson_plan_record *r = raw_bind(plan, fd, name, 0);

	r->op = CAISSON_OP_FILE;
	r->b = mode;
	return r;
}

struct caisson_plan_record *raw_symlink(struct raw_plan *plan, const char *target,
                                        const char *name) {
	uint32_t at = raw_name(plan, target);

	return raw_add(plan, CAISSON_OP_SYMLINK, name, at, strlen(target));
}

size_t raw_bytes(const struct raw_plan *plan, unsigned char *bytes, size_t size) {
	struct caisson_plan_header head = plan->head;
	size_t records = head.records * sizeof(plan->record[0]);
	size_t whole = sizeof(head) + records + head.names;

	if (!head.size)
		head.size = (uint32_t)whole;
	if (whole > size)
		raw_bail("raw_bytes");
	memcpy(bytes, &head, sizeof(head));
	memcpy(bytes + sizeof(head), plan->record, records);
	memcpy(bytes + sizeof(head) + records, plan->names, head.names);
	return plan->size ? plan->size : whole;
}

int raw_memfd(const struct raw_plan *plan, int seals) {
	static unsigned char bytes[CAISSON_PLAN_MAX_SIZE + 65536];
	int fd = (int)syscall(SYS_memfd_create, "plan", MFD_ALLOW_SEALING);
	size_t n;

	memset(bytes, 0, sizeof(bytes));
	n = raw_bytes(plan, bytes, sizeof(bytes));
	if (fd < 0 || write(fd, bytes, n) != (ssize_t)n || fcntl(fd, F_ADD_SEALS, seals) < 0)
		raw_bail("the plan's memfd");
	fcntl(fd, F_SETFD, FD_CLOEXEC);
	return fd;
}

int raw_path(const char *path) {
	int fd = open(path, O_PATH | O_CLOEXEC);

	if (fd < 0)
		raw_bail(path);
	return fd;
}

int raw_inside_dir(void) {
	char path[PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", path, sizeof(path) - 1);

	if (n < 0)
		raw_bail("/proc/self/exe");
	path[n] = '\0';
	*strrchr(path, '/') = '\0';
	return raw_path(path);
}

void raw_dev(struct raw_plan *plan) {
	static const char *const nodes[] = { "null", "zero", "full", "random", "urandom", "tty" };
	char path[32];

	raw_add(plan, CAISSON_OP_TMPFS, "/dev", 1 << 20, 0755);
	for (unsigned i = 0; i < sizeof(nodes) / sizeof(nodes[0]); i++) {
		snprintf(path, sizeof(path), "/dev/%s", nodes[i]);
		raw_bind(plan, raw_path(path), path, 0)->op = CAISSON_OP_DEVICE;
	}
	raw_symlink(plan, "/proc/self/fd", "/dev/fd");
	raw_symlink(plan, "pts/ptmx", "/dev/ptmx");
	raw_add(plan, CAISSON_OP_TMPFS, "/dev/shm", 1 << 20, 01777);
	raw_add(plan, CAISSON_OP_DEVPTS, "/dev/pts", 0, 0);
	raw_add(plan, CAISSON_OP_RDONLY, "/dev", 0, 0);
}

struct raw_plan *raw_bare(enum caisson_userns userns) {
	struct raw_plan *plan = raw_new();

	raw_add(plan, CAISSON_OP_USERNS, NULL, userns, 0);
	raw_bind(plan, raw_inside_dir(), "/t", CAISSON_BIND_RDONLY | CAISSON_BIND_DIR);
	raw_add(plan, CAISSON_OP_PROC, "/proc", 0, 0);
	return plan;
}

struct raw_plan *raw_root(enum caisson_userns userns) {
	struct raw_plan *plan = raw_bare(userns);

	raw_dev(plan);
	raw_add(plan, CAISSON_OP_TMPFS, "/tmp", 1 << 20, 01777);
	return plan;
}
