/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The finished mount tree is judged as the kernel tells it, before anything of
 * the user's runs: what a granted tree brought along, every flag, every peer
 * group. Kernel file systems inside granted trees are covered; what cannot be
 * covered is refused.
 */
#include <errno.h>
#include <string.h>

#include "helper.h"
#include "sys.h"

#define MAX_MOUNTS 4096
#define ROUNDS 4

static struct {
	struct mount {
		int id, parent;
		const char *point;
		bool bad;
	} mount[MAX_MOUNTS];
	char points[1u << 20];
	size_t used;
	unsigned n, bare;
} tree;

static _Noreturn void refuse(int error, uint32_t detail)
{
	fail(CAISSON_STAGE_JUDGE, error, CAISSON_KNOB_SOURCE_FS, CAISSON_NO_RECORD, detail);
}

static void list(int proc, const struct built *built)
{
	static struct mount_reader reader;
	static struct mount_line line;
	int rc = mounts_open(&reader, proc);

	tree.n = tree.bare = 0;
	tree.used = 0;
	while (rc >= 0 && (rc = mounts_next(&reader, &line)) > 0) {
		size_t len = strlen(line.point) + 1;
		struct mount *m = &tree.mount[tree.n];

		if (line.cut || tree.n + 1 >= MAX_MOUNTS || len > sizeof(tree.points) - tree.used)
			refuse(E2BIG, tree.n);
		if (!line.nosuid || line.peers)
			refuse(EPERM, tree.n);
		tree.bare += !line.nodev;
		m->id = line.id;
		m->parent = line.parent;
		m->point = memcpy(tree.points + tree.used, line.point, len);
		m->bad = policy_kernel_fs(line.fstype) && line.id != built->proc &&
		         line.id != built->devpts;
		tree.used += len;
		tree.n++;
	}
	if (rc < 0)
		fail(CAISSON_STAGE_JUDGE, rc, CAISSON_KNOB_PROC, CAISSON_NO_RECORD, 0);
	close(reader.fd);
}

/* Is something else than `but` mounted on the very root of m? Then nothing of m can be reached. */
static bool covered(const struct mount *m, const struct mount *but)
{
	for (unsigned i = 0; i < tree.n; i++) {
		const struct mount *c = &tree.mount[i];

		if (c != but && c->parent == m->id && !strcmp(c->point, m->point))
			return true;
	}
	return false;
}

static const struct mount *parent_of(const struct mount *m)
{
	for (unsigned i = 0; i < tree.n; i++)
		if (tree.mount[i].id == m->parent)
			return &tree.mount[i];
	return NULL;
}

/*
 * Covered itself, or below a mount that is. Judged by the structure alone: the
 * paths leading here may be renamed from outside while this runs, so that a
 * path that "resolves elsewhere" proves nothing.
 */
static bool hidden(const struct mount *m)
{
	const struct mount *child = NULL;

	for (unsigned depth = 0; m && depth < MAX_MOUNTS; depth++) {
		if (covered(m, child))
			return true;
		child = m;
		m = parent_of(m);
	}
	return false;
}

/* An empty tmpfs over it; the next round sees in mountinfo whether it landed on the root. */
static int cover(int proc, const struct mount *m)
{
	static const char *const none[][2] = { { "mode", "0555" }, { "size", "4k" }, { NULL, NULL } };
	int fd = sys_openat2(AT_FDCWD, m->point, O_PATH | O_DIRECTORY | O_CLOEXEC,
	                     SYS_RESOLVE_NO_SYMLINKS | SYS_RESOLVE_NO_MAGICLINKS);
	int mnt, rc = -ELOOP;

	if (fd < 0)
		return -errno;
	if (mount_id(proc, fd) == m->id) {
		mnt = new_fs("tmpfs", none, SYS_MOUNT_ATTR_RDONLY | SYS_MOUNT_ATTR_NODEV |
		                                    SYS_MOUNT_ATTR_NOEXEC);
		rc = mnt < 0 ? mnt : sys_move_mount(mnt, fd, "", SYS_MOVE_MOUNT_T_EMPTY_PATH);
		if (mnt >= 0)
			close(mnt);
	}
	close(fd);
	return rc;
}

void judge_tree(int proc, struct built *built)
{
	for (int round = 0; round < ROUNDS; round++) {
		unsigned exposed = 0;

		list(proc, built);
		for (unsigned i = 0; i < tree.n; i++) {
			if (!tree.mount[i].bad || hidden(&tree.mount[i]))
				continue;
			int rc = cover(proc, &tree.mount[i]);

			if (rc < 0)
				refuse(rc, i);
			exposed++;
		}
		if (exposed == 0) {
			if (tree.bare != built->bare_devices)
				refuse(EPERM, tree.bare);
			built->mounts = tree.n;
			return;
		}
		built->covered += exposed;
	}
	refuse(ELOOP, 0);
}
