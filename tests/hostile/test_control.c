/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the host says to init, as wrong as it can be said: every field of START
 * at its extremes, descriptors missing, too many or of the wrong kind, strings
 * that are fewer, shorter or changing. init answers or ends, and never runs
 * anything but what START names; whoever is inside hears nothing of it.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "control_message.h"
#include "hostile.h"
#include "tests/lib/tap.h"

static struct raw_plan *plan;

/* What came of it: the last answer's kind, stage and knob; what was said; whether all ended. */
struct end {
	uint32_t kind, stage, knob;
	char said[256];
	bool sent, ended;
};

static struct end send_it(struct start *s) {
	struct end end = { 0 };
	struct caisson_answer answer;
	struct raw_box box;
	size_t have = 0;
	ssize_t n;

	raw_build(&box, plan, &RAW_HOW);
	if (!raw_built(&box))
		tap_ok(false, "a sandbox: %s", raw_text(&box));
	end.sent = start_send(box.socket, s);
	for (unsigned i = 0; i < CAISSON_START_FD_EXTRA; i++)
		if (s->fds[i] >= 0 && (i != 1 || s->fds[i] != s->fds[MAX_FDS - 1]))
			close(s->fds[i]);
	close(s->fds[MAX_FDS - 1]);
	while (raw_next(&box, &answer, 20000)) {
		end.kind = answer.kind;
		end.stage = answer.stage;
		end.knob = answer.knob;
		if (answer.kind != CAISSON_ANSWER_RUNNING)
			break;
	}
	end.ended = raw_end(&box);
	while (have < sizeof(end.said) - 1 &&
	       (n = read(s->out, end.said + have, sizeof(end.said) - 1 - have)) > 0)
		have += (size_t)n;
	close(s->out);
	return end;
}

static bool ran(const struct end *end) {
	return end->kind == CAISSON_ANSWER_EXITED && strstr(end->said, "ok 1 - /t is there");
}

/* knob 0: it must run; 1: either that or a refusal of any kind */
#define RUNS 0u
#define EITHER 1u

static void expect(const char *what, struct start *s, uint32_t knob) {
	struct end end = send_it(s);
	bool refused = end.kind == CAISSON_ANSWER_FAILED && !end.said[0] &&
	               (end.stage == CAISSON_STAGE_INIT || end.stage == CAISSON_STAGE_EXEC);
	bool good_end = knob == RUNS     ? ran(&end)
	                : knob == EITHER ? refused || ran(&end)
	                                 : refused && end.knob == knob;

	tap_ok(good_end && end.sent && end.ended, "%s: %s (answer %u stage %u knob %u)", what,
	       end.kind == CAISSON_ANSWER_EXITED ? "it ran what was named" : "refused", end.kind,
	       end.stage, end.knob);
}

/* ------------------------------------------------------------------------ fields */

#define FIELD(name) offsetof(struct caisson_control, name)

