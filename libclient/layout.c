/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The part of the builder that lays out the sandbox's file system. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "internal.h"
#include "memory.h"

#define BIND_FLAGS (CAISSON_RDONLY | CAISSON_NOEXEC | CAISSON_OPTIONAL | CAISSON_IDMAP)

/* For text that the list copies. */
static char *lend(const char *text) {
	return (char *)(uintptr_t)text;
}

/* Slashes and dots that lead nowhere but to the sandbox's root? */
static bool means_root(const char *path) {
	return path[0] == '/' && path[strspn(path, "/.")] == '\0' && !strstr(path, "..");
}

/* The same as spec_note(), where it may be the place in the sandbox that is wrong. */
static int note_place(caisson_spec *spec, int rc, const char *what, const char *dst) {
	if (rc != -EINVAL || spec->error)
		return spec_note(spec, rc, what, dst);
	if (dst && means_root(dst))
		return error_set(&spec->error, EINVAL, "describing the sandbox",
		                 "destination in the sandbox",
		                 "grant what the program needs of it (/usr, a directory of your "
		                 "own), or all of it at another place (/host)",
		                 "%s at \"%s\": nothing can be put over the sandbox's own root",
		                 what, dst);
	return error_set(&spec->error, EINVAL, "describing the sandbox",
	                 "destination in the sandbox", "give an absolute path without \"..\"",
	                 "%s at \"%s\": this is no place in the sandbox", what, dst ? dst : "");
}

static int add(caisson_spec *spec, const struct spec_op *op, const char *what) {
	return note_place(spec, ops_add(&spec->ops, op), what, op->name);
}

static uint16_t bind_flags(unsigned flags) {
	return (uint16_t)((flags & CAISSON_RDONLY ? CAISSON_BIND_RDONLY : 0) |
	                  (flags & CAISSON_NOEXEC ? CAISSON_BIND_NOEXEC : 0) |
	                  (flags & CAISSON_IDMAP ? CAISSON_BIND_IDMAP : 0));
}

int caisson_spec_bind(caisson_spec *spec, const char *src, const char *dst, unsigned flags) {
	struct spec_op op = { .op = CAISSON_OP_BIND, .fd = -1, .flags = bind_flags(flags) };

	if (!src || flags & ~(unsigned)BIND_FLAGS)
		return spec_note(spec, -EINVAL, "bind", dst);
	op.optional = flags & CAISSON_OPTIONAL;
	op.source = lend(src);
	op.name = lend(dst);
	return add(spec, &op, "bind");
}

int caisson_spec_ro(caisson_spec *spec, const char *src, const char *dst) {
	return caisson_spec_bind(spec, src, dst, CAISSON_RDONLY);
}

int caisson_spec_rw(caisson_spec *spec, const char *src, const char *dst) {
	return caisson_spec_bind(spec, src, dst, 0);
}

int caisson_spec_bind_fd(caisson_spec *spec, int fd, const char *dst, unsigned flags) {
	struct spec_op op = { .op = CAISSON_OP_BIND, .fd = fd, .flags = bind_flags(flags) };

	if (fd < 0 || flags & ~(unsigned)(BIND_FLAGS & ~CAISSON_OPTIONAL))
		return spec_note(spec, -EINVAL, "bind of a descriptor", dst);
	op.name = lend(dst);
	return add(spec, &op, "bind of a descriptor");
}

int spec_sealed(const void *data, size_t size) {
	const char *from = data;
	int rc = 0, fd = memory_new("caisson-file", size);

	if (fd < 0)
		return fd;
	while (rc == 0 && size > 0) {
		ssize_t n = write(fd, from, size);

		if (n < 0 && errno != EINTR)
			rc = -errno;
		from += n > 0 ? n : 0;
		size -= n > 0 ? (size_t)n : 0;
	}
	if (rc == 0 && fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_SEAL) < 0)
		rc = -errno;
	if (rc < 0)
		close(fd);
	return rc < 0 ? rc : fd;
}

