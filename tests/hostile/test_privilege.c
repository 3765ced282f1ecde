/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the kernel tells the caller of a sandbox from outside: which capabilities
 * build it, whose user namespace it is in, which ids are mapped there, and that
 * nothing of the caller's is held on to.
 */
#include <ctype.h>
#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#include "caisson-caps.h"
#include "tests/lib/raw.h"
#include "tests/lib/tap.h"

#define NS_OWNER_UID 0xb704 /* _IO(NSIO, 0x4) */
#define ROUNDS 20

/* All of /proc/PID/NAME; empty if it is gone. */
static const char *read_proc(pid_t pid, const char *name) {
	static char text[4096];
	char path[64];
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/%s", pid, name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	n = fd < 0 ? 0 : read(fd, text, sizeof(text) - 1);
	text[n > 0 ? n : 0] = '\0';
	if (fd >= 0)
		close(fd);
	return text;
}

static unsigned long long status_field(pid_t pid, const char *field, int base) {
	const char *at = strstr(read_proc(pid, "status"), field);

	return at ? strtoull(at + strlen(field), NULL, base) : 0;
}

/* A process that ended keeps what it had until it is waited for. */
static bool lives(pid_t pid) {
	const char *at = strstr(read_proc(pid, "status"), "\nState:\t");

	return at && at[8] != 'Z' && at[8] != 'X';
}

static pid_t child_of(pid_t parent) {
	DIR *dir = opendir("/proc");
	struct dirent *e;
	pid_t found = -1;

	while (dir && found < 0 && (e = readdir(dir)))
		if (isdigit((unsigned char)e->d_name[0]) &&
		    status_field(atoi(e->d_name), "\nPPid:", 10) == (unsigned long long)parent)
			found = atoi(e->d_name);
	if (dir)
		closedir(dir);
	return found;
}

/* ------------------------------------------------------------------ capabilities */

/* One that takes a while to build. */
static struct raw_plan *slow_plan(void) {
	struct raw_plan *plan = raw_bare(CAISSON_USERNS_NONE);
	char path[16];

	for (int i = 0; i < 300; i++) {
		snprintf(path, sizeof(path), "/d%d", i);
		raw_add(plan, CAISSON_OP_TMPFS, path, 4096, 0700);
	}
	return plan;
}

/* What it can do from the moment on when it has told of its child. The set before is exec's. */
static void try_caps(void) {
	struct raw_plan *plan = slow_plan();
	unsigned long long all = 0;

	for (unsigned i = 0; i < raw_rounds(ROUNDS); i++) {
		struct raw_box box;

		raw_launch(&box, plan, &RAW_HOW);
		if (!raw_ready(&box, 20000))
			raw_bail("the helper says nothing");
		while (lives(box.helper)) {
			all |= status_field(box.helper, "\nCapPrm:", 16) |
			       status_field(box.helper, "\nCapEff:", 16);
		}
		raw_answer(&box);
		if (!raw_built(&box))
			tap_ok(false, "it is built: %s", raw_text(&box));
		raw_end(&box);
	}
	raw_free(plan);
	if (!all && raw_selinux()) {
		tap_skip("the helper's capabilities", "SELinux lets the caller not look at them");
		return;
	}
	tap_ok(all && !(all & ~(unsigned long long)CAISSON_HELPER_CAPS),
	       "the helper has the capabilities that it needs, and no others: %llx of %llx", all,
	       (unsigned long long)CAISSON_HELPER_CAPS);
}

/* ------------------------------------------------------------ standard descriptors */

static void use_pipe(void *arg) {
	for (int fd = 0; fd < 3; fd++)
		if (dup2(*(int *)arg, fd) < 0)
			_exit(97);
}