static const struct {
	const char *name;
	uint64_t value;
	uint16_t offset, size;
	uint32_t knob;
} fields[] = {
	{ "magic 0", 0, FIELD(magic), 4, CAISSON_KNOB_CONTROL },
	{ "magic of a plan", 0x53494143, FIELD(magic), 4, CAISSON_KNOB_CONTROL },
	{ "version 0", 0, FIELD(version), 2, CAISSON_KNOB_CONTROL },
	{ "version 2", 2, FIELD(version), 2, CAISSON_KNOB_CONTROL },
	{ "version 65535", 65535, FIELD(version), 2, CAISSON_KNOB_CONTROL },
	{ "kind 0", 0, FIELD(kind), 2, CAISSON_KNOB_CONTROL },
	{ "kind 65535", 65535, FIELD(kind), 2, CAISSON_KNOB_CONTROL },
	{ "SIGNAL as the first message", 2, FIELD(kind), 2, CAISSON_KNOB_CONTROL },
	{ "EXEC as the first message", 3, FIELD(kind), 2, CAISSON_KNOB_CONTROL },
	{ "an unknown flag", 0x80000000, FIELD(flags), 4, CAISSON_KNOB_CONTROL },
	{ "the flag after the last", 4, FIELD(flags), 4, CAISSON_KNOB_CONTROL },
	{ "args 0", 0, FIELD(args), 4, CAISSON_KNOB_CONTROL },
	{ "args one short", sizeof(GOOD) - 1, FIELD(args), 4, EITHER },
	{ "args that end in the arguments", 10, FIELD(args), 4, CAISSON_KNOB_CONTROL },
	{ "args one long", sizeof(GOOD) + 1, FIELD(args), 4, CAISSON_KNOB_CONTROL },
	{ "args at the limit", CAISSON_START_MAX_ARGS, FIELD(args), 4, CAISSON_KNOB_CONTROL },
	{ "args over the limit", CAISSON_START_MAX_ARGS + 1, FIELD(args), 4, CAISSON_KNOB_CONTROL },
	{ "args at the most", UINT32_MAX, FIELD(args), 4, CAISSON_KNOB_CONTROL },
	{ "argc 0", 0, FIELD(argc), 4, CAISSON_KNOB_CONTROL },
	{ "argc one more: no variable", 4, FIELD(argc), 4, CAISSON_KNOB_CONTROL },
	{ "argc over the limit", CAISSON_START_MAX_STRINGS, FIELD(argc), 4, CAISSON_KNOB_CONTROL },
	{ "argc with the sign bit", 0x80000000, FIELD(argc), 4, CAISSON_KNOB_CONTROL },
	{ "argc at the most", UINT32_MAX, FIELD(argc), 4, CAISSON_KNOB_CONTROL },
	{ "envc 0", 0, FIELD(envc), 4, RUNS },
	{ "envc one more", 2, FIELD(envc), 4, CAISSON_KNOB_CONTROL },
	{ "envc over the limit", CAISSON_START_MAX_STRINGS, FIELD(envc), 4, CAISSON_KNOB_CONTROL },
	{ "envc that wraps the sum to 0", UINT32_MAX - 3, FIELD(envc), 4, CAISSON_KNOB_CONTROL },
	{ "envc at the most", UINT32_MAX, FIELD(envc), 4, CAISSON_KNOB_CONTROL },
	{ "fds 0", 0, FIELD(fds), 4, CAISSON_KNOB_CONTROL },
	{ "fds 3", 3, FIELD(fds), 4, CAISSON_KNOB_CONTROL },
	{ "fds 5 with four", 5, FIELD(fds), 4, CAISSON_KNOB_CONTROL },
	{ "fds 68 with four", 68, FIELD(fds), 4, CAISSON_KNOB_CONTROL },
	{ "fds 69 with four", 69, FIELD(fds), 4, CAISSON_KNOB_CONTROL },
	{ "fds that wrap a size", 0x40000004, FIELD(fds), 4, CAISSON_KNOB_CONTROL },
	{ "fds at the most", UINT32_MAX, FIELD(fds), 4, CAISSON_KNOB_CONTROL },
	{ "a signal", 9, FIELD(signal), 4, EITHER },
	{ "a number that is not the target's", 1, FIELD(id), 8, CAISSON_KNOB_CONTROL },
	{ "the first reserved field", 1, FIELD(reserved), 8, CAISSON_KNOB_CONTROL },
	{ "the last reserved field", UINT64_MAX, FIELD(reserved[1]), 8, CAISSON_KNOB_CONTROL },
};

static void try_fields(void) {
	struct start s;

	start_good(&s);
	expect("a good START", &s, RUNS);
	for (unsigned i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
		start_good(&s);
		memcpy(s.bytes + fields[i].offset, &fields[i].value, fields[i].size);
		expect(fields[i].name, &s, fields[i].knob);
	}
}

/*
 * The caller kept the helper's end of the socket, and makes the kernel put
 * credentials before the descriptors.
 */
static void try_credentials(void) {
	struct raw_how how = RAW_HOW;
	struct caisson_answer answer = { 0 };
	struct raw_box box;
	struct start s;
	int sv[2], on = 1;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sv) < 0 ||
	    setsockopt(sv[1], SOL_SOCKET, SO_PASSCRED, &on, sizeof(on)) < 0)
		raw_bail("SO_PASSCRED");
	how.control = sv[1];
	raw_launch(&box, plan, &how);
	close(box.socket);
	box.socket = sv[0];
	raw_answer(&box);
	start_good(&s);
	start_send(box.socket, &s);
	start_close(&s);
	close(s.out);
	raw_next(&box, &answer, 20000);
	tap_ok(raw_built(&box) && (answer.kind == CAISSON_ANSWER_RUNNING ||
	                           (answer.kind == CAISSON_ANSWER_FAILED &&
	                            answer.knob == CAISSON_KNOB_CONTROL)),
	       "credentials before the descriptors: answered (%u knob %u)", answer.kind,
	       answer.knob);
	close(sv[1]);
	if (!raw_end(&box))
		tap_ok(false, "credentials: it ends");
}

