/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * CVE-2026-41163: a set-up process that was dumpable, so that its user could
 * take it over and speak in its name to the half that still had privilege.
 *
 * The caller freezes the helper and the child with SIGSTOP wherever their ids
 * allow it, which is exactly where they might be traced, looks as long as it
 * likes, and lets them go on for some microseconds, until the sandbox is built.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <unistd.h>

#include "hostile.h"
#include "tests/lib/tap.h"

#define PHASE_MS 2500 /* as many rounds as fit */
#define ROUND_MS 150

struct seen {
	bool entering; /* it may not be the helper yet */
	unsigned frozen, dumpable, listed, traced, opened, stolen;
	char what[64];
};

/*
 * Every id change makes a process dumpable again where fs.suid_dumpable is 1,
 * until its next call. It is listed then, by the numbers of its descriptors; to
 * be traced it would have to have no more than the caller's ids and capabilities.
 */
static bool by_id_changes(void) {
	char value = '0';
	int fd = open("/proc/sys/fs/suid_dumpable", O_RDONLY | O_CLOEXEC);

	if (fd < 0 || read(fd, &value, 1) != 1)
		tap_note("fs.suid_dumpable cannot be read");
	if (fd >= 0)
		close(fd);
	return value == '1';
}

static void take_over(pid_t pid, struct seen *s) {
	int status;

	if (ptrace(PTRACE_SEIZE, pid, NULL, NULL) < 0)
		return;
	s->traced++;
	ptrace(PTRACE_INTERRUPT, pid, NULL, NULL);
	waitpid(pid, &status, __WALL);
	ptrace(PTRACE_DETACH, pid, NULL, NULL);
}

static void steal(pid_t pid, struct seen *s) {
	int pidfd = (int)syscall(434 /* pidfd_open */, pid, 0), fd;
	char byte;
	struct iovec local = { &byte, 1 }, remote = { (void *)0x400000, 1 };

	/* EFAULT would mean that only the address was wrong */
	s->stolen += process_vm_readv(pid, &local, 1, &remote, 1, 0) >= 0 || errno == EFAULT;
	if (pidfd < 0)
		return;
	fd = (int)syscall(438 /* pidfd_getfd */, pidfd, CAISSON_FD_CONTROL, 0);
	s->stolen += fd >= 0;
	if (fd >= 0)
		close(fd);
	close(pidfd);
}

/*
 * Has the exec given it the helper's ids? Before, in the kernel's own moment between
 * closing descriptors and changing ids, it is the caller's still, and nothing more.
 */
static bool entered(pid_t pid) {
	char path[64], text[1024] = "";
	unsigned real, effective, saved;
	const char *uids;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/status", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || read(fd, text, sizeof(text) - 1) < 0)
		text[0] = '\0';
	if (fd >= 0)
		close(fd);
	uids = strstr(text, "\nUid:");
	return uids && sscanf(uids, "\nUid: %u %u %u", &real, &effective, &saved) == 3 &&
	       saved == 0;
}

static void look(pid_t pid, struct seen *s) {
	static const struct {
		const char *name;
		int flags;
	} files[] = { { "fd", O_RDONLY | O_DIRECTORY },
		      { "mem", O_RDWR },
		      { "root", O_PATH },
		      { "exe", O_PATH },
		      { "cwd", O_PATH },
		      { "ns/mnt", O_PATH } };
	enum { NS_MNT = 5 };
	char path[64];
	struct statfs fs;
	struct stat st;

	if (s->entering && !entered(pid))
		return;
	/* What nobody but root may trace belongs to root in /proc, whatever its ids are. */
	snprintf(path, sizeof(path), "/proc/%d/status", pid);
	if (stat(path, &st) == 0 && st.st_uid == getuid())
		s->dumpable++;
	for (unsigned i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		snprintf(path, sizeof(path), "/proc/%d/%s", pid, files[i].name);
		int fd = open(path, files[i].flags | O_CLOEXEC);

		if (fd < 0)
			continue;
		/* Linux 5.10 answers with the directory that the refused link is in. */
		if (i == NS_MNT && fstatfs(fd, &fs) == 0 && fs.f_type == 0x9fa0 /* proc */) {
			close(fd);
			continue;
		}
		*(i ? &s->opened : &s->listed) += 1;
		memcpy(s->what, path, sizeof(s->what));
		close(fd);
	}
	take_over(pid, s);
	steal(pid, s);
}

/* From nothing to a tenth of a millisecond: how far it comes until it is frozen again. */
static void a_step(void) {
	static unsigned seed = 1;
	unsigned size;

	seed = seed * 1103515245u + 12345u;
	size = 1u << (seed >> 16) % 17;
	for (volatile unsigned i = (seed >> 8) % size; i > 0; i--)
		;
}

/* false: its ids do not allow it now, or it is gone. */
static bool freeze_and_look(pid_t pid, struct seen *s) {
	if (kill(pid, SIGSTOP) < 0)
		return false;
	s->frozen++;
	look(pid, s);
	kill(pid, SIGCONT);
	a_step();
	return true;
}

