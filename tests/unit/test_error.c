/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The sentences that are made of the helper's and init's numbers. */
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "caisson_channels.h"
#include "denials.h"
#include "internal.h"
#include "names.h"

static enum caisson_error_source source = CAISSON_FROM_HELPER;

static caisson_error *of(uint32_t stage, uint32_t knob, int error, uint32_t detail) {
	const struct caisson_answer answer = {
		.kind = CAISSON_ANSWER_FAILED,
		.stage = stage,
		.knob = knob,
		.error = error,
		.detail = detail,
	};
	static const struct error_about about = { .subject = "a subject" };
	caisson_error *err = NULL;

	cr_assert_eq(error_from_answer(&err, source, &answer, &about, NULL), -error);
	cr_assert_not_null(err);
	return err;
}

Test(error, every_knob_has_its_sentence) {
	for (uint32_t knob = 1; knob < CAISSON_KNOB_COUNT; knob++) {
		caisson_error *err = of(CAISSON_STAGE_MOUNT, knob, EIO, 0);
		const char *message = caisson_error_message(err);

		cr_expect_str_eq(caisson_error_stage(err), "mounting");
		cr_expect(strstr(message, "failed while mounting: a subject: "), "%s", message);
		/* between the subject and errno */
		cr_expect(strcmp(message,
		                 "caisson-helper failed while mounting: a subject: Input/output "
		                 "error") != 0,
		          "knob %u says nothing", knob);
		cr_expect(strstr(caisson_error_text(err), message), "knob %u", knob);
		caisson_error_free(err);
	}
}

Test(error, unknown_numbers_are_no_crash) {
	caisson_error *err = of(1000, 1000, EPERM, ~0u);

	cr_expect(strstr(caisson_error_message(err), "an unknown step"));
	caisson_error_free(err);
	for (uint32_t knob = 0; knob < CAISSON_KNOB_COUNT; knob++)
		caisson_error_free(of(CAISSON_STAGE_DROP, knob, EPERM, ~0u));
}

static void expect(uint32_t stage, uint32_t knob, int error, uint32_t detail, const char *message,
                   const char *decides, const char *remedy) {
	caisson_error *err = of(stage, knob, error, detail);

	cr_expect(strstr(caisson_error_message(err), message), "%s", caisson_error_message(err));
	cr_expect(strstr(caisson_error_knob(err), decides), "%s", caisson_error_knob(err));
	cr_expect(strstr(caisson_error_remedy(err), remedy), "%s", caisson_error_remedy(err));
	caisson_error_free(err);
}

Test(error, numbers_become_names) {
	expect(CAISSON_STAGE_START, CAISSON_KNOB_CAPABILITY, EPERM, 21, "lacks CAP_SYS_ADMIN here",
	       "capabilities of root", "caisson-helper(8)");
	expect(CAISSON_STAGE_START, CAISSON_KNOB_CAPABILITY, EPERM, 63, "lacks capability 63 here",
	       "capabilities of root", "");
	expect(CAISSON_STAGE_POLICY, CAISSON_KNOB_SUBIDS, EACCES, 0, "subordinate user ids",
	       "/etc/subuid", "--add-subuids");
	expect(CAISSON_STAGE_POLICY, CAISSON_KNOB_SUBIDS, EACCES, 1, "subordinate group ids",
	       "/etc/subgid", "--add-subgids");
	expect(CAISSON_STAGE_POLICY, CAISSON_KNOB_RUN_DIR, EPERM, 0, "or not root's", "owner of",
	       "caisson-helper makes it anew");
	expect(CAISSON_STAGE_POLICY, CAISSON_KNOB_NONE, ENOTDIR, 0, "is a link", "owner of",
	       "remove it");
	expect(CAISSON_STAGE_SOURCE, CAISSON_KNOB_IDMAP, EINVAL, 0, "cannot be idmapped",
	       "file system type", "--ro");
	expect(CAISSON_STAGE_MOUNT, CAISSON_KNOB_DENIED, EPERM, 0, "while mounting",
	       "AppArmor or SELinux", "audit log");
	expect(CAISSON_STAGE_MOUNT, CAISSON_KNOB_DESTINATION, ENOSPC, 0, "is full", "4 MiB",
	       "--tmpfs");
	expect(CAISSON_STAGE_MOUNT, CAISSON_KNOB_DESTINATION, ENOENT, 0, "is missing",
	       "destination", "create it");
}

