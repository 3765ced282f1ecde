/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A host that lies: /proc is a tmpfs with forged files, a procfs of another
 * pid namespace, or something else; /dev/null is a file. Only root can make a
 * host like that, and the helper must refuse it all the same: nothing that is
 * read in such a /proc can be believed, and maps would be written to whatever
 * process has the number there.
 *
 * Root runs this program once for each scene, in a mount namespace of its own.
 * No scene has a /proc that this program could look at: nothing of raw_watch().
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
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "hostile.h"
#include "tests/lib/tap.h"

/* ------------------------------------------------------------------- as root */

static void mount_or_skip(const char *type, const char *at, const char *options) {
	if (mount("none", at, type, 0, options) < 0)
		scene_skip(at);
}

/* The host's own procfs stays where a plan can name it as a source. */
static void set_forged(uid_t uid) {
	char options[64];

	snprintf(options, sizeof(options), "mode=0755,size=1m,uid=%u,gid=%u", uid, uid);
	mount_or_skip("tmpfs", "/mnt", "mode=0755,size=1m");
	if (mkdir("/mnt/proc", 0755) < 0 || mount("/proc", "/mnt/proc", NULL, MS_BIND, NULL) < 0)
		scene_skip("/mnt/proc");
	mount_or_skip("tmpfs", "/proc", options);
}

/* A procfs of a namespace that we are not in: somebody in it mounts it, in ours. */
static void set_sibling(void) {
	pid_t maker = fork(), inner;
	int status;

	if (maker < 0)
		scene_skip("fork");
	if (maker == 0) {
		if (unshare(CLONE_NEWPID) < 0 || (inner = fork()) < 0)
			_exit(1);
		if (inner == 0)
			_exit(mount("proc", "/proc", "proc", 0, NULL) < 0);
		waitpid(inner, &status, 0);
		_exit(status != 0);
	}
	if (waitpid(maker, &status, 0) != maker || status != 0)
		scene_skip("a procfs of another pid namespace");
}

static void set_file_null(uid_t uid) {
	mount_or_skip("tmpfs", "/mnt", "mode=0755,size=1m");
	int fd = open("/mnt/null", O_CREAT | O_WRONLY | O_CLOEXEC, 0666);

	if (fd < 0 || fchown(fd, uid, uid) < 0 || fchmod(fd, 0666) < 0 ||
	    mount("/mnt/null", "/dev/null", NULL, MS_BIND, NULL) < 0)
		scene_skip("/dev/null");
	close(fd);
}

/* A namespace as a file of a mounted file system: no other descriptor looks so ordinary. */
static void set_namespace(void) {
	int fd;

	mount_or_skip("tmpfs", "/mnt", "mode=0755,size=1m");
	fd = open("/mnt/ns", O_CREAT | O_WRONLY | O_CLOEXEC, 0644);
	if (fd < 0 || mount("/proc/self/ns/net", "/mnt/ns", NULL, MS_BIND, NULL) < 0)
		scene_skip("a mounted namespace");
	close(fd);
}

static const char *const scenes[] = { "forged", "empty", "sysfs",     "sibling",
	                              "above",  "fresh", "file-null", "namespace" };
#define SCENES (sizeof(scenes) / sizeof(scenes[0]))

static void set_scene(unsigned i) {
	const char *name = scenes[i];

	setenv("CAISSON_SCENE", name, 1);
	if (!strcmp(name, "forged"))
		set_forged(scene_uid());
	else if (!strcmp(name, "empty"))
		mount_or_skip("tmpfs", "/proc", "mode=0755");
	else if (!strcmp(name, "sysfs"))
		mount_or_skip("sysfs", "/proc", NULL);
	else if (!strcmp(name, "sibling"))
		set_sibling();
	else if (!strcmp(name, "above"))
		scene_pids(); /* and /proc stays that of the namespace above */
	else if (!strcmp(name, "file-null"))
		set_file_null(scene_uid());
	else if (!strcmp(name, "namespace"))
		set_namespace();
	else if (!strcmp(name, "fresh"))
		mount_or_skip("proc", "/proc", "hidepid=2");
}

/* Each is a stream of its own, which tap-run, the command, judges. ctest asks for one at a time. */
static int run_scenes(char *const *cmd) {
	const char *only = getenv("CAISSON_SCENE_ONLY");
	int worst = 0, skipped = 0;

	for (unsigned i = 0; i < SCENES; i++) {
		int status;

		if (only && strcmp(only, scenes[i]) != 0)
			continue;
		printf("# scene: %s\n", scenes[i]);
		fflush(stdout);
		status = scene_alone(set_scene, i, cmd);
		if (only)
			return status;
		skipped += status == 77;
		worst = status == 0 || status == 77 ? worst : status;
	}
	return only ? 1 : worst ? worst : skipped == SCENES ? 77 : 0;
}

/* ---------------------------------------------------------------- as the test user */

/* A root of the host's /usr alone: raw_bare() asks /proc where this program lies. */
static struct raw_plan *plan_of(enum caisson_userns mode, const char *source) {
	struct raw_plan *plan = raw_new();

