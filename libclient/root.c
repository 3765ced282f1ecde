/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The default root: read-only /usr, the links or directories beside it as the
 * host has them, the few files of /etc that programs need, and private places
 * to write to. Nothing of the home, nothing of /run, /var, /srv.
 */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "internal.h"

#define MIB (1024ull * 1024ull)

static int add_bind(struct ops *ops, const char *path) {
	struct spec_op op = {
		.op = CAISSON_OP_BIND, .flags = CAISSON_BIND_RDONLY, .optional = true, .fd = -1
	};

	op.source = op.name = (char *)(uintptr_t)path;
	return ops_add(ops, &op);
}

static int add_plain(struct ops *ops, uint16_t what, const char *path, uint64_t a, uint64_t b) {
	struct spec_op op = {
		.op = what, .fd = -1, .name = (char *)(uintptr_t)path, .a = a, .b = b
	};

	return ops_add(ops, &op);
}

/* /bin and its kind: a link into /usr on merged systems, a directory on others. */
static int add_beside_usr(struct ops *ops, const char *path) {
	struct spec_op op = { .op = CAISSON_OP_SYMLINK, .fd = -1 };
	char target[PATH_MAX];
	ssize_t n = readlink(path, target, sizeof(target) - 1);

	if (n < 0)
		return errno == EINVAL ? add_bind(ops, path) : 0;
	target[n] = '\0';
	op.name = (char *)(uintptr_t)path;
	op.target = target;
	return ops_add(ops, &op);
}

/* "dst/name" as the op's destination. */
static int add_below(struct ops *ops, struct spec_op op, const char *dst, const char *name) {
	char path[CAISSON_PLAN_MAX_PATH + 1];

	if (!dst || snprintf(path, sizeof(path), "%s/%s", dst, name) >= (int)sizeof(path))
		return -EINVAL;
	op.name = path;
	return ops_add(ops, &op);
}

/*
 * Right below the sandbox's own root, where nothing is yet? The root is a tmpfs, and read-only once
 * all is laid out: there a directory does what a file system of its own would.
 */
static bool in_own_root(const struct ops *ops, const char *dst) {
	char *path = canonical_path(dst);
	bool own = path && !strchr(path + 1, '/');

	for (size_t i = 0; own && i < ops->n; i++)
		own = !ops->item[i].name || !path_below(ops->item[i].name, path);
	free(path);
	return own;
}

int root_dev(struct ops *ops, const char *dst) {
	static const char *const nodes[] = { "null", "zero", "full", "random", "urandom", "tty" };
	static const char *const links[][2] = { { "fd", "/proc/self/fd" },
		                                { "stdin", "/proc/self/fd/0" },
		                                { "stdout", "/proc/self/fd/1" },
		                                { "stderr", "/proc/self/fd/2" },
		                                { "ptmx", "pts/ptmx" } };
	struct spec_op shm = { .op = CAISSON_OP_TMPFS, .fd = -1, .b = 01777 };
	struct spec_op pts = { .op = CAISSON_OP_DEVPTS, .fd = -1 };
	struct spec_op dir = { .op = CAISSON_OP_DIR, .fd = -1, .b = 0755 };
	bool plain = in_own_root(ops, dst);
	char node[32];
	int rc = plain ? add_plain(ops, CAISSON_OP_DIR, dst, 0, 0755)
	               : add_plain(ops, CAISSON_OP_TMPFS, dst, MIB, 0755);

	for (size_t i = 0; rc == 0 && i < sizeof(nodes) / sizeof(nodes[0]); i++) {
		struct spec_op op = { .op = CAISSON_OP_DEVICE, .fd = -1, .source = node };

		snprintf(node, sizeof(node), "/dev/%s", nodes[i]);
		rc = add_below(ops, op, dst, nodes[i]);
	}
	for (size_t i = 0; rc == 0 && i < sizeof(links) / sizeof(links[0]); i++) {
		struct spec_op op = { .op = CAISSON_OP_SYMLINK, .fd = -1 };

		op.target = (char *)(uintptr_t)links[i][1];
		rc = add_below(ops, op, dst, links[i][0]);
	}
	shm.a = (uint64_t)sysconf(_SC_PHYS_PAGES) * (uint64_t)sysconf(_SC_PAGESIZE) / 2;
	rc = rc ? rc : add_below(ops, shm, dst, "shm");
	rc = rc ? rc : add_below(ops, pts, dst, "pts");
	rc = rc ? rc : add_below(ops, dir, dst, "mqueue"); /* for one to be mounted on */
	if (rc < 0 || plain)
		return rc;
	rc = add_plain(ops, CAISSON_OP_RDONLY, dst, 0, 0);
	if (rc == 0)
		ops->item[ops->n - 1].last = true; /* a spec may have more to put in it */
	return rc;
}

