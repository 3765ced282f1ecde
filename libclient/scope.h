/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A transient scope of the user's systemd: a cgroup with limits that holds a
 * process of ours. Spoken over D-Bus without a library: a static program cannot
 * load one.
 */
#ifndef CAISSON_LIBCLIENT_SCOPE_H
#define CAISSON_LIBCLIENT_SCOPE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "limits_impl.h"

#define SCOPE_MESSAGE_MAX 16384u

/* A message in the making. */
struct bus_message {
	size_t n;
	bool full; /* it did not fit */
	unsigned char bytes[2048];
};

/* What is of interest in one that came. */
struct bus_reply {
	uint8_t type;
	uint32_t reply_to;
	const char *member, *error, *signature; /* "" if none; into the message */
	const unsigned char *body;
	size_t size;
};

/* scope_bus.c: the wire format, little-endian. */
void bus_align(struct bus_message *m, size_t to);
void bus_u32(struct bus_message *m, uint32_t value);
void bus_u64(struct bus_message *m, uint64_t value);
void bus_string(struct bus_message *m, const char *text);
void bus_signature(struct bus_message *m, const char *text);
/* An array's length, filled in at its end; align: of what is in it. Gives where it stands. */
size_t bus_array(struct bus_message *m, size_t align);
void bus_array_end(struct bus_message *m, size_t at, size_t align);
/* The header of a method call, to which the body of that size and signature is added. */
void bus_call(struct bus_message *m, uint32_t serial, const char *const where[4],
              const char *signature, const struct bus_message *body);
/* False if it is malformed. size: of the whole message. */
bool bus_parse(const unsigned char *bytes, size_t size, struct bus_reply *reply);
/* How long the message is that starts so (16 bytes); 0 if it is none. */
size_t bus_length(const unsigned char head[16]);
/* The nth string of a body (from 0) whose signature is of s, o and u only; NULL. */
const char *bus_body_string(const struct bus_reply *reply, size_t nth);

struct scope {
	int fd;
	bool broker; /* through the message bus, not straight to systemd */
	uint32_t serial;
	int64_t until;
	char why[256]; /* of a failure */
	unsigned char buffer[SCOPE_MESSAGE_MAX];
};

/* Connects to the user's systemd. NULL with errno, and why. */
struct scope *scope_connect(char *why, size_t size);
/*
 * The slice of the user's systemd that a group lies in, so that its limits hold
 * for the scope too. NULL if there is none: systemd then takes its usual one.
 */
char *scope_slice(const char *path);
/* Until the scope is there and has the process. 0, or -errno and scope->why. */
int scope_start(struct scope *scope, const char *unit, pid_t pid, const struct limits_asked *asked,
                const char *slice);
/* NULL is fine. */
void scope_close(struct scope *scope);

#endif
