/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the kernel says of mounts, and how new ones are made. The paths in
 * mountinfo were chosen by users; a line that is not understood is an error,
 * never skipped.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "helper.h"
#include "sys.h"

static size_t read_all(int dir, const char *name, char *text, size_t size)
{
	int fd = openat(dir, name, O_RDONLY | O_CLOEXEC);
	size_t have = 0;
	ssize_t n = -1;

	while (fd >= 0 && have < size && (n = read(fd, text + have, size - have)) > 0)
		have += (size_t)n;
	need(n == 0, PROC, 0);
	close(fd);
	text[have] = '\0'; /* have < size: the end was read */
	return have;
}

/* \ooo, in place */
static char *unescape(char *text)
{
	char *to = text;

	for (const char *from = text; *from; to++)
		if (from[0] == '\\' && from[1] && from[2] && from[3]) {
			*to = (char)((from[1] - '0') * 64 + (from[2] - '0') * 8 + from[3] - '0');
			from += 4;
		} else {
			*to = *from++;
		}
	*to = '\0';
	return text;
}

/* "id parent major:minor root point options [shared:N] [master:N] ... - fstype source more" */
static bool parse(char *line, struct mount *m)
{
	char *field[6] = { NULL };

	for (int i = 0; i < 6; i++)
		if (!(field[i] = strsep(&line, " ")))
			return false;
	m->id = (int)strtol(field[0], NULL, 10);
	m->parent = (int)strtol(field[1], NULL, 10);
	m->point = unescape(field[4]);
	m->options = field[5];
	for (m->peers = false; (field[0] = strsep(&line, " ")) && strcmp(field[0], "-") != 0;)
		m->peers |= !strncmp(field[0], "shared:", 7) || !strncmp(field[0], "master:", 7);
	m->fstype = strsep(&line, " ");
	return m->id > 0 && m->fstype;
}

struct mounts mounts;

void mounts_read(int proc)
{
	char *rest = mounts.text;

	read_all(proc, "self/mountinfo", rest, sizeof(mounts.text));
	errno = E2BIG;
	for (mounts.n = 0; rest && *rest; mounts.n++)
		need(mounts.n < sizeof(mounts.mount) / sizeof(mounts.mount[0]) &&
		             parse(strsep(&rest, "\n"), &mounts.mount[mounts.n]),
		     PROC, mounts.n);
}

int mount_id(int proc, int fd)
{
	char name[32], text[4096];
	const char *found;

	snprintf(name, sizeof(name), "self/fdinfo/%d", fd);
	read_all(proc, name, text, sizeof(text));
	found = strstr(text, "mnt_id:");
	return found ? (int)strtol(found + 7, NULL, 10) : 0;
}

int new_fs(const char *type, unsigned attr, const char *options)
{
	char text[128], *rest = text;
	int fs = (int)syscall(NR_fsopen, type, SYS_FS_CLOEXEC);
	int mnt;

	need(fs >= 0, KERNEL, NR_fsopen);
	snprintf(text, sizeof(text), "%s", options);
	while (rest && *rest) {
		char *value = strsep(&rest, ","), *key = strsep(&value, "=");

		need(sys_fsconfig(fs, key, value) == 0, NONE, 0);
	}
	need(sys_fsconfig(fs, NULL, NULL) == 0, CAPABILITY, CAP_SYS_ADMIN);
	mnt = (int)syscall(NR_fsmount, fs, SYS_FS_CLOEXEC, attr | SYS_MOUNT_ATTR_NOSUID);
	need(mnt >= 0, PROC, 0); /* of the three, only procfs may be refused */
	close(fs);
	return mnt;
}
