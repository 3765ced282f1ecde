/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A pid that is given to another process before maps are written by it:
 * CVE-2013-4288, CVE-2018-1116, CVE-2019-6133 and their kind. The caller freezes
 * one half, kills and reaps the other, makes a process with the same number, in
 * a user namespace that has no map yet, and lets the first half go on; or it
 * kills as early as it can and races.
 *
 * Root makes the pid namespace and stays in it to choose the next pid, which
 * an attacker would get by forking until the numbers come round.
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "hostile.h"
#include "tests/lib/tap.h"

#define ROUNDS 80
#define LAST_PID "/proc/sys/kernel/ns_last_pid"

/* ------------------------------------------------------------------------ as root */

/* For each number that is asked for: the next process gets it. */
static _Noreturn void choose(int socket) {
	int next, fd = open(LAST_PID, O_WRONLY | O_CLOEXEC);
	char text[24];

	while (recv(socket, &next, sizeof(next), 0) == sizeof(next)) {
		snprintf(text, sizeof(text), "%d", next - 1);
		next = pwrite(fd, text, strlen(text), 0) < 0 ? -1 : next;
		send(socket, &next, sizeof(next), 0);
	}
	_exit(0);
}

/* The first process of the namespace; ends it when it ends. */
static int first(char *const *cmd) {
	int sv[2];
	pid_t pid;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (mount("proc", "/proc", "proc", 0, NULL) < 0)
		scene_skip("a procfs of its own");
	if (access(LAST_PID, W_OK) < 0)
		scene_skip(LAST_PID);
	if (socketpair(AF_UNIX, SOCK_SEQPACKET, 0, sv) < 0 || (pid = fork()) < 0)
		scene_skip("fork");
	if (pid == 0) {
		close(sv[1]);
		choose(sv[0]);
	}
	close(sv[0]);
	scene_pass("CAISSON_CHOOSE_PID", fcntl(sv[1], F_DUPFD, 300));
	close(sv[1]);
	return scene_run(cmd);
}

static int set_scene(char *const *cmd) {
	pid_t pid;
	int status;

	scene_mounts();
	scene_pids();
	pid = fork();
	if (pid < 0)
		scene_skip("fork");
	if (pid == 0)
		exit(first(cmd));
	waitpid(pid, &status, 0);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}

/* ------------------------------------------------------------------ as the test user */

static struct { unsigned frozen, killed, too_early, reused, mapped; } seen;

static bool next_pid(pid_t pid) {
	int chooser = (int)scene_number("CAISSON_CHOOSE_PID");

	return send(chooser, &pid, sizeof(pid), MSG_NOSIGNAL) == sizeof(pid) &&
	       recv(chooser, &pid, sizeof(pid), 0) == sizeof(pid) && pid > 0;
}

/* A process of that number in a user namespace without maps, or -1. */
static pid_t victim(pid_t pid) {
	pid_t got;

	if (!next_pid(pid))
		return -1;
	got = (pid_t)syscall(SYS_clone, CLONE_NEWUSER | SIGCHLD, NULL, NULL, NULL, NULL);
	if (got == 0)
		for (;;)
			pause();
	if (got > 0 && got != pid) {
		kill(got, SIGKILL);
		waitpid(got, NULL, 0);
		return -1;
	}
	seen.reused += got == pid;
	return got;
}

static bool has_map(pid_t pid) {
	static const char *const names[] = { "uid_map", "gid_map", "setgroups" };
	bool mapped = false;
	char path[64], text[64];

	for (unsigned i = 0; i < 3; i++) {
		ssize_t n;
		int fd;

		snprintf(path, sizeof(path), "/proc/%d/%s", pid, names[i]);
		fd = open(path, O_RDONLY | O_CLOEXEC);
		n = fd < 0 ? 0 : read(fd, text, sizeof(text));
		mapped |= i < 2 ? n > 0 : n > 0 && !strncmp(text, "deny", 4);
		if (fd >= 0)
			close(fd);
	}
	return mapped;
}

static bool kill_and_reap(pid_t pid) {
	return kill(pid, SIGKILL) == 0 && waitpid(pid, NULL, __WALL) == pid;
}

/* Whose pid is used again: the child's, with the helper frozen or in a race; or the helper's. */
enum whose { CHILD_CALMLY, CHILD_EARLY, HELPER };