/* -------------------------------------------------------------------- the message */

static void try_sizes(void) {
	static const size_t sizes[] = { 1, 2, 63, 65, 128 };
	struct start s;
	char what[64];

	for (unsigned i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		start_good(&s);
		s.len = sizes[i];
		snprintf(what, sizeof(what), "a message of %zu bytes", sizes[i]);
		expect(what, &s, CAISSON_KNOB_CONTROL);
	}
	start_good(&s);
	s.len = 0;
	expect("an empty message", &s, CAISSON_KNOB_CONTROL);
	start_good(&s);
	s.n = 0;
	expect("no descriptor", &s, CAISSON_KNOB_CONTROL);
	start_good(&s);
	s.n = 3;
	expect("three descriptors, said to be four", &s, CAISSON_KNOB_CONTROL);
	start_good(&s);
	s.n = s.head->fds = 3;
	expect("three descriptors", &s, CAISSON_KNOB_CONTROL);
	start_good(&s);
	s.n = 5;
	expect("five descriptors, said to be four", &s, CAISSON_KNOB_CONTROL);
	start_good(&s);
	s.n = s.head->fds = 68;
	expect("as many descriptors as there may be", &s, RUNS);
	start_good(&s);
	s.n = s.head->fds = 69;
	expect("one more", &s, CAISSON_KNOB_CONTROL);
	start_good(&s);
	s.n = s.head->fds = MAX_FDS;
	expect("as many as the kernel carries", &s, CAISSON_KNOB_CONTROL);
	start_good(&s);
	s.n = MAX_FDS;
	expect("as many, said to be four", &s, CAISSON_KNOB_CONTROL);
}

/* --------------------------------------------------------------------- the strings */

static void with_args(const char *what, int fd, uint32_t knob) {
	struct start s;

	start_good(&s);
	close(s.fds[0]);
	s.fds[0] = fd;
	if (fd < 0)
		tap_ok(false, "%s: made", what);
	else
		expect(what, &s, knob);
}

static void with_text(const char *what, const char *text, size_t len, uint32_t argc, uint32_t envc,
                      uint32_t knob) {
	struct start s;

	start_good(&s);
	start_strings(&s, text, len, argc, envc);
	expect(what, &s, knob);
}

static void try_strings(void) {
	static const char none[] = "/\0", no_cwd[] = "\0/t/inside\0present\0/t";
	static const char gone[] = "/nowhere\0/t/inside\0present\0/t";
	static const char file[] = "/t/inside\0/t/inside\0present\0/t";
	static const char relative[] = "t\0./inside\0present\0/t";
	static const char raw[] = "/\0/t/inside\0present\0/t\0=\0\0NOEQUALS";
	static char zeros[40];
	int pair[2];

	with_text("an empty program", none, sizeof(none), 1, 0, CAISSON_KNOB_PROGRAM);
	with_text("an empty directory", no_cwd, sizeof(no_cwd), 3, 0, CAISSON_KNOB_CWD);
	with_text("a directory that is not there", gone, sizeof(gone), 3, 0, CAISSON_KNOB_CWD);
	with_text("a file as the directory", file, sizeof(file), 3, 0, CAISSON_KNOB_CWD);
	with_text("relative names", relative, sizeof(relative), 3, 0, RUNS);
	with_text("odd variables", raw, sizeof(raw), 3, 3, RUNS);
	with_text("nothing but NULs", zeros, sizeof(zeros), 20, 19, CAISSON_KNOB_CWD);
	with_args("a memfd that is empty", start_memfd("", 0), CAISSON_KNOB_CONTROL);
	with_args("a memfd that is longer", start_memfd("/\0/t/inside\0present\0/t\0A=b\0more", 32),
	          RUNS);
	with_args("/dev/zero as the strings", open("/dev/zero", O_RDONLY | O_CLOEXEC),
	          CAISSON_KNOB_CWD);
	with_args("/dev/null as the strings", open("/dev/null", O_RDONLY | O_CLOEXEC),
	          CAISSON_KNOB_CONTROL);
	with_args("a directory as the strings", open("/", O_RDONLY | O_CLOEXEC),
	          CAISSON_KNOB_CONTROL);
	with_args("an O_PATH descriptor as the strings", raw_path("/proc/self/exe"),
	          CAISSON_KNOB_CONTROL);
	with_args("an eventfd as the strings", eventfd(1, EFD_CLOEXEC), CAISSON_KNOB_CONTROL);
	with_args("a socket as the strings", socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0),
	          CAISSON_KNOB_CONTROL);
	if (pipe2(pair, O_CLOEXEC) < 0)
		raw_bail("pipe2");
	with_args("a pipe as the strings", pair[0], CAISSON_KNOB_CONTROL);
	close(pair[1]);
}