	raw_add(plan, CAISSON_OP_USERNS, NULL, mode, 0);
	raw_bind(plan, raw_path(source), "/usr", CAISSON_BIND_RDONLY | CAISSON_BIND_DIR);
	raw_add(plan, CAISSON_OP_PROC, "/proc", 0, 0);
	return plan;
}

#define PROC_FAULT CAISSON_STAGE_START, CAISSON_KNOB_PROC
#define FS_FAULT CAISSON_STAGE_POLICY, CAISSON_KNOB_SOURCE_FS

static void put_file(const char *path, const char *text) {
	int fd = open(path, O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, 0644);

	if (fd < 0 || write(fd, text, strlen(text)) != (ssize_t)strlen(text))
		_exit(96);
	close(fd);
}

/*
 * Everything the helper reads, as it would be in a good /proc, but for what
 * lies where: every mount is a harmless one. "self" is this process, which is
 * about to become the helper.
 */
static void forge(void *arg) {
	static const char what[] = "self/ns";
	char path[64], name[24], lines[4096] = "";

	(void)arg;
	snprintf(name, sizeof(name), "%d", getpid());
	snprintf(path, sizeof(path), "/proc/%s", name);
	if (mkdir(path, 0755) < 0 || (unlink("/proc/self") < 0 && errno != ENOENT) ||
	    symlink(name, "/proc/self") < 0 || mkdir("/proc/self/fdinfo", 0755) < 0)
		_exit(97);
	snprintf(path, sizeof(path), "/proc/%s", what);
	mkdir(path, 0755);
	put_file("/proc/self/ns/user", "");
	for (int i = 1; i < 60; i++)
		snprintf(lines + strlen(lines), sizeof(lines) - strlen(lines),
		         "%d 0 0:1 / / rw - tmpfs x rw\n", i);
	put_file("/proc/self/mountinfo", lines);
	for (int i = 0; i < 40; i++) {
		snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", i);
		put_file(path, "mnt_id:\t1\n");
	}
}

static void refuse(const char *what, enum caisson_userns mode, const char *source, uint32_t stage,
                   uint32_t knob, void (*before)(void *)) {
	struct raw_plan *plan = plan_of(mode, source);
	struct raw_how how = RAW_HOW;
	struct raw_box box;

	how.before_exec = before;
	raw_build(&box, plan, &how);
	tap_ok(raw_failed(&box, stage, knob) && box.pidfd < 0,
	       "%s, userns %u, %s granted: refused: %s", what, mode, source, raw_text(&box));
	raw_end(&box);
	raw_free(plan);
}

static void accept(const char *what, bool must) {
	for (int mode = CAISSON_USERNS_AUTO; mode <= CAISSON_USERNS_NONE; mode += 2) {
		struct raw_plan *plan = plan_of((enum caisson_userns)mode, "/usr");
		struct raw_box box;

		raw_build(&box, plan, &RAW_HOW);
		tap_ok(raw_built(&box) || (!must && box.answered), "%s, userns %d: %s", what, mode,
		       raw_text(&box));
		raw_end(&box);
		raw_free(plan);
	}
}

/* Without a /proc: no child of ours is left, and no process of the test's own that hangs. */
static void none_left(void) {
	int64_t until = raw_now_ms() + 5000;
	pid_t pid;

	while ((pid = waitpid(-1, NULL, WNOHANG)) >= 0 && raw_now_ms() < until)
		usleep(2000);
	tap_ok(pid < 0 && errno == ECHILD, "no process is left");
}

static int in_scene(const char *scene) {
	struct stat st;

	prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
	if (!strcmp(scene, "fresh")) {
		accept("a procfs mounted anew, with hidepid", true);
	} else if (!strcmp(scene, "namespace")) {
		refuse(scene, CAISSON_USERNS_AUTO, "/mnt/ns", FS_FAULT, NULL);
		refuse(scene, CAISSON_USERNS_NONE, "/mnt/ns", FS_FAULT, NULL);
	} else if (!strcmp(scene, "file-null")) {
		accept("/dev/null is a file of the caller's", false);
		tap_ok(stat("/dev/null", &st) == 0 && (st.st_size == 0 || S_ISCHR(st.st_mode)),
		       "and nothing was written to it");
	} else {
		void (*before)(void *) = strcmp(scene, "forged") ? NULL : forge;

		refuse(scene, CAISSON_USERNS_AUTO, "/usr", PROC_FAULT, before);
		refuse(scene, CAISSON_USERNS_NONE, "/usr", PROC_FAULT, before);
		if (before)
			refuse(scene, CAISSON_USERNS_AUTO, "/mnt/proc", PROC_FAULT, before);
	}
	none_left();
	return tap_done();
}

int main(int argc, char **argv) {
	if (scene_wanted(argc, argv))
		return run_scenes(argv + 2);
	if (!getenv("CAISSON_SCENE"))
		return tap_skip_all("it takes root to make a host that lies first: --foreign");
	return in_scene(getenv("CAISSON_SCENE"));
}
