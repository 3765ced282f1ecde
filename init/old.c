/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Kernels before 5.9, on which caisson-builder may have built. */
#include "init.h"

/*
 * Numbers are given from below, and this process never has as many open: 8 at first, a
 * message's, and as many again while they change places.
 */
#define MOST_FDS 4096

void close_from(int first) {
	if (sys(NR_close_range, first, ~0u, 0) == 0)
		return;
	must(errno == ENOSYS ? 0 : -1);
	for (int fd = first; fd < MOST_FDS; fd++)
		close(fd);
}

/* By how it was opened: a pidfd is always O_RDWR. To ask its file system SELinux may deny, and log. */
bool host_is_stat(void) {
	return (fcntl(CAISSON_FD_HOST, F_GETFL) & O_ACCMODE) == O_RDONLY;
}

/* "pid (comm) state ...", of which comm may be anything. With its first thread ended it is a zombie. */
bool host_is_gone(void) {
	char text[512], *field;
	ssize_t n = pread(CAISSON_FD_HOST, text, sizeof(text) - 1, 0);
	long threads = 0;

	text[n < 0 ? 0 : n] = '\0';
	field = strrchr(text, ')');
	if (!field || !field[1])
		return true;
	if (field[2] != 'Z' && field[2] != 'X')
		return false;
	for (int i = 0; i < 18 && field; i++) /* to num_threads */
		field = strchr(field + 1, ' ');
	if (field)
		threads = strtol(field, NULL, 10);
	return threads <= 1;
}
