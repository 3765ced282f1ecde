/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define _GNU_SOURCE
#include "process.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#ifndef SYS_pidfd_send_signal
#define SYS_pidfd_send_signal 424
#endif
#ifndef P_PIDFD
#define P_PIDFD 3
#endif

/* As caisson-init tells them apart, by how it was opened: a pidfd is always O_RDWR. */
static bool is_stat(int process) {
	return (fcntl(process, F_GETFL) & O_ACCMODE) == O_RDONLY;
}

int process_open(pid_t child) {
	char path[40];
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/stat", child);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 && errno == ENOENT) /* ended, and reaped by a host that reaps every child */
		fd = open("/dev/null", O_RDWR | O_CLOEXEC); /* no stat, and readable as if ended */
	/* cppcheck-suppress resourceLeak */
	return fd < 0 ? -errno : fd;
}

int process_pollable(int process) {
	return process >= 0 && is_stat(process) ? -1 : process;
}

/* "pid (comm) state ...", of which comm may be anything; the state in *state, 'X' if it is gone. */
static pid_t read_stat(int process, char *state) {
	char text[256];
	ssize_t n = pread(process, text, sizeof(text) - 1, 0);
	const char *end;

	text[n < 0 ? 0 : n] = '\0';
	end = strrchr(text, ')');
	*state = end && end[1] ? end[2] : 'X';
	return n > 0 ? (pid_t)strtol(text, NULL, 10) : -1;
}

pid_t process_pid(int process) {
	char path[48], line[64], state;
	int pid = -1;
	FILE *f;

	if (is_stat(process))
		return read_stat(process, &state);
	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", process);
	f = fopen(path, "re");
	if (!f)
		return -1;
	while (fgets(line, sizeof(line), f))
		if (!strncmp(line, "Pid:", 4))
			pid = (int)strtol(line + 4, NULL, 10);
	fclose(f);
	return pid;
}

bool process_ended(int process) {
	struct pollfd p = { .fd = process, .events = POLLIN };
	char state;

	if (!is_stat(process))
		return poll(&p, 1, 0) > 0;
	read_stat(process, &state);
	return state == 'Z' || state == 'X';
}

int process_wait(int process, int *status) {
	siginfo_t info = { .si_pid = 0 };
	bool stat = is_stat(process);
	id_t id = stat ? (id_t)process_pid(process) : (id_t)process;
	int rc;

	if (stat && id == (id_t)-1)
		return -ECHILD;
	do
		rc = waitid(stat ? P_PID : (idtype_t)P_PIDFD, id, &info, WEXITED);
	while (rc < 0 && errno == EINTR);
	if (rc < 0)
		return -errno; /* a host that reaps every child was there first */
	if (info.si_code == CLD_EXITED)
		*status = (info.si_status & 0xff) << 8;
	else
		*status = info.si_status & 0x7f;
	return 0;
}

int process_kill(int process) {
	if (is_stat(process))
		return process_ended(process) ? -ESRCH : -EPERM;
	return syscall(SYS_pidfd_send_signal, process, SIGKILL, NULL, 0) < 0 ? -errno : 0;
}
