/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Where a sandbox's cgroup can be: in the group that the caller names, beside the
 * caller's own in one that is delegated to the user, or in a scope of the user's
 * systemd. Never outside of a group that limits the caller. All of it with the
 * caller's own rights: the kernel decides.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/vfs.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "internal.h"
#include "limits_impl.h"
#include "limits_place.h"
#include "scope.h"

#ifndef CGROUP2_SUPER_MAGIC
#define CGROUP2_SUPER_MAGIC 0x63677270
#endif

const char PLACE_STAGE[] = "limiting the sandbox";
const char PLACE_KNOB[] = "delegation of cgroup v2";
const char PLACE_REMEDY[] =
	"with systemd: run it where \"systemd-run --user --scope -p Delegate=yes CMD\" works for "
	"this "
	"user (log in, or as root: loginctl enable-linger USER, and set "
	"XDG_RUNTIME_DIR=/run/user/UID), or in a system service with Delegate=yes and "
	"DelegateSubgroup=host. Without systemd, as root, in D=/sys/fs/cgroup/caisson: mkdir -p "
	"$D/host; echo \"+memory +pids +cpu +io\" to cgroup.subtree_control of /sys/fs/cgroup and "
	"of "
	"$D; chown USER $D $D/cgroup.procs $D/cgroup.subtree_control $D/host $D/host/cgroup.procs; "
	"echo PID >$D/host/cgroup.procs for the shell that starts it";
const char PLACE_REMEDY_CONTROLLER[] =
	"as root, write \"+memory +pids +cpu +io\" to cgroup.subtree_control of each group above "
	"it (\"+hugetlb\" is for channels on reserved huge pages, and systemd has no Delegate= for "
	"it); "
	"with systemd, for what runs below user@UID.service: a drop-in "
	"/etc/systemd/system/user@.service.d/delegate.conf with [Service] and Delegate=memory pids "
	"cpu io, then systemctl daemon-reload and a new login";
static const char REMEDY_V2[] =
	"boot with systemd.unified_cgroup_hierarchy=1 on the kernel command line, without systemd "
	"cgroup_no_v1=all, and mount cgroup2 at /sys/fs/cgroup. Without cgroups a limit holds for "
	"single processes only: ulimit, prlimit(1)";

const char *place_controllers(unsigned set, char text[32]) {
	snprintf(text, 32, "%s%s%s%s%s", set & CGROUP_MEMORY ? " memory" : "",
	         set & CGROUP_PIDS ? " pids" : "", set & CGROUP_CPU ? " cpu" : "",
	         set & CGROUP_IO ? " io" : "", set & CGROUP_HUGETLB ? " hugetlb" : "");
	return *text ? text + 1 : text;
}

/* ---------------------------------------------------------- a group to be in */

