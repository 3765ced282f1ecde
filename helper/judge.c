/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The finished mount tree is judged as the kernel tells it, before anything of
 * the user's runs: what a granted tree brought along, every flag, every peer
 * group. Kernel file systems inside granted trees are covered; what cannot be
 * covered is refused.
 */
#include "helper.h"

#define ROUNDS 64 /* one cover each, since it may hide what else would need one */

/* Is something else than `but` mounted on the very root of m? Then nothing of m can be reached. */
static bool covered(const struct mount *m, const struct mount *but) {
	for (const struct mount *c = mounts.mount; c < mounts.mount + mounts.n; c++)
		if (c != but && c->parent == m->id && !strcmp(c->point, m->point))
			return true;
	return false;
}

/*
 * Covered itself, or below a mount that is; the root does not count, since a
 * path starts below whatever is mounted on it. Judged by the structure alone:
 * the paths leading here may be renamed from outside while this runs, so that
 * a path that "resolves elsewhere" proves nothing.
 */
static bool hidden(const struct mount *m) {
	const struct mount *child = NULL, *p, *end = mounts.mount + mounts.n;

	for (unsigned depth = 0; depth < MAX_MOUNTS; depth++, child = m, m = p) {
		for (p = mounts.mount; p < end && p->id != m->parent; p++)
			;
		if (p == end) /* m is the root */
			return false;
		if (covered(m, child))
			return true;
	}
	return false;
}

/* An empty tmpfs over it; the next round sees in mountinfo whether it landed on the root. */
static void cover(const struct mount *m) {
	int fd = sys_openat2(AT_FDCWD, m->point, O_PATH | O_DIRECTORY,
	                     RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS);
	int mnt = new_fs("tmpfs", MS_RDONLY | MS_NODEV | MS_NOEXEC, "mode=0555,size=4k");

	need(fd >= 0 && mount_id(fd) == m->id && sys_move_mount(mnt, fd, "") == 0, SOURCE_FS,
	     (uint32_t)(m - mounts.mount));
	close(mnt);
	close(fd);
	at.covered++;
}

/* False if something had to be covered, so that everything is to be read again. */
static bool judge_once(int proc, uint64_t max) {
	const struct mount *exposed = NULL;
	unsigned devices = 0;

	mounts_read(proc);
	errno = E2BIG;
	need(mounts.n <= max, POLICY, (uint32_t)max);
	errno = ENOSYS; /* as a tree, which takes mount_setattr() to make read-only */
	need(!OLD_KERNEL || mounts.n == root_mounts + at.covered, KERNEL, NR_mount_setattr);
	errno = EPERM;
	for (const struct mount *m = mounts.mount; m < mounts.mount + mounts.n; m++) {
		need(strstr(m->options, "nosuid") && !m->peers, SOURCE_FS, 0);
		devices += !strstr(m->options, "nodev");
		if (!exposed && policy_kernel_fs(m->fstype) && !root_made(m->dev) && !hidden(m))
			exposed = m;
	}
	at.mounts = mounts.n;
	need(devices == root_devices, SOURCE_TYPE, devices);
	if (exposed)
		cover(exposed);
	return !exposed;
}

void judge_tree(const struct box *box, int proc) {
	at.stage = CAISSON_STAGE_JUDGE;
	for (int round = 0; round < ROUNDS; round++)
		if (judge_once(proc, policy_max(box->policy, "mounts", MAX_MOUNTS)))
			return;
	fail(ELOOP, CAISSON_KNOB_SOURCE_FS, 0);
}