Test(error, missing_system_calls) {
	unsigned major = 0, minor = 0;
	struct utsname kernel;

	cr_assert(uname(&kernel) == 0 && sscanf(kernel.release, "%u.%u", &major, &minor) == 2);
	for (uint32_t number = 424; number < 500; number++) {
		const struct name_call *call = name_call(number);
		bool has = call &&
		           (major > call->major || (major == call->major && minor >= call->minor));
		caisson_error *err = of(CAISSON_STAGE_SOURCE, CAISSON_KNOB_KERNEL, ENOSYS, number);
		char text[64];

		if (call)
			snprintf(text, sizeof(text), "the system call %s", call->name);
		else
			snprintf(text, sizeof(text), "system call %u", number);
		cr_expect(strstr(caisson_error_message(err), text), "%s",
		          caisson_error_message(err));
		/* a kernel that has it does not answer ENOSYS: a filter did */
		cr_expect_str_eq(caisson_error_knob(err),
		                 has ? "seccomp filter of the container or service"
		                     : "kernel version");
		caisson_error_free(err);
	}
	cr_expect_str_eq(name_call(428)->name, "open_tree");
	cr_expect_str_eq(name_call(442)->name, "mount_setattr");
	cr_expect_str_eq(name_capability(0), "CAP_CHOWN");
	cr_expect_str_eq(name_capability(40), "CAP_CHECKPOINT_RESTORE");
	cr_expect_null(name_capability(41));
}

Test(error, a_remedy_of_its_own) {
	const struct caisson_answer answer = { .kind = CAISSON_ANSWER_FAILED,
		                               .knob = CAISSON_KNOB_SANDBOXES,
		                               .error = EACCES };
	const struct error_about about = { .subject = "it", .remedy = "ask" };
	caisson_error *err = NULL;

	cr_assert_eq(error_from_answer(&err, CAISSON_FROM_HELPER, &answer, &about, NULL), -EACCES);
	cr_expect_str_eq(caisson_error_remedy(err), "ask");
	caisson_error_free(err);
	cr_assert_eq(error_from_answer(&err, CAISSON_FROM_HELPER, &answer, NULL, NULL), -EACCES);
	cr_expect(strstr(caisson_error_remedy(err), "administrator"));
	caisson_error_free(err);
}

/* A number inside, a descriptor here: which it is, and what it is. */
static void refused(const caisson_spec *spec, uint32_t number, const char *text,
                    const char *remedy) {
	const struct caisson_answer answer = { .knob = CAISSON_KNOB_STDIO, .detail = number };
	struct error_about about;

	spec_about(spec, &answer, &about);
	cr_expect_str_eq(about.subject, text);
	if (remedy)
		cr_expect(about.remedy && strstr(about.remedy, remedy), "%s", text);
	else
		cr_expect_null(about.remedy);
}