/* Who waits for the end of what the caller wrote hears of it, though the sandbox lives. */
static void try_held(void) {
	struct raw_plan *plan = raw_bare(CAISSON_USERNS_AUTO);
	struct raw_how how = RAW_HOW;
	struct raw_box box;
	struct pollfd end;
	int low[2], fds[2];

	/* Far above the numbers that the helper is to find its descriptors at. */
	if (pipe2(low, O_CLOEXEC) < 0 || (fds[0] = fcntl(low[0], F_DUPFD_CLOEXEC, 200)) < 0 ||
	    (fds[1] = fcntl(low[1], F_DUPFD_CLOEXEC, 200)) < 0)
		raw_bail("pipe2");
	close(low[0]);
	close(low[1]);
	how.before_exec = use_pipe;
	how.arg = &fds[1];
	how.keep_fds = true; /* all are CLOEXEC */
	raw_build(&box, plan, &how);
	close(fds[1]);
	end = (struct pollfd){ .fd = fds[0], .events = POLLIN };
	tap_ok(raw_built(&box) && poll(&end, 1, 2000) == 1 && end.revents == POLLHUP,
	       "the helper's standard descriptors are nobody's once it is built: %s",
	       raw_text(&box));
	close(fds[0]);
	raw_end(&box);
	raw_free(plan);
}

/* ------------------------------------------------------------------ user namespace */

/* "inside outside 1", and nothing else */
static bool maps_one(pid_t pid, const char *file, unsigned inside, unsigned outside) {
	unsigned got[3] = { 0 };
	const char *text = read_proc(pid, file);

	return sscanf(text, "%u %u %u", &got[0], &got[1], &got[2]) == 3 && got[0] == inside &&
	       got[1] == outside && got[2] == 1 && strchr(text, '\n') == text + strlen(text) - 1;
}

/*
 * The owner of a user namespace has every capability in it, for ever: it could
 * enter it, and trace what runs there. It must not be the caller.
 */
static void try_owner(pid_t pid, const char *what) {
	char path[64];
	uid_t owner = 0;
	bool told, traced;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/ns/user", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	told = fd >= 0 && ioctl(fd, NS_OWNER_UID, &owner) == 0;
	tap_ok(!told, "%s: its user namespace is not to be had (owner %u)", what, owner);
	if (fd >= 0)
		close(fd);
	traced = ptrace(PTRACE_SEIZE, pid, NULL, NULL) == 0;
	tap_ok(!traced, "%s: nor can what runs in it be traced by its user", what);
	if (traced) {
		ptrace(PTRACE_INTERRUPT, pid, NULL, NULL);
		waitpid(pid, NULL, __WALL);
		ptrace(PTRACE_DETACH, pid, NULL, NULL);
	}
}

static void try_userns(const char *what, unsigned uid, unsigned gid) {
	static const char *const argv[] = { "/t/inside", "sleep", NULL };
	struct raw_plan *plan = raw_bare(CAISSON_USERNS_REQUIRED);
	struct caisson_answer answer = { 0 };
	struct raw_box box;
	pid_t pid;

	memmove(&plan->record[2], &plan->record[1],
	        (plan->head.records++ - 1) * sizeof(plan->record[0]));
	plan->record[1] =
		(struct caisson_plan_record){ .op = CAISSON_OP_IDS, .fd = -1, .a = uid, .b = gid };
	raw_build(&box, plan, &RAW_HOW);
	if (box.answered && box.answer.kind == CAISSON_ANSWER_FAILED &&
	    box.answer.stage == CAISSON_STAGE_USERNS) {
		tap_skip(what, "root may not make a user namespace here");
	} else if (tap_ok(raw_built(&box) && raw_start(&box, argv, -1, NULL, 0, 0) == 0 &&
	                          raw_next(&box, &answer, 20000) &&
	                          answer.kind == CAISSON_ANSWER_RUNNING,
	                  "%s: it runs: %s", what, raw_text(&box))) {
		pid = child_of(raw_init_pid(&box));
		tap_ok(pid > 0 && maps_one(pid, "uid_map", uid, getuid()) &&
		               maps_one(pid, "gid_map", gid, getgid()),
		       "%s: one uid and one gid are mapped, the caller's own", what);
		tap_ok(!strcmp(read_proc(pid, "setgroups"), "deny\n"),
		       "%s: no group can ever be left in there", what);
		try_owner(pid, what);
	}
	raw_end(&box);
	raw_free(plan);
}

int main(void) {
	raw_watch();
	try_caps();
	try_held();
	try_userns("as oneself", getuid(), getgid());
	try_userns("as user 0 inside", 0, 0);
	raw_nothing_left("at the end");
	return tap_done();
}