/* A unit of systemd's is its own, unless it says that it delegated it. */
static bool left_to_us(int dir, const char *path) {
	static const char *const kinds[] = { ".slice", ".scope", ".service" };
	const char *dot = strrchr(path, '.');
	char value[4];

	for (size_t i = 0; dot && i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (!strcmp(dot, kinds[i]))
			return fgetxattr(dir, "user.delegate", value, sizeof(value)) == 1 &&
			       value[0] == '1';
	return true;
}

static bool writable(int dir, const char *name) {
	return faccessat(dir, name, W_OK, AT_EACCESS) == 0;
}

bool place_delegated(int dir, const char *path) {
	return writable(dir, ".") && writable(dir, "cgroup.procs") &&
	       writable(dir, "cgroup.subtree_control") && left_to_us(dir, path);
}

int place_enable(int dir, unsigned needed, unsigned *missing) {
	unsigned there = cgroup_controllers(dir, "cgroup.controllers");
	unsigned off = needed & ~cgroup_controllers(dir, "cgroup.subtree_control");
	char text[32], line[64], *to = line;
	int rc;

	*missing = needed & ~there;
	if (*missing)
		return -EOPNOTSUPP;
	if (!off)
		return 0;
	*missing = off;
	place_controllers(off, text);
	for (const char *from = text; *from; from++) { /* " memory pids" becomes " +memory +pids" */
		*to++ = *from;
		if (*from == ' ')
			*to++ = '+';
	}
	*to = '\0';
	rc = cgroup_write(dir, "cgroup.subtree_control", line);
	return rc;
}

static int no_controller(const char *where, unsigned missing, int rc, caisson_error **err) {
	char names[32];

	place_controllers(missing, names);
	if (rc == -EBUSY)
		return error_set(err, EBUSY, PLACE_STAGE, PLACE_KNOB,
		                 "move them into a group below it (mkdir HOST, echo PID "
		                 ">HOST/cgroup.procs for each), or name another one (--cgroup, "
		                 "caisson_spec_cgroup())",
		                 "no group below %s gets the controller%s: processes are in that "
		                 "group itself",
		                 where, names);
	if (rc == -EOPNOTSUPP)
		return error_set(err, EOPNOTSUPP, PLACE_STAGE, "cgroup.subtree_control",
		                 PLACE_REMEDY_CONTROLLER,
		                 "%s has no controller%s: the group above does not pass it on",
		                 where, names);
	return error_set(err, -rc, PLACE_STAGE, PLACE_KNOB, PLACE_REMEDY,
	                 "%s/cgroup.subtree_control cannot be given%s: %s", where, names,
	                 strerror(-rc));
}

int place_check_escape(const struct cgroup_tree *tree, const char *path, uint64_t pids,
                       caisson_error **err) {
	char file[PATH_MAX];
	int rc = cgroup_escapes(tree, path, pids, file, sizeof(file));

	if (rc == 0)
		return 0;
	if (rc < 0)
		return error_set(err, -rc, PLACE_STAGE, PLACE_KNOB, "",
		                 "the limits of this process's own cgroup cannot be read: %s",
		                 strerror(-rc));
	return error_set(err, EPERM, PLACE_STAGE, file,
	                 "delegate a group below the one with that limit, and name it (--cgroup, "
	                 "caisson_spec_cgroup()); or start from a group without it; or, if it is a "
	                 "number of processes in a file of this user's, ask for no more (--pids)",
	                 "a cgroup at %s%s would be free of a limit that this process is under",
	                 tree->mount, path);
}

/* In a group that passes on what is needed. whole: its path from the top. */
static int make_leaf(struct entry *entry, int dir, const char *whole, caisson_error **err) {
	const char *file = "";
	int rc;

	leaf_sweep(dir);
	entry->leaf = leaf_make(dir, whole);
	if (!entry->leaf)
		return error_set(err, errno, PLACE_STAGE, PLACE_KNOB,
		                 errno == EACCES || errno == EPERM ? PLACE_REMEDY : "",
		                 "no group can be made in %s: %s", whole, strerror(errno));
	rc = leaf_set(entry->leaf, entry->asked, &file);
	if (rc < 0)
		error_set(err, -rc, PLACE_STAGE, file, "", "the limit cannot be set: %s/%s: %s",
		          entry->leaf->path, file, strerror(-rc));
	return rc;
}

static int make_in(struct entry *entry, int dir, const char *path, caisson_error **err) {
	const struct limits_asked *asked = entry->asked;
	bool counted = limits_has(asked, CAISSON_LIMIT_PIDS);
	char *whole = NULL;
	unsigned missing;
	int rc;

	if (asprintf(&whole, "%s%s", entry->tree.mount, strcmp(path, "/") != 0 ? path : "") < 0)
		return error_set(err, ENOMEM, PLACE_STAGE, "", "", "out of memory");
	rc = place_check_escape(&entry->tree, path,
	                        counted ? asked->value[CAISSON_LIMIT_PIDS] : CAISSON_UNKNOWN, err);
	if (rc == 0) {
		rc = place_enable(dir, limits_controllers(asked), &missing);
		if (rc < 0)
			no_controller(whole, missing, rc, err);
	}
	if (rc == 0)
		rc = make_leaf(entry, dir, whole, err);
	free(whole);
	return rc;
}

/* --cgroup, caisson_spec_cgroup() */
static int make_named(struct entry *entry, caisson_error **err) {
	const char *named = entry->asked->dir, *mount = entry->tree.mount;
	char fd_path[48], path[PATH_MAX];
	struct statfs fs;
	ssize_t n = -1;
	int rc, dir = open(named, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (dir < 0)
		return error_set(err, errno, PLACE_STAGE, "--cgroup, caisson_spec_cgroup()", "",
		                 "%s: %s", named, strerror(errno));
	snprintf(fd_path, sizeof(fd_path), "/proc/self/fd/%d", dir);
	if (fstatfs(dir, &fs) == 0 && fs.f_type == CGROUP2_SUPER_MAGIC)
		n = readlink(fd_path, path, sizeof(path) - 1);
	path[n > 0 ? n : 0] = '\0';
	if (n <= 0 || !cgroup_within(path, mount))
		rc = error_set(err, EINVAL, PLACE_STAGE, "--cgroup, caisson_spec_cgroup()",
		               "name one that is delegated to this user",
		               "%s is no group below %s, where cgroup v2 is mounted", named, mount);
	else
		rc = make_in(entry, dir, path[strlen(mount)] ? path + strlen(mount) : "/", err);
	close(dir);
	return rc;
}

/* Beside the caller's own group. 1: nobody delegated that, and why says what is there. */
static int make_beside(struct entry *entry, char *why, size_t size, caisson_error **err) {
	const struct cgroup_tree *tree = &entry->tree;
	char *parent = cgroup_parent(tree->own);
	int own = cgroup_open(tree, tree->own);
	int dir = parent ? cgroup_open(tree, parent) : -1, rc = 1;

	if (dir >= 0 && place_delegated(dir, parent))
		rc = make_in(entry, dir, parent, err);
	else if (own >= 0 && place_delegated(own, tree->own))
		snprintf(why, size,
		         "this process's own cgroup %s%s is delegated to this user, but while it "
		         "holds processes, none below it can be limited (move them into one below "
		         "it)",
		         tree->mount, tree->own);
	else
		snprintf(why, size,
		         "nobody delegated %s%s, with this process's own cgroup, to this user",
		         tree->mount, parent ? parent : tree->own);
	if (own >= 0)
		close(own);
	if (dir >= 0)
		close(dir);
	free(parent);
	return rc;
}

/* -------------------------------------------------------------------- begin */

static int open_gate(struct entry *entry, caisson_error **err) {
	if (pipe2(entry->gate, O_CLOEXEC) == 0 && pipe2(entry->done, O_CLOEXEC | O_NONBLOCK) == 0)
		return 0;
	return error_set(err, errno, PLACE_STAGE, "", "", "pipe: %s", strerror(errno));
}

static int no_tree(const struct entry *entry, int rc, unsigned missing, caisson_error **err) {
	char names[32];

	if (rc == -EXDEV)
		return error_set(err, EXDEV, PLACE_STAGE, "mount of cgroup v2", "",
		                 "the mount of cgroup v2 does not show this process's own group");
	if (rc < 0)
		return error_set(err, -rc, PLACE_STAGE, "cgroup v2", REMEDY_V2,
		                 "limits need cgroup v2, and none is mounted here");
	return error_set(err, EOPNOTSUPP, PLACE_STAGE, "cgroup v2", REMEDY_V2,
	                 "the cgroup v2 tree at %s has no controller %s: cgroup v1 has it, the "
	                 "kernel lacks it, or a container does not pass it on",
	                 entry->tree.mount, place_controllers(missing, names));
}

static int find_tree(struct entry *entry, caisson_error **err) {
	int rc = cgroup_tree_find(&entry->tree), top;
	unsigned needed = limits_controllers(entry->asked), missing;

	if (rc < 0)
		return no_tree(entry, rc, 0, err);
	top = cgroup_open(&entry->tree, "");
	missing = top < 0 ? needed : needed & ~cgroup_controllers(top, "cgroup.controllers");
	if (top >= 0)
		close(top);
	return missing ? no_tree(entry, 0, missing, err) : 0;
}

static int make(struct entry *entry, caisson_error **err) {
	char why[PATH_MAX + 256] = "", why_not[256];
	int rc;

	if (entry->asked->dir)
		return make_named(entry, err);
	rc = make_beside(entry, why, sizeof(why), err);
	if (rc <= 0)
		return rc;
	entry->scope = scope_connect(why_not, sizeof(why_not));
	if (entry->scope)
		return open_gate(entry, err);
	return error_set(err, EACCES, PLACE_STAGE, PLACE_KNOB, PLACE_REMEDY,
	                 "there is no cgroup to limit the sandbox in: %s; %s", why, why_not);
}

int limits_begin(const struct limits_asked *asked, struct entry *entry, caisson_error **err) {
	const char *file = "";
	int rc;

	*entry = (struct entry){
		.procs = -1, .gate = { -1, -1 }, .done = { -1, -1 }, .asked = asked
	};
	rc = find_tree(entry, err);
	if (rc == 0)
		rc = make(entry, err);
	if (rc == 0 && entry->leaf) {
		rc = leaf_check(entry->leaf, entry->asked, &file);
		entry->procs = openat(entry->leaf->dir, "cgroup.procs", O_WRONLY | O_CLOEXEC);
		if (rc < 0)
			error_set(err, -rc, PLACE_STAGE, file, "",
			          "%s/%s does not have what was written to it", entry->leaf->path,
			          file);
		else if (entry->procs < 0)
			rc = error_set(err, errno, PLACE_STAGE, PLACE_KNOB, "",
			               "%s/cgroup.procs: %s", entry->leaf->path, strerror(errno));
	}
	return rc;
}

int limits_refused(const struct entry *entry, caisson_error **err) {
	const char *mount = entry->tree.mount ? entry->tree.mount : "";

	if (entry->error == EACCES || entry->error == EPERM)
		return error_set(err, entry->error, PLACE_STAGE, PLACE_KNOB, PLACE_REMEDY,
		                 "a process in %s%s cannot be moved into %s: a group above both "
		                 "is not delegated to this user",
		                 mount, entry->tree.own, entry->leaf->path);
	return error_set(err, entry->error, PLACE_STAGE, "cgroup.procs", "",
	                 "%s cannot be entered: %s", entry->leaf->path, strerror(entry->error));
}

void limits_hand_over(struct entry *entry, caisson_sandbox *box) {
	box->leaf = entry->leaf;
	box->asked.limits = box->leaf->by;
	if (entry->asked->set)
		box->built.held |= CAISSON_BIT(LIMITS);
	entry->leaf = NULL;
}

void limits_done(struct entry *entry) {
	const int fds[] = { entry->procs, entry->gate[0], entry->gate[1], entry->done[0],
		            entry->done[1] };

	for (size_t i = 0; i < sizeof(fds) / sizeof(fds[0]); i++)
		if (fds[i] >= 0)
			close(fds[i]);
	scope_close(entry->scope);
	cgroup_tree_clear(&entry->tree);
	leaf_free(entry->leaf);
	entry->leaf = NULL;
}