/* The one that is to notice nothing is frozen, if its ids allow it; the other one is killed. */
static bool strike(struct raw_box *box, pid_t child, enum whose whose, bool *frozen) {
	static unsigned turn;
	int64_t until = raw_now_ms() + 100;
	pid_t dies = whose == HELPER ? box->helper : child;
	pid_t sleeps = whose == HELPER ? child : box->helper;
	bool gone = false;

	if (whose != CHILD_EARLY) {
		/* At once, where the helper gives the child away; or some time later. */
		usleep(++turn % 2 ? 0 : turn * 37 % 2000);
		*frozen = kill(sleeps, SIGSTOP) == 0;
		usleep(*frozen ? 10000 : 0); /* the other says its part meanwhile, and waits */
		return kill_and_reap(dies);
	}
	while (!gone && !raw_ready(box, 0) && raw_now_ms() < until)
		gone = kill_and_reap(child);
	return gone;
}

static void one(const struct raw_plan *plan, enum whose whose) {
	bool frozen = false, gone;
	struct raw_box box;
	pid_t child, other = -1;

	raw_launch(&box, plan, &RAW_HOW);
	child = hostile_cloned(&box, 20000);
	if (child < 0) {
		tap_ok(false, "the child is handed over: %s", raw_text(&box));
		raw_end(&box);
		return;
	}
	gone = strike(&box, child, whose, &frozen);
	seen.frozen += frozen;
	seen.killed += gone;
	seen.too_early += gone && frozen;
	if (gone)
		other = victim(whose == HELPER ? box.helper : child);
	if (frozen)
		kill(whose == HELPER ? child : box.helper, SIGCONT);
	if (gone && whose == HELPER) {
		box.reaped = true;
	} else if (gone) {
		close(box.pidfd);
		box.pidfd = -1;
	}
	if (whose == HELPER)
		hostile_gone(box.pidfd, gone ? 2000 : 0);
	hostile_answer(&box);
	if (other > 0) {
		seen.mapped += has_map(other);
		kill(other, SIGKILL);
		waitpid(other, NULL, 0);
	}
	if (!raw_end(&box))
		tap_ok(false, "it ends");
}

static void try_all(const struct raw_plan *plan, enum whose whose, const char *what) {
	unsigned rounds = raw_rounds(ROUNDS);

	memset(&seen, 0, sizeof(seen));
	for (unsigned i = 0; i < rounds; i++)
		one(plan, whose);
	tap_ok(seen.too_early == 0,
	       "%s: %u times; with the other frozen (%u were) it dies %u times", what, rounds,
	       seen.frozen, seen.too_early);
	tap_ok(seen.mapped == 0,
	       "%s: killed %u times, its pid used again %u times: %u foreign processes got its "
	       "maps",
	       what, seen.killed, seen.reused, seen.mapped);
}

/* Without an attack: is the number that was chosen the one that comes, and has it no map? */
static bool can_reuse(void) {
	pid_t pid = fork(), other;
	bool good;

	if (pid == 0)
		_exit(0);
	waitpid(pid, NULL, 0);
	other = victim(pid);
	good = other == pid && !has_map(other);
	if (other > 0) {
		kill(other, SIGKILL);
		waitpid(other, NULL, 0);
	}
	return good;
}

int main(int argc, char **argv) {
	struct raw_plan *plan;

	if (scene_wanted(argc, argv))
		return set_scene(argv + 2);
	if (scene_number("CAISSON_CHOOSE_PID") < 0)
		return tap_skip_all("it takes root to choose pids first: --foreign");
	raw_watch();
	if (!can_reuse()) {
		tap_skip("a pid that is used again", "no user namespace, or no choice of a pid");
		return tap_done();
	}
	/* With the host's network: nothing else is asked of the helper once it has done its part. */
	plan = raw_bare(CAISSON_USERNS_REQUIRED);
	memmove(&plan->record[2], &plan->record[1],
	        (plan->head.records++ - 1) * sizeof(plan->record[0]));
	plan->record[1] = (struct caisson_plan_record){ .op = CAISSON_OP_NET,
		                                        .fd = -1,
		                                        .a = CAISSON_NET_HOST };
	try_all(plan, CHILD_CALMLY, "the child's pid");
	try_all(plan, HELPER, "the helper's pid");
	try_all(plan, CHILD_EARLY, "the child's pid, in a race");
	tap_note("in the race it dies after it has its maps: that is what should be seen");
	raw_free(plan);
	raw_nothing_left("at the end");
	return tap_done();
}