/*
 * What every user may read and tells of the host, and what nothing but root's
 * uid keeps others from: docs/properties.md has the reason of each. What a kernel
 * does not have costs nearly nothing.
 */
int root_proc(struct ops *ops, const char *dst, unsigned flags) {
	static const char *const masks[] = {
		"keys",  "key-users",     "interrupts", "sched_debug", "latency_stats",
		"kcore", "sysrq-trigger", "timer_list", "irq",         "bus",
		"fs",    "acpi",          "asound",     "scsi",        "driver/nvidia"
	};
	struct spec_op mask = { .op = CAISSON_OP_MASK, .fd = -1 };
	struct spec_op fixed = { .op = CAISSON_OP_RDONLY, .fd = -1 };
	struct spec_op proc = { .op = CAISSON_OP_PROC, .fd = -1, .name = (char *)(uintptr_t)dst };
	int rc;

	proc.flags = (uint16_t)((flags & CAISSON_PROCFS_PIDS ? CAISSON_PROC_PIDS : 0) |
	                        (flags & CAISSON_PROCFS_HIDEPID ? CAISSON_PROC_HIDEPID : 0));
	rc = ops_add(ops, &proc);
	if (flags & (CAISSON_PROCFS_PIDS | CAISSON_PROCFS_WHOLE))
		return rc;
	for (size_t i = 0; rc == 0 && i < sizeof(masks) / sizeof(masks[0]); i++)
		rc = add_below(ops, mask, dst, masks[i]);
	/* A kernel without sysctls? It shows in our own, unless that is of processes only. */
	if (rc < 0 || (access("/proc/sys", F_OK) < 0 && access("/proc/stat", F_OK) == 0))
		return rc;
	return add_below(ops, fixed, dst, "sys");
}

int root_default(struct ops *ops, enum caisson_network network, bool proc) {
	static const char *const beside[] = {
		"/bin", "/sbin", "/lib", "/lib64", "/lib32", "/libx32"
	};
	static const char *const etc[] = { "/etc/ld.so.cache", "/etc/alternatives",
		                           "/etc/localtime",   "/etc/passwd",
		                           "/etc/group",       "/etc/nsswitch.conf" };
	static const char *const etc_net[] = { "/etc/resolv.conf", "/etc/hosts", "/etc/ssl",
		                               "/etc/ca-certificates" };
	int rc = add_bind(ops, "/usr");

	for (size_t i = 0; rc == 0 && i < sizeof(beside) / sizeof(beside[0]); i++)
		rc = add_beside_usr(ops, beside[i]);
	for (size_t i = 0; rc == 0 && i < sizeof(etc) / sizeof(etc[0]); i++)
		rc = add_bind(ops, etc[i]);
	if (network == CAISSON_NETWORK_HOST)
		for (size_t i = 0; rc == 0 && i < sizeof(etc_net) / sizeof(etc_net[0]); i++)
			rc = add_bind(ops, etc_net[i]);
	if (proc)
		rc = rc ? rc : root_proc(ops, "/proc", 0);
	rc = rc ? rc : root_dev(ops, "/dev");
	rc = rc ? rc : add_plain(ops, CAISSON_OP_TMPFS, "/tmp", 1024 * MIB, 01777);
	return rc ? rc : add_plain(ops, CAISSON_OP_TMPFS, "/run", 64 * MIB, 0755);
}