Test(error, which_descriptor) {
	caisson_spec *spec = caisson_spec_new("stdio");
	int dir = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC),
	    path = open("/", O_PATH | O_CLOEXEC);
	int file = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	caisson_error *err = NULL;
	struct start start;

	cr_assert(dir >= 0 && path >= 0 && file >= 0);
	caisson_spec_stdio(spec, dir, path, file);
	caisson_spec_pass_fd(spec, dir);
	caisson_spec_pass_fd(spec, path);
	refused(spec, 0, "standard input is a directory", "--ro");
	refused(spec, 1, "standard output is open with O_PATH", "for reading or writing");
	refused(spec, 2, "standard error is a regular file, and these were not allowed",
	        "caisson_spec_allow_stdio_files()");
	refused(spec, 3, "what is to be descriptor 3 inside is a directory", "--ro");
	refused(spec, 4, "what is to be descriptor 4 inside is open with O_PATH", "for reading");
	refused(spec, 5, "what is to be descriptor 5 inside is not what it was when it was passed",
	        NULL);
	refused(spec, ~0u,
	        "what is to be descriptor 4294967295 inside is not what it was when it was passed",
	        NULL);
	caisson_spec_argv(spec, (const char *const[]){ "true", NULL });
	cr_assert_eq(start_make(spec, &start, &err), 0);
	cr_expect_eq(start_failed(-EBADF, &start, &err), -EBADF);
	cr_expect(strstr(caisson_error_message(err), "cannot pass descriptors"));
	caisson_error_free(err);
	close(dir);
	cr_expect_eq(start_failed(-EBADF, &start, &err), -EBADF);
	cr_expect(strstr(caisson_error_message(err), "standard input, "), "%s",
	          caisson_error_message(err));
	cr_expect_str_eq(caisson_error_knob(err), "caisson_spec_stdio()");
	caisson_error_free(err);
	start.fd[CAISSON_START_FD_STDIO] = file;
	cr_expect_eq(start_failed(-EBADF, &start, &err), -EBADF);
	cr_expect(strstr(caisson_error_message(err), "what is to be descriptor 3 inside, "), "%s",
	          caisson_error_message(err));
	cr_expect_str_eq(caisson_error_knob(err), "caisson_spec_pass_fd()");
	caisson_error_free(err);
	start_close(&start);
	caisson_spec_free(spec);
	close(path);
	close(file);
}

/* What a spec does not take: which function, and what it does take. */
static void bounded(caisson_spec *spec, const char *message, const char *knob, const char *remedy) {
	cr_assert_not_null(spec->error);
	cr_expect(strstr(caisson_error_message(spec->error), message), "%s",
	          caisson_error_message(spec->error));
	cr_expect(strstr(caisson_error_knob(spec->error), knob), "%s: %s", message,
	          caisson_error_knob(spec->error));
	cr_expect(strstr(caisson_error_remedy(spec->error), remedy), "%s: %s", message,
	          caisson_error_remedy(spec->error));
	caisson_error_free(spec->error);
	spec->error = NULL;
}

Test(error, what_a_spec_takes) {
	caisson_spec *spec = caisson_spec_new("bounds");
	char name[66] = "";

	cr_assert_not_null(spec);
	memset(name, 'a', 65);
	caisson_spec_hostname(spec, name);
	bounded(spec, "host name", "--hostname", "1 to 64");
	caisson_spec_hostname(spec, "");
	bounded(spec, "host name", "--hostname", "1 to 64");
	caisson_spec_label(spec, "a/b");
	bounded(spec, "label \"a/b\"", "--label", "1 to 64");
	caisson_spec_gpu(spec, "x y");
	bounded(spec, "GPU \"x y\"", "--gpu", "UUID");
	caisson_spec_limit(spec, CAISSON_LIMIT_FILES, 800);
	bounded(spec, "limit \"files\": 800 is out of range", "caisson_spec_limit()", "16 to 768");
	caisson_spec_seccomp(spec, "foo");
	for (uint64_t i = 0; seccomp_profile_name(i); i++)
		cr_expect(strstr(caisson_error_remedy(spec->error), seccomp_profile_name(i)));
	bounded(spec, "seccomp profile \"foo\"", "--seccomp", "choose one of");
	caisson_spec_landlock(spec, (enum caisson_landlock)7);
	bounded(spec, "Landlock domain", "--landlock", "processes");
	caisson_spec_setenv(spec, "A=B", "c");
	bounded(spec, "environment variable \"A=B\"", "caisson_spec_setenv()", "no '='");
	caisson_spec_tmpfs(spec, "/x", 0, 0755);
	bounded(spec, "tmpfs \"/x\"", "caisson_spec_tmpfs()", "1 byte to 1 PiB");
	caisson_spec_data(spec, "", 0, "/x", 01000);
	bounded(spec, "file \"/x\"", "caisson_spec_data()", "up to 0777");
	caisson_spec_dir(spec, NULL, 0755);
	bounded(spec, "directory at \"\"", "destination in the sandbox", "absolute path");
	cr_assert_not_null(caisson_spec_channel(spec, "x", CAISSON_TO_HOST, 4096));
	cr_expect_null(caisson_spec_channel(spec, "x", CAISSON_TO_HOST, 4096));
	bounded(spec, "channel \"x\"", "caisson_spec_channel()", "a name of its own");
	caisson_spec_free(spec);
}

