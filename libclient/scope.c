/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * org.freedesktop.systemd1's StartTransientUnit, for a scope that takes over one
 * process. First at systemd's own socket, which is there also where no message
 * bus is, then through the bus; all of it within ten seconds.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "internal.h"
#include "scope.h"

#define PATIENCE_MS 10000
#define MESSAGES_MOST 1000

static const char SYSTEMD[] = "org.freedesktop.systemd1";
static const char MANAGER[] = "org.freedesktop.systemd1.Manager";

static int fail(struct scope *scope, int error, const char *fmt, const char *what) {
	snprintf(scope->why, sizeof(scope->why), "%s%s%s", fmt, *what ? ": " : "", what);
	return -error;
}

/* ----------------------------------------------------------------- the bytes */

static int ready(const struct scope *scope, short events) {
	struct pollfd p = { .fd = scope->fd, .events = events };
	int64_t left = scope->until - now_ms();
	int n;

	do
		n = left > 0 ? poll(&p, 1, (int)left) : 0;
	while (n < 0 && errno == EINTR && (left = scope->until - now_ms()) > 0);
	return n > 0 ? 0 : n == 0 ? -ETIMEDOUT : -errno;
}

static int put_all(struct scope *scope, const void *bytes, size_t n) {
	const char *at = bytes;
	ssize_t put;
	int rc;

	while (n > 0) {
		rc = ready(scope, POLLOUT);
		if (rc < 0)
			return rc;
		put = send(scope->fd, at, n, MSG_NOSIGNAL | MSG_DONTWAIT);
		if (put < 0 && errno != EAGAIN && errno != EINTR)
			return -errno;
		at += put > 0 ? put : 0;
		n -= put > 0 ? (size_t)put : 0;
	}
	return 0;
}

static int get_all(struct scope *scope, unsigned char *to, size_t n) {
	ssize_t got;
	int rc;

	while (n > 0) {
		rc = ready(scope, POLLIN);
		if (rc < 0)
			return rc;
		got = recv(scope->fd, to, n, MSG_DONTWAIT);
		if (got == 0)
			return -EPIPE;
		if (got < 0 && errno != EAGAIN && errno != EINTR)
			return -errno;
		to += got > 0 ? got : 0;
		n -= got > 0 ? (size_t)got : 0;
	}
	return 0;
}

/* ------------------------------------------------------------ the connection */

