/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A child that waits at a gate until the user's systemd has moved it into a scope
 * with the limits. Unlike the usual one it has memory of its own, since its parent
 * goes on meanwhile.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "internal.h"
#include "limits_impl.h"
#include "limits_place.h"
#include "scope.h"

static int adopt_scope(struct entry *entry, const char *unit, caisson_error **err) {
	const struct cgroup_tree *tree = &entry->tree;
	char name[48], *path = NULL, *parent = NULL, *whole = NULL;
	const char *last;
	int rc, dir = -1, above = -1;
	FILE *file;

	snprintf(name, sizeof(name), "/proc/%d/cgroup", (int)entry->pid);
	file = fopen(name, "re");
	if (file) {
		path = cgroup_path_of(file);
		fclose(file);
	}
	last = path ? strrchr(path, '/') : NULL;
	if (!last || strcmp(last + 1, unit) != 0) {
		rc = error_set(err, EIO, PLACE_STAGE, PLACE_KNOB, "",
		               "systemd --user made %s, but did not put the process into it", unit);
		goto out;
	}
	parent = cgroup_parent(path);
	dir = cgroup_open(tree, path);
	rc = place_check_escape(tree, path,
	                        dir < 0 ? CAISSON_UNKNOWN : cgroup_number(dir, "pids.max"), err);
	if (rc < 0)
		goto out;
	above = parent && dir >= 0 ? cgroup_open(tree, parent) : -1;
	if (above >= 0 && asprintf(&whole, "%s%s", tree->mount, path) > 0) {
		entry->leaf = leaf_adopt(dir, above, whole);
		dir = above = -1;
	}
	if (!entry->leaf)
		rc = error_set(err, ENOENT, PLACE_STAGE, PLACE_KNOB, "",
		               "the scope %s cannot be opened", path);
out:
	if (dir >= 0)
		close(dir);
	if (above >= 0)
		close(above);
	free(whole);
	free(parent);
	free(path);
	return rc;
}

int limits_not_executed(const struct entry *entry) {
	int error = 0;

	if (entry->done[0] < 0 || read(entry->done[0], &error, sizeof(error)) != sizeof(error))
		return 0;
	return error;
}

static int into_scope(struct entry *entry, caisson_error **err) {
	const struct limits_asked *asked = entry->asked;
	char unit[64], names[32];
	const char *file = "";
	char *slice = scope_slice(entry->tree.own);
	unsigned missing;
	int rc;

	snprintf(unit, sizeof(unit), "caisson-%d-%d.scope", (int)getpid(), (int)entry->pid);
	rc = scope_start(entry->scope, unit, entry->pid, asked, slice);
	free(slice);
	if (rc < 0)
		return error_set(err, -rc, PLACE_STAGE, PLACE_KNOB, PLACE_REMEDY, "%s",
		                 entry->scope->why);
	rc = adopt_scope(entry, unit, err);
	if (rc < 0)
		return rc;
	missing = limits_controllers(asked) &
	          ~cgroup_controllers(entry->leaf->dir, "cgroup.controllers");
	if (missing)
		return error_set(err, EOPNOTSUPP, PLACE_STAGE,
		                 "controllers delegated to user@.service", PLACE_REMEDY_CONTROLLER,
		                 "systemd --user made a scope, but has no controller %s to give it",
		                 place_controllers(missing, names));
	rc = leaf_set(entry->leaf, asked, &file);
	if (rc == 0)
		rc = leaf_check(entry->leaf, asked, &file);
	if (rc < 0)
		error_set(err, -rc, PLACE_STAGE, file, "",
		          "systemd --user did not set the limit in %s/%s", entry->leaf->path, file);
	return rc;
}

int limits_admit(struct entry *entry, caisson_error **err) {
	int rc = into_scope(entry, err);

	if (write(entry->gate[1], rc == 0 ? "y" : "n", 1) != 1 && rc == 0)
		rc = error_set(err, EIO, PLACE_STAGE, "", "", "the process to be moved has ended");
	return rc;
}
