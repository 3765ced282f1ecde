/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* D-Bus messages, and a systemd that is none at the other end. */
#include <criterion/criterion.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "internal.h"
#include "scope.h"

static const char *const where[] = { "org.example.D", "/org/example", "org.example.I", "Do" };

Test(scope, a_message_reads_back) {
	struct bus_message body = { .n = 0 }, m;
	struct bus_reply reply;

	bus_u32(&body, 7);
	bus_string(&body, "/job/1");
	bus_string(&body, "a.scope");
	bus_string(&body, "done");
	bus_call(&m, 5, where, "uoss", &body);
	cr_assert_not(m.full);
	cr_expect_eq(bus_length(m.bytes), m.n);
	cr_assert(bus_parse(m.bytes, m.n, &reply));
	cr_expect_eq(reply.type, 1);
	cr_expect_str_eq(reply.member, "Do");
	cr_expect_str_eq(reply.signature, "uoss");
	cr_expect_str_eq(bus_body_string(&reply, 0), "/job/1");
	cr_expect_str_eq(bus_body_string(&reply, 2), "done");
	cr_expect_null(bus_body_string(&reply, 3));
}

/* The bytes of a message, as the D-Bus specification has them. */
Test(scope, the_bytes_of_a_message) {
	static const unsigned char expected[] = "l\1\0\1\0\0\0\0\1\0\0\0\x6e\0\0\0"
						"\6\1s\0\x14\0\0\0org.freedesktop.DBus\0\0\0\0"
						"\1\1o\0\x15\0\0\0/org/freedesktop/DBus\0\0\0"
						"\2\1s\0\x14\0\0\0org.freedesktop.DBus\0\0\0\0"
						"\3\1s\0\5\0\0\0Hello\0\0\0";
	static const char *const hello[] = { "org.freedesktop.DBus", "/org/freedesktop/DBus",
		                             "org.freedesktop.DBus", "Hello" };
	struct bus_message m;

	bus_call(&m, 1, hello, NULL, NULL);
	cr_assert_eq(m.n, sizeof(expected) - 1, "%zu", m.n);
	cr_expect_eq(memcmp(m.bytes, expected, m.n), 0);
}

Test(scope, what_is_cut_or_changed_is_no_crash) {
	struct bus_message body = { .n = 0 }, m;
	unsigned char bytes[512];
	struct bus_reply reply;

	bus_u32(&body, 7);
	bus_string(&body, "/job/1");
	bus_call(&m, 5, where, "uo", &body);
	for (size_t n = 0; n < m.n; n++) {
		memset(bytes, 0, sizeof(bytes));
		memcpy(bytes, m.bytes, n);
		cr_expect_not(n >= 16 && bus_parse(bytes, n, &reply), "cut to %zu", n);
	}
	for (size_t at = 0; at < m.n; at++)
		for (unsigned bit = 0; bit < 8; bit++) {
			unsigned char *copy = malloc(m.n); /* so that a read beyond it is noticed */

			memcpy(copy, m.bytes, m.n);
			copy[at] ^= (unsigned char)(1 << bit);
			if (bus_length(copy) == m.n && bus_parse(copy, m.n, &reply))
				bus_body_string(&reply, 1);
			free(copy);
		}
}

Test(scope, a_message_that_does_not_fit_is_not_sent) {
	struct bus_message m = { .n = 0 }, call;

	for (int i = 0; i < 1000; i++)
		bus_string(&m, "some text");
	cr_expect(m.full);
	cr_expect_leq(m.n, sizeof(m.bytes));
	bus_call(&call, 1, where, "s", &m);
	cr_expect(call.full);
}

Test(scope, lengths) {
	unsigned char head[16] = "l\2\0\1";

	cr_expect_eq(bus_length(head), 16);
	head[0] = 'B'; /* big-endian */
	cr_expect_eq(bus_length(head), 0);
	head[0] = 'l';
	memset(head + 4, 0xff, 4);
	memset(head + 12, 0xff, 4);
	cr_expect_eq(bus_length(head), 0, "longer than any of systemd's");
}