/* What caisson-builder says is not about root, and names no file of the helper's. */
Test(error, of_the_builder) {
	source = CAISSON_FROM_BUILDER;
	expect(CAISSON_STAGE_USERNS, CAISSON_KNOB_USERNS_LIMIT, ENOSPC, 0,
	       "caisson-builder failed while creating the user namespace", "max_user_namespaces",
	       "max_user_namespaces");
	expect(CAISSON_STAGE_USERNS, CAISSON_KNOB_USERNS_MODULE, EACCES, 0,
	       "may create no user namespace", "", "");
	expect(CAISSON_STAGE_USERNS, CAISSON_KNOB_DENIED, EPERM, 0,
	       "was created, and may not be used", "", ""); /* by this host's facts: test_probe */
	expect(CAISSON_STAGE_NAMESPACES, CAISSON_KNOB_DENIED, EACCES, 0,
	       "was created, and may not be used", "", "");
	expect(CAISSON_STAGE_MOUNT, CAISSON_KNOB_DENIED, EPERM, 0,
	       "denied in a user namespace here", "AppArmor or SELinux", "audit log");
	expect(CAISSON_STAGE_ROOT, CAISSON_KNOB_PROC, EPERM, 0, "parts of /proc are covered",
	       "masked", "systempaths=unconfined");
	expect(CAISSON_STAGE_START, CAISSON_KNOB_PROC, ESRCH, 0, "not a procfs of this process",
	       "/proc", "fresh procfs");
	expect(CAISSON_STAGE_POLICY, CAISSON_KNOB_SUBIDS, EPERM, 0, "takes caisson-helper",
	       "--subuid", "leave that out");
	expect(CAISSON_STAGE_POLICY, CAISSON_KNOB_IDMAP, EPERM, 0, "take caisson-helper",
	       "CAISSON_IDMAP", "--ro");
	expect(CAISSON_STAGE_POLICY, CAISSON_KNOB_PROPERTY, EPERM, CAISSON_P_OWN_POOLS,
	       "charged to its user", "--require", "do without");
	expect(CAISSON_STAGE_REQUIRE, CAISSON_KNOB_PROPERTY, EPERM, CAISSON_P_LABEL, "\"label\"",
	       "--require", "doctor");
	expect(CAISSON_STAGE_START, CAISSON_KNOB_KERNEL, ENOSYS, 428, "open_tree", "", "");
	for (uint32_t knob = 0; knob < CAISSON_KNOB_COUNT; knob++)
		caisson_error_free(of(CAISSON_STAGE_DROP, knob, EPERM, ~0u));
}

Test(error, one_failure_after_another) {
	caisson_error *err = of(CAISSON_STAGE_START, CAISSON_KNOB_NOT_SETUID, EPERM, 0), *other;

	source = CAISSON_FROM_BUILDER;
	other = of(CAISSON_STAGE_USERNS, CAISSON_KNOB_USERNS_LIMIT, ENOSPC, 0);
	error_add(&err, other, "without it");
	caisson_error_free(other);
	cr_expect(strstr(caisson_error_message(err), "runs without privilege"));
	cr_expect(strstr(caisson_error_message(err), "; without it, caisson-builder failed"));
	cr_expect(strstr(caisson_error_remedy(err), "chmod 4755"));
	cr_expect(strstr(caisson_error_remedy(err), "; or, without it, "));
	cr_expect_eq(caisson_error_errno(err), EPERM);
	cr_expect_eq(caisson_error_source(err), CAISSON_FROM_HELPER);
	cr_expect_str_eq(caisson_error_stage(err), "starting");
	caisson_error_free(err);
}
