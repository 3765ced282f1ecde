/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A helper, or a builder, that cannot be executed, or that ends without a word. */
#define _GNU_SOURCE
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#include "helper_file.h"
#include "internal.h"

int builder_missing(struct builder *by, int error, caisson_error **err) {
	const char *remedy = "install the package that contains caisson-helper";
	const char *helper = by->program;
	struct helper_file file;
	char advice[128];

	if (error == EMFILE)
		return error_set(err, error, "executing caisson-helper", "RLIMIT_NOFILE",
		                 "raise the limit of open files (ulimit -n), or grant fewer paths",
		                 "the plan's descriptors do not fit below this process's limit");
	by->unusable = true;
	if (by->via == CAISSON_VIA_USERNS)
		return error_set(err, error, "executing caisson-builder", "caisson-builder",
		                 "install the package that contains caisson-builder",
		                 "cannot execute %s: %s", helper, strerror(error));
	helper_file_look(helper, &file);
	if (error == EACCES && file.group[0] && !file.executable) {
		snprintf(advice, sizeof(advice),
		         "as root: usermod --append --groups %s USER, then log in again",
		         file.group);
		return error_set(err, error, "executing caisson-helper", "group of caisson-helper",
		                 advice,
		                 "cannot execute %s: it is reserved to the group %s, and this "
		                 "process is not in it: %s",
		                 helper, file.group, strerror(error));
	}
	if (error == EACCES)
		remedy = "look at its mode, at the directories above it, and for noexec among the "
			 "options of its mount; or install the package anew";
	return error_set(err, error, "executing caisson-helper", "caisson-helper", remedy,
	                 "cannot execute %s: %s", helper, strerror(error));
}

int builder_silent(const struct builder *by, int rc, int status, caisson_error **err) {
	bool helper = by->via == CAISSON_VIA_HELPER;
	const char *name = helper ? "caisson-helper" : "caisson-builder";
	const char *stage = helper ? "waiting for caisson-helper" : "waiting for caisson-builder";

	if (rc != -EPIPE)
		return error_set(err, -rc, stage, "",
		                 "install matching versions of libcaisson and of what it runs",
		                 "the answer of %s was not understood: %s", name, strerror(-rc));
	if (status >= 0 && WIFEXITED(status))
		return error_set(err, EIO, stage, helper ? "--helper, caisson_spec_helper()" : "",
		                 helper ? "name caisson-helper, or leave that out for the "
		                          "installed one; if it is that one, reinstall the package"
		                        : "reinstall the package",
		                 "%s ended with status %d and without an answer: is it %s?",
		                 by->program, WEXITSTATUS(status), name);
	if (status >= 0 && WTERMSIG(status) != SIGALRM)
		return error_set(err, EIO, stage, "",
		                 "look at the kernel log and the audit log for what killed it",
		                 "%s ended without an answer: signal %d (%s) killed it",
		                 by->program, WTERMSIG(status), strsignal(WTERMSIG(status)));
	return error_set(err, EIO, stage, "",
	                 "look at the kernel log and the audit log for what killed it",
	                 "%s ended without an answer: it was killed, or a step took "
	                 "longer than its limit of 30 seconds",
	                 name);
}