/* Each '#' of it is the user's id. */
static void slice(const char *pattern, const char *expected) {
	char path[256], *is;
	size_t n = 0;

	for (; *pattern; pattern++)
		if (*pattern == '#')
			n += (size_t)snprintf(path + n, sizeof(path) - n, "%u", (unsigned)getuid());
		else
			path[n++] = *pattern;
	path[n] = '\0';
	is = scope_slice(path);
	if (expected)
		cr_expect(is && !strcmp(is, expected), "%s: %s", path, is ? is : "none");
	else
		cr_expect_null(is, "%s: %s", path, is ? is : "");
	free(is);
}

Test(scope, the_slice_of_the_callers_own) {
	slice("/user.slice/user-#.slice/user@#.service/app.slice/a.scope", "app.slice");
	slice("/user.slice/user@#.service/app.slice/app-x.slice/a.service/b", "app-x.slice");
	slice("/user.slice/user@#.service/init.scope", NULL);
	slice("/user.slice/user-#.slice/session-1.scope", NULL);
	slice("/user.slice/user@#9.service/app.slice/a.scope", NULL);
	slice("/", NULL);
}

/* ------------------------------------------------- the other end, in a thread */

struct other {
	int listener;
	const char *hello; /* its answer to AUTH */
	unsigned char bytes[512];
	size_t n; /* what it sends after BEGIN */
};

static void *serve(void *arg) {
	struct other *o = arg;
	char buffer[4096];
	int s = accept(o->listener, NULL, NULL);

	if (s < 0)
		return NULL;
	if (read(s, buffer, sizeof(buffer)) > 0 && o->hello &&
	    write(s, o->hello, strlen(o->hello)) > 0)
		while (o->n && read(s, buffer, sizeof(buffer)) > 0)
			if (memmem(buffer, sizeof(buffer), "StartTransientUnit", 18)) {
				if (write(s, o->bytes, o->n) < 0)
					break;
				o->n = 0;
			}
	if (!o->n)
		usleep(50000);
	close(s);
	return NULL;
}

static int start_with(struct other *o, char *why, size_t size, int64_t *took) {
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	char dir[64] = "/tmp/test_scope.XXXXXX", path[128];
	struct limits_asked asked = { .set = 4, .value = { 0, 0, 64 } };
	struct scope *scope;
	pthread_t thread;
	int rc;

	cr_assert_not_null(mkdtemp(dir));
	setenv("XDG_RUNTIME_DIR", dir, 1);
	unsetenv("DBUS_SESSION_BUS_ADDRESS");
	snprintf(path, sizeof(path), "%s/systemd", dir);
	mkdir(path, 0700);
	snprintf(address.sun_path, sizeof(address.sun_path), "%s/systemd/private", dir);
	o->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	cr_assert_eq(bind(o->listener, (struct sockaddr *)&address, sizeof(address)), 0);
	listen(o->listener, 1);
	pthread_create(&thread, NULL, serve, o);
	*took = now_ms();
	scope = scope_connect(why, size);
	rc = scope ? scope_start(scope, "caisson-1-1.scope", getpid(), &asked, NULL) : -errno;
	if (scope)
		snprintf(why, size, "%s", scope->why);
	*took = now_ms() - *took;
	scope_close(scope);
	pthread_join(thread, NULL);
	close(o->listener);
	unlink(address.sun_path);
	rmdir(path);
	rmdir(dir);
	return rc;
}

