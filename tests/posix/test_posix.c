/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * libcaisson built for POSIX without Linux: no sandbox unless in so many words none is wanted, and
 * tensors through files. Started with "echo" it is the program at the other end. TAP.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "caisson.h"
#include "caisson_posix.h"

static int points, failures;

static void ok(int right, const char *name) {
	printf("%sok %d - %s\n", right ? "" : "not ", ++points, name);
	failures += !right;
}

/* The other end: sends back what it gets, each number doubled, until the host is gone. */
static int echo(void) {
	caisson_channel *channel;
	caisson_tensor in, out;

	if (caisson_channel_open("both", &channel, NULL) < 0)
		return 3;
	for (int n = 0; n < 3; n++) {
		if (caisson_recv(channel, &in, 10000, NULL) < 0 ||
		    caisson_loan(channel, in.dtype, in.ndim, in.shape, &out, NULL) < 0)
			return 4;
		for (uint64_t i = 0; i < in.nbytes / sizeof(float); i++)
			((float *)out.data)[i] = 2 * ((const float *)in.data)[i];
		out.tag = in.tag + 1;
		caisson_release(channel, &in);
		if (caisson_send(channel, &out, NULL) < 0)
			return 5;
	}
	caisson_channel_close(channel);
	return 0;
}

static caisson_spec *spec_of(const char *self) {
	const char *const argv[] = { self, "echo", NULL };
	caisson_spec *spec = caisson_spec_new("test");

	caisson_spec_argv(spec, argv);
	caisson_spec_ro(spec, "/usr", NULL);
	return spec;
}

static void unsupported(const char *self) {
	caisson_spec *spec = spec_of(self);
	caisson_sandbox *box = NULL;
	caisson_error *err = NULL;

	ok(caisson_spawn(spec, &box, &err) == -ENOTSUP && !box, "caisson_spawn() is unsupported");
	ok(err && strstr(caisson_error_text(err), "caisson_spec_run_unsandboxed"),
	   "and says what would run it");
	caisson_error_free(err);
	err = NULL;
	ok(caisson_spec_run_unsandboxed(spec, "yes") == -EINVAL, "other words are not those words");
	ok(caisson_spawn(spec, &box, NULL) == -ENOTSUP, "and change nothing");
	caisson_spec_run_unsandboxed(spec, CAISSON_UNSANDBOXED);
	caisson_spec_require(spec, CAISSON_PROPERTY_PID);
	ok(caisson_spawn(spec, &box, NULL) == -ENOTSUP, "what requires a property is refused");
	caisson_spec_free(spec);
	spec = spec_of(self);
	caisson_spec_run_unsandboxed(spec, CAISSON_UNSANDBOXED);
	caisson_spec_limit(spec, CAISSON_LIMIT_SECONDS, 1);
	ok(caisson_spawn(spec, &box, NULL) == -ENOTSUP, "so is a limit");
	caisson_spec_free(spec);
}

static int round_trip(caisson_channel *channel, uint64_t tag) {
	const int64_t shape[] = { 3, 5 };
	caisson_tensor out, in;
	int good;

	if (caisson_loan(channel, CAISSON_F32, 2, shape, &out, NULL) < 0)
		return 0;
	for (int i = 0; i < 15; i++)
		((float *)out.data)[i] = (float)i;
	out.tag = tag;
	if (caisson_send(channel, &out, NULL) < 0 || caisson_recv(channel, &in, 10000, NULL) < 0)
		return 0;
	good = in.ndim == 2 && in.shape[0] == 3 && in.shape[1] == 5 && in.strides[0] == 5 &&
	       in.nbytes == 60 && in.tag == tag + 1;
	for (int i = 0; i < 15 && good; i++)
		good = ((const float *)in.data)[i] == 2 * (float)i;
	caisson_release(channel, &in);
	return good;
}

static void channels(const char *self) {
	const int64_t big[] = { 1 << 20 };
	caisson_spec *spec = spec_of(self);
	caisson_channel *channel = caisson_spec_channel(spec, "both", CAISSON_BOTH, 65536);
	caisson_sandbox *box = NULL;
	caisson_tensor tensor;
	int status = -1, good = 1;

	caisson_spec_run_unsandboxed(spec, CAISSON_UNSANDBOXED);
	ok(caisson_spawn(spec, &box, NULL) == 0, "in so many words it runs");
	ok(!caisson_is_full(box) && !caisson_property_held(box, CAISSON_PROPERTY_PID, NULL),
	   "and no property is held");
	for (uint64_t n = 0; n < 3; n++)
		good &= round_trip(channel, 10 * n);
	ok(good, "tensors go there and back");
	ok(caisson_loan(channel, CAISSON_F32, 1, big, &tensor, NULL) == -EMSGSIZE,
	   "one that is too large is refused");
	ok(caisson_wait(box, 10000, &status, NULL) == 0 && WIFEXITED(status) &&
	           WEXITSTATUS(status) == 0,
	   "it ends well");
	ok(caisson_recv(channel, &tensor, 1000, NULL) == -EPIPE, "then the channel has ended");
	caisson_sandbox_free(box);
	caisson_spec_free(spec);
}

/* A program that writes what is no tensor. */
static void hostile(const char *script, const char *name) {
	const char *const argv[] = { "sh", "-c", script, NULL };
	caisson_spec *spec = caisson_spec_new("hostile");
	caisson_channel *channel = caisson_spec_channel(spec, "in", CAISSON_TO_HOST, 4096);
	caisson_sandbox *box = NULL;
	caisson_tensor tensor;

	caisson_spec_argv(spec, argv);
	caisson_spec_run_unsandboxed(spec, CAISSON_UNSANDBOXED);
	ok(caisson_spawn(spec, &box, NULL) == 0 &&
	           caisson_recv(channel, &tensor, 10000, NULL) == -EPROTO,
	   name);
	caisson_sandbox_free(box);
	caisson_spec_free(spec);
}

static void probe(void) {
	caisson_probe *probe = NULL;

	ok(caisson_probe_new(NULL, &probe, NULL) == 0 &&
	           caisson_probe_restriction(probe) == CAISSON_RESTRICTION_PLATFORM &&
	           caisson_probe_severity(probe) == CAISSON_PROBLEM &&
	           strstr(caisson_probe_json(probe), "\"restriction\": \"platform\""),
	   "the probe says that the platform is unsupported");
	caisson_probe_free(probe);
}

static int left_over(const char *folder) {
	DIR *dir = opendir(folder);
	const struct dirent *entry;
	int n = 0;

	while (dir && (entry = readdir(dir)))
		n += entry->d_name[0] != '.';
	if (dir)
		closedir(dir);
	return n;
}

int main(int argc, char **argv) {
	char folder[] = "/tmp/caisson-posix-XXXXXX";

	if (argc > 1 && !strcmp(argv[1], "echo"))
		return echo();
	if (!mkdtemp(folder) || setenv("TMPDIR", folder, 1) < 0)
		return 1;
	unsupported(argv[0]);
	channels(argv[0]);
	hostile("head -c 200 /dev/zero >$CAISSON_CHANNEL_FILES/in/h.0; sleep 5",
	        "zeroes are no tensor");
	hostile("ln -s /etc/passwd $CAISSON_CHANNEL_FILES/in/h.0; sleep 5",
	        "a link is not followed");
	hostile("mkfifo $CAISSON_CHANNEL_FILES/in/h.0; sleep 5", "a fifo does not hang");
	probe();
	ok(left_over(folder) == 0, "nothing is left in TMPDIR");
	rmdir(folder);
	printf("1..%d\n", points);
	return failures != 0;
}
