/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The caller tries to trace and to look into the helper and the sandbox's init
 * at every moment of their lives: CVE-2026-41163, CVE-2016-8659 (a setuid
 * sandbox that was dumpable for a moment).
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/lib/raw.h"
#include "tests/lib/tap.h"

#define ROUNDS 60

struct tally {
	unsigned long tries;
	unsigned traced, opened, listed, stolen, read;
	char last[64];
};

static void try_open(pid_t pid, const char *name, int flags, struct tally *t) {
	char path[64], text[16];
	struct stat st;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/%s", pid, name);
	fd = open(path, flags | O_CLOEXEC);
	t->tries++;
	if (fd < 0)
		return;
	/*
	 * environ, maps: opening is allowed by some kernels, reading is what counts. Linux 5.10
	 * answers a link of a namespace that it denies with the directory that the link is in.
	 */
	if ((flags & O_PATH && !(fstat(fd, &st) == 0 && S_ISDIR(st.st_mode) && name[0] == 'n')) ||
	    read(fd, text, sizeof(text)) > 0) {
		t->opened++;
		memcpy(t->last, path, sizeof(t->last));
	}
	close(fd);
}

static void try_link(pid_t pid, const char *name, struct tally *t) {
	char path[64], text[64];

	snprintf(path, sizeof(path), "/proc/%d/%s", pid, name);
	t->tries++;
	if (readlink(path, text, sizeof(text)) > 0) {
		t->read++;
		memcpy(t->last, path, sizeof(t->last));
	}
}

static void try_list(pid_t pid, struct tally *t) {
	char path[64];
	DIR *dir;

	snprintf(path, sizeof(path), "/proc/%d/fd", pid);
	dir = opendir(path);
	t->tries++;
	if (!dir)
		return;
	t->listed++;
	closedir(dir);
}

static void try_trace(pid_t pid, long how, struct tally *t) {
	int status;

	t->tries++;
	if (ptrace((int)how, pid, NULL, NULL) < 0)
		return;
	t->traced++;
	if (how == PTRACE_SEIZE)
		ptrace(PTRACE_INTERRUPT, pid, NULL, NULL);
	waitpid(pid, &status, __WALL);
	ptrace(PTRACE_DETACH, pid, NULL, NULL);
}

static void try_steal(pid_t pid, struct tally *t) {
	int pidfd = (int)syscall(434 /* pidfd_open */, pid, 0), fd;
	char byte;
	struct iovec local = { &byte, 1 }, remote = { (void *)0x400000, 1 };

	t->tries++;
	if (pidfd >= 0) {
		fd = (int)syscall(438 /* pidfd_getfd */, pidfd, CAISSON_FD_CONTROL, 0);
		t->stolen += fd >= 0;
		if (fd >= 0)
			close(fd);
		close(pidfd);
	}
	/* EFAULT would mean that only the address was wrong */
	t->stolen += process_vm_readv(pid, &local, 1, &remote, 1, 0) >= 0 || errno == EFAULT;
}

static void hammer(pid_t pid, struct tally *t) {
	static const char *const links[] = { "exe", "root", "cwd", "fd/3", "ns/mnt", "ns/user" };

	try_trace(pid, PTRACE_SEIZE, t);
	try_trace(pid, PTRACE_ATTACH, t);
	try_open(pid, "mem", O_RDWR, t);
	try_open(pid, "environ", O_RDONLY, t);
	try_open(pid, "maps", O_RDONLY, t);
	try_open(pid, "auxv", O_RDONLY, t);
	try_open(pid, "root", O_PATH, t);
	try_open(pid, "exe", O_PATH, t);
	try_open(pid, "ns/mnt", O_PATH, t);
	for (unsigned i = 0; i < sizeof(links) / sizeof(links[0]); i++)
		try_link(pid, links[i], t);
	try_list(pid, t);
	try_steal(pid, t);
}