/* The strings shrink, grow and change while they are read: what was copied is what counts. */
static void try_changing(void) {
	static const char other[] = "/\0/t/inside\0present\0/t\0Z=y";
	unsigned rounds = raw_rounds(60), wrong = 0, ran_it = 0;

	for (unsigned i = 0; i < rounds; i++) {
		struct end end;
		struct start s;
		pid_t pid;

		start_good(&s);
		pid = fork();
		if (pid < 0)
			raw_bail("fork");
		if (pid == 0)
			for (close(s.fds[2]), close(s.fds[3]);;)
				if (ftruncate(s.fds[0], 0) < 0 ||
				    pwrite(s.fds[0], GOOD, sizeof(GOOD), 0) < 0 ||
				    pwrite(s.fds[0], other, sizeof(other), 0) < 0)
					_exit(1);
		end = send_it(&s);
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
		ran_it += ran(&end);
		wrong += !end.ended ||
		         (!ran(&end) && (end.kind != CAISSON_ANSWER_FAILED || end.said[0]));
	}
	tap_ok(wrong == 0, "%u times with strings that change: %u ran, %u went wrong", rounds,
	       ran_it, wrong);
}

/* ------------------------------------------------------------------- bytes by chance */

static void try_chance(void) {
	unsigned rounds = raw_rounds(150), wrong = 0, ran_it = 0, seed = 1;

	for (unsigned i = 0; i < rounds; i++) {
		struct end end;
		struct start s;

		start_good(&s);
		for (unsigned k = 0; k <= i % 4; k++) {
			seed = seed * 1103515245u + 12345u;
			s.bytes[(seed >> 16) % sizeof(*s.head)] ^=
				(unsigned char)(1u << (seed >> 8) % 8);
		}
		end = send_it(&s);
		ran_it += ran(&end);
		if (end.ended && (ran(&end) || (end.kind == CAISSON_ANSWER_FAILED && !end.said[0])))
			continue;
		/* argc and envc may have changed places with good strings: the program says what it got */
		if (end.ended && end.kind == CAISSON_ANSWER_EXITED && s.head->argc != 3)
			continue;
		wrong++;
		tap_note("round %u: answer %u said \"%s\"", i, end.kind, end.said);
	}
	tap_ok(wrong == 0, "%u STARTs with bits changed: %u ran, %u went wrong", rounds, ran_it,
	       wrong);
}

/* START with a time limit: the target, which only sleeps, is ended by it, and the answer says so. */
static void try_seconds(void) {
	static const char sleeper[] = "/\0/t/inside\0sleep";
	struct caisson_answer answer = { 0 };
	int64_t before = raw_now_ms();
	struct raw_box box;
	struct start s;

	raw_build(&box, plan, &RAW_HOW);
	start_good(&s);
	start_strings(&s, sleeper, sizeof(sleeper), 2, 0);
	s.head->seconds = 1;
	start_send(box.socket, &s);
	start_close(&s);
	while (raw_next(&box, &answer, 20000) && answer.kind == CAISSON_ANSWER_RUNNING)
		;
	tap_ok(answer.kind == CAISSON_ANSWER_EXITED && answer.status == SIGKILL &&
	               answer.knob == CAISSON_KNOB_TIMEOUT && raw_now_ms() - before >= 900,
	       "one second and no more: ended, and said why (answer %u status %#x knob %u)",
	       answer.kind, (unsigned)answer.status, answer.knob);
	if (!raw_end(&box))
		tap_ok(false, "one second: it ends");
	close(s.out);
}

int main(void) {
	raw_watch();
	plan = raw_bare(CAISSON_USERNS_AUTO);
	try_fields();
	try_credentials();
	try_seconds();
	try_sizes();
	try_strings();
	try_changing();
	try_chance();
	raw_free(plan);
	raw_nothing_left("at the end");
	return tap_done();
}
