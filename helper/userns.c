/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The maps of a user namespace that this program made: one uid, one gid. */
#include "helper.h"

void write_file(int dir, const char *file, const char *text) {
	int fd = must(openat(dir, file, O_WRONLY | O_CLOEXEC));

	errno = EIO;
	need(write(fd, text, strlen(text)) == (ssize_t)strlen(text), DENIED, 0);
	close(fd);
}

void userns_map(int dir, struct ids inside, struct ids outside) {
	uid_t owner = (uid_t)-1;
	char uids[32], gids[32];
	int ns = must(openat(dir, "ns/user", O_RDONLY | O_CLOEXEC));

	/* Its owner may enter it at will and for ever: that must be root. Of our own: already mapped. */
	must(ioctl(ns, 0xb704 /* NS_GET_OWNER_UID */, &owner));
	errno = EPERM;
	need(owner == 0, PROC, owner);
	close(ns);
	snprintf(uids, sizeof(uids), "%u %u 1", inside.uid, outside.uid);
	snprintf(gids, sizeof(gids), "%u %u 1", inside.gid, outside.gid);
	write_file(dir, "setgroups", "deny"); /* before gid_map; afterwards it is refused */
	write_file(dir, "uid_map", uids);
	write_file(dir, "gid_map", gids);
}