/* Refused at its last record, so that reading it takes long: the helper has the caller's ids meanwhile. */
static struct raw_plan *long_plan(void) {
	struct raw_plan *plan = raw_new();
	char name[200];

	memset(name, 'n', sizeof(name));
	name[0] = '/';
	name[sizeof(name) - 1] = '\0';
	for (unsigned i = 0; i < CAISSON_PLAN_MAX_RECORDS - 1; i++)
		raw_add(plan, CAISSON_OP_DIR, name, 0, 0755);
	raw_add(plan, 63, NULL, 0, 0);
	return plan;
}

static void launch_executed(struct raw_box *box, const struct raw_plan *plan) {
	struct raw_how how = RAW_HOW;
	int write_end, read_end = hostile_until_exec(&write_end);
	char byte;

	how.keep_fds = true; /* all others are CLOEXEC */
	raw_launch(box, plan, &how);
	close(write_end);
	if (read(read_end, &byte, 1) != 0)
		raw_bail("exec");
	close(read_end);
}

static void try_reading(struct seen *helper) {
	struct raw_plan *plan = long_plan();
	int64_t end = raw_now_ms() + PHASE_MS;

	while (raw_now_ms() < end) {
		int64_t until = raw_now_ms() + ROUND_MS;
		struct raw_box box;

		launch_executed(&box, plan);
		while (!raw_ready(&box, 0) && raw_now_ms() < until)
			freeze_and_look(box.helper, helper);
		kill(box.helper, SIGCONT);
		raw_answer(&box);
		if (!raw_failed(&box, CAISSON_STAGE_PLAN, CAISSON_KNOB_PLAN_FORMAT))
			tap_ok(false, "a plan that ends badly is refused: %s", raw_text(&box));
		raw_end(&box);
	}
	raw_free(plan);
}

/*
 * tight: nothing but the child is hit, without a pause, so that it is frozen in
 * the very call that gives it the caller's ids.
 */
static void one_set_up(const struct raw_plan *plan, bool tight, struct seen *helper,
                       struct seen *child) {
	int64_t until;
	struct raw_box box;
	pid_t pid;

	launch_executed(&box, plan);
	until = raw_now_ms() + ROUND_MS;
	while (!tight && !raw_ready(&box, 0) && raw_now_ms() < until)
		freeze_and_look(box.helper, helper);
	kill(box.helper, SIGCONT);
	pid = hostile_cloned(&box, 20000);
	for (unsigned i = 0; tight && pid > 0 && !freeze_and_look(pid, child); i++)
		if (i % 1000 == 0 && raw_ready(&box, 0))
			break;
	/* the child's next word is its last before it listens to us: BUILT */
	while (pid > 0 && !raw_ready(&box, 0) && raw_now_ms() < until) {
		freeze_and_look(box.helper, helper);
		freeze_and_look(pid, child);
	}
	kill(box.helper, SIGCONT);
	if (pid > 0)
		kill(pid, SIGCONT);
	if (!hostile_answer(&box) || !raw_built(&box))
		tap_ok(false, "it is built in the end: %s", raw_text(&box));
	else
		look(pid, child);
	raw_end(&box);
}

static void report(const char *what, const struct seen *s) {
	tap_ok(s->frozen > 0, "%s: it was frozen %u times", what, s->frozen);
	if (by_id_changes())
		tap_note("%s: it was dumpable %u times, listed %u times", what, s->dumpable,
		         s->listed);
	else
		tap_ok(s->dumpable == 0 && s->listed == 0,
		       "%s: it was dumpable %u times, listed %u times", what, s->dumpable,
		       s->listed);
	tap_ok(s->traced == 0 && s->stolen == 0,
	       "%s: it was traced %u times, something was stolen %u times", what, s->traced,
	       s->stolen);
	tap_ok(s->opened == 0, "%s: its files in /proc were opened %u times (%s)", what, s->opened,
	       s->opened ? s->what : "none");
}

static void try_mode(enum caisson_userns mode, const char *name) {
	struct raw_plan *plan = raw_bare(mode);
	struct seen helper = { 0 }, child = { 0 };
	int64_t end = raw_now_ms() + PHASE_MS * (by_id_changes() ? 4 : 1);
	char what[64];

	for (unsigned i = 0; raw_now_ms() < end; i++)
		one_set_up(plan, i % 2, &helper, &child);
	raw_free(plan);
	snprintf(what, sizeof(what), "%s: the helper", name);
	report(what, &helper);
	snprintf(what, sizeof(what), "%s: the child that is being set up", name);
	report(what, &child);
}

int main(void) {
	struct seen reading = { .entering = true };

	raw_watch();
	try_reading(&reading);
	report("the helper that reads a plan", &reading);
	try_mode(CAISSON_USERNS_AUTO, "auto");
	try_mode(CAISSON_USERNS_NONE, "none");
	raw_nothing_left("at the end");
	return tap_done();
}
