/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the kernel says of mounts, and how new ones are made. The paths in
 * mountinfo were chosen by users; a line that is not understood is an error,
 * never skipped.
 */
#include "helper.h"

ssize_t read_text(int dir, const char *name) {
	int fd = openat(dir, name, O_RDONLY | O_CLOEXEC);
	size_t have = 0;
	ssize_t n = -1;

	while (fd >= 0 && have < sizeof(mounts.text) &&
	       (n = read(fd, mounts.text + have, sizeof(mounts.text) - have)) > 0)
		have += (size_t)n;
	if (fd >= 0)
		close(fd);
	if (n != 0) /* have == size: the end was not read */
		return -1;
	mounts.text[have] = '\0';
	return (ssize_t)have;
}

/* "id parent major:minor root point options [shared:N] [master:N] ... - fstype source more" */
static bool parse(char *line, struct mount *m) {
	char *field[6] = { NULL };

	for (int i = 0; i < 6; i++)
		if (!(field[i] = strsep(&line, " ")))
			return false;
	m->id = (int)strtol(field[0], NULL, 10);
	m->parent = (int)strtol(field[1], NULL, 10);
	m->dev[0] = (uint32_t)strtoul(field[2], &field[2], 10);
	m->dev[1] = (uint32_t)strtoul(field[2] + (*field[2] == ':'), NULL, 10);
	m->point = field[4];
	m->options = field[5];
	for (m->peers = false; (field[0] = strsep(&line, " ")) && strcmp(field[0], "-") != 0;)
		m->peers |= !strncmp(field[0], "shared:", 7) || !strncmp(field[0], "master:", 7);
	m->fstype = strsep(&line, " ");
	return m->id > 0 && m->fstype;
}

struct mounts mounts;

void mounts_read(int proc) {
	char *rest = mounts.text;

	need(read_text(proc, "self/mountinfo") >= 0, PROC, 0);
	errno = E2BIG;
	for (mounts.n = 0; rest && *rest; mounts.n++)
		need(mounts.n < sizeof(mounts.mount) / sizeof(mounts.mount[0]) &&
		             parse(strsep(&rest, "\n"), &mounts.mount[mounts.n]),
		     PROC, mounts.n);
}

int mount_id(int fd) {
	struct sys_stat st = sys_peek(fd);
	struct file_handle none = { 0 }; /* too small, but the id is told nevertheless */
	int id = 0;

	if (!st.mount) /* FUSE: not even root may ask what it is */
		name_to_handle_at(fd, "", &none, &id, AT_EMPTY_PATH);
	return st.mount ? (int)st.mount : id;
}

int new_fs(const char *type, unsigned attr, const char *options) {
	int fs = must(sys(NR_fsopen, type, 1 /* CLOEXEC */)), mnt;
	char text[128], *rest = text;

	snprintf(text, sizeof(text), "%s", options);
	while (rest && *rest) {
		char *value = strsep(&rest, ","), *key = strsep(&value, "=");

		must(sys(NR_fsconfig, fs, 1 /* SET_STRING */, key, value, 0));
	}
	must(sys(NR_fsconfig, fs, 6 /* CMD_CREATE */, NULL, NULL, 0));
	mnt = (int)sys(NR_fsmount, fs, 1 /* CLOEXEC */, attr | MS_NOSUID);
	need(mnt >= 0, PROC, 0); /* of them all, only procfs may be refused */
	close(fs);
	return mnt;
}

void set_attr(int proc, int fd, int recursive, uint64_t attr) {
	const struct mount *m = mounts.mount;
	char name[24];
	int fsuid;

	if (!OLD_KERNEL) {
		must(sys_mount_setattr(fd, recursive, attr, MS_PRIVATE, 0));
		return;
	}
	/* The descriptors of a process that is not dumpable are root's to use. */
	fsuid = setfsuid(0);
	mounts_read(proc);
	while (m < mounts.mount + mounts.n && m->id != mount_id(fd))
		m++;
	need(m < mounts.mount + mounts.n, SOURCE_MOUNT, 0);
	/* Flags that are not repeated would be cleared; its file system is not asked for them. */
	attr |= MS_NOSUID | (strstr(m->options, "nodev") ? MS_NODEV : 0u) |
	        (strncmp(m->options, "ro", 2) ? 0u : MS_RDONLY) |
	        (strstr(m->options, "noexec") ? MS_NOEXEC : 0u) |
	        (strstr(m->options, "nosymfollow") ? 256u : 0u); /* MS_NOSYMFOLLOW */
	snprintf(name, sizeof(name), "self/fd/%d", fd);
	must(fchdir(proc)); /* there is no path to it but this one; "/" is next in root_build() */
	must(mount(NULL, name, NULL, MS_REC | MS_PRIVATE, NULL));
	must(mount(NULL, name, NULL, MS_REMOUNT | MS_BIND | attr, NULL));
	setfsuid((uid_t)fsuid);
	must(prctl(PR_SET_DUMPABLE, 0));
}