/* Our children but for the helper: the sandbox's init, before anyone has told us of it. */
static pid_t find_init(pid_t helper) {
	char path[64], text[256] = "", *save = NULL;
	int fd;

	snprintf(path, sizeof(path), "/proc/self/task/%d/children", getpid());
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -1;
	if (read(fd, text, sizeof(text) - 1) < 0)
		text[0] = '\0';
	close(fd);
	for (char *at = strtok_r(text, " ", &save); at; at = strtok_r(NULL, " ", &save))
		if (atoi(at) != helper)
			return atoi(at);
	return -1;
}

/*
 * The exec closes it: before that the child is a copy of this program, ours to
 * trace. Far above the numbers that the helper is to find its descriptors at.
 */
static void make_pipe(int executed[2]) {
	int low[2];

	if (pipe2(low, O_CLOEXEC) < 0 || (executed[0] = fcntl(low[0], F_DUPFD_CLOEXEC, 200)) < 0 ||
	    (executed[1] = fcntl(low[1], F_DUPFD_CLOEXEC, 200)) < 0)
		raw_bail("pipe2");
	close(low[0]);
	close(low[1]);
}

static void one_round(enum caisson_userns mode, struct tally *helper, struct tally *init,
                      unsigned *seen) {
	static const char *const argv[] = { "/t/inside", "self", NULL };
	struct raw_plan *plan = raw_root(mode);
	struct raw_how how = RAW_HOW;
	struct pollfd answer;
	struct raw_box box;
	pid_t child = -1;
	int executed[2];
	char byte;

	make_pipe(executed);
	how.keep_fds = true; /* all are CLOEXEC */
	raw_launch(&box, plan, &how);
	close(executed[1]);
	if (read(executed[0], &byte, 1) != 0)
		raw_bail("exec");
	close(executed[0]);
	answer = (struct pollfd){ .fd = box.socket, .events = POLLIN };
	while (poll(&answer, 1, 0) == 0) {
		hammer(box.helper, helper);
		if (child < 0)
			child = find_init(box.helper);
		if (child > 0)
			hammer(child, init);
	}
	*seen += child > 0;
	raw_answer(&box);
	if (raw_built(&box)) {
		child = raw_init_pid(&box);
		hammer(child, init);
		raw_start(&box, argv, -1, NULL, 0, 0);
		for (int i = 0; i < 5; i++)
			hammer(child, init);
	} else {
		tap_ok(false, "a sandbox to look into: %s", raw_text(&box));
	}
	raw_end(&box);
	raw_free(plan);
}

static void report(const char *mode, const char *who, const struct tally *t) {
	tap_ok(t->tries > 0 && t->traced == 0, "%s: the %s cannot be traced (%lu tries, %u)", mode,
	       who, t->tries, t->traced);
	tap_ok(t->opened == 0 && t->read == 0 && t->listed == 0,
	       "%s: nothing of the %s's in /proc can be had (%u opened, %u read, %u listed%s%s)",
	       mode, who, t->opened, t->read, t->listed, t->last[0] ? ": " : "", t->last);
	tap_ok(t->stolen == 0, "%s: nothing is stolen from the %s (%u)", mode, who, t->stolen);
}

static void try_mode(enum caisson_userns mode, const char *name) {
	unsigned rounds = raw_rounds(ROUNDS), seen = 0;
	struct tally helper = { 0 }, init = { 0 };

	for (unsigned i = 0; i < rounds; i++)
		one_round(mode, &helper, &init, &seen);
	report(name, "helper", &helper);
	report(name, "init", &init);
	if (access("/proc/self/task", F_OK) == 0 && seen == 0)
		tap_skip("init during its making",
		         "this kernel does not list children, or was too quick");
	else
		tap_note("%s: init was found during its making in %u of %u rounds", name, seen,
		         rounds);
}

int main(void) {
	raw_watch();
	try_mode(CAISSON_USERNS_AUTO, "auto");
	try_mode(CAISSON_USERNS_NONE, "none");
	raw_nothing_left("at the end");
	return tap_done();
}