static int connect_at(const char *path, bool abstract) {
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	size_t length = strlen(path);
	int fd, error;

	if (length + 1 >= sizeof(address.sun_path)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	memcpy(address.sun_path + abstract, path, length);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	length += offsetof(struct sockaddr_un, sun_path) + 1; /* a NUL at its end, or its start */
	if (fd < 0 || connect(fd, (struct sockaddr *)&address, (socklen_t)length) == 0)
		return fd;
	error = errno;
	close(fd);
	errno = error;
	return -1;
}

/* The first address of the list, if it is a unix socket whose name needs no unquoting. */
static int connect_bus(void) {
	const char *list = getenv("DBUS_SESSION_BUS_ADDRESS"), *at;
	char path[sizeof(((struct sockaddr_un *)0)->sun_path)];
	bool abstract;
	size_t length;

	errno = ENOENT;
	if (!list || strncmp(list, "unix:", 5) != 0)
		return -1;
	abstract = !strncmp(list + 5, "abstract=", 9);
	if (!abstract && strncmp(list + 5, "path=", 5) != 0)
		return -1;
	at = list + 5 + (abstract ? 9 : 5);
	length = strcspn(at, ",;");
	if (length >= sizeof(path) || memchr(at, '%', length))
		return -1;
	memcpy(path, at, length);
	path[length] = '\0';
	return connect_at(path, abstract);
}

static int authenticate(struct scope *scope) {
	char text[64], number[16];
	unsigned char c = 0;
	size_t n;
	int rc;

	snprintf(number, sizeof(number), "%u", (unsigned)getuid());
	n = (size_t)snprintf(text, sizeof(text), "%cAUTH EXTERNAL ", '\0');
	for (const char *digit = number; *digit; digit++)
		n += (size_t)snprintf(text + n, sizeof(text) - n, "%02x", (unsigned)*digit);
	n += (size_t)snprintf(text + n, sizeof(text) - n, "\r\n");
	rc = put_all(scope, text, n);
	for (n = 0; rc == 0 && c != '\n' && n < sizeof(text) - 1;) {
		rc = get_all(scope, &c, 1);
		if (n < 2)
			text[n] = (char)c;
		n++;
	}
	if (rc == 0 && (n < 2 || text[0] != 'O' || text[1] != 'K'))
		rc = -EACCES;
	return rc < 0 ? rc : put_all(scope, "BEGIN\r\n", 7);
}

static int send_call(struct scope *scope, const char *const where[4], const char *signature,
                     const struct bus_message *body) {
	struct bus_message m;

	bus_call(&m, ++scope->serial, where, signature, body);
	return m.full ? -E2BIG : put_all(scope, m.bytes, m.n);
}

static int receive(struct scope *scope, struct bus_reply *reply) {
	size_t length;
	int rc = get_all(scope, scope->buffer, 16);

	if (rc < 0)
		return rc;
	length = bus_length(scope->buffer);
	if (length == 0)
		return -EPROTO;
	rc = get_all(scope, scope->buffer + 16, length - 16);
	if (rc < 0)
		return rc;
	return bus_parse(scope->buffer, length, reply) ? 0 : -EPROTO;
}

/* Only the bus itself wants to be greeted, and to be told what to pass on. */
static int greet_bus(struct scope *scope) {
	static const char *const hello[] = { "org.freedesktop.DBus", "/org/freedesktop/DBus",
		                             "org.freedesktop.DBus", "Hello" };
	static const char *const match[] = { "org.freedesktop.DBus", "/org/freedesktop/DBus",
		                             "org.freedesktop.DBus", "AddMatch" };
	struct bus_message body = { .n = 0 };
	int rc;

	bus_string(&body, "type='signal',interface='org.freedesktop.systemd1.Manager',"
	                  "member='JobRemoved'");
	rc = send_call(scope, hello, NULL, NULL);
	return rc < 0 ? rc : send_call(scope, match, "s", &body);
}

/* Pids are told to it: it has to be in our pid namespace, or they mean other processes. */
static bool is_near(int fd) {
	struct ucred peer;
	socklen_t size = sizeof(peer);

	return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0 && peer.pid > 0 &&
	       peer.uid == getuid();
}

static int try(struct scope *scope, int fd, bool broker) {
	int rc;

	if (fd < 0)
		return -errno;
	if (!is_near(fd)) {
		close(fd);
		return -EXDEV;
	}
	scope->fd = fd;
	scope->broker = broker;
	scope->serial = 0;
	rc = authenticate(scope);
	if (rc == 0 && broker)
		rc = greet_bus(scope);
	if (rc < 0) {
		close(fd);
		scope->fd = -1;
	}
	return rc;
}

struct scope *scope_connect(char *why, size_t size) {
	const char *runtime = getenv("XDG_RUNTIME_DIR");
	struct scope *scope = calloc(1, sizeof(*scope));
	char path[sizeof(((struct sockaddr_un *)0)->sun_path)] = "";
	int rc = -ENOENT;

	if (!scope) {
		snprintf(why, size, "memory is short");
		return NULL;
	}
	scope->until = now_ms() + PATIENCE_MS;
	if (runtime && *runtime == '/' &&
	    snprintf(path, sizeof(path), "%s/systemd/private", runtime) < (int)sizeof(path))
		rc = try(scope, connect_at(path, false), false);
	if (rc < 0 && getenv("DBUS_SESSION_BUS_ADDRESS"))
		rc = try(scope, connect_bus(), true);
	if (rc == 0)
		return scope;
	if (!*path)
		snprintf(why, size,
		         "XDG_RUNTIME_DIR is not set, so that systemd --user is not found");
	else
		snprintf(why, size, "systemd --user does not answer at %s (%s)", path,
		         strerror(-rc));
	free(scope);
	errno = -rc;
	return NULL;
}

void scope_close(struct scope *scope) {
	if (scope && scope->fd >= 0)
		close(scope->fd);
	free(scope);
}

/* --------------------------------------------------------------- the request */

/* A property: its name, the signature of its variant, and room for the value after it. */
static void property(struct bus_message *m, const char *name, const char *signature) {
	bus_align(m, 8);
	bus_string(m, name);
	bus_signature(m, signature);
}

static void property_bool(struct bus_message *m, const char *name) {
	property(m, name, "b");
	bus_u32(m, 1);
}

static void property_u64(struct bus_message *m, const char *name, uint64_t value) {
	property(m, name, "t");
	bus_u64(m, value);
}

static void put_limits(struct bus_message *m, const struct limits_asked *asked) {
	const uint64_t *value = asked->value;
	bool memory = limits_has(asked, CAISSON_LIMIT_MEMORY);
	bool swap = limits_has(asked, CAISSON_LIMIT_SWAP);

	if (memory)
		property_u64(m, "MemoryMax", limits_pages(value[CAISSON_LIMIT_MEMORY]));
	if (swap || memory)
		property_u64(m, "MemorySwapMax",
		             swap ? limits_pages(value[CAISSON_LIMIT_SWAP]) : 0);
	if (limits_has(asked, CAISSON_LIMIT_PIDS))
		property_u64(m, "TasksMax", value[CAISSON_LIMIT_PIDS]);
	if (limits_has(asked, CAISSON_LIMIT_CPU))
		property_u64(m, "CPUQuotaPerSecUSec", value[CAISSON_LIMIT_CPU] * 10000);
	if (limits_has(asked, CAISSON_LIMIT_IO_WEIGHT))
		property_u64(m, "IOWeight", value[CAISSON_LIMIT_IO_WEIGHT]);
}

static void put_request(struct bus_message *m, const char *unit, pid_t pid,
                        const struct limits_asked *asked, const char *slice) {
	static const char *const counted[] = { "Delegate", "MemoryAccounting", "TasksAccounting",
		                               "CPUAccounting" };
	size_t properties, pids;

	bus_string(m, unit);
	bus_string(m, "fail");
	properties = bus_array(m, 8);
	property(m, "Description", "s");
	bus_string(m, "sandbox of caisson");
	property(m, "CollectMode", "s"); /* nothing of it is left, however it ends */
	bus_string(m, "inactive-or-failed");
	property(m, "PIDs", "au");
	pids = bus_array(m, 4);
	bus_u32(m, (uint32_t)pid);
	bus_array_end(m, pids, 4);
	if (slice) {
		property(m, "Slice", "s");
		bus_string(m, slice);
	}
	for (size_t i = 0; i < sizeof(counted) / sizeof(counted[0]); i++)
		property_bool(m, counted[i]);
	put_limits(m, asked);
	bus_array_end(m, properties, 8);
	bus_array_end(m, bus_array(m, 8), 8);
}

static bool is(const char *a, const char *b) {
	return a && !strcmp(a, b);
}

/* 1: the scope is there. */
static int judge(struct scope *scope, const struct bus_reply *reply, uint32_t asked,
                 const char *unit) {
	const char *text = bus_body_string(reply, 0);

	if (reply->type == 3 && scope->broker && reply->reply_to < asked)
		return fail(scope, EACCES, "the user's message bus refused", text ? text : "");
	if (reply->type == 3 && reply->reply_to == asked)
		return fail(scope, EACCES, "systemd --user refused a scope",
		            text ? text : reply->error);
	/* JobRemoved: number, path, unit, result; the number is no string. */
	if (reply->type != 4 || !is(reply->member, "JobRemoved") ||
	    !is(bus_body_string(reply, 1), unit))
		return 0;
	if (is(bus_body_string(reply, 2), "done"))
		return 1;
	text = bus_body_string(reply, 2);
	return fail(scope, EACCES, "systemd --user could not move a process into a scope",
	            text ? text : "");
}

char *scope_slice(const char *path) {
	char marker[48];
	const char *at, *end, *last = NULL;

	snprintf(marker, sizeof(marker), "/user@%u.service/", (unsigned)getuid());
	at = strstr(path, marker);
	at = at ? at + strlen(marker) : "";
	for (; *at; at = end + (*end == '/')) {
		end = at + strcspn(at, "/");
		if (end - at > 6 && !strncmp(end - 6, ".slice", 6))
			last = at;
	}
	return last ? strndup(last, strcspn(last, "/")) : NULL;
}

int scope_start(struct scope *scope, const char *unit, pid_t pid, const struct limits_asked *asked,
                const char *slice) {
	const char *const where[] = { SYSTEMD, "/org/freedesktop/systemd1", MANAGER,
		                      "StartTransientUnit" };
	const char *const subscribe[] = { SYSTEMD, "/org/freedesktop/systemd1", MANAGER,
		                          "Subscribe" };
	struct bus_message body = { .n = 0 };
	struct bus_reply reply;
	int rc = 0;

	scope->until = now_ms() + PATIENCE_MS;
	put_request(&body, unit, pid, asked, slice);
	if (scope->broker)
		rc = send_call(scope, subscribe, NULL, NULL);
	if (rc == 0)
		rc = send_call(scope, where, "ssa(sv)a(sa(sv))", &body);
	for (int i = 0; rc == 0 && i < MESSAGES_MOST; i++) {
		rc = receive(scope, &reply);
		if (rc == 0)
			rc = judge(scope, &reply, scope->serial, unit);
		if (rc < 0 && scope->why[0])
			return rc;
	}
	if (rc == 1)
		return 0;
	return fail(scope, rc < 0 ? -rc : EPROTO, "systemd --user did not make a scope",
	            strerror(rc < 0 ? -rc : EPROTO));
}