int caisson_spec_data(caisson_spec *spec, const void *data, size_t size, const char *dst,
                      unsigned mode) {
	struct spec_op op = { .op = CAISSON_OP_FILE, .b = mode, .name = lend(dst) };
	int rc;

	if ((!data && size) || mode > 0777)
		return spec_note(spec, -EINVAL, "file", dst);
	op.fd = spec_sealed(data, size);
	if (op.fd < 0)
		return spec_note(spec, op.fd, "file", dst);
	rc = add(spec, &op, "file");
	close(op.fd);
	return rc;
}

int caisson_spec_tmpfs_with(caisson_spec *spec, const char *dst, uint64_t size, unsigned mode,
                            unsigned flags) {
	struct spec_op op = { .op = CAISSON_OP_TMPFS, .fd = -1, .a = size, .b = mode };

	op.flags = bind_flags(flags);
	op.name = lend(dst);
	if (size == 0 || size > 1ull << 50 || mode > 01777 || flags & ~(unsigned)CAISSON_NOEXEC)
		return spec_note(spec, -EINVAL, "tmpfs", dst);
	return add(spec, &op, "tmpfs");
}

int caisson_spec_tmpfs(caisson_spec *spec, const char *dst, uint64_t size, unsigned mode) {
	return caisson_spec_tmpfs_with(spec, dst, size, mode, 0);
}

int caisson_spec_dir(caisson_spec *spec, const char *dst, unsigned mode) {
	struct spec_op op = { .op = CAISSON_OP_DIR, .fd = -1, .b = mode, .name = lend(dst) };

	if (mode > 01777)
		return spec_note(spec, -EINVAL, "directory", dst);
	return add(spec, &op, "directory");
}

int caisson_spec_symlink(caisson_spec *spec, const char *target, const char *path) {
	struct spec_op op = { .op = CAISSON_OP_SYMLINK, .fd = -1, .name = lend(path) };

	op.target = lend(target);
	if (!target || !*target || strlen(target) > CAISSON_PLAN_MAX_PATH)
		return spec_note(spec, -EINVAL, "symlink", path);
	return add(spec, &op, "symlink");
}

int caisson_spec_mask(caisson_spec *spec, const char *path) {
	struct spec_op op = { .op = CAISSON_OP_MASK, .fd = -1, .name = lend(path) };

	return add(spec, &op, "mask");
}

int caisson_spec_readonly(caisson_spec *spec, const char *path) {
	struct spec_op op = { .op = CAISSON_OP_RDONLY, .fd = -1, .name = lend(path) };

	return add(spec, &op, "read-only");
}

int caisson_spec_device(caisson_spec *spec, const char *src, const char *dst) {
	struct spec_op op = { .op = CAISSON_OP_DEVICE, .fd = -1, .name = lend(dst) };

	if (!src)
		return spec_note(spec, -EINVAL, "device", dst);
	op.source = lend(src);
	return add(spec, &op, "device");
}

int caisson_spec_mqueue(caisson_spec *spec, const char *dst) {
	struct spec_op op = { .op = CAISSON_OP_MQUEUE, .fd = -1, .name = lend(dst) };

	return add(spec, &op, "mqueue");
}

int caisson_spec_proc_with(caisson_spec *spec, const char *dst, unsigned flags) {
	if (flags &
	    ~(unsigned)(CAISSON_PROCFS_PIDS | CAISSON_PROCFS_HIDEPID | CAISSON_PROCFS_WHOLE))
		return spec_note(spec, -EINVAL, "proc", dst);
	return note_place(spec, root_proc(&spec->ops, dst, flags), "proc", dst);
}

int caisson_spec_proc(caisson_spec *spec, const char *dst) {
	return caisson_spec_proc_with(spec, dst, 0);
}

int caisson_spec_dev(caisson_spec *spec, const char *dst) {
	return note_place(spec, root_dev(&spec->ops, dst), "dev", dst);
}