/* An error that answers call 1, or a signal of JobRemoved with this result. */
static void message(struct other *o, const char *error, const char *unit, const char *result) {
	struct bus_message body = { .n = 0 }, m;

	if (error) {
		bus_string(&body, error);
		bus_call(&m, 1, where, "s", &body);
		/* field 5, the call that it answers, in place of the first field's 8 bytes and text */
		m.bytes[1] = 3;
		memcpy(o->bytes, m.bytes, 12);
		memcpy(o->bytes + 12, "\x0f\0\0\0\5\1u\0\1\0\0\0\10\1g\0\1s\0\0", 20);
		memcpy(o->bytes + 32, body.bytes, body.n);
		o->n = 32 + body.n;
		return;
	}
	bus_u32(&body, 7);
	bus_string(&body, "/job/1");
	bus_string(&body, unit);
	bus_string(&body, result);
	bus_call(&m, 1, (const char *const[]){ "a.b", "/a", "a.b", "JobRemoved" }, "uoss", &body);
	m.bytes[1] = 4;
	memcpy(o->bytes, m.bytes, m.n);
	o->n = m.n;
}

Test(scope, a_job_that_is_done, .timeout = 20) {
	struct other o = { .hello = "OK 0123\r\n" };
	char why[256] = "";
	int64_t took;

	message(&o, NULL, "caisson-1-1.scope", "done");
	cr_expect_eq(start_with(&o, why, sizeof(why), &took), 0, "%s", why);
}

Test(scope, a_job_that_failed, .timeout = 20) {
	struct other o = { .hello = "OK 0123\r\n" };
	char why[256] = "";
	int64_t took;

	message(&o, NULL, "caisson-1-1.scope", "failed");
	cr_expect_eq(start_with(&o, why, sizeof(why), &took), -EACCES);
	cr_expect_str_eq(why, "systemd --user could not move a process into a scope: failed");
}

Test(scope, a_refusal, .timeout = 20) {
	struct other o = { .hello = "OK 0123\r\n" };
	char why[256] = "";
	int64_t took;

	message(&o, "Unit exists.", NULL, NULL);
	cr_expect_eq(start_with(&o, why, sizeof(why), &took), -EACCES);
	cr_expect_str_eq(why, "systemd --user refused a scope: Unit exists.");
}

Test(scope, another_units_job_is_not_ours, .timeout = 20) {
	struct other o = { .hello = "OK 0123\r\n" };
	char why[256] = "";
	int64_t took;

	message(&o, NULL, "caisson-1-11.scope", "done");
	cr_expect_eq(start_with(&o, why, sizeof(why), &took), -EPIPE);
}

Test(scope, who_speaks_something_else, .timeout = 20) {
	struct other o = { .hello = "REJECTED EXTERNAL\r\n" };
	char why[256] = "";
	int64_t took;

	cr_expect_eq(start_with(&o, why, sizeof(why), &took), -EACCES);
	cr_expect(strstr(why, "systemd --user does not answer at "), "%s", why);
	o = (struct other){ .hello = "OK\r\n", .n = 64 };
	memset(o.bytes, 'x', 64);
	cr_expect_eq(start_with(&o, why, sizeof(why), &took), -EPROTO);
	o = (struct other){ .hello = NULL };
	cr_expect_lt(start_with(&o, why, sizeof(why), &took), 0);
	cr_expect_lt(took, 5000);
}

Test(scope, nobody_there) {
	char why[256] = "";

	unsetenv("DBUS_SESSION_BUS_ADDRESS");
	setenv("XDG_RUNTIME_DIR", "/nowhere", 1);
	cr_expect_null(scope_connect(why, sizeof(why)));
	cr_expect_str_eq(why, "systemd --user does not answer at /nowhere/systemd/private (No such "
	                      "file or directory)");
	unsetenv("XDG_RUNTIME_DIR");
	cr_expect_null(scope_connect(why, sizeof(why)));
	cr_expect(strstr(why, "XDG_RUNTIME_DIR is not set"));
	setenv("DBUS_SESSION_BUS_ADDRESS", "tcp:host=localhost", 1);
	cr_expect_null(scope_connect(why, sizeof(why)));
	setenv("DBUS_SESSION_BUS_ADDRESS", "unix:path=/nowhere%20else", 1);
	cr_expect_null(scope_connect(why, sizeof(why)));
}
